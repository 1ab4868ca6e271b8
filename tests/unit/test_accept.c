/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/accept.h"
#include "rules/dedup.h"

#define MINUTE ((int64_t)60 * 1000)
#define HOUR   (60 * MINUTE)
static const int64_t START = 1795446880000;

static const char BASE[] =
    "global: {smtp_from: 'Alerts <alerts@example.org>', smtp_smarthost: 'maildir:out'}\n";

typedef struct {
    AcceptResume *resume;
    void *step;
} Resumption;

/* Accept with a real outbox in memory.  Steps that accept schedules run on the test's
 * thread; mails are taken by the claimer if `takes`, else they stay queued. */
typedef struct {
    Config *config;
    Outbox *outbox;
    Metrics *metrics;
    Accept accept;
    bool takes;

    pthread_mutex_t lock; /* guards, up to the next blank line: */
    pthread_cond_t changed;
    GQueue *scheduled;    /* Resumption */
    GPtrArray *mails;     /* Mail *, as claimed */
    bool ended;
    AcceptStatus status;
    GString *said;        /* "receiver=queued receiver=suppressed:reason …" or the reason */

    void (*meddle)(void *bench); /* before the next step that is resumed */
    const char *key;             /* of the record it writes */
} Bench;

static _Thread_local int64_t clock_ms;

static int64_t bench_clock(void)
{
    return clock_ms;
}

static void schedule(void *scheduler, AcceptResume *resume, void *step)
{
    Bench *bench = scheduler;
    Resumption *later = g_new(Resumption, 1);
    *later = (Resumption){resume, step};
    pthread_mutex_lock(&bench->lock);
    g_queue_push_tail(bench->scheduled, later);
    pthread_cond_broadcast(&bench->changed);
    pthread_mutex_unlock(&bench->lock);
}

static bool wants(void *who, Mail *mail)
{
    (void)mail;
    return ((Bench *)who)->takes;
}

static void set(char **text, const char *value)
{
    g_free(*text);
    *text = g_strdup(value);
}

static Mail *copy_of(const Mail *mail)
{
    Mail *copy = mail_new();
    set(&copy->message_id, mail->message_id);
    set(&copy->sender, mail->sender);
    set(&copy->receiver, mail->receiver);
    set(&copy->relay, mail->relay);
    set(&copy->group, mail->group);
    set(&copy->subject, mail->subject);
    copy->bytes = g_strdup(mail->bytes);
    copy->integration = mail->integration;
    copy->accepted_ms = mail->accepted_ms;
    for (unsigned i = 0; i < mail->n_recipients; i++) {
        mail_add_recipient(copy, mail->recipients[i].address);
    }
    return copy;
}

/* Every mail that leaves is delivered at once. */
static void claimed(void *who, Mail *take_mail)
{
    Bench *bench = who;
    pthread_mutex_lock(&bench->lock);
    g_ptr_array_add(bench->mails, copy_of(take_mail));
    pthread_mutex_unlock(&bench->lock);
    g_autofree Outcome *outcomes = g_new0(Outcome, take_mail->n_recipients);
    for (unsigned i = 0; i < take_mail->n_recipients; i++) {
        outcome_set(&outcomes[i], OUTCOME_DELIVERED, 250, "", "", "");
    }
    unsigned n = take_mail->n_recipients;
    outbox_report(bench->outbox, take_mail, outcomes);
    for (unsigned i = 0; i < n; i++) {
        outcome_clear(&outcomes[i]);
    }
}

static void unclaimed(void *who, const Mail *mail)
{
    (void)who, (void)mail;
}

static void due(void *who, const char *relay, int64_t due_ms)
{
    (void)who, (void)relay, (void)due_ms;
}

static void free_mail(gpointer mail)
{
    mail_free(mail);
}

static const OutboxClaimer claimer = {wants, claimed, unclaimed, due};

static Config *config_of(const char *yaml)
{
    g_autofree char *text = g_strconcat(BASE, yaml, NULL);
    g_autoptr(GError) error = NULL;
    Config *config = config_parse("test.yml", text, strlen(text), CONFIG_STRICT, &error);
    if (config == NULL) {
        fail_msg("%s", error->message);
    }
    return config;
}

