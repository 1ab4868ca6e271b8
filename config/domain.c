/* SPDX-License-Identifier: MIT */
#include "config/domain.h"

#include <idn2.h>
#include <stdbool.h>
#include <string.h>

#include "config/report.h"
#include "rules/fault.h"

/* Letters, digits, hyphens; no empty label. libidn2 leaves plain ASCII unchecked. */
static bool is_hostname(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
    size_t length = strlen(text);
    return length > 0 && length <= 253 && strspn(text, letters) == length &&
           *text != '.' && text[length - 1] != '.' && strstr(text, "..") == NULL;
}

/* A common name that means itself, for sure: no label may be an encoded one, too long,
 * or begin or end with a hyphen. */
static bool is_plain(const char *domain)
{
    size_t length = strlen(domain);
    bool hyphens_inside = length > 0 && *domain != '-' && domain[length - 1] != '-' &&
                          strstr(domain, "--") == NULL &&
                          strstr(domain, "-.") == NULL && strstr(domain, ".-") == NULL;
    return hyphens_inside && length <= 63 && is_hostname(domain);
}

char *domain_to_ascii(const char *domain, GError **error)
{
    if (is_plain(domain)) {
        return g_strdup(domain); /* libidn2 takes 6 µs to find that out */
    }
    char *ascii = NULL;
    int code = idn2_to_ascii_8z(domain, &ascii, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT);
    g_autofree char *lower = code == IDN2_OK ? g_ascii_strdown(ascii, -1) : NULL;
    idn2_free(ascii);
    if (lower == NULL || !is_hostname(lower)) {
        g_autofree char *quoted = report_quote(domain);
        g_set_error(error, FAULT, FAULT_INPUT, "not a domain name: %s", quoted);
        return NULL;
    }
    return g_steal_pointer(&lower);
}
