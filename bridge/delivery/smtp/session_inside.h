/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_DELIVERY_SMTP_SESSION_INSIDE_H
#define BRIDGE_DELIVERY_SMTP_SESSION_INSIDE_H

#include <curl/curl.h>

#include "bridge/delivery/oauth2.h"
#include "bridge/delivery/smtp/auth.h"
#include "bridge/delivery/smtp/opening.h"
#include "bridge/delivery/smtp/session.h"

/* The session's inside, shared by session.c (its life and its stream), connector.c
 * (libcurl on our loop) and session_login.c (AUTH). */

struct Connector {
    Loop *loop;
    CURLM *multi;
    Timer timer;
    Oauth2 *oauth2;
    Task tokens;        /* a token may have come */
    GPtrArray *waiting; /* Session *: for a token */
};

struct Session {
    Connector *connector;
    CURL *easy;
    void *list; /* a curl_slist that EASY points to */
    const SessionEvents *events;
    void *who;
    Opening opening;
    int64_t connect_ms, greeting_ms;
    int64_t heard_ms; /* monotonic: when it connected or last said something */
    Timer deadline;
    Watch *watch; /* NULL until libcurl is done */
    const WireTap *tap;
    bool encrypted, login, connected;
    SessionPlan plan;        /* config referenced */
    Ticket *ticket;          /* NULL: no token is needed */
    bool renewed;            /* a token that was refused has been replaced */
    Credentials credentials; /* until it has logged in */
    Auth auth;
    GPtrArray *secrets;      /* once it is open: what must not be shown; see mask_list() */
    GString *unsent;         /* of AUTH; NULL: it is over, or has not begun */
    CURLcode lost;
    char error[CURL_ERROR_SIZE];
};

/* session_token.c */

void tokens_start(Connector *connector);
void tokens_end(Connector *connector); /* after the last session */
/* Begins to wait for a token; session_connect() or session_fail() is its end. */
void session_await_token(Session *session);
/* The server refused the token: true if another is waited for now, and all begins anew. */
bool session_renew_token(Session *session);
void session_forget_token(Session *session);

/* session.c */

/* Begins with the name; false with ERROR set if a setting is of no use. */
bool session_connect(Session *session, GError **error);
void session_disconnect(Session *session); /* back to where it can connect again */

/* TCP is there: from now on every stage has its own deadline. */
void session_note_connected(Session *session);
/* libcurl is done: the session is open as far as EHLO, or failed. */
void session_finish_opening(Session *session, CURLcode result);
void session_announce(Session *session); /* it is open for mail */
void session_fail(Session *session, OpeningFailure failure, const char *detail);
const char *session_curl_text(const Session *session, CURLcode result);

/* session_login.c */

/* Begins AUTH on the open stream; its end is session_announce() or session_fail(). */
void login_begin(Session *session);
void login_continue(Session *session); /* the stream is ready for more */
bool login_is_running(const Session *session);
void login_reset(Session *session); /* forgets what was said */

#endif
