/* SPDX-License-Identifier: MIT */
/* The log.  A caller formats its line and copies it into a ring of bytes under a short
 * lock; one thread takes bytes out and writes them.  After a write it lets lines gather
 * for a moment, so that many share a write and a wake-up.  A full ring costs the line,
 * which is counted, and the count is said once there is room.  The thread never sits in
 * a write it cannot leave: it polls first and writes no more than a pipe takes at once.
 * At the end it writes what is left, for a second at most if the reader is stuck. */
#include "bridge/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "bridge/json.h"
#include "rules/timestamp.h"

#define RING_SIZE    ((size_t)256 * 1024)
#define WRITE_MAX    ((size_t)4096) /* a pipe that polls as writable takes as much */
#define VALUE_MAX    ((size_t)1000)
#define GATHER_MS    10
#define LAST_WAIT_MS 1000

struct Log {
    int fd, wake;
    LogLevel level;
    LogFormat format;
    pthread_t thread;
    atomic_uint_fast64_t dropped;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t filled;
    char *ring;
    size_t first, used;
    size_t wanted; /* wake the thread when so much is used */
    uint64_t taken_in, written; /* bytes so far */
    unsigned flushing;          /* callers that wait until all is written */
    pthread_cond_t flushed;
    bool stopping;
};

static const char *const level_texts[] = {
    [LOG_LEVEL_DEBUG] = "debug",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_WARN] = "warn",
    [LOG_LEVEL_ERROR] = "error",
};

bool log_level_parse(const char *text, LogLevel *level)
{
    for (size_t i = 0; i < G_N_ELEMENTS(level_texts); i++) {
        if (strcmp(text, level_texts[i]) == 0) {
            *level = (LogLevel)i;
            return true;
        }
    }
    return false;
}

bool log_format_parse(const char *text, LogFormat *format)
{
    if (strcmp(text, "logfmt") == 0) {
        *format = LOG_LOGFMT;
        return true;
    }
    if (strcmp(text, "json") == 0) {
        *format = LOG_JSON;
        return true;
    }
    return false;
}

const char *log_number(int64_t number, char *buffer)
{
    bool negative = number < 0;
    uint64_t rest = negative ? -(uint64_t)number : (uint64_t)number;
    char *at = buffer + 23;
    *at = '\0';
    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (negative) {
        *--at = '-';
    }
    return at;
}

static int64_t clock_ms(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool is_bare(const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        if (*at <= ' ' || *at > '~' || *at == '"' || *at == '=' || *at == '\\') {
            return false;
        }
    }
    return *text != '\0';
}

static void append_value(GString *line, LogFormat format, const char *value)
{
    if (format == LOG_LOGFMT && is_bare(value)) {
        g_string_append(line, value);
    } else {
        json_append_string(line, value);
    }
}

static void append_cut(GString *line, LogFormat format, const char *value)
{
    if (strnlen(value, VALUE_MAX + 1) <= VALUE_MAX) {
        append_value(line, format, value);
        return;
    }
    size_t length = VALUE_MAX;
    while (length > VALUE_MAX - 3 && ((guchar)value[length] & 0xC0) == 0x80) {
        length--;
    }
    g_autofree char *head = g_strndup(value, length);
    g_autofree char *cut = g_strconcat(head, "…", NULL);
    append_value(line, format, cut);
}

static void append_pair(GString *line, LogFormat format, const char *key,
                        const char *value)
{
    if (format == LOG_JSON) {
        g_string_append(line, line->len > 1 ? "," : "");
        json_append_string(line, key);
        g_string_append_c(line, ':');
    } else {
        g_string_append(line, line->len > 0 ? " " : "");
        g_string_append(line, key);
        g_string_append_c(line, '=');
    }
    append_cut(line, format, value != NULL ? value : "");
}

/* printf takes longer for a time than for the rest of its line. */
static void put_digits(char *to, int number, size_t n)
{
    for (; n-- > 0; number /= 10) {
        to[n] = (char)('0' + number % 10);
    }
}

static void append_time(GString *line, LogFormat format)
{
    int64_t now_ms = clock_ms(CLOCK_REALTIME);
    CivilTime at = timestamp_civil(timestamp_from_ms(now_ms));
    char text[] = "0000-00-00T00:00:00.000Z";
    put_digits(text, (int)at.year, 4);
    put_digits(text + 5, at.month, 2);
    put_digits(text + 8, at.day, 2);
    put_digits(text + 11, at.hour, 2);
    put_digits(text + 14, at.minute, 2);
    put_digits(text + 17, at.second, 2);
    put_digits(text + 20, (int)(now_ms % 1000), 3);
    append_pair(line, format, "time", text);
}

