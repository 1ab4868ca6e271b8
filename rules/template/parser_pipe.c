/* SPDX-License-Identifier: MIT */
/* Pipelines: declarations, commands, operands; variables get their slots here.
 *
 * A name may be used once it has been written as a target, but its slot is found as the
 * execution would find the variable: only behind the pipeline that declares it (in
 * {{$x := $x}} the second $x is an outer one), and the innermost of several. */
#include "rules/template/parser_internal.h"

#include <string.h>

#include "rules/quote.h"
#include "rules/template/literal.h"

static bool same_name(const VariableName *a, const Token *b)
{
    return a->length == b->length && memcmp(a->text, b->text, a->length) == 0;
}

/* The index of the last entry with TOKEN's name, or -1. */
static int find_name(const GArray *names, const Token *token)
{
    for (guint i = names->len; i > 0; i--) {
        if (same_name(&g_array_index(names, VariableName, i - 1), token)) {
            return (int)i - 1;
        }
    }
    return -1;
}

static void add_name(GArray *names, const Token *token)
{
    VariableName name = {token->text, token->length};
    g_array_append_val(names, name);
}

static FieldName field_name(Parser *parser, const Token *field)
{
    const char *text = field->text + 1;
    size_t length = field->length - 1;
    return (FieldName){arena_strndup(parser->arena, text, length), (uint32_t)length,
                       members_find(parser->arena, text, length)};
}

/* FIRST, if not NULL, and all the fields that follow without a blank. */
static FieldNames take_fields(Parser *parser, const Token *first)
{
    g_autoptr(GArray) names = g_array_new(FALSE, FALSE, sizeof(FieldName));
    if (first != NULL) {
        FieldName name = field_name(parser, first);
        g_array_append_val(names, name);
    }
    while (parser_peek(parser).type == TOKEN_FIELD) {
        Token field = parser_next(parser);
        FieldName name = field_name(parser, &field);
        g_array_append_val(names, name);
    }
    FieldNames taken = {arena_array(parser->arena, FieldName, names->len), names->len};
    if (names->len > 0) {
        memcpy(taken.items, names->data, names->len * sizeof(FieldName));
    }
    return taken;
}

static Node *new_variable(Parser *parser, const Token *token, int slot)
{
    Node *node = node_new(parser->arena, NODE_VARIABLE, token->at);
    node->variable.name = arena_strndup(parser->arena, token->text, token->length);
    node->variable.slot = slot;
    return node;
}

static Node *parse_variable(Parser *parser, const Token *token)
{
    if (find_name(parser->scope->names, token) < 0) {
        parser_fail_at(parser, token->at, "undefined variable \"%.*s\"", (int)token->length,
                       token->text);
        return NULL;
    }
    Node *node = new_variable(parser, token, find_name(parser->scope->live, token));
    Token next = parser_peek(parser);
    if (next.type == TOKEN_FIELD) {
        node->at = next.at;
        node->variable.fields = take_fields(parser, NULL);
    }
    return node;
}

/* Errors of a chain of fields point at its second one, as Go's do. */
static Node *parse_field(Parser *parser, const Token *token)
{
    Node *node = node_new(parser->arena, NODE_FIELD, token->at);
    Token next = parser_peek(parser);
    if (next.type == TOKEN_FIELD) {
        node->at = next.at;
    }
    node->field = take_fields(parser, token);
    return node;
}

static Node *parse_function(Parser *parser, const Token *token)
{
    const Func *func = parser->extra == NULL
                           ? NULL
                           : func_in(parser->extra, token->text, token->length);
    if (func == NULL) {
        func = func_find(token->text, token->length);
    }
    if (func == NULL) {
        parser_fail_at(parser, token->at, "function \"%.*s\" not defined", (int)token->length,
                       token->text);
        return NULL;
    }
    return node_new_identifier(parser->arena, token->at, func);
}

static Node *parse_number(Parser *parser, const Token *token)
{
    NumberSyntax syntax = token->type == TOKEN_CHARACTER ? LITERAL_CHARACTER
                          : token->type == TOKEN_COMPLEX ? LITERAL_COMPLEX
                                                         : LITERAL_NUMBER;
    Number *number = arena_alloc(parser->arena, sizeof *number);
    g_autoptr(GError) reason = NULL;
    if (!literal_number(parser->arena, token->text, token->length, syntax, number, &reason)) {
        parser_fail_at(parser, token->at, "%s", reason->message);
        return NULL;
    }
    Node *node = node_new(parser->arena, NODE_NUMBER, token->at);
    node->number.source = arena_strndup(parser->arena, token->text, token->length);
    node->number.value = number;
    return node;
}

