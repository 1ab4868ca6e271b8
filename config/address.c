/* SPDX-License-Identifier: MIT */
#include "config/address.h"

#include <string.h>

#include "config/domain.h"
#include "rules/fault.h"

/* The end of the item at AT: a comma outside of quotes and of <>, or the end. */
static const char *item_end(const char *at)
{
    bool quoted = false, angle = false;
    for (; *at != '\0' && (*at != ',' || quoted || angle); at++) {
        if (*at == '\\' && quoted && at[1] != '\0') {
            at++;
        } else if (*at == '"') {
            quoted = !quoted;
        } else if (!quoted && (*at == '<' || *at == '>')) {
            angle = *at == '<';
        }
    }
    return at;
}

static bool fail(GError **error, const char *item, const char *reason)
{
    g_set_error(error, FAULT, FAULT_INPUT, "\"%s\": %s", item, reason);
    return false;
}

/* ITEM is "local@domain" or ends in "<local@domain>". */
static bool check_item(char *item, GError **error)
{
    g_autofree char *whole = g_strdup(item);
    size_t length = strlen(item);
    char *open = strrchr(item, '<');
    if (open != NULL && item[length - 1] == '>') {
        item[length - 1] = '\0';
        item = g_strstrip(open + 1);
    } else if (open != NULL) {
        return fail(error, whole, "not a mail address: > is missing");
    }
    char *at = strrchr(item, '@');
    bool quoted = *item == '"';
    if (at == NULL || at == item ||
        (!quoted && (strchr(item, '@') != at || strpbrk(item, " \t\"") != NULL))) {
        return fail(error, whole, "not a mail address, as in ops@example.org");
    }
    if (at[1] == '[') {
        return true; /* an address literal */
    }
    g_autofree char *domain = domain_to_ascii(at + 1, NULL);
    return domain != NULL || fail(error, whole, "not a mail address: no such domain name");
}

bool address_list_check(const char *list, GError **error)
{
    for (const char *at = list;; at++) {
        const char *end = item_end(at);
        g_autofree char *item = g_strstrip(g_strndup(at, (gsize)(end - at)));
        if (*item != '\0' && !check_item(item, error)) {
            return false;
        }
        if (*end == '\0') {
            return true;
        }
        at = end;
    }
}
