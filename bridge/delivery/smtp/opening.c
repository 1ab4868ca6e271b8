/* SPDX-License-Identifier: MIT */
#include "bridge/delivery/smtp/opening.h"

#include <string.h>

const char *stage_text(OpeningStage stage)
{
    static const char *const texts[] = {
        [STAGE_CONNECT] = "connect",   [STAGE_GREETING] = "greeting",  [STAGE_HELLO] = "EHLO",
        [STAGE_STARTTLS] = "STARTTLS", [STAGE_TLS] = "TLS handshake", [STAGE_AUTH] = "AUTH",
        [STAGE_READY] = "ready",
    };
    return texts[stage];
}

void opening_init(Opening *opening, bool starttls, bool login)
{
    opening_clear(opening);
    *opening = (Opening){.starttls = starttls, .login = login, .heard = g_string_new(NULL)};
    reply_init(&opening->parser);
}

void opening_clear(Opening *opening)
{
    if (opening->heard != NULL) {
        g_string_free(g_steal_pointer(&opening->heard), TRUE);
    }
}

void opening_connected(Opening *opening)
{
    if (opening->stage == STAGE_CONNECT) {
        opening->stage = STAGE_GREETING;
    }
}

void opening_encrypted(Opening *opening)
{
    opening->starttls = opening->helo = false;
    opening->capabilities = (Capabilities){0};
    opening->stage = STAGE_HELLO;
}

ReplyStatus opening_feed(Opening *opening, const char **bytes, size_t *length)
{
    const char *from = *bytes;
    ReplyStatus status = reply_feed(&opening->parser, bytes, length);
    g_string_append_len(opening->heard, from, *bytes - from);
    if (status == REPLY_COMPLETE) {
        opening->last = opening->parser.reply;
    }
    return status;
}

/* The first line is the server's name. */
static void read_capabilities(Opening *opening)
{
    const char *line = strchr(opening->heard->str, '\n');
    while (line != NULL && *++line != '\0') {
        const char *end = strchr(line, '\n');
        size_t length = end != NULL ? (size_t)(end - line) : strlen(line);
        if (length > 4) {
            capabilities_add(&opening->capabilities, line + 4, length - 4);
        }
        line = end;
    }
}

static OpeningNext after_hello(Opening *opening)
{
    if (opening->starttls && !opening->capabilities.starttls) {
        return NEXT_FAIL_STARTTLS;
    }
    if (opening->starttls) {
        opening->stage = STAGE_STARTTLS;
        return NEXT_STARTTLS;
    }
    opening->stage = opening->login ? STAGE_AUTH : STAGE_READY;
    return opening->login ? NEXT_LOGIN : NEXT_MAIL;
}

static OpeningNext hear_hello(Opening *opening)
{
    if (reply_class(&opening->last) == 2) {
        if (!opening->helo) {
            read_capabilities(opening);
        }
        return after_hello(opening);
    }
    /* A server of old; it has no STARTTLS. */
    if (reply_class(&opening->last) != 5 || opening->helo || opening->starttls) {
        return NEXT_FAIL;
    }
    opening->helo = true;
    return NEXT_HELO;
}

static OpeningNext hear_starttls(Opening *opening)
{
    if (opening->last.code != 220) {
        return NEXT_FAIL;
    }
    opening->stage = STAGE_TLS;
    return NEXT_TLS;
}

OpeningNext opening_heard(Opening *opening)
{
    OpeningNext next = NEXT_FAIL;
    if (opening->stage == STAGE_GREETING && reply_class(&opening->last) == 2) {
        opening->stage = STAGE_HELLO;
        next = NEXT_EHLO;
    } else if (opening->stage == STAGE_HELLO) {
        next = hear_hello(opening);
    } else if (opening->stage == STAGE_STARTTLS) {
        next = hear_starttls(opening);
    }
    g_string_truncate(opening->heard, 0);
    return next;
}

/* --- why it failed --- */

/* The server refused: its last reply is the reason. */
static bool was_refused(const Opening *opening)
{
    return opening->last.code >= 400;
}

static char *print_reply(const Opening *opening)
{
    const Reply *last = &opening->last;
    return g_strdup_printf("%s: %d%s%s%s%s", stage_text(opening->stage), last->code,
                           last->enhanced[0] != '\0' ? " " : "", last->enhanced,
                           last->text[0] != '\0' ? " " : "", last->text);
}

static char *print_no_auth(const Opening *opening, bool clear)
{
    const Capabilities *capabilities = &opening->capabilities;
    if (!capabilities->auth) {
        return g_strdup("AUTH: the server does not offer authentication");
    }
    return g_strdup_printf("AUTH: no mechanism in common; the server offers %s%s",
                           capabilities->mechanisms,
                           clear ? ", and a password is not sent unencrypted (`require_tls: true` "
                                   "encrypts)"
                                 : "");
}

char *opening_failure_text(const Opening *opening, OpeningFailure failure, const char *detail,
                           int64_t wait_ms)
{
    const char *stage = stage_text(opening->stage);
    switch (failure) {
    case OPENING_TIMED_OUT:
        return g_strdup_printf("%s: no answer within %g s", stage, (double)wait_ms / 1000);
    case OPENING_TLS_FAILED:
        return g_strdup_printf("TLS handshake: %s", detail);
    case OPENING_TLS_UNTRUSTED:
        return g_strdup_printf("TLS handshake: %s; `tls_config` says whom to trust (`ca_file`) "
                               "and under which name (`server_name`)",
                               detail);
    case OPENING_NO_AUTH:
    case OPENING_NO_AUTH_CLEAR:
        return print_no_auth(opening, failure == OPENING_NO_AUTH_CLEAR);
    case OPENING_NO_STARTTLS:
        return g_strdup("the server does not offer STARTTLS; `require_tls: false` would send "
                        "mail to it unencrypted");
    case OPENING_UNEXPECTED:
        return print_reply(opening);
    case OPENING_BROKEN:
        break;
    }
    return was_refused(opening) ? print_reply(opening) : g_strdup_printf("%s: %s", stage, detail);
}

RelayFault opening_failure_fault(const Opening *opening, OpeningFailure failure)
{
    bool greeting = opening->stage == STAGE_GREETING;
    if (opening->last.code == 421 || (greeting && reply_class(&opening->last) == 4)) {
        return FAULT_THROTTLE;
    }
    bool tls = failure == OPENING_TLS_FAILED || failure == OPENING_TLS_UNTRUSTED;
    bool auth = failure == OPENING_NO_AUTH || failure == OPENING_NO_AUTH_CLEAR;
    return auth || (opening->stage == STAGE_AUTH && !tls) ? FAULT_AUTH : FAULT_CONNECT;
}
