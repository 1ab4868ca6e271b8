/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "config/loader.h"

static const Field oauth2_fields[] = {
    FIELD(Oauth2Settings, client_id, "client_id", "", "Who asks."),
    FIELD(Oauth2Settings, client_secret, "client_secret", NULL, "Its secret."),
    SECRET_FILE(Oauth2Settings, client_secret, "client_secret_file",
                "The file with it, read at every request."),
    FIELD(Oauth2Settings, refresh_token, "refresh_token", NULL,
          "Ask with this (grant `refresh_token`); else with the client's own credentials "
          "(`client_credentials`)."),
    SECRET_FILE(Oauth2Settings, refresh_token, "refresh_token_file", "The file with it."),
    FIELD(Oauth2Settings, token_url, "token_url", "", "Where tokens are asked for; https."),
    TEXTS(Oauth2Settings, scopes, "scopes", "What the token is for."),
    MAP(Oauth2Settings, endpoint_params, "endpoint_params", "Further parameters of the request."),
    FIELD(Oauth2Settings, proxy_url, "proxy_url", "", "A proxy for the request."),
    SECTION(Oauth2Settings, tls, "tls_config", TlsSettings, &tls_schema,
            "TLS settings for the request."),
    SECRET_FILE(Oauth2Settings, token, "token_file",
                "The file with a token that something else renews, read at every login; in place of "
                "all others."),
};

const Schema oauth2_schema =
    SCHEMA("oauth2", Oauth2Settings, oauth2_fields,
           "`smtp_auth_oauth2` and `auth_oauth2`: log in as `auth_username` with a token "
           "(XOAUTH2, OAUTHBEARER). An `email_config` with a login of its own, of whatever kind, "
           "takes none of `global`'s.");

/* --- checks --- */

static bool is_given(const char *text)
{
    return text != NULL && *text != '\0';
}

static bool is_this_host(const char *host)
{
    return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
           g_str_has_prefix(host, "127.");
}

/* What is wrong with it; NULL if nothing is. */
static const char *refuse_url(const char *url)
{
    g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_ENCODED, NULL);
    const char *host = uri != NULL ? g_uri_get_host(uri) : NULL;
    if (!is_given(host) || g_uri_get_userinfo(uri) != NULL) {
        return "token_url must be a URL without user and password";
    }
    bool https = strcmp(g_uri_get_scheme(uri), "https") == 0;
    bool http = strcmp(g_uri_get_scheme(uri), "http") == 0;
    return https || (http && is_this_host(host))
               ? NULL
               : "token_url must begin with https:// (http:// only to this very host)";
}

static void check_request(const Loader *loader, const Oauth2Settings *settings)
{
    Report *report = loader->reader.report;
    const Node *node = settings->at.node;
    if (!is_given(settings->client_id)) {
        report_error(report, node, "missing client_id");
    }
    if (!secret_is_set(&settings->client_secret) && !secret_is_set(&settings->refresh_token)) {
        report_error(report, node, "one of client_secret, client_secret_file, refresh_token, "
                                   "refresh_token_file and token_file must be configured");
    }
    const char *refused =
        is_given(settings->token_url) ? refuse_url(settings->token_url) : "missing token_url";
    if (refused != NULL) {
        report_error(report, node, "%s", refused);
    }
}

static void check_params(const Loader *loader, const Oauth2Settings *settings)
{
    static const char *const ours[] = {"client_id", "client_secret", "grant_type",
                                       "refresh_token", "scope", NULL};
    const Node *map = settings->endpoint_params;
    for (const Node *node = map != NULL ? map->first : NULL; node != NULL; node = node->next) {
        if (g_strv_contains(ours, node->key->text)) {
            report_key_error(loader->reader.report, node, "%s has a key of its own or is set "
                                                          "by alertpost", node->key->text);
        }
    }
}

void loader_check_oauth2(const Loader *loader, const SmtpSettings *smtp)
{
    const Oauth2Settings *settings = &smtp->oauth2;
    const Node *node = settings->at.node;
    if (node == NULL) {
        return;
    }
    if (secret_is_set(&smtp->auth_password) || secret_is_set(&smtp->auth_secret)) {
        report_error(loader->reader.report, node, "at most one of auth_oauth2 and a password or "
                                                  "secret must be configured");
    }
    if (!secret_is_set(&settings->token)) {
        check_request(loader, settings);
        check_params(loader, settings);
        loader_check_tls(loader, &settings->tls);
    } else if (node->n > 1) {
        report_error(loader->reader.report, node, "beside token_file nothing else must be configured");
    }
}

void loader_check_login(const Loader *loader, const RelayConfig *relay, const Node *node)
{
    if (!relay->oauth2.set) {
        return;
    }
    if (*relay->auth_username == '\0') {
        report_error(loader->reader.report, node, "auth_oauth2 needs an auth_username");
    }
    if (!relay->require_tls && !relay->implicit_tls && !is_this_host(relay->host)) {
        report_error(loader->reader.report, node, "auth_oauth2 needs TLS, and require_tls is false");
    }
    for (unsigned i = 0; i < relay->n_fallbacks; i++) {
        loader_check_login(loader, &relay->fallbacks[i], node);
    }
}

/* --- the configuration --- */

static void add_param(GString *form, const char *name, const char *value)
{
    g_string_append(form, form->len > 0 ? "&" : "");
    g_string_append_uri_escaped(form, name, NULL, FALSE);
    g_string_append_c(form, '=');
    g_string_append_uri_escaped(form, value, NULL, FALSE);
}

static void add_scopes(const Loader *loader, GString *form, const Node *scopes)
{
    if (scopes != NULL && scopes->n > 0) {
        char **words = reader_texts(&loader->reader, scopes);
        g_autofree char *joined = g_strjoinv(" ", words);
        add_param(form, "scope", joined);
    }
}

static char *print_form(const Loader *loader, const Oauth2Settings *settings)
{
    bool refresh = secret_is_set(&settings->refresh_token);
    const Node *params = settings->endpoint_params;
    g_autoptr(GString) form = g_string_new(NULL);
    add_param(form, "grant_type", refresh ? "refresh_token" : "client_credentials");
    add_param(form, "client_id", settings->client_id);
    add_scopes(loader, form, settings->scopes);
    for (const Node *node = params != NULL ? params->first : NULL; node != NULL;
         node = node->next) {
        add_param(form, node->key->text, reader_text(node));
    }
    return arena_strdup(loader->reader.arena, form->str);
}

Oauth2Config oauth2_build(const Loader *loader, const Oauth2Settings *settings)
{
    if (settings->at.node == NULL) {
        return (Oauth2Config){0};
    }
    return (Oauth2Config){
        .set = true,
        .client_id = settings->client_id,
        .client_secret = settings->client_secret,
        .refresh_token = settings->refresh_token,
        .token = settings->token,
        .token_url = settings->token_url,
        .form = print_form(loader, settings),
        .proxy_url = settings->proxy_url,
        .tls = settings->tls.config,
    };
}

bool oauth2_equal(const Oauth2Config *a, const Oauth2Config *b)
{
    if (!a->set || !b->set) {
        return a->set == b->set;
    }
    return secret_equal(&a->client_secret, &b->client_secret) &&
           secret_equal(&a->refresh_token, &b->refresh_token) &&
           secret_equal(&a->token, &b->token) && g_strcmp0(a->token_url, b->token_url) == 0 &&
           g_strcmp0(a->form, b->form) == 0 && g_strcmp0(a->proxy_url, b->proxy_url) == 0 &&
           tls_config_equal(&a->tls, &b->tls);
}
