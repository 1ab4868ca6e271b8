/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_SCHEMA_H
#define CONFIG_SCHEMA_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/report.h"
#include "config/secret.h"
#include "config/yaml.h"
#include "rules/arena.h"

/* The file's grammar is tables: a Schema is a mapping, its Fields are the keys.  One
 * engine fills plain structs from them; what is wrong goes to the report, and reading
 * goes on.  Defaults are texts and pass through the same setters as the user's.  The
 * reference in README.md is printed from the same rows. */

/* Where what is read goes. */
typedef struct {
    Arena *arena;          /* every text and array */
    Report *report;
    const char *directory; /* relative names of files are taken from here */
    bool ignore_other_receivers;
    GPtrArray *files;      /* const Node *: names of files that are read later; NULL: not wanted */
    GPtrArray *foreign;    /* const Node *: Alertmanager's keys that are not about mail */
} Reader;

typedef struct Field Field;
typedef struct Schema Schema;

typedef struct {
    const char *name; /* in the reference: "duration" */
    /* Sets *WHERE from NODE, or reports what is wrong with it. */
    void (*set)(const Reader *reader, const Field *field, const Node *node, void *where);
    bool takes_null;   /* set() sees null values (else they count as absent) */
    bool takes_absent; /* set() is called with NULL for an absent key */
} ValueType;

struct Field {
    const char *key;
    const ValueType *type;
    size_t offset;
    const char *unset;   /* the default, as a user would write it; NULL: left as it is */
    const char *missing; /* the error if absent or empty; NULL: may be absent */
    uint64_t min, max;   /* of numbers, durations and sizes; max 0: none */
    const void *detail;  /* for sections and lists the Schema, for choices the names, … */
    const char *help;
};

struct Schema {
    const char *name; /* in the reference: "email_config" */
    const char *help;
    size_t size;      /* of the struct it fills */
    bool plain;       /* the struct does not begin with Section */
    const Field *fields;
    unsigned n_fields;
};

/* A struct filled by a Schema begins with this, unless the Schema is plain: where it
 * stood in the file. */
typedef struct {
    const Node *node; /* NULL: the key was absent */
} Section;

/* The kinds of members.  A type that is told apart by its C type alone is chosen by
 * FIELD; where two share one, the row's macro names it and the compiler checks. */
typedef struct {
    bool set, value;
} OptionalBool;
typedef struct {
    bool set;
    int64_t ms;
} OptionalDuration;
typedef struct {
    void *items; /* structs: LIST_ITEM */
    unsigned n;
} List;
#define LIST_ITEM(list, type, i) (&((type *)(list).items)[i])

extern const ValueType type_text, type_bool, type_optional_bool, type_unsigned,
    type_duration, type_optional_duration, type_size, type_count, type_secret,
    type_secret_file, type_secret_file_kept, type_path, type_choice, type_template,
    type_texts, type_addresses, type_map, type_section, type_optional_section,
    type_list, type_foreign, type_unsupported;

#define MEMBER_TYPE(T, member)                          \
    _Generic(&((T *)0)->member,                         \
        char **: &type_text,                           \
        bool *: &type_bool,                            \
        OptionalBool *: &type_optional_bool,           \
        unsigned *: &type_unsigned,                    \
        int64_t *: &type_duration,                     \
        OptionalDuration *: &type_optional_duration,   \
        size_t *: &type_size,                          \
        Secret *: &type_secret,                        \
        const Node **: &type_template)
/* The offset of a member that must be a CTYPE. */
#define MEMBER_OF(T, member, CTYPE) \
    (_Generic(&((T *)0)->member, CTYPE *: offsetof(T, member)))

#define ROW(key_, type_, offset_, help_) \
    .key = (key_), .type = (type_), .offset = (offset_), .help = (help_)
#define FIELD(T, member, key_, unset_, help_) \
    {ROW(key_, MEMBER_TYPE(T, member), offsetof(T, member), help_), .unset = (unset_)}
#define REQUIRED(T, member, key_, missing_, help_) \
    {ROW(key_, MEMBER_TYPE(T, member), offsetof(T, member), help_), .missing = (missing_)}
#define RANGED(T, member, key_, unset_, min_, max_, help_)                            \
    {ROW(key_, MEMBER_TYPE(T, member), offsetof(T, member), help_), .unset = (unset_), \
     .min = (min_), .max = (max_)}
