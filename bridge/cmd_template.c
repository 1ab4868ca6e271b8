/* SPDX-License-Identifier: MIT */
#include "bridge/cmd_template.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "bridge/cmd_order.h"
#include "bridge/template_data.h"
#include "config/template_files.h"
#include "rules/fault.h"

/* Once each, except of globs: a second one is an error, as in amtool. */
typedef struct {
    char **globs, **texts, **types, **data;
} Options;

static void clear(void *of)
{
    Options *options = of;
    g_strfreev(options->globs);
    g_strfreev(options->texts);
    g_strfreev(options->types);
    g_strfreev(options->data);
}

static void declare(CmdLine *line, void *of)
{
    Options *options = of;
    const GOptionArg many = G_OPTION_ARG_FILENAME_ARRAY;
    const GOptionEntry entries[] = {
        {"template.glob", 0, 0, many, &options->globs,
         "Files with templates; may be repeated", "PATTERN"},
        {"template.text", 0, 0, many, &options->texts, "What to render", "TEXT"},
        {"template.type", 0, 0, many, &options->types, "text (default) or html", "TYPE"},
        {"template.data", 0, 0, many, &options->data,
         "JSON of a webhook; two sample alerts if it is not given", "FILE"},
        {0},
    };
    cmd_line_add(line, entries);
}

static bool G_GNUC_PRINTF(2, 3) fault(GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error_literal(error, FAULT, FAULT_INPUT, text);
    return false;
}

static bool check_once(char **values, const char *name, GError **error)
{
    return values == NULL || values[1] == NULL ||
           fault(error, "flag '%s' cannot be repeated", name);
}

static bool check_words(char **words, GError **error)
{
    static const char *const actions[] = {"render", NULL};
    if (words[0] == NULL) {
        return fault(error, "needed: %s", actions[0]);
    }
    if (strcmp(words[0], actions[0]) != 0) {
        g_autofree char *unknown = cmd_unknown("action", words[0], actions);
        return fault(error, "%s", unknown);
    }
    return words[1] == NULL || fault(error, "unexpected argument: %s", words[1]);
}

static bool check_options(const Options *options, GError **error)
{
    if (options->globs == NULL || options->texts == NULL) {
        return fault(error, "needed: --template.glob PATTERN --template.text TEXT");
    }
    const char *type = options->types != NULL ? options->types[0] : "text";
    if (strcmp(type, "text") != 0 && strcmp(type, "html") != 0) {
        return fault(error, "enum value must be one of html,text, got '%s'", type);
    }
    return check_once(options->texts, "template.text", error) &&
           check_once(options->types, "template.type", error) &&
           check_once(options->data, "template.data", error);
}

static TemplateSet *read_templates(char **globs, GError **error)
{
    g_autoptr(TemplateSet) set = template_set_new_with_defaults();
    for (; *globs != NULL; globs++) {
        g_auto(GStrv) files = template_files_find(*globs, error);
        if (files == NULL) {
            return NULL;
        }
        for (char **file = files; *file != NULL; file++) {
            if (!template_file_add(set, *file, error)) {
                return NULL;
            }
        }
    }
    return g_steal_pointer(&set);
}

static bool read_data(Event *event, char **files, Notification *notification, GError **error)
{
    g_autofree char *text = NULL;
    gsize length;
    if (files == NULL) {
        template_data_sample(event, notification);
        return true;
    }
    if ((text = cmd_read_file(files[0], &length, error)) == NULL) {
        return false;
    }
    if (!template_data_parse(event, text, length, notification, error)) {
        g_prefix_error(error, "%s: ", files[0]);
        return false;
    }
    return true;
}

static bool render(const Options *options, GString *out, GError **error)
{
    g_autoptr(TemplateSet) set = read_templates(options->globs, error);
    g_autoptr(Event) event = event_new();
    Notification notification;
    if (set == NULL || !read_data(event, options->data, &notification, error)) {
        return false;
    }
    notification.now = timestamp_from_ms(g_get_real_time() / 1000);
    bool html = options->types != NULL && strcmp(options->types[0], "html") == 0;
    g_autoptr(Template) tmpl = template_compile(set, html ? TEMPLATE_HTML : TEMPLATE_TEXT, "",
                                                options->texts[0], error);
    return tmpl != NULL && template_execute(tmpl, &notification, NULL, out, error);
}

static int run(void *of, char **words)
{
    const Options *options = of;
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) out = g_string_new(NULL);
    if (!check_words(words, &error) || !check_options(options, &error)) {
        return cmd_misuse(&cmd_template, error->message);
    }
    if (!render(options, out, &error)) {
        return cmd_fail(&cmd_template, error->message);
    }
    return cmd_output(&cmd_template, out);
}

const Cmd cmd_template = {
    .name = "template",
    .summary = "render templates over a webhook's JSON, as amtool does",
    .arguments = "render",
    .about = "Prints what a text with templates makes of alerts, as amtool does.",
    .notes = "Exit status, as amtool's: 0, or 1 for whatever is wrong.\n\n"
             "  alertpost template render --template.glob 'templates/*.tmpl' \\\n"
             "      --template.text '{{ template \"mail.subject\" . }}' --template.data webhook.json",
    .misuse = 1,
    .size = sizeof(Options),
    .declare = declare,
    .clear = clear,
    .run = run,
};