static Bench *bench_new(const char *yaml)
{
    Bench *bench = g_new0(Bench, 1);
    bench->config = config_of(yaml);
    bench->metrics = metrics_new();
    bench->takes = true;
    pthread_mutex_init(&bench->lock, NULL);
    pthread_cond_init(&bench->changed, NULL);
    bench->scheduled = g_queue_new();
    bench->mails = g_ptr_array_new_with_free_func(free_mail);
    bench->said = g_string_new(NULL);
    bench->outbox = outbox_open("memory:", DAMAGE_MOVES, bench->config, NULL, bench->metrics, NULL);
    assert_non_null(bench->outbox);
    outbox_set_claimer(bench->outbox, &claimer, bench);
    assert_true(outbox_start(bench->outbox, NULL));
    bench->accept = (Accept){.outbox = bench->outbox, .metrics = bench->metrics,
                             .schedule = schedule, .scheduler = bench,
                             .clock = bench_clock};
    return bench;
}

static void bench_free(Bench *bench)
{
    outbox_stop(bench->outbox);
    outbox_join(bench->outbox);
    outbox_free(bench->outbox);
    g_ptr_array_unref(bench->mails);
    g_queue_free(bench->scheduled);
    g_string_free(bench->said, TRUE);
    metrics_free(bench->metrics);
    config_unref(bench->config);
    pthread_cond_destroy(&bench->changed);
    pthread_mutex_destroy(&bench->lock);
    g_free(bench);
}

static void note_end(void *who, AcceptStatus status, const char *reason,
                     const AcceptResult *results, size_t n)
{
    static const char *const kinds[] = {"queued", "suppressed:", "ignored:"};
    Bench *bench = who;
    pthread_mutex_lock(&bench->lock);
    bench->status = status;
    g_string_assign(bench->said, reason);
    for (size_t i = 0; i < n; i++) {
        const AcceptResult *result = &results[i];
        g_string_append_printf(bench->said, "%s%s=%s%s", i > 0 ? " " : "", result->receiver,
                               kinds[result->kind],
                               result->kind == ACCEPT_QUEUED ? "" : result->text);
    }
    bench->ended = true;
    pthread_cond_broadcast(&bench->changed);
    pthread_mutex_unlock(&bench->lock);
}

/* Does what a worker would until the step has ended. */
static void pump(Bench *bench)
{
    pthread_mutex_lock(&bench->lock);
    while (!bench->ended) {
        Resumption *later = g_queue_pop_head(bench->scheduled);
        if (later == NULL) {
            pthread_cond_wait(&bench->changed, &bench->lock);
            continue;
        }
        pthread_mutex_unlock(&bench->lock);
        if (bench->meddle != NULL) {
            bench->meddle(bench);
        }
        later->resume(later->step);
        g_free(later);
        pthread_mutex_lock(&bench->lock);
    }
    bench->ended = false;
    pthread_mutex_unlock(&bench->lock);
}

/* An event of alerts like "+A team=db host=a"; startsAt is START. */
static Event *event_of(const char *const *alerts)
{
    Event *event = event_new();
    event->source = "alertmanager";
    event->group_key = "{}:{}";
    event->n_alerts = g_strv_length((char **)(void *)(guintptr)alerts);
    event->alerts = arena_array(event->arena, Alert, event->n_alerts);
    for (size_t i = 0; i < event->n_alerts; i++) {
        g_auto(GStrv) words = g_strsplit(alerts[i] + 1, " ", -1);
        Label *labels = arena_array(event->arena, Label, g_strv_length(words));
        labels[0] = (Label){"alertname", arena_strdup(event->arena, words[0])};
        unsigned n = 1;
        for (char **word = words + 1; *word != NULL; word++) {
            char *name = arena_strdup(event->arena, *word), *value = strchr(name, '=');
            *value++ = '\0';
            labels[n++] = (Label){name, value};
        }
        event->alerts[i] = (Alert){
            .status = alerts[i][0] == '+' ? ALERT_FIRING : ALERT_RESOLVED,
            .labels = labels_make(labels, n),
            .starts_at = timestamp_from_ms(START - MINUTE),
            .ends_at = TIMESTAMP_ZERO, .generator_url = "", .silence_url = "",
            .dashboard_url = "", .panel_url = "", .value_string = ""};
        event->alerts[i].fingerprint = labels_fingerprint(&event->alerts[i].labels);
    }
    event_summarize(event);
    return event;
}

static void post(Bench *bench, int64_t at_ms, Event *take_event, const char *want)
{
    clock_ms = START + at_ms;
    accept_event(&bench->accept, bench->config, take_event, note_end, bench);
    pump(bench);
    assert_string_equal(bench->said->str, want);
}

