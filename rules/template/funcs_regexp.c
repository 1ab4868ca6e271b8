/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "rules/fault.h"
#include "rules/quote.h"
#include "rules/regexp.h"
#include "rules/rune.h"
#include "rules/template/funcs_alertmanager.h"

/* Bytes of text that count as one step. */
#define BYTES_PER_STEP 64

static bool give_up(GError **error)
{
    g_set_error(error, FAULT, FAULT_LIMIT,
                "the regular expression needs too many steps for this text");
    return false;
}

static Regexp *compile(Value pattern, GError **error)
{
    g_autofree char *text = g_strndup(pattern.text, pattern.n);

    return regexp_new(text, REGEXP_SEARCH, error);
}

bool func_match(Exec *exec, const Value *args, size_t n, Value *result, GError **error)
{
    g_autoptr(Regexp) regexp = compile(args[0], error);

    (void)n;
    if (regexp == NULL || !exec_charge(exec, args[1].n / BYTES_PER_STEP, error)) {
        return false;
    }
    RegexpResult matched = regexp_test(regexp, args[1].text, args[1].n);
    *result = value_bool(matched == REGEXP_YES);
    return matched != REGEXP_LIMIT || give_up(error);
}

/* The name behind a $, in braces or not. */
typedef struct {
    Value name;
    size_t used; /* bytes with the braces; 0 if there is none */
} Reference;

static Reference read_reference(const char *text, size_t n)
{
    size_t start = n > 0 && text[0] == '{' ? 1 : 0, end = start, length;

    while (end < n) {
        gunichar rune = rune_decode(text + end, n - end, &length);
        if (!rune_is_name(rune)) {
            break;
        }
        end += length;
    }
    if (end == start || (start == 1 && (end == n || text[end] != '}'))) {
        return (Reference){.used = 0};
    }
    return (Reference){value_text_n(text + start, end - start), end + start};
}

/* The number of a group: $1, but $01 and $1x are names. */
static int group_number(const Regexp *regexp, Value name)
{
    g_autofree char *text = g_strndup(name.text, name.n);
    int number = 0;

    for (const char *at = text; *at != '\0'; at++) {
        if (!g_ascii_isdigit(*at) || number >= 100000000) {
            return regexp_group_index(regexp, text);
        }
        number = number * 10 + (*at - '0');
    }
    return text[0] == '0' && name.n > 1 ? regexp_group_index(regexp, text) : number;
}

typedef struct {
    const Regexp *regexp;
    Value text, replacement;
    RegexpSpan *spans;
} Replacing;

static void append_group(const Replacing *replacing, int group, GString *out)
{
    if (group < 0 || (unsigned)group > regexp_groups(replacing->regexp)) {
        return;
    }
    RegexpSpan span = replacing->spans[group];
    if (span.start != REGEXP_UNSET) {
        g_string_append_len(out, replacing->text.text + span.start,
                            (gssize)(span.end - span.start));
    }
}

/* The replacement with its references resolved; $$ is a $, and so is a $ that refers to
 * nothing. */
static void expand(const Replacing *replacing, GString *out)
{
    const char *at = replacing->replacement.text, *end = at + replacing->replacement.n;

    for (;;) {
        const char *dollar = memchr(at, '$', (size_t)(end - at));
        if (dollar == NULL) {
            g_string_append_len(out, at, end - at);
            return;
        }
        g_string_append_len(out, at, dollar - at);
        at = dollar + 1;
        Reference reference = read_reference(at, (size_t)(end - at));
        if (reference.used > 0) {
            append_group(replacing, group_number(replacing->regexp, reference.name),
                         out);
            at += reference.used;
        } else {
            g_string_append_c(out, '$');
            at += at < end && *at == '$' ? 1 : 0;
        }
    }
}

/* Where to look next: behind the match, and behind at least one character. */
static size_t next_search(Value text, size_t at, size_t match_end)
{
    size_t length = 1;

    if (at < text.n) {
        rune_decode(text.text + at, text.n - at, &length);
    }
    return MAX(at + length, match_end);
}

/* As Go's ReplaceAllString: an empty match right behind a match does not count. */
static bool replace_all(Exec *exec, const Replacing *replacing, GString *out,
                        GError **error)
{
    Value text = replacing->text;
    size_t done = 0, at = 0;

    while (at <= text.n) {
        if (!exec_charge(exec, 1 + (text.n - at) / BYTES_PER_STEP, error)) {
            return false;
        }
        RegexpResult found =
            regexp_find(replacing->regexp, text.text, text.n, at, replacing->spans);
        if (found == REGEXP_LIMIT) {
            return give_up(error);
        }
        if (found == REGEXP_NO) {
            break;
        }
        RegexpSpan match = replacing->spans[0];
        g_string_append_len(out, text.text + done, (gssize)(match.start - done));
        if (match.end > done || match.start == 0) {
            expand(replacing, out);
        }
        if (out->len > exec_room(exec)) {
            break; /* the caller says so */
        }
        done = match.end;
        at = next_search(text, at, match.end);
    }
    g_string_append_len(out, text.text + done, (gssize)(text.n - done));
    return true;
}

/* Go's regexp.MustCompile panics with this. */
static void name_pattern(Value pattern, GError **error)
{
    g_autofree char *text = g_strndup(pattern.text, pattern.n);
    g_autoptr(GString) quoted = g_string_new(NULL);
    bool plain = g_utf8_validate(text, -1, NULL) && strchr(text, '`') == NULL;

    for (const char *at = text; *at != '\0'; at++) {
        plain = plain && (*at == '\t' || !g_ascii_iscntrl(*at));
    }
    if (plain) {
        g_string_append_printf(quoted, "`%s`", text);
    } else {
        quote_append(quoted, text);
    }
    g_prefix_error(error, "regexp: Compile(%s): ", quoted->str);
}

bool func_re_replace_all(Exec *exec, const Value *args, size_t n, Value *result,
                         GError **error)
{
    g_autoptr(Regexp) regexp = compile(args[0], error);

    (void)n;
    if (regexp == NULL) {
        name_pattern(args[0], error);
        return false;
    }
    g_autofree RegexpSpan *spans = g_new(RegexpSpan, regexp_groups(regexp) + 1);
    Replacing replacing = {regexp, args[2], args[1], spans};
    GString *out = g_string_sized_new(args[2].n + 16);
    if (!replace_all(exec, &replacing, out, error)) {
        g_string_free(out, TRUE);
        return false;
    }
    return func_give_text(exec, out, result, error);
}
