/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_OUTBOX_RESERVE_H
#define BRIDGE_OUTBOX_RESERVE_H

#include <stdbool.h>
#include <stdint.h>

/* Room on the disk, kept by a file PATH.reserve beside the database: given away when the
 * disk is full, it lets claims and outcomes be stored, so that the queue can drain. */

/* How much: 16 MiB, on a small file system an eighth of it. */
int64_t reserve_size(const char *path);

/* Whether there is room: the reserve is there, or was made and left some beside it.  Where
 * no file of that size may be made for another reason, it has to do without. */
bool reserve_make(const char *path);
void reserve_release(const char *path);

#endif
