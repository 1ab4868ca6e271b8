/* SPDX-License-Identifier: MIT */
/* A source is a relay's way to its tokens.  Whoever needs one and finds none that is fresh
 * starts a request, in a thread that lives for it; others that come meanwhile wait for the
 * same one.  A token past 80 % of its life is still given while a new one is asked for.  One
 * that the mail server refused is forgotten.  New settings of a relay make a new source; the
 * old one goes with its last ticket.  On the end the requests are stopped, and waited for. */
#include "bridge/delivery/oauth2.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "bridge/delivery/mask.h"
#include "bridge/delivery/token.h"
#include "rules/fault.h"

enum { REQUEST_MS = 30000, ANSWER_MAX = 256 * 1024, AGAIN_MS = 10000 };

typedef struct {
    Oauth2 *owner;
    unsigned refs;       /* under lock, as all up to the thread's own */
    Config *config;      /* where its settings are from */
    const RelayConfig *relay;
    Token token;
    bool asking;
    unsigned asked, answered; /* requests */
    GError *failure;     /* of the last request; NULL: none */
    int64_t again_ms;    /* no further renewal before that */
    /* Of the thread that asks. */
    bool header;         /* the client's secret goes into a header */
    char *given, *rotated; /* a refresh token as configured, and what it was exchanged for */
} Source;

struct Oauth2 {
    void (*answered)(void *who);
    void *who;
    atomic_bool stop;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    GHashTable *sources; /* relay key, URL and form -> Source *; under lock */
    unsigned threads;    /* under lock */
};

struct Ticket {
    Source *source;  /* NULL: a token_file, read at once */
    unsigned number; /* of the request it waits for */
    bool cached;     /* the token was there before */
    char *token;     /* of a token_file */
    GError *error;
};

static int64_t now_ms(void)
{
    return g_get_monotonic_time() / 1000;
}

/* --- sources --- */

static Source *source_new(Oauth2 *oauth2, Config *config, const RelayConfig *relay)
{
    Source *source = g_new0(Source, 1);
    source->owner = oauth2;
    source->refs = 1;
    source->config = config_ref(config);
    source->relay = relay;
    return source;
}

static void source_unref(Source *source)
{
    if (--source->refs > 0) {
        return;
    }
    token_clear(&source->token);
    g_clear_error(&source->failure);
    secret_free(source->given);
    secret_free(source->rotated);
    config_unref(source->config);
    g_free(source);
}

static void unref_value(void *source)
{
    source_unref(source);
}

/* The same settings of a newer configuration, so that the old one can go. */
static void follow(Source *source, Config *config, const RelayConfig *relay)
{
    if (source->config != config && !source->asking) {
        config_unref(source->config);
        source->config = config_ref(config);
        source->relay = relay;
    }
}

static Source *find_source(Oauth2 *oauth2, Config *config, const RelayConfig *relay)
{
    const Oauth2Config *settings = &relay->oauth2;
    g_autofree char *key = g_strjoin("\n", relay->key, settings->token_url, settings->form, NULL);
    Source *source = g_hash_table_lookup(oauth2->sources, key);
    if (source == NULL || !oauth2_equal(&source->relay->oauth2, &relay->oauth2)) {
        source = source_new(oauth2, config, relay);
        g_hash_table_replace(oauth2->sources, g_steal_pointer(&key), source);
    }
    follow(source, config, relay);
    return source;
}

/* --- one request, on its thread --- */

typedef struct {
    char *secret, *refresh;
} Secrets;

static void secrets_clear(Secrets *secrets)
{
    secret_free(secrets->secret);
    secret_free(secrets->refresh);
}

static bool read_secrets(Source *source, Secrets *secrets, GError **error)
{
    const Oauth2Config *config = &source->relay->oauth2;
    secrets->secret = secret_read(&config->client_secret, error);
    secrets->refresh =
        secrets->secret != NULL ? secret_read(&config->refresh_token, error) : NULL;
    if (secrets->refresh != NULL && source->rotated != NULL &&
        strcmp(secrets->refresh, source->given) == 0) {
        secret_free(secrets->refresh);
        secrets->refresh = g_strdup(source->rotated);
    }
    return secrets->refresh != NULL;
}

static void add_secret(GString *form, const char *name, const char *value)
{
    if (*value != '\0') {
        g_string_append_printf(form, "&%s=", name);
        g_string_append_uri_escaped(form, value, NULL, FALSE);
    }
}

