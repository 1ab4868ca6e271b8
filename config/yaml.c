/* SPDX-License-Identifier: MIT */
/* libyaml's events become a tree of nodes in an arena.  Building recurses once per
 * nested collection, bounded by the depth limit.  An anchor is remembered when its
 * node is complete (so an alias inside its own anchor is unknown, and no circle can
 * arise); an alias copies the anchored tree, bounded by the node limit.  Every failure
 * leaves one error with its position; the arena frees whatever was built. */
#include "config/yaml.h"

#include <string.h>
#include <yaml.h>

#include "rules/fault.h"

typedef struct {
    yaml_parser_t parser;
    yaml_event_t event; /* the current one */
    const char *text;
    size_t length;
    const YamlLimits *limits;
    Arena *arena;
    GHashTable *anchors; /* name -> Node * */
    GPtrArray *duplicates;
    size_t nodes;
    unsigned depth;
    size_t mark, at; /* a mark's index, which counts characters, and its byte in `text` */
    GError **error;
} Builder;

static void fail_at(Builder *builder, FaultKind kind, unsigned line, unsigned col,
                    const char *reason)
{
    g_set_error(builder->error, FAULT, (gint)kind, "%u:%u: %s", line, col, reason);
}

static void fail_event(Builder *builder, FaultKind kind, const char *reason)
{
    const yaml_mark_t *mark = &builder->event.start_mark;
    fail_at(builder, kind, (unsigned)mark->line + 1, (unsigned)mark->column + 1, reason);
}

/* Bytes that are not UTF-8 are reported by offset only. */
static void fail_reader(Builder *builder)
{
    unsigned line = 1, col = 1;
    size_t end = MIN(builder->parser.problem_offset, builder->length);
    for (size_t i = 0; i < end; i++) {
        bool ends_line = builder->text[i] == '\n';
        line += ends_line;
        col = ends_line ? 1 : col + 1;
    }
    fail_at(builder, FAULT_INPUT, line, col, builder->parser.problem);
}

static void fail_syntax(Builder *builder)
{
    const yaml_parser_t *parser = &builder->parser;
    if (parser->error == YAML_READER_ERROR) {
        fail_reader(builder);
        return;
    }
    g_autoptr(GString) reason = g_string_new(parser->problem);
    if (parser->context != NULL) {
        g_string_append_printf(reason, " (%s that starts in line %zu)", parser->context,
                               parser->context_mark.line + 1);
    }
    fail_at(builder, FAULT_INPUT, (unsigned)parser->problem_mark.line + 1,
            (unsigned)parser->problem_mark.column + 1, reason->str);
}

static bool next_event(Builder *builder)
{
    yaml_event_delete(&builder->event);
    return yaml_parser_parse(&builder->parser, &builder->event) != 0;
}

static Node *new_node(Builder *builder, NodeKind kind)
{
    if (builder->nodes >= builder->limits->nodes) {
        fail_event(builder, FAULT_LIMIT, "too many values (are aliases nested?)");
        return NULL;
    }
    builder->nodes++;
    Node *node = arena_alloc(builder->arena, sizeof *node);
    node->kind = kind;
    node->line = (unsigned)builder->event.start_mark.line + 1;
    node->col = (unsigned)builder->event.start_mark.column + 1;
    return node;
}

static void add_child(Node *parent, const Node *key, Node *child)
{
    child->parent = parent;
    child->key = key;
    child->index = parent->n++;
    if (parent->last == NULL) {
        parent->first = child;
    } else {
        parent->last->next = child;
    }
    parent->last = child;
}

static Node *build_node(Builder *builder);

/* Only the tags of YAML's own types are known; they change nothing but that a tagged
 * scalar is never null. */
