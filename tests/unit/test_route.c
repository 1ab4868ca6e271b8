/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "rules/route.h"

#define LABELS(...) \
    labels_make((Label[]){__VA_ARGS__}, sizeof((Label[]){__VA_ARGS__}) / sizeof(Label))

/* One route from "receiver matchers…", `+` before the receiver for `continue`. */
static Route *parse_route(const char *line)
{
    Route *route = route_new();
    route->continue_ = *line == '+';
    line += route->continue_;
    const char *space = strchr(line, ' ');
    route->receiver = space == NULL ? g_strdup(line) : g_strndup(line, (size_t)(space - line));
    if (space != NULL) {
        g_autoptr(GError) error = NULL;
        g_ptr_array_unref(route->matchers);
        route->matchers = matchers_parse_utf8(space, &error);
        assert_null(error);
        matchers_sort(route->matchers);
    }
    return route;
}

/* A tree from lines of parse_route(), indented by one space a level. */
static RouteTree *parse_tree(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    Route *path[8] = {NULL};
    for (char **line = lines; *line != NULL; line++) {
        size_t depth = strspn(*line, " ");
        assert_true(depth < G_N_ELEMENTS(path));
        path[depth] = parse_route(*line + depth);
        if (depth > 0) {
            g_ptr_array_add(path[depth - 1]->routes, path[depth]);
        }
    }
    return route_tree_new(path[0]);
}

static void append_receivers(GString *out, const GPtrArray *found)
{
    for (guint i = 0; i < found->len; i++) {
        const Route *route = found->pdata[i];
        g_string_append_printf(out, "%s%s", i > 0 ? "," : "", route->receiver);
    }
}

static char *receivers(const RouteTree *tree, const Labels *labels, const Labels *match_only)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new();
    assert_int_equal(route_tree_match(tree, labels, match_only, found), 0);
    g_autoptr(GString) out = g_string_new(NULL);
    append_receivers(out, found);
    return g_string_free(g_steal_pointer(&out), FALSE);
}

#define ASSERT_ROUTED(tree, expected, ...)                                               \
    do {                                                                                 \
        Labels labels_ = LABELS(__VA_ARGS__);                                            \
        g_autofree char *got_ = receivers(tree, &labels_, NULL);                         \
        assert_string_equal(got_, expected);                                             \
    } while (0)

static void an_alert_takes_its_way_through_the_tree(void **state)
{
    (void)state;
    g_autoptr(RouteTree) tree =
        parse_tree("def\n"
                   " A owner=team-A,level!=critical\n"
                   "  testing env=testing,baz!~\".*quux\"\n"
                   "  +productionA env=production\n"
                   "  productionB env=~\"produ.*\",job=~\".*\"\n"
                   " BC owner=~\"team-(B|C)\"\n"
                   " role group_by=role\n"
                   "  role-testing env=testing\n"
                   "   role-wait wait=long");
    ASSERT_ROUTED(tree, "A", {"owner", "team-A"});
    ASSERT_ROUTED(tree, "A", {"owner", "team-A"}, {"env", "unset"});
    ASSERT_ROUTED(tree, "def", {"owner", "team-A"}, {"level", "critical"});
    ASSERT_ROUTED(tree, "BC", {"owner", "team-C"});
    ASSERT_ROUTED(tree, "def", {"owner", "team-CC"});
    ASSERT_ROUTED(tree, "testing", {"owner", "team-A"}, {"env", "testing"});
    ASSERT_ROUTED(tree, "A", {"owner", "team-A"}, {"env", "testing"}, {"baz", "a quux"});
    ASSERT_ROUTED(tree, "productionA,productionB", {"owner", "team-A"}, {"env", "production"});
    ASSERT_ROUTED(tree, "productionB", {"owner", "team-A"}, {"env", "produce"}, {"job", "x"});
    ASSERT_ROUTED(tree, "role", {"group_by", "role"});
    ASSERT_ROUTED(tree, "role-testing", {"env", "testing"}, {"group_by", "role"});
    ASSERT_ROUTED(tree, "role-wait", {"env", "testing"}, {"group_by", "role"}, {"wait", "long"});
    ASSERT_ROUTED(tree, "def", {"nothing", "known"});
}

