/* SPDX-License-Identifier: MIT */
/* The functions that the HTML escaper appends to pipelines.  They cannot fail but by
 * size, and a value that needs no change is passed on as it is. */
#include <string.h>

#include "rules/fault.h"
#include "rules/template/escape_internal.h"
#include "rules/template/escapers.h"
#include "rules/template/funcs.h"

typedef void Escaper(const char *text, size_t n, GString *out);

/* Finishes with what was built. */
static bool give(Exec *exec, GString *built, Value *result, GError **error)
{
    if (built->len > exec_room(exec)) {
        g_set_error(error, FAULT, FAULT_LIMIT, "more than %zu bytes of text",
                    exec_room(exec));
        g_string_free(built, TRUE);
        return false;
    }
    *result = value_take_text(exec_arena(exec), built);
    return true;
}

/* VALUE as text: of its kind if it is some, else printed; nil is nothing. */
static Value as_text(Exec *exec, Value value)
{
    if (value_is_text(value)) {
        return value;
    }
    if (value.kind == KIND_NIL || value.kind == KIND_NONE) {
        return value_text_n("", 0);
    }
    GString *printed = arena_text_begin(exec_arena(exec));
    value_print(value, printed);
    return value_take_text(exec_arena(exec), printed);
}

static bool apply(Exec *exec, Value text, Escaper *escape, Value *result,
                  GError **error)
{
    GString *built = arena_text_begin(exec_arena(exec));

    escape(text.text, text.n, built);
    return give(exec, built, result, error);
}

static bool escape_text(Exec *exec, Value text, Value *result, GError **error)
{
    if (html_is_harmless(text.text, text.n)) {
        *result = value_text_n(text.text, text.n);
        return true;
    }
    return apply(exec, text, escape_html, result, error);
}

static bool call_html(Exec *exec, const Value *args, size_t n, Value *result,
                      GError **error)
{
    Value text = as_text(exec, args[0]);

    (void)n;
    if (text.kind == KIND_HTML) {
        *result = value_text_n(text.text, text.n);
        return true;
    }
    return escape_text(exec, text, result, error);
}

static bool call_rcdata(Exec *exec, const Value *args, size_t n, Value *result,
                        GError **error)
{
    Value text = as_text(exec, args[0]);

    (void)n;
    return text.kind == KIND_HTML ? apply(exec, text, escape_html_again, result, error)
                                  : escape_text(exec, text, result, error);
}

/* Markup has no place in an attribute: its text is kept. */
static bool apply_stripped(Exec *exec, Value text, Escaper *escape, Value *result,
                           GError **error)
{
    g_autoptr(GString) stripped = g_string_new(NULL);

    strip_tags(text.text, text.n, stripped);
    return apply(exec, value_text_n(stripped->str, stripped->len), escape, result,
                 error);
}

static bool call_attribute(Exec *exec, const Value *args, size_t n, Value *result,
                           GError **error)
{
    Value text = as_text(exec, args[0]);

    (void)n;
    return text.kind == KIND_HTML
               ? apply_stripped(exec, text, escape_html_again, result, error)
               : escape_text(exec, text, result, error);
}

static bool call_unquoted(Exec *exec, const Value *args, size_t n, Value *result,
                          GError **error)
{
    Value text = as_text(exec, args[0]);

    (void)n;
    return text.kind == KIND_HTML && text.n > 0
               ? apply_stripped(exec, text, escape_unquoted_again, result, error)
               : apply(exec, text, escape_unquoted, result, error);
}

static bool call_name(Exec *exec, const Value *args, size_t n, Value *result,
                      GError **error)
{
    (void)n;
    return apply(exec, as_text(exec, args[0]), filter_name, result, error);
}

static bool call_url_filter(Exec *exec, const Value *args, size_t n, Value *result,
                            GError **error)
{
    Value text = as_text(exec, args[0]);

    (void)n;
    if (text.kind == KIND_URL || url_is_safe(text.text, text.n)) {
        *result = value_text_n(text.text, text.n);
        return true;
    }
    return apply(exec, text, filter_url, result, error);
}

static bool call_url_normalizer(Exec *exec, const Value *args, size_t n, Value *result,
                                GError **error)
{
    (void)n;
    return apply(exec, as_text(exec, args[0]), normalize_url, result, error);
}

static bool call_url(Exec *exec, const Value *args, size_t n, Value *result,
                     GError **error)
{
    Value text = as_text(exec, args[0]);

    (void)n;
    return apply(exec, text, text.kind == KIND_URL ? normalize_url : escape_url, result,
                 error);
}

static bool call_srcset(Exec *exec, const Value *args, size_t n, Value *result,
                        GError **error)
{
    Value text = as_text(exec, args[0]);

    (void)n;
    return apply(exec, text, text.kind == KIND_URL ? escape_srcset_url : filter_srcset,
                 result, error);
}

static bool call_css(Exec *exec, const Value *args, size_t n, Value *result,
                     GError **error)
{
    (void)n;
    return apply(exec, as_text(exec, args[0]), escape_css, result, error);
}

static bool call_css_filter(Exec *exec, const Value *args, size_t n, Value *result,
                            GError **error)
{
    (void)n;
    return apply(exec, as_text(exec, args[0]), filter_css, result, error);
}

/* Values are nothing in comments. */
static bool call_comment(Exec *exec, const Value *args, size_t n, Value *result,
                         GError **error)
{
    (void)exec, (void)args, (void)n, (void)error;
    *result = value_text_n("", 0);
    return true;
}

/* {{html a b}} escapes what {{print a b}} gives. */
static bool call_eval_args(Exec *exec, const Value *args, size_t n, Value *result,
                           GError **error)
{
    static const char print[] = "print";

    return func_in(funcs_builtin, print, strlen(print))
        ->call(exec, args, n, result, error);
}

#define ESCAPER(name, call)                                                            \
    {                                                                                  \
        "_html_template_" name, 1, 1, {KIND_ANY}, call                                 \
    }

const Func funcs_escape[] = {
    [ESCAPER_HTML] = ESCAPER("htmlescaper", call_html),
    [ESCAPER_ATTRIBUTE] = ESCAPER("attrescaper", call_attribute),
    [ESCAPER_URL_FILTER] = ESCAPER("urlfilter", call_url_filter),
    [ESCAPER_URL_NORMALIZER] = ESCAPER("urlnormalizer", call_url_normalizer),
    [ESCAPER_URL] = ESCAPER("urlescaper", call_url),
    [ESCAPER_RCDATA] = ESCAPER("rcdataescaper", call_rcdata),
    [ESCAPER_UNQUOTED] = ESCAPER("nospaceescaper", call_unquoted),
    [ESCAPER_NAME] = ESCAPER("htmlnamefilter", call_name),
    [ESCAPER_SRCSET] = ESCAPER("srcsetescaper", call_srcset),
    [ESCAPER_CSS] = ESCAPER("cssescaper", call_css),
    [ESCAPER_CSS_FILTER] = ESCAPER("cssvaluefilter", call_css_filter),
    [ESCAPER_COMMENT] = ESCAPER("commentescaper", call_comment),
    [ESCAPER_EVAL_ARGS] = {"_eval_args_", 0, ARGS_MAX, {KIND_ANY}, call_eval_args},
    [ESCAPER_COUNT] = {.name = NULL},
};
