/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "rules/template/escapers.h"

typedef void Escaper(const char *text, size_t n, GString *out);

typedef struct {
    const char *text;
    size_t n; /* 0: as long as the text */
    const char *want;
} Case;

/* Each must append, and look at nothing behind N bytes. */
static void check(Escaper *escape, const Case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t length = cases[i].n != 0 ? cases[i].n : strlen(cases[i].text);
        g_autofree char *bytes = g_memdup2(cases[i].text, length);
        g_autoptr(GString) out = g_string_new("before:");
        g_autofree char *want = g_strconcat("before:", cases[i].want, NULL);
        escape(bytes == NULL ? "" : bytes, length, out);
        assert_string_equal(out->str, want);
    }
}
#define CHECK(escape, table) check(escape, table, G_N_ELEMENTS(table))

static void markup_becomes_text(void **state)
{
    (void)state;
    static const Case table[] = {
        {"<b>\"O'Reilly\" & co.</b>", 0,
         "&lt;b&gt;&#34;O&#39;Reilly&#34; &amp; co.&lt;/b&gt;"},
        {"1+1=2; `x`", 0, "1&#43;1=2; `x`"},
        {"a\0b\ac", 5,
         "a\xEF\xBF\xBD"
         "b\ac"},
        {"Gr\xC3\xBC\xC3\x9F"
         "e \xFF",
         0,
         "Gr\xC3\xBC\xC3\x9F"
         "e \xFF"},
        {"&amp;", 0, "&amp;amp;"},
        {"", 0, ""},
    };
    CHECK(escape_html, table);
}

static void html_keeps_its_references(void **state)
{
    (void)state;
    static const Case table[] = {
        {"<b>\"O'Reilly\" & &lt;co.</b>", 0,
         "&lt;b&gt;&#34;O&#39;Reilly&#34; & &lt;co.&lt;/b&gt;"},
    };
    CHECK(escape_html_again, table);
}

static void values_without_quotes_have_no_blanks(void **state)
{
    (void)state;
    static const Case table[] = {
        {"<b> 'c'=`d`\t\n\v\f\r+&", 0,
         "&lt;b&gt;&#32;&#39;c&#39;&#61;&#96;d&#96;&#9;&#10;&#11;&#12;&#13;&#43;&amp;"},
        {"a\0b", 3, "a&#xfffd;b"},
        {"\xC3\xBC\xFF\xC3", 0, "\xC3\xBC&#xfffd;&#xfffd;"},
        {"\xEF\xB7\x90\xEF\xB7\xAF\xEF\xBF\xB0\xEF\xBF\xBF", 0,
         "&#xfdd0;&#xfdef;&#xfff0;&#xffff;"},
        {"\xEF\xB7\x8F\xEF\xB7\xB0\xEF\xBF\xAF\xF0\x90\x80\x80", 0,
         "\xEF\xB7\x8F\xEF\xB7\xB0\xEF\xBF\xAF\xF0\x90\x80\x80"},
        {"", 0, "ZgotmplZ"},
    };
    static const Case again[] = {{"a &amp; b", 0, "a&#32;&amp;&#32;b"}, {"", 0, ""}};
    CHECK(escape_unquoted, table);
    CHECK(escape_unquoted_again, again);
}

static void tags_and_comments_are_stripped(void **state)
{
    (void)state;
    static const Case table[] = {
        {"", 0, ""},
        {"Hello, World!", 0, "Hello, World!"},
        {"foo&amp;bar", 0, "foo&amp;bar"},
        {"Hello <a href=\"www.example.com/\">World</a>!", 0, "Hello World!"},
        {"Foo <textarea>Bar</textarea> Baz", 0, "Foo Bar Baz"},
        {"Foo <!-- Bar --> Baz", 0, "Foo  Baz"},
        {"<", 0, "<"},
        {"foo < bar", 0, "foo < bar"},
        {"Foo<script type=\"text/javascript\">alert(1337)</script>Bar", 0, "FooBar"},
        {"Foo<div title=\"1>2\">Bar", 0, "FooBar"},
        {"I <3 Ponies!", 0, "I <3 Ponies!"},
        {"<script>foo()</script>", 0, ""},
        {"a<b", 0, "a"},
        {"a<b title=x>c", 0, "ac"},
        {"a<b title='x", 0, "a"},
        {"a<b \"", 0, "a"},
        {"<style>p{}</style>q", 0, "q"},
    };
    CHECK(strip_tags, table);
}

static void attribute_names_are_plain_ones(void **state)
{
    (void)state;
    static const Case table[] = {
        {"title", 0, "title"},
        {"TITLE", 0, "title"},
        {"x1", 0, "x1"},
        {"", 0, "ZgotmplZ"},
        {"onclick", 0, "ZgotmplZ"},
        {"style", 0, "ZgotmplZ"},
        {"href", 0, "ZgotmplZ"},
        {"srcdoc", 0, "ZgotmplZ"},
        {"value", 0, "ZgotmplZ"},
        {"x y=z", 0, "ZgotmplZ"},
        {"data-x", 0, "ZgotmplZ"},
        {"title\0x", 7, "ZgotmplZ"},
        {"title\xC3\xBC", 0, "ZgotmplZ"},
    };
    CHECK(filter_name, table);
}

