/* SPDX-License-Identifier: MIT */
/* The daemon's parts, put together.
 *
 * They start in the order of a table (app_parts.c) and end in the reverse one.  When told to
 * stop under load, readiness turns 503 first, and everything goes on until balancers have
 * noticed; then the relays finish what they are delivering, while webhooks are still accepted
 * and stored, because some senders never try again.  Only then intake closes: what is inside is
 * answered, the workers and the storage finish, and what is left in the queue waits for the next
 * start. */
#include "bridge/app.h"

#include <unistd.h>

#include "bridge/app_inside.h"
#include "bridge/descriptors.h"
#include "bridge/postmaster.h"

#define WORKERS 4
#define ANSWER_MS 10000 /* what the end may take when nothing is delivered any more */

static const DeliveryOps *const backends[] = {&delivery_smtp, &delivery_maildir, NULL};

static Config *current_config(void *who)
{
    App *app = who;
    pthread_mutex_lock(&app->lock);
    Config *config = config_ref(app->config);
    pthread_mutex_unlock(&app->lock);
    return config;
}

/* What the configuration names outside of itself. */
static bool check_config(App *app, const Config *config, GError **error)
{
    g_autofree char *note = NULL;
    bool good = dkim_check(&config->dkim, &note, error);
    if (note != NULL) {
        log_line(app->log, LOG_LEVEL_WARN, "configuration", "note", note, NULL);
    }
    return good;
}

/* In memory: then a sender is to keep what is not delivered. */
static bool keeps_nothing(const App *app)
{
    return g_str_equal(app->options.storage, "memory:");
}

static void note_losses(App *app, const Config *config)
{
    for (unsigned i = 0; keeps_nothing(app) && i < config->n_sources; i++) {
        if (config->sources[i].ack == ACK_STORED) {
            log_line(app->log, LOG_LEVEL_WARN, "configuration", "note",
                     "ack: stored with storage memory: a crash or a restart loses mail that "
                     "was accepted", "source", config->sources[i].name, NULL);
        }
        if (config->sources[i].family == FAMILY_CI) {
            log_line(app->log, LOG_LEVEL_WARN, "configuration", "note",
                     "CI with storage memory: a restart forgets which workflows are red",
                     "source", config->sources[i].name, NULL);
        }
    }
}

static void log_notes(App *app, char *const *notes)
{
    for (; *notes != NULL; notes++) {
        log_line(app->log, LOG_LEVEL_WARN, "configuration", "note", *notes, NULL);
    }
}

static void put_config(App *app, Config *take_config)
{
    pthread_mutex_lock(&app->lock);
    Config *old = app->config;
    app->config = take_config;
    pthread_mutex_unlock(&app->lock);
    config_unref(old);
    metrics_set(app->metrics, METRIC_CONFIG_RELOAD_SUCCESS_TIMESTAMP,
                (double)(g_get_real_time() / G_USEC_PER_SEC), NULL, NULL);
    log_notes(app, take_config->notes);
    g_auto(GStrv) unreadable = config_unreadable(take_config);
    log_notes(app, unreadable);
    note_losses(app, take_config);
    if (app->watch != NULL) {
        watch_set(app->watch, take_config->path, take_config->template_patterns);
    }
}

static void hook_accept(void *who, Config *config, Event *take_event, AcceptDone *done,
                        void *done_who)
{
    App *app = who;
    accept_event(&app->accept, config, take_event, done, done_who);
}

static bool hook_room(void *who, size_t bytes)
{
    return outbox_room(((App *)who)->outbox, bytes);
}

static void hook_await(void *who, const MailName *mails, size_t n, int64_t timeout_ms,
                       OutboxAwaitDone *done, void *done_who)
{
    outbox_await(((App *)who)->outbox, mails, n, timeout_ms, done, done_who);
}

static bool hook_ready(void *who)
{
    return outbox_ready(((App *)who)->outbox);
}

static void hook_stats(void *who, OutboxStats *stats)
{
    outbox_stats(((App *)who)->outbox, stats);
}

static void hook_trouble(void *who, const char *relay, RelayTrouble *trouble)
{
    dispatch_trouble(((App *)who)->dispatch, relay, trouble);
}

static void hook_mails(void *who, const MailsRequest *request, MailsDone *done,
                       void *done_who)
{
    App *app = who;
    mails_answer(app->outbox, request, done, done_who);
    bool retry = request->method == HTTP_POST && g_str_has_suffix(request->path, "/retry");
    if (retry) { /* by somebody who has mended something */
        dispatch_probe(app->dispatch);
    }
}

