/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_LOADER_H
#define CONFIG_LOADER_H

#include "config/config.h"
#include "config/schema.h"

/* Inside config/ only: the file as its tables read it, and the steps that make a Config
 * of it.  Each step reports what it finds and goes on with the rest. */

/* What a mail server is called by; nothing set: host and path NULL. */
typedef struct {
    const Node *node; /* where it was written */
    RelayScheme scheme;
    char *host;
    unsigned port;
    char *path;
} Smarthost;

extern const ValueType type_smarthost;
#define SMARTHOST(T, member, key_, help_) \
    {ROW(key_, &type_smarthost, MEMBER_OF(T, member, Smarthost), help_)}
/* "host:port" or "maildir:PATH"; reports and returns false if it is neither. */
bool smarthost_read(const Reader *reader, const Node *node, Smarthost *smarthost);

typedef struct {
    Section at; /* node NULL: no such section */
    TlsConfig config;
} TlsSettings;

typedef struct {
    Section at; /* node NULL: no such section, and nothing below is set */
    char *client_id, *token_url, *proxy_url;
    Secret client_secret, refresh_token, token;
    const Node *scopes, *endpoint_params; /* NULL: not given */
    TlsSettings tls;
} Oauth2Settings;

/* What `global` and an email_config have in common, under smtp_NAME and NAME. */
typedef struct {
    Smarthost smarthost;
    const Node *from;
    char *hello, *auth_username, *auth_identity; /* NULL: not given */
    Secret auth_password, auth_secret;
    Oauth2Settings oauth2;
    OptionalBool require_tls, force_implicit_tls;
    TlsSettings tls;
} SmtpSettings;

typedef struct {
    Section at;
    OptionalDuration resolve_timeout;
    SmtpSettings smtp;
} GlobalSettings;

typedef struct {
    Section at;
    bool enabled;
    unsigned by_date; /* index into "none", "daily" */
} ThreadingSettings;

typedef struct {
    Section at;
    SmtpSettings smtp;
    OptionalBool send_resolved;
    const Node *to, *cc, *bcc, *reply_to, *html, *text; /* NULL: not given */
    const Node *headers, *allowed_domains;
    ThreadingSettings threading;
    size_t max_size;
} EmailSettings;

typedef struct {
    Section at;
    char *name;
    List emails; /* EmailSettings */
} ReceiverSettings;

typedef struct {
    Section at;
    char *receiver; /* NULL: the parent's */
    const Node *group_by, *match, *match_re, *matchers;
    const Node *mute_time_intervals, *active_time_intervals, *labels;
    bool continue_;
    OptionalDuration group_wait, group_interval, repeat_interval;
    List routes; /* RouteSettings */
} RouteSettings;

typedef struct {
    Section at;
    char *name;
    const Node *source_match, *source_match_re, *source_matchers;
    const Node *target_match, *target_match_re, *target_matchers, *equal;
    List sources; /* InhibitSourceSettings */
} InhibitSettings;

typedef struct {
    Section at;
    char *name;
    List intervals; /* IntervalSettings, in intervals.c */
} NamedIntervalSettings;

typedef struct {
    Section at; /* node NULL: no such section */
    char *header, *prefix, *message, *timestamp_header, *id_header; /* NULL: not given */
    unsigned encoding, algorithm; /* Encoding, Hash */
    OptionalDuration tolerance;
    const Node *secrets, *secret_files;
} SignatureSettings;

typedef struct {
    Section at;
    AuthConfig config;
    SignatureSettings hmac, standard_webhooks;
} AuthSettings;

/* Templates of a source of type json; NULL: not given. */
typedef struct {
    Section at;
    const Node *status, *statuses, *labels, *annotations;
    const Node *generator, *dashboard, *panel, *silence;
    const Node *group_key, *event_id, *sequence, *time;
} MapSettings;

typedef struct {
    Section at;
    char *name, *type; /* NULL: not given */
    unsigned family;   /* Family, as type json is told */
    MapSettings map;
    bool enabled, allow_unauthenticated;
    AuthSettings auth;
    unsigned ack; /* AckMode */
    int64_t ack_timeout_ms, dedup_window_ms, dedup_remind_ms;
    size_t max_body; /* 0: not given */
    const Node *labels;
} SourceSettings;

