/* SPDX-License-Identifier: MIT */
/* A request is read whole, and refused if any of it is not understood, before the
 * outbox is asked; its answer comes on the storage thread. */
#include "bridge/api/mails.h"

#include <string.h>

#include "bridge/api/mails_print.h"
#include "config/values.h"
#include "rules/fault.h"

enum { LIST_DEFAULT = 100, LIST_MAX = 1000 };

typedef struct {
    const char *name; /* of the mail; points into `path` */
    char *path;
    MailsDone *done;
    void *who;
} Call;

static void finish(Call *call, const HttpAnswer *answer)
{
    call->done(call->who, answer);
    g_free(call->path);
    g_free(call);
}

static void refuse(Call *call, HttpAnswer answer)
{
    finish(call, &answer);
}

static void refuse_failed(Call *call, OutboxResult result)
{
    refuse(call, http_busy(result == OUTBOX_FULL ? "the queue is full" : "the storage fails"));
}

/* Lists. */

typedef struct {
    MailQuery query;
    int64_t now_ms;
} Filter;

static bool parse_count(const char *text, guint64 min, guint64 max, guint64 *number,
                        GError **error)
{
    if (!g_ascii_string_to_unsigned(text, 10, min, max, number, NULL)) {
        g_set_error(error, FAULT, FAULT_INPUT,
                    "not a number from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT, min, max);
        return false;
    }
    return true;
}

static bool set_states(Filter *filter, const char *text, GError **error)
{
    g_auto(GStrv) words = g_strsplit(text, ",", -1);
    filter->query.states = 0;
    for (char **word = words; *word != NULL; word++) {
        MailState state;
        if (!mail_state_parse(*word, &state)) {
            g_set_error(error, FAULT, FAULT_INPUT,
                        "not one of queued, deferred, claimed, dead, delivered, dropped: "
                        "\"%s\"",
                        *word);
            return false;
        }
        filter->query.states |= 1u << state;
    }
    return true;
}

static bool set_receiver(Filter *filter, const char *text, GError **error)
{
    (void)error;
    filter->query.receiver = text;
    return true;
}

static bool set_recipient(Filter *filter, const char *text, GError **error)
{
    (void)error;
    filter->query.recipient = text;
    return true;
}

static bool set_older(Filter *filter, const char *text, GError **error)
{
    int64_t age_ms;
    bool ok = duration_parse(text, &age_ms, error);
    filter->query.accepted_to_ms = ok ? filter->now_ms - age_ms : 0;
    return ok;
}

static bool set_newer(Filter *filter, const char *text, GError **error)
{
    int64_t age_ms;
    bool ok = duration_parse(text, &age_ms, error);
    filter->query.accepted_from_ms = ok ? filter->now_ms - age_ms : 0;
    return ok;
}

static bool set_limit(Filter *filter, const char *text, GError **error)
{
    guint64 number = 0;
    bool ok = parse_count(text, 1, LIST_MAX, &number, error);
    filter->query.max = (unsigned)number;
    return ok;
}

static bool set_cursor(Filter *filter, const char *text, GError **error)
{
    guint64 number = 0;
    bool ok = parse_count(text, 1, G_MAXINT64, &number, error);
    filter->query.before = (int64_t)number;
    return ok;
}

static const struct {
    const char *name;
    bool (*set)(Filter *filter, const char *text, GError **error);
} filters[] = {
    {"state", set_states},         {"receiver", set_receiver}, {"recipient", set_recipient},
    {"older_than", set_older},     {"newer_than", set_newer},  {"limit", set_limit},
    {"cursor", set_cursor},
};

static bool set_filter(Filter *filter, const char *name, const char *text, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(filters); i++) {
        if (strcmp(filters[i].name, name) == 0) {
            bool ok = filters[i].set(filter, text, error);
            g_prefix_error(error, "%s: ", name);
            return ok;
        }
    }
    g_set_error(error, FAULT, FAULT_INPUT, "%s: there is no such condition", name);
    return false;
}

static bool read_filters(Filter *filter, GHashTable *arguments, GError **error)
{
    GHashTableIter each;
    void *name, *text;
    if (arguments == NULL) {
        return true;
    }
    g_hash_table_iter_init(&each, arguments);
    while (g_hash_table_iter_next(&each, &name, &text)) {
        if (!set_filter(filter, name, text, error)) {
            return false;
        }
    }
    return true;
}

static void listed(void *who, OutboxResult result, GPtrArray *take_mails, int64_t before)
{
    Call *call = who;
    if (result != OUTBOX_OK) {
        refuse_failed(call, result);
        return;
    }
    HttpAnswer answer = http_json(200);
    mails_print_list(take_mails, before, answer.body);
    g_ptr_array_unref(take_mails);
    finish(call, &answer);
}

static void list(Outbox *outbox, const MailsRequest *request, Call *call)
{
    g_autoptr(GError) error = NULL;
    Filter filter = {MAIL_QUERY_ALL, request->now_ms};
    filter.query.max = LIST_DEFAULT;
    if (!read_filters(&filter, request->arguments, &error)) {
        refuse(call, http_error(400, "%s", error->message));
        return;
    }
    outbox_list(outbox, &filter.query, listed, call);
}

