/* SPDX-License-Identifier: MIT */
#include "bridge/accept_mail.h"

#include <string.h>

#include "bridge/accept_fallback.h"
#include "rules/fault.h"

static const EmailConfig *email_of(const MailOrder *order)
{
    return &order->receiver->emails[order->integration];
}

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

static size_t size_max(const MailOrder *order)
{
    size_t own = email_of(order)->max_size, all = order->config->limits.mail;
    return own > 0 && (all == 0 || own < all) ? own : all;
}

/* Alertmanager's `threading:` names a root that no mail has, by group and day. */
static char *thread_root(const MailOrder *order)
{
    const EmailConfig *email = email_of(order);
    if (!email->threading_set) {
        return g_strdup(order->thread_root);
    }
    if (!email->threading_enabled) {
        return g_strdup("");
    }
    g_autofree char *hash =
        g_compute_checksum_for_string(G_CHECKSUM_SHA256, order->event->group_key, -1);
    CivilTime day = timestamp_civil(timestamp_from_ms(order->now_ms));
    char date[32] = "";
    if (email->thread_by_day) {
        g_snprintf(date, sizeof date, "%04d-%02d-%02d", (int)day.year, day.month,
                   day.day);
    }
    return g_strdup_printf("alert-%.16s-%s@alertmanager", hash, date);
}

/* The texts of the result are those of the arguments. */
static Draft draft_of(const MailOrder *order, const Rendered *rendered)
{
    const EmailConfig *email = email_of(order);
    return (Draft){
        .date = timestamp_from_ms(order->now_ms),
        .thread_root = "",
        .from = or_empty(rendered->from),
        .to = or_empty(order->to != NULL ? order->to : rendered->to),
        .cc = or_empty(order->to != NULL ? "" : rendered->cc),
        .bcc = or_empty(order->to != NULL ? "" : rendered->bcc),
        .reply_to = or_empty(rendered->reply_to),
        .subject = or_empty(rendered->subject),
        .html = rendered->html,
        .text = rendered->text,
        .headers = rendered->headers,
        .n_headers = rendered->n_headers,
        .receiver = order->receiver->name,
        .status = alert_status_text(order->event->status),
        .allowed_domains = (const char *const *)email->allowed_domains,
        .recipients_max = order->config->limits.recipients,
        .size_max = size_max(order),
        .signer = order->signer,
        .dkim = &order->config->dkim,
    };
}

static bool compose_order(const MailOrder *order, Draft *draft, Composed *composed,
                          GError **error)
{
    g_autofree char *root = thread_root(order);
    draft->thread_root = root;
    bool made = compose(draft, composed, error);
    draft->thread_root = "";
    return made;
}

static void set(char **text, char *take)
{
    g_free(*text);
    *text = take;
}

Mail *accept_mail_of(const MailOrder *order, Composed *composed)
{
    Mail *mail = mail_new();
    set(&mail->message_id, g_strdup(composed->message_id));
    set(&mail->sender, g_strdup(composed->sender));
    set(&mail->receiver, g_strdup(order->receiver->name));
    set(&mail->relay, g_strdup(order->config->relays[email_of(order)->relay].key));
    set(&mail->group, g_strdup(order->group));
    set(&mail->subject, g_strdup(composed->subject));
    mail->integration = order->integration;
    mail->accepted_ms = order->now_ms;
    mail->bytes = g_steal_pointer(&composed->bytes);
    mail->length = composed->length;
    for (size_t i = 0; i < composed->n_recipients; i++) {
        mail_add_recipient(mail, composed->recipients[i]);
    }
    return mail;
}

static char *no_recipient(const Composed *composed)
{
    g_autofree char *problems = g_strjoinv("; ", composed->problems);
    return g_strdup_printf("no valid recipient%s%s", *problems != '\0' ? ": " : "",
                           problems);
}

/* NULL with ERROR set where no mail can be made as configured. */
static Mail *as_configured(const MailOrder *order, const Rendered *rendered,
                           Composed *composed, GError **error)
{
    Draft draft = draft_of(order, rendered);
    if (rendered->problem != NULL) {
        g_set_error_literal(error, FAULT, FAULT_INPUT, rendered->problem);
        return NULL;
    }
    if (!compose_order(order, &draft, composed, error)) {
        return NULL;
    }
    if (composed->n_recipients == 0) {
        g_autofree char *reason = no_recipient(composed);
        g_set_error_literal(error, FAULT, FAULT_INPUT, reason);
        composed_clear(composed);
        return NULL;
    }
    return accept_mail_of(order, composed);
}

