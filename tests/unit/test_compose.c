/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "bridge/compose/address.h"
#include "bridge/compose/body.h"
#include "bridge/compose/clean.h"
#include "bridge/compose/compose.h"
#include "bridge/compose/header.h"
#include "rules/fault.h"

static Draft draft(void)
{
    return (Draft){.message_id = "id1@example.org", .thread_root = "",
                   .date = {.seconds = 1795446880, .offset_s = 5400},
                   .from = "Alerts <alerts@example.org>", .to = "ops@example.org",
                   .cc = "", .bcc = "", .reply_to = "", .subject = "Disk full",
                   .text = "body\n", .receiver = "", .status = ""};
}

static Composed composed_of(const Draft *from)
{
    Composed composed;
    memset(&composed, 0x5a, sizeof composed);
    GError *error = NULL;
    bool made = compose(from, &composed, &error);
    if (!made) {
        fail_msg("%s", error->message);
    }
    assert_int_equal(strlen(composed.bytes), composed.length);
    return composed;
}

static char *joined(char **texts)
{
    return g_strjoinv("|", texts);
}

static void a_plain_mail_is_these_bytes(void **state)
{
    (void)state;
    Draft plain = draft();
    Composed composed = composed_of(&plain);
    assert_string_equal(composed.bytes,
                        "Date: Mon, 23 Nov 2026 16:44:40 +0130\r\n"
                        "From: Alerts <alerts@example.org>\r\n"
                        "To: ops@example.org\r\n"
                        "Subject: Disk full\r\n"
                        "Message-ID: <id1@example.org>\r\n"
                        "Auto-Submitted: auto-generated\r\n"
                        "X-Auto-Response-Suppress: All\r\n"
                        "MIME-Version: 1.0\r\n"
                        "Content-Type: text/plain; charset=utf-8\r\n"
                        "Content-Transfer-Encoding: quoted-printable\r\n"
                        "\r\n"
                        "body\r\n");
    assert_string_equal(composed.sender, "alerts@example.org");
    assert_string_equal(composed.subject, "Disk full");
    composed_clear(&composed);
}

static void text_and_html_are_alternatives_in_this_order(void **state)
{
    (void)state;
    Draft both = draft();
    both.html = "<p>b=c</p>";
    both.text = "b=c";
    Composed composed = composed_of(&both);
    assert_non_null(strstr(composed.bytes,
                           "Content-Type: multipart/alternative;\r\n"
                           " boundary=\"=_id1\"\r\n"
                           "\r\n"
                           "--=_id1\r\n"
                           "Content-Type: text/plain; charset=utf-8\r\n"
                           "Content-Transfer-Encoding: quoted-printable\r\n"
                           "\r\n"
                           "b=3Dc\r\n"
                           "--=_id1\r\n"
                           "Content-Type: text/html; charset=utf-8\r\n"
                           "Content-Transfer-Encoding: quoted-printable\r\n"
                           "\r\n"
                           "<p>b=3Dc</p>\r\n"
                           "--=_id1--\r\n"));
    composed_clear(&composed);
}

static void html_alone_gets_a_text_made_from_it(void **state)
{
    (void)state;
    Draft html = draft();
    html.text = NULL;
    html.html = "<p>See <a href=\"https://example.org/r\">the runbook</a></p>";
    Composed composed = composed_of(&html);
    assert_non_null(strstr(composed.bytes, "\r\nSee the runbook <https://example.org/r>\r\n"));
    composed_clear(&composed);
}

static void nothing_at_all_is_an_empty_text(void **state)
{
    (void)state;
    Draft empty = draft();
    empty.text = NULL;
    Composed composed = composed_of(&empty);
    assert_true(g_str_has_suffix(composed.bytes, "quoted-printable\r\n\r\n\r\n"));
    composed_clear(&composed);
}

static void a_mail_refers_to_its_threads_root(void **state)
{
    (void)state;
    Draft later = draft();
    later.thread_root = "root@example.org";
    later.receiver = "ops\r\nX-Evil: 1";
    later.status = "firing";
    Composed composed = composed_of(&later);
    assert_non_null(strstr(composed.bytes, "\r\nIn-Reply-To: <root@example.org>\r\n"
                                           "References: <root@example.org>\r\n"));
    assert_non_null(strstr(composed.bytes, "\r\nX-Alertpost-Receiver: ops X-Evil: 1\r\n"
                                           "X-Alertpost-Status: firing\r\n"));
    composed_clear(&composed);
}

