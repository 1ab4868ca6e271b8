/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_WEB_CONFIG_H
#define CONFIG_WEB_CONFIG_H

#include <glib.h>
#include <stdbool.h>

#include "config/config.h"
#include "config/schema.h"
#include "config/tls_names.h"
#include "rules/arena.h"

/* The file of --web.config.file, in the format of Prometheus' exporter-toolkit: TLS, and
 * who may come in. */

typedef enum {
    CLIENT_CERT_NONE,
    CLIENT_CERT_REQUEST,
    CLIENT_CERT_REQUIRE,         /* any */
    CLIENT_CERT_VERIFY_IF_GIVEN,
    CLIENT_CERT_VERIFY,
} ClientCert;

typedef struct {
    char *name, *hash; /* of the password, by bcrypt */
} WebUser;

/* A header of every answer. */
typedef struct {
    char *name, *value;
} WebHeader;

typedef struct {
    char *cert_file, *key_file; /* "": no TLS, and nothing below but users is set */
    char *client_ca_file;
    unsigned client_cert;       /* ClientCert */
    char **client_allowed_sans; /* NULL: any; else NULL-terminated */
    unsigned min_version, max_version; /* TlsVersion */
    const TlsSuite **suites; /* NULL: all that are safe; else NULL-terminated, best first */
    const TlsCurve **curves; /* likewise */
    bool client_chooses;     /* which of the suites: its order counts, not ours */
    WebUser *users;
    unsigned n_users;
    WebHeader *headers;
    unsigned n_headers;
    Arena *arena; /* owns all of it */
} WebConfig;

/* ERROR as that of config_load(); the certificates themselves are not read. */
WebConfig *web_config_load(const char *path, GError **error);
void web_config_free(WebConfig *config); /* NULL is allowed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WebConfig, web_config_free)

/* Prints each table of keys. */
void web_config_print(SchemaPrint *print, GString *out);

#endif
