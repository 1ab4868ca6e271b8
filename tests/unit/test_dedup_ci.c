/* SPDX-License-Identifier: MIT */
/* CI is transitions: sequences of runs against the mails that come of them.  Between two
 * runs the state is always stored and read again, as it is over a restart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "rules/dedup.h"
#include "rules/fault.h"

#define START_MS INT64_C(1800000000000)
#define HOUR_MS  INT64_C(3600000)

typedef struct {
    GHashTable *states; /* key -> GBytes */
    int64_t remind_ms;
    bool no_resolved;
    GString *mails; /* a line each */
} Desk;

/* A run that ends is written "12:00 main red 5.1 id=a commit=c": time, key, result, run and
 * attempt ("-": not numbered), the delivery and the commit. */

static const char *word_of(char **words, const char *name)
{
    for (; *words != NULL; words++) {
        if (g_str_has_prefix(*words, name)) {
            return *words + strlen(name);
        }
    }
    return "";
}

static Event *event_of(char **words, int64_t now_ms)
{
    Event *event = event_new();
    event->family = FAMILY_CI;
    event->event_id = arena_strdup(event->arena, word_of(words, "id="));
    if (strcmp(words[3], "-") != 0) {
        char *end;
        event->sequence[0] = strtoull(words[3], &end, 10);
        event->sequence[1] = *end == '.' ? strtoull(end + 1, NULL, 10) : 0;
    }
    Label *commit = arena_array(event->arena, Label, 1);
    *commit = (Label){"commit", arena_strdup(event->arena, word_of(words, "commit="))};
    event->alerts = arena_array(event->arena, Alert, 1);
    event->n_alerts = 1;
    bool red = strcmp(words[2], "red") == 0;
    event->alerts[0] = (Alert){
        .status = red ? ALERT_FIRING : ALERT_RESOLVED,
        .annotations = {commit, *commit->value != '\0' ? 1 : 0},
        .starts_at = timestamp_from_ms(now_ms),
        .ends_at = red ? TIMESTAMP_ZERO : timestamp_from_ms(now_ms),
    };
    event_summarize(event);
    return event;
}

static int64_t minutes(const char *clock)
{
    return strtoll(clock, NULL, 10) * 60 + strtoll(strchr(clock, ':') + 1, NULL, 10);
}

static void write_mail(Desk *desk, const char *clock, const char *key, const Event *event,
                       const DedupDecision *decision)
{
    const Alert *alert = &event->alerts[0];
    const char *commit = labels_get(&alert->annotations, "since_commit");
    g_string_append_printf(
        desk->mails, "%s %s %s:%s since %d:%02d%s%s%s%s\n", clock, key,
        dedup_reason_name(decision->reason), labels_get(&alert->annotations, "streak"),
        (int)((timestamp_ms(alert->starts_at) - START_MS) / HOUR_MS),
        (int)((timestamp_ms(alert->starts_at) - START_MS) % HOUR_MS / 60000),
        commit != NULL ? " " : "", commit != NULL ? commit : "",
        *decision->thread_root != '\0' ? " thread " : "", decision->thread_root);
}

static void store(Desk *desk, const char *key, const DedupState *state)
{
    size_t length;
    guint8 *bytes = dedup_encode(state, &length);
    g_hash_table_replace(desk->states, g_strdup(key), g_bytes_new_take(bytes, length));
}

static DedupState *load(Desk *desk, const char *key)
{
    GBytes *bytes = g_hash_table_lookup(desk->states, key);
    if (bytes == NULL) {
        return NULL;
    }
    gsize length;
    const guint8 *data = g_bytes_get_data(bytes, &length);
    DedupState *state = dedup_decode(data, length, NULL);
    assert_non_null(state);
    return state;
}

static void run_ends(Desk *desk, const char *text)
{
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    int64_t now_ms = START_MS + minutes(words[0]) * 60000;
    g_autoptr(DedupState) old = load(desk, words[1]);
    g_autoptr(Event) event = event_of(words, now_ms);
    DedupSettings settings = {.remind_ms = desk->remind_ms,
                              .send_resolved = !desk->no_resolved};
    DedupInput input = {.now_ms = now_ms, .last_mail_out_of_queue = true};
    DedupDecision decision;
    memset(&decision, 0xAA, sizeof decision);
    dedup_decide(old, event, &settings, &input, &decision);
    if (dedup_reason_sends(decision.reason)) {
        write_mail(desk, words[0], words[1], event, &decision);
        g_autofree char *id = g_strdup_printf("m%s", words[0]);
        dedup_name_mail(&decision, id);
    }
    if (decision.changed) {
        store(desk, words[1], decision.state);
    }
    dedup_decision_clear(&decision);
}

