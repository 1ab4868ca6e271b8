/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "rules/fault.h"
#include "rules/template/funcs_alertmanager.h"
#include "rules/template/rune.h"

/* Every character by itself, as Go's unicode.ToUpper and ToLower: ß stays ß. */
static bool map_runes(Exec *exec, Value text, gunichar (*map)(gunichar), Value *result,
                      GError **error)
{
    GString *out = g_string_sized_new(text.n + 1);
    size_t length;

    for (size_t i = 0; i < text.n; i += length) {
        gunichar rune = rune_decode(text.text + i, text.n - i, &length);
        if (rune == 0) {
            g_string_append_c(out, '\0');
        } else {
            g_string_append_unichar(out, map(rune));
        }
    }
    return func_give_text(exec, out, result, error);
}

bool func_to_upper(Exec *exec, const Value *args, size_t n, Value *result, GError **error)
{
    (void)n;
    return map_runes(exec, args[0], g_unichar_toupper, result, error);
}

bool func_to_lower(Exec *exec, const Value *args, size_t n, Value *result, GError **error)
{
    (void)n;
    return map_runes(exec, args[0], g_unichar_tolower, result, error);
}

/* What a character is to the words of a title. */
typedef enum {
    WORD_BREAK,  /* ends a word */
    WORD_INNER,  /* may stand in one: letters, digits, marks, _ */
    WORD_MIDDLE, /* does not end a word between two letters: ' . : */
} WordPart;

static bool is_middle(gunichar rune)
{
    static const gunichar middles[] = {
        '\'',   '.',    ':',    0xb7,   0x387,  0x55f,  0x5f4,  0x2018, 0x2019,
        0x2024, 0x2027, 0xfe13, 0xfe52, 0xfe55, 0xff07, 0xff0e, 0xff1a,
    };

    for (size_t i = 0; i < G_N_ELEMENTS(middles); i++) {
        if (middles[i] == rune) {
            return true;
        }
    }
    return false;
}

static WordPart word_part(gunichar rune)
{
    if (is_middle(rune)) {
        return WORD_MIDDLE;
    }
    switch (g_unichar_type(rune)) {
    case G_UNICODE_UPPERCASE_LETTER:
    case G_UNICODE_LOWERCASE_LETTER:
    case G_UNICODE_TITLECASE_LETTER:
    case G_UNICODE_MODIFIER_LETTER:
    case G_UNICODE_OTHER_LETTER:
    case G_UNICODE_LETTER_NUMBER:
    case G_UNICODE_DECIMAL_NUMBER:
    case G_UNICODE_CONNECT_PUNCTUATION:
    case G_UNICODE_NON_SPACING_MARK:
    case G_UNICODE_SPACING_MARK:
    case G_UNICODE_ENCLOSING_MARK:
    case G_UNICODE_FORMAT:
        return WORD_INNER;
    default:
        return WORD_BREAK;
    }
}

static bool is_cased(gunichar rune)
{
    return g_unichar_isupper(rune) || g_unichar_islower(rune) || g_unichar_istitle(rune);
}

/* The first letter of a word; some become two. */
static void append_title(GString *out, gunichar rune)
{
    gunichar title = g_unichar_totitle(rune);

    if (rune == 0xdf) {
        g_string_append(out, "Ss");
    } else {
        g_string_append_unichar(out, title);
    }
}

/* As x/text's title case for English: the first letter of every word large, the others
 * small; two middles in a row end a word. */
bool func_title(Exec *exec, const Value *args, size_t n, Value *result, GError **error)
{
    GString *out = g_string_sized_new(args[0].n + 1);
    bool in_word = false, after_middle = false;
    size_t length;

    (void)n;
    for (size_t i = 0; i < args[0].n; i += length) {
        gunichar rune = rune_decode(args[0].text + i, args[0].n - i, &length);
        WordPart part = word_part(rune);
        in_word = in_word && !(after_middle && part == WORD_MIDDLE);
        if (!is_cased(rune)) {
            g_string_append_len(out, args[0].text + i, (gssize)length);
            in_word = in_word && part != WORD_BREAK;
        } else if (in_word) {
            g_string_append_unichar(out, g_unichar_tolower(rune));
        } else {
            append_title(out, rune);
            in_word = true;
        }
        after_middle = part == WORD_MIDDLE;
    }
    return func_give_text(exec, out, result, error);
}

static bool is_space(gunichar rune)
{
    return (rune >= '\t' && rune <= '\r') || rune == ' ' || rune == 0x85 || rune == 0xa0 ||
           rune == 0x1680 || (rune >= 0x2000 && rune <= 0x200a) || rune == 0x2028 ||
           rune == 0x2029 || rune == 0x202f || rune == 0x205f || rune == 0x3000;
}

bool func_trim_space(Exec *exec, const Value *args, size_t n, Value *result,
                     GError **error)
{
    size_t start = SIZE_MAX, end = 0, length;

    (void)exec, (void)n, (void)error;
    for (size_t i = 0; i < args[0].n; i += length) {
        if (!is_space(rune_decode(args[0].text + i, args[0].n - i, &length))) {
            start = MIN(start, i);
            end = i + length;
        }
    }
    *result = end == 0 ? value_text_n("", 0)
                       : value_text_n(args[0].text + start, end - start);
    return true;
}

bool func_join(Exec *exec, const Value *args, size_t n, Value *result, GError **error)
{
    GString *out = g_string_new(NULL);

    (void)n;
    for (size_t i = 0; i < args[1].n && out->len <= exec_room(exec); i++) {
        if (i > 0) {
            g_string_append_len(out, args[0].text, args[0].n);
        }
        g_string_append_len(out, args[1].items[i].text, args[1].items[i].n);
    }
    return func_give_text(exec, out, result, error);
}

bool func_string_slice(Exec *exec, const Value *args, size_t n, Value *result,
                       GError **error)
{
    Value *items = arena_array(exec_arena(exec), Value, n + 1);

    (void)error;
    memcpy(items, args, n * sizeof *items);
    *result = value_strings(KIND_STRINGS, items, n);
    return true;
}

bool func_safe_html(Exec *exec, const Value *args, size_t n, Value *result, GError **error)
{
    (void)exec, (void)n, (void)error;
    *result = value_typed_text(KIND_HTML, args[0].text, args[0].n);
    return true;
}

bool func_safe_url(Exec *exec, const Value *args, size_t n, Value *result, GError **error)
{
    (void)exec, (void)n, (void)error;
    *result = value_typed_text(KIND_URL, args[0].text, args[0].n);
    return true;
}
