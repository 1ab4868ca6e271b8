/* SPDX-License-Identifier: MIT */
#ifndef RULES_TEMPLATE_PARSER_INTERNAL_H
#define RULES_TEMPLATE_PARSER_INTERNAL_H

#include "rules/template/lexer.h"
#include "rules/template/parser.h"

/* What the parts of the parser share: parser.c knows actions and definitions,
 * parser_pipe.c pipelines, parser_tokens.c how to read and how to fail. */

typedef struct {
    const char *text;
    size_t length;
} VariableName;

/* What is parsed into one tree: definitions do not see each other's variables. */
typedef struct {
    GArray *names; /* VariableName: what may be written, from where it is first set */
    GArray *live;  /* VariableName: what exists when this place is executed; the index
                      is the variable's slot */
    unsigned slots;
    unsigned ranges; /* that are open */
} Scope;

typedef struct {
    Arena *arena;
    Lexer lexer;
    const char *name, *file;
    ExtraFuncs extra;
    GHashTable *trees;
    Token tokens[3]; /* the lookahead; the last one read is in [0] */
    unsigned peeked;
    Scope *scope;
    unsigned depth;
    uint32_t action_line; /* where the action that is being read began */
    GError **error;
} Parser;

Token parser_next(Parser *parser);
Token parser_peek(Parser *parser);
Token parser_next_solid(Parser *parser); /* skips blanks */
Token parser_peek_solid(Parser *parser);
void parser_back(Parser *parser);                        /* the last token again */
void parser_back2(Parser *parser, Token before);         /* BEFORE, then it */
void parser_back3(Parser *parser, Token first, Token then); /* FIRST, THEN, then it */

/* Set the error, at the last token read or at AT, and return false. */
bool parser_fail(Parser *parser, const char *format, ...) G_GNUC_PRINTF(2, 3);
bool parser_fail_at(Parser *parser, Position at, const char *format, ...) G_GNUC_PRINTF(3, 4);
bool parser_unexpected(Parser *parser, const Token *token, const char *context);
/* One level deeper; false with an error if that is too deep. */
bool parser_enter(Parser *parser);
void parser_leave(Parser *parser);

/* The content of a string token. */
bool parser_unquote(Parser *parser, const Token *token, Value *content);

/* declarations? command ('|' command)*, up to and with END. */
Pipe *parser_pipeline(Parser *parser, const char *context, TokenType end);

#endif
