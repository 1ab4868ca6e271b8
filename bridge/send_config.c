/* SPDX-License-Identifier: MIT */

/* The options become a configuration file, so that they are read, checked and explained
 * by what does so with a file. */
#include "bridge/send_config.h"

#include <string.h>

#include "bridge/json.h"
#include "config/values.h"
#include "rules/fault.h"

typedef struct {
    const char *option, *key; /* of `global`, or of its smtp_tls_config */
    const char *argument, *help;
    bool is_tls, is_bool;
} Setting;

static const Setting table[SEND_SETTINGS] = {
    {"smarthost", "smtp_smarthost", "HOST:PORT",
     "The mail server, or maildir:PATH; instead of a configuration", false, false},
    {"hello", "smtp_hello", "NAME", "The name given to it (default: this host's)", false, false},
    {"auth-username", "smtp_auth_username", "NAME", "Log in under this name", false, false},
    {"auth-password-file", "smtp_auth_password_file", "FILE", "The file with the password",
     false, false},
    {"auth-identity", "smtp_auth_identity", "NAME", "The identity to act as", false, false},
    {"auth-secret-file", "smtp_auth_secret_file", "FILE", "The secret for CRAM-MD5", false,
     false},
    {"require-tls", "smtp_require_tls", "true|false",
     "Send only over TLS (default: true)", false, true},
    {"implicit-tls", "smtp_force_implicit_tls", "true|false",
     "TLS from the first byte (default: true on port 465)", false, true},
    {"tls-ca-file", "ca_file", "FILE", "The certificates to trust (default: the system's)", true, false},
    {"tls-server-name", "server_name", "NAME", "The name its certificate must have", true,
     false},
    {"tls-cert-file", "cert_file", "FILE", "Our certificate", true, false},
    {"tls-key-file", "key_file", "FILE", "Its key", true, false},
};

void send_settings_clear(SendSettings *settings)
{
    for (size_t i = 0; i < SEND_SETTINGS; i++) {
        g_clear_pointer(&settings->values[i], g_free);
    }
}

void send_settings_add(SendSettings *settings, CmdLine *line)
{
    GOptionEntry entries[SEND_SETTINGS + 1] = {0};
    for (size_t i = 0; i < SEND_SETTINGS; i++) {
        entries[i] = (GOptionEntry){table[i].option,     0, 0, G_OPTION_ARG_FILENAME,
                                    &settings->values[i], table[i].help, table[i].argument};
    }
    cmd_line_add(line, entries);
}

bool send_settings_given(const SendSettings *settings)
{
    bool given = false;
    for (size_t i = 0; i < SEND_SETTINGS; i++) {
        given = given || settings->values[i] != NULL;
    }
    return given;
}

/* ", "key": value" */
static bool append(GString *out, const Setting *setting, const char *value, GError **error)
{
    bool truth;
    if (setting->is_bool && !bool_parse(value, &truth, error)) {
        g_prefix_error(error, "--%s: ", setting->option);
        return false;
    }
    g_string_append_printf(out, ", \"%s\": ", setting->key);
    if (setting->is_bool) {
        g_string_append(out, value);
    } else {
        json_append_string(out, value);
    }
    return true;
}

/* An error of the made configuration in the words of its user: the option in place of the
 * key and its place. */
static void name_option(GError *error)
{
    for (size_t i = 0; i < SEND_SETTINGS; i++) {
        g_autofree char *key = g_strdup_printf(
            "global.%s%s: ", table[i].is_tls ? "smtp_tls_config." : "", table[i].key);
        const char *at = strstr(error->message, key);
        if (at != NULL) {
            char *message = g_strdup_printf("--%s: %s", table[i].option, at + strlen(key));
            g_free(error->message);
            error->message = message;
            return;
        }
    }
}

char *send_settings_words(const char *reason)
{
    static const struct {
        const char *setting, *option;
    } words[] = {
        {"`require_tls: false`", "--require-tls=false"},
        {"`require_tls: true`", "--require-tls=true"},
        {"`tls_config` says", "options say"},
        {"`ca_file`", "--tls-ca-file"},
        {"`server_name`", "--tls-server-name"},
    };
    GString *text = g_string_new(reason);
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        g_string_replace(text, words[i].setting, words[i].option, 0);
    }
    return g_string_free(text, FALSE);
}

Config *send_settings_config(const SendSettings *settings, GError **error)
{
    g_autoptr(GString) global = g_string_new("{\"smtp_from\": \"nobody@localhost\"");
    g_autoptr(GString) tls = g_string_new("{\"min_version\": \"default\"");
    if (settings->values[0] == NULL) {
        g_set_error(error, FAULT, FAULT_INPUT,
                    "needed: --config.file FILE or --smarthost HOST:PORT");
        return NULL;
    }
    for (size_t i = 0; i < SEND_SETTINGS; i++) {
        const char *value = settings->values[i];
        if (value != NULL && !append(table[i].is_tls ? tls : global, &table[i], value, error)) {
            return NULL;
        }
    }
    g_autofree char *text = g_strdup_printf(
        "{\"global\": %s, \"smtp_tls_config\": %s}}, \"route\": {\"receiver\": \"send\"}, "
        "\"receivers\": [{\"name\": \"send\", \"email_configs\": [{\"to\": "
        "\"nobody@localhost\"}]}]}",
        global->str, tls->str);
    g_autoptr(GError) wrong = NULL;
    Config *config = config_parse("command line", text, strlen(text), CONFIG_STRICT, &wrong);
    if (config == NULL) {
        name_option(wrong);
        g_propagate_error(error, g_steal_pointer(&wrong));
    }
    return config;
}
