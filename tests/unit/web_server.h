/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_WEB_SERVER_H
#define TESTS_UNIT_WEB_SERVER_H

#include <glib.h>
#include <stdio.h>

/* A web server for a test: tests/flow/webserver.py. */
typedef struct {
    GPid pid;
    FILE *input, *output;
    unsigned port;
} WebServer;

/* The next request it got, as a line of JSON; waits for one. */
static inline char *web_take_line(WebServer *server)
{
    char line[65536];
    assert_non_null(fgets(line, sizeof line, server->output));
    return g_strdup(line);
}

/* SCRIPT is JSON; FOLDER, with the certificate in it, may be NULL. */
static inline WebServer web_start(const char *script, const char *folder)
{
    WebServer server;
    g_autofree char *certificate = g_strdup_printf("%s/cert.pem", folder);
    g_autofree char *key = g_strdup_printf("%s/cert.key", folder);
    const char *command[] = {"/usr/bin/python3", SOURCE_DIR "/tests/flow/webserver.py", "--script",
                             script, "--certificate", certificate, "--key", key, NULL};
    command[4] = folder != NULL ? command[4] : NULL;
    int input, output;
    assert_true(g_spawn_async_with_pipes(NULL, (char **)(uintptr_t)command, NULL,
                                         G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &server.pid,
                                         &input, &output, NULL, NULL));
    server.input = fdopen(input, "w");
    server.output = fdopen(output, "r");
    g_autofree char *first = web_take_line(&server);
    assert_int_equal(sscanf(first, "{\"event\": \"listening\", \"port\": %u}", &server.port), 1);
    return server;
}

static inline void web_stop(WebServer *server)
{
    fclose(server->input);
    while (fgetc(server->output) != EOF) {
    }
    fclose(server->output);
    g_spawn_close_pid(server->pid);
}

#endif
