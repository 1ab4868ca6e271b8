/* SPDX-License-Identifier: MIT */
#include "config/web_config.h"

#include <string.h>

#include "config/file.h"
#include "config/schema.h"
#include "config/suggest.h"
#include "rules/fault.h"

#define FILE_MAX ((size_t)1024 * 1024)
#define HEADER_MAX 4096 /* of a value: a connection has 32 KB for all that is read and said */

typedef struct {
    Section at;
    WebConfig config;
    const Node *sans, *suites, *curves;
    bool server_chooses;
} TlsSettings;

typedef struct {
    Section at;
    bool http2;
    const Node *headers;
} HttpSettings;

typedef struct {
    Section at;
    TlsSettings tls;
    HttpSettings http;
    const Node *users;
} WebSettings;

static const char *const versions[] = {"default", "TLS10", "TLS11", "TLS12", "TLS13", NULL};
static const char *const client_certs[] = {"NoClientCert",
                                           "RequestClientCert",
                                           "RequireAnyClientCert",
                                           "VerifyClientCertIfGiven",
                                           "RequireAndVerifyClientCert",
                                           NULL};

static const Field tls_fields[] = {
    PATH(TlsSettings, config.cert_file, "cert_file", "", "The server's certificate and its chain."),
    PATH(TlsSettings, config.key_file, "key_file", "", "Its key."),
    CHOICE(TlsSettings, config.client_cert, "client_auth_type", "NoClientCert", client_certs,
           "Whether a client shows a certificate."),
    PATH(TlsSettings, config.client_ca_file, "client_ca_file", "",
         "Who must have signed it, where it is verified."),
    TEXTS(TlsSettings, sans, "client_allowed_sans",
          "Names (DNS, address, email or URI), one of which a verified certificate must have."),
    CHOICE(TlsSettings, config.min_version, "min_version", "TLS12", versions, "The oldest TLS."),
    CHOICE(TlsSettings, config.max_version, "max_version", "TLS13", versions, "The newest TLS."),
    TEXTS(TlsSettings, suites, "cipher_suites",
          "Those of TLS 1.2 and older, by Go's names, best first, as in "
          "`TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`; TLS 1.3 has all of its own in any case."),
    FIELD(TlsSettings, server_chooses, "prefer_server_cipher_suites", "true",
          "The order above counts, not the client's."),
    TEXTS(TlsSettings, curves, "curve_preferences",
          "`X25519`, `CurveP256`, `CurveP384`, `CurveP521`, best first."),
    UNSUPPORTED("cert", "The certificate itself: see `cert_file`."),
    UNSUPPORTED("key", "The key itself: see `key_file`."),
    UNSUPPORTED("client_ca", "The CA itself: see `client_ca_file`."),
};

static const Schema tls_schema =
    SCHEMA("tls_server_config", TlsSettings, tls_fields, "HTTPS in place of HTTP.");

static const Field http_fields[] = {
    FIELD(HttpSettings, http2, "http2", "false", "HTTP/2 is not spoken, whatever this says."),
    MAP(HttpSettings, headers, "headers",
        "Headers of every answer: `Strict-Transport-Security`, `Content-Security-Policy`, "
        "`X-XSS-Protection`, `X-Content-Type-Options` (`nosniff`) or `X-Frame-Options` "
        "(`deny` or `sameorigin`)."),
};

static const Schema http_schema =
    SCHEMA("http_server_config", HttpSettings, http_fields, "What the answers are like.");

static const Field web_fields[] = {
    OPTIONAL_SECTION(WebSettings, tls, "tls_server_config", TlsSettings, &tls_schema, "TLS."),
    OPTIONAL_SECTION(WebSettings, http, "http_server_config", HttpSettings, &http_schema, "HTTP."),
    MAP(WebSettings, users, "basic_auth_users",
        "Names, and the bcrypt hashes of their passwords, as `htpasswd -nB NAME` prints them."),
    UNSUPPORTED("rate_limit", "Requests in a time."),
};

static const Schema web_schema =
    SCHEMA("--web.config.file", WebSettings, web_fields,
           "A file of its own, in the format of Prometheus' exporter-toolkit.");

/* $2b$10$, 22 letters of salt, 31 of the hash. */
static bool is_bcrypt(const char *hash)
{
    static const char letters[] =
        "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    return strlen(hash) == 60 && hash[0] == '$' && hash[1] == '2' &&
           strchr("aby", hash[2]) != NULL && hash[3] == '$' && g_ascii_isdigit(hash[4]) &&
           g_ascii_isdigit(hash[5]) && hash[6] == '$' && strspn(hash + 7, letters) == 53;
}

