/* SPDX-License-Identifier: MIT */
#include "bridge/cmd_send.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "bridge/accept_mail.h"
#include "bridge/cmd_order.h"
#include "bridge/compose/compose.h"
#include "bridge/conversation.h"
#include "bridge/send_config.h"
#include "bridge/send_options.h"
#include "bridge/send_relay.h"
#include "rules/fault.h"

enum { SENT = 0, NOT_SENT = 1, NOT_TRIED = 2 };

static bool fault(GError **error, const char *reason)
{
    g_set_error_literal(error, FAULT, FAULT_INPUT, reason);
    return false;
}

static Config *load_config(const SendOptions *options, GError **error)
{
    g_autoptr(Config) config =
        options->config_file != NULL
            ? config_load(options->config_file, CONFIG_IGNORE_OTHER_RECEIVERS, error)
            : send_settings_config(&options->server, error);
    g_autofree char *note = NULL;
    if (config == NULL || !dkim_check(&config->dkim, &note, error)) {
        return NULL;
    }
    return g_steal_pointer(&config);
}

/* --- the mail --- */

static char *joined(char **list)
{
    return list != NULL ? g_strjoinv(", ", list) : g_strdup("");
}

/* A part's text: as given, or from its file; NULL: none. */
static bool read_part(char **text, const char *given, const char *path, GError **error)
{
    if (path == NULL) {
        *text = g_strdup(given);
        return true;
    }
    gsize length = 0;
    *text = cmd_read(path, &length, error);
    for (gsize i = 0; i < length; i++) {
        (*text)[i] = (*text)[i] == '\0' ? ' ' : (*text)[i]; /* as any other control */
    }
    return *text != NULL;
}

static DraftHeader *split_headers(char **lines, size_t *n, GError **error)
{
    *n = lines != NULL ? g_strv_length(lines) : 0;
    g_autofree DraftHeader *headers = g_new0(DraftHeader, *n + 1);
    for (size_t i = 0; i < *n; i++) {
        char *colon = strchr(lines[i], ':');
        if (colon == NULL) {
            g_set_error(error, FAULT, FAULT_INPUT, "--header: not of the form NAME: VALUE: %s",
                        lines[i]);
            return NULL;
        }
        *colon = '\0';
        headers[i] = (DraftHeader){lines[i], colon + 1};
    }
    return g_steal_pointer(&headers);
}

/* What the configuration says; a template, perhaps. */
static char *configured_from(const MailOrder *order, GError **error)
{
    Rendered rendered;
    accept_render(order, &rendered);
    char *from = g_steal_pointer(&rendered.from);
    if (from == NULL) {
        g_set_error(error, FAULT, FAULT_INPUT, "the receiver's `from`: %s",
                    rendered.problem != NULL ? rendered.problem : "none");
    }
    rendered_clear(&rendered);
    return from;
}

static char *sender(const SendOptions *options, const MailOrder *order, GError **error)
{
    if (options->from != NULL) {
        return g_strdup(options->from);
    }
    if (options->config_file == NULL) {
        fault(error, "needed: --from ADDRESS");
        return NULL;
    }
    return configured_from(order, error);
}

/* What cannot be sent as it was asked for is not sent at all. */
static bool compose_exactly(const Draft *draft, Composed *composed, GError **error)
{
    if (!compose(draft, composed, error)) {
        return false;
    }
    if (composed->problems[0] != NULL) {
        g_autofree char *problems = g_strjoinv("\n", composed->problems);
        composed_clear(composed);
        return fault(error, problems);
    }
    return true;
}

