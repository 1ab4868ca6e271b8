/* SPDX-License-Identifier: MIT */
#include "bridge/delivery/smtp/smtp.h"

#include <netdb.h>
#include <string.h>
#include <unistd.h>

#include "bridge/delivery/smtp/thread.h"

enum { HOST_NAME_LENGTH = 256 };

/* A name that may follow EHLO. */
static bool is_name(const char *text)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";
    return *text != '\0' && *text != '-' && *text != '.' && text[strspn(text, letters)] == '\0';
}

/* The host's full name; "localhost" if it has none of use. */
static char *find_host_name(void)
{
    char name[HOST_NAME_LENGTH] = "";
    if (gethostname(name, sizeof name - 1) != 0 || !is_name(name)) {
        return g_strdup("localhost");
    }
    struct addrinfo hints = {.ai_flags = AI_CANONNAME}, *found = NULL;
    if (strchr(name, '.') == NULL && getaddrinfo(name, NULL, &hints, &found) == 0 &&
        found->ai_canonname != NULL && is_name(found->ai_canonname) &&
        strchr(found->ai_canonname, '.') != NULL) {
        g_strlcpy(name, found->ai_canonname, sizeof name);
    }
    if (found != NULL) {
        freeaddrinfo(found);
    }
    return g_strdup(name);
}

/* On the loop's own thread, before anything else there: it may ask the network. */
static void name_host(void *who)
{
    Smtp *smtp = who;
    smtp->hello = find_host_name();
}

Smtp *smtp_new(GError **error)
{
    Smtp *smtp = g_new0(Smtp, 1);
    smtp->loop = loop_new(error);
    smtp->connector = smtp->loop != NULL ? connector_new(smtp->loop, error) : NULL;
    if (smtp->connector == NULL) {
        smtp_free(smtp);
        return NULL;
    }
    smtp->naming = (Task){.run = name_host, .who = smtp};
    loop_post(smtp->loop, &smtp->naming);
    return smtp;
}

bool smtp_start(Smtp *smtp, GError **error)
{
    return loop_start(smtp->loop, error);
}

void smtp_stop(Smtp *smtp)
{
    loop_stop(smtp->loop);
}

void smtp_join(Smtp *smtp)
{
    loop_join(smtp->loop);
}

void smtp_free(Smtp *smtp)
{
    if (smtp != NULL) {
        connector_free(smtp->connector);
        loop_free(smtp->loop);
        g_free(smtp->hello);
        g_free(smtp);
    }
}
