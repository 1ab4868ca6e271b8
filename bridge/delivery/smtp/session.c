/* SPDX-License-Identifier: MIT */
/* A session: libcurl connects, we talk, and then it is a stream of bytes.  AUTH is ours, too:
 * libcurl knows no credentials, so it can neither send them in clear nor be content without
 * them.  Every stage has its own deadline. */
#include "bridge/delivery/smtp/session.h"

#include <string.h>

#include "bridge/delivery/mask.h"
#include "bridge/delivery/smtp/session_inside.h"
#include "bridge/delivery/smtp/session_options.h"
#include "rules/fault.h"

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

static const char *curl_text(const Session *session, CURLcode result)
{
    return session->error[0] != '\0' ? session->error : curl_easy_strerror(result);
}

static const char *failure_detail(const Session *session, CURLcode result)
{
    long number = 0;
    curl_easy_getinfo(session->easy, CURLINFO_OS_ERRNO, &number);
    bool known = result == CURLE_COULDNT_CONNECT && number != 0;
    return known ? g_strerror((int)number) : curl_text(session, result);
}

static OpeningFailure failure_kind(CURLcode result)
{
    if (result == CURLE_PEER_FAILED_VERIFICATION) {
        return OPENING_TLS_UNTRUSTED;
    }
    if (is_tls_error(result)) {
        return OPENING_TLS_FAILED;
    }
    return result == CURLE_OPERATION_TIMEDOUT ? OPENING_TIMED_OUT : OPENING_BROKEN;
}

/* The setting that would make a difference; "" if none would. */
static const char *setting_of(CURLcode result, const char *detail)
{
    if (result == CURLE_SSL_CERTPROBLEM) {
        return " (see cert_file and key_file of tls_config)";
    }
    if (result == CURLE_SSL_CACERT_BADFILE) {
        return " (see ca_file of tls_config)";
    }
    bool version = strstr(detail, "version") != NULL || strstr(detail, "protocol") != NULL;
    return version ? " (see min_version and max_version of tls_config; TLS from the first byte "
                     "is force_implicit_tls)"
                   : "";
}

void session_fail(Session *session, OpeningFailure failure, const char *detail)
{
    const Opening *opening = &session->opening;
    int64_t wait_ms = opening->stage == STAGE_CONNECT ? session->connect_ms : session->greeting_ms;
    g_autofree char *text = opening_failure_text(opening, failure, detail, wait_ms);
    g_autoptr(GPtrArray) secrets = auth_secrets(&session->auth, &session->credentials);
    mask_list(text, secrets);
    loop_unset_timer(session->connector->loop, &session->deadline);
    session->events->failed(session->who, opening_failure_fault(opening, failure), text);
}

static void fail(Session *session, CURLcode result)
{
    const char *detail = failure_detail(session, result);
    OpeningFailure failure = failure_kind(result);
    bool tls = failure == OPENING_TLS_FAILED;
    g_autofree char *text = g_strconcat(detail, tls ? setting_of(result, detail) : "", NULL);
    session_fail(session, failure, text);
}

static void on_ready(void *who, uint32_t events)
{
    Session *session = who;
    if (talk_is_going_on(session)) {
        talk_continue(session);
    } else {
        session->events->ready(session->who, (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0);
    }
}

void session_announce(Session *session)
{
    session->secrets = auth_secrets(&session->auth, &session->credentials);
    talk_end(session);
    auth_clear(&session->auth);
    credentials_clear(&session->credentials);
    loop_unset_timer(session->connector->loop, &session->deadline);
    session->events->opened(session->who);
}

void session_finish(Session *session, CURLcode result)
{
    curl_socket_t fd = CURL_SOCKET_BAD;
    if (result == CURLE_OK) {
        result = curl_easy_getinfo(session->easy, CURLINFO_ACTIVESOCKET, &fd);
        result = result == CURLE_OK && fd == CURL_SOCKET_BAD ? CURLE_RECV_ERROR : result;
    }
    if (result != CURLE_OK) {
        fail(session, result);
        return;
    }
    session_note_connected(session);
    session->watch = loop_watch(session->connector->loop, fd, EPOLLIN, on_ready, session);
    talk_begin(session);
}

/* libcurl's one timeout up to the end of TLS becomes ours a stage once TCP is there. */
void session_note_connected(Session *session)
{
    curl_off_t connected_us = 0;
    curl_easy_getinfo(session->easy, CURLINFO_CONNECT_TIME_T, &connected_us);
    if (!session->connected && connected_us > 0) {
        Loop *loop = session->connector->loop;
        session->connected = true;
        opening_connected(&session->opening);
        session->heard_ms = loop_now_ms(loop);
        loop_set_timer(loop, &session->deadline, session->heard_ms + session->greeting_ms);
        curl_easy_setopt(session->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)G_MAXINT32);
    }
}

void session_tap(const Session *session, WireSide side, const char *bytes, size_t length)
{
    if (session->tap != NULL) {
        session->tap->bytes(session->tap->who, side, bytes, length);
    }
}

/* --- a session's life --- */

static void on_deadline(void *who)
{
    Session *session = who;
    Loop *loop = session->connector->loop;
    session_note_connected(session);
    int64_t due_ms = session->heard_ms + session->greeting_ms;
    if (session->opening.stage != STAGE_CONNECT && due_ms > loop_now_ms(loop)) {
        loop_set_timer(loop, &session->deadline, due_ms);
    } else {
        fail(session, CURLE_OPERATION_TIMEDOUT);
    }
}

Session *session_open(Connector *connector, const SessionPlan *plan,
                      const SessionEvents *events, void *who, GError **error)
{
    const RelayConfig *relay = plan->relay;
    Session *session = g_new0(Session, 1);
    session->connector = connector;
    session->taken = CURL_SOCKET_BAD;
    session->events = events;
    session->who = who;
    session->tap = plan->tap;
    session->plan = *plan;
    config_ref(plan->config);
    session->connect_ms = plan->delivery->connect_ms;
    session->greeting_ms = plan->delivery->greeting_ms;
    session->encrypted = options_encrypt(relay);
    session->login = options_login(relay);
    session->deadline = (Timer){.fire = on_deadline, .who = session};
    bool begun = options_read_credentials(relay, &session->credentials, error);
    if (begun && relay->oauth2.set) {
        session_await_token(session);
    } else if (begun) {
        begun = session_connect(session, error);
    }
    if (!begun) {
        session_close(session);
        return NULL;
    }
    return session;
}

void session_close(Session *session)
{
    if (session == NULL) {
        return;
    }
    session_forget_token(session);
    session_disconnect(session);
    opening_clear(&session->opening);
    credentials_clear(&session->credentials);
    g_clear_pointer(&session->secrets, g_ptr_array_unref);
    config_unref(session->plan.config);
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
    session_tap(session, WIRE_CLIENT, bytes, sent);
    return result == CURLE_OK ? (ssize_t)sent : lost(session, result);
}

static ssize_t session_receive(void *who, void *buffer, size_t size)
{
    Session *session = who;
    size_t got = 0;
    CURLcode result = curl_easy_recv(session->easy, buffer, size, &got);
    session_tap(session, WIRE_SERVER, buffer, got);
    return result == CURLE_OK ? (ssize_t)got : lost(session, result);
}

static const char *session_error(void *who)
{
    Session *session = who;
    return curl_text(session, session->lost);
}

static void session_mask(void *who, char *text)
{
    Session *session = who;
    mask_list(text, session->secrets);
}

const TransportOps session_transport = {session_send, session_receive, session_error,
                                        session_mask};
