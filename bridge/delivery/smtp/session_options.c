/* SPDX-License-Identifier: MIT */
/* The settings of a session for libcurl: where to connect, how TLS and authentication
 * are done, and nothing that could surprise (no proxy from the environment, no signals,
 * no other protocol).  A password goes out in clear only to this very host. */
#include "bridge/delivery/smtp/session_options.h"

#include <curl/curl.h>
#include <string.h>

#include "rules/fault.h"

enum { CA_CACHE_S = 600 }; /* then a renewed CA file is read again */

static CURLcode set_blob(CURL *easy, CURLoption option, const char *text)
{
    struct curl_blob blob = {(void *)(uintptr_t)text, strlen(text), CURL_BLOB_COPY};
    return curl_easy_setopt(easy, option, &blob);
}

/* A setting that is given as text or as a file. */
static CURLcode set_either(CURL *easy, CURLoption blob, const char *text, CURLoption option,
                           const char *file)
{
    if (*text != '\0') {
        return set_blob(easy, blob, text);
    }
    return *file != '\0' ? curl_easy_setopt(easy, option, file) : CURLE_OK;
}

static long tls_versions(const TlsConfig *tls)
{
    static const long low[] = {
        [TLS_VERSION_DEFAULT] = CURL_SSLVERSION_TLSv1_2,
        [TLS_VERSION_1_0] = CURL_SSLVERSION_TLSv1_0, [TLS_VERSION_1_1] = CURL_SSLVERSION_TLSv1_1,
        [TLS_VERSION_1_2] = CURL_SSLVERSION_TLSv1_2, [TLS_VERSION_1_3] = CURL_SSLVERSION_TLSv1_3,
    };
    static const long high[] = {
        [TLS_VERSION_DEFAULT] = CURL_SSLVERSION_MAX_DEFAULT,
        [TLS_VERSION_1_0] = CURL_SSLVERSION_MAX_TLSv1_0,
        [TLS_VERSION_1_1] = CURL_SSLVERSION_MAX_TLSv1_1,
        [TLS_VERSION_1_2] = CURL_SSLVERSION_MAX_TLSv1_2,
        [TLS_VERSION_1_3] = CURL_SSLVERSION_MAX_TLSv1_3,
    };
    return low[tls->min_version] | high[tls->max_version];
}

static bool set_tls(CURL *easy, const TlsConfig *tls, GError **error)
{
    char *key = secret_read(&tls->key, error);
    if (key == NULL) {
        g_prefix_error(error, "TLS key: ");
        return false;
    }
    CURLcode bad = CURLE_OK;
    bad |= curl_easy_setopt(easy, CURLOPT_SSLVERSION, tls_versions(tls));
    bad |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, tls->insecure_skip_verify ? 0L : 1L);
    bad |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, tls->insecure_skip_verify ? 0L : 2L);
    bad |= set_either(easy, CURLOPT_CAINFO_BLOB, tls->ca, CURLOPT_CAINFO, tls->ca_file);
    bad |= set_either(easy, CURLOPT_SSLCERT_BLOB, tls->cert, CURLOPT_SSLCERT, tls->cert_file);
    bad |= set_either(easy, CURLOPT_SSLKEY_BLOB, key, CURLOPT_SSLKEY, "");
    secret_free(key);
    if (bad != CURLE_OK) {
        g_set_error(error, FAULT, FAULT_INPUT, "TLS settings: libcurl does not take them");
    }
    return bad == CURLE_OK;
}

static bool is_this_host(const char *host)
{
    return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
           g_str_has_prefix(host, "127.");
}

/* CRAM-MD5 with its own secret, as Alertmanager does; PLAIN and LOGIN where nobody can
 * listen. */
