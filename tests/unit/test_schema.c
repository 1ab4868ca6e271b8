/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "config/schema.h"

typedef struct {
    Section at;
    char *name;
    bool open;
} Door;

typedef struct {
    Section at;
    char *text, *path;
    bool flag;
    OptionalBool option;
    unsigned number, colour;
    int64_t wait_ms, inner_ms;
    OptionalDuration pause;
    size_t size, count;
    Secret secret;
    const Node *tmpl, *texts, *addresses, *map;
    Door front, side;
    List doors;
} House;

static const char *const colours[] = {"red", "green", NULL};

static const Field door_fields[] = {
    REQUIRED(Door, name, "name", "a door needs a name", "Its name."),
    FIELD(Door, open, "open", "true", "Is it | open?"),
};
static const Schema door_schema = SCHEMA("door", Door, door_fields, "A door.");

static const Field front_fields[] = {FIELD(Door, name, "name", "main", "Its name.")};
static const Schema front_schema = SCHEMA("front", Door, front_fields, "The front door.");

static const Field inner_fields[] = {RANGED(House, inner_ms, "wait", "1s", 10, 2000, "Wait.")};
static const Schema inner_schema = PLAIN_SCHEMA("inner", House, inner_fields, "Inside.");

static const Field house_fields[] = {
    FIELD(House, text, "text", "none", "Text."),
    PATH(House, path, "path", "", "A path."),
    FIELD(House, flag, "flag", "yes", "A flag."),
    FIELD(House, option, "option", NULL, "An option."),
    RANGED(House, number, "number", "7", 1, 9, "A number."),
    CHOICE(House, colour, "colour", "green", colours, "A colour."),
    FIELD(House, wait_ms, "wait", "1m30s", "A wait."),
    FIELD(House, pause, "pause", NULL, "A pause."),
    FIELD(House, size, "size", "2KiB", "A size."),
    COUNT(House, count, "count", "3", "A count."),
    FIELD(House, secret, "secret", NULL, "A secret."),
    SECRET_FILE(House, secret, "secret_file", "Its file."),
    FIELD(House, tmpl, "template", NULL, "A template."),
    TEXTS(House, texts, "texts", "Texts."),
    ADDRESSES(House, addresses, "addresses", NULL, "Addresses."),
    MAP(House, map, "map", "A map."),
    SECTION(House, front, "front", Door, &front_schema, "The front door."),
    OPTIONAL_SECTION(House, side, "side", Door, &door_schema, "Another."),
    LIST(House, doors, "doors", &door_schema, "All doors."),
    GROUP("inner", &inner_schema, "Inside."),
    UNSUPPORTED("garden", "Later."),
    FOREIGN("street"),
};
static const Schema house_schema = SCHEMA("house", House, house_fields, "A house.");

typedef struct {
    Reader reader;
    House house;
    char *errors;
} Reading;

static void read_house(Reading *reading, const char *yaml)
{
    Arena *arena = arena_new();
    *reading = (Reading){.reader = {.arena = arena,
                                    .report = report_new("h.yml"),
                                    .directory = "/etc/house",
                                    .foreign = g_ptr_array_new()}};
    g_autoptr(GPtrArray) duplicates = g_ptr_array_new();
    g_autoptr(GError) error = NULL;
    Node *root =
        yaml_parse(yaml, strlen(yaml), &YAML_LIMITS_DEFAULT, arena, duplicates, &error);
    assert_null(error);
    schema_read(&reading->reader, &house_schema, root, &reading->house);
    reading->errors = report_errors(reading->reader.report);
}

static void end_reading(Reading *reading)
{
    g_free(reading->errors);
    report_free(reading->reader.report);
    g_ptr_array_unref(reading->reader.foreign);
    arena_free(reading->reader.arena);
}

