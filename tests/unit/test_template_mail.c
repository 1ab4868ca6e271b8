/* SPDX-License-Identifier: MIT */
/* The functions that the built-in mail is made with. */
#include "mail_event.h"

typedef struct {
    const char *text, *want; /* of a failure: the end of its text */
} Case;

static const char *const no_files[] = {NULL};

static void check(const Event *event, const Case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        g_autofree char *got =
            mail_render(event, no_files, TEMPLATE_TEXT, cases[i].text);
        bool failed = g_str_has_prefix(got, "template: ");
        if (failed ? !g_str_has_suffix(got, cases[i].want)
                   : strcmp(got, cases[i].want) != 0) {
            fail_msg("%s\n  gives %s\n  not   %s", cases[i].text, got, cases[i].want);
        }
    }
}

static void check_alone(const Case *cases, size_t n)
{
    g_autoptr(Event) event = mail_event("", NULL, 0);
    check(event, cases, n);
}
#define CHECK(...)                                                                     \
    check_alone((const Case[]){__VA_ARGS__},                                           \
                sizeof((Case[]){__VA_ARGS__}) / sizeof(Case))

static void numbers_are_added_and_subtracted_and_wrap_at_the_ends(void **state)
{
    (void)state;
    CHECK({"{{ plus 2 3 }} {{ minus 2 3 }} {{ minus 0 7 | plus 1 }}", "5 -1 -6"},
          {"{{ plus 9223372036854775807 1 }}", "-9223372036854775808"},
          {"{{ minus -9223372036854775808 1 }}", "9223372036854775807"});
}

static void a_duration_is_told_in_its_two_largest_units(void **state)
{
    (void)state;
    CHECK(
        {"{{ (now.Sub now) | shortDuration }}", "0 s"},
        {"{{ shortDuration 59999999999 }}", "59 s"},
        {"{{ shortDuration 60000000000 }} {{ shortDuration 3599e9 }}", "1 min 59 min"},
        {"{{ shortDuration 3600e9 }} {{ shortDuration 3659e9 }} {{ shortDuration "
         "3660e9 }}",
         "1 h 1 h 1 h 1 min"},
        {"{{ shortDuration 86399e9 }} {{ shortDuration 86400e9 }}", "23 h 59 min 1 d"},
        {"{{ shortDuration 90000e9 }} {{ shortDuration 89999e9 }}", "1 d 1 h 1 d"},
        {"{{ shortDuration 8639999e9 }} {{ shortDuration 8650000e9 }}",
         "99 d 23 h 100 d"},
        {"{{ shortDuration -5000000000 }}", "0 s"},
        {"{{ shortDuration 9223372036854775807 }}", "106751 d"});
}

static void text_is_folded_at_blanks(void **state)
{
    (void)state;
    CHECK({"{{ fold 10 `  ` `one two three` }}", "one two\n  three"},
          {"{{ fold 7 `` `one two` }}", "one two"},
          {"{{ fold 6 `` `one two` }}", "one\ntwo"},
          {"{{ fold 20 `` `  two  blanks   stay` }}", "  two  blanks   stay"},
          {"{{ fold 6 `> ` `one   two` }}", "one\n> two"},
          {"{{ fold 9 `> ` \"a\\r\\n b \\n\\nc\\td\" }}", "a\n>  b\n> \n> c d"},
          {"{{ fold 9 `> ` `` }}|{{ fold 9 `` `   ` }}|", "||"});
}

static void what_has_no_blanks_is_folded_anywhere_but_a_url_nowhere(void **state)
{
    (void)state;
    CHECK({"{{ fold 4 `` `abcdefghij` }}", "abcd\nefgh\nij"},
          {"{{ fold 4 `-` `abcdefghij` }}", "abcd\n-efg\n-hij"},
          {"{{ fold 8 `  ` `see https://example.org/a/b now` }}",
           "see\n  https://example.org/a/b\n  now"},
          {"{{ fold 8 `` `HTTP://example.org` }}", "HTTP://example.org"},
          {"{{ fold 8 `` `httpx://example.org` }}", "httpx://\nexample.\norg"},
          {"{{ fold 8 `` `ftp://example.org` }}", "ftp://ex\nample.or\ng"},
          {"{{ fold 1 `--` `ab` }}", "a\n--b"});
}

