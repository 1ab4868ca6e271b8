/* SPDX-License-Identifier: MIT */
/* Random operations on the outbox beside a plain model of it: what is claimed, in which
 * order, for whom, what is counted, listed and told of a mail must be the same, whatever
 * people try again or drop, over restarts and crashes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <glib/gstdio.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>

#include "bridge/outbox/job.h"
#include "bridge/outbox/manage.h"

enum { SECOND = 1000, GIVE_UP_MS = 300 * SECOND, PAUSE_MS = 5 * SECOND };
enum { STEPS = 1500, GROUPS = 4, ADDRESSES = 3 };
static const int64_t START = 1700000000000;

/* The model. */

typedef struct {
    unsigned address, attempts;
    bool pending, claimed;
    bool free; /* back from the dead: out of its group's order */
    RecipientState state; /* when not pending */
    OutcomeKind last;
    int64_t due_ms;
} Who;

typedef struct {
    unsigned number, group, n;
    Who who[ADDRESSES];
    int64_t accepted_ms, since_ms, claimed_ms;
    bool claimed, dead, dropped;
} Item;

typedef struct {
    GPtrArray *items; /* in order of acceptance */
    GPtrArray *gone;  /* delivered or dropped */
    unsigned accepted;
} Model;

static Who *find_head(Model *model, unsigned group, unsigned address, Item **item)
{
    for (unsigned i = 0; i < model->items->len; i++) {
        *item = model->items->pdata[i];
        for (unsigned w = 0; (*item)->group == group && w < (*item)->n; w++) {
            if ((*item)->who[w].pending && !(*item)->who[w].free &&
                (*item)->who[w].address == address) {
                return &(*item)->who[w];
            }
        }
    }
    return NULL;
}

static bool is_head(Model *model, const Item *item, const Who *who)
{
    Item *other;
    return who->free || find_head(model, item->group, who->address, &other) == who;
}

static int64_t ready_ms(Model *model, const Item *item)
{
    int64_t ready = INT64_MAX;
    for (unsigned w = 0; w < item->n; w++) {
        const Who *who = &item->who[w];
        if (who->pending && is_head(model, item, who)) {
            ready = MIN(ready, MAX(who->due_ms, item->accepted_ms));
        }
    }
    return item->claimed || item->dead ? INT64_MAX : ready;
}

static void model_hurry(Model *model, const Item *item, int64_t now_ms)
{
    Item *earlier;
    for (unsigned w = 0; w < item->n; w++) {
        Who *head = find_head(model, item->group, item->who[w].address, &earlier);
        if (head != NULL && !head->claimed && head->due_ms > now_ms &&
            head->last != OUTCOME_IN_DOUBT) {
            head->due_ms = now_ms;
        }
    }
}

static void model_claim(Model *model, Item *item, int64_t now_ms)
{
    item->claimed = true;
    item->claimed_ms = now_ms;
    for (unsigned w = 0; w < item->n; w++) {
        Who *who = &item->who[w];
        who->claimed = who->pending && who->due_ms <= now_ms && is_head(model, item, who);
    }
}

static Item *next_ready(Model *model, int64_t now_ms)
{
    Item *best = NULL;
    for (unsigned i = 0; i < model->items->len; i++) {
        Item *item = model->items->pdata[i];
        int64_t ready = ready_ms(model, item);
        if (ready <= now_ms && (best == NULL || ready < ready_ms(model, best))) {
            best = item;
        }
    }
    return best;
}

static void who_report(Who *who, const Item *item, OutcomeKind kind, int64_t now_ms)
{
    if (!who->claimed || kind == OUTCOME_UNTRIED) {
        who->claimed = false;
        return;
    }
    bool over = now_ms - item->since_ms >= GIVE_UP_MS;
    int64_t pause_ms = kind == OUTCOME_IN_DOUBT ? RETRY_IN_DOUBT_MS : PAUSE_MS;
    who->claimed = false;
    who->attempts++;
    who->last = kind;
    who->due_ms = now_ms + pause_ms;
    if (kind == OUTCOME_DEFERRED) {
        who->due_ms = MIN(who->due_ms, item->since_ms + GIVE_UP_MS);
    }
    who->pending = kind != OUTCOME_DELIVERED && kind != OUTCOME_REFUSED && !over;
    who->state = kind == OUTCOME_DELIVERED ? RECIPIENT_DELIVERED
                 : kind == OUTCOME_REFUSED ? RECIPIENT_REFUSED
                                           : RECIPIENT_DEAD;
}

static void model_let_go(Model *model, Item *item)
{
    g_ptr_array_add(model->gone, g_memdup2(item, sizeof *item));
    g_ptr_array_remove(model->items, item);
}

