/* SPDX-License-Identifier: MIT */
#include "bridge/json_scan.h"

#include <string.h>

#include "rules/fault.h"

#define REPLACEMENT     "\xEF\xBF\xBD"
#define REPLACEMENT_ESC "\\uFFFD"

typedef struct {
    const char *start, *at, *end;
    const JsonLimits *limits;
    unsigned depth_max, depth;
    size_t values;
    bool needs_repair;
    GError **error;
} Scan;

/* A byte that stands for itself inside of a string. */
static bool is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

static bool fail(Scan *scan, FaultKind kind, const char *reason)
{
    g_set_error(scan->error, FAULT, (gint)kind, "byte %zu: %s",
                (size_t)(scan->at - scan->start) + 1, reason);
    return false;
}

static bool fail_unexpected(Scan *scan, const char *wanted)
{
    if (scan->at == scan->end) {
        g_autofree char *reason =
            g_strdup_printf("the text ends where %s should be", wanted);
        return fail(scan, FAULT_INPUT, reason);
    }
    g_autofree char *reason = g_strdup_printf("not %s", wanted);
    return fail(scan, FAULT_INPUT, reason);
}

static int peek(const Scan *scan)
{
    return scan->at < scan->end ? (unsigned char)*scan->at : -1;
}

static void skip_blanks(Scan *scan)
{
    while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\n' ||
                                    *scan->at == '\r' || *scan->at == '\t')) {
        scan->at++;
    }
}

/* Length of the valid UTF-8 sequence of two to four bytes at AT; 0 if there is none. */
static size_t sequence_length(const char *at, const char *end)
{
    gunichar c = g_utf8_get_char_validated(at, MIN(end - at, 4));
    return c == (gunichar)-1 || c == (gunichar)-2 ? 0
                                                  : (size_t)g_utf8_skip[(guchar)*at];
}

/* The value of four hexadecimal digits, or -1. */
static int hex4(const char *at, const char *end)
{
    if (end - at < 4) {
        return -1;
    }
    int value = 0;
    for (int i = 0; i < 4; i++) {
        int digit = g_ascii_xdigit_value(at[i]);
        if (digit < 0) {
            return -1;
        }
        value = value * 16 + digit;
    }
    return value;
}

static bool is_surrogate(int unit)
{
    return unit >= 0xD800 && unit <= 0xDFFF;
}

static bool scan_escape(Scan *scan)
{
    const char *letter = scan->at + 1;
    if (letter < scan->end && *letter == 'u') {
        int unit = hex4(letter + 1, scan->end);
        if (unit < 0) {
            return fail(scan, FAULT_INPUT, "\\u without four hexadecimal digits");
        }
        scan->needs_repair |= unit == 0 || is_surrogate(unit);
        scan->at += 6;
        return true;
    }
    if (letter == scan->end || *letter == '\0' ||
        strchr("\"\\/bfnrt", *letter) == NULL) {
        return fail(scan, FAULT_INPUT, "unknown escape in a string");
    }
    scan->at += 2;
    return true;
}

static void scan_high(Scan *scan)
{
    size_t length = sequence_length(scan->at, scan->end);
    scan->needs_repair |= length == 0;
    scan->at += MAX(length, 1);
}

static bool scan_special(Scan *scan)
{
    if (*scan->at == '\\') {
        return scan_escape(scan);
    }
    if ((guchar)*scan->at < 0x20) {
        return fail(scan, FAULT_INPUT, "control character in a string");
    }
    scan_high(scan);
    return true;
}

static bool scan_string(Scan *scan)
{
    const char *first = ++scan->at;
    for (;;) {
        while (scan->at < scan->end && is_plain((guchar)*scan->at)) {
            scan->at++;
        }
        if ((size_t)(scan->at - first) > scan->limits->string) {
            return fail(scan, FAULT_LIMIT, "a string is too long");
        }
        if (scan->at == scan->end) {
            return fail(scan, FAULT_INPUT, "the text ends inside of a string");
        }
        if (*scan->at == '"') {
            scan->at++;
            return true;
        }
        if (!scan_special(scan)) {
            return false;
        }
    }
}

static size_t skip_digits(Scan *scan)
{
    const char *first = scan->at;
    while (scan->at < scan->end && g_ascii_isdigit(*scan->at)) {
        scan->at++;
    }
    return (size_t)(scan->at - first);
}

static bool scan_number(Scan *scan)
{
    const char *first = scan->at;
    scan->at += *scan->at == '-';
    bool leading_zero = peek(scan) == '0';
    size_t digits = skip_digits(scan);
    if (digits == 0) {
        return fail_unexpected(scan, "a digit");
    }
    if (leading_zero && digits > 1) {
        return fail(scan, FAULT_INPUT, "a number with a leading zero");
    }
    if (peek(scan) == '.') {
        scan->at++;
        if (skip_digits(scan) == 0) {
            return fail_unexpected(scan, "a digit");
        }
    }
    if (peek(scan) == 'e' || peek(scan) == 'E') {
        scan->at++;
        scan->at += peek(scan) == '+' || peek(scan) == '-';
        if (skip_digits(scan) == 0) {
            return fail_unexpected(scan, "a digit");
        }
    }
    return scan->at - first <= JSON_NUMBER_MAX ||
           fail(scan, FAULT_INPUT, "a number is too long");
}

