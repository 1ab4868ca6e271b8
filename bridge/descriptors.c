/* SPDX-License-Identifier: MIT */
#include "bridge/descriptors.h"

#include <sys/resource.h>

#include "bridge/intake/peers.h"

/* The storage, the log, listening sockets, a template that is read, a secret's file. */
#define OF_OUR_OWN 128
/* A mail server's session, and the name that is looked up for it. */
#define OF_A_SESSION 2

static size_t besides(const Config *config)
{
    return OF_OUR_OWN + (size_t)config->n_relays * config->delivery.connections * OF_A_SESSION;
}

/* What the limit is afterwards. */
static size_t raise_to(size_t wanted)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0) {
        return wanted;
    }
    if (files.rlim_cur < wanted) {
        struct rlimit more = {MIN(wanted, files.rlim_max), files.rlim_max};
        return setrlimit(RLIMIT_NOFILE, &more) == 0 ? more.rlim_cur : files.rlim_cur;
    }
    return files.rlim_cur;
}

unsigned descriptors_room(size_t have, size_t besides, unsigned wanted)
{
    size_t room = MAX(have - MIN(have, besides), have / 2);
    while (wanted > 1 && peers_sockets_max(wanted) > room) {
        wanted--;
    }
    return wanted;
}

void descriptors_fit(HttpLimits *limits, const Config *config, Log *log)
{
    size_t others = besides(config);
    size_t wanted = peers_sockets_max(limits->connections_max) + others;
    size_t have = raise_to(wanted);
    if (have >= wanted) {
        return;
    }
    limits->connections_max = descriptors_room(have, others, limits->connections_max);
    limits->address_max = MIN(limits->address_max, limits->connections_max);
    log_line(log, LOG_LEVEL_WARN,
             "the process may open too few files: fewer HTTP connections are served", //
             "limit", LOG_NUMBER(have), "wanted", LOG_NUMBER(wanted),                 //
             "connections", LOG_NUMBER(limits->connections_max),                      //
             "help", "raise LimitNOFILE (systemd) or ulimit -Hn, or lower limits.connections",
             NULL);
}
