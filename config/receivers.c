/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "config/emails.h"
#include "config/loader.h"
#include "config/smtp_fields.h"

static const char *const by_date_names[] = {"none", "daily", NULL};

static void set_by_date(const Reader *reader, const Field *field, const Node *node,
                        void *where)
{
    (void)field;
    const char *text = node->kind == NODE_SCALAR ? node->text : "";
    bool daily = strcmp(text, by_date_names[1]) == 0;
    if (!daily && strcmp(text, by_date_names[0]) != 0) {
        report_error(reader->report, node,
                     "threading.thread_by_date must be either 'none' or 'daily'");
    }
    *(unsigned *)where = daily;
}

static const ValueType type_by_date = {"choice", set_by_date};

static const Field threading_fields[] = {
    FIELD(ThreadingSettings, enabled, "enabled", "false",
          "Put the mails of one group into one thread; `false`: no threads at all."),
    {ROW("thread_by_date", &type_by_date, MEMBER_OF(ThreadingSettings, by_date, unsigned),
         "A new thread every day, or one for good."),
     .unset = "daily",
     .detail = by_date_names},
};

const Schema threading_schema =
    SCHEMA("threading", ThreadingSettings, threading_fields,
           "Alertmanager's way to thread mails. Without this section a thread is one "
           "episode: from the first alert of a group until all of them are resolved.");

static const Field email_fields[] = {
    FIELD(EmailSettings, send_resolved, "send_resolved", NULL,
          "Also mail when everything is resolved; else this is so for CI sources only."),
    ADDRESSES(EmailSettings, to, "to", "missing to address in email config",
              "The recipients; one text may hold several, separated by commas."),
    ADDRESSES(EmailSettings, cc, "cc", NULL, "More recipients, shown in Cc."),
    ADDRESSES(EmailSettings, bcc, "bcc", NULL, "More recipients, shown nowhere."),
    ADDRESSES(EmailSettings, reply_to, "reply_to", NULL, "Where answers go."),
    SMTP_FIELDS(EmailSettings, "", NULL),
    MAP(EmailSettings, headers, "headers",
        "Further headers, and Subject; the values are templates."),
    FIELD(EmailSettings, html, "html", NULL,
          "The HTML part; else `{{ template \"email.default.html\" . }}`. Empty: no such "
          "part."),
    FIELD(EmailSettings, text, "text", NULL,
          "The text part; else made from the HTML part, or, where that is the default too, "
          "`{{ template \"email.default.text\" . }}`."),
    SECTION(EmailSettings, threading, "threading", ThreadingSettings, &threading_schema,
            "How mails of one group are threaded."),
    TEXTS(EmailSettings, allowed_domains, "allowed_domains",
          "Recipients in other domains are refused, wherever a template got them from."),
    FIELD(EmailSettings, max_size, "max_size", "0",
          "A larger mail is replaced by a short plain one; 0 means no such limit."),
};

const Schema email_schema =
    SCHEMA("email_config", EmailSettings, email_fields,
           "One mail per notification. What is not said here comes from `global`.");

static void set_other(const Reader *reader, const Field *field, const Node *node, void *where)
{
    (void)where;
    if (reader->ignore_other_receivers) {
        report_note(reader->report, node, "ignored: alertpost only sends mail");
        return;
    }
    report_key_error(reader->report, node,
                     "alertpost only sends mail: leave %s to Alertmanager and remove it here, "
                     "or ignore it with --ignore-other-receivers",
                     field->key);
}

static const ValueType type_other = {"any", set_other};
#define OTHER(key_) {ROW(key_, &type_other, 0, NULL)}

static const Field receiver_fields[] = {
    REQUIRED(ReceiverSettings, name, "name", "missing name in receiver",
             "What routes call it; unique."),
    LIST(ReceiverSettings, emails, "email_configs", &email_schema,
         "The mails it sends; none is allowed, and drops what comes here."),
    OTHER("discord_configs"),    OTHER("incidentio_configs"), OTHER("jira_configs"),
    OTHER("mattermost_configs"), OTHER("msteams_configs"),    OTHER("msteamsv2_configs"),
    OTHER("opsgenie_configs"),   OTHER("pagerduty_configs"),  OTHER("pushover_configs"),
    OTHER("rocketchat_configs"), OTHER("slack_configs"),      OTHER("sns_configs"),
    OTHER("telegram_configs"),   OTHER("victorops_configs"),  OTHER("webex_configs"),
    OTHER("webhook_configs"),    OTHER("wechat_configs"),
};

const Schema receiver_schema =
    SCHEMA("receiver", ReceiverSettings, receiver_fields,
           "Who gets what a route sends here. Other kinds than mail are errors, or notes with "
           "`--ignore-other-receivers`.");

static void add_name(const Loader *loader, const ReceiverSettings *settings,
                     Receiver *receiver)
{
    GHashTable *names = loader->config->receivers_by_name;
    if (settings->name == NULL) {
        return;
    }
    if (!g_hash_table_contains(names, settings->name)) {
        g_hash_table_insert(names, settings->name, receiver);
        return;
    }
    g_autofree char *quoted = report_quote(settings->name);
    report_error(loader->reader.report, node_get(settings->at.node, "name"),
                 "notification config name %s is not unique", quoted);
}

static void build_receiver(Loader *loader, const ReceiverSettings *settings,
                           Receiver *receiver)
{
    receiver->name = settings->name;
    receiver->n_emails = settings->emails.n;
    receiver->emails = arena_array(loader->reader.arena, EmailConfig, settings->emails.n);
    for (unsigned i = 0; i < settings->emails.n; i++) {
        email_build(loader, LIST_ITEM(settings->emails, EmailSettings, i),
                    &receiver->emails[i]);
    }
}

void load_receivers(Loader *loader)
{
    const List *list = &loader->file.receivers;
    Config *config = loader->config;
    loader_check_tls(loader, &loader->file.global.smtp.tls);
    loader_check_oauth2(loader, &loader->file.global.smtp);
    config->receivers_by_name = g_hash_table_new(g_str_hash, g_str_equal);
    config->n_receivers = list->n;
    config->receivers = arena_array(loader->reader.arena, Receiver, list->n);
    for (unsigned i = 0; i < list->n; i++) {
        const ReceiverSettings *settings = LIST_ITEM(*list, ReceiverSettings, i);
        add_name(loader, settings, &config->receivers[i]);
        build_receiver(loader, settings, &config->receivers[i]);
    }
}