/* One mail. */

static HttpAnswer unknown(const Call *call)
{
    return http_error(404, "there is no mail \"%s\"", call->name);
}

static void shown(void *who, OutboxResult result, StoredMail *take_mail)
{
    Call *call = who;
    g_autoptr(StoredMail) stored = take_mail;
    if (result != OUTBOX_OK) {
        refuse_failed(call, result);
    } else if (stored == NULL) {
        refuse(call, unknown(call));
    } else {
        HttpAnswer answer = http_json(200);
        mails_print_one(stored, answer.body);
        finish(call, &answer);
    }
}

static void show(Outbox *outbox, Call *call)
{
    outbox_find(outbox, call->name, shown, call);
}

static void given(void *who, OutboxResult result, StoredMail *take_mail)
{
    Call *call = who;
    g_autoptr(StoredMail) stored = take_mail;
    if (result != OUTBOX_OK) {
        refuse_failed(call, result);
    } else if (stored == NULL) {
        refuse(call, unknown(call));
    } else if (stored->mail->bytes == NULL) {
        refuse(call, http_error(404, "the mail was %s: only its record is left",
                                mail_state_text(stored->state)));
    } else {
        HttpAnswer answer = {.code = 200, .content_type = "message/rfc822"};
        answer.body = g_string_new_len(stored->mail->bytes, (gssize)stored->mail->length);
        finish(call, &answer);
    }
}

static void give_bytes(Outbox *outbox, Call *call)
{
    outbox_find(outbox, call->name, given, call);
}

static void managed(Call *call, OutboxResult result, ManageResult managed, const char *what)
{
    static const char *const reasons[] = {
        [MANAGE_CLAIMED] = "the mail is at a mail server at this moment, or was when the "
                           "daemon ended: its start sees to it",
        [MANAGE_DELIVERED] = "the mail was delivered before",
        [MANAGE_DROPPED] = "the mail was dropped before",
        [MANAGE_HOPELESS] = "none of the mail's recipients is an address",
    };
    if (result != OUTBOX_OK) {
        refuse_failed(call, result);
    } else if (managed == MANAGE_UNKNOWN) {
        refuse(call, unknown(call));
    } else if (managed != MANAGE_DONE) {
        refuse(call, http_error(409, "%s", reasons[managed]));
    } else {
        HttpAnswer answer = http_json(200);
        g_string_append_printf(answer.body, "{\"result\":\"%s\"}\n", what);
        finish(call, &answer);
    }
}

static void retried(void *who, OutboxResult result, ManageResult how)
{
    managed(who, result, how, "queued");
}

static void retry(Outbox *outbox, Call *call)
{
    outbox_retry(outbox, call->name, retried, call);
}

static void dropped(void *who, OutboxResult result, ManageResult how)
{
    managed(who, result, how, "dropped");
}

static void drop(Outbox *outbox, Call *call)
{
    outbox_drop(outbox, call->name, dropped, call);
}

/* What may be done with a mail: by what follows its name, and the method. */
static const struct {
    const char *suffix, *allow;
    struct {
        unsigned methods;
        void (*run)(Outbox *outbox, Call *call);
    } ways[2];
} actions[] = {
    {"", "GET, HEAD, DELETE", {{HTTP_GET | HTTP_HEAD, show}, {HTTP_DELETE, drop}}},
    {"/eml", "GET, HEAD", {{HTTP_GET | HTTP_HEAD, give_bytes}}},
    {"/retry", "POST", {{HTTP_POST, retry}}},
};

static void refuse_method(Call *call, const char *allow)
{
    HttpAnswer answer = http_error(405, "this method is not for this path");
    answer.allow = allow;
    finish(call, &answer);
}

static void act(Outbox *outbox, HttpMethod method, Call *call, const char *suffix)
{
    for (size_t i = 0; i < G_N_ELEMENTS(actions); i++) {
        if (strcmp(actions[i].suffix, suffix) != 0) {
            continue;
        }
        for (size_t w = 0; w < G_N_ELEMENTS(actions[i].ways); w++) {
            if ((actions[i].ways[w].methods & method) != 0) {
                actions[i].ways[w].run(outbox, call);
                return;
            }
        }
        refuse_method(call, actions[i].allow);
        return;
    }
    refuse(call, http_error(404, "%s", HTTP_NOTHING_HERE));
}

void mails_answer(Outbox *outbox, const MailsRequest *request, MailsDone *done, void *who)
{
    Call *call = g_new0(Call, 1);
    call->path = g_strdup(request->path);
    call->done = done;
    call->who = who;
    char *rest = call->path + strlen(MAILS_PATH);
    char *suffix = *rest == '/' ? strchr(rest + 1, '/') : NULL;
    g_autofree char *action = g_strdup(suffix != NULL ? suffix : "");
    if (*rest == '\0' && (request->method & (HTTP_GET | HTTP_HEAD)) == 0) {
        refuse_method(call, "GET, HEAD");
    } else if (*rest == '\0') {
        list(outbox, request, call);
    } else {
        call->name = rest + 1;
        if (suffix != NULL) {
            *suffix = '\0';
        }
        act(outbox, request->method, call, action);
    }
}
