/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <glib/gstdio.h>
#include <string.h>

#include "config/config.h"
#include "config/source.h"
#include "rules/matcher.h"

#define REST "route: {receiver: r}\nreceivers: [{name: r}]\n"

static Config *load(const char *yaml)
{
    g_autoptr(GError) error = NULL;
    Config *config =
        config_parse("dir/f.yml", yaml, strlen(yaml), CONFIG_STRICT, &error);
    assert_string_equal(error != NULL ? error->message : "", "");
    return config;
}

static void a_file_with_the_least_has_every_default(void **state)
{
    (void)state;
    g_autoptr(Config) config = load(REST);
    assert_string_equal(config->path, "dir/f.yml");
    assert_int_equal(config->n_template_files, 0);
    assert_int_equal(config->n_relays, 0);
    assert_int_equal(config->n_routes, 1);
    assert_null(config->notes[0]);
    const DeliveryConfig *delivery = &config->delivery;
    assert_string_equal(delivery->postmaster, "");
    assert_int_equal(delivery->connections, 8);
    assert_int_equal(delivery->mails_per_connection, 100);
    assert_int_equal(delivery->idle_close_ms, 10000);
    assert_int_equal(delivery->connection_lifetime_ms, 300000);
    assert_int_equal(delivery->retry_min_ms, 5000);
    assert_int_equal(delivery->retry_max_ms, 900000);
    assert_int_equal(delivery->give_up_ms, 172800000);
    assert_false(delivery->in_doubt_keep);
    assert_int_equal(delivery->connect_ms, 30000);
    assert_int_equal(delivery->greeting_ms, 60000);
    assert_int_equal(delivery->command_ms, 120000);
    assert_int_equal(delivery->write_ms, 180000);
    assert_int_equal(delivery->final_dot_ms, 600000);
    assert_int_equal(delivery->quit_ms, 2000);
    const LimitsConfig *limits = &config->limits;
    assert_int_equal(limits->body, 32 << 20);
    assert_int_equal(limits->alerts, 10000);
    assert_int_equal(limits->labels, 256);
    assert_int_equal(limits->recipients, 1000);
    assert_int_equal(limits->mail, 10 << 20);
    assert_int_equal(limits->queue_mails, 100000);
    assert_int_equal(limits->queue_bytes, 1 << 30);
    assert_int_equal(limits->history, 1000000);
    assert_int_equal(limits->inflight_bytes, 256 << 20);
    assert_int_equal(limits->waiting, 2000);
    assert_string_equal(config->dkim.domain, "");
}

static void the_source_alertmanager_is_there_until_it_is_written(void **state)
{
    (void)state;
    static const struct {
        const char *sources;
        const char *names[3];
    } cases[] = {
        {"", {"alertmanager"}},
        {"sources: [{name: other, type: alertmanager}]\n", {"other", "alertmanager"}},
        {"sources: [{name: alertmanager, enabled: false}]\n", {NULL}},
        {"sources: [{name: off, enabled: false}, {name: alertmanager}]\n",
         {"alertmanager"}},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *yaml = g_strconcat(REST, cases[i].sources, NULL);
        g_autoptr(Config) config = load(yaml);
        unsigned n = 0;
        for (; cases[i].names[n] != NULL; n++) {
            const SourceConfig *source = config_find_source(config, cases[i].names[n]);
            assert_ptr_equal(source, &config->sources[n]);
            assert_string_equal(source->type, "alertmanager");
            assert_int_equal(source->ack, ACK_DEFAULT);
            assert_int_equal(source->ack_timeout_ms, 8000);
            assert_int_equal(source->dedup_window_ms, 300000);
            assert_false(source->auth.required);
            assert_string_equal(source->auth.basic_username, "");
            assert_string_equal(source->auth.header_name, "");
        }
        assert_int_equal(config->n_sources, n);
        assert_null(config_find_source(config, "off"));
    }
}

