/* SPDX-License-Identifier: MIT */
#include "config/config.h"

#include <string.h>

Config *config_ref(Config *config)
{
    atomic_fetch_add_explicit(&config->refs, 1, memory_order_relaxed);
    return config;
}

static void wipe_relay(RelayConfig *relay)
{
    secret_wipe(&relay->auth_password);
    secret_wipe(&relay->auth_secret);
    secret_wipe(&relay->tls.key);
}

static void wipe_signature(SignatureConfig *signature)
{
    for (unsigned i = 0; i < signature->n_secrets; i++) {
        secret_wipe(&signature->secrets[i]);
    }
}

static void wipe_auth(AuthConfig *auth)
{
    secret_wipe(&auth->bearer_token);
    secret_wipe(&auth->basic_password);
    secret_wipe(&auth->header_value);
    wipe_signature(&auth->hmac);
    wipe_signature(&auth->standard_webhooks);
}

static void wipe_secrets(Config *config)
{
    for (unsigned i = 0; i < config->n_relays; i++) {
        wipe_relay(&config->relays[i]);
    }
    for (unsigned i = 0; i < config->n_sources; i++) {
        wipe_auth(&config->sources[i].auth);
    }
    secret_wipe(&config->dkim.private_key);
}

void config_unref(Config *config)
{
    if (config == NULL ||
        atomic_fetch_sub_explicit(&config->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    wipe_secrets(config);
    route_tree_free(config->routes);
    g_ptr_array_unref(config->compiled);
    template_set_unref(config->templates);
    g_strfreev(config->notes);
    if (config->receivers_by_name != NULL) {
        g_hash_table_unref(config->receivers_by_name);
    }
    arena_free(config->arena);
    g_free(config);
}

const Receiver *config_find_receiver(const Config *config, const char *name)
{
    return g_hash_table_lookup(config->receivers_by_name, name);
}

const SourceConfig *config_find_source(const Config *config, const char *name)
{
    for (unsigned i = 0; i < config->n_sources; i++) {
        if (strcmp(config->sources[i].name, name) == 0) {
            return &config->sources[i];
        }
    }
    return NULL;
}

const RelayConfig *config_find_relay(const Config *config, const char *key)
{
    for (unsigned i = 0; i < config->n_relays; i++) {
        if (strcmp(config->relays[i].key, key) == 0) {
            return &config->relays[i];
        }
    }
    return NULL;
}
