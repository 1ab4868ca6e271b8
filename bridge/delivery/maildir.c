/* SPDX-License-Identifier: MIT */
/* Delivery into a Maildir (PATH/tmp, new, cur), by a thread of its own, since files
 * block.  A mail becomes one file whoever its recipients are: Return-Path and one
 * Delivered-To for each of them in front, lines ending in LF.  It is written to tmp/,
 * synced, moved to new/, and the move synced, before it counts as delivered; so a
 * crash leaves at most a stray file in tmp/.  Whatever fails defers the mail, with the
 * system's words.  On stop the mail being written is finished and the rest goes back. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bridge/delivery/address.h"
#include "bridge/delivery/delivery.h"
#include "rules/fault.h"

enum { HELD_MAX = 64, HOST_MAX = 256 };

struct Relay {
    DeliveryContext context;
    pthread_t thread;
    bool started;
    unsigned written;       /* own thread: makes file names unique */
    char *path, *name;      /* a relay's key is its path: they never change */
    atomic_uint held;
    atomic_bool hungry, stopping;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    GQueue inbox;           /* Mail *; under lock */
    bool ended;             /* under lock: the thread takes nothing more */
};

/* --- one file --- */

/* Headers as a mail's last server puts them in front. */
static GString *print_file(const Mail *mail, const bool *takes)
{
    GString *file = g_string_sized_new(mail->length + 512);
    g_string_append_printf(file, "Return-Path: <%s>\n", mail->sender);
    for (unsigned i = 0; i < mail->n_recipients; i++) {
        if (takes[i]) {
            g_string_append_printf(file, "Delivered-To: %s\n", mail->recipients[i].address);
        }
    }
    const char *at = mail->bytes, *end = mail->bytes + mail->length;
    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        const char *stop = line_end != NULL ? line_end : end;
        bool crlf = line_end != NULL && stop > at && stop[-1] == '\r';
        g_string_append_len(file, at, stop - at - crlf);
        g_string_append(file, line_end != NULL ? "\n" : "");
        at = line_end != NULL ? line_end + 1 : end;
    }
    return file;
}

static char *make_name(Relay *relay)
{
    char host[HOST_MAX] = "";
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (gethostname(host, sizeof host - 1) != 0 || host[0] == '\0') {
        g_strlcpy(host, "localhost", sizeof host);
    }
    g_strdelimit(host, "/:", '_');
    return g_strdup_printf("%lld.M%06ldP%ldQ%u.%s", (long long)now.tv_sec, now.tv_nsec / 1000,
                           (long)getpid(), ++relay->written, host);
}

static bool fail(GError **error, const char *what, const char *path)
{
    g_set_error(error, FAULT, FAULT_SYSTEM, "%s %s: %s", what, path, g_strerror(errno));
    return false;
}

static bool make_folders(const Relay *relay, GError **error)
{
    static const char *const folders[] = {"tmp", "new", "cur"};
    for (size_t i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *path = g_build_filename(relay->path, folders[i], NULL);
        if (g_mkdir_with_parents(path, 0700) != 0) {
            return fail(error, "make", path);
        }
    }
    return true;
}

static bool write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, bytes, length);
        if (written < 0 && errno != EINTR) {
            return false;
        }
        bytes += MAX(written, 0);
        length -= (size_t)MAX(written, 0);
    }
    return true;
}

static bool write_file(const char *path, const GString *bytes, GError **error)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return fail(error, "create", path);
    }
    bool written = write_all(fd, bytes->str, bytes->len) && fsync(fd) == 0;
    int number = errno;
    if (close(fd) != 0 && written) {
        written = false;
        number = errno;
    }
    if (!written) {
        unlink(path);
        errno = number;
        return fail(error, "write", path);
    }
    return true;
}

static bool sync_folder(const char *path, GError **error)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = fd >= 0 && fsync(fd) == 0;
    int number = errno;
    if (fd >= 0) {
        close(fd);
    }
    errno = number;
    return synced || fail(error, "sync", path);
}

