/* SPDX-License-Identifier: MIT */
#ifndef RULES_MATCHER_H
#define RULES_MATCHER_H

#include <glib.h>
#include <stdbool.h>

#include "rules/alert.h"

typedef enum { MATCH_EQUAL, MATCH_NOT_EQUAL, MATCH_REGEXP, MATCH_NOT_REGEXP } MatchType;

/* One label matcher, e.g. `team=~"db|web"`. Immutable. */
typedef struct Matcher Matcher;

/* NULL with ERROR (INPUT) set if VALUE is not a regular expression where one is due. */
Matcher *matcher_new(MatchType type, const char *name, const char *value,
                     GError **error);
void matcher_free(Matcher *matcher); /* NULL is allowed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Matcher, matcher_free)

MatchType matcher_type(const Matcher *matcher);
const char *matcher_name(const Matcher *matcher);
const char *matcher_value(const Matcher *matcher);

typedef enum { MATCHED_NO, MATCHED_YES, MATCHED_LIMIT } Matched;
/* VALUE "" for an absent label.  LIMIT: the regular expression hit its ceiling, which
 * counts as no match and is worth a log line. */
Matched matcher_matches(const Matcher *matcher, const char *value);

/* Appends the canonical form, as Alertmanager prints it: `name="value"`, the value
 * escaped as in OpenMetrics; both in Go's quotes if the name needs them. */
void matcher_print(const Matcher *matcher, GString *out);
/* Appends `{a="b",c!="d"}`; the MATCHERS (Matcher *) as they are sorted. */
void matchers_print(const GPtrArray *matchers, GString *out);

/* The matchers of one text, e.g. `{a="b",c!="d"}`, as an array of Matcher * that frees
 * them; free with g_ptr_array_unref().  Alertmanager's default mode: the UTF-8 grammar,
 * else the classic one; where both accept it and differ, the classic result.  *WARNING
 * (WARNING may be NULL) is set to a text to free when the classic one was needed, else
 * to NULL. Errors (INPUT) have Alertmanager's texts, those of the UTF-8 grammar with
 * its columns; in the default mode the classic grammar's error is given. */
GPtrArray *matchers_parse(const char *text, char **warning, GError **error);
GPtrArray *matchers_parse_utf8(const char *text, GError **error);
GPtrArray *matchers_parse_classic(const char *text, GError **error);
/* The one matcher of a text without braces, in the same mode. */
Matcher *matcher_parse(const char *text, char **warning, GError **error);
/* By name, value, type: the order in which Alertmanager prints them. */
void matchers_sort(GPtrArray *matchers);

#endif
