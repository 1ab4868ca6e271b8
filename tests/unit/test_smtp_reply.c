/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <string.h>

#include "bridge/delivery/address.h"
#include "bridge/delivery/smtp/capabilities.h"
#include "bridge/delivery/smtp/reply.h"
#include "bridge/delivery/smtp/verdict.h"

typedef struct {
    const char *bytes;
    int code;
    const char *enhanced, *text;
    const char *rest;
} Good;

static const Good good[] = {
    {"250 ok\r\n", 250, "", "ok", ""},
    {"250\r\n", 250, "", "", ""},
    {"250 \r\n", 250, "", "", ""},
    {"250 ok\n", 250, "", "ok", ""},
    {"250 2.1.5 ok\r\n", 250, "2.1.5", "ok", ""},
    {"550 5.1.1\r\n", 550, "5.1.1", "", ""},
    {"550 5.7.509 no\r\n", 550, "5.7.509", "no", ""},
    {"550 4.1.1 of another class\r\n", 550, "", "4.1.1 of another class", ""},
    {"550 5.1.1234 too many digits\r\n", 550, "", "5.1.1234 too many digits", ""},
    {"550 5.1.1no blank\r\n", 550, "", "5.1.1no blank", ""},
    {"354 3.0.0 go\r\n", 354, "3.0.0", "go", ""},
    {"550-5.7.1 first\r\n550-5.7.1 second\r\n550 5.7.1 last\r\n", 550, "5.7.1",
     "first second last", ""},
    {"550-first\r\n550 5.7.1 last\r\n", 550, "5.7.1", "first last", ""},
    {"250-a\r\n550 the last line's code counts\r\n", 550, "", "a the last line's code counts", ""},
    {"250-\r\n250-b\r\n250 \r\n", 250, "", "b", ""},
    {"250 one\r\n250 two\r\n", 250, "", "one", "250 two\r\n"},
    {"250 bell\a tab\t del\177 r\rest\r\n", 250, "", "bell  tab  del  r est", ""},
    {"599 gr\xc3\xbc\xc3\x9f\r\n", 599, "", "gr\xc3\xbc\xc3\x9f", ""},
};

static ReplyStatus feed_in_pieces(ReplyParser *parser, const char **bytes, size_t *length,
                                  size_t piece)
{
    ReplyStatus status = REPLY_MORE;
    while (*length > 0 && status == REPLY_MORE) {
        size_t some = MIN(piece, *length), left = some;
        const char *at = *bytes;
        status = reply_feed(parser, &at, &left);
        *bytes = at;
        *length -= some - left;
    }
    return status;
}

static void a_reply_is_read_whole_whatever_the_pieces(void **state)
{
    (void)state;
    static const size_t pieces[] = {1, 2, 3, 7, 100000};
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        for (size_t p = 0; p < G_N_ELEMENTS(pieces); p++) {
            ReplyParser parser;
            memset(&parser, 0x5a, sizeof parser);
            reply_init(&parser);
            assert_true(reply_at_start(&parser));
            const char *bytes = good[i].bytes;
            size_t length = strlen(bytes);
            assert_int_equal(feed_in_pieces(&parser, &bytes, &length, pieces[p]), REPLY_COMPLETE);
            assert_int_equal(parser.reply.code, good[i].code);
            assert_string_equal(parser.reply.enhanced, good[i].enhanced);
            assert_string_equal(parser.reply.text, good[i].text);
            assert_int_equal(length, strlen(good[i].rest));
            assert_string_equal(bytes, good[i].rest);
            assert_true(reply_at_start(&parser));
        }
    }
}

static void what_is_not_smtp_is_garbage(void **state)
{
    (void)state;
    static const char *const table[] = {
        "\r\n", "25\r\n", "2x0 ok\r\n", "150 ok\r\n", "650 ok\r\n", "250ok\r\n", "250_ok\r\n",
        "HTTP/1.1 400 Bad Request\r\n", "\x16\x03\x01\n", " 250 ok\r\n", "250-a\r\nb\r\n",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        for (size_t piece = 1; piece < 100; piece += 98) {
            ReplyParser parser;
            reply_init(&parser);
            const char *bytes = table[i];
            size_t length = strlen(bytes);
            assert_int_equal(feed_in_pieces(&parser, &bytes, &length, piece), REPLY_GARBAGE);
        }
    }
}

