/* SPDX-License-Identifier: MIT */
#include "bridge/delivery/smtp/health.h"

void health_init(Health *health, unsigned connections)
{
    *health = (Health){.connections = connections, .allowed = connections};
}

void health_configure(Health *health, unsigned connections)
{
    bool throttled = health->allowed < health->connections;
    health->allowed = throttled ? MIN(health->allowed, connections) : connections;
    health->connections = connections;
    health->open_after_ms = 0;
    health->pause_ms = 0;
}

void health_probe(Health *health)
{
    int64_t at_ms = health->failed_ms + HEALTH_PROBE_MIN_MS;
    health->open_after_ms = MIN(health->open_after_ms, at_ms);
}

/* The next opening is later each time. */
static void back_off(Health *health, RelayFault fault, int64_t now_ms)
{
    int64_t longer = MIN(health->pause_ms * 2, HEALTH_PAUSE_MAX_MS);
    health->pause_ms = MAX(longer, HEALTH_PAUSE_MIN_MS);
    health->failed_ms = now_ms;
    health->open_after_ms = now_ms + health->pause_ms;
    health->fault = fault;
    health->opened = false;
}

void health_session_failed(Health *health, RelayFault fault, unsigned others, int64_t now_ms)
{
    if (fault == FAULT_THROTTLE) {
        health->allowed = MAX(1, MIN(health->allowed, others + 1) / 2);
        health->grow_ms = now_ms + HEALTH_GROW_MS;
    }
    if (others == 0) {
        health_relay_failed(health, fault, now_ms);
    } else if (now_ms >= health->open_after_ms) {
        back_off(health, fault, now_ms); /* several that fail together count once */
    }
}

void health_relay_failed(Health *health, RelayFault fault, int64_t now_ms)
{
    bool again = health->paused && now_ms < health->open_after_ms;
    if (!again) {
        back_off(health, fault, now_ms);
    }
    health->paused = true;
    health->probing = false;
    health->proven = false;
}

static void mend(Health *health)
{
    health->paused = health->probing = false;
    health->open_after_ms = 0;
}

bool health_session_opened(Health *health)
{
    bool mended = health->spared && health->probing && health->fault == FAULT_CONNECT;
    health->opened = true;
    if (mended) {
        mend(health);
    }
    return mended;
}

bool health_mail_answered(Health *health, bool taken, int64_t now_ms)
{
    bool mended = health->paused || health->probing;
    if (taken) {
        health->proven = true;
        health->proven_ms = now_ms;
    }
    if (mended) {
        mend(health);
    }
    if (now_ms >= health->open_after_ms) {
        health->pause_ms = 0;
        health->fault = FAULT_NONE;
    }
    return mended;
}

bool health_take_proof(Health *health, int64_t now_ms)
{
    bool proven = health->proven && now_ms - health->proven_ms <= HEALTH_PROOF_MS;
    health->proven = false;
    return proven;
}

bool health_pass(Health *health, int64_t now_ms)
{
    if (health->allowed < health->connections && now_ms >= health->grow_ms) {
        health->allowed++;
        health->grow_ms = now_ms + HEALTH_GROW_MS;
    }
    if (!health->paused || now_ms < health->open_after_ms) {
        return false;
    }
    health->paused = false;
    health->probing = true;
    return true;
}

/* The probe is a session, opened for no mail. */
static bool is_scouting(const Health *health)
{
    return health->spared && health->probing && !health->opened;
}

static unsigned sessions_wanted(const Health *health, const HealthLoad *load, int64_t now_ms)
{
    if (is_scouting(health)) {
        return 1;
    }
    bool nothing = load->open + load->connecting == 0;
    bool patient = now_ms - load->oldest_ms < HEALTH_PATIENCE_MS;
    unsigned wanted = load->waiting / 2;
    if (load->waiting > 0 && (nothing || !patient)) {
        wanted = MAX(wanted, 1);
    }
    /* The first one shows whether the others have a chance. */
    return health->opened && !health->probing ? wanted : MIN(wanted, 1);
}

unsigned health_sessions_to_open(const Health *health, const HealthLoad *load, int64_t now_ms)
{
    unsigned sessions = load->open + load->connecting + load->closing;
    if (health->paused || now_ms < health->open_after_ms || sessions >= health->allowed) {
        return 0;
    }
    unsigned wanted = sessions_wanted(health, load, now_ms);
    unsigned more = wanted > load->connecting ? wanted - load->connecting : 0;
    return MIN(more, health->allowed - sessions);
}

unsigned health_capacity(const Health *health)
{
    if (health->paused || is_scouting(health)) {
        return 0;
    }
    return health->probing ? 1 : health->allowed * HEALTH_MAILS_PER_SESSION;
}

bool health_strand(Health *health, const HealthLoad *load, int64_t now_ms)
{
    bool alone = load->open + load->connecting == 0;
    if (health->paused || load->waiting == 0 || !alone || now_ms >= health->open_after_ms) {
        return false;
    }
    health->paused = true;
    health->probing = false;
    return true;
}

int64_t health_next_ms(const Health *health, const HealthLoad *load, int64_t now_ms)
{
    if (health->paused) {
        return health->open_after_ms;
    }
    unsigned sessions = load->open + load->connecting + load->closing;
    if (load->waiting == 0 || sessions >= health->allowed) {
        return -1;
    }
    int64_t next = MAX(health->open_after_ms, load->oldest_ms + HEALTH_PATIENCE_MS);
    return next > now_ms ? next : -1;
}