static GString *line_new(const Log *log, LogLevel level, const char *msg)
{
    GString *line = g_string_sized_new(256);
    g_string_append(line, log->format == LOG_JSON ? "{" : "");
    append_time(line, log->format);
    append_pair(line, log->format, "level", level_texts[level]);
    append_pair(line, log->format, "msg", msg);
    return line;
}

static void line_end(const Log *log, GString *line)
{
    g_string_append(line, log->format == LOG_JSON ? "}\n" : "\n");
}

/* With the lock held; false if the line has no room. */
static bool put(Log *log, const GString *line)
{
    if (line->len > RING_SIZE - log->used) {
        return false;
    }
    size_t at = (log->first + log->used) % RING_SIZE;
    size_t head = MIN(line->len, RING_SIZE - at);
    memcpy(log->ring + at, line->str, head);
    memcpy(log->ring, line->str + head, line->len - head);
    log->used += line->len;
    log->taken_in += line->len;
    return true;
}

void log_line(Log *log, LogLevel level, const char *msg, ...)
{
    if (log == NULL || level < log->level) {
        return;
    }
    g_autoptr(GString) line = line_new(log, level, msg);
    va_list pairs;
    va_start(pairs, msg);
    for (const char *key; (key = va_arg(pairs, const char *)) != NULL;) {
        append_pair(line, log->format, key, va_arg(pairs, const char *));
    }
    va_end(pairs);
    line_end(log, line);
    pthread_mutex_lock(&log->lock);
    if (!put(log, line)) {
        atomic_fetch_add(&log->dropped, 1);
    }
    bool wake = log->used >= log->wanted;
    log->wanted = wake ? SIZE_MAX : log->wanted;
    pthread_mutex_unlock(&log->lock);
    if (wake) {
        pthread_cond_signal(&log->filled);
    }
}

uint64_t log_dropped(const Log *log)
{
    return log != NULL ? atomic_load(&log->dropped) : 0;
}

/* True once the descriptor takes bytes; false when the log ends before. */
static bool wait_writable(Log *log, int64_t *end_ms)
{
    for (;;) {
        bool ending = *end_ms != 0;
        struct pollfd fds[] = {{.fd = log->fd, .events = POLLOUT},
                               {.fd = ending ? -1 : log->wake, .events = POLLIN}};
        int64_t left_ms = ending ? *end_ms - clock_ms(CLOCK_MONOTONIC) : -1;
        int ready = poll(fds, 2, ending ? (int)MAX(left_ms, 0) : -1);
        if (ready > 0 && fds[0].revents != 0) {
            return true;
        }
        if (ready == 0) {
            return false;
        }
        if (ready > 0) {
            *end_ms = clock_ms(CLOCK_MONOTONIC) + LAST_WAIT_MS;
        }
    }
}

static unsigned count_lines(const char *text, size_t length)
{
    unsigned n = 0;
    for (size_t i = 0; i < length; i++) {
        n += text[i] == '\n';
    }
    return n;
}

/* False if the descriptor takes no more; the lines lost are counted. */
static bool write_all(Log *log, const char *text, size_t length, int64_t *end_ms)
{
    while (length > 0) {
        ssize_t n = wait_writable(log, end_ms) ? write(log->fd, text, length) : 0;
        if (n > 0) {
            text += n;
            length -= (size_t)n;
        } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
            atomic_fetch_add(&log->dropped, count_lines(text, length));
            return false;
        }
    }
    return true;
}

/* Takes whole lines, up to WRITE_MAX bytes, out of the ring, so that no line is half
 * written if the program is killed; one that is longer goes in pieces.  Waits for some,
 * and returns 0 at the end. */
static size_t take(Log *log, char *buffer)
{
    pthread_mutex_lock(&log->lock);
    while (log->used == 0 && !log->stopping) {
        log->wanted = 1;
        pthread_cond_wait(&log->filled, &log->lock);
    }
    size_t length = MIN(log->used, WRITE_MAX);
    size_t head = MIN(length, RING_SIZE - log->first);
    memcpy(buffer, log->ring + log->first, head);
    memcpy(buffer + head, log->ring, length - head);
    const char *last = memrchr(buffer, '\n', length);
    length = last != NULL ? (size_t)(last - buffer) + 1 : length;
    log->first = (log->first + length) % RING_SIZE;
    log->used -= length;
    pthread_mutex_unlock(&log->lock);
    return length;
}

