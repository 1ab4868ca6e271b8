/* SPDX-License-Identifier: MIT */
/* Sprintf: reading the format. */
#include <string.h>

#include "rules/append.h"
#include "rules/rune.h"
#include "rules/template/print_internal.h"

typedef struct {
    Printer printer;
    const char *format;
    size_t at, end;
    const Value *values;
    size_t n_values, next; /* the value the next verb takes */
    bool reordered;        /* an index such as [2] was used */
    bool good_index;       /* in the verb that is being read */
    bool after_index;      /* it stands directly before this place */
} Directives;

static char current(const Directives *read)
{
    return read->at < read->end ? read->format[read->at] : '\0';
}

static void append(Directives *read, const char *text)
{
    g_string_append(read->printer.out, text);
}

static bool is_too_large(int64_t number)
{
    return number > FORMAT_NUMBER_MAX || number < -FORMAT_NUMBER_MAX;
}

/* Digits from *AT on.  False if there are none, or far too many: then *AT is END. */
static bool read_number(const char *text, size_t *at, size_t end, int *number)
{
    bool found = false;
    *number = 0;
    for (; *at < end && g_ascii_isdigit(text[*at]); (*at)++) {
        if (is_too_large(*number)) {
            *number = 0;
            *at = end;
            return false;
        }
        *number = *number * 10 + (text[*at] - '0');
        found = true;
    }
    return found;
}

/* An index such as [2], which counts from 1.  False if it is malformed; it is skipped
 * in any case. */
static bool read_index_number(Directives *read, int *index)
{
    const char *open = read->format + read->at;
    size_t left = read->end - read->at;
    const char *close = left < 3 ? NULL : memchr(open + 1, ']', left - 1);
    if (close == NULL) {
        read->at++;
        return false;
    }
    size_t at = read->at + 1, end = (size_t)(close - read->format);
    bool good = at < end && read_number(read->format, &at, end, index) && at == end;
    read->at = end + 1;
    return good;
}

static void read_index(Directives *read)
{
    int index = 0;
    read->after_index = false;
    if (current(read) != '[') {
        return;
    }
    read->reordered = true;
    bool good = read_index_number(read, &index);
    if (good && index >= 1 && (size_t)index <= read->n_values) {
        read->next = (size_t)index - 1;
        read->after_index = true;
        return;
    }
    read->good_index = false;
    read->after_index = good;
}

/* The value of a '*': an integer of reasonable size. */
static bool take_star(Directives *read, int *number)
{
    *number = 0;
    if (read->next >= read->n_values) {
        return false;
    }
    Value value = read->values[read->next++];
    Class class = value_class(value);
    if ((class != CLASS_INT && class != CLASS_UINT) || is_too_large(value.integer)) {
        return false;
    }
    *number = (int)value.integer;
    return true;
}

static void read_width(Directives *read)
{
    Format *format = &read->printer.format;
    if (current(read) != '*') {
        format->has_width =
            read_number(read->format, &read->at, read->end, &format->width);
        if (read->after_index && format->has_width) {
            read->good_index = false;
        }
        return;
    }
    read->at++;
    format->has_width = take_star(read, &format->width);
    if (!format->has_width) {
        append(read, "%!(BADWIDTH)");
    }
    if (format->width < 0) {
        format->width = -format->width;
        format->minus = true;
    }
    read->after_index = false;
}

static void read_precision(Directives *read)
{
    Format *format = &read->printer.format;
    if (current(read) != '.') {
        return;
    }
    read->at++;
    if (read->after_index) {
        read->good_index = false;
    }
    read_index(read);
    if (current(read) != '*') {
        read_number(read->format, &read->at, read->end, &format->precision);
        format->has_precision = true;
        return;
    }
    read->at++;
    format->has_precision = take_star(read, &format->precision);
    if (format->precision < 0) {
        format->precision = 0;
        format->has_precision = false;
    }
    if (!format->has_precision) {
        append(read, "%!(BADPREC)");
    }
    read->after_index = false;
}

