/* SPDX-License-Identifier: MIT */

/* GMime's own header encoder leaves "=?" in plain text as it is (a reader would decode
 * it) and cannot break a long word; a mail must read exactly as it was meant, so the
 * encoded words are made here. */
#include "bridge/compose/header.h"

#include <string.h>

#include "bridge/compose/clean.h"
#include "rules/utf8.h"

#define FOLD_AT    76  /* of a line with encoded words; RFC 2047, 2 */
#define WORD_PLAIN 400 /* a plain word up to this stays whole */
#define QUOTED_MAX 62  /* a quoted name is not folded */
#define WORD_ENDS  12  /* =?utf-8?q? and ?= */

typedef struct {
    GString *out;
    size_t column;
    bool first; /* nothing on the header's first line yet: no fold before it */
} Folder;

static Folder start(GString *out, const char *name)
{
    g_string_append_printf(out, "%s:", name);
    return (Folder){.out = out, .column = strlen(name) + 1, .first = true};
}

static void finish(Folder *folder)
{
    g_string_append(folder->out, "\r\n");
}

/* BLANKS (at least one) and a TOKEN that must not be broken. */
static void add_token(Folder *folder, size_t blanks, const char *token, size_t length)
{
    if (!folder->first && folder->column + blanks + length > FOLD_AT) {
        g_string_append(folder->out, "\r\n");
        folder->column = 0;
    }
    for (size_t i = 0; i < blanks; i++) {
        g_string_append_c(folder->out, ' ');
    }
    g_string_append_len(folder->out, token, (gssize)length);
    folder->column += blanks + length;
    folder->first = false;
}

/* What may stand for itself in an encoded word, in text and in a phrase. */
static bool stands_for_itself(guchar byte)
{
    return g_ascii_isalnum(byte) || strchr("!*+-/", byte) != NULL;
}

static size_t quoted_cost(const char *text, size_t length)
{
    size_t cost = 0;
    for (size_t i = 0; i < length; i++) {
        guchar byte = (guchar)text[i];
        cost += byte == ' ' || stands_for_itself(byte) ? 1 : 3;
    }
    return cost;
}

static size_t base64_cost(const char *text, size_t length)
{
    (void)text;
    return (length + 2) / 3 * 4;
}

typedef size_t Cost(const char *text, size_t length);

static void append_quoted(GString *word, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        guchar byte = (guchar)text[i];
        if (byte == ' ') {
            g_string_append_c(word, '_');
        } else if (stands_for_itself(byte)) {
            g_string_append_c(word, (char)byte);
        } else {
            g_string_append_printf(word, "=%02X", byte);
        }
    }
}

static void add_encoded_word(Folder *folder, const char *text, size_t length,
                             Cost *cost)
{
    g_autoptr(GString) word = g_string_sized_new(80);
    if (cost == quoted_cost) {
        g_string_append(word, "=?utf-8?q?");
        append_quoted(word, text, length);
    } else {
        g_autofree char *base64 = g_base64_encode((const guchar *)text, length);
        g_string_append_printf(word, "=?utf-8?b?%s", base64);
    }
    g_string_append(word, "?=");
    add_token(folder, 1, word->str, word->len);
}

/* How many bytes of TEXT, in whole characters and at least one, fit into ROOM. */
static size_t fitting(const char *text, size_t room, Cost *cost)
{
    const char *end = text;
    do {
        end = utf8_next(end);
    } while (*end != '\0' &&
             cost(text, (size_t)(utf8_next(end) - text)) <= room);
    return (size_t)(end - text);
}

static void add_encoded(Folder *folder, const char *text)
{
    const size_t room_max = FOLD_AT - 1 - WORD_ENDS;
    size_t length = strlen(text);
    Cost *cost = quoted_cost(text, length) <= base64_cost(text, length) ? quoted_cost
                                                                        : base64_cost;
    while (*text != '\0') {
        size_t used = folder->column + 1 + WORD_ENDS;
        bool tail = used + 16 <= FOLD_AT || folder->first;
        size_t room = tail && used < FOLD_AT ? FOLD_AT - used : room_max;
        size_t take = fitting(text, MAX(room, 12), cost);
        add_encoded_word(folder, text, take, cost);
        text += take;
    }
}

/* Printable ASCII that no reader takes for an encoded word. */
static bool is_plain(const char *word, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (!g_ascii_isgraph(word[i])) {
            return false;
        }
    }
    return length <= WORD_PLAIN && g_strstr_len(word, (gssize)length, "=?") == NULL;
}

/* Plain words stay readable in the raw header; from the first other one on, all is
 * encoded, surplus blanks before it included. */