static void the_first_matching_child_ends_the_search_unless_it_continues(void **state)
{
    (void)state;
    g_autoptr(RouteTree) tree = parse_tree("def\n"
                                           " +one test=~\"1|2\"\n"
                                           " two test=2\n"
                                           " +three test=~\".*\",all=1\n"
                                           "  four test=9\n"
                                           " +five all=1");
    ASSERT_ROUTED(tree, "one", {"test", "1"});
    ASSERT_ROUTED(tree, "one,two", {"test", "2"}, {"all", "1"});
    ASSERT_ROUTED(tree, "one,three,five", {"test", "1"}, {"all", "1"});
    ASSERT_ROUTED(tree, "four,five", {"test", "9"}, {"all", "1"});
    ASSERT_ROUTED(tree, "def", {"test", "3"});
}

static void a_tree_of_one_node_takes_everything(void **state)
{
    (void)state;
    g_autoptr(RouteTree) tree = parse_tree("def");
    Labels none = {0};
    g_autofree char *got = receivers(tree, &none, NULL);
    assert_string_equal(got, "def");
    assert_string_equal(route_tree_root(tree)->receiver, "def");
}

static void an_absent_label_is_the_empty_text(void **state)
{
    (void)state;
    g_autoptr(RouteTree) tree = parse_tree("def\n"
                                           " no-team team=\"\",x=1\n"
                                           " any-team team=~\".*\",x=2\n"
                                           " some-team team!=\"\"");
    ASSERT_ROUTED(tree, "no-team", {"x", "1"});
    ASSERT_ROUTED(tree, "no-team", {"team", ""}, {"x", "1"});
    ASSERT_ROUTED(tree, "any-team", {"x", "2"});
    ASSERT_ROUTED(tree, "some-team", {"team", "a"}, {"x", "1"});
    ASSERT_ROUTED(tree, "def", {"x", "3"});
}

/* A root with N children `rI label=vI`, then what EXTRA says. */
static RouteTree *wide_tree(unsigned n, const char *label, const char *extra)
{
    g_autoptr(GString) text = g_string_new("def");
    for (unsigned i = 0; i < n; i++) {
        g_string_append_printf(text, "\n r%u %s=v%u", i, label, i);
    }
    g_string_append(text, extra);
    return parse_tree(text->str);
}

static void labels_for_matching_only_are_seen_where_the_alert_has_none_of_that_name(
    void **state)
{
    (void)state;
    g_autoptr(RouteTree) tree = wide_tree(40, "__source__", "\n all other=1");
    Labels match_only = LABELS({"__source__", "v7"}, {"other", "1"});
    Labels labels = LABELS({"a", "b"});
    g_autofree char *hidden = receivers(tree, &labels, &match_only);
    assert_string_equal(hidden, "r7");
    Labels own = LABELS({"__source__", "v8"});
    g_autofree char *first = receivers(tree, &own, &match_only);
    assert_string_equal(first, "r8");
    Labels neither = LABELS({"__source__", "none"}, {"other", "2"});
    g_autofree char *none = receivers(tree, &neither, &match_only);
    assert_string_equal(none, "def");
    Labels empty = LABELS({"__source__", ""});
    g_autofree char *last = receivers(tree, &empty, &match_only);
    assert_string_equal(last, "all");
}

