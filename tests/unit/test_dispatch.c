/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bridge/dispatch.h"
#include "rules/fault.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };
enum { WAIT_S = 30 }; /* for what must happen; a test that fails takes so long */
static const int64_t START = 1700000000000;

/* A delivery backend that does what the test says: it keeps what it is offered until
 * the test takes it, and has the room the test gives it. */

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    GPtrArray *relays; /* all that live, in the order they were made */
    GString *history;  /* "new a, stop b, …" */
    unsigned room;     /* of relays made from now on */
    const char *broken; /* the relay that cannot be made */
} World;
static World world;

struct Relay {
    char *key;
    const DeliveryContext context;
    unsigned room, held;
    GPtrArray *mails;
    bool stopped;
};

static void note(const char *what, const char *key)
{
    g_string_append_printf(world.history, "%s%s %s", world.history->len > 0 ? ", " : "",
                           what, key);
    pthread_cond_broadcast(&world.changed);
}

static Relay *fake_new(const DeliveryContext *context, Config *config, unsigned index,
                       GError **error)
{
    const char *key = config->relays[index].key;
    if (g_strcmp0(key, world.broken) == 0) {
        g_set_error(error, FAULT, FAULT_SYSTEM, "no such folder");
        return NULL;
    }
    Relay value = {g_strdup(key), *context, world.room, 0, g_ptr_array_new(), false};
    Relay *relay = g_malloc(sizeof value);
    memcpy(relay, &value, sizeof value);
    pthread_mutex_lock(&world.lock);
    g_ptr_array_add(world.relays, relay);
    note("new", key);
    pthread_mutex_unlock(&world.lock);
    return relay;
}

static unsigned fake_room(Relay *relay)
{
    pthread_mutex_lock(&world.lock);
    unsigned room = relay->room > relay->held ? relay->room - relay->held : 0;
    pthread_mutex_unlock(&world.lock);
    return room;
}

static void fake_offer(Relay *relay, Mail *mail)
{
    pthread_mutex_lock(&world.lock);
    relay->held++;
    g_ptr_array_add(relay->mails, mail);
    pthread_cond_broadcast(&world.changed);
    pthread_mutex_unlock(&world.lock);
}

static void fake_configure(Relay *relay, Config *config, unsigned index)
{
    pthread_mutex_lock(&world.lock);
    assert_string_equal(config->relays[index].key, relay->key);
    note("configure", relay->key);
    pthread_mutex_unlock(&world.lock);
}

static void give_back(Relay *relay, Mail *mail, OutcomeKind kind, int code)
{
    g_autofree Outcome *outcomes = g_new0(Outcome, mail->n_recipients);
    unsigned n = mail->n_recipients;
    for (unsigned i = 0; i < n; i++) {
        outcome_set(&outcomes[i], kind, code, "", "mx:25", "words of the server");
    }
    relay->context.events->done(relay->context.who, relay, mail, outcomes);
    for (unsigned i = 0; i < n; i++) {
        outcome_clear(&outcomes[i]);
    }
    pthread_mutex_lock(&world.lock);
    relay->held--;
    pthread_cond_broadcast(&world.changed);
    pthread_mutex_unlock(&world.lock);
}

/* What no test has taken is in no transaction, and comes back. */
static void fake_stop(Relay *relay, int64_t deadline_ms)
{
    (void)deadline_ms;
    pthread_mutex_lock(&world.lock);
    relay->stopped = true;
    GPtrArray *mails = relay->mails;
    relay->mails = g_ptr_array_new();
    note("stop", relay->key);
    pthread_mutex_unlock(&world.lock);
    for (unsigned i = 0; i < mails->len; i++) {
        give_back(relay, mails->pdata[i], OUTCOME_UNTRIED, 0);
    }
    g_ptr_array_unref(mails);
}

static void fake_join(Relay *relay)
{
    pthread_mutex_lock(&world.lock);
    assert_true(relay->stopped);
    while (relay->held > 0) {
        pthread_cond_wait(&world.changed, &world.lock);
    }
    note("join", relay->key);
    pthread_mutex_unlock(&world.lock);
}

