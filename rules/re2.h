/* SPDX-License-Identifier: MIT */
#ifndef RULES_RE2_H
#define RULES_RE2_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* Go's regular expression syntax (RE2), checked and translated into PCRE2's. */

/* PATTERN for PCRE2 with UTF, DOTALL, MULTILINE and ALT_CIRCUMFLEX, free with g_free().
 * Appends one name (char *, NULL for none) for each capturing group to NAMES; the
 * translation has the groups without names.  On error NULL, and ERROR (INPUT) has the
 * text of Go's regexp package. */
char *re2_translate(const char *pattern, GPtrArray *names, GError **error);

/* What stands before the name of a script in the translation.  The name is the one
 * thing that is left to PCRE2 to check. */
#define RE2_SCRIPT "{sc:"

/* What the parts of the translator share. */

/* Sets ERROR to Go's form of CODE about the LENGTH bytes at TEXT; returns false. */
bool re2_fail(GError **error, const char *code, const char *text, size_t length);
/* Reads one character at *AT, which is not at the end, and steps over it. */
bool re2_rune(const char **at, gunichar *rune, GError **error);
/* Appends RUNE so that PCRE2 takes it literally, in a class or outside. */
void re2_append_rune(GString *out, gunichar rune);
/* Reads the escape of a single character at *AT, which is at the backslash. */
bool re2_escape(const char **at, gunichar *rune, GError **error);

enum { RE2_FOLD = 1, RE2_LINES = 2, RE2_DOT_ALL = 4, RE2_LAZY = 8 };
/* Applies what follows `(?` at *AT to FLAGS: letters to set, then perhaps `-` and
 * letters to clear, at least one.  Stops at what is none of these. */
bool re2_flags(const char **at, unsigned *flags);

typedef struct {
    const char *end; /* behind the closing brace */
    int min, max;    /* max -1: without end; min -1: too large a number */
} Re2Repeat;
/* Reads `{2}`, `{2,}` or `{2,3}` at AT, which is at the brace; what is not of this form
 * is literal text. */
bool re2_repeat(const char *at, Re2Repeat *repeat);

/* Translates `\d`, `\pL`, … at *AT into something that may stand in a class.  If it is
 * none of them, true and *AT and OUT as they were. */
bool re2_class_escape(const char **at, GString *out, GError **error);
/* Translates the class at *AT, which is at the opening bracket. */
bool re2_class(const char **at, GString *out, GError **error);

#endif
