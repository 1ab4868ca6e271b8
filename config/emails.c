/* SPDX-License-Identifier: MIT */
#include "config/address.h"
#include "config/emails.h"

#include <string.h>

#include "config/domain.h"

#define DEFAULT_SUBJECT "{{ template \"email.default.subject\" . }}"
#define DEFAULT_HTML    "{{ template \"email.default.html\" . }}"
#define DEFAULT_TEXT    "{{ template \"email.default.text\" . }}"

static bool is_given(const Node *node)
{
    return node != NULL && (node->kind != NODE_SCALAR || *reader_text(node) != '\0');
}

/* Text without an action is the address itself: it must be one. */
static void check_address(Loader *loader, const Node *node, const Template *compiled)
{
    g_autoptr(GError) error = NULL;
    if (compiled != NULL && template_is_static(compiled) &&
        !address_list_check(reader_text(node), &error)) {
        report_error(loader->reader.report, node, "%s", error->message);
    }
}

/* A list's texts one after the other; each is compiled alone first, so that an error
 * has its own place. NULL if one of them fails. */
static char *join_addresses(Loader *loader, const Node *list)
{
    g_autoptr(GString) joined = g_string_new(NULL);
    bool all = true;
    for (const Node *item = list->first; item != NULL; item = item->next) {
        Template *compiled = loader_compile(loader, TEMPLATE_TEXT, item, NULL, reader_text(item));
        check_address(loader, item, compiled);
        all = compiled != NULL && all;
        g_string_append(joined, joined->len > 0 ? ", " : "");
        g_string_append(joined, reader_text(item));
    }
    return all ? arena_strdup(loader->reader.arena, joined->str) : NULL;
}

static Template *compile_addresses(Loader *loader, const Node *node)
{
    if (!is_given(node)) {
        return NULL;
    }
    if (node->kind == NODE_SEQUENCE) {
        const char *text = join_addresses(loader, node);
        return text != NULL ? loader_compile(loader, TEMPLATE_TEXT, node, NULL, text) : NULL;
    }
    Template *compiled = loader_compile(loader, TEMPLATE_TEXT, node, NULL, reader_text(node));
    check_address(loader, node, compiled);
    return compiled;
}

/* A header is ASCII, and no mail goes without From. */
static void check_sender(Loader *loader, const Node *node, const Template *compiled)
{
    const char *text = compiled != NULL && template_is_static(compiled) ? reader_text(node) : "";
    const char *at = strrchr(text, '@');
    const char *angle = strrchr(text, '<');
    const char *local = angle != NULL ? angle + 1 : text;
    for (; at != NULL && local < at; local++) {
        if ((*local & 0x80) != 0) {
            report_error(loader->reader.report, node, "a sender must be ASCII before the @");
            return;
        }
    }
}

static void build_addresses(Loader *loader, const EmailSettings *settings,
                            const SmtpSettings *smtp, EmailConfig *email)
{
    email->to = compile_addresses(loader, settings->to);
    email->cc = compile_addresses(loader, settings->cc);
    email->bcc = compile_addresses(loader, settings->bcc);
    email->reply_to = compile_addresses(loader, settings->reply_to);
    email->from = compile_addresses(loader, smtp->from);
    check_sender(loader, smtp->from, email->from);
    if (!is_given(smtp->from)) {
        report_error(loader->reader.report, settings->at.node, "no global SMTP from set");
    }
}

/* NODE NULL: TEXT is built in. */
static Template *compile_body(Loader *loader, const EmailSettings *settings,
                              TemplateMode mode, const Node *node, const char *text)
{
    return loader_compile(loader, mode, node != NULL ? node : settings->at.node,
                          node != NULL        ? NULL
                          : mode == TEMPLATE_HTML ? "html"
                                              : "text",
                          text);
}

/* See config/README.md, "Parts of a mail". */
static void build_bodies(Loader *loader, const EmailSettings *settings, EmailConfig *email)
{
    const char *html = settings->html != NULL ? reader_text(settings->html) : DEFAULT_HTML;
    const char *text = settings->text != NULL ? reader_text(settings->text) : NULL;
    bool has_html = *html != '\0';
    if (text == NULL && (!has_html || strcmp(html, DEFAULT_HTML) == 0)) {
        text = DEFAULT_TEXT;
    }
    if (has_html) {
        email->html = compile_body(loader, settings, TEMPLATE_HTML, settings->html, html);
    }
    if (text != NULL && (*text != '\0' || !has_html)) {
        email->text = compile_body(loader, settings, TEMPLATE_TEXT, settings->text, text);
    }
}

/* Letters after a hyphen and the first one large, the others small; a name with
 * anything but RFC 7230's token letters is no header. NULL then. */
