/* SPDX-License-Identifier: MIT */
#include "bridge/cmd_render.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "bridge/accept_mail.h"
#include "bridge/cmd_order.h"
#include "bridge/compose/html2text.h"
#include "config/config.h"
#include "rules/fault.h"

typedef struct {
    char *config_file, *source, *receiver, *data, *format;
    int email;
    gboolean ignore_other_receivers;
} Options;

static void clear(void *of)
{
    Options *options = of;
    g_free(options->config_file);
    g_free(options->source);
    g_free(options->receiver);
    g_free(options->data);
    g_free(options->format);
}

static void declare(CmdLine *line, void *of)
{
    Options *options = of;
    const GOptionEntry entries[] = {
        {"config.file", 0, 0, G_OPTION_ARG_FILENAME, &options->config_file,
         "Configuration with the receiver", "FILE"},
        {"receiver", 0, 0, G_OPTION_ARG_FILENAME, &options->receiver,
         "Whose mail to render", "NAME"},
        {"source", 0, 0, G_OPTION_ARG_FILENAME, &options->source,
         "Which source the data is for (default: alertmanager)", "NAME"},
        {"email", 0, 0, G_OPTION_ARG_INT, &options->email,
         "Which of its email_configs, from 0", "N"},
        {"data", 0, 0, G_OPTION_ARG_FILENAME, &options->data,
         "A webhook's body; - for the standard input", "FILE"},
        {"format", 0, 0, G_OPTION_ARG_FILENAME, &options->format,
         "html or text: that part; eml: the whole mail (default)", "FORMAT"},
        CMD_IGNORE_OTHER_RECEIVERS(&options->ignore_other_receivers),
        {0},
    };
    cmd_line_add(line, entries);
}

static bool fault(GError **error, const char *what, const char *reason)
{
    g_set_error(error, FAULT, FAULT_INPUT, "%s: %s", what, reason);
    return false;
}

static bool print_part(const MailOrder *order, bool html, GError **error)
{
    Rendered rendered;
    accept_render(order, &rendered);
    g_autoptr(GString) text = g_string_new(html ? rendered.html : rendered.text);
    bool absent = html && rendered.html == NULL;
    if (!html && rendered.text == NULL && rendered.html != NULL) {
        html_to_text(text, rendered.html);
    }
    bool ok = rendered.problem == NULL && !absent;
    if (!ok) {
        fault(error, order->receiver->name,
              rendered.problem != NULL ? rendered.problem : "it has no html part");
    }
    rendered_clear(&rendered);
    return ok && fwrite(text->str, 1, text->len, stdout) == text->len;
}

static bool print_mail(const MailOrder *order, GError **error)
{
    Composed composed;
    Dkim *signer = dkim_new();
    MailOrder signed_order = *order;
    signed_order.signer = signer;
    g_autoptr(Mail) mail = accept_mail(&signed_order, &composed, error);
    dkim_free(signer);
    if (mail == NULL) {
        g_prefix_error(error, "%s: ", order->receiver->name);
        return false;
    }
    for (char **problem = composed.problems; *problem != NULL; problem++) {
        cmd_warn(&cmd_render, *problem);
    }
    if (composed.unsigned_because != NULL) {
        g_autofree char *text = g_strconcat("not signed: ", composed.unsigned_because, NULL);
        cmd_warn(&cmd_render, text);
    }
    composed_clear(&composed);
    return fwrite(mail->bytes, 1, mail->length, stdout) == mail->length;
}

static bool print(const MailOrder *order, const char *format, GError **error)
{
    if (format == NULL || strcmp(format, "eml") == 0) {
        return print_mail(order, error);
    }
    bool html = strcmp(format, "html") == 0;
    if (!html && strcmp(format, "text") != 0) {
        return fault(error, format, "not one of html, text, eml");
    }
    return print_part(order, html, error);
}

static bool render(const Options *options, GError **error)
{
    g_autoptr(Config) config =
        config_load(options->config_file, CONFIG_IGNORE_OTHER_RECEIVERS, error);
    CmdOrder wanted = {.receiver = options->receiver,
                       .email = options->email,
                       .source = options->source,
                       .data = options->data};
    g_auto(OrderedMail) ordered = {0};
    return config != NULL && cmd_order(config, &wanted, &ordered, error) &&
           print(&ordered.order, options->format, error);
}

static int run(void *of, char **words)
{
    (void)words;
    const Options *options = of;
    g_autoptr(GError) error = NULL;
    if (options->config_file == NULL || options->receiver == NULL || options->data == NULL) {
        return cmd_misuse(&cmd_render,
                              "needed: --config.file FILE --receiver NAME --data FILE");
    }
    if (!render(options, &error)) {
        return cmd_fail(&cmd_render, error != NULL
                                                 ? error->message
                                                 : "cannot write to the standard output");
    }
    return fflush(stdout) == 0
               ? 0
               : cmd_fail(&cmd_render, "cannot write to the standard output");
}

const Cmd cmd_render = {
    .name = "render",
    .summary = "print the mail a receiver would send for a payload",
    .about = "Prints the mail that a receiver would get.",
    .notes = "Exit status: 0, 1 if there is no such mail, 2 for a wrong command line.\n\n"
             "  alertpost render --config.file alertpost.yml --receiver team-db --data webhook.json",
    .misuse = 2,
    .size = sizeof(Options),
    .declare = declare,
    .clear = clear,
    .run = run,
};