typedef struct {
    Section at;
    RateLimit config;
} RateLimitSettings;

/* What it does not say is the integration's that needs it. */
typedef struct {
    Section at;
    SmtpSettings smtp;
} FallbackSettings;

typedef struct {
    Section at;
    DeliveryConfig config;
    RateLimitSettings rate_limit;
    List fallbacks; /* FallbackSettings */
} DeliverySettings;

typedef struct {
    Section at;
    DkimConfig config;
} DkimSettings;

typedef struct {
    Section at;
    GlobalSettings global;
    const Node *templates;
    RouteSettings route;
    List receivers, inhibit_rules, time_intervals, mute_time_intervals, sources;
    DeliverySettings delivery;
    DkimSettings dkim;
    LimitsConfig limits;
} FileSettings;

extern const Schema global_schema, tls_schema, oauth2_schema, route_schema, receiver_schema,
    email_schema, threading_schema, inhibit_schema, inhibit_source_schema,
    named_interval_schema, mute_interval_schema, interval_schema, times_schema,
    source_schema, source_auth_schema, source_basic_schema, source_header_schema,
    source_hmac_schema, source_standard_schema,
    source_dedup_schema, source_map_schema, source_links_schema, delivery_schema, fallback_schema, rate_limit_schema, retry_schema,
    timeouts_schema, dkim_schema, limits_schema, file_schema;

typedef struct {
    Reader reader;
    FileSettings file;
    Config *config;
    GHashTable *compiled; /* mode and text -> Template *, borrowed from config->compiled */
    GPtrArray *relays;    /* RelayConfig *, in the arena */
} Loader;

/* The steps, in this order; intervals and receivers before the routes that name them. */
void load_templates(Loader *loader);
void load_receivers(Loader *loader);
void load_intervals(Loader *loader);
void load_inhibit_rules(Loader *loader);
void load_routes(Loader *loader);
void load_sources(Loader *loader);
void load_delivery(Loader *loader);
void load_notes(Loader *loader);
void load_outside(Loader *loader);

/* What `auth` says, checked, with what TYPE has by default. */
AuthConfig source_auth_build(const Loader *loader, const AuthSettings *settings,
                             const char *type);
/* Reports a type that is not one, and settings that cannot act on what it sends. */
void source_type_check(const Loader *loader, const SourceSettings *settings);
Family source_family(const SourceSettings *settings);
/* NULL if there is no `map`. */
const JsonMap *json_map_build(Loader *loader, const MapSettings *settings);

/* TEXT compiled (equal texts are only once), with its TemplateSource as its note; NULL and
 * reported if it fails.  NODE is where it is written; with KEY it is built in, for the key
 * that NODE lacks. */
Template *loader_compile(Loader *loader, TemplateMode mode, const Node *node,
                         const char *key, const char *text);
/* What TLS settings must agree on; nothing if they were not written. */
void loader_check_tls(const Loader *loader, const TlsSettings *settings);
/* OWN settings, field by field, and BASE's where they are silent; a secret and its file
 * are one field, and a login with a token and one with a password do not mix. */
SmtpSettings loader_merge_smtp(const SmtpSettings *own, const SmtpSettings *base);
/* What OAuth2 settings must agree on; nothing if they were not written. */
void loader_check_oauth2(const Loader *loader, const SmtpSettings *smtp);
/* What a login needs of the relay it is for; reported at NODE. */
void loader_check_login(const Loader *loader, const RelayConfig *relay, const Node *node);
Oauth2Config oauth2_build(const Loader *loader, const Oauth2Settings *settings);
/* The relay of merged settings, as an index into the relays. */
unsigned loader_relay(Loader *loader, const SmtpSettings *smtp);
/* Moves the relays into the configuration. */
void load_relays(Loader *loader);
/* `match`, `match_re` or `matchers` as Matcher * into MATCHERS; each NODE may be NULL. */
void loader_matchers(Loader *loader, GPtrArray *matchers, const Node *match,
                     const Node *match_re, const Node *texts);
/* A list of label names (`group_by`, `equal`): each that cannot be one is reported as
 * `invalid label name "…" in LIST_NAME`. */
void loader_check_names(Loader *loader, const Node *list, const char *list_name);

#endif
