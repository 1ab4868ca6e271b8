/* SPDX-License-Identifier: MIT */
#ifndef RULES_REGEXP_H
#define RULES_REGEXP_H

#include <glib.h>
#include <stdint.h>

/* A compiled regular expression in Go's syntax and meaning (RE2: no backreferences, no
 * lookaround; `.` leaves out the newline unless (?s); `$` is the end of the text unless
 * (?m)).  Immutable: any number of threads may use one at the same time. */
typedef struct Regexp Regexp;

typedef enum {
    REGEXP_SEARCH, /* matches anywhere in the subject */
    REGEXP_WHOLE,  /* ^(?:PATTERN)$, as matchers have it */
} RegexpMode;

/* NULL with ERROR (INPUT) set to Go's text, "error parsing regexp: …", if PATTERN is
 * not a regular expression.  Free with regexp_free(). */
Regexp *regexp_new(const char *pattern, RegexpMode mode, GError **error);
void regexp_free(Regexp *regexp); /* NULL is allowed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Regexp, regexp_free)

/* LIMIT: given up after too many steps or too much memory; the answer is not known. */
typedef enum { REGEXP_NO, REGEXP_YES, REGEXP_LIMIT } RegexpResult;

/* Whether LENGTH bytes at SUBJECT match.  Text that is not UTF-8 never does. */
RegexpResult regexp_test(const Regexp *regexp, const char *subject, size_t length);

/* Bytes START up to END of the subject; both REGEXP_UNSET for a group that took no
 * part. */
typedef struct {
    size_t start, end;
} RegexpSpan;
#define REGEXP_UNSET SIZE_MAX

/* Groups in the pattern, not counting the whole match, which is number 0. */
unsigned regexp_groups(const Regexp *regexp);
/* The number of the first group called NAME, or -1. */
int regexp_group_index(const Regexp *regexp, const char *name);

/* The first match that starts at OFFSET or later (`^` still means the start of the
 * subject).  On YES the 1 + regexp_groups() SPANS are written.  OFFSET is at most
 * LENGTH and at the start of a character; beyond 0 the subject must have passed a find
 * from 0, which checks that it is UTF-8. */
RegexpResult regexp_find(const Regexp *regexp, const char *subject, size_t length,
                         size_t offset, RegexpSpan *spans);

#endif