typedef struct {
    const char *to, *cc, *bcc;
    const char *envelope, *headers, *problems;
} RecipientRow;

static const RecipientRow recipient_rows[] = {
    {"a@x.org, ,b@x.org", "", "", "a@x.org|b@x.org", "To: a@x.org, b@x.org", ""},
    {"Jürgen <j@x.org>", "", "", "j@x.org", "To: =?utf-8?q?J=C3=BCrgen?= <j@x.org>", ""},
    {"\"Doe, Jo\" <j@x.org>; k@x.org", "", "", "j@x.org|k@x.org",
     "To: \"Doe, Jo\" <j@x.org>, k@x.org", ""},
    {"Team: a@x.org, b@x.org;, c@x.org", "", "", "a@x.org|b@x.org|c@x.org",
     "To: a@x.org, b@x.org, c@x.org", ""},
    {"o@Bücher.Example", "", "", "o@xn--bcher-kva.example",
     "To: o@xn--bcher-kva.example", ""},
    {"a@x.org, A@X.ORG", "a@x.org, c@x.org", "c@x.org, d@x.org", "a@x.org|c@x.org|d@x.org",
     "To: a@x.org\r\nCc: c@x.org", ""},
    {"", "", "b@x.org", "b@x.org", "To: undisclosed-recipients:;", ""},
    {"", "c@x.org", "", "c@x.org", "Cc: c@x.org", ""},
    {"ops", "", "", "", "To: undisclosed-recipients:;", "to: ops: no domain"},
    {"a@x.org, b@x..org", "", "", "a@x.org", "To: a@x.org",
     "to: b@x..org: not an address"},
    {"a@x.org\r\nBcc: e@evil.org", "", "", "", "To: undisclosed-recipients:;",
     "to: a@x.org Bcc: e@evil.org: more than one address without a comma"},
    {"a@x.org>: <e@evil.org>", "", "", "", "To: undisclosed-recipients:;",
     "to: a@x.org>: <e@evil.org>: more than one address without a comma"},
    {"a@x.org e@evil.org", "", "", "", "To: undisclosed-recipients:;",
     "to: a@x.org e@evil.org: more than one address without a comma"},
    {"<script>@x.org", "", "", "", "To: undisclosed-recipients:;",
     "to: <script>@x.org: no domain"},
    {"jürgen@x.org, a@x.org", "", "", "jürgen@x.org|a@x.org", "To: a@x.org", ""},
    {"\"a b\"@x.org", "", "", "\"a b\"@x.org", "To: \"a b\"@x.org", ""},
    {"a@[127.0.0.1]", "", "", "a@[127.0.0.1]", "To: a@[127.0.0.1]", ""},
    {"\"unterminated <a@x.org>, b@x.org", "", "", "a@x.org|b@x.org",
     "To: unterminated <a@x.org>, b@x.org", ""},
};

static void recipients_are_read_checked_and_shown(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(recipient_rows); i++) {
        const RecipientRow *row = &recipient_rows[i];
        Draft addressed = draft();
        addressed.to = row->to;
        addressed.cc = row->cc;
        addressed.bcc = row->bcc;
        Composed composed = composed_of(&addressed);
        g_autofree char *envelope = joined(composed.recipients);
        g_autofree char *problems = joined(composed.problems);
        g_autofree char *headers =
            g_strdup_printf("<alerts@example.org>\r\n%s\r\nSubject:", row->headers);
        assert_string_equal(envelope, row->envelope);
        assert_string_equal(problems, row->problems);
        if (strstr(composed.bytes, headers) == NULL) {
            fail_msg("no \"%s\" in\n%s", headers, composed.bytes);
        }
        composed_clear(&composed);
    }
}

