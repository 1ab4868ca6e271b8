/* SPDX-License-Identifier: MIT */
#include "rules/template/literal.h"

#include <math.h>
#include <string.h>

#include "rules/fault.h"
#include "rules/quote.h"

static bool invalid_syntax(GError **error)
{
    g_set_error(error, FAULT, FAULT_INPUT, "invalid syntax");
    return false;
}

/* A raw string is as it is written, except that carriage returns vanish. */
static void read_raw(const char *source, size_t length, GString *content)
{
    for (size_t i = 1; i < length - 1; i++) {
        if (source[i] != '\r') {
            g_string_append_c(content, source[i]);
        }
    }
}

/* Bytes that are not UTF-8 read as U+FFFD, unlike those that escapes stand for. */
static bool read_quoted(const char *source, size_t length, GString *content)
{
    if (g_utf8_validate(source, (gssize)length, NULL)) {
        return quote_undo(content, source, length);
    }
    g_autofree char *valid = g_utf8_make_valid(source, (gssize)length);
    return quote_undo(content, valid, strlen(valid));
}

bool literal_string(Arena *arena, const char *source, size_t length, Value *content,
                    GError **error)
{
    g_assert(length >= 2);
    g_autoptr(GString) read = g_string_sized_new(length);
    if (source[0] == '`') {
        read_raw(source, length, read);
    } else if (!read_quoted(source, length, read)) {
        return invalid_syntax(error);
    }
    *content = value_take_text(arena, g_steal_pointer(&read));
    return true;
}

/* Digits may be grouped by single underscores, which may also follow a base's prefix;
 * elsewhere they are an error. */
static bool underscores_are_right(const char *text)
{
    bool after_digit = false, after_underscore = false;
    text += *text == '+' || *text == '-';
    bool prefixed = text[0] == '0' && text[1] != '\0' && strchr("xXoObB", text[1]) != NULL;
    bool hex = prefixed && (text[1] == 'x' || text[1] == 'X');
    if (prefixed) {
        text += 2;
        after_digit = true;
    }
    for (; *text != '\0'; text++) {
        bool digit = hex ? g_ascii_isxdigit(*text) : g_ascii_isdigit(*text);
        bool underscore = *text == '_';
        if ((underscore && !after_digit) || (after_underscore && !digit)) {
            return false;
        }
        after_digit = digit;
        after_underscore = underscore;
    }
    return !after_underscore;
}

/* SOURCE without its underscores, or NULL if these are misplaced. */
static char *plain_digits(const char *source)
{
    if (!underscores_are_right(source)) {
        return NULL;
    }
    GString *plain = g_string_new(NULL);
    for (; *source != '\0'; source++) {
        if (*source != '_') {
            g_string_append_c(plain, *source);
        }
    }
    return g_string_free(plain, FALSE);
}

static unsigned take_base(const char **digits)
{
    if ((*digits)[0] != '0' || (*digits)[1] == '\0') {
        return 10;
    }
    unsigned base = 8, prefix = 2;
    switch ((*digits)[1]) {
    case 'x':
    case 'X':
        base = 16;
        break;
    case 'b':
    case 'B':
        base = 2;
        break;
    case 'o':
    case 'O':
        break;
    default:
        prefix = 1;
    }
    *digits += prefix;
    return base;
}

/* A magnitude without sign. */
static bool read_natural(const char *digits, uint64_t *value)
{
    unsigned base = take_base(&digits);
    if (*digits == '\0') {
        return false;
    }
    for (*value = 0; *digits != '\0'; digits++) {
        int digit = g_ascii_xdigit_value(*digits);
        if (digit < 0 || (unsigned)digit >= base ||
            __builtin_mul_overflow(*value, base, value) ||
            __builtin_add_overflow(*value, (unsigned)digit, value)) {
            return false;
        }
    }
    return true;
}

static void read_integers(const char *plain, Number *number)
{
    bool negative = *plain == '-', sign = negative || *plain == '+';
    uint64_t magnitude;
    if (!read_natural(plain + sign, &magnitude)) {
        return;
    }
    number->is_uint = !sign || magnitude == 0;
    number->natural = magnitude;
    if (magnitude <= (uint64_t)INT64_MAX + (negative ? 1 : 0)) {
        number->is_int = true;
        number->integer = (int64_t)(negative ? -magnitude : magnitude);
    }
}

/* A float as strconv.ParseFloat takes it: decimal, or hexadecimal with an exponent. */
static bool read_float(const char *plain, double *value)
{
    const char *digits = plain + (*plain == '+' || *plain == '-');
    bool hex = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
    if (!(g_ascii_isdigit(*digits) || *digits == '.') ||
        (hex && strpbrk(digits, "pP") == NULL)) {
        return false;
    }
    char *end;
    *value = g_ascii_strtod(plain, &end);
    return *end == '\0' && isfinite(*value);
}

