/* SPDX-License-Identifier: MIT */
/* JSON: our own strict scan first, cJSON's tree after it.
 *
 * The scan is one pass without allocation.  It checks the whole grammar and the
 * ceilings, so that cJSON only ever sees valid JSON of bounded size: cJSON alone
 * accepts control bytes and leading zeros, cuts strings at \u0000, fails on a lone
 * surrogate and passes invalid UTF-8 on.  Where the scan has seen such bytes, cJSON
 * gets a repaired copy.  cJSON notes its last error in a global variable; nobody here
 * reads it. */
#include "bridge/json.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "rules/fault.h"

#define DEPTH_MAX       ((unsigned)CJSON_NESTING_LIMIT)
#define NUMBER_MAX      63 /* cJSON copies a number into 64 bytes */
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
    g_set_error(scan->error, FAULT, kind, "byte %zu: %s",
                (size_t)(scan->at - scan->start) + 1, reason);
    return false;
}

static bool fail_unexpected(Scan *scan, const char *wanted)
{
    if (scan->at == scan->end) {
        g_autofree char *reason = g_strdup_printf("the text ends where %s should be", wanted);
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
    return c == (gunichar)-1 || c == (gunichar)-2 ? 0 : (size_t)g_utf8_skip[(guchar)*at];
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
    if (letter == scan->end || *letter == '\0' || strchr("\"\\/bfnrt", *letter) == NULL) {
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
    return scan->at - first <= NUMBER_MAX || fail(scan, FAULT_INPUT, "a number is too long");
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
            return fail_unexpected(scan, closing == '}' ? "a comma or }" : "a comma or ]");
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
    return byte == '-' || g_ascii_isdigit(byte) ? scan_number(scan) : scan_literal(scan);
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

/* Copies the escape at AT, or what stands for it; the number of bytes it took. */
static size_t repair_escape(GString *out, const char *at, const char *end)
{
    if (at[1] != 'u') {
        g_string_append_len(out, at, 2);
        return 2;
    }
    int unit = hex4(at + 2, end);
    if (unit >= 0xD800 && unit <= 0xDBFF && end - at >= 12 && at[6] == '\\' && at[7] == 'u') {
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

/* Scanned TEXT with U+FFFD for every byte that is not UTF-8, every \u0000 and every
 * surrogate without its other half. */
static GString *repair(const char *text, size_t length)
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
            text += *text == '\\' ? repair_escape(out, text, end) : repair_high(out, text, end);
        }
    }
    return out;
}

static Json *build(const char *text, size_t length, GError **error)
{
    cJSON *tree = cJSON_ParseWithLength(text, length);
    if (tree == NULL) {
        g_set_error(error, FAULT, FAULT_SYSTEM, "out of memory for a JSON document");
    }
    return (Json *)tree;
}

Json *json_parse(const char *text, size_t length, const JsonLimits *limits, GError **error)
{
    Scan scan = {.start = text,
                 .at = text,
                 .end = text + length,
                 .limits = limits,
                 .depth_max = MIN(limits->depth, DEPTH_MAX),
                 .error = error};
    if (!scan_document(&scan)) {
        return NULL;
    }
    if (!scan.needs_repair) {
        return build(text, length, error);
    }
    g_autoptr(GString) repaired = repair(text, length);
    return build(repaired->str, repaired->len, error);
}

void json_free(Json *json)
{
    cJSON_Delete((cJSON *)json);
}

static const cJSON *tree_of(const Json *json)
{
    return (const cJSON *)json;
}

bool json_is_object(const Json *json)
{
    return cJSON_IsObject(tree_of(json));
}

bool json_is_array(const Json *json)
{
    return cJSON_IsArray(tree_of(json));
}

bool json_is_string(const Json *json)
{
    return cJSON_IsString(tree_of(json));
}

bool json_is_number(const Json *json)
{
    return cJSON_IsNumber(tree_of(json));
}

bool json_is_null(const Json *json)
{
    return cJSON_IsNull(tree_of(json));
}

bool json_is_true(const Json *json)
{
    return cJSON_IsTrue(tree_of(json));
}

/* From the last item backwards: the first item's `prev` is the last one. */
const Json *json_get(const Json *object, const char *key)
{
    const cJSON *first = json_is_object(object) ? tree_of(object)->child : NULL;
    if (first == NULL) {
        return NULL;
    }
    const cJSON *item = first->prev;
    while (strcmp(item->string, key) != 0) {
        if (item == first) {
            return NULL;
        }
        item = item->prev;
    }
    return (const Json *)item;
}

const Json *json_first(const Json *container)
{
    return (const Json *)tree_of(container)->child;
}

const Json *json_next(const Json *item)
{
    return (const Json *)tree_of(item)->next;
}

const char *json_key(const Json *item)
{
    return tree_of(item)->string;
}

const char *json_text(const Json *json)
{
    return json_is_string(json) ? tree_of(json)->valuestring : NULL;
}

double json_number(const Json *json)
{
    return json_is_number(json) ? tree_of(json)->valuedouble : 0;
}

size_t json_size(const Json *container)
{
    return (size_t)cJSON_GetArraySize(tree_of(container));
}

/* What is not shown as itself: controls, and what breaks lines or turns the direction
 * of the text, so that a foreign text cannot pass for another in a log or a terminal. */
static bool must_escape(gunichar c)
{
    return c < 0x20 || c == '"' || c == '\\' || (c >= 0x7F && c <= 0x9F) ||
           (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

static void append_escaped(GString *out, gunichar c)
{
    static const char letters[128] = {['"'] = '"',  ['\\'] = '\\', ['\n'] = 'n',
                                      ['\r'] = 'r', ['\t'] = 't'};
    if (c < 128 && letters[c] != '\0') {
        g_string_append_c(out, '\\');
        g_string_append_c(out, letters[c]);
    } else {
        g_string_append_printf(out, "\\u%04x", c);
    }
}

void json_append_string(GString *out, const char *text)
{
    g_autofree char *valid = g_utf8_validate(text, -1, NULL) ? NULL : g_utf8_make_valid(text, -1);
    const char *at = valid != NULL ? valid : text;
    g_string_append_c(out, '"');
    while (*at != '\0') {
        const char *first = at;
        while (*at != '\0' && !must_escape(g_utf8_get_char(at))) {
            at = g_utf8_next_char(at);
        }
        g_string_append_len(out, first, at - first);
        if (*at != '\0') {
            append_escaped(out, g_utf8_get_char(at));
            at = g_utf8_next_char(at);
        }
    }
    g_string_append_c(out, '"');
}
