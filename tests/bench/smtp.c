/* SPDX-License-Identifier: MIT */
/* The SMTP part alone: the relay, its pool and its sessions, without HTTP and storage.
 *
 *   smtp CONFIG MAILS BYTES
 *
 * Sends MAILS mails of about BYTES bytes through the first relay of CONFIG, keeping as many
 * at it as it has room for, after one mail for each session.  Prints seconds, and the
 * microseconds of CPU that the SMTP thread and the whole process took for a mail. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bridge/delivery/smtp/smtp.h"

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned done, target, refused;
    bool room;
} Bench;

static double clock_s(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void on_done(void *who, Relay *relay, Mail *take_mail, const Outcome *outcomes)
{
    (void)relay;
    Bench *bench = who;
    pthread_mutex_lock(&bench->lock);
    bench->done++;
    bench->refused += outcomes[0].kind != OUTCOME_DELIVERED;
    if (bench->done == bench->target) {
        pthread_cond_signal(&bench->changed);
    }
    pthread_mutex_unlock(&bench->lock);
    mail_free(take_mail);
}

static void on_room(void *who, Relay *relay)
{
    (void)relay;
    Bench *bench = who;
    pthread_mutex_lock(&bench->lock);
    bench->room = true;
    pthread_cond_signal(&bench->changed);
    pthread_mutex_unlock(&bench->lock);
}

static void on_fault(void *who, Relay *relay, RelayFault fault, const char *text)
{
    (void)who;
    (void)relay;
    fprintf(stderr, "smtp: %s: %s\n", relay_fault_text(fault), text);
}

static const DeliveryEvents events = {on_done, on_room, on_fault};

static GString *make_text(size_t bytes)
{
    static const char line[] = "<td style=3D\"padding: 8px\">Less than 5% of the space is left</td>\r\n";
    GString *text = g_string_new("From: alerts@example.org\r\nSubject: a mail\r\n\r\n");
    while (text->len < bytes) {
        g_string_append(text, line);
    }
    return text;
}

static Mail *make_mail(const GString *text)
{
    Mail *mail = mail_new();
    g_free(mail->sender);
    mail->sender = g_strdup("alerts@example.org");
    mail->length = text->len;
    mail->bytes = g_memdup2(text->str, text->len + 1);
    mail_add_recipient(mail, "ops@example.org");
    return mail;
}

static void wait_done(Bench *bench, unsigned n)
{
    pthread_mutex_lock(&bench->lock);
    bench->target = n;
    while (bench->done < n) {
        pthread_cond_wait(&bench->changed, &bench->lock);
    }
    pthread_mutex_unlock(&bench->lock);
}

/* Offers as many as there is room for, until N have been offered. */
static void send_mails(Bench *bench, Relay *relay, unsigned n, const GString *text)
{
    while (n > 0) {
        pthread_mutex_lock(&bench->lock);
        bench->room = false;
        pthread_mutex_unlock(&bench->lock);
        unsigned some = MIN(delivery_smtp.room(relay), n);
        for (unsigned i = 0; i < some; i++) {
            delivery_smtp.offer(relay, make_mail(text));
        }
        n -= some;
        pthread_mutex_lock(&bench->lock);
        while (some == 0 && !bench->room) {
            pthread_cond_wait(&bench->changed, &bench->lock);
        }
        pthread_mutex_unlock(&bench->lock);
    }
}

static void measure(Bench *bench, Relay *relay, const Config *config, unsigned n, const GString *text)
{
    unsigned warm = config->delivery.connections * 8;
    send_mails(bench, relay, warm, text);
    wait_done(bench, warm);
    double start = clock_s(CLOCK_MONOTONIC), cpu = clock_s(CLOCK_PROCESS_CPUTIME_ID);
    send_mails(bench, relay, n, text);
    wait_done(bench, warm + n);
    double seconds = clock_s(CLOCK_MONOTONIC) - start;
    printf("seconds %.4f cpu_us %.2f refused %u\n", seconds,
           (clock_s(CLOCK_PROCESS_CPUTIME_ID) - cpu) / n * 1e6, bench->refused);
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    Bench bench = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, 0, false};
    if (argc != 4) {
        fputs("usage: smtp CONFIG MAILS BYTES\n", stderr);
        return 2;
    }
    Config *config = config_load(argv[1], CONFIG_STRICT, &error);
    Smtp *smtp = config != NULL ? smtp_new(&error) : NULL;
    if (smtp == NULL || !smtp_start(smtp, &error)) {
        fprintf(stderr, "smtp: %s\n", error->message);
        return 1;
    }
    Metrics *metrics = metrics_new();
    DeliveryContext context = {.metrics = metrics, .events = &events, .who = &bench, .smtp = smtp};
    Relay *relay = delivery_smtp.new(&context, config, 0, &error);
    GString *text = make_text((size_t)atoi(argv[3]));
    measure(&bench, relay, config, (unsigned)atoi(argv[2]), text);
    g_string_free(text, TRUE);
    delivery_smtp.stop(relay, 0);
    delivery_smtp.join(relay);
    delivery_smtp.free(relay);
    smtp_stop(smtp);
    smtp_join(smtp);
    smtp_free(smtp);
    metrics_free(metrics);
    config_unref(config);
    return 0;
}