static void characters_of_east_asia_take_two_columns_and_marks_none(void **state)
{
    (void)state;
    CHECK({"{{ fold 4 `` `東京都` }}", "東京\n都"},
          {"{{ fold 5 `` `東京都` }}", "東京\n都"},
          {"{{ fold 5 `` `ab東c京` }}", "ab東c\n京"},
          {"{{ fold 2 `` \"e\\u0301e\\u0301e\" }}", "e\xCC\x81"
                                                    "e\xCC\x81\ne"},
          {"{{ fold 1 `` `東京` }}", "東\n京"},
          {"{{ fold 4 `` \"\\xff\\xff\\xff\\xff\\xff\" }}", "\xff\xff\xff\xff\n\xff"});
}

static void columns_have_a_range_and_indents_cannot_multiply_a_text(void **state)
{
    (void)state;
    CHECK(
        {"{{ fold 0 `` `a` }}", "error calling fold: columns must be 1 to 1000, not 0"},
        {"{{ fold 1001 `` `a` }}",
         "error calling fold: columns must be 1 to 1000, not 1001"},
        {"{{ fold 1000 `` `a` }}", "a"});
    g_autoptr(Event) event = mail_event("", NULL, 0);
    g_autofree char *wide = g_strnfill(100000, 'x');
    g_autofree char *text = g_strdup_printf("{{ fold 1 `%s` `%s` }}", wide, wide);
    g_autofree char *got = mail_render(event, no_files, TEMPLATE_TEXT, text);
    assert_true(g_str_has_suffix(got, "more than 10485760 bytes of text"));
}

static void only_what_leads_to_the_web_is_a_link(void **state)
{
    (void)state;
    CHECK(
        {"{{ webURL `https://example.org/a?b=c&d#e` }}",
         "https://example.org/a?b=c&d#e"},
        {"{{ webURL `HTTP://EXAMPLE.ORG` }}", "HTTP://EXAMPLE.ORG"},
        {"{{ webURL \"http://h/a \\\"b\\\"\\n\\u00e9\" }}",
         "http://h/a%20%22b%22%0a%c3%a9"},
        {"{{ webURL `http://h/%20%zz` }}", "http://h/%20%25zz"},
        {"{{ webURL `` }}{{ webURL `http://` }}{{ webURL `http:///x` }}{{ webURL "
         "`http://?` }}",
         ""},
        {"{{ webURL `javascript:alert(1)` }}{{ webURL `data:,x` }}{{ webURL `//h/` }}",
         ""},
        {"{{ webURL ` http://h/` }}{{ webURL `mailto:a@b` }}{{ webURL `httpsx://h` }}",
         ""});
}

