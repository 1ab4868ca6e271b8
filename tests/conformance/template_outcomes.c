/* SPDX-License-Identifier: MIT */
/* template_outcomes FILE
 *
 * Runs a case file and says what came of each case, one a line, for comparisons: its name,
 * "ok" or the phase of the error, and the output or the error in base64. */
#include <stdio.h>

#include "case_run.h"

static void say(const Json *item)
{
    Outcome outcome = case_run(item, NULL);
    bool good = outcome.error == NULL;
    g_autofree char *text =
        good ? g_base64_encode((const guchar *)outcome.output->str, outcome.output->len)
             : g_base64_encode((const guchar *)outcome.error->message,
                               strlen(outcome.error->message));
    printf("%s\t%s\t%s\n", case_text_of(item, "name"), good ? "ok" : outcome.phase, text);
    fflush(stdout); /* a crash shows where it happened */
    outcome_clear(&outcome);
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) json = argc == 2 ? case_parse(argv[1], &error) : NULL;
    const Json *cases = json == NULL ? NULL : json_get(json, "cases");
    if (cases == NULL) {
        fprintf(stderr, "template_outcomes: %s\n",
                error != NULL ? error->message : "usage: template_outcomes FILE");
        return 1;
    }
    for (const Json *item = json_first(cases); item != NULL; item = json_next(item)) {
        say(item);
    }
    return 0;
}
