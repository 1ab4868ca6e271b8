/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_JSON_SCAN_H
#define BRIDGE_JSON_SCAN_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* What is checked of a JSON text before a tree is built of it. */
typedef struct {
    unsigned depth;  /* nested arrays and objects */
    size_t values;   /* values in all, counted before a tree is built */
    size_t string;   /* bytes of one string, as written */
} JsonLimits;
#define JSON_LIMITS_DEFAULT ((JsonLimits){.depth = 64, .values = 5000000, .string = 4 * 1024 * 1024})
#define JSON_DEPTH_MAX  1000u /* whatever the limits say */
#define JSON_NUMBER_MAX 63    /* bytes */

/* One pass without allocation: the whole grammar, and the ceilings.  *NEEDS_REPAIR: there
 * are strings that json_repair() must go over first.  False with ERROR "byte N: reason"
 * (from 1): INPUT, or LIMIT where a ceiling is passed. */
bool json_scan(const char *text, size_t length, const JsonLimits *limits, bool *needs_repair,
               GError **error);

/* TEXT, which passed the scan, with U+FFFD for every byte that is not UTF-8, every \u0000
 * and every surrogate without its other half. */
GString *json_repair(const char *text, size_t length);

#endif