static void fake_free(Relay *relay)
{
    pthread_mutex_lock(&world.lock);
    assert_int_equal(relay->mails->len, 0);
    g_ptr_array_remove(world.relays, relay);
    note("free", relay->key);
    pthread_mutex_unlock(&world.lock);
    g_ptr_array_unref(relay->mails);
    g_free(relay->key);
    g_free(relay);
}

static const DeliveryOps fake_ops = {.scheme = RELAY_SMTP,
                                     .new = fake_new,
                                     .room = fake_room,
                                     .offer = fake_offer,
                                     .configure = fake_configure,
                                     .stop = fake_stop,
                                     .join = fake_join,
                                     .free = fake_free};
static const DeliveryOps *const backends[] = {&fake_ops, NULL};

/* The bench: a configuration with relays a, b, …, and receivers of the same names. */

typedef struct {
    Config *config;
    Outbox *outbox;
    Dispatch *dispatch;
    Metrics *metrics;
    Log *log;
    char *log_path;
    atomic_llong now_ms;
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

/* RELAYS: "ab": relays "a" and "b".  RECEIVERS: "xa yb": receiver x uses relay a. */
static Config *config_make(const char *relays, const char *receivers)
{
    g_auto(GStrv) pairs = g_strsplit(receivers, " ", -1);
    Config *config = g_new0(Config, 1);
    atomic_init(&config->refs, 1000);
    config->n_relays = (unsigned)strlen(relays);
    config->relays = g_new0(RelayConfig, config->n_relays);
    for (unsigned i = 0; i < config->n_relays; i++) {
        config->relays[i].key = g_strndup(relays + i, 1);
        config->relays[i].name = g_strdup_printf("%c.example:25", relays[i]);
    }
    config->n_receivers = g_strv_length(pairs);
    config->receivers = g_new0(Receiver, config->n_receivers);
    config->receivers_by_name = g_hash_table_new(g_str_hash, g_str_equal);
    for (unsigned i = 0; i < config->n_receivers; i++) {
        Receiver *receiver = &config->receivers[i];
        receiver->name = g_strndup(pairs[i], 1);
        receiver->n_emails = 1;
        receiver->emails = g_new0(EmailConfig, 1);
        receiver->emails[0].relay = (unsigned)(strchr(relays, pairs[i][1]) - relays);
        g_hash_table_insert(config->receivers_by_name, receiver->name, receiver);
    }
    config->limits = (LimitsConfig){
        .queue_mails = 10000, .queue_bytes = 1 << 30, .history = 1000};
    config->delivery = (DeliveryConfig){
        .retry_min_ms = 5 * SECOND, .retry_max_ms = 15 * MINUTE, .give_up_ms = 48 * HOUR};
    return config;
}

static void config_dispose(Config *config)
{
    for (unsigned i = 0; i < config->n_relays; i++) {
        g_free(config->relays[i].key);
        g_free(config->relays[i].name);
    }
    for (unsigned i = 0; i < config->n_receivers; i++) {
        g_free(config->receivers[i].name);
        g_free(config->receivers[i].emails);
    }
    g_hash_table_unref(config->receivers_by_name);
    g_free(config->receivers);
    g_free(config->relays);
    g_free(config);
}

static int set_up(void **state)
{
    Bench *bench = g_new0(Bench, 1);
    pthread_mutex_init(&world.lock, NULL);
    pthread_cond_init(&world.changed, NULL);
    world.relays = g_ptr_array_new();
    world.history = g_string_new("");
    world.room = 10;
    world.broken = NULL;
    atomic_init(&bench->now_ms, START);
    bench->config = config_make("ab", "xa yb");
    bench->metrics = metrics_new();
    int fd = g_file_open_tmp("dispatch-XXXXXX", &bench->log_path, NULL);
    bench->log = log_new(fd, LOG_LEVEL_DEBUG, LOG_LOGFMT);
    bench->outbox =
        outbox_open("memory:", DAMAGE_MOVES, bench->config, bench->log, bench->metrics, NULL);
    const OutboxClock clock = {bench_now, no_random, bench};
    outbox_set_clock(bench->outbox, &clock);
    const DispatchContext context = {bench->outbox, bench->log, bench->metrics, backends,
                                     NULL};
    bench->dispatch = dispatch_new(&context);
    assert_true(outbox_start(bench->outbox, NULL));
    *state = bench;
    return 0;
}

static void start(Bench *bench)
{
    assert_true(dispatch_start(bench->dispatch, bench->config, NULL));
}

static void stop(Bench *bench)
{
    dispatch_stop(bench->dispatch, 0);
    dispatch_join(bench->dispatch);
}

static int tear_down(void **state)
{
    Bench *bench = *state;
    if (bench->dispatch != NULL) {
        stop(bench);
    }
    outbox_stop(bench->outbox);
    outbox_join(bench->outbox);
    dispatch_free(bench->dispatch);
    outbox_free(bench->outbox);
    log_free(bench->log);
    metrics_free(bench->metrics);
    unlink(bench->log_path);
    g_free(bench->log_path);
    config_dispose(bench->config);
    g_string_free(world.history, TRUE);
    g_ptr_array_unref(world.relays);
    g_free(bench);
    return 0;
}

/* Waiting for what must happen. */

static struct timespec in_a_while(void)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S;
    return until;
}

