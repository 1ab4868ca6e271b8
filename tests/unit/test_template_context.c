/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "rules/fault.h"
#include "rules/template/context.h"

/* Where the text leads to, printed without what is as at the beginning. */
static char *walk(const char *text, GError **error)
{
    Context context = {.state = STATE_TEXT};
    size_t n = strlen(text), used = 0;

    for (size_t i = 0; i < n; i += used) {
        Context before = context;
        if (!context_after_text(&context, text + i, n - i, &used, error)) {
            return NULL;
        }
        assert_true(used > 0 || !context_equal(before, context));
        assert_true(used <= n - i);
    }
    g_autoptr(GString) printed = g_string_new(NULL);
    context_print(context, printed);
    g_autoptr(GString) out = g_string_new(NULL);
    g_auto(GStrv) words = g_strsplit_set(printed->str, "{ }", -1);
    for (size_t i = 0; words[i] != NULL; i++) {
        if (*words[i] != '\0' && !g_str_has_suffix(words[i], "None") &&
            strcmp(words[i], "jsCtxRegexp") != 0 && strcmp(words[i], "<nil>") != 0) {
            g_string_append_printf(out, "%s%s", out->len > 0 ? " " : "", words[i]);
        }
    }
    return g_strdup(out->str);
}

typedef struct {
    const char *text, *want;
} Case;

static void check(const Case *table, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        g_autofree char *got = walk(table[i].text, NULL);
        assert_non_null(got);
        if (strcmp(got, table[i].want) != 0) {
            print_message("%s\n", table[i].text);
        }
        assert_string_equal(got, table[i].want);
    }
}
#define CHECK(table) check(table, G_N_ELEMENTS(table))

static void tags_and_attributes_are_followed(void **state)
{
    (void)state;
    static const Case table[] = {
        {"", "stateText"},
        {"Hello, World!", "stateText"},
        {"I <3 Ponies!", "stateText"},
        {"<", "stateText"},
        {"</", "stateText"},
        {"<a", "stateTag"},
        {"<a ", "stateTag"},
        {"<a>", "stateText"},
        {"<br/>", "stateText"},
        {"<my-tag:x-", "stateAttrName"},
        {"<a href", "stateAttrName attrURL"},
        {"<a on", "stateAttrName attrScript"},
        {"<a href ", "stateAfterName attrURL"},
        {"<a style  =  ", "stateBeforeValue attrStyle"},
        {"<a href=", "stateBeforeValue attrURL"},
        {"<a href=x", "stateURL delimSpaceOrTagEnd urlPartPreQuery attrURL"},
        {"<a href=x ", "stateTag"},
        {"<a href=>", "stateText"},
        {"<a href=x>", "stateText"},
        {"<a href ='", "stateURL delimSingleQuote attrURL"},
        {"<a href=''", "stateTag"},
        {"<a href= \"", "stateURL delimDoubleQuote attrURL"},
        {"<a title=\"", "stateAttr delimDoubleQuote"},
        {"<a HREF='http:", "stateURL delimSingleQuote urlPartPreQuery attrURL"},
        {"<a Href='/", "stateURL delimSingleQuote urlPartPreQuery attrURL"},
        {"<a href='\"", "stateURL delimSingleQuote urlPartPreQuery attrURL"},
        {"<a href=\"'", "stateURL delimDoubleQuote urlPartPreQuery attrURL"},
        {"<a href='&apos;", "stateURL delimSingleQuote urlPartPreQuery attrURL"},
        {"<a href=\" ", "stateURL delimDoubleQuote attrURL"},
        {"<img alt=\"1\">", "stateText"},
        {"<img alt=\"1>\"", "stateTag"},
        {"<img alt='1>' ", "stateTag"},
        {"<input checked type=\"checkbox\"", "stateTag"},
        {"<!-- foo", "stateHTMLCmt"},
        {"<!-->", "stateHTMLCmt"},
        {"<!-- foo -->", "stateText"},
        {"<!-- foo -->x<a ", "stateTag"},
        {"<meta content", "stateAttrName attrMetaContent elementMeta"},
    };
    CHECK(table);
}