static void a_signature_is_by_default_what_the_type_s_sender_makes(void **state)
{
    (void)state;
    static const struct {
        const char *source, *header, *prefix, *message;
    } rows[] = {
        {"name: github, auth: {hmac: {secrets: [s]}}", "X-Hub-Signature-256", "sha256=", "{body}"},
        {"name: github, auth: {hmac: {secrets: [s], algorithm: sha1, header: X-Hub-Signature}}",
         "X-Hub-Signature", "sha1=", "{body}"},
        {"name: flux, auth: {hmac: {secrets: [s], algorithm: sha512}}", "X-Signature", "sha512=",
         "{body}"},
        {"name: grafana, auth: {hmac: {secrets: [s]}}", "X-Grafana-Alerting-Signature", "",
         "{body}"},
        {"name: grafana, auth: {hmac: {secrets: [s], timestamp_header: T}}",
         "X-Grafana-Alerting-Signature", "", "{timestamp}:{body}"},
        {"name: gitea, type: github, auth: {hmac: {secrets: [s], header: X-Gitea-Signature, prefix: ''}}",
         "X-Gitea-Signature", "", "{body}"},
        {"name: slack, type: alertmanager, auth: {hmac: {secrets: [s], header: H, prefix: v0=,"
         " signed: 'v0:{timestamp}:{body}', timestamp_header: T}}",
         "H", "v0=", "v0:{timestamp}:{body}"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *yaml = g_strdup_printf(REST "sources: [{%s}]\n", rows[i].source);
        g_autoptr(Config) config = load(yaml);
        const SignatureConfig *hmac = &config->sources[0].auth.hmac;
        assert_int_equal(hmac->n_secrets, 1);
        assert_string_equal(hmac->header, rows[i].header);
        assert_string_equal(hmac->prefix, rows[i].prefix);
        assert_string_equal(hmac->message, rows[i].message);
        assert_int_equal(hmac->tolerance_ms, 300000);
    }
    g_autoptr(Config) gitlab = load(REST "sources: [{name: gitlab, auth: {header: {value: v},"
                                         " standard_webhooks: {secret_files: [new, /old],"
                                         " secrets: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw],"
                                         " tolerance: 1m}}}]\n");
    const AuthConfig *auth = &gitlab->sources[0].auth;
    assert_string_equal(auth->header_name, "X-Gitlab-Token");
    assert_int_equal(auth->standard_webhooks.n_secrets, 3);
    assert_string_equal(auth->standard_webhooks.secrets[1].file, "dir/new");
    assert_string_equal(auth->standard_webhooks.secrets[2].file, "/old");
    assert_int_equal(auth->standard_webhooks.tolerance_ms, 60000);
}

static void a_source_has_what_is_written(void **state)
{
    (void)state;
    g_autoptr(Config) config = load(REST "sources:\n"
                                         "- name: a\n"
                                         "  type: alertmanager\n"
                                         "  allow_unauthenticated: true\n"
                                         "  auth:\n"
                                         "    bearer_token_file: token\n"
                                         "    basic: {username: u, password: p}\n"
                                         "    header: {name: X-Token, value_file: /v}\n"
                                         "  ack: stored\n"
                                         "  ack_timeout: 3s\n"
                                         "  dedup: {window: 1m}\n"
                                         "  labels: {team: web, env: 'no'}\n");
    const SourceConfig *source = config_find_source(config, "a");
    assert_true(source->allow_unauthenticated && source->auth.required);
    assert_string_equal(source->auth.bearer_token.file, "dir/token");
    assert_string_equal(source->auth.basic_username, "u");
    assert_string_equal(source->auth.basic_password.text, "p");
    assert_string_equal(source->auth.header_name, "X-Token");
    assert_string_equal(source->auth.header_value.file, "/v");
    assert_int_equal(source->ack, ACK_STORED);
    assert_int_equal(source->ack_timeout_ms, 3000);
    assert_int_equal(source->dedup_window_ms, 60000);
    assert_int_equal(source->labels.n, 2);
    assert_string_equal(labels_get(&source->labels, "env"), "no");
    assert_string_equal(labels_get(&source->labels, "team"), "web");
}

static const RelayConfig *relay_of(const Config *config, const char *receiver)
{
    return &config->relays[config_find_receiver(config, receiver)->emails[0].relay];
}

static void an_email_takes_from_global_field_by_field(void **state)
{
    (void)state;
    g_autoptr(Config) config = load(
        "global:\n"
        "  smtp_smarthost: mail.example:587\n"
        "  smtp_from: global@example.org\n"
        "  smtp_hello: me.example\n"
        "  smtp_auth_username: gu\n"
        "  smtp_auth_password: gp\n"
        "  smtp_auth_secret_file: gs\n"
        "  smtp_auth_identity: gi\n"
        "  smtp_require_tls: false\n"
        "  smtp_tls_config: {server_name: gname, ca_file: ca.pem}\n"
        "route: {receiver: all}\n"
        "receivers:\n"
        "- name: all\n"
        "  email_configs: [{to: x@z}]\n"
        "- name: own\n"
        "  email_configs:\n"
        "  - to: x@z\n"
        "    smarthost: ':465'\n"
        "    hello: own.example\n"
        "    auth_username: ou\n"
        "    auth_password_file: /op\n"
        "    auth_secret: os\n"
        "    require_tls: true\n"
        "    tls_config: {insecure_skip_verify: true, min_version: TLS12}\n"
        "- name: forced\n"
        "  email_configs: [{to: x@z, smarthost: 'a:465', force_implicit_tls: false,\n"
        "                   auth_username: '', hello: ''}]\n");
    const RelayConfig *all = relay_of(config, "all");
    assert_int_equal(all->scheme, RELAY_SMTP);
    assert_string_equal(all->host, "mail.example");
    assert_int_equal(all->port, 587);
    assert_string_equal(all->name, "mail.example:587");
    assert_string_equal(all->key, "smtp:gu@mail.example:587");
    assert_string_equal(all->hello, "me.example");
    assert_string_equal(all->auth_username, "gu");
    assert_string_equal(all->auth_password.text, "gp");
    assert_string_equal(all->auth_secret.file, "dir/gs");
    assert_true(all->auth_secret.keep_blanks);
    assert_string_equal(all->auth_identity, "gi");
    assert_false(all->require_tls);
    assert_false(all->implicit_tls);
    assert_string_equal(all->tls.server_name, "gname");
    assert_string_equal(all->tls.ca_file, "dir/ca.pem");

    const RelayConfig *own = relay_of(config, "own");
    assert_string_equal(own->host, "localhost");
    assert_string_equal(own->key, "smtp:ou@localhost:465");
    assert_string_equal(own->hello, "own.example");
    assert_null(own->auth_password.text);
    assert_string_equal(own->auth_password.file, "/op");
    assert_false(own->auth_password.keep_blanks);
    assert_string_equal(own->auth_secret.text, "os");
    assert_null(own->auth_secret.file);
    assert_string_equal(own->auth_identity, "gi");
    assert_true(own->require_tls);
    assert_true(own->implicit_tls);
    assert_string_equal(own->tls.server_name, "");
    assert_string_equal(own->tls.ca_file, "");
    assert_true(own->tls.insecure_skip_verify);
    assert_int_equal(own->tls.min_version, TLS_VERSION_1_2);

    const RelayConfig *forced = relay_of(config, "forced");
    assert_false(forced->implicit_tls);
    assert_string_equal(forced->auth_username, "gu");
    assert_string_equal(forced->hello, "me.example");
}

static void tls_is_required_unless_it_is_switched_off(void **state)
{
    (void)state;
    g_autoptr(Config) config = load("route: {receiver: r}\n"
                                    "receivers: [{name: r, email_configs: [{to: x@z, "
                                    "from: y@z, smarthost: 'a:25'}]}]\n");
    const RelayConfig *relay = relay_of(config, "r");
    assert_true(relay->require_tls);
    assert_false(relay->implicit_tls);
    assert_string_equal(relay->hello, "");
    assert_string_equal(relay->auth_username, "");
    assert_string_equal(relay->key, "smtp:a:25");
}

static void equal_settings_share_a_relay_and_keys_hold_no_secret(void **state)
{
    (void)state;
    g_autoptr(Config) config =
        load("global: {smtp_from: x@z, smtp_smarthost: 'a:25', smtp_auth_username: u}\n"
             "route: {receiver: r}\n"
             "receivers:\n"
             "- name: r\n"
             "  email_configs:\n"
             "  - {to: x@z, auth_password: hunter2}\n"
             "  - {to: y@z, auth_password: hunter3}\n"
             "  - {to: z@z, auth_password: hunter2}\n"
             "  - {to: z@z, auth_password_file: hunter2}\n"
             "  - {to: z@z, auth_username: v, auth_password: hunter2}\n"
             "  - {to: z@z, smarthost: 'maildir:/var/mail/x', auth_password: hunter2}\n"
             "  - {to: z@z, smarthost: 'maildir:/var/mail/x', auth_password: hunter3}\n"
             "  - {to: z@z, smarthost: '[::1]:25'}\n");
    static const char *const keys[] = {
        "smtp:u@a:25", "smtp:u@a:25#2",       "smtp:u@a:25#3",
        "smtp:v@a:25", "maildir:/var/mail/x", "smtp:u@[::1]:25",
    };
    static const unsigned relays[] = {0, 1, 0, 2, 3, 4, 4, 5};
    assert_int_equal(config->n_relays, G_N_ELEMENTS(keys));
    for (unsigned i = 0; i < config->n_relays; i++) {
        assert_string_equal(config->relays[i].key, keys[i]);
        assert_ptr_equal(config_find_relay(config, keys[i]), &config->relays[i]);
    }
    const Receiver *receiver = config_find_receiver(config, "r");
    assert_int_equal(receiver->n_emails, G_N_ELEMENTS(relays));
    for (unsigned i = 0; i < receiver->n_emails; i++) {
        assert_int_equal(receiver->emails[i].relay, relays[i]);
    }
    assert_int_equal(config->relays[4].scheme, RELAY_MAILDIR);
    assert_string_equal(config->relays[4].path, "/var/mail/x");
    assert_string_equal(config->relays[4].name, "/var/mail/x");
    assert_string_equal(config->relays[5].host, "::1");
    assert_null(config_find_relay(config, "smtp:nobody"));
}

static const EmailConfig *load_email(const char *keys, Config **config)
{
    g_autofree char *yaml = g_strdup_printf(
        "route: {receiver: r}\nreceivers: [{name: r, email_configs: [{to: x@z, "
        "from: y@z, smarthost: 'a:25', %s}]}]\n",
        keys);
    *config = load(yaml);
    return &config_find_receiver(*config, "r")->emails[0];
}

static void what_is_given_decides_the_parts_of_a_mail(void **state)
{
    (void)state;
    static const struct {
        const char *keys;
        bool html, text;
    } cases[] = {
        {"", true, true},
        {"html: '{{ template \"email.default.html\" . }}'", true, true},
        {"html: '<p>own</p>'", true, false},
        {"text: own", true, true},
        {"text: ''", true, false},
        {"html: ''", false, true},
        {"html: ~", false, true},
        {"html: '', text: own", false, true},
        {"html: '', text: ''", false, true},
        {"html: own, text: ''", true, false},
        {"html: own, text: own", true, true},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Config) config = NULL;
        const EmailConfig *email = load_email(cases[i].keys, &config);
        assert_int_equal(email->html != NULL, cases[i].html);
        assert_int_equal(email->text != NULL, cases[i].text);
    }
}

