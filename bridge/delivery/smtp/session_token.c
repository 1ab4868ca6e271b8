/* SPDX-License-Identifier: MIT */
/* A session of a relay with OAuth2 waits for its token before it connects.  Tokens come from
 * other threads: they ring for a task of the loop, which looks at all that wait.  A token
 * that the server refuses is replaced once, if it was not new: then the session begins anew. */
#include <string.h>

#include "bridge/delivery/smtp/session_inside.h"

/* Not from within session_open(): what fails at once is told in the loop's next round. */
static void look(Session *session)
{
    g_autoptr(GError) error = NULL;
    char *token = NULL;
    TokenState state = oauth2_look(session->ticket, &token, &error);
    if (state == TOKEN_WAIT) {
        return;
    }
    g_ptr_array_remove(session->connector->waiting, session);
    if (state == TOKEN_READY) {
        secret_free(session->credentials.token);
        session->credentials.token = token;
    }
    if (state == TOKEN_FAILED || !session_connect(session, &error)) {
        opening_init(&session->opening, false, true);
        session->opening.stage = STAGE_AUTH;
        session_fail(session, OPENING_BROKEN, error->message);
    }
}

static void on_tokens(void *who)
{
    Connector *connector = who;
    /* Each look may end any session, and those that begin come behind. */
    for (guint i = connector->waiting->len; i-- > 0;) {
        if (i < connector->waiting->len) {
            look(g_ptr_array_index(connector->waiting, i));
        }
    }
}

static void on_answered(void *who)
{
    Connector *connector = who;
    loop_post(connector->loop, &connector->tokens);
}

void tokens_start(Connector *connector)
{
    connector->waiting = g_ptr_array_new();
    connector->tokens = (Task){.run = on_tokens, .who = connector};
    connector->oauth2 = oauth2_new(on_answered, connector);
}

void tokens_end(Connector *connector)
{
    oauth2_free(connector->oauth2);
    g_ptr_array_unref(connector->waiting);
}

void session_await_token(Session *session)
{
    Connector *connector = session->connector;
    session->ticket = oauth2_ask(connector->oauth2, session->plan.config, session->plan.relay);
    g_ptr_array_add(connector->waiting, session);
    loop_post(connector->loop, &connector->tokens);
}

void session_forget_token(Session *session)
{
    if (session->ticket != NULL) {
        g_ptr_array_remove(session->connector->waiting, session);
        oauth2_drop(session->ticket);
        session->ticket = NULL;
    }
}

bool session_renew_token(Session *session)
{
    bool refused = session->opening.last.code == 535;
    if (session->ticket == NULL || !refused ||
        !oauth2_refuse(session->ticket, session->credentials.token) || session->renewed) {
        return false;
    }
    session->renewed = true;
    session_forget_token(session);
    session_disconnect(session);
    session_await_token(session);
    return true;
}