static Relay *find_relay(const char *key)
{
    for (unsigned i = 0; i < world.relays->len; i++) {
        Relay *relay = world.relays->pdata[i];
        if (strcmp(relay->key, key) == 0 && !relay->stopped) {
            return relay;
        }
    }
    return NULL;
}

/* Takes the next mail that was offered to the relay, waiting for it. */
static Mail *take(const char *key)
{
    const struct timespec until = in_a_while();
    int code = 0;
    pthread_mutex_lock(&world.lock);
    Relay *relay = find_relay(key);
    while (code == 0 && (relay == NULL || relay->mails->len == 0)) {
        code = pthread_cond_timedwait(&world.changed, &world.lock, &until);
        relay = find_relay(key);
    }
    Mail *mail = code == 0 ? g_ptr_array_steal_index(relay->mails, 0) : NULL;
    pthread_mutex_unlock(&world.lock);
    assert_non_null(mail);
    return mail;
}

static void wait_history(const char *expected)
{
    const struct timespec until = in_a_while();
    int code = 0;
    pthread_mutex_lock(&world.lock);
    while (code == 0 && strcmp(world.history->str, expected) != 0) {
        code = pthread_cond_timedwait(&world.changed, &world.lock, &until);
    }
    g_autofree char *history = g_strdup(world.history->str);
    pthread_mutex_unlock(&world.lock);
    assert_string_equal(history, expected);
}

static unsigned count_offered(const char *key)
{
    pthread_mutex_lock(&world.lock);
    unsigned n = find_relay(key)->mails->len;
    pthread_mutex_unlock(&world.lock);
    return n;
}

static void set_room(const char *key, unsigned room)
{
    pthread_mutex_lock(&world.lock);
    Relay *relay = find_relay(key);
    relay->room = room;
    pthread_mutex_unlock(&world.lock);
    if (room > 0) {
        relay->context.events->room(relay->context.who, relay);
    }
}

/* Takes the mail that is offered next, checks its name, and answers. */
static void answer(const char *key, const char *message_id, OutcomeKind kind, int code)
{
    Mail *mail = take(key);
    assert_string_equal(mail->message_id, message_id);
    pthread_mutex_lock(&world.lock);
    Relay *relay = find_relay(key);
    pthread_mutex_unlock(&world.lock);
    give_back(relay, mail, kind, code);
}

static void on_commit(void *who, OutboxResult result, Change *change)
{
    assert_int_equal(result, OUTBOX_OK);
    change_clear(change);
    sem_post(who);
}

static Mail *mail_for(const char *message_id, const char *receiver, const char *relay,
                      int64_t now_ms)
{
    Mail *mail = mail_new();
    mail_add_recipient(mail, "you@example.org");
    g_free(mail->message_id), g_free(mail->receiver), g_free(mail->relay);
    mail->message_id = g_strdup(message_id);
    mail->receiver = g_strdup(receiver);
    mail->relay = g_strdup(relay);
    mail->bytes = g_strdup("Subject: x\r\n\r\ny\r\n");
    mail->length = strlen(mail->bytes);
    mail->accepted_ms = now_ms;
    return mail;
}

