/* SPDX-License-Identifier: MIT */
#include "bridge/compose/compose.h"

#include <string.h>
#include <sys/random.h>

#include "bridge/compose/address.h"
#include "bridge/compose/body.h"
#include "bridge/compose/clean.h"
#include "bridge/compose/header.h"
#include "bridge/compose/html2text.h"
#include "bridge/compose/recipients.h"
#include "rules/fault.h"

/* What a header that the user names holds. */
typedef enum { HOLDS_TEXT, HOLDS_ADDRESSES, HOLDS_IDS, HOLDS_NOTHING_OF_YOURS } Holds;

static const struct {
    const char *name;
    Holds holds;
} known_headers[] = {
    {"Bcc", HOLDS_NOTHING_OF_YOURS},
    {"Cc", HOLDS_ADDRESSES},
    {"Content-Transfer-Encoding", HOLDS_NOTHING_OF_YOURS},
    {"Content-Type", HOLDS_NOTHING_OF_YOURS},
    {"Dkim-Signature", HOLDS_NOTHING_OF_YOURS},
    {"Disposition-Notification-To", HOLDS_ADDRESSES},
    {"Errors-To", HOLDS_ADDRESSES},
    {"From", HOLDS_ADDRESSES},
    {"In-Reply-To", HOLDS_IDS},
    {"Mail-Followup-To", HOLDS_ADDRESSES},
    {"Mail-Reply-To", HOLDS_ADDRESSES},
    {"Message-Id", HOLDS_IDS},
    {"Mime-Version", HOLDS_NOTHING_OF_YOURS},
    {"References", HOLDS_IDS},
    {"Reply-To", HOLDS_ADDRESSES},
    {"Resent-Bcc", HOLDS_NOTHING_OF_YOURS},
    {"Resent-Cc", HOLDS_ADDRESSES},
    {"Resent-From", HOLDS_ADDRESSES},
    {"Resent-To", HOLDS_ADDRESSES},
    {"Return-Path", HOLDS_NOTHING_OF_YOURS},
    {"Return-Receipt-To", HOLDS_ADDRESSES},
    {"Sender", HOLDS_ADDRESSES},
    {"To", HOLDS_ADDRESSES},
};

/* One mail under way. */
typedef struct {
    const Draft *draft;
    char *message_id;
    GPtrArray *from, *reply_to; /* Address * */
    Recipients recipients;
    GPtrArray *problems; /* char * */
    GString *out;
    /* The user's headers, written apart first: what gave nothing does not replace. */
    GString *own;
    GHashTable *replaced; /* lower-case names */
    char *unsigned_because;
} Mailing;

static Holds holds(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(known_headers); i++) {
        if (g_ascii_strcasecmp(known_headers[i].name, name) == 0) {
            return known_headers[i].holds;
        }
    }
    return HOLDS_TEXT;
}

static void add_problem(Mailing *mailing, const char *name, const char *reason)
{
    problems_add(mailing->problems, g_strdup_printf("header %s: %s", name, reason));
}

static void add_own_addresses(Mailing *mailing, const DraftHeader *header)
{
    g_autoptr(GPtrArray) addresses = addresses_new();
    g_autofree char *field = g_strdup_printf("header %s", header->name);
    addresses_parse(addresses, mailing->problems, field, header->value);
    if (!header_add_addresses(mailing->own, header->name, addresses) && addresses->len > 0) {
        add_problem(mailing, header->name, "no address that is ASCII before the @");
    }
}

static void add_own(Mailing *mailing, const DraftHeader *header)
{
    Holds kind = holds(header->name);
    g_autofree char *key = g_ascii_strdown(header->name, -1);
    if (!header_name_valid(header->name)) {
        add_problem(mailing, "?", "not a header name");
        return;
    }
    if (kind == HOLDS_NOTHING_OF_YOURS ||
        g_hash_table_contains(mailing->replaced, key)) {
        add_problem(mailing, header->name,
                    kind == HOLDS_NOTHING_OF_YOURS ? "cannot be set here"
                                                   : "given twice");
        return;
    }
    size_t before = mailing->own->len;
    if (kind == HOLDS_ADDRESSES) {
        add_own_addresses(mailing, header);
    } else if (kind == HOLDS_IDS) {
        header_add_ids(mailing->own, header->name, header->value);
    } else {
        header_add_text(mailing->own, header->name, header->value);
    }
    if (mailing->own->len > before || kind == HOLDS_TEXT) {
        g_hash_table_add(mailing->replaced, g_steal_pointer(&key));
    }
}

