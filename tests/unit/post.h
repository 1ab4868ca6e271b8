/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_POST_H
#define TESTS_UNIT_POST_H

#include <glib.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "bridge/delivery/delivery.h"
#include "bridge/delivery/smtp/smtp.h"

/* A relay under test, and what it said.  Everything that waits gives up after a
 * minute. */

enum { PATIENCE_S = 60 };

static void wait_changed(pthread_cond_t *changed, pthread_mutex_t *lock)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    assert_int_equal(pthread_cond_timedwait(changed, lock, &until), 0);
}

static unsigned count_text(const char *text, const char *part)
{
    unsigned n = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part)) {
        n++;
    }
    return n;
}

typedef struct {
    Smtp *smtp;
    Relay *relay;
    Metrics *metrics;
    Config *config;
    char *folder;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned done, rooms; /* under lock, as all that follows */
    GString *outcomes; /* "delivered 250 2.0.0 text\n" for each recipient of each mail */
    GString *faults;   /* "auth: text\n" */
} Post;

static void on_done(void *who, Relay *relay, Mail *take_mail, const Outcome *outcomes)
{
    (void)relay;
    Post *post = who;
    pthread_mutex_lock(&post->lock);
    for (unsigned i = 0; i < take_mail->n_recipients; i++) {
        g_string_append_printf(post->outcomes, "%s %d %s\n", outcome_kind_text(outcomes[i].kind),
                               outcomes[i].code, outcomes[i].text);
    }
    post->done++;
    pthread_cond_signal(&post->changed);
    pthread_mutex_unlock(&post->lock);
    mail_free(take_mail);
}

static void on_room(void *who, Relay *relay)
{
    (void)relay;
    Post *post = who;
    pthread_mutex_lock(&post->lock);
    post->rooms++;
    pthread_cond_signal(&post->changed);
    pthread_mutex_unlock(&post->lock);
}

static void on_fault(void *who, Relay *relay, RelayFault fault, const char *text)
{
    (void)relay;
    Post *post = who;
    pthread_mutex_lock(&post->lock);
    g_string_append_printf(post->faults, "%s: %s\n", relay_fault_text(fault), text);
    pthread_cond_signal(&post->changed);
    pthread_mutex_unlock(&post->lock);
}

static const DeliveryEvents post_events = {on_done, on_room, on_fault};

static Config *write_config(Post *post, const char *smarthost, const char *settings,
                            const char *delivery)
{
    g_autofree char *path = g_build_filename(post->folder, "config.yml", NULL);
    g_autofree char *text = g_strdup_printf(
        "global: {smtp_smarthost: '%s', smtp_from: a@b.example%s%s}\n"
        "route: {receiver: r}\n"
        "receivers: [{name: r, email_configs: [{to: x@y.example}]}]\n"
        "delivery: {%s}\n",
        smarthost, *settings != '\0' ? ", " : "", settings, delivery);
    GError *error = NULL;
    assert_true(g_file_set_contents(path, text, -1, NULL));
    Config *config = config_load(path, CONFIG_STRICT, &error);
    if (config == NULL) {
        fail_msg("%s\n%s", error->message, text);
    }
    return config;
}

/* SETTINGS follow in `global`, DELIVERY is the block's inside. */
static Post *post_open(const DeliveryOps *ops, const char *smarthost, const char *settings,
                       const char *delivery)
{
    Post *post = g_new0(Post, 1);
    post->folder = g_dir_make_tmp("post-XXXXXX", NULL);
    post->outcomes = g_string_new("");
    post->faults = g_string_new("");
    post->metrics = metrics_new();
    pthread_mutex_init(&post->lock, NULL);
    pthread_cond_init(&post->changed, NULL);
    post->config = write_config(post, smarthost, settings, delivery);
    post->smtp = smtp_new(NULL);
    assert_non_null(post->smtp);
    assert_true(smtp_start(post->smtp, NULL));
    DeliveryContext context = {NULL, post->metrics, &post_events, post, post->smtp};
    post->relay = ops->new(&context, post->config, 0, NULL);
    assert_non_null(post->relay);
    return post;
}

static int64_t clock_ms(void)
{
    return g_get_monotonic_time() / 1000;
}

static void post_close(Post *post, const DeliveryOps *ops, int64_t grace_ms)
{
    ops->stop(post->relay, clock_ms() + grace_ms);
    ops->join(post->relay);
    ops->free(post->relay);
    smtp_stop(post->smtp);
    smtp_join(post->smtp);
    smtp_free(post->smtp);
    g_autofree char *path = g_build_filename(post->folder, "config.yml", NULL);
    g_unlink(path);
    g_rmdir(post->folder);
    config_unref(post->config);
    metrics_free(post->metrics);
    g_string_free(post->outcomes, TRUE);
    g_string_free(post->faults, TRUE);
    pthread_cond_destroy(&post->changed);
    pthread_mutex_destroy(&post->lock);
    g_free(post->folder);
    g_free(post);
}

static Mail *make_mail(unsigned number, unsigned recipients)
{
    Mail *mail = mail_new();
    g_free(mail->message_id);
    g_free(mail->sender);
    mail->message_id = g_strdup_printf("m%u@b.example", number);
    mail->sender = g_strdup("a@b.example");
    mail->bytes = g_strdup_printf("Message-ID: <m%u@b.example>\r\nSubject: s\r\n\r\n.dot\r\nend\r\n",
                                  number);
    mail->length = strlen(mail->bytes);
    for (unsigned i = 0; i < recipients; i++) {
        g_autofree char *address = g_strdup_printf("r%u@y.example", i);
        mail_add_recipient(mail, address);
    }
    return mail;
}

static void wait_done(Post *post, unsigned n)
{
    pthread_mutex_lock(&post->lock);
    while (post->done < n) {
        wait_changed(&post->changed, &post->lock);
    }
    pthread_mutex_unlock(&post->lock);
}

/* Offers one mail to one recipient and waits until it is back. */
static void send_one(Post *post, const DeliveryOps *ops)
{
    pthread_mutex_lock(&post->lock);
    unsigned before = post->done;
    pthread_mutex_unlock(&post->lock);
    ops->offer(post->relay, make_mail(before, 1));
    wait_done(post, before + 1);
}

#endif