static void desk_init(Desk *desk)
{
    *desk = (Desk){.states = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                                   (GDestroyNotify)g_bytes_unref),
                   .mails = g_string_new(NULL)};
}

static void desk_clear(Desk *desk)
{
    g_hash_table_unref(desk->states);
    g_string_free(desk->mails, TRUE);
}

typedef struct {
    const char *what, *runs, *mails; /* a line each */
    int64_t remind_ms;
    bool no_resolved;
} Story;

static const Story stories[] = {
    {"only the first failure and the first success after it are mailed",
     "0:00 main green 1\n0:10 main red 2 commit=c2\n0:20 main red 3 commit=c3\n"
     "0:30 main green 4\n0:40 main green 5",
     "0:10 main failed:1 since 0:10 c2\n"
     "0:30 main fixed:2 since 0:10 c2 thread m0:10\n", 0, false},
    {"a workflow that is first seen red is mailed, one first seen green is not",
     "0:00 main red 1\n0:00 dev green 1", "0:00 main failed:1 since 0:00\n", 0, false},
    {"fail, fail, and the rerun of the last one is good",
     "0:00 main red 7.1\n1:00 main red 8.1\n1:10 main green 8.2",
     "0:00 main failed:1 since 0:00\n1:10 main fixed:2 since 0:00 thread m0:00\n", 0,
     false},
    {"a rerun of an old run says nothing about now",
     "0:00 main red 7.1\n1:00 main green 8.1\n2:00 main red 7.2",
     "0:00 main failed:1 since 0:00\n1:00 main fixed:1 since 0:00 thread m0:00\n", 0,
     false},
    {"a run that ends late is ignored, red or green",
     "0:00 main red 11\n0:05 main green 10\n0:10 main green 12\n0:15 main red 9",
     "0:00 main failed:1 since 0:00\n0:10 main fixed:1 since 0:00 thread m0:00\n", 0,
     false},
    {"two branches are two workflows",
     "0:00 main red 1\n0:05 dev red 2\n0:10 main green 3\n0:15 dev red 4\n"
     "0:20 dev green 5",
     "0:00 main failed:1 since 0:00\n0:05 dev failed:1 since 0:05\n"
     "0:10 main fixed:1 since 0:00 thread m0:00\n"
     "0:20 dev fixed:2 since 0:05 thread m0:05\n", 0, false},
    {"a fork's main is not ours",
     "0:00 main red 1\n0:05 fork/main green 2\n0:10 main red 3",
     "0:00 main failed:1 since 0:00\n", 0, false},
    {"a delivery that comes again is dropped, whatever happened since",
     "0:00 main red - id=a\n0:01 main red - id=a\n0:10 main green - id=b\n"
     "0:20 main red - id=a\n0:30 main green - id=b",
     "0:00 main failed:1 since 0:00\n0:10 main fixed:1 since 0:00 thread m0:00\n", 0,
     false},
    {"the same run said twice is no longer streak",
     "0:00 main red 5\n0:01 main red 5\n0:10 main green 6",
     "0:00 main failed:1 since 0:00\n0:10 main fixed:1 since 0:00 thread m0:00\n", 0,
     false},
    {"the same run tried again counts",
     "0:00 main red 5\n0:10 main green 5\n0:20 main red 5",
     "0:00 main failed:1 since 0:00\n0:10 main fixed:1 since 0:00 thread m0:00\n"
     "0:20 main failed:1 since 0:20\n", 0, false},
    {"runs without numbers count as they come",
     "0:00 main red -\n0:10 main red -\n0:20 main green -",
     "0:00 main failed:1 since 0:00\n0:20 main fixed:2 since 0:00 thread m0:00\n", 0,
     false},
    {"without send_resolved nobody hears that it is fixed, but the next failure is new",
     "0:00 main red 1\n0:10 main green 2\n0:20 main red 3",
     "0:00 main failed:1 since 0:00\n0:20 main failed:1 since 0:20\n", 0, true},
    {"a reminder comes when the last mail is as old as remind, and says how often",
     "0:00 main red 1\n1:00 main red 2\n5:59 main red 3\n6:00 main red 4\n"
     "11:00 main red 5\n12:30 main red 6\n13:00 main green 7",
     "0:00 main failed:1 since 0:00\n6:00 main reminder:4 since 0:00 thread m0:00\n"
     "12:30 main reminder:6 since 0:00 thread m0:00\n"
     "13:00 main fixed:6 since 0:00 thread m0:00\n",
     6 * HOUR_MS, false},
};

