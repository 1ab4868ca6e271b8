/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_FAULT_SERVER_H
#define TESTS_UNIT_FAULT_SERVER_H

#include <stdio.h>

#include "tests/unit/post.h"

/* Settings under which it lets us in, or does not; CA wants tls_folder. */
#define AUTH  "smtp_auth_username: alerts, smtp_auth_password: correct horse"
#define WRONG "smtp_auth_username: alerts, smtp_auth_password: tr0ub4dor"
#define CA    "smtp_tls_config: {ca_file: '%s/ca.pem'}"
/* Its N-th mail, in a Post's outcomes. */
#define D(n) "delivered 250 queued as " #n "\n"

/* A mail server for a relay under test: tests/flow/faultserver.py. */

typedef struct {
    GPid pid;
    FILE *input, *output;
    unsigned port;
    pthread_t reader;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    GString *events; /* its JSON lines; under lock until server_stop() */
} FaultServer;

static inline void *read_events(void *data)
{
    FaultServer *server = data;
    char line[65536];
    while (fgets(line, sizeof line, server->output) != NULL) {
        pthread_mutex_lock(&server->lock);
        g_string_append(server->events, line);
        pthread_cond_signal(&server->changed);
        pthread_mutex_unlock(&server->lock);
    }
    return NULL;
}

/* Until the server has said TEXT. */
static inline void server_wait(FaultServer *server, const char *text)
{
    pthread_mutex_lock(&server->lock);
    while (strstr(server->events->str, text) == NULL) {
        wait_changed(&server->changed, &server->lock);
    }
    pthread_mutex_unlock(&server->lock);
}

/* SCRIPT is JSON; FOLDER (with the certificate in it) may be NULL; OPTION too. */
static inline FaultServer *server_start(const char *script, const char *folder, const char *option)
{
    FaultServer *server = g_new0(FaultServer, 1);
    g_autoptr(GPtrArray) command = g_ptr_array_new();
    g_autofree char *certificate = g_strdup_printf("%s/cert.pem", folder != NULL ? folder : "");
    g_autofree char *key = g_strdup_printf("%s/cert.key", folder != NULL ? folder : "");
    const char *const base[] = {"/usr/bin/python3", "-B", SOURCE_DIR "/tests/flow/faultserver.py",
                                "--user", "alerts:correct horse", "--script", script};
    const char *const tls[] = {"--certificate", certificate, "--key", key};
    for (size_t i = 0; i < G_N_ELEMENTS(base); i++) {
        g_ptr_array_add(command, (gpointer)(uintptr_t)base[i]);
    }
    for (size_t i = 0; folder != NULL && i < G_N_ELEMENTS(tls); i++) {
        g_ptr_array_add(command, (gpointer)(uintptr_t)tls[i]);
    }
    g_ptr_array_add(command, (gpointer)(uintptr_t)option);
    g_ptr_array_add(command, NULL);
    int input, output;
    assert_true(g_spawn_async_with_pipes(NULL, (char **)command->pdata, NULL,
                                         G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &server->pid,
                                         &input, &output, NULL, NULL));
    server->input = fdopen(input, "w");
    server->output = fdopen(output, "r");
    server->events = g_string_new("");
    assert_int_equal(fscanf(server->output, "{\"event\": \"listening\", \"port\": %u}", &server->port), 1);
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->changed, NULL);
    assert_int_equal(pthread_create(&server->reader, NULL, read_events, server), 0);
    return server;
}

/* Ends it; `events` then has everything. */
static inline void server_stop(FaultServer *server)
{
    fclose(server->input);
    pthread_join(server->reader, NULL);
    fclose(server->output);
    g_spawn_close_pid(server->pid);
}

static inline unsigned server_count(FaultServer *server, const char *part)
{
    pthread_mutex_lock(&server->lock);
    unsigned n = count_text(server->events->str, part);
    pthread_mutex_unlock(&server->lock);
    return n;
}

static inline void server_free(FaultServer *server)
{
    g_string_free(server->events, TRUE);
    pthread_cond_destroy(&server->changed);
    pthread_mutex_destroy(&server->lock);
    g_free(server);
}

static inline Post *post_open_smtp(const FaultServer *server, const char *settings, const char *delivery)
{
    g_autofree char *smarthost = g_strdup_printf("127.0.0.1:%u", server->port);
    return post_open(&delivery_smtp, smarthost, settings, delivery);
}

static inline void wait_fault(Post *post, const char *fault)
{
    pthread_mutex_lock(&post->lock);
    while (strstr(post->faults->str, fault) == NULL) {
        wait_changed(&post->changed, &post->lock);
    }
    pthread_mutex_unlock(&post->lock);
}

#endif
