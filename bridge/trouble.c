/* SPDX-License-Identifier: MIT */
#include "bridge/trouble.h"

#include "bridge/slot.h"

void relay_trouble_clear(RelayTrouble *trouble)
{
    g_clear_pointer(&trouble->text, g_free);
}

static int64_t probe_in_ms(const Slot *slot)
{
    int64_t at_ms = slot->ops->probe_ms != NULL ? slot->ops->probe_ms(slot->relay) : 0;
    return MAX(at_ms - g_get_monotonic_time() / 1000, 0);
}

void dispatch_trouble(Dispatch *dispatch, const char *relay, RelayTrouble *trouble)
{
    *trouble = (RelayTrouble){.fault = FAULT_NONE};
    pthread_mutex_lock(&dispatch->lock);
    const Slot *slot = g_hash_table_lookup(dispatch->slots, relay);
    if (slot != NULL && slot->fault != FAULT_NONE) {
        *trouble = (RelayTrouble){slot->fault, slot->fault_ms, probe_in_ms(slot),
                                  g_strdup(slot->fault_text)};
    }
    pthread_mutex_unlock(&dispatch->lock);
}

void dispatch_probe(Dispatch *dispatch)
{
    GHashTableIter slots;
    void *data;
    pthread_mutex_lock(&dispatch->lock);
    g_hash_table_iter_init(&slots, dispatch->slots);
    while (!dispatch->stopping && g_hash_table_iter_next(&slots, NULL, &data)) {
        const Slot *slot = data;
        if (slot->fault != FAULT_NONE && slot->ops->probe != NULL) {
            slot->ops->probe(slot->relay);
        }
    }
    pthread_mutex_unlock(&dispatch->lock);
}
