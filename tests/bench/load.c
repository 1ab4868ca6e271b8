/* SPDX-License-Identifier: MIT */
/* Posts one body many times over kept connections: the sender of the benchmarks.
 *
 *   load PORT PATH BODY-FILE COUNT SENDERS [GROUPS [PER-SECOND]]
 *
 * Every "@@@@@@@@" in the body becomes the request's number (eight digits), which
 * begins anew after GROUPS (0: never), so that each request is another group.  503 is tried again after 10 ms.  Prints the answers
 * by class, the milliseconds (monotonic) of the start, and the seconds it took; with
 * PER-SECOND a second line: when each request began, in microseconds (monotonic). */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

typedef struct {
    int port;
    const char *path;
    char body[1 << 20];
    size_t length;
    unsigned long count, groups;
    double per_second, start;
    double *begun; /* by request; set with per_second */
    atomic_ulong next, by_class[6];
} Load;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int dial(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        perror("load");
        exit(1);
    }
    return fd;
}

static bool write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t sent = write(fd, data, size);
        if (sent <= 0) {
            return false;
        }
        data += sent;
        size -= (size_t)sent;
    }
    return true;
}

/* Reads one answer; its status, 0 if the connection ended. */
static int read_answer(int fd)
{
    char buffer[16384];
    size_t have = 0;
    for (;;) {
        ssize_t got = read(fd, buffer + have, sizeof buffer - 1 - have);
        if (got <= 0) {
            return 0;
        }
        have += (size_t)got;
        buffer[have] = '\0';
        char *end = strstr(buffer, "\r\n\r\n");
        if (end == NULL) {
            continue;
        }
        char *length = strcasestr(buffer, "content-length:");
        size_t body =
            length != NULL && length < end ? strtoul(length + 15, NULL, 10) : 0;
        size_t whole = (size_t)(end + 4 - buffer) + body;
        if (have >= whole || whole >= sizeof buffer) {
            return atoi(buffer + 9);
        }
    }
}

static size_t fill_in(const Load *load, unsigned long number, char *request)
{
    int head = sprintf(request,
                       "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: "
                       "application/json\r\nContent-Length: %zu\r\n\r\n",
                       load->path, load->length);
    char *at = request + head;
    char *end = at + load->length;
    memcpy(at, load->body, load->length);
    char digits[32];
    snprintf(digits, sizeof digits, "%08lu",
             load->groups > 0 ? number % load->groups : number);
    while ((at = memmem(at, (size_t)(end - at), "@@@@@@@@", 8)) != NULL) {
        memcpy(at, digits, 8);
    }
    return (size_t)head + load->length;
}

static void wait_turn(const Load *load, unsigned long number)
{
    double turn = load->start + (double)number / load->per_second - now();
    if (turn > 0) {
        usleep((useconds_t)(turn * 1e6));
    }
    load->begun[number] = now();
}

/* Posts until it is taken or refused for good; the connection, perhaps a new one. */
static int post(Load *load, int fd, const char *request, size_t size)
{
    for (;;) {
        int status = write_all(fd, request, size) ? read_answer(fd) : 0;
        atomic_fetch_add(&load->by_class[status / 100 % 6], 1);
        if (status == 0) {
            close(fd);
            fd = dial(load->port);
        } else if (status == 503) {
            usleep(10000);
        } else {
            return fd;
        }
    }
}

static void *send_all(void *argument)
{
    Load *load = argument;
    char *request = malloc(load->length + 512);
    int fd = dial(load->port);
    unsigned long number;
    while ((number = atomic_fetch_add(&load->next, 1)) < load->count) {
        if (load->per_second > 0) {
            wait_turn(load, number);
        }
        fd = post(load, fd, request, fill_in(load, number, request));
    }
    close(fd);
    free(request);
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc < 6) {
        fputs("usage: load PORT PATH BODY-FILE COUNT SENDERS [GROUPS [PER-SECOND]]\n", stderr);
        return 2;
    }
    static Load load;
    load.port = atoi(argv[1]);
    load.path = argv[2];
    load.count = strtoul(argv[4], NULL, 10);
    load.groups = argc > 6 ? strtoul(argv[6], NULL, 10) : 0;
    load.per_second = argc > 7 ? atof(argv[7]) : 0;
    load.begun = calloc(load.count, sizeof *load.begun);
    FILE *file = fopen(argv[3], "r");
    if (file == NULL) {
        perror(argv[3]);
        return 1;
    }
    load.length = fread(load.body, 1, sizeof load.body, file);
    fclose(file);
    size_t senders = strtoul(argv[5], NULL, 10);
    pthread_t *threads = calloc(senders, sizeof *threads);
    load.start = now();
    for (size_t i = 0; i < senders; i++) {
        pthread_create(&threads[i], NULL, send_all, &load);
    }
    for (size_t i = 0; i < senders; i++) {
        pthread_join(threads[i], NULL);
    }
    printf("2xx %lu 4xx %lu 5xx %lu lost %lu start_ms %.0f seconds %.4f\n",
           atomic_load(&load.by_class[2]), atomic_load(&load.by_class[4]),
           atomic_load(&load.by_class[5]), atomic_load(&load.by_class[0]),
           load.start * 1000, now() - load.start);
    for (size_t i = 0; load.per_second > 0 && i < load.count; i++) {
        printf("%.0f%c", load.begun[i] * 1e6, i + 1 < load.count ? ' ' : '\n');
    }
    free(load.begun);
    free(threads);
    return 0;
}
