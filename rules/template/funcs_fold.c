/* SPDX-License-Identifier: MIT */
/* {{ fold 80 "  " TEXT }}: text in lines of at most so many columns. */
#include <string.h>

#include "rules/append.h"
#include "rules/fault.h"
#include "rules/rune.h"
#include "rules/template/funcs_alertmanager.h"

typedef struct {
    size_t columns;
    Value indent; /* of all lines but the first */
    size_t indent_width;
    GString *out;
    size_t width;  /* of the line so far */
    bool is_fresh; /* nothing but the indent is on the line */
    size_t room;   /* bytes that OUT may have */
} Folding;

/* Columns of the character at TEXT: two in East Asia, none for marks. */
static size_t width_at(const char *text, size_t n, size_t *length)
{
    *length = 1;
    if ((guchar)*text < 0x80) {
        return 1;
    }
    gunichar rune = rune_decode(text, n, length);
    if (g_unichar_iszerowidth(rune)) {
        return 0;
    }
    return g_unichar_iswide(rune) ? 2 : 1;
}

static size_t text_width(const char *text, size_t n)
{
    size_t width = 0, length;
    for (size_t i = 0; i < n; i += length) {
        width += width_at(text + i, n - i, &length);
    }
    return width;
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r';
}

static size_t count_blanks(const char *text, size_t n)
{
    size_t i = 0;
    while (i < n && is_blank(text[i])) {
        i++;
    }
    return i;
}

/* Bytes that are not parted: a word, or one wide character with what belongs to it. */
static size_t word_length(const char *text, size_t n)
{
    size_t end = 0, length;
    bool is_wide = false;
    for (; end < n && !is_blank(text[end]) && text[end] != '\n'; end += length) {
        size_t width = width_at(text + end, n - end, &length);
        if (end > 0 && width > 0 && (is_wide || width == 2)) {
            break;
        }
        is_wide = is_wide || width == 2;
    }
    return end;
}

static bool is_url(const char *word, size_t n)
{
    return (n > 7 && g_ascii_strncasecmp(word, "http://", 7) == 0) ||
           (n > 8 && g_ascii_strncasecmp(word, "https://", 8) == 0);
}

static void put(Folding *folding, const char *text, size_t n, size_t width)
{
    append_text(folding->out, text, n);
    folding->width += width;
    folding->is_fresh = false;
}

static void begin_line(Folding *folding)
{
    g_string_append_c(folding->out, '\n');
    g_string_append_len(folding->out, folding->indent.text, folding->indent.n);
    folding->width = folding->indent_width;
    folding->is_fresh = true;
}

/* Past that, the result is an error anyway. */
static bool has_room(const Folding *folding)
{
    return folding->out->len <= folding->room;
}

static void put_broken(Folding *folding, const char *word, size_t n)
{
    size_t length;
    for (size_t i = 0; i < n && has_room(folding); i += length) {
        size_t width = width_at(word + i, n - i, &length);
        if (folding->width + width > folding->columns && !folding->is_fresh) {
            begin_line(folding);
        }
        put(folding, word + i, length, width);
    }
}

/* A word, and the blanks before it if it does not begin a line. */
static void put_word(Folding *folding, size_t blanks, const char *word, size_t n)
{
    size_t width = text_width(word, n);
    if (folding->width + blanks + width <= folding->columns) {
        for (size_t i = 0; i < blanks; i++) {
            g_string_append_c(folding->out, ' ');
        }
        folding->width += blanks;
        put(folding, word, n, width);
        return;
    }
    if (!folding->is_fresh) {
        begin_line(folding);
    }
    if (is_url(word, n)) {
        put(folding, word, n, width);
    } else {
        put_broken(folding, word, n);
    }
}

static void fold(Folding *folding, Value text)
{
    for (size_t i = 0; i < text.n && has_room(folding);) {
        size_t blanks = count_blanks(text.text + i, text.n - i);
        const char *word = text.text + i + blanks;
        size_t left = text.n - i - blanks, n = word_length(word, left);
        if (n > 0) {
            put_word(folding, MIN(blanks, folding->columns), word, n);
        } else if (left > 0) {
            begin_line(folding);
            n = 1;
        }
        i += blanks + n;
    }
}

bool func_fold(Exec *exec, const Value *args, size_t n, Value *result, GError **error)
{
    (void)n;
    if (args[0].integer < 1 || args[0].integer > 1000) {
        g_set_error(error, FAULT, FAULT_INPUT,
                    "columns must be 1 to 1000, not %" G_GINT64_FORMAT,
                    args[0].integer);
        return false;
    }
    if (!exec_charge(exec, args[2].n / 16, error)) {
        return false;
    }
    Folding folding = {
        .columns = (size_t)args[0].integer,
        .indent = args[1],
        .indent_width = text_width(args[1].text, args[1].n),
        .out = arena_text_begin(exec_arena(exec)),
        .is_fresh = true,
        .room = exec_room(exec),
    };
    fold(&folding, args[2]);
    return func_give_text(exec, folding.out, result, error);
}
