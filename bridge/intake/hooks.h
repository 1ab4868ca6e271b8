/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_INTAKE_HOOKS_H
#define BRIDGE_INTAKE_HOOKS_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "bridge/accept.h"
#include "bridge/api/mails.h"
#include "bridge/delivery/delivery.h"
#include "bridge/intake/web.h"
#include "bridge/lanes.h"
#include "bridge/log.h"
#include "bridge/metrics.h"
#include "bridge/outbox/outbox.h"
#include "bridge/trouble.h"
#include "config/config.h"

/* What intake needs of the rest of the program.  All are called from several threads;
 * LOG and METRICS may be NULL. */
typedef struct {
    void *app; /* the first argument of each */
    Config *(*config)(void *app); /* the current configuration, with a reference */
    /* accept_event(); done() may come from any thread, also before it returns. */
    void (*accept)(void *app, Config *config, Event *take_event, AcceptDone *done, void *who);
    bool (*room)(void *app, size_t bytes); /* outbox_room() */
    /* outbox_await(), for sources that answer when the mail is delivered. */
    void (*await)(void *app, const MailName *mails, size_t n, int64_t timeout_ms,
                  OutboxAwaitDone *done, void *who);
    AckMode ack_default; /* of a source that says nothing else */
    bool (*ready)(void *app);              /* outbox_ready(); must not block */
    void (*stats)(void *app, OutboxStats *stats);
    /* dispatch_trouble() */
    void (*trouble)(void *app, const char *relay, RelayTrouble *trouble);
    void (*mails)(void *app, const MailsRequest *request, MailsDone *done, void *who);
    bool (*reload)(void *app, GError **error); /* on a worker; may take its time */
    Web *web; /* NULL: no --web.config.file */
    Lanes *lanes;
    Log *log;
    Metrics *metrics;
} IntakeHooks;

#endif
