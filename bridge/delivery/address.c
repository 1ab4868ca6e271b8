/* SPDX-License-Identifier: MIT */
#include "bridge/delivery/address.h"

#include <glib.h>
#include <string.h>

enum { LOCAL_MAX = 64, DOMAIN_MAX = 255, PATH_MAX_BYTES = 254 };

bool address_is_international(const char *address)
{
    for (; *address != '\0'; address++) {
        if ((*address & 0x80) != 0) {
            return true;
        }
    }
    return false;
}

static bool has_control(const char *text)
{
    for (; *text != '\0'; text++) {
        if (g_ascii_iscntrl(*text)) {
            return true;
        }
    }
    return false;
}

/* The byte behind a local part in quotes, NULL if the quotes do not close. */
static const char *skip_quoted(const char *at)
{
    for (at++; *at != '\0' && *at != '"'; at++) {
        if (*at == '\\' && *++at == '\0') {
            return NULL;
        }
    }
    return *at == '"' ? at + 1 : NULL;
}

static bool is_domain(const char *domain)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789-._";
    size_t length = strlen(domain);
    if (domain[0] == '[' && domain[length - 1] == ']') {
        return length > 2 && strspn(domain + 1, "0123456789abcdefABCDEFIPv:.") == length - 2;
    }
    for (const char *at = domain; *at != '\0'; at++) {
        if ((*at & 0x80) == 0 && strchr(letters, *at) == NULL) {
            return false;
        }
    }
    return domain[0] != '.' && domain[0] != '-' && strstr(domain, "..") == NULL;
}

const char *address_fault(const char *address)
{
    if (has_control(address)) {
        return "a control character in the address";
    }
    if (!g_utf8_validate(address, -1, NULL)) {
        return "the address is not valid UTF-8";
    }
    const char *at = address + strcspn(address, " \"(),:;<>@[\\]");
    if (address[0] == '"') {
        at = skip_quoted(address);
    }
    if (at == NULL || at == address || *at != '@') {
        return "not of the form local@domain";
    }
    const char *domain = at + 1;
    if (domain[0] == '\0' || !is_domain(domain)) {
        return "the domain is not valid";
    }
    if (at - address > LOCAL_MAX || strlen(domain) > DOMAIN_MAX ||
        strlen(address) > PATH_MAX_BYTES) {
        return "the address is too long";
    }
    return NULL;
}
