/* SPDX-License-Identifier: MIT */
/* What the parser reads by: three tokens of lookahead, and errors with their place. */
#include "rules/template/parser_internal.h"

#include "rules/fault.h"
#include "rules/template/literal.h"

Token parser_next(Parser *parser)
{
    if (parser->peeked > 0) {
        parser->peeked--;
    } else {
        parser->tokens[0] = lexer_next(&parser->lexer);
    }
    return parser->tokens[parser->peeked];
}

Token parser_peek(Parser *parser)
{
    if (parser->peeked == 0) {
        parser->peeked = 1;
        parser->tokens[0] = lexer_next(&parser->lexer);
    }
    return parser->tokens[parser->peeked - 1];
}

Token parser_next_solid(Parser *parser)
{
    Token token = parser_next(parser);
    while (token.type == TOKEN_SPACE) {
        token = parser_next(parser);
    }
    return token;
}

Token parser_peek_solid(Parser *parser)
{
    Token token = parser_next_solid(parser);
    parser_back(parser);
    return token;
}

void parser_back(Parser *parser)
{
    parser->peeked++;
}

void parser_back2(Parser *parser, Token before)
{
    parser->tokens[1] = before;
    parser->peeked = 2;
}

void parser_back3(Parser *parser, Token first, Token then)
{
    parser->tokens[1] = then;
    parser->tokens[2] = first;
    parser->peeked = 3;
}

static bool set_error(Parser *parser, FaultKind kind, Position at, const char *reason)
{
    if (*parser->error == NULL) {
        g_set_error(parser->error, FAULT, (gint)kind, "template: %s:%u:%u: %s", parser->name,
                    at.line, at.column, reason);
        fault_set_place(*parser->error, parser->file, at.line, at.column, reason);
    }
    return false;
}

bool parser_fail(Parser *parser, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *reason = g_strdup_vprintf(format, args);
    va_end(args);
    return set_error(parser, FAULT_INPUT, parser->tokens[0].at, reason);
}

bool parser_fail_at(Parser *parser, Position at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *reason = g_strdup_vprintf(format, args);
    va_end(args);
    return set_error(parser, FAULT_INPUT, at, reason);
}

bool parser_unexpected(Parser *parser, const Token *token, const char *context)
{
    g_autoptr(GString) text = g_string_new(NULL);
    token_print(token, text);
    if (token->type != TOKEN_ERROR) {
        return parser_fail_at(parser, token->at, "unexpected %s in %s", text->str, context);
    }
    if (parser->action_line == 0 || parser->action_line == token->at.line) {
        return parser_fail_at(parser, token->at, "%s", text->str);
    }
    return parser_fail_at(parser, token->at, "%s%s started at %s:%u", text->str,
                          g_str_has_suffix(text->str, " action") ? "" : " in action",
                          parser->name, parser->action_line);
}

bool parser_enter(Parser *parser)
{
    if (parser->depth == PARSER_DEPTH_MAX) {
        g_autofree char *reason = g_strdup_printf(
            "nested deeper than %d actions and parentheses", PARSER_DEPTH_MAX);
        return set_error(parser, FAULT_LIMIT, parser->tokens[0].at, reason);
    }
    parser->depth++;
    return true;
}

void parser_leave(Parser *parser)
{
    parser->depth--;
}

bool parser_unquote(Parser *parser, const Token *token, Value *content)
{
    g_autoptr(GError) reason = NULL;
    if (literal_string(parser->arena, token->text, token->length, content, &reason)) {
        return true;
    }
    return parser_fail_at(parser, token->at, "%s", reason->message);
}
