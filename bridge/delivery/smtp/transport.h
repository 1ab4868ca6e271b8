/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_DELIVERY_SMTP_TRANSPORT_H
#define BRIDGE_DELIVERY_SMTP_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The bytes' way: a session, or a script in a test. */
enum { TRANSPORT_AGAIN = -1, TRANSPORT_LOST = -2 };

typedef struct {
    /* How many bytes were taken, AGAIN or LOST.  After AGAIN the very same bytes at
     * the same address are offered again. */
    ssize_t (*send)(void *who, const void *bytes, size_t length);
    /* How many bytes came, 0 at the end of the stream, AGAIN or LOST. */
    ssize_t (*receive)(void *who, void *buffer, size_t size);
    const char *(*error)(void *who); /* why it was LOST */
    /* Hides our secrets in TEXT of the server's, which only gets shorter. */
    void (*mask)(void *who, char *text);
} TransportOps;

typedef struct {
    const TransportOps *ops;
    void *who;
    bool drained; /* a receive that does not fill the buffer leaves nothing to read */
} Transport;

#endif
