/* SPDX-License-Identifier: MIT */
#include "rules/template/ast.h"

#include <string.h>

#include "rules/quote.h"

static void print_fields(const FieldNames *names, GString *out)
{
    for (size_t i = 0; i < names->n; i++) {
        g_string_append_c(out, '.');
        g_string_append_len(out, names->items[i].name, names->items[i].length);
    }
}

/* An operand, in parentheses if it is a pipeline. */
static void print_operand(const Node *node, GString *out)
{
    if (node->type == NODE_PIPE) {
        g_string_append_c(out, '(');
        pipe_print(node->pipe, out);
        g_string_append_c(out, ')');
    } else {
        node_print(node, out);
    }
}

static void print_branch(const char *keyword, const Node *node, GString *out)
{
    g_string_append_printf(out, "{{%s ", keyword);
    pipe_print(node->branch.pipe, out);
    g_string_append(out, "}}");
    list_print(&node->branch.body, out);
    if (node->branch.has_otherwise) {
        g_string_append(out, "{{else}}");
        list_print(&node->branch.otherwise, out);
    }
    g_string_append(out, "{{end}}");
}

static void print_call(const Node *node, GString *out)
{
    g_string_append(out, "{{template ");
    quote_append_n(out, node->call.name, strlen(node->call.name), QUOTE_PLAIN);
    if (node->call.pipe != NULL) {
        g_string_append_c(out, ' ');
        pipe_print(node->call.pipe, out);
    }
    g_string_append(out, "}}");
}

void node_print(const Node *node, GString *out)
{
    switch (node->type) {
    case NODE_TEXT:
        g_string_append_len(out, node->text.bytes, (gssize)node->text.length);
        return;
    case NODE_ACTION:
        g_string_append(out, "{{");
        pipe_print(node->pipe, out);
        g_string_append(out, "}}");
        return;
    case NODE_IF:
        print_branch("if", node, out);
        return;
    case NODE_WITH:
        print_branch("with", node, out);
        return;
    case NODE_RANGE:
        print_branch("range", node, out);
        return;
    case NODE_TEMPLATE:
        print_call(node, out);
        return;
    case NODE_BREAK:
        g_string_append(out, "{{break}}");
        return;
    case NODE_CONTINUE:
        g_string_append(out, "{{continue}}");
        return;
    case NODE_DOT:
        g_string_append_c(out, '.');
        return;
    case NODE_NIL:
        g_string_append(out, "nil");
        return;
    case NODE_BOOL:
        g_string_append(out, node->truth ? "true" : "false");
        return;
    case NODE_NUMBER:
        g_string_append(out, node->number.source);
        return;
    case NODE_STRING:
        g_string_append(out, node->string.source);
        return;
    case NODE_FIELD:
        print_fields(&node->field, out);
        return;
    case NODE_VARIABLE:
        g_string_append(out, node->variable.name);
        print_fields(&node->variable.fields, out);
        return;
    case NODE_CHAIN:
        print_operand(node->chain.operand, out);
        print_fields(&node->chain.fields, out);
        return;
    case NODE_IDENTIFIER:
        g_string_append(out, node->identifier.name);
        return;
    case NODE_PIPE:
        pipe_print(node->pipe, out);
        return;
    }
}

void command_print(const Command *command, GString *out)
{
    for (const Node *arg = command->args; arg != NULL; arg = arg->next) {
        if (arg != command->args) {
            g_string_append_c(out, ' ');
        }
        print_operand(arg, out);
    }
}

void pipe_print(const Pipe *pipe, GString *out)
{
    for (const Node *variable = pipe->variables; variable != NULL; variable = variable->next) {
        node_print(variable, out);
        g_string_append(out, variable->next != NULL ? ", " : pipe->assigns ? " = " : " := ");
    }
    for (const Command *command = pipe->commands; command != NULL; command = command->next) {
        command_print(command, out);
        if (command->next != NULL) {
            g_string_append(out, " | ");
        }
    }
}

void list_print(const NodeList *list, GString *out)
{
    for (const Node *node = list->first; node != NULL; node = node->next) {
        node_print(node, out);
    }
}
