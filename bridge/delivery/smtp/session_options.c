/* SPDX-License-Identifier: MIT */
/* The settings of a session for libcurl: where to connect, how TLS and authentication
 * are done, and nothing that could surprise (no proxy from the environment, no signals,
 * no other protocol).  A password goes out in clear only to this very host. */
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
           tls_options_set(easy, &plan->relay->tls, error) &&
           (!options_login(plan->relay) || set_login(easy, plan->relay, error));
}
