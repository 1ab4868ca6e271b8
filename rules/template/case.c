/* SPDX-License-Identifier: MIT */
#include "rules/template/case.h"

#include <stdbool.h>

#include "rules/rune.h"

/* Characters that are no letters but have a case, which GLib does not know. */
static const struct {
    gunichar upper_first, upper_last, distance;
} symbols[] = {
    {0x2160, 0x216f, 16}, /* Roman numerals */
    {0x24b6, 0x24cf, 26}, /* letters in circles */
};

gunichar case_upper(gunichar rune)
{
    for (size_t i = 0; i < G_N_ELEMENTS(symbols); i++) {
        gunichar upper = rune - symbols[i].distance;
        if (upper >= symbols[i].upper_first && upper <= symbols[i].upper_last) {
            return upper;
        }
    }
    return rune == 0x345 ? 0x399 : g_unichar_toupper(rune);
}

gunichar case_lower(gunichar rune)
{
    for (size_t i = 0; i < G_N_ELEMENTS(symbols); i++) {
        if (rune >= symbols[i].upper_first && rune <= symbols[i].upper_last) {
            return rune + symbols[i].distance;
        }
    }
    return g_unichar_tolower(rune);
}

/* What a character is to the words of a title. */
typedef enum {
    WORD_BREAK,  /* ends a word */
    WORD_INNER,  /* may stand in one: letters, digits, marks, _ */
    WORD_MIDDLE, /* does not end a word between two letters: ' . : */
} WordPart;

static bool is_between(gunichar rune, const gunichar (*ranges)[2], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (rune >= ranges[i][0] && rune <= ranges[i][1]) {
            return true;
        }
    }
    return false;
}
#define IS_BETWEEN(rune, ranges) is_between(rune, ranges, G_N_ELEMENTS(ranges))

static bool is_middle(gunichar rune)
{
    static const gunichar middles[][2] = {
        {'\'', '\''},     {'.', '.'},       {':', ':'},       {0xb7, 0xb7},
        {0x387, 0x387},   {0x55f, 0x55f},   {0x5f4, 0x5f4},   {0x2018, 0x2019},
        {0x2024, 0x2024}, {0x2027, 0x2027}, {0xfe13, 0xfe13}, {0xfe52, 0xfe52},
        {0xfe55, 0xfe55}, {0xff07, 0xff07}, {0xff0e, 0xff0e}, {0xff1a, 0xff1a},
    };

    return IS_BETWEEN(rune, middles);
}

/* Scripts that do not part words with blanks: there every letter ends one. */
static bool is_unparted(gunichar rune)
{
    switch (g_unichar_get_script(rune)) {
    case G_UNICODE_SCRIPT_HAN:
    case G_UNICODE_SCRIPT_HIRAGANA:
    case G_UNICODE_SCRIPT_KATAKANA:
    case G_UNICODE_SCRIPT_THAI:
    case G_UNICODE_SCRIPT_LAO:
    case G_UNICODE_SCRIPT_KHMER:
    case G_UNICODE_SCRIPT_MYANMAR:
    case G_UNICODE_SCRIPT_TAI_LE:
    case G_UNICODE_SCRIPT_NEW_TAI_LUE:
    case G_UNICODE_SCRIPT_TAI_THAM:
    case G_UNICODE_SCRIPT_TAI_VIET:
        return true;
    default:
        return false;
    }
}

/* Symbols that are written with letters. */
static bool is_modifier_symbol(gunichar rune)
{
    static const gunichar ranges[][2] = {
        {0x2c2, 0x2c5},   {0x2d2, 0x2d7},   {0x2de, 0x2df},   {0x2e5, 0x2eb},
        {0x2ed, 0x2ed},   {0x2ef, 0x2ff},   {0xa708, 0xa716}, {0xa720, 0xa721},
        {0xa789, 0xa78a}, {0xab5b, 0xab5b}, {0x202f, 0x202f},
    };

    return IS_BETWEEN(rune, ranges);
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
    case G_UNICODE_DECIMAL_NUMBER:
    case G_UNICODE_CONNECT_PUNCTUATION:
    case G_UNICODE_NON_SPACING_MARK:
    case G_UNICODE_SPACING_MARK:
    case G_UNICODE_ENCLOSING_MARK:
    case G_UNICODE_FORMAT:
        return WORD_INNER;
    case G_UNICODE_MODIFIER_LETTER:
    case G_UNICODE_OTHER_LETTER:
    case G_UNICODE_LETTER_NUMBER:
        return is_unparted(rune) ? WORD_BREAK : WORD_INNER;
    default:
        return is_modifier_symbol(rune) || (rune >= 0x24b6 && rune <= 0x24e9)
                   ? WORD_INNER
                   : WORD_BREAK;
    }
}

