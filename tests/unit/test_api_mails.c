/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <semaphore.h>
#include <string.h>

#include "bridge/api/mails.h"
#include "bridge/api/mails_print.h"
#include "bridge/queue_print.h"

static const int64_t START = 1700000000000;

typedef struct {
    Config config;
    Outbox *outbox;
    sem_t done;
    Mail **mails;
    HttpAnswer answer;
} Bench;

static int64_t bench_now(void *who)
{
    (void)who;
    return START;
}

static double no_random(void *who)
{
    (void)who;
    return 0;
}

static int set_up(void **state)
{
    Bench *bench = g_new0(Bench, 1);
    const OutboxClock clock = {bench_now, no_random, NULL};
    bench->config.limits = (LimitsConfig){.queue_mails = 3, .queue_bytes = 1 << 20};
    bench->config.limits.history_mails = 1000;
    bench->config.delivery = (DeliveryConfig){.retry_min_ms = 60000,
                                              .retry_max_ms = 60000,
                                              .give_up_ms = 3600000,
                                              .history_ms = 3600000};
    bench->outbox = outbox_open("memory:", DAMAGE_STOPS, &bench->config, NULL, NULL, NULL);
    assert_non_null(bench->outbox);
    outbox_set_clock(bench->outbox, &clock);
    assert_true(outbox_start(bench->outbox, NULL));
    sem_init(&bench->done, 0, 0);
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    Bench *bench = *state;
    outbox_stop(bench->outbox);
    outbox_join(bench->outbox);
    outbox_free(bench->outbox);
    g_free(bench);
    return 0;
}

static void wait_done(Bench *bench)
{
    while (sem_wait(&bench->done) != 0) {
    }
}

static void on_commit(void *who, OutboxResult result, Change *change)
{
    assert_int_equal(result, OUTBOX_OK);
    change_clear(change);
    sem_post(&((Bench *)who)->done);
}

static void on_claim(void *who, OutboxResult result, Mail **mails, size_t n, int64_t next)
{
    (void)next;
    assert_int_equal(result, OUTBOX_OK);
    assert_int_equal(n, 1);
    ((Bench *)who)->mails = mails;
    sem_post(&((Bench *)who)->done);
}

static void on_answer(void *who, const HttpAnswer *answer)
{
    ((Bench *)who)->answer = *answer;
    sem_post(&((Bench *)who)->done);
}

static void set_text(char **text, const char *value)
{
    g_free(*text);
    *text = g_strdup(value);
}

static void commit(Bench *bench, Change *change)
{
    outbox_commit(bench->outbox, change, on_commit, bench);
    wait_done(bench);
}

static void accept(Bench *bench, const char *name, const char *recipient)
{
    Mail *mail = mail_new();
    Change change = {.mails = g_new(Mail *, 1), .n_mails = 1};
    change.mails[0] = mail;
    mail_add_recipient(mail, recipient);
    mail_add_recipient(mail, "dba@example.org");
    set_text(&mail->message_id, name);
    set_text(&mail->receiver, "team");
    set_text(&mail->relay, "r");
    set_text(&mail->sender, "alerts@example.org");
    set_text(&mail->subject, "Disk \"full\"");
    mail->accepted_ms = START - 90000;
    mail->bytes = g_strdup("Subject: Disk\r\n  \"full\"\r\nTo: ops@example.org\r\n\r\nIt is.\r\n");
    mail->length = strlen(mail->bytes);
    commit(bench, &change);
}

static void attempt(Bench *bench, OutcomeKind first, const char *text)
{
    Outcome outcomes[2] = {0};
    outbox_claim(bench->outbox, "r", 1, on_claim, bench);
    wait_done(bench);
    outcome_set(&outcomes[0], first, first == OUTCOME_DELIVERED ? 250 : 450, "", "mx:25", text);
    outcome_set(&outcomes[1], OUTCOME_DELIVERED, 250, "2.0.0", "mx:25", "Ok: queued as 4XQz");
    outbox_report(bench->outbox, bench->mails[0], outcomes);
    g_free(bench->mails);
    outcome_clear(&outcomes[0]);
    outcome_clear(&outcomes[1]);
}

static void ask(Bench *bench, HttpMethod method, const char *path, const char *arguments,
                unsigned code, const char *expected)
{
    g_autoptr(GHashTable) table =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_auto(GStrv) words = g_strsplit(arguments, "&", -1);
    for (char **word = words; *word != NULL; word++) {
        char *equals = strchr(*word, '=');
        g_hash_table_replace(table, g_strndup(*word, (gsize)(equals - *word)),
                             g_strdup(equals + 1));
    }
    const MailsRequest request = {method, path, table, START};
    memset(&bench->answer, 0x5a, sizeof bench->answer);
    mails_answer(bench->outbox, &request, on_answer, bench);
    wait_done(bench);
    assert_string_equal(bench->answer.body->str, expected);
    assert_int_equal(bench->answer.code, code);
    g_string_free(bench->answer.body, TRUE);
}

