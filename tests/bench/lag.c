/* SPDX-License-Identifier: MIT */
/* A slow line: forwards connections, every byte later.
 *
 *   lag LISTEN-PORT PORT MILLISECONDS
 *
 * What comes from either side leaves on the other MILLISECONDS after it came; a round trip
 * takes twice that.  One thread, epoll, a queue of chunks for each direction.  Closing
 * standard input ends it. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CHUNK_MAX 65536
enum { EVENTS = 64 };

typedef struct Chunk {
    struct Chunk *next;
    long due_us;
    size_t length, at; /* length 0: the end of the stream */
    char bytes[];
} Chunk;

/* One direction of a connection. */
typedef struct {
    int from, to;
    Chunk *first, **last;
} Line;

typedef struct Link {
    struct Link *next;
    int fds[2];
    Line lines[2];
    bool dead;
} Link;

static long lag_us;
static Link *links;
static char buffer[CHUNK_MAX];

static long now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void prepare(int fd)
{
    fcntl(fd, F_SETFL, O_NONBLOCK);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
}

static int dial(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static void add_link(int epoll, int listener, int port)
{
    int client = accept(listener, NULL, NULL), server = client >= 0 ? dial(port) : -1;
    if (server < 0) {
        if (client >= 0) {
            close(client);
        }
        return;
    }
    Link *link = calloc(1, sizeof *link);
    link->fds[0] = client;
    link->fds[1] = server;
    for (int i = 0; i < 2; i++) {
        prepare(link->fds[i]);
        link->lines[i] = (Line){.from = link->fds[i], .to = link->fds[1 - i]};
        link->lines[i].last = &link->lines[i].first;
        struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = link};
        epoll_ctl(epoll, EPOLL_CTL_ADD, link->fds[i], &event);
    }
    link->next = links;
    links = link;
}

static void put(Line *line, const char *bytes, size_t length)
{
    Chunk *chunk = malloc(sizeof *chunk + length);
    *chunk = (Chunk){.due_us = now_us() + lag_us, .length = length};
    memcpy(chunk->bytes, bytes, length);
    *line->last = chunk;
    line->last = &chunk->next;
}

static void take_in(Line *line)
{
    ssize_t got;
    while ((got = read(line->from, buffer, sizeof buffer)) > 0) {
        put(line, buffer, (size_t)got);
    }
    if (got == 0 || errno != EAGAIN) {
        put(line, "", 0);
    }
}

static void drop_first(Line *line)
{
    Chunk *chunk = line->first;
    line->first = chunk->next;
    if (line->first == NULL) {
        line->last = &line->first;
    }
    free(chunk);
}

/* Sends what is due; when to look again, -1: when something comes. */
static long give_out(Link *link, Line *line)
{
    while (line->first != NULL && !link->dead) {
        Chunk *chunk = line->first;
        long wait = chunk->due_us - now_us();
        if (wait > 0) {
            return wait;
        }
        if (chunk->length == 0) {
            shutdown(line->to, SHUT_WR);
            link->dead = line == &link->lines[1]; /* the server has closed */
            drop_first(line);
            continue;
        }
        ssize_t sent = write(line->to, chunk->bytes + chunk->at, chunk->length - chunk->at);
        if (sent < 0 && errno == EAGAIN) {
            return 1000;
        }
        if (sent < 0) {
            link->dead = true;
            return -1;
        }
        chunk->at += (size_t)sent;
        if (chunk->at == chunk->length) {
            drop_first(line);
        }
    }
    return -1;
}

static void free_link(Link *link)
{
    for (int i = 0; i < 2; i++) {
        while (link->lines[i].first != NULL) {
            drop_first(&link->lines[i]);
        }
        close(link->fds[i]);
    }
    free(link);
}

/* Gives out on all lines; milliseconds until there is more to do. */
static long work(void)
{
    long next_us = -1;
    for (Link **at = &links; *at != NULL;) {
        Link *link = *at;
        for (int i = 0; i < 2; i++) {
            long wait = give_out(link, &link->lines[i]);
            next_us = wait >= 0 && (next_us < 0 || wait < next_us) ? wait : next_us;
        }
        if (link->dead) {
            *at = link->next;
            free_link(link);
        } else {
            at = &link->next;
        }
    }
    return next_us;
}

static int listen_on(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 1024) != 0) {
        perror("lag");
        exit(1);
    }
    return fd;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fputs("usage: lag LISTEN-PORT PORT MILLISECONDS\n", stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    int listener = listen_on(atoi(argv[1])), port = atoi(argv[2]), epoll = epoll_create1(0);
    lag_us = atol(argv[3]) * 1000;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &listener};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    event.data.ptr = NULL;
    epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &event);
    for (;;) {
        struct epoll_event events[EVENTS];
        long next_us = work();
        struct timespec wait = {next_us / 1000000, next_us % 1000000 * 1000};
        int n = epoll_pwait2(epoll, events, EVENTS, next_us >= 0 ? &wait : NULL, NULL);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == NULL) {
                return 0;
            }
            if (events[i].data.ptr == &listener) {
                add_link(epoll, listener, port);
                continue;
            }
            Link *link = events[i].data.ptr;
            take_in(&link->lines[0]);
            take_in(&link->lines[1]);
        }
    }
}
