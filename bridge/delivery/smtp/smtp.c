/* SPDX-License-Identifier: MIT */
#include "bridge/delivery/smtp/smtp.h"

#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bridge/delivery/smtp/thread.h"

enum { HOST_NAME_LENGTH = 256, NAME_WAIT_S = 5 };

/* A name that may follow EHLO. */
static bool is_name(const char *text)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";
    return *text != '\0' && *text != '-' && *text != '.' && text[strspn(text, letters)] == '\0';
}

/* The name that the system itself has; "localhost" if that is of no use. */
static char *short_host_name(void)
{
    char name[HOST_NAME_LENGTH] = "";
    bool known = gethostname(name, sizeof name - 1) == 0 && is_name(name);
    return g_strdup(known ? name : "localhost");
}

/* The host's full name; as much of it as there is. */
static char *find_host_name(void)
{
    char *name = short_host_name();
    struct addrinfo hints = {.ai_flags = AI_CANONNAME}, *found = NULL;
    if (strchr(name, '.') == NULL && getaddrinfo(name, NULL, &hints, &found) == 0 &&
        found->ai_canonname != NULL && is_name(found->ai_canonname) &&
        strchr(found->ai_canonname, '.') != NULL) {
        g_free(name);
        name = g_strdup(found->ai_canonname);
    }
    if (found != NULL) {
        freeaddrinfo(found);
    }
    return name;
}

/* --- a search that may ask a network which does not answer --- */

/* Shared by the loop and the thread that searches; freed by the last of them. */
struct Naming {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char *name;    /* under lock; NULL: not found yet */
    unsigned refs; /* under lock */
};

static Naming *naming_new(void)
{
    Naming *naming = g_new0(Naming, 1);
    pthread_mutex_init(&naming->lock, NULL);
    pthread_cond_init(&naming->changed, NULL);
    naming->refs = 1;
    return naming;
}

static void naming_unref(Naming *naming)
{
    pthread_mutex_lock(&naming->lock);
    bool last = --naming->refs == 0;
    pthread_mutex_unlock(&naming->lock);
    if (last) {
        pthread_mutex_destroy(&naming->lock);
        pthread_cond_destroy(&naming->changed);
        g_free(naming->name);
        g_free(naming);
    }
}

static void *search(void *data)
{
    Naming *naming = data;
    pthread_setname_np(pthread_self(), "hostname");
    char *name = find_host_name();
    pthread_mutex_lock(&naming->lock);
    naming->name = name;
    pthread_cond_signal(&naming->changed);
    pthread_mutex_unlock(&naming->lock);
    naming_unref(naming);
    return NULL;
}

/* Nobody can end it: nobody waits for it beyond NAME_WAIT_S. */
static void start_search(Naming *naming)
{
    pthread_t thread;
    sigset_t all, before;
    naming->refs++;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&thread, NULL, search, naming) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (started) {
        pthread_detach(thread);
    } else {
        naming->refs--;
    }
}

static char *wait_for_name(Naming *naming)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += NAME_WAIT_S;
    pthread_mutex_lock(&naming->lock);
    while (naming->name == NULL &&
           pthread_cond_timedwait(&naming->changed, &naming->lock, &until) == 0) {
    }
    char *name = g_strdup(naming->name);
    pthread_mutex_unlock(&naming->lock);
    return name;
}

/* On the loop's own thread, before anything else there. */
static void name_host(void *who)
{
    Smtp *smtp = who;
    smtp->hello = wait_for_name(smtp->naming);
    if (smtp->hello == NULL) {
        smtp->hello = short_host_name();
    }
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
    smtp->naming = naming_new();
    smtp->name = (Task){.run = name_host, .who = smtp};
    loop_post(smtp->loop, &smtp->name);
    return smtp;
}

bool smtp_start(Smtp *smtp, GError **error)
{
    start_search(smtp->naming);
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

void smtp_ask(Smtp *smtp, void (*answer)(void *who), void *who)
{
    smtp->asked = (Task){.run = answer, .who = who};
    loop_post(smtp->loop, &smtp->asked);
}

void smtp_free(Smtp *smtp)
{
    if (smtp != NULL) {
        connector_free(smtp->connector);
        loop_free(smtp->loop);
        g_free(smtp->hello);
        if (smtp->naming != NULL) {
            naming_unref(smtp->naming);
        }
        g_free(smtp);
    }
}
