/* SPDX-License-Identifier: MIT */
/* The settings of a session for libcurl: where to connect, how TLS is done, and nothing
 * that could surprise (no proxy from the environment, no signals, no other protocol). */
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
    return credentials->secret != NULL;
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

bool options_set(void *easy, const SessionPlan *plan, void **take_list, GError **error)
{
    *take_list = NULL;
    return set_conduct(easy, plan, error) && set_address(easy, plan, take_list, error) &&
           tls_options_set(easy, &plan->relay->tls, error);
}