static ReplyStatus feed_line(size_t text_length, const char *end, size_t piece)
{
    g_autoptr(GString) line = g_string_new("250 ");
    for (size_t i = 4; i < text_length; i++) {
        g_string_append_c(line, 'x');
    }
    g_string_append(line, end);
    ReplyParser parser;
    reply_init(&parser);
    const char *bytes = line->str;
    size_t length = line->len;
    return feed_in_pieces(&parser, &bytes, &length, piece);
}

static void a_line_has_a_ceiling(void **state)
{
    (void)state;
    static const size_t pieces[] = {1, 1000, 100000};
    for (size_t p = 0; p < G_N_ELEMENTS(pieces); p++) {
        assert_int_equal(feed_line(4096, "\r\n", pieces[p]), REPLY_COMPLETE);
        assert_int_equal(feed_line(REPLY_LINE_MAX, "\r\n", pieces[p]), REPLY_COMPLETE);
        assert_int_equal(feed_line(REPLY_LINE_MAX, "\n", pieces[p]), REPLY_COMPLETE);
        assert_int_equal(feed_line(REPLY_LINE_MAX + 1, "\r\n", pieces[p]), REPLY_GARBAGE);
        assert_int_equal(feed_line(REPLY_LINE_MAX + 1, "\n", pieces[p]), REPLY_GARBAGE);
        assert_int_equal(feed_line(REPLY_LINE_MAX * 3, "", pieces[p]), REPLY_GARBAGE);
    }
}

static void a_reply_without_end_has_a_ceiling(void **state)
{
    (void)state;
    static const char line[] = "250-0123456789ab\r\n250-0123456\r\n"; /* 31 bytes */
    ReplyParser parser;
    reply_init(&parser);
    size_t fed = 0;
    ReplyStatus status = REPLY_MORE;
    while (status == REPLY_MORE && fed < REPLY_TOTAL_MAX * 2) {
        const char *bytes = line;
        size_t length = strlen(line);
        status = reply_feed(&parser, &bytes, &length);
        fed += strlen(line) - length;
    }
    assert_int_equal(status, REPLY_GARBAGE);
    assert_in_range(fed, REPLY_TOTAL_MAX + 1, REPLY_TOTAL_MAX + 31);
}

static void a_long_text_is_kept_in_part_and_says_so(void **state)
{
    (void)state;
    for (size_t extra = 0; extra < 2; extra++) {
        g_autoptr(GString) bytes = g_string_new("550 ");
        for (size_t i = 0; i < REPLY_TEXT_MAX + extra; i++) {
            g_string_append_c(bytes, 'x');
        }
        g_string_append(bytes, "\r\n");
        ReplyParser parser;
        reply_init(&parser);
        const char *at = bytes->str;
        size_t length = bytes->len;
        assert_int_equal(reply_feed(&parser, &at, &length), REPLY_COMPLETE);
        assert_int_equal(strlen(parser.reply.text), REPLY_TEXT_MAX);
        assert_int_equal(g_str_has_suffix(parser.reply.text, "x..."), extra == 1);
    }
}

static void capabilities_are_read_in_any_case(void **state)
{
    (void)state;
    static const char *const lines[] = {"pipelining", "Size 10240000", "auth plain LOGIN",
                                        "SMTPutf8\r", "STARTTLS ", "8BITMIME", "X-SIZE 5"};
    Capabilities capabilities = {0};
    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
        capabilities_add(&capabilities, lines[i], strlen(lines[i]));
    }
    assert_true(capabilities.pipelining && capabilities.size && capabilities.smtputf8);
    assert_true(capabilities.starttls && capabilities.auth);
    assert_int_equal(capabilities.size_max, 10240000);
    assert_string_equal(capabilities.mechanisms, "plain LOGIN");
}

static void capabilities_take_no_half_words(void **state)
{
    (void)state;
    static const char *const lines[] = {"PIPELININGS", "PIPE", "SIZES 1", "", "AUTHOR=LOGIN"};
    Capabilities capabilities = {0};
    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
        capabilities_add(&capabilities, lines[i], strlen(lines[i]));
    }
    static const Capabilities none = {0};
    assert_memory_equal(&capabilities, &none, sizeof none);
    capabilities_add(&capabilities, "SIZE", 4);
    assert_true(capabilities.size);
    assert_int_equal(capabilities.size_max, 0);
    capabilities_add(&capabilities, "SIZE -1", 7);
    assert_int_equal(capabilities.size_max, 0);
}

#define A16 "aaaaaaaaaaaaaaaa"
#define A64 A16 A16 A16 A16