static void defaults_go_through_the_setters_of_the_user(void **state)
{
    (void)state;
    Reading reading;
    read_house(&reading, "");
    const House *house = &reading.house;
    assert_string_equal(reading.errors, "");
    assert_string_equal(house->text, "none");
    assert_string_equal(house->path, "");
    assert_true(house->flag);
    assert_false(house->option.set);
    assert_int_equal(house->number, 7);
    assert_int_equal(house->colour, 1);
    assert_int_equal(house->wait_ms, 90000);
    assert_false(house->pause.set);
    assert_int_equal(house->size, 2048);
    assert_int_equal(house->count, 3);
    assert_false(secret_is_set(&house->secret));
    assert_null(house->tmpl);
    assert_string_equal(house->front.name, "main");
    assert_null(house->front.at.node);
    assert_null(house->side.name);
    assert_int_equal(house->doors.n, 0);
    assert_int_equal(house->inner_ms, 1000);
    end_reading(&reading);
}

static void what_is_written_is_set(void **state)
{
    (void)state;
    Reading reading;
    read_house(&reading, "text: ~\npath: a/b\nflag: off\noption: false\nnumber: '9'\n"
                         "colour: red\nwait: 0\npause: 0\nsize: 1\ncount: 10\nsecret: s\n"
                         "template: '{{ x }}'\ntexts: [a, ~, 1]\naddresses: [a]\n"
                         "map: {k: v}\nfront: {name: x}\nside: {name: y, open: no}\n"
                         "doors: [{name: a}, {name: b, open: false}]\n"
                         "inner: {wait: 2s}\nstreet: {any: [thing]}\n");
    const House *house = &reading.house;
    assert_string_equal(reading.errors, "");
    assert_string_equal(house->text, "");
    assert_string_equal(house->path, "/etc/house/a/b");
    assert_false(house->flag);
    assert_true(house->option.set && !house->option.value);
    assert_int_equal(house->number, 9);
    assert_int_equal(house->colour, 0);
    assert_int_equal(house->wait_ms, 0);
    assert_true(house->pause.set && house->pause.ms == 0);
    assert_int_equal(house->size, 1);
    assert_int_equal(house->count, 10);
    assert_string_equal(house->secret.text, "s");
    assert_string_equal(reader_text(house->tmpl), "{{ x }}");
    char **texts = reader_texts(&reading.reader, house->texts);
    assert_string_equal(texts[0], "a");
    assert_string_equal(texts[1], "");
    assert_string_equal(texts[2], "1");
    assert_null(texts[3]);
    assert_int_equal(house->addresses->n, 1);
    assert_string_equal(node_get(house->map, "k")->text, "v");
    assert_string_equal(house->front.name, "x");
    assert_int_equal(house->front.at.node->line, 16);
    assert_true(strcmp(house->side.name, "y") == 0 && !house->side.open);
    assert_int_equal(house->doors.n, 2);
    assert_true(LIST_ITEM(house->doors, Door, 0)->open);
    assert_false(LIST_ITEM(house->doors, Door, 1)->open);
    assert_int_equal(house->inner_ms, 2000);
    assert_int_equal(reading.reader.foreign->len, 1);
    end_reading(&reading);
}

static void null_counts_as_absent(void **state)
{
    (void)state;
    Reading reading;
    read_house(&reading, "number: ~\nwait:\nfront:\nside: null\ndoors:\ntexts:\nmap: ~\n"
                         "inner:\nsecret:\nsecret_file:\n");
    assert_string_equal(reading.errors, "");
    assert_int_equal(reading.house.number, 7);
    assert_int_equal(reading.house.wait_ms, 90000);
    assert_string_equal(reading.house.front.name, "main");
    assert_null(reading.house.side.at.node);
    assert_int_equal(reading.house.inner_ms, 1000);
    assert_null(reading.house.texts);
    end_reading(&reading);
}

