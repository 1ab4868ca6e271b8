/* SPDX-License-Identifier: MIT */
#include "bridge/tls_server.h"

#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdatomic.h>
#include <string.h>

#include "rules/fault.h"

struct TlsServer {
    atomic_int refs;
    gnutls_certificate_credentials_t credentials;
    gnutls_priority_t priority;
    gnutls_priority_t older; /* instead, when it is no TLS 1.3; NULL: no difference */
    unsigned client_cert; /* ClientCert */
    char **allowed_sans;  /* NULL: any */
};

/* --- a client's certificate --- */

/* Chains up to the client_ca_file, is valid now, and meant for clients. */
static bool is_trusted(gnutls_session_t session)
{
    gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
                                     .data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT};
    unsigned status = 0;
    return gnutls_certificate_verify_peers(session, &purpose, 1, &status) == 0 && status == 0;
}

/* A subject alternative name as text; NULL for kinds that are not compared. */
static char *san_text(int type, const char *data, size_t length)
{
    char address[INET6_ADDRSTRLEN];
    switch (type) {
    case GNUTLS_SAN_DNSNAME:
    case GNUTLS_SAN_RFC822NAME:
    case GNUTLS_SAN_URI:
        return memchr(data, '\0', length) == NULL ? g_strndup(data, length) : NULL;
    case GNUTLS_SAN_IPADDRESS:
        if (length != 4 && length != 16) {
            return NULL;
        }
        return g_strdup(inet_ntop(length == 4 ? AF_INET : AF_INET6, data, address, sizeof address));
    default:
        return NULL;
    }
}

static bool has_allowed_san(const TlsServer *server, gnutls_x509_crt_t certificate)
{
    for (unsigned i = 0;; i++) {
        char data[1024];
        size_t length = sizeof data;
        int type = gnutls_x509_crt_get_subject_alt_name(certificate, i, data, &length, NULL);
        if (type == GNUTLS_E_SHORT_MEMORY_BUFFER) {
            continue;
        }
        if (type < 0) {
            return false;
        }
        g_autofree char *text = san_text(type, data, length);
        if (text != NULL &&
            g_strv_contains((const char *const *)server->allowed_sans, text)) {
            return true;
        }
    }
}

static bool is_allowed(const TlsServer *server, const gnutls_datum_t *der)
{
    gnutls_x509_crt_t certificate;
    if (server->allowed_sans == NULL) {
        return true;
    }
    if (gnutls_x509_crt_init(&certificate) != 0) {
        return false;
    }
    bool allowed = gnutls_x509_crt_import(certificate, der, GNUTLS_X509_FMT_DER) == 0 &&
                   has_allowed_san(server, certificate);
    gnutls_x509_crt_deinit(certificate);
    return allowed;
}

/* In the handshake; anything but 0 ends it.  Where a certificate is required GnuTLS has seen
 * to that already. */
static int verify(gnutls_session_t session)
{
    const TlsServer *server = gnutls_db_get_ptr(session);
    unsigned n = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &n);
    if (chain == NULL || n == 0 || server->client_cert < CLIENT_CERT_VERIFY_IF_GIVEN) {
        return 0;
    }
    return is_trusted(session) && is_allowed(server, &chain[0]) ? 0
                                                                : GNUTLS_E_CERTIFICATE_ERROR;
}

/* --- the server's --- */

static bool fail(GError **error, const char *file, int code)
{
    g_set_error(error, FAULT, FAULT_SYSTEM, "%s: %s", file, gnutls_strerror(code));
    return false;
}

static bool read_files(TlsServer *server, const WebConfig *config, GError **error)
{
    int code = gnutls_certificate_set_x509_key_file(
        server->credentials, config->cert_file, config->key_file, GNUTLS_X509_FMT_PEM);
    if (code < 0) {
        g_autofree char *both = g_strdup_printf("%s, %s", config->cert_file, config->key_file);
        return fail(error, both, code);
    }
    if (*config->client_ca_file == '\0') {
        return true;
    }
    code = gnutls_certificate_set_x509_trust_file(server->credentials, config->client_ca_file,
                                                  GNUTLS_X509_FMT_PEM);
    return code > 0 || fail(error, config->client_ca_file,
                            code == 0 ? GNUTLS_E_NO_CERTIFICATE_FOUND : code);
}

static void append_versions(GString *text, const WebConfig *config, unsigned oldest)
{
    static const char *const names[] = {"", ":+VERS-TLS1.0", ":+VERS-TLS1.1", ":+VERS-TLS1.2",
                                        ":+VERS-TLS1.3"};
    unsigned newest = config->max_version == TLS_VERSION_DEFAULT ? TLS_VERSION_1_3
                                                                 : config->max_version;
    g_string_append(text, ":-VERS-ALL");
    for (unsigned version = newest; version >= oldest; version--) {
        g_string_append(text, names[version]);
    }
}

static void append_preferences(GString *text, const WebConfig *config)
{
    if (config->curves != NULL) {
        g_string_append(text, ":-GROUP-ALL");
        for (const TlsCurve **curve = config->curves; *curve != NULL; curve++) {
            g_string_append_printf(text, ":+GROUP-%s", (*curve)->group);
        }
    }
    g_string_append(text, config->client_chooses ? "" : ":%SERVER_PRECEDENCE");
}

