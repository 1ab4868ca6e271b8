/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "rules/template/format.h"
#include "rules/template/print.h"

#define ROOM 10000

static Arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

/* Values of every simple kind. */
static Value text(const char *s)
{
    return value_text(s);
}

static Value complex_of(double real, double imaginary)
{
    double *parts = arena_array(arena, double, 2);
    parts[0] = real;
    parts[1] = imaginary;
    return (Value){.kind = KIND_COMPLEX, .parts = parts};
}

static Value list_of(size_t n, const Value *values)
{
    Value *items = arena_array(arena, Value, n);
    for (size_t i = 0; i < n; i++) {
        items[i] = value_box(values[i]);
    }
    return value_list(items, n);
}

static Value names_of(const char *first, const char *second)
{
    Value *items = arena_array(arena, Value, 2);
    items[0] = text(first);
    items[1] = text(second);
    return value_strings(KIND_STRINGS, items, 2);
}

static Value map_of(const char *key, Value value, const char *other, Value second)
{
    MapEntry *entries = arena_array(arena, MapEntry, 2);
    entries[0] = (MapEntry){key, (uint32_t)strlen(key), value};
    entries[1] = (MapEntry){other, (uint32_t)strlen(other), second};
    return value_map(entries, 2);
}

static Value labels_of(const char *name, const char *value)
{
    Labels *labels = arena_alloc(arena, sizeof *labels);
    Label *item = arena_alloc(arena, sizeof *item);
    *item = (Label){name, value};
    *labels = (Labels){item, 1};
    return value_labels(KIND_LABELS, labels);
}

/* Up to three values; unused ones have no kind. */
typedef struct {
    const char *format;
    Value values[3];
    const char *expected;
} Case;

static void check(const Case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        g_autoptr(GString) out = g_string_new(NULL);
        size_t given = 0;
        while (given < 3 && cases[i].values[given].kind != KIND_NONE) {
            given++;
        }
        assert_true(print_format(text(cases[i].format), cases[i].values, given, ROOM, out));
        assert_string_equal(out->str, cases[i].expected);
    }
}

static void integers_print_in_every_base_and_width(void **state)
{
    const Case cases[] = {
        {"%d %v", {value_int(42), value_int(-42)}, "42 -42"},
        {"[%5d][%-5d][%05d]", {value_int(42), value_int(42), value_int(42)},
         "[   42][42   ][00042]"},
        {"[%+d][% d][%05d]", {value_int(42), value_int(42), value_int(-42)},
         "[+42][ 42][-0042]"},
        {"[%.3d][%6.3d][%-06d]", {value_int(7), value_int(-7), value_int(7)},
         "[007][  -007][7     ]"},
        {"[%.0d][%.d][%3.0d]", {value_int(0), value_int(0), value_int(0)}, "[][][   ]"},
        {"%x %X %#x", {value_int(255), value_int(255), value_int(-255)}, "ff FF -0xff"},
        {"%o %#o %O", {value_int(8), value_int(8), value_int(8)}, "10 010 0o10"},
        {"%b %#b %08b", {value_int(5), value_int(5), value_int(5)}, "101 0b101 00000101"},
        {"%c|%3c|%-3c", {value_int(65), value_int(8364), value_int(65)}, "A|  €|A  "},
        {"%q %q %+q", {value_int(65), value_int(8364), value_int(8364)}, "'A' '€' '\\u20ac'"},
        {"%U %#U %U", {value_int(8364), value_int(8364), value_int(-1)},
         "U+20AC U+20AC '€' U+FFFFFFFFFFFFFFFF"},
        {"%d %v %d", {value_int(INT64_MIN), value_int(INT64_MAX), value_int(0)},
         "-9223372036854775808 9223372036854775807 0"},
        {"%d %T %#v", {value_integer(KIND_BYTE, 98), value_integer(KIND_BYTE, 98),
                       value_integer(KIND_BYTE, 98)}, "98 uint8 0x62"},
        {"%c %q", {value_int(0x110000), value_int(-5)}, "\xef\xbf\xbd '\xef\xbf\xbd'"},
    };
    (void)state;
    check(cases, G_N_ELEMENTS(cases));
}

