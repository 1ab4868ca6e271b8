/* SPDX-License-Identifier: MIT */
#include "bridge/delivery/token.h"

#include <string.h>

#include "bridge/json.h"
#include "config/secret.h"
#include "rules/fault.h"

enum { LIFE_DEFAULT_S = 3600, LIFE_MAX_S = 30 * 24 * 3600, TEXT_MAX = 400 };

static Json *parse(const FetchAnswer *answer)
{
    return json_parse(answer->body, answer->length, &JSON_LIMITS_DEFAULT, NULL);
}

/* A text of the answer, "" if there is none. */
static const char *text_of(const Json *json, const char *key)
{
    const char *text = json != NULL ? json_text(json_get(json, key)) : NULL;
    return text != NULL ? text : "";
}

/* It goes into a header line, or between two control characters. */
static bool is_token(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (!g_ascii_isgraph(*c)) {
            return false;
        }
    }
    return *text != '\0';
}

static char *clean(const char *text)
{
    char *line = g_strndup(text, TEXT_MAX);
    for (char *c = line; *c != '\0'; c++) {
        *c = g_ascii_iscntrl(*c) ? ' ' : *c;
    }
    char *valid = g_utf8_make_valid(line, -1);
    g_free(line);
    return g_strstrip(valid);
}

static void refuse(const FetchAnswer *answer, const Json *json, GError **error)
{
    g_autofree char *name = clean(text_of(json, "error"));
    g_autofree char *words = clean(text_of(json, "error_description"));
    const char *what = *name != '\0' ? name : "the answer holds no access_token";
    g_set_error(error, FAULT, FAULT_REMOTE, "HTTP %u: %s%s%s", answer->status, what,
                *words != '\0' ? ": " : "", words);
}

/* expires_in is a number; some write it as a text. */
static int64_t life_s(const Json *json)
{
    const Json *value = json_get(json, "expires_in");
    double seconds = json_is_number(value) ? json_number(value)
                                           : g_ascii_strtod(text_of(json, "expires_in"), NULL);
    return seconds > 0 ? (int64_t)MIN(seconds, (double)LIFE_MAX_S)
           : value != NULL ? 0
                           : LIFE_DEFAULT_S;
}

bool token_read(const FetchAnswer *answer, int64_t now_ms, Token *token, GError **error)
{
    g_autoptr(Json) json = parse(answer);
    const char *text = text_of(json, "access_token");
    const char *refresh = text_of(json, "refresh_token");
    if (answer->status != 200 || !is_token(text)) {
        refuse(answer, json, error);
        return false;
    }
    int64_t life_ms = life_s(json) * 1000;
    *token = (Token){
        .text = g_strdup(text),
        .refresh = *refresh != '\0' ? g_strdup(refresh) : NULL,
        .renew_ms = now_ms + life_ms / 5 * 4,
        .end_ms = now_ms + life_ms,
    };
    return true;
}

void token_clear(Token *token)
{
    secret_free(token->text);
    secret_free(token->refresh);
    *token = (Token){0};
}

bool token_wants_header(const FetchAnswer *answer)
{
    g_autoptr(Json) json = parse(answer);
    return (answer->status == 400 || answer->status == 401) &&
           strcmp(text_of(json, "error"), "invalid_client") == 0;
}
