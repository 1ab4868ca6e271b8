/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_FAKE_APP_H
#define TESTS_UNIT_FAKE_APP_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "bridge/intake/intake.h"
#include "rules/fault.h"

/* What stands behind intake in its tests: a configuration made by hand, and an accept
 * that says what the test wants. */
typedef struct {
    Config config;
    SourceConfig sources[4];
    atomic_bool full, failing, reload_fails;
    atomic_uint accepted;
    /* Answers: */
    AcceptKind kind;
    bool busy;
    bool later;          /* from another worker */
    atomic_bool holding; /* not before app_release() */
    /* Two webhooks of one group inside at once: */
    atomic_uint overlaps, inside;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    GPtrArray *held;
    IntakeHooks hooks;
    Intake *intake;
    const char *address;
} App;

typedef struct {
    App *app;
    Event *event;
    AcceptDone *done;
    void *who;
} Accepting;

static inline void app_answer(void *data)
{
    Accepting *accepting = data;
    App *app = accepting->app;
    char receiver[] = "team \"a\"", id[] = "id-1@host", reason[] = "unchanged";
    AcceptResult result = {receiver, app->kind,
                           app->kind == ACCEPT_QUEUED ? id : reason};
    atomic_fetch_add(&app->accepted, 1);
    atomic_fetch_sub(&app->inside, 1);
    event_free(accepting->event);
    if (app->busy) {
        accepting->done(accepting->who, ACCEPT_BUSY, "the disk is full", NULL, 0);
    } else {
        accepting->done(accepting->who, ACCEPT_OK, "", &result, 1);
    }
    g_free(accepting);
}

static inline void app_accept(void *data, Config *config, Event *take_event,
                              AcceptDone *done, void *who)
{
    App *app = data;
    (void)config;
    Accepting *accepting = g_new(Accepting, 1);
    *accepting = (Accepting){app, take_event, done, who};
    if (atomic_fetch_add(&app->inside, 1) > 0) {
        atomic_fetch_add(&app->overlaps, 1);
    }
    if (atomic_load(&app->holding)) {
        pthread_mutex_lock(&app->lock);
        g_ptr_array_add(app->held, accepting);
        pthread_cond_broadcast(&app->changed);
        pthread_mutex_unlock(&app->lock);
    } else if (app->later) {
        lanes_schedule(app->hooks.lanes, app_answer, accepting);
    } else {
        app_answer(accepting);
    }
}

/* Waits until N are held. */
static inline void app_wait_held(App *app, unsigned n)
{
    pthread_mutex_lock(&app->lock);
    while (app->held->len < n) {
        pthread_cond_wait(&app->changed, &app->lock);
    }
    pthread_mutex_unlock(&app->lock);
}

static inline void app_release(App *app)
{
    pthread_mutex_lock(&app->lock);
    for (guint i = 0; i < app->held->len; i++) {
        lanes_schedule(app->hooks.lanes, app_answer, g_ptr_array_index(app->held, i));
    }
    g_ptr_array_set_size(app->held, 0);
    pthread_mutex_unlock(&app->lock);
}

static inline Config *app_config(void *data)
{
    App *app = data;
    return config_ref(&app->config);
}

static inline bool app_room(void *data, size_t bytes)
{
    App *app = data;
    (void)bytes;
    return !atomic_load(&app->full);
}

/* Settled, as far as this program is concerned. */
static inline void app_await(void *data, const MailName *mails, size_t n, int64_t timeout_ms,
                             OutboxAwaitDone *done, void *who)
{
    (void)data, (void)mails, (void)n, (void)timeout_ms;
    done(who, OUTBOX_OK);
}

static inline bool app_ready(void *data)
{
    App *app = data;
    return !atomic_load(&app->failing);
}

static inline void app_stats(void *data, OutboxStats *stats)
{
    (void)data;
    *stats = (OutboxStats){.queued = 3,
                           .deferred = 2,
                           .claimed = 1,
                           .dead = 4,
                           .bytes = 500,
                           .oldest_ms = 1};
}

static inline bool app_reload(void *data, GError **error)
{
    App *app = data;
    if (atomic_load(&app->reload_fails)) {
        g_set_error(error, FAULT, FAULT_INPUT,
                    "a.yml:1:2: x: unknown key\na.yml:3:4: y: bad");
        return false;
    }
    return true;
}

static char app_am[] = "alertmanager", app_empty[] = "",
            app_path[] = "/etc/alertpost.yml";

static inline void app_init(App *app)
{
    *app = (App){.kind = ACCEPT_QUEUED};
    app->sources[0] = (SourceConfig){.name = app_am, .type = app_am};
    app->sources[0].auth =
        (AuthConfig){.basic_username = app_empty, .header_name = app_empty};
    app->config = (Config){.path = app_path,
                           .sources = app->sources,
                           .n_sources = 1,
                           .limits = {.body = 100000,
                                      .alerts = 100,
                                      .labels = 20,
                                      .inflight_bytes = 1000000,
                                      .waiting = 100}};
    atomic_init(&app->config.refs, 1);
    pthread_mutex_init(&app->lock, NULL);
    pthread_cond_init(&app->changed, NULL);
    app->held = g_ptr_array_new();
    app->hooks = (IntakeHooks){.app = app,
                               .config = app_config,
                               .accept = app_accept,
                               .room = app_room,
                               .await = app_await,
                               .ready = app_ready,
                               .stats = app_stats,
                               .reload = app_reload,
                               .metrics = metrics_new()};
}

static inline void app_start(App *app, const HttpLimits *limits)
{
    const char *addresses[] = {"127.0.0.1:0", NULL};
    g_autoptr(GError) error = NULL;
    app->hooks.lanes = lanes_new(2, 10000);
    app->intake = intake_new(&app->hooks, limits, addresses, &error);
    g_assert_no_error(error);
    bool ok =
        lanes_start(app->hooks.lanes, &error) && intake_start(app->intake, &error);
    g_assert_no_error(error);
    g_assert(ok);
    app->address = intake_address(app->intake, 0);
}

/* As the program stops: intake first, while what is behind it still works. */
static inline void app_stop(App *app)
{
    intake_stop(app->intake);
    intake_join(app->intake);
    lanes_stop(app->hooks.lanes);
    lanes_join(app->hooks.lanes);
    intake_free(app->intake);
    lanes_free(app->hooks.lanes);
    app->intake = NULL;
}

static inline void app_clear(App *app)
{
    g_assert(atomic_load(&app->config.refs) == 1);
    metrics_free(app->hooks.metrics);
    g_ptr_array_unref(app->held);
    pthread_cond_destroy(&app->changed);
    pthread_mutex_destroy(&app->lock);
}

#define APP_BODY                                                                       \
    "{\"version\":\"4\",\"groupKey\":\"{}:{a=\\\"1\\\"}\",\"status\":\"firing\","      \
    "\"alerts\":[{\"status\":\"firing\",\"labels\":{\"alertname\":\"X\"}}]}"
#define APP_HOOK "/hooks/alertmanager"

#endif