static void what_is_wrong_is_reported_with_place_and_path(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *errors;
    } cases[] = {
        {"[a]", "h.yml:1:1: expected a mapping, found a list"},
        {"x", "h.yml:1:1: expected a mapping, found text"},
        {"text: [a]", "h.yml:1:7: text: expected text, found a list"},
        {"path: {a: b}", "h.yml:1:7: path: expected text, found a mapping"},
        {"flag: 1", "h.yml:1:7: flag: expected true or false, found \"1\""},
        {"option: maybe", "h.yml:1:9: option: expected true or false, found \"maybe\""},
        {"number: 0", "h.yml:1:9: number: must be 1 to 9"},
        {"number: 10", "h.yml:1:9: number: must be 1 to 9"},
        {"number: 1.5", "h.yml:1:9: number: not a number: \"1.5\""},
        {"number: 0x1", "h.yml:1:9: number: not a number: \"0x1\""},
        {"count: 0", "h.yml:1:8: count: must be at least 1"},
        {"colour: blue", "h.yml:1:9: colour: must be red or green"},
        {"inner: {wait: 9ms}", "h.yml:1:15: inner.wait: must be 10ms to 2000ms"},
        {"inner: {wait: 2001ms}", "h.yml:1:15: inner.wait: must be 10ms to 2000ms"},
        {"pause: 1x", "h.yml:1:8: pause: not a valid duration string: \"1x\""},
        {"secret: a\nsecret_file: b",
         "h.yml:2:14: secret_file: at most one of secret & secret_file must be configured"},
        {"template: [a]", "h.yml:1:11: template: expected text, found a list"},
        {"texts: a", "h.yml:1:8: texts: expected a list, found text"},
        {"texts: [a, [b], {c: d}]", "h.yml:1:12: texts[1]: expected text, found a list\n"
                                    "h.yml:1:17: texts[2]: expected text, found a mapping"},
        {"addresses: {a: b}", "h.yml:1:12: addresses: expected text or a list, found a mapping"},
        {"addresses: [[a]]", "h.yml:1:13: addresses[0]: expected text, found a list"},
        {"map: [a]", "h.yml:1:6: map: expected a mapping, found a list"},
        {"map: {a: [b]}", "h.yml:1:10: map.a: expected text, found a list"},
        {"front: x", "h.yml:1:8: front: expected a mapping, found text"},
        {"side: {open: true}", "h.yml:1:7: side: a door needs a name"},
        {"side: {name: ''}", "h.yml:1:14: side.name: a door needs a name"},
        {"doors: {name: a}", "h.yml:1:8: doors: expected a list, found a mapping"},
        {"doors: [{name: a}, b, ~, {nam: c}]",
         "h.yml:1:20: doors[1]: expected a mapping, found text\n"
         "h.yml:1:23: doors[2]: expected a mapping, found nothing\n"
         "h.yml:1:26: doors[3]: a door needs a name\n"
         "h.yml:1:27: doors[3].nam: unknown key; did you mean \"name\"?"},
        {"garden: x", "h.yml:1:1: garden: garden is not supported yet"},
        {"text: a\ntxet: b", "h.yml:2:1: txet: unknown key; did you mean \"text\"?"},
        {"\"a\\nb\": b", "h.yml:1:1: \"a\\nb\": unknown key"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Reading reading;
        read_house(&reading, cases[i].yaml);
        assert_string_equal(reading.errors, cases[i].errors);
        end_reading(&reading);
    }
}

static void the_table_is_printed_as_markdown(void **state)
{
    (void)state;
    g_autoptr(GString) out = g_string_new(NULL);
    schema_print(&door_schema, out);
    assert_string_equal(out->str, "### door\n\nA door.\n\n"
                                  "| key | value | default | what it does |\n"
                                  "|---|---|---|---|\n"
                                  "| `name` | text | required | Its name. |\n"
                                  "| `open` | true or false | `true` | Is it \\| open? |\n\n");
    g_string_truncate(out, 0);
    schema_print(&house_schema, out);
    assert_non_null(strstr(out->str, "| `doors` | list of [door](#door) | | All doors. |\n"));
    assert_non_null(strstr(out->str, "| `colour` | `red` or `green` | `green` | A colour. |\n"));
    assert_non_null(strstr(out->str, "| `inner` | [inner](#inner) | | Inside. |\n"));
    assert_non_null(strstr(out->str, "\nAlertmanager's keys that are not about mail: `street`.\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_go_through_the_setters_of_the_user),
        cmocka_unit_test(what_is_written_is_set),
        cmocka_unit_test(null_counts_as_absent),
        cmocka_unit_test(what_is_wrong_is_reported_with_place_and_path),
        cmocka_unit_test(the_table_is_printed_as_markdown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