static char *canonical_name(Arena *arena, const char *name)
{
    char *canonical = arena_strdup(arena, name);
    bool upper = true;
    for (char *c = canonical; *c != '\0'; c++) {
        if (!g_ascii_isalnum(*c) && strchr("!#$%&'*+-.^_`|~", *c) == NULL) {
            return NULL;
        }
        *c = upper ? g_ascii_toupper(*c) : g_ascii_tolower(*c);
        upper = *c == '-';
    }
    return *canonical != '\0' ? canonical : NULL;
}

/* Why a user must not set the header NAME; NULL if they may. */
static const char *refused_header(const EmailSettings *settings, const char *name)
{
    static const char *const ours[] = {"Content-Type", "Content-Transfer-Encoding",
                                       "Mime-Version", NULL};
    bool threading = settings->threading.enabled;
    if (g_strv_contains(ours, name)) {
        return "this header is alertpost's own";
    }
    if (strcmp(name, "Bcc") == 0) {
        return "use the key bcc: a header would be seen by everybody";
    }
    if (strcmp(name, "Reply-To") == 0 && is_given(settings->reply_to)) {
        return "both reply_to and a header Reply-To are given";
    }
    if (strcmp(name, "References") == 0 && threading) {
        return "conflicting configuration: threading.enabled conflicts with custom "
               "References header";
    }
    if (strcmp(name, "In-Reply-To") == 0 && threading) {
        return "conflicting configuration: threading.enabled conflicts with custom "
               "In-Reply-To header";
    }
    return NULL;
}

static bool check_header(Loader *loader, const EmailSettings *settings, const Node *node,
                         GHashTable *names, char *name)
{
    const char *refused = name != NULL ? refused_header(settings, name) : NULL;
    g_autofree char *quoted = report_quote(name != NULL ? name : node->key->text);
    if (name == NULL) {
        report_key_error(loader->reader.report, node, "not a header's name: %s", quoted);
    } else if (!g_hash_table_add(names, name)) {
        report_key_error(loader->reader.report, node, "duplicate header %s in email config",
                         quoted);
    } else if (refused != NULL) {
        report_key_error(loader->reader.report, node, "%s", refused);
    } else {
        return true;
    }
    return false;
}

static void build_headers(Loader *loader, const EmailSettings *settings, EmailConfig *email)
{
    const Node *map = settings->headers;
    Arena *arena = loader->reader.arena;
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
    email->headers = arena_array(arena, HeaderConfig, map != NULL ? map->n : 0);
    for (const Node *node = map != NULL ? map->first : NULL; node != NULL;
         node = node->next) {
        char *name = canonical_name(arena, node->key->text);
        if (!check_header(loader, settings, node, names, name)) {
            continue;
        }
        char *text = arena_strdup(arena, reader_text(node));
        Template *value = loader_compile(loader, TEMPLATE_TEXT, node, NULL, text);
        if (strcmp(name, "Subject") == 0) {
            email->subject = value;
        } else {
            email->headers[email->n_headers++] = (HeaderConfig){name, text, value};
        }
    }
    if (!g_hash_table_contains(names, "Subject")) {
        email->subject = loader_compile(loader, TEMPLATE_TEXT, settings->at.node, "subject",
                                        DEFAULT_SUBJECT);
    }
}

static char **build_domains(Loader *loader, const Node *list)
{
    if (list == NULL) {
        return NULL;
    }
    char **domains = arena_array(loader->reader.arena, char *, list->n + 1);
    unsigned n = 0;
    for (const Node *node = list->first; node != NULL; node = node->next) {
        g_autoptr(GError) error = NULL;
        g_autofree char *ascii = domain_to_ascii(reader_text(node), &error);
        if (ascii == NULL) {
            report_error(loader->reader.report, node, "%s", error->message);
            continue;
        }
        domains[n++] = arena_strdup(loader->reader.arena, ascii);
    }
    return domains;
}

void email_build(Loader *loader, const EmailSettings *settings, EmailConfig *email)
{
    const SmtpSettings smtp = loader_merge_smtp(&settings->smtp, &loader->file.global.smtp);
    *email = (EmailConfig){
        .send_resolved_set = settings->send_resolved.set,
        .send_resolved = settings->send_resolved.value,
        .allowed_domains = build_domains(loader, settings->allowed_domains),
        .max_size = settings->max_size,
        .threading_set = settings->threading.at.node != NULL,
        .threading_enabled = settings->threading.enabled,
        .thread_by_day = settings->threading.by_date == 1,
    };
    loader_check_tls(loader, &settings->smtp.tls);
    loader_check_oauth2(loader, &settings->smtp);
    build_addresses(loader, settings, &smtp, email);
    build_bodies(loader, settings, email);
    build_headers(loader, settings, email);
    if (smtp.smarthost.node == NULL) {
        report_error(loader->reader.report, settings->at.node,
                     "no global SMTP smarthost set");
        return;
    }
    email->relay = loader_relay(loader, &smtp);
    loader_check_login(loader, loader->relays->pdata[email->relay], settings->at.node);
}
