/* SPDX-License-Identifier: MIT */
#include "bridge/api/mails_print.h"

#include <string.h>

#include "bridge/json.h"
#include "rules/timestamp.h"

enum { LIST_RECIPIENTS = 20 }; /* of a mail in a list; the first ones */

static const char *recipient_state_text(RecipientState state)
{
    static const char *const texts[] = {
        [RECIPIENT_QUEUED] = "queued",       [RECIPIENT_WAITING] = "queued",
        [RECIPIENT_DELIVERED] = "delivered", [RECIPIENT_REFUSED] = "refused",
        [RECIPIENT_DEAD] = "dead",           [RECIPIENT_DROPPED] = "dropped",
    };
    return texts[state];
}

/* Members are written with a comma behind; this ends the object. */
static void end(GString *out, char bracket)
{
    if (out->str[out->len - 1] == ',') {
        g_string_truncate(out, out->len - 1);
    }
    g_string_append_c(out, bracket);
}

static void add_text(GString *out, const char *key, const char *text)
{
    g_string_append_printf(out, "\"%s\":", key);
    json_append_string(out, text != NULL ? text : "");
    g_string_append_c(out, ',');
}

static void add_number(GString *out, const char *key, int64_t number)
{
    g_string_append_printf(out, "\"%s\":%" G_GINT64_FORMAT ",", key, number);
}

static void add_flag(GString *out, const char *key, bool value)
{
    g_string_append_printf(out, "\"%s\":%s,", key, value ? "true" : "false");
}

/* RFC 3339 in UTC; null where MS is not above 0. */
static void add_time(GString *out, const char *key, int64_t ms)
{
    g_string_append_printf(out, "\"%s\":", key);
    if (ms <= 0) {
        g_string_append(out, "null,");
        return;
    }
    CivilTime at = timestamp_civil(timestamp_from_ms(ms));
    g_string_append_printf(out, "\"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ\",", (int)at.year,
                           at.month, at.day, at.hour, at.minute, at.second, (int)(ms % 1000));
}

/* Postfix, Exim, Sendmail. */
char *queue_id_of(const char *text)
{
    static const char *const marks[] = {"queued as ", "OK id="};
    static const char *const tails[] = {" Message accepted for delivery"};
    for (size_t i = 0; i < G_N_ELEMENTS(marks); i++) {
        const char *at = strstr(text, marks[i]);
        if (at != NULL) {
            at += strlen(marks[i]);
            size_t length = strcspn(at, " ;,)");
            return length > 0 ? g_strndup(at, length) : NULL;
        }
    }
    for (size_t i = 0; i < G_N_ELEMENTS(tails); i++) {
        const char *tail = strstr(text, tails[i]), *at = tail;
        while (at != NULL && at > text && at[-1] != ' ') {
            at--;
        }
        if (at != tail) {
            return g_strndup(at, (gsize)(tail - at));
        }
    }
    return NULL;
}

static void add_outcome(GString *out, int64_t at_ms, const Outcome *outcome)
{
    const char *text = outcome->text != NULL ? outcome->text : "";
    add_time(out, "at", at_ms);
    add_text(out, "outcome", outcome_kind_text(outcome->kind));
    add_number(out, "code", outcome->code);
    add_text(out, "enhanced", outcome->enhanced);
    add_text(out, "relay", outcome->relay);
    add_text(out, "text", text);
    g_autofree char *queue_id =
        outcome->kind == OUTCOME_DELIVERED ? queue_id_of(text) : NULL;
    if (queue_id != NULL) {
        add_text(out, "queue_id", queue_id);
    }
}

static void add_recipient(GString *out, const StoredMail *stored, const Recipient *recipient)
{
    bool pending = recipient->state <= RECIPIENT_WAITING;
    g_string_append_c(out, '{');
    add_text(out, "address", recipient->address);
    add_text(out, "state", recipient_state_text(recipient->state));
    add_number(out, "attempts", recipient->attempts);
    add_flag(out, "in_doubt", recipient->in_doubt);
    add_time(out, "deferred_until",
             pending && stored->state == MAIL_DEFERRED ? recipient->due_ms : 0);
    if (recipient->last.text != NULL && *recipient->last.text != '\0') {
        g_string_append(out, "\"last\":{");
        add_outcome(out, recipient->last_ms, &recipient->last);
        end(out, '}');
    }
    end(out, '}');
}

