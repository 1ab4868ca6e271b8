/* SPDX-License-Identifier: MIT */
/* Go's regular expressions, translated for PCRE2.
 *
 * One pass from left to right writes the translation, and remembers where in it the
 * last atom began, so that a quantifier can be judged as Go does and, where PCRE2 would
 * refuse or misread it (`^*`, `a{2}(?i){3}`), the atom can be wrapped.  Of the flags
 * only `i` is left to PCRE2; `s`, `m` and `U` are resolved here.  Nothing of PCRE2's
 * own syntax gets through: every character of the output is written by this file or by
 * re2_class.c. */
#include "rules/re2.h"

#include <string.h>

#include "rules/utf8.h"

#define REPEAT_MAX 1000 /* Go's: also of the product of nested counts */
#define NEST_MAX   250  /* PCRE2's default */

typedef enum { ATOM_NONE, ATOM_PLAIN, ATOM_WRAP } AtomKind;

typedef struct {
    unsigned flags;
    bool folding;
    size_t start;
    unsigned heaviest;
} Group;

typedef struct {
    const char *whole, *at;
    GString *out;
    GPtrArray *names;
    GArray *groups;     /* Group, of the parentheses that are open */
    unsigned flags;     /* as the pattern has set them */
    bool folding;       /* what PCRE2 has been told of RE2_FOLD */
    AtomKind atom;      /* what a quantifier would apply to */
    size_t start;       /* where in `out` that begins */
    unsigned weight;    /* the product of its nested counts */
    unsigned heaviest;  /* of all atoms in this group so far */
    const char *repeat; /* the quantifier that has just been read, or NULL */
} Translator;

static void tell_fold(Translator *t)
{
    bool fold = (t->flags & RE2_FOLD) != 0;
    if (fold != t->folding) {
        g_string_append(t->out, fold ? "(?i)" : "(?-i)");
        t->folding = fold;
    }
}

static void begin_atom(Translator *t, AtomKind kind)
{
    tell_fold(t);
    t->atom = kind;
    t->start = t->out->len;
    t->weight = 1;
}

static void add_atom(Translator *t, AtomKind kind, const char *text)
{
    begin_atom(t, kind);
    g_string_append(t->out, text);
}

static void add_rune(Translator *t, gunichar rune)
{
    begin_atom(t, ATOM_PLAIN);
    re2_append_rune(t->out, rune);
}

static bool add_literal(Translator *t, GError **error)
{
    gunichar rune;
    if (!re2_rune(&t->at, &rune, error)) {
        return false;
    }
    add_rune(t, rune);
    return true;
}

/* --- Groups --- */

static bool open_group(Translator *t, const char *text, unsigned flags, GError **error)
{
    if (t->groups->len == NEST_MAX) {
        return re2_fail(error, "expression nests too deeply", t->whole,
                        strlen(t->whole));
    }
    tell_fold(t);
    Group group = {t->flags, t->folding, t->out->len, t->heaviest};
    g_array_append_val(t->groups, group);
    g_string_append(t->out, text);
    t->flags = flags;
    t->atom = ATOM_NONE;
    t->heaviest = 1;
    return true;
}

static bool close_group(Translator *t, GError **error)
{
    if (t->groups->len == 0) {
        return re2_fail(error, "unexpected )", t->whole, strlen(t->whole));
    }
    Group group = g_array_index(t->groups, Group, t->groups->len - 1);
    g_array_set_size(t->groups, t->groups->len - 1);
    g_string_append_c(t->out, ')');
    t->at++;
    t->flags = group.flags;
    t->folding = group.folding;
    t->atom = ATOM_PLAIN;
    t->start = group.start;
    t->weight = t->heaviest;
    t->heaviest = MAX(group.heaviest, t->weight);
    return true;
}

static bool is_group_name(const char *name, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (!g_ascii_isalnum(name[i]) && name[i] != '_') {
            return false;
        }
    }
    return length > 0;
}