/* The attempt is over: back into the queue, away, or dead. */
static void model_settle(Model *model, Item *item)
{
    unsigned pending = 0, delivered = 0, dead = 0;
    item->claimed = false;
    for (unsigned w = 0; w < item->n; w++) {
        const Who *who = &item->who[w];
        pending += who->pending;
        delivered += !who->pending && who->state == RECIPIENT_DELIVERED;
        dead += !who->pending && who->state == RECIPIENT_DEAD;
    }
    if (pending > 0) {
        return;
    }
    item->dead = dead > 0 || delivered == 0;
    if (!item->dead) {
        model_let_go(model, item);
    }
}

static bool was_tried(const Item *item)
{
    for (unsigned w = 0; w < item->n; w++) {
        if (item->who[w].pending && item->who[w].attempts > 0) {
            return true;
        }
    }
    return false;
}

static ManageResult model_retry(Model *model, Item *item, int64_t now_ms)
{
    if (item->claimed) {
        return MANAGE_CLAIMED;
    }
    for (unsigned w = 0; w < item->n; w++) {
        Who *who = &item->who[w];
        if (!who->pending && who->state != RECIPIENT_DELIVERED) {
            *who = (Who){.address = who->address, .pending = true, .free = true, .last = who->last};
        } else if (who->pending && is_head(model, item, who)) {
            who->due_ms = MIN(who->due_ms, now_ms);
        }
    }
    item->dead = false;
    item->since_ms = now_ms;
    return MANAGE_DONE;
}

static ManageResult model_drop(Model *model, Item *item)
{
    if (item->claimed) {
        return MANAGE_CLAIMED;
    }
    item->dropped = true;
    model_let_go(model, item);
    return MANAGE_DONE;
}

static MailState model_state(const Item *item, bool gone)
{
    return gone            ? item->dropped ? MAIL_DROPPED : MAIL_DELIVERED
           : item->dead    ? MAIL_BURIED
           : item->claimed ? MAIL_CLAIMED
           : was_tried(item) ? MAIL_DEFERRED
                             : MAIL_QUEUED;
}

static OutboxStats model_stats(Model *model)
{
    OutboxStats stats = {.history = model->gone->len};
    for (unsigned i = 0; i < model->items->len; i++) {
        const Item *item = model->items->pdata[i];
        stats.dead += item->dead;
        stats.claimed += item->claimed;
        stats.deferred += !item->dead && !item->claimed && was_tried(item);
        stats.queued += !item->dead && !item->claimed && !was_tried(item);
        stats.bytes += item->dead ? 0 : 10 + item->number % 7;
    }
    return stats;
}

/* The outbox. */

typedef struct {
    Model model;
    Config config;
    char *folder, *storage;
    Outbox *outbox;
    GPtrArray *claimed; /* of Mail */
    GRand *dice;
    atomic_llong now_ms;
    bool wants;
    sem_t done;
    Mail **mails;
    size_t n_mails;
    ManageResult managed;
    StoredMail *found;
    GPtrArray *listed;
} Bench;

static int64_t bench_now(void *who)
{
    return atomic_load(&((Bench *)who)->now_ms);
}

static double no_random(void *who)
{
    (void)who;
    return 0;
}

static bool bench_wants(void *who, Mail *mail)
{
    (void)mail;
    return ((Bench *)who)->wants;
}

static void bench_claimed(void *who, Mail *mail)
{
    g_ptr_array_add(((Bench *)who)->claimed, mail);
}

static void bench_unclaimed(void *who, const Mail *mail)
{
    (void)who, (void)mail;
}

static void bench_due(void *who, const char *relay, int64_t due_ms)
{
    (void)who, (void)relay, (void)due_ms;
}

static const OutboxClaimer claimer = {bench_wants, bench_claimed, bench_unclaimed,
                                      bench_due};

static void open_outbox(Bench *bench)
{
    const OutboxClock clock = {bench_now, no_random, bench};
    bench->outbox = outbox_open(bench->storage, DAMAGE_MOVES, &bench->config, NULL, NULL, NULL);
    assert_non_null(bench->outbox);
    outbox_set_clock(bench->outbox, &clock);
    outbox_set_claimer(bench->outbox, &claimer, bench);
    assert_true(outbox_start(bench->outbox, NULL));
    /* What is too old is not given up by the outbox itself, when it finds the time. */
    bench->outbox->started_ms = INT64_MAX >> 1;
}

