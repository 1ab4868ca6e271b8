/* SPDX-License-Identifier: MIT */
/* What it costs to render a template.
 *
 *   render MODE NAME COUNT DATA FILE...
 *
 * Renders the definition NAME of the template files FILE..., as html or text, COUNT times
 * over the webhook's body in the file DATA.  Prints the CPU microseconds and the bytes of
 * one; COUNT 0 prints the output instead. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bridge/template_data.h"
#include "rules/template/template.h"

static double cpu_us(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static void give_up(const GError *error)
{
    fprintf(stderr, "render: %s\n", error->message);
    exit(1);
}

static TemplateSet *read_templates(char **paths)
{
    GError *error = NULL;
    TemplateSet *set = template_set_new();
    for (; *paths != NULL; paths++) {
        g_autofree char *text = NULL, *name = g_path_get_basename(*paths);
        gsize length;
        if (!g_file_get_contents(*paths, &text, &length, &error) ||
            !template_set_add(set, name, text, length, &error)) {
            give_up(error);
        }
    }
    return set;
}

static Notification read_data(Event *event, const char *path)
{
    GError *error = NULL;
    Notification notification;
    const JsonLimits limits = JSON_LIMITS_DEFAULT;
    g_autofree char *text = NULL;
    gsize length;
    if (!g_file_get_contents(path, &text, &length, &error)) {
        give_up(error);
    }
    g_autoptr(Json) body = json_parse(text, length, &limits, &error);
    if (body == NULL || !template_data_read(event, body, &notification, &error)) {
        give_up(error);
    }
    notification.now = timestamp_from_ms(g_get_real_time() / 1000);
    return notification;
}

static void render(const Template *tmpl, const Notification *notification, GString *out)
{
    GError *error = NULL;
    g_string_truncate(out, 0);
    if (!template_execute(tmpl, notification, NULL, out, &error)) {
        give_up(error);
    }
}

int main(int argc, char **argv)
{
    GError *error = NULL;
    if (argc < 6) {
        fputs("usage: render MODE NAME COUNT DATA FILE...\n", stderr);
        return 2;
    }
    int count = atoi(argv[3]);
    TemplateMode mode = strcmp(argv[1], "html") == 0 ? TEMPLATE_HTML : TEMPLATE_TEXT;
    g_autoptr(TemplateSet) set = read_templates(argv + 5);
    g_autoptr(Event) event = event_new();
    Notification notification = read_data(event, argv[4]);
    g_autoptr(Template) tmpl = template_compile_defined(set, mode, argv[2], &error);
    if (tmpl == NULL) {
        give_up(error);
    }
    g_autoptr(GString) out = g_string_new(NULL);
    render(tmpl, &notification, out);
    if (count == 0) {
        fwrite(out->str, 1, out->len, stdout);
        return 0;
    }
    double start = cpu_us();
    for (int i = 0; i < count; i++) {
        render(tmpl, &notification, out);
    }
    printf("%.2f %zu\n", (cpu_us() - start) / count, out->len);
    return 0;
}
