/* SPDX-License-Identifier: MIT */
/* Floats as strconv.FormatFloat writes them. */
#include "rules/template/format.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Before the decimal point of the largest double, and what else is not precision. */
#define FLOAT_OVERHEAD 330

/* The digits that tell a double from its neighbours: at most 17; up to 15 all are as they
 * were written, unless the double is subnormal. */
#define DIGITS_MIN 15
#define DIGITS_MAX 17

/* From ten to this power on, and below 10^-4, the shortest form has an exponent. */
#define SCIENTIFIC_FROM 6

static void append_printf(double value, char verb, int precision, GString *out)
{
    char format[16];
    gsize size = (gsize)precision + FLOAT_OVERHEAD;
    g_snprintf(format, sizeof format, "%%.%d%c", precision, verb);
    g_autofree char *buffer = g_malloc(size);
    g_string_append(out, g_ascii_formatd(buffer, (gint)size, format, value));
}

/* A value as 0.DIGITS times ten to the power of POINT. */
typedef struct {
    char digits[DIGITS_MAX + 1];
    int n, point;
} Decimal;

static Decimal shortest_decimal(double value)
{
    Decimal decimal = {.n = 0};
    char text[G_ASCII_DTOSTR_BUF_SIZE], format[8];
    for (int digits = value < DBL_MIN ? 1 : DIGITS_MIN; digits <= DIGITS_MAX; digits++) {
        g_snprintf(format, sizeof format, "%%.%de", digits - 1);
        g_ascii_formatd(text, sizeof text, format, value);
        if (!(g_ascii_strtod(text, NULL) < value) && !(g_ascii_strtod(text, NULL) > value)) {
            break;
        }
    }
    const char *exponent = strchr(text, 'e');
    for (const char *at = text; at < exponent; at++) {
        if (g_ascii_isdigit(*at)) {
            decimal.digits[decimal.n++] = *at;
        }
    }
    decimal.point = (int)g_ascii_strtoll(exponent + 1, NULL, 10) + 1;
    while (decimal.n > 1 && decimal.digits[decimal.n - 1] == '0') {
        decimal.n--;
    }
    return decimal;
}

static void append_scientific(const Decimal *decimal, char verb, GString *out)
{
    g_string_append_c(out, decimal->digits[0]);
    if (decimal->n > 1) {
        g_string_append_c(out, '.');
        g_string_append_len(out, decimal->digits + 1, decimal->n - 1);
    }
    g_string_append_printf(out, "%c%+03d", verb, decimal->point - 1);
}

static void append_zeros(GString *out, int n)
{
    for (; n > 0; n--) {
        g_string_append_c(out, '0');
    }
}

static void append_positional(const Decimal *decimal, GString *out)
{
    if (decimal->point <= 0) {
        g_string_append(out, "0.");
        append_zeros(out, -decimal->point);
        g_string_append_len(out, decimal->digits, decimal->n);
        return;
    }
    int whole = MIN(decimal->n, decimal->point);
    g_string_append_len(out, decimal->digits, whole);
    append_zeros(out, decimal->point - whole);
    if (decimal->n > whole) {
        g_string_append_c(out, '.');
        g_string_append_len(out, decimal->digits + whole, decimal->n - whole);
    }
}

static void append_shortest(double value, char verb, GString *out)
{
    Decimal decimal = {.digits = "0", .n = 1, .point = 1};
    if (fpclassify(value) != FP_ZERO) {
        decimal = shortest_decimal(value);
    }
    bool general = verb == 'g' || verb == 'G';
    int exponent = decimal.point - 1;
    if (verb == 'e' || verb == 'E' || (general && (exponent < -4 || exponent >= SCIENTIFIC_FROM))) {
        append_scientific(&decimal, g_ascii_isupper(verb) ? 'E' : 'e', out);
    } else {
        append_positional(&decimal, out);
    }
}

/* A double as MANTISSA times two to the power of EXPONENT. */
static uint64_t split_binary(double value, int *exponent)
{
    double fraction = frexp(value, exponent);
    int bits = *exponent < -1021 ? 53 - (-1021 - *exponent) : 53;
    *exponent -= bits;
    return (uint64_t)ldexp(fraction, bits);
}

static void append_binary(double value, GString *out)
{
    int exponent;
    uint64_t mantissa = split_binary(value, &exponent);
    if (mantissa == 0) {
        exponent = -1074;
    }
    g_string_append_printf(out, "%" G_GUINT64_FORMAT "p%+d", mantissa, exponent);
}

/* The 52 bits behind the point of a mantissa of 53, rounded to PRECISION hexadecimal
 * digits; the leading one may become a two. */
static uint64_t round_hex(uint64_t mantissa, int precision)
{
    int drop = (13 - precision) * 4;
    if (precision < 0 || drop <= 0) {
        return mantissa;
    }
    uint64_t unit = UINT64_C(1) << drop, rest = mantissa & (unit - 1);
    mantissa -= rest;
    bool odd = (mantissa & unit) != 0;
    return rest > unit / 2 || (rest == unit / 2 && odd) ? mantissa + unit : mantissa;
}

static void append_hex(double value, char verb, int precision, GString *out)
{
    int exponent = 1;
    uint64_t mantissa = 0;
    if (fpclassify(value) != FP_ZERO) {
        mantissa = round_hex((uint64_t)ldexp(frexp(value, &exponent), 53), precision);
        if (mantissa >> 53 != 0) {
            mantissa >>= 1;
            exponent++;
        }
    }
    g_autofree char *digits =
        g_strdup_printf("%013" G_GINT64_MODIFIER "x", mantissa & ((UINT64_C(1) << 52) - 1));
    GString *text = g_string_new(mantissa >> 52 != 0 ? "0x1" : "0x0");
    int n = 13;
    while (precision < 0 && n > 0 && digits[n - 1] == '0') {
        n--;
    }
    n = precision < 0 ? n : MIN(precision, 13);
    if (n > 0 || precision > 0) {
        g_string_append_c(text, '.');
        g_string_append_len(text, digits, n);
        append_zeros(text, precision - n);
    }
    g_string_append_printf(text, "p%+03d", exponent - 1);
    if (verb == 'X') {
        g_string_ascii_up(text);
    }
    g_string_append_len(out, text->str, (gssize)text->len);
    g_string_free(text, TRUE);
}

/* VALUE is not negative. */
static void append_finite(double value, char verb, int precision, GString *out)
{
    switch (verb) {
    case 'b':
        append_binary(value, out);
        return;
    case 'x':
    case 'X':
        append_hex(value, verb, precision, out);
        return;
    default:
        break;
    }
    if (precision < 0) {
        append_shortest(value, verb, out);
    } else {
        append_printf(value, verb == 'F' ? 'f' : verb, precision, out);
    }
}

void float_format(double value, char verb, int precision, GString *out)
{
    if (isnan(value)) {
        g_string_append(out, "NaN");
        return;
    }
    if (isinf(value)) {
        g_string_append(out, value > 0 ? "+Inf" : "-Inf");
        return;
    }
    if (signbit(value)) {
        g_string_append_c(out, '-');
    }
    append_finite(fabs(value), verb, precision, out);
}

void float_print(double value, GString *out)
{
    float_format(value, 'g', -1, out);
}
