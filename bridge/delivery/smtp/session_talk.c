/* SPDX-License-Identifier: MIT */
/* What is said until a session is open: a line, a reply, from the greeting to the end of
 * AUTH.  The server has one line to answer at a time, so whatever it says beyond the reply
 * to it is a fault: behind the reply to STARTTLS somebody else might have said it. */
#include <string.h>

#include "bridge/delivery/mask.h"
#include "bridge/delivery/smtp/session_inside.h"

enum { READ_SIZE = 4096 };

bool talk_is_going_on(const Session *session)
{
    return session->unsent != NULL;
}

static void wipe_unsent(Session *session)
{
    explicit_bzero(session->unsent->str, session->unsent->allocated_len);
    g_string_truncate(session->unsent, 0);
}

void talk_end(Session *session)
{
    if (session->unsent != NULL) {
        wipe_unsent(session);
        g_string_free(g_steal_pointer(&session->unsent), TRUE);
    }
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

bool talk_say(Session *session, char *take_line)
{
    g_string_append(session->unsent, take_line);
    secret_free(take_line);
    return flush(session);
}

static bool say_hello(Session *session, const char *verb)
{
    const RelayConfig *relay = session->plan.relay;
    const char *name = *relay->hello != '\0' ? relay->hello : session->plan.hello;
    return talk_say(session, g_strdup_printf("%s %s\r\n", verb, name));
}

static bool start_tls(Session *session)
{
    g_autoptr(GError) error = NULL;
    if (!session_start_tls(session, &error)) {
        session_fail(session, OPENING_TLS_FAILED, error->message);
    }
    return false;
}

static bool give_up(Session *session)
{
    session_fail(session, OPENING_UNEXPECTED, "");
    return false;
}

/* False if there is nothing more to be heard for now, or ever. */
static bool go_on(Session *session)
{
    if (session->opening.stage == STAGE_AUTH) {
        return login_heard(session);
    }
    switch (opening_heard(&session->opening)) {
    case NEXT_EHLO:
        return say_hello(session, "EHLO");
    case NEXT_HELO:
        return say_hello(session, "HELO");
    case NEXT_STARTTLS:
        return talk_say(session, g_strdup("STARTTLS\r\n"));
    case NEXT_TLS:
        return start_tls(session);
    case NEXT_LOGIN:
        return login_begin(session);
    case NEXT_MAIL:
        session_announce(session);
        return false;
    case NEXT_FAIL_STARTTLS:
        session_fail(session, OPENING_NO_STARTTLS, "");
        return false;
    case NEXT_FAIL:
        break;
    }
    return give_up(session);
}

/* As go_on(). */
static bool feed(Session *session, const char *bytes, size_t length)
{
    ReplyStatus status = opening_feed(&session->opening, &bytes, &length);
    if (status == REPLY_MORE) {
        return true;
    }
    session->heard_ms = loop_now_ms(session->connector->loop);
    if (status == REPLY_COMPLETE && length == 0) {
        return go_on(session);
    }
    session_fail(session, OPENING_BROKEN, status == REPLY_GARBAGE
                                              ? "not an SMTP reply"
                                              : "the server said more than it was asked");
    return false;
}

void talk_continue(Session *session)
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

void talk_begin(Session *session)
{
    if (session->unsent == NULL) {
        session->unsent = g_string_new(NULL);
    }
    session->heard_ms = loop_now_ms(session->connector->loop);
    if (session->opening.stage != STAGE_TLS) {
        talk_continue(session); /* TLS may hold the greeting already */
        return;
    }
    opening_encrypted(&session->opening);
    if (say_hello(session, "EHLO")) {
        talk_continue(session);
    }
}
