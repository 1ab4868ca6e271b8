/* SPDX-License-Identifier: MIT */
/* An SMTP server that takes every mail and keeps none: the sink of the benchmarks.
 *
 *   sink PORT [CERT KEY]
 *
 * One thread a connection; PIPELINING is offered, and with a certificate STARTTLS and
 * then AUTH PLAIN and LOGIN, which accept anything.  Closing standard input ends it;
 * every line read from there is answered with one: mails, connections, most open at
 * once, milliseconds (monotonic) of the last mail; or, to "times", when each mail was
 * answered, in microseconds (monotonic), of the first TIMES_MAX. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TIMES_MAX 100000

typedef struct {
    atomic_long times_us[TIMES_MAX];
    atomic_ulong mails, connections, open, most_open;
    atomic_long last_ms;
    int listener;
    SSL_CTX *tls; /* NULL: plain only */
} Sink;

typedef struct {
    Sink *sink;
    int fd;
    SSL *ssl;
    char in[65536], out[4096];
    size_t n_in, at, n_out;
} Session;

static long now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static bool flush(Session *session)
{
    size_t size = session->n_out;
    session->n_out = 0;
    if (size == 0) {
        return true;
    }
    ssize_t sent = session->ssl != NULL
                       ? SSL_write(session->ssl, session->out, (int)size)
                       : write(session->fd, session->out, size);
    return sent == (ssize_t)size;
}

static bool say(Session *session, const char *text)
{
    size_t length = strlen(text);
    if (session->n_out + length > sizeof session->out && !flush(session)) {
        return false;
    }
    memcpy(session->out + session->n_out, text, length);
    session->n_out += length;
    return true;
}

/* More input; the replies so far leave first. */
static bool fill(Session *session)
{
    if (!flush(session)) {
        return false;
    }
    memmove(session->in, session->in + session->at, session->n_in - session->at);
    session->n_in -= session->at;
    session->at = 0;
    size_t room = sizeof session->in - session->n_in;
    if (room == 0) {
        return false;
    }
    char *to = session->in + session->n_in;
    ssize_t got = session->ssl != NULL ? SSL_read(session->ssl, to, (int)room)
                                       : read(session->fd, to, room);
    session->n_in += got > 0 ? (size_t)got : 0;
    return got > 0;
}

/* The next line without its CRLF, or NULL at the end. */
static char *next_line(Session *session)
{
    for (;;) {
        char *start = session->in + session->at;
        char *end = memchr(start, '\n', session->n_in - session->at);
        if (end != NULL) {
            session->at = (size_t)(end + 1 - session->in);
            *end = '\0';
            if (end > start && end[-1] == '\r') {
                end[-1] = '\0';
            }
            return start;
        }
        if (!fill(session)) {
            return NULL;
        }
    }
}

static bool skip_mail(Session *session)
{
    static const char end[] = "\r\n.\r\n";
    const size_t tail = sizeof end - 2; /* of an end that is cut by a read */
    for (;;) {
        char *start = session->in + session->at;
        char *dot = memmem(start, session->n_in - session->at, end, sizeof end - 1);
        if (dot != NULL) {
            session->at = (size_t)(dot - session->in) + sizeof end - 1;
            return true;
        }
        if (session->n_in - session->at > tail) {
            session->at = session->n_in - tail;
        }
        if (!fill(session)) {
            return false;
        }
    }
}

static bool hello(Session *session)
{
    bool secure = session->ssl != NULL;
    return say(session, "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n") &&
           (session->sink->tls == NULL || secure || say(session, "250-STARTTLS\r\n")) &&
           (!secure || say(session, "250-AUTH PLAIN LOGIN\r\n")) &&
           say(session, "250 SIZE 50000000\r\n");
}

static bool start_tls(Session *session)
{
    if (!say(session, "220 go\r\n") || !flush(session)) {
        return false;
    }
    session->at = session->n_in = 0;
    session->ssl = SSL_new(session->sink->tls);
    SSL_set_fd(session->ssl, session->fd);
    return SSL_accept(session->ssl) == 1;
}

static bool authenticate(Session *session, const char *line)
{
    if (strcasecmp(line, "AUTH PLAIN") == 0) {
        return say(session, "334 \r\n") && next_line(session) != NULL &&
               say(session, "235 ok\r\n");
    }
    if (strcasecmp(line, "AUTH LOGIN") == 0) {
        return say(session, "334 VXNlcm5hbWU6\r\n") && next_line(session) != NULL &&
               say(session, "334 UGFzc3dvcmQ6\r\n") && next_line(session) != NULL &&
               say(session, "235 ok\r\n");
    }
    return say(session, "235 ok\r\n");
}

