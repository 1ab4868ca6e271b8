/* SPDX-License-Identifier: MIT */
#include "bridge/send_options.h"

#include <string.h>

#include "config/values.h"
#include "rules/fault.h"

#define TIMEOUT_MS (2 * 60 * 1000)

void send_options_clear(void *of)
{
    SendOptions *options = of;
    char *const texts[] = {options->config_file, options->receiver,  options->data,
                           options->source,      options->timeout,   options->from,
                           options->subject,     options->text,      options->text_file,
                           options->html,        options->html_file};
    char **const lists[] = {options->to,       options->cc,      options->bcc,
                            options->reply_to, options->headers};
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

void send_options_declare(CmdLine *line, void *of)
{
    SendOptions *options = of;
    const GOptionEntry entries[] = {
        LIST("to", to, "Recipients; may be repeated, as cc and bcc", "ADDRESS,…"),
        LIST("cc", cc, "Further ones that all see", "ADDRESS,…"),
        LIST("bcc", bcc, "Further ones that nobody sees", "ADDRESS,…"),
        TEXT("from", from, "The sender (default: as configured)", "\"NAME <ADDRESS>\""),
        LIST("reply-to", reply_to, "Who gets the answers", "ADDRESS,…"),
        TEXT("subject", subject, "The subject", "TEXT"),
        TEXT("text", text, "The text part", "TEXT"),
        TEXT("text-file", text_file, "A file with it; - for the standard input", "FILE"),
        TEXT("html", html, "The HTML part", "HTML"),
        TEXT("html-file", html_file, "A file with it; - for the standard input", "FILE"),
        LIST("header", headers, "A further header; may be repeated", "\"NAME: VALUE\""),
        TEXT("config.file", config_file, "Configuration with the mail server", "FILE"),
        TEXT("receiver", receiver, "Whose mail server (default: the root route's)", "NAME"),
        {"email", 0, 0, G_OPTION_ARG_INT, &options->email,
         "Which of its email_configs, from 0", "N"},
        TEXT("data", data, "Send that receiver's mail for this webhook's body", "FILE"),
        TEXT("source", source, "Which source the data is for (default: alertmanager)", "NAME"),
        TEXT("timeout", timeout, "For all of it (default: 2m)", "DURATION"),
        {"verbose", 'v', 0, G_OPTION_ARG_NONE, &options->verbose,
         "Print the conversation with the server, secrets masked", NULL},
        CMD_IGNORE_OTHER_RECEIVERS(&options->ignore_other_receivers),
        {0},
    };
    cmd_line_add(line, entries);
    send_settings_add(&options->server, line);
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

bool send_options_check(SendOptions *options, GError **error)
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
