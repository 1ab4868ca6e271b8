/* SPDX-License-Identifier: MIT */
#include "config/loader.h"
#include "config/web_config.h"

/* In the order of the manual. */
static const Schema *const schemas[] = {
    &file_schema,          &global_schema,         &tls_schema,
    &oauth2_schema,
    &route_schema,         &receiver_schema,       &email_schema,
    &threading_schema,     &source_schema,         &source_auth_schema,
    &source_basic_schema,  &source_header_schema,  &source_hmac_schema,
    &source_standard_schema, &source_dedup_schema,
    &source_map_schema,    &source_links_schema,
    &delivery_schema,      &fallback_schema,      &retry_schema,          &timeouts_schema,
    &rate_limit_schema,    &dkim_schema,           &limits_schema,
    &named_interval_schema, &mute_interval_schema, &interval_schema,
    &times_schema,         &inhibit_schema,        &inhibit_source_schema,
};

void config_print_reference(GString *out)
{
    for (size_t i = 0; i < G_N_ELEMENTS(schemas); i++) {
        schema_print(schemas[i], out);
    }
    web_config_print(schema_print, out);
}

void config_print_manual(GString *keys, GString *web_keys)
{
    for (size_t i = 0; i < G_N_ELEMENTS(schemas); i++) {
        schema_print_roff(schemas[i], keys);
    }
    web_config_print(schema_print_roff, web_keys);
}