/* Letters with a case, and what is written as if it had one. */
static bool is_cased(gunichar rune)
{
    static const gunichar others[][2] = {
        {0xaa, 0xaa},     {0xba, 0xba},     {0x2b0, 0x2b8},   {0x2c0, 0x2c1},
        {0x2e0, 0x2e4},   {0x345, 0x345},   {0x37a, 0x37a},   {0x1d2c, 0x1d6a},
        {0x1d78, 0x1d78}, {0x1d9b, 0x1dbf}, {0x2071, 0x2071}, {0x207f, 0x207f},
        {0x2090, 0x209c}, {0x2160, 0x217f}, {0x24b6, 0x24e9}, {0x2c7c, 0x2c7d},
        {0xa69c, 0xa69d}, {0xa770, 0xa770}, {0xa7f8, 0xa7f9}, {0xab5c, 0xab5f},
    };

    return g_unichar_isupper(rune) || g_unichar_islower(rune) ||
           g_unichar_istitle(rune) || IS_BETWEEN(rune, others);
}

/* Whether a letter of the same word follows the N bytes at TEXT. */
static bool word_goes_on(const char *text, size_t n)
{
    size_t length;

    for (size_t i = 0; i < n; i += length) {
        gunichar rune = rune_decode(text + i, n - i, &length);
        if (is_cased(rune)) {
            return true;
        }
        if (word_part(rune) != WORD_MIDDLE && !g_unichar_ismark(rune)) {
            return false;
        }
    }
    return false;
}

/* Letters that become several at the start of a word: Straße would be Ss…; only the
 * first of them is large. */
static bool append_expanded(GString *out, gunichar rune)
{
    char bytes[8];

    bytes[g_unichar_to_utf8(rune, bytes)] = '\0';
    g_autofree char *upper = g_utf8_strup(bytes, -1);
    if (!g_unichar_islower(rune) || g_utf8_strlen(upper, -1) == 1) {
        return false;
    }
    g_string_append_unichar(out, g_utf8_get_char(upper));
    for (char *at = g_utf8_next_char(upper); *at != '\0'; at = g_utf8_next_char(at)) {
        gunichar next = g_utf8_get_char(at);
        g_string_append_unichar(out, rune == 0x149 ? next : g_unichar_tolower(next));
    }
    return true;
}

/* The first letter of a word.  Georgian has large letters, but not for this. */
static void append_title(GString *out, gunichar rune)
{
    gunichar title = g_unichar_totitle(rune);

    if (g_unichar_istitle(rune) || (rune >= 0x10d0 && rune <= 0x10ff)) {
        g_string_append_unichar(out, rune);
    } else if (title != rune) {
        g_string_append_unichar(out, title);
    } else if (!append_expanded(out, rune)) {
        g_string_append_unichar(out, case_upper(rune));
    }
}

static void append_lower(GString *out, gunichar rune, bool ends_word)
{
    if (rune == 0x130) {
        g_string_append(out, "i\xCC\x87");
    } else if (rune == 0x3a3 && ends_word) {
        g_string_append_unichar(out, 0x3c2);
    } else {
        g_string_append_unichar(out, case_lower(rune));
    }
}

/* Two middles in a row end a word. */
void case_title(const char *text, size_t n, GString *out)
{
    bool in_word = false, after_middle = false;
    size_t length;

    for (size_t i = 0; i < n; i += length) {
        gunichar rune = rune_decode(text + i, n - i, &length);
        WordPart part = word_part(rune);
        in_word = in_word && !(after_middle && part == WORD_MIDDLE);
        if (!is_cased(rune)) {
            g_string_append_len(out, text + i, (gssize)length);
            in_word = in_word && part != WORD_BREAK;
        } else if (in_word) {
            bool ends = !word_goes_on(text + i + length, n - i - length);
            append_lower(out, rune, ends);
        } else {
            append_title(out, rune);
            in_word = true;
        }
        after_middle = part == WORD_MIDDLE;
    }
}
