/* SPDX-License-Identifier: MIT */
/* Any bytes as the headers that a webhook proves itself with, one a line, and its body behind
 * an empty line, against every way there is.  Nothing that is made up gets in; with the
 * secrets' own signature over the same bytes it does, whatever else is there. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/crypto.h"
#include "bridge/intake/auth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char yaml[] =
    "global: {smtp_smarthost: 'maildir:m', smtp_from: a@example.org}\n"
    "route: {receiver: m}\n"
    "receivers: [{name: m}]\n"
    "sources:\n"
    "  - name: github\n"
    "    auth:\n"
    "      bearer_token: 8f41c0a2b7d3e695\n"
    "      basic: {username: u, password: 8f41c0a2b7d3e695}\n"
    "      header: {name: X-Token, value: 8f41c0a2b7d3e695}\n"
    "      hmac: {secrets: [8f41c0a2b7d3e695], timestamp_header: T, id_header: I,\n"
    "             signed: 'v0:{id}:{timestamp}:{body}:'}\n"
    "      standard_webhooks: {secrets: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw]}\n";

typedef struct {
    GPtrArray *names, *values;
    const char *signature; /* ours */
} Headers;

static const char *find_header(const void *request, const char *name)
{
    const Headers *headers = request;
    if (headers->signature != NULL && strcmp(name, "X-Hub-Signature-256") == 0) {
        return headers->signature;
    }
    for (unsigned i = 0; i < headers->names->len; i++) {
        if (g_ascii_strcasecmp(headers->names->pdata[i], name) == 0) {
            return headers->values->pdata[i];
        }
    }
    return NULL;
}

/* Takes the lines before the empty one; where the body begins. */
static const char *read_headers(Headers *headers, const char *text)
{
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        size_t name = MIN(strcspn(text, ":"), length);
        if (length == 0) {
            return text + 1;
        }
        g_ptr_array_add(headers->names, g_strndup(text, name));
        g_ptr_array_add(headers->values,
                        name < length ? g_strndup(text + name + 1, length - name - 1)
                                      : g_strdup(""));
        text += length + (text[length] == '\n');
    }
    return text;
}

/* The right signature over what the headers say. */
static char *sign(const Headers *headers, const char *body)
{
    const char *id = find_header(headers, "I"), *timestamp = find_header(headers, "T");
    if (id == NULL || timestamp == NULL) {
        return NULL;
    }
    g_autofree char *message = g_strdup_printf("v0:%s:%s:%s:", id, timestamp, body);
    g_autofree char *hex = g_compute_hmac_for_string(
        G_CHECKSUM_SHA256, (const guchar *)"8f41c0a2b7d3e695", 16, message, -1);
    return g_strconcat("sha256=", hex, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static Config *config;
    if (config == NULL) {
        config = config_parse("f.yml", yaml, strlen(yaml), CONFIG_STRICT, NULL);
        g_assert(config != NULL);
    }
    const AuthConfig *auth = &config->sources[0].auth;
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func(g_free);
    Headers headers = {names, values, NULL};
    g_autofree char *text = g_strndup((const char *)data, size);
    const char *body = read_headers(&headers, text);
    const AuthRequest request = {find_header, &headers, body, strlen(body), 1614265330000};
    AuthVerdict verdict = auth_check(auth, &request, NULL);
    /* There are many ways to write the same base64. */
    if (verdict != AUTH_REFUSED && strstr(text, "8f41c0a2b7d3e695") == NULL &&
        strcasestr(text, "basic") == NULL) {
        abort();
    }
    if (verdict == AUTH_OK && !auth_is_tried(auth, find_header, &headers)) {
        abort();
    }
    g_autofree char *signature = sign(&headers, body);
    headers.signature = signature;
    verdict = auth_check(auth, &request, NULL);
    if (signature != NULL && verdict == AUTH_REFUSED) {
        abort();
    }
    return 0;
}
