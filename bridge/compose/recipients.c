/* SPDX-License-Identifier: MIT */
#include "bridge/compose/recipients.h"

#include <stdbool.h>
#include <string.h>

#include "bridge/compose/address.h"

typedef struct {
    const Draft *draft;
    GPtrArray *problems;
    GHashTable *known; /* addresses in lower case */
} Filter;

static bool is_allowed(const Draft *draft, const char *address)
{
    const char *domain = strrchr(address, '@') + 1;
    return draft->allowed_domains == NULL ||
           g_strv_contains(draft->allowed_domains, domain);
}

static bool admit(Filter *filter, const char *field, const Address *address)
{
    size_t max = filter->draft->recipients_max;
    const char *reason = NULL;
    g_autofree char *key = g_ascii_strdown(address->address, -1);
    if (g_hash_table_contains(filter->known, key)) {
        return false;
    }
    if (!is_allowed(filter->draft, address->address)) {
        reason = "its domain is not in allowed_domains";
    } else if (max > 0 && g_hash_table_size(filter->known) >= max) {
        reason = "more recipients than limits.recipients allows";
    }
    if (reason != NULL) {
        problems_add(filter->problems,
                     g_strdup_printf("%s: %s: %s", field, address->address, reason));
        return false;
    }
    return g_hash_table_add(filter->known, g_steal_pointer(&key));
}

static GPtrArray *admitted(Filter *filter, const char *field, const char *text)
{
    g_autoptr(GPtrArray) read = addresses_new();
    GPtrArray *kept = addresses_new();
    addresses_parse(read, filter->problems, field, text);
    for (unsigned i = 0; i < read->len; i++) {
        if (admit(filter, field, read->pdata[i])) {
            g_ptr_array_add(kept, read->pdata[i]);
            read->pdata[i] = NULL;
        }
    }
    return kept;
}

void recipients_parse(const Draft *draft, Recipients *recipients, GPtrArray *problems)
{
    Filter filter = {draft, problems,
                     g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL)};
    recipients->to = admitted(&filter, "to", draft->to);
    recipients->cc = admitted(&filter, "cc", draft->cc);
    recipients->bcc = admitted(&filter, "bcc", draft->bcc);
    g_hash_table_unref(filter.known);
}

void recipients_clear(Recipients *recipients)
{
    g_ptr_array_unref(recipients->to);
    g_ptr_array_unref(recipients->cc);
    g_ptr_array_unref(recipients->bcc);
}
