/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_LANES_H
#define BRIDGE_LANES_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* The workers: a few threads that do what may take time, and lanes that keep order.
 * Work of one lane runs one at a time, first in, first out.  A lane stays taken until
 * it is given back, from any thread: what a job starts elsewhere still belongs to it. */
typedef struct Lanes Lanes;
typedef struct Lane Lane;

typedef void LanesWork(void *data);
typedef void LaneWork(void *data, Lane *lane);

/* WAITING_MAX: how many jobs of lanes_submit may wait for a thread. */
Lanes *lanes_new(unsigned n_threads, size_t waiting_max);
/* False with ERROR (SYSTEM) if the threads cannot be had: join and free all the same. */
bool lanes_start(Lanes *lanes, GError **error);
/* No new jobs; the threads end when nothing waits any more and every lane is back. */
void lanes_stop(Lanes *lanes);
void lanes_join(Lanes *lanes);
/* NULL is allowed; only after join, and with no other thread in a call. */
void lanes_free(Lanes *lanes);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Lanes, lanes_free)

/* Runs work(data) on a worker.  False if too many wait already, or after lanes_stop():
 * the data is still yours.  Any thread. */
bool lanes_submit(Lanes *lanes, LanesWork *work, void *data);

/* The same without a ceiling, for what must go on once it has begun (Accept.schedule).
 * Until the last lane is back also after lanes_stop(). */
void lanes_schedule(Lanes *lanes, LanesWork *work, void *data);

/* Runs work(data, lane) with the lane of KEY taken: at once on this thread if the lane
 * is free, else on a worker when it is this job's turn.  The work, or whoever it hands
 * LANE to, calls lane_release() once.  Call it on a worker, from a job. */
void lanes_enter(Lanes *lanes, const char *key, LaneWork *work, void *data);
/* Gives the lane back, and lets the next job in.  Any thread. */
void lane_release(Lane *lane);

#endif