#define ALERTS(...) event_of((const char *const[]){__VA_ARGS__, NULL})

static const Mail *mail_at(Bench *bench, unsigned index)
{
    assert_true(index < bench->mails->len);
    return bench->mails->pdata[index];
}

static void assert_has(const Mail *mail, const char *text)
{
    if (strstr(mail->bytes, text) == NULL) {
        fail_msg("no \"%s\" in\n%s", text, mail->bytes);
    }
}

static const char SIMPLE[] =
    "route: {receiver: ops}\n"
    "receivers:\n"
    "- name: ops\n"
    "  email_configs:\n"
    "  - to: ops@example.org\n"
    "    send_resolved: true\n"
    "    headers: {Subject: '{{ .Status }} {{ len .Alerts }}'}\n"
    "    html: ''\n"
    "    text: '{{ .CommonLabels.host }}'\n";

static void news_are_queued_and_the_rest_is_suppressed(void **state)
{
    (void)state;
    Bench *bench = bench_new(SIMPLE);
    post(bench, 0, ALERTS("+A host=a"), "ops=queued");
    post(bench, 1000, ALERTS("+A host=a"), "ops=suppressed:nothing new since the last mail");
    post(bench, 2000, ALERTS("-A host=a"), "ops=queued");
    post(bench, 3000, ALERTS("+A host=a"),
         "ops=suppressed:late: a newer webhook was there first");
    assert_int_equal(bench->mails->len, 2);
    const Mail *first = mail_at(bench, 0), *second = mail_at(bench, 1);
    assert_string_equal(first->subject, "firing 1");
    assert_string_equal(first->sender, "alerts@example.org");
    assert_string_equal(first->recipients[0].address, "ops@example.org");
    assert_string_equal(first->receiver, "ops");
    assert_string_equal(first->relay, bench->config->relays[0].key);
    assert_string_equal(first->group, second->group);
    assert_int_equal(first->accepted_ms, START);
    assert_has(first, "\r\nX-Alertpost-Receiver: ops\r\nX-Alertpost-Status: firing\r\n");
    assert_has(first, "\r\n\r\na\r\n");
    g_autofree char *reference =
        g_strdup_printf("\r\nReferences: <%s>\r\n", first->message_id);
    assert_null(strstr(first->bytes, "References"));
    assert_has(second, reference);
    assert_true(metrics_get(bench->metrics, METRIC_NOTIFICATIONS, "ops", "queued") == 2);
    assert_true(metrics_get(bench->metrics, METRIC_NOTIFICATIONS_SUPPRESSED, "late", NULL) == 1);
    bench_free(bench);
}

static void suppressed_and_unchanged_costs_no_commit(void **state)
{
    (void)state;
    Bench *bench = bench_new(SIMPLE);
    bench->takes = false; /* an attempt would be a commit, too */
    post(bench, 0, ALERTS("+A host=a", "+B host=a"), "ops=queued");
    double commits = metrics_get(bench->metrics, METRIC_STORE_COMMITS, NULL, NULL);
    post(bench, 1000, ALERTS("+B host=a", "+A host=a"),
         "ops=suppressed:nothing new since the last mail");
    assert_true(metrics_get(bench->metrics, METRIC_STORE_COMMITS, NULL, NULL) == commits);
    post(bench, 2000, ALERTS("+B host=a"), "ops=suppressed:nothing new since the last mail");
    assert_true(metrics_get(bench->metrics, METRIC_STORE_COMMITS, NULL, NULL) > commits);
    post(bench, 3000, ALERTS("+A host=a", "+B host=a"), "ops=queued");
    bench_free(bench);
}