static void attributes_are_judged_by_table_and_by_looks(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        AttributeType type;
    } table[] = {
        {"class", ATTRIBUTE_PLAIN},
        {"href", ATTRIBUTE_URL},
        {"style", ATTRIBUTE_CSS},
        {"onclick", ATTRIBUTE_JS},
        {"onx", ATTRIBUTE_JS},
        {"srcset", ATTRIBUTE_SRCSET},
        {"srcdoc", ATTRIBUTE_HTML},
        {"type", ATTRIBUTE_UNSAFE},
        {"data-href", ATTRIBUTE_URL},
        {"data-title", ATTRIBUTE_PLAIN},
        {"xlink:href", ATTRIBUTE_URL},
        {"foo:title", ATTRIBUTE_PLAIN},
        {"xmlns:x", ATTRIBUTE_URL},
        {"xmlns", ATTRIBUTE_URL},
        {"xmlnsx:title", ATTRIBUTE_PLAIN},
        {"my-url", ATTRIBUTE_URL},
        {"imgsrc", ATTRIBUTE_URL},
        {"x-uri-y", ATTRIBUTE_URL},
        {"frobnicate", ATTRIBUTE_PLAIN},
        {"hre", ATTRIBUTE_PLAIN},
        {"hrefx", ATTRIBUTE_PLAIN},
        {"", ATTRIBUTE_PLAIN},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        assert_int_equal(attribute_type(table[i].name, strlen(table[i].name)),
                         table[i].type);
    }
    assert_int_equal(attribute_type("href\0\0\0\0", 8), ATTRIBUTE_PLAIN);
}

static void only_web_and_mail_links_are_safe(void **state)
{
    (void)state;
    static const Case table[] = {
        {"http://x", 0, "http://x"},
        {"HTTPS://x", 0, "HTTPS://x"},
        {"mailto:a@b", 0, "mailto:a@b"},
        {"//x/y", 0, "//x/y"},
        {"p/q:r", 0, "p/q:r"},
        {"x&colon;y", 0, "x&colon;y"},
        {"", 0, ""},
        {"ftp://x", 0, "#ZgotmplZ"},
        {"tel:+49", 0, "#ZgotmplZ"},
        {"JavaScript:x", 0, "#ZgotmplZ"},
        {"?a=b:c", 0, "#ZgotmplZ"},
        {":x", 0, "#ZgotmplZ"},
        {" javascript:x", 0, "#ZgotmplZ"},
        {"java\nscript:x", 0, "#ZgotmplZ"},
        {"http\0:x", 7, "#ZgotmplZ"},
        {"httpx:y", 0, "#ZgotmplZ"},
    };
    CHECK(filter_url, table);
}

static void urls_are_encoded(void **state)
{
    (void)state;
    static const Case normalized[] = {
        {"!#$&*+,/:;=?@[]'()\"<>\\^`{|}~", 0,
         "!#$&*+,/:;=?@[]%27%28%29%22%3c%3e%5c%5e%60%7b%7c%7d~"},
        {"%41%zz%e9 100%", 0, "%41%25zz%e9%20100%25"},
        {"%4", 0, "%254"},
        {"%%41", 0, "%25%41"},
        {"Gr\xC3\xBC", 0, "Gr%c3%bc"},
        {"a\0b", 3, "a%00b"},
    };
    static const Case escaped[] = {
        {"!#$&*+,/:;=?@[]'()\"<>\\^`{|}~", 0,
         "%21%23%24%26%2a%2b%2c%2f%3a%3b%3d%3f%40%5b%5d%27%28%29%22%3c%3e%5c%5e%60%7b%"
         "7c%"
         "7d~"},
        {"%41%zz 100%", 0, "%2541%25zz%20100%25"},
        {"aZ09-._~", 0, "aZ09-._~"},
    };
    CHECK(normalize_url, normalized);
    CHECK(escape_url, escaped);
}

static void every_image_of_a_srcset_is_judged(void **state)
{
    (void)state;
    static const Case table[] = {
        {"/a.png 1x, /b.png 2x, javascript:x 3x, /c d.png x", 0,
         "/a.png 1x, /b.png 2x,#ZgotmplZ,#ZgotmplZ"},
        {" /a<.png", 0, " /a%3c.png"},
        {"/a 200w", 0, "/a 200w"},
        {",", 0, ","},
        {"", 0, ""},
        {"/a\v1", 0, "/a%0b1"},
    };
    static const Case url[] = {{"/a,b c", 0, "/a%2cb%20c"}};
    CHECK(filter_srcset, table);
    CHECK(escape_srcset_url, url);
}

