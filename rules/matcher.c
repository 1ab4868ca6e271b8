/* SPDX-License-Identifier: MIT */
#include "rules/matcher.h"

#include <stdlib.h>
#include <string.h>

#include "rules/matcher_grammar.h"
#include "rules/quote.h"
#include "rules/regexp.h"
#include "rules/utf8.h"

struct Matcher {
    MatchType type;
    char *name, *value;
    /* A regular expression is one of these two. */
    Regexp *regexp;
    char **literals; /* of `a|b|c`: sorted */
    size_t n_literals;
};

static int compare_strings(const void *a, const void *b)
{
    const char *const *left = a, *const *right = b;
    return strcmp(*left, *right);
}

/* Whether PATTERN only lists texts, which need no regular expression. */
static bool take_literals(Matcher *matcher, const char *pattern)
{
    if (*pattern == '\0' || strpbrk(pattern, "\\.+*?()[]{}^$") != NULL ||
        !g_utf8_validate(pattern, -1, NULL)) {
        return false;
    }
    matcher->literals = g_strsplit(pattern, "|", -1);
    matcher->n_literals = g_strv_length(matcher->literals);
    qsort(matcher->literals, matcher->n_literals, sizeof(char *), compare_strings);
    return true;
}

Matcher *matcher_new(MatchType type, const char *name, const char *value,
                     GError **error)
{
    g_autoptr(Matcher) matcher = g_new0(Matcher, 1);
    matcher->type = type;
    matcher->name = g_strdup(name);
    matcher->value = g_strdup(value);
    bool plain = type == MATCH_EQUAL || type == MATCH_NOT_EQUAL;
    if (!plain && !take_literals(matcher, value)) {
        matcher->regexp = regexp_new(value, REGEXP_WHOLE, error);
        if (matcher->regexp == NULL) {
            return NULL;
        }
    }
    return g_steal_pointer(&matcher);
}

void matcher_free(Matcher *matcher)
{
    if (matcher == NULL) {
        return;
    }
    g_free(matcher->name);
    g_free(matcher->value);
    regexp_free(matcher->regexp);
    g_strfreev(matcher->literals);
    g_free(matcher);
}

MatchType matcher_type(const Matcher *matcher)
{
    return matcher->type;
}

const char *matcher_name(const Matcher *matcher)
{
    return matcher->name;
}

const char *matcher_value(const Matcher *matcher)
{
    return matcher->value;
}

static Matched matched(bool yes)
{
    return yes ? MATCHED_YES : MATCHED_NO;
}

static Matched match_regexp(const Matcher *matcher, const char *value, bool wanted)
{
    if (matcher->literals != NULL) {
        bool found = bsearch(&value, matcher->literals, matcher->n_literals,
                             sizeof(char *), compare_strings) != NULL;
        return matched(found == wanted);
    }
    RegexpResult result = regexp_test(matcher->regexp, value, strlen(value));
    return result == REGEXP_LIMIT ? MATCHED_LIMIT
                                  : matched((result == REGEXP_YES) == wanted);
}

Matched matcher_matches(const Matcher *matcher, const char *value)
{
    switch (matcher->type) {
    case MATCH_EQUAL:
        return matched(strcmp(matcher->value, value) == 0);
    case MATCH_NOT_EQUAL:
        return matched(strcmp(matcher->value, value) != 0);
    case MATCH_REGEXP:
        return match_regexp(matcher, value, true);
    case MATCH_NOT_REGEXP:
        return match_regexp(matcher, value, false);
    }
    g_assert_not_reached();
}

static void append_open_metrics(GString *out, const char *text)
{
    g_string_append_c(out, '"');
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '\\':
        case '"':
            g_string_append_c(out, '\\');
            g_string_append_c(out, *text);
            break;
        case '\n':
            g_string_append(out, "\\n");
            break;
        default:
            g_string_append_c(out, *text);
        }
    }
    g_string_append_c(out, '"');
}

static bool needs_quotes(const char *name)
{
    for (; *name != '\0'; name = utf8_next(name)) {
        if (grammar_is_reserved(g_utf8_get_char(name))) {
            return true;
        }
    }
    return false;
}

void matcher_print(const Matcher *matcher, GString *out)
{
    static const char *const operators[] = {"=", "!=", "=~", "!~"};
    bool quotes = needs_quotes(matcher->name);
    if (quotes) {
        quote_append(out, matcher->name);
    } else {
        g_string_append(out, matcher->name);
    }
    g_string_append(out, operators[matcher->type]);
    (quotes ? quote_append : append_open_metrics)(out, matcher->value);
}

void matchers_print(const GPtrArray *matchers, GString *out)
{
    g_string_append_c(out, '{');
    for (guint i = 0; i < matchers->len; i++) {
        if (i > 0) {
            g_string_append_c(out, ',');
        }
        matcher_print(matchers->pdata[i], out);
    }
    g_string_append_c(out, '}');
}

static int compare_matchers(const void *a, const void *b)
{
    const Matcher *left = *(Matcher *const *)a, *right = *(Matcher *const *)b;
    int order = strcmp(left->name, right->name);
    if (order == 0) {
        order = strcmp(left->value, right->value);
    }
    return order != 0 ? order : (int)left->type - (int)right->type;
}

void matchers_sort(GPtrArray *matchers)
{
    g_ptr_array_sort(matchers, compare_matchers);
}
