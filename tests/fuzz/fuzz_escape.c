/* SPDX-License-Identifier: MIT */
/* Markup with holes, and what a sender puts into them: the tags and attributes must be
 * those that harmless data gives, and no link may get another scheme.
 *
 * Up to its first NUL the input is markup; the bytes 1 to 4 in it are an action, a
 * condition (true), its `else` and its `end`.  Behind the NUL is the data.  The mail is
 * read by a tokenizer that shares nothing with the escaper.  It reads as browsers do, but for
 * markup that is broken already without data: a tag's name is letters, digits, - and : only,
 * and a / is part of an attribute's name. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rules/template/set.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Harmless data, which no markup here holds by chance. */
#define HARMLESS "zqz"

typedef struct {
    GString *name;
    GPtrArray *attributes; /* char *: name, value, name, value … */
} Tag;

typedef struct {
    const char *at, *end;
} Reader;

static void tag_free(void *tag)
{
    Tag *freed = tag;
    g_string_free(freed->name, TRUE);
    g_ptr_array_unref(freed->attributes);
    g_free(freed);
}

static bool is_one_of(const Reader *reader, const char *set)
{
    return reader->at < reader->end && *reader->at != '\0' && strchr(set, *reader->at) != NULL;
}

static char *read_until(Reader *reader, const char *set)
{
    const char *start = reader->at;
    while (reader->at < reader->end && !is_one_of(reader, set)) {
        reader->at++;
    }
    return g_strndup(start, (gsize)(reader->at - start));
}

static void skip(Reader *reader, const char *set)
{
    while (is_one_of(reader, set)) {
        reader->at++;
    }
}

static char *read_value(Reader *reader)
{
    if (!is_one_of(reader, "\"'")) {
        return read_until(reader, " \t\n\f\r>");
    }
    const char quote[] = {*reader->at++, '\0'};
    char *value = read_until(reader, quote);
    reader->at += reader->at < reader->end;
    return value;
}

static void read_attributes(Reader *reader, Tag *tag)
{
    for (;;) {
        skip(reader, " \t\n\f\r");
        if (reader->at == reader->end || *reader->at == '>') {
            reader->at += reader->at < reader->end;
            return;
        }
        const char *start = reader->at;
        g_free(read_until(reader, " \t\n\f\r>="));
        g_ptr_array_add(tag->attributes, g_strndup(start, (gsize)(reader->at - start)));
        skip(reader, " \t\n\f\r");
        bool has_value = is_one_of(reader, "="); /* a name may be empty then */
        if (has_value) {
            reader->at++;
            skip(reader, " \t\n\f\r");
        }
        g_ptr_array_add(tag->attributes, has_value ? read_value(reader) : g_strdup(""));
    }
}

static bool starts_with(const Reader *reader, const char *text)
{
    size_t n = strlen(text);
    return (size_t)(reader->end - reader->at) >= n && g_ascii_strncasecmp(reader->at, text, n) == 0;
}

/* The content of an element that is no markup: up to its own end tag. */
static void skip_raw(Reader *reader, const char *name)
{
    g_autofree char *end = g_strdup_printf("</%s", name);
    while (reader->at < reader->end) {
        if (starts_with(reader, end)) {
            Reader behind = {reader->at + strlen(end), reader->end};
            if (behind.at == behind.end || is_one_of(&behind, " \t\n\f\r/>")) {
                return;
            }
        }
        reader->at++;
    }
}

