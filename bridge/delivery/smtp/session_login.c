/* SPDX-License-Identifier: MIT */
/* AUTH over a stream that libcurl has left us: a line, a reply, until 235 or a refusal.
 * A failure's words are masked, for some servers repeat what they were told. */
#include <string.h>

#include "bridge/delivery/smtp/session_inside.h"

enum { READ_SIZE = 4096 };

bool login_is_running(const Session *session)
{
    return session->unsent != NULL;
}

static void wipe_unsent(Session *session)
{
    explicit_bzero(session->unsent->str, session->unsent->allocated_len);
    g_string_truncate(session->unsent, 0);
}

void login_reset(Session *session)
{
    if (session->unsent != NULL) {
        wipe_unsent(session);
        g_string_free(session->unsent, TRUE);
        session->unsent = NULL;
    }
    auth_clear(&session->auth);
}

static void lose(Session *session)
{
    session_fail(session, OPENING_BROKEN, session_transport.error(session));
}

/* False if it failed. */
static bool flush(Session *session)
{
    GString *unsent = session->unsent;
    ssize_t sent = session_transport.send(session, unsent->str, unsent->len);
    if (sent == TRANSPORT_LOST) {
        lose(session);
        return false;
    }
    if (sent > 0 && (size_t)sent == unsent->len) {
        wipe_unsent(session);
    } else if (sent > 0) {
        g_string_erase(unsent, 0, sent);
    }
    session_want_write(session, unsent->len > 0);
    return true;
}

static bool say(Session *session, char *take_line)
{
    g_string_append(session->unsent, take_line);
    secret_free(take_line);
    return flush(session);
}

void login_begin(Session *session)
{
    Opening *opening = &session->opening;
    opening->stage = STAGE_AUTH;
    session->heard_ms = loop_now_ms(session->connector->loop);
    session->unsent = g_string_new(NULL);
    reply_init(&opening->parser);
    char *line =
        auth_start(&session->auth, &session->credentials, opening->capabilities.mechanisms);
    if (line != NULL) {
        say(session, line);
        return;
    }
    bool exposed = session->credentials.exposed;
    session_fail(session, exposed ? OPENING_NO_AUTH_CLEAR : OPENING_NO_AUTH, "");
}

/* False if that was the last one. */
static bool hear(Session *session, bool more)
{
    Opening *opening = &session->opening;
    g_autofree char *challenge = g_strdup(opening->parser.reply.text);
    opening->last = opening->parser.reply;
    session->heard_ms = loop_now_ms(session->connector->loop);
    if (more) {
        session_fail(session, OPENING_BROKEN, "the server said more than it was asked");
    } else if (opening->last.code == 334) {
        return say(session, auth_answer(&session->auth, &session->credentials, challenge));
    } else if (opening->last.code == 235) {
        opening->stage = STAGE_READY;
        session_announce(session);
    } else if (!session_renew_token(session)) {
        session_fail(session, OPENING_BROKEN, "not an answer to AUTH");
    }
    return false;
}

/* False if there is nothing more to be done with the session. */
static bool feed(Session *session, const char *bytes, size_t length)
{
    Opening *opening = &session->opening;
    ReplyStatus status = reply_feed(&opening->parser, &bytes, &length);
    if (status == REPLY_GARBAGE) {
        session_fail(session, OPENING_BROKEN, "not an SMTP reply");
    }
    return status == REPLY_MORE || (status == REPLY_COMPLETE && hear(session, length > 0));
}

void login_continue(Session *session)
{
    char buffer[READ_SIZE];
    if (session->unsent->len > 0 && !flush(session)) {
        return;
    }
    ssize_t got;
    while ((got = session_transport.receive(session, buffer, sizeof buffer)) > 0) {
        if (!feed(session, buffer, (size_t)got)) {
            return;
        }
    }
    if (got == 0) {
        session_fail(session, OPENING_BROKEN, "the server closed the connection");
    } else if (got == TRANSPORT_LOST) {
        lose(session);
    }
}