static void recipients_outside_of_allowed_domains_are_refused(void **state)
{
    (void)state;
    static const char *const domains[] = {"x.org", "xn--bcher-kva.example", NULL};
    Draft held = draft();
    held.allowed_domains = domains;
    held.to = "a@X.org, b@sub.x.org, c@bücher.example";
    held.bcc = "d@evil.org";
    Composed composed = composed_of(&held);
    g_autofree char *envelope = joined(composed.recipients);
    g_autofree char *problems = joined(composed.problems);
    assert_string_equal(envelope, "a@x.org|c@xn--bcher-kva.example");
    assert_string_equal(problems,
                        "to: b@sub.x.org: its domain is not in allowed_domains|"
                        "bcc: d@evil.org: its domain is not in allowed_domains");
    composed_clear(&composed);
}

static void more_recipients_than_the_ceiling_are_reported(void **state)
{
    (void)state;
    Draft many = draft();
    many.recipients_max = 2;
    many.to = "a@x.org, b@x.org";
    Composed composed = composed_of(&many);
    assert_int_equal(composed.n_recipients, 2);
    assert_null(composed.problems[0]);
    composed_clear(&composed);
    many.to = "a@x.org, b@x.org, a@x.org, c@x.org";
    composed = composed_of(&many);
    assert_int_equal(composed.n_recipients, 2);
    g_autofree char *problems = joined(composed.problems);
    assert_string_equal(problems,
                        "to: c@x.org: more recipients than limits.recipients allows");
    composed_clear(&composed);
}

static void endless_recipient_lists_are_cut_with_a_word(void **state)
{
    (void)state;
    GString *list = g_string_new(NULL);
    for (int i = 0; i < 10001; i++) {
        g_string_append(list, "nobody,");
    }
    Draft many = draft();
    many.to = list->str;
    many.cc = "ok@x.org";
    Composed composed = composed_of(&many);
    assert_int_equal(composed.n_recipients, 1);
    assert_int_equal(g_strv_length(composed.problems), 21);
    assert_string_equal(composed.problems[20], "and more");
    composed_clear(&composed);
    g_string_free(list, TRUE);
}

/* A list that comes from labels must not fill the log. */
static void not_more_than_twenty_are_named_of_those_left_out(void **state)
{
    (void)state;
    for (int n = 20; n <= 22; n++) {
        g_autoptr(GString) list = g_string_new("kept@x.org");
        for (int i = 0; i < n; i++) {
            g_string_append_printf(list, ",a%d@x.org", i);
        }
        Draft many = draft();
        many.recipients_max = 1;
        many.to = list->str;
        Composed composed = composed_of(&many);
        assert_int_equal(g_strv_length(composed.problems), n == 20 ? 20 : 21);
        assert_string_equal(composed.problems[19],
                            "to: a19@x.org: more recipients than limits.recipients "
                            "allows");
        assert_int_equal(g_strcmp0(composed.problems[20], "and more") == 0, n > 20);
        composed_clear(&composed);
    }
}

typedef struct {
    const char *from, *error; /* or what it becomes */
} FromRow;

