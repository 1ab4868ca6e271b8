/* SPDX-License-Identifier: MIT */
#include "bridge/conversation.h"

#include <stdbool.h>
#include <string.h>

#include "bridge/compose/clean.h"

#define MASK       "***"
#define SECRET_MIN 4
#define N_SIDES    (WIRE_SERVER + 1)

/* Where the client is. */
typedef enum { IN_COMMANDS, IN_AUTH, IN_HEADERS, IN_BODY } Phase;

struct Conversation {
    void (*print)(void *who, const char *line);
    void *who;
    Phase phase;
    GPtrArray *secrets;          /* char * */
    GString *lines[N_SIDES];     /* what came of the line under way */
    bool data;                   /* the client said DATA and has no answer yet */
    size_t headers;              /* lines of the mail's headers shown */
    size_t body_lines, body_bytes;
};

static void free_secret(gpointer secret)
{
    explicit_bzero(secret, strlen(secret));
    g_free(secret);
}

Conversation *conversation_new(void (*print)(void *who, const char *line), void *who)
{
    Conversation *conversation = g_new0(Conversation, 1);
    conversation->print = print;
    conversation->who = who;
    conversation->secrets = g_ptr_array_new_with_free_func(free_secret);
    for (size_t side = 0; side < N_SIDES; side++) {
        conversation->lines[side] = g_string_new(NULL);
    }
    return conversation;
}

void conversation_free(Conversation *conversation)
{
    if (conversation == NULL) {
        return;
    }
    for (size_t side = 0; side < N_SIDES; side++) {
        explicit_bzero(conversation->lines[side]->str, conversation->lines[side]->len);
        g_string_free(conversation->lines[side], TRUE);
    }
    g_ptr_array_unref(conversation->secrets);
    g_free(conversation);
}

/* The longest first: one may hold another. */
static void remember(Conversation *conversation, const char *secret)
{
    size_t length = strlen(secret);
    guint at = 0;
    while (at < conversation->secrets->len &&
           strlen(conversation->secrets->pdata[at]) >= length) {
        at++;
    }
    if (length >= SECRET_MIN) {
        g_ptr_array_insert(conversation->secrets, (gint)at, g_strdup(secret));
    }
}

void conversation_hide(Conversation *conversation, const char *text)
{
    remember(conversation, text);
    if (strlen(text) >= SECRET_MIN) {
        char *base64 = g_base64_encode((const guchar *)text, strlen(text));
        remember(conversation, base64);
        free_secret(base64);
    }
}

/* --- one line --- */

static void say(Conversation *conversation, WireSide side, const char *text)
{
    static const char *const marks[N_SIDES] = {
        [WIRE_NOTE] = "*  ", [WIRE_CLIENT] = "C: ", [WIRE_SERVER] = "S: "};
    g_autoptr(GString) masked = g_string_new(text);
    for (guint i = 0; i < conversation->secrets->len; i++) {
        g_string_replace(masked, conversation->secrets->pdata[i], MASK, 0);
    }
    g_autoptr(GString) line = g_string_new(marks[side]);
    clean_body(line, masked->str, masked->len);
    if (line->len > CONVERSATION_LINE_MAX) {
        char *cut = g_utf8_find_prev_char(line->str, line->str + CONVERSATION_LINE_MAX);
        g_string_truncate(line, (gsize)(cut - line->str));
        g_string_append(line, "…");
    }
    g_strdelimit(line->str, "\n\t", ' ');
    conversation->print(conversation->who, line->str);
}

/* "AUTH PLAIN AGFsZXJ0cw==": what follows the mechanism is the secret. */
static void say_auth(Conversation *conversation, const char *line)
{
    const char *mechanism = line + strlen("AUTH ");
    const char *initial = mechanism + strcspn(mechanism, " ");
    if (*initial == '\0') {
        say(conversation, WIRE_CLIENT, line);
        return;
    }
    remember(conversation, initial + 1);
    g_autofree char *masked =
        g_strdup_printf("%.*s " MASK, (int)(initial - line), line);
    say(conversation, WIRE_CLIENT, masked);
}

static void say_command(Conversation *conversation, const char *line)
{
    if (g_ascii_strncasecmp(line, "AUTH ", 5) == 0) {
        conversation->phase = IN_AUTH;
        say_auth(conversation, line);
        return;
    }
    conversation->data = g_ascii_strcasecmp(line, "DATA") == 0;
    say(conversation, WIRE_CLIENT, line);
}

static void say_secret(Conversation *conversation, const char *line)
{
    bool says_nothing = *line == '\0' || strcmp(line, "*") == 0;
    if (!says_nothing) {
        remember(conversation, line);
    }
    say(conversation, WIRE_CLIENT, says_nothing ? line : MASK);
}

static void end_mail(Conversation *conversation)
{
    g_autofree char *rest = g_strdup_printf("[lines: %zu, bytes: %zu]", conversation->body_lines,
                                            conversation->body_bytes);
    if (conversation->body_lines > 0) {
        say(conversation, WIRE_CLIENT, rest);
    }
    say(conversation, WIRE_CLIENT, ".");
    conversation->phase = IN_COMMANDS;
}

static void say_mail(Conversation *conversation, const char *line)
{
    if (strcmp(line, ".") == 0) {
        end_mail(conversation);
        return;
    }
    if (conversation->phase == IN_HEADERS &&
        conversation->headers < CONVERSATION_HEADERS_MAX) {
        conversation->headers++;
        say(conversation, WIRE_CLIENT, line);
        conversation->phase = *line == '\0' ? IN_BODY : IN_HEADERS;
        return;
    }
    conversation->body_lines++;
    conversation->body_bytes += strlen(line) + 2;
}

static void say_reply(Conversation *conversation, const char *line)
{
    bool go = g_str_has_prefix(line, "354");
    if (conversation->phase == IN_AUTH && !g_str_has_prefix(line, "334")) {
        conversation->phase = IN_COMMANDS;
    }
    if (go && conversation->data) {
        conversation->phase = IN_HEADERS;
        conversation->data = false;
        conversation->headers = conversation->body_lines = conversation->body_bytes = 0;
    }
    say(conversation, WIRE_SERVER, line);
}

static void take_line(Conversation *conversation, WireSide side, const char *line)
{
    if (side == WIRE_NOTE) {
        say(conversation, side, line);
    } else if (side == WIRE_SERVER) {
        say_reply(conversation, line);
    } else if (conversation->phase == IN_COMMANDS) {
        say_command(conversation, line);
    } else if (conversation->phase == IN_AUTH) {
        say_secret(conversation, line);
    } else {
        say_mail(conversation, line);
    }
}

void conversation_add(Conversation *conversation, WireSide side, const char *bytes,
                      size_t length)
{
    GString *line = conversation->lines[side];
    for (const char *end = bytes + length; bytes < end;) {
        const char *stop = memchr(bytes, '\n', (size_t)(end - bytes));
        g_string_append_len(line, bytes, (stop != NULL ? stop : end) - bytes);
        if (stop == NULL) {
            return;
        }
        if (line->len > 0 && line->str[line->len - 1] == '\r') {
            g_string_truncate(line, line->len - 1);
        }
        take_line(conversation, side, line->str);
        explicit_bzero(line->str, line->len);
        g_string_truncate(line, 0);
        bytes = stop + 1;
    }
}