static void every_alert_takes_its_own_way(void **state)
{
    (void)state;
    Bench *bench = bench_new(
        "route:\n"
        "  receiver: all\n"
        "  routes:\n"
        "  - {receiver: db, matchers: [team=db], continue: true}\n"
        "  - {receiver: db, matchers: [host=a]}\n"
        "  - {receiver: none, matchers: [team=quiet]}\n"
        "receivers:\n"
        "- name: all\n"
        "  email_configs: [{to: all@example.org, html: '', text: 'all {{ .CommonLabels }}'}]\n"
        "- name: none\n"
        "- name: db\n"
        "  email_configs:\n"
        "  - {to: db@example.org, html: '', text: 'db {{ len .Alerts }} {{ .CommonLabels }}'}\n"
        "  - {to: log@example.org, html: '', text: 'log {{ .Receiver }}'}\n");
    post(bench, 0,
         ALERTS("+A team=db host=a", "+A team=db host=b", "+A team=web host=a",
                "+A team=web host=b", "+A team=quiet host=c"),
         "db=queued db=queued all=queued none=ignored:the receiver has no email_configs");
    assert_int_equal(bench->mails->len, 3);
    assert_has(mail_at(bench, 0), "\r\ndb 3 alertname=3DA\r\n");
    assert_has(mail_at(bench, 1), "\r\nlog db\r\n");
    assert_has(mail_at(bench, 2), "\r\nall alertname=3DA, host=3Db, team=3Dweb\r\n");
    assert_int_equal(mail_at(bench, 1)->integration, 1);
    bench_free(bench);
}

static void only_resolved_alerts_of_others_are_silent_by_default(void **state)
{
    (void)state;
    Bench *bench = bench_new(
        "route: {receiver: ops}\n"
        "receivers:\n"
        "- name: ops\n"
        "  email_configs:\n"
        "  - {to: a@example.org, html: '', text: '{{ .Status }} {{ len .Alerts }} {{ .CommonLabels.host }}'}\n");
    post(bench, 0, ALERTS("+A host=a", "-A host=b"), "ops=queued");
    assert_has(mail_at(bench, 0), "\r\nfiring 1 a\r\n");
    post(bench, 1000, ALERTS("-A host=a", "-A host=b"),
         "ops=suppressed:resolved, and send_resolved is off");
    assert_int_equal(bench->mails->len, 1);
    bench_free(bench);
}

static void matchers_see_the_source_and_the_senders_receiver(void **state)
{
    (void)state;
    Bench *bench = bench_new(
        "route:\n"
        "  receiver: ops\n"
        "  routes: [{receiver: hook, matchers: [__source__=alertmanager, '__receiver__=\"a.b\"']}]\n"
        "receivers:\n"
        "- {name: ops, email_configs: [{to: a@example.org}]}\n"
        "- {name: hook, email_configs: [{to: b@example.org, html: '', text: '{{ .CommonLabels }}'}]}\n");
    Event *event = ALERTS("+A x=1");
    event->sender_receiver = "a.b";
    post(bench, 0, event, "hook=queued");
    assert_has(mail_at(bench, 0), "\r\nalertname=3DA, x=3D1\r\n");
    bench_free(bench);
}

static void a_failing_template_still_tells_of_the_alerts(void **state)
{
    (void)state;
    Bench *bench = bench_new(
        "route: {receiver: ops}\n"
        "receivers:\n"
        "- name: ops\n"
        "  email_configs:\n"
        "  - {to: ops@example.org, html: '', text: '{{ .Nope }}', headers: {X-Own: x}}\n");
    post(bench, 0, ALERTS("+DiskFull host=a", "+DiskFull host=b"), "ops=queued");
    const Mail *mail = mail_at(bench, 0);
    assert_string_equal(mail->recipients[0].address, "ops@example.org");
    assert_has(mail, "can't evaluate field Nope");
    assert_has(mail, "\r\nFiring: 2\r\nResolved: 0\r\n");
    assert_has(mail, "\r\n1. FIRING\r\n   since 2026-11-23 ");
    assert_has(mail, "\r\n   host: b\r\n");
    assert_null(strstr(mail->bytes, "X-Own"));
    assert_true(metrics_get(bench->metrics, METRIC_TEMPLATE_ERRORS, "ops", "text") == 1);
    bench_free(bench);
}

typedef struct {
    const char *email, *delivery;
    const char *recipients; /* "a@x b@x", a dead one in brackets */
    const char *text;       /* in the mail */
} FallbackRow;

