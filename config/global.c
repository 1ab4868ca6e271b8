/* SPDX-License-Identifier: MIT */
#include "config/loader.h"
#include "config/smtp_fields.h"
#include "config/values.h"

static const char *const tls_versions[] = {"default", "TLS10", "TLS11",
                                           "TLS12",   "TLS13", NULL};

static const Field tls_fields[] = {
    FIELD(TlsSettings, config.ca, "ca", "", "Certificates to trust, as PEM text."),
    PATH(TlsSettings, config.ca_file, "ca_file", "", "The file with them; else the system's."),
    FIELD(TlsSettings, config.cert, "cert", "", "A client certificate, as PEM text."),
    PATH(TlsSettings, config.cert_file, "cert_file", "", "The file with it."),
    FIELD(TlsSettings, config.key, "key", NULL, "Its private key, as PEM text."),
    SECRET_FILE(TlsSettings, config.key, "key_file", "The file with it."),
    FIELD(TlsSettings, config.server_name, "server_name", "",
          "The name the server's certificate must have; else the smarthost's."),
    FIELD(TlsSettings, config.insecure_skip_verify, "insecure_skip_verify", "false",
          "Accept any certificate."),
    CHOICE(TlsSettings, config.min_version, "min_version", "default", tls_versions,
           "The oldest version of TLS to use; the default is TLS12."),
    CHOICE(TlsSettings, config.max_version, "max_version", "default", tls_versions,
           "The newest."),
};

const Schema tls_schema =
    SCHEMA("tls_config", TlsSettings, tls_fields,
           "`smtp_tls_config` and `tls_config`: how a mail server proves itself, and we to "
           "it. An `email_config` with one of its own takes nothing from `global`'s.");

static const Field global_fields[] = {
    SMTP_FIELDS(GlobalSettings, "smtp_", "true"),
    FIELD(GlobalSettings, resolve_timeout, "resolve_timeout", NULL,
          "Alertmanager's; does not act here, since senders say what is resolved."),
    FOREIGN("http_config"),
    FOREIGN("jira_api_url"),
    FOREIGN("mattermost_webhook_url"),
    FOREIGN("mattermost_webhook_url_file"),
    FOREIGN("opsgenie_api_key"),
    FOREIGN("opsgenie_api_key_file"),
    FOREIGN("opsgenie_api_url"),
    FOREIGN("pagerduty_url"),
    FOREIGN("rocketchat_api_url"),
    FOREIGN("rocketchat_token"),
    FOREIGN("rocketchat_token_file"),
    FOREIGN("rocketchat_token_id"),
    FOREIGN("rocketchat_token_id_file"),
    FOREIGN("slack_api_url"),
    FOREIGN("slack_api_url_file"),
    FOREIGN("slack_app_token"),
    FOREIGN("slack_app_token_file"),
    FOREIGN("slack_app_url"),
    FOREIGN("telegram_api_url"),
    FOREIGN("telegram_bot_token"),
    FOREIGN("telegram_bot_token_file"),
    FOREIGN("victorops_api_key"),
    FOREIGN("victorops_api_key_file"),
    FOREIGN("victorops_api_url"),
    FOREIGN("webex_api_url"),
    FOREIGN("wechat_api_corp_id"),
    FOREIGN("wechat_api_secret"),
    FOREIGN("wechat_api_secret_file"),
    FOREIGN("wechat_api_url"),
};

const Schema global_schema =
    SCHEMA("global", GlobalSettings, global_fields,
           "What every `email_config` takes where it says nothing itself, field by field; "
           "a password and its file count as one field, and so do a secret and its file.");

void loader_check_tls(const Loader *loader, const TlsSettings *settings)
{
    const TlsConfig *tls = &settings->config;
    if (settings->at.node == NULL) {
        return;
    }
    bool has_cert = *tls->cert != '\0' || *tls->cert_file != '\0';
    bool has_key = secret_is_set(&tls->key);
    const struct {
        bool broken;
        const char *reason;
    } rules[] = {
        {*tls->ca != '\0' && *tls->ca_file != '\0',
         "at most one of ca and ca_file must be configured"},
        {*tls->cert != '\0' && *tls->cert_file != '\0',
         "at most one of cert and cert_file must be configured"},
        {has_cert && !has_key, "exactly one of key or key_file must be configured when a "
                               "client certificate is configured"},
        {has_key && !has_cert, "exactly one of cert or cert_file must be configured when a "
                               "client key is configured"},
        {!host_check(tls->server_name), "server_name is not the name or address of a host"},
        {tls->max_version != TLS_VERSION_DEFAULT && tls->min_version > tls->max_version,
         "min_version is later than max_version"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rules); i++) {
        if (rules[i].broken) {
            report_error(loader->reader.report, settings->at.node, "%s", rules[i].reason);
        }
    }
}
