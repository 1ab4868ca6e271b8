/* SPDX-License-Identifier: MIT */
#include "bridge/fetch.h"

#include <curl/curl.h>
#include <string.h>

#include "bridge/tls_options.h"
#include "rules/fault.h"

typedef struct {
    const FetchRequest *request;
    CURL *easy;
    struct curl_slist *headers, *connect_to;
    GString *body;
    bool too_large;
    char error[CURL_ERROR_SIZE];
} Fetch;

/* --- while it runs --- */

static size_t on_body(char *bytes, size_t one, size_t length, void *user)
{
    (void)one;
    Fetch *fetch = user;
    fetch->too_large = length > fetch->request->answer_max - fetch->body->len;
    if (fetch->too_large) {
        return 0;
    }
    g_string_append_len(fetch->body, bytes, (gssize)length);
    return length;
}

static int on_progress(void *user, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a, (void)b, (void)c, (void)d;
    const FetchRequest *request = user;
    return request->stop != NULL && atomic_load(request->stop) ? 1 : 0;
}

/* --- settings --- */

static bool set_failed(CURLcode bad, const char *what, GError **error)
{
    if (bad != CURLE_OK) {
        g_set_error(error, FAULT, FAULT_INPUT, "%s: libcurl does not take it", what);
    }
    return bad != CURLE_OK;
}

static bool has_control(const char *text)
{
    for (; *text != '\0'; text++) {
        if (g_ascii_iscntrl(*text)) {
            return true;
        }
    }
    return false;
}

static bool add_header(Fetch *fetch, const char *header, GError **error)
{
    if (has_control(header)) {
        g_set_error(error, FAULT, FAULT_INPUT, "a header has control characters");
        return false;
    }
    fetch->headers = curl_slist_append(fetch->headers, header);
    return true;
}

static bool set_headers(Fetch *fetch, GError **error)
{
    const char *const *headers = fetch->request->headers;
    for (size_t i = 0; headers != NULL && headers[i] != NULL; i++) {
        if (!add_header(fetch, headers[i], error)) {
            return false;
        }
    }
    return !set_failed(curl_easy_setopt(fetch->easy, CURLOPT_HTTPHEADER, fetch->headers),
                       "headers", error);
}

static GUri *parse_url(const char *url, GError **error)
{
    g_autoptr(GError) why = NULL;
    g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_ENCODED | G_URI_FLAGS_PARSE_RELAXED, &why);
    const char *scheme = uri != NULL ? g_uri_get_scheme(uri) : "";
    const char *host = uri != NULL ? g_uri_get_host(uri) : NULL;
    if (why != NULL) {
        g_set_error(error, FAULT, FAULT_INPUT, "not a URL: %s", why->message);
    } else if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0) {
        g_set_error(error, FAULT, FAULT_INPUT, "not an http or https URL");
    } else if (host == NULL || *host == '\0') {
        g_set_error(error, FAULT, FAULT_INPUT, "the URL names no host");
    } else if (g_uri_get_userinfo(uri) != NULL) {
        g_set_error(error, FAULT, FAULT_INPUT, "the URL must not hold a user or password");
    } else {
        return g_steal_pointer(&uri);
    }
    return NULL;
}

/* Certificates are checked against the URL's host: where another name is expected, the
 * URL has that, and the true host is where libcurl connects and what HTTP names. */
static bool rename_server(Fetch *fetch, const GUri *uri, const char *name, GError **error)
{
    GUri *known = (GUri *)(uintptr_t)uri; /* GLib's getters do not say const */
    int port = g_uri_get_port(known);
    bool v6 = strchr(g_uri_get_host(known), ':') != NULL;
    g_autofree char *host = g_strdup_printf(v6 ? "[%s]" : "%s", g_uri_get_host(known));
    g_autofree char *number = port > 0 ? g_strdup_printf(":%d", port) : g_strdup("");
    g_autofree char *header = g_strdup_printf("Host: %s%s", host, number);
    g_autofree char *where = g_strdup_printf("::%s:", host);
    g_autofree char *url =
        g_uri_join(G_URI_FLAGS_ENCODED, g_uri_get_scheme(known), NULL, name, port,
                   g_uri_get_path(known), g_uri_get_query(known), NULL);
    fetch->connect_to = curl_slist_append(NULL, where);
    CURLcode bad = curl_easy_setopt(fetch->easy, CURLOPT_CONNECT_TO, fetch->connect_to);
    bad |= curl_easy_setopt(fetch->easy, CURLOPT_URL, url);
    return !set_failed(bad, "server_name", error) && add_header(fetch, header, error);
}