#define MAIL(number, id, state, changed, next)                                          \
    "{\"number\":" number ",\"id\":\"" id "\",\"state\":\"" state                       \
    "\",\"accepted\":\"2023-11-14T22:11:50.000Z\",\"changed\":\"" changed               \
    "\",\"next_attempt\":" next ",\"receiver\":\"team\",\"integration\":0,"             \
    "\"relay\":\"r\",\"group\":\"\",\"sender\":\"alerts@example.org\","                 \
    "\"subject\":\"Disk \\\"full\\\"\",\"size\":56,\"recipients_total\":2,\"recipients\":["
#define UNTRIED(address)                                                                \
    "{\"address\":\"" address "\",\"state\":\"queued\",\"attempts\":0,\"in_doubt\":false," \
    "\"deferred_until\":null}"
#define OUTCOME(kind, code, enhanced, text)                                             \
    "\"at\":\"2023-11-14T22:13:20.000Z\",\"outcome\":\"" kind "\",\"code\":" code       \
    ",\"enhanced\":\"" enhanced "\",\"relay\":\"mx:25\",\"text\":\"" text "\""
#define LATER  OUTCOME("deferred", "450", "", "try later")
#define QUEUED OUTCOME("delivered", "250", "2.0.0", "Ok: queued as 4XQz") ",\"queue_id\":\"4XQz\""
#define NOW    "2023-11-14T22:13:20.000Z"

static void a_list_says_of_each_mail_what_an_operator_needs(void **state)
{
    Bench *bench = *state;
    accept(bench, "one@x", "ops@example.org");
    accept(bench, "two@x", "ops@example.org");
    ask(bench, HTTP_GET, MAILS_PATH, "limit=1", 200,
        "{\"mails\":[" MAIL("2", "two@x", "queued", NOW, "\"2023-11-14T22:11:50.000Z\"")
            UNTRIED("ops@example.org") "," UNTRIED("dba@example.org") "]}],\"next\":\"2\"}\n");
    ask(bench, HTTP_GET, MAILS_PATH, "limit=5&cursor=2", 200,
        "{\"mails\":[" MAIL("1", "one@x", "queued", NOW, "\"2023-11-14T22:11:50.000Z\"")
            UNTRIED("ops@example.org") "," UNTRIED("dba@example.org") "]}],\"next\":null}\n");
    static const char *const none = "{\"mails\":[],\"next\":null}\n";
    ask(bench, HTTP_GET, MAILS_PATH, "state=dead,claimed", 200, none);
    ask(bench, HTTP_GET, MAILS_PATH, "receiver=tea", 200, none);
    ask(bench, HTTP_GET, MAILS_PATH, "recipient=nobody", 200, none);
    ask(bench, HTTP_GET, MAILS_PATH, "older_than=91s", 200, none);
    ask(bench, HTTP_GET, MAILS_PATH, "newer_than=89s", 200, none);
}

static void one_mail_is_told_with_its_attempts_and_headers(void **state)
{
    Bench *bench = *state;
    accept(bench, "one@x", "ops@example.org");
    attempt(bench, OUTCOME_DEFERRED, "try later");
    ask(bench, HTTP_GET, MAILS_PATH "/one@x", "", 200,
        MAIL("1", "one@x", "deferred", NOW, "\"2023-11-14T22:14:20.000Z\"")
        "{\"address\":\"ops@example.org\",\"state\":\"queued\",\"attempts\":1,\"in_doubt\":false,"
        "\"deferred_until\":\"2023-11-14T22:14:20.000Z\",\"last\":{" LATER "}},"
        "{\"address\":\"dba@example.org\",\"state\":\"delivered\",\"attempts\":1,"
        "\"in_doubt\":false,\"deferred_until\":null,\"last\":{" QUEUED "}}],"
        "\"attempts\":[{\"recipient\":\"ops@example.org\"," LATER "},"
        "{\"recipient\":\"dba@example.org\"," QUEUED "}],"
        "\"headers\":[{\"name\":\"Subject\",\"value\":\"Disk  \\\"full\\\"\"},"
        "{\"name\":\"To\",\"value\":\"ops@example.org\"}]}\n");
    ask(bench, HTTP_GET, MAILS_PATH "/1/eml", "", 200,
        "Subject: Disk\r\n  \"full\"\r\nTo: ops@example.org\r\n\r\nIt is.\r\n");
    assert_string_equal(bench->answer.content_type, "message/rfc822");
}

