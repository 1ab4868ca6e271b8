/* SPDX-License-Identifier: MIT */
#include "rules/template/format.h"

#include <math.h>
#include <string.h>

#include "rules/quote.h"
#include "rules/rune.h"

static void append_repeated(GString *out, char c, size_t n)
{
    gsize start = out->len;
    g_string_set_size(out, start + n);
    memset(out->str + start, c, n);
}

/* Padding of N characters: zeros only to the left. */
static void append_padding(const Format *format, size_t n, GString *out)
{
    append_repeated(out, format->zero && !format->minus ? '0' : ' ', n);
}

void format_pad(const Format *format, const char *text, size_t n, GString *out)
{
    size_t width = format->has_width ? (size_t)format->width : 0;
    size_t count = width > 0 ? rune_count(text, n) : n;
    size_t missing = width > count ? width - count : 0;
    if (!format->minus) {
        append_padding(format, missing, out);
    }
    g_string_append_len(out, text, (gssize)n);
    if (format->minus) {
        append_padding(format, missing, out);
    }
}

/* As format_pad, with blanks in any case. */
static void pad_with_blanks(const Format *format, const GString *text, GString *out)
{
    Format blanks = *format;
    blanks.zero = false;
    format_pad(&blanks, text->str, text->len, out);
}

/* The digits of a number, at least MINIMUM of them. */
static void append_digits(FormatInteger integer, size_t minimum, GString *out)
{
    static const char lower[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";
    const char *digits = integer.verb == 'X' ? upper : lower;
    char buffer[64];
    size_t at = sizeof buffer;
    do {
        buffer[--at] = digits[integer.magnitude % integer.base];
        integer.magnitude /= integer.base;
    } while (integer.magnitude > 0);
    size_t n = sizeof buffer - at;
    append_repeated(out, '0', minimum > n ? minimum - n : 0);
    g_string_append_len(out, buffer + at, (gssize)n);
}

static const char *base_prefix(const Format *format, FormatInteger integer,
                               const GString *digits)
{
    if (integer.verb == 'O') {
        return format->sharp && digits->str[0] != '0' ? "0o0" : "0o";
    }
    if (!format->sharp) {
        return "";
    }
    switch (integer.base) {
    case 2:
        return "0b";
    case 8:
        return digits->str[0] == '0' ? "" : "0";
    case 16:
        return integer.verb == 'X' ? "0X" : "0x";
    default:
        return "";
    }
}

void format_integer(const Format *format, FormatInteger integer, GString *out)
{
    bool sign = integer.negative || format->plus || format->space;
    size_t minimum = 0;
    g_autoptr(GString) digits = g_string_new(NULL), text = g_string_new(NULL);
    if (format->has_precision) {
        minimum = (size_t)format->precision;
    } else if (format->zero && !format->minus && format->has_width) {
        minimum = (size_t)MAX(format->width - sign, 0);
    }
    if (!format->has_precision || minimum > 0 || integer.magnitude > 0) {
        append_digits(integer, minimum, digits);
        g_string_append(text, integer.negative ? "-" : format->plus ? "+" : format->space ? " " : "");
        g_string_append(text, base_prefix(format, integer, digits));
        g_string_append_len(text, digits->str, (gssize)digits->len);
    }
    pad_with_blanks(format, text, out);
}

/* %#g and friends: a decimal point in any case, and no zeros removed.  TEXT begins with
 * a sign. */
static void force_point(char verb, int precision, GString *text)
{
    int digits = 0;
    if (strchr("vgGx", verb) != NULL) {
        digits = precision >= 0 ? precision : 6;
    }
    bool hex = verb == 'x' || verb == 'X', point = false, nonzero = false;
    gsize end = 1;
    for (; end < text->len; end++) {
        char c = text->str[end];
        if (c == 'p' || c == 'P' || (!hex && (c == 'e' || c == 'E'))) {
            break;
        }
        point = point || c == '.';
        nonzero = nonzero || (c != '.' && c != '0');
        digits -= nonzero && c != '.';
    }
    GString *insert = g_string_new(NULL);
    if (!point) {
        digits -= end == 2 && text->str[1] == '0';
        g_string_append_c(insert, '.');
    }
    append_repeated(insert, '0', digits > 0 ? (size_t)digits : 0);
    g_string_insert_len(text, (gssize)end, insert->str, (gssize)insert->len);
    g_string_free(insert, TRUE);
}

/* A float with its sign in front; blanks pad what is not finite. */
static void append_signed_float(const Format *format, GString *text, bool finite, GString *out)
{
    bool shows_sign = format->plus || text->str[0] != '+';
    size_t width = format->has_width ? (size_t)format->width : 0;
    if (!finite) {
        pad_with_blanks(format, text, out);
    } else if (!shows_sign) {
        format_pad(format, text->str + 1, text->len - 1, out);
    } else if (format->zero && !format->minus && width > text->len) {
        g_string_append_c(out, text->str[0]);
        append_padding(format, width - text->len, out);
        g_string_append_len(out, text->str + 1, (gssize)text->len - 1);
    } else {
        format_pad(format, text->str, text->len, out);
    }
}

void format_float(const Format *format, double value, char verb, GString *out)
{
    int precision = strchr("eEfF", verb) != NULL ? 6 : -1;
    g_autoptr(GString) text = g_string_new(NULL);
    if (format->has_precision) {
        precision = format->precision;
    }
    float_format(value, verb == 'v' ? 'g' : verb, precision, text);
    if (text->str[0] != '-' && text->str[0] != '+') {
        g_string_prepend_c(text, '+');
    }
    if (format->space && text->str[0] == '+' && !format->plus) {
        text->str[0] = ' ';
    }
    if (isnan(value) && !format->space && !format->plus) {
        g_string_erase(text, 0, 1);
    }
    if (isfinite(value) && format->sharp && verb != 'b') {
        force_point(verb, precision, text);
    }
    append_signed_float(format, text, isfinite(value), out);
}

void format_complex(const Format *format, const double parts[2], char verb, GString *out)
{
    Format imaginary = *format;
    imaginary.plus = true;
    g_string_append_c(out, '(');
    format_float(format, parts[0], verb, out);
    format_float(&imaginary, parts[1], verb, out);
    g_string_append(out, "i)");
}

static gunichar valid_code(uint64_t code)
{
    return code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff) ? (gunichar)code : RUNE_ERROR;
}

