/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "bridge/crypto.h"
#include "rules/fault.h"

static void the_digest_is_sha256(void **state)
{
    (void)state;
    guint8 digest[CRYPTO_SHA256_SIZE];
    static const guint8 abc[] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea,
                                 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
                                 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c,
                                 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    crypto_sha256("abc", 3, digest);
    assert_memory_equal(digest, abc, sizeof abc);
}

static void only_the_same_secret_is_equal(void **state)
{
    (void)state;
    assert_true(crypto_equal("secret", 6, "secret", 6));
    assert_true(crypto_equal("", 0, "", 0));
    assert_false(crypto_equal("secret", 6, "secreT", 6));
    assert_false(crypto_equal("secret", 6, "secret ", 7));
    assert_false(crypto_equal("secret", 6, "", 0));
    assert_true(crypto_equal("a\0b", 3, "a\0b", 3));
    assert_false(crypto_equal("a\0b", 3, "a\0c", 3));
}

/* RFC 2202 and RFC 4231, test case 2. */
static void a_keyed_digest_is_that_of_the_rfcs(void **state)
{
    (void)state;
    static const char *const digests[] = {
        [CRYPTO_SHA1] = "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
        [CRYPTO_SHA224] = "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44",
        [CRYPTO_SHA256] = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        [CRYPTO_SHA384] = "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
                          "8e2240ca5e69e2c78b3239ecfab21649",
        [CRYPTO_SHA512] = "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
                          "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
    };
    const CryptoPart parts[] = {{"what do ya ", 11}, {"", 0}, {"want for nothing?", 17}};
    for (size_t i = 0; i < G_N_ELEMENTS(digests); i++) {
        guint8 digest[CRYPTO_HMAC_MAX];
        size_t length = crypto_hmac((CryptoHash)i, "Jefe", 4, parts, 3, digest);
        assert_int_equal(length, strlen(digests[i]) / 2);
        for (size_t j = 0; j < length; j++) {
            g_autofree char *hex = g_strdup_printf("%02x", digest[j]);
            assert_memory_equal(hex, digests[i] + 2 * j, 2);
        }
    }
}

static void random_bytes_do_not_repeat(void **state)
{
    (void)state;
    guint8 a[32] = {0}, b[32] = {0};
    assert_true(crypto_random(a, sizeof a));
    assert_true(crypto_random(b, sizeof b));
    assert_memory_not_equal(a, b, sizeof a);
}

/* Every other kind of key is refused by its name in tests/flow/test_dkim.py. */
static void what_is_no_key_is_an_error_and_asks_nobody(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"", "no private key in PEM form"},
        {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
         "no private key in PEM form"},
        {"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
         "the key is encrypted"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        assert_null(crypto_key_parse(rows[i][0], &error));
        assert_true(g_error_matches(error, FAULT, FAULT_INPUT));
        assert_string_equal(error->message, rows[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_digest_is_sha256),
        cmocka_unit_test(only_the_same_secret_is_equal),
        cmocka_unit_test(a_keyed_digest_is_that_of_the_rfcs),
        cmocka_unit_test(random_bytes_do_not_repeat),
        cmocka_unit_test(what_is_no_key_is_an_error_and_asks_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
