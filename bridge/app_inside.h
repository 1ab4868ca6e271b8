/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_APP_INSIDE_H
#define BRIDGE_APP_INSIDE_H

#include <pthread.h>

#include "bridge/accept.h"
#include "bridge/app.h"
#include "bridge/delivery/delivery.h"
#include "bridge/delivery/smtp/smtp.h"
#include "bridge/dispatch.h"
#include "bridge/intake/intake.h"
#include "bridge/lanes.h"
#include "bridge/metrics.h"
#include "bridge/notify.h"
#include "bridge/outbox/outbox.h"
#include "bridge/pulse.h"
#include "bridge/watch.h"

/* What the files of the daemon share: app.c (made, reloaded, ended), app_parts.c (threads),
 * app_tend.c (the main thread while they run). */

struct App {
    AppOptions options;
    Log *log;
    Metrics *metrics;
    Smtp *smtp;
    Outbox *outbox;
    Dispatch *dispatch;
    Lanes *lanes;
    Dkim *signer;
    Accept accept;
    Intake *intake;
    HttpLimits http; /* what it was started with */
    Web *web; /* NULL: no --web.config.file */
    Watch *watch; /* NULL: nobody watches */
    Notify *notify; /* NULL: nobody wants to be told */
    Pulse pulse;                /* of the main thread, as are the next three */
    int64_t asked_ms;           /* monotonic: when all were asked */
    int64_t tend_ms;            /* monotonic: before that there is nothing to do */
    bool complained;            /* of a part that does not answer */
    size_t n_started;           /* parts that run */
    pthread_mutex_t reloading;  /* held while a configuration is being replaced */
    pthread_mutex_t lock;       /* guards what follows */
    Config *config;
    char *reload_error; /* of the last reload; NULL: it was fine */
};

/* app_parts.c: all or none. */
bool parts_start(App *app, GError **error);
void parts_stop(App *app);
/* Before the others, that nothing is reloaded while they stop. */
void parts_stop_watch(App *app);

/* app_tend.c: tells the service manager that it serves, and how. */
void app_tell_ready(App *app);

#endif