static bool post(const Source *source, const Secrets *secrets, FetchAnswer *answer,
                 GError **error)
{
    const Oauth2Config *config = &source->relay->oauth2;
    static const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded",
                                          "Accept: application/json", NULL};
    g_autofree char *client = g_uri_escape_string(config->client_id, NULL, FALSE);
    char *password = g_uri_escape_string(secrets->secret, NULL, FALSE);
    GString *form = g_string_new(config->form);
    add_secret(form, "client_secret", source->header ? "" : secrets->secret);
    add_secret(form, "refresh_token", secrets->refresh);
    FetchRequest request = {
        .url = config->token_url, .headers = headers, .body = form->str, .length = form->len,
        .timeout_ms = REQUEST_MS, .answer_max = ANSWER_MAX,
        .username = source->header ? client : NULL, .password = password,
        .proxy = *config->proxy_url != '\0' ? config->proxy_url : NULL, .tls = &config->tls,
        .stop = &source->owner->stop,
    };
    bool done = fetch(&request, answer, error);
    secret_free(password);
    secret_free(g_string_free(form, FALSE));
    return done;
}

/* Where the secret is refused in the form, it is tried in a header, once. */
static bool exchange(Source *source, const Secrets *secrets, Token *token, GError **error)
{
    FetchAnswer answer = {0};
    bool done = post(source, secrets, &answer, error);
    if (done && *secrets->secret != '\0' && !source->header && token_wants_header(&answer)) {
        fetch_answer_clear(&answer);
        source->header = true;
        done = post(source, secrets, &answer, error);
    }
    bool got = done && token_read(&answer, now_ms(), token, error);
    if (!got) {
        source->header = false;
    }
    fetch_answer_clear(&answer);
    return got;
}

/* Refresh tokens that are good for one use come with the next one. */
static void keep_rotated(Source *source, Token *token)
{
    const Oauth2Config *config = &source->relay->oauth2;
    if (token->refresh == NULL || !secret_is_set(&config->refresh_token)) {
        return;
    }
    secret_free(source->given);
    secret_free(source->rotated);
    source->rotated = g_steal_pointer(&token->refresh);
    source->given = secret_read(&config->refresh_token, NULL);
    if (source->given == NULL) {
        secret_free(g_steal_pointer(&source->rotated));
    }
}

static bool request_token(Source *source, Token *token, GError **error)
{
    Secrets secrets = {0};
    const char *url = source->relay->oauth2.token_url;
    bool got = read_secrets(source, &secrets, error) && exchange(source, &secrets, token, error);
    if (got) {
        keep_rotated(source, token);
    } else if (error != NULL && *error != NULL) {
        g_prefix_error(error, "OAuth2: token_url %.*s: ", (int)strcspn(url, "?#"), url);
        mask_secret((*error)->message, secrets.secret != NULL ? secrets.secret : "");
        mask_secret((*error)->message, secrets.refresh != NULL ? secrets.refresh : "");
    }
    secrets_clear(&secrets);
    return got;
}

static void take_answer(Source *source, Token *take_token, GError *take_error)
{
    g_clear_error(&source->failure);
    source->asking = false;
    source->answered = source->asked;
    source->again_ms = now_ms() + AGAIN_MS;
    source->failure = take_error;
    if (take_error == NULL) {
        token_clear(&source->token);
        source->token = *take_token;
    }
}

static void *run(void *data)
{
    Source *source = data;
    Oauth2 *oauth2 = source->owner;
    Token token = {0};
    GError *error = NULL;
    pthread_setname_np(pthread_self(), "oauth2");
    request_token(source, &token, &error);
    pthread_mutex_lock(&oauth2->lock);
    take_answer(source, &token, error);
    source_unref(source);
    pthread_mutex_unlock(&oauth2->lock);
    oauth2->answered(oauth2->who);
    pthread_mutex_lock(&oauth2->lock);
    oauth2->threads--;
    pthread_cond_signal(&oauth2->ended);
    pthread_mutex_unlock(&oauth2->lock);
    return NULL;
}

/* Under lock. */
static void start_request(Source *source)
{
    pthread_t thread;
    sigset_t all, before;
    source->asked++;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&thread, NULL, run, source);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0) {
        take_answer(source, NULL, g_error_new(FAULT, FAULT_SYSTEM, "OAuth2: thread: %s",
                                              g_strerror(failed)));
        return;
    }
    pthread_detach(thread);
    source->asking = true;
    source->refs++;
    source->owner->threads++;
}

