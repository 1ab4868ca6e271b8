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
