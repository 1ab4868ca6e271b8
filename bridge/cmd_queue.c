/* SPDX-License-Identifier: MIT */
#include "bridge/cmd_queue.h"

#include <stdio.h>
#include <string.h>

#include "bridge/api/mails.h"
#include "bridge/json.h"
#include "bridge/queue_client.h"
#include "bridge/queue_import.h"
#include "bridge/queue_print.h"
#include "rules/fault.h"

#define DEFAULT_URL "http://127.0.0.1:9725"
#define URL_VARIABLE "ALERTPOST_URL" /* of the environment */
#define QUEUE_STATES "queued,deferred,claimed,dead"
enum { PAGE = 1000 };

typedef struct {
    char *url, *storage;
    char *user, *password_file, *ca_file, *cert_file, *key_file;
    char **states;
    char *receiver, *recipient, *older, *newer;
    int limit;
    gboolean all, json, eml;
} Options;

static void clear(void *of)
{
    Options *options = of;
    g_free(options->url);
    g_free(options->storage);
    g_free(options->user);
    g_free(options->password_file);
    g_free(options->ca_file);
    g_free(options->cert_file);
    g_free(options->key_file);
    g_strfreev(options->states);
    g_free(options->receiver);
    g_free(options->recipient);
    g_free(options->older);
    g_free(options->newer);
}

static void declare(CmdLine *line, void *of)
{
    Options *options = of;
    const GOptionEntry entries[] = {
        {"url", 0, 0, G_OPTION_ARG_FILENAME, &options->url,
         "The running daemon (default: " URL_VARIABLE ", else " DEFAULT_URL ")", "URL"},
        {"user", 0, 0, G_OPTION_ARG_FILENAME, &options->user, "Its user, where it has some",
         "NAME"},
        {"password-file", 0, 0, G_OPTION_ARG_FILENAME, &options->password_file,
         "The file with the password", "FILE"},
        {"ca-file", 0, 0, G_OPTION_ARG_FILENAME, &options->ca_file,
         "Who signed its certificate (default: the system's)", "FILE"},
        {"cert-file", 0, 0, G_OPTION_ARG_FILENAME, &options->cert_file,
         "Our certificate, where it wants one", "FILE"},
        {"key-file", 0, 0, G_OPTION_ARG_FILENAME, &options->key_file, "Its key", "FILE"},
        {"storage", 0, 0, G_OPTION_ARG_FILENAME, &options->storage,
         "Where no daemon runs: its storage", "sqlite:PATH"},
        {"state", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->states,
         "queued, deferred, claimed, dead, delivered, dropped or any; may be repeated "
         "(default: what is in the queue, and dead)",
         "STATE"},
        {"receiver", 0, 0, G_OPTION_ARG_FILENAME, &options->receiver, "Of this receiver",
         "NAME"},
        {"recipient", 0, 0, G_OPTION_ARG_FILENAME, &options->recipient,
         "To an address with this in it", "TEXT"},
        {"older-than", 0, 0, G_OPTION_ARG_FILENAME, &options->older,
         "Accepted before that: 5m, 2h, 7d", "AGE"},
        {"newer-than", 0, 0, G_OPTION_ARG_FILENAME, &options->newer, "Accepted since", "AGE"},
        {"limit", 0, 0, G_OPTION_ARG_INT, &options->limit, "At most so many, newest first",
         "N"},
        {"all", 0, 0, G_OPTION_ARG_NONE, &options->all,
         "retry, drop: every mail that the conditions choose", NULL},
        {"json", 0, 0, G_OPTION_ARG_NONE, &options->json, "Print JSON", NULL},
        {"eml", 0, 0, G_OPTION_ARG_NONE, &options->eml, "show: print the mail itself", NULL},
        {0},
    };
    cmd_line_add(line, entries);
}

static int fail(const char *message)
{
    return cmd_fail(&cmd_queue, message);
}

static int print(const GString *out)
{
    return cmd_output(&cmd_queue, out);
}

/* Lists. */

static void set(GHashTable *arguments, const char *name, const char *value)
{
    if (value != NULL) {
        g_hash_table_replace(arguments, g_strdup(name), g_strdup(value));
    }
}