static void commit(Bench *bench, Mail *mail)
{
    sem_t done;
    Change change = {.mails = g_new(Mail *, 1), .n_mails = mail != NULL};
    change.mails[0] = mail;
    sem_init(&done, 0, 0);
    outbox_commit(bench->outbox, &change, on_commit, &done);
    while (sem_wait(&done) != 0) {
    }
    sem_destroy(&done);
}

static void accept_mail(Bench *bench, const char *message_id, const char *receiver)
{
    const char relay[] = {receiver[0] == 'x' ? 'a' : 'b', '\0'};
    commit(bench, mail_for(message_id, receiver, relay, bench_now(bench)));
}

/* What the storage thread has been asked for so far has happened, its claims too. */
static void drain(Bench *bench)
{
    for (unsigned i = 0; i < 4; i++) {
        commit(bench, NULL);
    }
}

#define assert_stats(bench, queued_, deferred_, claimed_, dead_)                         \
    do {                                                                                 \
        OutboxStats stats_;                                                              \
        drain(bench);                                                                    \
        outbox_stats((bench)->outbox, &stats_);                                          \
        assert_int_equal(stats_.queued, queued_);                                        \
        assert_int_equal(stats_.deferred, deferred_);                                    \
        assert_int_equal(stats_.claimed, claimed_);                                      \
        assert_int_equal(stats_.dead, dead_);                                            \
    } while (0)

/* Starts, and waits until the slots have claimed for the first time: only then is a mail
 * claimed by the commit that accepts it.  A slot claims anew after the routing at the
 * start, which has been when mails of a relay of old times are offered. */
static void start_settled(Bench *bench)
{
    commit(bench, mail_for("routed-x", "x", "old", bench_now(bench)));
    commit(bench, mail_for("routed-y", "y", "old", bench_now(bench)));
    start(bench);
    answer("a", "routed-x", OUTCOME_DELIVERED, 250);
    answer("b", "routed-y", OUTCOME_DELIVERED, 250);
    accept_mail(bench, "first-x", "x");
    answer("a", "first-x", OUTCOME_DELIVERED, 250);
    accept_mail(bench, "first-y", "y");
    answer("b", "first-y", OUTCOME_DELIVERED, 250);
    drain(bench);
}

static void move_clock(Bench *bench, int64_t ms)
{
    atomic_fetch_add(&bench->now_ms, ms);
}

/* The tests. */

static void a_queued_mail_goes_to_its_relay(void **state)
{
    Bench *bench = *state;
    accept_mail(bench, "1", "x");
    accept_mail(bench, "2", "y");
    start(bench);
    answer("b", "2", OUTCOME_DELIVERED, 250);
    answer("a", "1", OUTCOME_DELIVERED, 250);
    assert_stats(bench, 0, 0, 0, 0);
}

static void an_accepted_mail_is_claimed_by_its_commit(void **state)
{
    Bench *bench = *state;
    start_settled(bench);
    accept_mail(bench, "1", "x");
    assert_int_equal(count_offered("a"), 1); /* before the commit was answered */
    OutboxStats stats;
    outbox_stats(bench->outbox, &stats);
    assert_int_equal(stats.claimed, 1);
    answer("a", "1", OUTCOME_DELIVERED, 250);
}

static void a_relay_is_offered_no_more_than_it_has_room_for(void **state)
{
    Bench *bench = *state;
    static const char *const ids[] = {"1", "2", "3", "4", "5"};
    start_settled(bench);
    set_room("a", 2);
    for (unsigned i = 0; i < 5; i++) {
        accept_mail(bench, ids[i], "x");
    }
    drain(bench);
    assert_int_equal(count_offered("a"), 2);
    for (unsigned i = 0; i < 5; i++) {
        answer("a", ids[i], OUTCOME_DELIVERED, 250); /* in the order of acceptance */
        set_room("a", 2);
        drain(bench);
        assert_int_equal(count_offered("a"), MIN(2, 4 - i));
    }
    assert_stats(bench, 0, 0, 0, 0);
}

