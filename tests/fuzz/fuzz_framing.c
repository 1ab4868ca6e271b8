/* SPDX-License-Identifier: MIT */
/* Any bytes as headers, a line each, against a second reading: what passes has one length at
 * most, and nothing in it that another reader could take for a line of its own. */
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/intake/framing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool starts_with(const char *line, size_t length, const char *word)
{
    return length >= strlen(word) && g_ascii_strncasecmp(line, word, strlen(word)) == 0;
}

static void check_unescape(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    size_t before = strlen(text), after = framing_unescape(text);
    if (after > before || strlen(text) != after) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Framing framing = {0};
    unsigned lengths = 0;
    const char *at = (const char *)data, *end = at + size;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((stop != NULL ? stop : end) - at);
        const char *colon = memchr(at, ':', length);
        size_t name = colon != NULL ? (size_t)(colon - at) : length;
        size_t value = colon != NULL ? length - name - 1 : 0;
        framing_note(&framing, at, name, at + length - value, value);
        lengths += starts_with(at, length, "content-length:") ||
                   starts_with(at, length, "transfer-encoding:");
        at += length + 1;
    }
    bool bad = size > 0 && (memchr(data, '\r', size) != NULL || memchr(data, '\0', size) != NULL);
    if (framing_problem(&framing) == NULL && (lengths > 1 || bad)) {
        abort();
    }
    check_unescape(data, size);
    return 0;
}