static void an_email_has_what_is_written(void **state)
{
    (void)state;
    g_autoptr(Config) config = NULL;
    const EmailConfig *email = load_email(
        "cc: [a@z, b@z], bcc: c@z, reply_to: d@z, send_resolved: false, max_size: 1MiB,"
        "allowed_domains: [Example.ORG, bücher.example], threading: {enabled: true},"
        "headers: {x-TEAM: web, subJECT: '{{ .Status }}', To: shown}",
        &config);
    assert_true(email->to != NULL && email->from != NULL && email->cc != NULL);
    assert_true(email->bcc != NULL && email->reply_to != NULL);
    assert_true(email->send_resolved_set && !email->send_resolved);
    assert_int_equal(email->max_size, 1 << 20);
    assert_string_equal(email->allowed_domains[0], "example.org");
    assert_string_equal(email->allowed_domains[1], "xn--bcher-kva.example");
    assert_null(email->allowed_domains[2]);
    assert_true(email->threading_set && email->threading_enabled &&
                email->thread_by_day);
    assert_int_equal(email->n_headers, 2);
    assert_string_equal(email->headers[0].name, "X-Team");
    assert_string_equal(email->headers[0].text, "web");
    assert_string_equal(email->headers[1].name, "To");
    assert_false(template_is_static(email->subject));
    assert_true(template_is_static(email->headers[0].value));
}

