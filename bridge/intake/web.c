/* SPDX-License-Identifier: MIT */
/* The file of --web.config.file, in force.  It is read at the start and at a reload, and
 * whenever a look at the files (every second or so, by the listener) finds one changed: a new
 * state is made, checked, and put in the place of the old one, which stays if anything is
 * wrong.  Connections keep the TlsServer they began with.
 *
 * A password is checked with bcrypt on a worker, one at a time for all: guessing keeps nobody
 * else from a worker.  What came of it is remembered. */
#include "bridge/intake/web.h"

#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#include "bridge/intake/auth.h"
#include "bridge/intake/verdicts.h"
#include "bridge/password.h"
#include "rules/fault.h"

#define CHECK_LANE "\nweb" /* no source has this name */
/* For users that are not known, so that they take as long: of no password. */
#define NOBODY_HASH "$2b$10$......................0000000000000000000000000000000"

/* As far as it tells that another file is there. */
typedef struct {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
} Stamp;

#define FILES 4

struct Web {
    char *path;
    Log *log;
    bool tls;           /* never changes */
    Verdicts *verdicts;
    pthread_mutex_t lock; /* guards what follows */
    WebConfig *config;
    TlsServer *server;  /* NULL: no TLS */
    Stamp stamps[FILES]; /* of what was tried last, well or not */
};

static Stamp stamp_of(const char *path)
{
    struct stat status;
    if (path == NULL || *path == '\0' || stat(path, &status) != 0) {
        return (Stamp){0};
    }
    return (Stamp){status.st_dev, status.st_ino, status.st_size, status.st_mtim};
}

static void take_stamps(const char *path, const WebConfig *config, Stamp stamps[FILES])
{
    stamps[0] = stamp_of(path);
    stamps[1] = stamp_of(config->cert_file);
    stamps[2] = stamp_of(config->key_file);
    stamps[3] = stamp_of(config->client_ca_file);
}