static void a_new_mail_does_not_overtake_a_backlog(void **state)
{
    Bench *bench = *state;
    start_settled(bench);
    set_room("a", 0);
    accept_mail(bench, "1", "x");
    accept_mail(bench, "2", "x");
    drain(bench);
    pthread_mutex_lock(&world.lock);
    find_relay("a")->room = 1; /* and its event is still to come */
    pthread_mutex_unlock(&world.lock);
    accept_mail(bench, "3", "x");
    answer("a", "1", OUTCOME_DELIVERED, 250);
    set_room("a", 1);
    answer("a", "2", OUTCOME_DELIVERED, 250);
    set_room("a", 1);
    answer("a", "3", OUTCOME_DELIVERED, 250);
}

static void a_deferred_mail_is_offered_again_when_it_is_due(void **state)
{
    Bench *bench = *state;
    start_settled(bench);
    accept_mail(bench, "1", "x");
    answer("a", "1", OUTCOME_DEFERRED, 450);
    assert_stats(bench, 0, 1, 0, 0);
    assert_int_equal(count_offered("a"), 0);
    move_clock(bench, 5 * SECOND);
    set_room("a", 10); /* an occasion to look at the clock */
    answer("a", "1", OUTCOME_DELIVERED, 250);
    assert_stats(bench, 0, 0, 0, 0);
}

static void the_thread_looks_when_the_time_has_come(void **state)
{
    Bench *bench = *state;
    bench->config->delivery.retry_min_ms = bench->config->delivery.retry_max_ms = 20;
    outbox_configure(bench->outbox, bench->config);
    start_settled(bench);
    accept_mail(bench, "1", "x");
    Mail *mail = take("a");
    pthread_mutex_lock(&world.lock);
    Relay *relay = find_relay("a");
    pthread_mutex_unlock(&world.lock);
    give_back(relay, mail, OUTCOME_DEFERRED, 450);
    drain(bench);
    move_clock(bench, 20);
    answer("a", "1", OUTCOME_DELIVERED, 250);
}

static void a_paused_relay_is_left_alone_until_it_has_room(void **state)
{
    Bench *bench = *state;
    start_settled(bench);
    accept_mail(bench, "1", "x");
    accept_mail(bench, "2", "x");
    accept_mail(bench, "other", "y");
    Mail *mail = take("a");
    pthread_mutex_lock(&world.lock);
    Relay *relay = find_relay("a");
    relay->room = 0;
    pthread_mutex_unlock(&world.lock);
    relay->context.events->fault(relay->context.who, relay, FAULT_CONNECT, "no route");
    assert_int_equal((int)metrics_get(bench->metrics, METRIC_RELAY_PAUSED, "a.example:25",
                                      NULL), 1);
    give_back(relay, mail, OUTCOME_UNTRIED, 0);
    give_back(relay, take("a"), OUTCOME_UNTRIED, 0);
    double before = metrics_get(bench->metrics, METRIC_STORE_COMMITS, NULL, NULL);
    assert_stats(bench, 2, 0, 1, 0);
    double after = metrics_get(bench->metrics, METRIC_STORE_COMMITS, NULL, NULL);
    assert_true(after - before <= 6); /* the drain's own and the reports': no busy loop */
    assert_int_equal(count_offered("a"), 0);
    answer("b", "other", OUTCOME_DELIVERED, 250);

    set_room("a", 1); /* the probe */
    mail = take("a");
    assert_string_equal(mail->message_id, "1");
    assert_int_equal(mail->recipients[0].attempts, 0);
    relay->context.events->fault(relay->context.who, relay, FAULT_NONE, "");
    assert_int_equal((int)metrics_get(bench->metrics, METRIC_RELAY_PAUSED, "a.example:25",
                                      NULL), 0);
    give_back(relay, mail, OUTCOME_DELIVERED, 250);
    set_room("a", 10);
    answer("a", "2", OUTCOME_DELIVERED, 250);
}

