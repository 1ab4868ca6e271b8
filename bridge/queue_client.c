/* SPDX-License-Identifier: MIT */
#include "bridge/queue_client.h"

#include <pthread.h>
#include <string.h>

#include "bridge/api/mails.h"
#include "bridge/fetch.h"
#include "bridge/json.h"
#include "rules/fault.h"

#define SCHEME "sqlite:"
enum { TIMEOUT_MS = 60000, ANSWER_MAX = 256 << 20 };

struct QueueClient {
    char *url;      /* without a slash at its end; NULL: it is a storage */
    char *user, *password; /* NULL: none */
    TlsConfig tls;  /* its texts are ours */
    Outbox *outbox; /* NULL: it is a daemon */
};

/* A storage without its daemon. */

/* No ceiling acts, and nothing is forgotten: that is the daemon's to do. */
static Outbox *open_storage(const char *storage, GError **error)
{
    const Config config = {
        .limits = {.queue_mails = SIZE_MAX >> 1,
                   .queue_bytes = SIZE_MAX >> 1,
                   .history = 1000,
                   .history_mails = SIZE_MAX >> 1},
        .delivery = {.give_up_ms = INT64_MAX >> 1, .history_ms = INT64_MAX >> 1,
                     .retry_min_ms = 5000, .retry_max_ms = 900000},
    };
    if (!g_str_has_prefix(storage, SCHEME)) {
        g_set_error(error, FAULT, FAULT_INPUT, "storage \"%s\": must be sqlite:PATH", storage);
        return NULL;
    }
    if (!g_file_test(storage + strlen(SCHEME), G_FILE_TEST_EXISTS)) {
        g_set_error(error, FAULT, FAULT_INPUT, "%s: there is no such file",
                    storage + strlen(SCHEME));
        return NULL;
    }
    g_autoptr(GError) reason = NULL;
    Outbox *outbox = outbox_visit(storage, &config, &reason);
    if (outbox == NULL && strstr(reason->message, " is in use by ") != NULL) {
        g_prefix_error(&reason, "ask the running daemon (--url, without --storage): ");
    }
    if (outbox != NULL && outbox_start(outbox, &reason)) {
        return outbox;
    }
    outbox_free(outbox);
    g_propagate_error(error, g_steal_pointer(&reason));
    return NULL;
}

typedef struct {
    pthread_mutex_t lock; /* guards all */
    pthread_cond_t wake;
    bool done;
    HttpAnswer answer;
} Waiter;

static void take_answer(void *who, const HttpAnswer *answer)
{
    Waiter *waiter = who;
    pthread_mutex_lock(&waiter->lock);
    waiter->answer = *answer;
    waiter->done = true;
    pthread_cond_signal(&waiter->wake);
    pthread_mutex_unlock(&waiter->lock);
}

static GString *ask_storage(QueueClient *client, const char *method, const char *path,
                            GHashTable *arguments, unsigned *status)
{
    Waiter waiter = {.done = false};
    const MailsRequest request = {http_method_parse(method), path, arguments,
                                  g_get_real_time() / 1000};
    pthread_mutex_init(&waiter.lock, NULL);
    pthread_cond_init(&waiter.wake, NULL);
    mails_answer(client->outbox, &request, take_answer, &waiter);
    pthread_mutex_lock(&waiter.lock);
    while (!waiter.done) {
        pthread_cond_wait(&waiter.wake, &waiter.lock);
    }
    pthread_mutex_unlock(&waiter.lock);
    pthread_mutex_destroy(&waiter.lock);
    pthread_cond_destroy(&waiter.wake);
    *status = waiter.answer.code;
    return waiter.answer.body;
}

/* A daemon. */

static char *url_of(const QueueClient *client, const char *path, GHashTable *arguments)
{
    g_autofree char *escaped = g_uri_escape_string(path, "/@", FALSE);
    GString *url = g_string_new(client->url);
    g_string_append(url, escaped);
    GHashTableIter each;
    void *name, *value;
    char mark = '?';
    if (arguments == NULL) {
        return g_string_free(url, FALSE);
    }
    g_hash_table_iter_init(&each, arguments);
    while (g_hash_table_iter_next(&each, &name, &value)) {
        g_autofree char *text = g_uri_escape_string(value, NULL, FALSE);
        g_string_append_printf(url, "%c%s=%s", mark, (const char *)name, text);
        mark = '&';
    }
    return g_string_free(url, FALSE);
}