static void many_siblings_keep_their_order(void **state)
{
    (void)state;
    g_autoptr(RouteTree) tree = wide_tree(
        10000, "a",
        "\n +x1 a=v5000,b=1\n +x2 b=~\"1|2\"\n +x3 b=1,c=1\n +x4 c=1\n x5 b=2\n x6 c!=\"\"");
    ASSERT_ROUTED(tree, "r5000", {"a", "v5000"}, {"b", "1"});
    ASSERT_ROUTED(tree, "r9999", {"a", "v9999"});
    ASSERT_ROUTED(tree, "x2,x3,x4,x6", {"b", "1"}, {"c", "1"});
    ASSERT_ROUTED(tree, "x2,x4,x5", {"b", "2"}, {"c", "1"});
    ASSERT_ROUTED(tree, "def", {"a", "v10000"});
}

/* The regular expression explodes wherever it is tried, so the count of those that were
 * given up is the count of children that were tried. */
static RouteTree *exploding_tree(const char *matchers)
{
    g_autoptr(GString) text = g_string_new("def");
    for (unsigned i = 0; i < 50; i++) {
        g_string_append_printf(text, "\n r%u a=~\"(x+)+y\",z=v%u%s", i, i, matchers);
    }
    return parse_tree(text->str);
}

static void regular_expressions_that_explode_are_no_match_and_counted(void **state)
{
    (void)state;
    g_autofree char *many = g_strnfill(64, 'x');
    g_autofree char *evil = g_strconcat(many, "!y", NULL);
    g_autoptr(RouteTree) tree = parse_tree("def\n"
                                           " bad a=~\"(x+)+y\"\n"
                                           " not-bad a!~\"(x+)+y\"\n"
                                           " good b=1\n"
                                           "  bad-too a=~\"(x+)+y\"");
    Labels labels = LABELS({"a", evil}, {"b", "1"});
    g_autoptr(GPtrArray) found = g_ptr_array_new();
    assert_int_equal(route_tree_match(tree, &labels, NULL, found), 3);
    assert_int_equal(found->len, 1);
    assert_string_equal(((const Route *)found->pdata[0])->receiver, "good");
}

static void only_siblings_that_can_match_are_tried(void **state)
{
    (void)state;
    g_autofree char *many = g_strnfill(64, 'x');
    g_autofree char *evil = g_strconcat(many, "!y", NULL);
    /* All demand severity=page, so it is `z` that tells them apart. */
    g_autoptr(RouteTree) tree = exploding_tree(",severity=page");
    Labels one = LABELS({"a", evil}, {"severity", "page"}, {"z", "v7"});
    g_autoptr(GPtrArray) found = g_ptr_array_new();
    assert_int_equal(route_tree_match(tree, &one, NULL, found), 1);
    Labels none = LABELS({"a", evil}, {"severity", "page"}, {"z", "w"});
    assert_int_equal(route_tree_match(tree, &none, NULL, found), 0);
    assert_int_equal(found->len, 2);
}

/* --- Against the plain walk --- */

static void walk_plainly(const Route *route, const Labels *labels, const Labels *match_only,
                         GPtrArray *found)
{
    guint before = found->len;
    unsigned limits = 0;
    for (guint i = 0; i < route->routes->len; i++) {
        Route *child = route->routes->pdata[i];
        if (route_matches(child, labels, match_only, &limits)) {
            walk_plainly(child, labels, match_only, found);
            if (!child->continue_) {
                break;
            }
        }
    }
    if (found->len == before) {
        g_ptr_array_add(found, (void *)(uintptr_t)route);
    }
}

static const char *const values[] = {"", "a", "b", "c", "dd", "é"};

static Matcher *random_matcher(GRand *rand)
{
    static const char *const patterns[] = {"a|b", ".*", "[a-c]", "d+", "", "a.?"};
    /* Mostly equality, as people write them. */
    MatchType type = g_rand_boolean(rand) ? MATCH_EQUAL
                                          : (MatchType)g_rand_int_range(rand, 0, 4);
    bool plain = type == MATCH_EQUAL || type == MATCH_NOT_EQUAL;
    char name[] = {(char)('k' + g_rand_int_range(rand, 0, 5)), '\0'};
    const char *value = plain ? values[g_rand_int_range(rand, 0, G_N_ELEMENTS(values))]
                              : patterns[g_rand_int_range(rand, 0, G_N_ELEMENTS(patterns))];
    return matcher_new(type, name, value, NULL);
}