static TlsKey key_of(const TlsServer *server)
{
    gnutls_x509_crt_t *chain;
    unsigned n = 0;
    if (gnutls_certificate_get_x509_crt(server->credentials, 0, &chain, &n) != 0) {
        return TLS_KEY_ANY;
    }
    int algorithm = n > 0 ? gnutls_x509_crt_get_pk_algorithm(chain[0], NULL) : 0;
    for (unsigned i = 0; i < n; i++) {
        gnutls_x509_crt_deinit(chain[i]);
    }
    gnutls_free(chain);
    return algorithm == GNUTLS_PK_RSA || algorithm == GNUTLS_PK_RSA_PSS ? TLS_KEY_RSA
                                                                        : TLS_KEY_ECDSA;
}

/* The suites for the certificate's KEY; false if there are none. */
static bool append_suites(GString *text, const TlsSuite *const *suites, TlsKey key)
{
    g_string_append_printf(text, ":-KX-ALL:+%s:-CIPHER-ALL",
                           key == TLS_KEY_RSA ? "ECDHE-RSA" : "ECDHE-ECDSA");
    bool any = false;
    for (; *suites != NULL; suites++) {
        if ((*suites)->key == key) {
            g_string_append_printf(text, ":+%s", (*suites)->cipher);
            any = true;
        }
    }
    return any;
}

static bool set_priority(gnutls_priority_t *priority, const GString *text, GError **error)
{
    int code = gnutls_priority_init(priority, text->str, NULL);
    return code == 0 || fail(error, text->str, code);
}

/* In Go `cipher_suites` says nothing about TLS 1.3.  In GnuTLS one list of ciphers is for all
 * versions, so there are two, and on_hello() chooses.  Without a suite for it, TLS before 1.3
 * is not spoken. */
static bool set_priorities(TlsServer *server, const WebConfig *config, GError **error)
{
    unsigned oldest = config->min_version == TLS_VERSION_DEFAULT ? TLS_VERSION_1_2
                                                                 : config->min_version;
    g_autoptr(GString) text = g_string_new("NORMAL"), older = g_string_new("NORMAL");
    if (config->suites != NULL && oldest < TLS_VERSION_1_3) {
        append_versions(older, config, oldest);
        append_preferences(older, config);
        bool any = append_suites(older, config->suites, key_of(server));
        if (!any && config->max_version != TLS_VERSION_DEFAULT &&
            config->max_version < TLS_VERSION_1_3) {
            g_set_error(error, FAULT, FAULT_INPUT,
                        "cipher_suites: none is for the key of %s", config->cert_file);
            return false;
        }
        if (any && !set_priority(&server->older, older, error)) {
            return false;
        }
        oldest = any ? oldest : TLS_VERSION_1_3;
    }
    append_versions(text, config, oldest);
    append_preferences(text, config);
    return set_priority(&server->priority, text, error);
}

TlsServer *tls_server_new(const WebConfig *config, GError **error)
{
    g_autoptr(TlsServer) server = g_new0(TlsServer, 1);
    atomic_init(&server->refs, 1);
    server->client_cert = config->client_cert;
    server->allowed_sans = g_strdupv(config->client_allowed_sans);
    int code = gnutls_certificate_allocate_credentials(&server->credentials);
    g_assert(code == 0); /* fails only without memory */
    gnutls_certificate_set_verify_function(server->credentials, verify);
    return read_files(server, config, error) && set_priorities(server, config, error)
               ? g_steal_pointer(&server)
               : NULL;
}

TlsServer *tls_server_ref(TlsServer *server)
{
    atomic_fetch_add(&server->refs, 1);
    return server;
}

void tls_server_unref(TlsServer *server)
{
    if (server == NULL || atomic_fetch_sub(&server->refs, 1) != 1) {
        return;
    }
    gnutls_certificate_free_credentials(server->credentials);
    for (size_t i = 0; i < 2; i++) {
        gnutls_priority_t priority = i == 0 ? server->priority : server->older;
        if (priority != NULL) {
            gnutls_priority_deinit(priority);
        }
    }
    g_strfreev(server->allowed_sans);
    g_free(server);
}

/* The client's hello is read, and the version chosen. */
static int on_hello(gnutls_session_t session)
{
    const TlsServer *server = gnutls_db_get_ptr(session);
    return gnutls_protocol_get_version(session) < GNUTLS_TLS1_3
               ? gnutls_priority_set(session, server->older)
               : 0;
}

void tls_server_prepare(TlsServer *server, void *session)
{
    static const gnutls_certificate_request_t requests[] = {
        [CLIENT_CERT_NONE] = GNUTLS_CERT_IGNORE,
        [CLIENT_CERT_REQUEST] = GNUTLS_CERT_REQUEST,
        [CLIENT_CERT_REQUIRE] = GNUTLS_CERT_REQUIRE,
        [CLIENT_CERT_VERIFY_IF_GIVEN] = GNUTLS_CERT_REQUEST,
        [CLIENT_CERT_VERIFY] = GNUTLS_CERT_REQUIRE};
    gnutls_db_set_ptr(session, server); /* GnuTLS gives it back to verify() */
    gnutls_priority_set(session, server->priority);
    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, server->credentials);
    if (server->older != NULL) {
        gnutls_handshake_set_post_client_hello_function(session, on_hello);
    }
    gnutls_certificate_server_set_request(session, requests[server->client_cert]);
}

int tls_server_no_certificate(void)
{
    return -1;
}
