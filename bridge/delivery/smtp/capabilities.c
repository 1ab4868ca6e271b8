/* SPDX-License-Identifier: MIT */
#include "bridge/delivery/smtp/capabilities.h"

#include <glib.h>
#include <string.h>

static void set_pipelining(Capabilities *capabilities, const char *rest)
{
    (void)rest;
    capabilities->pipelining = true;
}

static void set_smtputf8(Capabilities *capabilities, const char *rest)
{
    (void)rest;
    capabilities->smtputf8 = true;
}

static void set_starttls(Capabilities *capabilities, const char *rest)
{
    (void)rest;
    capabilities->starttls = true;
}

static void set_size(Capabilities *capabilities, const char *rest)
{
    guint64 max;
    capabilities->size = true;
    if (g_ascii_string_to_unsigned(rest, 10, 0, G_MAXUINT64, &max, NULL)) {
        capabilities->size_max = max;
    }
}

/* Some servers say it twice, as AUTH and in the old way as AUTH=. */
static void add_auth(Capabilities *capabilities, const char *rest)
{
    char *words = capabilities->mechanisms;
    size_t size = sizeof capabilities->mechanisms;
    capabilities->auth = true;
    if (*words != '\0' && strcmp(words, rest) != 0) {
        g_strlcat(words, " ", size);
        g_strlcat(words, rest, size);
    } else {
        g_strlcpy(words, rest, size);
    }
}

static const struct keyword {
    const char *word;
    void (*set)(Capabilities *capabilities, const char *rest);
} keywords[] = {
    {"PIPELINING", set_pipelining}, {"SMTPUTF8", set_smtputf8}, {"STARTTLS", set_starttls},
    {"SIZE", set_size},             {"AUTH", add_auth},
};

void capabilities_add(Capabilities *capabilities, const char *line, size_t length)
{
    g_autofree char *text = g_strndup(line, length);
    g_strstrip(text);
    size_t word = strcspn(text, " =");
    const char *rest = text + word + strspn(text + word, " =");
    for (size_t i = 0; i < G_N_ELEMENTS(keywords); i++) {
        if (strlen(keywords[i].word) == word &&
            g_ascii_strncasecmp(text, keywords[i].word, word) == 0) {
            keywords[i].set(capabilities, rest);
        }
    }
}