static bool stamp_equal(const Stamp *a, const Stamp *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

static bool config_has_tls(const WebConfig *config)
{
    return *config->cert_file != '\0';
}

static bool config_keeps_out(const WebConfig *config)
{
    return config->n_users > 0 || config->client_cert == CLIENT_CERT_VERIFY;
}

/* CONFIG and, if it has TLS, what it is served with. */
static bool read_all(const char *path, WebConfig **config, TlsServer **server, GError **error)
{
    g_autoptr(WebConfig) read = web_config_load(path, error);
    if (read == NULL) {
        return false;
    }
    *server = config_has_tls(read) ? tls_server_new(read, error) : NULL;
    if (config_has_tls(read) && *server == NULL) {
        g_prefix_error(error, "%s: ", path);
        return false;
    }
    *config = g_steal_pointer(&read);
    return true;
}

Web *web_new(const char *path, Log *log, GError **error)
{
    WebConfig *config;
    TlsServer *server;
    if (!read_all(path, &config, &server, error)) {
        return NULL;
    }
    Web *web = g_new0(Web, 1);
    web->path = g_strdup(path);
    web->log = log;
    web->tls = config_has_tls(config);
    web->verdicts = verdicts_new();
    pthread_mutex_init(&web->lock, NULL);
    web->config = config;
    web->server = server;
    take_stamps(path, config, web->stamps);
    return web;
}

void web_free(Web *web)
{
    if (web == NULL) {
        return;
    }
    web_config_free(web->config);
    tls_server_unref(web->server);
    verdicts_free(web->verdicts);
    pthread_mutex_destroy(&web->lock);
    g_free(web->path);
    g_free(web);
}

/* What only a restart can do; with the lock held. */
static bool may_replace(const Web *web, const WebConfig *config, GError **error)
{
    const char *reason = NULL;
    if (config_has_tls(config) != web->tls) {
        reason = "TLS comes and goes only with a restart";
    } else if (config_keeps_out(web->config) && !config_keeps_out(config)) {
        reason = "authentication goes only with a restart";
    }
    if (reason != NULL) {
        g_set_error(error, FAULT, FAULT_INPUT, "%s: %s", web->path, reason);
    }
    return reason == NULL;
}

/* With the lock held. */
static bool load(Web *web, GError **error)
{
    g_autoptr(WebConfig) config = NULL;
    g_autoptr(TlsServer) server = NULL;
    if (!read_all(web->path, &config, &server, error) || !may_replace(web, config, error)) {
        return false;
    }
    WebConfig *old_config = web->config;
    TlsServer *old_server = web->server;
    web->config = g_steal_pointer(&config);
    web->server = g_steal_pointer(&server);
    web_config_free(old_config);
    tls_server_unref(old_server);
    return true;
}

static bool load_stamped(Web *web, GError **error)
{
    bool done = load(web, error);
    take_stamps(web->path, web->config, web->stamps);
    return done;
}

bool web_reload(Web *web, GError **error)
{
    if (web == NULL) {
        return true;
    }
    pthread_mutex_lock(&web->lock);
    bool done = load_stamped(web, error);
    pthread_mutex_unlock(&web->lock);
    return done;
}

/* With the lock held. */
static bool has_changed(const Web *web)
{
    Stamp now[FILES];
    bool same = true;
    take_stamps(web->path, web->config, now);
    for (size_t i = 0; i < FILES; i++) {
        same = same && stamp_equal(&now[i], &web->stamps[i]);
    }
    return !same;
}

void web_refresh(Web *web)
{
    if (web == NULL) {
        return;
    }
    g_autoptr(GError) error = NULL;
    pthread_mutex_lock(&web->lock);
    bool changed = has_changed(web);
    bool done = changed && load_stamped(web, &error);
    pthread_mutex_unlock(&web->lock);
    if (done) {
        log_line(web->log, LOG_LEVEL_INFO, "web configuration read anew", "file", web->path, NULL);
    } else if (changed) {
        log_line(web->log, LOG_LEVEL_ERROR, "web configuration not read anew", "file", web->path,
                 "error", error->message, NULL);
    }
}

bool web_has_tls(const Web *web)
{
    return web != NULL && web->tls;
}

TlsServer *web_tls(Web *web)
{
    pthread_mutex_lock(&web->lock);
    TlsServer *server = tls_server_ref(web->server);
    pthread_mutex_unlock(&web->lock);
    return server;
}

bool web_has_users(Web *web)
{
    if (web == NULL) {
        return false;
    }
    pthread_mutex_lock(&web->lock);
    bool has = web->config->n_users > 0;
    pthread_mutex_unlock(&web->lock);
    return has;
}

bool web_keeps_out(Web *web)
{
    if (web == NULL) {
        return false;
    }
    pthread_mutex_lock(&web->lock);
    bool keeps = config_keeps_out(web->config);
    pthread_mutex_unlock(&web->lock);
    return keeps;
}

void web_add_headers(Web *web, WebAddHeader *add, void *data)
{
    if (web == NULL) {
        return;
    }
    pthread_mutex_lock(&web->lock);
    for (unsigned i = 0; i < web->config->n_headers; i++) {
        add(data, web->config->headers[i].name, web->config->headers[i].value);
    }
    pthread_mutex_unlock(&web->lock);
}

/* --- passwords --- */

/* A copy of the user's hash; NULL if there is no such user. */
static char *find_hash(Web *web, const char *name)
{
    char *hash = NULL;
    pthread_mutex_lock(&web->lock);
    for (unsigned i = 0; i < web->config->n_users; i++) {
        if (strcmp(web->config->users[i].name, name) == 0) {
            hash = g_strdup(web->config->users[i].hash);
        }
    }
    pthread_mutex_unlock(&web->lock);
    return hash;
}

typedef struct {
    char *name, *password;
    char *hash;
    bool known; /* there is such a user */
} Login;

static void login_clear(Login *login)
{
    g_free(login->name);
    secret_free(login->password);
    g_free(login->hash);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Login, login_clear)

static bool read_login(Web *web, const char *authorization, Login *login)
{
    if (!auth_parse_basic(authorization, &login->name, &login->password)) {
        return false;
    }
    login->hash = find_hash(web, login->name);
    login->known = login->hash != NULL;
    if (!login->known) {
        login->hash = g_strdup(NOBODY_HASH);
    }
    return true;
}

static Verdict recall(Web *web, const Login *login)
{
    return verdicts_get(web->verdicts, login->name, login->hash, login->password,
                        g_get_monotonic_time());
}

bool web_knows(Web *web, const char *authorization)
{
    g_auto(Login) login = {0};
    return read_login(web, authorization, &login) && recall(web, &login) == VERDICT_RIGHT;
}

typedef struct {
    Web *web;
    Login login;
    WebDone *done;
    void *data;
} Question;

/* Somebody before us in the lane may have asked the same. */
static void check_in_lane(void *data, Lane *lane)
{
    Question *question = data;
    Login *login = &question->login;
    Verdict verdict = recall(question->web, login);
    if (verdict == VERDICT_UNKNOWN) {
        bool right = password_matches(login->password, login->hash) && login->known;
        verdict = right ? VERDICT_RIGHT : VERDICT_WRONG;
        verdicts_put(question->web->verdicts, login->name, login->hash, login->password, right,
                     g_get_monotonic_time());
    }
    lane_release(lane);
    question->done(question->data, verdict == VERDICT_RIGHT);
    login_clear(login);
    g_free(question);
}

void web_ask(Web *web, Lanes *lanes, const char *authorization, WebDone *done, void *data)
{
    g_auto(Login) login = {0};
    bool reads = read_login(web, authorization, &login);
    Verdict verdict = reads ? recall(web, &login) : VERDICT_WRONG;
    if (verdict != VERDICT_UNKNOWN) {
        done(data, verdict == VERDICT_RIGHT);
        return;
    }
    Question *question = g_new0(Question, 1);
    *question = (Question){web, login, done, data};
    login = (Login){0};
    lanes_enter(lanes, CHECK_LANE, check_in_lane, question);
}
