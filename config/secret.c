/* SPDX-License-Identifier: MIT */
#include "config/secret.h"

#include <string.h>

#include "config/file.h"
#include "rules/fault.h"

bool secret_is_set(const Secret *secret)
{
    return secret->text != NULL || secret->file != NULL;
}

/* What Go's strings.TrimSpace takes away, as far as it is ASCII. */
static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void trim(char *text)
{
    size_t end = strlen(text), start = 0;
    while (end > 0 && is_blank(text[end - 1])) {
        end--;
    }
    while (start < end && is_blank(text[start])) {
        start++;
    }
    memmove(text, text + start, end - start);
    explicit_bzero(text + (end - start), start);
    text[end - start] = '\0';
}

static char *read_file(const char *file, GError **error)
{
    size_t length;
    char *text = file_read(file, SECRET_FILE_MAX, &length, error);
    if (text != NULL && memchr(text, '\0', length) != NULL) {
        file_free(text, length);
        text = NULL;
        g_set_error_literal(error, FAULT, FAULT_SYSTEM, "it holds a NUL");
    }
    if (text == NULL) {
        g_prefix_error(error, "secret file %s: ", file);
    }
    return text;
}

char *secret_read(const Secret *secret, GError **error)
{
    if (secret->file == NULL) {
        return g_strdup(secret->text != NULL ? secret->text : "");
    }
    char *text = read_file(secret->file, error);
    if (text != NULL && !secret->keep_blanks) {
        trim(text);
    }
    return text;
}

void secret_free(char *text)
{
    if (text != NULL) {
        explicit_bzero(text, strlen(text));
        g_free(text);
    }
}

void secret_wipe(Secret *secret)
{
    if (secret->text != NULL) {
        explicit_bzero(secret->text, strlen(secret->text));
    }
    *secret = (Secret){0};
}

guint8 *secret_decode(const char *text, size_t *length)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (g_str_has_prefix(text, "whsec_")) {
        text += strlen("whsec_");
    }
    size_t digits = strspn(text, alphabet);
    size_t padding = strspn(text + digits, "=");
    if (digits < 2 || padding > 2 || (digits + padding) % 4 != 0 ||
        text[digits + padding] != '\0') {
        return NULL;
    }
    return g_base64_decode(text, length);
}

bool secret_equal(const Secret *a, const Secret *b)
{
    return g_strcmp0(a->text, b->text) == 0 && g_strcmp0(a->file, b->file) == 0 &&
           a->keep_blanks == b->keep_blanks;
}