static void urls_know_how_far_they_are(void **state)
{
    (void)state;
    static const Case table[] = {
        {"<a href=\"/search?q=",
         "stateURL delimDoubleQuote urlPartQueryOrFrag attrURL"},
        {"<a href=\"#", "stateURL delimDoubleQuote urlPartQueryOrFrag attrURL"},
        {"<a href=\"x&quest;", "stateURL delimDoubleQuote urlPartQueryOrFrag attrURL"},
        {"<a href=x?", "stateURL delimSpaceOrTagEnd urlPartQueryOrFrag attrURL"},
        {"<img srcset=\"/a", "stateSrcset delimDoubleQuote urlPartPreQuery attrSrcset"},
        {"<meta content=\"0;", "stateMetaContent delimDoubleQuote attrMetaContent "
                               "elementMeta"},
        {"<meta content=\"0;URL =",
         "stateMetaContentURL delimDoubleQuote attrMetaContent "
         "elementMeta"},
        {"<meta content=\"0;url=x;",
         "stateMetaContent delimDoubleQuote attrMetaContent "
         "elementMeta"},
        {"<p content=\"url=", "stateAttr delimDoubleQuote"},
        {"<meta content=\"url=\">", "stateText"},
    };
    CHECK(table);
}

static void element_contents_end_at_their_tag(void **state)
{
    (void)state;
    static const Case table[] = {
        {"<title>a<b", "stateRCDATA elementTitle"},
        {"<TITLE>a</Title>", "stateText"},
        {"<title>a</titlex>", "stateRCDATA elementTitle"},
        {"<title>a</title", "stateRCDATA elementTitle"},
        {"<textarea><a href='", "stateRCDATA elementTextarea"},
        {"<textarea>a</textarea\n>x", "stateText"},
        {"<style>p{", "stateCSS elementStyle"},
        {"<style>p{}</style>", "stateText"},
        {"<style media='</style>'>", "stateCSS elementStyle"},
        {"<style>'</style>", "stateText"},
        {"<script>var x = '<a", "stateJS elementScript"},
        {"<script>x</script >y", "stateText"},
        {"<script>'</script>' ", "stateText"},
        {"<script src=\"x\">", "stateJS elementScript"},
        {"<script type=\"text/template\">", "stateText"},
        {"<script type=\"text/template\"><p title='", "stateAttr delimSingleQuote"},
        {"<script type=module>", "stateJS elementScript"},
        {"<script type=\"\">", "stateJS elementScript"},
        {"</script><title>", "stateRCDATA elementTitle"},
        {"</title>", "stateText"},
        {"<a onclick=\"", "stateJS delimDoubleQuote attrScript"},
        {"<a onclick=\"x('y'", "stateJS delimDoubleQuote attrScript"},
        {"<a onclick=\"x\">", "stateText"},
    };
    CHECK(table);
}

static void styles_have_strings_urls_and_comments(void **state)
{
    (void)state;
    static const Case table[] = {
        {"<a style=\"", "stateCSS delimDoubleQuote attrStyle"},
        {"<a style=\"color: red; a: '", "stateCSSSqStr delimDoubleQuote attrStyle"},
        {"<a style='a: \"b",
         "stateCSSDqStr delimSingleQuote urlPartPreQuery attrStyle"},
        {"<a style=\"a: &quot;", "stateCSSDqStr delimDoubleQuote attrStyle"},
        {"<a style=\"a: 'b'", "stateCSS delimDoubleQuote attrStyle"},
        {"<a style=\"a: 'b\\'",
         "stateCSSSqStr delimDoubleQuote urlPartPreQuery attrStyle"},
        {"<a style=\"b: url(", "stateCSSURL delimDoubleQuote attrStyle"},
        {"<a style=\"b: URL (  ", "stateCSSURL delimDoubleQuote attrStyle"},
        {"<a style=\"b: curl(", "stateCSS delimDoubleQuote attrStyle"},
        {"<a style=\"b: \xC3\xBCurl(", "stateCSS delimDoubleQuote attrStyle"},
        {"<a style=\"b:url('", "stateCSSSqURL delimDoubleQuote attrStyle"},
        {"<a style='b:url(\"/?", "stateCSSDqURL delimSingleQuote urlPartQueryOrFrag "
                                 "attrStyle"},
        {"<a style=\"b:url(/\\23x\\ y",
         "stateCSSURL delimDoubleQuote urlPartQueryOrFrag "
         "attrStyle"},
        {"<a style=\"b:url(/x)", "stateCSS delimDoubleQuote attrStyle"},
        {"<a style=\"/* ", "stateCSSBlockCmt delimDoubleQuote attrStyle"},
        {"<a style=\"// '", "stateCSSLineCmt delimDoubleQuote attrStyle"},
        {"<style>/* ' */", "stateCSS elementStyle"},
        {"<style>/*", "stateCSSBlockCmt elementStyle"},
        {"<style>// '\n", "stateCSS elementStyle"},
        {"<style>/*</style>", "stateText"},
        {"<style>a/b", "stateCSS elementStyle"},
    };
    CHECK(table);
}

