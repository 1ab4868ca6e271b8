/* SPDX-License-Identifier: MIT */
#include "bridge/intake/intake.h"

#include <stdatomic.h>

#include "bridge/api/management.h"
#include "bridge/intake/format.h"
#include "bridge/intake/listener.h"
#include "bridge/intake/webhook.h"
#include "rules/fault.h"

#define TICK_MAX_MS ((int64_t)1000)

struct Intake {
    IntakeHooks hooks;
    Management management;
    ListenerEvents events;
    Listener *listener;
    HttpServer *server;
    bool separate; /* management has a listener of its own */
    void (*answer)(void *who); /* to be called once `asked` is true */
    void *answer_who;
    atomic_bool asked;
};

static void begin(void *who, HttpExchange *exchange)
{
    Intake *intake = who;
    bool is_webhook = g_str_has_prefix(http_path(exchange), WEBHOOK_PATH);
    if (intake->separate && is_webhook == (http_door(exchange) == HTTP_MANAGEMENT)) {
        HttpAnswer answer = http_error(404, "%s", HTTP_NOTHING_HERE);
        http_answer(exchange, &answer);
    } else if (is_webhook) {
        webhook_begin(&intake->hooks, exchange);
    } else {
        management_begin(&intake->management, exchange);
    }
}

static void accepted(void *who, int take_fd, HttpDoor door, const struct sockaddr *address,
                     socklen_t length)
{
    Intake *intake = who;
    http_server_add(intake->server, take_fd, door, address, length);
}

static void tick(void *who)
{
    Intake *intake = who;
    http_server_sweep(intake->server);
    web_refresh(intake->hooks.web);
    if (atomic_exchange(&intake->asked, false)) {
        intake->answer(intake->answer_who);
    }
}

static void add_headers(void *who, HttpAddHeader *add, void *data)
{
    web_add_headers(((Intake *)who)->hooks.web, add, data);
}

static TlsServer *new_tls(void *who)
{
    return web_tls(((Intake *)who)->hooks.web);
}

/* Often enough for the shortest deadline. */
static int tick_ms(const HttpLimits *limits)
{
    int64_t shortest = MIN(MIN(limits->request_ms, limits->answer_ms), limits->idle_ms);
    return (int)CLAMP(shortest / 4, 1, TICK_MAX_MS);
}

Intake *intake_new(const IntakeHooks *hooks, const HttpLimits *limits,
                   const char *const *addresses, GError **error)
{
    g_autoptr(Intake) intake = g_new0(Intake, 1);
    intake->hooks = *hooks;
    intake->management.hooks = &intake->hooks;
    intake->management.started_us = g_get_monotonic_time();
    intake->events = (ListenerEvents){
        .accepted = accepted, .tick = tick, .tick_ms = tick_ms(limits)};
    intake->listener =
        listener_new(&intake->events, intake, hooks->log, hooks->metrics);
    intake->server = http_server_new(limits, begin, intake, hooks->log, hooks->metrics);
    http_server_use_headers(intake->server, add_headers, intake);
    if (web_has_tls(hooks->web)) {
        http_server_use_tls(intake->server, new_tls, intake);
    }
    for (size_t i = 0; addresses[i] != NULL; i++) {
        if (!listener_bind(intake->listener, HTTP_WEB, addresses[i], error)) {
            return NULL;
        }
    }
    return g_steal_pointer(&intake);
}

bool intake_add_management(Intake *intake, const char *address, GError **error)
{
    intake->separate = true;
    return listener_bind(intake->listener, HTTP_MANAGEMENT, address, error);
}

bool intake_add_socket(Intake *intake, const PassedSocket *take_socket, GError **error)
{
    intake->separate |= take_socket->door == HTTP_MANAGEMENT;
    return listener_adopt(intake->listener, take_socket->door, take_socket->fd, error);
}

static bool check_source(const SourceConfig *source, const char *exposed,
                         GError **error)
{
    if (format_find(source->type) == NULL) {
        g_set_error(error, FAULT, FAULT_INPUT, "source \"%s\": unknown type \"%s\"",
                    source->name, source->type);
        return false;
    }
    if (exposed == NULL || source->auth.required || source->allow_unauthenticated) {
        return true;
    }
    g_set_error(error, FAULT, FAULT_INPUT,
                "source \"%s\" has no authentication, and %s can be reached from other "
                "machines. Give it credentials:\n"
                "  sources:\n"
                "    - name: %s\n"
                "      type: %s\n"
                "      auth:\n"
                "        bearer_token_file: /etc/alertpost/%s.token\n"
                "or, if everybody may send, put this in place of auth:\n"
                "      allow_unauthenticated: true",
                source->name, exposed, source->name, source->type, source->name);
    return false;
}

bool intake_check(const Intake *intake, const Config *config, GError **error)
{
    const char *exposed = web_keeps_out(intake->hooks.web)
                              ? NULL
                              : listener_exposed_address(intake->listener);
    for (unsigned i = 0; i < config->n_sources; i++) {
        if (!check_source(&config->sources[i], exposed, error)) {
            return false;
        }
    }
    return true;
}

const char *intake_address(const Intake *intake, unsigned index)
{
    return index < listener_n_addresses(intake->listener)
               ? listener_address(intake->listener, index)
               : NULL;
}

bool intake_start(Intake *intake, GError **error)
{
    return http_server_start(intake->server, error) &&
           listener_start(intake->listener, error);
}

void intake_ask(Intake *intake, void (*answer)(void *who), void *who)
{
    intake->answer = answer;
    intake->answer_who = who;
    atomic_store(&intake->asked, true);
}

void intake_drain(Intake *intake)
{
    atomic_store(&intake->management.draining, true);
    http_server_drain(intake->server);
}

void intake_stop(Intake *intake)
{
    intake_drain(intake);
    listener_stop(intake->listener);
    http_server_stop(intake->server);
}

void intake_join(Intake *intake)
{
    listener_join(intake->listener);
    http_server_join(intake->server);
}

void intake_free(Intake *intake)
{
    if (intake == NULL) {
        return;
    }
    listener_free(intake->listener);
    http_server_free(intake->server);
    g_free(intake);
}
