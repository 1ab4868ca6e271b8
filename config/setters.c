/* SPDX-License-Identifier: MIT */
/* One small setter per type of value; the rows of the tables name them. */
#include <string.h>

#include "config/schema.h"
#include "config/suggest.h"
#include "config/values.h"

static const char *kind_name(const Node *node)
{
    static const char *const names[] = {
        [NODE_SCALAR] = "text", [NODE_SEQUENCE] = "a list", [NODE_MAPPING] = "a mapping"};
    return names[node->kind];
}

/* The text of a scalar; NULL, and reported, if NODE is none. */
static const char *take_text(const Reader *reader, const Node *node)
{
    if (node->kind == NODE_SCALAR) {
        return reader_text(node);
    }
    report_error(reader->report, node, "expected text, found %s", kind_name(node));
    return NULL;
}

/* Reports ERROR, if there is one, and frees it. */
static void report_failure(const Reader *reader, const Node *node, GError *error)
{
    if (error != NULL) {
        report_error(reader->report, node, "%s", error->message);
        g_error_free(error);
    }
}

static void set_text(const Reader *reader, const Field *field, const Node *node, void *where)
{
    (void)field;
    const char *text = take_text(reader, node);
    if (text != NULL) {
        *(char **)where = arena_strdup(reader->arena, text);
    }
}

static void set_path(const Reader *reader, const Field *field, const Node *node, void *where)
{
    (void)field;
    const char *text = take_text(reader, node);
    if (text != NULL) {
        *(char **)where = *text == '\0' ? arena_strdup(reader->arena, "")
                                        : reader_file(reader, node);
    }
}

static void set_bool(const Reader *reader, const Field *field, const Node *node, void *where)
{
    (void)field;
    GError *error = NULL;
    const char *text = take_text(reader, node);
    if (text != NULL && !bool_parse(text, where, &error)) {
        report_failure(reader, node, error);
    }
}

static void set_optional_bool(const Reader *reader, const Field *field, const Node *node,
                              void *where)
{
    OptionalBool *option = where;
    set_bool(reader, field, node, &option->value);
    option->set = true;
}

/* Is VALUE within the row's bounds?  Else it is reported, the bounds as UNIT writes. */
static bool check_range(const Reader *reader, const Field *field, const Node *node,
                        uint64_t value)
{
    if (value >= field->min && (field->max == 0 || value <= field->max)) {
        return true;
    }
    const char *unit = strcmp(field->type->name, "duration") == 0 ? "ms" : "";
    if (field->max == 0) {
        report_error(reader->report, node, "must be at least %" G_GUINT64_FORMAT "%s",
                     field->min, unit);
    } else {
        report_error(reader->report, node,
                     "must be %" G_GUINT64_FORMAT "%s to %" G_GUINT64_FORMAT "%s",
                     field->min, unit, field->max, unit);
    }
    return false;
}

static bool take_number(const Reader *reader, const Field *field, const Node *node,
                        uint64_t *value)
{
    GError *error = NULL;
    const char *text = take_text(reader, node);
    if (text == NULL || !unsigned_parse(text, value, &error)) {
        report_failure(reader, node, error);
        return false;
    }
    return check_range(reader, field, node, *value);
}

static void set_unsigned(const Reader *reader, const Field *field, const Node *node,
                         void *where)
{
    uint64_t value;
    if (!take_number(reader, field, node, &value)) {
        return;
    }
    if (value > G_MAXUINT) {
        report_error(reader->report, node, "must be at most %u", G_MAXUINT);
        return;
    }
    *(unsigned *)where = (unsigned)value;
}

static void set_count(const Reader *reader, const Field *field, const Node *node, void *where)
{
    uint64_t value;
    if (take_number(reader, field, node, &value)) {
        *(size_t *)where = (size_t)value;
    }
}

static void set_size(const Reader *reader, const Field *field, const Node *node, void *where)
{
    GError *error = NULL;
    size_t bytes;
    const char *text = take_text(reader, node);
    if (text == NULL || !size_parse(text, &bytes, &error)) {
        report_failure(reader, node, error);
    } else if (check_range(reader, field, node, bytes)) {
        *(size_t *)where = bytes;
    }
}

static void set_duration(const Reader *reader, const Field *field, const Node *node,
                         void *where)
{
    GError *error = NULL;
    int64_t ms;
    const char *text = take_text(reader, node);
    if (text == NULL || !duration_parse(text, &ms, &error)) {
        report_failure(reader, node, error);
    } else if (check_range(reader, field, node, (uint64_t)ms)) {
        *(int64_t *)where = ms;
    }
}

static void set_optional_duration(const Reader *reader, const Field *field, const Node *node,
                                  void *where)
{
    OptionalDuration *option = where;
    set_duration(reader, field, node, &option->ms);
    option->set = true;
}

static void set_secret(const Reader *reader, const Field *field, const Node *node, void *where)
{
    (void)field;
    const char *text = take_text(reader, node);
    if (text != NULL && *text != '\0') {
        ((Secret *)where)->text = arena_strdup(reader->arena, text);
    }
}

