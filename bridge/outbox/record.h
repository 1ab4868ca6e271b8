/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_OUTBOX_RECORD_H
#define BRIDGE_OUTBOX_RECORD_H

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

/* A small value by key, compared and set by its version. */
typedef struct {
    char *key;
    guint8 *value;     /* NULL: absent */
    size_t length;
    uint64_t version;  /* 0: never written; a commit states the version it was read at */
    int64_t expires_ms; /* Unix time after which the record may go; 0: never */
} Record;
void record_clear(Record *record);

#endif