/* Says how many lines were lost since the last time, where the count fits in. */
static void say_dropped(Log *log, uint64_t *said)
{
    uint64_t dropped = atomic_load(&log->dropped);
    if (dropped == *said) {
        return;
    }
    g_autoptr(GString) line = line_new(log, LOG_LEVEL_WARN, "log lines dropped");
    append_pair(line, log->format, "lines", LOG_NUMBER(dropped - *said));
    line_end(log, line);
    pthread_mutex_lock(&log->lock);
    bool fits = put(log, line);
    pthread_mutex_unlock(&log->lock);
    *said = fits ? dropped : *said;
}

/* Lets a full write gather, for GATHER_MS at most. */
static void gather(Log *log)
{
    int64_t until_ms = clock_ms(CLOCK_MONOTONIC) + GATHER_MS;
    const struct timespec until = {.tv_sec = until_ms / 1000,
                                   .tv_nsec = until_ms % 1000 * 1000000};
    int result = 0;
    pthread_mutex_lock(&log->lock);
    while (log->used < WRITE_MAX && log->flushing == 0 && !log->stopping &&
           result != ETIMEDOUT) {
        log->wanted = WRITE_MAX;
        result = pthread_cond_timedwait(&log->filled, &log->lock, &until);
    }
    pthread_mutex_unlock(&log->lock);
}

static void note_written(Log *log, size_t length)
{
    pthread_mutex_lock(&log->lock);
    log->written += length;
    if (log->flushing > 0) {
        pthread_cond_broadcast(&log->flushed);
    }
    pthread_mutex_unlock(&log->lock);
}

void log_flush(Log *log)
{
    if (log == NULL) {
        return;
    }
    int64_t until_ms = clock_ms(CLOCK_MONOTONIC) + LAST_WAIT_MS;
    const struct timespec until = {.tv_sec = until_ms / 1000,
                                   .tv_nsec = until_ms % 1000 * 1000000};
    int result = 0;
    pthread_mutex_lock(&log->lock);
    uint64_t all = log->taken_in;
    log->flushing++;
    pthread_cond_signal(&log->filled);
    while (log->written < all && result != ETIMEDOUT) {
        result = pthread_cond_timedwait(&log->flushed, &log->lock, &until);
    }
    log->flushing--;
    pthread_mutex_unlock(&log->lock);
}

static void *run(void *data)
{
    Log *log = data;
    char buffer[WRITE_MAX];
    uint64_t said = 0;
    int64_t end_ms = 0;
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    pthread_setname_np(pthread_self(), "log");
    for (size_t length; (length = take(log, buffer)) > 0;) {
        if (write_all(log, buffer, length, &end_ms)) {
            say_dropped(log, &said);
        }
        note_written(log, length);
        gather(log);
    }
    return NULL;
}

Log *log_new(int fd, LogLevel level, LogFormat format)
{
    Log *log = g_new0(Log, 1);
    log->fd = fd;
    log->level = level;
    log->format = format;
    log->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    log->ring = g_malloc(RING_SIZE);
    pthread_mutex_init(&log->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&log->filled, &monotonic);
    pthread_cond_init(&log->flushed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int failure = pthread_create(&log->thread, NULL, run, log);
    /* At the very start of the program, with nothing to fall back on. */
    g_assert(log->wake >= 0 && failure == 0);
    return log;
}

void log_free(Log *log)
{
    if (log == NULL) {
        return;
    }
    pthread_mutex_lock(&log->lock);
    log->stopping = true;
    pthread_cond_signal(&log->filled);
    pthread_mutex_unlock(&log->lock);
    ssize_t written = write(log->wake, &(uint64_t){1}, sizeof(uint64_t));
    g_assert(written == sizeof(uint64_t));
    pthread_join(log->thread, NULL);
    pthread_cond_destroy(&log->filled);
    pthread_cond_destroy(&log->flushed);
    pthread_mutex_destroy(&log->lock);
    close(log->wake);
    g_free(log->ring);
    g_free(log);
}