static void accept_in_group(Bench *bench, unsigned number, const char *group)
{
    g_autofree char *name = g_strdup_printf("m%u", number);
    Mail *mail = mail_for(name, "x", "a", bench_now(bench));
    g_free(mail->group);
    mail->group = g_strdup(group);
    commit(bench, mail);
}

/* The relay tries the oldest mail, and finds nobody. */
static void probe_in_vain(void)
{
    set_room("a", 1);
    Mail *mail = take("a");
    assert_string_equal(mail->message_id, "m0");
    set_room("a", 0);
    pthread_mutex_lock(&world.lock);
    Relay *relay = find_relay("a");
    pthread_mutex_unlock(&world.lock);
    give_back(relay, mail, OUTCOME_UNTRIED, 0);
}

static void after_an_hour_without_a_mail_server_all_goes_out_in_order_of_acceptance(void **state)
{
    enum { MINUTES = 60, A_MINUTE = 3, GROUPS = 11, ROOM = 4 };
    static const char *const groups[GROUPS] = {"", "b", "c", "d", "e", "f",
                                               "g", "h", "i", "j", "k"};
    Bench *bench = *state;
    start_settled(bench);
    set_room("a", 0);
    unsigned accepted = 0;
    for (unsigned minute = 0; minute < MINUTES; minute++) {
        for (unsigned i = 0; i < A_MINUTE; i++) {
            move_clock(bench, MINUTE / A_MINUTE);
            accept_in_group(bench, accepted, groups[accepted % GROUPS]);
            accepted++;
        }
        probe_in_vain();
        drain(bench);
    }
    assert_stats(bench, accepted, 0, 0, 0);

    move_clock(bench, MINUTE);
    set_room("a", ROOM);
    for (unsigned number = 0; number < accepted; number++) {
        g_autofree char *name = g_strdup_printf("m%u", number);
        drain(bench);
        assert_true(count_offered("a") <= ROOM);
        answer("a", name, OUTCOME_DELIVERED, 250);
        set_room("a", ROOM);
    }
    assert_stats(bench, 0, 0, 0, 0);
}

static void a_relay_that_never_tries_makes_no_busy_loop(void **state)
{
    Bench *bench = *state;
    start_settled(bench);
    accept_mail(bench, "1", "x");
    for (unsigned i = 0; i < 100; i++) {
        answer("a", "1", OUTCOME_UNTRIED, 0);
    }
    drain(bench);
    assert_int_equal(count_offered("a"), 0);
    move_clock(bench, SECOND);
    set_room("a", 10);
    answer("a", "1", OUTCOME_DELIVERED, 250);
}

/* Reload. */

static void reload(Bench *bench, Config *config)
{
    assert_true(dispatch_configure(bench->dispatch, config, NULL));
    config_dispose(bench->config);
    bench->config = config;
}

static void a_reload_gives_queued_mails_their_new_relay(void **state)
{
    Bench *bench = *state;
    start_settled(bench);
    set_room("a", 0);
    accept_mail(bench, "1", "x");
    drain(bench);
    reload(bench, config_make("ab", "xb yb"));
    answer("b", "1", OUTCOME_DELIVERED, 250);
    wait_history("new a, new b, configure a, configure b, configure a, configure b");
}

static void a_gone_relay_finishes_and_is_freed(void **state)
{
    Bench *bench = *state;
    start_settled(bench);
    accept_mail(bench, "1", "x");
    accept_mail(bench, "2", "x");
    Mail *in_transaction = take("a");
    pthread_mutex_lock(&world.lock);
    Relay *gone = find_relay("a");
    pthread_mutex_unlock(&world.lock);
    reload(bench, config_make("bc", "xc yb"));
    answer("c", "2", OUTCOME_DELIVERED, 250);
    give_back(gone, in_transaction, OUTCOME_DELIVERED, 250);
    wait_history("new a, new b, configure a, configure b, new c, configure b, configure c, "
                 "stop a, join a, free a");
    assert_stats(bench, 0, 0, 0, 0);
}

