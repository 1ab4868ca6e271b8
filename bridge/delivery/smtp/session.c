/* SPDX-License-Identifier: MIT */
/* libcurl resolves, connects, does TLS, EHLO, STARTTLS and AUTH (CURLOPT_CONNECT_ONLY
 * in a multi handle driven by our loop) and then leaves us the stream.  Its handle
 * stays in the multi handle for the session's life; taking it out closes the socket
 * at once.  What it does not do well is done here: capabilities are read in any case
 * and forgotten at STARTTLS, 235 is required where there are credentials, and every
 * stage has its own deadline. */
#include "bridge/delivery/smtp/session.h"

#include <curl/curl.h>
#include <string.h>

#include "bridge/delivery/smtp/opening.h"
#include "bridge/delivery/smtp/session_options.h"
#include "rules/fault.h"

struct Connector {
    Loop *loop;
    CURLM *multi;
    Timer timer;
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
    Watch *watch; /* NULL until it is open */
    const WireTap *tap;
    bool encrypted, login, login_in_clear; /* the last: a password is held back */
    CURLcode lost;
    char error[CURL_ERROR_SIZE];
};

/* A socket of libcurl's while a session is being opened. */
typedef struct {
    Connector *connector;
    Session *session;
    curl_socket_t fd;
    Watch *watch;
} Socket;

/* --- the end of an opening --- */

static bool is_tls_error(CURLcode result)
{
    static const CURLcode codes[] = {
        CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM,
        CURLE_SSL_CIPHER,        CURLE_SSL_CACERT_BADFILE,       CURLE_SSL_ISSUER_ERROR,
        CURLE_SSL_CRL_BADFILE,   CURLE_SSL_INVALIDCERTSTATUS,    CURLE_SSL_ENGINE_INITFAILED,
    };
    for (size_t i = 0; i < G_N_ELEMENTS(codes); i++) {
        if (codes[i] == result) {
            return true;
        }
    }
    return false;
}

/* What libcurl says of an end without an error has the number of an earlier one. */
static const char *curl_text(const Session *session, CURLcode result)
{
    if (result == CURLE_RECV_ERROR &&
        g_str_has_prefix(session->error, "response reading failed")) {
        return "the server closed the connection";
    }
    return session->error[0] != '\0' ? session->error : curl_easy_strerror(result);
}

static const char *failure_detail(const Session *session, CURLcode result)
{
    long number = 0;
    curl_easy_getinfo(session->easy, CURLINFO_OS_ERRNO, &number);
    bool known = result == CURLE_COULDNT_CONNECT && number != 0;
    return known ? g_strerror((int)number) : curl_text(session, result);
}

static OpeningFailure failure_kind(const Session *session, CURLcode result)
{
    bool refused = session->opening.last.code >= 400;
    if (result == CURLE_OK || (result == CURLE_LOGIN_DENIED && !refused)) {
        return session->login_in_clear ? OPENING_NO_AUTH_CLEAR : OPENING_NO_AUTH;
    }
    if (result == CURLE_PEER_FAILED_VERIFICATION) {
        return OPENING_TLS_UNTRUSTED;
    }
    if (is_tls_error(result)) {
        return OPENING_TLS_FAILED;
    }
    if (result == CURLE_OPERATION_TIMEDOUT) {
        return OPENING_TIMED_OUT;
    }
    return result == CURLE_USE_SSL_FAILED ? OPENING_NO_STARTTLS : OPENING_BROKEN;
}

/* RESULT OK: it is open, but not authenticated. */
static void fail(Session *session, CURLcode result)
{
    const Opening *opening = &session->opening;
    OpeningFailure failure = failure_kind(session, result);
    int64_t wait_ms = opening->stage == STAGE_CONNECT ? session->connect_ms : session->greeting_ms;
    g_autofree char *text =
        opening_failure_text(opening, failure, failure_detail(session, result), wait_ms);
    loop_unset_timer(session->connector->loop, &session->deadline);
    session->events->failed(session->who, opening_failure_fault(opening, failure), text);
}

static void on_ready(void *who, uint32_t events)
{
    Session *session = who;
    session->events->ready(session->who, (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0);
}

static void finish_opening(Session *session, CURLcode result)
{
    long code = 0;
    curl_easy_getinfo(session->easy, CURLINFO_RESPONSE_CODE, &code);
    if (result != CURLE_OK || (session->login && code != 235)) {
        fail(session, result);
        return;
    }
    curl_socket_t fd = CURL_SOCKET_BAD;
    result = curl_easy_getinfo(session->easy, CURLINFO_ACTIVESOCKET, &fd);
    if (result != CURLE_OK || fd == CURL_SOCKET_BAD) {
        fail(session, CURLE_RECV_ERROR);
        return;
    }
    Loop *loop = session->connector->loop;
    loop_unset_timer(loop, &session->deadline);
    session->watch = loop_watch(loop, fd, EPOLLIN, on_ready, session);
    session->events->opened(session->who);
}

/* --- libcurl on our loop --- */

static void finish_openings(Connector *connector)
{
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(connector->multi, &left)) != NULL) {
        char *session = NULL;
        CURLcode result = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &session);
        if (message->msg == CURLMSG_DONE) {
            finish_opening((Session *)(void *)session, result);
        }
    }
}

