/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "bridge/compose/html2text.h"

typedef struct {
    const char *html, *text;
} Row;

static void check(const Row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        g_autoptr(GString) out = g_string_new(NULL);
        html_to_text(out, rows[i].html);
        assert_string_equal(out->str, rows[i].text);
    }
}

static void words_and_blocks_become_lines(void **state)
{
    (void)state;
    static const Row rows[] = {
        {"", ""},
        {"  a \n b\t<b>c</b>d ", "a b cd\n"},
        {"<h1>Head</h1><p>one</p><p>two</p>", "Head\n\none\n\ntwo\n"},
        {"<div>a</div><div><div>b</div></div>", "a\nb\n"},
        {"a<br>b<br/><br />c", "a\nb\n\nc\n"},
        {"<ul><li>one<li>two</ul>end", "- one\n- two\n\nend\n"},
        {"<ol><li>a<ul><li>b</li><li>c</li></ul></li><li>d</li></ol><ol><li>e</ol>",
         "1. a\n  - b\n  - c\n2. d\n\n1. e\n"},
        {"<li>a</li></ul></ol><li>b", "- a\n\n- b\n"},
        {"<ol><li></li><li>a<p>b</ol>", "2. a\n\nb\n"},
        {"a<hr>b", "a\n----------------------------------------\nb\n"},
        {"<pre>a\n  b</pre>c", "a\n  b\nc\n"},
        {"<p></p><div> </div>x", "x\n"},
    };
    check(rows, G_N_ELEMENTS(rows));
}

static void tables_keep_their_rows_and_cells(void **state)
{
    (void)state;
    static const Row rows[] = {
        {"<table><tr><th>host</th><th>since</th></tr>\n<tr> <td>db1</td> <td>04:12</td></tr>"
         "</table>",
         "host | since\ndb1 | 04:12\n"},
        {"<table><tr><td>a<td>b<tr><td>c</table>d", "a | b\nc\n\nd\n"},
        {"<table><tr><td><table><tr><td>in</td></tr></table></td></tr></table>", "in\n"},
        {"<tr><td></td><td>x</td></tr>", "x\n"},
        {"<table><tr><td><div>a</div></td><td><p>b</p></td></tr>"
         "<tr><td><div>c</div></td><td></td></tr><tr><td>d</td></tr></table>",
         "a | b\nc\nd\n"},
        {"<table><tr><td>a<br>b</td><td>c</td></tr><tr><td>d</td><td>e</td></tr></table>",
         "a\nb | c\n\nd | e\n"},
        {"<table><tr><td><p>a</p><p>b</p></td><td><p>c</p></td></tr></table>", "a\n\nb\n\nc\n"},
        {"<table><tr><td>a<table><tr><td>b</td></tr></table></td><td>c</td></tr></table>",
         "a\n\nb\n\nc\n"},
        {"<table><tr><td>a</td><td><table><tr><td>b</td><td>c</td></tr></table></td></tr>"
         "<tr><td>d</td></tr></table>",
         "a | b | c\n\nd\n"},
    };
    check(rows, G_N_ELEMENTS(rows));
}

static void links_keep_their_addresses(void **state)
{
    (void)state;
    static const Row rows[] = {
        {"see <a href=\"https://x/?a=1&amp;b=2\">it</a>.", "see it <https://x/?a=1&b=2>.\n"},
        {"<a href=https://x/>https://x/</a>", "https://x/\n"},
        {"<a href='mailto:a@x.org'>a@x.org</a>", "a@x.org\n"},
        {"<a href='https://x'><img src=y></a>", "<https://x>\n"},
        {"<a href='https://x'><img src=y alt=\"Graph\"></a>", "Graph <https://x>\n"},
        {"<a href='javascript:alert(1)'>a</a>", "a\n"},
        {"<a href=' https://x/a b\n\"&gt;'>a</a>", "a <https://x/a%20b%0A%22%3E>\n"},
        {"<a href='https://x'>a", "a <https://x>\n"},
        {"<a href='https://x'>a<a href='https://y'>b</a>", "a <https://x>b <https://y>\n"},
        {"<a name=x>a</a></a>", "a\n"},
    };
    check(rows, G_N_ELEMENTS(rows));
}

static void what_is_not_shown_is_left_out(void **state)
{
    (void)state;
    static const Row rows[] = {
        {"<style>p{}</style><script>if (a<b) x('</p>')</script>a", "a\n"},
        {"<title>t</title>a<!-- c <b> -->b<!doctype html>c<?x y?>d", "abcd\n"},
        {"<div style=\"Display : none;\">a<div>b</div>c</div>d", "d\n"},
        {"<p hidden>a</p><img style='display:none'>b", "b\n"},
        {"<style>never ends", ""},
        {"a<!-- never ends", "a\n"},
        {"a<b title=\"never ends", "a\n"},
        {"<b title='>'>a</b>", "a\n"},
        {"a<svg><text>x</text></svg><template>y</template><iframe>z</iframe>b", "ab\n"},
    };
    check(rows, G_N_ELEMENTS(rows));
}

static void entities_are_decoded_and_lonely_signs_stay(void **state)
{
    (void)state;
    static const Row rows[] = {
        {"&lt;b&gt; &amp;amp; &#228;&#xE4;&nbsp;x", "<b> &amp; ää x\n"},
        {"&nosuch; &amp &; &#; a < b <3", "&nosuch; & &; &#; a < b <3\n"},
        {"&#0;&#10;&#x85;&#xD800;&#x110000;x&#1;y", "\uFFFD …\uFFFD\uFFFDx y\n"},
        {"&#39;a&#x27", "'a'\n"},
        {"5&percnt; &le; 6&colon; &CounterClockwiseContourIntegral; &fjlig;", "5% ≤ 6: ∳ fj\n"},
        {"a&shy;b&zwnj;c&#8203;d&ensp;&thinsp;e", "abcd e\n"},
        {"<a href='https://x/?a=1&copy=2&amp;b=3&lt=4'>x</a>",
         "x <https://x/?a=1&copy=2&b=3&lt=4>\n"},
    };
    check(rows, G_N_ELEMENTS(rows));
}

/* Each of these would take minutes were anything quadratic. */
static void hostile_markup_costs_no_more_than_its_length(void **state)
{
    (void)state;
    static const char *const pieces[] = {"<",   "<a ",  "<a href='", "<div style=\"display:none\">",
                                         "<!-", "&#x1", "<script>",  "<a href=http://x>",
                                         "</a", "<td>x", "&",        "<pre>\n",
                                         "<div>", "<ul><li>x", "<li>x", "<table><tr><td>x",
                                         "<tr><td>x<td>y", "&Cou", "&fjlig;", "<ol><li>"};
    for (size_t i = 0; i < G_N_ELEMENTS(pieces); i++) {
        GString *html = g_string_new(NULL);
        while (html->len < 1000000) {
            g_string_append(html, pieces[i]);
        }
        g_autoptr(GString) out = g_string_new(NULL);
        html_to_text(out, html->str);
        assert_true(out->len < 4 * html->len);
        g_string_free(html, TRUE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_and_blocks_become_lines),
        cmocka_unit_test(tables_keep_their_rows_and_cells),
        cmocka_unit_test(links_keep_their_addresses),
        cmocka_unit_test(what_is_not_shown_is_left_out),
        cmocka_unit_test(entities_are_decoded_and_lonely_signs_stay),
        cmocka_unit_test(hostile_markup_costs_no_more_than_its_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