/* The name of the file in new/, NULL with ERROR set. */
static char *store(Relay *relay, const Mail *mail, const bool *takes, GError **error)
{
    g_autofree char *name = make_name(relay);
    g_autofree char *draft = g_build_filename(relay->path, "tmp", name, NULL);
    g_autofree char *folder = g_build_filename(relay->path, "new", NULL);
    g_autofree char *final = g_build_filename(folder, name, NULL);
    g_autoptr(GString) file = print_file(mail, takes);
    if (!make_folders(relay, error) || !write_file(draft, file, error)) {
        return NULL;
    }
    if (rename(draft, final) != 0) {
        fail(error, "move to", final);
        unlink(draft);
        return NULL;
    }
    if (!sync_folder(folder, error)) {
        unlink(final);
        return NULL;
    }
    return g_steal_pointer(&name);
}

/* --- one mail --- */

static void settle_all(const Relay *relay, const Mail *mail, const bool *takes,
                       Outcome *outcomes, const GError *error, const char *name)
{
    g_autofree char *text = name != NULL ? g_strdup_printf("stored as new/%s", name)
                                         : g_strdup(error->message);
    for (unsigned i = 0; i < mail->n_recipients; i++) {
        if (takes[i]) {
            outcome_set(&outcomes[i], name != NULL ? OUTCOME_DELIVERED : OUTCOME_DEFERRED, 0, "",
                        relay->name, text);
        }
    }
}

/* Refuses the recipients that cannot be written into a header; how many are left. */
static unsigned choose_recipients(const Relay *relay, const Mail *mail, bool *takes,
                                  Outcome *outcomes)
{
    const char *sender = mail->sender[0] != '\0' ? address_fault(mail->sender) : NULL;
    unsigned n = 0;
    for (unsigned i = 0; i < mail->n_recipients; i++) {
        const char *fault = address_fault(mail->recipients[i].address);
        takes[i] = false;
        if (mail->recipients[i].state != RECIPIENT_QUEUED) {
            outcome_set(&outcomes[i], OUTCOME_UNTRIED, 0, "", "", "");
        } else if (fault != NULL || sender != NULL) {
            outcome_set(&outcomes[i], OUTCOME_REFUSED, 0, fault != NULL ? "5.1.3" : "5.1.7",
                        relay->name, fault != NULL ? fault : sender);
        } else {
            takes[i] = true;
            n++;
        }
    }
    return n;
}

static void give_back(Relay *relay, Mail *take_mail, Outcome *outcomes, unsigned n)
{
    atomic_fetch_sub(&relay->held, 1);
    relay->context.events->done(relay->context.who, relay, take_mail, outcomes);
    for (unsigned i = 0; i < n; i++) {
        outcome_clear(&outcomes[i]);
    }
}

static void deliver(Relay *relay, Mail *take_mail)
{
    unsigned n = take_mail->n_recipients;
    g_autofree Outcome *outcomes = g_new0(Outcome, n);
    g_autofree bool *takes = g_new0(bool, n);
    if (choose_recipients(relay, take_mail, takes, outcomes) > 0) {
        g_autoptr(GError) error = NULL;
        g_autofree char *name = store(relay, take_mail, takes, &error);
        settle_all(relay, take_mail, takes, outcomes, error, name);
    }
    give_back(relay, take_mail, outcomes, n);
}

static void give_back_untried(Relay *relay, Mail *take_mail)
{
    unsigned n = take_mail->n_recipients;
    g_autofree Outcome *outcomes = g_new0(Outcome, n);
    for (unsigned i = 0; i < n; i++) {
        outcome_set(&outcomes[i], OUTCOME_UNTRIED, 0, "", "", "stopping");
    }
    give_back(relay, take_mail, outcomes, n);
}

/* --- room --- */

static unsigned maildir_room(Relay *relay)
{
    if (atomic_load(&relay->held) >= HELD_MAX) {
        atomic_store(&relay->hungry, true);
    }
    unsigned held = atomic_load(&relay->held);
    return held >= HELD_MAX || atomic_load(&relay->stopping) ? 0 : HELD_MAX - held;
}