static void read_flags(Directives *read)
{
    Format *format = &read->printer.format;
    for (; read->at < read->end; read->at++) {
        switch (read->format[read->at]) {
        case '#':
            format->sharp = true;
            break;
        case '0':
            format->zero = true;
            break;
        case '+':
            format->plus = true;
            break;
        case '-':
            format->minus = true;
            break;
        case ' ':
            format->space = true;
            break;
        default:
            return;
        }
    }
}

static void blame_verb(Directives *read, gunichar verb, const char *reason)
{
    append(read, "%!");
    g_string_append_unichar(read->printer.out, verb);
    append(read, reason);
}

static void print_verb(Directives *read, gunichar verb)
{
    Format *format = &read->printer.format;
    if (verb == '%') {
        g_string_append_c(read->printer.out, '%');
        return;
    }
    if (!read->good_index) {
        blame_verb(read, verb, "(BADINDEX)");
        return;
    }
    if (read->next >= read->n_values) {
        blame_verb(read, verb, "(MISSING)");
        return;
    }
    if (verb == 'v') {
        format->sharp_v = format->sharp;
        format->plus_v = format->plus;
        format->sharp = format->plus = false;
    }
    printer_print(&read->printer, read->values[read->next++], verb);
}

/* %s, %d or %v of a text or an int, which most are.  False if it is anything else. */
static bool print_plain(Directives *read)
{
    char verb = current(read);
    if (read->next >= read->n_values) {
        return false;
    }
    const Value *value = &read->values[read->next];
    if (value->kind == KIND_STRING && (verb == 's' || verb == 'v')) {
        append_text(read->printer.out, value->text, value->n);
    } else if (value->kind == KIND_INT && (verb == 'd' || verb == 'v')) {
        char digits[24];
        int n = g_snprintf(digits, sizeof digits, "%" G_GINT64_FORMAT, value->integer);
        append_text(read->printer.out, digits, (size_t)n);
    } else {
        return false;
    }
    read->at++;
    read->next++;
    return true;
}

/* What follows a '%'. */
static void print_directive(Directives *read)
{
    if (print_plain(read)) {
        return;
    }
    read->printer.format = (Format){0};
    read->good_index = true;
    read_flags(read);
    read_index(read);
    read_width(read);
    read_precision(read);
    if (!read->after_index) {
        read_index(read);
    }
    if (read->at >= read->end) {
        append(read, "%!(NOVERB)");
        return;
    }
    size_t length;
    gunichar verb = rune_decode(read->format + read->at, read->end - read->at, &length);
    read->at += length;
    print_verb(read, verb);
}

/* Values that no verb has taken. */
static void print_extra(Directives *read)
{
    read->printer.format = (Format){0};
    append(read, "%!(EXTRA ");
    for (size_t i = read->next; i < read->n_values; i++) {
        Value value = read->values[i];
        append(read, i > read->next ? ", " : "");
        if (value_class(value) == CLASS_NIL || value_class(value) == CLASS_NONE) {
            append(read, "<nil>");
            continue;
        }
        append(read, kind_type(value.kind));
        g_string_append_c(read->printer.out, '=');
        printer_print(&read->printer, value, 'v');
    }
    append(read, ")");
}

bool print_format(Value format, const Value *values, size_t n, size_t room, GString *out)
{
    Directives read = {.printer = {.out = out, .end = out->len + room}, .format = format.text,
                       .end = format.n, .values = values, .n_values = n};
    while (read.at < read.end && !printer_is_full(&read.printer)) {
        const char *from = read.format + read.at;
        const char *percent = memchr(from, '%', read.end - read.at);
        size_t plain = percent == NULL ? read.end - read.at : (size_t)(percent - from);
        append_text(out, from, plain);
        read.at += plain;
        if (percent != NULL) {
            read.at++;
            print_directive(&read);
        }
    }
    if (!read.reordered && read.next < n) {
        print_extra(&read);
    }
    return !printer_is_full(&read.printer);
}