static void css_strings_stay_inside_their_quotes(void **state)
{
    (void)state;
    static const Case table[] = {
        {"<b>\"O'Reilly\" & co.</b>", 0,
         "\\3c b\\3e\\22O\\27Reilly\\22  \\26  co.\\3c\\2f b\\3e "},
        {"a\\b", 0, "a\\\\b"},
        {"a\0\n;g", 5, "a\\0 \\a\\3bg"},
        {"\n", 0, "\\a "},
        {"{}a", 0, "\\7b\\7d a"},
        {"\xC3\xBC", 0, "\xC3\xBC"},
    };
    CHECK(escape_css, table);
}

static void css_escapes_are_resolved(void **state)
{
    (void)state;
    static const Case table[] = {
        {"", 0, ""},
        {"foo", 0, "foo"},
        {"\\66 oo\\6f x", 0, "fooox"},
        {"\\A B", 0, "\nB"},
        {"\\00263a", 0, "\xE2\x98\xBA"},
        {"\\00004112", 0, "A12"},
        {"\\110000", 0,
         "\xF0\x91\x80\x80"
         "0"}, /* it would leave Unicode */
        {"\\d800", 0, "\xEF\xBF\xBD"},
        {"\\\"\\\\", 0, "\"\\"},
        {"a\\", 0, "a"},
        {"\\41\r\nx\\41\rx\\41\tx", 0, "AxAxAx"},
    };
    CHECK(decode_css, table);
}

static void css_values_are_words_and_numbers(void **state)
{
    (void)state;
    static const Case table[] = {
        {"red", 0, "red"},
        {"#ff0000", 0, "#ff0000"},
        {"50%", 0, "50%"},
        {"-3px", 0, "-3px"},
        {"a b", 0, "a b"},
        {"a,b", 0, "a,b"},
        {"", 0, ""},
        {"inherit !important", 0, "inherit !important"},
        {"a\\b", 0, "a\v"},
        {"\\72 ed", 0, "red"},
        {"rgb(1,2,3)", 0, "ZgotmplZ"},
        {"EXPRESSION", 0, "ZgotmplZ"},
        {"ex\\70ression", 0, "ZgotmplZ"},
        {"ex-pres-sion", 0, "ZgotmplZ"},
        {"-moz-binding", 0, "ZgotmplZ"},
        {"a;b", 0, "ZgotmplZ"},
        {"a{b}", 0, "ZgotmplZ"},
        {"a\"b", 0, "ZgotmplZ"},
        {"a/*b", 0, "ZgotmplZ"},
        {"<x>", 0, "ZgotmplZ"},
        {"a--b", 0, "ZgotmplZ"},
        {"@x", 0, "ZgotmplZ"},
        {"a\0", 2, "ZgotmplZ"},
        {"\\22", 0, "ZgotmplZ"},
    };
    CHECK(filter_css, table);
}

static void character_references_are_resolved(void **state)
{
    (void)state;
    static const Case table[] = {
        {"a&amp;b &lt;c&gt; &quot;", 0, "a&b <c> \""},
        {"x&colon;y &Tab;", 0, "x:y \t"},
        {"&#106;avascript &#x6A;&#X6a;", 0, "javascript jj"},
        {"&ampx &notit; &not &no", 0, "&x \xC2\xACit; \xC2\xAC &no"},
        {"&CounterClockwiseContourIntegral;", 0, "\xE2\x88\xB3"},
        {"&NotEqualTilde;", 0, "\xE2\x89\x82\xCC\xB8"},
        {"&#128;&#0;&#xd800;&#99999999999;", 0,
         "\xE2\x82\xAC\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"&#106", 0, "j"},
        {"& &; &# &#; &#x; &", 0, "& &; &# &#; &#x; &"},
        {"&amp", 0, "&"},
        {"&a", 0, "&a"},
    };
    CHECK(decode_entities, table);
}

static void script_types_are_told_apart(void **state)
{
    (void)state;
    static const char *const js[] = {"text/javascript", "MODULE",
                                     " application/json ; x", "application/ld+json",
                                     ""};
    static const char *const markup[] = {"text/template", "text/html", "json"};
    for (size_t i = 0; i < G_N_ELEMENTS(js); i++) {
        assert_true(script_type_is_js(js[i], strlen(js[i])));
    }
    for (size_t i = 0; i < G_N_ELEMENTS(markup); i++) {
        assert_false(script_type_is_js(markup[i], strlen(markup[i])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(markup_becomes_text),
        cmocka_unit_test(html_keeps_its_references),
        cmocka_unit_test(values_without_quotes_have_no_blanks),
        cmocka_unit_test(tags_and_comments_are_stripped),
        cmocka_unit_test(attribute_names_are_plain_ones),
        cmocka_unit_test(attributes_are_judged_by_table_and_by_looks),
        cmocka_unit_test(only_web_and_mail_links_are_safe),
        cmocka_unit_test(urls_are_encoded),
        cmocka_unit_test(every_image_of_a_srcset_is_judged),
        cmocka_unit_test(css_strings_stay_inside_their_quotes),
        cmocka_unit_test(css_escapes_are_resolved),
        cmocka_unit_test(css_values_are_words_and_numbers),
        cmocka_unit_test(character_references_are_resolved),
        cmocka_unit_test(script_types_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
