/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_APP_H
#define BRIDGE_APP_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "bridge/intake/activation.h"
#include "bridge/log.h"
#include "bridge/outbox/outbox.h"
#include "config/config.h"

/* The daemon: its parts in the order in which they start and stop. */
typedef struct App App;

typedef struct {
    const char *config_file, *storage;
    const char *web_config; /* NULL: none */
    OnDamage on_damage;
    const char *const *listen; /* "HOST:PORT", NULL-terminated */
    const GArray *sockets; /* of PassedSocket, besides those; they are the App's then */
    const char *management; /* "HOST:PORT"; NULL: on those of `listen` */
    ConfigFlags config_flags;
    int64_t shutdown_timeout_ms;
    bool watch; /* reload when the configuration's files change */
    LogLevel log_level;
    LogFormat log_format;
} AppOptions;

/* Loads the configuration and makes every part; nothing runs yet.  OPTIONS' texts must
 * live as long as the App.  NULL with ERROR set if anything cannot be made. */
App *app_new(const AppOptions *options, GError **error);
bool app_start(App *app, GError **error);

/* Loads the configuration anew and, if it is fine, lets every part use it; otherwise
 * nothing changes.  How it went is logged.  Any thread. */
bool app_reload(App *app, GError **error);

/* To be called by the main thread as often as it says, once started: looks after the threads and
 * tells the service manager.  Milliseconds until the next time; -1: never. */
int64_t app_tend(App *app);

/* The end is near: not ready any more, every answer closes its connection, the rest goes
 * on for DELAY_MS.  Then app_stop(). */
void app_drain(App *app, int64_t delay_ms);
/* Ends everything in the order that loses nothing, within the shutdown timeout for
 * what is being delivered. */
void app_stop(App *app);
void app_free(App *app); /* stopped or never started; NULL is allowed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(App, app_free)

#endif