static void a_mail_without_receiver_keeps_its_relay(void **state)
{
    Bench *bench = *state;
    accept_mail(bench, "1", "x");
    config_dispose(bench->config);
    bench->config = config_make("ab", "yb");
    start(bench);
    answer("a", "1", OUTCOME_DELIVERED, 250);
}

static void a_mail_without_relay_is_deferred_until_a_reload_brings_one(void **state)
{
    Bench *bench = *state;
    accept_mail(bench, "1", "x");
    config_dispose(bench->config);
    bench->config = config_make("b", "yb");
    start(bench);
    OutboxStats stats = {0};
    for (unsigned i = 0; i < WAIT_S * 100 && stats.deferred == 0; i++) {
        g_usleep(10000);
        outbox_stats(bench->outbox, &stats);
    }
    assert_stats(bench, 0, 1, 0, 0);
    reload(bench, config_make("ab", "xa yb"));
    move_clock(bench, 5 * SECOND); /* earlier, it might be deferred once more */
    set_room("a", 10);
    Mail *mail = take("a");
    assert_string_equal(
        mail->recipients[0].last.text,
        "the configuration has no mail server for receiver \"x\" any more");
    pthread_mutex_lock(&world.lock);
    Relay *relay = find_relay("a");
    pthread_mutex_unlock(&world.lock);
    give_back(relay, mail, OUTCOME_DELIVERED, 250);
    assert_stats(bench, 0, 0, 0, 0);
}

static void a_mail_accepted_under_the_old_configuration_finds_the_new_relay(void **state)
{
    Bench *bench = *state;
    start_settled(bench);
    reload(bench, config_make("bc", "xc yb"));
    accept_mail(bench, "1", "x"); /* its relay is a */
    answer("c", "1", OUTCOME_DELIVERED, 250);
}

static void a_reload_that_fails_changes_nothing(void **state)
{
    Bench *bench = *state;
    g_autoptr(GError) error = NULL;
    start_settled(bench);
    Config *config = config_make("bcd", "xc yd");
    world.broken = "d";
    assert_false(dispatch_configure(bench->dispatch, config, &error));
    assert_string_equal(error->message, "relay d.example:25: no such folder");
    config_dispose(config);
    wait_history("new a, new b, configure a, configure b, new c, stop c, join c, free c");
    accept_mail(bench, "1", "x");
    answer("a", "1", OUTCOME_DELIVERED, 250);
}

static void a_start_that_fails_says_so(void **state)
{
    Bench *bench = *state;
    g_autoptr(GError) error = NULL;
    world.broken = "b";
    assert_false(dispatch_start(bench->dispatch, bench->config, &error));
    assert_string_equal(error->message, "relay b.example:25: no such folder");
}

/* The end. */

static void the_stop_brings_every_mail_back(void **state)
{
    Bench *bench = *state;
    start_settled(bench);
    set_room("a", 3);
    for (unsigned i = 0; i < 6; i++) {
        accept_mail(bench, "n", "x");
    }
    drain(bench);
    stop(bench);
    assert_stats(bench, 6, 0, 0, 0);
    g_string_truncate(world.history, 0);
    stop(bench);
    assert_string_equal(world.history->str, "");
    accept_mail(bench, "late", "x");
    assert_stats(bench, 7, 0, 0, 0);
}

typedef struct {
    Bench *bench;
    atomic_bool end;
} Traffic;

static void *send_traffic(void *data)
{
    Traffic *traffic = data;
    for (unsigned i = 0; i < 300; i++) {
        accept_mail(traffic->bench, "t", i % 2 == 0 ? "x" : "y");
    }
    return NULL;
}

static void *deliver_traffic(void *data)
{
    Traffic *traffic = data;
    static const OutcomeKind kinds[] = {OUTCOME_DELIVERED, OUTCOME_DELIVERED,
                                        OUTCOME_UNTRIED, OUTCOME_REFUSED};
    unsigned n = 0;
    while (!atomic_load(&traffic->end)) {
        for (const char *key = "ab"; *key != '\0'; key++) {
            const char name[] = {*key, '\0'};
            pthread_mutex_lock(&world.lock);
            Relay *relay = find_relay(name);
            Mail *mail = relay != NULL && relay->mails->len > 0
                             ? g_ptr_array_steal_index(relay->mails, 0)
                             : NULL;
            pthread_mutex_unlock(&world.lock);
            if (mail != NULL) {
                give_back(relay, mail, kinds[n++ % 4], 250);
                relay->context.events->room(relay->context.who, relay);
            }
        }
    }
    return NULL;
}

