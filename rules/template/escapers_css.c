/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "rules/template/escapers.h"

static bool is_blank(char byte)
{
    return byte != '\0' && strchr(" \t\n\f\r", byte) != NULL;
}

bool css_is_name(gunichar character)
{
    return (character < 0x80 && g_ascii_isalnum((char)character)) || character == '-' ||
           character == '_' || (character >= 0x80 && character <= 0xd7ff) ||
           (character >= 0xe000 && character <= 0xfffd) ||
           (character >= 0x10000 && character <= 0x10ffff);
}

/* A hexadecimal escape takes one blank behind it along, so one is put there where the
 * next byte could be taken for a part of it. */
void escape_css(const char *text, size_t n, GString *out)
{
    static const char special[] = "\t\n\f\r\"&'()+/:;<>{}";

    for (size_t i = 0; i < n; i++) {
        if (text[i] == '\\') {
            g_string_append(out, "\\\\");
        } else if (text[i] != '\0' && strchr(special, text[i]) == NULL) {
            g_string_append_c(out, text[i]);
        } else {
            g_string_append_printf(out, "\\%x", (unsigned)text[i]);
            if (i + 1 == n || g_ascii_isxdigit(text[i + 1]) || is_blank(text[i + 1])) {
                g_string_append_c(out, ' ');
            }
        }
    }
}

/* Up to six hexadecimal digits and the blank behind them.  Returns the bytes used. */
static size_t decode_number(const char *text, size_t n, GString *out)
{
    gunichar character = 0;
    size_t used = 0;

    while (used < n && used < 6 && g_ascii_isxdigit(text[used])) {
        gunichar more = character * 16 + (gunichar)g_ascii_xdigit_value(text[used]);
        if (more > 0x10ffff) {
            break;
        }
        character = more;
        used++;
    }
    if (character >= 0xd800 && character <= 0xdfff) {
        character = 0xfffd;
    }
    if (character == 0) {
        g_string_append_c(out, '\0');
    } else {
        g_string_append_unichar(out, character);
    }
    if (used + 1 < n && text[used] == '\r' && text[used + 1] == '\n') {
        return used + 2;
    }
    return used < n && is_blank(text[used]) ? used + 1 : used;
}

void decode_css(const char *text, size_t n, GString *out)
{
    for (size_t i = 0; i < n;) {
        const char *escape = memchr(text + i, '\\', n - i);
        size_t end = escape == NULL ? n : (size_t)(escape - text);

        g_string_append_len(out, text + i, (gssize)(end - i));
        i = end + 1;
        if (i >= n) {
            return;
        }
        if (g_ascii_isxdigit(text[i])) {
            i += decode_number(text + i, n - i, out);
        } else {
            g_string_append_c(out, text[i]);
            i++;
        }
    }
}

/* Names that ran scripts in old browsers, in whatever they are wrapped. */
static bool names_a_script(const GString *value)
{
    g_autoptr(GString) name = g_string_new(NULL);

    for (size_t i = 0; i < value->len; i++) {
        char byte = value->str[i];
        if (g_ascii_isalnum(byte) || byte == '_') {
            g_string_append_c(name, g_ascii_tolower(byte));
        }
    }
    return strstr(name->str, "expression") != NULL ||
           strstr(name->str, "mozbinding") != NULL;
}

void filter_css(const char *text, size_t n, GString *out)
{
    static const char dangerous[] = "\"'()/;@[\\]`{}<>";
    g_autoptr(GString) value = g_string_new(NULL);

    decode_css(text, n, value);
    for (size_t i = 0; i < value->len; i++) {
        char byte = value->str[i];
        if (byte == '\0' || strchr(dangerous, byte) != NULL ||
            (byte == '-' && i > 0 && value->str[i - 1] == '-')) {
            g_string_append(out, ESCAPE_REFUSED);
            return;
        }
    }
    if (names_a_script(value)) {
        g_string_append(out, ESCAPE_REFUSED);
    } else {
        g_string_append_len(out, value->str, (gssize)value->len);
    }
}