static void build_users(const Reader *reader, const Node *map, WebConfig *config)
{
    config->users = arena_array(reader->arena, WebUser, map != NULL ? map->n : 0);
    for (const Node *node = map != NULL ? map->first : NULL; node != NULL; node = node->next) {
        const char *hash = reader_text(node);
        if (!is_bcrypt(hash)) {
            report_error(reader->report, node, "not a bcrypt hash, as in \"$2y$10$…\"");
        } else if (*node->key->text == '\0' || strchr(node->key->text, ':') != NULL) {
            report_key_error(reader->report, node, "not a user's name");
        }
        config->users[config->n_users++] = (WebUser){
            arena_strdup(reader->arena, node->key->text), arena_strdup(reader->arena, hash)};
    }
}

/* Which headers, and what they may be: NULL-terminated; none: anything. */
static const struct {
    const char *name, *values[3];
} allowed_headers[] = {
    {"Strict-Transport-Security", {NULL}},
    {"X-Content-Type-Options", {"nosniff", NULL}},
    {"X-Frame-Options", {"deny", "sameorigin", NULL}},
    {"X-XSS-Protection", {NULL}},
    {"Content-Security-Policy", {NULL}},
};

static bool is_one_line(const char *text)
{
    while (*text != '\0' && !g_ascii_iscntrl(*text)) {
        text++;
    }
    return *text == '\0';
}

static void check_header(const Reader *reader, const Node *node)
{
    const char *value = reader_text(node);
    size_t i = 0;
    while (i < G_N_ELEMENTS(allowed_headers) &&
           strcmp(allowed_headers[i].name, node->key->text) != 0) {
        i++;
    }
    if (i == G_N_ELEMENTS(allowed_headers)) {
        report_key_error(reader->report, node, "not a header that can be configured");
        return;
    }
    const char *const *values = allowed_headers[i].values;
    if (values[0] != NULL && !g_strv_contains(values, value)) {
        g_autofree char *known = g_strjoinv(" or ", (char **)(uintptr_t)values);
        report_error(reader->report, node, "must be %s", known);
    } else if (!is_one_line(value)) {
        report_error(reader->report, node, "not one line");
    } else if (strlen(value) > HEADER_MAX) {
        report_error(reader->report, node, "longer than %d bytes", HEADER_MAX);
    }
}

static void build_headers(const Reader *reader, const Node *map, WebConfig *config)
{
    config->headers = arena_array(reader->arena, WebHeader, map != NULL ? map->n : 0);
    for (const Node *node = map != NULL ? map->first : NULL; node != NULL; node = node->next) {
        check_header(reader, node);
        config->headers[config->n_headers++] = (WebHeader){
            arena_strdup(reader->arena, node->key->text),
            arena_strdup(reader->arena, reader_text(node))};
    }
}

static void report_unknown(const Reader *reader, const Node *node, const char *what,
                           const Suggestion *suggestion)
{
    g_autofree char *quoted = report_quote(reader_text(node));
    report_error(reader->report, node, "unknown %s %s%s%s%s", what, quoted,
                 suggestion->best != NULL ? "; did you mean \"" : "",
                 suggestion->best != NULL ? suggestion->best : "",
                 suggestion->best != NULL ? "\"?" : "");
}

/* NULL if the list is not there, or empty. */
static const TlsSuite **build_suites(const Reader *reader, const Node *list)
{
    const TlsSuite **suites =
        arena_array(reader->arena, const TlsSuite *, (list != NULL ? list->n : 0) + 1);
    size_t n = 0;
    for (const Node *node = list != NULL ? list->first : NULL; node != NULL; node = node->next) {
        const TlsSuite *suite = tls_suite_find(reader_text(node));
        if (suite != NULL) {
            suites[n++] = suite;
            continue;
        }
        Suggestion suggestion;
        suggestion_init(&suggestion, reader_text(node));
        for (unsigned i = 0; tls_suite_at(i) != NULL; i++) {
            suggestion_offer(&suggestion, tls_suite_at(i)->name);
        }
        report_unknown(reader, node, "cipher suite", &suggestion);
    }
    return n > 0 ? suites : NULL;
}