static void the_stop_under_load_loses_nothing(void **state)
{
    Bench *bench = *state;
    Traffic traffic = {.bench = bench};
    pthread_t senders[2], server;
    start(bench);
    pthread_create(&server, NULL, deliver_traffic, &traffic);
    for (unsigned i = 0; i < 2; i++) {
        pthread_create(&senders[i], NULL, send_traffic, &traffic);
    }
    pthread_join(senders[0], NULL);
    stop(bench);
    pthread_join(senders[1], NULL);
    atomic_store(&traffic.end, true);
    pthread_join(server, NULL);
    OutboxStats stats;
    drain(bench);
    outbox_stats(bench->outbox, &stats);
    double delivered = metrics_get(bench->metrics, METRIC_DELIVERIES, "mx:25", "delivered");
    assert_int_equal(stats.claimed, 0);
    assert_int_equal(stats.queued + stats.dead + (uint64_t)delivered, 600);
}

/* The log. */

static void read_log(Bench *bench, char **text)
{
    log_free(g_steal_pointer(&bench->log));
    assert_true(g_file_get_contents(bench->log_path, text, NULL, NULL));
}

static void every_attempt_is_one_line_a_recipient(void **state)
{
    Bench *bench = *state;
    start_settled(bench);
    accept_mail(bench, "1", "x");
    move_clock(bench, 1500);
    answer("a", "1", OUTCOME_DEFERRED, 450);
    drain(bench);
    assert_int_equal((int)metrics_get(bench->metrics, METRIC_DELIVERIES, "mx:25", "deferred"),
                     1); /* the server that answered, which may be a fallback */
    assert_int_equal((int)metrics_get(bench->metrics, METRIC_DELIVERY_SECONDS, NULL, NULL),
                     4); /* those of start_settled() */
    stop(bench);
    outbox_stop(bench->outbox);
    outbox_join(bench->outbox);
    dispatch_free(g_steal_pointer(&bench->dispatch));
    g_autofree char *text = NULL;
    read_log(bench, &text);
    const char *line = strstr(text, "mail=1 ");
    assert_non_null(line);
    g_autofree char *first = g_strndup(line, strcspn(line, "\n"));
    assert_string_equal(first,
                        "mail=1 receiver=x relay=mx:25 recipient=you@example.org "
                        "outcome=deferred code=450 enhanced=\"\" attempt=1 delay_ms=1500 "
                        "text=\"words of the server\"");
    assert_null(strstr(line + 1, "mail=1 "));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_queued_mail_goes_to_its_relay),
        TEST(an_accepted_mail_is_claimed_by_its_commit),
        TEST(a_relay_is_offered_no_more_than_it_has_room_for),
        TEST(a_new_mail_does_not_overtake_a_backlog),
        TEST(a_deferred_mail_is_offered_again_when_it_is_due),
        TEST(the_thread_looks_when_the_time_has_come),
        TEST(a_paused_relay_is_left_alone_until_it_has_room),
        TEST(after_an_hour_without_a_mail_server_all_goes_out_in_order_of_acceptance),
        TEST(a_relay_that_never_tries_makes_no_busy_loop),
        TEST(a_reload_gives_queued_mails_their_new_relay),
        TEST(a_gone_relay_finishes_and_is_freed),
        TEST(a_mail_without_receiver_keeps_its_relay),
        TEST(a_mail_without_relay_is_deferred_until_a_reload_brings_one),
        TEST(a_mail_accepted_under_the_old_configuration_finds_the_new_relay),
        TEST(a_reload_that_fails_changes_nothing),
        TEST(a_start_that_fails_says_so),
        TEST(the_stop_brings_every_mail_back),
        TEST(the_stop_under_load_loses_nothing),
        TEST(every_attempt_is_one_line_a_recipient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
