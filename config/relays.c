/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "config/loader.h"

static char *text_or_empty(const Loader *loader, char *text)
{
    return text != NULL ? text : arena_strdup(loader->reader.arena, "");
}

static bool is_empty(const Node *node)
{
    return node->kind == NODE_SCALAR && *reader_text(node) == '\0';
}

static char *first_text(char *own, char *base)
{
    return own != NULL && *own != '\0' ? own : base;
}

SmtpSettings loader_merge_smtp(const SmtpSettings *own, const SmtpSettings *base)
{
    static const Secret none;
    bool token = own->oauth2.at.node != NULL;
    bool password = secret_is_set(&own->auth_password) || secret_is_set(&own->auth_secret);
    return (SmtpSettings){
        .smarthost = own->smarthost.node != NULL ? own->smarthost : base->smarthost,
        .from = own->from != NULL && !is_empty(own->from) ? own->from : base->from,
        .hello = first_text(own->hello, base->hello),
        .auth_username = first_text(own->auth_username, base->auth_username),
        .auth_identity = first_text(own->auth_identity, base->auth_identity),
        .auth_password = secret_is_set(&own->auth_password) ? own->auth_password
                         : token                            ? none
                                                            : base->auth_password,
        .auth_secret = secret_is_set(&own->auth_secret) ? own->auth_secret
                       : token                          ? none
                                                        : base->auth_secret,
        .oauth2 = token || password ? own->oauth2 : base->oauth2,
        .require_tls = own->require_tls.set ? own->require_tls : base->require_tls,
        .force_implicit_tls = own->force_implicit_tls.set ? own->force_implicit_tls
                                                          : base->force_implicit_tls,
        .tls = own->tls.at.node != NULL ? own->tls : base->tls,
    };
}

static RelayConfig *new_relay(const Loader *loader, const SmtpSettings *smtp)
{
    const Smarthost *smarthost = &smtp->smarthost;
    RelayConfig *relay = arena_alloc(loader->reader.arena, sizeof *relay);
    *relay = (RelayConfig){
        .scheme = smarthost->scheme,
        .host = text_or_empty(loader, smarthost->host),
        .port = smarthost->port,
        .path = text_or_empty(loader, smarthost->path),
        .require_tls = !smtp->require_tls.set || smtp->require_tls.value,
        .implicit_tls = smtp->force_implicit_tls.set ? smtp->force_implicit_tls.value
                                                     : smarthost->port == 465,
        .tls = smtp->tls.config,
        .hello = text_or_empty(loader, smtp->hello),
        .auth_username = text_or_empty(loader, smtp->auth_username),
        .auth_identity = text_or_empty(loader, smtp->auth_identity),
        .auth_password = smtp->auth_password,
        .auth_secret = smtp->auth_secret,
        .oauth2 = oauth2_build(loader, &smtp->oauth2),
    };
    return relay;
}

bool tls_config_equal(const TlsConfig *a, const TlsConfig *b)
{
    return g_strcmp0(a->ca, b->ca) == 0 && g_strcmp0(a->ca_file, b->ca_file) == 0 &&
           g_strcmp0(a->cert, b->cert) == 0 && g_strcmp0(a->cert_file, b->cert_file) == 0 &&
           secret_equal(&a->key, &b->key) &&
           g_strcmp0(a->server_name, b->server_name) == 0 &&
           a->insecure_skip_verify == b->insecure_skip_verify &&
           a->min_version == b->min_version && a->max_version == b->max_version;
}

static bool auth_equal(const RelayConfig *a, const RelayConfig *b)
{
    return strcmp(a->auth_username, b->auth_username) == 0 &&
           strcmp(a->auth_identity, b->auth_identity) == 0 &&
           secret_equal(&a->auth_password, &b->auth_password) &&
           secret_equal(&a->auth_secret, &b->auth_secret) &&
           oauth2_equal(&a->oauth2, &b->oauth2);
}

