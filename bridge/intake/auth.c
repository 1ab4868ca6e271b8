/* SPDX-License-Identifier: MIT */
#include "bridge/intake/auth.h"

#include <string.h>

#include "bridge/crypto.h"
#include "bridge/intake/signature.h"
#include "rules/fault.h"

static bool has_basic(const AuthConfig *auth)
{
    return *auth->basic_username != '\0';
}

static bool has_header(const AuthConfig *auth)
{
    return *auth->header_name != '\0';
}

/* What follows SCHEME in the Authorization header; NULL if that is another one. */
static const char *credentials(const char *authorization, const char *scheme)
{
    size_t length = strlen(scheme);
    if (authorization == NULL ||
        g_ascii_strncasecmp(authorization, scheme, length) != 0 ||
        authorization[length] != ' ') {
        return NULL;
    }
    const char *at = authorization + length;
    return at + strspn(at, " ");
}

static bool equal(const char *a, const char *b)
{
    return crypto_equal(a, strlen(a), b, strlen(b));
}

/* An empty secret lets nobody in. */
static AuthVerdict compare(const Secret *secret, const char *given, GError **error)
{
    char *text = secret_read(secret, error);
    if (text == NULL) {
        return AUTH_BROKEN;
    }
    bool same = equal(text, given) & (*text != '\0');
    secret_free(text);
    return same ? AUTH_OK : AUTH_REFUSED;
}

static AuthVerdict check_bearer(const AuthConfig *auth, const AuthRequest *request,
                                GError **error)
{
    const char *token = credentials(request->header(request->request, "Authorization"), "Bearer");
    return token == NULL ? AUTH_REFUSED : compare(&auth->bearer_token, token, error);
}

bool auth_parse_basic(const char *authorization, char **name, char **password)
{
    const char *encoded = credentials(authorization, "Basic");
    if (encoded == NULL) {
        return false;
    }
    gsize length;
    g_autofree char *pair = (char *)g_base64_decode(encoded, &length);
    const char *colon = memchr(pair, ':', length);
    if (colon != NULL) {
        *name = g_strndup(pair, (gsize)(colon - pair));
        *password = g_strndup(colon + 1, length - (gsize)(colon + 1 - pair));
    }
    explicit_bzero(pair, length);
    return colon != NULL;
}

static AuthVerdict check_basic(const AuthConfig *auth, const AuthRequest *request,
                                GError **error)
{
    g_autofree char *name = NULL;
    char *password;
    if (!auth_parse_basic(request->header(request->request, "Authorization"), &name, &password)) {
        return AUTH_REFUSED;
    }
    AuthVerdict verdict = compare(&auth->basic_password, password, error);
    bool known = equal(name, auth->basic_username);
    secret_free(password);
    return verdict == AUTH_OK && !known ? AUTH_REFUSED : verdict;
}

static AuthVerdict check_header(const AuthConfig *auth, const AuthRequest *request,
                                GError **error)
{
    const char *value = request->header(request->request, auth->header_name);
    return value == NULL ? AUTH_REFUSED : compare(&auth->header_value, value, error);
}

static AuthVerdict check_hmac(const AuthConfig *auth, const AuthRequest *request,
                              GError **error)
{
    return signature_check(&auth->hmac, request, error);
}

static AuthVerdict check_standard(const AuthConfig *auth, const AuthRequest *request,
                                  GError **error)
{
    return signature_check(&auth->standard_webhooks, request, error);
}

bool auth_is_tried(const AuthConfig *auth, AuthHeader *header, const void *request)
{
    if (!auth->required) {
        return true;
    }
    bool standard = secret_is_set(&auth->bearer_token) || has_basic(auth);
    return (standard && header(request, "Authorization") != NULL) ||
           (has_header(auth) && header(request, auth->header_name) != NULL) ||
           signature_is_tried(&auth->hmac, header, request) ||
           signature_is_tried(&auth->standard_webhooks, header, request);
}

AuthVerdict auth_check(const AuthConfig *auth, const AuthRequest *request, GError **error)
{
    const struct {
        bool configured;
        AuthVerdict (*check)(const AuthConfig *, const AuthRequest *, GError **);
    } ways[] = {{secret_is_set(&auth->bearer_token), check_bearer},
                {has_basic(auth), check_basic},
                {has_header(auth), check_header},
                {auth->hmac.n_secrets > 0, check_hmac},
                {auth->standard_webhooks.n_secrets > 0, check_standard}};
    g_autoptr(GError) broken = NULL;
    AuthVerdict worst = AUTH_REFUSED;
    if (!auth->required) {
        return AUTH_OK;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(ways); i++) {
        AuthVerdict verdict =
            ways[i].configured ? ways[i].check(auth, request, broken == NULL ? &broken : NULL)
                               : AUTH_REFUSED;
        if (verdict == AUTH_OK) {
            return AUTH_OK;
        }
        worst = MAX(worst, verdict);
    }
    if (worst == AUTH_BROKEN) {
        g_propagate_error(error, g_steal_pointer(&broken));
    }
    return worst;
}

const char *auth_challenge(const AuthConfig *auth)
{
    bool bearer = secret_is_set(&auth->bearer_token);
    if (has_basic(auth)) {
        return bearer ? "Bearer realm=\"alertpost\", Basic realm=\"alertpost\""
                      : "Basic realm=\"alertpost\"";
    }
    return bearer             ? "Bearer realm=\"alertpost\""
           : has_header(auth) ? "Header realm=\"alertpost\""
                              : "Signature realm=\"alertpost\"";
}