static Route *random_route(GRand *rand, int depth)
{
    Route *route = route_new();
    route->continue_ = g_rand_int_range(rand, 0, 3) == 0;
    for (int n = g_rand_int_range(rand, 0, 4); n > 0; n--) {
        g_ptr_array_add(route->matchers, random_matcher(rand));
    }
    matchers_sort(route->matchers);
    int children = depth == 0 ? 0 : g_rand_int_range(rand, 0, depth == 3 ? 60 : 20);
    for (; children > 0; children--) {
        g_ptr_array_add(route->routes, random_route(rand, depth - 1));
    }
    return route;
}

static Labels random_labels(GRand *rand, Label *items)
{
    static const char *const names[] = {"k", "l", "m", "n", "o", "other"};
    size_t n = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (g_rand_int_range(rand, 0, 3) > 0) {
            const char *value = values[g_rand_int_range(rand, 0, G_N_ELEMENTS(values))];
            items[n++] = (Label){names[i], value};
        }
    }
    return labels_make(items, n);
}

static void the_index_finds_what_the_plain_walk_finds(void **state)
{
    (void)state;
    g_autoptr(GRand) rand = g_rand_new_with_seed(20260917);
    unsigned several = 0, deep = 0;
    for (int t = 0; t < 60; t++) {
        g_autoptr(RouteTree) tree = route_tree_new(random_route(rand, 3));
        for (int i = 0; i < 60; i++) {
            Label items[8], more[8];
            Labels labels = random_labels(rand, items);
            Labels match_only = random_labels(rand, more);
            const Labels *extra = g_rand_boolean(rand) ? &match_only : NULL;
            g_autoptr(GPtrArray) plain = g_ptr_array_new();
            g_autoptr(GPtrArray) indexed = g_ptr_array_new();
            walk_plainly(route_tree_root(tree), &labels, extra, plain);
            assert_int_equal(route_tree_match(tree, &labels, extra, indexed), 0);
            assert_int_equal(indexed->len, plain->len);
            assert_memory_equal(indexed->pdata, plain->pdata, plain->len * sizeof(void *));
            several += plain->len > 1;
            deep += plain->pdata[0] != route_tree_root(tree);
        }
    }
    /* The trees are worth comparing on. */
    assert_true(several > 500);
    assert_true(deep > 2000);
}

static void a_match_appends_to_what_was_found(void **state)
{
    (void)state;
    g_autoptr(RouteTree) tree = parse_tree("def\n a x=1");
    g_autoptr(GPtrArray) found = g_ptr_array_new();
    Labels labels = LABELS({"x", "1"}), none = LABELS({"x", "2"});
    route_tree_match(tree, &labels, NULL, found);
    route_tree_match(tree, &none, NULL, found);
    g_autoptr(GString) out = g_string_new(NULL);
    append_receivers(out, found);
    assert_string_equal(out->str, "a,def");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_alert_takes_its_way_through_the_tree),
        cmocka_unit_test(the_first_matching_child_ends_the_search_unless_it_continues),
        cmocka_unit_test(a_tree_of_one_node_takes_everything),
        cmocka_unit_test(an_absent_label_is_the_empty_text),
        cmocka_unit_test(
            labels_for_matching_only_are_seen_where_the_alert_has_none_of_that_name),
        cmocka_unit_test(many_siblings_keep_their_order),
        cmocka_unit_test(regular_expressions_that_explode_are_no_match_and_counted),
        cmocka_unit_test(only_siblings_that_can_match_are_tried),
        cmocka_unit_test(the_index_finds_what_the_plain_walk_finds),
        cmocka_unit_test(a_match_appends_to_what_was_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
