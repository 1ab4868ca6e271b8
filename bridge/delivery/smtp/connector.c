/* SPDX-License-Identifier: MIT */
/* libcurl's multi interface on our loop: it says which descriptors and which deadline it
 * waits for, and is told when they come. */
#include "bridge/delivery/smtp/session_inside.h"
#include "rules/fault.h"

/* A socket of libcurl's while a session is being opened. */
typedef struct {
    Connector *connector;
    Session *session;
    curl_socket_t fd;
    Watch *watch;
} Socket;

static void finish_openings(Connector *connector)
{
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(connector->multi, &left)) != NULL) {
        char *session = NULL;
        CURLcode result = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &session);
        if (message->msg == CURLMSG_DONE) {
            session_finish((Session *)(void *)session, result);
        }
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
    session_note_connected(session);
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
    tokens_start(connector);
    return connector;
}

void connector_free(Connector *connector)
{
    if (connector != NULL) {
        tokens_end(connector);
        curl_multi_cleanup(connector->multi);
        loop_unset_timer(connector->loop, &connector->timer);
        curl_global_cleanup();
        g_free(connector);
    }
}
