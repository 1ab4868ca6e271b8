/* SPDX-License-Identifier: MIT */
#include "rules/template/ast.h"

#include "rules/rune.h"

Node *node_new(Arena *arena, NodeType type, Position at)
{
    Node *node = arena_alloc(arena, sizeof *node);
    node->type = type;
    node->at = at;
    return node;
}

Node *node_new_text(Arena *arena, Position at, const char *bytes, size_t length)
{
    Node *node = node_new(arena, NODE_TEXT, at);
    node->text.bytes = bytes;
    node->text.length = length;
    return node;
}

Node *node_new_identifier(Arena *arena, Position at, const Func *func)
{
    Node *node = node_new(arena, NODE_IDENTIFIER, at);
    node->identifier.name = func->name;
    node->identifier.func = func;
    return node;
}

void list_append(NodeList *list, Node *node)
{
    node->next = NULL;
    if (list->last == NULL) {
        list->first = node;
    } else {
        list->last->next = node;
    }
    list->last = node;
}

Command *command_new(Arena *arena, Position at)
{
    Command *command = arena_alloc(arena, sizeof *command);
    command->at = at;
    return command;
}

void command_append(Command *command, Node *arg)
{
    Node **end = &command->args;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    arg->next = NULL;
    *end = arg;
    command->n_args++;
}

void pipe_insert(Pipe *pipe, Command *after, Command *command)
{
    Command **place = after == NULL ? &pipe->commands : &after->next;
    command->next = *place;
    *place = command;
}

void pipe_append(Pipe *pipe, Command *command)
{
    Command **end = &pipe->commands;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    command->next = NULL;
    *end = command;
}

const Func *command_func(const Command *command)
{
    const Node *first = command->args;
    return first != NULL && first->type == NODE_IDENTIFIER ? first->identifier.func : NULL;
}

Node *node_copy(Arena *arena, const Node *node)
{
    Node *copy = arena_alloc(arena, sizeof *copy);
    *copy = *node;
    copy->next = NULL;
    switch (node->type) {
    case NODE_ACTION:
    case NODE_PIPE:
        copy->pipe = pipe_copy(arena, node->pipe);
        break;
    case NODE_IF:
    case NODE_WITH:
    case NODE_RANGE:
        copy->branch.pipe = pipe_copy(arena, node->branch.pipe);
        copy->branch.body = list_copy(arena, &node->branch.body);
        copy->branch.otherwise = list_copy(arena, &node->branch.otherwise);
        break;
    case NODE_TEMPLATE:
        copy->call.pipe = node->call.pipe == NULL ? NULL : pipe_copy(arena, node->call.pipe);
        break;
    case NODE_CHAIN:
        copy->chain.operand = node_copy(arena, node->chain.operand);
        break;
    default: /* what the others point to is never edited */
        break;
    }
    return copy;
}

NodeList list_copy(Arena *arena, const NodeList *list)
{
    NodeList copy = {0};
    for (const Node *node = list->first; node != NULL; node = node->next) {
        list_append(&copy, node_copy(arena, node));
    }
    return copy;
}

static Node *copy_chain(Arena *arena, const Node *first)
{
    NodeList list = {.first = NULL};
    for (const Node *node = first; node != NULL; node = node->next) {
        list_append(&list, node_copy(arena, node));
    }
    return list.first;
}

Pipe *pipe_copy(Arena *arena, const Pipe *pipe)
{
    Pipe *copy = arena_alloc(arena, sizeof *copy);
    *copy = *pipe;
    copy->variables = copy_chain(arena, pipe->variables);
    Command **end = &copy->commands;
    for (const Command *command = pipe->commands; command != NULL; command = command->next) {
        Command *made = arena_alloc(arena, sizeof *made);
        *made = *command;
        made->args = copy_chain(arena, command->args);
        made->next = NULL;
        *end = made;
        end = &made->next;
    }
    return copy;
}

Tree *tree_copy(Arena *arena, const Tree *tree, const char *name)
{
    Tree *copy = arena_alloc(arena, sizeof *copy);
    *copy = *tree;
    copy->name = name;
    copy->root = list_copy(arena, &tree->root);
    return copy;
}

/* As bytes.TrimSpace sees it: Unicode blanks, too. */
static bool text_is_blank(const char *bytes, size_t length)
{
    const char *end = bytes + length;
    size_t n;
    for (const char *at = bytes; at < end; at += n) {
        gunichar c = rune_decode(at, (size_t)(end - at), &n);
        if (!g_unichar_isspace(c) && c != 0x0b && c != 0x85) {
            return false;
        }
    }
    return true;
}

bool list_is_blank(const NodeList *list)
{
    for (const Node *node = list->first; node != NULL; node = node->next) {
        if (node->type != NODE_TEXT || !text_is_blank(node->text.bytes, node->text.length)) {
            return false;
        }
    }
    return true;
}