static GHashTable *filters_of(const Options *options)
{
    GHashTable *arguments = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_autofree char *states =
        options->states != NULL ? g_strjoinv(",", options->states) : g_strdup(QUEUE_STATES);
    set(arguments, "state", strcmp(states, "any") != 0 ? states : NULL);
    set(arguments, "receiver", options->receiver);
    set(arguments, "recipient", options->recipient);
    set(arguments, "older_than", options->older);
    set(arguments, "newer_than", options->newer);
    return arguments;
}

static void free_json(void *json)
{
    json_free(json);
}

/* The next page of a list, appended to PAGES; *CURSOR: where it goes on, NULL at its end. */
static bool add_page(QueueClient *client, GHashTable *arguments, GPtrArray *pages,
                     char **cursor, GError **error)
{
    unsigned status;
    GString *body =
        queue_client_ask(client, "GET", MAILS_PATH, arguments, &status, error);
    if (body == NULL) {
        return false;
    }
    const JsonLimits limits = {.depth = 8, .values = 100000000, .string = 16 << 20};
    Json *page = json_parse(body->str, body->len, &limits, error);
    g_string_free(body, TRUE);
    if (page == NULL) {
        g_prefix_error(error, "the answer: ");
        return false;
    }
    g_ptr_array_add(pages, page);
    const Json *next = json_get(page, "next");
    *cursor = g_strdup(next != NULL ? json_text(next) : NULL);
    return true;
}

/* Appends the mails that the options choose to MAILS (of Json *, which PAGES own). */
static bool list_mails(QueueClient *client, const Options *options, GPtrArray *pages,
                       GPtrArray *mails, GError **error)
{
    g_autoptr(GHashTable) arguments = filters_of(options);
    unsigned max = options->limit > 0 ? (unsigned)options->limit : G_MAXUINT;
    bool more = true;
    while (more && mails->len < max) {
        g_autofree char *cursor = NULL;
        g_autofree char *limit = g_strdup_printf("%u", MIN(max - mails->len, (unsigned)PAGE));
        set(arguments, "limit", limit);
        if (!add_page(client, arguments, pages, &cursor, error)) {
            return false;
        }
        const Json *page = pages->pdata[pages->len - 1];
        const Json *found = json_get(page, "mails");
        const Json *mail = found != NULL ? json_first(found) : NULL;
        for (; mail != NULL; mail = json_next(mail)) {
            g_ptr_array_add(mails, (void *)(uintptr_t)mail);
        }
        set(arguments, "cursor", cursor);
        more = cursor != NULL;
    }
    return true;
}

static int list(QueueClient *client, const Options *options, GError **error)
{
    g_autoptr(GPtrArray) pages = g_ptr_array_new_with_free_func(free_json);
    g_autoptr(GPtrArray) mails = g_ptr_array_new();
    g_autoptr(GString) out = g_string_new(NULL);
    if (!list_mails(client, options, pages, mails, error)) {
        return 1;
    }
    if (options->json) {
        g_string_append(out, "[");
        for (unsigned i = 0; i < mails->len; i++) {
            g_string_append(out, i > 0 ? ",\n" : "\n");
            json_append(out, mails->pdata[i]);
        }
        g_string_append(out, "\n]\n");
    } else {
        g_autoptr(Json) status = queue_client_status(client);
        queue_print_list(mails, status, g_get_real_time() / 1000, out);
    }
    return print(out);
}

/* Mails by their names. */

typedef bool NameWork(QueueClient *client, const Options *options, const char *name,
                      GError **error);

/* Goes on after a mail with which it does not work, and says so; *DONE: with how many it
 * worked. */
static int for_each(QueueClient *client, const Options *options, char **names, NameWork *work,
                    unsigned *done)
{
    int status = 0;
    for (; *names != NULL; names++) {
        g_autoptr(GError) error = NULL;
        if (!work(client, options, *names, &error)) {
            g_autofree char *message = g_strdup_printf("%s: %s", *names, error->message);
            status = fail(message);
        } else {
            ++*done;
        }
    }
    return status;
}

