/* SPDX-License-Identifier: MIT */
/* Alertmanager's default mode: both grammars are asked. */
#include <string.h>

#include "rules/fault.h"
#include "rules/matcher.h"
#include "rules/matcher_grammar.h"

typedef GPtrArray *(*Grammar)(const char *text, GError **error);

static bool same(const GPtrArray *a, const GPtrArray *b)
{
    bool equal = a->len == b->len;
    for (guint i = 0; equal && i < a->len; i++) {
        const Matcher *left = a->pdata[i], *right = b->pdata[i];
        equal = matcher_type(left) == matcher_type(right) &&
                strcmp(matcher_name(left), matcher_name(right)) == 0 &&
                strcmp(matcher_value(left), matcher_value(right)) == 0;
    }
    return equal;
}

static char *describe(const char *text, const GPtrArray *classic, const GError *why)
{
    if (why == NULL) {
        return g_strdup_printf("the UTF-8 and the classic grammar of matchers read %s "
                               "differently; the classic one is used",
                               text);
    }
    g_autoptr(GString) suggestion = g_string_new(NULL);
    matchers_print(classic, suggestion);
    return g_strdup_printf(
        "%s is read by the classic grammar of matchers, because the UTF-8 "
        "one does not know it (%s); both read %s",
        text, why->message, suggestion->str);
}

static GPtrArray *ask_both(const char *text, Grammar utf8, Grammar classic,
                           char **warning, GError **error)
{
    g_autoptr(GError) why = NULL;
    g_autoptr(GPtrArray) new = utf8(text, &why);
    g_autoptr(GPtrArray) old = classic(text, new == NULL ? error : NULL);
    if (warning != NULL) {
        *warning = NULL;
    }
    if (old == NULL || (new != NULL &&same(new, old))) {
        return g_steal_pointer(&new);
    }
    if (warning != NULL) {
        *warning = describe(text, old, why);
    }
    return g_steal_pointer(&old);
}

GPtrArray *matchers_parse(const char *text, char **warning, GError **error)
{
    return ask_both(text, matchers_parse_utf8, matchers_parse_classic, warning, error);
}

static GPtrArray *utf8_one(const char *text, GError **error)
{
    g_autoptr(GPtrArray) matchers = matchers_parse_utf8(text, error);
    if (matchers == NULL || matchers->len == 1) {
        return g_steal_pointer(&matchers);
    }
    if (matchers->len == 0) {
        g_set_error(error, FAULT, FAULT_INPUT, "no matchers");
    } else {
        g_set_error(error, FAULT, FAULT_INPUT, "expected 1 matcher, found %u",
                    matchers->len);
    }
    return NULL;
}

Matcher *matcher_parse(const char *text, char **warning, GError **error)
{
    if (warning != NULL) {
        *warning = NULL;
    }
    if (g_str_has_prefix(text, "{") || g_str_has_suffix(text, "}")) {
        g_set_error(error, FAULT, FAULT_INPUT, "unexpected open or close brace: %s",
                    text);
        return NULL;
    }
    g_autoptr(GPtrArray) matchers =
        ask_both(text, utf8_one, grammar_classic_one, warning, error);
    return matchers != NULL ? g_ptr_array_steal_index(matchers, 0) : NULL;
}
