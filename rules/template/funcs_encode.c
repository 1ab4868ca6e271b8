/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "rules/fault.h"
#include "rules/quote.h"
#include "rules/template/funcs_alertmanager.h"

bool func_url_unescape(Exec *exec, const Value *args, size_t n, Value *result,
                       GError **error)
{
    Value text = args[0];
    GString *out = g_string_sized_new(text.n + 1);

    (void)n;
    for (size_t i = 0; i < text.n; i++) {
        if (text.text[i] != '%') {
            g_string_append_c(out, text.text[i] == '+' ? ' ' : text.text[i]);
            continue;
        }
        size_t length = MIN(text.n - i, 3);
        if (length < 3 || !g_ascii_isxdigit(text.text[i + 1]) ||
            !g_ascii_isxdigit(text.text[i + 2])) {
            g_autofree char *escape = g_strndup(text.text + i, length);
            g_string_assign(out, "");
            quote_append(out, escape);
            g_set_error(error, FAULT, FAULT_INPUT, "invalid URL escape %s", out->str);
            g_string_free(out, TRUE);
            return false;
        }
        g_string_append_c(out, (char)(g_ascii_xdigit_value(text.text[i + 1]) * 16 +
                                      g_ascii_xdigit_value(text.text[i + 2])));
        i += 2;
    }
    return func_give_text(exec, out, result, error);
}

/* GLib knows the other alphabet, with + and /. */
bool func_base64encode(Exec *exec, const Value *args, size_t n, Value *result,
                       GError **error)
{
    g_autofree char *encoded = g_base64_encode((const guchar *)args[0].text, args[0].n);

    (void)n;
    g_strdelimit(encoded, "+", '-');
    g_strdelimit(encoded, "/", '_');
    return func_give_text(exec, g_string_new(encoded), result, error);
}

static int base64_digit(char byte)
{
    if (g_ascii_isupper(byte)) {
        return byte - 'A';
    }
    if (g_ascii_islower(byte)) {
        return byte - 'a' + 26;
    }
    if (g_ascii_isdigit(byte)) {
        return byte - '0' + 52;
    }
    return byte == '-' ? 62 : byte == '_' ? 63 : -1;
}

static size_t skip_newlines(Value text, size_t at)
{
    while (at < text.n && (text.text[at] == '\n' || text.text[at] == '\r')) {
        at++;
    }
    return at;
}

/* The padding that begins at AT behind DIGITS digits of a group, and the end of the
 * text behind it.  Returns where the text is wrong, text.n + 1 if it is right. */
static size_t check_padding(Value text, size_t at, size_t digits)
{
    if (digits < 2) {
        return at;
    }
    if (digits == 2) {
        size_t second = skip_newlines(text, at + 1);
        if (second == text.n) {
            return text.n;
        }
        if (text.text[second] != '=') {
            return second - 1;
        }
        at = second;
    }
    at = skip_newlines(text, at + 1);
    return at < text.n ? at : text.n + 1;
}

static void append_group(GString *out, uint32_t group, size_t digits)
{
    group <<= 6 * (4 - digits);
    for (size_t i = 0; i + 1 < digits; i++) {
        g_string_append_c(out, (char)(uint8_t)(group >> (16 - 8 * i)));
    }
}

/* Returns where TEXT is wrong, text.n + 1 if it is right. */
static size_t decode_base64(Value text, GString *out)
{
    uint32_t group = 0;
    size_t digits = 0, at;

    for (at = skip_newlines(text, 0); at < text.n; at = skip_newlines(text, at + 1)) {
        int digit = base64_digit(text.text[at]);
        if (text.text[at] == '=') {
            append_group(out, group, digits);
            return check_padding(text, at, digits);
        }
        if (digit < 0) {
            return at;
        }
        group = group << 6 | (uint32_t)digit;
        if (++digits == 4) {
            append_group(out, group, 4);
            group = 0;
            digits = 0;
        }
    }
    return digits == 0 ? text.n + 1 : text.n - digits;
}

bool func_base64decode(Exec *exec, const Value *args, size_t n, Value *result,
                       GError **error)
{
    GString *out = g_string_sized_new(args[0].n + 1);
    size_t wrong = decode_base64(args[0], out);

    (void)n;
    if (wrong <= args[0].n) {
        g_set_error(error, FAULT, FAULT_INPUT, "illegal base64 data at input byte %zu",
                    wrong);
        g_string_free(out, TRUE);
        return false;
    }
    return func_give_text(exec, out, result, error);
}
