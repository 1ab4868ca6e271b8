/* SPDX-License-Identifier: MIT */
#include "bridge/intake/body.h"

#include <string.h>

#define FIRST ((size_t)8 * 1024)
#define SMALL ((size_t)64 * 1024)

/* For a body of LENGTH bytes.  The last quarter is for small ones: a few large ones that do
 * not come to an end keep nobody out.  The largest that is allowed fits all the same. */
static size_t inflight_max(const BodyLimits *limits, size_t length)
{
    size_t large = MAX(limits->inflight - limits->inflight / 4, limits->length);
    return length <= SMALL ? limits->inflight : MIN(large, limits->inflight);
}

BodyVerdict body_announce(Body *body, size_t length, const BodyLimits *limits)
{
    body->announced = length;
    if (length > limits->length) {
        return BODY_TOO_LONG;
    }
    size_t others = atomic_load(body->inflight);
    size_t max = inflight_max(limits, length);
    return length > 0 && (others > max || length > max - others) ? BODY_TOO_MANY : BODY_OK;
}

/* Room for LENGTH bytes in all. */
static bool reserve(Body *body, size_t length, const BodyLimits *limits)
{
    if (length <= body->capacity) {
        return true;
    }
    size_t capacity = MAX(MAX(length, body->capacity * 2), FIRST);
    if (body->announced >= length) {
        capacity = MIN(capacity, body->announced);
    }
    size_t more = capacity - body->capacity;
    if (atomic_fetch_add(body->inflight, more) + more > inflight_max(limits, capacity)) {
        atomic_fetch_sub(body->inflight, more);
        return false;
    }
    body->bytes = g_realloc(body->bytes, capacity);
    body->capacity = capacity;
    return true;
}

BodyVerdict body_append(Body *body, const char *data, size_t length,
                        const BodyLimits *limits)
{
    if (length > limits->length - body->length) {
        return BODY_TOO_LONG;
    }
    if (length == 0) {
        return BODY_OK;
    }
    if (!reserve(body, body->length + length, limits)) {
        return BODY_TOO_MANY;
    }
    memcpy(body->bytes + body->length, data, length);
    body->length += length;
    return BODY_OK;
}

void body_clear(Body *body)
{
    atomic_fetch_sub(body->inflight, body->capacity);
    g_clear_pointer(&body->bytes, g_free);
    body->length = body->capacity = 0;
}