static void changes_are_answered_by_what_came_of_them(void **state)
{
    Bench *bench = *state;
    static const char *const queued = "{\"result\":\"queued\"}\n";
    accept(bench, "one@x", "ops@example.org");
    ask(bench, HTTP_POST, MAILS_PATH "/one@x/retry", "", 200, queued);
    attempt(bench, OUTCOME_DELIVERED, "OK id=1abcDE-0001-00");
    ask(bench, HTTP_POST, MAILS_PATH "/one@x/retry", "", 409,
        "{\"error\":\"the mail was delivered before\"}\n");
    accept(bench, "two@x", "ops@example.org");
    outbox_claim(bench->outbox, "r", 1, on_claim, bench);
    wait_done(bench);
    ask(bench, HTTP_DELETE, MAILS_PATH "/2", "", 409,
        "{\"error\":\"the mail is at a mail server at this moment, or was when the daemon "
        "ended: its start sees to it\"}\n");
    const Outcome outcomes[2] = {{.kind = OUTCOME_UNTRIED}, {.kind = OUTCOME_UNTRIED}};
    outbox_report(bench->outbox, bench->mails[0], outcomes);
    g_free(bench->mails);
    ask(bench, HTTP_DELETE, MAILS_PATH "/2", "", 200, "{\"result\":\"dropped\"}\n");
    ask(bench, HTTP_POST, MAILS_PATH "/2/retry", "", 409,
        "{\"error\":\"the mail was dropped before\"}\n");
    ask(bench, HTTP_GET, MAILS_PATH "/2/eml", "", 404,
        "{\"error\":\"the mail was dropped: only its record is left\"}\n");
}

static void a_storage_that_has_ended_is_busy(void **state)
{
    Bench *bench = *state;
    outbox_stop(bench->outbox);
    outbox_join(bench->outbox);
    static const char *const busy = "{\"error\":\"the storage fails\"}\n";
    ask(bench, HTTP_GET, MAILS_PATH, "", 503, busy);
    ask(bench, HTTP_GET, MAILS_PATH "/1", "", 503, busy);
    ask(bench, HTTP_POST, MAILS_PATH "/1/retry", "", 503, busy);
    assert_int_equal(bench->answer.retry_after_s, 5);
}

static void the_name_a_server_gave_a_mail_is_found_in_its_words(void **state)
{
    (void)state;
    static const struct {
        const char *words, *name;
    } table[] = {
        {"Ok: queued as 4XQz2k1", "4XQz2k1"},
        {"2.0.0 Ok: queued as ABC; thanks", "ABC"},
        {"OK id=1rTx3y-000-1Z", "1rTx3y-000-1Z"},
        {"2.0.0 4AB1 Message accepted for delivery", "4AB1"},
        {"4AB1 Message accepted for delivery", "4AB1"},
        {"queued as ", NULL},
        {" Message accepted for delivery", NULL},
        {"Ok", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autofree char *name = queue_id_of(table[i].words);
        assert_string_equal(name != NULL ? name : "(none)",
                            table[i].name != NULL ? table[i].name : "(none)");
    }
}

static void print_table(const char *text, GString *out)
{
    g_autoptr(Json) json = json_parse(text, strlen(text), &JSON_LIMITS_DEFAULT, NULL);
    g_autoptr(GPtrArray) mails = g_ptr_array_new();
    assert_non_null(json);
    for (const Json *mail = json_first(json); mail != NULL; mail = json_next(mail)) {
        g_ptr_array_add(mails, (void *)(uintptr_t)mail);
    }
    queue_print_list(mails, NULL, START, out);
}

static void a_table_lines_up_and_nothing_in_it_moves_the_cursor(void **state)
{
    (void)state;
    g_autoptr(GString) out = g_string_new("");
    print_table("[{\"number\":12,\"accepted\":\"2023-11-14T22:11:50Z\",\"state\":\"dead\","
                "\"receiver\":\"tüam\",\"subject\":\"a\\u001b[2Jb\",\"recipients_total\":3,"
                "\"recipients\":[{\"address\":\"ok@x\",\"state\":\"delivered\"},"
                "{\"address\":\"bad@x\",\"state\":\"refused\",\"last\":{\"code\":550,"
                "\"enhanced\":\"5.1.1\",\"text\":\"no\\r\\nsuch user\"}}]},"
                "{\"number\":3,\"accepted\":\"2023-11-11T21:13:20Z\",\"state\":\"queued\","
                "\"receiver\":\"t\",\"subject\":\"s\",\"recipients_total\":1,"
                "\"recipients\":[{\"address\":\"ops@example.org\",\"state\":\"queued\"}]}]",
                out);
    assert_string_equal(
        out->str, "NUMBER  AGE    STATE   RECEIVER  RECIPIENT        SUBJECT  LAST\n"
                  "12      1m30s  dead    tüam      bad@x +2         a [2Jb   550 5.1.1 no such user\n"
                  "3       3d1h   queued  t         ops@example.org  s\n"
                  "2 mails\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_list_says_of_each_mail_what_an_operator_needs),
        TEST(one_mail_is_told_with_its_attempts_and_headers),
        TEST(changes_are_answered_by_what_came_of_them),
        TEST(a_storage_that_has_ended_is_busy),
        cmocka_unit_test(the_name_a_server_gave_a_mail_is_found_in_its_words),
        cmocka_unit_test(a_table_lines_up_and_nothing_in_it_moves_the_cursor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
