/* SPDX-License-Identifier: MIT */
#include "bridge/postmaster.h"

#include "bridge/compose/clean.h"
#include "rules/route.h"

enum {
    LISTED_MAX = 20,    /* mails, … */
    RECIPIENTS_MAX = 5, /* … and recipients of each */
};

/* The words of servers and senders: one line each. */
static void add_field(GString *text, const char *name, const char *value)
{
    g_autofree char *line = clean_line(value);
    g_string_append_printf(text, "%-10s %s\n", name, line);
}

static void add_recipient(GString *text, const Recipient *recipient)
{
    const Outcome *last = &recipient->last;
    g_autoptr(GString) words = g_string_new(recipient->address);
    g_string_append(words, ": ");
    if (last->code > 0) {
        g_string_append_printf(words, "%d ", last->code);
    }
    if (*last->enhanced != '\0') {
        g_string_append_printf(words, "%s ", last->enhanced);
    }
    g_string_append(words, last->text != NULL ? last->text : "");
    add_field(text, "To:", words->str);
}

static void add_mail(GString *text, const Mail *mail)
{
    unsigned told = 0, lacking = 0;
    add_field(text, "Subject:", mail->subject);
    add_field(text, "Receiver:", mail->receiver);
    for (unsigned i = 0; i < mail->n_recipients; i++) {
        if (mail->recipients[i].state == RECIPIENT_DELIVERED) {
            continue;
        }
        if (++lacking <= RECIPIENTS_MAX) {
            add_recipient(text, &mail->recipients[i]);
            told++;
        }
    }
    if (lacking > told) {
        g_string_append_printf(text, "           and %u more\n", lacking - told);
    }
    g_string_append_printf(text, "Look:      alertpost queue show %" G_GINT64_FORMAT "\n\n",
                           mail->id);
}

static char *text_about(const Mail *const *dead, size_t n)
{
    GString *text = g_string_new(NULL);
    g_string_append_printf(
        text, "%zu mail%s of alertpost on %s could not be delivered and %s not tried any more.\n\n",
        n, n == 1 ? "" : "s", g_get_host_name(), n == 1 ? "is" : "are");
    for (size_t i = 0; i < MIN(n, (size_t)LISTED_MAX); i++) {
        add_mail(text, dead[i]);
    }
    if (n > LISTED_MAX) {
        g_string_append_printf(text, "And %zu more.\n\n", n - LISTED_MAX);
    }
    g_string_append(text, "They are kept until they are tried again or dropped (where\n"
                          "--web.management-address is set, with --url http://THAT-ADDRESS):\n"
                          "alertpost queue list --state dead\n"
                          "alertpost queue retry ID…\n"
                          "alertpost queue drop ID…\n");
    return g_string_free(text, FALSE);
}

/* The mail server of the root route's receiver, else the first one. */
static const RelayConfig *find_relay(const Config *config)
{
    const Receiver *root =
        config_find_receiver(config, route_tree_root(config->routes)->receiver);
    if (root != NULL && root->n_emails > 0) {
        return &config->relays[root->emails[0].relay];
    }
    return config->n_relays > 0 ? &config->relays[0] : NULL;
}

static void set(char **text, char *take)
{
    g_free(*text);
    *text = take;
}

static Mail *mail_of(Composed *composed, const RelayConfig *relay, int64_t now_ms)
{
    Mail *mail = mail_new();
    set(&mail->message_id, g_strdup(composed->message_id));
    set(&mail->sender, g_strdup(composed->sender));
    set(&mail->subject, g_strdup(composed->subject));
    set(&mail->relay, g_strdup(relay->key));
    mail->accepted_ms = now_ms;
    mail->bytes = g_steal_pointer(&composed->bytes);
    mail->length = composed->length;
    for (size_t i = 0; i < composed->n_recipients; i++) {
        mail_add_recipient(mail, composed->recipients[i]);
    }
    return mail;
}

Mail *postmaster_notice(const Config *config, Dkim *signer, const Mail *const *dead, size_t n,
                        int64_t now_ms)
{
    const char *postmaster = config->delivery.postmaster;
    const RelayConfig *relay = find_relay(config);
    if (*postmaster == '\0' || relay == NULL) {
        return NULL;
    }
    g_autofree char *text = text_about(dead, n);
    g_autofree char *subject =
        g_strdup_printf("alertpost: %zu mail%s not delivered", n, n == 1 ? "" : "s");
    Draft draft = {.thread_root = "",
                   .date = timestamp_from_ms(now_ms),
                   .from = *dead[0]->sender != '\0' ? dead[0]->sender : postmaster,
                   .to = postmaster,
                   .cc = "",
                   .bcc = "",
                   .reply_to = "",
                   .subject = subject,
                   .text = text,
                   .receiver = "",
                   .status = "",
                   .signer = signer,
                   .dkim = &config->dkim};
    Composed composed = {0};
    if (!compose(&draft, &composed, NULL)) {
        draft.from = postmaster;
        if (!compose(&draft, &composed, NULL)) {
            return NULL;
        }
    }
    Mail *mail = composed.n_recipients > 0 ? mail_of(&composed, relay, now_ms) : NULL;
    composed_clear(&composed);
    return mail;
}