static bool is_replaced(const Mailing *mailing, const char *name)
{
    g_autofree char *key = g_ascii_strdown(name, -1);
    return g_hash_table_contains(mailing->replaced, key);
}

static void add_text(Mailing *mailing, const char *name, const char *value)
{
    if (!is_replaced(mailing, name)) {
        header_add_text(mailing->out, name, value);
    }
}

static void add_addresses(Mailing *mailing, const char *name,
                          const GPtrArray *addresses)
{
    if (!is_replaced(mailing, name)) {
        header_add_addresses(mailing->out, name, addresses);
    }
}

static void add_to(Mailing *mailing)
{
    const Recipients *recipients = &mailing->recipients;
    if (is_replaced(mailing, "To")) {
        return;
    }
    bool shown = header_add_addresses(mailing->out, "To", recipients->to);
    if (!shown && recipients->cc->len == 0) {
        g_string_append(mailing->out, "To: undisclosed-recipients:;\r\n");
    }
}

static void add_thread(Mailing *mailing)
{
    const char *root = mailing->draft->thread_root;
    bool own =
        is_replaced(mailing, "References") || is_replaced(mailing, "In-Reply-To");
    if (!own && *root != '\0') {
        header_add_ids(mailing->out, "In-Reply-To", root);
        header_add_ids(mailing->out, "References", root);
    }
}

static void add_headers(Mailing *mailing)
{
    const Draft *draft = mailing->draft;
    for (size_t i = 0; i < draft->n_headers; i++) {
        add_own(mailing, &draft->headers[i]);
    }
    if (!is_replaced(mailing, "Date")) {
        header_add_date(mailing->out, "Date", draft->date);
    }
    add_addresses(mailing, "From", mailing->from);
    add_addresses(mailing, "Reply-To", mailing->reply_to);
    add_to(mailing);
    add_addresses(mailing, "Cc", mailing->recipients.cc);
    add_text(mailing, "Subject", draft->subject);
    if (!is_replaced(mailing, "Message-ID")) {
        header_add_ids(mailing->out, "Message-ID", mailing->message_id);
    }
    add_thread(mailing);
    add_text(mailing, "Auto-Submitted", "auto-generated");
    add_text(mailing, "X-Auto-Response-Suppress", "All");
    add_text(mailing, "X-Alertpost-Receiver", draft->receiver);
    add_text(mailing, "X-Alertpost-Status", draft->status);
    g_string_append_len(mailing->out, mailing->own->str, (gssize)mailing->own->len);
    g_string_append(mailing->out, "MIME-Version: 1.0\r\n");
}

/* "=_" cannot appear in either encoding of a part. */
static char *boundary_of(const char *message_id)
{
    return g_strdup_printf("=_%.*s", (int)strcspn(message_id, "@"), message_id);
}

static void add_parts(GString *out, const char *boundary, const GString *text,
                      const GString *html)
{
    g_string_append_printf(out,
                           "Content-Type: multipart/alternative;\r\n"
                           " boundary=\"%s\"\r\n\r\n--%s\r\n",
                           boundary, boundary);
    body_add_part(out, "plain", text);
    g_string_append_printf(out, "\r\n--%s\r\n", boundary);
    body_add_part(out, "html", html);
    g_string_append_printf(out, "\r\n--%s--\r\n", boundary);
}

static void add_body(Mailing *mailing)
{
    const Draft *draft = mailing->draft;
    g_autoptr(GString) text = g_string_new(NULL), html = g_string_new(NULL);
    if (draft->text != NULL) {
        clean_body(text, draft->text, strlen(draft->text));
    }
    if (draft->html == NULL) {
        bool ended = text->len > 0 && text->str[text->len - 1] == '\n';
        g_string_append(text, ended ? "" : "\n");
        body_add_part(mailing->out, "plain", text);
        return;
    }
    clean_body(html, draft->html, strlen(draft->html));
    if (draft->text == NULL) {
        html_to_text(text, html->str);
    }
    g_autofree char *boundary = boundary_of(mailing->message_id);
    add_parts(mailing->out, boundary, text, html);
}

static char *new_message_id(const Address *from)
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
    guchar random[25];
    g_assert(getrandom(random, sizeof random, 0) == (ssize_t)sizeof random);
    char name[sizeof random + 1] = "";
    for (size_t i = 0; i < sizeof random; i++) {
        name[i] = digits[random[i] % 32];
    }
    return g_strdup_printf("%s@%s", name, strrchr(from->address, '@') + 1);
}

