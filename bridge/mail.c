/* SPDX-License-Identifier: MIT */
#include "bridge/mail.h"

void outcome_set(Outcome *outcome, OutcomeKind kind, int code, const char *enhanced,
                 const char *relay, const char *text)
{
    outcome_clear(outcome);
    outcome->kind = kind;
    outcome->code = code;
    g_strlcpy(outcome->enhanced, enhanced, sizeof outcome->enhanced);
    outcome->relay = g_strdup(relay);
    outcome->text = g_utf8_make_valid(text, -1);
    g_strdelimit(outcome->text, "\r\n", ' ');
}

void outcome_clear(Outcome *outcome)
{
    g_free(outcome->relay);
    g_free(outcome->text);
    *outcome = (Outcome){0};
}

const char *outcome_kind_text(OutcomeKind kind)
{
    static const char *const texts[] = {
        [OUTCOME_UNTRIED] = "untried",   [OUTCOME_DELIVERED] = "delivered",
        [OUTCOME_DEFERRED] = "deferred", [OUTCOME_REFUSED] = "refused",
        [OUTCOME_IN_DOUBT] = "in_doubt",
    };
    return texts[kind];
}

Mail *mail_new(void)
{
    Mail *mail = g_new0(Mail, 1);
    mail->message_id = g_strdup("");
    mail->sender = g_strdup("");
    mail->receiver = g_strdup("");
    mail->relay = g_strdup("");
    mail->group = g_strdup("");
    mail->subject = g_strdup("");
    return mail;
}

void mail_free(Mail *mail)
{
    if (mail == NULL) {
        return;
    }
    for (unsigned i = 0; i < mail->n_recipients; i++) {
        g_free(mail->recipients[i].address);
        outcome_clear(&mail->recipients[i].last);
    }
    g_free(mail->recipients);
    g_free(mail->message_id);
    g_free(mail->sender);
    g_free(mail->bytes);
    g_free(mail->receiver);
    g_free(mail->relay);
    g_free(mail->group);
    g_free(mail->subject);
    g_free(mail);
}

void mail_add_recipient(Mail *mail, const char *address)
{
    mail->recipients = g_renew(Recipient, mail->recipients, mail->n_recipients + 1);
    mail->recipients[mail->n_recipients++] = (Recipient){.address = g_strdup(address)};
}

MailFate mail_fate(const Mail *mail)
{
    unsigned delivered = 0, dead = 0;
    for (unsigned i = 0; i < mail->n_recipients; i++) {
        RecipientState state = mail->recipients[i].state;
        if (state == RECIPIENT_QUEUED || state == RECIPIENT_WAITING) {
            return MAIL_PENDING;
        }
        delivered += state == RECIPIENT_DELIVERED;
        dead += state == RECIPIENT_DEAD;
    }
    return delivered > 0 && dead == 0 ? MAIL_DONE : MAIL_DEAD;
}