static const FallbackRow fallback_rows[] = {
    {"to: '{{ .Nope }}'", "postmaster: pm@example.org", "pm@example.org", "field Nope"},
    {"to: '{{ .Nope }}', cc: cc@example.org", "postmaster: pm@example.org",
     "pm@example.org cc@example.org", "field Nope"},
    {"to: '{{ .Nope }}', cc: cc@example.org", "connections: 1", "cc@example.org",
     "field Nope"},
    {"to: '{{ .Nope }}'", "connections: 1", "[]", "field Nope"},
    {"to: '{{ .CommonLabels.nobody }}'", "postmaster: pm@example.org", "pm@example.org",
     "no valid recipient\r\n"},
    {"to: '{{ .CommonLabels.host }}'", "postmaster: pm@example.org", "pm@example.org",
     "no valid recipient: to: a: no domain\r\n"},
    {"to: '{{ .CommonLabels.host }}'", "connections: 1", "[a]",
     "no valid recipient: to: a: no domain\r\n"},
    {"to: '{{ .CommonLabels.host }}, b@example.org'", "connections: 1", "b@example.org",
     "\r\nTo: b@example.org\r\n"},
    {"to: a@evil.org, allowed_domains: [example.org]", "postmaster: pm@example.net",
     "pm@example.net", "its domain is not in allowed_domains"},
    {"to: a@example.org, from: '{{ .CommonLabels.host }}'", "postmaster: pm@example.org",
     "a@example.org", "\r\nFrom: pm@example.org\r\n"},
    {"to: a@example.org, from: '{{ .CommonLabels.host }}'", "connections: 1",
     "a@example.org", "\r\nFrom: alertpost@localhost\r\n"},
    {"to: a@example.org, max_size: 1KiB, text: '{{ printf \"%2000s\" \"x\" }}'",
     "connections: 1", "a@example.org", "bytes, 1024 are allowed\r\n"},
};

static char *recipients_of(const Mail *mail)
{
    GString *out = g_string_new(NULL);
    for (unsigned i = 0; i < mail->n_recipients; i++) {
        bool dead = mail->recipients[i].state == RECIPIENT_DEAD;
        g_string_append_printf(out, dead ? "%s[%s]" : "%s%s", i > 0 ? " " : "",
                               mail->recipients[i].address);
    }
    return g_string_free(out, FALSE);
}

static void what_cannot_be_mailed_as_configured_finds_somebody(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(fallback_rows); i++) {
        const FallbackRow *row = &fallback_rows[i];
        g_autofree char *yaml = g_strdup_printf(
            "delivery: {%s}\nroute: {receiver: ops}\nreceivers:\n"
            "- {name: ops, email_configs: [{%s, html: ''}]}\n", row->delivery, row->email);
        Bench *bench = bench_new(yaml);
        bench->takes = strchr(row->recipients, '[') == NULL;
        post(bench, 0, ALERTS("+A host=a"), "ops=queued");
        if (bench->takes) {
            g_autofree char *recipients = recipients_of(mail_at(bench, 0));
            assert_string_equal(recipients, row->recipients);
            assert_has(mail_at(bench, 0), row->text);
        } else {
            OutboxStats stats;
            outbox_stats(bench->outbox, &stats);
            assert_int_equal(stats.dead, 1);
        }
        bench_free(bench);
    }
}

static void a_full_queue_keeps_nothing_and_says_so(void **state)
{
    (void)state;
    g_autofree char *yaml = g_strconcat("limits: {queue_mails: 1}\n", SIMPLE, NULL);
    Bench *bench = bench_new(yaml);
    bench->takes = false;
    post(bench, 0, ALERTS("+A host=a"), "ops=queued");
    post(bench, 1000, ALERTS("+A host=a", "+B host=a"), "the queue is full");
    assert_int_equal(bench->status, ACCEPT_BUSY);
    bench_free(bench);
}

static void a_storage_that_fails_is_said_too(void **state)
{
    (void)state;
    Bench *bench = bench_new(SIMPLE);
    outbox_stop(bench->outbox);
    outbox_join(bench->outbox);
    post(bench, 0, ALERTS("+A host=a"), "the storage fails");
    assert_int_equal(bench->status, ACCEPT_BUSY);
    bench_free(bench);
}

/* A call of the outbox, waited for. */
typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
    uint64_t version;
} Wait;

typedef struct {
    Wait wait;
    Bench *bench;
} Delivery;

static void end_wait(Wait *wait)
{
    pthread_mutex_lock(&wait->lock);
    wait->done = true;
    pthread_cond_signal(&wait->changed);
    pthread_mutex_unlock(&wait->lock);
}

static void wait_for(Wait *wait)
{
    pthread_mutex_lock(&wait->lock);
    while (!wait->done) {
        pthread_cond_wait(&wait->changed, &wait->lock);
    }
    wait->done = false;
    pthread_mutex_unlock(&wait->lock);
}

static void written(void *who, OutboxResult result, Change *change)
{
    assert_int_equal(result, OUTBOX_OK);
    change_clear(change);
    g_free(change);
    end_wait(who);
}

