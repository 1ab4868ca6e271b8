/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "rules/route_print.h"

static Route *route(const char *receiver, const char *matchers, bool continue_)
{
    Route *made = route_new();
    made->receiver = g_strdup(receiver);
    made->continue_ = continue_;
    g_ptr_array_unref(made->matchers);
    made->matchers = matchers_parse_utf8(matchers, NULL);
    assert_non_null(made->matchers);
    matchers_sort(made->matchers);
    return made;
}

static Route *add(Route *parent, Route *child)
{
    g_ptr_array_add(parent->routes, child);
    return child;
}

static Route *example(void)
{
    Route *root = route("team-X-mails", "", false);
    Route *first = add(root, route("team-X-mails", "service=~\"foo1|foo2|baz\"", true));
    add(first, route("team-X-pager", "severity=critical", false));
    Route *database = add(root, route("team-DB-pager", "service=baz", false));
    add(database, route("team-X-pager", "owner=\"team-X\",\"a b\"!=\"c\\n\"", true));
    add(database, route("team-Y-pager", "", false));
    return root;
}

static void the_whole_tree_shows_every_receiver(void **state)
{
    (void)state;
    g_autoptr(Route) root = example();
    g_autoptr(GString) out = g_string_new("<");
    route_print(root, out);
    assert_string_equal(
        out->str,
        "<.\n"
        "└── default-route  receiver: team-X-mails\n"
        "    ├── {service=~\"foo1|foo2|baz\"}  continue: true  receiver: team-X-mails\n"
        "    │\u00a0\u00a0 └── {severity=\"critical\"}  receiver: team-X-pager\n"
        "    └── {service=\"baz\"}  receiver: team-DB-pager\n"
        "        ├── {\"a b\"!=\"c\\n\",owner=\"team-X\"}  continue: true  "
        "receiver: team-X-pager\n"
        "        └── default-route  receiver: team-Y-pager\n");
}

static void the_matching_tree_shows_the_receivers_where_it_ends(void **state)
{
    (void)state;
    g_autoptr(Route) root = example();
    g_autoptr(GString) out = g_string_new(NULL);
    Label items[] = {{"service", "baz"}, {"severity", "critical"}, {"owner", "team-X"}};
    Labels labels = labels_make(items, 3);
    route_print_matching(root, &labels, out);
    assert_string_equal(out->str,
                        ".\n"
                        "└── default-route\n"
                        "    ├── {service=~\"foo1|foo2|baz\"}\n"
                        "    │\u00a0\u00a0 └── {severity=\"critical\"}  receiver: team-X-pager\n"
                        "    └── {service=\"baz\"}\n"
                        "        ├── {\"a b\"!=\"c\\n\",owner=\"team-X\"}  "
                        "receiver: team-X-pager\n"
                        "        └── default-route  receiver: team-Y-pager\n");
}

static void the_matching_tree_stops_at_a_child_that_does_not_continue(void **state)
{
    (void)state;
    g_autoptr(Route) root = route("def", "", false);
    add(root, route("one", "a=1", true));
    add(root, route("two", "b=1", false));
    add(root, route("three", "a=1", false));
    g_autoptr(GString) out = g_string_new(NULL);
    Label items[] = {{"a", "1"}, {"b", "1"}};
    Labels labels = labels_make(items, 2);
    route_print_matching(root, &labels, out);
    assert_string_equal(out->str, ".\n"
                                  "└── default-route\n"
                                  "    ├── {a=\"1\"}  receiver: one\n"
                                  "    └── {b=\"1\"}  receiver: two\n");
}

static void where_nothing_matches_the_root_is_the_end(void **state)
{
    (void)state;
    g_autoptr(Route) root = example();
    g_autoptr(GString) out = g_string_new(NULL);
    Labels none = {0};
    route_print_matching(root, &none, out);
    assert_string_equal(out->str, ".\n└── default-route  receiver: team-X-mails\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_tree_shows_every_receiver),
        cmocka_unit_test(the_matching_tree_shows_the_receivers_where_it_ends),
        cmocka_unit_test(the_matching_tree_stops_at_a_child_that_does_not_continue),
        cmocka_unit_test(where_nothing_matches_the_root_is_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