#define COUNT(T, member, key_, unset_, help_)                                \
    {ROW(key_, &type_count, MEMBER_OF(T, member, size_t), help_), .unset = (unset_), \
     .min = 1}
#define PATH(T, member, key_, unset_, help_) \
    {ROW(key_, &type_path, MEMBER_OF(T, member, char *), help_), .unset = (unset_)}
/* The file twin of a secret, behind its text: at most one of the two. */
#define SECRET_FILE(T, member, key_, help_) \
    {ROW(key_, &type_secret_file, MEMBER_OF(T, member, Secret), help_)}
#define SECRET_FILE_KEPT(T, member, key_, help_) \
    {ROW(key_, &type_secret_file_kept, MEMBER_OF(T, member, Secret), help_)}
/* An enum: NAMES in its order, from 0, NULL-terminated. */
#define CHOICE(T, member, key_, unset_, names_, help_)                            \
    {ROW(key_, &type_choice, MEMBER_OF(T, member, unsigned), help_), .unset = (unset_), \
     .detail = (names_)}
/* Nodes that are checked for their shape and used later, with their positions. */
#define TEXTS(T, member, key_, help_) \
    {ROW(key_, &type_texts, MEMBER_OF(T, member, const Node *), help_)}
#define ADDRESSES(T, member, key_, missing_, help_)                              \
    {ROW(key_, &type_addresses, MEMBER_OF(T, member, const Node *), help_), \
     .missing = (missing_)}
#define MAP(T, member, key_, help_) \
    {ROW(key_, &type_map, MEMBER_OF(T, member, const Node *), help_)}
/* A mapping of its own struct, one into the same struct, a list of structs. */
#define SECTION(T, member, key_, CTYPE, schema_, help_) \
    {ROW(key_, &type_section, MEMBER_OF(T, member, CTYPE), help_), .detail = (schema_)}
#define GROUP(key_, schema_, help_) {ROW(key_, &type_section, 0, help_), .detail = (schema_)}
/* The same, whose defaults and required keys count only where they are given. */
#define OPTIONAL_SECTION(T, member, key_, CTYPE, schema_, help_)              \
    {ROW(key_, &type_optional_section, MEMBER_OF(T, member, CTYPE), help_), \
     .detail = (schema_)}
#define OPTIONAL_GROUP(key_, schema_, help_) \
    {ROW(key_, &type_optional_section, 0, help_), .detail = (schema_)}
#define LIST(T, member, key_, schema_, help_) \
    {ROW(key_, &type_list, MEMBER_OF(T, member, List), help_), .detail = (schema_)}
/* A key of Alertmanager's that is not about mail: put into reader->foreign. */
#define FOREIGN(key_) {ROW(key_, &type_foreign, 0, NULL)}
/* A key that is known and refused for now. */
#define UNSUPPORTED(key_, help_) {ROW(key_, &type_unsupported, 0, help_)}

#define SCHEMA(name_, T, fields_, help_)                                        \
    {.name = (name_), .help = (help_), .size = sizeof(T), .fields = (fields_), \
     .n_fields = G_N_ELEMENTS(fields_)}
#define PLAIN_SCHEMA(name_, T, fields_, help_)                                  \
    {.name = (name_), .help = (help_), .size = sizeof(T), .fields = (fields_), \
     .n_fields = G_N_ELEMENTS(fields_), .plain = true}

/* Fills INTO (a struct of schema->size, zeroed or preset) from NODE; NULL or a null
 * node is an empty mapping. */
void schema_read(const Reader *reader, const Schema *schema, const Node *node, void *into);

/* A scalar's text; "" if it is null. */
const char *reader_text(const Node *scalar);
/* The texts of a list node, NULL-terminated, in the arena. */
char **reader_texts(const Reader *reader, const Node *list);
/* FILE as it is opened: taken from the configuration's directory if relative. */
char *reader_path(const Reader *reader, const char *file);
/* The same of the text of NODE, which is kept among the reader's files. */
char *reader_file(const Reader *reader, const Node *node);

/* Appends SCHEMA's keys: as a table in Markdown, as a section of a man page. */
typedef void SchemaPrint(const Schema *schema, GString *out);
SchemaPrint schema_print, schema_print_roff;

#endif