static void from_must_be_one_valid_address(void **state)
{
    (void)state;
    static const FromRow rows[] = {
        {"", "from: 0 addresses where one is due"},
        {"a@x.org, b@x.org", "from: 2 addresses where one is due"},
        {"alerts", "from: alerts: no domain"},
        {"Jürgen <jürgen@bücher.example>",
         "from: jürgen@xn--bcher-kva.example: a sender must be ASCII before the @"},
        {"a@x.org>\r\nRCPT TO:<e@evil",
         "from: a@x.org> RCPT TO:<e@evil: more than one address without a comma"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        Draft broken = draft();
        broken.from = rows[i].from;
        Composed composed;
        g_autoptr(GError) error = NULL;
        assert_false(compose(&broken, &composed, &error));
        assert_true(g_error_matches(error, FAULT, FAULT_INPUT));
        assert_string_equal(error->message, rows[i].error);
    }
}

static void a_mail_over_its_size_is_an_error_at_the_edge(void **state)
{
    (void)state;
    Draft sized = draft();
    Composed composed = composed_of(&sized);
    sized.size_max = composed.length;
    composed_clear(&composed);
    composed = composed_of(&sized);
    sized.size_max = composed.length - 1;
    composed_clear(&composed);
    g_autoptr(GError) error = NULL;
    assert_false(compose(&sized, &composed, &error));
    assert_true(g_error_matches(error, FAULT, FAULT_LIMIT));
}

static void a_hostile_name_does_not_spoil_the_senders_address(void **state)
{
    (void)state;
    static const FromRow rows[] = {
        {"Alerts a\r\nBcc: evil@x.net\r\n\r\nbody <a@x.org>",
         "From: \"Alerts a Bcc: evil@x.net  body\" <a@x.org>\r\n"},
        {"Alerts \"'`\\ <b> \"; evil@x.net, \"x <a@x.org>",
         "From: \"Alerts \\\"'`\\\\ <b> \\\"; evil@x.net, \\\"x\" <a@x.org>\r\n"},
        {"x> RCPT TO:<evil@x.net <a@x.org>", "From: \"x> RCPT TO:<evil@x.net\" <a@x.org>\r\n"},
        {"{{ \xff <a@x.org>", "From: =?utf-8?b?e3sg77+9?= <a@x.org>\r\n"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        Draft spoilt = draft();
        spoilt.from = rows[i].from;
        Composed composed = composed_of(&spoilt);
        assert_string_equal(composed.sender, "a@x.org");
        if (strstr(composed.bytes, rows[i].error) == NULL) {
            fail_msg("%s", composed.bytes);
        }
        composed_clear(&composed);
    }
}

typedef struct {
    DraftHeader header;
    const char *line;    /* in the mail, with the ends of its lines */
    const char *not_line;
    const char *problem;
} OwnRow;

static const OwnRow own_rows[] = {
    {{"X-Team", "Über"}, "\r\nX-Team: =?utf-8?b?w5xiZXI=?=\r\n", "Team: Ü", ""},
    {{"To", "Everybody <all@x.org>"}, "\r\nTo: Everybody <all@x.org>\r\n",
     "\r\nTo: ops@", ""},
    {{"to", "nonsense"}, "\r\nTo: ops@example.org\r\n", "nonsense",
     "header to: nonsense: no domain"},
    {{"Sender", "jürgen@x.org"}, "\r\nMIME", "x.org",
     "header Sender: no address that is ASCII before the @"},
    {{"From", "Jürgen <jürgen@x.org>"}, "\r\nFrom: Alerts <alerts@example.org>\r\n", "x.org",
     "header From: no address that is ASCII before the @"},
    {{"Dkim-Signature", "v=1"}, "\r\nMIME", "v=1",
     "header Dkim-Signature: cannot be set here"},
    {{"SUBJECT", "mine"}, "\r\nSUBJECT: mine\r\n", "Disk full", ""},
    {{"Message-Id", "own@x.org"}, "\r\nMessage-Id: <own@x.org>\r\n", "id1", ""},
    {{"References", "<a@x> <b@x>"}, "\r\nReferences: <a@x> <b@x>\r\n", "In-Reply-To", ""},
    {{"Reply-To", "Jürgen <j@x.org>"},
     "\r\nReply-To: =?utf-8?q?J=C3=BCrgen?= <j@x.org>\r\n", "ü", ""},
    {{"X-Auto-Response-Suppress", ""}, "\r\nMIME", "Suppress", ""},
    {{"Bcc", "spy@x.org"}, "\r\nMIME", "spy", "header Bcc: cannot be set here"},
    {{"content-type", "text/evil"}, "\r\nMIME", "evil",
     "header content-type: cannot be set here"},
    {{"X-A: b\r\nX-Evil", "1"}, "\r\nMIME", "Evil", "header ?: not a header name"},
    {{"", "1"}, "\r\nMIME", ": 1\r", "header ?: not a header name"},
    {{"X-A", "1\r\nX-Evil: 1\n\n<script>"}, "\r\nX-A: 1 X-Evil: 1  <script>\r\n",
     "\nX-Evil", ""},
    {{"X-A", "\xff\xfe b\x01"}, "\r\nX-A: =?utf-8?b?77+977+9IGI=?=\r\n", "\xff", ""},
    {{"X-A", "=?utf-8?q?hidden?="}, "\r\nX-A: =?utf-8?b?PT91dGYtOD9xP2hpZGRlbj89?=\r\n",
     "X-A: =?utf-8?q?hidden", ""},
};

static void headers_of_the_user_replace_ours_and_stay_headers(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(own_rows); i++) {
        const OwnRow *row = &own_rows[i];
        Draft own = draft();
        own.thread_root = "root@x";
        own.headers = &row->header;
        own.n_headers = 1;
        Composed composed = composed_of(&own);
        g_autofree char *problems = joined(composed.problems);
        assert_string_equal(problems, row->problem);
        if (strstr(composed.bytes, row->line) == NULL ||
            strstr(composed.bytes, row->not_line) != NULL) {
            fail_msg("%s: %s", row->header.name, composed.bytes);
        }
        composed_clear(&composed);
    }
}

static void no_header_appears_twice(void **state)
{
    (void)state;
    static const DraftHeader twice[] = {{"X-A", "1"}, {"x-a", "2"}};
    Draft own = draft();
    own.headers = twice;
    own.n_headers = 2;
    Composed composed = composed_of(&own);
    assert_non_null(strstr(composed.bytes, "\r\nX-A: 1\r\n"));
    assert_null(strstr(composed.bytes, "x-a"));
    g_autofree char *problems = joined(composed.problems);
    assert_string_equal(problems, "header x-a: given twice");
    composed_clear(&composed);
}

typedef struct {
    const char *value, *want;
} TextRow;

static void long_and_foreign_texts_are_encoded_and_folded(void **state)
{
    (void)state;
    static const TextRow rows[] = {
        {"", ""},
        {" \t\r\n ", ""},
        {" plain ", "Subject: plain\r\n"},
        {"aaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbb cccccccccccccccccccc ddddddddddd",
         "Subject: aaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbb cccccccccccccccccccc\r\n"
         " ddddddddddd\r\n"},
        {"two  blanks", "Subject: two  blanks\r\n"},
        {"[FIRING:1] für  alle", "Subject: [FIRING:1] =?utf-8?q?f=C3=BCr__alle?=\r\n"},
        {"a  ü", "Subject: a =?utf-8?b?IMO8?=\r\n"},
        {"磁盘空间不足，请立即处理这个问题，谢谢大家的配合",
         "Subject: =?utf-8?b?56OB55uY56m66Ze05LiN6Laz77yM6K+356uL5Y2z5aSE55CG6L+Z?=\r\n"
         " =?utf-8?b?5Liq6Zeu6aKY77yM6LCi6LCi5aSn5a6255qE6YWN5ZCI?=\r\n"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GString) out = g_string_new(NULL);
        header_add_text(out, "Subject", rows[i].value);
        assert_string_equal(out->str, rows[i].want);
    }
}

static size_t longest_line(const char *text)
{
    size_t longest = 0;
    while (*text != '\0') {
        size_t length = strcspn(text, "\r\n");
        longest = MAX(longest, length);
        text += length;
        text += strspn(text, "\r\n");
    }
    return longest;
}

static void no_value_is_too_long_for_a_header(void **state)
{
    (void)state;
    static const char *const pieces[] = {"x", "ü", "日", "\xff", "=?", "a ", "\r\n"};
    for (size_t i = 0; i < G_N_ELEMENTS(pieces); i++) {
        GString *value = g_string_new(NULL);
        while (value->len < 1000000) {
            g_string_append(value, pieces[i]);
        }
        g_autoptr(GString) out = g_string_new(NULL);
        header_add_text(out, "Subject", value->str);
        assert_true(out->len < 20000);
        assert_true(longest_line(out->str) <= 76);
        g_string_free(value, TRUE);
    }
}

static void display_names_of_any_kind_stay_names(void **state)
{
    (void)state;
    static const TextRow rows[] = {
        {"Ann O'Nym <a@x>", "To: Ann O'Nym <a@x>\r\n"},
        {"\"a \\\" b, <c@d>\" <a@x>", "To: \"a \\\" b, <c@d>\" <a@x>\r\n"},
        {"=?utf-8?q?J=C3=BC?= <a@x>", "To: =?utf-8?b?SsO8?= <a@x>\r\n"},
        {"\"=?utf-8?q?x?=\" <a@x>", "To: x <a@x>\r\n"},
        {"\"Łukasz, \xff\x01\" <a@x>", "To: =?utf-8?b?xYF1a2Fzeiwg77+9?= <a@x>\r\n"},
        {"a.dot <a@x>", "To: \"a.dot\" <a@x>\r\n"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GPtrArray) addresses = addresses_new();
        g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GString) out = g_string_new(NULL);
        addresses_parse(addresses, problems, "to", rows[i].value);
        assert_int_equal(problems->len, 0);
        assert_true(header_add_addresses(out, "To", addresses));
        assert_string_equal(out->str, rows[i].want);
    }
}