static GString *ask_daemon(QueueClient *client, const char *method, const char *path,
                           GHashTable *arguments, unsigned *status, GError **error)
{
    g_autofree char *url = url_of(client, path, arguments);
    const FetchRequest request = {.method = method, .url = url, .timeout_ms = TIMEOUT_MS,
                                  .answer_max = ANSWER_MAX, .username = client->user,
                                  .password = client->password, .tls = &client->tls};
    FetchAnswer answer;
    if (!fetch(&request, &answer, error)) {
        g_prefix_error(error, "no answer from %s: ", client->url);
        if (error != NULL && g_error_matches(*error, FAULT, FAULT_REMOTE)) {
            g_autofree char *reason = g_steal_pointer(&(*error)->message);
            (*error)->message = g_strdup_printf(
                "%s\nDoes the daemon run, and is this its address (--url)? Where none runs, "
                "name its storage: --storage sqlite:data/alertpost.db",
                reason);
        }
        return NULL;
    }
    *status = answer.status;
    GString *body = g_string_new_len(answer.body, (gssize)answer.length);
    fetch_answer_clear(&answer);
    return body;
}

/* Either. */

static void set_refused(const QueueClient *client, unsigned status, const GString *body,
                        GError **error)
{
    g_autoptr(Json) json = json_parse(body->str, body->len, &JSON_LIMITS_DEFAULT, NULL);
    const char *reason = json != NULL ? json_text(json_get(json, "error")) : NULL;
    bool elsewhere = client->url != NULL && status == 404 &&
                     (reason == NULL || strcmp(reason, HTTP_NOTHING_HERE) == 0);
    const char *hint = status == 401 ? " (--user NAME --password-file FILE)" : "";
    if (elsewhere) {
        g_set_error(error, FAULT, FAULT_INPUT,
                    "no /api at %s; with --web.management-address it is there: --url http://…",
                    client->url);
    } else if (reason != NULL) {
        g_set_error(error, FAULT, FAULT_INPUT, "%s%s", reason, hint);
    } else {
        g_set_error(error, FAULT, FAULT_REMOTE, "answered with HTTP status %u", status);
    }
}

GString *queue_client_ask(QueueClient *client, const char *method, const char *path,
                          GHashTable *arguments, unsigned *status, GError **error)
{
    *status = 0;
    GString *body = client->outbox != NULL
                        ? ask_storage(client, method, path, arguments, status)
                        : ask_daemon(client, method, path, arguments, status, error);
    if (body != NULL && *status != 200) {
        set_refused(client, *status, body, error);
        g_string_free(body, TRUE);
        return NULL;
    }
    return body;
}

Json *queue_client_status(QueueClient *client)
{
    unsigned status;
    g_autoptr(GString) body =
        client->outbox == NULL
            ? queue_client_ask(client, "GET", "/api/v1/status", NULL, &status, NULL)
            : NULL;
    return body != NULL ? json_parse(body->str, body->len, &JSON_LIMITS_DEFAULT, NULL) : NULL;
}

static char *text_of(const char *text)
{
    return g_strdup(text != NULL ? text : "");
}

/* Of a daemon; false with ERROR set. */
static bool set_access(QueueClient *client, const char *url, const QueueAccess *access,
                       GError **error)
{
    client->url = g_strdup(url);
    size_t length = strlen(url);
    while (length > 0 && url[length - 1] == '/') {
        client->url[--length] = '\0';
    }
    client->tls = (TlsConfig){.ca = text_of(NULL),
                              .ca_file = text_of(access->ca_file),
                              .cert = text_of(NULL),
                              .cert_file = text_of(access->cert_file),
                              .key.file = g_strdup(access->key_file),
                              .server_name = text_of(NULL)};
    if (access->user == NULL) {
        return true;
    }
    const Secret password = {.file = (char *)(uintptr_t)access->password_file};
    client->user = g_strdup(access->user);
    client->password = secret_read(&password, error);
    return client->password != NULL;
}

QueueClient *queue_client_new(const char *url, const char *storage, const QueueAccess *access,
                              GError **error)
{
    g_autoptr(QueueClient) client = g_new0(QueueClient, 1);
    if (storage == NULL) {
        return set_access(client, url, access, error) ? g_steal_pointer(&client) : NULL;
    }
    client->outbox = open_storage(storage, error);
    return client->outbox != NULL ? g_steal_pointer(&client) : NULL;
}

void queue_client_free(QueueClient *client)
{
    if (client == NULL) {
        return;
    }
    if (client->outbox != NULL) {
        outbox_stop(client->outbox);
        outbox_join(client->outbox);
        outbox_free(client->outbox);
    }
    g_free(client->url);
    g_free(client->user);
    secret_free(client->password);
    char *const texts[] = {client->tls.ca, client->tls.ca_file, client->tls.cert,
                           client->tls.cert_file, client->tls.key.file, client->tls.server_name};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_free(texts[i]);
    }
    g_free(client);
}

Outbox *queue_client_outbox(QueueClient *client)
{
    return client->outbox;
}
