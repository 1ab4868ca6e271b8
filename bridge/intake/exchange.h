/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_INTAKE_EXCHANGE_H
#define BRIDGE_INTAKE_EXCHANGE_H

#include <microhttpd.h>
#include <stdatomic.h>

#include "bridge/intake/gate.h"
#include "bridge/intake/peers.h"
#include "bridge/intake/server.h"

/* What the exchanges of one server share. */
typedef struct {
    const HttpLimits *limits;
    HttpBegin *begin;
    void *who;
    HttpHeaders *headers; /* NULL: none */
    void *headers_who;
    Metrics *metrics;
    Peers *peers;
    Gate gate;
    atomic_size_t inflight; /* bytes held for bodies */
    atomic_bool draining;   /* every answer ends its connection */
} ExchangeContext;

/* libmicrohttpd's callbacks; the first argument is the ExchangeContext, and the
 * connection's socket context its Peer. */
void *exchange_on_first_line(void *who, const char *uri, struct MHD_Connection *connection);
enum MHD_Result exchange_on_request(void *who, struct MHD_Connection *connection,
                                    const char *path, const char *method, const char *version,
                                    const char *data, size_t *length, void **request);
size_t exchange_unescape(void *who, struct MHD_Connection *connection, char *text);
void exchange_on_completed(void *who, struct MHD_Connection *connection, void **request,
                           enum MHD_RequestTerminationCode code);

#endif
