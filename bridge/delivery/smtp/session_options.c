/* SPDX-License-Identifier: MIT */
/* The settings of a session for libcurl: where to connect, how TLS is done, and nothing
 * that could surprise (no proxy from the environment, no signals, no ALPN).  That the
 * URLs are HTTP's says no more than "TCP" and "TLS": nothing of HTTP is ever sent. */
#include "bridge/delivery/smtp/session_options.h"

#include <curl/curl.h>
#include <string.h>

#include "bridge/tls_options.h"
#include "rules/fault.h"

static bool is_this_host(const char *host)
{
    return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
           g_str_has_prefix(host, "127.");
}

static char *read_secret(const Secret *secret, GError **error)
{
    char *text = secret_read(secret, error);
    if (text == NULL) {
        g_prefix_error(error, "AUTH: ");
    }
    return text;
}

static bool check_credentials(const RelayConfig *relay, const Credentials *credentials,
                              GError **error)
{
    bool lacking = options_login(relay) && !relay->oauth2.set &&
                   *credentials->password == '\0' && *credentials->secret == '\0';
    if (lacking) {
        g_set_error(error, FAULT, FAULT_INPUT,
                    "AUTH: a user name is set, but no password, secret or token");
    }
    return !lacking;
}

bool options_read_credentials(const RelayConfig *relay, Credentials *credentials, GError **error)
{
    *credentials = (Credentials){
        .username = g_strdup(relay->auth_username),
        .identity = g_strdup(relay->auth_identity),
        .host = g_strdup(relay->host),
        .port = relay->port,
        .token = g_strdup(""),
        .exposed = !options_encrypt(relay) && !is_this_host(relay->host),
    };
    credentials->password = read_secret(&relay->auth_password, error);
    credentials->secret =
        credentials->password != NULL ? read_secret(&relay->auth_secret, error) : NULL;
    return credentials->secret != NULL && check_credentials(relay, credentials, error);
}

/* HOST as it stands in an URL: a name in another script as DNS and certificates have it, which
 * libcurl would do by the locale. */
static char *bracketed(const char *host)
{
    if (strchr(host, ':') != NULL) {
        return g_strdup_printf("[%s]", host);
    }
    char *ascii = g_hostname_is_non_ascii(host) ? g_hostname_to_ascii(host) : NULL;
    return ascii != NULL ? ascii : g_strdup(host);
}

static CURLcode set_url(CURL *easy, const RelayConfig *relay, bool tls)
{
    g_autofree char *host = bracketed(options_tls_name(relay));
    g_autofree char *url =
        g_strdup_printf("%s://%s:%u/", tls ? "https" : "http", host, relay->port);
    return curl_easy_setopt(easy, CURLOPT_URL, url);
}

static CURLcode set_conduct(CURL *easy, const SessionPlan *plan)
{
    CURLcode bad = CURLE_OK;
    bad |= curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    bad |= curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    bad |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    bad |= curl_easy_setopt(easy, CURLOPT_SSL_ENABLE_ALPN, 0L);
    bad |= curl_easy_setopt(easy, CURLOPT_PROXY, "");
    bad |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    bad |= curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    bad |= curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    bad |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)plan->delivery->connect_ms);
    return bad;
}

const char *options_tls_name(const RelayConfig *relay)
{
    return *relay->tls.server_name != '\0' ? relay->tls.server_name : relay->host;
}

void *options_connect_to(const char *host, unsigned port)
{
    g_autofree char *where = bracketed(host);
    g_autofree char *text = g_strdup_printf("::%s:%u", where, port);
    return curl_slist_append(NULL, text);
}

bool options_encrypt(const RelayConfig *relay)
{
    return relay->require_tls || relay->implicit_tls;
}

bool options_login(const RelayConfig *relay)
{
    return *relay->auth_username != '\0';
}

bool options_set(void *easy, const SessionPlan *plan, bool tls, GError **error)
{
    CURLcode bad = set_conduct(easy, plan) | set_url(easy, plan->relay, tls);
    if (bad != CURLE_OK) {
        g_set_error(error, FAULT, FAULT_INPUT, "the address is of no use to libcurl");
        return false;
    }
    return !tls || tls_options_set(easy, &plan->relay->tls, error);
}
