/* SPDX-License-Identifier: MIT */
#include "bridge/tls_options.h"

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

bool tls_options_set(void *easy, const TlsConfig *tls, GError **error)
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
    bad |= curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, (long)CA_CACHE_S);
    bad |= set_either(easy, CURLOPT_CAINFO_BLOB, tls->ca, CURLOPT_CAINFO, tls->ca_file);
    bad |= set_either(easy, CURLOPT_SSLCERT_BLOB, tls->cert, CURLOPT_SSLCERT, tls->cert_file);
    bad |= set_either(easy, CURLOPT_SSLKEY_BLOB, key, CURLOPT_SSLKEY, "");
    secret_free(key);
    if (bad != CURLE_OK) {
        g_set_error(error, FAULT, FAULT_INPUT, "TLS settings: libcurl does not take them");
    }
    return bad == CURLE_OK;
}