static void addresses_are_held_to_their_lengths(void **state)
{
    (void)state;
    g_autofree char *local = g_strnfill(64, 'a'), *name = g_strnfill(300, 'n');
    g_autofree char *domain = g_strnfill(60, 'd');
    g_autofree char *fits = g_strdup_printf("%s@%s.%s.%s", local, domain, domain, domain);
    g_autofree char *rows[] = {
        g_strdup(fits), g_strdup_printf("a%s", fits),
        g_strdup_printf("%s.example", fits),
        g_strdup_printf("%s.%.7s", fits, "toolong"),
        g_strdup_printf("%s <a@x>", name),
    };
    static const bool good[] = {true, false, false, false, true};
    g_autofree char *longest = g_strdup_printf("%s.%s", fits, "sixsix");
    assert_int_equal(strlen(longest), 254);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GPtrArray) addresses = addresses_new();
        g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
        addresses_parse(addresses, problems, "to", rows[i]);
        assert_int_equal(addresses->len, good[i]);
        assert_int_equal(problems->len, !good[i]);
        if (i > 0) {
            g_free(rows[i]);
        }
    }
    g_autoptr(GPtrArray) addresses = addresses_new();
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    addresses_parse(addresses, problems, "to", longest);
    assert_int_equal(addresses->len, 1);
}

