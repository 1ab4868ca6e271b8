/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "bridge/delivery/mask.h"
#include "bridge/delivery/smtp/auth.h"
#include "bridge/delivery/smtp/capabilities.h"

typedef struct {
    const char *password, *secret, *token;
    bool exposed;
} Has;

static Credentials make_credentials(const Has *has)
{
    return (Credentials){
        .username = g_strdup("tim"), .identity = g_strdup(""),
        .password = g_strdup(has->password != NULL ? has->password : ""),
        .secret = g_strdup(has->secret != NULL ? has->secret : ""),
        .token = g_strdup(has->token != NULL ? has->token : ""),
        .host = g_strdup("mail.example"), .port = 587, .exposed = has->exposed};
}

/* CHALLENGES: what the server says, one after the other; the lines said are joined by "|". */
static char *converse(const Has *has, const char *offered, const char *const *challenges)
{
    Credentials credentials = make_credentials(has);
    Auth auth;
    GString *said = g_string_new(NULL);
    char *line = auth_start(&auth, &credentials, offered);
    g_string_append(said, line != NULL ? line : "nothing\r\n");
    secret_free(line);
    for (unsigned i = 0; challenges[i] != NULL; i++) {
        line = auth_answer(&auth, &credentials, challenges[i]);
        g_string_append(said, line != NULL ? line : "nothing\r\n");
        secret_free(line);
    }
    auth_clear(&auth);
    credentials_clear(&credentials);
    g_string_replace(said, "\r\n", "|", 0);
    return g_string_free(said, FALSE);
}

/* "\0tim\0tanstaaf" and so on in base64; CRAM-MD5 as in RFC 2195. */
#define PLAIN_LINE  "AUTH PLAIN AHRpbQB0YW5zdGFhZg==|"
#define RESTON      "PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+"
#define RESTON_SAID "AUTH CRAM-MD5|dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw|"
#define XOAUTH2     "dXNlcj10aW0BYXV0aD1CZWFyZXIgdDBrZW4BAQ=="
#define BEARER      "bixhPXRpbSwBaG9zdD1tYWlsLmV4YW1wbGUBcG9ydD01ODcBYXV0aD1CZWFyZXIgdDBrZW4BAQ=="

