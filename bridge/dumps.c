/* SPDX-License-Identifier: MIT */
#include "bridge/dumps.h"

#include <sys/prctl.h>
#include <sys/resource.h>

/* Neither can fail for these values; under a filter of system calls one may. */

void dumps_forbid(void)
{
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0);
}

void dumps_allow(void)
{
    prctl(PR_SET_DUMPABLE, 1);
}