static void an_address_cannot_leave_its_brackets(void **state)
{
    (void)state;
    static const struct {
        const char *address, *fault;
    } table[] = {
        {"ops@example.org", NULL},
        {"o'brien+tag=x/y@example.org", NULL},
        {"a..b.@docomo.example", NULL},
        {"\"john <doe> \\\" \"@example.org", NULL},
        {"ops@[192.0.2.1]", NULL},
        {"ops@[IPv6:2001:db8::1]", NULL},
        {"gr\xc3\xbc\xc3\x9f@b\xc3\xbc" "cher.example", NULL},
        {"ops@localhost", NULL},
        {A64 "@example.org", NULL},
        {A64 "a@example.org", "the address is too long"},
        {"a@" A64 A64 A64 A16 A16 A16 "aaaaaaaaaaaa", NULL},
        {"a@" A64 A64 A64 A16 A16 A16 "aaaaaaaaaaaaa", "the address is too long"},
        {"x@y>\r\nRCPT TO:<evil@z", "a control character in the address"},
        {"x@y\n", "a control character in the address"},
        {"x\x7f@y", "a control character in the address"},
        {"\"a\rb\"@y", "a control character in the address"},
        {"x@y> NOTIFY=NEVER", "the domain is not valid"},
        {"x@y z", "the domain is not valid"},
        {"<x@y>", "not of the form local@domain"},
        {"a b@y", "not of the form local@domain"},
        {"@a,@b:c@d", "not of the form local@domain"},
        {"a@b@c", "the domain is not valid"},
        {"ops", "not of the form local@domain"},
        {"", "not of the form local@domain"},
        {"ops@", "the domain is not valid"},
        {"@example.org", "not of the form local@domain"},
        {"\"open@example.org", "not of the form local@domain"},
        {"\"open\\", "not of the form local@domain"},
        {"a@.example", "the domain is not valid"},
        {"a@b..c", "the domain is not valid"},
        {"a@[]", "the domain is not valid"},
        {"a@[1.2.3.4", "the domain is not valid"},
        {"a@[x>]", "the domain is not valid"},
        {"a\xff@b", "the address is not valid UTF-8"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        const char *fault = address_fault(table[i].address);
        if (table[i].fault == NULL) {
            assert_null(fault);
        } else {
            assert_non_null(fault);
            assert_string_equal(fault, table[i].fault);
        }
    }
    assert_true(address_is_international("gr\xc3\xbc\xc3\x9f@example.org"));
    assert_false(address_is_international("ops@example.org"));
}

static void a_verdict_says_whose_fault_it_is(void **state)
{
    (void)state;
    static const struct {
        Verb verb;
        int code;
        const char *enhanced;
        VerdictKind kind;
        RelayFault fault;
    } table[] = {
        {VERB_RSET, 250, "", VERDICT_OK, FAULT_NONE},
        {VERB_RSET, 421, "4.3.0", VERDICT_CLOSING, FAULT_THROTTLE},
        {VERB_RSET, 500, "", VERDICT_SURPRISE, FAULT_NONE},
        {VERB_MAIL, 250, "", VERDICT_OK, FAULT_NONE},
        {VERB_MAIL, 354, "", VERDICT_SURPRISE, FAULT_NONE},
        {VERB_MAIL, 421, "", VERDICT_CLOSING, FAULT_THROTTLE},
        {VERB_MAIL, 432, "4.3.2", VERDICT_RELAY, FAULT_THROTTLE},
        {VERB_MAIL, 450, "4.7.1", VERDICT_RELAY, FAULT_THROTTLE},
        {VERB_MAIL, 451, "4.3.2", VERDICT_RELAY, FAULT_THROTTLE},
        {VERB_MAIL, 452, "4.3.1", VERDICT_DEFER, FAULT_NONE},
        {VERB_MAIL, 454, "", VERDICT_RELAY, FAULT_THROTTLE},
        {VERB_MAIL, 530, "5.7.0", VERDICT_RELAY, FAULT_AUTH},
        {VERB_MAIL, 535, "", VERDICT_RELAY, FAULT_AUTH},
        {VERB_MAIL, 550, "5.7.1", VERDICT_RELAY, FAULT_REFUSED},
        {VERB_MAIL, 553, "5.1.7", VERDICT_REFUSE, FAULT_NONE},
        {VERB_MAIL, 553, "5.1.8", VERDICT_REFUSE, FAULT_NONE},
        {VERB_MAIL, 552, "", VERDICT_REFUSE, FAULT_NONE},
        {VERB_MAIL, 554, "", VERDICT_RELAY, FAULT_REFUSED},
        {VERB_RCPT, 250, "2.1.5", VERDICT_OK, FAULT_NONE},
        {VERB_RCPT, 251, "", VERDICT_OK, FAULT_NONE},
        {VERB_RCPT, 354, "", VERDICT_SURPRISE, FAULT_NONE},
        {VERB_RCPT, 421, "", VERDICT_CLOSING, FAULT_NONE},
        {VERB_RCPT, 450, "4.2.0", VERDICT_DEFER, FAULT_NONE},
        {VERB_RCPT, 451, "4.7.1", VERDICT_DEFER, FAULT_NONE},
        {VERB_RCPT, 452, "", VERDICT_AGAIN, FAULT_NONE},
        {VERB_RCPT, 452, "4.5.3", VERDICT_AGAIN, FAULT_NONE},
        {VERB_RCPT, 452, "4.2.2", VERDICT_DEFER, FAULT_NONE},
        {VERB_RCPT, 552, "5.5.3", VERDICT_AGAIN, FAULT_NONE},
        {VERB_RCPT, 552, "5.2.2", VERDICT_DEFER, FAULT_NONE},
        {VERB_RCPT, 550, "5.1.1", VERDICT_REFUSE, FAULT_NONE},
        {VERB_RCPT, 554, "5.7.1", VERDICT_REFUSE, FAULT_NONE},
        {VERB_DATA, 354, "", VERDICT_OK, FAULT_NONE},
        {VERB_DATA, 250, "", VERDICT_SURPRISE, FAULT_NONE},
        {VERB_DATA, 334, "", VERDICT_SURPRISE, FAULT_NONE},
        {VERB_DATA, 451, "", VERDICT_DEFER, FAULT_NONE},
        {VERB_DATA, 554, "5.5.1", VERDICT_REFUSE, FAULT_NONE},
        {VERB_DOT, 250, "2.0.0", VERDICT_OK, FAULT_NONE},
        {VERB_DOT, 252, "", VERDICT_OK, FAULT_NONE},
        {VERB_DOT, 354, "", VERDICT_SURPRISE, FAULT_NONE},
        {VERB_DOT, 421, "", VERDICT_CLOSING, FAULT_NONE},
        {VERB_DOT, 432, "", VERDICT_RELAY, FAULT_THROTTLE},
        {VERB_DOT, 451, "4.7.1", VERDICT_DEFER, FAULT_NONE},
        {VERB_DOT, 454, "", VERDICT_RELAY, FAULT_THROTTLE},
        {VERB_DOT, 552, "5.3.4", VERDICT_REFUSE, FAULT_NONE},
        {VERB_DOT, 554, "5.7.1", VERDICT_REFUSE, FAULT_NONE},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        Reply reply = {.code = table[i].code};
        g_strlcpy(reply.enhanced, table[i].enhanced, sizeof reply.enhanced);
        Verdict verdict = verdict_of(table[i].verb, &reply);
        if (verdict.kind != table[i].kind || verdict.fault != table[i].fault) {
            fail_msg("%s %d %s: %d %d", verb_text(table[i].verb), table[i].code,
                     table[i].enhanced, verdict.kind, verdict.fault);
        }
    }
}

static void a_refusal_of_us_is_told_from_one_of_the_recipient(void **state)
{
    (void)state;
    assert_true(verdict_is_policy(&(Reply){.code = 550, .enhanced = "5.7.1"}));
    assert_true(verdict_is_policy(&(Reply){.code = 554, .enhanced = "5.7.64"}));
    assert_true(verdict_is_policy(&(Reply){.code = 530}));
    assert_false(verdict_is_policy(&(Reply){.code = 550, .enhanced = "5.1.1"}));
    assert_false(verdict_is_policy(&(Reply){.code = 550, .enhanced = "5.17.1"}));
    assert_false(verdict_is_policy(&(Reply){.code = 451, .enhanced = "4.7.1"}));
    assert_false(verdict_is_policy(&(Reply){.code = 550}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reply_is_read_whole_whatever_the_pieces),
        cmocka_unit_test(what_is_not_smtp_is_garbage),
        cmocka_unit_test(a_line_has_a_ceiling),
        cmocka_unit_test(a_reply_without_end_has_a_ceiling),
        cmocka_unit_test(a_long_text_is_kept_in_part_and_says_so),
        cmocka_unit_test(capabilities_are_read_in_any_case),
        cmocka_unit_test(capabilities_take_no_half_words),
        cmocka_unit_test(an_address_cannot_leave_its_brackets),
        cmocka_unit_test(a_verdict_says_whose_fault_it_is),
        cmocka_unit_test(a_refusal_of_us_is_told_from_one_of_the_recipient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