static void the_best_mechanism_in_common_is_used_as_its_rfc_says(void **state)
{
    (void)state;
    static const struct {
        Has has;
        const char *offered, *challenges[6], *said;
    } cases[] = {
        {{.password = "tanstaaf"}, "PLAIN LOGIN", {NULL}, PLAIN_LINE},
        {{.password = "tanstaaf"}, "login plain", {NULL}, PLAIN_LINE},
        {{.password = "tanstaaf"}, "GSSAPI XOAUTH2 LOGIN", {"VXNlcm5hbWU6", "UGFzc3dvcmQ6"},
         "AUTH LOGIN|dGlt|dGFuc3RhYWY=|"},
        {{.password = "tanstaaf"}, "LOGIN", {"", "", "bW9yZT8="}, "AUTH LOGIN|dGlt|dGFuc3RhYWY=|*|"},
        {{.password = "tanstaaftanstaaf"}, "CRAM-MD5", {RESTON}, RESTON_SAID},
        {{.secret = "tanstaaftanstaaf"}, "PLAIN CRAM-MD5", {RESTON}, RESTON_SAID},
        {{.secret = "tanstaaftanstaaf"}, "CRAM-MD5", {""}, "AUTH CRAM-MD5|*|"},
        {{.secret = "tanstaaftanstaaf", .password = "tanstaaf"}, "CRAM-MD5 PLAIN", {NULL}, PLAIN_LINE},
        {{.secret = "tanstaaftanstaaf", .password = "x", .exposed = true}, "CRAM-MD5 PLAIN", {RESTON},
         RESTON_SAID},
        {{.password = "tanstaaf"}, "PLAIN", {"", "", "", "", ""}, PLAIN_LINE "*|*|*|*|nothing|"},
        {{.token = "t0ken"}, "XOAUTH2", {"", "", "", "", ""},
         "AUTH XOAUTH2 " XOAUTH2 "|||||nothing|"},
        {{.password = "tanstaaf", .exposed = true}, "PLAIN LOGIN", {NULL}, "nothing|"},
        {{.token = "t0ken"}, "LOGIN XOAUTH2", {NULL}, "AUTH XOAUTH2 " XOAUTH2 "|"},
        {{.token = "t0ken"}, "XOAUTH2", {"eyJzdGF0dXMiOiI0MDEifQ=="}, "AUTH XOAUTH2 " XOAUTH2 "||"},
        {{.token = "t0ken"}, "XOAUTH2 OAUTHBEARER", {NULL}, "AUTH OAUTHBEARER " BEARER "|"},
        {{.token = "t0ken"}, "OAUTHBEARER", {"eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIn0="},
         "AUTH OAUTHBEARER " BEARER "|AQ==|"},
        {{.token = "t0ken", .exposed = true}, "XOAUTH2", {NULL}, "nothing|"},
        {{.token = "t0ken"}, "PLAIN LOGIN CRAM-MD5", {NULL}, "nothing|"},
        {{.password = "tanstaaf"}, "", {NULL}, "nothing|"},
        {{.password = "tanstaaf"}, "PLAINER SUPERPLAIN", {NULL}, "nothing|"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *said = converse(&cases[i].has, cases[i].offered, cases[i].challenges);
        assert_string_equal(said, cases[i].said);
    }
}

static void a_long_token_waits_for_the_servers_challenge(void **state)
{
    (void)state;
    g_autofree char *token = g_strnfill(2000, 't');
    static const char *const empty[] = {"", NULL};
    g_autofree char *said = converse(&(Has){.token = token}, "XOAUTH2", empty);
    assert_true(g_str_has_prefix(said, "AUTH XOAUTH2|dXNlcj10aW0BYXV0aD1CZWFyZXIgdHR0"));
    assert_true(strlen(said) > 2600);
}

static void an_identity_goes_in_front_of_the_name(void **state)
{
    (void)state;
    Credentials credentials = make_credentials(&(Has){.password = "pass"});
    g_free(credentials.identity);
    credentials.identity = g_strdup("boss");
    Auth auth;
    char *line = auth_start(&auth, &credentials, "PLAIN");
    assert_string_equal(line, "AUTH PLAIN Ym9zcwB0aW0AcGFzcw==\r\n");
    secret_free(line);
    auth_clear(&auth);
    credentials_clear(&credentials);
}

static void what_is_secret_is_masked_in_every_form(void **state)
{
    (void)state;
    static const struct {
        const char *text, *masked;
    } cases[] = {
        {"", ""},
        {"no such user tim", "no such user tim"},
        {"tanstaaf", "***"},
        {"<tanstaaf><tanstaaf>", "<***><***>"},
        {"was dGFuc3RhYWY=", "was ***"},
        {"you said AHRpbQB0YW5zdGFhZg== to me", "you said *** to me"},
        {"cut at the end: tanst", "cut at the end: ***"},
        {"cut at the end: tanst...", "cut at the end: ***..."},
        {"tan is short", "tan is short"},
        {"c0re and t0ken-t0ken", "*** and ***"},
    };
    Credentials credentials =
        make_credentials(&(Has){.password = "tanstaaf", .secret = "c0re", .token = "t0ken-t0ken"});
    Auth auth;
    g_free(credentials.token);
    credentials.token = g_strdup("");
    secret_free(auth_start(&auth, &credentials, "PLAIN"));
    g_free(credentials.token);
    credentials.token = g_strdup("t0ken-t0ken");
    g_autoptr(GPtrArray) secrets = auth_secrets(&auth, &credentials);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        char text[100];
        g_strlcpy(text, cases[i].text, sizeof text);
        mask_list(text, secrets);
        assert_string_equal(text, cases[i].masked);
    }
    auth_clear(&auth);
    credentials_clear(&credentials);
}

static void mechanisms_are_gathered_from_both_spellings(void **state)
{
    (void)state;
    static const struct {
        const char *lines[3], *mechanisms;
    } cases[] = {
        {{"AUTH PLAIN LOGIN"}, "PLAIN LOGIN"},
        {{"auth plain"}, "plain"},
        {{"AUTH=LOGIN PLAIN"}, "LOGIN PLAIN"},
        {{"AUTH PLAIN LOGIN", "AUTH=PLAIN LOGIN"}, "PLAIN LOGIN"},
        {{"AUTH=LOGIN", "AUTH XOAUTH2"}, "LOGIN XOAUTH2"},
        {{"AUTHOR PLAIN"}, ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Capabilities capabilities = {0};
        for (size_t line = 0; line < 3 && cases[i].lines[line] != NULL; line++) {
            capabilities_add(&capabilities, cases[i].lines[line], strlen(cases[i].lines[line]));
        }
        assert_string_equal(capabilities.mechanisms, cases[i].mechanisms);
        assert_int_equal(capabilities.auth, *cases[i].mechanisms != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_mechanism_in_common_is_used_as_its_rfc_says),
        cmocka_unit_test(a_long_token_waits_for_the_servers_challenge),
        cmocka_unit_test(an_identity_goes_in_front_of_the_name),
        cmocka_unit_test(what_is_secret_is_masked_in_every_form),
        cmocka_unit_test(mechanisms_are_gathered_from_both_spellings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