/* At `(?P<` or `(?<`; the name begins at NAME. */
static bool open_named(Translator *t, const char *name, GError **error)
{
    static const char bad[] = "invalid named capture";
    const char *end = strchr(name, '>');
    if (end == NULL) {
        return re2_fail(error, bad, t->at, strlen(t->at));
    }
    if (!is_group_name(name, (size_t)(end - name))) {
        return re2_fail(error, bad, t->at, (size_t)(end + 1 - t->at));
    }
    g_ptr_array_add(t->names, g_strndup(name, (size_t)(end - name)));
    t->at = end + 1;
    return open_group(t, "(", t->flags, error);
}

/* At `(?`, not of a named group: `(?i)` or `(?i:`. */
static bool open_flags(Translator *t, GError **error)
{
    const char *end = t->at + 2;
    unsigned flags = t->flags;
    if (!re2_flags(&end, &flags) || (*end != ')' && *end != ':')) {
        end = *end == '\0' ? end : utf8_next(end);
        return re2_fail(error, "invalid or unsupported Perl syntax", t->at,
                        (size_t)(end - t->at));
    }
    t->at = end + 1;
    if (*end == ':') {
        return open_group(t, "(?:", flags, error);
    }
    t->flags = flags;
    return true;
}

static bool open_any_group(Translator *t, GError **error)
{
    if (g_str_has_prefix(t->at, "(?P<") && t->at[4] != '\0') {
        return open_named(t, t->at + 4, error);
    }
    if (g_str_has_prefix(t->at, "(?<")) {
        return open_named(t, t->at + 3, error);
    }
    if (g_str_has_prefix(t->at, "(?")) {
        return open_flags(t, error);
    }
    g_ptr_array_add(t->names, NULL);
    t->at++;
    return open_group(t, "(", t->flags, error);
}

static void add_bar(Translator *t)
{
    g_string_append_c(t->out, '|');
    t->at++;
    t->atom = ATOM_NONE;
}

/* --- Quantifiers --- */

static void wrap_atom(Translator *t)
{
    g_string_insert(t->out, (gssize)t->start, "(?:");
    g_string_append_c(t->out, ')');
}

static bool fail_repeat(const char *code, const char *from, const char *end,
                        GError **error)
{
    return re2_fail(error, code, from, (size_t)(end - from));
}

/* Whether the count fits inside what it is nested in; keeps the product. */
static bool weigh(Translator *t, const Re2Repeat *repeat)
{
    unsigned times = (unsigned)MAX(repeat->max < 0 ? repeat->min : repeat->max, 1);
    if (repeat->max == 0) {
        t->weight = 1;
        return true;
    }
    if (times > REPEAT_MAX / t->weight) {
        return false;
    }
    t->weight *= times;
    t->heaviest = MAX(t->heaviest, t->weight);
    return true;
}

/* The LENGTH bytes at t->at are a quantifier, which may have `?` behind it. */
static bool quantify(Translator *t, const Re2Repeat *repeat, GError **error)
{
    const char *start = t->at;
    bool lazy = *repeat->end == '?';
    const char *end = repeat->end + lazy;
    if (t->repeat != NULL) {
        return fail_repeat("invalid nested repetition operator", t->repeat, end, error);
    }
    if (t->atom == ATOM_NONE) {
        return fail_repeat("missing argument to repetition operator", start, end,
                           error);
    }
    if (*start == '{' && !weigh(t, repeat)) {
        return fail_repeat("invalid repeat count", start, end, error);
    }
    if (t->atom == ATOM_WRAP) {
        wrap_atom(t);
    }
    g_string_append_len(t->out, start, repeat->end - start);
    if (lazy != ((t->flags & RE2_LAZY) != 0)) {
        g_string_append_c(t->out, '?');
    }
    t->atom = ATOM_WRAP;
    t->repeat = start;
    t->at = end;
    return true;
}

