/* SPDX-License-Identifier: MIT */
#include "bridge/delivery/mask.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "config/secret.h"

enum { MASKED_MIN = 4 };

/* How much of WORD stands at TEXT: all of it, or what is left of TEXT; else 0. */
static size_t match(const char *text, const char *word)
{
    size_t n = 0;
    while (text[n] != '\0' && text[n] == word[n]) {
        n++;
    }
    bool cut = text[n] == '\0' || g_str_has_prefix(text + n, "...");
    return word[n] == '\0' || (cut && n >= MASKED_MIN) ? n : 0;
}

/* The text only shrinks: a word is at least as long as what replaces it. */
void mask_word(char *text, const char *word)
{
    if (strlen(word) < MASKED_MIN) {
        return;
    }
    for (char *at = text; *at != '\0'; at++) {
        size_t length = match(at, word);
        if (length > 0) {
            memset(at, '*', 3);
            memmove(at + 3, at + length, strlen(at + length) + 1);
            at += 2;
        }
    }
}

void mask_secret(char *text, const char *secret)
{
    char *base64 = g_base64_encode((const guchar *)secret, strlen(secret));
    char *escaped = g_uri_escape_string(secret, NULL, FALSE);
    mask_word(text, secret);
    mask_word(text, base64);
    mask_word(text, escaped);
    secret_free(base64);
    secret_free(escaped);
}
