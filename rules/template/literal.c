/* SPDX-License-Identifier: MIT */
#include "rules/template/literal.h"

#include <math.h>
#include <string.h>

#include "rules/fault.h"
#include "rules/template/rune.h"

typedef struct {
    const char *at, *end;
} Cursor;

typedef struct {
    gunichar c;
    bool byte; /* \x and octal escapes stand for a byte, not for a character */
} Escaped;

static bool invalid_syntax(GError **error)
{
    g_set_error(error, FAULT, FAULT_INPUT, "invalid syntax");
    return false;
}

/* DIGITS digits of BASE, all of them needed. */
static bool read_digits(Cursor *cursor, unsigned digits, unsigned base, gunichar *value)
{
    *value = 0;
    for (; digits > 0; digits--, cursor->at++) {
        int digit = cursor->at < cursor->end ? g_ascii_xdigit_value(*cursor->at) : -1;
        if (digit < 0 || (unsigned)digit >= base) {
            return false;
        }
        *value = *value * base + (unsigned)digit;
    }
    return true;
}

static bool read_code_point(Cursor *cursor, unsigned digits, Escaped *read)
{
    return read_digits(cursor, digits, 16, &read->c) && read->c <= 0x10ffff &&
           !(read->c >= 0xd800 && read->c <= 0xdfff);
}

/* What follows a backslash. */
static bool read_escape(Cursor *cursor, char quote, Escaped *read)
{
    static const char letters[] = "abfnrtv\\", meanings[] = "\a\b\f\n\r\t\v\\";
    if (cursor->at == cursor->end) {
        return false;
    }
    char letter = *cursor->at++;
    const char *known = letter == '\0' ? NULL : strchr(letters, letter);
    if (known != NULL) {
        read->c = (unsigned char)meanings[known - letters];
        return true;
    }
    if (letter == quote) {
        read->c = (unsigned char)quote;
        return true;
    }
    switch (letter) {
    case 'x':
        read->byte = true;
        return read_digits(cursor, 2, 16, &read->c);
    case 'u':
        return read_code_point(cursor, 4, read);
    case 'U':
        return read_code_point(cursor, 8, read);
    default:
        cursor->at--;
        read->byte = true;
        return read_digits(cursor, 3, 8, &read->c) && read->c <= 0xff;
    }
}

/* One character of a literal in QUOTE quotes, which is not at its end. */
static bool read_character(Cursor *cursor, char quote, Escaped *read)
{
    *read = (Escaped){0};
    if (*cursor->at == quote) {
        return false;
    }
    if (*cursor->at == '\\') {
        cursor->at++;
        return read_escape(cursor, quote, read);
    }
    size_t length;
    read->c = rune_decode(cursor->at, (size_t)(cursor->end - cursor->at), &length);
    cursor->at += length;
    return true;
}

static bool read_quoted(Cursor cursor, GString *content)
{
    while (cursor.at < cursor.end) {
        Escaped read;
        if (*cursor.at == '\n' || !read_character(&cursor, '"', &read)) {
            return false;
        }
        if (read.byte) {
            g_string_append_c(content, (char)read.c);
        } else {
            g_string_append_unichar(content, read.c);
        }
    }
    return true;
}

/* A raw string is as it is written, except that carriage returns vanish. */
static void read_raw(Cursor cursor, GString *content)
{
    for (; cursor.at < cursor.end; cursor.at++) {
        if (*cursor.at != '\r') {
            g_string_append_c(content, *cursor.at);
        }
    }
}

bool literal_string(Arena *arena, const char *source, size_t length, Value *content,
                    GError **error)
{
    g_assert(length >= 2);
    g_autoptr(GString) read = g_string_sized_new(length);
    Cursor inside = {source + 1, source + length - 1};
    if (source[0] == '`') {
        read_raw(inside, read);
    } else if (!read_quoted(inside, read)) {
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
    Cursor cursor = {source + 1, source + length};
    Escaped read;
    if (!read_character(&cursor, '\'', &read)) {
        return invalid_syntax(error);
    }
    if (cursor.end - cursor.at != 1 || *cursor.at != '\'') {
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
