/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_DELIVERY_SMTP_CAPABILITIES_H
#define BRIDGE_DELIVERY_SMTP_CAPABILITIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a server said it can do, in its reply to EHLO. */
typedef struct {
    bool pipelining, smtputf8, starttls, auth;
    bool size;            /* SIZE may be named in MAIL */
    uint64_t size_max;    /* 0: no limit named */
    char mechanisms[256]; /* what follows AUTH, as much as fits; "" */
} Capabilities;

/* Adds what LINE (of LENGTH bytes, without reply code and line end) says; keywords
 * count in any case, unknown ones are passed over. */
void capabilities_add(Capabilities *capabilities, const char *line, size_t length);

#endif