static void an_email_with_the_least_has_every_default(void **state)
{
    (void)state;
    g_autoptr(Config) config = NULL;
    const EmailConfig *email = load_email("", &config);
    assert_null(email->cc);
    assert_null(email->bcc);
    assert_null(email->reply_to);
    assert_false(email->send_resolved_set);
    assert_null(email->allowed_domains);
    assert_int_equal(email->max_size, 0);
    assert_false(email->threading_set);
    assert_int_equal(email->n_headers, 0);
    assert_non_null(email->subject);
    assert_true(template_is_static(email->to));
}

static void thread_by_date_none_is_one_thread_for_good(void **state)
{
    (void)state;
    g_autoptr(Config) config = NULL;
    const EmailConfig *email =
        load_email("threading: {enabled: true, thread_by_date: none}", &config);
    assert_true(email->threading_enabled && !email->thread_by_day);
}

static void equal_templates_are_compiled_once(void **state)
{
    (void)state;
    g_autoptr(Config) config = load("global: {smtp_from: x@z, smtp_smarthost: 'a:25'}\n"
                                    "route: {receiver: r}\n"
                                    "receivers:\n"
                                    "- {name: r, email_configs: [{to: x@z}]}\n"
                                    "- {name: s, email_configs: [{to: x@z, html: x}]}\n");
    const EmailConfig *r = config_find_receiver(config, "r")->emails;
    const EmailConfig *s = config_find_receiver(config, "s")->emails;
    /* from and to (equal), subject, html, text and the other html; and a handle for each
     * of the nine uses */
    assert_int_equal(config->compiled->len, 5 + 9);
    assert_string_equal(source_of(r->to)->path, "receivers[0].email_configs[0].to");
    assert_string_equal(source_of(s->to)->path, "receivers[1].email_configs[0].to");
    assert_string_equal(source_of(s->subject)->path, "receivers[1].email_configs[0].subject");
}

static const Route *child(const Route *route, unsigned index)
{
    return route->routes->pdata[index];
}

static char *print_matchers(const Route *route)
{
    GString *out = g_string_new(NULL);
    for (unsigned i = 0; i < route->matchers->len; i++) {
        g_string_append(out, i > 0 ? " " : "");
        matcher_print(route->matchers->pdata[i], out);
    }
    return g_string_free(out, FALSE);
}

static void routes_inherit_what_alertmanager_lets_them(void **state)
{
    (void)state;
    g_autoptr(Config) config = load("route:\n"
                                    "  receiver: r\n"
                                    "  group_by: [b, a]\n"
                                    "  labels: {x: '1', y: '2'}\n"
                                    "  routes:\n"
                                    "  - mute_time_intervals: [t]\n"
                                    "    active_time_intervals: [t]\n"
                                    "    group_by: ['...']\n"
                                    "    group_wait: 1s\n"
                                    "    group_interval: 2s\n"
                                    "    repeat_interval: 1h\n"
                                    "    continue: true\n"
                                    "    labels: {y: '3', z: '4'}\n"
                                    "    routes:\n"
                                    "    - receiver: s\n"
                                    "    - group_by: []\n"
                                    "receivers: [{name: r}, {name: s}]\n"
                                    "time_intervals: [{name: t}]\n");
    const Route *root = route_tree_root(config->routes);
    assert_int_equal(config->n_routes, 4);
    assert_string_equal(root->group_by[0], "a");
    assert_string_equal(root->group_by[1], "b");
    assert_int_equal(root->group_wait_ms, 30000);
    assert_int_equal(root->group_interval_ms, 300000);
    assert_int_equal(root->repeat_interval_ms, 14400000);

    const Route *middle = child(root, 0);
    assert_string_equal(middle->receiver, "r");
    assert_true(middle->continue_ && middle->group_by_all);
    assert_null(middle->group_by[0]);
    assert_string_equal(middle->mute_time_intervals[0], "t");
    assert_string_equal(middle->active_time_intervals[0], "t");

    const Route *leaf = child(middle, 0);
    assert_string_equal(leaf->receiver, "s");
    assert_true(leaf->group_by_all && !leaf->continue_);
    assert_int_equal(leaf->group_wait_ms, 1000);
    assert_int_equal(leaf->group_interval_ms, 2000);
    assert_int_equal(leaf->repeat_interval_ms, 3600000);
    assert_null(leaf->mute_time_intervals[0]);
    assert_null(leaf->active_time_intervals[0]);
    static const char *const names[] = {"x", "y", "z"};
    assert_int_equal(leaf->label_names->len, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_string_equal(leaf->label_names->pdata[i], names[i]);
    }
    assert_ptr_equal(leaf->label_templates->pdata[0], root->label_templates->pdata[0]);
    assert_ptr_equal(leaf->label_templates->pdata[1],
                     middle->label_templates->pdata[1]);
    assert_ptr_not_equal(leaf->label_templates->pdata[1],
                         root->label_templates->pdata[1]);

    const Route *none = child(middle, 1);
    assert_false(none->group_by_all);
    assert_null(none->group_by[0]);
}

static void all_forms_of_matchers_are_one_sorted_list(void **state)
{
    (void)state;
    g_autoptr(Config) config = load("route:\n"
                                    "  receiver: r\n"
                                    "  routes:\n"
                                    "  - matchers: ['z=\"1\",y!=2', 'x=~\"a|b\"']\n"
                                    "    match: {b: c, n: }\n"
                                    "    match_re: {a: d.*}\n"
                                    "receivers: [{name: r}]\n");
    g_autofree char *printed =
        print_matchers(child(route_tree_root(config->routes), 0));
    assert_string_equal(printed,
                        "a=~\"^(?:d.*)$\" b=\"c\" n=\"\" x=~\"a|b\" y!=\"2\" z=\"1\"");
}