static bool show_one(QueueClient *client, const Options *options, const char *name,
                     GError **error)
{
    unsigned status;
    g_autofree char *path =
        g_strconcat(MAILS_PATH "/", name, options->eml ? "/eml" : "", NULL);
    g_autoptr(GString) body = queue_client_ask(client, "GET", path, NULL, &status, error);
    if (body == NULL) {
        return false;
    }
    if (options->eml || options->json) {
        return print(body) == 0;
    }
    const JsonLimits limits = {.depth = 8, .values = 1000000, .string = 64 << 20};
    g_autoptr(Json) mail = json_parse(body->str, body->len, &limits, error);
    g_autoptr(Json) now = queue_client_status(client);
    g_autoptr(GString) out = g_string_new(NULL);
    if (mail == NULL) {
        return false;
    }
    queue_print_mail(mail, now, out);
    return print(out) == 0;
}

static bool retry_one(QueueClient *client, const Options *options, const char *name,
                      GError **error)
{
    (void)options;
    unsigned status;
    g_autofree char *path = g_strconcat(MAILS_PATH "/", name, "/retry", NULL);
    g_autoptr(GString) body = queue_client_ask(client, "POST", path, NULL, &status, error);
    return body != NULL;
}

static bool drop_one(QueueClient *client, const Options *options, const char *name,
                     GError **error)
{
    (void)options;
    unsigned status;
    g_autofree char *path = g_strconcat(MAILS_PATH "/", name, NULL);
    g_autoptr(GString) body = queue_client_ask(client, "DELETE", path, NULL, &status, error);
    return body != NULL;
}

/* The numbers of all mails that the conditions choose; NULL with ERROR set. */
static char **list_numbers(QueueClient *client, const Options *options, GError **error)
{
    g_autoptr(GPtrArray) pages = g_ptr_array_new_with_free_func(free_json);
    g_autoptr(GPtrArray) mails = g_ptr_array_new();
    g_autoptr(GPtrArray) numbers = g_ptr_array_new_with_free_func(g_free);
    if (!list_mails(client, options, pages, mails, error)) {
        return NULL;
    }
    for (unsigned i = 0; i < mails->len; i++) {
        g_ptr_array_add(numbers,
                        g_strdup_printf("%.0f", json_number(json_get(mails->pdata[i], "number"))));
    }
    g_ptr_array_add(numbers, NULL);
    return (char **)g_ptr_array_steal(numbers, NULL);
}

/* Those named, or all that the conditions choose; and says of how many it was DONE. */
static int change(QueueClient *client, const Options *options, char **names, NameWork *work,
                  const char *done, GError **error)
{
    g_auto(GStrv) all = options->all ? list_numbers(client, options, error) : NULL;
    unsigned n = 0;
    if (options->all && all == NULL) {
        return 1;
    }
    int status = for_each(client, options, options->all ? all : names, work, &n);
    printf("%u mail%s %s\n", n, n == 1 ? "" : "s", done);
    return status;
}

static int retry(QueueClient *client, const Options *options, char **names, GError **error)
{
    return change(client, options, names, retry_one, "queued again", error);
}

static int drop(QueueClient *client, const Options *options, char **names, GError **error)
{
    return change(client, options, names, drop_one, "dropped", error);
}

static int show(QueueClient *client, const Options *options, char **names, GError **error)
{
    (void)error;
    unsigned shown = 0;
    return for_each(client, options, names, show_one, &shown);
}

static int list_queue(QueueClient *client, const Options *options, char **names, GError **error)
{
    (void)names;
    return list(client, options, error);
}

static int import(QueueClient *client, const Options *options, char **names, GError **error)
{
    (void)options;
    g_autoptr(GString) out = g_string_new(NULL);
    return queue_import(queue_client_outbox(client), names[0], out, error) ? print(out) : 1;
}

/* What there is to do, and what it asks of its arguments. */
static const struct {
    const char *name;
    int (*run)(QueueClient *client, const Options *options, char **names, GError **error);
    enum { NO_NAMES, NAMES, NAMES_OR_ALL, ONE_NAME } takes;
} actions[] = {
    {"list", list_queue, NO_NAMES},    {"show", show, NAMES},
    {"retry", retry, NAMES_OR_ALL},    {"drop", drop, NAMES_OR_ALL},
    {"import", import, ONE_NAME},
};

