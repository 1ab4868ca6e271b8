/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_DUMPS_H
#define BRIDGE_DUMPS_H

/* Passwords, tokens and keys are in memory, so there are no core dumps.
 *
 * RLIMIT_CORE alone does not do that: the kernel does not apply it to a core_pattern that pipes
 * to a program or a socket, but for the value 1.  PR_SET_DUMPABLE covers them all, and MADV_DONTDUMP
 * would miss what libraries copy.  Its price: who is not root cannot trace the program, nor read
 * what /proc keeps for its owner, which is as well for the same reason.  Both are set, so that
 * what looks at the limit (systemd-coredump) sees it, too. */
void dumps_forbid(void);
/* At the end, when secrets are gone: what looks for leaks there (LeakSanitizer) traces the
 * process. */
void dumps_allow(void);

#endif