/* libcurl's one timeout up to the end of AUTH becomes ours a stage once TCP is there. */
static void note_connected(Session *session)
{
    curl_off_t connected_us = 0;
    curl_easy_getinfo(session->easy, CURLINFO_CONNECT_TIME_T, &connected_us);
    if (session->opening.stage == STAGE_CONNECT && connected_us > 0) {
        opening_connected(&session->opening);
        session->heard_ms = loop_now_ms(session->connector->loop);
        curl_easy_setopt(session->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)G_MAXINT32);
    }
}

static void on_socket_ready(void *who, uint32_t events)
{
    Socket *socket = who; /* may be gone after the action */
    Connector *connector = socket->connector;
    Session *session = socket->session;
    int mask = ((events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
               ((events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
               ((events & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0);
    int running;
    curl_multi_socket_action(connector->multi, socket->fd, mask, &running);
    note_connected(session);
    finish_openings(connector);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *known)
{
    Connector *connector = user;
    Socket *socket = known;
    if (what == CURL_POLL_REMOVE) {
        if (socket != NULL) {
            loop_unwatch(connector->loop, socket->watch);
            curl_multi_assign(connector->multi, fd, NULL);
            g_free(socket);
        }
        return 0;
    }
    uint32_t events = ((what & CURL_POLL_IN) != 0 ? (uint32_t)EPOLLIN : 0U) |
                      ((what & CURL_POLL_OUT) != 0 ? (uint32_t)EPOLLOUT : 0U);
    if (socket != NULL) {
        loop_rewatch(connector->loop, socket->watch, events);
        return 0;
    }
    char *session = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &session);
    socket = g_new(Socket, 1);
    *socket = (Socket){connector, (Session *)(void *)session, fd, NULL};
    socket->watch = loop_watch(connector->loop, fd, events, on_socket_ready, socket);
    curl_multi_assign(connector->multi, fd, socket);
    return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *user)
{
    (void)multi;
    Connector *connector = user;
    if (timeout_ms < 0) {
        loop_unset_timer(connector->loop, &connector->timer);
    } else {
        loop_set_timer(connector->loop, &connector->timer,
                       loop_now_ms(connector->loop) + timeout_ms);
    }
    return 0;
}

static void on_timeout(void *who)
{
    Connector *connector = who;
    int running;
    curl_multi_socket_action(connector->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    finish_openings(connector);
}

Connector *connector_new(Loop *loop, GError **error)
{
    Connector *connector = g_new0(Connector, 1);
    connector->loop = loop;
    connector->timer = (Timer){.fire = on_timeout, .who = connector};
    bool ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    connector->multi = ready ? curl_multi_init() : NULL;
    if (connector->multi == NULL) {
        g_set_error(error, FAULT, FAULT_SYSTEM, "smtp: libcurl does not start");
        g_free(connector);
        return NULL;
    }
    curl_multi_setopt(connector->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(connector->multi, CURLMOPT_SOCKETDATA, connector);
    curl_multi_setopt(connector->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(connector->multi, CURLMOPT_TIMERDATA, connector);
    return connector;
}

void connector_free(Connector *connector)
{
    if (connector != NULL) {
        curl_multi_cleanup(connector->multi);
        loop_unset_timer(connector->loop, &connector->timer);
        curl_global_cleanup();
        g_free(connector);
    }
}

static size_t on_line(char *line, size_t one, size_t length, void *user)
{
    (void)one;
    Session *session = user;
    opening_hear(&session->opening, line, length);
    session->heard_ms = loop_now_ms(session->connector->loop);
    return length;
}

/* --- who listens --- */

static void tap(const Session *session, WireSide side, const char *bytes, size_t length)
{
    if (session->tap != NULL) {
        session->tap->bytes(session->tap->who, side, bytes, length);
    }
}

/* Until it is open, libcurl speaks; its later remarks are about itself. */
static int on_talk(CURL *easy, curl_infotype type, char *bytes, size_t length, void *user)
{
    (void)easy;
    const Session *session = user;
    if (type == CURLINFO_TEXT && session->watch == NULL) {
        tap(user, WIRE_NOTE, bytes, length);
    } else if (type == CURLINFO_HEADER_IN || type == CURLINFO_HEADER_OUT) {
        tap(user, type == CURLINFO_HEADER_IN ? WIRE_SERVER : WIRE_CLIENT, bytes, length);
    }
    return 0;
}

static CURLcode set_tap(Session *session)
{
    CURLcode bad = CURLE_OK;
    if (session->tap != NULL) {
        bad |= curl_easy_setopt(session->easy, CURLOPT_VERBOSE, 1L);
        bad |= curl_easy_setopt(session->easy, CURLOPT_DEBUGFUNCTION, on_talk);
        bad |= curl_easy_setopt(session->easy, CURLOPT_DEBUGDATA, session);
    }
    return bad;
}

/* --- a session's life --- */

static void on_deadline(void *who)
{
    Session *session = who;
    Loop *loop = session->connector->loop;
    note_connected(session);
    int64_t due_ms = session->heard_ms + session->greeting_ms;
    if (session->opening.stage != STAGE_CONNECT && due_ms > loop_now_ms(loop)) {
        loop_set_timer(loop, &session->deadline, due_ms);
    } else {
        fail(session, CURLE_OPERATION_TIMEDOUT);
    }
}

static bool add_to_multi(Session *session, GError **error)
{
    CURL *easy = session->easy;
    CURLcode bad = CURLE_OK;
    bad |= curl_easy_setopt(easy, CURLOPT_PRIVATE, session);
    bad |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, session->error);
    bad |= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_line);
    bad |= curl_easy_setopt(easy, CURLOPT_HEADERDATA, session);
    bad |= set_tap(session);
    bool added = bad == CURLE_OK &&
                 curl_multi_add_handle(session->connector->multi, easy) == CURLM_OK;
    if (!added) {
        g_set_error(error, FAULT, FAULT_SYSTEM, "libcurl takes no further session");
    }
    return added;
}

Session *session_open(Connector *connector, const SessionPlan *plan,
                      const SessionEvents *events, void *who, GError **error)
{
    const RelayConfig *relay = plan->relay;
    Session *session = g_new0(Session, 1);
    session->connector = connector;
    session->events = events;
    session->who = who;
    session->tap = plan->tap;
    session->connect_ms = plan->delivery->connect_ms;
    session->greeting_ms = plan->delivery->greeting_ms;
    session->encrypted = options_encrypt(relay);
    session->login = options_login(relay);
    session->login_in_clear = options_hold_back_password(relay);
    session->deadline = (Timer){.fire = on_deadline, .who = session};
    opening_init(&session->opening, session->encrypted && !relay->implicit_tls, session->login);
    session->easy = curl_easy_init();
    g_assert(session->easy != NULL);
    if (!options_set(session->easy, plan, &session->list, error) ||
        !add_to_multi(session, error)) {
        session_close(session);
        return NULL;
    }
    loop_set_timer(connector->loop, &session->deadline,
                   loop_now_ms(connector->loop) + session->connect_ms);
    return session;
}

void session_close(Session *session)
{
    if (session == NULL) {
        return;
    }
    loop_unset_timer(session->connector->loop, &session->deadline);
    loop_unwatch(session->connector->loop, session->watch);
    curl_multi_remove_handle(session->connector->multi, session->easy);
    curl_easy_cleanup(session->easy);
    curl_slist_free_all(session->list);
    g_free(session);
}

const Capabilities *session_capabilities(const Session *session)
{
    return &session->opening.capabilities;
}

bool session_is_encrypted(const Session *session)
{
    return session->encrypted;
}

void session_want_write(Session *session, bool want)
{
    uint32_t events = want ? (uint32_t)EPOLLIN | (uint32_t)EPOLLOUT : (uint32_t)EPOLLIN;
    loop_rewatch(session->connector->loop, session->watch, events);
}

/* --- the stream --- */

static ssize_t lost(Session *session, CURLcode result)
{
    if (result == CURLE_AGAIN) {
        return TRANSPORT_AGAIN;
    }
    session->lost = result;
    return TRANSPORT_LOST;
}

static ssize_t session_send(void *who, const void *bytes, size_t length)
{
    Session *session = who;
    size_t sent = 0;
    CURLcode result = curl_easy_send(session->easy, bytes, length, &sent);
    tap(session, WIRE_CLIENT, bytes, sent);
    return result == CURLE_OK ? (ssize_t)sent : lost(session, result);
}

static ssize_t session_receive(void *who, void *buffer, size_t size)
{
    Session *session = who;
    size_t got = 0;
    CURLcode result = curl_easy_recv(session->easy, buffer, size, &got);
    tap(session, WIRE_SERVER, buffer, got);
    return result == CURLE_OK ? (ssize_t)got : lost(session, result);
}

static const char *session_error(void *who)
{
    Session *session = who;
    return curl_text(session, session->lost);
}

const TransportOps session_transport = {session_send, session_receive, session_error};
