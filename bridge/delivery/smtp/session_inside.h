/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_DELIVERY_SMTP_SESSION_INSIDE_H
#define BRIDGE_DELIVERY_SMTP_SESSION_INSIDE_H

#include <curl/curl.h>

#include "bridge/delivery/oauth2.h"
#include "bridge/delivery/smtp/auth.h"
#include "bridge/delivery/smtp/opening.h"
#include "bridge/delivery/smtp/session.h"

/* The session's inside: session.c (its life and its stream), session_connect.c and connector.c
 * (libcurl, on our loop), session_talk.c (what is said until it is open), session_login.c
 * (AUTH), session_token.c (OAuth2). */

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
    CURL *tls;           /* to go on with after STARTTLS; NULL: not to come, or done */
    curl_socket_t taken; /* the connection on its way from the one to the other */
    void *place;         /* a curl_slist that EASY points to */
    const SessionEvents *events;
    void *who;
    Opening opening;
    int64_t connect_ms, greeting_ms;
    int64_t heard_ms; /* monotonic: when it connected or last said something */
    Timer deadline;
    Watch *watch; /* NULL while it is libcurl's */
    const WireTap *tap;
    bool encrypted, login, connected;
    SessionPlan plan;        /* config referenced */
    Ticket *ticket;          /* NULL: no token is needed */
    bool renewed;            /* a token that was refused has been replaced */
    Credentials credentials; /* until it has logged in */
    Auth auth;
    GPtrArray *secrets;      /* once it is open: what must not be shown; see mask_list() */
    GString *unsent;         /* NULL: it is open for mail, or not connected yet */
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

/* TCP is there: from now on every stage has its own deadline. */
void session_note_connected(Session *session);
/* libcurl has connected, or done TLS, or failed. */
void session_finish(Session *session, CURLcode result);
void session_announce(Session *session); /* it is open for mail */
void session_fail(Session *session, OpeningFailure failure, const char *detail);
void session_tap(const Session *session, WireSide side, const char *bytes, size_t length);

/* session_connect.c */

/* Begins with the name; false with ERROR set if a setting is of no use. */
bool session_connect(Session *session, GError **error);
/* The connection gets TLS; session_finish() is its end. */
bool session_start_tls(Session *session, GError **error);
void session_disconnect(Session *session); /* back to where it can connect again */

/* session_talk.c */

/* The stream is there: first the greeting, or EHLO where TLS has just been made.  Its end
 * is session_announce(), session_fail() or session_start_tls(). */
void talk_begin(Session *session);
void talk_continue(Session *session); /* the stream is ready for more */
bool talk_is_going_on(const Session *session);
void talk_end(Session *session);
/* False if the session failed. */
bool talk_say(Session *session, char *take_line);

/* session_login.c; false if there is nothing more to be heard */

bool login_begin(Session *session);
bool login_heard(Session *session); /* `last` is the answer to what was said last */

#endif
