/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "config/secret.h"
#include "rules/fault.h"

/* A file with LENGTH bytes at TEXT; its name is to be freed. */
static char *write_file(const char *text, size_t length)
{
    char *name = NULL;
    int fd = g_file_open_tmp("secret-XXXXXX", &name, NULL);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, length), (ssize_t)length);
    close(fd);
    return name;
}

static void remove_file(char *name)
{
    g_unlink(name);
    g_free(name);
}

static void a_file_is_read_at_every_use_and_trimmed(void **state)
{
    (void)state;
    char *file = write_file(" \t pass word\r\n\n", 15);
    const Secret secret = {.file = file};
    char *text = secret_read(&secret, NULL);
    assert_string_equal(text, "pass word");
    secret_free(text);
    assert_true(g_file_set_contents(file, "new\n", -1, NULL));
    text = secret_read(&secret, NULL);
    assert_string_equal(text, "new");
    secret_free(text);
    remove_file(file);
}

static void blanks_are_kept_where_they_belong_to_the_secret(void **state)
{
    (void)state;
    char *file = write_file(" x\n", 3);
    const Secret secret = {.file = file, .keep_blanks = true};
    char *text = secret_read(&secret, NULL);
    assert_string_equal(text, " x\n");
    secret_free(text);
    remove_file(file);
}

static void an_empty_file_and_no_secret_are_an_empty_text(void **state)
{
    (void)state;
    char *file = write_file("\n", 1);
    const Secret of_file = {.file = file}, none = {0};
    char *text = secret_read(&of_file, NULL);
    assert_string_equal(text, "");
    secret_free(text);
    text = secret_read(&none, NULL);
    assert_string_equal(text, "");
    secret_free(text);
    secret_free(NULL);
    assert_true(secret_is_set(&of_file));
    assert_false(secret_is_set(&none));
    remove_file(file);
}

static void what_cannot_be_read_says_the_file_and_never_the_secret(void **state)
{
    (void)state;
    char *with_nul = write_file("hidden\0word", 11);
    g_autofree char *large = g_strnfill(SECRET_FILE_MAX + 1, 'x');
    char *at_edge = write_file(large, SECRET_FILE_MAX);
    char *too_large = write_file(large, SECRET_FILE_MAX + 1);
    const struct {
        const char *file, *reason; /* reason NULL: it is read */
    } cases[] = {
        {"/nowhere/secret", "No such file or directory"},
        {"/", "Is a directory"},
        {with_nul, "it holds a NUL"},
        {too_large, "larger than 64 KiB"},
        {at_edge, NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        char file[64];
        g_strlcpy(file, cases[i].file, sizeof file);
        const Secret secret = {.file = file};
        g_autoptr(GError) error = NULL;
        char *text = secret_read(&secret, &error);
        assert_int_equal(text == NULL, cases[i].reason != NULL);
        if (text == NULL) {
            g_autofree char *expected =
                g_strdup_printf("secret file %s: %s", file, cases[i].reason);
            assert_true(g_error_matches(error, FAULT, FAULT_SYSTEM));
            assert_string_equal(error->message, expected);
        }
        secret_free(text);
    }
    remove_file(with_nul);
    remove_file(at_edge);
    remove_file(too_large);
}

static void secrets_compare_by_text_or_file_name(void **state)
{
    (void)state;
    char a[] = "a", b[] = "b", other_a[] = "a";
    assert_true(secret_equal(&(Secret){.text = a}, &(Secret){.text = other_a}));
    assert_false(secret_equal(&(Secret){.text = a}, &(Secret){.text = b}));
    assert_false(secret_equal(&(Secret){.text = a}, &(Secret){.file = a}));
    assert_true(secret_equal(&(Secret){.file = a}, &(Secret){.file = other_a}));
    assert_false(secret_equal(&(Secret){.file = a}, &(Secret){.file = a, .keep_blanks = true}));
}

static void a_wiped_secret_is_gone(void **state)
{
    (void)state;
    char text[] = "word", file[] = "name";
    Secret secret = {.text = text, .file = file};
    secret_wipe(&secret);
    assert_memory_equal(text, "\0\0\0\0", 4);
    assert_false(secret_is_set(&secret));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_read_at_every_use_and_trimmed),
        cmocka_unit_test(blanks_are_kept_where_they_belong_to_the_secret),
        cmocka_unit_test(an_empty_file_and_no_secret_are_an_empty_text),
        cmocka_unit_test(what_cannot_be_read_says_the_file_and_never_the_secret),
        cmocka_unit_test(secrets_compare_by_text_or_file_name),
        cmocka_unit_test(a_wiped_secret_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