static void text_that_browsers_read_differently_is_refused(void **state)
{
    (void)state;
    static const Case table[] = {
        {"<p ti\"tle=\"", "\"\\\"\" in attribute name: \" ti\\\"tle=\\\"\""},
        {"<p <!-- x -->", "\"<\" in attribute name: \" <!-- x -->\""},
        {"<p title=a=b>", "\"=\" in unquoted attr: \"a=b\""},
        {"<p title=a`b>", "\"`\" in unquoted attr: \"a`b\""},
        {"<p =x>", "expected space, attr name, or end of tag, but got \"=x>\""},
        {"<p style=\"a: 'b\\", "unfinished escape sequence in CSS string: \"b\\\\\""},
        {"<p '0123456789012345678901234567890123456789",
         "\"'\" in attribute name: \" '012345678901234567890123456789\""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autoptr(GError) error = NULL;
        assert_null(walk(table[i].text, &error));
        assert_true(g_error_matches(error, FAULT, FAULT_INPUT));
        assert_string_equal(error->message, table[i].want);
    }
}

static void a_nudge_is_what_an_empty_text_would_do(void **state)
{
    (void)state;
    Context tag = {.state = STATE_TAG};
    assert_int_equal(context_nudge(tag).state, STATE_ATTR_NAME);
    Context value = {.state = STATE_BEFORE_VALUE, .attr = ATTR_URL};
    Context want = {.state = STATE_URL, .delim = DELIM_SPACE_OR_TAG_END};
    assert_true(context_equal(context_nudge(value), want));
    Context named = {.state = STATE_AFTER_NAME, .attr = ATTR_URL};
    assert_true(
        context_equal(context_nudge(named), (Context){.state = STATE_ATTR_NAME}));
    Context text = {.state = STATE_TEXT};
    assert_true(context_equal(context_nudge(text), text));
}

static void branches_join_where_they_mean_the_same(void **state)
{
    (void)state;
    Context path = {.state = STATE_URL,
                    .delim = DELIM_DOUBLE_QUOTE,
                    .attr = ATTR_URL,
                    .url_part = URL_BEFORE_QUERY};
    Context query = path, joined, dead = {.state = STATE_DEAD};
    query.url_part = URL_QUERY_OR_FRAGMENT;
    assert_true(context_join(path, query, &joined));
    assert_int_equal(joined.url_part, URL_UNKNOWN);
    assert_true(context_join(dead, path, &joined));
    assert_true(context_equal(joined, path));
    assert_true(context_join(path, dead, &joined));
    assert_true(context_equal(joined, path));
    Context waits = {.state = STATE_BEFORE_VALUE};
    Context began = {.state = STATE_ATTR, .delim = DELIM_SPACE_OR_TAG_END};
    assert_true(context_join(waits, began, &joined));
    assert_true(context_equal(joined, began));
    Context quoted = {.state = STATE_ATTR, .delim = DELIM_SINGLE_QUOTE};
    assert_false(context_join(quoted, began, &joined));
    assert_false(context_join(quoted, (Context){.state = STATE_TEXT}, &joined));
}

static void copies_are_named_by_their_context(void **state)
{
    (void)state;
    Context context = {.state = STATE_URL,
                       .delim = DELIM_DOUBLE_QUOTE,
                       .attr = ATTR_URL,
                       .url_part = URL_QUERY_OR_FRAGMENT};
    g_autofree char *name = context_mangle(context, "t");
    assert_string_equal(name, "t$htmltemplate_stateURL_delimDoubleQuote_"
                              "urlPartQueryOrFrag_attrURL");
    g_autofree char *same = context_mangle((Context){.state = STATE_TEXT}, "t");
    assert_string_equal(same, "t");
    g_autoptr(GString) printed = g_string_new(NULL);
    context_print((Context){.state = STATE_RCDATA, .element = ELEMENT_TITLE}, printed);
    assert_string_equal(printed->str, "{stateRCDATA delimNone urlPartNone jsCtxRegexp "
                                      "attrNone elementTitle <nil>}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags_and_attributes_are_followed),
        cmocka_unit_test(urls_know_how_far_they_are),
        cmocka_unit_test(element_contents_end_at_their_tag),
        cmocka_unit_test(styles_have_strings_urls_and_comments),
        cmocka_unit_test(text_that_browsers_read_differently_is_refused),
        cmocka_unit_test(a_nudge_is_what_an_empty_text_would_do),
        cmocka_unit_test(branches_join_where_they_mean_the_same),
        cmocka_unit_test(copies_are_named_by_their_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
