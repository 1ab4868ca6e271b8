/* SPDX-License-Identifier: MIT */
/* Characters, escapes and character classes of RE2. */
#include "rules/re2.h"

#include <string.h>

#include "rules/fault.h"
#include "rules/utf8.h"

#define RUNE_MAX 0x10FFFF

bool re2_fail(GError **error, const char *code, const char *text, size_t length)
{
    g_autofree char *valid = g_utf8_make_valid(text, (gssize)length);
    g_set_error(error, FAULT, FAULT_INPUT, "error parsing regexp: %s: `%s`", code, valid);
    return false;
}

bool re2_rune(const char **at, gunichar *rune, GError **error)
{
    *rune = g_utf8_get_char_validated(*at, -1);
    if (*rune > RUNE_MAX) {
        return re2_fail(error, "invalid UTF-8", *at, strlen(*at));
    }
    *at = utf8_next(*at);
    return true;
}

void re2_append_rune(GString *out, gunichar rune)
{
    if (rune < 0x20 || rune == 0x7F) {
        g_string_append_printf(out, "\\x{%x}", rune);
        return;
    }
    if (rune < 0x80 && !g_ascii_isalnum((char)rune)) {
        g_string_append_c(out, '\\');
    }
    g_string_append_unichar(out, rune);
}

/* After `\x`: two hexadecimal digits, or any number of them in braces. */
static bool hexadecimal(const char **at, gunichar *rune)
{
    bool braces = **at == '{', good = true;
    size_t n = 0;
    *rune = 0;
    *at += braces;
    while (**at != '\0' && (braces ? good && **at != '}' : n < 2)) {
        int digit = g_ascii_xdigit_value(**at);
        *at = utf8_next(*at);
        *rune = *rune * 16 + (gunichar)digit;
        good = good && digit >= 0 && *rune <= RUNE_MAX;
        n++;
    }
    if (!braces) {
        return good && n == 2;
    }
    bool closed = **at == '}';
    *at += good && closed;
    return good && closed && n > 0;
}

/* After the backslash: up to three octal digits, but a lone digit other than 0 would be a
 * backreference. */
static bool octal(const char **at, gunichar *rune)
{
    const char *digit = *at;
    if (*digit < '0' || *digit > '7' || (*digit != '0' && (digit[1] < '0' || digit[1] > '7'))) {
        *at += 1;
        return false;
    }
    *rune = 0;
    for (size_t n = 0; n < 3 && *digit >= '0' && *digit <= '7'; n++, digit++) {
        *rune = *rune * 8 + (gunichar)(*digit - '0');
    }
    *at = digit;
    return true;
}

/* At the character after the backslash. */
static bool escaped(const char **at, gunichar *rune)
{
    static const char letters[] = "afnrtv", meant[] = "\a\f\n\r\t\v";
    char letter = **at;
    const char *found = memchr(letters, letter, sizeof letters - 1);
    if (found != NULL) {
        *rune = (gunichar)meant[found - letters];
        *at += 1;
        return true;
    }
    if (letter == 'x') {
        *at += 1;
        return hexadecimal(at, rune);
    }
    if (g_ascii_isdigit(letter)) {
        return octal(at, rune);
    }
    *rune = g_utf8_get_char(*at);
    *at = utf8_next(*at);
    return *rune < 0x80 && !g_ascii_isalpha((char)*rune);
}

bool re2_escape(const char **at, gunichar *rune, GError **error)
{
    const char *start = *at, *next = start + 1;
    if (*next == '\0') {
        return re2_fail(error, "trailing backslash at end of expression", "", 0);
    }
    gunichar checked;
    *at = next;
    if (!re2_rune(&next, &checked, error)) {
        return false;
    }
    /* PCRE2 has no surrogates: what Go takes and can never match is refused here. */
    if (!escaped(at, rune) || (*rune >= 0xD800 && *rune <= 0xDFFF)) {
        return re2_fail(error, "invalid escape sequence", start, (size_t)(*at - start));
    }
    return true;
}

/* `\s` lacks the vertical tab in Go, which PCRE2's has. */
static const struct {
    const char *escape, *class;
} perl_classes[] = {
    {"\\d", "\\d"},           {"\\D", "\\D"}, {"\\s", "\\t\\n\\f\\r\\x{20}"},
    {"\\S", "\\S\\x{b}"},     {"\\w", "\\w"}, {"\\W", "\\W"},
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

static const char categories[] =
    " C Cc Cf Co Cs L Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps S Sc Sk "
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
    g_string_append_printf(out, "\\%c%s%.*s}", negated ? 'P' : 'p', whole ? "{" : RE2_SCRIPT,
                           (int)length, name);
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
        return re2_fail(error, "invalid character class range", start, (size_t)(*at - start));
    }
    g_string_append_len(out, start, *at - start);
    return true;
}

static bool class_rune(const char **at, const char *class, gunichar *rune, GError **error)
{
    if (**at == '\0') {
        return re2_fail(error, "missing closing ]", class, strlen(class));
    }
    return **at == '\\' ? re2_escape(at, rune, error) : re2_rune(at, rune, error);
}

static bool class_range(const char **at, const char *class, GString *out, GError **error)
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
        return re2_fail(error, "invalid character class range", start, (size_t)(*at - start));
    }
    g_string_append_c(out, '-');
    re2_append_rune(out, high);
    return true;
}

static bool class_item(const char **at, const char *class, GString *out, GError **error)
{
    const char *start = *at;
    if (!posix_class(at, out, error) || (*at == start && !re2_class_escape(at, out, error))) {
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
