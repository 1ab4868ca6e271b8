/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "config/config.h"

#define README SOURCE_DIR "/config/README.md"
#define BEGIN  "<!-- keys: begin"
#define END    "<!-- keys: end -->"

/* The manual with its tables replaced by those of the program. */
static char *renew(const char *text)
{
    const char *begin = strstr(text, BEGIN), *end = strstr(text, END);
    assert_true(begin != NULL && end != NULL && begin < end);
    const char *body = strchr(begin, '\n') + 1;
    GString *out = g_string_new_len(text, body - text);
    g_string_append_c(out, '\n');
    config_print_reference(out);
    g_string_append(out, end);
    return g_string_free(out, FALSE);
}

/* UPDATE=1 in the environment writes the manual instead. */
static void the_manual_has_the_tables_the_file_is_read_with(void **state)
{
    (void)state;
    g_autofree char *text = NULL;
    assert_true(g_file_get_contents(README, &text, NULL, NULL));
    g_autofree char *wanted = renew(text);
    if (g_strcmp0(getenv("UPDATE"), "1") == 0) {
        assert_true(g_file_set_contents(README, wanted, -1, NULL));
        return;
    }
    if (strcmp(text, wanted) != 0) {
        fail_msg("%s", "config/README.md is stale: run this test with UPDATE=1");
    }
}

static void every_key_says_what_it_does(void **state)
{
    (void)state;
    g_autoptr(GString) out = g_string_new(NULL);
    config_print_reference(out);
    assert_null(strstr(out->str, "|  |\n"));
    assert_null(strstr(out->str, "(null)"));
    assert_non_null(
        strstr(out->str, "| `smtp_smarthost` | host:port or maildir:PATH |"));
    assert_non_null(strstr(out->str, "| `in_doubt` | `retry` or `keep` | `retry` |"));
    assert_non_null(strstr(out->str, "| `require_tls` | true or false |"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_manual_has_the_tables_the_file_is_read_with),
        cmocka_unit_test(every_key_says_what_it_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
