/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "rules/rune.h"
#include "rules/template/case.h"
#include "rules/template/funcs_alertmanager.h"

/* Every character by itself, as Go's unicode.ToUpper and ToLower: ß stays ß. */
static bool map_runes(Exec *exec, Value text, gunichar (*map)(gunichar), Value *result,
                      GError **error)
{
    GString *out = arena_text_begin(exec_arena(exec));
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

bool func_to_upper(Exec *exec, const Value *args, size_t n, Value *result,
                   GError **error)
{
    (void)n;
    return map_runes(exec, args[0], case_upper, result, error);
}

bool func_to_lower(Exec *exec, const Value *args, size_t n, Value *result,
                   GError **error)
{
    (void)n;
    return map_runes(exec, args[0], case_lower, result, error);
}

bool func_title(Exec *exec, const Value *args, size_t n, Value *result, GError **error)
{
    GString *out = arena_text_begin(exec_arena(exec));

    (void)n;
    case_title(args[0].text, args[0].n, out);
    return func_give_text(exec, out, result, error);
}

static bool is_space(gunichar rune)
{
    return (rune >= '\t' && rune <= '\r') || rune == ' ' || rune == 0x85 ||
           rune == 0xa0 || rune == 0x1680 || (rune >= 0x2000 && rune <= 0x200a) ||
           rune == 0x2028 || rune == 0x2029 || rune == 0x202f || rune == 0x205f ||
           rune == 0x3000;
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
    GString *out = arena_text_begin(exec_arena(exec));

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

bool func_safe_html(Exec *exec, const Value *args, size_t n, Value *result,
                    GError **error)
{
    (void)exec, (void)n, (void)error;
    *result = value_typed_text(KIND_HTML, args[0].text, args[0].n);
    return true;
}

bool func_safe_url(Exec *exec, const Value *args, size_t n, Value *result,
                   GError **error)
{
    (void)exec, (void)n, (void)error;
    *result = value_typed_text(KIND_URL, args[0].text, args[0].n);
    return true;
}
