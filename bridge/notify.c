/* SPDX-License-Identifier: MIT */
#include "bridge/notify.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define SEND_S 5 /* a manager that is busy for longer misses it */

struct Notify {
    Log *log;
    struct sockaddr_un address;
    socklen_t length;
    int64_t watchdog_ms;
    atomic_bool complained;
};

/* False: no address of a socket. */
static bool read_address(Notify *notify, const char *text)
{
    size_t length = strlen(text);
    if ((*text != '/' && *text != '@') || length < 2 || length >= sizeof notify->address.sun_path) {
        return false;
    }
    notify->address.sun_family = AF_UNIX;
    memcpy(notify->address.sun_path, text, length);
    bool abstract = *text == '@';
    if (abstract) {
        notify->address.sun_path[0] = '\0';
    }
    notify->length =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (abstract ? 0 : 1));
    return true;
}

/* 0 if it is not for this process. */
static int64_t read_watchdog_ms(void)
{
    const char *pid = getenv("WATCHDOG_PID"), *usec = getenv("WATCHDOG_USEC");
    guint64 number;
    if (usec == NULL || !g_ascii_string_to_unsigned(usec, 10, 1, INT64_MAX, &number, NULL) ||
        (pid != NULL && g_ascii_strtoll(pid, NULL, 10) != getpid())) {
        return 0;
    }
    return (int64_t)MAX(number / 1000, 1);
}

Notify *notify_new(Log *log)
{
    const char *socket_name = getenv("NOTIFY_SOCKET");
    if (socket_name == NULL || *socket_name == '\0') {
        return NULL;
    }
    Notify *notify = g_new0(Notify, 1);
    notify->log = log;
    if (!read_address(notify, socket_name)) {
        log_line(log, LOG_LEVEL_WARN, "service manager not told", "error",
                 "NOTIFY_SOCKET is neither a path nor an abstract socket", NULL);
        notify_free(notify);
        return NULL;
    }
    notify->watchdog_ms = read_watchdog_ms();
    return notify;
}

void notify_free(Notify *notify)
{
    g_free(notify);
}

int64_t notify_watchdog_ms(const Notify *notify)
{
    return notify != NULL ? notify->watchdog_ms : 0;
}

/* 0, or why not. */
static int send_text(const Notify *notify, const char *text)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return errno;
    }
    const struct timeval timeout = {.tv_sec = SEND_S};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    ssize_t sent = sendto(fd, text, strlen(text), MSG_NOSIGNAL,
                          (const struct sockaddr *)&notify->address, notify->length);
    int reason = sent < 0 ? errno : 0;
    close(fd);
    return reason;
}

static void tell(Notify *notify, const char *text)
{
    int reason = send_text(notify, text);
    if (reason != 0 && !atomic_exchange(&notify->complained, true)) {
        log_line(notify->log, LOG_LEVEL_WARN, "service manager not told", "error",
                 g_strerror(reason), NULL);
    }
}

static void tell_status(Notify *notify, const char *state, const char *status)
{
    if (notify != NULL) {
        g_autofree char *line = g_strdelimit(g_strdup(status), "\r\n", ' ');
        g_autofree char *text = g_strconcat(state, "\nSTATUS=", line, NULL);
        tell(notify, text);
    }
}

void notify_ready(Notify *notify, const char *status)
{
    tell_status(notify, "READY=1", status);
}

void notify_reloading(Notify *notify)
{
    if (notify != NULL) {
        g_autofree char *text = g_strdup_printf("RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT,
                                                g_get_monotonic_time());
        tell(notify, text);
    }
}

void notify_alive(Notify *notify, const char *status)
{
    tell_status(notify, "WATCHDOG=1", status);
}

void notify_stopping(Notify *notify, int64_t timeout_ms)
{
    if (notify != NULL) {
        g_autofree char *text =
            g_strdup_printf("STOPPING=1\nEXTEND_TIMEOUT_USEC=%" G_GINT64_FORMAT
                            "\nSTATUS=Finishing what is being delivered",
                            timeout_ms * 1000);
        tell(notify, text);
    }
}