void format_character(const Format *format, uint64_t code, GString *out)
{
    char utf8[6];
    gint n = g_unichar_to_utf8(valid_code(code), utf8);
    format_pad(format, utf8, (size_t)n, out);
}

void format_quoted_character(const Format *format, uint64_t code, GString *out)
{
    g_autoptr(GString) text = g_string_new(NULL);
    quote_append_rune(text, valid_code(code), format->plus ? QUOTE_ASCII : QUOTE_PLAIN);
    format_pad(format, text->str, text->len, out);
}

void format_code_point(const Format *format, uint64_t code, GString *out)
{
    g_autoptr(GString) text = g_string_new("U+");
    size_t minimum = format->has_precision && format->precision > 4 ? (size_t)format->precision : 4;
    append_digits((FormatInteger){code, false, 16, 'X'}, minimum, text);
    if (format->sharp && code <= 0x10ffff && rune_is_print((gunichar)code)) {
        g_string_append(text, " '");
        g_string_append_unichar(text, (gunichar)code);
        g_string_append_c(text, '\'');
    }
    pad_with_blanks(format, text, out);
}

/* The bytes of as many characters as the precision allows. */
static size_t cut_text(const Format *format, const char *text, size_t n)
{
    if (!format->has_precision) {
        return n;
    }
    size_t at = 0, length;
    for (int left = format->precision; left > 0 && at < n; left--, at += length) {
        rune_decode(text + at, n - at, &length);
    }
    return at;
}

void format_text(const Format *format, const char *text, size_t n, GString *out)
{
    format_pad(format, text, cut_text(format, text, n), out);
}

/* Whether a text can stand in backquotes: no control characters, no backquote. */
static bool can_backquote(const char *text, size_t n)
{
    size_t length;
    for (size_t i = 0; i < n; i += length) {
        gunichar c = rune_decode(text + i, n - i, &length);
        bool invalid = c == RUNE_ERROR && length == 1;
        if (invalid || c == 0xfeff || (c < ' ' && c != '\t') || c == '`' || c == 0x7f) {
            return false;
        }
    }
    return true;
}

void format_quoted(const Format *format, const char *text, size_t n, GString *out)
{
    g_autoptr(GString) quoted = g_string_new(NULL);
    n = cut_text(format, text, n);
    if (format->sharp && can_backquote(text, n)) {
        g_string_append_c(quoted, '`');
        g_string_append_len(quoted, text, (gssize)n);
        g_string_append_c(quoted, '`');
    } else {
        quote_append_n(quoted, text, n, format->plus ? QUOTE_ASCII : QUOTE_PLAIN);
    }
    format_pad(format, quoted->str, quoted->len, out);
}

void format_hex(const Format *format, const char *text, size_t n, char verb, GString *out)
{
    const char *prefix = verb == 'X' ? "0X" : "0x";
    g_autoptr(GString) hex = g_string_new(NULL);
    if (format->has_precision) {
        n = MIN(n, (size_t)format->precision);
    }
    for (size_t i = 0; i < n; i++) {
        if (format->space && i > 0) {
            g_string_append_c(hex, ' ');
        }
        if (format->sharp && (format->space || i == 0)) {
            g_string_append(hex, prefix);
        }
        g_string_append_printf(hex, verb == 'X' ? "%02X" : "%02x",
                               (unsigned)(unsigned char)text[i]);
    }
    format_pad(format, hex->str, hex->len, out);
}