/* The row of the text stands before that of the file. */
static void set_secret_file(const Reader *reader, const Field *field, const Node *node,
                            void *where)
{
    Secret *secret = where;
    const char *text = take_text(reader, node);
    if (text == NULL || *text == '\0') {
        return;
    }
    if (secret->text != NULL) {
        int twin = (int)(strlen(field->key) - strlen("_file"));
        report_error(reader->report, node, "at most one of %.*s & %s must be configured",
                     twin, field->key, field->key);
        return;
    }
    secret->file = reader_file(reader, node);
    secret->keep_blanks = field->type == &type_secret_file_kept;
}

static void set_choice(const Reader *reader, const Field *field, const Node *node, void *where)
{
    const char *const *names = field->detail;
    const char *text = take_text(reader, node);
    if (text == NULL) {
        return;
    }
    for (unsigned i = 0; names[i] != NULL; i++) {
        if (strcmp(names[i], text) == 0) {
            *(unsigned *)where = i;
            return;
        }
    }
    g_autoptr(GString) known = g_string_new(NULL);
    for (unsigned i = 0; names[i] != NULL; i++) {
        const char *separator = i == 0 ? "" : names[i + 1] == NULL ? " or " : ", ";
        g_string_append_printf(known, "%s%s", separator, names[i]);
    }
    report_error(reader->report, node, "must be %s", known->str);
}

static bool check_scalars(const Reader *reader, const Node *node)
{
    bool all = true;
    for (const Node *child = node->first; child != NULL; child = child->next) {
        all = take_text(reader, child) != NULL && all;
    }
    return all;
}

static void set_template(const Reader *reader, const Field *field, const Node *node,
                         void *where)
{
    (void)field;
    if (take_text(reader, node) != NULL) {
        *(const Node **)where = node;
    }
}

static void set_texts(const Reader *reader, const Field *field, const Node *node, void *where)
{
    (void)field;
    if (node->kind != NODE_SEQUENCE) {
        report_error(reader->report, node, "expected a list, found %s", kind_name(node));
    } else if (check_scalars(reader, node)) {
        *(const Node **)where = node;
    }
}

static void set_addresses(const Reader *reader, const Field *field, const Node *node,
                          void *where)
{
    if (node->kind == NODE_SCALAR) {
        *(const Node **)where = node;
    } else if (node->kind == NODE_SEQUENCE && node->n == 0 && field->missing != NULL) {
        report_error(reader->report, node, "%s", field->missing);
    } else if (node->kind == NODE_SEQUENCE) {
        set_texts(reader, field, node, where);
    } else {
        report_error(reader->report, node, "expected text or a list, found a mapping");
    }
}

static void set_map(const Reader *reader, const Field *field, const Node *node, void *where)
{
    (void)field;
    if (node->kind != NODE_MAPPING) {
        report_error(reader->report, node, "expected a mapping, found %s", kind_name(node));
    } else if (check_scalars(reader, node)) {
        *(const Node **)where = node;
    }
}

static void set_section(const Reader *reader, const Field *field, const Node *node,
                        void *where)
{
    schema_read(reader, field->detail, node, where);
}

static void set_list(const Reader *reader, const Field *field, const Node *node, void *where)
{
    List *list = where;
    const Schema *schema = field->detail;
    if (node->kind != NODE_SEQUENCE) {
        report_error(reader->report, node, "expected a list, found %s", kind_name(node));
        return;
    }
    list->items = arena_alloc_n(reader->arena, node->n, schema->size);
    for (const Node *child = node->first; child != NULL; child = child->next) {
        if (child->kind != NODE_MAPPING) {
            report_error(reader->report, child, "expected a mapping, found %s",
                         node_is_null(child) ? "nothing" : kind_name(child));
            continue;
        }
        schema_read(reader, schema, child, (char *)list->items + schema->size * list->n++);
    }
}

static void set_foreign(const Reader *reader, const Field *field, const Node *node,
                        void *where)
{
    (void)field;
    (void)where;
    g_ptr_array_add(reader->foreign, (void *)(uintptr_t)node);
}

static void set_unsupported(const Reader *reader, const Field *field, const Node *node,
                            void *where)
{
    (void)where;
    report_key_error(reader->report, node, "%s is not supported yet", field->key);
}

const ValueType type_text = {"text", set_text, .takes_null = true};
const ValueType type_bool = {"true or false", set_bool};
const ValueType type_optional_bool = {"true or false", set_optional_bool};
const ValueType type_unsigned = {"number", set_unsigned};
const ValueType type_duration = {"duration", set_duration};
const ValueType type_optional_duration = {"duration", set_optional_duration};
const ValueType type_size = {"size", set_size};
const ValueType type_count = {"number", set_count};
const ValueType type_secret = {"secret", set_secret};
const ValueType type_secret_file = {"file name", set_secret_file};
const ValueType type_secret_file_kept = {"file name", set_secret_file};
const ValueType type_path = {"file name", set_path, .takes_null = true};
const ValueType type_choice = {"choice", set_choice};
const ValueType type_template = {"template", set_template, .takes_null = true};
const ValueType type_texts = {"list of texts", set_texts};
const ValueType type_addresses = {"template, or a list of them", set_addresses,
                                 .takes_null = true};
const ValueType type_map = {"names and texts", set_map};
const ValueType type_section = {"section", set_section, .takes_absent = true};
const ValueType type_optional_section = {"section", set_section};
const ValueType type_list = {"list", set_list};
const ValueType type_foreign = {"any", set_foreign};
const ValueType type_unsupported = {"not yet", set_unsupported};
