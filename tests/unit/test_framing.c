/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <glib.h>
#include <string.h>

#include "bridge/intake/framing.h"

#define TWICE  "the length is said twice (Content-Length, Transfer-Encoding)"
#define CODING "the Transfer-Encoding is not chunked"
#define WORD   "a header's name is not a word"
#define FOLDED "a header that says the length is folded"
#define LINE   "a header's value is not one line"

/* Names and values by turns, as long as they are up to the NUL. */
static const struct {
    const char *headers[6];
    const char *problem; /* NULL: none */
} table[] = {
    {{NULL}, NULL},
    {{"Host", "a", "Content-Length", "13", NULL}, NULL},
    {{"Host", "a", "Transfer-Encoding", "chunked", NULL}, NULL},
    {{"transfer-encoding", "CHUNKED", NULL}, NULL},
    {{"Content-Length", "13", "Content-Length", "13", NULL}, TWICE},
    {{"Content-Length", "13", "content-length", "14", NULL}, TWICE},
    {{"Content-Length", "13", "Transfer-Encoding", "chunked", NULL}, TWICE},
    {{"Transfer-Encoding", "chunked", "Content-Length", "13", NULL}, TWICE},
    {{"Transfer-Encoding", "chunked", "Transfer-Encoding", "chunked", NULL}, TWICE},
    {{"Transfer-Encoding", "chunked", "Transfer-Encoding", "identity", NULL}, CODING},
    {{"Transfer-Encoding", "xchunked", NULL}, CODING},
    {{"Transfer-Encoding", "chunked, chunked", NULL}, CODING},
    {{"Transfer-Encoding", "gzip, chunked", NULL}, CODING},
    {{"Transfer-Encoding", "", NULL}, CODING},
    {{"Transfer-Encoding ", "chunked", NULL}, WORD},
    {{"X\tY", "1", NULL}, WORD},
    {{"", "1", NULL}, WORD},
    {{"X(", "1", NULL}, WORD},
    {{"!#$%&'*+-.^_`|~09aZ", "1", NULL}, NULL},
    {{"Content-Length13", "", NULL}, FOLDED},
    {{"transfer-encodingchunked", "x", NULL}, FOLDED},
    {{"X-Content-Length13", "1", NULL}, NULL},
    {{"X", "a\rContent-Length: 1", NULL}, LINE},
    {{"X", "a\nContent-Length: 1", NULL}, LINE},
    {{"Host", "a", "Host", "a", NULL}, "there are two Host headers"},
    {{"X Y", "1", "Content-Length", "1", NULL}, WORD},
};

static void headers_that_can_be_read_in_two_ways_are_a_problem(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        Framing framing = {0};
        for (const char *const *at = table[i].headers; *at != NULL; at += 2) {
            framing_note(&framing, at[0], strlen(at[0]), at[1], strlen(at[1]));
        }
        if (g_strcmp0(framing_problem(&framing), table[i].problem) != 0) {
            fail_msg("row %zu: %s", i, framing_problem(&framing));
        }
    }
}

static void a_nul_in_a_header_is_a_problem(void **state)
{
    (void)state;
    Framing name = {0}, value = {0};
    framing_note(&name, "X\0Y", 3, "", 0);
    framing_note(&value, "X", 1, "a\0b", 3);
    assert_string_equal(framing_problem(&name), WORD);
    assert_string_equal(framing_problem(&value), LINE);
}

static void a_path_is_unescaped_but_for_a_nul(void **state)
{
    (void)state;
    static const char *const paths[][2] = {
        {"", ""},
        {"/hooks/%61%6cert", "/hooks/alert"},
        {"/a%00b", "/a%00b"},
        {"%2F%2f%0a%FF", "//\n\377"},
        {"%", "%"},
        {"%4", "%4"},
        {"%g1%1g", "%g1%1g"},
        {"%%341", "%41"},
        {"%2500", "%00"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autofree char *text = g_strdup(paths[i][0]);
        assert_int_equal(framing_unescape(text), strlen(paths[i][1]));
        assert_string_equal(text, paths[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_that_can_be_read_in_two_ways_are_a_problem),
        cmocka_unit_test(a_nul_in_a_header_is_a_problem),
        cmocka_unit_test(a_path_is_unescaped_but_for_a_nul),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
