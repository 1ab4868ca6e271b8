/* SPDX-License-Identifier: MIT */
#ifndef RULES_TEMPLATE_FORMAT_H
#define RULES_TEMPLATE_FORMAT_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Go's fmt for single numbers and texts: one verb with its flags, width and precision,
 * appended to a GString. */

/* Widths and precisions beyond this are refused. */
#define FORMAT_NUMBER_MAX 1000000

typedef struct {
    bool minus, plus, sharp, space, zero;
    bool plus_v, sharp_v; /* %+v, %#v */
    bool has_width, has_precision;
    int width, precision;
} Format;

void format_pad(const Format *format, const char *text, size_t n, GString *out);
/* In BASE (2, 8, 10, 16), of an integer whose sign is separate; upper case for %X. */
typedef struct {
    uint64_t magnitude;
    bool negative;
    unsigned base;
    char verb;
} FormatInteger;
void format_integer(const Format *format, FormatInteger integer, GString *out);
/* VERB is one of e E f F g G b x X, or v. */
void format_float(const Format *format, double value, char verb, GString *out);
void format_complex(const Format *format, const double parts[2], char verb, GString *out);
void format_character(const Format *format, uint64_t code, GString *out);        /* %c */
void format_quoted_character(const Format *format, uint64_t code, GString *out); /* %q */
void format_code_point(const Format *format, uint64_t code, GString *out);       /* %U */
void format_text(const Format *format, const char *text, size_t n, GString *out);   /* %s */
void format_quoted(const Format *format, const char *text, size_t n, GString *out); /* %q */
void format_hex(const Format *format, const char *text, size_t n, char verb, GString *out);

/* Appends the fewest digits that read back as VALUE, as %v does. */
void float_print(double value, GString *out);
/* Appends VALUE as strconv.FormatFloat(value, VERB, precision); precision -1 is as many
 * digits as it takes to read it back. */
void float_format(double value, char verb, int precision, GString *out);

#endif
