/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_SCALAR_H
#define CONFIG_SCALAR_H

#include <stdbool.h>
#include <stddef.h>

/* A scalar as it is written in the file: between the bytes there and those of its text
 * stand quotes, escapes, indentation and folded lines. */

typedef enum {
    SCALAR_PLAIN,
    SCALAR_SINGLE, /* 'quoted' */
    SCALAR_DOUBLE, /* "quoted" */
    SCALAR_LITERAL, /* | */
    SCALAR_FOLDED,  /* > */
} ScalarStyle;

typedef struct {
    ScalarStyle style;
    const char *raw; /* from its first byte (its anchor or tag, if it has one) */
    size_t length;
    unsigned line, col; /* of that byte, from 1; columns are characters */
} Scalar;

/* Where the byte at OFFSET of TEXT, which SCALAR gave, stands in the file.  False, and
 * *LINE and *COL are those of the scalar, if that cannot be told. */
bool scalar_find(const Scalar *scalar, const char *text, size_t offset, unsigned *line,
                 unsigned *col);

#endif
