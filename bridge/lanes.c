/* SPDX-License-Identifier: MIT */
/* The workers.  Jobs stand in one queue; each thread takes the first.  A lane exists
 * while it is taken: the jobs that want it too wait in the lane's own queue, and giving
 * it back moves the first of them to the workers' queue, with the lane still taken.
 * At the end the threads stay until the queue is empty and no lane is out, because the
 * holder of a lane may still schedule work. */
#include "bridge/lanes.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "rules/fault.h"

typedef struct Job {
    struct Job *next;
    LanesWork *work; /* or, with a lane: */
    LaneWork *lane_work;
    Lane *lane;
    void *data;
} Job;

typedef struct {
    Job *first, **last;
    size_t n;
} Queue;

struct Lane {
    Lanes *lanes;
    char *key;
    Queue waiting; /* guarded by the lock of `lanes` */
};

struct Lanes {
    unsigned n_threads, n_started;
    pthread_t *threads;
    size_t waiting_max;
    pthread_mutex_t lock; /* guards what follows, and the lanes */
    pthread_cond_t changed;
    Queue ready;
    GHashTable *taken; /* key -> Lane; the key lives in the lane */
    bool stopping;
};

static void queue_init(Queue *queue)
{
    *queue = (Queue){.last = &queue->first};
}

static void queue_add(Queue *queue, Job *job)
{
    job->next = NULL;
    *queue->last = job;
    queue->last = &job->next;
    queue->n++;
}

static Job *queue_take(Queue *queue)
{
    Job *job = queue->first;
    if (job == NULL) {
        return NULL;
    }
    queue->first = job->next;
    if (queue->first == NULL) {
        queue->last = &queue->first;
    }
    queue->n--;
    return job;
}

static Job *job_new(const Job *like)
{
    Job *job = g_new(Job, 1);
    *job = *like;
    return job;
}

/* The next job; NULL at the end.  With the lock held. */
static Job *wait_for_job(Lanes *lanes)
{
    while (lanes->ready.first == NULL &&
           !(lanes->stopping && g_hash_table_size(lanes->taken) == 0)) {
        pthread_cond_wait(&lanes->changed, &lanes->lock);
    }
    return queue_take(&lanes->ready);
}

static void run_job(Job *job)
{
    if (job->lane != NULL) {
        job->lane_work(job->data, job->lane);
    } else {
        job->work(job->data);
    }
    g_free(job);
}

static void *run(void *data)
{
    Lanes *lanes = data;
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    pthread_setname_np(pthread_self(), "worker");
    pthread_mutex_lock(&lanes->lock);
    for (Job *job; (job = wait_for_job(lanes)) != NULL;) {
        pthread_mutex_unlock(&lanes->lock);
        run_job(job);
        pthread_mutex_lock(&lanes->lock);
    }
    pthread_mutex_unlock(&lanes->lock);
    return NULL;
}

Lanes *lanes_new(unsigned n_threads, size_t waiting_max)
{
    Lanes *lanes = g_new0(Lanes, 1);
    lanes->n_threads = n_threads;
    lanes->threads = g_new0(pthread_t, n_threads);
    lanes->waiting_max = waiting_max;
    pthread_mutex_init(&lanes->lock, NULL);
    pthread_cond_init(&lanes->changed, NULL);
    queue_init(&lanes->ready);
    lanes->taken = g_hash_table_new(g_str_hash, g_str_equal);
    return lanes;
}

bool lanes_start(Lanes *lanes, GError **error)
{
    while (lanes->n_started < lanes->n_threads) {
        int failure =
            pthread_create(&lanes->threads[lanes->n_started], NULL, run, lanes);
        if (failure != 0) {
            g_set_error(error, FAULT, FAULT_SYSTEM, "start a worker: %s",
                        g_strerror(failure));
            return false;
        }
        lanes->n_started++;
    }
    return true;
}

void lanes_stop(Lanes *lanes)
{
    pthread_mutex_lock(&lanes->lock);
    lanes->stopping = true;
    pthread_cond_broadcast(&lanes->changed);
    pthread_mutex_unlock(&lanes->lock);
}

void lanes_join(Lanes *lanes)
{
    while (lanes->n_started > 0) {
        pthread_join(lanes->threads[--lanes->n_started], NULL);
    }
}

void lanes_free(Lanes *lanes)
{
    if (lanes == NULL) {
        return;
    }
    g_assert(lanes->n_started == 0 && lanes->ready.n == 0);
    g_hash_table_unref(lanes->taken);
    pthread_cond_destroy(&lanes->changed);
    pthread_mutex_destroy(&lanes->lock);
    g_free(lanes->threads);
    g_free(lanes);
}

/* One who is woken with the lock held has to wait for it at once. */
static void unlock_and_wake(Lanes *lanes, bool wake)
{
    pthread_mutex_unlock(&lanes->lock);
    if (wake) {
        pthread_cond_signal(&lanes->changed);
    }
}

bool lanes_submit(Lanes *lanes, LanesWork *work, void *data)
{
    pthread_mutex_lock(&lanes->lock);
    bool room = !lanes->stopping && lanes->ready.n < lanes->waiting_max;
    if (room) {
        queue_add(&lanes->ready, job_new(&(Job){.work = work, .data = data}));
    }
    unlock_and_wake(lanes, room);
    return room;
}

void lanes_schedule(Lanes *lanes, LanesWork *work, void *data)
{
    pthread_mutex_lock(&lanes->lock);
    queue_add(&lanes->ready, job_new(&(Job){.work = work, .data = data}));
    unlock_and_wake(lanes, true);
}

/* With the lock held. */
static Lane *lane_new(Lanes *lanes, const char *key)
{
    Lane *lane = g_new0(Lane, 1);
    lane->lanes = lanes;
    lane->key = g_strdup(key);
    queue_init(&lane->waiting);
    g_hash_table_insert(lanes->taken, lane->key, lane);
    return lane;
}

void lanes_enter(Lanes *lanes, const char *key, LaneWork *work, void *data)
{
    pthread_mutex_lock(&lanes->lock);
    Lane *lane = g_hash_table_lookup(lanes->taken, key);
    bool free_lane = lane == NULL;
    if (free_lane) {
        lane = lane_new(lanes, key);
    } else {
        queue_add(&lane->waiting,
                  job_new(&(Job){.lane_work = work, .lane = lane, .data = data}));
    }
    pthread_mutex_unlock(&lanes->lock);
    if (free_lane) {
        work(data, lane);
    }
}

void lane_release(Lane *lane)
{
    Lanes *lanes = lane->lanes;
    pthread_mutex_lock(&lanes->lock);
    Job *next = queue_take(&lane->waiting);
    if (next != NULL) {
        queue_add(&lanes->ready, next);
    } else {
        g_hash_table_remove(lanes->taken, lane->key);
        if (lanes->stopping) {
            pthread_cond_broadcast(&lanes->changed);
        }
        g_free(lane->key);
        g_free(lane);
    }
    unlock_and_wake(lanes, next != NULL);
}
