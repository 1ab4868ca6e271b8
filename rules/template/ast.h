/* SPDX-License-Identifier: MIT */
#ifndef RULES_TEMPLATE_AST_H
#define RULES_TEMPLATE_AST_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/arena.h"
#include "rules/template/funcs.h"
#include "rules/template/value.h"

/* The parse tree.  Nodes live in an arena and are linked through `next`.  A tree in a
 * TemplateSet is immutable; who edits one (the HTML escaper) edits a copy. */
typedef struct Node Node;
typedef struct Pipe Pipe;
typedef struct Command Command;

/* Lines count from 1, columns are bytes from 0, as in Go's messages. */
typedef struct {
    uint32_t line, column;
} Position;

typedef enum {
    /* What a list holds. */
    NODE_TEXT,
    NODE_ACTION, /* {{pipeline}} */
    NODE_IF,
    NODE_WITH,
    NODE_RANGE,
    NODE_TEMPLATE, /* {{template "name" pipeline}}, also what a {{block}} leaves */
    NODE_BREAK,
    NODE_CONTINUE,
    /* What a command holds. */
    NODE_DOT,
    NODE_NIL,
    NODE_BOOL,
    NODE_NUMBER,
    NODE_STRING,
    NODE_FIELD,      /* .a.b */
    NODE_VARIABLE,   /* $x.a.b */
    NODE_CHAIN,      /* (pipeline).a.b */
    NODE_IDENTIFIER, /* a function */
    NODE_PIPE,       /* (pipeline) */
} NodeType;

typedef struct {
    Node *first, *last;
} NodeList;

/* One name of a chain of fields, with the members it can mean, found when parsed. */
typedef struct {
    const char *name;
    uint32_t length;
    const Member *members; /* up to one of KIND_NONE; NULL if no kind has any */
} FieldName;

typedef struct {
    FieldName *items;
    size_t n;
} FieldNames;

/* A number is untyped: what it can be is known when it is used. */
typedef struct {
    bool is_int, is_uint, is_float, is_complex;
    int64_t integer;
    uint64_t natural;
    double real, imaginary;
    Value constant; /* as an interface {} gets it; no value if it overflows int */
} Number;

struct Node {
    NodeType type;
    Position at;
    Node *next;
    union {
        struct {
            const char *bytes;
            size_t length;
        } text; /* TEXT */
        struct {
            Pipe *pipe;
            NodeList body, otherwise;
            bool has_otherwise;
        } branch; /* IF, WITH, RANGE */
        struct {
            const char *name;
            Pipe *pipe; /* NULL if there is none */
        } call;         /* TEMPLATE */
        Pipe *pipe;     /* ACTION, PIPE */
        bool truth;     /* BOOL */
        struct {
            const char *source; /* as written */
            const Number *value;
        } number; /* NUMBER */
        struct {
            const char *source; /* as written, with its quotes */
            Value value;
        } string;         /* STRING */
        FieldNames field; /* FIELD */
        struct {
            const char *name; /* with its $ */
            int slot;         /* -1: nothing declared it, an error when reached */
            FieldNames fields;
        } variable; /* VARIABLE */
        struct {
            Node *operand;
            FieldNames fields;
        } chain; /* CHAIN */
        struct {
            const char *name;
            const Func *func;
        } identifier; /* IDENTIFIER */
    };
};

struct Command {
    Position at;
    Command *next;
    Node *args; /* the operand or function, then its arguments */
    size_t n_args;
};

struct Pipe {
    Position at;
    bool assigns;    /* $x = …; otherwise variables are declared: $x := … */
    Node *variables; /* VARIABLE nodes; NULL if none */
    size_t n_variables;
    Command *commands;
};

/* One named definition. */
typedef struct {
    const char *name;
    const char *parse_name; /* of the text it was written in: what positions refer to */
    const char *file;       /* what that was read from; "" if it was no file */
    NodeList root;
    unsigned slots; /* variables alive at once; slot 0 is $ */
} Tree;

/* Building and editing. */
Node *node_new(Arena *arena, NodeType type, Position at);
Node *node_new_text(Arena *arena, Position at, const char *bytes, size_t length);
Node *node_new_identifier(Arena *arena, Position at, const Func *func);
void list_append(NodeList *list, Node *node);
Command *command_new(Arena *arena, Position at); /* without arguments */
void command_append(Command *command, Node *arg);
/* Puts COMMAND behind AFTER; first if AFTER is NULL. */
void pipe_insert(Pipe *pipe, Command *after, Command *command);
void pipe_append(Pipe *pipe, Command *command);
/* What a command calls if it starts with a function's name; NULL otherwise. */
const Func *command_func(const Command *command);

/* Deep copies, except of text and names, which must outlive the copy. */
Tree *tree_copy(Arena *arena, const Tree *tree, const char *name);
Pipe *pipe_copy(Arena *arena, const Pipe *pipe);
NodeList list_copy(Arena *arena, const NodeList *list);
Node *node_copy(Arena *arena, const Node *node); /* `next` is NULL */

/* Nothing but blanks: such a definition replaces no other. */
bool list_is_blank(const NodeList *list);

/* Append the source text of a node, as Go's String methods print it. */
void node_print(const Node *node, GString *out);
void pipe_print(const Pipe *pipe, GString *out);
void command_print(const Command *command, GString *out);
void list_print(const NodeList *list, GString *out);

#endif
