/* SPDX-License-Identifier: MIT */
#include "rules/route_print.h"

#include <stdbool.h>

#include "rules/matcher.h"

typedef struct {
    const Labels *labels; /* NULL: all routes */
    GString *out;
    GString *indent;
} Printer;

/* The children of ROUTE that are to be drawn. */
static GPtrArray *drawn(const Printer *printer, const Route *route)
{
    g_autoptr(GPtrArray) children = g_ptr_array_new();
    for (guint i = 0; i < route->routes->len; i++) {
        Route *child = route->routes->pdata[i];
        unsigned limits = 0;
        if (printer->labels == NULL) {
            g_ptr_array_add(children, child);
        } else if (route_matches(child, printer->labels, NULL, &limits)) {
            g_ptr_array_add(children, child);
            if (!child->continue_) {
                break;
            }
        }
    }
    return g_steal_pointer(&children);
}

static void print_line(const Printer *printer, const Route *route, bool ends)
{
    GString *out = printer->out;
    if (route->matchers->len == 0) {
        g_string_append(out, "default-route");
    } else {
        matchers_print(route->matchers, out);
    }
    if (printer->labels == NULL && route->continue_) {
        g_string_append(out, "  continue: true");
    }
    if (printer->labels == NULL || ends) {
        g_string_append_printf(out, "  receiver: %s", route->receiver);
    }
    g_string_append_c(out, '\n');
}

static void print_branch(const Printer *printer, const Route *route, bool last)
{
    g_autoptr(GPtrArray) children = drawn(printer, route);
    g_string_append_len(printer->out, printer->indent->str,
                        (gssize)printer->indent->len);
    g_string_append(printer->out, last ? "└── " : "├── ");
    print_line(printer, route, children->len == 0);
    gsize before = printer->indent->len;
    g_string_append(printer->indent, last ? "    " : "│\u00a0\u00a0 ");
    for (guint i = 0; i < children->len; i++) {
        print_branch(printer, children->pdata[i], i + 1 == children->len);
    }
    g_string_truncate(printer->indent, before);
}

static void print_tree(const Route *root, const Labels *labels, GString *out)
{
    g_autoptr(GString) indent = g_string_new(NULL);
    Printer printer = {.labels = labels, .out = out, .indent = indent};
    g_string_append(out, ".\n");
    print_branch(&printer, root, true);
}

void route_print(const Route *root, GString *out)
{
    print_tree(root, NULL, out);
}

void route_print_matching(const Route *root, const Labels *labels, GString *out)
{
    print_tree(root, labels, out);
}
