/* SPDX-License-Identifier: MIT */
/* libcurl resolves, connects and does TLS (CURLOPT_CONNECT_ONLY in a multi handle driven by
 * our loop), and then leaves us the stream.  For STARTTLS a second handle takes over the
 * connected socket as if it had just connected it: so the handshake, and all that is
 * verified in it, is the same as where TLS comes first.  A handle stays in the multi handle
 * for as long as its stream is used; taking it out closes its socket at once, which is why
 * the second one is given a duplicate. */
#include <fcntl.h>
#include <unistd.h>

#include "bridge/delivery/smtp/session_inside.h"
#include "bridge/delivery/smtp/session_options.h"
#include "rules/fault.h"

/* --- what libcurl says of itself, until the stream is ours --- */

static int on_note(CURL *easy, curl_infotype type, char *bytes, size_t length, void *user)
{
    (void)easy;
    const Session *session = user;
    if (type == CURLINFO_TEXT && session->watch == NULL) {
        session_tap(session, WIRE_NOTE, bytes, length);
    }
    return 0;
}

static CURLcode set_notes(Session *session, CURL *easy)
{
    CURLcode bad = CURLE_OK;
    if (session->tap != NULL) {
        bad |= curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);
        bad |= curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_note);
        bad |= curl_easy_setopt(easy, CURLOPT_DEBUGDATA, session);
    }
    return bad;
}

/* --- the connection --- */

static bool set_up(Session *session, CURL *easy, bool tls, GError **error)
{
    if (!options_set(easy, &session->plan, tls, error)) {
        return false;
    }
    CURLcode bad = set_notes(session, easy);
    bad |= curl_easy_setopt(easy, CURLOPT_PRIVATE, session);
    bad |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, session->error);
    if (bad != CURLE_OK) {
        g_set_error(error, FAULT, FAULT_SYSTEM, "libcurl lacks what we need");
    }
    return bad == CURLE_OK;
}

static bool add_to_multi(Session *session, CURL *easy, GError **error)
{
    bool added = curl_multi_add_handle(session->connector->multi, easy) == CURLM_OK;
    if (!added) {
        g_set_error(error, FAULT, FAULT_SYSTEM, "libcurl takes no further session");
    }
    return added;
}

/* Certificates are checked against the URL's host: where another name is expected, the
 * URL has that, and libcurl is told where to connect instead. */
static void set_place(Session *session)
{
    const RelayConfig *relay = session->plan.relay;
    if (options_tls_name(relay) != relay->host) {
        session->place = options_connect_to(relay->host, relay->port);
        curl_easy_setopt(session->easy, CURLOPT_CONNECT_TO, session->place);
    }
}

/* Where STARTTLS is to come its settings are read now: what is wrong with them is known
 * before anything is said, and they belong to one moment. */
static bool prepare(Session *session, GError **error)
{
    const RelayConfig *relay = session->plan.relay;
    session->easy = curl_easy_init();
    g_assert(session->easy != NULL);
    if (!set_up(session, session->easy, relay->implicit_tls, error)) {
        return false;
    }
    set_place(session);
    if (!session->encrypted || relay->implicit_tls) {
        return true;
    }
    session->tls = curl_easy_init();
    g_assert(session->tls != NULL);
    return set_up(session, session->tls, true, error);
}

/* The deadline of the token is its request's own. */
bool session_connect(Session *session, GError **error)
{
    const RelayConfig *relay = session->plan.relay;
    opening_init(&session->opening, session->encrypted && !relay->implicit_tls, session->login);
    if (!prepare(session, error) || !add_to_multi(session, session->easy, error)) {
        return false;
    }
    loop_set_timer(session->connector->loop, &session->deadline,
                   loop_now_ms(session->connector->loop) + session->connect_ms);
    return true;
}

static void drop(Session *session, CURL *easy)
{
    if (easy != NULL) {
        curl_multi_remove_handle(session->connector->multi, easy);
        curl_easy_cleanup(easy);
    }
}

/* --- STARTTLS --- */

static curl_socket_t give_socket(void *who, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)purpose;
    (void)address;
    Session *session = who;
    curl_socket_t fd = session->taken; /* once: there is no second connection */
    session->taken = CURL_SOCKET_BAD;
    return fd;
}

static int tell_connected(void *who, curl_socket_t fd, curlsocktype purpose)
{
    (void)who;
    (void)fd;
    (void)purpose;
    return CURL_SOCKOPT_ALREADY_CONNECTED;
}

/* Nothing is resolved again: the address is the one that is connected. */
static CURLcode set_takeover(Session *session)
{
    CURL *easy = session->tls;
    char *address = NULL;
    CURLcode bad = curl_easy_getinfo(session->easy, CURLINFO_PRIMARY_IP, &address);
    void *place = options_connect_to(address != NULL ? address : "", session->plan.relay->port);
    bad |= curl_easy_setopt(easy, CURLOPT_CONNECT_TO, place);
    bad |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, give_socket);
    bad |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, session);
    bad |= curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, tell_connected);
    bad |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)G_MAXINT32); /* ours acts */
    curl_slist_free_all(session->place);
    session->place = place;
    return bad;
}

bool session_start_tls(Session *session, GError **error)
{
    curl_socket_t fd = CURL_SOCKET_BAD;
    curl_easy_getinfo(session->easy, CURLINFO_ACTIVESOCKET, &fd);
    session->taken = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    loop_unwatch(session->connector->loop, g_steal_pointer(&session->watch));
    curl_easy_setopt(session->easy, CURLOPT_CONNECT_TO, NULL);
    if (session->taken < 0 || set_takeover(session) != CURLE_OK) {
        g_set_error(error, FAULT, FAULT_SYSTEM, "the connection cannot be taken over");
        return false;
    }
    drop(session, session->easy);
    session->easy = g_steal_pointer(&session->tls);
    return add_to_multi(session, session->easy, error);
}

/* --- the end --- */

void session_disconnect(Session *session)
{
    Connector *connector = session->connector;
    loop_unset_timer(connector->loop, &session->deadline);
    loop_unwatch(connector->loop, g_steal_pointer(&session->watch));
    drop(session, g_steal_pointer(&session->easy));
    drop(session, g_steal_pointer(&session->tls));
    curl_slist_free_all(g_steal_pointer(&session->place));
    if (session->taken != CURL_SOCKET_BAD) {
        close(session->taken);
        session->taken = CURL_SOCKET_BAD;
    }
    session->error[0] = '\0';
    session->connected = false;
    talk_end(session);
    auth_clear(&session->auth);
}
