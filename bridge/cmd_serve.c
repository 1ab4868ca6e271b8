/* SPDX-License-Identifier: MIT */
#include "bridge/cmd_serve.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "bridge/app.h"
#include "config/values.h"
#include "rules/fault.h"

typedef struct {
    char *config_file, *watch, *web_config, *storage, *on_corruption, *log_level, *log_format;
    char *shutdown_delay, *shutdown_timeout;
    char **listen, *management;
    gboolean ignore_other_receivers;
} ServeFlags;

static void clear(void *of)
{
    ServeFlags *flags = of;
    g_free(flags->config_file);
    g_free(flags->watch);
    g_free(flags->web_config);
    g_free(flags->storage);
    g_free(flags->on_corruption);
    g_free(flags->log_level);
    g_free(flags->log_format);
    g_free(flags->shutdown_delay);
    g_free(flags->shutdown_timeout);
    g_strfreev(flags->listen);
    g_free(flags->management);
}

static void declare(CmdLine *line, void *of)
{
    ServeFlags *flags = of;
    const GOptionEntry entries[] = {
        {"config.file", 0, 0, G_OPTION_ARG_FILENAME, &flags->config_file,
         "Configuration file (default: alertpost.yml)", "FILE"},
        {"config.watch", 0, 0, G_OPTION_ARG_FILENAME, &flags->watch,
         "Reload when the configuration or a template file has changed (default: on)", "on|off"},
        {"web.listen-address", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &flags->listen,
         "Address to listen on; may be repeated (default: 127.0.0.1:9725)", "HOST:PORT"},
        {"web.management-address", 0, 0, G_OPTION_ARG_FILENAME, &flags->management,
         "Address for health, metrics, reload and /api, which are then nowhere else", "HOST:PORT"},
        {"web.config.file", 0, 0, G_OPTION_ARG_FILENAME, &flags->web_config,
         "TLS and users, as in Prometheus' exporter-toolkit", "FILE"},
        {"storage", 0, 0, G_OPTION_ARG_FILENAME, &flags->storage,
         "Where mail is kept until it is delivered (default: sqlite:data/alertpost.db)",
         "sqlite:PATH|memory:"},
        {"storage.on-corruption", 0, 0, G_OPTION_ARG_FILENAME, &flags->on_corruption,
         "A damaged database: move it aside and begin a new one (default), or stop",
         "move|stop"},
        {"ignore-other-receivers", 0, 0, G_OPTION_ARG_NONE, &flags->ignore_other_receivers,
         "Warn about receivers that are not email instead of refusing them", NULL},
        {"shutdown.delay", 0, 0, G_OPTION_ARG_FILENAME, &flags->shutdown_delay,
         "When told to end, go on for so long, not ready, until balancers have noticed (default: 0s)",
         "DURATION"},
        {"shutdown.timeout", 0, 0, G_OPTION_ARG_FILENAME, &flags->shutdown_timeout,
         "After that, time for what is in flight (default: 20s)", "DURATION"},
        {"log.level", 0, 0, G_OPTION_ARG_FILENAME, &flags->log_level,
         "debug, info (default), warn or error", "LEVEL"},
        {"log.format", 0, 0, G_OPTION_ARG_FILENAME, &flags->log_format,
         "logfmt (default) or json", "FORMAT"},
        {0},
    };
    cmd_line_add(line, entries);
}

/* NULL: what it is by default. */
static bool read_on_corruption(const char *text, OnDamage *on_damage, GError **error)
{
    *on_damage = g_strcmp0(text, "stop") == 0 ? DAMAGE_STOPS : DAMAGE_MOVES;
    if (text != NULL && strcmp(text, "stop") != 0 && strcmp(text, "move") != 0) {
        g_set_error(error, FAULT, FAULT_INPUT,
                    "--storage.on-corruption: not one of move, stop: \"%s\"", text);
        return false;
    }
    return true;
}

/* Leaves *MS alone if TEXT is NULL. */
static bool read_duration(const char *flag, const char *text, int64_t *ms, GError **error)
{
    if (text != NULL && !duration_parse(text, ms, error)) {
        g_prefix_error(error, "%s: ", flag);
        return false;
    }
    return true;
}

static bool has_web_socket(const GArray *sockets)
{
    for (guint i = 0; i < sockets->len; i++) {
        if (g_array_index(sockets, PassedSocket, i).door == HTTP_WEB) {
            return true;
        }
    }
    return false;
}

/* Turns the flags' texts into OPTIONS, which points into FLAGS and SOCKETS.  Where a socket for
 * webhooks was passed, the default address is not listened on. */
