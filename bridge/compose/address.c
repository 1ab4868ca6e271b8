/* SPDX-License-Identifier: MIT */

/* GMime reads one mailbox; it is lenient (it takes "a@b c@d" for two and drops what it
 * does not understand), so the list is split here and what it gives is checked. */
#include "bridge/compose/address.h"

#include <gmime/gmime.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "bridge/compose/clean.h"
#include "config/domain.h"
#include "rules/fault.h"

#define LOCAL_MAX    64
#define ADDRESS_MAX  254
#define DISPLAY_MAX  200 /* bytes of a display name */
#define ITEM_MAX     4000
#define ITEMS_MAX    10000 /* of one list */
#define PROBLEMS_MAX 20
#define QUOTE_MAX    80 /* bytes of an item that a problem repeats */

static void initialise(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, g_mime_init);
}

void address_free(Address *address)
{
    if (address != NULL) {
        g_free(address->name);
        g_free(address->address);
        g_free(address);
    }
}

static void free_address(gpointer address)
{
    address_free(address);
}

GPtrArray *addresses_new(void)
{
    return g_ptr_array_new_with_free_func(free_address);
}

/* A local part as RFC 5321 has it: a dot-atom, or a quoted string. */
static const char *check_local(const char *local, size_t length)
{
    if (length == 0 || length > LOCAL_MAX) {
        return length == 0 ? "nothing before the @" : "more than 64 bytes before the @";
    }
    bool quoted = *local == '"';
    for (size_t i = 0; i < length; i++) {
        guchar byte = (guchar)local[i];
        bool special = strchr("()<>[]:;@\\,\" ", byte) != NULL;
        if (byte < 0x20 || byte == 0x7F || (special && !quoted)) {
            return "a character that does not belong before the @";
        }
    }
    return NULL;
}

static bool is_literal(const char *domain)
{
    size_t length = strlen(domain);
    return length > 2 && *domain == '[' && domain[length - 1] == ']' &&
           strspn(domain + 1, "0123456789abcdefABCDEF.:IPv") == length - 2;
}

static char *domain_ascii(const char *domain, GError **error)
{
    if (is_literal(domain)) {
        return g_strdup(domain);
    }
    return domain_to_ascii(domain, error);
}

/* The envelope form of what GMime read. */
static char *envelope_form(const char *text, GError **error)
{
    const char *at = text == NULL ? NULL : strrchr(text, '@');
    if (at == NULL) {
        g_set_error(error, FAULT, FAULT_INPUT, "no domain");
        return NULL;
    }
    const char *reason = check_local(text, (size_t)(at - text));
    if (reason != NULL) {
        g_set_error_literal(error, FAULT, FAULT_INPUT, reason);
        return NULL;
    }
    g_autofree char *domain = domain_ascii(at + 1, error);
    if (domain == NULL) {
        return NULL;
    }
    g_autofree char *whole = g_strdup_printf("%.*s@%s", (int)(at - text), text, domain);
    if (strlen(whole) > ADDRESS_MAX) {
        g_set_error(error, FAULT, FAULT_INPUT, "longer than %d bytes", ADDRESS_MAX);
        return NULL;
    }
    return g_steal_pointer(&whole);
}

static char *display_name(const char *name)
{
    char *clean = clean_line(name != NULL ? name : "");
    if (strlen(clean) > DISPLAY_MAX) {
        *g_utf8_find_prev_char(clean, clean + DISPLAY_MAX) = '\0';
    }
    return clean;
}

static Address *make_address(const char *text, const char *name, GError **error)
{
    g_autofree char *envelope = envelope_form(text, error);
    if (envelope == NULL) {
        return NULL;
    }
    Address *address = g_new0(Address, 1);
    address->address = g_steal_pointer(&envelope);
    address->name = display_name(name);
    return address;
}

static Address *from_list(InternetAddressList *list, GError **error)
{
    int n = list == NULL ? 0 : internet_address_list_length(list);
    InternetAddress *only = n == 1 ? internet_address_list_get_address(list, 0) : NULL;
    if (only == NULL || !INTERNET_ADDRESS_IS_MAILBOX(only)) {
        g_set_error(error, FAULT, FAULT_INPUT, "%s",
                    n > 1 ? "more than one address without a comma" : "not an address");
        return NULL;
    }
    const char *text =
        internet_address_mailbox_get_addr((InternetAddressMailbox *)only);
    return make_address(text, internet_address_get_name(only), error);
}