static const TlsCurve **build_curves(const Reader *reader, const Node *list)
{
    const TlsCurve **curves =
        arena_array(reader->arena, const TlsCurve *, (list != NULL ? list->n : 0) + 1);
    size_t n = 0;
    for (const Node *node = list != NULL ? list->first : NULL; node != NULL; node = node->next) {
        const TlsCurve *curve = tls_curve_find(reader_text(node));
        if (curve != NULL) {
            curves[n++] = curve;
            continue;
        }
        Suggestion suggestion;
        suggestion_init(&suggestion, reader_text(node));
        for (unsigned i = 0; tls_curve_at(i) != NULL; i++) {
            suggestion_offer(&suggestion, tls_curve_at(i)->name);
        }
        report_unknown(reader, node, "curve", &suggestion);
    }
    return n > 0 ? curves : NULL;
}

static void check_tls(const Reader *reader, const TlsSettings *settings)
{
    const Node *node = settings->at.node;
    const WebConfig *config = &settings->config;
    bool verifies = config->client_cert >= CLIENT_CERT_VERIFY_IF_GIVEN;
    bool has_ca = node != NULL && *config->client_ca_file != '\0';
    const struct {
        bool broken;
        const char *reason;
    } rules[] = {
        {node != NULL && *config->cert_file == '\0', "missing cert_file"},
        {node != NULL && *config->key_file == '\0', "missing key_file"},
        {has_ca && !verifies, "client_ca_file does not act: client_auth_type does not verify"},
        {verifies && !has_ca, "missing client_ca_file"},
        {settings->sans != NULL && config->client_cert != CLIENT_CERT_VERIFY,
         "client_allowed_sans needs client_auth_type: RequireAndVerifyClientCert"},
        {config->min_version > config->max_version, "min_version is above max_version"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rules); i++) {
        if (rules[i].broken) {
            report_error(reader->report, node, "%s", rules[i].reason);
        }
    }
}

static void build(const Reader *reader, const Node *root, WebConfig *config)
{
    WebSettings settings = {0};
    schema_read(reader, &web_schema, root, &settings);
    Arena *arena = config->arena;
    if (settings.tls.at.node == NULL) {
        settings.tls.config.cert_file = settings.tls.config.key_file =
            settings.tls.config.client_ca_file = arena_strdup(arena, "");
    }
    check_tls(reader, &settings.tls);
    *config = settings.tls.config;
    config->arena = arena;
    config->client_allowed_sans =
        settings.tls.sans != NULL ? reader_texts(reader, settings.tls.sans) : NULL;
    config->suites = build_suites(reader, settings.tls.suites);
    config->curves = build_curves(reader, settings.tls.curves);
    config->client_chooses = !settings.tls.server_chooses;
    build_users(reader, settings.users, config);
    build_headers(reader, settings.http.headers, config);
}

static void read_tree(const Reader *reader, const char *text, size_t length, WebConfig *config)
{
    g_autoptr(Arena) arena = arena_new();
    g_autoptr(GPtrArray) duplicates = g_ptr_array_new();
    g_autoptr(GError) error = NULL;
    Node *root = yaml_parse(text, length, &YAML_LIMITS_DEFAULT, arena, duplicates, &error);
    if (root == NULL) {
        report_syntax_error(reader->report, error->message);
        return;
    }
    for (unsigned i = 0; i < duplicates->len; i++) {
        report_key_error(reader->report, duplicates->pdata[i], "duplicate key");
    }
    build(reader, root, config);
    yaml_wipe(root);
}

WebConfig *web_config_load(const char *path, GError **error)
{
    size_t length;
    char *text = file_read_regular(path, FILE_MAX, &length, error);
    if (text == NULL) {
        g_prefix_error(error, "%s: ", path);
        return NULL;
    }
    g_autoptr(WebConfig) config = g_new0(WebConfig, 1);
    config->arena = arena_new();
    g_autoptr(Report) report = report_new(path);
    g_autoptr(GPtrArray) foreign = g_ptr_array_new();
    g_autofree char *directory = g_path_get_dirname(path);
    const Reader reader = {
        .arena = config->arena, .report = report, .directory = directory, .foreign = foreign};
    read_tree(&reader, text, length, config);
    file_free(text, length);
    if (report_has_errors(report)) {
        g_autofree char *lines = report_errors(report);
        g_set_error_literal(error, FAULT, FAULT_INPUT, lines);
        return NULL;
    }
    return g_steal_pointer(&config);
}

void web_config_free(WebConfig *config)
{
    if (config != NULL) {
        arena_free(config->arena);
        g_free(config);
    }
}

void web_config_print(SchemaPrint *print, GString *out)
{
    print(&web_schema, out);
    print(&tls_schema, out);
    print(&http_schema, out);
}