static bool check_tag(Builder *builder, const yaml_char_t *tag)
{
    static const char *const known[] = {
        "!", YAML_STR_TAG, YAML_INT_TAG, YAML_FLOAT_TAG, YAML_BOOL_TAG, YAML_NULL_TAG,
        YAML_SEQ_TAG, YAML_MAP_TAG, YAML_TIMESTAMP_TAG, NULL,
    };
    if (tag == NULL || g_strv_contains(known, (const char *)tag)) {
        return true;
    }
    /* Not named: it may be a password that its writer did not quote. */
    fail_event(builder, FAULT_INPUT,
               "unknown tag (a value that begins with ! must be quoted)");
    return false;
}

/* The byte at MARK, which is not before the last one asked for. */
static const char *byte_at(Builder *builder, const yaml_mark_t *mark)
{
    for (; builder->mark < mark->index && builder->at < builder->length; builder->mark++) {
        do {
            builder->at++;
        } while (builder->at < builder->length &&
                 ((guchar)builder->text[builder->at] & 0xC0) == 0x80);
    }
    return builder->text + builder->at;
}

static Scalar written_scalar(Builder *builder, const Node *node)
{
    static const ScalarStyle styles[] = {
        [YAML_ANY_SCALAR_STYLE] = SCALAR_PLAIN,
        [YAML_PLAIN_SCALAR_STYLE] = SCALAR_PLAIN,
        [YAML_SINGLE_QUOTED_SCALAR_STYLE] = SCALAR_SINGLE,
        [YAML_DOUBLE_QUOTED_SCALAR_STYLE] = SCALAR_DOUBLE,
        [YAML_LITERAL_SCALAR_STYLE] = SCALAR_LITERAL,
        [YAML_FOLDED_SCALAR_STYLE] = SCALAR_FOLDED,
    };
    const yaml_event_t *event = &builder->event;
    const char *start = byte_at(builder, &event->start_mark);
    const char *end = byte_at(builder, &event->end_mark);
    return (Scalar){styles[event->data.scalar.style], start, (size_t)(end - start),
                    node->line, node->col};
}

static Node *build_scalar(Builder *builder)
{
    const yaml_event_t *event = &builder->event;
    const char *value = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    if (!check_tag(builder, event->data.scalar.tag)) {
        return NULL;
    }
    if (memchr(value, '\0', length) != NULL) {
        fail_event(builder, FAULT_INPUT, "text holds a NUL");
        return NULL;
    }
    Node *node = new_node(builder, NODE_SCALAR);
    if (node != NULL) {
        node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
                      event->data.scalar.tag == NULL;
        node->text = arena_strndup(builder->arena, value, length);
        node->written = written_scalar(builder, node);
    }
    return node;
}

/* A copy of ORIGINAL with its own parents; COL and LINE stay those of the original. */
static Node *copy_tree(Builder *builder, const Node *original)
{
    Node *copy = new_node(builder, original->kind);
    if (copy == NULL) {
        return NULL;
    }
    copy->plain = original->plain;
    copy->line = original->line;
    copy->col = original->col;
    copy->text = original->text;
    copy->written = original->written;
    for (const Node *child = original->first; child != NULL; child = child->next) {
        Node *twin = copy_tree(builder, child);
        if (twin == NULL) {
            return NULL;
        }
        add_child(copy, child->key, twin);
    }
    return copy;
}

/* How deep ORIGINAL nests: an alias must not go around the depth limit. */
static unsigned tree_depth(const Node *original)
{
    unsigned deepest = 0;
    for (const Node *child = original->first; child != NULL; child = child->next) {
        deepest = MAX(deepest, tree_depth(child));
    }
    return deepest + (original->kind != NODE_SCALAR);
}

static Node *build_alias(Builder *builder)
{
    const char *name = (const char *)builder->event.data.alias.anchor;
    const Node *original = g_hash_table_lookup(builder->anchors, name);
    if (original == NULL) {
        fail_event(builder, FAULT_INPUT,
                   "unknown alias (a value that begins with * must be quoted)");
        return NULL;
    }
    if (builder->depth + tree_depth(original) > builder->limits->depth) {
        fail_event(builder, FAULT_LIMIT, "nested too deeply");
        return NULL;
    }
    return copy_tree(builder, original);
}

