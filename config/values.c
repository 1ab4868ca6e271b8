/* SPDX-License-Identifier: MIT */
#include "config/values.h"

#include <string.h>

#include "config/report.h"
#include "rules/fault.h"

/* BEFORE, TEXT in quotes, AFTER. */
static bool refuse(GError **error, const char *before, const char *text, const char *after)
{
    g_autofree char *quoted = report_quote(text);
    g_set_error(error, FAULT, FAULT_INPUT, "%s%s%s", before, quoted, after);
    return false;
}

bool bool_parse(const char *text, bool *value, GError **error)
{
    static const char *const yes[] = {"true", "True", "TRUE", "yes", "Yes", "YES",
                                      "on",   "On",   "ON",   "y",   "Y",   NULL};
    static const char *const no[] = {"false", "False", "FALSE", "no", "No", "NO",
                                     "off",   "Off",   "OFF",   "n",  "N",  NULL};
    if (!g_strv_contains(yes, text) && !g_strv_contains(no, text)) {
        return refuse(error, "expected true or false, found ", text, "");
    }
    *value = g_strv_contains(yes, text);
    return true;
}

bool unsigned_parse(const char *text, uint64_t *value, GError **error)
{
    guint64 number;
    if (!g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT64, &number, NULL)) {
        return refuse(error, "not a number: ", text, "");
    }
    *value = number;
    return true;
}

/* Go's time.Duration is 64 bits of nanoseconds; longer is an error there and here. */
#define DURATION_MAX_MS (INT64_MAX / 1000000)

typedef struct {
    const char *name;
    int64_t ms;
} Unit;

static const Unit units[] = {
    {"y", INT64_C(365) * 86400000}, {"w", INT64_C(7) * 86400000}, {"d", 86400000},
    {"h", 3600000}, {"m", 60000},   {"s", 1000},                  {"ms", 1},
};

static const Unit *find_unit(const char *name, size_t length)
{
    for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
        if (strlen(units[i].name) == length && strncmp(units[i].name, name, length) == 0) {
            return &units[i];
        }
    }
    return NULL;
}

/* The digits at *AT as a number, capped well above what is allowed. */
static int64_t take_number(const char **at)
{
    int64_t number = 0;
    for (; g_ascii_isdigit(**at); (*at)++) {
        number = MIN(number * 10 + (**at - '0'), DURATION_MAX_MS + 1);
    }
    return number;
}

static bool add_part(int64_t number, const Unit *unit, int64_t *ms)
{
    int64_t part;
    return !__builtin_mul_overflow(number, unit->ms, &part) &&
           !__builtin_add_overflow(*ms, part, ms) && *ms <= DURATION_MAX_MS;
}

bool duration_parse(const char *text, int64_t *ms, GError **error)
{
    if (*text == '\0') {
        g_set_error_literal(error, FAULT, FAULT_INPUT, "empty duration string");
        return false;
    }
    int64_t total = 0;
    const Unit *last = NULL;
    bool in_range = true;
    for (const char *at = strcmp(text, "0") == 0 ? "" : text; *at != '\0';) {
        const char *digits = at;
        int64_t number = take_number(&at);
        size_t length = strspn(at, "ywdhms");
        const Unit *unit = find_unit(at, length);
        if (at == digits || unit == NULL || (last != NULL && unit <= last)) {
            return refuse(error, "not a valid duration string: ", text, "");
        }
        in_range = in_range && add_part(number, unit, &total);
        last = unit;
        at += length;
    }
    if (!in_range) {
        g_set_error_literal(error, FAULT, FAULT_INPUT, "duration out of range");
        return false;
    }
    *ms = total;
    return true;
}

bool size_parse(const char *text, size_t *bytes, GError **error)
{
    static const char *const suffixes[] = {"", "B", "KiB", "MiB", "GiB", "TiB"};
    static const unsigned shifts[] = {0, 0, 10, 20, 30, 40};
    size_t digits = strspn(text, "0123456789");
    g_autofree char *number_text = g_strndup(text, digits);
    const char *suffix = text + digits;
    suffix += strspn(suffix, " ");
    for (size_t i = 0; i < G_N_ELEMENTS(suffixes); i++) {
        uint64_t number;
        if (strcmp(suffix, suffixes[i]) != 0 ||
            !unsigned_parse(number_text, &number, NULL) ||
            number > (SIZE_MAX >> shifts[i])) {
            continue;
        }
        *bytes = (size_t)number << shifts[i];
        return true;
    }
    return refuse(error, "not a size: ", text, " (as in 512KiB, 10MiB, 1GiB)");
}

static bool parse_port(const char *text, unsigned *port)
{
    static const struct {
        const char *name;
        unsigned port;
    } services[] = {
        {"smtp", 25}, {"submission", 587}, {"submissions", 465}, {"smtps", 465}};
    for (size_t i = 0; i < G_N_ELEMENTS(services); i++) {
        if (strcmp(text, services[i].name) == 0) {
            *port = services[i].port;
            return true;
        }
    }
    guint64 number;
    if (!g_ascii_string_to_unsigned(text, 10, 1, 65535, &number, NULL)) {
        return false;
    }
    *port = (unsigned)number;
    return true;
}

/* The colon before the port, or NULL; a host with colons must be in brackets. */
static const char *find_port(const char *text)
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL) {
        return NULL;
    }
    if (*text == '[') {
        const char *close = strchr(text, ']');
        return close != NULL && close + 1 == colon ? colon : NULL;
    }
    return strchr(text, ':') == colon ? colon : NULL;
}

/* What would end the host within an address of any kind. */
bool host_check(const char *host)
{
    for (const char *at = host; *at != '\0'; at++) {
        if ((guchar)*at <= ' ' || *at == 0x7f || strchr("/\\@?#*\"'<>[]", *at) != NULL) {
            return false;
        }
    }
    return strchr(host, '%') == NULL || strchr(host, ':') != NULL; /* a zone */
}

bool host_port_parse(const char *text, char **host, unsigned *port, GError **error)
{
    const char *colon = find_port(text);
    if (colon == NULL) {
        bool many = *text != '[' && strchr(text, ':') != NULL;
        g_set_error(error, FAULT, FAULT_INPUT, "address %s: %s in address", text,
                    many ? "too many colons" : "missing port");
        return false;
    }
    if (colon[1] == '\0') {
        return refuse(error, "address ", text, ": port cannot be empty");
    }
    bool bracketed = *text == '[';
    g_autofree char *name = bracketed ? g_strndup(text + 1, (gsize)(colon - text) - 2)
                                      : g_strndup(text, (gsize)(colon - text));
    if (!host_check(name)) {
        return refuse(error, "address ", text, ": not the name or address of a host");
    }
    if (!parse_port(colon + 1, port)) {
        return refuse(error, "address ", text, ": the port must be 1 to 65535");
    }
    *host = g_steal_pointer(&name);
    return true;
}
