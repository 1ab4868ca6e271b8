/* SPDX-License-Identifier: MIT */
#include "bridge/cmd_order.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bridge/intake/format.h"
#include "config/file.h"
#include "rules/dedup.h"
#include "rules/fault.h"

/* Far more than a webhook has; what never ends, ends here. */
#define READ_MAX ((size_t)64 * 1024 * 1024)

static bool fault(GError **error, const char *what, const char *reason)
{
    g_set_error(error, FAULT, FAULT_INPUT, "%s: %s", what, reason);
    return false;
}

static char *read_stdin(gsize *length, GError **error)
{
    g_autoptr(GString) all = g_string_new(NULL);
    char piece[65536];
    size_t n;
    while (all->len <= READ_MAX && (n = fread(piece, 1, sizeof piece, stdin)) > 0) {
        g_string_append_len(all, piece, (gssize)n);
    }
    if (ferror(stdin)) {
        fault(error, "standard input", g_strerror(errno));
        return NULL;
    }
    if (all->len > READ_MAX) {
        g_autofree char *reason = g_strdup_printf("larger than %zu KiB", READ_MAX / 1024);
        fault(error, "standard input", reason);
        return NULL;
    }
    *length = all->len;
    return g_string_free(g_steal_pointer(&all), FALSE);
}

char *cmd_read_file(const char *path, gsize *length, GError **error)
{
    size_t read;
    char *text = file_read(path, READ_MAX, &read, error);
    if (text == NULL) {
        g_prefix_error(error, "%s: ", path);
        return NULL;
    }
    *length = read;
    return text;
}

char *cmd_read(const char *path, gsize *length, GError **error)
{
    return strcmp(path, "-") == 0 ? read_stdin(length, error)
                                  : cmd_read_file(path, length, error);
}

static Event *event_without_alerts(const Config *config, GError **error)
{
    static const char nothing[] = "{\"alerts\":[]}";
    char name[] = "alertmanager";
    SourceConfig source = {.name = name, .type = name};
    FormatInput input = {.source = &source, .limits = &config->limits};
    return format_parse(format_find(name), &input, nothing, strlen(nothing), error);
}

Event *cmd_read_event(const Config *config, const char *path, const char *source_name,
                      GError **error)
{
    const char *name = source_name != NULL ? source_name : "alertmanager";
    const SourceConfig *source = config_find_source(config, name);
    if (source == NULL) {
        fault(error, name, "no such source");
        return NULL;
    }
    gsize length = 0;
    g_autofree char *text = cmd_read(path, &length, error);
    if (text == NULL) {
        return NULL;
    }
    FormatInput input = {.source = source, .limits = &config->limits};
    Event *event = format_parse(format_find(source->type), &input, text, length, error);
    if (event == NULL) {
        g_prefix_error(error, source_name != NULL
                                  ? "%s: "
                                  : "%s: as Alertmanager's (others need --source NAME): ", path);
    } else if (*event->ignored != '\0') {
        fault(error, path, event->ignored);
        g_clear_pointer(&event, event_free);
    }
    return event;
}

/* The event as this email_config mails it; the whole where that would be nothing. */
static Event *mailed_event(const Event *event, const EmailConfig *email)
{
    for (size_t i = 0; i < event->n_alerts; i++) {
        event->alerts[i].is_new = true;
    }
    bool send_resolved = email->send_resolved_set ? email->send_resolved
                                                  : event->family == FAMILY_CI;
    g_autoptr(Event) mailed = dedup_mailed(event, send_resolved);
    return mailed->n_alerts > 0 ? g_steal_pointer(&mailed) : dedup_mailed(event, true);
}

const Route *cmd_route_to(const Route *from, const char *receiver)
{
    if (strcmp(from->receiver, receiver) == 0) {
        return from;
    }
    const Route *found = NULL;
    for (unsigned i = 0; i < from->routes->len && found == NULL; i++) {
        found = cmd_route_to(from->routes->pdata[i], receiver);
    }
    return found;
}

static const Receiver *find_receiver(const Config *config, const CmdOrder *wanted,
                                     GError **error)
{
    const char *root = route_tree_root(config->routes)->receiver;
    const char *name = wanted->receiver != NULL ? wanted->receiver : root;
    const Receiver *receiver = config_find_receiver(config, name);
    if (receiver == NULL) {
        fault(error, name, "no such receiver");
    } else if (wanted->email < 0 || (unsigned)wanted->email >= receiver->n_emails) {
        fault(error, name, "it has no such email_config");
        return NULL;
    }
    return receiver;
}

bool cmd_order(const Config *config, const CmdOrder *wanted, OrderedMail *ordered,
               GError **error)
{
    const Receiver *receiver = find_receiver(config, wanted, error);
    if (receiver == NULL) {
        return false;
    }
    ordered->read = wanted->data != NULL ? cmd_read_event(config, wanted->data, wanted->source, error)
                                         : event_without_alerts(config, error);
    if (ordered->read == NULL) {
        return false;
    }
    ordered->mailed = mailed_event(ordered->read, &receiver->emails[wanted->email]);
    ordered->order = (MailOrder){
        .config = config,
        .receiver = receiver,
        .integration = (unsigned)wanted->email,
        .event = ordered->mailed,
        .route = cmd_route_to(route_tree_root(config->routes), receiver->name),
        .now_ms = g_get_real_time() / 1000,
        .thread_root = "",
        .group = "",
    };
    return true;
}

void ordered_mail_clear(OrderedMail *ordered)
{
    event_free(ordered->mailed);
    event_free(ordered->read);
    *ordered = (OrderedMail){0};
}
