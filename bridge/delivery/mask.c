/* SPDX-License-Identifier: MIT */
#include "bridge/delivery/mask.h"

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

static void wipe(void *word)
{
    secret_free(word);
}

GPtrArray *mask_list_new(void)
{
    return g_ptr_array_new_with_free_func(wipe);
}

void mask_list_add(GPtrArray *list, const char *word)
{
    if (strlen(word) >= MASKED_MIN) {
        g_ptr_array_add(list, g_strdup(word));
    }
}

void mask_list_add_secret(GPtrArray *list, const char *secret)
{
    char *base64 = g_base64_encode((const guchar *)secret, strlen(secret));
    char *escaped = g_uri_escape_string(secret, NULL, FALSE);
    mask_list_add(list, secret);
    mask_list_add(list, base64);
    mask_list_add(list, escaped);
    secret_free(base64);
    secret_free(escaped);
}

void mask_list(char *text, const GPtrArray *list)
{
    for (guint i = 0; i < list->len; i++) {
        mask_word(text, g_ptr_array_index(list, i));
    }
}

void mask_secret(char *text, const char *secret)
{
    g_autoptr(GPtrArray) list = mask_list_new();
    mask_list_add_secret(list, secret);
    mask_list(text, list);
}
