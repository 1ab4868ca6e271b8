/* SPDX-License-Identifier: MIT */
/* What the main thread does while the others work: it feeds the service manager's watchdog.
 *
 * A watchdog that is fed whatever happens proves nothing.  Here it is fed when half of its time
 * is over and every part that a mail goes through has answered since the last time, each in its
 * turn: the listener, the workers, the storage's thread, dispatch, the mail servers' loop; and by
 * the thread that reloads.  An answer that comes late is waited for, and a part that has given none
 * when a quarter of the time is left is named in the log.  Then the manager ends the program.
 * Not asked are libmicrohttpd's threads, which cannot be, and the Maildirs', which wait for a disk
 * as long as it takes.  Storage or a mail server that fails is no reason to be ended: they do not
 * work, the threads do. */
#include "bridge/app_inside.h"

#define STATUS_MS 30000 /* without a watchdog only the status is told */

static void ask_listener(App *app, void *asked)
{
    intake_ask(app->intake, pulse_answer, asked);
}

static void ask_workers(App *app, void *asked)
{
    lanes_schedule(app->lanes, pulse_answer, asked);
}

static void ask_storage(App *app, void *asked)
{
    outbox_ask(app->outbox, pulse_answer, asked);
}

static void ask_dispatch(App *app, void *asked)
{
    dispatch_ask(app->dispatch, pulse_answer, asked);
}

static void ask_smtp(App *app, void *asked)
{
    smtp_ask(app->smtp, pulse_answer, asked);
}

static const struct {
    const char *name;
    void (*ask)(App *app, void *asked);
} parts[PULSE_PARTS] = {
    {"listener", ask_listener},
    {"workers", ask_workers},
    {"storage", ask_storage},
    {"dispatch", ask_dispatch},
    {"smtp", ask_smtp},
};

static char *status_text(App *app)
{
    OutboxStats stats;
    outbox_stats(app->outbox, &stats);
    pthread_mutex_lock(&app->lock);
    g_autofree char *error = g_strdup(app->reload_error);
    pthread_mutex_unlock(&app->lock);
    return g_strdup_printf("Serving; mails queued: %" G_GUINT64_FORMAT ", dead: %" G_GUINT64_FORMAT
                           "%s%s",
                           stats.queued + stats.deferred + stats.claimed, stats.dead,
                           error != NULL ? "; configuration not reloaded: " : "",
                           error != NULL ? error : "");
}

void app_tell_ready(App *app)
{
    if (app->notify != NULL) {
        g_autofree char *status = status_text(app);
        notify_ready(app->notify, status);
    }
}

static void complain(App *app, const char *part, int64_t late_ms)
{
    if (!app->complained && late_ms >= notify_watchdog_ms(app->notify) / 4) {
        app->complained = true;
        log_line(app->log, LOG_LEVEL_ERROR, "does not answer", "part", part, NULL);
    }
}

static void feed(App *app)
{
    g_autofree char *status = status_text(app);
    notify_alive(app->notify, status);
    app->complained = false;
    for (size_t i = 0; i < PULSE_PARTS; i++) {
        parts[i].ask(app, pulse_ask(&app->pulse, i));
    }
}

int64_t app_tend(App *app)
{
    if (app->notify == NULL) {
        return -1;
    }
    int64_t watchdog_ms = notify_watchdog_ms(app->notify);
    int64_t pause_ms = watchdog_ms > 0 ? MAX(watchdog_ms / 2, 1) : STATUS_MS;
    int64_t now_ms = g_get_monotonic_time() / 1000;
    if (now_ms < app->tend_ms) { /* a signal came in between */
        return app->tend_ms - now_ms;
    }
    size_t silent = pulse_silent(&app->pulse);
    if (silent == PULSE_PARTS) {
        feed(app);
        app->asked_ms = now_ms;
        app->tend_ms = now_ms + pause_ms;
    } else {
        complain(app, parts[silent].name, now_ms - app->asked_ms - pause_ms);
        app->tend_ms = now_ms + MAX(pause_ms / 16, 1);
    }
    return app->tend_ms - now_ms;
}