static void tell(Desk *desk, const char *runs)
{
    g_auto(GStrv) lines = g_strsplit(runs, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        run_ends(desk, *line);
    }
}

static void runs_become_the_mails_that_say_something_new(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(stories); i++) {
        Desk desk;
        desk_init(&desk);
        desk.remind_ms = stories[i].remind_ms;
        desk.no_resolved = stories[i].no_resolved;
        tell(&desk, stories[i].runs);
        if (strcmp(desk.mails->str, stories[i].mails) != 0) {
            fail_msg("%s:\n%s", stories[i].what, desk.mails->str);
        }
        desk_clear(&desk);
    }
}

static void be_red_for_a_day(Desk *desk)
{
    for (int hour = 0; hour < 25; hour++) {
        g_autofree char *run = g_strdup_printf("%d:00 main red %d", hour, hour + 1);
        run_ends(desk, run);
    }
}

static void red_every_hour_for_a_day_is_one_mail_and_with_remind_one_more(void **state)
{
    (void)state;
    Desk silent, reminded;
    desk_init(&silent);
    desk_init(&reminded);
    reminded.remind_ms = 24 * HOUR_MS;
    be_red_for_a_day(&silent);
    be_red_for_a_day(&reminded);
    assert_string_equal(silent.mails->str, "0:00 main failed:1 since 0:00\n");
    assert_string_equal(reminded.mails->str,
                        "0:00 main failed:1 since 0:00\n"
                        "24:00 main reminder:25 since 0:00 thread m0:00\n");
    desk_clear(&silent);
    desk_clear(&reminded);
}

static void the_last_16_deliveries_are_remembered(void **state)
{
    (void)state;
    Desk desk;
    desk_init(&desk);
    run_ends(&desk, "0:00 main red - id=first");
    for (int i = 1; i < DEDUP_IDS_MAX; i++) {
        g_autofree char *run = g_strdup_printf("0:%02d main green - id=%d", i, i);
        run_ends(&desk, run);
    }
    run_ends(&desk, "1:00 main red - id=first");
    g_string_truncate(desk.mails, 0);
    run_ends(&desk, "1:01 main green - id=last");
    for (int i = 1; i < DEDUP_IDS_MAX; i++) {
        g_autofree char *run = g_strdup_printf("1:01 main red - id=%d", i);
        run_ends(&desk, run);
    }
    run_ends(&desk, "1:02 main red - id=first");
    assert_string_equal(desk.mails->str, "1:02 main failed:1 since 1:02\n");
    desk_clear(&desk);
}

static void after_90_mails_a_new_thread_begins(void **state)
{
    (void)state;
    Desk desk;
    desk_init(&desk);
    desk.remind_ms = 1;
    for (int i = 0; i < DEDUP_THREAD_MAX; i++) {
        g_autofree char *run = g_strdup_printf("%d:00 main red -", i);
        run_ends(&desk, run);
    }
    g_string_truncate(desk.mails, 0);
    run_ends(&desk, "90:00 main red -");
    run_ends(&desk, "91:00 main red -");
    assert_string_equal(desk.mails->str,
                        "90:00 main reminder:91 since 0:00\n"
                        "91:00 main reminder:92 since 0:00 thread m90:00\n");
    desk_clear(&desk);
}

static void a_clock_that_was_set_back_does_not_silence_reminders(void **state)
{
    (void)state;
    Desk desk;
    desk_init(&desk);
    desk.remind_ms = HOUR_MS;
    tell(&desk, "500:00 main red 1\n1:00 main red 2\n2:00 main red 3");
    assert_string_equal(desk.mails->str,
                        "500:00 main failed:1 since 500:00\n"
                        "2:00 main reminder:3 since 500:00 thread m500:00\n");
    desk_clear(&desk);
}