static bool compose_own(const SendOptions *options, const MailOrder *order, Composed *composed,
                        GError **error)
{
    g_autofree char *from = sender(options, order, error);
    g_autofree char *to = joined(options->to), *cc = joined(options->cc);
    g_autofree char *bcc = joined(options->bcc), *reply_to = joined(options->reply_to);
    g_autofree char *text = NULL, *html = NULL;
    size_t n_headers;
    g_autofree DraftHeader *headers =
        from != NULL ? split_headers(options->headers, &n_headers, error) : NULL;
    if (headers == NULL || !read_part(&text, options->text, options->text_file, error) ||
        !read_part(&html, options->html, options->html_file, error)) {
        return false;
    }
    if (text == NULL && html == NULL) {
        text = g_strdup("This is a test mail, sent by alertpost " ALERTPOST_VERSION ".\n");
    }
    Draft draft = {
        .date = timestamp_from_ms(order->now_ms),
        .thread_root = "",
        .from = from,
        .to = to,
        .cc = cc,
        .bcc = bcc,
        .reply_to = reply_to,
        .subject = options->subject != NULL ? options->subject : "Test mail",
        .text = text,
        .html = html,
        .receiver = "",
        .status = "",
        .headers = headers,
        .n_headers = n_headers,
        .recipients_max = order->config->limits.recipients,
        .size_max = order->config->limits.mail,
        .signer = order->signer,
        .dkim = &order->config->dkim,
    };
    return compose_exactly(&draft, composed, error);
}

static void warn_of(const Composed *composed)
{
    for (char **problem = composed->problems; *problem != NULL; problem++) {
        g_autofree char *text = g_strconcat("left out: ", *problem, NULL);
        cmd_warn(&cmd_send, text);
    }
    if (composed->unsigned_because != NULL) {
        g_autofree char *text = g_strconcat("not signed: ", composed->unsigned_because, NULL);
        cmd_warn(&cmd_send, text);
    }
}

/* *COMPLETE: nobody was left out. */
static Mail *make_mail(const SendOptions *options, MailOrder *order, bool *complete,
                       GError **error)
{
    Composed composed;
    Mail *mail = NULL;
    g_autofree char *to = options->to != NULL ? joined(options->to) : NULL;
    order->to = to;
    if (options->data != NULL) {
        mail = accept_mail(order, &composed, error);
    } else if (compose_own(options, order, &composed, error)) {
        mail = accept_mail_of(order, &composed);
    }
    order->to = NULL;
    if (mail != NULL) {
        *complete = composed.problems[0] == NULL;
        warn_of(&composed);
        composed_clear(&composed);
    }
    return mail;
}

/* --- what became of it --- */

static void print_line(void *who, const char *line)
{
    (void)who;
    puts(line);
}

static void on_bytes(void *who, WireSide side, const char *bytes, size_t length)
{
    conversation_add(who, side, bytes, length);
}

static Conversation *new_conversation(const RelayConfig *relay)
{
    Conversation *conversation = conversation_new(print_line, NULL);
    const Secret *const secrets[] = {&relay->auth_password, &relay->auth_secret};
    for (size_t i = 0; i < G_N_ELEMENTS(secrets); i++) {
        char *text = secret_read(secrets[i], NULL);
        if (text != NULL) {
            conversation_hide(conversation, text);
        }
        secret_free(text);
    }
    return conversation;
}

/* Our own advice names settings: without a configuration, options stand for them. */
static char *reason_of(const SendOptions *options, const Outcome *outcome)
{
    bool ours = outcome->code == 0 && options->config_file == NULL;
    return ours ? send_settings_words(outcome->text) : g_strdup(outcome->text);
}

static void print_outcome(const Mail *mail, unsigned i, const Outcome *outcome,
                          const char *reason)
{
    bool untried = outcome->kind == OUTCOME_UNTRIED;
    g_autofree char *code =
        outcome->code > 0 ? g_strdup_printf("%d ", outcome->code) : g_strdup("");
    g_autofree char *address = g_utf8_make_valid(mail->recipients[i].address, -1);
    printf("%s: %s by %s: %s%s%s%s\n", untried ? "failed" : outcome_kind_text(outcome->kind),
           address, outcome->relay, code, outcome->enhanced,
           outcome->enhanced[0] != '\0' ? " " : "", reason);
}