static bool read_flags(const ServeFlags *flags, const GArray *sockets, AppOptions *options,
                       int64_t *delay_ms, GError **error)
{
    static const char *const default_listen[] = {"127.0.0.1:9725", NULL};
    static const char *const no_listen[] = {NULL};
    static const char *const *const implied[] = {default_listen, no_listen};
    *options = (AppOptions){
        .config_file = flags->config_file != NULL ? flags->config_file : "alertpost.yml",
        .storage = flags->storage != NULL ? flags->storage : "sqlite:data/alertpost.db",
        .web_config = flags->web_config,
        .management = flags->management,
        .sockets = sockets,
        .listen = flags->listen != NULL ? (const char *const *)flags->listen
                                        : implied[has_web_socket(sockets)],
        .config_flags = flags->ignore_other_receivers ? CONFIG_IGNORE_OTHER_RECEIVERS
                                                      : CONFIG_STRICT,
        .shutdown_timeout_ms = 20000,
        .watch = g_strcmp0(flags->watch, "off") != 0,
        .log_level = LOG_LEVEL_INFO,
        .log_format = LOG_LOGFMT,
    };
    if (flags->log_level != NULL &&
        !log_level_parse(flags->log_level, &options->log_level)) {
        g_set_error(error, FAULT, FAULT_INPUT,
                    "--log.level: not one of debug, info, warn, error: \"%s\"",
                    flags->log_level);
        return false;
    }
    if (flags->log_format != NULL &&
        !log_format_parse(flags->log_format, &options->log_format)) {
        g_set_error(error, FAULT, FAULT_INPUT,
                    "--log.format: not one of logfmt, json: \"%s\"", flags->log_format);
        return false;
    }
    if (flags->watch != NULL && strcmp(flags->watch, "on") != 0 &&
        strcmp(flags->watch, "off") != 0) {
        g_set_error(error, FAULT, FAULT_INPUT, "--config.watch: not one of on, off: \"%s\"",
                    flags->watch);
        return false;
    }
    if (!read_on_corruption(flags->on_corruption, &options->on_damage, error)) {
        return false;
    }
    return read_duration("--shutdown.delay", flags->shutdown_delay, delay_ms, error) &&
           read_duration("--shutdown.timeout", flags->shutdown_timeout,
                         &options->shutdown_timeout_ms, error);
}

/* Blocked in every thread (they inherit the mask) and awaited in wait_for_end(). */
static void block_signals(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is a full disk, not the end */
}

/* 0 after TIMEOUT_MS (-1: none). */
static int await_signal(const sigset_t *signals, int64_t timeout_ms)
{
    const struct timespec timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000000};
    int number = sigtimedwait(signals, NULL, timeout_ms >= 0 ? &timeout : NULL);
    return MAX(number, 0);
}

static void wait_for_end(App *app, const sigset_t *signals)
{
    for (;;) {
        int number = await_signal(signals, app_tend(app));
        if (number == SIGHUP) {
            app_reload(app, NULL); /* says itself in the log how it went */
        } else if (number != 0) {
            return;
        }
    }
}

/* Until DELAY_MS have passed, or a second signal to end comes. */
static void wait_for_balancers(const sigset_t *signals, int64_t delay_ms)
{
    int64_t end_us = g_get_monotonic_time() + delay_ms * 1000;
    for (;;) {
        int64_t left_us = MAX(end_us - g_get_monotonic_time(), 0);
        const struct timespec left = {.tv_sec = (time_t)(left_us / G_USEC_PER_SEC),
                                      .tv_nsec = (long)(left_us % G_USEC_PER_SEC * 1000)};
        int number = sigtimedwait(signals, NULL, &left);
        if ((number < 0 && errno == EAGAIN) || number == SIGTERM || number == SIGINT) {
            return;
        }
    }
}

static int run(void *of, char **words)
{
    (void)words;
    g_autoptr(GError) error = NULL;
    AppOptions options;
    int64_t delay_ms = 0;
    g_autoptr(GArray) sockets = activation_take(&error);
    if (sockets == NULL) {
        cmd_fail(&cmd_serve, error->message);
        return cmd_serve.misuse; /* of the one who passed them */
    }
    if (!read_flags(of, sockets, &options, &delay_ms, &error)) {
        return cmd_misuse(&cmd_serve, error->message);
    }
    sigset_t signals;
    block_signals(&signals);
    g_autoptr(App) app = app_new(&options, &error);
    if (app == NULL || !app_start(app, &error)) {
        return cmd_fail(&cmd_serve, error->message);
    }
    wait_for_end(app, &signals);
    app_drain(app, delay_ms);
    wait_for_balancers(&signals, delay_ms);
    app_stop(app);
    return 0;
}

const Cmd cmd_serve = {
    .name = "serve",
    .summary = "receive webhooks and deliver mail",
    .about = "Receives webhooks and delivers mail.",
    .notes = "Exit status: 0 after an orderly end, 1 if it could not start, 2 for a wrong command line.",
    .misuse = 2,
    .size = sizeof(ServeFlags),
    .declare = declare,
    .clear = clear,
    .run = run,
};