static void time_intervals_become_data(void **state)
{
    (void)state;
    g_autoptr(Config) config =
        load(REST "mute_time_intervals: [{name: old}]\n"
                  "time_intervals:\n"
                  "- name: new\n"
                  "  time_intervals:\n"
                  "  - times: [{start_time: '09:00', end_time: '17:00'}]\n"
                  "    weekdays: ['monday:friday', sunday]\n"
                  "    days_of_month: ['-7:-1', 1]\n"
                  "    months: [january:march]\n"
                  "    years: ['2020:2025', '2030']\n"
                  "    location: Australia/Sydney\n"
                  "  - {}\n");
    assert_int_equal(config->n_time_intervals, 2);
    assert_string_equal(config->time_intervals[0].name, "old");
    assert_int_equal(config->time_intervals[0].n, 0);
    const TimeIntervals *named = &config->time_intervals[1];
    assert_string_equal(named->name, "new");
    assert_int_equal(named->n, 2);
    const TimeInterval *interval = &named->intervals[0];
    assert_int_equal(interval->times.items[0].begin, 540);
    assert_int_equal(interval->times.items[0].end, 1020);
    assert_int_equal(interval->weekdays.n, 2);
    assert_int_equal(interval->weekdays.items[0].end, 5);
    assert_int_equal(interval->days_of_month.items[0].begin, -7);
    assert_int_equal(interval->months.items[0].end, 3);
    assert_int_equal(interval->years.items[1].begin, 2030);
    assert_string_equal(interval->location, "Australia/Sydney");
    assert_string_equal(named->intervals[1].location, "UTC");
    assert_int_equal(named->intervals[1].times.n, 0);
}

static void what_does_not_act_is_noted_once_each(void **state)
{
    (void)state;
    g_autoptr(Config) config =
        load("global: {resolve_timeout: 5m, slack_api_url: x, http_config: {a: b},\n"
             "         smtp_from: x@z, smtp_smarthost: 'a:25'}\n"
             "templates: [none/*.tmpl]\n"
             "tracing: {}\n"
             "route:\n"
             "  receiver: r\n"
             "  group_wait: 1s\n"
             "  repeat_interval: 5m\n"
             "  routes:\n"
             "  - {group_by: [a], mute_time_intervals: [t], matchers: ['{a=b']}\n"
             "  - {group_by: [a], active_time_intervals: [t]}\n"
             "receivers: [{name: r, email_configs: [{to: x@z}]}, {name: unused}]\n"
             "inhibit_rules: [{name: x}]\n"
             "time_intervals: [{name: t, time_intervals: [{months: ['13']}]}]\n"
             "sources: [{name: alertmanager, ack: delivered}]\n"
             "dkim: {domain: z, selector: s, private_key_file: k}\n"
             "delivery: {rate_limit: {mails: 1}, fallback_smarthosts: ['b:25']}\n");
    static const char *const notes[] = {
        "dir/f.yml:1:27: global.resolve_timeout: does not act: senders say which "
        "alerts are "
        "resolved",
        "dir/f.yml:1:46: global.slack_api_url: ignored, not about mail: http_config, "
        "slack_api_url, tracing",
        "dir/f.yml:3:13: templates[0]: no file matches dir/none/*.tmpl",
        "dir/f.yml:7:15: route.group_wait: group_by, group_wait and group_interval do "
        "not act: "
        "the sender has grouped its alerts already",
        "dir/f.yml:8:20: route.repeat_interval: not longer than a source's dedup "
        "window: "
        "repetitions are suppressed",
        "dir/f.yml:10:42: route.routes[0].mute_time_intervals: mute_time_intervals and "
        "active_time_intervals are checked, but do not act yet",
        NULL, /* the words of rules/matcher */
        "dir/f.yml:12:52: receivers[1]: no route uses receiver \"unused\"",
        "dir/f.yml:13:16: inhibit_rules: inhibit_rules are checked, but do not act: "
        "the sender "
        "has applied its own",
        "dir/f.yml:14:54: time_intervals[0].time_intervals[0].months: there are only "
        "12 months",
    };
    assert_int_equal(g_strv_length(config->notes), G_N_ELEMENTS(notes));
    for (size_t i = 0; i < G_N_ELEMENTS(notes); i++) {
        assert_string_equal(config->notes[i],
                            notes[i] != NULL ? notes[i] : config->notes[i]);
    }
    assert_true(g_str_has_prefix(config->notes[6], "dir/f.yml:10:58: route.routes[0]."
                                                   "matchers[0]: "));
    assert_int_equal(config->n_inhibit_rules, 1);
    assert_string_equal(config->dkim.selector, "s");
    assert_string_equal(config->dkim.private_key.file, "dir/k");
    assert_string_equal(config->dkim.place, "dir/f.yml:16:7: dkim");
}