static Node *open_collection(Builder *builder, NodeKind kind, const yaml_char_t *tag)
{
    if (builder->depth >= builder->limits->depth) {
        fail_event(builder, FAULT_LIMIT, "nested too deeply");
        return NULL;
    }
    if (!check_tag(builder, tag)) {
        return NULL;
    }
    builder->depth++;
    return new_node(builder, kind);
}

static bool step(Builder *builder)
{
    if (next_event(builder)) {
        return true;
    }
    fail_syntax(builder);
    return false;
}

static Node *build_sequence(Builder *builder)
{
    Node *node = open_collection(builder, NODE_SEQUENCE,
                                 builder->event.data.sequence_start.tag);
    if (node == NULL || !step(builder)) {
        return NULL;
    }
    while (builder->event.type != YAML_SEQUENCE_END_EVENT) {
        Node *child = build_node(builder);
        if (child == NULL || !step(builder)) {
            return NULL;
        }
        add_child(node, NULL, child);
    }
    builder->depth--;
    return node;
}

/* One mapping while it is built: where its keys and merges are kept. */
typedef struct {
    Node *node;
    GHashTable *keys;  /* text -> Node * (the value) */
    GPtrArray *merged; /* Node *: what `<<` names, in order */
} Mapping;

static Node *build_key(Builder *builder)
{
    if (builder->event.type == YAML_SCALAR_EVENT ||
        builder->event.type == YAML_ALIAS_EVENT) {
        Node *key = build_node(builder);
        if (key == NULL || key->kind == NODE_SCALAR) {
            return key;
        }
    }
    fail_event(builder, FAULT_INPUT,
               "a key must be text (a value that begins with {{ must be quoted)");
    return NULL;
}

static bool add_merge(Builder *builder, Mapping *mapping, const Node *key, Node *value)
{
    if (value->kind == NODE_MAPPING) {
        g_ptr_array_add(mapping->merged, value);
        return true;
    }
    bool is_list = value->kind == NODE_SEQUENCE;
    for (Node *child = value->first; child != NULL; child = child->next) {
        is_list = is_list && child->kind == NODE_MAPPING;
        g_ptr_array_add(mapping->merged, child);
    }
    if (!is_list) {
        fail_at(builder, FAULT_INPUT, key->line, key->col,
                "<< takes a mapping or a list of mappings");
    }
    return is_list;
}

static bool add_entry(Builder *builder, Mapping *mapping, const Node *key, Node *value)
{
    if (key->plain && strcmp(key->text, "<<") == 0) {
        return add_merge(builder, mapping, key, value);
    }
    if (g_hash_table_contains(mapping->keys, key->text)) {
        value->parent = mapping->node;
        value->key = key;
        g_ptr_array_add(builder->duplicates, value);
        return true;
    }
    g_hash_table_insert(mapping->keys, key->text, value);
    add_child(mapping->node, key, value);
    return true;
}

/* Copies, since what is merged may be anchored and used again. */
static bool merge_one(Builder *builder, Mapping *mapping, const Node *source)
{
    for (const Node *child = source->first; child != NULL; child = child->next) {
        if (g_hash_table_contains(mapping->keys, child->key->text)) {
            continue;
        }
        Node *copy = copy_tree(builder, child);
        if (copy == NULL) {
            return false;
        }
        g_hash_table_insert(mapping->keys, child->key->text, copy);
        add_child(mapping->node, child->key, copy);
    }
    return true;
}

/* What is merged never replaces what is written; of two merges the first counts. */
static bool apply_merges(Builder *builder, Mapping *mapping)
{
    for (unsigned i = 0; i < mapping->merged->len; i++) {
        if (!merge_one(builder, mapping, mapping->merged->pdata[i])) {
            return false;
        }
    }
    return true;
}

