/* SPDX-License-Identifier: MIT */
/* Sends one mail over and over through one kept session, as a client would that has
 * nothing else to do: what the sink and the way to it take by themselves.
 *
 *   direct PORT MAIL-FILE COUNT PER-SECOND
 *
 * MAIL-FILE has CRLF lines and ends with a line of one dot.  Prints the microseconds
 * that each mail took from MAIL FROM to the final 250. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

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
        perror("direct");
        exit(1);
    }
    return fd;
}

/* Reads until N lines have come that end a reply ("250 ", not "250-"). */
static void await(int fd, int n)
{
    char buffer[4096];
    size_t have = 0;
    while (n > 0) {
        ssize_t got = read(fd, buffer + have, sizeof buffer - 1 - have);
        if (got <= 0) {
            fputs("direct: the sink has gone\n", stderr);
            exit(1);
        }
        have += (size_t)got;
        buffer[have] = '\0';
        char *line = buffer, *end;
        for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
            n -= line[3] == ' ';
        }
        have -= (size_t)(line - buffer);
        memmove(buffer, line, have);
    }
}

static void say(int fd, const char *text, size_t length, int replies)
{
    if (write(fd, text, length) != (ssize_t)length) {
        perror("direct");
        exit(1);
    }
    await(fd, replies);
}

int main(int argc, char **argv)
{
    static char mail[1 << 20];
    static const char group[] = "MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n"
                                "DATA\r\n";
    FILE *file = argc == 5 ? fopen(argv[2], "r") : NULL;
    if (file == NULL) {
        fputs("usage: direct PORT MAIL-FILE COUNT PER-SECOND\n", stderr);
        return 2;
    }
    size_t length = fread(mail, 1, sizeof mail, file);
    fclose(file);
    int fd = dial(atoi(argv[1]));
    await(fd, 1);
    say(fd, "EHLO direct\r\n", 13, 1);
    double start = now(), gap = 1 / atof(argv[4]);
    for (long i = 0; i < atol(argv[3]); i++) {
        double turn = start + (double)i * gap - now();
        if (turn > 0) {
            usleep((useconds_t)(turn * 1e6));
        }
        double begun = now();
        say(fd, group, sizeof group - 1, 3);
        say(fd, mail, length, 1);
        printf("%.0f ", (now() - begun) * 1e6);
    }
    putchar('\n');
    close(fd);
    return 0;
}