static bool take_mail(Session *session)
{
    if (!say(session, "354 go\r\n") || !skip_mail(session)) {
        return false;
    }
    Sink *sink = session->sink;
    bool said = say(session, "250 2.0.0 ok\r\n") && flush(session);
    long at_us = now_us();
    unsigned long number = atomic_fetch_add(&sink->mails, 1);
    if (number < TIMES_MAX) {
        atomic_store(&sink->times_us[number], at_us);
    }
    atomic_store(&sink->last_ms, at_us / 1000);
    return said;
}

static bool answer(Session *session, const char *line)
{
    if (strncasecmp(line, "EHLO", 4) == 0) {
        return hello(session);
    }
    if (strcasecmp(line, "STARTTLS") == 0 && session->sink->tls != NULL) {
        return start_tls(session);
    }
    if (strncasecmp(line, "AUTH ", 5) == 0) {
        return authenticate(session, line);
    }
    if (strcasecmp(line, "DATA") == 0) {
        return take_mail(session);
    }
    if (strcasecmp(line, "QUIT") == 0) {
        say(session, "221 bye\r\n");
        flush(session);
        return false;
    }
    return say(session, "250 2.0.0 ok\r\n");
}

static void count_open(Sink *sink)
{
    unsigned long open = atomic_fetch_add(&sink->open, 1) + 1;
    unsigned long most = atomic_load(&sink->most_open);
    while (open > most &&
           !atomic_compare_exchange_weak(&sink->most_open, &most, open)) {
    }
}

static void *serve(void *argument)
{
    Session *session = argument;
    Sink *sink = session->sink;
    count_open(sink);
    char *line = say(session, "220 sink ESMTP\r\n") ? next_line(session) : NULL;
    while (line != NULL && answer(session, line)) {
        line = next_line(session);
    }
    if (session->ssl != NULL) {
        SSL_free(session->ssl);
    }
    close(session->fd);
    free(session);
    atomic_fetch_sub(&sink->open, 1);
    return NULL;
}

static void *accept_all(void *argument)
{
    Sink *sink = argument;
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, (size_t)128 * 1024);
    pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
    for (;;) {
        int fd = accept(sink->listener, NULL, NULL);
        if (fd < 0) {
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        Session *session = calloc(1, sizeof *session);
        session->sink = sink;
        session->fd = fd;
        atomic_fetch_add(&sink->connections, 1);
        pthread_t thread;
        if (pthread_create(&thread, &small, serve, session) != 0) {
            close(fd);
            free(session);
        }
    }
    return NULL;
}

static int listen_on(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(fd, 4096) != 0) {
        perror("sink");
        exit(1);
    }
    return fd;
}

static SSL_CTX *load_certificate(const char *certificate, const char *key)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    if (SSL_CTX_use_certificate_chain_file(tls, certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1) {
        fputs("sink: certificate or key unreadable\n", stderr);
        exit(1);
    }
    return tls;
}

static void print_times(Sink *sink)
{
    unsigned long n = atomic_load(&sink->mails);
    for (unsigned long i = 0; i < n && i < TIMES_MAX; i++) {
        printf("%ld ", atomic_load(&sink->times_us[i]));
    }
    putchar('\n');
}

static void print_counters(Sink *sink)
{
    printf("%lu %lu %lu %ld\n", atomic_load(&sink->mails),
           atomic_load(&sink->connections), atomic_load(&sink->most_open),
           atomic_load(&sink->last_ms));
}

int main(int argc, char **argv)
{
    if (argc != 2 && argc != 4) {
        fputs("usage: sink PORT [CERT KEY]\n", stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    static Sink sink;
    sink.listener = listen_on(atoi(argv[1]));
    sink.tls = argc == 4 ? load_certificate(argv[2], argv[3]) : NULL;
    pthread_t acceptor;
    pthread_create(&acceptor, NULL, accept_all, &sink);
    char line[64];
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (strcmp(line, "times\n") == 0) {
            print_times(&sink);
        } else {
            print_counters(&sink);
        }
        fflush(stdout);
    }
    return 0;
}
