/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_DELIVERY_DELIVERY_H
#define BRIDGE_DELIVERY_DELIVERY_H

#include <glib.h>
#include <stdint.h>

#include "bridge/log.h"
#include "bridge/mail.h"
#include "bridge/metrics.h"
#include "config/config.h"

/* Where mails leave.  A backend (smtp, maildir) implements DeliveryOps; dispatch is
 * its only caller.
 *
 * A mail offered is the relay's until its one done().  Only recipients in state QUEUED
 * are tried.  The events come from the backend's own thread and must not block; they
 * may call room() and offer(). */
typedef struct Relay Relay; /* each backend defines its own */

/* The thread of all SMTP relays: bridge/delivery/smtp/smtp.h.  It is made and started
 * before the first relay, and stopped, joined and freed after the last one. */
typedef struct Smtp Smtp;

typedef enum {
    FAULT_NONE,        /* the relay works (again) */
    FAULT_CONNECT,     /* no address, no connection, TLS, greeting, EHLO */
    FAULT_AUTH,        /* 530, 534, 535, AUTH not offered, secret unreadable */
    FAULT_THROTTLE,    /* too many connections or mails */
    FAULT_REFUSED,     /* it takes none of our mail: 5xx to MAIL, 5.7.x to every RCPT */
} RelayFault;
const char *relay_fault_text(RelayFault fault); /* "none", "connect", "auth", … */

/* For the log, and whether relay NAME is paused for the metrics. */
void delivery_tell_fault(Log *log, Metrics *metrics, const char *name, RelayFault fault,
                         const char *text);

typedef struct {
    /* The mail comes back, with an outcome for each recipient of it, in order; the
     * outcomes are cleared by the backend afterwards. */
    void (*done)(void *who, Relay *relay, Mail *take_mail, const Outcome *outcomes);
    /* The relay would take more mails now: room(), seen as 0 or used up before, became
     * larger. It comes once for several mails' worth of room, and when a pause is over:
     * the one mail then offered is the probe. */
    void (*room)(void *who, Relay *relay);
    /* The relay itself failed or recovered. Mails it held come back UNTRIED. TEXT is
     * complete ("smtp host:port: TLS handshake: …"), "" for FAULT_NONE. */
    void (*fault)(void *who, Relay *relay, RelayFault fault, const char *text);
} DeliveryEvents;

/* Who listens to what goes over the wire (`alertpost send -v`).  The bytes are as they
 * are, with secrets in them: bridge/conversation.h masks them.  On the backend's thread. */
typedef enum { WIRE_NOTE, WIRE_CLIENT, WIRE_SERVER } WireSide;
typedef struct {
    void (*bytes)(void *who, WireSide side, const char *bytes, size_t length);
    void *who;
} WireTap;

typedef struct {
    Log *log;
    Metrics *metrics;
    const DeliveryEvents *events;
    void *who;
    Smtp *smtp; /* may be NULL where there are only Maildirs */
    const WireTap *tap; /* NULL: nobody; else it outlives the relay */
} DeliveryContext;

typedef struct {
    RelayScheme scheme;
    /* CONFIG is referenced as long as needed; INDEX is the relay in config->relays. */
    Relay *(*new)(const DeliveryContext *context, Config *config, unsigned index, GError **error);
    /* How many more mails may be offered now; any thread, also under dispatch's lock, so
     * no event may come from within. 0: busy, paused, throttled. */
    unsigned (*room)(Relay *relay);
    /* Any thread. Beyond room() it is taken too, and waits. */
    void (*offer)(Relay *relay, Mail *take_mail);
    void (*configure)(Relay *relay, Config *config, unsigned index); /* reload */
    /* Has a paused relay try again at once; any thread, under dispatch's lock.  NULL, as the
     * next one: this backend pauses nothing. */
    void (*probe)(Relay *relay);
    /* When a paused relay tries again (monotonic, ms): in the past while it does, or waits
     * for a mail to do it with; 0: it is not paused.  As room(). */
    int64_t (*probe_ms)(Relay *relay);
    /* Takes nothing new; what is in a transaction has until the deadline (monotonic
     * ms), the rest comes back UNTRIED at once. Nothing is offered after it; it may come
     * again with an earlier deadline. */
    void (*stop)(Relay *relay, int64_t deadline_ms);
    void (*join)(Relay *relay);  /* waits until every mail came back */
    void (*free)(Relay *relay);  /* after join */
} DeliveryOps;

extern const DeliveryOps delivery_smtp;
extern const DeliveryOps delivery_maildir;

#endif
