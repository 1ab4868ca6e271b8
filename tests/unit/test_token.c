/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "bridge/delivery/mask.h"
#include "bridge/delivery/token.h"
#include "config/config.h"
#include "rules/fault.h"

#define NOW 1000000

static FetchAnswer make_answer(unsigned status, const char *body)
{
    return (FetchAnswer){status, (char *)(uintptr_t)body, strlen(body)};
}

static void a_token_is_renewed_at_four_fifths_of_its_life(void **state)
{
    (void)state;
    static const struct {
        const char *body, *text, *refresh;
        int64_t renew_ms, end_ms;
    } cases[] = {
        {"{\"access_token\":\"a.b-c\",\"expires_in\":3600}", "a.b-c", NULL, NOW + 2880000, NOW + 3600000},
        {"{\"access_token\":\"a\",\"expires_in\":\"100\"}", "a", NULL, NOW + 80000, NOW + 100000},
        {"{\"access_token\":\"a\",\"refresh_token\":\"r\"}", "a", "r", NOW + 2880000, NOW + 3600000},
        {"{\"access_token\":\"a\",\"expires_in\":0}", "a", NULL, NOW, NOW},
        {"{\"access_token\":\"a\",\"expires_in\":-5}", "a", NULL, NOW, NOW},
        {"{\"access_token\":\"a\",\"expires_in\":1e300}", "a", NULL, NOW + 2073600000, NOW + 2592000000},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        FetchAnswer answer = make_answer(200, cases[i].body);
        Token token;
        memset(&token, 0xa5, sizeof token);
        assert_true(token_read(&answer, NOW, &token, NULL));
        assert_string_equal(token.text, cases[i].text);
        assert_true(g_strcmp0(token.refresh, cases[i].refresh) == 0);
        assert_int_equal(token.renew_ms, cases[i].renew_ms);
        assert_int_equal(token.end_ms, cases[i].end_ms);
        token_clear(&token);
        assert_null(token.text);
    }
}

static void an_answer_without_a_token_is_an_error_in_the_endpoints_words(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        const char *body, *message;
        bool wants_header;
    } cases[] = {
        {200, "", "HTTP 200: the answer holds no access_token", false},
        {200, "[]", "HTTP 200: the answer holds no access_token", false},
        {200, "{\"access_token\":\"\"}", "HTTP 200: the answer holds no access_token", false},
        {200, "{\"access_token\":\"a b\"}", "HTTP 200: the answer holds no access_token", false},
        {200, "{\"access_token\":\"a\\u0001\"}", "HTTP 200: the answer holds no access_token", false},
        {200, "{\"access_token\":5}", "HTTP 200: the answer holds no access_token", false},
        {201, "{\"access_token\":\"a\"}", "HTTP 201: the answer holds no access_token", false},
        {503, "down", "HTTP 503: the answer holds no access_token", false},
        {400, "{\"error\":\"invalid_grant\"}", "HTTP 400: invalid_grant", false},
        {401, "{\"error\":\"invalid_client\",\"error_description\":\"a\\r\\nb\\u001b[1m\"}",
         "HTTP 401: invalid_client: a  b [1m", true},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        FetchAnswer answer = make_answer(cases[i].status, cases[i].body);
        g_autoptr(GError) error = NULL;
        Token token;
        assert_false(token_read(&answer, NOW, &token, &error));
        assert_int_equal(error->code, FAULT_REMOTE);
        assert_string_equal(error->message, cases[i].message);
        assert_int_equal(token_wants_header(&answer), cases[i].wants_header);
    }
}

static void a_secret_is_masked_in_a_form_too(void **state)
{
    (void)state;
    char text[] = "client_secret=a%2Fb%26c is not a/b&c nor YS9iJmM=";
    mask_secret(text, "a/b&c");
    assert_string_equal(text, "client_secret=*** is not *** nor ***");
}

/* --- whose login it is --- */

#define REST(keys)                                                                             \
    "route: {receiver: r}\nreceivers: [{name: r, email_configs: [{to: x@y, from: x@y, " keys \
    "smarthost: 'a:25'}, {to: z@y, from: x@y, smarthost: 'a:25'}]}]\n"
#define GLOBAL_TOKEN    "global: {smtp_auth_username: u, smtp_auth_oauth2: {token_file: /t}}\n"
#define GLOBAL_PASSWORD "global: {smtp_auth_username: u, smtp_auth_password: p}\n"

static void a_login_of_an_email_config_takes_nothing_of_anothers_kind(void **state)
{
    (void)state;
    static const struct {
        const char *yaml;
        bool token, password;
        unsigned relays;
        const char *last_key;
    } cases[] = {
        {GLOBAL_TOKEN REST(""), true, false, 1, "smtp:u@a:25"},
        {GLOBAL_TOKEN REST("auth_password: p, "), false, true, 2, "smtp:u@a:25#2"},
        {GLOBAL_TOKEN REST("auth_secret: s, "), false, false, 2, "smtp:u@a:25#2"},
        {GLOBAL_PASSWORD REST("auth_oauth2: {token_file: /t}, "), true, false, 2, "smtp:u@a:25#2"},
        {GLOBAL_TOKEN REST("auth_oauth2: {token_file: /t}, "), true, false, 1, "smtp:u@a:25"},
        {GLOBAL_TOKEN REST("auth_oauth2: {token_file: /o}, "), true, false, 2, "smtp:u@a:25#2"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Config) config =
            config_parse("f.yml", cases[i].yaml, strlen(cases[i].yaml), CONFIG_STRICT, &error);
        assert_null(error);
        const RelayConfig *relay = &config->relays[0];
        assert_int_equal(relay->oauth2.set, cases[i].token);
        assert_int_equal(secret_is_set(&relay->auth_password), cases[i].password);
        assert_int_equal(config->n_relays, cases[i].relays);
        assert_string_equal(config->relays[config->n_relays - 1].key, cases[i].last_key);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_renewed_at_four_fifths_of_its_life),
        cmocka_unit_test(an_answer_without_a_token_is_an_error_in_the_endpoints_words),
        cmocka_unit_test(a_secret_is_masked_in_a_form_too),
        cmocka_unit_test(a_login_of_an_email_config_takes_nothing_of_anothers_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
