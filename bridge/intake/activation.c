/* SPDX-License-Identifier: MIT */
#include "bridge/intake/activation.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rules/fault.h"

enum { FIRST = 3, SOCKETS_MAX = 64 };

static bool fail(GError **error, int fd, const char *reason)
{
    g_set_error(error, FAULT, FAULT_INPUT, "passed socket %d: %s", fd, reason);
    return false;
}

/* How many; 0 if they are for another process. */
static bool read_count(guint64 *n, GError **error)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    *n = 0;
    if (pid == NULL || count == NULL || g_ascii_strtoll(pid, NULL, 10) != getpid()) {
        return true;
    }
    if (!g_ascii_string_to_unsigned(count, 10, 0, SOCKETS_MAX, n, NULL)) {
        g_set_error(error, FAULT, FAULT_INPUT, "LISTEN_FDS: not a number up to %d: \"%s\"",
                    SOCKETS_MAX, count);
        return false;
    }
    return true;
}

static bool read_door(const char *name, HttpDoor *door)
{
    *door = g_str_equal(name, "management") ? HTTP_MANAGEMENT : HTTP_WEB;
    return *door == HTTP_MANAGEMENT || g_str_equal(name, "web") || g_str_equal(name, "unknown") ||
           g_str_has_suffix(name, ".socket") || *name == '\0';
}

static int option(int fd, int name)
{
    int value = -1;
    socklen_t length = sizeof value;
    return getsockopt(fd, SOL_SOCKET, name, &value, &length) == 0 ? value : -1;
}

static bool is_listening_tcp(int fd)
{
    int domain = option(fd, SO_DOMAIN);
    return (domain == AF_INET || domain == AF_INET6) && option(fd, SO_TYPE) == SOCK_STREAM &&
           option(fd, SO_ACCEPTCONN) == 1;
}

static bool take(int fd, const char *name, PassedSocket *passed, GError **error)
{
    passed->fd = fd;
    if (!read_door(name, &passed->door)) {
        g_autofree char *reason = g_strdup_printf("its name is neither web nor management: \"%s\"", name);
        return fail(error, fd, reason);
    }
    if (!is_listening_tcp(fd)) {
        return fail(error, fd, "not a listening TCP socket");
    }
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    return true;
}

GArray *activation_take(GError **error)
{
    guint64 n;
    if (!read_count(&n, error)) {
        return NULL;
    }
    g_autoptr(GArray) sockets = g_array_new(FALSE, TRUE, sizeof(PassedSocket));
    const char *text = getenv("LISTEN_FDNAMES");
    g_auto(GStrv) names = g_strsplit(text != NULL ? text : "", ":", -1);
    guint n_names = g_strv_length(names);
    for (guint i = 0; i < n; i++) {
        PassedSocket passed;
        if (!take(FIRST + (int)i, i < n_names ? names[i] : "", &passed, error)) {
            return NULL;
        }
        g_array_append_val(sockets, passed);
    }
    return g_steal_pointer(&sockets);
}