static void add_mail(GString *out, const StoredMail *stored, unsigned recipients_max)
{
    const Mail *mail = stored->mail;
    add_number(out, "number", mail->id);
    add_text(out, "id", mail->message_id);
    add_text(out, "state", mail_state_text(stored->state));
    add_time(out, "accepted", mail->accepted_ms);
    add_time(out, "changed", stored->changed_ms);
    add_time(out, "next_attempt", stored->next_ms);
    add_text(out, "receiver", mail->receiver);
    add_number(out, "integration", mail->integration);
    add_text(out, "relay", mail->relay);
    add_text(out, "group", mail->group);
    add_text(out, "sender", mail->sender);
    add_text(out, "subject", mail->subject);
    add_number(out, "size", (int64_t)mail->length);
    add_number(out, "recipients_total", mail->n_recipients);
    g_string_append(out, "\"recipients\":[");
    for (unsigned i = 0; i < MIN(mail->n_recipients, recipients_max); i++) {
        add_recipient(out, stored, &mail->recipients[i]);
        g_string_append_c(out, ',');
    }
    end(out, ']');
    g_string_append_c(out, ',');
}

void mails_print_list(const GPtrArray *mails, int64_t before, GString *out)
{
    g_string_append(out, "{\"mails\":[");
    for (unsigned i = 0; i < mails->len; i++) {
        g_string_append(out, i > 0 ? ",{" : "{");
        add_mail(out, mails->pdata[i], LIST_RECIPIENTS);
        end(out, '}');
    }
    g_string_append(out, "],\"next\":");
    if (before > 0) {
        g_string_append_printf(out, "\"%" G_GINT64_FORMAT "\"}\n", before);
    } else {
        g_string_append(out, "null}\n");
    }
}

/* Attempts. */

static void add_attempt(GString *out, const char *address, int64_t at_ms,
                        const Outcome *outcome)
{
    g_string_append_c(out, '{');
    add_text(out, "recipient", address);
    add_outcome(out, at_ms, outcome);
    end(out, '}');
    g_string_append_c(out, ',');
}

typedef struct {
    const char *address;
    int64_t at_ms;
    const Outcome *outcome;
} Told;

static int compare_told(const void *one, const void *other)
{
    int64_t a = ((const Told *)one)->at_ms, b = ((const Told *)other)->at_ms;
    return a < b ? -1 : a > b;
}

/* Those that delivered stand in the recipients' rows alone: they are sorted in. */
static void add_attempts(GString *out, const StoredMail *stored)
{
    const Mail *mail = stored->mail;
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(Told));
    for (unsigned i = 0; i < stored->attempts->len; i++) {
        const PastAttempt *past = &g_array_index(stored->attempts, PastAttempt, i);
        const char *address = past->recipient < mail->n_recipients
                                  ? mail->recipients[past->recipient].address
                                  : "";
        const Told told = {address, past->at_ms, &past->outcome};
        g_array_append_val(all, told);
    }
    for (unsigned i = 0; i < mail->n_recipients; i++) {
        const Recipient *r = &mail->recipients[i];
        if (r->state == RECIPIENT_DELIVERED) {
            const Told told = {r->address, r->last_ms, &r->last};
            g_array_append_val(all, told);
        }
    }
    g_array_sort(all, compare_told); /* GLib's is stable */
    g_string_append(out, "\"attempts\":[");
    for (unsigned i = 0; i < all->len; i++) {
        const Told *told = &g_array_index(all, Told, i);
        add_attempt(out, told->address, told->at_ms, told->outcome);
    }
    end(out, ']');
    g_string_append_c(out, ',');
}

/* As they stand in the mail, unfolded. */
static void add_headers(GString *out, const Mail *mail)
{
    const char *at = mail->bytes;
    g_string_append(out, "\"headers\":[");
    while (*at != '\0' && *at != '\r') {
        g_autoptr(GString) line = g_string_new(NULL);
        do {
            size_t length = strcspn(at, "\r\n");
            g_string_append_len(line, at, (gssize)length);
            at += length + strspn(at + length, "\r");
            at += *at == '\n';
        } while (*at == ' ' || *at == '\t');
        char *colon = strchr(line->str, ':');
        if (colon != NULL) {
            *colon++ = '\0';
            g_string_append_c(out, '{');
            add_text(out, "name", line->str);
            add_text(out, "value", g_strstrip(colon));
            end(out, '}');
            g_string_append_c(out, ',');
        }
    }
    end(out, ']');
    g_string_append_c(out, ',');
}

void mails_print_one(const StoredMail *stored, GString *out)
{
    g_string_append_c(out, '{');
    add_mail(out, stored, G_MAXUINT);
    add_attempts(out, stored);
    if (stored->mail->bytes != NULL) {
        add_headers(out, stored->mail);
    }
    end(out, '}');
    g_string_append_c(out, '\n');
}