static void bodies_are_clean_lines(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t length;
        const char *want;
    } rows[] = {
        {"a\r\nb\rc\n", 7, "a\nb\nc\n"},
        {"a\0b", 3, "a b"},
        {"\x01\x7f\xc2\x85\xe2\x80\xa8|", 8, "    |"},
        {"\xff\xc3", 2, "\uFFFD\uFFFD"},
        {"a\xe2\x80", 3, "a\uFFFD\uFFFD"},
        {"\xc0\xaf\xed\xa0\x80", 5, "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD"},
        {"\xf4\x90\x80\x80", 4, "\uFFFD\uFFFD\uFFFD\uFFFD"},
        {"日🙂\xe2\x80\xa9", 10, "日🙂 "},
        {"\tTäb…\xe2\x80\xaf", 11, "\tTäb…\xe2\x80\xaf"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GString) out = g_string_new(NULL);
        clean_body(out, rows[i].text, rows[i].length);
        assert_string_equal(out->str, rows[i].want);
    }
}

static void plain_runs_end_at_any_other_byte_wherever_it_stands(void **state)
{
    (void)state;
    for (size_t at = 0; at < 20; at++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            char text[] = " ~abcdef<>0123456789";
            text[at] = (char)byte;
            bool plain = byte >= ' ' && byte <= 0x7F && byte != '=';
            assert_int_equal(clean_run(text, 20, '='), plain ? 20 : at);
            assert_int_equal(clean_run(text, at, '='), at);
        }
    }
}

#define TEN   "abcdefghij"
#define SEVENTY TEN TEN TEN TEN TEN TEN TEN

static void quoted_printable_lines_are_full_and_not_over(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"", ""},
        {"\n\n", "\r\n\r\n"},
        {"no end", "no end"},
        {"a=b\n", "a=3Db\r\n"},
        {"\ta\t\n", "=09a=09\r\n"},
        {" a \n", " a=20\r\n"},
        {"a  ", "a =20"},
        {"cafés\n", "caf=C3=A9s\r\n"},
        {SEVENTY "12345\n", SEVENTY "12345\r\n"},
        {SEVENTY "123456\n", SEVENTY "123456\r\n"},
        {SEVENTY "1234567\n", SEVENTY "12345=\r\n67\r\n"},
        {SEVENTY "123=\n", SEVENTY "123=3D\r\n"},
        {SEVENTY "1234=\n", SEVENTY "1234=\r\n=3D\r\n"},
        {SEVENTY "12=3\n", SEVENTY "12=3D3\r\n"},
        {SEVENTY "123=4\n", SEVENTY "123=\r\n=3D4\r\n"},
        {SEVENTY "123 \n", SEVENTY "123=20\r\n"},
        {SEVENTY "12345 \n", SEVENTY "12345=\r\n=20\r\n"},
        {SEVENTY "1234 5\n", SEVENTY "1234 5\r\n"},
        {SEVENTY "1234 56\n", SEVENTY "1234 =\r\n56\r\n"},
        {SEVENTY SEVENTY TEN "1\n", SEVENTY "abcde=\r\nfghij" SEVENTY "1\r\n"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GString) text = g_string_new(rows[i].text), out = g_string_new(NULL);
        body_add_part(out, "plain", text);
        assert_string_equal(strstr(out->str, "\r\n\r\n") + 4, rows[i].want);
    }
}

