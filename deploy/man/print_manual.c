/* SPDX-License-Identifier: MIT */
/* print_manual PAGE.in PAGE: the page with the program's own tables in place of @COMMANDS@,
 * @KEYS@ and @WEB_KEYS@, each on a line of its own, and with @VERSION@. */
#include <stdio.h>

#include "bridge/cmd_table.h"
#include "config/config.h"

static void fill_in(GString *page)
{
    g_autoptr(GString) list = g_string_new(NULL);
    g_autoptr(GString) keys = g_string_new(NULL);
    g_autoptr(GString) web_keys = g_string_new(NULL);
    cmd_print_manual(list);
    config_print_manual(keys, web_keys);
    const struct {
        const char *mark, *text;
    } parts[] = {{"@COMMANDS@\n", list->str},
                 {"@KEYS@\n", keys->str},
                 {"@WEB_KEYS@\n", web_keys->str},
                 {"@VERSION@", ALERTPOST_VERSION}};
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        g_string_replace(page, parts[i].mark, parts[i].text, 0);
    }
}

static int fail(const GError *error)
{
    fprintf(stderr, "print_manual: %s\n", error->message);
    return 1;
}

int main(int argc, char **argv)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    if (argc != 3) {
        fputs("usage: print_manual PAGE.in PAGE\n", stderr);
        return 2;
    }
    if (!g_file_get_contents(argv[1], &text, NULL, &error)) {
        return fail(error);
    }
    g_autoptr(GString) page = g_string_new(text);
    fill_in(page);
    return g_file_set_contents(argv[2], page->str, (gssize)page->len, &error) ? 0 : fail(error);
}
