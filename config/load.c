/* SPDX-License-Identifier: MIT */
/* One file becomes one Config.  The text becomes a tree of nodes (yaml), the tables
 * fill the settings of loader.h from it (schema), and the steps below make the Config of
 * them.  Whatever is wrong goes into one report and the next step still runs, so that one
 * run tells everything; only broken YAML ends it at once.  All memory is the Config's
 * arena, or that of the tree, which is wiped (there may be secrets in it) and freed. */
#include "config/file.h"
#include "config/loader.h"
#include "config/template_files.h"
#include "rules/fault.h"

static const Field file_fields[] = {
    SECTION(FileSettings, global, "global", GlobalSettings, &global_schema,
            "Defaults for every email_config."),
    TEXTS(FileSettings, templates, "templates",
          "Files with templates: patterns as a shell's, relative to this file."),
    OPTIONAL_SECTION(FileSettings, route, "route", RouteSettings, &route_schema,
                     "The routing tree; must be given."),
    LIST(FileSettings, receivers, "receivers", &receiver_schema, "Who gets mail."),
    LIST(FileSettings, sources, "sources", &source_schema, "Who posts."),
    SECTION(FileSettings, delivery, "delivery", DeliverySettings, &delivery_schema,
            "How mails leave."),
    OPTIONAL_SECTION(FileSettings, dkim, "dkim", DkimSettings, &dkim_schema, "Signatures."),
    SECTION(FileSettings, limits, "limits", LimitsConfig, &limits_schema, "Ceilings."),
    LIST(FileSettings, time_intervals, "time_intervals", &named_interval_schema,
         "Named times."),
    LIST(FileSettings, mute_time_intervals, "mute_time_intervals", &mute_interval_schema,
         "The old name of `time_intervals`."),
    LIST(FileSettings, inhibit_rules, "inhibit_rules", &inhibit_schema,
         "Alertmanager's; read and checked."),
    FOREIGN("tracing"),
};

const Schema file_schema = SCHEMA("the file", FileSettings, file_fields, "The top level.");

static void run_steps(Loader *loader, const Node *root)
{
    schema_read(&loader->reader, &file_schema, root, &loader->file);
    loader->file.at.node = root;
    load_templates(loader);
    load_receivers(loader);
    load_relays(loader);
    load_intervals(loader);
    load_inhibit_rules(loader);
    load_sources(loader);
    load_delivery(loader);
    load_routes(loader);
    load_notes(loader);
    load_outside(loader);
}

static void report_duplicates(Report *report, GPtrArray *duplicates)
{
    for (unsigned i = 0; i < duplicates->len; i++) {
        const Node *node = duplicates->pdata[i];
        report_key_error(report, node, "duplicate key (first in line %u)",
                         node_get(node->parent, node->key->text)->line);
    }
}

static void read_tree(Loader *loader, const char *text, size_t length)
{
    g_autoptr(Arena) arena = arena_new();
    g_autoptr(GPtrArray) duplicates = g_ptr_array_new();
    g_autoptr(GError) error = NULL;
    Node *root =
        yaml_parse(text, length, &YAML_LIMITS_DEFAULT, arena, duplicates, &error);
    if (root == NULL) {
        report_syntax_error(loader->reader.report, error->message);
        return;
    }
    report_duplicates(loader->reader.report, duplicates);
    run_steps(loader, root);
    loader->config->notes = report_notes(loader->reader.report);
    yaml_wipe(root);
}

static Config *config_new(const char *path)
{
    Config *config = g_new0(Config, 1);
    atomic_init(&config->refs, 1);
    config->arena = arena_new();
    config->path = arena_strdup(config->arena, path);
    config->templates = template_set_new_with_defaults();
    config->compiled = g_ptr_array_new_with_free_func((GDestroyNotify)template_free);
    return config;
}

Config *config_parse(const char *path, const char *text, size_t length, ConfigFlags flags,
                     GError **error)
{
    g_autoptr(Config) config = config_new(path);
    g_autoptr(Report) report = report_new(path);
    g_autoptr(GPtrArray) files = g_ptr_array_new();
    g_autoptr(GPtrArray) foreign = g_ptr_array_new();
    g_autoptr(GPtrArray) relays = g_ptr_array_new();
    g_autoptr(GHashTable) compiled =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autofree char *directory = g_path_get_dirname(path);
    Loader loader = {
        .reader = {.arena = config->arena,
                   .report = report,
                   .directory = directory,
                   .ignore_other_receivers = flags == CONFIG_IGNORE_OTHER_RECEIVERS,
                   .files = files,
                   .foreign = foreign},
        .config = config,
        .compiled = compiled,
        .relays = relays,
    };
    read_tree(&loader, text, length);
    if (report_has_errors(report)) {
        g_autofree char *lines = report_errors(report);
        g_set_error_literal(error, FAULT, FAULT_INPUT, lines);
        return NULL;
    }
    return g_steal_pointer(&config);
}

Config *config_load(const char *path, ConfigFlags flags, GError **error)
{
    size_t length;
    char *text = file_read(path, YAML_LIMITS_DEFAULT.bytes, &length, error);
    if (text == NULL) {
        g_prefix_error(error, "%s: ", path);
        return NULL;
    }
    Config *config = config_parse(path, text, length, flags, error);
    file_free(text, length);
    return config;
}
