/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "bridge/outbox/reserve.h"

/* -1: there is none. */
static int64_t held(const char *name)
{
    struct stat found;
    return stat(name, &found) == 0 ? (int64_t)found.st_blocks * 512 : -1;
}

static void the_reserve_holds_room_until_it_is_given_away(void **state)
{
    (void)state;
    g_autofree char *folder = g_dir_make_tmp("reserve-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "box.db", NULL);
    g_autofree char *name = g_strconcat(path, ".reserve", NULL);
    int64_t size = reserve_size(path);
    assert_in_range(size, 1, 16 << 20);
    for (unsigned i = 0; i < 2; i++) { /* the second time it is there */
        assert_true(reserve_make(path));
        assert_true(held(name) >= size);
    }
    reserve_release(path);
    assert_int_equal(held(name), -1);
    reserve_release(path);
    assert_int_equal(g_rmdir(folder), 0);
}

static void where_no_such_file_may_be_made_there_is_none(void **state)
{
    (void)state;
    g_autofree char *folder = g_dir_make_tmp("reserve-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "box.db", NULL);
    g_autofree char *name = g_strconcat(path, ".reserve", NULL);
    struct rlimit before, little;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    little = (struct rlimit){4096, before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &little);
    bool room = reserve_make(path);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_true(room);
    assert_int_equal(held(name), -1);
    assert_int_equal(g_rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reserve_holds_room_until_it_is_given_away),
        cmocka_unit_test(where_no_such_file_may_be_made_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