/* A mail without From is none, and headers are ASCII. */
static bool can_be_shown(const Address *from, GError **error)
{
    bool shown = g_str_is_ascii(from->address);
    if (!shown) {
        g_set_error(error, FAULT, FAULT_INPUT,
                    "from: %s: a sender must be ASCII before the @", from->address);
    }
    return shown;
}

static bool read_from(Mailing *mailing, GError **error)
{
    Address *from = address_parse_one("from", mailing->draft->from, error);
    if (from == NULL || !can_be_shown(from, error)) {
        address_free(from);
        return false;
    }
    const char *id = mailing->draft->message_id;
    mailing->message_id = id != NULL ? g_strdup(id) : new_message_id(from);
    g_ptr_array_add(mailing->from, from);
    return true;
}

static void add_envelope(char **envelope, size_t *n, const GPtrArray *addresses)
{
    for (unsigned i = 0; i < addresses->len; i++) {
        const Address *address = addresses->pdata[i];
        envelope[(*n)++] = g_strdup(address->address);
    }
}

static void give(Mailing *mailing, Composed *composed)
{
    const Recipients *recipients = &mailing->recipients;
    const Address *from = mailing->from->pdata[0];
    unsigned n = recipients->to->len + recipients->cc->len + recipients->bcc->len;
    *composed = (Composed){.message_id = g_steal_pointer(&mailing->message_id),
                           .sender = g_strdup(from->address),
                           .recipients = g_new0(char *, n + 1),
                           .subject = clean_line(mailing->draft->subject),
                           .length = mailing->out->len,
                           .unsigned_because = g_steal_pointer(&mailing->unsigned_because)};
    add_envelope(composed->recipients, &composed->n_recipients, recipients->to);
    add_envelope(composed->recipients, &composed->n_recipients, recipients->cc);
    add_envelope(composed->recipients, &composed->n_recipients, recipients->bcc);
    composed->bytes = g_string_free(g_steal_pointer(&mailing->out), FALSE);
    g_ptr_array_add(mailing->problems, NULL);
    gsize problems;
    composed->problems = (char **)g_ptr_array_steal(mailing->problems, &problems);
}

/* An alert without a signature is better than none. */
static void add_signature(Mailing *mailing)
{
    const Draft *draft = mailing->draft;
    g_autoptr(GError) error = NULL;
    if (draft->signer != NULL && *draft->dkim->domain != '\0' &&
        !dkim_sign(draft->signer, draft->dkim, draft->date.seconds, mailing->out, &error)) {
        mailing->unsigned_because = g_strdup(error->message);
    }
}

static bool make(Mailing *mailing, Composed *composed, GError **error)
{
    const Draft *draft = mailing->draft;
    if (!read_from(mailing, error)) {
        return false;
    }
    addresses_parse(mailing->reply_to, mailing->problems, "reply_to", draft->reply_to);
    add_headers(mailing);
    add_body(mailing);
    add_signature(mailing);
    if (draft->size_max > 0 && mailing->out->len > draft->size_max) {
        g_set_error(error, FAULT, FAULT_LIMIT,
                    "the mail has %zu bytes, %zu are allowed", mailing->out->len,
                    draft->size_max);
        return false;
    }
    give(mailing, composed);
    return true;
}

bool compose(const Draft *draft, Composed *composed, GError **error)
{
    Mailing mailing = {
        .draft = draft,
        .from = addresses_new(),
        .reply_to = addresses_new(),
        .problems = g_ptr_array_new_with_free_func(g_free),
        .out = g_string_sized_new(4096),
        .own = g_string_new(NULL),
        .replaced = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
    };
    recipients_parse(draft, &mailing.recipients, mailing.problems);
    bool made = make(&mailing, composed, error);
    recipients_clear(&mailing.recipients);
    g_ptr_array_unref(mailing.from);
    g_ptr_array_unref(mailing.reply_to);
    g_ptr_array_unref(mailing.problems);
    g_hash_table_unref(mailing.replaced);
    g_string_free(mailing.own, TRUE);
    g_free(mailing.message_id);
    g_free(mailing.unsigned_because);
    if (mailing.out != NULL) {
        g_string_free(mailing.out, TRUE);
    }
    return made;
}

void composed_clear(Composed *composed)
{
    g_free(composed->message_id);
    g_free(composed->sender);
    g_strfreev(composed->recipients);
    g_free(composed->subject);
    g_free(composed->bytes);
    g_strfreev(composed->problems);
    g_free(composed->unsigned_because);
    *composed = (Composed){0};
}
