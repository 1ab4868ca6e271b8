/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "bridge/intake/auth.h"
#include "config/config.h"
#include "rules/fault.h"

#define HEAD "receivers: [{name: r}]\nroute: {receiver: r}\nsources: [{type: github, name: s, auth: {"
#define GITHUB HEAD "hmac: {secrets: [\"It's a Secret to Everybody\"]}}}]\n"
#define STANDARD \
    HEAD "standard_webhooks: {secrets: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw]}}}]\n"
#define GRAFANA                                                                       \
    "receivers: [{name: r}]\nroute: {receiver: r}\nsources: [{name: grafana, auth: {" \
    "hmac: {secrets: [key], timestamp_header: T}}}]\n"
/* The one of GitHub's manual, and that of Standard Webhooks. */
#define HELLO "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
#define SIGNED "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

typedef struct {
    const char *headers[6]; /* name, value, … */
} Headers;

static const char *find_header(const void *request, const char *name)
{
    const Headers *headers = request;
    for (size_t i = 0; i < 6 && headers->headers[i] != NULL; i += 2) {
        if (g_ascii_strcasecmp(headers->headers[i], name) == 0) {
            return headers->headers[i + 1];
        }
    }
    return NULL;
}

static AuthVerdict check(const char *yaml, const Headers *headers, const char *body,
                         int64_t now_s, GError **error)
{
    g_autoptr(Config) config = config_parse("f.yml", yaml, strlen(yaml), CONFIG_STRICT, error);
    assert_non_null(config);
    const AuthRequest request = {find_header, headers, body, strlen(body), now_s * 1000};
    return auth_check(&config->sources[0].auth, &request, error);
}

static void github_s_signature_passes_and_none_that_is_like_it(void **state)
{
    (void)state;
    static const struct {
        const char *header, *value, *body;
        AuthVerdict verdict;
    } rows[] = {
        {"X-Hub-Signature-256", "sha256=" HELLO, "Hello, World!", AUTH_OK},
        {"x-hub-signature-256", "sha256=757107EA0EB2509FC211221CCE984B8A37570B6D7586C22C46F4379C8B043E17",
         "Hello, World!", AUTH_OK},
        {"X-Hub-Signature-256", "sha256=" HELLO, "Hello, World?", AUTH_REFUSED},
        {"X-Hub-Signature-256", "sha256=" HELLO, "", AUTH_REFUSED},
        {"X-Hub-Signature-256", HELLO, "Hello, World!", AUTH_REFUSED},
        {"X-Hub-Signature-256", "sha1=" HELLO, "Hello, World!", AUTH_REFUSED},
        {"X-Hub-Signature-256", "sha256=" HELLO "00", "Hello, World!", AUTH_REFUSED},
        {"X-Hub-Signature-256", "sha256=", "Hello, World!", AUTH_REFUSED},
        {"X-Hub-Signature-256", "", "Hello, World!", AUTH_REFUSED},
        {"X-Hub-Signature-256", "sha256=dXEH6g6yUJ/CESIczphLijdXC211hsIsRvQ3nIsEPhc=",
         "Hello, World!", AUTH_REFUSED}, /* base64 */
        {"X-Hub-Signature", "sha256=" HELLO, "Hello, World!", AUTH_REFUSED},
        {"X-Other", "x", "Hello, World!", AUTH_REFUSED},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const Headers headers = {{rows[i].header, rows[i].value}};
        g_autoptr(GError) error = NULL;
        assert_int_equal(check(GITHUB, &headers, rows[i].body, 0, &error), rows[i].verdict);
    }
}

#define BODY "{\"test\": 2432232314}"
#define MESSAGE "msg_p5jXN8AQM9LWM0D4loKWxJek"

static void standard_webhooks_pass_for_five_minutes(void **state)
{
    (void)state;
    static const struct {
        const char *id, *timestamp, *signature, *body;
        int64_t now_s;
        AuthVerdict verdict;
    } rows[] = {
        {MESSAGE, "1614265330", SIGNED, BODY, 1614265330, AUTH_OK},
        {MESSAGE, "1614265330", SIGNED, BODY, 1614265630, AUTH_OK},
        {MESSAGE, "1614265330", SIGNED, BODY, 1614265030, AUTH_OK},
        {MESSAGE, "1614265330", SIGNED, BODY, 1614265631, AUTH_STALE},
        {MESSAGE, "1614265330", SIGNED, BODY, 1614265029, AUTH_STALE},
        {MESSAGE, "1614265330", "v1,AAAA " SIGNED, BODY, 1614265330, AUTH_OK},
        {MESSAGE, "1614265330", SIGNED " v1a,AAAA", BODY, 1614265330, AUTH_OK},
        {MESSAGE, "1614265330", "v1a,AAAA", BODY, 1614265330, AUTH_REFUSED},
        {MESSAGE, "1614265331", SIGNED, BODY, 1614265330, AUTH_REFUSED},
        {MESSAGE "x", "1614265330", SIGNED, BODY, 1614265330, AUTH_REFUSED},
        {MESSAGE, "1614265330", SIGNED, BODY " ", 1614265330, AUTH_REFUSED},
        {MESSAGE, "soon", SIGNED, BODY, 1614265330, AUTH_REFUSED},
        {MESSAGE, NULL, SIGNED, BODY, 1614265330, AUTH_REFUSED},
        {MESSAGE, "1614265330", "", BODY, 1614265330, AUTH_REFUSED},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const Headers headers = {{"Webhook-Id", rows[i].id, "Webhook-Signature",
                                  rows[i].signature, rows[i].timestamp != NULL ? "Webhook-Timestamp" : NULL,
                                  rows[i].timestamp}};
        g_autoptr(GError) error = NULL;
        assert_int_equal(check(STANDARD, &headers, rows[i].body, rows[i].now_s, &error),
                         rows[i].verdict);
    }
}