static Mail *hook_notice(void *who, const Mail *const *dead, size_t n, int64_t now_ms)
{
    App *app = who;
    g_autoptr(Config) config = current_config(app);
    return postmaster_notice(config, app->signer, dead, n, now_ms);
}

static bool hook_reload(void *who, GError **error)
{
    return app_reload(who, error);
}

static void hook_schedule(void *scheduler, AcceptResume *resume, void *step)
{
    lanes_schedule(scheduler, resume, step);
}

static bool add_sockets(Intake *intake, const GArray *sockets, GError **error)
{
    for (guint i = 0; i < sockets->len; i++) {
        if (!intake_add_socket(intake, &g_array_index(sockets, PassedSocket, i), error)) {
            return false;
        }
    }
    return true;
}

static HttpLimits http_limits(const LimitsConfig *limits)
{
    HttpLimits http = HTTP_LIMITS_DEFAULT;
    http.connections_max = limits->connections;
    http.address_max = limits->connections_per_address;
    http.request_ms = limits->request_ms;
    return http;
}

static Intake *make_intake(App *app, GError **error)
{
    IntakeHooks hooks = {.app = app,
                         .config = current_config,
                         .accept = hook_accept,
                         .room = hook_room,
                         .await = hook_await,
                         .ack_default = keeps_nothing(app) ? ACK_DELIVERED : ACK_STORED,
                         .ready = hook_ready,
                         .stats = hook_stats,
                         .trouble = hook_trouble,
                         .mails = hook_mails,
                         .reload = hook_reload,
                         .web = app->web,
                         .lanes = app->lanes,
                         .log = app->log,
                         .metrics = app->metrics};
    app->http = http_limits(&app->config->limits);
    descriptors_fit(&app->http, app->config, app->log);
    g_autoptr(Intake) intake = intake_new(&hooks, &app->http, app->options.listen, error);
    const char *management = app->options.management;
    if (intake == NULL ||
        (management != NULL && !intake_add_management(intake, management, error)) ||
        !add_sockets(intake, app->options.sockets, error) ||
        !intake_check(intake, app->config, error)) {
        return NULL;
    }
    return g_steal_pointer(&intake);
}

static bool make_parts(App *app, GError **error)
{
    if (app->options.web_config != NULL &&
        (app->web = web_new(app->options.web_config, app->log, error)) == NULL) {
        return false;
    }
    app->outbox = outbox_open(app->options.storage, app->options.on_damage, app->config,
                              app->log, app->metrics, error);
    if (app->outbox == NULL || (app->smtp = smtp_new(error)) == NULL) {
        return false;
    }
    outbox_set_notice(app->outbox, hook_notice, app);
    DispatchContext context = {.outbox = app->outbox,
                               .log = app->log,
                               .metrics = app->metrics,
                               .backends = backends,
                               .smtp = app->smtp};
    app->dispatch = dispatch_new(&context);
    app->lanes = lanes_new(WORKERS, app->config->limits.waiting);
    app->accept = (Accept){.outbox = app->outbox,
                           .log = app->log,
                           .metrics = app->metrics,
                           .signer = app->signer = dkim_new(),
                           .schedule = hook_schedule,
                           .scheduler = app->lanes};
    app->intake = make_intake(app, error);
    return app->intake != NULL;
}

static void on_files_changed(void *who)
{
    app_reload(who, NULL); /* says itself in the log how it went */
}

App *app_new(const AppOptions *options, GError **error)
{
    g_autoptr(Config) config = config_load(options->config_file, options->config_flags, error);
    if (config == NULL) {
        return NULL;
    }
    g_autoptr(App) app = g_new0(App, 1);
    pthread_mutex_init(&app->lock, NULL);
    pthread_mutex_init(&app->reloading, NULL);
    app->options = *options;
    app->log = log_new(STDERR_FILENO, options->log_level, options->log_format);
    app->notify = notify_new(app->log);
    pulse_init(&app->pulse);
    app->metrics = metrics_new();
    metrics_set(app->metrics, METRIC_BUILD_INFO, 1, ALERTPOST_VERSION, NULL);
    metrics_set(app->metrics, METRIC_CONFIG_RELOAD_SUCCESSFUL, 1, NULL, NULL);
    app->watch = options->watch ? watch_new(on_files_changed, app, app->log) : NULL;
    if (!check_config(app, config, error)) {
        return NULL;
    }
    put_config(app, g_steal_pointer(&config));
    return make_parts(app, error) ? g_steal_pointer(&app) : NULL;
}