/* Nothing but an address, which can be read in one way only; as most are. */
static bool is_bare(const char *item)
{
    static const char atom[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
    size_t local = strspn(item, atom);
    size_t domain = item[local] == '@' ? strspn(item + local + 1, atom) : 0;
    return local > 0 && domain > 0 && item[local + 1 + domain] == '\0' &&
           *item != '.' && item[local - 1] != '.' && strstr(item, "..") == NULL;
}

static Address *parse_item(const char *item, GError **error)
{
    if (strlen(item) > ITEM_MAX) {
        g_set_error(error, FAULT, FAULT_INPUT, "longer than %d bytes", ITEM_MAX);
        return NULL;
    }
    if (is_bare(item)) {
        return make_address(item, "", error);
    }
    InternetAddressList *list = internet_address_list_parse(NULL, item);
    Address *address = from_list(list, error);
    if (list != NULL) {
        g_object_unref(list);
    }
    return address;
}

typedef struct {
    GPtrArray *addresses, *problems;
    const char *field;
    unsigned items;
} Sink;

void problems_add(GPtrArray *problems, char *take_text)
{
    if (problems->len < PROBLEMS_MAX) {
        g_ptr_array_add(problems, take_text);
        return;
    }
    if (problems->len == PROBLEMS_MAX) {
        g_ptr_array_add(problems, g_strdup("and more"));
    }
    g_free(take_text);
}

static void add_problem(const Sink *sink, const char *text, const char *reason)
{
    g_autofree char *item = g_strdup(text);
    if (strlen(item) > QUOTE_MAX) {
        *g_utf8_find_prev_char(item, item + QUOTE_MAX) = '\0';
    }
    problems_add(sink->problems,
                 g_strdup_printf("%s: %s: %s", sink->field, item, reason));
}

static void take_item(Sink *sink, const char *text, size_t length)
{
    g_autofree char *item = g_strstrip(g_strndup(text, length));
    if (*item == '\0') {
        return;
    }
    sink->items++;
    g_autoptr(GError) error = NULL;
    Address *address = parse_item(item, &error);
    if (address != NULL) {
        g_ptr_array_add(sink->addresses, address);
    } else {
        add_problem(sink, item, error->message);
    }
}

/* The end of the quoted string, comment, angle address or domain literal that starts
 * at AT; only its first character if it has no end.  NEVER remembers which have none,
 * so that a hostile text costs no more than its length. */
static const char *skip_unit(const char *at, bool never[4])
{
    static const char open[] = "\"(<[", close[] = "\")>]";
    const char *which = strchr(open, *at);
    if (which == NULL || never[which - open]) {
        return at + 1;
    }
    char end = close[which - open];
    for (const char *in = at + 1; *in != '\0'; in++) {
        if (*in == '\\' && in[1] != '\0') {
            in++;
        } else if (*in == end) {
            return in + 1;
        }
    }
    never[which - open] = true;
    return at + 1;
}

/* What stands before a colon; with an address in it, it is none. */
static bool is_group_name(const char *text, size_t length)
{
    return memchr(text, '@', length) == NULL && memchr(text, '<', length) == NULL;
}

void addresses_parse(GPtrArray *addresses, GPtrArray *problems, const char *field,
                     const char *text)
{
    initialise();
    Sink sink = {addresses, problems, field, 0};
    bool never[4] = {false};
    g_autofree char *clean = clean_line(text);
    const char *item = clean, *at = clean;
    while (*at != '\0' && sink.items < ITEMS_MAX) {
        if (*at == ',' || *at == ';') {
            take_item(&sink, item, (size_t)(at - item));
            item = ++at;
        } else if (*at == ':' && is_group_name(item, (size_t)(at - item))) {
            item = ++at;
        } else {
            at = skip_unit(at, never);
        }
    }
    if (*at != '\0') {
        add_problem(&sink, "the rest", "too many addresses in one list");
        return;
    }
    take_item(&sink, item, (size_t)(at - item));
}

/* "anything <address>" */
static Address *after_any_name(const char *text)
{
    g_autofree char *clean = clean_line(text);
    char *angle = strrchr(clean, '<');
    if (angle == NULL || !g_str_has_suffix(angle, ">") ||
        strchr(angle, '>')[1] != '\0') {
        return NULL;
    }
    Address *address = parse_item(angle, NULL);
    if (address != NULL) {
        *angle = '\0';
        g_free(address->name);
        address->name = display_name(clean);
    }
    return address;
}

Address *address_parse_one(const char *field, const char *text, GError **error)
{
    g_autoptr(GPtrArray) found = addresses_new();
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    addresses_parse(found, problems, field, text);
    if (found->len == 1 && problems->len == 0) {
        return g_ptr_array_steal_index(found, 0);
    }
    bool list = problems->len == 0 && strpbrk(text, ":;") == NULL;
    Address *address = list ? NULL : after_any_name(text);
    if (address == NULL && problems->len > 0) {
        g_set_error_literal(error, FAULT, FAULT_INPUT, problems->pdata[0]);
    } else if (address == NULL) {
        g_set_error(error, FAULT, FAULT_INPUT, "%s: %u addresses where one is due",
                    field, found->len);
    }
    return address;
}