static char *url_of_length(size_t n, char last)
{
    g_autoptr(GString) text = g_string_new("{{ len (webURL `http://h/");
    size_t start = text->len - strlen("http://h/");

    while (text->len - start < n - 1) {
        g_string_append_c(text, 'x');
    }
    g_string_append_c(text, last);
    g_string_append(text, "`) }}");
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static void a_link_has_at_most_2000_bytes(void **state)
{
    (void)state;
    g_autofree char *fits = url_of_length(2000, 'x'),
                    *long_one = url_of_length(2001, 'x');
    g_autofree char *grows = url_of_length(2000, ' '), *just = url_of_length(1998, ' ');
    CHECK({fits, "2000"}, {long_one, "0"}, {grows, "0"}, {just, "2000"});
}

static void labels_end_a_link_as_matchers(void **state)
{
    (void)state;
    static const MailAlert alert = {.labels = "alertname=a b+c;x.y=\"\\"};
    g_autoptr(Event) event = mail_event("", &alert, 1);
    const Case cases[] = {
        {"{{ filterURL `http://h/` `/#/s?f=` .CommonLabels }}",
         "http://h/#/"
         "s?f=%7balertname%3d%22a%20b%2bc%22%2c%22x.y%22%3d%22%5c%22%5c%5c%22%7d"},
        {"{{ filterURL `http://h//` `` .CommonLabels | len }}", "74"},
        {"{{ filterURL `` `/` .CommonLabels }}{{ filterURL `ftp://h` `/` .CommonLabels "
         "}}",
         ""},
        {"{{ filterURL `http://h` `/` .GroupLabels }}", ""},
    };
    check(event, cases, G_N_ELEMENTS(cases));
}

static void a_link_with_too_many_labels_is_left_out(void **state)
{
    (void)state;
    /* http://h/%7ba%3d%22…%22%7d: 25 bytes beside the value. */
    for (size_t length = 1974; length <= 1976; length++) {
        g_autofree char *value = g_strnfill(length, 'x');
        g_autofree char *labels = g_strconcat("a=", value, NULL);
        MailAlert alert = {.labels = labels};
        g_autoptr(Event) event = mail_event("", &alert, 1);
        g_autofree char *want =
            g_strdup_printf("%zu", length == 1976 ? 0 : length + 25);
        const Case link = {"{{ filterURL `http://h` `/` .CommonLabels | len }}", want};
        check(event, &link, 1);
    }
}

static const MailAlert mixed[] = {
    {.labels = "severity=critical;dc=a;node=1;half=x"},
    {.labels = "severity=warning;dc=b;node=2"},
    {.labels = "severity=critical;dc=c;node=3;half=x"},
    {.labels = "dc=a;node=4"},
    {.labels = "severity=critical;dc=a;node=5;half=y"},
    {.labels = "severity=info;dc=a;node=6"},
    {.labels = "severity=info;dc=a;node=7"},
    {.labels = "severity=info;dc=a;node=8"},
    {.labels = "severity=info;dc=a;node=9"},
};

static void alerts_are_counted_by_a_label(void **state)
{
    (void)state;
    g_autoptr(Event) event = mail_event("", mixed, G_N_ELEMENTS(mixed));
    const Case cases[] = {
        {"{{ countBy `severity` .Alerts }}", "critical=3, warning=1, =1, info=4"},
        {"{{ countBy `dc` .Alerts }}", "a=7, b=1, c=1"},
        {"{{ countBy `none` .Alerts }}", "=9"},
        {"{{ countBy `dc` .Alerts.Resolved }}", ""},
    };
    check(event, cases, G_N_ELEMENTS(cases));
}

static void the_telling_label_has_the_most_values_up_to_eight(void **state)
{
    (void)state;
    g_autoptr(Event) nine = mail_event("", mixed, 9), eight = mail_event("", mixed, 8);
    g_autoptr(Event) one = mail_event("", mixed, 1), none = mail_event("", NULL, 0);
    const Case of_nine = {"{{ telling .Alerts }}",
                          "dc"}; /* x, y and none are three too */
    const Case of_eight = {"{{ telling .Alerts }}", "node"};
    const Case of_few = {"{{ telling .Alerts }}", ""};
    check(nine, &of_nine, 1);
    check(eight, &of_eight, 1);
    check(one, &of_few, 1);
    check(none, &of_few, 1);
}

static void written_counts_the_bytes_so_far(void **state)
{
    (void)state;
    CHECK({"{{ written }} {{ written }}", "0 2"},
          {"{{ define `t` }}{{ written }}{{ end }}ü{{ template `t` }}", "ü2"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_added_and_subtracted_and_wrap_at_the_ends),
        cmocka_unit_test(a_duration_is_told_in_its_two_largest_units),
        cmocka_unit_test(text_is_folded_at_blanks),
        cmocka_unit_test(what_has_no_blanks_is_folded_anywhere_but_a_url_nowhere),
        cmocka_unit_test(characters_of_east_asia_take_two_columns_and_marks_none),
        cmocka_unit_test(columns_have_a_range_and_indents_cannot_multiply_a_text),
        cmocka_unit_test(only_what_leads_to_the_web_is_a_link),
        cmocka_unit_test(a_link_has_at_most_2000_bytes),
        cmocka_unit_test(labels_end_a_link_as_matchers),
        cmocka_unit_test(a_link_with_too_many_labels_is_left_out),
        cmocka_unit_test(alerts_are_counted_by_a_label),
        cmocka_unit_test(the_telling_label_has_the_most_values_up_to_eight),
        cmocka_unit_test(written_counts_the_bytes_so_far),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