static void close_outbox(Bench *bench)
{
    outbox_stop(bench->outbox);
    outbox_join(bench->outbox);
    outbox_free(bench->outbox);
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

static void on_claim(void *who, OutboxResult result, Mail **mails, size_t n,
                     int64_t next_due_ms)
{
    (void)next_due_ms;
    Bench *bench = who;
    assert_int_equal(result, OUTBOX_OK);
    bench->mails = mails;
    bench->n_mails = n;
    sem_post(&bench->done);
}

static void on_manage(void *who, OutboxResult result, ManageResult managed)
{
    Bench *bench = who;
    assert_int_equal(result, OUTBOX_OK);
    bench->managed = managed;
    sem_post(&bench->done);
}

static void on_find(void *who, OutboxResult result, StoredMail *found)
{
    Bench *bench = who;
    assert_int_equal(result, OUTBOX_OK);
    bench->found = found;
    sem_post(&bench->done);
}

static void on_list(void *who, OutboxResult result, GPtrArray *mails, int64_t before)
{
    Bench *bench = who;
    assert_int_equal(result, OUTBOX_OK);
    assert_int_equal(before, 0);
    bench->listed = mails;
    sem_post(&bench->done);
}

static unsigned roll(Bench *bench, unsigned sides)
{
    return (unsigned)g_rand_int_range(bench->dice, 0, (gint32)sides);
}

/* Operations: on both. */

static Mail *mail_of(const Item *item)
{
    Mail *mail = mail_new();
    for (unsigned w = 0; w < item->n; w++) {
        g_autofree char *address = g_strdup_printf("%u@example.org", item->who[w].address);
        mail_add_recipient(mail, address);
    }
    g_free(mail->message_id), g_free(mail->relay), g_free(mail->group);
    mail->message_id = g_strdup_printf("m%u", item->number);
    mail->relay = g_strdup("r");
    mail->group = g_strdup_printf("group %u", item->group);
    mail->accepted_ms = item->accepted_ms;
    mail->length = 10 + item->number % 7;
    mail->bytes = g_strnfill(mail->length, 'x');
    return mail;
}

static void do_accept(Bench *bench)
{
    Model *model = &bench->model;
    Item *item = g_new0(Item, 1);
    item->number = model->accepted++;
    item->group = roll(bench, GROUPS);
    item->accepted_ms = item->since_ms = bench_now(bench);
    unsigned mask = 1 + roll(bench, (1 << ADDRESSES) - 1);
    for (unsigned address = 0; address < ADDRESSES; address++) {
        if ((mask >> address & 1) != 0) {
            item->who[item->n++] = (Who){.address = address, .pending = true};
        }
    }
    model_hurry(model, item, item->accepted_ms);
    g_ptr_array_add(model->items, item);
    bench->wants = roll(bench, 2) == 0;
    if (bench->wants && ready_ms(model, item) < INT64_MAX) {
        model_claim(model, item, item->accepted_ms);
    }
    Change change = {.mails = g_new(Mail *, 1), .n_mails = 1};
    change.mails[0] = mail_of(item);
    outbox_commit(bench->outbox, &change, on_commit, bench);
    wait_done(bench);
}

/* The mail's recipients that are to be tried are those the model says. */
static void assert_same(const Item *item, const Mail *mail)
{
    g_autofree char *name = g_strdup_printf("m%u", item->number);
    assert_string_equal(mail->message_id, name);
    assert_int_equal(mail->length, 10 + item->number % 7);
    assert_int_equal(mail->n_recipients, item->n);
    for (unsigned w = 0; w < item->n; w++) {
        assert_int_equal(mail->recipients[w].state == RECIPIENT_QUEUED,
                         item->who[w].claimed);
    }
}

static void do_claim(Bench *bench)
{
    unsigned max = 1 + roll(bench, 5);
    outbox_claim(bench->outbox, "r", max, on_claim, bench);
    wait_done(bench);
    for (size_t i = 0; i < bench->n_mails; i++) {
        Item *item = next_ready(&bench->model, bench_now(bench));
        assert_non_null(item);
        model_claim(&bench->model, item, bench_now(bench));
        assert_same(item, bench->mails[i]);
        g_ptr_array_add(bench->claimed, bench->mails[i]);
    }
    if (bench->n_mails < max) {
        assert_null(next_ready(&bench->model, bench_now(bench)));
    }
    g_free(bench->mails);
}

static Item *find_item(Bench *bench, const Mail *mail)
{
    for (unsigned i = 0; i < bench->model.items->len; i++) {
        Item *item = bench->model.items->pdata[i];
        if (item->number == (unsigned)atoi(mail->message_id + 1)) {
            return item;
        }
    }
    fail_msg("mail %s is unknown", mail->message_id);
    return NULL;
}

static void do_report(Bench *bench)
{
    if (bench->claimed->len == 0) {
        return;
    }
    static const OutcomeKind kinds[] = {OUTCOME_DELIVERED, OUTCOME_DELIVERED,
                                        OUTCOME_DEFERRED,  OUTCOME_DEFERRED,
                                        OUTCOME_REFUSED,   OUTCOME_IN_DOUBT,
                                        OUTCOME_UNTRIED};
    Mail *mail =
        g_ptr_array_steal_index(bench->claimed, roll(bench, bench->claimed->len));
    Item *item = find_item(bench, mail);
    Outcome outcomes[ADDRESSES] = {0};
    char words[] = "words";
    assert_same(item, mail);
    for (unsigned w = 0; w < item->n; w++) {
        outcomes[w].kind = kinds[roll(bench, G_N_ELEMENTS(kinds))];
        outcomes[w].text = words;
        who_report(&item->who[w], item, outcomes[w].kind, bench_now(bench));
    }
    model_settle(&bench->model, item);
    outbox_report(bench->outbox, mail, outcomes);
}

/* Any mail there was, and its name in NAME. */
static Item *choose(Bench *bench, bool *gone, char name[16])
{
    const Model *model = &bench->model;
    unsigned n = model->items->len + model->gone->len, i = n > 0 ? roll(bench, n) : 0;
    *gone = i >= model->items->len;
    Item *item = n == 0  ? NULL
                 : *gone ? model->gone->pdata[i - model->items->len]
                         : model->items->pdata[i];
    g_snprintf(name, 16, "m%u", item != NULL ? item->number : 0);
    return item;
}

static ManageResult gone_as(const Item *item)
{
    return item->dropped ? MANAGE_DROPPED : MANAGE_DELIVERED;
}

static void do_retry(Bench *bench)
{
    bool gone;
    char name[16];
    Item *item = choose(bench, &gone, name);
    ManageResult expected = item == NULL ? MANAGE_UNKNOWN
                            : gone       ? gone_as(item)
                                   : model_retry(&bench->model, item, bench_now(bench));
    outbox_retry(bench->outbox, name, on_manage, bench);
    wait_done(bench);
    assert_int_equal(bench->managed, expected);
}

static void do_drop(Bench *bench)
{
    bool gone;
    char name[16];
    Item *item = choose(bench, &gone, name);
    ManageResult expected = item == NULL ? MANAGE_UNKNOWN
                            : gone       ? gone_as(item)
                                         : model_drop(&bench->model, item);
    outbox_drop(bench->outbox, name, on_manage, bench);
    wait_done(bench);
    assert_int_equal(bench->managed, expected);
}

static void assert_same_recipient(const Who *who, const Recipient *recipient, bool dropped)
{
    assert_int_equal(recipient->attempts, who->attempts);
    if (who->pending || (dropped && who->state == RECIPIENT_DEAD)) {
        assert_true(dropped ? recipient->state == RECIPIENT_DROPPED
                            : recipient->state <= RECIPIENT_WAITING);
    } else {
        assert_int_equal(recipient->state, who->state);
    }
    if (who->last != OUTCOME_UNTRIED) {
        assert_int_equal(recipient->last.kind, who->last);
    }
}

/* What is told of one mail. */
static void do_look(Bench *bench)
{
    bool gone;
    char name[16];
    const Item *item = choose(bench, &gone, name);
    outbox_find(bench->outbox, name, on_find, bench);
    wait_done(bench);
    g_autoptr(StoredMail) found = g_steal_pointer(&bench->found);
    assert_int_equal(found == NULL, item == NULL);
    if (item == NULL) {
        return;
    }
    assert_int_equal(found->state, model_state(item, gone));
    assert_int_equal(found->mail->bytes == NULL, gone);
    for (unsigned w = 0; w < item->n; w++) {
        assert_same_recipient(&item->who[w], &found->mail->recipients[w], item->dropped);
    }
}

/* What is in the queue, the newest first. */
static void do_list(Bench *bench)
{
    MailQuery query = MAIL_QUERY_ALL;
    query.states = MAIL_STATES_QUEUE;
    query.max = 100000;
    outbox_list(bench->outbox, &query, on_list, bench);
    wait_done(bench);
    g_autoptr(GPtrArray) listed = g_steal_pointer(&bench->listed);
    const GPtrArray *items = bench->model.items;
    assert_int_equal(listed->len, items->len);
    for (unsigned i = 0; i < items->len; i++) {
        const StoredMail *stored = listed->pdata[i];
        const Item *item = items->pdata[items->len - 1 - i];
        assert_int_equal(atoi(stored->mail->message_id + 1), item->number);
        assert_int_equal(stored->state, model_state(item, false));
    }
}

static void do_time(Bench *bench)
{
    static const int64_t spans_ms[] = {1, SECOND, PAUSE_MS, RETRY_IN_DOUBT_MS};
    atomic_fetch_add(&bench->now_ms, spans_ms[roll(bench, G_N_ELEMENTS(spans_ms))]);
}

/* The claims that nobody reported are a crash's. */
static void do_crash(Bench *bench)
{
    if (strcmp(bench->storage, "memory:") == 0) {
        return;
    }
    close_outbox(bench);
    g_ptr_array_set_size(bench->claimed, 0);
    g_autoptr(GPtrArray) items = g_ptr_array_copy(bench->model.items, NULL, NULL);
    g_ptr_array_set_free_func(items, NULL);
    for (unsigned i = 0; i < items->len; i++) {
        Item *item = items->pdata[i];
        if (!item->claimed) {
            continue;
        }
        for (unsigned w = 0; w < item->n; w++) {
            who_report(&item->who[w], item, OUTCOME_IN_DOUBT, item->claimed_ms);
        }
        model_settle(&bench->model, item);
    }
    open_outbox(bench);
}

static void assert_same_counts(Bench *bench)
{
    Change nothing = {0};
    OutboxStats stats, expected = model_stats(&bench->model);
    outbox_commit(bench->outbox, &nothing, on_commit, bench);
    wait_done(bench);
    outbox_stats(bench->outbox, &stats);
    assert_int_equal(stats.queued, expected.queued);
    assert_int_equal(stats.deferred, expected.deferred);
    assert_int_equal(stats.claimed, expected.claimed);
    assert_int_equal(stats.dead, expected.dead);
    assert_int_equal(stats.history, expected.history);
    assert_int_equal(stats.bytes, expected.bytes);
}

static void run_steps(Bench *bench)
{
    static void (*const operations[])(Bench *) = {
        do_accept, do_accept, do_accept, do_claim, do_claim, do_report,
        do_report, do_report, do_report, do_time,  do_time,
        do_retry,  do_drop,   do_look,   do_list};
    for (unsigned i = 0; i < STEPS; i++) {
        operations[roll(bench, G_N_ELEMENTS(operations))](bench);
        if (roll(bench, 100) == 0) {
            do_crash(bench);
        }
        assert_same_counts(bench);
    }
}

static void run_model(bool memory, uint32_t seed)
{
    Bench *bench = g_new0(Bench, 1);
    bench->folder = g_dir_make_tmp("outbox-model-XXXXXX", NULL);
    bench->storage = memory ? g_strdup("memory:")
                            : g_strdup_printf("sqlite:%s/box.db", bench->folder);
    bench->config.limits = (LimitsConfig){
        .queue_mails = 100000, .queue_bytes = 1 << 30, .history = 1000,
        .history_mails = 1000000};
    bench->config.delivery = (DeliveryConfig){.retry_min_ms = PAUSE_MS,
                                              .retry_max_ms = PAUSE_MS,
                                              .give_up_ms = GIVE_UP_MS,
                                              .history_ms = INT64_MAX >> 1};
    bench->claimed = g_ptr_array_new_with_free_func((GDestroyNotify)mail_free);
    bench->model.items = g_ptr_array_new_with_free_func(g_free);
    bench->model.gone = g_ptr_array_new_with_free_func(g_free);
    bench->dice = g_rand_new_with_seed(seed);
    sem_init(&bench->done, 0, 0);
    atomic_init(&bench->now_ms, START);
    open_outbox(bench);
    run_steps(bench);
    assert_true(bench->model.accepted > STEPS / 6);
    close_outbox(bench);
    g_ptr_array_unref(bench->claimed);
    g_ptr_array_unref(bench->model.items);
    g_ptr_array_unref(bench->model.gone);
    g_rand_free(bench->dice);
    g_autofree char *remove = g_strdup_printf("rm -r %s", bench->folder);
    assert_int_equal(g_spawn_command_line_sync(remove, NULL, NULL, NULL, NULL), true);
    g_free(bench->folder);
    g_free(bench->storage);
    g_free(bench);
}

static void in_memory_the_outbox_does_what_its_model_does(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 5; seed++) {
        run_model(true, seed);
    }
}

static void over_crashes_the_outbox_does_what_its_model_does(void **state)
{
    (void)state;
    run_model(false, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_memory_the_outbox_does_what_its_model_does),
        cmocka_unit_test(over_crashes_the_outbox_does_what_its_model_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
