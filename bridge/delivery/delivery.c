/* SPDX-License-Identifier: MIT */
#include "bridge/delivery/delivery.h"

const char *relay_fault_text(RelayFault fault)
{
    static const char *const texts[] = {
        [FAULT_NONE] = "none",         [FAULT_CONNECT] = "connect", [FAULT_AUTH] = "auth",
        [FAULT_THROTTLE] = "throttle", [FAULT_REFUSED] = "refused",
    };
    return texts[fault];
}

void delivery_tell_fault(Log *log, Metrics *metrics, const char *name, RelayFault fault,
                         const char *text)
{
    metrics_set(metrics, METRIC_RELAY_PAUSED, fault == FAULT_NONE ? 0 : 1, name, NULL);
    if (fault == FAULT_NONE) {
        log_line(log, LOG_LEVEL_INFO, "relay works again", "relay", name, NULL);
    } else {
        log_line(log, LOG_LEVEL_WARN, "relay fails", "relay", name, "fault",
                 relay_fault_text(fault), "text", text, NULL);
    }
}