/* --- tickets --- */

static Ticket *read_token_file(const RelayConfig *relay)
{
    Ticket *ticket = g_new0(Ticket, 1);
    ticket->token = secret_read(&relay->oauth2.token, &ticket->error);
    if (ticket->token != NULL && *ticket->token == '\0') {
        g_set_error(&ticket->error, FAULT, FAULT_SYSTEM, "it is empty");
    }
    g_prefix_error(&ticket->error, "OAuth2: token_file: ");
    return ticket;
}

Ticket *oauth2_ask(Oauth2 *oauth2, Config *config, const RelayConfig *relay)
{
    if (secret_is_set(&relay->oauth2.token)) {
        return read_token_file(relay);
    }
    Ticket *ticket = g_new0(Ticket, 1);
    pthread_mutex_lock(&oauth2->lock);
    Source *source = find_source(oauth2, config, relay);
    int64_t now = now_ms();
    ticket->source = source;
    ticket->cached = source->token.text != NULL && now < source->token.end_ms;
    bool renew = now >= source->token.renew_ms && now >= source->again_ms;
    if (!ticket->cached) {
        token_clear(&source->token);
    }
    if (!source->asking && (!ticket->cached || renew)) {
        start_request(source);
    }
    ticket->number = ticket->cached ? 0 : source->asked;
    source->refs++;
    pthread_mutex_unlock(&oauth2->lock);
    return ticket;
}

static TokenState look_at_source(const Ticket *ticket, char **token, GError **error)
{
    const Source *source = ticket->source;
    if (source->answered < ticket->number) {
        return TOKEN_WAIT;
    }
    if (source->token.text == NULL) {
        if (error != NULL) {
            *error = source->failure != NULL
                         ? g_error_copy(source->failure)
                         : g_error_new(FAULT, FAULT_REMOTE, "OAuth2: the token was refused");
        }
        return TOKEN_FAILED;
    }
    *token = g_strdup(source->token.text);
    return TOKEN_READY;
}

TokenState oauth2_look(Ticket *ticket, char **token, GError **error)
{
    if (ticket->source == NULL && ticket->error != NULL) {
        g_propagate_error(error, g_error_copy(ticket->error));
        return TOKEN_FAILED;
    }
    if (ticket->source == NULL) {
        *token = g_strdup(ticket->token);
        return TOKEN_READY;
    }
    pthread_mutex_lock(&ticket->source->owner->lock);
    TokenState state = look_at_source(ticket, token, error);
    pthread_mutex_unlock(&ticket->source->owner->lock);
    return state;
}

bool oauth2_refuse(Ticket *ticket, const char *token)
{
    Source *source = ticket->source;
    if (source == NULL) {
        return false;
    }
    pthread_mutex_lock(&source->owner->lock);
    if (g_strcmp0(source->token.text, token) == 0) {
        token_clear(&source->token);
    }
    pthread_mutex_unlock(&source->owner->lock);
    return ticket->cached;
}

void oauth2_drop(Ticket *ticket)
{
    if (ticket == NULL) {
        return;
    }
    if (ticket->source != NULL) {
        pthread_mutex_t *lock = &ticket->source->owner->lock;
        pthread_mutex_lock(lock);
        source_unref(ticket->source);
        pthread_mutex_unlock(lock);
    }
    secret_free(ticket->token);
    g_clear_error(&ticket->error);
    g_free(ticket);
}

/* --- life --- */

Oauth2 *oauth2_new(void (*answered)(void *who), void *who)
{
    Oauth2 *oauth2 = g_new0(Oauth2, 1);
    oauth2->answered = answered;
    oauth2->who = who;
    oauth2->sources = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, unref_value);
    pthread_mutex_init(&oauth2->lock, NULL);
    pthread_cond_init(&oauth2->ended, NULL);
    return oauth2;
}

void oauth2_free(Oauth2 *oauth2)
{
    if (oauth2 == NULL) {
        return;
    }
    atomic_store(&oauth2->stop, true);
    pthread_mutex_lock(&oauth2->lock);
    while (oauth2->threads > 0) {
        pthread_cond_wait(&oauth2->ended, &oauth2->lock);
    }
    pthread_mutex_unlock(&oauth2->lock);
    g_hash_table_unref(oauth2->sources);
    pthread_cond_destroy(&oauth2->ended);
    pthread_mutex_destroy(&oauth2->lock);
    g_free(oauth2);
}