static void files_that_cannot_be_read_are_told_once_each_and_are_no_error(void **state)
{
    (void)state;
    char *directory = g_dir_make_tmp("config-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(directory, "f.yml", NULL);
    g_autofree char *present = g_build_filename(directory, "present", NULL);
    assert_true(g_file_set_contents(present, "x", -1, NULL));
    static const char yaml[] =
        "global: {smtp_from: x@z, smtp_smarthost: 'a:25', smtp_auth_username: u,\n"
        "         smtp_auth_password_file: gone, smtp_tls_config: {ca_file: .}}\n"
        "route: {receiver: r}\n"
        "receivers:\n"
        "- {name: r, email_configs: [{to: x@z, auth_password_file: gone}]}\n"
        "sources:\n"
        "- {name: a, type: alertmanager, auth: {bearer_token_file: present}}\n"
        "- {name: b, type: github, auth: {hmac: {secret_files: [present, no]}}}\n"
        "dkim: {domain: z, selector: s, private_key_file: key}\n";
    g_autoptr(GError) error = NULL;
    g_autoptr(Config) config = config_parse(path, yaml, strlen(yaml), CONFIG_STRICT, &error);
    assert_null(error);
    assert_null(config->notes[0]);
    g_auto(GStrv) lines = config_unreadable(config);
    g_autofree char *all = g_strjoinv("\n", lines);
    static const char want[] =
        "DIR/f.yml:2:35: global.smtp_auth_password_file: cannot be read at present: DIR/gone: No "
        "such file or directory\n"
        "DIR/f.yml:2:68: global.smtp_tls_config.ca_file: cannot be read at present: DIR/.: Is a "
        "directory\n"
        "DIR/f.yml:8:65: sources[1].auth.hmac.secret_files[1]: cannot be read at present: DIR/no: "
        "No such file or directory";
    g_autoptr(GString) told = g_string_new(all);
    g_string_replace(told, directory, "DIR", 0);
    assert_string_equal(told->str, want);
    g_unlink(present);
    g_rmdir(directory);
    g_free(directory);
}

static void recipients_made_by_a_template_want_a_postmaster(void **state)
{
    (void)state;
    static const struct {
        const char *to, *delivery, *note;
    } rows[] = {
        {"x@z", "{}", NULL},
        {"'{{ .CommonLabels.o }}@z'", "{postmaster: p@z}", NULL},
        {"'{{ .CommonLabels.o }}@z'", "{}", "f.yml:3:44: receivers[0].email_configs[0].to: "},
        {"[x@z, '{{ .CommonLabels.o }}@z']", "{}",
         "f.yml:3:44: receivers[0].email_configs[0].to: "},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *yaml =
            g_strdup_printf("global: {smtp_from: x@z, smtp_smarthost: 'a:25'}\n"
                            "route: {receiver: r}\n"
                            "receivers: [{name: r, email_configs: [{to: %s}]}]\n"
                            "delivery: %s\n",
                            rows[i].to, rows[i].delivery);
        g_autoptr(Config) config = config_parse("f.yml", yaml, strlen(yaml), CONFIG_STRICT, NULL);
        assert_non_null(config);
        g_autofree char *want =
            rows[i].note == NULL ? NULL
                                 : g_strconcat(rows[i].note, "a template, and no "
                                               "delivery.postmaster: where it makes no address, "
                                               "nobody gets the mail", NULL);
        assert_int_equal(config->notes[0] != NULL, want != NULL);
        if (want != NULL) {
            assert_string_equal(config->notes[0], want);
        }
    }
}

/* A fallback is as the integration's own server, but for what it says itself. */
static void fallbacks_share_what_they_do_not_say(void **state)
{
    (void)state;
    g_autoptr(Config) config =
        load("global: {smtp_smarthost: 'a:587', smtp_from: x@z, smtp_hello: h,\n"
             "  smtp_auth_username: u, smtp_auth_password: p,\n"
             "  smtp_tls_config: {server_name: a.example, min_version: TLS13}}\n"
             "route: {receiver: r}\n"
             "receivers: [{name: r, email_configs: [{to: x@z}, {to: x@z, smarthost: 'b:25',\n"
             "  auth_username: v}, {to: x@z, smarthost: 'maildir:m'}]}]\n"
             "delivery: {fallback_smarthosts: ['b:465', {smarthost: 'c:25', auth_username: w,\n"
             "  auth_password: q, require_tls: false, tls_config: {server_name: c.example}}, 'a:587']}\n");
    const RelayConfig *a = &config->relays[0], *b = &config->relays[1];
    assert_int_equal(config->n_relays, 3);
    assert_int_equal(a->n_fallbacks, 3); /* the third one differs: it has no server_name */
    assert_string_equal(a->fallbacks[0].name, "b:465");
    assert_true(a->fallbacks[0].implicit_tls && a->fallbacks[0].require_tls);
    assert_string_equal(a->fallbacks[0].auth_username, "u");
    assert_string_equal(a->fallbacks[0].hello, "h");
    assert_int_equal(a->fallbacks[0].tls.min_version, TLS_VERSION_1_3);
    assert_string_equal(a->fallbacks[0].tls.server_name, "");
    assert_string_equal(a->fallbacks[1].auth_username, "w");
    assert_string_equal(a->fallbacks[1].tls.server_name, "c.example");
    assert_int_equal(a->fallbacks[1].tls.min_version, TLS_VERSION_DEFAULT);
    assert_false(a->fallbacks[1].require_tls || a->fallbacks[1].implicit_tls);
    assert_int_equal(a->fallbacks[1].n_fallbacks, 0);
    assert_string_equal(b->fallbacks[0].auth_username, "v");
    assert_int_equal(config->relays[2].n_fallbacks, 0); /* a Maildir */
    assert_string_equal(a->key, "smtp:u@a:587"); /* as without fallbacks */
}

/* One that is the server itself in every respect is none. */
static void a_server_is_no_fallback_of_its_own(void **state)
{
    (void)state;
    g_autoptr(Config) config =
        load("global: {smtp_smarthost: 'a:25', smtp_from: x@z}\n"
             "route: {receiver: r}\n"
             "receivers: [{name: r, email_configs: [{to: x@z}]}]\n"
             "delivery: {fallback_smarthosts: ['a:25', 'b:25']}\n");
    assert_int_equal(config->relays[0].n_fallbacks, 1);
    assert_string_equal(config->relays[0].fallbacks[0].name, "b:25");
}

static void senders_that_a_signature_says_nothing_about_are_noted(void **state)
{
    (void)state;
    static const struct {
        const char *from, *note;
    } rows[] = {
        {"a@bücher.example", NULL},
        {"Alerts <a@MAIL.bücher.example>", NULL},
        {"a@example", NULL},
        {"{{ .x }}@elsewhere.example", NULL},
        {"a@my-bücher.example",
         "f.yml:3:36: receivers[0].email_configs[0].from: mails are signed for "
         "xn--bcher-kva.example: that says nothing about a sender at "
         "xn--my-bcher-95a.example (DMARC wants the same domain)"},
        {"\"Alerts\" <a@elsewhere.example>",
         "f.yml:3:36: receivers[0].email_configs[0].from: mails are signed for "
         "xn--bcher-kva.example: that says nothing about a sender at elsewhere.example "
         "(DMARC wants the same domain)"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *yaml = g_strdup_printf(
            "route: {receiver: r}\n"
            "receivers:\n"
            "- {name: r, email_configs: [{from: '%s', to: x@z, smarthost: 'b:25'}]}\n"
            "dkim: {domain: BÜCHER.example, selector: S, private_key_file: k}\n",
            rows[i].from);
        g_autoptr(GError) error = NULL;
        g_autoptr(Config) config = config_parse("f.yml", yaml, strlen(yaml), CONFIG_STRICT, &error);
        assert_null(error);
        assert_string_equal(config->dkim.selector, "s");
        const char *note = config->notes[0];
        assert_int_equal(note != NULL, rows[i].note != NULL);
        if (note != NULL) {
            assert_string_equal(note, rows[i].note);
        }
    }
}

static void other_receivers_can_be_ignored(void **state)
{
    (void)state;
    static const char yaml[] = "route: {receiver: r}\n"
                               "receivers:\n"
                               "- name: r\n"
                               "  webhook_configs: [{url: x, anything: [1, 2]}]\n"
                               "  slack_configs:\n"
                               "  - channel: x\n";
    g_autoptr(Config) config =
        config_parse("f.yml", yaml, strlen(yaml), CONFIG_IGNORE_OTHER_RECEIVERS, NULL);
    assert_non_null(config);
    assert_string_equal(config->notes[0],
                        "f.yml:1:19: route.receiver: receiver \"r\" has no email_configs: "
                        "this route mails nobody");
    assert_string_equal(config->notes[1],
                        "f.yml:4:20: receivers[0].webhook_configs: ignored: "
                        "alertpost only sends mail");
    assert_string_equal(config->notes[2],
                        "f.yml:6:3: receivers[0].slack_configs: ignored: "
                        "alertpost only sends mail");
    assert_null(config->notes[3]);
    assert_int_equal(config_find_receiver(config, "r")->n_emails, 0);
}

/* Nobody is to be told by the second, on purpose; by the third, who would not know. */
static void a_route_that_mails_nobody_unlike_alertmanager_s_is_noted(void **state)
{
    (void)state;
    static const char yaml[] =
        "global: {smtp_from: x@z, smtp_smarthost: 'a:25'}\n"
        "route:\n"
        "  receiver: mail\n"
        "  routes:\n"
        "  - {receiver: blackhole, routes: [{receiver: pager}]}\n"
        "  - {receiver: both}\n"
        "  - {receiver: pager, continue: true}\n"
        "receivers:\n"
        "- {name: mail, email_configs: [{to: x@z}]}\n"
        "- {name: blackhole, pagerduty_configs: []}\n"
        "- {name: both, email_configs: [{to: x@z}], webhook_configs: []}\n"
        "- {name: pager, email_configs: [], pagerduty_configs: [{routing_key: k}]}\n";
    g_autoptr(Config) config =
        config_parse("f.yml", yaml, strlen(yaml), CONFIG_IGNORE_OTHER_RECEIVERS, NULL);
    assert_non_null(config);
    g_autoptr(GString) mute = g_string_new(NULL);
    for (char **note = config->notes; *note != NULL; note++) {
        if (strstr(*note, "mails nobody") != NULL) {
            g_string_append_printf(mute, "%s\n", *note);
        }
    }
    assert_string_equal(mute->str,
                        "f.yml:5:47: route.routes[0].routes[0].receiver: receiver \"pager\" has "
                        "no email_configs: this route mails nobody\n"
                        "f.yml:7:16: route.routes[2].receiver: receiver \"pager\" has no "
                        "email_configs: this route mails nobody\n");
}

static void anchors_and_merge_keys_work_throughout(void **state)
{
    (void)state;
    g_autoptr(Config) config =
        load("route: {receiver: a, routes: [{receiver: b}]}\n"
             "receivers:\n"
             "- name: a\n"
             "  email_configs:\n"
             "  - &mail {to: a@x, from: y@z, smarthost: 'a:25', headers: &h {X-A: '1'}}\n"
             "- name: b\n"
             "  email_configs:\n"
             "  - <<: *mail\n"
             "    to: b@x\n"
             "  - {<<: *mail, headers: {<<: *h, X-B: '2'}}\n");
    const EmailConfig *emails = config_find_receiver(config, "b")->emails;
    assert_int_equal(config->n_relays, 1);
    assert_string_equal(emails[0].headers[0].name, "X-A");
    assert_int_equal(emails[1].n_headers, 2);
    assert_ptr_not_equal(emails[0].to, emails[1].to);
}

/* A directory with a configuration beside the file a.tmpl holding TEXT. */
static char *make_directory(const char *text)
{
    char *directory = g_dir_make_tmp("config-XXXXXX", NULL);
    assert_non_null(directory);
    g_autofree char *tmpl = g_build_filename(directory, "a.tmpl", NULL);
    g_autofree char *yaml = g_build_filename(directory, "f.yml", NULL);
    assert_true(g_file_set_contents(tmpl, text, -1, NULL));
    assert_true(g_file_set_contents(yaml, "templates: ['*.tmpl']\n" REST, -1, NULL));
    return directory;
}

static Config *load_directory(const char *directory, GError **error)
{
    g_autofree char *yaml = g_build_filename(directory, "f.yml", NULL);
    return config_load(yaml, CONFIG_STRICT, error);
}

static void remove_directory(char *directory)
{
    g_autofree char *tmpl = g_build_filename(directory, "a.tmpl", NULL);
    g_autofree char *yaml = g_build_filename(directory, "f.yml", NULL);
    g_unlink(tmpl);
    g_unlink(yaml);
    g_rmdir(directory);
    g_free(directory);
}

static void templates_are_found_beside_the_file(void **state)
{
    (void)state;
    char *directory = make_directory("{{ define \"mine\" }}x{{ end }}");
    g_autoptr(GError) error = NULL;
    g_autoptr(Config) config = load_directory(directory, &error);
    assert_string_equal(error != NULL ? error->message : "", "");
    assert_int_equal(config->n_template_files, 1);
    assert_null(config->notes[0]);
    remove_directory(directory);
}

static void a_broken_template_file_is_an_error(void **state)
{
    (void)state;
    char *directory = make_directory("{{ define \"mine\" }}x{{ end }} {{ end }}");
    g_autoptr(GError) error = NULL;
    assert_null(load_directory(directory, &error));
    g_autofree char *expected =
        g_strdup_printf("%s/a.tmpl:1:38: unexpected {{end}}", directory);
    assert_string_equal(error->message, expected);
    remove_directory(directory);
}

static void a_template_file_may_have_4_mib(void **state)
{
    (void)state;
    g_autofree char *text = g_strnfill(4 * 1024 * 1024 + 1, 'x');
    char *directory = make_directory(text);
    g_autoptr(GError) error = NULL;
    assert_null(load_directory(directory, &error));
    g_autofree char *expected =
        g_strdup_printf("%s/f.yml:1:13: templates[0]: %s/a.tmpl: larger than 4096 KiB",
                        directory, directory);
    assert_string_equal(error->message, expected);
    remove_directory(directory);

    text[4 * 1024 * 1024] = '\0';
    directory = make_directory(text);
    g_autoptr(Config) config = load_directory(directory, NULL);
    assert_int_equal(config->n_template_files, 1);
    remove_directory(directory);
}

static void a_configuration_lives_until_its_last_user_lets_go(void **state)
{
    (void)state;
    Config *config = load(REST);
    assert_ptr_equal(config_ref(config), config);
    config_unref(config);
    assert_string_equal(config->receivers[0].name, "r");
    config_unref(config);
    config_unref(NULL);
}

static void every_example_loads(void **state)
{
    (void)state;
    unsigned n = 0;
    g_autoptr(GDir) directory = g_dir_open(SOURCE_DIR "/config/examples", 0, NULL);
    for (const char *name; (name = g_dir_read_name(directory)) != NULL;) {
        if (!g_str_has_suffix(name, ".yml")) {
            continue;
        }
        g_autofree char *path =
            g_build_filename(SOURCE_DIR "/config/examples", name, NULL);
        g_autoptr(GError) error = NULL;
        g_autoptr(Config) config = config_load(path, CONFIG_STRICT, &error);
        assert_string_equal(error != NULL ? error->message : "", "");
        assert_non_null(config);
        n++;
    }
    assert_true(n >= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_with_the_least_has_every_default),
        cmocka_unit_test(the_source_alertmanager_is_there_until_it_is_written),
        cmocka_unit_test(a_signature_is_by_default_what_the_type_s_sender_makes),
        cmocka_unit_test(a_source_has_what_is_written),
        cmocka_unit_test(an_email_takes_from_global_field_by_field),
        cmocka_unit_test(tls_is_required_unless_it_is_switched_off),
        cmocka_unit_test(equal_settings_share_a_relay_and_keys_hold_no_secret),
        cmocka_unit_test(what_is_given_decides_the_parts_of_a_mail),
        cmocka_unit_test(an_email_has_what_is_written),
        cmocka_unit_test(an_email_with_the_least_has_every_default),
        cmocka_unit_test(thread_by_date_none_is_one_thread_for_good),
        cmocka_unit_test(equal_templates_are_compiled_once),
        cmocka_unit_test(routes_inherit_what_alertmanager_lets_them),
        cmocka_unit_test(all_forms_of_matchers_are_one_sorted_list),
        cmocka_unit_test(time_intervals_become_data),
        cmocka_unit_test(fallbacks_share_what_they_do_not_say),
        cmocka_unit_test(a_server_is_no_fallback_of_its_own),
        cmocka_unit_test(what_does_not_act_is_noted_once_each),
        cmocka_unit_test(senders_that_a_signature_says_nothing_about_are_noted),
        cmocka_unit_test(files_that_cannot_be_read_are_told_once_each_and_are_no_error),
        cmocka_unit_test(recipients_made_by_a_template_want_a_postmaster),
        cmocka_unit_test(other_receivers_can_be_ignored),
        cmocka_unit_test(a_route_that_mails_nobody_unlike_alertmanager_s_is_noted),
        cmocka_unit_test(anchors_and_merge_keys_work_throughout),
        cmocka_unit_test(templates_are_found_beside_the_file),
        cmocka_unit_test(a_broken_template_file_is_an_error),
        cmocka_unit_test(a_template_file_may_have_4_mib),
        cmocka_unit_test(a_configuration_lives_until_its_last_user_lets_go),
        cmocka_unit_test(every_example_loads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