/* The bad news last. Whether there is none. */
static bool print_outcomes(const SendOptions *options, const Mail *mail, Outcome *outcomes)
{
    bool all = true;
    for (int bad = 0; bad < 2; bad++) {
        for (unsigned i = 0; i < mail->n_recipients; i++) {
            bool delivered = outcomes[i].kind == OUTCOME_DELIVERED;
            if (delivered == (bad == 0)) {
                g_autofree char *reason = reason_of(options, &outcomes[i]);
                print_outcome(mail, i, &outcomes[i], reason);
            }
            all = all && delivered;
        }
    }
    for (unsigned i = 0; i < mail->n_recipients; i++) {
        outcome_clear(&outcomes[i]);
    }
    return all;
}

static int deliver(const SendOptions *options, Config *config, unsigned relay, Mail *mail,
                   GError **error)
{
    Conversation *conversation =
        options->verbose ? new_conversation(&config->relays[relay]) : NULL;
    WireTap tap = {on_bytes, conversation};
    SendPlan plan = {config, relay, options->timeout_ms, conversation != NULL ? &tap : NULL};
    g_autofree Outcome *outcomes = NULL;
    bool late = false;
    bool tried = send_to_relay(&plan, mail, &outcomes, &late, error);
    conversation_free(conversation);
    if (late) {
        g_autofree char *text =
            g_strdup_printf("cut short after %g s", (double)options->timeout_ms / 1000);
        cmd_fail(&cmd_send, text);
    }
    if (!tried) {
        return NOT_TRIED;
    }
    return print_outcomes(options, mail, outcomes) ? SENT : NOT_SENT;
}

static int send_mail(const SendOptions *options, GError **error)
{
    g_autoptr(Config) config = load_config(options, error);
    CmdOrder wanted = {.receiver = options->receiver,
                       .email = options->email,
                       .source = options->source,
                       .data = options->data};
    g_auto(OrderedMail) ordered = {0};
    if (config == NULL || !cmd_order(config, &wanted, &ordered, error)) {
        return NOT_TRIED;
    }
    MailOrder *order = &ordered.order;
    bool complete = false;
    order->signer = dkim_new();
    g_autoptr(Mail) mail = make_mail(options, order, &complete, error);
    unsigned relay = order->receiver->emails[order->integration].relay;
    int status = mail != NULL ? deliver(options, config, relay, mail, error) : NOT_TRIED;
    dkim_free(order->signer);
    return status == SENT && !complete ? NOT_SENT : status;
}

static int run(void *of, char **words)
{
    (void)words;
    SendOptions *options = of;
    g_autoptr(GError) error = NULL;
    if (!send_options_check(options, &error)) {
        return cmd_misuse(&cmd_send, error->message);
    }
    int status = send_mail(options, &error);
    if (error != NULL) {
        cmd_fail(&cmd_send, error->message);
    }
    return fflush(stdout) == 0 ? status : MAX(status, NOT_SENT);
}

const Cmd cmd_send = {
    .name = "send",
    .summary = "send one mail: test a mail server or a receiver",
    .about =
        "Sends one mail, as the daemon would, and prints what became of it: to test a mail\n"
        "server, or a receiver's templates. With --data, --to replaces the receiver's own\n"
        "recipients.",
    .notes =
        "Exit status: 0 if every recipient has it, 1 if somebody has not, 2 if nothing was\n"
        "tried. It is tried once; nothing is kept.\n\n"
        "  alertpost send --config.file alertpost.yml --to me@example.org -v\n"
        "  alertpost send --smarthost mail.example.org:587 --from alerts@example.org \\\n"
        "      --auth-username alerts --auth-password-file password --to me@example.org\n"
        "  alertpost send --config.file alertpost.yml --receiver team-db --data webhook.json",
    .misuse = NOT_TRIED,
    .size = sizeof(SendOptions),
    .declare = send_options_declare,
    .clear = send_options_clear,
    .run = run,
};
