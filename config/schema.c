/* SPDX-License-Identifier: MIT */
#include "config/schema.h"

#include <string.h>

#include "config/suggest.h"

const char *reader_text(const Node *scalar)
{
    return node_is_null(scalar) ? "" : scalar->text;
}

char **reader_texts(const Reader *reader, const Node *list)
{
    unsigned n = list != NULL ? list->n : 0;
    char **texts = arena_array(reader->arena, char *, n + 1);
    const Node *item = list != NULL ? list->first : NULL;
    for (unsigned i = 0; item != NULL; item = item->next) {
        texts[i++] = arena_strdup(reader->arena, reader_text(item));
    }
    return texts;
}

char *reader_file(const Reader *reader, const Node *node)
{
    if (reader->files != NULL) {
        g_ptr_array_add(reader->files, (void *)(uintptr_t)node);
    }
    return reader_path(reader, reader_text(node));
}

char *reader_path(const Reader *reader, const char *file)
{
    if (g_path_is_absolute(file) || strcmp(reader->directory, ".") == 0) {
        return arena_strdup(reader->arena, file);
    }
    g_autofree char *path = g_build_filename(reader->directory, file, NULL);
    return arena_strdup(reader->arena, path);
}

static const Field *find_field(const Schema *schema, const char *key)
{
    for (unsigned i = 0; i < schema->n_fields; i++) {
        if (strcmp(schema->fields[i].key, key) == 0) {
            return &schema->fields[i];
        }
    }
    return NULL;
}

static void report_unknown(const Reader *reader, const Schema *schema, const Node *node)
{
    Suggestion suggestion;
    suggestion_init(&suggestion, node->key->text);
    for (unsigned i = 0; i < schema->n_fields; i++) {
        suggestion_offer(&suggestion, schema->fields[i].key);
    }
    if (suggestion.best != NULL) {
        report_key_error(reader->report, node, "unknown key; did you mean \"%s\"?",
                         suggestion.best);
    } else {
        report_key_error(reader->report, node, "unknown key");
    }
}

static void set_default(const Reader *reader, const Field *field, void *where)
{
    Node *node = arena_alloc(reader->arena, sizeof *node);
    node->kind = NODE_SCALAR;
    node->text = arena_strdup(reader->arena, field->unset);
    field->type->set(reader, field, node, where);
}

/* The default comes first, so that a value which turns out wrong leaves it in place. */
static void read_field(const Reader *reader, const Field *field, const Node *node,
                       char *into)
{
    const Node *value = node_get(node, field->key);
    void *where = into + field->offset;
    bool is_null = node_is_null(value);
    if (field->unset != NULL) {
        set_default(reader, field, where);
    }
    if (field->missing != NULL &&
        (is_null || (value->text != NULL && *value->text == '\0'))) {
        report_error(reader->report, value != NULL ? value : node, "%s", field->missing);
    } else if (value != NULL && (!is_null || field->type->takes_null)) {
        field->type->set(reader, field, value, where);
    } else if (field->type->takes_absent) {
        field->type->set(reader, field, NULL, where);
    }
}

void schema_read(const Reader *reader, const Schema *schema, const Node *node, void *into)
{
    if (!node_is_null(node) && node->kind != NODE_MAPPING) {
        report_error(reader->report, node, "expected a mapping, found %s",
                     node->kind == NODE_SEQUENCE ? "a list" : "text");
        return;
    }
    if (!schema->plain) {
        ((Section *)into)->node = node;
    }
    for (unsigned i = 0; i < schema->n_fields; i++) {
        read_field(reader, &schema->fields[i], node, into);
    }
    for (const Node *child = node != NULL ? node->first : NULL; child != NULL;
         child = child->next) {
        if (find_field(schema, child->key->text) == NULL) {
            report_unknown(reader, schema, child);
        }
    }
}

/* A cell of a table: no line feed, no bare bar. */
static void print_cell(GString *out, const char *text)
{
    for (const char *c = text != NULL ? text : ""; *c != '\0'; c++) {
        if (*c == '|') {
            g_string_append_c(out, '\\');
        }
        g_string_append_c(out, *c == '\n' ? ' ' : *c);
    }
    g_string_append(out, " |");
}

/* The words a choice has, one or the other. */
static void print_choices(GString *out, const char *const *names)
{
    for (unsigned i = 0; names[i] != NULL; i++) {
        const char *separator = i == 0 ? "" : names[i + 1] == NULL ? " or " : ", ";
        g_string_append_printf(out, "%s`%s`", separator, names[i]);
    }
}

static void print_type(GString *out, const Field *field)
{
    const Schema *schema = field->detail;
    if (strcmp(field->type->name, "choice") == 0) {
        g_string_append_c(out, ' ');
        print_choices(out, field->detail);
        g_string_append(out, " |");
    } else if (field->type == &type_section || field->type == &type_optional_section) {
        g_string_append_printf(out, " [%s](#%s) |", schema->name, schema->name);
    } else if (field->type == &type_list) {
        g_string_append_printf(out, " list of [%s](#%s) |", schema->name, schema->name);
    } else {
        g_string_append_c(out, ' ');
        print_cell(out, field->type->name);
    }
}

static void print_default(GString *out, const Field *field)
{
    if (field->missing != NULL) {
        g_string_append(out, " required |");
    } else if (field->unset != NULL && *field->unset != '\0') {
        g_string_append_printf(out, " `%s` |", field->unset);
    } else {
        g_string_append(out, " |");
    }
}

static void print_field(GString *out, const Field *field)
{
    g_string_append_printf(out, "| `%s` |", field->key);
    print_type(out, field);
    print_default(out, field);
    g_string_append_c(out, ' ');
    print_cell(out, field->help);
    g_string_append_c(out, '\n');
}

void schema_print(const Schema *schema, GString *out)
{
    g_string_append_printf(out, "### %s\n\n%s\n\n", schema->name, schema->help);
    g_string_append(out, "| key | value | default | what it does |\n|---|---|---|---|\n");
    GString *foreign = g_string_new(NULL);
    for (unsigned i = 0; i < schema->n_fields; i++) {
        const Field *field = &schema->fields[i];
        if (field->help != NULL) {
            print_field(out, field);
        } else {
            g_string_append_printf(foreign, "%s`%s`", foreign->len > 0 ? ", " : "",
                                   field->key);
        }
    }
    if (foreign->len > 0) {
        g_string_append_printf(out, "\nAlertmanager's keys that are not about mail: %s.\n",
                               foreign->str);
    }
    g_string_append_c(out, '\n');
    g_string_free(foreign, TRUE);
}