static bool has_condition(const Options *options)
{
    return options->states != NULL || options->receiver != NULL ||
           options->recipient != NULL || options->older != NULL || options->newer != NULL;
}

/* NULL if the arguments make sense, else why not. */
static const char *find_misuse(unsigned action, const Options *options, unsigned n_names)
{
    bool all = options->all;
    if (options->limit < 0) {
        return "--limit wants a number above 0";
    }
    switch (actions[action].takes) {
    case NO_NAMES:
        return n_names > 0 || all ? "list takes conditions, no IDs" : NULL;
    case NAMES:
        return n_names == 0 || all ? "which mail? Name its number or Message-ID" : NULL;
    case ONE_NAME:
        return n_names != 1               ? "which file? Name one damaged database"
               : options->storage == NULL ? "stop the daemon, and name its storage: "
                                            "--storage sqlite:data/alertpost.db"
                                          : NULL;
    default:
        return (n_names > 0) == all ? "which mails? Name IDs, or --all and conditions"
               : all && !has_condition(options)
                   ? "--all wants at least one condition, such as --state dead or --state any"
                   : NULL;
    }
}

static const char *find_odd_access(const Options *options)
{
    if ((options->user == NULL) != (options->password_file == NULL)) {
        return "--user and --password-file go together";
    }
    if ((options->cert_file == NULL) != (options->key_file == NULL)) {
        return "--cert-file and --key-file go together";
    }
    bool given = options->user != NULL || options->ca_file != NULL || options->cert_file != NULL;
    return given && options->storage != NULL ? "a storage asks for no credentials" : NULL;
}

static char *find_action(const char *word, unsigned *action)
{
    const char *names[G_N_ELEMENTS(actions) + 1] = {NULL};
    for (*action = 0; *action < G_N_ELEMENTS(actions); ++*action) {
        names[*action] = actions[*action].name;
        if (word != NULL && strcmp(names[*action], word) == 0) {
            return NULL;
        }
    }
    return word != NULL ? cmd_unknown("action", word, names)
                        : g_strdup("one of list, show, retry, drop, import is wanted");
}

static const char *url_of(const Options *options)
{
    const char *set = g_getenv(URL_VARIABLE);
    return options->url != NULL         ? options->url
           : set != NULL && *set != '\0' ? set
                                        : DEFAULT_URL;
}

static int run(void *of, char **words)
{
    const Options *options = of;
    unsigned action;
    g_autofree char *odd = find_action(words[0], &action);
    if (odd != NULL) {
        return cmd_misuse(&cmd_queue, odd);
    }
    const char *problem = find_misuse(action, options, g_strv_length(words + 1));
    if (problem == NULL) {
        problem = find_odd_access(options);
    }
    if (problem != NULL) {
        return cmd_misuse(&cmd_queue, problem);
    }
    g_autoptr(GError) error = NULL;
    const QueueAccess access = {options->user, options->password_file, options->ca_file,
                                options->cert_file, options->key_file};
    g_autoptr(QueueClient) client =
        queue_client_new(url_of(options), options->storage, &access, &error);
    int status = client != NULL
                     ? actions[action].run(client, options, words + 1, &error)
                     : 1;
    return error != NULL ? fail(error->message) : status;
}

const Cmd cmd_queue = {
    .name = "queue",
    .summary = "show the mails, try some again, drop them",
    .arguments = "list | show ID… | retry ID… | drop ID… | import OLD.db",
    .about = "Shows the mails of a running daemon, lets it try some again, or drops them.\n"
             "ID is a mail's number or its Message-ID.\n\n"
             "  list      the mails that the conditions choose, and the relays that fail\n"
             "  show      all that is known of a mail: recipients, attempts, the servers' words\n"
             "  retry     try a deferred or dead mail again now\n"
             "  drop      take a mail out of the queue for good\n"
             "  import    bring back the mails of a database that was moved aside as damaged",
    .notes = "Exit status: 0, 1 if something could not be done, 2 for a wrong command line.\n\n"
             "  alertpost queue list --state delivered --recipient dba@ --newer-than 2h\n"
             "  alertpost queue retry --all --state dead --newer-than 1d",
    .misuse = 2,
    .size = sizeof(Options),
    .declare = declare,
    .clear = clear,
    .run = run,
};
