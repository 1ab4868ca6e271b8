/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_INTAKE_BODY_H
#define BRIDGE_INTAKE_BODY_H

#include <glib.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* A request's body as it comes in, under two ceilings: its own, and one over the
 * memory of all bodies together. */
typedef struct {
    char *bytes; /* NULL while empty */
    size_t length, capacity;
    size_t announced; /* 0: not known */
    atomic_size_t *inflight; /* shared: the capacities of all */
} Body;

typedef struct {
    size_t length;   /* of the body */
    size_t inflight; /* of all bodies; its last quarter is for those up to 64 KiB */
} BodyLimits;

typedef enum { BODY_OK, BODY_TOO_LONG, BODY_TOO_MANY } BodyVerdict;

/* Sets the whole length, if it is known: what a body of it would meet. */
BodyVerdict body_announce(Body *body, size_t length, const BodyLimits *limits);
/* Appends LENGTH bytes of DATA; nothing is kept of what is not OK. */
BodyVerdict body_append(Body *body, const char *data, size_t length, const BodyLimits *limits);
/* Gives the memory back; nothing may be appended any more. */
void body_clear(Body *body);

#endif
