/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "bridge/conversation.h"

/* What a conversation prints, a line each. */
typedef struct {
    Conversation *conversation;
    GString *seen;
} Listener;

static void take(void *who, const char *line)
{
    g_string_append_printf(((Listener *)who)->seen, "%s\n", line);
}

static void begin(Listener *listener)
{
    listener->seen = g_string_new(NULL);
    listener->conversation = conversation_new(take, listener);
}

static void end(Listener *listener)
{
    conversation_free(listener->conversation);
    g_string_free(listener->seen, TRUE);
}

static void hear(Listener *listener, char side, const char *bytes)
{
    WireSide from = side == 'C' ? WIRE_CLIENT : side == 'S' ? WIRE_SERVER : WIRE_NOTE;
    conversation_add(listener->conversation, from, bytes, strlen(bytes));
}

/* Each "C bytes" or "S bytes"; NULL-terminated. */
static void check(const char *const *script, const char *want)
{
    Listener listener;
    begin(&listener);
    for (; *script != NULL; script++) {
        hear(&listener, (*script)[0], *script + 2);
    }
    assert_string_equal(listener.seen->str, want);
    end(&listener);
}

static void lines_are_whole_however_they_come(void **state)
{
    (void)state;
    static const char *const script[] = {"S 22", "S 0 hel", "* Trying\n", "S lo\r\n250", "C EH",
                                         "S  x\r\n", "C LO a\r\nNOOP\r\nnever ended", NULL};
    check(script, "*  Trying\nS: 220 hello\nS: 250 x\nC: EHLO a\nC: NOOP\n");
}

static void nothing_said_while_authenticating_is_shown(void **state)
{
    (void)state;
    static const struct {
        const char *script[12], *want;
    } rows[] = {
        {{"C AUTH PLAIN AGEAcGFzc3dvcmQ=\r\n", "S 235 ok\r\n", "C MAIL FROM:<a@x>\r\n"},
         "C: AUTH PLAIN ***\nS: 235 ok\nC: MAIL FROM:<a@x>\n"},
        {{"C auth plain AGEAcGFzc3dvcmQ=\r\n", "S 535 no\r\n", "C AUTH LOGIN\r\n",
          "S 334 VXNlcm5hbWU6\r\n", "C YWxlcnRz\r\n", "S 334 UGFzc3dvcmQ6\r\n",
          "C cGFzc3dvcmQ=\r\n", "S 235 2.7.0 ok\r\n", "C DATA\r\n"},
         "C: auth plain ***\nS: 535 no\nC: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: ***\n"
         "S: 334 UGFzc3dvcmQ6\nC: ***\nS: 235 2.7.0 ok\nC: DATA\n"},
        {{"C AUTH XOAUTH2 dXNlcj1hAWF1dGg9QmVhcmVyIHQBAQ==\r\n", "S 334 eyJzdGF0dXMiOiI0MDAifQ==\r\n",
          "C \r\n", "S 535 no\r\n", "C QUIT\r\n"},
         "C: AUTH XOAUTH2 ***\nS: 334 eyJzdGF0dXMiOiI0MDAifQ==\nC: \nS: 535 no\nC: QUIT\n"},
        {{"C AUTH CRAM-MD5\r\n", "S 334 PDEyMz4=\r\n", "C dSAwMTIz\r\nstill secret\r\n",
          "S 334-more\r\n", "C *\r\n", "S 501 x\r\n", "C NOOP\r\n"},
         "C: AUTH CRAM-MD5\nS: 334 PDEyMz4=\nC: ***\nC: ***\nS: 334-more\nC: *\nS: 501 x\n"
         "C: NOOP\n"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        check(rows[i].script, rows[i].want);
    }
}

static void a_secret_that_the_server_repeats_stays_one(void **state)
{
    (void)state;
    static const char *const script[] = {
        "C AUTH PLAIN AGEAcGFzc3dvcmQ=\r\n",
        "S 501 5.5.2 what is 'AUTH PLAIN AGEAcGFzc3dvcmQ='? or cGFzc3dvcmQ= or password\r\n",
        "* sent password\n", NULL};
    Listener listener;
    begin(&listener);
    conversation_hide(listener.conversation, "password");
    conversation_hide(listener.conversation, "of");
    for (size_t i = 0; script[i] != NULL; i++) {
        hear(&listener, script[i][0], script[i] + 2);
    }
    assert_string_equal(listener.seen->str, "C: AUTH PLAIN ***\n"
                                            "S: 501 5.5.2 what is 'AUTH PLAIN ***'? or *** or ***\n"
                                            "*  sent ***\n");
    end(&listener);
}

static void a_mail_is_its_headers_and_the_size_of_the_rest(void **state)
{
    (void)state;
    static const struct {
        const char *script[12], *want;
    } rows[] = {
        {{"C RCPT TO:<a@x>\r\nDATA\r\n", "S 250 ok\r\n", "S 354 go\r\n",
          "C Subject: s\r\n\r\nAUTH PLAIN x\r\nDATA\r\n..\r\n", "C .\r\nQUIT\r\n", "S 250 ok\r\n"},
         "C: RCPT TO:<a@x>\nC: DATA\nS: 250 ok\nS: 354 go\nC: Subject: s\nC: \n"
         "C: [lines: 3, bytes: 24]\nC: .\nC: QUIT\nS: 250 ok\n"},
        {{"C DATA\r\n", "S 554 no\r\n", "C RSET\r\n", "S 354 nobody asked\r\n", "C NOOP\r\n"},
         "C: DATA\nS: 554 no\nC: RSET\nS: 354 nobody asked\nC: NOOP\n"},
        {{"C DATA\r\n", "S 354 go\r\n", "C .\r\n"}, "C: DATA\nS: 354 go\nC: .\n"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        check(rows[i].script, rows[i].want);
    }
}

static void what_a_server_sends_cannot_move_the_cursor(void **state)
{
    (void)state;
    static const char *const script[] = {"S 250 \x1b[2J\x07\rS: 250 \xff\xc2\x9b tab\there\r\n",
                                         NULL};
    check(script, "S: 250  [2J  S: 250 \uFFFD  tab here\n");
}

static void lines_without_end_are_cut(void **state)
{
    (void)state;
    Listener listener;
    begin(&listener);
    g_autofree char *line = g_strnfill(100000, 'x');
    hear(&listener, 'S', line);
    hear(&listener, 'S', "\r\n");
    assert_int_equal(listener.seen->len, CONVERSATION_LINE_MAX - 1 + strlen("…\n"));
    g_string_truncate(listener.seen, 0);
    hear(&listener, 'C', "DATA\r\n");
    hear(&listener, 'S', "354\r\n");
    for (int i = 0; i < 1000; i++) {
        hear(&listener, 'C', "X: y\r\n");
    }
    hear(&listener, 'C', ".\r\n");
    assert_true(g_str_has_suffix(listener.seen->str, "X: y\nC: [lines: 960, bytes: 5760]\nC: .\n"));
    end(&listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_whole_however_they_come),
        cmocka_unit_test(nothing_said_while_authenticating_is_shown),
        cmocka_unit_test(a_secret_that_the_server_repeats_stays_one),
        cmocka_unit_test(a_mail_is_its_headers_and_the_size_of_the_rest),
        cmocka_unit_test(what_a_server_sends_cannot_move_the_cursor),
        cmocka_unit_test(lines_without_end_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