static bool fits_int(double value)
{
    return value >= -0x1p63 && value < 0x1p63 && trunc(value) == value;
}

static bool fits_uint(double value)
{
    return value >= 0 && value < 0x1p64 && trunc(value) == value;
}

static void set_integers_from_real(Number *number)
{
    if (!number->is_int && fits_int(number->real)) {
        number->is_int = true;
        number->integer = (int64_t)number->real;
    }
    if (!number->is_uint && fits_uint(number->real)) {
        number->is_uint = true;
        number->natural = (uint64_t)number->real;
    }
}

static bool read_character_constant(const char *source, size_t length, Number *number,
                                    GError **error)
{
    const char *at = source + 1, *end = source + length;
    QuotedRune read;
    if (!quote_undo_rune(&at, end, '\'', &read)) {
        return invalid_syntax(error);
    }
    if (end - at != 1 || *at != '\'') {
        g_set_error(error, FAULT, FAULT_INPUT, "malformed character constant: %.*s",
                    (int)length, source);
        return false;
    }
    *number = (Number){.is_int = true, .integer = read.c, .is_uint = true, .natural = read.c,
                       .is_float = true, .real = read.c};
    return true;
}

/* PLAIN ends in i; SPLIT is where the imaginary part begins in it. */
static bool read_complex(const char *plain, size_t split, Number *number)
{
    g_autofree char *real = g_strndup(plain, split);
    g_autofree char *imaginary = g_strndup(plain + split, strlen(plain) - split - 1);
    if ((split > 0 && !read_float(real, &number->real)) ||
        !read_float(imaginary, &number->imaginary)) {
        return false;
    }
    number->is_complex = true;
    number->is_float = fpclassify(number->imaginary) == FP_ZERO;
    if (number->is_float) {
        set_integers_from_real(number);
    }
    return true;
}

/* Where the second number of 1+2i begins: at its sign. */
static size_t find_imaginary(const char *plain)
{
    bool hex = strpbrk(plain, "xX") != NULL;
    for (size_t i = strlen(plain) - 1; i > 0; i--) {
        bool sign = plain[i] == '+' || plain[i] == '-';
        char before = (char)g_ascii_tolower(plain[i - 1]);
        if (sign && before != 'p' && (hex || before != 'e')) {
            return i;
        }
    }
    return 0;
}

static bool read_real(const char *source, const char *plain, Number *number, GError **error)
{
    read_integers(plain, number);
    if (number->is_int || number->is_uint) {
        number->is_float = true;
        number->real = number->is_int ? (double)number->integer : (double)number->natural;
        return true;
    }
    if (!read_float(plain, &number->real)) {
        g_set_error(error, FAULT, FAULT_INPUT, "illegal number syntax: \"%s\"", source);
        return false;
    }
    if (strpbrk(source, ".eEpP") == NULL) {
        g_set_error(error, FAULT, FAULT_INPUT, "integer overflow: \"%s\"", source);
        return false;
    }
    number->is_float = true;
    set_integers_from_real(number);
    return true;
}

/* What the number is where nothing says which type it should have. */
static Value ideal_constant(Arena *arena, const char *source, const Number *number)
{
    if (number->is_complex) {
        double *parts = arena_array(arena, double, 2);
        parts[0] = number->real;
        parts[1] = number->imaginary;
        return (Value){.kind = KIND_COMPLEX, .parts = parts};
    }
    bool hex = source[0] == '0' && (source[1] == 'x' || source[1] == 'X') &&
               strpbrk(source, "pP") == NULL;
    if (source[0] != '\'' && !hex && strpbrk(source, ".eEpP") != NULL) {
        return value_float(number->real);
    }
    return number->is_int ? value_int(number->integer) : VALUE_NONE;
}

bool literal_number(Arena *arena, const char *source, size_t length, NumberSyntax syntax,
                    Number *number, GError **error)
{
    g_autofree char *text = g_strndup(source, length);
    *number = (Number){0};
    if (syntax == LITERAL_CHARACTER) {
        if (!read_character_constant(text, length, number, error)) {
            return false;
        }
        number->constant = ideal_constant(arena, text, number);
        return true;
    }
    g_autofree char *plain = plain_digits(text);
    bool imaginary = length > 0 && text[length - 1] == 'i';
    size_t split = plain != NULL && syntax == LITERAL_COMPLEX ? find_imaginary(plain) : 0;
    if (plain == NULL || (imaginary && !read_complex(plain, split, number))) {
        g_set_error(error, FAULT, FAULT_INPUT, "illegal number syntax: \"%s\"", text);
        return false;
    }
    if (!imaginary && !read_real(text, plain, number, error)) {
        return false;
    }
    number->constant = ideal_constant(arena, text, number);
    return true;
}