/* Elements whose content is no markup. */
static bool is_raw(const char *name)
{
    static const char *const raw[] = {"script", "style", "textarea", "title"};
    for (size_t i = 0; i < G_N_ELEMENTS(raw); i++) {
        if (g_ascii_strcasecmp(name, raw[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Letters and digits, with - and : only between them. */
static char *read_name(Reader *reader)
{
    const char *start = reader->at;
    reader->at += is_one_of(reader, "/");
    while (reader->at < reader->end) {
        bool joins = is_one_of(reader, ":-") && reader->at + 1 < reader->end &&
                     g_ascii_isalnum(reader->at[1]);
        if (!joins && !g_ascii_isalnum(*reader->at)) {
            break;
        }
        reader->at++;
    }
    return g_strndup(start, (gsize)(reader->at - start));
}

static void read_tag(Reader *reader, GPtrArray *tags)
{
    Tag *tag = g_new0(Tag, 1);
    g_autofree char *name = read_name(reader);
    tag->name = g_string_new(name);
    tag->attributes = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(tags, tag);
    read_attributes(reader, tag);
    if (is_raw(name)) {
        skip_raw(reader, name);
    }
}

static GPtrArray *read_tags(const GString *html)
{
    GPtrArray *tags = g_ptr_array_new_with_free_func(tag_free);
    Reader reader = {html->str, html->str + html->len};
    while (reader.at < reader.end) {
        if (starts_with(&reader, "<!--")) {
            const char *end = g_strstr_len(reader.at, reader.end - reader.at, "-->");
            reader.at = end == NULL ? reader.end : end + 3;
        } else if (starts_with(&reader, "<!") || starts_with(&reader, "<?")) {
            g_free(read_until(&reader, ">"));
        } else if (*reader.at++ == '<') {
            size_t slash = is_one_of(&reader, "/");
            if (reader.at + slash < reader.end && g_ascii_isalpha(reader.at[slash])) {
                read_tag(&reader, tags);
            }
        }
    }
    return tags;
}

static void fail(const char *what, const char *harmless, const char *hostile)
{
    g_printerr("%s: `%s`, but `%s`\n", what, harmless, hostile);
    abort();
}

static bool is_harmless(const char *name)
{
    return strstr(name, HARMLESS) != NULL;
}

/* VALUE begins with data: it may not bring a scheme that runs something. */
static void check_scheme(const char *value)
{
    static const char *const bad[] = {"javascript:", "vbscript:", "data:"};
    g_autofree char *tight = g_strdup(value);
    size_t n = 0;
    for (const char *at = value; *at != '\0'; at++) {
        if ((unsigned char)*at > ' ') {
            tight[n++] = *at;
        }
    }
    tight[n] = '\0';
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        if (g_ascii_strncasecmp(tight, bad[i], strlen(bad[i])) == 0) {
            fail("a link to run", HARMLESS, value);
        }
    }
}

static bool is_link(const char *name)
{
    return g_ascii_strcasecmp(name, "href") == 0 || g_ascii_strcasecmp(name, "src") == 0 ||
           g_ascii_strcasecmp(name, "action") == 0;
}

static void compare_tags(const Tag *harmless, const Tag *hostile)
{
    if (!is_harmless(harmless->name->str) && !g_string_equal(harmless->name, hostile->name)) {
        fail("another tag", harmless->name->str, hostile->name->str);
    }
    if (harmless->attributes->len != hostile->attributes->len) {
        fail("other attributes", harmless->name->str, hostile->name->str);
    }
    for (guint i = 0; i < harmless->attributes->len; i += 2) {
        const char *name = harmless->attributes->pdata[i], *now = hostile->attributes->pdata[i];
        const char *value = harmless->attributes->pdata[i + 1];
        if (!is_harmless(name) && strcmp(name, now) != 0) {
            fail("another attribute", name, now);
        }
        if (is_link(name) && g_str_has_prefix(value, HARMLESS)) {
            check_scheme(hostile->attributes->pdata[i + 1]);
        }
    }
}

static bool render(const Template *tmpl, const char *text, size_t n, GString *out)
{
    static const TemplateLimits limits = {.output_bytes = 1 << 20, .steps = 20000, .depth = 50};
    g_autoptr(Arena) arena = arena_new();
    return template_execute_value(tmpl, arena, value_text_n(text, n), &limits, out, NULL);
}

static void check(const Template *tmpl, const char *text, size_t n)
{
    g_autoptr(GString) harmless = g_string_new(NULL), hostile = g_string_new(NULL);
    if (!render(tmpl, HARMLESS, strlen(HARMLESS), harmless) || !render(tmpl, text, n, hostile)) {
        return;
    }
    g_autoptr(GPtrArray) expected = read_tags(harmless), got = read_tags(hostile);
    if (expected->len != got->len) {
        fail("other tags", harmless->str, hostile->str);
    }
    for (guint i = 0; i < expected->len; i++) {
        compare_tags(expected->pdata[i], got->pdata[i]);
    }
}

static GString *make_template(const uint8_t *bytes, size_t n)
{
    static const char *const actions[] = {"{{.}}", "{{if .}}", "{{else}}", "{{end}}"};
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] >= 1 && bytes[i] <= G_N_ELEMENTS(actions)) {
            g_string_append(text, actions[bytes[i] - 1]);
        } else if (bytes[i] != '{') {
            g_string_append_c(text, (char)bytes[i]);
        }
    }
    return text;
}

/* Not a document type, which browsers end at the next >, wherever that stands, nor a tag
 * whose name data completes: <style{{.}}>. */
static bool is_usable(const char *markup)
{
    return !g_regex_match_simple(HARMLESS "|<!doctype|</?[a-z][a-z0-9:-]*\\{\\{", markup,
                                 G_REGEX_CASELESS | G_REGEX_RAW, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size == 0 ? NULL : memchr(data, 0, size);
    if (end == NULL || end + 1 == data + size) {
        return 0; /* the data decides conditions: it must be true */
    }
    size_t n = (size_t)(end - data);
    g_autoptr(GString) text = make_template(data, n);
    g_autoptr(TemplateSet) set = template_set_new();
    if (is_usable(text->str) && template_set_add(set, "f", text->str, text->len, NULL)) {
        g_autoptr(Template) tmpl = template_compile_defined(set, TEMPLATE_HTML, "f", NULL);
        if (tmpl != NULL) {
            check(tmpl, (const char *)end + 1, size - n - 1);
        }
    }
    return 0;
}
