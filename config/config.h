/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <glib.h>
#include <stdbool.h>
#include <stdatomic.h>
#include <stdint.h>

#include "config/intervals.h"
#include "config/json_map.h"
#include "config/secret.h"
#include "rules/alert.h"
#include "rules/route.h"
#include "rules/template/template.h"

/* The configuration: read from one YAML file, checked, then immutable and shared
 * by reference count.  Texts are never NULL unless said: absent text is "".
 * Times are in milliseconds, sizes in bytes. */

typedef enum {
    TLS_VERSION_DEFAULT,
    TLS_VERSION_1_0,
    TLS_VERSION_1_1,
    TLS_VERSION_1_2,
    TLS_VERSION_1_3,
} TlsVersion;

typedef struct {
    char *ca, *ca_file;     /* PEM text, or the file with it */
    char *cert, *cert_file;
    Secret key;
    char *server_name;      /* "": the host */
    bool insecure_skip_verify;
    TlsVersion min_version, max_version;
} TlsConfig;

/* Where a relay's tokens come from. */
typedef struct {
    bool set;        /* false: no OAuth2, nothing below is set */
    Secret token;    /* if set: a file that has it, and nothing is asked for */
    char *token_url, *client_id, *proxy_url;
    char *form;      /* the request's parameters, encoded, without what is secret */
    Secret client_secret;
    Secret refresh_token; /* not set: grant client_credentials */
    TlsConfig tls;   /* of the request */
} Oauth2Config;

/* The same settings; says nothing about what files hold. */
bool tls_config_equal(const TlsConfig *a, const TlsConfig *b);
bool oauth2_equal(const Oauth2Config *a, const Oauth2Config *b);

typedef enum { RELAY_SMTP, RELAY_MAILDIR } RelayScheme;

/* A mail server, as far as it makes a difference to a session.  Integrations that
 * name the same server in the same way share one. */
typedef struct RelayConfig {
    /* Stable over reloads, holds no secret: "smtp:[user@]host:port" or "maildir:PATH".
     * Relays that differ in something else (password, TLS, hello) get "#2", "#3", … in
     * the order of the file, so that correcting a setting keeps the key. */
    char *key;
    char *name;   /* for logs: "host:port" or the path */
    RelayScheme scheme;
    char *host;
    unsigned port;
    char *path;   /* of a Maildir */
    bool require_tls, implicit_tls;
    TlsConfig tls;
    char *hello;  /* "": the host's full name */
    char *auth_username, *auth_identity;
    Secret auth_password, auth_secret;
    Oauth2Config oauth2;
    /* Used in this order while the server itself fails; they have none of their own. */
    struct RelayConfig *fallbacks;
    unsigned n_fallbacks;
} RelayConfig;

typedef struct {
    char *name; /* canonical MIME form: "Message-Id" */
    char *text;
    Template *value;
} HeaderConfig;

/* One entry of a receiver's email_configs, defaults of `global` merged in. */
typedef struct {
    bool send_resolved_set, send_resolved; /* unset: false for monitoring, true for CI sources */
    unsigned relay;                        /* index into Config.relays */
    Template *to, *cc, *bcc, *from, *reply_to; /* cc, bcc, reply_to: NULL if not given */
    Template *subject;                     /* the Subject header, or the default subject */
    Template *html, *text;                 /* NULL: no such part */
    HeaderConfig *headers;                 /* user-given, without Subject */
    unsigned n_headers;
    char **allowed_domains;                /* NULL: any; else NULL-terminated, lower-case A-labels */
    size_t max_size;                       /* 0: no own ceiling */
    bool threading_set, threading_enabled, thread_by_day;
} EmailConfig;

typedef struct {
    char *name;
    EmailConfig *emails;
    unsigned n_emails;
} Receiver;

/* DEFAULT: the storage decides (stored with sqlite, delivered with memory:). */
typedef enum { ACK_DEFAULT, ACK_STORED, ACK_DELIVERED } AckMode;

typedef enum { HASH_SHA1, HASH_SHA224, HASH_SHA256, HASH_SHA384, HASH_SHA512 } Hash;
typedef enum { ENCODING_HEX, ENCODING_BASE64 } Encoding;

/* A signature (HMAC) over the body, by one of several secrets. */
typedef struct {
    Secret *secrets;
    unsigned n_secrets;      /* 0: no such way, and nothing below is set */
    bool standard;           /* Standard Webhooks: secrets are base64 behind "whsec_", and the
                                header is a list of signatures, any of which will do */
    char *header, *prefix;   /* the signature's, which stands behind PREFIX */
    Encoding encoding;
    Hash algorithm;
    char *message;           /* what is signed, with {body}, {timestamp} and {id} in it */
    char *timestamp_header, *id_header; /* "" where the message has none */
    int64_t tolerance_ms;    /* how far the timestamp may be from now */
} SignatureConfig;

/* What a webhook may prove itself with: any one of those that are set. */
typedef struct {
    bool required;           /* false: the source is open, and nothing below is set */
    Secret bearer_token;
    char *basic_username;    /* "": no basic authentication */
    Secret basic_password;
    char *header_name;       /* "": none */
    Secret header_value;
    SignatureConfig hmac, standard_webhooks;
} AuthConfig;