static void version_read(void *who, OutboxResult result, Record *records, size_t n)
{
    assert_true(result == OUTBOX_OK && n == 1);
    ((Wait *)who)->version = records[0].version;
    record_clear(&records[0]);
    g_free(records);
    end_wait(who);
}

static void deliver(void *who, OutboxResult result, Mail **mails, size_t n, int64_t next_due_ms)
{
    (void)next_due_ms;
    assert_int_equal(result, OUTBOX_OK);
    for (size_t i = 0; i < n; i++) {
        claimed(((Delivery *)who)->bench, mails[i]);
    }
    g_free(mails);
    end_wait(&((Delivery *)who)->wait);
}

static void deliver_queued(Bench *bench)
{
    Delivery delivery = {{PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0}, bench};
    outbox_claim(bench->outbox, bench->config->relays[0].key, 10, deliver, &delivery);
    wait_for(&delivery.wait);
}

/* Writes KEY as another process would. */
static void write_record(Bench *bench, const char *key, guint8 *take_value, size_t length)
{
    Wait wait = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0};
    outbox_read(bench->outbox, &key, 1, version_read, &wait);
    wait_for(&wait);
    Change *change = g_new0(Change, 1);
    change->records = g_new0(Record, 1);
    change->n_records = 1;
    change->records[0] = (Record){.key = g_strdup(key), .value = take_value,
                                  .length = length, .version = wait.version};
    outbox_commit(bench->outbox, change, written, &wait);
    wait_for(&wait);
}

/* Another process has taken the same webhook meanwhile. */
static void overtake(void *data)
{
    Bench *bench = data;
    bench->meddle = NULL;
    g_autoptr(Event) event = ALERTS("+A host=a");
    DedupSettings settings = {.window_ms = 5 * MINUTE, .repeat_interval_ms = HOUR};
    DedupInput input = {.webhook = dedup_webhook(event), .now_ms = START};
    DedupDecision decision;
    dedup_decide(NULL, event, &settings, &input, &decision);
    size_t length;
    guint8 *value = dedup_encode(decision.state, &length);
    dedup_decision_clear(&decision);
    write_record(bench, bench->key, value, length);
}

static void a_conflict_is_decided_anew(void **state)
{
    (void)state;
    Bench *first = bench_new(SIMPLE), *bench = bench_new(SIMPLE);
    post(first, 0, ALERTS("+A host=a"), "ops=queued");
    bench->key = mail_at(first, 0)->group;
    /* Of a key that was written once the storage has to be asked. */
    write_record(bench, bench->key, (guint8 *)g_strdup("x"), 1);
    write_record(bench, bench->key, NULL, 0);
    bench->meddle = overtake;
    post(bench, 0, ALERTS("+A host=a"), "ops=suppressed:nothing new since the last mail");
    assert_int_equal(bench->mails->len, 0);
    assert_null(bench->meddle);
    bench_free(bench);
    bench_free(first);
}

static void a_repetition_waits_for_the_mail_it_repeats(void **state)
{
    (void)state;
    Bench *bench = bench_new(SIMPLE);
    bench->takes = false;
    post(bench, 0, ALERTS("+A host=a"), "ops=queued");
    post(bench, 6 * MINUTE, ALERTS("+A host=a"),
         "ops=suppressed:repeated while the last mail is queued");
    deliver_queued(bench);
    post(bench, 7 * MINUTE, ALERTS("+A host=a"), "ops=queued");
    post(bench, 20 * MINUTE, ALERTS("+A host=a"),
         "ops=suppressed:repeated while the last mail is queued");
    assert_int_equal(bench->mails->len, 1);
    bench_free(bench);
}

static void a_broken_state_counts_as_none(void **state)
{
    (void)state;
    Bench *bench = bench_new(SIMPLE);
    post(bench, 0, ALERTS("+A host=a"), "ops=queued");
    write_record(bench, mail_at(bench, 0)->group, g_memdup2("abc", 3), 3);
    post(bench, 1000, ALERTS("+A host=a"), "ops=queued");
    post(bench, 2000, ALERTS("+A host=a"), "ops=suppressed:nothing new since the last mail");
    bench_free(bench);
}

