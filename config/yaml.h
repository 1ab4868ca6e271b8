/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_YAML_H
#define CONFIG_YAML_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "config/scalar.h"
#include "rules/arena.h"

/* YAML text as a tree that knows where everything stood.  The one user of libyaml.
 * Anchors, aliases and merge keys are expanded: an alias is a copy of what it names
 * that keeps the lines and columns of the original. */

typedef enum { NODE_SCALAR, NODE_SEQUENCE, NODE_MAPPING } NodeKind;

typedef struct Node {
    NodeKind kind;
    bool plain;         /* a scalar without quotes and without a tag */
    unsigned line, col; /* from 1 */
    char *text;         /* a scalar's: UTF-8 without NUL; else NULL */
    Scalar written;     /* a scalar as it stands in the text that was parsed */
    const struct Node *parent; /* NULL: the root */
    const struct Node *key;    /* of a mapping's value: its key, a scalar; else NULL */
    unsigned index;            /* among its siblings, from 0 */
    struct Node *first, *last, *next; /* children (a mapping's values), siblings */
    unsigned n;                /* children */
} Node;

/* Ceilings of one document; each is tested at its edge. */
typedef struct {
    size_t bytes;
    size_t nodes;   /* after aliases and merges are expanded */
    unsigned depth; /* nested sequences and mappings */
} YamlLimits;
#define YAML_LIMITS_DEFAULT \
    ((YamlLimits){.bytes = 16 * 1024 * 1024, .nodes = 1000000, .depth = 100})

/* The one document in LENGTH bytes; its nodes live in ARENA.  An empty text is a plain
 * empty scalar.  NULL with ERROR (INPUT; LIMIT for a ceiling) set: "line:col: reason".
 * Unknown tags, keys that are not scalars and a second document are errors; a key that
 * comes twice is appended to DUPLICATES (Node *: the later value) and left out. */
Node *yaml_parse(const char *text, size_t length, const YamlLimits *limits, Arena *arena,
                 GPtrArray *duplicates, GError **error);

/* Overwrites every scalar below NODE: secrets may be among them. NULL is allowed. */
void yaml_wipe(Node *node);

/* A mapping's value; NULL if NODE is no mapping or has no such key. */
const Node *node_get(const Node *node, const char *key);
/* Plain `~`, `null` or nothing at all; NULL counts too. */
bool node_is_null(const Node *node);
/* Appends the way from the root: receivers[0].email_configs[1].to; nothing for the root.
 * A key that is not of letters, digits, '_' and '-' is written in quotes. */
void node_path(const Node *node, GString *out);

#endif
