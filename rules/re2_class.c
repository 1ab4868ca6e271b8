/* SPDX-License-Identifier: MIT */
/* Character classes of RE2. */
#include "rules/re2.h"

#include <string.h>

#include "rules/utf8.h"

/* `\s` lacks the vertical tab in Go, which PCRE2's has. */
static const struct {
    const char *escape, *class;
} perl_classes[] = {
    {"\\d", "\\d"},       {"\\D", "\\D"}, {"\\s", "\\t\\n\\f\\r\\x{20}"},
    {"\\S", "\\S\\x{b}"}, {"\\w", "\\w"}, {"\\W", "\\W"},
};

static bool is_property_name(const char *name, size_t length)
{
    if (length == 0 || !g_ascii_isupper(name[0])) {
        return false;
    }
    for (size_t i = 1; i < length; i++) {
        if (!g_ascii_isalpha(name[i]) && name[i] != '_') {
            return false;
        }
    }
    return true;
}

static const char categories[] = " C Cc Cf Co Cs L Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl "
                                 "No P Pc Pd Pe Pf Pi Po Ps S Sc Sk "
                                 "Sm So Z Zl Zp Zs ";

/* A general category or a script; PCRE2 knows the scripts, and refuses other names. */
static bool append_property(GString *out, const char *name, size_t length, bool negated)
{
    if (!is_property_name(name, length)) {
        return false;
    }
    g_autofree char *spaced = g_strdup_printf(" %.*s ", (int)length, name);
    bool whole = strcmp(spaced, " Any ") == 0 || strstr(categories, spaced) != NULL;
    if (!whole && length < 3) {
        return false;
    }
    g_string_append_printf(out, "\\%c%s%.*s}", negated ? 'P' : 'p',
                           whole ? "{" : RE2_SCRIPT, (int)length, name);
    return true;
}

/* At `\p` or `\P`: a one-letter name, or one in braces, perhaps with `^` in front. */
static bool property(const char **at, GString *out, GError **error)
{
    static const char bad[] = "invalid character class range";
    const char *start = *at, *name = start + 2, *end;
    bool negated = start[1] == 'P';
    if (*name == '{') {
        end = strchr(name, '}');
        if (end == NULL) {
            return re2_fail(error, bad, start, strlen(start));
        }
        *at = end + 1;
        name++;
    } else {
        end = *name == '\0' ? name : utf8_next(name);
        *at = end;
    }
    if (name < end && *name == '^') {
        negated = !negated;
        name++;
    }
    return append_property(out, name, (size_t)(end - name), negated) ||
           re2_fail(error, bad, start, (size_t)(*at - start));
}

bool re2_class_escape(const char **at, GString *out, GError **error)
{
    if (g_str_has_prefix(*at, "\\p") || g_str_has_prefix(*at, "\\P")) {
        return property(at, out, error);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(perl_classes); i++) {
        if (g_str_has_prefix(*at, perl_classes[i].escape)) {
            g_string_append(out, perl_classes[i].class);
            *at += 2;
            break;
        }
    }
    return true;
}

static const char *const posix_classes[] = {
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph",
    "lower", "print", "punct", "space", "upper", "word",  "xdigit",
};

static bool is_posix_class(const char *name, size_t length)
{
    for (size_t i = 0; i < G_N_ELEMENTS(posix_classes); i++) {
        if (strlen(posix_classes[i]) == length &&
            memcmp(posix_classes[i], name, length) == 0) {
            return true;
        }
    }
    return false;
}

/* `[:alpha:]` at *AT, if there is one: PCRE2 means the same by it. */
static bool posix_class(const char **at, GString *out, GError **error)
{
    const char *start = *at;
    const char *end = g_str_has_prefix(start, "[:") ? strstr(start + 2, ":]") : NULL;
    if (end == NULL) {
        return true;
    }
    const char *name = start + 2 + (start[2] == '^');
    *at = end + 2;
    if (name > end || !is_posix_class(name, (size_t)(end - name))) {
        return re2_fail(error, "invalid character class range", start,
                        (size_t)(*at - start));
    }
    g_string_append_len(out, start, *at - start);
    return true;
}

static bool class_rune(const char **at, const char *class, gunichar *rune,
                       GError **error)
{
    if (**at == '\0') {
        return re2_fail(error, "missing closing ]", class, strlen(class));
    }
    return **at == '\\' ? re2_escape(at, rune, error) : re2_rune(at, rune, error);
}

static bool class_range(const char **at, const char *class, GString *out,
                        GError **error)
{
    const char *start = *at;
    gunichar low, high;
    if (!class_rune(at, class, &low, error)) {
        return false;
    }
    re2_append_rune(out, low);
    if (**at != '-' || (*at)[1] == '\0' || (*at)[1] == ']') {
        return true;
    }
    *at += 1;
    if (!class_rune(at, class, &high, error)) {
        return false;
    }
    if (high < low) {
        return re2_fail(error, "invalid character class range", start,
                        (size_t)(*at - start));
    }
    g_string_append_c(out, '-');
    re2_append_rune(out, high);
    return true;
}

static bool class_item(const char **at, const char *class, GString *out, GError **error)
{
    const char *start = *at;
    if (!posix_class(at, out, error) ||
        (*at == start && !re2_class_escape(at, out, error))) {
        return false;
    }
    return *at != start || class_range(at, class, out, error);
}

bool re2_class(const char **at, GString *out, GError **error)
{
    const char *class = *at;
    bool negated = class[1] == '^';
    g_string_append(out, negated ? "[^" : "[");
    *at += 1 + negated;
    /* A bracket in the first place does not close. */
    do {
        if (!class_item(at, class, out, error)) {
            return false;
        }
    } while (**at != ']');
    *at += 1;
    g_string_append_c(out, ']');
    return true;
}
