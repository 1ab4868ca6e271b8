/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_LOG_H
#define BRIDGE_LOG_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR } LogLevel;
typedef enum { LOG_LOGFMT, LOG_JSON } LogFormat;

/* The log: a bounded ring and one thread that writes it to a descriptor. A blocked
 * pipe costs lines (counted), never mail. Any thread may write. */
typedef struct Log Log;

/* Writes to FD, which stays the caller's, from a thread of its own that starts here. */
Log *log_new(int fd, LogLevel level, LogFormat format);
/* Writes what is in the ring (waiting up to a second for a blocked pipe), ends the
 * thread.  Nobody may write any more. */
void log_free(Log *log); /* NULL is allowed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Log, log_free)
/* Waits until what is in the ring is written, a second at most.  For what must be known
 * even if the next moment is the last one. */
void log_flush(Log *log);
/* Lines lost so far: the ring was full, or the descriptor refused them.  The log says
 * so itself ("log lines dropped") as soon as it can write again. */
uint64_t log_dropped(const Log *log);

bool log_level_parse(const char *text, LogLevel *level);
bool log_format_parse(const char *text, LogFormat *format);

/* One line: time, level, msg, then pairs of key and value, both const char *, up to a
 * NULL.  Keys are plain words.  Values may hold any bytes, and are cut at 1,000; a value
 * of NULL is written as "".  Never blocks.  LOG NULL: nothing happens.
 *   log_line(log, LOG_LEVEL_INFO, "mail delivered", "mail", id, "relay", name, NULL); */
void log_line(Log *log, LogLevel level, const char *msg, ...) G_GNUC_NULL_TERMINATED;

/* A number as text in a buffer of the caller's statement, for log_line's pairs. */
#define LOG_NUMBER(n) (log_number((int64_t)(n), (char[24]){0}))
const char *log_number(int64_t number, char *buffer);

#endif
