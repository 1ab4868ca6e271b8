/* SPDX-License-Identifier: MIT */
/* `auth` of a source: what a webhook may prove itself with. */
#include <string.h>

#include "config/loader.h"

#define TOLERANCE "5m"
#define TOLERANCE_MS ((int64_t)5 * 60 * 1000)

static const char *const encodings[] = {"hex", "base64", NULL};
static const char *const algorithms[] = {"sha1", "sha224", "sha256", "sha384", "sha512", NULL};

static const Field basic_fields[] = {
    REQUIRED(AuthSettings, config.basic_username, "username", "missing username in basic",
             "The user's name."),
    FIELD(AuthSettings, config.basic_password, "password", NULL, "The password."),
    SECRET_FILE(AuthSettings, config.basic_password, "password_file",
                "The file with it, read at every use."),
};

const Schema source_basic_schema =
    PLAIN_SCHEMA("basic", AuthSettings, basic_fields, "HTTP basic authentication.");

static const Field header_fields[] = {
    FIELD(AuthSettings, config.header_name, "name", NULL,
          "The header's name; of `gitlab` it is `X-Gitlab-Token` by default."),
    FIELD(AuthSettings, config.header_value, "value", NULL, "What it must be."),
    SECRET_FILE(AuthSettings, config.header_value, "value_file",
                "The file with it, read at every use."),
};

const Schema source_header_schema =
    PLAIN_SCHEMA("header", AuthSettings, header_fields, "A header with a fixed value.");

static const Field hmac_fields[] = {
    FIELD(SignatureSettings, header, "header", NULL,
          "The header with the signature; by default of `github` `X-Hub-Signature-256`, of "
          "`flux` `X-Signature`, of `grafana` `X-Grafana-Alerting-Signature`."),
    FIELD(SignatureSettings, prefix, "prefix", NULL,
          "What stands before the signature; by default of `github` and `flux` the "
          "algorithm and `=`, else nothing."),
    CHOICE(SignatureSettings, encoding, "encoding", "hex", encodings, "How it is written."),
    CHOICE(SignatureSettings, algorithm, "algorithm", "sha256", algorithms, "Its hash."),
    FIELD(SignatureSettings, message, "signed", NULL,
          "What is signed: `body`, or a text with `{body}` in it, and `{timestamp}` and `{id}` "
          "where these headers are signed, too, as in `{timestamp}:{body}` (that of `grafana` "
          "with a `timestamp_header`)."),
    FIELD(SignatureSettings, timestamp_header, "timestamp_header", NULL,
          "The header with `{timestamp}`, in seconds since 1970."),
    FIELD(SignatureSettings, id_header, "id_header", NULL, "The header with `{id}`."),
    FIELD(SignatureSettings, tolerance, "tolerance", NULL,
          "How far the timestamp may be from now, either way; " TOLERANCE " by default."),
    TEXTS(SignatureSettings, secrets, "secrets",
          "The secrets; one that fits is enough, so that an old one can be replaced."),
    TEXTS(SignatureSettings, secret_files, "secret_files",
          "Files with one each, read at every use; beside `secrets`."),
};

const Schema source_hmac_schema = SCHEMA("hmac", SignatureSettings, hmac_fields,
                                         "A signature (HMAC) over the body as it came.");

static const Field standard_fields[] = {
    FIELD(SignatureSettings, tolerance, "tolerance", NULL,
          "How far `webhook-timestamp` may be from now, either way; " TOLERANCE " by default."),
    TEXTS(SignatureSettings, secrets, "secrets", "The secrets, as in `whsec_MfKQ9…`."),
    TEXTS(SignatureSettings, secret_files, "secret_files",
          "Files with one each, read at every use; beside `secrets`."),
};

const Schema source_standard_schema =
    SCHEMA("standard_webhooks", SignatureSettings, standard_fields,
           "Signatures as standardwebhooks.com has them, with the headers `webhook-id`, "
           "`webhook-timestamp` and `webhook-signature` (also GitLab's signing tokens).");

static const Field auth_fields[] = {
    FIELD(AuthSettings, config.bearer_token, "bearer_token", NULL,
          "The token of `Authorization: Bearer`."),
    SECRET_FILE(AuthSettings, config.bearer_token, "bearer_token_file",
                "The file with it, read at every use."),
    OPTIONAL_GROUP("basic", &source_basic_schema, "A name and a password."),
    OPTIONAL_GROUP("header", &source_header_schema, "A header with a secret in it."),
    OPTIONAL_SECTION(AuthSettings, hmac, "hmac", SignatureSettings, &source_hmac_schema,
                     "A signature over the body."),
    OPTIONAL_SECTION(AuthSettings, standard_webhooks, "standard_webhooks", SignatureSettings,
                     &source_standard_schema, "A signature as Standard Webhooks has it."),
};

