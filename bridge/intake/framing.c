/* SPDX-License-Identifier: MIT */
#include "bridge/intake/framing.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

static bool is_token(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (!g_ascii_isalnum(text[i]) &&
            (text[i] == '\0' || strchr("!#$%&'*+-.^_`|~", text[i]) == NULL)) {
            return false;
        }
    }
    return length > 0;
}

static bool is_one_line(const char *text, size_t length)
{
    return length == 0 || (memchr(text, '\0', length) == NULL &&
                           memchr(text, '\r', length) == NULL &&
                           memchr(text, '\n', length) == NULL);
}

/* Whether TEXT is WORD, in whatever case. */
static bool is(const char *text, size_t length, const char *word)
{
    return length == strlen(word) && g_ascii_strncasecmp(text, word, length) == 0;
}

/* libmicrohttpd puts what follows in a folded line behind the NAME, so that only its beginning
 * is left of a header that others still understand. */
static bool begins(const char *name, size_t length, const char *word)
{
    return length > strlen(word) && g_ascii_strncasecmp(name, word, strlen(word)) == 0;
}

static bool may_be_folded(const char *name, size_t length)
{
    return begins(name, length, "Content-Length") || begins(name, length, "Transfer-Encoding");
}

void framing_note(Framing *framing, const char *name, size_t name_length, const char *value,
                  size_t value_length)
{
    bool is_encoding = is(name, name_length, "Transfer-Encoding");
    framing->hosts += is(name, name_length, "Host");
    framing->lengths += is(name, name_length, "Content-Length");
    framing->encodings += is_encoding;
    if (framing->problem != NULL) {
        return;
    }
    if (!is_token(name, name_length)) {
        framing->problem = "a header's name is not a word";
    } else if (may_be_folded(name, name_length)) {
        framing->problem = "a header that says the length is folded";
    } else if (!is_one_line(value, value_length)) {
        framing->problem = "a header's value is not one line";
    } else if (is_encoding && !is(value, value_length, "chunked")) {
        framing->problem = "the Transfer-Encoding is not chunked";
    }
}

const char *framing_problem(const Framing *framing)
{
    if (framing->problem != NULL) {
        return framing->problem;
    }
    if (framing->lengths > 1 || framing->encodings > 1 ||
        (framing->lengths > 0 && framing->encodings > 0)) {
        return "the length is said twice (Content-Length, Transfer-Encoding)";
    }
    return framing->hosts > 1 ? "there are two Host headers" : NULL;
}

size_t framing_unescape(char *text)
{
    char *out = text;
    for (const char *in = text; *in != '\0';) {
        int high = in[0] == '%' ? g_ascii_xdigit_value(in[1]) : -1;
        int low = high >= 0 ? g_ascii_xdigit_value(in[2]) : -1;
        if (low < 0 || high + low == 0) {
            *out++ = *in++;
        } else {
            *out++ = (char)(high * 16 + low);
            in += 3;
        }
    }
    *out = '\0';
    return (size_t)(out - text);
}
