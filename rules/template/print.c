/* SPDX-License-Identifier: MIT */
/* Values by a verb: lists, maps and structs print their parts by the same one. */
#include "rules/template/print_internal.h"

#include <string.h>

#include "rules/template/funcs.h"

/* Lists in lists that are printed; what is deeper shows as "...". */
#define PRINT_DEPTH 100
/* What value_print() appends at most: more than any ceiling of output allows. */
#define PRINT_MAX ((size_t)64 * 1024 * 1024)

static void print_at(Printer *printer, Value value, gunichar verb, unsigned depth);

bool printer_is_full(const Printer *printer)
{
    return printer->out->len > printer->end;
}

static void append(Printer *printer, const char *text)
{
    g_string_append(printer->out, text);
}

/* What fmt makes of a verb that VALUE has no form for: %!d(string=x). */
static void print_bad_verb(Printer *printer, Value value, gunichar verb)
{
    append(printer, "%!");
    g_string_append_unichar(printer->out, verb);
    g_string_append_c(printer->out, '(');
    if (value_class(value) == CLASS_NIL || value_class(value) == CLASS_NONE) {
        append(printer, "<nil>");
    } else {
        append(printer, kind_type(value.kind));
        g_string_append_c(printer->out, '=');
        printer->is_plain = true;
        print_at(printer, value, 'v', 0);
        printer->is_plain = false;
    }
    g_string_append_c(printer->out, ')');
}

static void print_padded(Printer *printer, const char *text)
{
    format_pad(&printer->format, text, strlen(text), printer->out);
}

static void print_bool(Printer *printer, Value value, gunichar verb)
{
    if (verb == 't' || verb == 'v') {
        print_padded(printer, value.truth ? "true" : "false");
    } else {
        print_bad_verb(printer, value, verb);
    }
}

static void print_integer_in(Printer *printer, Value value, unsigned base, gunichar verb)
{
    bool negative = value.integer < 0;
    uint64_t magnitude = negative ? -(uint64_t)value.integer : (uint64_t)value.integer;
    FormatInteger integer = {magnitude, negative, base, (char)verb};
    format_integer(&printer->format, integer, printer->out);
}

static void print_integer(Printer *printer, Value value, gunichar verb)
{
    uint64_t code = (uint64_t)value.integer;
    switch (verb) {
    case 'v':
        if (printer->format.sharp_v && value.kind == KIND_BYTE) {
            Format hex = printer->format;
            hex.sharp = true;
            format_integer(&hex, (FormatInteger){code, false, 16, 'x'}, printer->out);
            return;
        }
        print_integer_in(printer, value, 10, verb);
        return;
    case 'd':
        print_integer_in(printer, value, 10, verb);
        return;
    case 'b':
        print_integer_in(printer, value, 2, verb);
        return;
    case 'o':
    case 'O':
        print_integer_in(printer, value, 8, verb);
        return;
    case 'x':
    case 'X':
        print_integer_in(printer, value, 16, verb);
        return;
    case 'c':
        format_character(&printer->format, code, printer->out);
        return;
    case 'q':
        format_quoted_character(&printer->format, code, printer->out);
        return;
    case 'U':
        format_code_point(&printer->format, code, printer->out);
        return;
    default:
        print_bad_verb(printer, value, verb);
    }
}

static bool is_float_verb(gunichar verb)
{
    return verb < 0x80 && verb != 0 && strchr("vbgGxXfFeE", (int)verb) != NULL;
}

static void print_float(Printer *printer, Value value, gunichar verb)
{
    if (!is_float_verb(verb)) {
        print_bad_verb(printer, value, verb);
    } else if (value.kind == KIND_COMPLEX) {
        format_complex(&printer->format, value.parts, (char)verb, printer->out);
    } else {
        format_float(&printer->format, value.real, (char)verb, printer->out);
    }
}

/* A text, or a value that has a text; VALUE is what a wrong verb is blamed on. */
static void print_text(Printer *printer, Value value, const char *text, size_t n, gunichar verb)
{
    const Format *format = &printer->format;
    switch (verb) {
    case 'v':
        if (format->sharp_v) {
            format_quoted(format, text, n, printer->out);
            return;
        }
        format_text(format, text, n, printer->out);
        return;
    case 's':
        format_text(format, text, n, printer->out);
        return;
    case 'q':
        format_quoted(format, text, n, printer->out);
        return;
    case 'x':
    case 'X':
        format_hex(format, text, n, (char)verb, printer->out);
        return;
    default:
        print_bad_verb(printer, value, verb);
    }
}

static void print_list(Printer *printer, Value value, gunichar verb, unsigned depth)
{
    bool go = printer->format.sharp_v;
    append(printer, go ? kind_type(value.kind) : "");
    append(printer, go ? "{" : "[");
    for (size_t i = 0; i < value.n && !printer_is_full(printer); i++) {
        append(printer, i == 0 ? "" : go ? ", " : " ");
        print_at(printer, value_item(value, i), verb, depth + 1);
    }
    append(printer, go ? "}" : "]");
}