static bool scan_literal(Scan *scan)
{
    static const char *const literals[] = {"true", "false", "null"};
    for (size_t i = 0; i < G_N_ELEMENTS(literals); i++) {
        size_t length = strlen(literals[i]);
        if ((size_t)(scan->end - scan->at) >= length &&
            memcmp(scan->at, literals[i], length) == 0) {
            scan->at += length;
            return true;
        }
    }
    return fail_unexpected(scan, "a value");
}

static bool scan_value(Scan *scan);

static bool scan_member(Scan *scan)
{
    if (peek(scan) != '"') {
        return fail_unexpected(scan, "a key");
    }
    if (!scan_string(scan)) {
        return false;
    }
    skip_blanks(scan);
    if (peek(scan) != ':') {
        return fail_unexpected(scan, "a colon");
    }
    scan->at++;
    return scan_value(scan);
}

/* An array or object: ITEM reads what stands between the commas. */
static bool scan_container(Scan *scan, char closing, bool (*item)(Scan *))
{
    if (++scan->depth > scan->depth_max) {
        return fail(scan, FAULT_LIMIT, "nested too deeply");
    }
    scan->at++;
    skip_blanks(scan);
    while (peek(scan) != closing) {
        if (!item(scan)) {
            return false;
        }
        skip_blanks(scan);
        if (peek(scan) == closing) {
            break;
        }
        if (peek(scan) != ',') {
            return fail_unexpected(scan,
                                   closing == '}' ? "a comma or }" : "a comma or ]");
        }
        scan->at++;
        skip_blanks(scan);
        if (peek(scan) == closing) {
            return fail(scan, FAULT_INPUT, "a comma before the end");
        }
    }
    scan->at++;
    scan->depth--;
    return true;
}

static bool scan_value(Scan *scan)
{
    skip_blanks(scan);
    if (++scan->values > scan->limits->values) {
        return fail(scan, FAULT_LIMIT, "too many values");
    }
    int byte = peek(scan);
    if (byte == '"') {
        return scan_string(scan);
    }
    if (byte == '{') {
        return scan_container(scan, '}', scan_member);
    }
    if (byte == '[') {
        return scan_container(scan, ']', scan_value);
    }
    return byte == '-' || g_ascii_isdigit(byte) ? scan_number(scan)
                                                : scan_literal(scan);
}

static bool scan_document(Scan *scan)
{
    if (scan->end - scan->at >= 3 && memcmp(scan->at, "\xEF\xBB\xBF", 3) == 0) {
        scan->at += 3;
    }
    if (!scan_value(scan)) {
        return false;
    }
    skip_blanks(scan);
    return scan->at == scan->end || fail(scan, FAULT_INPUT, "text after the end");
}

bool json_scan(const char *text, size_t length, const JsonLimits *limits,
               bool *needs_repair, GError **error)
{
    Scan scan = {.start = text,
                 .at = text,
                 .end = text + length,
                 .limits = limits,
                 .depth_max = MIN(limits->depth, JSON_DEPTH_MAX),
                 .error = error};
    bool ok = scan_document(&scan);
    *needs_repair = scan.needs_repair;
    return ok;
}

/* Copies the escape at AT, or what stands for it; the number of bytes it took. */
static size_t repair_escape(GString *out, const char *at, const char *end)
{
    if (at[1] != 'u') {
        g_string_append_len(out, at, 2);
        return 2;
    }
    int unit = hex4(at + 2, end);
    if (unit >= 0xD800 && unit <= 0xDBFF && end - at >= 12 && at[6] == '\\' &&
        at[7] == 'u') {
        int low = hex4(at + 8, end);
        if (low >= 0xDC00 && low <= 0xDFFF) {
            g_string_append_len(out, at, 12);
            return 12;
        }
    }
    if (unit == 0 || is_surrogate(unit)) {
        g_string_append(out, REPLACEMENT_ESC);
    } else {
        g_string_append_len(out, at, 6);
    }
    return 6;
}

static size_t repair_high(GString *out, const char *at, const char *end)
{
    size_t length = sequence_length(at, end);
    if (length == 0) {
        g_string_append(out, REPLACEMENT);
        return 1;
    }
    g_string_append_len(out, at, (gssize)length);
    return length;
}

GString *json_repair(const char *text, size_t length)
{
    GString *out = g_string_sized_new(length + length / 16);
    const char *end = text + length;
    while (text < end) {
        const char *first = text;
        while (text < end && *text != '\\' && (guchar)*text < 0x80) {
            text++;
        }
        g_string_append_len(out, first, text - first);
        if (text < end) {
            text += *text == '\\' ? repair_escape(out, text, end)
                                  : repair_high(out, text, end);
        }
    }
    return out;
}