static Node *parse_string(Parser *parser, const Token *token)
{
    Node *node = node_new(parser->arena, NODE_STRING, token->at);
    node->string.source = arena_strndup(parser->arena, token->text, token->length);
    return parser_unquote(parser, token, &node->string.value) ? node : NULL;
}

static Node *parse_parentheses(Parser *parser)
{
    if (!parser_enter(parser)) {
        return NULL;
    }
    Pipe *pipe = parser_pipeline(parser, "parenthesized pipeline", TOKEN_RIGHT_PAREN);
    parser_leave(parser);
    if (pipe == NULL) {
        return NULL;
    }
    Node *node = node_new(parser->arena, NODE_PIPE, pipe->at);
    node->pipe = pipe;
    return node;
}

static Node *parse_constant(Parser *parser, const Token *token)
{
    NodeType type = token->type == TOKEN_DOT   ? NODE_DOT
                    : token->type == TOKEN_NIL ? NODE_NIL
                                               : NODE_BOOL;
    Node *node = node_new(parser->arena, type, token->at);
    if (type == NODE_BOOL) {
        node->truth = token->text[0] == 't';
    }
    return node;
}

/* A literal, a function, a pipeline in parentheses, and fields of it all.  False on an
 * error; *TERM is NULL if the next token starts none. */
static bool parse_term(Parser *parser, Node **term)
{
    Token token = parser_next_solid(parser);
    switch (token.type) {
    case TOKEN_IDENTIFIER:
        *term = parse_function(parser, &token);
        break;
    case TOKEN_DOT:
    case TOKEN_NIL:
    case TOKEN_BOOL:
        *term = parse_constant(parser, &token);
        break;
    case TOKEN_VARIABLE:
        *term = parse_variable(parser, &token);
        break;
    case TOKEN_FIELD:
        *term = parse_field(parser, &token);
        break;
    case TOKEN_CHARACTER:
    case TOKEN_COMPLEX:
    case TOKEN_NUMBER:
        *term = parse_number(parser, &token);
        break;
    case TOKEN_STRING:
    case TOKEN_RAW_STRING:
        *term = parse_string(parser, &token);
        break;
    case TOKEN_LEFT_PAREN:
        *term = parse_parentheses(parser);
        break;
    default:
        parser_back(parser);
        *term = NULL;
        return true;
    }
    return *term != NULL;
}

static bool fail_chain(Parser *parser, const Node *term)
{
    g_autoptr(GString) text = g_string_new(NULL), quoted = g_string_new(NULL);
    node_print(term, text);
    quote_append_n(quoted, text->str, text->len, QUOTE_PLAIN);
    return parser_fail(parser, "unexpected . after term %s", quoted->str);
}

static bool parse_operand(Parser *parser, Node **operand)
{
    if (!parse_term(parser, operand)) {
        return false;
    }
    Token next = parser_peek(parser);
    if (*operand == NULL || next.type != TOKEN_FIELD) {
        return true;
    }
    NodeType type = (*operand)->type;
    if (type != NODE_IDENTIFIER && type != NODE_PIPE) {
        return fail_chain(parser, *operand);
    }
    Node *chain = node_new(parser->arena, NODE_CHAIN, next.at);
    chain->chain.operand = *operand;
    chain->chain.fields = take_fields(parser, NULL);
    *operand = chain;
    return true;
}

/* Operands up to a '|', which is taken, or the pipeline's end, which is not. */
static Command *parse_command(Parser *parser)
{
    Command *command = command_new(parser->arena, parser_peek_solid(parser).at);
    Node *last = NULL;
    for (;;) {
        Node *operand;
        parser_peek_solid(parser);
        if (!parse_operand(parser, &operand)) {
            return NULL;
        }
        if (operand != NULL) {
            *(last == NULL ? &command->args : &last->next) = operand;
            last = operand;
            command->n_args++;
        }
        Token token = parser_next(parser);
        if (token.type == TOKEN_SPACE) {
            continue;
        }
        if (token.type == TOKEN_RIGHT_DELIM || token.type == TOKEN_RIGHT_PAREN) {
            parser_back(parser);
        } else if (token.type != TOKEN_PIPE) {
            parser_unexpected(parser, &token, "operand");
            return NULL;
        }
        break;
    }
    if (command->n_args == 0) {
        parser_fail(parser, "empty command");
        return NULL;
    }
    return command;
}