static void groups_sources_and_receivers_are_apart(void **state)
{
    (void)state;
    Bench *bench = bench_new(SIMPLE);
    post(bench, 0, ALERTS("+A host=a"), "ops=queued");
    Event *other = ALERTS("+A host=a");
    other->group_key = "{}:{host=\"a\"}";
    post(bench, 1000, other, "ops=queued");
    other = ALERTS("+A host=a");
    other->source = "grafana";
    post(bench, 2000, other, "ops=queued");
    assert_string_not_equal(mail_at(bench, 0)->group, mail_at(bench, 1)->group);
    assert_string_not_equal(mail_at(bench, 0)->group, mail_at(bench, 2)->group);
    bench_free(bench);
}

static void threading_as_alertmanager_has_it_wins(void **state)
{
    (void)state;
    g_autofree char *yaml =
        g_strconcat(SIMPLE, "    threading: {enabled: true, thread_by_date: daily}\n", NULL);
    Bench *bench = bench_new(yaml);
    post(bench, 0, ALERTS("+A host=a"), "ops=queued");
    /* sha256 of {}:{} */
    assert_has(mail_at(bench, 0),
               "\r\nReferences: <alert-cc9772a1ec901d26-2026-11-23@alertmanager>\r\n");
    bench_free(bench);
    g_autofree char *off = g_strconcat(SIMPLE, "    threading: {enabled: false}\n", NULL);
    bench = bench_new(off);
    post(bench, 0, ALERTS("+A host=a"), "ops=queued");
    post(bench, 1000, ALERTS("-A host=a"), "ops=queued");
    assert_null(strstr(mail_at(bench, 1)->bytes, "References"));
    bench_free(bench);
}

static void a_regular_expression_at_its_limit_is_no_match_and_counted(void **state)
{
    (void)state;
    Bench *bench = bench_new(
        "route:\n"
        "  receiver: ops\n"
        "  routes: [{receiver: slow, matchers: ['host=~\"(a+)+b\"']}]\n"
        "receivers:\n"
        "- {name: ops, email_configs: [{to: a@example.org}]}\n"
        "- {name: slow, email_configs: [{to: b@example.org}]}\n");
    post(bench, 0, ALERTS("+A host=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!b"), "ops=queued");
    assert_true(metrics_get(bench->metrics, METRIC_REGEXP_LIMITS, NULL, NULL) == 1);
    bench_free(bench);
}

static void an_event_without_alerts_ends_at_once(void **state)
{
    (void)state;
    Bench *bench = bench_new(SIMPLE);
    Event *empty = event_new();
    empty->source = "alertmanager";
    post(bench, 0, empty, "");
    assert_int_equal(bench->status, ACCEPT_OK);
    bench_free(bench);
}

static void labels_of_the_route_are_rendered(void **state)
{
    (void)state;
    Bench *bench = bench_new(
        "route: {receiver: ops, labels: {where: 'at {{ .CommonLabels.host }}'}}\n"
        "receivers:\n"
        "- name: ops\n"
        "  email_configs: [{to: a@example.org, html: '', text: '{{ .RouteLabels.where }}'}]\n");
    post(bench, 0, ALERTS("+A host=a"), "ops=queued");
    assert_has(mail_at(bench, 0), "\r\nat a\r\n");
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(news_are_queued_and_the_rest_is_suppressed),
        cmocka_unit_test(suppressed_and_unchanged_costs_no_commit),
        cmocka_unit_test(every_alert_takes_its_own_way),
        cmocka_unit_test(only_resolved_alerts_of_others_are_silent_by_default),
        cmocka_unit_test(matchers_see_the_source_and_the_senders_receiver),
        cmocka_unit_test(a_failing_template_still_tells_of_the_alerts),
        cmocka_unit_test(what_cannot_be_mailed_as_configured_finds_somebody),
        cmocka_unit_test(a_full_queue_keeps_nothing_and_says_so),
        cmocka_unit_test(a_storage_that_fails_is_said_too),
        cmocka_unit_test(a_conflict_is_decided_anew),
        cmocka_unit_test(a_repetition_waits_for_the_mail_it_repeats),
        cmocka_unit_test(a_broken_state_counts_as_none),
        cmocka_unit_test(groups_sources_and_receivers_are_apart),
        cmocka_unit_test(threading_as_alertmanager_has_it_wins),
        cmocka_unit_test(a_regular_expression_at_its_limit_is_no_match_and_counted),
        cmocka_unit_test(an_event_without_alerts_ends_at_once),
        cmocka_unit_test(labels_of_the_route_are_rendered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
