/* SPDX-License-Identifier: MIT */
#include "bridge/delivery/smtp/outgoing.h"

#include <glib.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { DOT_LENGTH = 3 }; /* with its line end */

static void empty_buffer(Outgoing *outgoing)
{
    outgoing->length = outgoing->at = 0;
    outgoing->dot_at = SIZE_MAX;
}

void outgoing_init(Outgoing *outgoing)
{
    empty_buffer(outgoing);
    outgoing->dot_left = outgoing->dot_sent = false;
    outgoing->straight = outgoing->held = NULL;
    outgoing->straight_length = outgoing->held_length = 0;
    outgoing->has_body = false;
}

void outgoing_add(Outgoing *outgoing, const char *format, ...)
{
    if (outgoing->at == outgoing->length) {
        empty_buffer(outgoing);
    }
    va_list arguments;
    va_start(arguments, format);
    size_t room = sizeof outgoing->buffer - outgoing->length;
    int length = vsnprintf(outgoing->buffer + outgoing->length, room, format, arguments);
    va_end(arguments);
    g_assert(length >= 0 && (size_t)length < room);
    outgoing->length += (size_t)length;
}

void outgoing_add_body(Outgoing *outgoing, const char *bytes, size_t length)
{
    body_init(&outgoing->body, bytes, length);
    outgoing->has_body = true;
    outgoing->dot_left = outgoing->dot_sent = false;
}

bool outgoing_is_empty(const Outgoing *outgoing)
{
    return outgoing->at == outgoing->length && outgoing->straight_length == 0 &&
           !outgoing->has_body;
}

bool outgoing_dot_left(const Outgoing *outgoing)
{
    return outgoing->dot_left;
}

bool outgoing_dot_sent(const Outgoing *outgoing)
{
    return outgoing->dot_sent;
}

size_t outgoing_room(const Outgoing *outgoing)
{
    size_t used = outgoing->at == outgoing->length ? 0 : outgoing->length;
    return sizeof outgoing->buffer - 1 - used;
}

/* True if PIECE found its place; else it waits until the buffer is sent. */
static bool place(Outgoing *outgoing, const char *piece, size_t length)
{
    if (length <= sizeof outgoing->buffer - outgoing->length) {
        memcpy(outgoing->buffer + outgoing->length, piece, length);
        outgoing->length += length;
        return true;
    }
    if (outgoing->length == 0) {
        outgoing->straight = piece;
        outgoing->straight_length = length;
        return true;
    }
    outgoing->held = piece;
    outgoing->held_length = length;
    return false;
}

/* Gathers as much of the body as one write takes. */
static void fill(Outgoing *outgoing)
{
    empty_buffer(outgoing);
    while (outgoing->has_body && outgoing->straight_length == 0) {
        const char *piece = outgoing->held;
        size_t length = outgoing->held_length;
        if (piece == NULL && !body_next(&outgoing->body, &piece, &length)) {
            outgoing->has_body = false;
            return;
        }
        outgoing->held = NULL;
        size_t start = outgoing->length;
        if (!place(outgoing, piece, length)) {
            return;
        }
        if (body_is_finished(&outgoing->body)) {
            outgoing->dot_at = start;
            outgoing->has_body = false;
        }
    }
}

bool outgoing_gather(Outgoing *outgoing)
{
    if (outgoing->has_body && outgoing->at == outgoing->length && outgoing->straight_length == 0) {
        fill(outgoing);
    }
    return !outgoing->has_body && (outgoing->dot_at != SIZE_MAX || outgoing->dot_sent);
}

/* What has left of the buffer tells how far the dot is. */
static void note_dot(Outgoing *outgoing)
{
    if (outgoing->dot_at != SIZE_MAX) {
        outgoing->dot_left = outgoing->dot_left || outgoing->at > outgoing->dot_at;
        outgoing->dot_sent = outgoing->dot_sent || outgoing->at >= outgoing->dot_at + DOT_LENGTH;
    }
}

/* Sends of BYTES what is left; true when all are gone. */
static bool send_some(const Transport *transport, const char *bytes, size_t length,
                      size_t *sent, OutgoingStatus *status)
{
    while (*sent < length) {
        ssize_t taken = transport->ops->send(transport->who, bytes + *sent, length - *sent);
        if (taken < 0) {
            *status = taken == TRANSPORT_AGAIN ? OUTGOING_AGAIN : OUTGOING_LOST;
            return false;
        }
        *sent += (size_t)taken;
    }
    return true;
}

static bool send_straight(Outgoing *outgoing, const Transport *transport,
                          OutgoingStatus *status)
{
    if (outgoing->straight_length == 0) {
        return true;
    }
    size_t sent = 0;
    bool all = send_some(transport, outgoing->straight, outgoing->straight_length, &sent, status);
    outgoing->straight += sent;
    outgoing->straight_length -= sent;
    return all;
}

OutgoingStatus outgoing_flush(Outgoing *outgoing, const Transport *transport, bool *moved)
{
    OutgoingStatus status = OUTGOING_SENT;
    *moved = false;
    while (!outgoing_is_empty(outgoing)) {
        size_t at = outgoing->at, straight = outgoing->straight_length;
        bool all = send_some(transport, outgoing->buffer, outgoing->length, &outgoing->at, &status);
        note_dot(outgoing);
        all = all && send_straight(outgoing, transport, &status);
        *moved = *moved || outgoing->at != at || outgoing->straight_length != straight;
        if (!all) {
            return status;
        }
        if (outgoing->has_body) {
            fill(outgoing);
        }
    }
    return OUTGOING_SENT;
}