static bool set_login(CURL *easy, const RelayConfig *relay, GError **error)
{
    bool safe = !options_hold_back_password(relay);
    bool password = secret_is_set(&relay->auth_password);
    bool cram = secret_is_set(&relay->auth_secret) && !(password && safe);
    char *text = secret_read(cram ? &relay->auth_secret : &relay->auth_password, error);
    if (text == NULL) {
        g_prefix_error(error, "AUTH: ");
        return false;
    }
    const char *mechanisms = cram || !safe ? "AUTH=CRAM-MD5" : "AUTH=PLAIN;AUTH=LOGIN";
    CURLcode bad = CURLE_OK;
    bad |= curl_easy_setopt(easy, CURLOPT_USERNAME, relay->auth_username);
    bad |= curl_easy_setopt(easy, CURLOPT_PASSWORD, text);
    bad |= curl_easy_setopt(easy, CURLOPT_LOGIN_OPTIONS, mechanisms);
    bad |= curl_easy_setopt(easy, CURLOPT_SASL_IR, 1L);
    if (*relay->auth_identity != '\0') {
        bad |= curl_easy_setopt(easy, CURLOPT_SASL_AUTHZID, relay->auth_identity);
    }
    secret_free(text);
    if (bad != CURLE_OK) {
        g_set_error(error, FAULT, FAULT_INPUT, "AUTH: libcurl does not take the credentials");
    }
    return bad == CURLE_OK;
}

static char *bracketed(const char *host)
{
    return strchr(host, ':') != NULL ? g_strdup_printf("[%s]", host) : g_strdup(host);
}

/* Certificates are checked against the URL's host: where another name is expected, the
 * URL has that, and libcurl is told where to connect instead. */
static bool set_address(CURL *easy, const SessionPlan *plan, void **take_list, GError **error)
{
    const RelayConfig *relay = plan->relay;
    const char *name = *relay->tls.server_name != '\0' ? relay->tls.server_name : relay->host;
    const char *hello = *relay->hello != '\0' ? relay->hello : plan->hello;
    g_autofree char *host = bracketed(name);
    g_autofree char *where = bracketed(relay->host);
    g_autofree char *path = g_uri_escape_string(hello, NULL, FALSE);
    g_autofree char *url = g_strdup_printf("%s://%s:%u/%s", relay->implicit_tls ? "smtps" : "smtp",
                                           host, relay->port, path);
    g_autofree char *connect_to = g_strdup_printf("::%s:%u", where, relay->port);
    CURLcode bad = curl_easy_setopt(easy, CURLOPT_URL, url);
    if (name != relay->host) {
        *take_list = curl_slist_append(NULL, connect_to);
        bad |= curl_easy_setopt(easy, CURLOPT_CONNECT_TO, *take_list);
    }
    if (bad != CURLE_OK) {
        g_set_error(error, FAULT, FAULT_INPUT, "the address is of no use to libcurl");
    }
    return bad == CURLE_OK;
}

static bool set_conduct(CURL *easy, const SessionPlan *plan, GError **error)
{
    long security = options_encrypt(plan->relay) ? CURLUSESSL_ALL : CURLUSESSL_NONE;
    long reply_s = (long)(plan->delivery->greeting_ms / 1000 + 1);
    CURLcode bad = CURLE_OK;
    bad |= curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    bad |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    bad |= curl_easy_setopt(easy, CURLOPT_PROXY, "");
    bad |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    bad |= curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    bad |= curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    bad |= curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, (long)CA_CACHE_S);
    bad |= curl_easy_setopt(easy, CURLOPT_USE_SSL, security);
    bad |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)plan->delivery->connect_ms);
    bad |= curl_easy_setopt(easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, reply_s);
    if (bad != CURLE_OK) {
        g_set_error(error, FAULT, FAULT_SYSTEM, "libcurl lacks what we need");
    }
    return bad == CURLE_OK;
}

bool options_encrypt(const RelayConfig *relay)
{
    return relay->require_tls || relay->implicit_tls;
}

bool options_login(const RelayConfig *relay)
{
    return *relay->auth_username != '\0';
}

bool options_hold_back_password(const RelayConfig *relay)
{
    return !options_encrypt(relay) && !is_this_host(relay->host);
}

bool options_set(void *easy, const SessionPlan *plan, void **take_list, GError **error)
{
    *take_list = NULL;
    return set_conduct(easy, plan, error) && set_address(easy, plan, take_list, error) &&
           set_tls(easy, &plan->relay->tls, error) &&
           (!options_login(plan->relay) || set_login(easy, plan->relay, error));
}
