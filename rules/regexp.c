/* SPDX-License-Identifier: MIT */
/* PCRE2 behind Go's syntax.  PCRE2 backtracks, so every match has a ceiling of steps
 * and of memory.  Without its just-in-time compiler: routing matches short labels a few
 * times per webhook, and a daemon without writable code can be locked down harder. */
#include "rules/regexp.h"

#include <string.h>

#include "rules/fault.h"
#include "rules/re2.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* A step takes some 20 ns. */
#define STEPS_MAX  2000000u
#define MEMORY_KIB 8192u

struct Regexp {
    pcre2_code *code;
    pcre2_match_context *limits;
    GPtrArray *names; /* of the groups: char *, NULL for none */
};

void regexp_free(Regexp *regexp)
{
    if (regexp == NULL) {
        return;
    }
    pcre2_code_free(regexp->code);
    pcre2_match_context_free(regexp->limits);
    g_ptr_array_unref(regexp->names);
    g_free(regexp);
}

/* PCRE2 stopped at OFFSET in TRANSLATED, behind the name of a script that it does not
 * know. */
static void refuse_script(GError **error, const char *translated, size_t offset)
{
    const char *name = g_strrstr_len(translated, (gssize)offset, RE2_SCRIPT);
    g_assert(name != NULL);
    g_autoptr(GString) text = g_string_new(NULL);
    g_string_append_printf(text, "\\%c{", name[-1]);
    name += strlen(RE2_SCRIPT);
    g_string_append_len(text, name, (gssize)strcspn(name, "}") + 1);
    re2_fail(error, "invalid character class range", text->str, text->len);
}

/* What is right in Go's syntax and still not for PCRE2. */
static void refuse(GError **error, int reason, const char *pattern)
{
    if (reason == PCRE2_ERROR_PATTERN_TOO_LARGE) {
        re2_fail(error, "expression too large", pattern, strlen(pattern));
        return;
    }
    char text[256] = "";
    pcre2_get_error_message(reason, (PCRE2_UCHAR *)text, sizeof text);
    re2_fail(error, text, pattern, strlen(pattern));
}

static pcre2_code *compile(const char *pattern, GPtrArray *names, GError **error)
{
    static const uint32_t options = PCRE2_UTF | PCRE2_NO_UTF_CHECK | PCRE2_DOTALL |
                                    PCRE2_MULTILINE | PCRE2_ALT_CIRCUMFLEX |
                                    PCRE2_NEVER_BACKSLASH_C;
    g_autofree char *translated = re2_translate(pattern, names, error);
    if (translated == NULL) {
        return NULL;
    }
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    int reason;
    size_t offset;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)translated, PCRE2_ZERO_TERMINATED,
                                     options, &reason, &offset, context);
    pcre2_compile_context_free(context);
    if (code == NULL && reason == PCRE2_ERROR_UNKNOWN_UNICODE_PROPERTY) {
        refuse_script(error, translated, offset);
    } else if (code == NULL) {
        refuse(error, reason, pattern);
    }
    return code;
}

Regexp *regexp_new(const char *pattern, RegexpMode mode, GError **error)
{
    g_autofree char *whole =
        mode == REGEXP_WHOLE ? g_strdup_printf("^(?:%s)$", pattern) : NULL;
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    pcre2_code *code = compile(whole != NULL ? whole : pattern, names, error);
    if (code == NULL) {
        return NULL;
    }
    Regexp *regexp = g_new0(Regexp, 1);
    regexp->code = code;
    regexp->names = g_steal_pointer(&names);
    regexp->limits = pcre2_match_context_create(NULL);
    g_assert(regexp->limits != NULL);
    pcre2_set_match_limit(regexp->limits, STEPS_MAX);
    pcre2_set_heap_limit(regexp->limits, MEMORY_KIB);
    return regexp;
}

static RegexpResult result_of(int code)
{
    if (code >= 0) {
        return REGEXP_YES;
    }
    switch (code) {
    case PCRE2_ERROR_MATCHLIMIT:
    case PCRE2_ERROR_DEPTHLIMIT:
    case PCRE2_ERROR_HEAPLIMIT:
    case PCRE2_ERROR_NOMEMORY:
        return REGEXP_LIMIT;
    default: /* no match, or not UTF-8 */
        return REGEXP_NO;
    }
}

RegexpResult regexp_test(const Regexp *regexp, const char *subject, size_t length)
{
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    g_assert(data != NULL);
    int code = pcre2_match(regexp->code, (PCRE2_SPTR)subject, length, 0, 0, data,
                           regexp->limits);
    pcre2_match_data_free(data);
    return result_of(code);
}

unsigned regexp_groups(const Regexp *regexp)
{
    return regexp->names->len;
}

int regexp_group_index(const Regexp *regexp, const char *name)
{
    for (guint i = 0; i < regexp->names->len; i++) {
        const char *group = g_ptr_array_index(regexp->names, i);
        if (group != NULL && strcmp(group, name) == 0) {
            return (int)i + 1;
        }
    }
    return -1;
}

static void copy_spans(pcre2_match_data *data, unsigned n, RegexpSpan *spans)
{
    const size_t *vector = pcre2_get_ovector_pointer(data);
    for (unsigned i = 0; i < n; i++) {
        spans[i] = (RegexpSpan){vector[2 * i], vector[2 * i + 1]};
    }
}

RegexpResult regexp_find(const Regexp *regexp, const char *subject, size_t length,
                         size_t offset, RegexpSpan *spans)
{
    g_assert(offset <= length);
    pcre2_match_data *data = pcre2_match_data_create_from_pattern(regexp->code, NULL);
    g_assert(data != NULL);
    int code = pcre2_match(regexp->code, (PCRE2_SPTR)subject, length, offset,
                           offset > 0 ? PCRE2_NO_UTF_CHECK : 0, data, regexp->limits);
    if (code > 0) {
        copy_spans(data, regexp_groups(regexp) + 1, spans);
    }
    pcre2_match_data_free(data);
    return result_of(code);
}
