/* SPDX-License-Identifier: MIT */
/* JSON: our own strict scan first (json_scan.c), cJSON's tree after it.
 *
 * cJSON alone accepts control bytes and leading zeros, cuts strings at \u0000, fails on
 * a lone surrogate and passes invalid UTF-8 on; so it only ever sees JSON that is
 * valid, of bounded size, and repaired where it held such bytes.  It notes its last
 * error in a global variable; nobody here reads it. */
#include "bridge/json.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "rules/fault.h"
#include "rules/utf8.h"

_Static_assert(JSON_DEPTH_MAX <= CJSON_NESTING_LIMIT, "cJSON must not be what refuses");

static Json *build(const char *text, size_t length, GError **error)
{
    cJSON *tree = cJSON_ParseWithLength(text, length);
    if (tree == NULL) {
        g_set_error(error, FAULT, FAULT_SYSTEM, "out of memory for a JSON document");
    }
    return (Json *)tree;
}

Json *json_parse(const char *text, size_t length, const JsonLimits *limits,
                 GError **error)
{
    bool needs_repair;
    if (!json_scan(text, length, limits, &needs_repair, error)) {
        return NULL;
    }
    if (!needs_repair) {
        return build(text, length, error);
    }
    g_autoptr(GString) repaired = json_repair(text, length);
    return build(repaired->str, repaired->len, error);
}

void json_free(Json *json)
{
    cJSON_Delete((cJSON *)json);
}

static const cJSON *tree_of(const Json *json)
{
    return (const cJSON *)json;
}

bool json_is_object(const Json *json)
{
    return cJSON_IsObject(tree_of(json));
}

bool json_is_array(const Json *json)
{
    return cJSON_IsArray(tree_of(json));
}

bool json_is_string(const Json *json)
{
    return cJSON_IsString(tree_of(json));
}

bool json_is_number(const Json *json)
{
    return cJSON_IsNumber(tree_of(json));
}

bool json_is_null(const Json *json)
{
    return cJSON_IsNull(tree_of(json));
}

bool json_is_true(const Json *json)
{
    return cJSON_IsTrue(tree_of(json));
}

/* From the last item backwards: the first item's `prev` is the last one. */
const Json *json_get(const Json *object, const char *key)
{
    const cJSON *first = json_is_object(object) ? tree_of(object)->child : NULL;
    if (first == NULL) {
        return NULL;
    }
    const cJSON *item = first->prev;
    while (strcmp(item->string, key) != 0) {
        if (item == first) {
            return NULL;
        }
        item = item->prev;
    }
    return (const Json *)item;
}

const Json *json_first(const Json *container)
{
    return (const Json *)tree_of(container)->child;
}

const Json *json_next(const Json *item)
{
    return (const Json *)tree_of(item)->next;
}

const char *json_key(const Json *item)
{
    return tree_of(item)->string;
}

const char *json_text(const Json *json)
{
    return json_is_string(json) ? tree_of(json)->valuestring : NULL;
}

double json_number(const Json *json)
{
    return json_is_number(json) ? tree_of(json)->valuedouble : 0;
}

size_t json_size(const Json *container)
{
    return (size_t)cJSON_GetArraySize(tree_of(container));
}

/* What is not shown as itself: controls, and what breaks lines or turns the direction
 * of the text, so that a foreign text cannot pass for another in a log or a terminal.
 */
static bool must_escape(gunichar c)
{
    return c < 0x20 || c == '"' || c == '\\' || (c >= 0x7F && c <= 0x9F) ||
           (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

static void append_escaped(GString *out, gunichar c)
{
    static const char letters[128] = {
        ['"'] = '"', ['\\'] = '\\', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    if (c < 128 && letters[c] != '\0') {
        g_string_append_c(out, '\\');
        g_string_append_c(out, letters[c]);
    } else {
        g_string_append_printf(out, "\\u%04x", c);
    }
}

void json_append_string(GString *out, const char *text)
{
    g_autofree char *valid =
        g_utf8_validate(text, -1, NULL) ? NULL : g_utf8_make_valid(text, -1);
    const char *at = valid != NULL ? valid : text;
    g_string_append_c(out, '"');
    while (*at != '\0') {
        const char *first = at;
        while (*at != '\0' && !must_escape(g_utf8_get_char(at))) {
            at = utf8_next(at);
        }
        g_string_append_len(out, first, at - first);
        if (*at != '\0') {
            append_escaped(out, g_utf8_get_char(at));
            at = utf8_next(at);
        }
    }
    g_string_append_c(out, '"');
}

static void append_number(GString *out, double number)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    bool whole = number >= -0x1p53 && number <= 0x1p53 && number == (double)(int64_t)number;
    g_string_append(out, g_ascii_formatd(text, sizeof text, whole ? "%.0f" : "%.17g", number));
}

void json_append(GString *out, const Json *json)
{
    const cJSON *item = (const cJSON *)json;
    bool object = json_is_object(json);
    if (json_is_string(json)) {
        json_append_string(out, json_text(json));
    } else if (json_is_number(json)) {
        append_number(out, json_number(json));
    } else if (!object && !json_is_array(json)) {
        g_string_append(out, cJSON_IsNull(item) ? "null" : cJSON_IsTrue(item) ? "true" : "false");
    } else {
        const char *comma = "";
        g_string_append_c(out, object ? '{' : '[');
        for (const Json *at = json_first(json); at != NULL; at = json_next(at), comma = ",") {
            g_string_append(out, comma);
            if (object) {
                json_append_string(out, json_key(at));
                g_string_append_c(out, ':');
            }
            json_append(out, at);
        }
        g_string_append_c(out, object ? '}' : ']');
    }
}