static void add_words(Folder *folder, const char *text)
{
    while (*text != '\0') {
        size_t blanks = strspn(text, " "), length = strcspn(text + blanks, " ");
        if (!is_plain(text + blanks, length)) {
            add_encoded(folder, blanks > 1 ? text + 1 : text + blanks);
            return;
        }
        add_token(folder, MAX(blanks, 1), text + blanks, length);
        text += blanks + length;
    }
}

static char *cut(const char *value)
{
    g_autofree char *clean = clean_line(value);
    if (strlen(clean) <= HEADER_VALUE_MAX) {
        return g_steal_pointer(&clean);
    }
    const char *end = g_utf8_find_prev_char(clean, clean + HEADER_VALUE_MAX - 2);
    clean[end - clean] = '\0';
    return g_strconcat(clean, "…", NULL);
}

bool header_name_valid(const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < length; i++) {
        if (!g_ascii_isgraph(name[i]) || name[i] == ':') {
            return false;
        }
    }
    return length > 0 && length <= 64;
}

void header_add_text(GString *out, const char *name, const char *value)
{
    g_autofree char *text = cut(value);
    if (*text == '\0') {
        return;
    }
    Folder folder = start(out, name);
    add_words(&folder, text);
    finish(&folder);
}

void header_add_ids(GString *out, const char *name, const char *value)
{
    g_autofree char *text = cut(value);
    g_auto(GStrv) ids = g_strsplit(text, " ", -1);
    Folder folder = {.first = true};
    for (char **id = ids; *id != NULL; id++) {
        if (!is_plain(*id, strlen(*id)) || **id == '\0') {
            continue;
        }
        folder = folder.out == NULL ? start(out, name) : folder;
        g_autofree char *whole =
            **id == '<' ? g_strdup(*id) : g_strdup_printf("<%s>", *id);
        add_token(&folder, 1, whole, strlen(whole));
    }
    if (folder.out != NULL) {
        finish(&folder);
    }
}

static bool is_ascii(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((guchar)*text >= 0x80) {
            return false;
        }
    }
    return true;
}

static bool is_phrase(const char *name)
{
    static const char specials[] = "()<>[]:;@\\,.\"";
    return strpbrk(name, specials) == NULL && strstr(name, "  ") == NULL;
}

static char *quoted(const char *name)
{
    GString *out = g_string_new("\"");
    for (; *name != '\0'; name++) {
        if (*name == '"' || *name == '\\') {
            g_string_append_c(out, '\\');
        }
        g_string_append_c(out, *name);
    }
    g_string_append_c(out, '"');
    return g_string_free(out, FALSE);
}

static void add_name(Folder *folder, const char *name)
{
    g_autofree char *text = quoted(name);
    if (!is_ascii(name) || strstr(name, "=?") != NULL || strlen(text) > QUOTED_MAX) {
        add_encoded(folder, name);
    } else if (is_phrase(name)) {
        add_words(folder, name);
    } else {
        add_token(folder, 1, text, strlen(text));
    }
}

static void add_address(Folder *folder, const Address *address, bool last)
{
    const char *comma = last ? "" : ",";
    bool named = address->name[0] != '\0';
    if (named) {
        add_name(folder, address->name);
    }
    g_autofree char *text = named ? g_strdup_printf("<%s>%s", address->address, comma)
                                  : g_strconcat(address->address, comma, NULL);
    add_token(folder, 1, text, strlen(text));
}

bool header_add_addresses(GString *out, const char *name, const GPtrArray *addresses)
{
    g_autoptr(GPtrArray) shown = g_ptr_array_new();
    for (unsigned i = 0; i < addresses->len; i++) {
        Address *address = addresses->pdata[i];
        if (is_ascii(address->address)) {
            g_ptr_array_add(shown, address);
        }
    }
    if (shown->len == 0) {
        return false;
    }
    Folder folder = start(out, name);
    for (unsigned i = 0; i < shown->len; i++) {
        add_address(&folder, shown->pdata[i], i + 1 == shown->len);
    }
    finish(&folder);
    return true;
}

void header_add_date(GString *out, const char *name, Timestamp date)
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    CivilTime time = timestamp_civil(date);
    int offset = ABS(date.offset_s) / 60;
    g_string_append_printf(out, "%s: %s, %d %s %04d %02d:%02d:%02d %c%02d%02d\r\n",
                           name, days[time.weekday], time.day, months[time.month - 1],
                           (int)time.year, time.hour, time.minute, time.second,
                           date.offset_s < 0 ? '-' : '+', offset / 60, offset % 60);
}