static DedupState *sample_state(void)
{
    DedupState *state = dedup_state_new();
    state->family = FAMILY_CI;
    state->last_mail_ms = 12;
    state->thread_mails = 3;
    g_free(state->thread_root);
    state->thread_root = g_strdup("root@host");
    state->runs = (DedupRuns){.red = true,
                              .streak = 7,
                              .red_since_ms = 5,
                              .since_commit = "abc\303\251",
                              .sequence = {UINT64_MAX, 2},
                              .ids = {1, UINT64_MAX},
                              .n_ids = 2};
    return state;
}

static void a_state_is_read_as_it_was_stored(void **state)
{
    (void)state;
    g_autoptr(DedupState) sample = sample_state();
    size_t length;
    g_autofree guint8 *bytes = dedup_encode(sample, &length);
    assert_int_equal(bytes[0], 'C');
    g_autoptr(DedupState) read = dedup_decode(bytes, length, NULL);
    assert_non_null(read);
    assert_int_equal(read->family, FAMILY_CI);
    assert_int_equal(read->last_mail_ms, 12);
    assert_int_equal(read->thread_mails, 3);
    assert_string_equal(read->thread_root, "root@host");
    assert_true(read->runs.red);
    assert_int_equal(read->runs.streak, 7);
    assert_int_equal(read->runs.red_since_ms, 5);
    assert_string_equal(read->runs.since_commit, sample->runs.since_commit);
    assert_memory_equal(read->runs.sequence, sample->runs.sequence, sizeof read->runs.sequence);
    assert_int_equal(read->runs.n_ids, 2);
    assert_memory_equal(read->runs.ids, sample->runs.ids, 2 * sizeof *read->runs.ids);
}

static void a_state_that_is_broken_anywhere_is_refused_or_means_something(void **state)
{
    (void)state;
    g_autoptr(DedupState) sample = sample_state();
    size_t length;
    g_autofree guint8 *bytes = dedup_encode(sample, &length);
    for (size_t n = 0; n < length; n++) {
        g_autoptr(GError) error = NULL;
        g_autofree guint8 *shorter = g_memdup2(bytes, n);
        assert_null(dedup_decode(shorter, n, &error));
        assert_true(g_error_matches(error, FAULT, FAULT_SYSTEM));
    }
    for (size_t i = 0; i < length * 8; i++) {
        bytes[i / 8] ^= (guint8)(1 << (i % 8));
        g_autoptr(DedupState) read = dedup_decode(bytes, length, NULL);
        assert_true(read == NULL || read->runs.n_ids <= DEDUP_IDS_MAX);
        bytes[i / 8] ^= (guint8)(1 << (i % 8));
    }
}

static void what_a_source_was_before_its_family_changed_does_not_count(void **state)
{
    (void)state;
    g_autoptr(DedupState) old = dedup_state_new();
    old->last_mail_ms = START_MS;
    char *words[] = {"0:00", "main", "red", "1", NULL};
    g_autoptr(Event) event = event_of(words, START_MS);
    DedupSettings settings = {.send_resolved = true};
    DedupInput input = {.now_ms = START_MS};
    DedupDecision decision;
    dedup_decide(old, event, &settings, &input, &decision);
    assert_int_equal(decision.reason, DEDUP_FAILED);
    assert_int_equal(decision.state->family, FAMILY_CI);
    dedup_decision_clear(&decision);
}

static void a_commit_that_is_too_long_is_not_remembered(void **state)
{
    (void)state;
    Desk desk;
    desk_init(&desk);
    g_autofree char *long_commit = g_strnfill(DEDUP_COMMIT_MAX + 1, 'c');
    g_autofree char *run = g_strdup_printf("0:00 main red 1 commit=%s", long_commit);
    run_ends(&desk, run);
    assert_string_equal(desk.mails->str, "0:00 main failed:1 since 0:00\n");
    desk_clear(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_become_the_mails_that_say_something_new),
        cmocka_unit_test(red_every_hour_for_a_day_is_one_mail_and_with_remind_one_more),
        cmocka_unit_test(the_last_16_deliveries_are_remembered),
        cmocka_unit_test(after_90_mails_a_new_thread_begins),
        cmocka_unit_test(a_clock_that_was_set_back_does_not_silence_reminders),
        cmocka_unit_test(a_state_is_read_as_it_was_stored),
        cmocka_unit_test(a_state_that_is_broken_anywhere_is_refused_or_means_something),
        cmocka_unit_test(what_a_source_was_before_its_family_changed_does_not_count),
        cmocka_unit_test(a_commit_that_is_too_long_is_not_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