static void floats_print_as_go_prints_them(void **state)
{
    const Case cases[] = {
        {"%v %v %v", {value_float(1), value_float(1e20), value_float(1000000)}, "1 1e+20 1e+06"},
        {"%v %v %v", {value_float(123456), value_float(12345678), value_float(0.0001)},
         "123456 1.2345678e+07 0.0001"},
        {"%g %G %v", {value_float(1.5), value_float(1e-7), value_float(0.00001234)},
         "1.5 1E-07 1.234e-05"},
        {"%e %f %F", {value_float(1.5), value_float(1.5), value_float(-1.5)},
         "1.500000e+00 1.500000 -1.500000"},
        {"%.2f|%8.2f|%-8.2f|", {value_float(3.14159), value_float(3.14159), value_float(3.14159)},
         "3.14|    3.14|3.14    |"},
        {"%+.1f %08.3f % f", {value_float(2), value_float(-3.14159), value_float(2)},
         "+2.0 -003.142  2.000000"},
        {"%.3g %.0f %.3e", {value_float(1234.5), value_float(0.5), value_float(12345)},
         "1.23e+03 0 1.234e+04"},
        {"%#g %#.3g %#f", {value_float(1), value_float(1), value_float(1)},
         "1.00000 1.00 1.000000"},
        {"%x %X %.3x", {value_float(1), value_float(1.5), value_float(1.23456)},
         "0x1p+00 0X1.8P+00 0x1.3c1p+00"},
        {"%x %.0x %x", {value_float(5e-324), value_float(1.5), value_float(0)},
         "0x1p-1074 0x1p+01 0x0p+00"},
        {"%b %b %b", {value_float(2.5), value_float(5e-324), value_float(0)},
         "5629499534213120p-51 1p-1074 0p-1074"},
        {"%v %5v %05v", {value_float(INFINITY), value_float(-INFINITY), value_float(NAN)},
         "+Inf  -Inf   NaN"},
        {"%v %v %v", {value_float(-0.0), value_float(5e-324), value_float(0.1)}, "-0 5e-324 0.1"},
        {"%v %v", {value_float(1.7976931348623157e308), value_float(2.0 / 3)},
         "1.7976931348623157e+308 0.6666666666666666"},
        {"%v %.2f %T", {complex_of(1, -2), complex_of(0, 1), complex_of(0, 1)},
         "(1-2i) (0.00+1.00i) complex128"},
    };
    (void)state;
    check(cases, G_N_ELEMENTS(cases));
}

static void texts_are_padded_cut_and_quoted_by_character(void **state)
{
    const Case cases[] = {
        {"[%5s][%-5s][%.2s]", {text("éü"), text("éü"), text("éüx")}, "[   éü][éü   ][éü]"},
        {"[%05s][%-05s]", {text("ab"), text("ab")}, "[000ab][ab   ]"},
        {"%q %+q %#q", {text("a\"\n"), text("é"), text("a")}, "\"a\\\"\\n\" \"\\u00e9\" `a`"},
        {"%q %#q %5.1q", {text("\xff\x01"), text("a`"), text("hello")},
         "\"\\xff\\x01\" \"a`\"   \"h\""},
        {"%x %X % x", {text("hi"), text("hi"), text("hi")}, "6869 6869 68 69"},
        {"%#x %# x %.1x", {text("hi"), text("hi"), text("hi")}, "0x6869 0x68 0x69 68"},
        {"%v %s %#v", {text("a"), text("b"), text("c")}, "a b \"c\""},
        {"%t %v %5t|", {value_bool(true), value_bool(false), value_bool(true)},
         "true false  true|"},
        {"%s %T %T", {value_typed_text(KIND_HTML, "<b>", 3), value_typed_text(KIND_HTML, "", 0),
                      text("")}, "<b> template.HTML string"},
    };
    (void)state;
    check(cases, G_N_ELEMENTS(cases));
}

static void lists_and_maps_print_their_parts_by_the_same_verb(void **state)
{
    const Value numbers[] = {value_int(1), value_int(2)};
    const Value mixed[] = {value_int(1), text("a"), VALUE_NIL};
    Value list = list_of(2, numbers), other = list_of(3, mixed);
    Value map = map_of("b", value_int(2), "a", other);
    const Case cases[] = {
        {"%v %d %03d", {other, list, list}, "[1 a <nil>] [1 2] [001 002]"},
        {"%v %s %q", {names_of("a", "b c"), names_of("a", "b"), names_of("a", "b")},
         "[a b c] [a b] [\"a\" \"b\"]"},
        {"%v %+v", {map, map}, "map[a:[1 a <nil>] b:2] map[a:[1 a <nil>] b:2]"},
        {"%v %v", {labels_of("k", "v"), list_of(0, NULL)}, "map[k:v] []"},
        {"%#v", {other}, "[]interface {}{1, \"a\", interface {}(nil)}"},
        {"%#v", {map_of("b", value_int(2), "a", value_float(1))},
         "map[string]interface {}{\"a\":1, \"b\":2}"},
        {"%#v %#v", {names_of("a", "b"), labels_of("k", "v")},
         "[]string{\"a\", \"b\"} map[string]string{\"k\":\"v\"}"},
        {"%T %T %T", {list, map, names_of("", "")},
         "[]interface {} map[string]interface {} []string"},
        {"%5v|%d", {list, names_of("a", "b")}, "[    1     2]|[%!d(string=a) %!d(string=b)]"},
    };
    (void)state;
    check(cases, G_N_ELEMENTS(cases));
}