static bool set_address(Fetch *fetch, GError **error)
{
    const FetchRequest *request = fetch->request;
    g_autoptr(GUri) uri = parse_url(request->url, error);
    if (uri == NULL ||
        set_failed(curl_easy_setopt(fetch->easy, CURLOPT_URL, request->url), "URL", error)) {
        return false;
    }
    bool other = request->tls != NULL && *request->tls->server_name != '\0' &&
                 strcmp(g_uri_get_scheme(uri), "https") == 0;
    return !other || rename_server(fetch, uri, request->tls->server_name, error);
}

static bool set_content(Fetch *fetch, GError **error)
{
    const FetchRequest *request = fetch->request;
    CURLcode bad = CURLE_OK;
    if (request->body != NULL) {
        bad |= curl_easy_setopt(fetch->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                                (curl_off_t)request->length);
        bad |= curl_easy_setopt(fetch->easy, CURLOPT_POSTFIELDS, request->body);
    }
    if (request->method != NULL) {
        bad |= curl_easy_setopt(fetch->easy, CURLOPT_CUSTOMREQUEST, request->method);
    }
    if (request->username != NULL) {
        bad |= curl_easy_setopt(fetch->easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
        bad |= curl_easy_setopt(fetch->easy, CURLOPT_USERNAME, request->username);
        bad |= curl_easy_setopt(fetch->easy, CURLOPT_PASSWORD,
                                request->password != NULL ? request->password : "");
    }
    return !set_failed(bad, "request", error);
}

static bool set_conduct(Fetch *fetch, GError **error)
{
    const FetchRequest *request = fetch->request;
    CURL *easy = fetch->easy;
    CURLcode bad = CURLE_OK;
    bad |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    bad |= curl_easy_setopt(easy, CURLOPT_PROXY, request->proxy != NULL ? request->proxy : "");
    bad |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    bad |= curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    bad |= curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    bad |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)request->timeout_ms);
    bad |= curl_easy_setopt(easy, CURLOPT_USERAGENT, "alertpost/" ALERTPOST_VERSION);
    bad |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, fetch->error);
    bad |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    bad |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, fetch);
    bad |= curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    bad |= curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    bad |= curl_easy_setopt(easy, CURLOPT_XFERINFODATA, (void *)(uintptr_t)request);
    return !set_failed(bad, "request", error);
}

/* --- the request --- */

static bool fail(const Fetch *fetch, CURLcode result, GError **error)
{
    const char *text = fetch->error[0] != '\0' ? fetch->error : curl_easy_strerror(result);
    if (fetch->too_large) {
        g_set_error(error, FAULT, FAULT_LIMIT, "the answer is larger than %zu bytes",
                    fetch->request->answer_max);
    } else if (result == CURLE_ABORTED_BY_CALLBACK) {
        g_set_error(error, FAULT, FAULT_REMOTE, "stopped while waiting for the answer");
    } else if (result == CURLE_URL_MALFORMAT) {
        g_set_error(error, FAULT, FAULT_INPUT, "not a URL: %s", text);
    } else {
        g_set_error(error, FAULT, FAULT_REMOTE, "%s", text);
    }
    return false;
}

static bool perform(Fetch *fetch, FetchAnswer *answer, GError **error)
{
    CURLcode result = curl_easy_perform(fetch->easy);
    if (result != CURLE_OK) {
        return fail(fetch, result, error);
    }
    long status = 0;
    curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
    answer->status = (unsigned)status;
    answer->length = fetch->body->len;
    answer->body = g_string_free(g_steal_pointer(&fetch->body), FALSE);
    return true;
}

static void wipe(GString *body)
{
    if (body != NULL) {
        explicit_bzero(body->str, body->len);
        g_string_free(body, TRUE);
    }
}

bool fetch(const FetchRequest *request, FetchAnswer *answer, GError **error)
{
    curl_global_init(CURL_GLOBAL_DEFAULT); /* counted; it may come from any thread */
    Fetch fetch = {.request = request, .easy = curl_easy_init(), .body = g_string_new(NULL)};
    g_assert(fetch.easy != NULL);
    bool done = set_conduct(&fetch, error) && set_address(&fetch, error) &&
                set_content(&fetch, error) && set_headers(&fetch, error) &&
                (request->tls == NULL || tls_options_set(fetch.easy, request->tls, error)) &&
                perform(&fetch, answer, error);
    wipe(fetch.body);
    curl_easy_cleanup(fetch.easy);
    curl_slist_free_all(fetch.headers);
    curl_slist_free_all(fetch.connect_to);
    curl_global_cleanup();
    return done;
}

void fetch_answer_clear(FetchAnswer *answer)
{
    if (answer->body != NULL) {
        explicit_bzero(answer->body, answer->length);
        g_free(answer->body);
        *answer = (FetchAnswer){0};
    }
}