static void announce_room(Relay *relay)
{
    if (atomic_load(&relay->held) <= HELD_MAX / 2 && !atomic_load(&relay->stopping) &&
        atomic_exchange(&relay->hungry, false)) {
        relay->context.events->room(relay->context.who, relay);
    }
}

/* --- the thread --- */

/* The next mail; NULL when there is none left and it is time to end. */
static Mail *take_mail_of(Relay *relay)
{
    pthread_mutex_lock(&relay->lock);
    while (g_queue_is_empty(&relay->inbox) && !atomic_load(&relay->stopping)) {
        pthread_cond_wait(&relay->changed, &relay->lock);
    }
    Mail *mail = g_queue_pop_head(&relay->inbox);
    relay->ended = mail == NULL;
    pthread_mutex_unlock(&relay->lock);
    return mail;
}

static void *run(void *data)
{
    Relay *relay = data;
    pthread_setname_np(pthread_self(), "maildir");
    for (Mail *mail = take_mail_of(relay); mail != NULL; mail = take_mail_of(relay)) {
        if (atomic_load(&relay->stopping)) {
            give_back_untried(relay, mail);
        } else {
            deliver(relay, mail);
        }
        announce_room(relay);
    }
    return NULL;
}

static bool start_thread(Relay *relay, GError **error)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&relay->thread, NULL, run, relay);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0) {
        g_set_error(error, FAULT, FAULT_SYSTEM, "maildir: thread: %s", g_strerror(failed));
    }
    relay->started = failed == 0;
    return relay->started;
}

/* --- the operations --- */

static void maildir_free(Relay *relay)
{
    g_queue_clear(&relay->inbox);
    pthread_cond_destroy(&relay->changed);
    pthread_mutex_destroy(&relay->lock);
    g_free(relay->path);
    g_free(relay->name);
    g_free(relay);
}

static Relay *maildir_new(const DeliveryContext *context, Config *config, unsigned index,
                          GError **error)
{
    Relay *relay = g_new0(Relay, 1);
    relay->context = *context;
    relay->path = g_strdup(config->relays[index].path);
    relay->name = g_strdup(config->relays[index].name);
    g_queue_init(&relay->inbox);
    pthread_mutex_init(&relay->lock, NULL);
    pthread_cond_init(&relay->changed, NULL);
    if (!start_thread(relay, error)) {
        maildir_free(relay);
        return NULL;
    }
    return relay;
}

static void maildir_offer(Relay *relay, Mail *take_mail)
{
    if (atomic_fetch_add(&relay->held, 1) + 1 >= HELD_MAX) {
        atomic_store(&relay->hungry, true);
    }
    pthread_mutex_lock(&relay->lock);
    bool late = relay->ended;
    if (!late) {
        g_queue_push_tail(&relay->inbox, take_mail);
        pthread_cond_signal(&relay->changed);
    }
    pthread_mutex_unlock(&relay->lock);
    if (late) {
        give_back_untried(relay, take_mail);
    }
}

/* Its path is its key: there is nothing else to it. */
static void maildir_configure(Relay *relay, Config *config, unsigned index)
{
    g_assert(strcmp(relay->path, config->relays[index].path) == 0);
}

static void maildir_stop(Relay *relay, int64_t deadline_ms)
{
    (void)deadline_ms; /* a file is written in no time, and cannot be interrupted */
    pthread_mutex_lock(&relay->lock);
    atomic_store(&relay->stopping, true);
    pthread_cond_signal(&relay->changed);
    pthread_mutex_unlock(&relay->lock);
}

static void maildir_join(Relay *relay)
{
    if (relay->started) {
        pthread_join(relay->thread, NULL);
        relay->started = false;
    }
}

const DeliveryOps delivery_maildir = {
    .scheme = RELAY_MAILDIR,
    .new = maildir_new,
    .room = maildir_room,
    .offer = maildir_offer,
    .configure = maildir_configure,
    .stop = maildir_stop,
    .join = maildir_join,
    .free = maildir_free,
};
