/* SPDX-License-Identifier: MIT */
/* What runs in the daemon, from the first to start to the last: each stops before those that
 * started before it. */
#include "bridge/app_inside.h"

static bool start_smtp(App *app, GError **error)
{
    return smtp_start(app->smtp, error);
}

/* The relays live on this thread, and go with dispatch. */
static void stop_smtp(App *app)
{
    dispatch_free(g_steal_pointer(&app->dispatch));
    smtp_stop(app->smtp);
    smtp_join(app->smtp);
}

static bool start_outbox(App *app, GError **error)
{
    return outbox_start(app->outbox, error);
}

static void stop_outbox(App *app)
{
    outbox_stop(app->outbox);
    outbox_join(app->outbox);
}

static bool start_dispatch(App *app, GError **error)
{
    return dispatch_start(app->dispatch, app->config, error);
}

/* In the orderly end this has happened already, in app_stop(), and does nothing. */
static void stop_dispatch(App *app)
{
    dispatch_stop(app->dispatch, g_get_monotonic_time() / 1000);
    dispatch_join(app->dispatch);
}

static bool start_lanes(App *app, GError **error)
{
    return lanes_start(app->lanes, error);
}

static void stop_lanes(App *app)
{
    lanes_stop(app->lanes);
    lanes_join(app->lanes);
}

static bool start_watch(App *app, GError **error)
{
    return app->watch == NULL || watch_start(app->watch, error);
}

void parts_stop_watch(App *app)
{
    if (app->watch != NULL) {
        watch_stop(app->watch);
        watch_join(app->watch);
    }
}

static bool start_intake(App *app, GError **error)
{
    return intake_start(app->intake, error);
}

static void stop_intake(App *app)
{
    intake_stop(app->intake);
    outbox_dismiss(app->outbox); /* nothing is delivered any more */
    intake_join(app->intake);
}

typedef struct {
    bool (*start)(App *app, GError **error);
    void (*stop)(App *app); /* and waits for its end */
} Part;

static const Part parts[] = {
    {start_smtp, stop_smtp},   {start_outbox, stop_outbox}, {start_dispatch, stop_dispatch},
    {start_lanes, stop_lanes}, {start_intake, stop_intake}, {start_watch, parts_stop_watch},
};

bool parts_start(App *app, GError **error)
{
    for (; app->n_started < G_N_ELEMENTS(parts); app->n_started++) {
        if (!parts[app->n_started].start(app, error)) {
            parts_stop(app);
            return false;
        }
    }
    return true;
}

void parts_stop(App *app)
{
    while (app->n_started > 0) {
        parts[--app->n_started].stop(app);
    }
}