const Schema source_auth_schema =
    SCHEMA("auth", AuthSettings, auth_fields,
           "What a webhook proves itself with: any one of those that are given.");

/* What a type's own sender does. */
typedef struct {
    const char *type;
    const char *token_header;     /* of a fixed value; NULL: none is usual */
    const char *signature_header; /* NULL: none is usual */
    bool names_algorithm;         /* before the signature: "sha256=" */
    bool signs_timestamp;         /* where it sends one: "{timestamp}:{body}" */
} Custom;

static const Custom customs[] = {
    {"github", NULL, "X-Hub-Signature-256", true, false},
    {"flux", NULL, "X-Signature", true, false},
    {"grafana", NULL, "X-Grafana-Alerting-Signature", false, true},
    {"gitlab", "X-Gitlab-Token", NULL, false, false},
};

static const Custom *custom_of(const char *type)
{
    static const Custom none = {"", NULL, NULL, false, false};
    for (size_t i = 0; i < G_N_ELEMENTS(customs); i++) {
        if (strcmp(customs[i].type, type) == 0) {
            return &customs[i];
        }
    }
    return &none;
}

static bool is_token(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (!g_ascii_isalnum(*c) && strchr("!#$%&'*+-.^_`|~", *c) == NULL) {
            return false;
        }
    }
    return *text != '\0';
}

/* Reports REASON at KEY of NODE, or at NODE if it has none, where BROKEN. */
static void demand(const Loader *loader, bool broken, const Node *node, const char *key,
                   const char *reason)
{
    const Node *at = node_get(node, key);
    if (broken) {
        report_error(loader->reader.report, at != NULL ? at : node, "%s", reason);
    }
}

static char *text_or(const Loader *loader, char *text, const char *unset)
{
    return text != NULL ? text : arena_strdup(loader->reader.arena, unset != NULL ? unset : "");
}

static unsigned count_place(const char *text, const char *place)
{
    unsigned n = 0;
    for (const char *at = strstr(text, place); at != NULL; at = strstr(at + 1, place)) {
        n++;
    }
    return n;
}

/* Every brace opens a place that is known. */
static bool knows_places(const char *text)
{
    static const char *const known[] = {"{body}", "{timestamp}", "{id}"};
    unsigned n = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
        n += count_place(text, known[i]);
    }
    return n == count_place(text, "{");
}

static void check_message(const Loader *loader, const SignatureConfig *hmac, const Node *node)
{
    bool timestamp = strstr(hmac->message, "{timestamp}") != NULL;
    bool id = strstr(hmac->message, "{id}") != NULL;
    demand(loader, !knows_places(hmac->message), node, "signed",
           "knows only {body}, {timestamp} and {id}");
    demand(loader, count_place(hmac->message, "{body}") != 1, node, "signed",
           "must have {body} in it, once");
    demand(loader, count_place(hmac->message, "{timestamp}") > 1 ||
                       count_place(hmac->message, "{id}") > 1,
           node, "signed", "may have {timestamp} and {id} in it once");
    demand(loader, timestamp && *hmac->timestamp_header == '\0', node, "signed",
           "{timestamp} needs a timestamp_header");
    demand(loader, id && *hmac->id_header == '\0', node, "signed", "{id} needs an id_header");
    demand(loader, !timestamp && node_get(node, "timestamp_header") != NULL, node,
           "timestamp_header", "does not act: signed has no {timestamp}");
    demand(loader, !timestamp && node_get(node, "tolerance") != NULL, node, "tolerance",
           "does not act: signed has no {timestamp}");
    demand(loader, !id && node_get(node, "id_header") != NULL, node, "id_header",
           "does not act: signed has no {id}");
}

static void check_headers(const Loader *loader, const SignatureConfig *hmac, const Node *node)
{
    const char *const headers[][2] = {{"header", hmac->header},
                                      {"timestamp_header", hmac->timestamp_header},
                                      {"id_header", hmac->id_header}};
    demand(loader, *hmac->header == '\0', node, "header", "missing header in hmac");
    for (size_t i = 0; i < G_N_ELEMENTS(headers); i++) {
        demand(loader, *headers[i][1] != '\0' && !is_token(headers[i][1]), node, headers[i][0],
               "not a header's name");
    }
}