Mail *accept_mail(const MailOrder *order, Composed *composed, GError **error)
{
    Rendered rendered;
    accept_render(order, &rendered);
    Composed own = {0};
    Mail *mail = as_configured(order, &rendered, &own, error);
    rendered_clear(&rendered);
    if (composed != NULL) {
        *composed = own;
    } else {
        composed_clear(&own);
    }
    return mail;
}

static void report_composed(MailReport *report, Composed *composed)
{
    g_strfreev(report->left_out);
    g_free(report->unsigned_because);
    report->left_out = g_steal_pointer(&composed->problems);
    report->unsigned_because = g_steal_pointer(&composed->unsigned_because);
}

/* The plain mail to whom TO, CC and BCC of DRAFT name. */
static Mail *plain_mail(const MailOrder *order, Draft *draft, MailReport *report)
{
    Composed composed;
    g_autoptr(GError) error = NULL;
    if (!compose_order(order, draft, &composed, &error)) {
        const char *postmaster = order->config->delivery.postmaster;
        draft->from = strcmp(draft->from, postmaster) != 0 && *postmaster != '\0'
                          ? postmaster
                          : "alertpost@localhost";
        return plain_mail(order, draft, report);
    }
    Mail *mail = accept_mail_of(order, &composed);
    report_composed(report, &composed);
    composed_clear(&composed);
    return mail;
}

/* With nobody to send it to, the mail is kept as dead. */
static void bury(Mail *mail, const char *to, const char *problem)
{
    g_autofree char *address = g_utf8_make_valid(to, (gssize)MIN(strlen(to), 200));
    g_strdelimit(address, "\r\n", ' ');
    mail_add_recipient(mail, address);
    mail->recipients[0].state = RECIPIENT_DEAD;
    outcome_set(&mail->recipients[0].last, OUTCOME_REFUSED, 0, "", "", problem);
}

/* To those whom the templates named; to the postmaster if that was nobody, or if it is
 * unknown who was meant. */
static Mail *fallback(const MailOrder *order, const Rendered *rendered,
                      const char *problem, MailReport *report)
{
    const char *postmaster = order->config->delivery.postmaster;
    g_autofree char *subject = fallback_subject(order->event);
    g_autofree char *text = fallback_text(order->event, order->receiver->name, problem);
    Draft draft = draft_of(order, rendered);
    draft.to = rendered->to != NULL ? draft.to : postmaster;
    draft.subject = *draft.subject != '\0' ? draft.subject : subject;
    draft.html = NULL;
    draft.text = text;
    draft.n_headers = 0;
    draft.size_max = 0;
    Mail *mail = plain_mail(order, &draft, report);
    if (mail->n_recipients == 0 && *postmaster != '\0') {
        mail_free(mail);
        draft.to = postmaster;
        draft.cc = draft.bcc = "";
        draft.allowed_domains = NULL;
        g_auto(GStrv) left_out = g_steal_pointer(&report->left_out);
        mail = plain_mail(order, &draft, report);
        g_strfreev(report->left_out);
        report->left_out = g_steal_pointer(&left_out);
    }
    if (mail->n_recipients == 0) {
        bury(mail, or_empty(rendered->to), problem);
    }
    return mail;
}

Mail *accept_mail_always(const MailOrder *order, MailReport *report)
{
    *report = (MailReport){0};
    Rendered rendered;
    accept_render(order, &rendered);
    Composed composed = {0};
    g_autoptr(GError) error = NULL;
    Mail *mail = as_configured(order, &rendered, &composed, &error);
    report_composed(report, &composed);
    if (mail == NULL) {
        report->problem = g_strdup(error->message);
        report->part = g_strdup(rendered.n_problems > 0 ? rendered.problems[0].part : NULL);
        report->place = g_strdup(rendered.n_problems > 0 ? rendered.problems[0].place : NULL);
        mail = fallback(order, &rendered, error->message, report);
    }
    composed_clear(&composed);
    rendered_clear(&rendered);
    return mail;
}

void mail_report_clear(MailReport *report)
{
    g_free(report->problem);
    g_free(report->part);
    g_free(report->place);
    g_strfreev(report->left_out);
    g_free(report->unsigned_because);
    *report = (MailReport){0};
}