typedef struct {
    char *name; /* -> POST /hooks/NAME */
    char *type; /* "alertmanager", "github", …: bridge/intake/ has a format for each */
    Family family;
    AuthConfig auth;
    bool allow_unauthenticated; /* being open on a non-loopback listener is meant */
    AckMode ack;
    int64_t ack_timeout_ms;
    int64_t dedup_window_ms; /* of monitoring; 0 for CI */
    int64_t dedup_remind_ms; /* of CI; 0: never */
    size_t max_body; /* of a webhook's body; 0: limits.body */
    Labels labels; /* added where an alert has no such label */
    const JsonMap *map; /* of type json; else NULL */
} SourceConfig;

typedef struct {
    size_t mails; /* 0: no limit */
    int64_t per_ms;
    size_t burst;
} RateLimit;

/* How far ahead of a mail server's replies its commands may be. */
typedef enum {
    PIPELINING_GROUPED, /* MAIL, RCPT and DATA together */
    PIPELINING_DEEP,    /* … and the next mail's behind the final dot */
    PIPELINING_OFF,     /* one after the other */
} Pipelining;

typedef struct {
    char *postmaster; /* "": none */
    unsigned connections, mails_per_connection;
    int64_t idle_close_ms, connection_lifetime_ms;
    int64_t retry_min_ms, retry_max_ms, give_up_ms;
    int64_t history_ms; /* how long the record of a mail that is gone is kept */
    bool in_doubt_keep; /* in_doubt: keep (else retry) */
    RateLimit rate_limit;
    unsigned pipelining; /* Pipelining */
    int64_t connect_ms, greeting_ms, command_ms, write_ms, final_dot_ms, quit_ms;
} DeliveryConfig;

/* domain "": no DKIM. */
typedef struct {
    char *domain, *selector; /* lower-case A-labels */
    Secret private_key;
    char *place;             /* "file:line:col: dkim", for errors about the key */
} DkimConfig;

typedef struct {
    size_t body, alerts, labels, recipients, mail, queue_mails, queue_bytes, history;
    size_t history_mails, inflight_bytes, waiting;
    unsigned connections, connections_per_address; /* over HTTP */
    int64_t request_ms;                            /* for a request to arrive */
} LimitsConfig;

/* A file that is read at each use. */
typedef struct {
    char *path;
    char *place; /* "file:line:col: path.to.key" */
} NamedFile;

/* inhibit_rules and time_intervals are parsed and checked; they do not act yet, and
 * notes says so. */
typedef struct {
    atomic_int refs; /* config_ref and config_unref only */
    char *path;
    TemplateSet *templates;
    unsigned n_template_files;
    char **template_patterns; /* what `templates` says, as opened; NULL-terminated */
    RouteTree *routes;
    unsigned n_routes;   /* nodes of the tree */
    Receiver *receivers;
    unsigned n_receivers;
    RelayConfig *relays;
    unsigned n_relays;
    SourceConfig *sources; /* those that are enabled */
    unsigned n_sources;
    DeliveryConfig delivery;
    DkimConfig dkim;
    LimitsConfig limits;
    TimeIntervals *time_intervals;
    unsigned n_time_intervals, n_inhibit_rules;
    NamedFile *files; /* secrets and certificates; each path once, without DKIM's key */
    unsigned n_files;
    char **notes; /* what is accepted but worth a warning, one line each; NULL-terminated */
    Arena *arena;        /* owns every text and array above … */
    GPtrArray *compiled; /* … and this every Template: equal texts
                             are compiled once, each use has a twin (source.h) */
    GHashTable *receivers_by_name;
} Config;

typedef enum { CONFIG_STRICT = 0, CONFIG_IGNORE_OTHER_RECEIVERS = 1 } ConfigFlags;

/* Reads, checks and compiles the file at PATH.  NULL with ERROR set (INPUT; SYSTEM if
 * it cannot be read): every error found, one "file:line:col: path.to.key: reason" a
 * line.  The result has one reference. */
Config *config_load(const char *path, ConfigFlags flags, GError **error);
/* The same from LENGTH bytes at TEXT; PATH names them in messages, and relative paths
 * are taken from its directory. */
Config *config_parse(const char *path, const char *text, size_t length,
                     ConfigFlags flags, GError **error);
Config *config_ref(Config *config);
void config_unref(Config *config); /* NULL is allowed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Config, config_unref)

/* One line, as of a note, for each of CONFIG's files that cannot be read at present; free with
 * g_strfreev(). */
char **config_unreadable(const Config *config);

const Receiver *config_find_receiver(const Config *config, const char *name);
const SourceConfig *config_find_source(const Config *config, const char *name);
const RelayConfig *config_find_relay(const Config *config, const char *key);

/* The key tables of config/README.md, from the tables the file is read with. */
void config_print_reference(GString *out);
/* The same for a man page: those of the configuration, and of --web.config.file. */
void config_print_manual(GString *keys, GString *web_keys);

/* The built-in templates (config/default.tmpl, config/ci.tmpl). */
extern const char config_default_tmpl[], config_ci_tmpl[];

#endif