static void print_map(Printer *printer, Value value, gunichar verb, unsigned depth)
{
    bool go = printer->format.sharp_v;
    append(printer, go ? kind_type(value.kind) : "map");
    append(printer, go ? "{" : "[");
    for (size_t i = 0; i < value.n && !printer_is_full(printer); i++) {
        Value key, entry;
        value_entry(value, i, &key, &entry);
        append(printer, i == 0 ? "" : go ? ", " : " ");
        print_at(printer, key, verb, depth + 1);
        g_string_append_c(printer->out, ':');
        print_at(printer, entry, verb, depth + 1);
    }
    append(printer, go ? "}" : "]");
}

static void print_struct(Printer *printer, Value value, gunichar verb, unsigned depth)
{
    bool go = printer->format.sharp_v, first = true;
    g_autoptr(Arena) arena = arena_new();
    append(printer, go ? kind_type(value.kind) : "");
    g_string_append_c(printer->out, '{');
    for (const Field *field = fields; field->name != NULL; field++) {
        if (field->kind != value.kind || field->unprinted || printer_is_full(printer)) {
            continue;
        }
        append(printer, first ? "" : go ? ", " : " ");
        if (go || printer->format.plus_v) {
            append(printer, field->name);
            g_string_append_c(printer->out, ':');
        }
        print_at(printer, field->get(NULL, arena, value), verb, depth + 1);
        first = false;
    }
    g_string_append_c(printer->out, '}');
}

/* By its String method, if it has one and the verb is one for texts. */
static bool print_by_method(Printer *printer, Value value, gunichar verb)
{
    Stringer *stringer = kind_stringer(value.kind);
    if (stringer == NULL || printer->is_plain || printer->format.sharp_v || verb >= 0x80 || verb == 0 ||
        strchr("vsxXq", (int)verb) == NULL) {
        return false;
    }
    g_autoptr(GString) text = g_string_new(NULL);
    stringer(value, text);
    print_text(printer, value, text->str, text->len, verb);
    return true;
}

/* Inside of a list or map fmt writes it as it is, whatever the verb and the width. */
static void print_nil(Printer *printer, Value value, gunichar verb, unsigned depth)
{
    if (depth > 0) {
        append(printer, printer->format.sharp_v ? "interface {}(nil)" : "<nil>");
    } else if (verb == 'v') {
        print_padded(printer, "<nil>");
    } else {
        print_bad_verb(printer, value, verb);
    }
}

static void print_at(Printer *printer, Value value, gunichar verb, unsigned depth)
{
    if (depth == PRINT_DEPTH || printer_is_full(printer)) {
        append(printer, "...");
        return;
    }
    if (print_by_method(printer, value, verb)) {
        return;
    }
    switch (value_class(value)) {
    case CLASS_NONE:
    case CLASS_NIL:
        print_nil(printer, value, verb, depth);
        return;
    case CLASS_BOOL:
        print_bool(printer, value, verb);
        return;
    case CLASS_INT:
    case CLASS_UINT:
        print_integer(printer, value, verb);
        return;
    case CLASS_FLOAT:
    case CLASS_COMPLEX:
        print_float(printer, value, verb);
        return;
    case CLASS_STRING:
        print_text(printer, value, value.text, value.n, verb);
        return;
    case CLASS_LIST:
        print_list(printer, value, verb, depth);
        return;
    case CLASS_MAP:
        print_map(printer, value, verb, depth);
        return;
    case CLASS_STRUCT:
        print_struct(printer, value, verb, depth);
        return;
    case CLASS_POINTER:
        print_bad_verb(printer, value, verb);
        return;
    }
}

void printer_print(Printer *printer, Value value, gunichar verb)
{
    bool nil = value_class(value) == CLASS_NONE || value_class(value) == CLASS_NIL;
    if (verb == 'T') {
        const char *type = nil ? "<nil>" : kind_type(value.kind);
        format_text(&printer->format, type, strlen(type), printer->out);
        return;
    }
    print_at(printer, value, verb, 0);
}

bool print_values(const Value *values, size_t n, size_t room, GString *out)
{
    Printer printer = {.out = out, .end = out->len + room};
    for (size_t i = 0; i < n; i++) {
        /* Blanks between operands of which neither is a string. */
        if (i > 0 && !value_is_text(values[i]) && !value_is_text(values[i - 1])) {
            g_string_append_c(out, ' ');
        }
        printer_print(&printer, values[i], 'v');
    }
    return !printer_is_full(&printer);
}

bool print_values_line(const Value *values, size_t n, size_t room, GString *out)
{
    Printer printer = {.out = out, .end = out->len + room};
    for (size_t i = 0; i < n; i++) {
        append(&printer, i > 0 ? " " : "");
        printer_print(&printer, values[i], 'v');
    }
    g_string_append_c(out, '\n');
    return !printer_is_full(&printer);
}

void value_print(Value value, GString *out)
{
    if (value.kind == KIND_NONE) {
        g_string_append(out, "<no value>");
    } else if (value_is_text(value)) {
        g_string_append_len(out, value.text, value.n);
    } else {
        print_values(&value, 1, PRINT_MAX, out);
    }
}
