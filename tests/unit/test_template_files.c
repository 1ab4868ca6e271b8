/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/template_files.h"

/* What the test is about stands in a directory of its own, where it runs. */
static char *directory, *before;

static int enter(void **state)
{
    (void)state;
    before = g_get_current_dir();
    directory = g_dir_make_tmp("templates-XXXXXX", NULL);
    return g_chdir(directory);
}

static int leave(void **state)
{
    (void)state;
    g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);
    for (const char *name; (name = g_dir_read_name(dir)) != NULL;) {
        assert_int_equal(g_remove(name), 0);
    }
    assert_int_equal(g_chdir(before), 0);
    assert_int_equal(g_rmdir(directory), 0);
    g_free(directory);
    g_free(before);
    return 0;
}

static void write_file(const char *name, const char *text)
{
    assert_true(g_file_set_contents(name, text, -1, NULL));
}

/* What adding PATH to a set says; "" if it worked. */
static char *add(const char *path)
{
    g_autoptr(TemplateSet) set = template_set_new();
    g_autoptr(GError) error = NULL;
    bool added = template_file_add(set, path, &error);
    assert_int_equal(added, error == NULL);
    return g_strdup(error != NULL ? error->message : "");
}

#define assert_says(path, text)                                   \
    do {                                                          \
        g_autofree char *said = add(path);                        \
        assert_string_equal(said, text);                          \
    } while (0)

static void only_a_regular_file_is_read_and_nothing_is_waited_for(void **state)
{
    (void)state;
    write_file("good.tmpl", "{{ define \"x\" }}x{{ end }}");
    assert_int_equal(mkfifo("pipe.tmpl", 0600), 0);
    assert_int_equal(g_mkdir("folder.tmpl", 0700), 0);
    assert_int_equal(symlink("pipe.tmpl", "link.tmpl"), 0);
    assert_int_equal(symlink("good.tmpl", "to_good.tmpl"), 0);
    assert_int_equal(symlink("nowhere", "dangling.tmpl"), 0);
    assert_says("good.tmpl", "");
    assert_says("to_good.tmpl", "");
    assert_says("pipe.tmpl", "pipe.tmpl: not a regular file");
    assert_says("link.tmpl", "link.tmpl: not a regular file");
    assert_says("/dev/zero", "/dev/zero: not a regular file");
    assert_says("folder.tmpl", "folder.tmpl: Is a directory");
    assert_says("dangling.tmpl", "dangling.tmpl: No such file or directory");
}

static void a_file_has_a_ceiling(void **state)
{
    (void)state;
    g_autofree char *largest = g_strnfill(4 * 1024 * 1024, 'x');
    g_autofree char *larger = g_strnfill(4 * 1024 * 1024 + 1, 'x');
    write_file("largest.tmpl", largest);
    write_file("larger.tmpl", larger);
    assert_says("largest.tmpl", "");
    assert_says("larger.tmpl", "larger.tmpl: larger than 4096 KiB");
}

/* The files that PATTERN finds, with blanks between; the error if it is none. */
static char *find(const char *pattern)
{
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) files = template_files_find(pattern, &error);
    return files != NULL ? g_strjoinv(" ", files) : g_strdup(error->message);
}

static void patterns_are_those_of_go(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"*.tmpl", ".hidden.tmpl a.tmpl b.tmpl"},
        {"[ab].tmpl", "a.tmpl b.tmpl"},
        {"[^a].tmpl", "b.tmpl"},
        {"?.tmpl", "a.tmpl b.tmpl"},
        {".*", ".hidden.tmpl"},
        {"\\a.tmpl", "a.tmpl"},
        {"a.tmpl", "a.tmpl"},
        {"none*", ""},
        {"", ""},
        {"[.tmpl", "[.tmpl: syntax error in pattern"},
        {"[]a].tmpl", "[]a].tmpl: syntax error in pattern"},
        {"[a-].tmpl", "[a-].tmpl: syntax error in pattern"},
        {"[-a].tmpl", "[-a].tmpl: syntax error in pattern"},
        {"a\\", "a\\: syntax error in pattern"},
        {"[a\\", "[a\\: syntax error in pattern"},
        {"[\\]-b].tmpl", "a.tmpl b.tmpl"},
    };
    write_file("a.tmpl", "");
    write_file("b.tmpl", "");
    write_file(".hidden.tmpl", "");
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *found = find(cases[i][0]);
        assert_string_equal(found, cases[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            only_a_regular_file_is_read_and_nothing_is_waited_for, enter, leave),
        cmocka_unit_test_setup_teardown(a_file_has_a_ceiling, enter, leave),
        cmocka_unit_test_setup_teardown(patterns_are_those_of_go, enter, leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