static bool build_entries(Builder *builder, Mapping *mapping)
{
    while (builder->event.type != YAML_MAPPING_END_EVENT) {
        const Node *key = build_key(builder);
        if (key == NULL || !step(builder)) {
            return false;
        }
        Node *value = build_node(builder);
        if (value == NULL || !add_entry(builder, mapping, key, value) ||
            !step(builder)) {
            return false;
        }
    }
    return true;
}

static Node *build_mapping(Builder *builder)
{
    Node *node =
        open_collection(builder, NODE_MAPPING, builder->event.data.mapping_start.tag);
    if (node == NULL || !step(builder)) {
        return NULL;
    }
    g_autoptr(GHashTable) keys = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GPtrArray) merged = g_ptr_array_new();
    Mapping mapping = {.node = node, .keys = keys, .merged = merged};
    if (!build_entries(builder, &mapping) || !apply_merges(builder, &mapping)) {
        return NULL;
    }
    builder->depth--;
    return node;
}

static void remember(Builder *builder, char *anchor, Node *node)
{
    if (anchor != NULL && node != NULL) {
        g_hash_table_replace(builder->anchors, g_strdup(anchor), node);
    }
}

/* The node the current event begins; its last event is the current one afterwards. */
static Node *build_node(Builder *builder)
{
    g_autofree char *anchor = NULL;
    Node *node = NULL;
    switch (builder->event.type) {
    case YAML_SCALAR_EVENT:
        anchor = g_strdup((const char *)builder->event.data.scalar.anchor);
        node = build_scalar(builder);
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = g_strdup((const char *)builder->event.data.sequence_start.anchor);
        node = build_sequence(builder);
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = g_strdup((const char *)builder->event.data.mapping_start.anchor);
        node = build_mapping(builder);
        break;
    case YAML_ALIAS_EVENT:
        return build_alias(builder);
    default:
        g_assert_not_reached();
    }
    remember(builder, anchor, node);
    return node;
}

/* A stream without a document is an empty one. */
static Node *build_empty(Builder *builder)
{
    Node *node = new_node(builder, NODE_SCALAR);
    if (node != NULL) {
        node->plain = true;
        node->line = node->col = 1;
        node->text = arena_strdup(builder->arena, "");
    }
    return node;
}

static Node *build_stream(Builder *builder)
{
    if (!step(builder) || !step(builder)) { /* STREAM-START, what follows */
        return NULL;
    }
    if (builder->event.type == YAML_STREAM_END_EVENT) {
        return build_empty(builder);
    }
    if (!step(builder)) { /* DOCUMENT-START is behind us */
        return NULL;
    }
    Node *root = build_node(builder);
    if (root == NULL || !step(builder) || !step(builder)) {
        return NULL;
    }
    if (builder->event.type != YAML_STREAM_END_EVENT) {
        fail_event(builder, FAULT_INPUT, "a second document begins here; only one is read");
        return NULL;
    }
    return root;
}

Node *yaml_parse(const char *text, size_t length, const YamlLimits *limits, Arena *arena,
                 GPtrArray *duplicates, GError **error)
{
    if (length > limits->bytes) {
        g_set_error(error, FAULT, FAULT_LIMIT, "1:1: larger than %zu bytes",
                    limits->bytes);
        return NULL;
    }
    if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3; /* a byte order mark is no column */
        length -= 3;
    }
    Builder builder = {.text = text,
                       .length = length,
                       .limits = limits,
                       .arena = arena,
                       .anchors = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                       .duplicates = duplicates,
                       .error = error};
    if (!yaml_parser_initialize(&builder.parser)) {
        g_error("out of memory");
    }
    yaml_parser_set_encoding(&builder.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&builder.parser, (const unsigned char *)text, length);
    Node *root = build_stream(&builder);
    yaml_event_delete(&builder.event);
    yaml_parser_delete(&builder.parser);
    g_hash_table_unref(builder.anchors);
    return root;
}
