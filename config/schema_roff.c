/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "config/roff.h"
#include "config/schema.h"

static void append_bold(GString *out, const char *text)
{
    g_string_append(out, "\\fB");
    roff_append(out, text);
    g_string_append(out, "\\fR");
}

static void print_choices(GString *out, const char *const *names)
{
    for (unsigned i = 0; names[i] != NULL; i++) {
        g_string_append(out, i == 0 ? "" : names[i + 1] == NULL ? " or " : ", ");
        append_bold(out, names[i]);
    }
}

/* What the value is: "duration", "list of email_config". */
static void print_type(GString *out, const Field *field)
{
    const Schema *schema = field->detail;
    if (strcmp(field->type->name, "choice") == 0) {
        print_choices(out, field->detail);
    } else if (field->type == &type_section || field->type == &type_optional_section) {
        roff_append(out, schema->name);
    } else if (field->type == &type_list) {
        g_string_append(out, "list of ");
        roff_append(out, schema->name);
    } else {
        roff_append(out, field->type->name);
    }
}

static void print_field(GString *out, const Field *field)
{
    g_string_append(out, ".TP\n");
    append_bold(out, field->key);
    g_string_append(out, ": \\fI");
    print_type(out, field);
    g_string_append(out, "\\fR");
    if (field->missing != NULL) {
        g_string_append(out, " (required)");
    } else if (field->unset != NULL && *field->unset != '\0') {
        g_string_append(out, " (default: ");
        roff_append(out, field->unset);
        g_string_append_c(out, ')');
    }
    g_string_append_c(out, '\n');
    roff_append_text(out, field->help);
}

void schema_print_roff(const Schema *schema, GString *out)
{
    g_string_append(out, ".SS ");
    roff_append(out, schema->name);
    g_string_append_c(out, '\n');
    roff_append_text(out, schema->help);
    GString *foreign = g_string_new(NULL);
    for (unsigned i = 0; i < schema->n_fields; i++) {
        const Field *field = &schema->fields[i];
        if (field->help != NULL) {
            print_field(out, field);
        } else {
            g_string_append_printf(foreign, "%s%s", foreign->len > 0 ? ", " : "", field->key);
        }
    }
    if (foreign->len > 0) {
        g_string_append(out, ".PP\nAlertmanager\\(aqs keys that are not about mail: ");
        roff_append(out, foreign->str);
        g_string_append(out, ".\n");
    }
    g_string_free(foreign, TRUE);
}
