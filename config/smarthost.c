/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "config/loader.h"
#include "config/values.h"

#define MAILDIR "maildir:"

bool smarthost_read(const Reader *reader, const Node *node, Smarthost *smarthost)
{
    const char *text = reader_text(node);
    *smarthost = (Smarthost){.node = node};
    if (g_str_has_prefix(text, MAILDIR)) {
        smarthost->scheme = RELAY_MAILDIR;
        smarthost->path = arena_strdup(reader->arena, text + strlen(MAILDIR));
        if (*smarthost->path == '\0') {
            report_error(reader->report, node, "maildir: needs the path of a Maildir");
        }
        return *smarthost->path != '\0';
    }
    g_autofree char *host = NULL;
    g_autoptr(GError) error = NULL;
    if (!host_port_parse(text, &host, &smarthost->port, &error)) {
        report_error(reader->report, node, "%s", error->message);
        return false;
    }
    smarthost->scheme = RELAY_SMTP;
    smarthost->host = arena_strdup(reader->arena, *host == '\0' ? "localhost" : host);
    return true;
}

/* An empty text is as none. */
static void set_smarthost(const Reader *reader, const Field *field, const Node *node,
                          void *where)
{
    (void)field;
    if (node->kind != NODE_SCALAR) {
        report_error(reader->report, node, "expected text, found a %s",
                     node->kind == NODE_SEQUENCE ? "list" : "mapping");
    } else if (*node->text != '\0') {
        smarthost_read(reader, node, where);
    }
}

const ValueType type_smarthost = {"host:port or maildir:PATH", set_smarthost};