static bool add_repeat(Translator *t, GError **error)
{
    Re2Repeat repeat;
    if (!re2_repeat(t->at, &repeat)) {
        return add_literal(t, error);
    }
    if (repeat.min < 0 || repeat.min > REPEAT_MAX || repeat.max > REPEAT_MAX ||
        (repeat.max >= 0 && repeat.min > repeat.max)) {
        return fail_repeat("invalid repeat count", t->at, repeat.end, error);
    }
    return quantify(t, &repeat, error);
}

/* --- Escapes and the rest --- */

/* After `\Q`: literal text up to `\E` or the end. */
static bool add_quoted(Translator *t, GError **error)
{
    t->at += 2;
    const char *end = strstr(t->at, "\\E");
    while (t->at != end && *t->at != '\0') {
        if (!add_literal(t, error)) {
            return false;
        }
    }
    t->at += end != NULL ? 2 : 0;
    return true;
}

static const struct {
    const char *escape, *text;
} assertions[] = {{"\\A", "\\A"}, {"\\z", "\\z"}, {"\\b", "\\b"}, {"\\B", "\\B"}};

static bool add_class_or_rune(Translator *t, GError **error)
{
    g_autoptr(GString) class = g_string_new("[");
    const char *start = t->at;
    if (!re2_class_escape(&t->at, class, error)) {
        return false;
    }
    if (t->at != start) {
        g_string_append_c(class, ']');
        add_atom(t, ATOM_PLAIN, class->str);
        return true;
    }
    gunichar rune;
    if (!re2_escape(&t->at, &rune, error)) {
        return false;
    }
    add_rune(t, rune);
    return true;
}

static bool add_escape(Translator *t, GError **error)
{
    if (g_str_has_prefix(t->at, "\\Q")) {
        return add_quoted(t, error);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(assertions); i++) {
        if (g_str_has_prefix(t->at, assertions[i].escape)) {
            add_atom(t, ATOM_WRAP, assertions[i].text);
            t->at += 2;
            return true;
        }
    }
    return add_class_or_rune(t, error);
}

static void add_anchor(Translator *t)
{
    bool lines = (t->flags & RE2_LINES) != 0;
    bool begin = *t->at == '^';
    add_atom(t, ATOM_WRAP, lines ? (begin ? "^" : "$") : (begin ? "\\A" : "\\z"));
    t->at++;
}

static void add_dot(Translator *t)
{
    add_atom(t, ATOM_PLAIN, (t->flags & RE2_DOT_ALL) != 0 ? "." : "[^\\n]");
    t->at++;
}

static bool add_class(Translator *t, GError **error)
{
    begin_atom(t, ATOM_PLAIN);
    return re2_class(&t->at, t->out, error);
}

static bool step(Translator *t, GError **error)
{
    switch (*t->at) {
    case '(':
        return open_any_group(t, error);
    case ')':
        return close_group(t, error);
    case '|':
        add_bar(t);
        return true;
    case '^':
    case '$':
        add_anchor(t);
        return true;
    case '.':
        add_dot(t);
        return true;
    case '[':
        return add_class(t, error);
    case '*':
    case '+':
    case '?':
        return quantify(t, &(Re2Repeat){.end = t->at + 1, .max = -1}, error);
    case '{':
        return add_repeat(t, error);
    case '\\':
        return add_escape(t, error);
    default:
        return add_literal(t, error);
    }
}

static bool translate(Translator *t, GError **error)
{
    while (*t->at != '\0') {
        const char *last = t->repeat;
        if (!step(t, error)) {
            return false;
        }
        t->repeat = t->repeat == last ? NULL : t->repeat;
    }
    if (t->groups->len > 0) {
        return re2_fail(error, "missing closing )", t->whole, strlen(t->whole));
    }
    return true;
}

char *re2_translate(const char *pattern, GPtrArray *names, GError **error)
{
    g_autoptr(GArray) groups = g_array_new(FALSE, FALSE, sizeof(Group));
    Translator t = {.whole = pattern,
                    .at = pattern,
                    .out = g_string_new(NULL),
                    .names = names,
                    .groups = groups,
                    .weight = 1,
                    .heaviest = 1};
    bool good = translate(&t, error);
    return g_string_free(t.out, !good);
}