static void mostly_foreign_bodies_are_base64(void **state)
{
    (void)state;
    static const struct {
        const char *text, *encoding;
    } rows[] = {{"üab", "base64"}, {"üabcd", "quoted-printable"}, {"", "quoted-printable"},
                {"üüüüüüabcdefghijk", "base64"},
                {"üüüüüüabcdefghijklmnopqrstuvwx", "quoted-printable"}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GString) text = g_string_new(rows[i].text), out = g_string_new(NULL);
        body_add_part(out, "plain", text);
        g_autofree char *want =
            g_strdup_printf("\r\nContent-Transfer-Encoding: %s\r\n", rows[i].encoding);
        assert_non_null(strstr(out->str, want));
    }
    g_autoptr(GString) text = g_string_new("日\n"), out = g_string_new(NULL);
    body_add_part(out, "plain", text);
    assert_true(g_str_has_suffix(out->str, "\r\n\r\n5pelDQo=\r\n"));
}

static void message_ids_are_unique_and_at_the_senders_domain(void **state)
{
    (void)state;
    Draft one = draft(), other = draft();
    one.message_id = other.message_id = NULL;
    one.from = "Älerts <a@Bücher.example>";
    one.html = "x";
    Composed first = composed_of(&one), second = composed_of(&other);
    assert_true(g_str_has_suffix(first.message_id, "@xn--bcher-kva.example"));
    assert_true(g_str_has_suffix(second.message_id, "@example.org"));
    assert_int_equal(strcspn(first.message_id, "@"), 25);
    assert_true(strncmp(first.message_id, second.message_id, 25) != 0);
    g_autofree char *header =
        g_strdup_printf("\r\nMessage-ID: <%s>\r\n", first.message_id);
    g_autofree char *boundary =
        g_strdup_printf("\r\n boundary=\"=_%.25s\"\r\n", first.message_id);
    assert_non_null(strstr(first.bytes, header));
    assert_non_null(strstr(first.bytes, boundary));
    composed_clear(&first);
    composed_clear(&second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_mail_is_these_bytes),
        cmocka_unit_test(text_and_html_are_alternatives_in_this_order),
        cmocka_unit_test(html_alone_gets_a_text_made_from_it),
        cmocka_unit_test(nothing_at_all_is_an_empty_text),
        cmocka_unit_test(a_mail_refers_to_its_threads_root),
        cmocka_unit_test(recipients_are_read_checked_and_shown),
        cmocka_unit_test(recipients_outside_of_allowed_domains_are_refused),
        cmocka_unit_test(more_recipients_than_the_ceiling_are_reported),
        cmocka_unit_test(endless_recipient_lists_are_cut_with_a_word),
        cmocka_unit_test(not_more_than_twenty_are_named_of_those_left_out),
        cmocka_unit_test(from_must_be_one_valid_address),
        cmocka_unit_test(a_hostile_name_does_not_spoil_the_senders_address),
        cmocka_unit_test(a_mail_over_its_size_is_an_error_at_the_edge),
        cmocka_unit_test(headers_of_the_user_replace_ours_and_stay_headers),
        cmocka_unit_test(no_header_appears_twice),
        cmocka_unit_test(long_and_foreign_texts_are_encoded_and_folded),
        cmocka_unit_test(no_value_is_too_long_for_a_header),
        cmocka_unit_test(display_names_of_any_kind_stay_names),
        cmocka_unit_test(addresses_are_held_to_their_lengths),
        cmocka_unit_test(bodies_are_clean_lines),
        cmocka_unit_test(plain_runs_end_at_any_other_byte_wherever_it_stands),
        cmocka_unit_test(quoted_printable_lines_are_full_and_not_over),
        cmocka_unit_test(mostly_foreign_bodies_are_base64),
        cmocka_unit_test(message_ids_are_unique_and_at_the_senders_domain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
