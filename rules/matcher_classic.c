/* SPDX-License-Identifier: MIT */
/* The classic grammar of matchers, tolerant as it is: braces are trimmed singly, values
 * need no quotes, and a backslash that escapes nothing stands for itself. */
#include <string.h>

#include "rules/fault.h"
#include "rules/matcher.h"
#include "rules/matcher_grammar.h"

/* What `\s` matches in Go. */
static bool is_ascii_space(char byte)
{
    return byte != '\0' && strchr("\t\n\f\r ", byte) != NULL;
}

static void skip_spaces(const char **at)
{
    while (is_ascii_space(**at)) {
        *at += 1;
    }
}

/* A label name at *AT, to free; NULL if there is none. */
static char *read_name(const char **at)
{
    const char *start = *at;
    while (g_ascii_isalpha(**at) || **at == '_' || **at == ':' ||
           (*at != start && g_ascii_isdigit(**at))) {
        *at += 1;
    }
    return *at == start ? NULL : g_strndup(start, (size_t)(*at - start));
}

/* In this order: `=~` is not `=` before `~`. */
static const struct {
    const char *text;
    MatchType type;
} operators[] = {
    {"=~", MATCH_REGEXP},
    {"=", MATCH_EQUAL},
    {"!=", MATCH_NOT_EQUAL},
    {"!~", MATCH_NOT_REGEXP},
};

static bool read_operator(const char **at, MatchType *type)
{
    for (size_t i = 0; i < G_N_ELEMENTS(operators); i++) {
        if (g_str_has_prefix(*at, operators[i].text)) {
            *at += strlen(operators[i].text);
            *type = operators[i].type;
            return true;
        }
    }
    return false;
}

/* What RAW, which may be in double quotes, stands for, to free; NULL if a double quote
 * in it is not escaped. */
static char *unescape(const char *raw)
{
    g_autoptr(GString) value = g_string_new(NULL);
    bool open = *raw == '"';
    const char *at = raw + open;
    for (; *at != '\0'; at++) {
        if (*at == '"') {
            if (!open || at[1] != '\0') {
                return NULL;
            }
            open = false;
        } else if (*at != '\\' || at[1] == '\0' || strchr("n\"\\", at[1]) == NULL) {
            g_string_append_c(value, *at);
        } else {
            at++;
            g_string_append_c(value, *at == 'n' ? '\n' : *at);
        }
    }
    return open ? NULL : g_string_free(g_steal_pointer(&value), FALSE);
}

static Matcher *parse_value(MatchType type, const char *name, const char *raw,
                            GError **error)
{
    g_autofree char *value = unescape(raw);
    if (value == NULL) {
        g_set_error(error, FAULT, FAULT_INPUT,
                    "matcher value contains unescaped double quote: %s", raw);
        return NULL;
    }
    return matcher_new(type, name, value, error);
}

static Matcher *parse_one(const char *text, GError **error)
{
    const char *at = text;
    MatchType type;
    skip_spaces(&at);
    g_autofree char *name = read_name(&at);
    skip_spaces(&at);
    if (name == NULL || !read_operator(&at, &type)) {
        g_set_error(error, FAULT, FAULT_INPUT, "bad matcher format: %s", text);
        return NULL;
    }
    skip_spaces(&at);
    size_t length = strlen(at);
    while (length > 0 && is_ascii_space(at[length - 1])) {
        length--;
    }
    g_autofree char *raw = g_strndup(at, length);
    return parse_value(type, name, raw, error);
}

static void free_matcher(void *matcher)
{
    matcher_free(matcher);
}

static bool add_one(GPtrArray *matchers, const char *text, GError **error)
{
    Matcher *matcher = parse_one(text, error);
    if (matcher != NULL) {
        g_ptr_array_add(matchers, matcher);
    }
    return matcher != NULL;
}

static bool is_utf8(const char *text, GError **error)
{
    bool valid = g_utf8_validate(text, -1, NULL);
    if (!valid) {
        g_set_error(error, FAULT, FAULT_INPUT, "matchers are not valid UTF-8");
    }
    return valid;
}

GPtrArray *grammar_classic_one(const char *text, GError **error)
{
    g_autoptr(GPtrArray) matchers = g_ptr_array_new_with_free_func(free_matcher);
    return is_utf8(text, error) && add_one(matchers, text, error)
               ? g_steal_pointer(&matchers)
               : NULL;
}

/* Adds the matchers of the texts before the commas that no quotes enclose, and sets
 * *REST to what is behind the last of them. */
static bool add_before_commas(GPtrArray *matchers, char *text, char **rest,
                              GError **error)
{
    bool quoted = false, escaped = false;
    *rest = text;
    for (char *at = text; *at != '\0'; at++) {
        if (*at == ',') {
            /* A comma leaves `escaped` as it is. */
            if (!quoted) {
                *at = '\0';
                if (!add_one(matchers, *rest, error)) {
                    return false;
                }
                *rest = at + 1;
            }
            continue;
        }
        quoted = *at == '"' && !escaped ? !quoted : quoted;
        escaped = *at == '\\' && !escaped;
    }
    return true;
}

/* TEXT without the white space around it, as Go's strings.TrimSpace; in place. */
static char *trim(char *text)
{
    while (*text != '\0' && grammar_is_space(g_utf8_get_char(text))) {
        text = g_utf8_next_char(text);
    }
    char *end = text + strlen(text);
    while (end > text) {
        char *last = g_utf8_prev_char(end);
        if (!grammar_is_space(g_utf8_get_char(last))) {
            break;
        }
        end = last;
    }
    *end = '\0';
    return text;
}

GPtrArray *matchers_parse_classic(const char *text, GError **error)
{
    if (!is_utf8(text, error)) {
        return NULL;
    }
    g_autoptr(GPtrArray) matchers = g_ptr_array_new_with_free_func(free_matcher);
    g_autofree char *inner = g_strdup(*text == '{' ? text + 1 : text);
    size_t length = strlen(inner);
    if (length > 0 && inner[length - 1] == '}') {
        inner[length - 1] = '\0';
    }
    char *rest;
    if (!add_before_commas(matchers, inner, &rest, error)) {
        return NULL;
    }
    rest = trim(rest);
    if (*rest != '\0' && !add_one(matchers, rest, error)) {
        return NULL;
    }
    return g_steal_pointer(&matchers);
}