static void wrong_formats_say_what_is_wrong(void **state)
{
    const Value one = value_int(1), two = value_int(2), three = value_int(3);
    const Case cases[] = {
        {"%d %s %t", {text("a"), value_int(5), one}, "%!d(string=a) %!s(int=5) %!t(int=1)"},
        {"%t %d", {value_integer(KIND_DURATION, 5), value_integer(KIND_MONTH, 1)}, "%!t(time.Duration=5) 1"},
        {"%f %d %z", {text("x"), value_float(1.5), one},
         "%!f(string=x) %!d(float64=1.5) %!z(int=1)"},
        {"%s %d %v", {VALUE_NIL, VALUE_NIL, VALUE_NIL}, "%!s(<nil>) %!d(<nil>) <nil>"},
        {"%d %d", {one}, "1 %!d(MISSING)"},
        {"%d", {one, text("b"), three}, "1%!(EXTRA string=b, int=3)"},
        {"%!", {one}, "%!!(int=1)"},
        {"%", {one}, "%!(NOVERB)%!(EXTRA int=1)"},
        {"%5", {{0}}, "%!(NOVERB)"},
        {"%%%d%%", {one}, "%1%"},
        {"%[2]d %[1]d", {one, two}, "2 1"},
        {"%[3]v %v %[x]v", {one, two, three}, "3 %!v(MISSING) %!v(BADINDEX)"},
        {"%[1]d %d", {one, two, three}, "1 2"},
        {"%[5]d %[0]d %[", {one}, "%!d(BADINDEX) %!d(BADINDEX) %!(NOVERB)"},
        {"[%*d]", {value_int(5), value_int(42)}, "[   42]"},
        {"[%*d]", {value_int(-5), value_int(42)}, "[42   ]"},
        {"%.*f|", {two, value_float(1.234)}, "1.23|"},
        {"%.*d|", {value_int(-1), two}, "%!(BADPREC)2|"},
        {"%*d", {text("w"), one}, "%!(BADWIDTH)1"},
        {"%[1]*d", {three, two}, "  2"},
        {"%.[2]*[1]f|", {value_float(1.234), two}, "1.23|"},
        {"%20000000d", {one}, "%!(NOVERB)%!(EXTRA int=1)"},
        {"%é", {one}, "%!é(int=1)"},
    };
    (void)state;
    check(cases, G_N_ELEMENTS(cases));
}

static void print_puts_blanks_between_what_is_no_text(void **state)
{
    const Value values[] = {value_int(1), text("b"), value_int(2), value_int(3), text("c"),
                            text("d"), VALUE_NIL, value_bool(true)};
    g_autoptr(GString) plain = g_string_new(NULL), line = g_string_new(NULL);
    (void)state;
    assert_true(print_values(values, G_N_ELEMENTS(values), ROOM, plain));
    assert_string_equal(plain->str, "1b2 3cd<nil> true");
    assert_true(print_values_line(values, 3, ROOM, line));
    assert_string_equal(line->str, "1 b 2\n");
}

static void no_value_shows_as_such_only_on_its_own(void **state)
{
    const Value nothing = VALUE_NONE;
    g_autoptr(GString) out = g_string_new(NULL);
    (void)state;
    value_print(nothing, out);
    value_print(VALUE_NIL, out);
    print_values(&nothing, 1, ROOM, out);
    assert_string_equal(out->str, "<no value><nil><nil>");
}

static void more_than_there_is_room_for_is_refused(void **state)
{
    g_autofree char *long_text = g_strnfill(100, 'x');
    const Value exact = text(long_text);
    Value many[50];
    g_autoptr(GString) out = g_string_new(NULL);
    (void)state;
    assert_true(print_values(&exact, 1, 100, out));
    assert_int_equal(out->len, 100);
    g_string_truncate(out, 0);
    assert_false(print_values(&exact, 1, 99, out));
    g_string_truncate(out, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(many); i++) {
        many[i] = exact;
    }
    Value list = list_of(G_N_ELEMENTS(many), many);
    assert_false(print_values(&list, 1, 300, out));
    assert_in_range(out->len, 301, 500);
    g_string_truncate(out, 0);
    assert_false(print_format(text("%200d%200d%200d"), many, 3, 300, out));
    assert_in_range(out->len, 301, 500);
}

static void lists_in_lists_are_printed_to_a_depth(void **state)
{
    Value list = list_of(0, NULL);
    g_autoptr(GString) out = g_string_new(NULL);
    (void)state;
    for (int i = 0; i < 1000; i++) {
        list = list_of(1, &list);
    }
    value_print(list, out);
    assert_non_null(strstr(out->str, "[...]"));
    assert_in_range(out->len, 100, 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_print_in_every_base_and_width),
        cmocka_unit_test(floats_print_as_go_prints_them),
        cmocka_unit_test(texts_are_padded_cut_and_quoted_by_character),
        cmocka_unit_test(lists_and_maps_print_their_parts_by_the_same_verb),
        cmocka_unit_test(wrong_formats_say_what_is_wrong),
        cmocka_unit_test(print_puts_blanks_between_what_is_no_text),
        cmocka_unit_test(no_value_shows_as_such_only_on_its_own),
        cmocka_unit_test(more_than_there_is_room_for_is_refused),
        cmocka_unit_test(lists_in_lists_are_printed_to_a_depth),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