bool app_start(App *app, GError **error)
{
    if (!parts_start(app, error)) {
        return false;
    }
    log_line(app->log, LOG_LEVEL_INFO, "started", "version", ALERTPOST_VERSION, "config",
             app->options.config_file, "storage", app->options.storage, NULL);
    app_tell_ready(app);
    return true;
}

/* There may be more relays now, which open files; the listener stays as it is. */
static void refit(App *app, const Config *config)
{
    HttpLimits http = app->http;
    descriptors_fit(&http, config, app->log);
    if (config->limits.connections != app->config->limits.connections ||
        config->limits.connections_per_address != app->config->limits.connections_per_address ||
        config->limits.request_ms != app->config->limits.request_ms) {
        log_line(app->log, LOG_LEVEL_WARN, "configuration", "note",
                 "limits: connections, connections_per_address and request_time act after a "
                 "restart", NULL);
    }
}

static bool reload(App *app, GError **error)
{
    g_autoptr(Config) config =
        config_load(app->options.config_file, app->options.config_flags, error);
    if (config == NULL || !check_config(app, config, error) || !web_reload(app->web, error) ||
        !intake_check(app->intake, config, error) ||
        !dispatch_configure(app->dispatch, config, error)) {
        return false;
    }
    refit(app, config);
    outbox_configure(app->outbox, config);
    put_config(app, g_steal_pointer(&config));
    return true;
}

static void note_reload(App *app, const GError *reason)
{
    pthread_mutex_lock(&app->lock);
    g_free(app->reload_error);
    app->reload_error = reason != NULL ? g_strdup(reason->message) : NULL;
    pthread_mutex_unlock(&app->lock);
}

bool app_reload(App *app, GError **error)
{
    g_autoptr(GError) reason = NULL;
    pthread_mutex_lock(&app->reloading);
    if (app->watch != NULL) {
        watch_note(app->watch);
    }
    notify_reloading(app->notify);
    bool done = reload(app, &reason);
    note_reload(app, reason);
    app_tell_ready(app);
    pthread_mutex_unlock(&app->reloading);
    metrics_set(app->metrics, METRIC_CONFIG_RELOAD_SUCCESSFUL, done, NULL, NULL);
    if (done) {
        log_line(app->log, LOG_LEVEL_INFO, "configuration reloaded", "config",
                 app->options.config_file, NULL);
        return true;
    }
    log_line(app->log, LOG_LEVEL_ERROR, "configuration not reloaded", "config",
             app->options.config_file, "error", reason->message, NULL);
    g_propagate_error(error, g_steal_pointer(&reason));
    return false;
}

static void log_end(App *app)
{
    OutboxStats left;
    outbox_stats(app->outbox, &left);
    log_line(app->log, LOG_LEVEL_INFO, "stopped", "queued",
             LOG_NUMBER(left.queued + left.deferred + left.claimed), "dead",
             LOG_NUMBER(left.dead), NULL);
}

void app_drain(App *app, int64_t delay_ms)
{
    log_line(app->log, LOG_LEVEL_INFO, "stopping", "timeout_ms",
             LOG_NUMBER(app->options.shutdown_timeout_ms), NULL);
    notify_stopping(app->notify, delay_ms + app->options.shutdown_timeout_ms + ANSWER_MS);
    parts_stop_watch(app);
    intake_drain(app->intake);
}

void app_stop(App *app)
{
    int64_t deadline_ms = g_get_monotonic_time() / 1000 + app->options.shutdown_timeout_ms;
    dispatch_stop(app->dispatch, deadline_ms);
    dispatch_join(app->dispatch);
    parts_stop(app);
    log_end(app);
}

void app_free(App *app)
{
    if (app == NULL) {
        return;
    }
    watch_free(app->watch);
    intake_free(app->intake);
    web_free(app->web);
    lanes_free(app->lanes);
    dispatch_free(app->dispatch);
    outbox_free(app->outbox);
    smtp_free(app->smtp);
    dkim_free(app->signer);
    config_unref(app->config);
    metrics_free(app->metrics);
    notify_free(app->notify);
    log_free(app->log);
    pthread_mutex_destroy(&app->lock);
    pthread_mutex_destroy(&app->reloading);
    g_free(app->reload_error);
    g_free(app);
}