static void add_secrets(const Loader *loader, const SignatureSettings *settings,
                        SignatureConfig *signature)
{
    const Node *texts = settings->secrets, *files = settings->secret_files;
    size_t max = (texts != NULL ? texts->n : 0) + (files != NULL ? files->n : 0);
    signature->secrets = arena_array(loader->reader.arena, Secret, max);
    for (const Node *node = texts != NULL ? texts->first : NULL; node != NULL; node = node->next) {
        signature->secrets[signature->n_secrets++].text =
            arena_strdup(loader->reader.arena, reader_text(node));
    }
    for (const Node *node = files != NULL ? files->first : NULL; node != NULL; node = node->next) {
        signature->secrets[signature->n_secrets++].file =
            reader_file(&loader->reader, node);
    }
    demand(loader, max == 0, settings->at.node, "", "missing secrets or secret_files");
}

static SignatureConfig build_hmac(const Loader *loader, const SignatureSettings *settings,
                                  const Custom *custom)
{
    SignatureConfig hmac = {0};
    if (settings->at.node == NULL) {
        return hmac;
    }
    g_autofree char *prefix = g_strconcat(algorithms[settings->algorithm], "=", NULL);
    bool stamped = custom->signs_timestamp && settings->timestamp_header != NULL;
    hmac = (SignatureConfig){
        .header = text_or(loader, settings->header, custom->signature_header),
        .prefix = text_or(loader, settings->prefix, custom->names_algorithm ? prefix : ""),
        .encoding = (Encoding)settings->encoding,
        .algorithm = (Hash)settings->algorithm,
        .message = text_or(loader, settings->message, stamped ? "{timestamp}:{body}" : "{body}"),
        .timestamp_header = text_or(loader, settings->timestamp_header, ""),
        .id_header = text_or(loader, settings->id_header, ""),
        .tolerance_ms = settings->tolerance.set ? settings->tolerance.ms : TOLERANCE_MS,
    };
    if (strcmp(hmac.message, "body") == 0) {
        hmac.message = arena_strdup(loader->reader.arena, "{body}");
    }
    add_secrets(loader, settings, &hmac);
    check_headers(loader, &hmac, settings->at.node);
    check_message(loader, &hmac, settings->at.node);
    return hmac;
}

/* Those that are written here; of a file it is told when it is read. */
static void check_standard_secrets(const Loader *loader, const Node *texts)
{
    for (const Node *node = texts != NULL ? texts->first : NULL; node != NULL; node = node->next) {
        size_t length;
        g_autofree guint8 *bytes = secret_decode(reader_text(node), &length);
        demand(loader, bytes == NULL, node, "", "not base64, which these secrets are");
        if (bytes != NULL) {
            explicit_bzero(bytes, length);
        }
    }
}

static SignatureConfig build_standard(const Loader *loader, const SignatureSettings *settings)
{
    SignatureConfig standard = {0};
    if (settings->at.node == NULL) {
        return standard;
    }
    standard = (SignatureConfig){
        .standard = true,
        .header = text_or(loader, NULL, "webhook-signature"),
        .prefix = text_or(loader, NULL, "v1,"),
        .encoding = ENCODING_BASE64,
        .algorithm = HASH_SHA256,
        .message = text_or(loader, NULL, "{id}.{timestamp}.{body}"),
        .timestamp_header = text_or(loader, NULL, "webhook-timestamp"),
        .id_header = text_or(loader, NULL, "webhook-id"),
        .tolerance_ms = settings->tolerance.set ? settings->tolerance.ms : TOLERANCE_MS,
    };
    add_secrets(loader, settings, &standard);
    check_standard_secrets(loader, settings->secrets);
    return standard;
}

static void check_plain_ways(const Loader *loader, const AuthConfig *auth, const Node *node)
{
    const Node *basic = node_get(node, "basic"), *header = node_get(node, "header");
    demand(loader, node->n == 0, node, "", "names no way to authenticate");
    demand(loader, *auth->basic_username != '\0' && !secret_is_set(&auth->basic_password), basic,
           "", "missing password or password_file in basic");
    demand(loader, header != NULL && *auth->header_name == '\0', header, "",
           "missing name in header");
    demand(loader, header != NULL && !secret_is_set(&auth->header_value), header, "",
           "missing value or value_file in header");
    demand(loader, *auth->header_name != '\0' && !is_token(auth->header_name), header, "",
           "not a header's name");
}

AuthConfig source_auth_build(const Loader *loader, const AuthSettings *settings,
                             const char *type)
{
    const Node *node = settings->at.node;
    const Custom *custom = custom_of(type);
    AuthConfig auth = settings->config;
    bool has_header = node_get(node, "header") != NULL;
    auth.required = node != NULL;
    auth.basic_username = text_or(loader, auth.basic_username, "");
    auth.header_name = text_or(loader, auth.header_name, has_header ? custom->token_header : "");
    auth.hmac = build_hmac(loader, &settings->hmac, custom);
    auth.standard_webhooks = build_standard(loader, &settings->standard_webhooks);
    if (node != NULL) {
        check_plain_ways(loader, &auth, node);
    }
    return auth;
}
