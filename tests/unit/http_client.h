/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_HTTP_CLIENT_H
#define TESTS_UNIT_HTTP_CLIENT_H

#include <arpa/inet.h>
#include <glib.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* A raw HTTP client: what is sent is exactly what the test says. */

typedef struct {
    unsigned code; /* 0: the connection ended without an answer */
    char *head;    /* with its last empty line */
    char *body;
} Reply;

static inline void reply_clear(Reply *reply)
{
    g_free(reply->head);
    g_free(reply->body);
    *reply = (Reply){0};
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Reply, reply_clear)

/* To "127.0.0.1:PORT"; -1 if nobody listens.  Reading gives up after 20 s. */
static inline int client_connect(const char *address)
{
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_port =
                                 htons((uint16_t)atoi(strrchr(address, ':') + 1)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){.tv_sec = 20},
               sizeof(struct timeval));
    if (connect(fd, (struct sockaddr *)&in, sizeof in) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static inline bool client_send_bytes(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t n = send(fd, bytes, length, MSG_NOSIGNAL);
        if (n <= 0) {
            return false;
        }
        bytes += n;
        length -= (size_t)n;
    }
    return true;
}

static inline bool client_send(int fd, const char *text)
{
    return client_send_bytes(fd, text, strlen(text));
}

/* Exactly LENGTH bytes, fewer at the end of the connection. */
static inline char *client_read(int fd, size_t length)
{
    char *bytes = g_malloc0(length + 1);
    size_t done = 0;
    while (done < length) {
        ssize_t n = recv(fd, bytes + done, length - done, 0);
        if (n <= 0) {
            break;
        }
        done += (size_t)n;
    }
    return bytes;
}

static inline char *client_read_head(int fd)
{
    GString *head = g_string_new(NULL);
    char byte;
    while (!g_str_has_suffix(head->str, "\r\n\r\n") && recv(fd, &byte, 1, 0) == 1) {
        g_string_append_c(head, byte);
    }
    return g_string_free(head, FALSE);
}

/* The value of a header, NULL if it is absent; free with g_free(). */
static inline char *reply_header(const Reply *reply, const char *name)
{
    g_autofree char *start = g_strdup_printf("\r\n%s: ", name);
    const char *at = strstr(reply->head, start);
    if (at == NULL) {
        return NULL;
    }
    at += strlen(start);
    return g_strndup(at, strcspn(at, "\r"));
}

static inline Reply client_reply_to(int fd, bool head_only)
{
    Reply reply = {.head = client_read_head(fd)};
    if (!g_str_has_prefix(reply.head, "HTTP/1.1 ")) {
        reply.body = g_strdup("");
        return reply;
    }
    reply.code = (unsigned)atoi(reply.head + 9);
    g_autofree char *length = reply_header(&reply, "Content-Length");
    reply.body =
        client_read(fd, length == NULL || head_only ? 0 : strtoul(length, NULL, 10));
    return reply;
}

static inline Reply client_reply(int fd)
{
    return client_reply_to(fd, false);
}

/* True if the other side has closed, with nothing more to read. */
static inline bool client_at_end(int fd)
{
    char byte;
    return recv(fd, &byte, 1, 0) <= 0;
}

/* One request on a connection of its own. */
static inline Reply client_request(const char *address, const char *request)
{
    int fd = client_connect(address);
    if (fd < 0) {
        return (Reply){.head = g_strdup(""), .body = g_strdup("")};
    }
    client_send(fd, request);
    Reply reply = client_reply_to(fd, g_str_has_prefix(request, "HEAD "));
    close(fd);
    return reply;
}

/* A POST with BODY and its length; HEADERS end with CRLF each. */
static inline char *client_post(const char *path, const char *headers, const char *body)
{
    return g_strdup_printf(
        "POST %s HTTP/1.1\r\nHost: a\r\n%sContent-Length: %zu\r\n\r\n%s", path, headers,
        strlen(body), body);
}

#endif