static void add_target(Parser *parser, Pipe *pipe, const Token *token)
{
    Node **end = &pipe->variables;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = new_variable(parser, token, -1);
    pipe->n_variables++;
    add_name(parser->scope->names, token);
}

/* What follows the comma of {{range $k, $v := …}}. */
static bool expect_second_target(Parser *parser, const Pipe *pipe, const char *context)
{
    if (strcmp(context, "range") != 0 || pipe->n_variables >= 2) {
        return parser_fail(parser, "too many declarations in %s", context);
    }
    TokenType next = parser_peek_solid(parser).type;
    if (next != TOKEN_VARIABLE && next != TOKEN_RIGHT_DELIM && next != TOKEN_RIGHT_PAREN) {
        return parser_fail(parser, "range can only initialize variables");
    }
    return true;
}

/* The variables that a pipeline sets, if it sets any. */
static bool parse_targets(Parser *parser, Pipe *pipe, const char *context)
{
    while (parser_peek_solid(parser).type == TOKEN_VARIABLE) {
        Token variable = parser_next_solid(parser);
        Token after = parser_peek(parser);
        Token next = parser_peek_solid(parser);
        if (next.type == TOKEN_ASSIGN || next.type == TOKEN_DECLARE) {
            parser_next_solid(parser);
            pipe->assigns = next.type == TOKEN_ASSIGN;
            add_target(parser, pipe, &variable);
            return true;
        }
        if (next.type != TOKEN_CHAR || next.text[0] != ',') {
            if (after.type == TOKEN_SPACE) {
                parser_back3(parser, variable, after);
            } else {
                parser_back2(parser, variable);
            }
            return true;
        }
        parser_next_solid(parser);
        add_target(parser, pipe, &variable);
        if (!expect_second_target(parser, pipe, context)) {
            return false;
        }
    }
    return true;
}

/* Only the first command may be a value rather than a call. */
static bool check_commands(Parser *parser, const Pipe *pipe, const char *context)
{
    if (pipe->commands == NULL) {
        return parser_fail(parser, "missing value for %s", context);
    }
    unsigned stage = 2;
    for (const Command *at = pipe->commands->next; at != NULL; at = at->next, stage++) {
        NodeType type = at->args->type;
        if (type == NODE_BOOL || type == NODE_DOT || type == NODE_NIL || type == NODE_NUMBER ||
            type == NODE_STRING) {
            return parser_fail_at(parser, at->at, "non executable command in pipeline stage %u",
                                  stage);
        }
    }
    return true;
}

/* Gives the pipeline's targets their slots: new ones, or those of the variables that
 * are assigned to. */
static void place_targets(Parser *parser, Pipe *pipe)
{
    Scope *scope = parser->scope;
    for (Node *target = pipe->variables; target != NULL; target = target->next) {
        const char *name = target->variable.name;
        Token token = {.text = name, .length = strlen(name)};
        if (!pipe->assigns) {
            add_name(scope->live, &token);
            scope->slots = MAX(scope->slots, scope->live->len);
        }
        target->variable.slot = find_name(scope->live, &token);
    }
}

static bool starts_operand(TokenType type)
{
    switch (type) {
    case TOKEN_BOOL:
    case TOKEN_CHARACTER:
    case TOKEN_COMPLEX:
    case TOKEN_DOT:
    case TOKEN_FIELD:
    case TOKEN_IDENTIFIER:
    case TOKEN_NUMBER:
    case TOKEN_NIL:
    case TOKEN_RAW_STRING:
    case TOKEN_STRING:
    case TOKEN_VARIABLE:
    case TOKEN_LEFT_PAREN:
        return true;
    default:
        return false;
    }
}

Pipe *parser_pipeline(Parser *parser, const char *context, TokenType end)
{
    Pipe *pipe = arena_alloc(parser->arena, sizeof *pipe);
    Command **last = &pipe->commands;
    pipe->at = parser_peek_solid(parser).at;
    if (!parse_targets(parser, pipe, context)) {
        return NULL;
    }
    for (;;) {
        Token token = parser_next_solid(parser);
        if (token.type == end) {
            break;
        }
        if (!starts_operand(token.type)) {
            parser_unexpected(parser, &token, context);
            return NULL;
        }
        parser_back(parser);
        *last = parse_command(parser);
        if (*last == NULL) {
            return NULL;
        }
        last = &(*last)->next;
    }
    if (!check_commands(parser, pipe, context)) {
        return NULL;
    }
    place_targets(parser, pipe);
    return pipe;
}
