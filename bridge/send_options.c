/* SPDX-License-Identifier: MIT */
#include "bridge/send_options.h"

#include <string.h>

#include "bridge/cmd_order.h"
#include "config/values.h"
#include "rules/fault.h"

#define TIMEOUT_MS (2 * 60 * 1000)

void send_options_clear(SendOptions *options)
{
    char *const texts[] = {options->config_file, options->receiver,  options->data,
                           options->source,      options->timeout,   options->from,
                           options->subject,     options->text,      options->text_file,
                           options->html,        options->html_file};
    char **const lists[] = {options->to,       options->cc,      options->bcc,
                            options->reply_to, options->headers, options->words};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_free(texts[i]);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
        g_strfreev(lists[i]);
    }
    send_settings_clear(&options->server);
}
#define TEXT(name, member, help, argument) \
    {name, 0, 0, G_OPTION_ARG_FILENAME, &options->member, help, argument}
#define LIST(name, member, help, argument) \
    {name, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->member, help, argument}

static GOptionContext *options_context(SendOptions *options)
{
    const GOptionEntry entries[] = {
        LIST("to", to, "Recipients; may be repeated, as cc and bcc", "ADDRESS,…"),
        LIST("cc", cc, "Further ones that all see", "ADDRESS,…"),
        LIST("bcc", bcc, "Further ones that nobody sees", "ADDRESS,…"),
        TEXT("from", from, "The sender (as configured)", "\"NAME <ADDRESS>\""),
        LIST("reply-to", reply_to, "Who gets the answers", "ADDRESS,…"),
        TEXT("subject", subject, "The subject", "TEXT"),
        TEXT("text", text, "The text part", "TEXT"),
        TEXT("text-file", text_file, "A file with it; - for the standard input", "FILE"),
        TEXT("html", html, "The HTML part", "HTML"),
        TEXT("html-file", html_file, "A file with it; - for the standard input", "FILE"),
        LIST("header", headers, "A further header; may be repeated", "\"NAME: VALUE\""),
        TEXT("config.file", config_file, "Configuration with the mail server", "FILE"),
        TEXT("receiver", receiver, "Whose mail server (the root route's)", "NAME"),
        {"email", 0, 0, G_OPTION_ARG_INT, &options->email,
         "Which of its email_configs, from 0", "N"},
        TEXT("data", data, "Send that receiver's mail for this webhook's body", "FILE"),
        TEXT("source", source, "Which source the data is for (alertmanager)", "NAME"),
        TEXT("timeout", timeout, "For all of it (2m)", "DURATION"),
        {"verbose", 'v', 0, G_OPTION_ARG_NONE, &options->verbose,
         "Print the conversation with the server, secrets masked", NULL},
        {"help", 'h', 0, G_OPTION_ARG_NONE, &options->help, "Print this help", NULL},
        LIST(G_OPTION_REMAINING, words, NULL, NULL),
        {0},
    };
    GOptionContext *context = g_option_context_new(NULL);
    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_set_summary(
        context,
        "Sends one mail, as the daemon would, and prints what became of it: to test a mail\n"
        "server, or a receiver's templates. With --data, --to replaces the receiver's own\n"
        "recipients.");
    g_option_context_set_description(
        context,
        "Exit status: 0 if every recipient has it, 1 if somebody has not, 2 if nothing was\n"
        "tried. It is tried once; nothing is kept.\n\n"
        "  alertpost send --config.file alertpost.yml --to me@example.org -v\n"
        "  alertpost send --smarthost mail.example.org:587 --from alerts@example.org \\\n"
        "      --auth-username alerts --auth-password-file password --to me@example.org\n"
        "  alertpost send --config.file alertpost.yml --receiver team-db --data webhook.json\n");
    g_option_context_add_main_entries(context, entries, NULL);
    send_settings_add(&options->server, context);
    return context;
}

static bool is_own(const SendOptions *options)
{
    return options->cc != NULL || options->bcc != NULL || options->reply_to != NULL ||
           options->from != NULL || options->subject != NULL || options->text != NULL ||
           options->text_file != NULL || options->html != NULL ||
           options->html_file != NULL || options->headers != NULL;
}

static bool has_recipient(const SendOptions *options)
{
    return options->to != NULL || options->cc != NULL || options->bcc != NULL;
}

static bool is_stdin(const char *path)
{
    return g_strcmp0(path, "-") == 0;
}

static const char *find_contradiction(const SendOptions *options)
{
    const char *data = options->data;
    if (options->words != NULL) {
        return "unexpected argument; every value belongs to an option";
    }
    if (options->config_file != NULL && send_settings_given(&options->server)) {
        return "--config.file and options of a mail server: one or the other";
    }
    if (data != NULL && options->receiver == NULL) {
        return "--data needs --receiver NAME";
    }
    if (options->receiver != NULL && options->config_file == NULL) {
        return "--receiver needs --config.file FILE";
    }
    if (data != NULL && is_own(options)) {
        return "--data: the mail is the receiver's; only --to may differ";
    }
    if (data == NULL && !has_recipient(options)) {
        return "needed: --to ADDRESS";
    }
    if ((options->text != NULL && options->text_file != NULL) ||
        (options->html != NULL && options->html_file != NULL)) {
        return "a part is given as text or as a file";
    }
    if (is_stdin(options->text_file) && is_stdin(options->html_file)) {
        return "only one part can come from the standard input";
    }
    return NULL;
}

static bool check(SendOptions *options, GError **error)
{
    const char *wrong = find_contradiction(options);
    options->timeout_ms = TIMEOUT_MS;
    if (wrong != NULL) {
        g_set_error_literal(error, FAULT, FAULT_INPUT, wrong);
        return false;
    }
    if (options->timeout != NULL &&
        !duration_parse(options->timeout, &options->timeout_ms, error)) {
        g_prefix_error(error, "--timeout: ");
        return false;
    }
    return true;
}

bool send_options_parse(SendOptions *options, int argc, char **argv, GError **error)
{
    g_autoptr(GOptionContext) context = options_context(options);
    g_auto(GStrv) words = cmd_words(argc, argv);
    return g_option_context_parse_strv(context, &words, error) &&
           (options->help || check(options, error));
}

char *send_options_help(void)
{
    g_auto(SendOptions) unused = {0};
    g_autoptr(GOptionContext) context = options_context(&unused);
    return g_option_context_get_help(context, TRUE, NULL);
}
