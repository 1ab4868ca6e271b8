/* SPDX-License-Identifier: MIT */
#include "bridge/cmd_probe.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "bridge/fetch.h"
#include "config/values.h"
#include "rules/fault.h"

#define ANSWER_MAX ((size_t)8 * 1024 * 1024) /* /metrics with many relays is below it */
#define REASON_MAX 200
#define TIMEOUT "3s"

typedef struct {
    char *timeout, *ca_file, *cert_file, *key_file;
    gboolean insecure;
} Options;

static void clear(void *of)
{
    Options *options = of;
    g_free(options->timeout);
    g_free(options->ca_file);
    g_free(options->cert_file);
    g_free(options->key_file);
}

static void declare(CmdLine *line, void *of)
{
    Options *options = of;
    const GOptionEntry entries[] = {
        {"timeout", 0, 0, G_OPTION_ARG_FILENAME, &options->timeout,
         "For everything, from the name to the last byte (default: " TIMEOUT ")", "DURATION"},
        {"ca-file", 0, 0, G_OPTION_ARG_FILENAME, &options->ca_file,
         "Who signed the daemon's certificate (default: the system's)", "FILE"},
        {"cert-file", 0, 0, G_OPTION_ARG_FILENAME, &options->cert_file,
         "Our certificate, where it wants one", "FILE"},
        {"key-file", 0, 0, G_OPTION_ARG_FILENAME, &options->key_file, "Its key", "FILE"},
        {"insecure", 0, 0, G_OPTION_ARG_NONE, &options->insecure,
         "Take any certificate, as a kubelet does: on the loopback it has another name", NULL},
        {0},
    };
    cmd_line_add(line, entries);
}

static bool read_timeout(const char *text, int64_t *timeout_ms, GError **error)
{
    if (!duration_parse(text != NULL ? text : TIMEOUT, timeout_ms, error)) {
        g_prefix_error(error, "--timeout: ");
        return false;
    }
    if (*timeout_ms <= 0) {
        g_set_error(error, FAULT, FAULT_INPUT, "--timeout: must not be 0");
        return false;
    }
    return true;
}

/* The first line of an answer, for a log: whatever it holds, it is one line of ASCII. */
static char *reason_of(const FetchAnswer *answer)
{
    size_t length = MIN(strcspn(answer->body, "\r\n"), (size_t)REASON_MAX);
    char *reason = g_strndup(answer->body, length);
    for (char *at = reason; *at != '\0'; at++) {
        *at = g_ascii_isprint(*at) ? *at : '?';
    }
    return reason;
}

static bool check_answer(const FetchAnswer *answer, GError **error)
{
    if (answer->status >= 200 && answer->status <= 299) {
        return true;
    }
    g_autofree char *reason = reason_of(answer);
    g_set_error(error, FAULT, FAULT_REMOTE, "HTTP status %u%s%s", answer->status,
                *reason != '\0' ? ": " : "", reason);
    return false;
}

static bool probe(const Options *options, const char *url, GError **error)
{
    char none[] = "";
    const TlsConfig tls = {
        .ca = none,
        .ca_file = options->ca_file != NULL ? options->ca_file : none,
        .cert = none,
        .cert_file = options->cert_file != NULL ? options->cert_file : none,
        .key.file = options->key_file,
        .server_name = none,
        .insecure_skip_verify = options->insecure,
    };
    FetchRequest request = {.url = url, .answer_max = ANSWER_MAX, .tls = &tls};
    FetchAnswer answer;
    if (!read_timeout(options->timeout, &request.timeout_ms, error)) {
        return false;
    }
    if (!fetch(&request, &answer, error)) {
        g_prefix_error(error, "%s: ", request.url);
        return false;
    }
    bool good = check_answer(&answer, error);
    if (!good) {
        g_prefix_error(error, "%s: ", request.url);
    }
    fetch_answer_clear(&answer);
    return good;
}

static int run(void *of, char **urls)
{
    g_autoptr(GError) error = NULL;
    if (urls[0] == NULL || urls[1] != NULL) {
        return cmd_misuse(&cmd_probe, "needs one URL");
    }
    signal(SIGPIPE, SIG_IGN); /* a server that goes away is an answer, too */
    return probe(of, urls[0], &error) ? 0 : cmd_fail(&cmd_probe, error->message);
}

const Cmd cmd_probe = {
    .name = "probe",
    .summary = "ask a daemon how it is: a health check without a shell",
    .arguments = "URL",
    .about = "Gets the URL, for example http://127.0.0.1:9725/-/healthy.  The exit status is 0 if it is\n"
             "answered with 2xx, else 1 with one line that says why.",
    .misuse = 1,
    .size = sizeof(Options),
    .declare = declare,
    .clear = clear,
    .run = run,
};