/* echo -n 1700000000:BODY | openssl dgst -sha256 -hmac key */
static void grafana_signs_its_timestamp_where_it_sends_one(void **state)
{
    (void)state;
    static const char signature[] = "112d4d826b92772d480d6508e8cdcca3ec9d8833056c9742f991016dd71851b8";
    const Headers good = {{"X-Grafana-Alerting-Signature", signature, "T", "1700000000"}};
    const Headers other = {{"X-Grafana-Alerting-Signature", signature, "T", "1700000001"}};
    const Headers none = {{"X-Grafana-Alerting-Signature", signature}};
    g_autoptr(GError) error = NULL;
    assert_int_equal(check(GRAFANA, &good, BODY, 1700000000, &error), AUTH_OK);
    assert_int_equal(check(GRAFANA, &good, BODY, 1700000301, &error), AUTH_STALE);
    assert_int_equal(check(GRAFANA, &other, BODY, 1700000000, &error), AUTH_REFUSED);
    assert_int_equal(check(GRAFANA, &none, BODY, 1700000000, &error), AUTH_REFUSED);
}

static void any_of_several_secrets_is_enough_and_an_empty_one_never_is(void **state)
{
    (void)state;
    const Headers good = {{"X-Hub-Signature-256", "sha256=" HELLO}};
    /* HMAC-SHA256 with the empty key */
    const Headers empty = {{"X-Hub-Signature-256", "sha256=2bbcfa9524f3218c7a34b30e6936f8b1a4516cb097f1a85a1c7d98b5977ec769"}};
    static const struct {
        const char *secrets;
        bool is_empty;
        AuthVerdict verdict;
    } rows[] = {
        {"secrets: [new, \"It's a Secret to Everybody\"]", false, AUTH_OK},
        {"secrets: [\"It's a Secret to Everybody\"], secret_files: [/nonexistent/x]", false, AUTH_OK},
        {"secrets: [\"It's a Secret to Everybody\"], secret_files: [/dev/null]", false, AUTH_OK},
        {"secrets: [new, old]", false, AUTH_REFUSED},
        {"secrets: [new], secret_files: [/nonexistent/x]", false, AUTH_BROKEN},
        {"secret_files: [/dev/null]", true, AUTH_REFUSED},
        {"secrets: ['']", true, AUTH_REFUSED},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *yaml = g_strdup_printf(HEAD "hmac: {%s}}}]\n", rows[i].secrets);
        g_autoptr(GError) error = NULL;
        assert_int_equal(check(yaml, rows[i].is_empty ? &empty : &good, "Hello, World!", 0, &error),
                         rows[i].verdict);
        assert_true((rows[i].verdict == AUTH_BROKEN) == (error != NULL));
        if (error != NULL) {
            assert_true(g_error_matches(error, FAULT, FAULT_SYSTEM));
            assert_string_equal(error->message,
                                "secret file /nonexistent/x: No such file or directory");
        }
    }
}

static void what_is_tried_is_known_without_a_secret(void **state)
{
    (void)state;
    g_autoptr(GError) error = NULL;
    g_autoptr(Config) config =
        config_parse("f.yml", STANDARD, strlen(STANDARD), CONFIG_STRICT, &error);
    assert_non_null(config);
    const AuthConfig *auth = &config->sources[0].auth;
    const Headers all = {{"webhook-id", "i", "webhook-timestamp", "1", "webhook-signature", "s"}};
    const Headers some = {{"webhook-id", "i", "webhook-signature", "s"}};
    const Headers other = {{"X-Hub-Signature-256", "sha256=" HELLO}};
    assert_true(auth_is_tried(auth, find_header, &all));
    assert_false(auth_is_tried(auth, find_header, &some));
    assert_false(auth_is_tried(auth, find_header, &other));
    assert_string_equal(auth_challenge(auth), "Signature realm=\"alertpost\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(github_s_signature_passes_and_none_that_is_like_it),
        cmocka_unit_test(standard_webhooks_pass_for_five_minutes),
        cmocka_unit_test(grafana_signs_its_timestamp_where_it_sends_one),
        cmocka_unit_test(any_of_several_secrets_is_enough_and_an_empty_one_never_is),
        cmocka_unit_test(what_is_tried_is_known_without_a_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