static bool relay_equal(const RelayConfig *a, const RelayConfig *b)
{
    if (a->scheme != b->scheme) {
        return false;
    }
    if (a->scheme == RELAY_MAILDIR) {
        return strcmp(a->path, b->path) == 0;
    }
    return strcmp(a->host, b->host) == 0 && a->port == b->port &&
           a->require_tls == b->require_tls && a->implicit_tls == b->implicit_tls &&
           tls_config_equal(&a->tls, &b->tls) && strcmp(a->hello, b->hello) == 0 &&
           auth_equal(a, b);
}

/* "host:port", "[v6]:port" or the path. */
static char *relay_name(const Loader *loader, const RelayConfig *relay)
{
    if (relay->scheme == RELAY_MAILDIR) {
        return relay->path;
    }
    bool is_v6 = strchr(relay->host, ':') != NULL;
    return arena_printf(loader->reader.arena, "%s%s%s:%u", is_v6 ? "[" : "", relay->host,
                        is_v6 ? "]" : "", relay->port);
}

/* The key without a number, so that BASE of two relays can be compared. */
static char *relay_base(const Loader *loader, const RelayConfig *relay)
{
    Arena *arena = loader->reader.arena;
    if (relay->scheme == RELAY_MAILDIR) {
        return arena_printf(arena, "maildir:%s", relay->path);
    }
    bool has_user = *relay->auth_username != '\0';
    return arena_printf(arena, "smtp:%s%s%s", relay->auth_username, has_user ? "@" : "",
                        relay->name);
}

static bool key_is_taken(const Loader *loader, const char *key)
{
    for (unsigned i = 0; i < loader->relays->len; i++) {
        if (strcmp(((RelayConfig *)loader->relays->pdata[i])->key, key) == 0) {
            return true;
        }
    }
    return false;
}

static void name_relay(const Loader *loader, RelayConfig *relay)
{
    relay->name = relay_name(loader, relay);
    char *base = relay_base(loader, relay);
    relay->key = base;
    for (unsigned number = 2; key_is_taken(loader, relay->key); number++) {
        relay->key = arena_printf(loader->reader.arena, "%s#%u", base, number);
    }
}

/* A server that is only named takes all settings of the integration but the name in the
 * certificate, which is the other server's. */
static SmtpSettings fallback_settings(const FallbackSettings *fallback, const SmtpSettings *smtp)
{
    SmtpSettings merged = loader_merge_smtp(&fallback->smtp, smtp);
    if (fallback->smtp.tls.at.node == NULL) {
        merged.tls.config.server_name = "";
    }
    return merged;
}

static void add_fallbacks(const Loader *loader, RelayConfig *relay, const SmtpSettings *smtp)
{
    const List *list = &loader->file.delivery.fallbacks;
    if (relay->scheme != RELAY_SMTP) {
        return;
    }
    relay->fallbacks = arena_array(loader->reader.arena, RelayConfig, list->n);
    for (unsigned i = 0; i < list->n; i++) {
        const FallbackSettings *settings = LIST_ITEM(*list, FallbackSettings, i);
        const SmtpSettings merged = fallback_settings(settings, smtp);
        RelayConfig *fallback = new_relay(loader, &merged);
        fallback->name = relay_name(loader, fallback);
        fallback->key = relay_base(loader, fallback);
        if (settings->smtp.smarthost.node != NULL && !relay_equal(fallback, relay)) {
            relay->fallbacks[relay->n_fallbacks++] = *fallback;
        }
    }
}

unsigned loader_relay(Loader *loader, const SmtpSettings *smtp)
{
    RelayConfig *relay = new_relay(loader, smtp);
    for (unsigned i = 0; i < loader->relays->len; i++) {
        if (relay_equal(relay, loader->relays->pdata[i])) {
            return i;
        }
    }
    name_relay(loader, relay);
    add_fallbacks(loader, relay, smtp);
    g_ptr_array_add(loader->relays, relay);
    return loader->relays->len - 1;
}

void load_relays(Loader *loader)
{
    Config *config = loader->config;
    config->n_relays = loader->relays->len;
    config->relays = arena_array(loader->reader.arena, RelayConfig, config->n_relays);
    for (unsigned i = 0; i < config->n_relays; i++) {
        config->relays[i] = *(RelayConfig *)loader->relays->pdata[i];
    }
}
