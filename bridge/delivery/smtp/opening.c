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
    memset(opening, 0, offsetof(Opening, parser));
    opening->starttls = starttls;
    opening->login = login;
    opening->first_line = true;
    reply_init(&opening->parser);
}

void opening_connected(Opening *opening)
{
    if (opening->stage == STAGE_CONNECT) {
        opening->stage = STAGE_GREETING;
    }
}

static OpeningStage after_hello(const Opening *opening)
{
    if (opening->starttls) {
        return STAGE_STARTTLS;
    }
    return opening->login ? STAGE_AUTH : STAGE_READY;
}

static void on_reply(Opening *opening)
{
    if (opening->stage == STAGE_TLS) {
        opening->stage = STAGE_HELLO; /* it speaks, so there is TLS */
    }
    bool fine = reply_class(&opening->last) == 2;
    if (!fine) {
        return; /* after EHLO, libcurl says HELO; else it gives up */
    }
    switch (opening->stage) {
    case STAGE_CONNECT: /* not here: what speaks is connected */
    case STAGE_GREETING:
        opening->stage = STAGE_HELLO;
        break;
    case STAGE_TLS: /* not here */
    case STAGE_HELLO:
        opening->stage = after_hello(opening);
        break;
    case STAGE_STARTTLS:
        opening->answered = true;
        if (opening->last.code != 220) {
            break;
        }
        opening->starttls = false;
        opening->capabilities = (Capabilities){0};
        opening->stage = STAGE_TLS;
        break;
    case STAGE_AUTH:
    case STAGE_READY:
        opening->stage = STAGE_READY;
    }
}

static void note_capability(Opening *opening, const char *line, size_t length)
{
    bool hello = opening->stage == STAGE_HELLO || opening->stage == STAGE_TLS;
    bool first = opening->first_line;
    opening->first_line = false;
    if (hello && !first && length > 4 && memcmp(line, "250", 3) == 0) {
        capabilities_add(&opening->capabilities, line + 4, length - 4);
    }
}

void opening_hear(Opening *opening, const char *line, size_t length)
{
    opening_connected(opening);
    note_capability(opening, line, length);
    ReplyStatus status = reply_feed(&opening->parser, &line, &length);
    if (status == REPLY_GARBAGE) {
        reply_init(&opening->parser);
        opening->first_line = true;
    } else if (status == REPLY_COMPLETE) {
        opening->last = opening->parser.reply;
        opening->first_line = true;
        on_reply(opening);
    }
}

/* --- why it failed --- */

/* The server refused: its last reply is the reason, whatever libcurl makes of it. */
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
        if (opening->answered) {
            return print_reply(opening);
        }
        if (!was_refused(opening) && opening->capabilities.starttls) {
            return g_strdup("the server offers STARTTLS in small letters, which libcurl before 8.17 "
                            "does not take for it; `force_implicit_tls: true` needs no STARTTLS");
        }
        if (!was_refused(opening)) {
            return g_strdup("the server does not offer STARTTLS; `require_tls: false` would send "
                            "mail to it unencrypted");
        }
        break;
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
    return auth || (opening->stage == STAGE_AUTH && !tls) ? FAULT_AUTH
                                                                                 : FAULT_CONNECT;
}
