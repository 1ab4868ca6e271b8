/* SPDX-License-Identifier: MIT */
#ifndef RULES_TEMPLATE_LEXER_H
#define RULES_TEMPLATE_LEXER_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "rules/arena.h"
#include "rules/template/ast.h"

typedef enum {
    TOKEN_ERROR, /* text is the reason; nothing follows */
    TOKEN_EOF,
    TOKEN_TEXT, /* outside of actions, trimmed where a marker says so */
    TOKEN_LEFT_DELIM,
    TOKEN_RIGHT_DELIM,
    TOKEN_SPACE,
    TOKEN_ASSIGN,  /* = */
    TOKEN_DECLARE, /* := */
    TOKEN_PIPE,
    TOKEN_LEFT_PAREN,
    TOKEN_RIGHT_PAREN,
    TOKEN_CHAR, /* any other ASCII character, such as the comma */
    TOKEN_BOOL,
    TOKEN_CHARACTER, /* 'c' */
    TOKEN_NUMBER,
    TOKEN_COMPLEX, /* 1+2i */
    TOKEN_STRING,
    TOKEN_RAW_STRING,
    TOKEN_FIELD,    /* with its dot */
    TOKEN_VARIABLE, /* with its dollar sign */
    TOKEN_IDENTIFIER,
    TOKEN_KEYWORD, /* all below are keywords */
    TOKEN_DOT,
    TOKEN_NIL,
    TOKEN_BLOCK,
    TOKEN_BREAK,
    TOKEN_CONTINUE,
    TOKEN_DEFINE,
    TOKEN_ELSE,
    TOKEN_END,
    TOKEN_IF,
    TOKEN_RANGE,
    TOKEN_TEMPLATE,
    TOKEN_WITH,
} TokenType;

typedef struct {
    TokenType type;
    const char *text; /* into the source, except of errors */
    size_t length;
    Position at;
} Token;

/* Cuts a template's source into tokens.  Comments leave none. */
typedef struct {
    Arena *arena; /* for error texts */
    const char *source;
    size_t length;
    size_t at;          /* the next byte */
    bool inside;        /* of an action */
    unsigned depth;     /* of parentheses */
    size_t counted;     /* up to here lines are counted */
    uint32_t line;      /* of the byte `counted` */
    size_t line_start;
    Token failed;       /* once there was an error: it, forever */
} Lexer;

void lexer_init(Lexer *lexer, Arena *arena, const char *source, size_t length);
Token lexer_next(Lexer *lexer);

/* A token as error texts name it: EOF, <if>, "text", at most ten characters of it. */
void token_print(const Token *token, GString *out);

#endif
