/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "config/config.h"
#include "rules/fault.h"

/* What a file needs beside the part under test. */
#define ROUTE    "route: {receiver: r}\n"
#define RECEIVER "receivers: [{name: r}]\n"
#define REST     ROUTE RECEIVER
#define MAIL(keys)                                                                     \
    ROUTE "receivers: [{name: r, email_configs: [{smarthost: 'a:25', from: x@y, " keys   \
          "}]}]\n"

#define OAUTH2_KEY  "receivers[0].email_configs[0].auth_oauth2"
#define OAUTH2      OAUTH2_KEY ": "
#define OAUTH2_HEAD "dir/f.yml:2:39: receivers[0].email_configs[0]: auth_oauth2 needs an auth_username\n"

typedef struct {
    const char *yaml, *errors;
} Case;

static void check_cases(const Case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        g_autoptr(GError) error = NULL;
        const char *yaml = cases[i].yaml;
        g_autoptr(Config) config =
            config_parse("dir/f.yml", yaml, strlen(yaml), CONFIG_STRICT, &error);
        assert_string_equal(error != NULL ? error->message : "", cases[i].errors);
        assert_int_equal(config != NULL, *cases[i].errors == '\0');
        assert_true(error == NULL || g_error_matches(error, FAULT, FAULT_INPUT));
    }
}

static void the_errors_of_routes_are_those_of_alertmanager(void **state)
{
    (void)state;
    static const Case cases[] = {
        {"", "dir/f.yml:1:1: no route provided in config"},
        {"global: {}\n", "dir/f.yml:1:1: no route provided in config"},
        {"route:\n" RECEIVER, "dir/f.yml:1:1: no route provided in config"},
        {"route: {}\n" RECEIVER,
         "dir/f.yml:1:8: route: root route must specify a default receiver"},
        {"route: {receiver: ''}\n" RECEIVER,
         "dir/f.yml:1:8: route: root route must specify a default receiver"},
        {"route: {receiver: team-X}\n" RECEIVER,
         "dir/f.yml:1:19: route.receiver: undefined receiver \"team-X\" used in route"},
        {"route:\n  receiver: r\n  routes:\n  - routes:\n    - receiver: "
         "team-X\n" RECEIVER,
         "dir/f.yml:5:17: route.routes[0].routes[0].receiver: undefined receiver "
         "\"team-X\" "
         "used in route"},
        {"route: {receiver: r, matchers: ['a=b']}\n" RECEIVER,
         "dir/f.yml:1:32: route.matchers: root route must not have any matchers"},
        {"route: {receiver: r, match: {a: b}}\n" RECEIVER,
         "dir/f.yml:1:29: route.match: root route must not have any matchers"},
        {"route: {receiver: r, match_re: {a: b}}\n" RECEIVER,
         "dir/f.yml:1:32: route.match_re: root route must not have any matchers"},
        {"route: {receiver: r, matchers: []}\n" RECEIVER, ""},
        {"route: {receiver: r, continue: true}\n" RECEIVER,
         "dir/f.yml:1:32: route.continue: cannot have continue in root route"},
        {"route: {receiver: r, mute_time_intervals: [t]}\n" RECEIVER
         "time_intervals: [{name: t}]\n",
         "dir/f.yml:1:43: route.mute_time_intervals: root route must not have any mute "
         "time "
         "intervals"},
        {"route: {receiver: r, active_time_intervals: [t]}\n" RECEIVER
         "time_intervals: [{name: t}]\n",
         "dir/f.yml:1:45: route.active_time_intervals: root route must not have any "
         "active "
         "time intervals"},
        {"route: {receiver: r, routes: [{mute_time_intervals: "
         "[business_hours]}]}\n" RECEIVER,
         "dir/f.yml:1:54: route.routes[0].mute_time_intervals[0]: undefined time "
         "interval "
         "\"business_hours\" used in route"},
        {"route: {receiver: r, routes: [{active_time_intervals: "
         "[business_hours]}]}\n" RECEIVER,
         "dir/f.yml:1:56: route.routes[0].active_time_intervals[0]: undefined time "
         "interval "
         "\"business_hours\" used in route"},
        {"route: {receiver: r, group_by: [alertname, cluster, cluster]}\n" RECEIVER,
         "dir/f.yml:1:53: route.group_by[2]: duplicated label \"cluster\" in group_by"},
        {"route: {receiver: r, group_by: ['...', cluster]}\n" RECEIVER,
         "dir/f.yml:1:32: route.group_by: cannot have wildcard group_by (`...`) and "
         "other "
         "labels at the same time"},
        {"route: {receiver: r, group_by: ['-invalid-']}\n" RECEIVER,
         "dir/f.yml:1:33: route.group_by[0]: invalid label name \"-invalid-\" in "
         "group_by list"},
        {"route: {receiver: r, group_by: [k8s.io/x, straße, 'a b']}\n" RECEIVER, ""},
        {"route: {receiver: r, group_interval: 0s}\n" RECEIVER,
         "dir/f.yml:1:38: route.group_interval: group_interval cannot be zero"},
        {"route: {receiver: r, repeat_interval: 0}\n" RECEIVER,
         "dir/f.yml:1:39: route.repeat_interval: repeat_interval cannot be zero"},
        {"route: {receiver: r, group_wait: 0s}\n" RECEIVER, ""},
        {"route: {receiver: r, group_wait: ''}\n" RECEIVER,
         "dir/f.yml:1:34: route.group_wait: empty duration string"},
        {"route: {receiver: r, routes: [{match_re: {owner: }}]}\n" RECEIVER,
         "dir/f.yml:1:50: route.routes[0].match_re.owner: invalid regexp value for "
         "\"owner\""},
        {"route: {receiver: r, routes: [{match_re: {owner: '('}}]}\n" RECEIVER,
         "dir/f.yml:1:50: route.routes[0].match_re.owner: error parsing regexp: missing "
         "closing ): `^(?:()$`"},
        {"route: {receiver: r, routes: [{match: {a-b: c}}]}\n" RECEIVER,
         "dir/f.yml:1:40: route.routes[0].match.a-b: invalid label name \"a-b\""},
        {"route: {receiver: r, routes: [{match_re: {'1a': c}}]}\n" RECEIVER,
         "dir/f.yml:1:43: route.routes[0].match_re.1a: invalid label name \"1a\""},
        {"route: {receiver: r, routes: [{matchers: ['a b']}]}\n" RECEIVER,
         "dir/f.yml:1:43: route.routes[0].matchers[0]: bad matcher format: a b"},
        {"route: {receiver: r, routes: [{matchers: 'a=b'}]}\n" RECEIVER,
         "dir/f.yml:1:42: route.routes[0].matchers: expected a list, found text"},
        {"route: {receiver: r, routes: [~]}\n" RECEIVER,
         "dir/f.yml:1:31: route.routes[0]: expected a mapping, found nothing"},
        {"route: {receiver: r, labels: {team: '{{ .Broken'}}\n" RECEIVER,
         "dir/f.yml:1:48: route.labels.team: unclosed action"},
    };
    check_cases(cases, G_N_ELEMENTS(cases));
}

static void the_errors_of_receivers_are_those_of_alertmanager(void **state)
{
    (void)state;
    static const Case cases[] = {
        {ROUTE "receivers: [{name: r}, {name: r}]\n",
         "dir/f.yml:2:31: receivers[1].name: notification config name \"r\" is not "
         "unique"},
        {ROUTE "receivers: [{name: r}, {email_configs: []}]\n",
         "dir/f.yml:2:24: receivers[1]: missing name in receiver"},
        {ROUTE "receivers: [{name: r}, {name: ''}]\n",
         "dir/f.yml:2:31: receivers[1].name: missing name in receiver"},
        {ROUTE "receivers: [{name: r, email_configs: [{to: x@y, from: y@y}]}]\n",
         "dir/f.yml:2:39: receivers[0].email_configs[0]: no global SMTP smarthost set"},
        {ROUTE "receivers: [{name: r, email_configs: [{to: x@y, smarthost: 'a:25'}]}]\n",
         "dir/f.yml:2:39: receivers[0].email_configs[0]: no global SMTP from set"},
        {"route: {receiver: r}\n"
         "receivers: [{name: r, email_configs: [{to: 'jürgen@x', smarthost: 'h:25', from: 'Jürgen "
         "<jürgen@x>'}]}]\n",
         "dir/f.yml:2:81: receivers[0].email_configs[0].from: a sender must be ASCII before the @"},
        {"route: {receiver: r}\n"
         "receivers: [{name: r, email_configs: [{to: x@z, smarthost: 'h:25', from: 'Jürgen "
         "<j@bücher.example>'}]}]\n",
         ""},
        {MAIL("cc: x@y"),
         "dir/f.yml:2:39: receivers[0].email_configs[0]: missing to address in "
         "email config"},
        {MAIL("to: ''"),
         "dir/f.yml:2:74: receivers[0].email_configs[0].to: missing to address "
         "in email config"},
        {MAIL("to: []"),
         "dir/f.yml:2:74: receivers[0].email_configs[0].to: missing to address "
         "in email config"},
        {MAIL("to: {a: b}"),
         "dir/f.yml:2:74: receivers[0].email_configs[0].to: expected text "
         "or a list, found a mapping"},
        {MAIL("to: [a@z, '{{ .Broken', b@z]"),
         "dir/f.yml:2:91: receivers[0].email_configs[0].to[1]: unclosed "
         "action"},
        {MAIL("to: x@y, html: '{{ .Broken'"),
         "dir/f.yml:2:96: receivers[0].email_configs[0].html: unclosed "
         "action"},
        {MAIL("to: x@y, headers: {Subject: '{{ .Broken'}"),
         "dir/f.yml:2:109: receivers[0].email_configs[0].headers.Subject: "
         "unclosed "
         "action"},
        {MAIL("to: x@y, headers: {Subject: a, sUbject: b}"),
         "dir/f.yml:2:101: receivers[0].email_configs[0].headers.sUbject: duplicate "
         "header "
         "\"Subject\" in email config"},
        {MAIL("to: x@y, headers: {'X Y': a}"),
         "dir/f.yml:2:89: receivers[0].email_configs[0].headers.\"X Y\": not a "
         "header's name: "
         "\"X Y\""},
        {MAIL("to: x@y, headers: {content-type: a}"),
         "dir/f.yml:2:89: receivers[0].email_configs[0].headers.content-type: this "
         "header is "
         "alertpost's own"},
        {MAIL("to: x@y, headers: {Bcc: a}"),
         "dir/f.yml:2:89: receivers[0].email_configs[0].headers.Bcc: use the key bcc: "
         "a header "
         "would be seen by everybody"},
        {MAIL("to: x@y, reply_to: y@y, headers: {Reply-to: z}"),
         "dir/f.yml:2:104: receivers[0].email_configs[0].headers.Reply-to: both "
         "reply_to and a "
         "header Reply-To are given"},
        {MAIL("to: x@y, threading: {enabled: true, thread_by_date: weekly}"),
         "dir/f.yml:2:122: receivers[0].email_configs[0].threading.thread_by_date: "
         "threading.thread_by_date must be either 'none' or 'daily'"},
        {MAIL("to: x@y, threading: {enabled: true}, headers: {references: a}"),
         "dir/f.yml:2:117: receivers[0].email_configs[0].headers.references: "
         "conflicting "
         "configuration: threading.enabled conflicts with custom References header"},
        {MAIL("to: x@y, threading: {enabled: true}, headers: {In-Reply-To: a}"),
         "dir/f.yml:2:117: receivers[0].email_configs[0].headers.In-Reply-To: "
         "conflicting "
         "configuration: threading.enabled conflicts with custom In-Reply-To header"},
        {MAIL("to: x@y, threading: {enabled: false}, headers: {In-Reply-To: a}"), ""},
        {MAIL("to: x@y, allowed_domains: [example.org, 'a b']"),
         "dir/f.yml:2:110: receivers[0].email_configs[0].allowed_domains[1]: not a "
         "domain name: "
         "\"a b\""},
        {MAIL("to: x@y, max_size: 10MB"),
         "dir/f.yml:2:89: receivers[0].email_configs[0].max_size: not a size: \"10MB\" "
         "(as in "
         "512KiB, 10MiB, 1GiB)"},
        {MAIL("to: x@y, auth_password: a, auth_password_file: b"),
         "dir/f.yml:2:117: receivers[0].email_configs[0].auth_password_file: at most "
         "one of "
         "auth_password & auth_password_file must be configured"},
        {MAIL("to: x@y, auth_oauth2: {}"), OAUTH2_HEAD
         "dir/f.yml:2:92: " OAUTH2 "missing client_id\n"
         "dir/f.yml:2:92: " OAUTH2 "one of client_secret, client_secret_file, refresh_token, "
         "refresh_token_file and token_file must be configured\n"
         "dir/f.yml:2:92: " OAUTH2 "missing token_url"},
        {MAIL("to: x@y, auth_username: u, auth_oauth2: {token_file: t, client_id: c}"),
         "dir/f.yml:2:110: " OAUTH2 "beside token_file nothing else must be configured"},
        {MAIL("to: x@y, auth_username: u, auth_password: p, auth_oauth2: {token_file: t}"),
         "dir/f.yml:2:128: " OAUTH2 "at most one of auth_oauth2 and a password or secret must be "
         "configured"},
        {MAIL("to: x@y, auth_username: u, require_tls: false, auth_oauth2: {token_file: t}"),
         "dir/f.yml:2:39: receivers[0].email_configs[0]: auth_oauth2 needs TLS, and require_tls is "
         "false"},
        {MAIL("to: x@y, auth_username: u, auth_oauth2: {client_id: c, client_secret: s, token_url: "
              "'http://idp.example/'}"),
         "dir/f.yml:2:110: " OAUTH2 "token_url must begin with https:// (http:// only to this very "
         "host)"},
        {MAIL("to: x@y, auth_username: u, auth_oauth2: {client_id: c, client_secret: s, token_url: "
              "'https://u:p@idp.example/'}"),
         "dir/f.yml:2:110: " OAUTH2 "token_url must be a URL without user and password"},
        {MAIL("to: x@y, auth_username: u, auth_oauth2: {client_id: c, client_secret: s, token_url: "
              "'https://a', endpoint_params: {scope: x}}"),
         "dir/f.yml:2:185: " OAUTH2_KEY ".endpoint_params.scope: scope has a key of its own or is set "
         "by alertpost"},
        {MAIL("to: x@y, auth_username: u, auth_oauth2: {client_id: c, client_secret: s, token_url: "
              "'https://a', tls_config: {cert: c}}"),
         "dir/f.yml:2:179: " OAUTH2_KEY ".tls_config: exactly one of key or key_file must be configured "
         "when a client certificate is configured"},
        {MAIL("to: x@y, require_tls: maybe"),
         "dir/f.yml:2:92: receivers[0].email_configs[0].require_tls: expected true or "
         "false, "
         "found \"maybe\""},
        {MAIL("to: x@y, tls_config: {min_version: SSL3}"),
         "dir/f.yml:2:105: receivers[0].email_configs[0].tls_config.min_version: must "
         "be "
         "default, TLS10, TLS11, TLS12 or TLS13"},
        {MAIL("to: x@y, tls_config: {cert_file: c}"),
         "dir/f.yml:2:91: receivers[0].email_configs[0].tls_config: exactly one of key "
         "or "
         "key_file must be configured when a client certificate is configured"},
        {MAIL("to: x@y, tls_config: {key_file: k}"),
         "dir/f.yml:2:91: receivers[0].email_configs[0].tls_config: exactly one of "
         "cert or "
         "cert_file must be configured when a client key is configured"},
        {MAIL("to: x@y, tls_config: {ca: c, ca_file: d}"),
         "dir/f.yml:2:91: receivers[0].email_configs[0].tls_config: at most one of ca "
         "and "
         "ca_file must be configured"},
        {MAIL("to: x@y, tls_config: {server_name: a/b}"),
         "dir/f.yml:2:91: receivers[0].email_configs[0].tls_config: server_name is not the name or "
         "address of a host"},
        {MAIL("to: x@y, tls_config: {min_version: TLS13, max_version: TLS12}"),
         "dir/f.yml:2:91: receivers[0].email_configs[0].tls_config: min_version is "
         "later than "
         "max_version"},
        {ROUTE "receivers: [{name: r, slack_configs: [{channel: x}]}]\n",
         "dir/f.yml:2:23: receivers[0].slack_configs: alertpost only sends mail: leave "
         "slack_configs to Alertmanager and remove it here, or ignore it with "
         "--ignore-other-receivers"},
    };
    check_cases(cases, G_N_ELEMENTS(cases));
}

static void the_global_part_is_checked(void **state)
{
    (void)state;
    static const Case cases[] = {
        {"global: {smtp_smarthost: localhost}\n" REST,
         "dir/f.yml:1:26: global.smtp_smarthost: address localhost: missing port in "
         "address"},
        {"global: {smtp_smarthost: 'localhost:'}\n" REST,
         "dir/f.yml:1:26: global.smtp_smarthost: address \"localhost:\": port cannot "
         "be empty"},
        {"global: {smtp_smarthost: 'maildir:'}\n" REST,
         "dir/f.yml:1:26: global.smtp_smarthost: maildir: needs the path of a Maildir"},
        {"global: {smtp_smarthost: ''}\n" REST, ""},
        {"global: {smtp_auth_password: a, smtp_auth_password_file: b}\n" REST,
         "dir/f.yml:1:58: global.smtp_auth_password_file: at most one of "
         "smtp_auth_password & "
         "smtp_auth_password_file must be configured"},
        {"global: {smtp_auth_secret: a, smtp_auth_secret_file: b}\n" REST,
         "dir/f.yml:1:54: global.smtp_auth_secret_file: at most one of "
         "smtp_auth_secret & "
         "smtp_auth_secret_file must be configured"},
        {"global: {smtp_form: x}\n" REST,
         "dir/f.yml:1:10: global.smtp_form: unknown key; did you mean \"smtp_from\"?"},
        {"global: {resolve_timeout: 5}\n" REST,
         "dir/f.yml:1:27: global.resolve_timeout: not a valid duration string: \"5\""},
        {"global: []\n" REST,
         "dir/f.yml:1:9: global: expected a mapping, found a list"},
        {"templates: x\n" REST,
         "dir/f.yml:1:12: templates: expected a list, found text"},
        {"receiver: []\n" REST, "dir/f.yml:1:1: receiver: unknown key; did you mean "
                                "\"receivers\"?"},
        {"zzz: []\n" REST, "dir/f.yml:1:1: zzz: unknown key"},
        {"route: {receiver: r}\nroute: {receiver: r}\n" RECEIVER,
         "dir/f.yml:2:1: route: duplicate key (first in line 1)"},
        {"a: [1\n",
         "dir/f.yml:2:1: did not find expected ',' or ']' (while parsing a flow "
         "sequence that starts in line 1)"},
    };
    check_cases(cases, G_N_ELEMENTS(cases));
}

static void time_intervals_are_checked(void **state)
{
    (void)state;
    static const Case cases[] = {
        {REST "time_intervals: [{time_intervals: []}]\n",
         "dir/f.yml:3:18: time_intervals[0]: missing name in time interval"},
        {REST "mute_time_intervals: [{time_intervals: []}]\n",
         "dir/f.yml:3:23: mute_time_intervals[0]: missing name in mute time interval"},
        {REST "mute_time_intervals: [{name: duplicate}, {name: duplicate}]\n",
         "dir/f.yml:3:49: mute_time_intervals[1].name: mute time interval "
         "\"duplicate\" is not "
         "unique"},
        {REST "time_intervals: [{name: d}]\nmute_time_intervals: [{name: d}]\n",
         "dir/f.yml:3:25: time_intervals[0].name: time interval \"d\" is not unique"},
        {REST
         "time_intervals: [{name: t, time_intervals: [{weekdays: ['friday:monday'], "
         "times: [{start_time: '09:00'}]}]}]\n",
         "dir/f.yml:3:57: time_intervals[0].time_intervals[0].weekdays[0]: start day "
         "cannot be "
         "before end day\n"
         "dir/f.yml:3:83: time_intervals[0].time_intervals[0].times[0]: both start and "
         "end "
         "times must be provided"},
        {REST "time_intervals: [{name: t, time_intervals: [{location: Nowhere}]}]\n",
         "dir/f.yml:3:56: time_intervals[0].time_intervals[0].location: unknown time "
         "zone "
         "Nowhere"},
        {REST "time_intervals: [{name: t, time_intervals: [{location: ../UTC}]}]\n",
         "dir/f.yml:3:56: time_intervals[0].time_intervals[0].location: unknown time "
         "zone "
         "../UTC"},
        {REST "time_intervals: [{name: t, time_intervals: [{location: '+05:00'}]}]\n",
         "dir/f.yml:3:56: time_intervals[0].time_intervals[0].location: unknown time "
         "zone "
         "+05:00"},
        {REST "time_intervals: [{name: t, time_intervals: [{location: [UTC], times: "
              "[{start_time: {a: b}, end_time: '10:00'}]}]}]\n",
         "dir/f.yml:3:56: time_intervals[0].time_intervals[0].location: expected text, found a "
         "list\n"
         "dir/f.yml:3:71: time_intervals[0].time_intervals[0].times[0]: both start and end "
         "times must be provided\n"
         "dir/f.yml:3:84: time_intervals[0].time_intervals[0].times[0].start_time: expected "
         "text, found a mapping"},
        {REST "time_intervals: [{name: t, time_intervals: [{location: Europe/Berlin}, "
              "{location: Local}, {location: ''}, {location: UTC}]}]\n",
         ""},
    };
    check_cases(cases, G_N_ELEMENTS(cases));
}

static void inhibit_rules_are_checked(void **state)
{
    (void)state;
    static const Case cases[] = {
        {REST
         "inhibit_rules: [{source_matchers: ['a=~\"(\"'], target_match_re: {b: }}]\n",
         "dir/f.yml:3:36: inhibit_rules[0].source_matchers[0]: error parsing regexp: "
         "missing "
         "closing ): `^(?:()$`\n"
         "dir/f.yml:3:68: inhibit_rules[0].target_match_re.b: invalid regexp value for "
         "\"b\""},
        {REST "inhibit_rules: [{equal: [a, '-b']}]\n",
         "dir/f.yml:3:29: inhibit_rules[0].equal[1]: invalid label name \"-b\" in "
         "equal list"},
        {REST "inhibit_rules: [{equal: [a], sources: [{matchers: ['x=y']}]}]\n",
         "dir/f.yml:3:17: inhibit_rules[0]: sources cannot be combined with "
         "source_match, "
         "source_match_re, source_matchers, or equal"},
        {REST "inhibit_rules: [{sources: [{equal: [a]}, {matchers: ['x=\"\"']}]}]\n",
         "dir/f.yml:3:28: inhibit_rules[0].sources[0]: source 0: matchers must not be "
         "empty\n"
         "dir/f.yml:3:42: inhibit_rules[0].sources[1]: source 1: at least one matcher "
         "must not "
         "match the empty string"},
        {REST "inhibit_rules: [{source_match: {a: b}, target_matchers: ['c=d'], equal: "
              "[qux🙂]}]\n",
         ""},
    };
    check_cases(cases, G_N_ELEMENTS(cases));
}

static void our_own_blocks_are_checked(void **state)
{
    (void)state;
    static const Case cases[] = {
        {REST "sources: [{type: alertmanager}]\n",
         "dir/f.yml:3:11: sources[0]: missing name in source"},
        {REST "sources: [{name: a/b, type: alertmanager}]\n",
         "dir/f.yml:3:18: sources[0].name: source name \"a/b\" must be of letters, "
         "digits, '-', "
         "'.', '_' and '~'"},
        {REST
         "sources: [{name: a, type: alertmanager}, {name: a, type: alertmanager}]\n",
         "dir/f.yml:3:49: sources[1].name: source name \"a\" is not unique"},
        {REST "sources: [{name: ci}]\n",
         "dir/f.yml:3:11: sources[0]: missing type in source: known are alertmanager, "
         "grafana, github, gitlab, jenkins, flux, tekton, json"},
        {REST "sources: [{name: gihtub}]\n",
         "dir/f.yml:3:11: sources[0]: missing type in source; did you mean \"github\"?"},
        {REST "sources: [{name: prometheus}]\n",
         "dir/f.yml:3:11: sources[0]: type \"prometheus\" is not supported yet"},
        {REST "sources: [{name: a, type: prometheus}]\n",
         "dir/f.yml:3:27: sources[0].type: type \"prometheus\" is not supported yet"},
        {REST "sources: [{name: a, type: alertmanger}]\n",
         "dir/f.yml:3:27: sources[0].type: unknown type \"alertmanger\"; did you mean "
         "\"alertmanager\"?"},
        {REST "sources: [{name: a, type: zzzzzz}]\n",
         "dir/f.yml:3:27: sources[0].type: unknown type \"zzzzzz\": known are "
         "alertmanager, grafana, github, gitlab, jenkins, flux, tekton, json"},
        {REST "sources: [{name: a, type: json}]\n",
         "dir/f.yml:3:11: sources[0]: missing map in source"},
        {REST "sources: [{name: github, family: ci, map: {status: x, labels: {alertname: a}}}]\n",
         "dir/f.yml:3:34: sources[0].family: acts only on type json\n"
         "dir/f.yml:3:43: sources[0].map: acts only on type json"},
        {REST "sources: [{name: json, family: cd, map: {labels: {a: '{{'}, statuses: {a: b}, "
              "links: {run: x}}}]\n",
         "dir/f.yml:3:32: sources[0].family: must be monitoring or ci\n"
         "dir/f.yml:3:41: sources[0].map: missing status in map\n"
         "dir/f.yml:3:50: sources[0].map.labels: missing alertname in labels\n"
         "dir/f.yml:3:57: sources[0].map.labels.a: unclosed action\n"
         "dir/f.yml:3:75: sources[0].map.statuses.a: must be firing, resolved or ignored\n"
         "dir/f.yml:3:87: sources[0].map.links.run: unknown key"},
        {REST "sources: [{name: json, map: {status: x, labels: {alertname: a}, event_id: b, "
              "sequence: c}}]\n",
         "dir/f.yml:3:75: sources[0].map.event_id: acts only with family: ci\n"
         "dir/f.yml:3:88: sources[0].map.sequence: acts only with family: ci"},
        {REST "sources: [{name: json, family: ci, dedup: {window: 5m}, "
              "map: {status: x, labels: {alertname: a}}}]\n",
         "dir/f.yml:3:52: sources[0].dedup.window: does not act on CI, of which only changes "
         "are mailed: see remind"},
        {REST "sources: [{name: alertmanager, auth: {}}]\n",
         "dir/f.yml:3:38: sources[0].auth: names no way to authenticate"},
        {REST "sources: [{name: alertmanager, auth: {hmac: {header: X}}}]\n",
         "dir/f.yml:3:45: sources[0].auth.hmac: missing secrets or secret_files"},
        {REST "sources: [{name: alertmanager, auth: {hmac: {secrets: [x], algorithm: md5, "
              "encoding: text}}}]\n",
         "dir/f.yml:3:45: sources[0].auth.hmac: missing header in hmac\n"
         "dir/f.yml:3:71: sources[0].auth.hmac.algorithm: must be sha1, sha224, sha256, sha384 "
         "or sha512\n"
         "dir/f.yml:3:86: sources[0].auth.hmac.encoding: must be hex or base64"},
        {REST "sources: [{name: github, auth: {hmac: {secrets: [x], header: 'a b', "
              "tolerance: 1m, id_header: i, timestamp_header: t}}}]\n",
         "dir/f.yml:3:62: sources[0].auth.hmac.header: not a header's name\n"
         "dir/f.yml:3:80: sources[0].auth.hmac.tolerance: does not act: signed has no "
         "{timestamp}\n"
         "dir/f.yml:3:95: sources[0].auth.hmac.id_header: does not act: signed has no {id}\n"
         "dir/f.yml:3:116: sources[0].auth.hmac.timestamp_header: does not act: signed has no "
         "{timestamp}"},
        {REST "sources: [{name: github, auth: {hmac: {secrets: [x], "
              "signed: '{id}:{timestamp}:{timestamp}:{url}'}}}]\n",
         "dir/f.yml:3:62: sources[0].auth.hmac.signed: knows only {body}, {timestamp} and {id}\n"
         "dir/f.yml:3:62: sources[0].auth.hmac.signed: must have {body} in it, once\n"
         "dir/f.yml:3:62: sources[0].auth.hmac.signed: may have {timestamp} and {id} in it once\n"
         "dir/f.yml:3:62: sources[0].auth.hmac.signed: {timestamp} needs a timestamp_header\n"
         "dir/f.yml:3:62: sources[0].auth.hmac.signed: {id} needs an id_header"},
        {REST "sources: [{name: gitlab, auth: {standard_webhooks: {}}}]\n",
         "dir/f.yml:3:52: sources[0].auth.standard_webhooks: missing secrets or secret_files"},
        {REST "sources: [{name: gitlab, auth: {standard_webhooks: {secrets: [whsec_!]}}}]\n",
         "dir/f.yml:3:63: sources[0].auth.standard_webhooks.secrets[0]: not base64, which these "
         "secrets are"},
        {REST "sources: [{name: alertmanager, auth: {header: {value: x}}}]\n",
         "dir/f.yml:3:47: sources[0].auth.header: missing name in header"},
        {REST "sources: [{name: alertmanager, auth: {basic: {password: x}}}]\n",
         "dir/f.yml:3:46: sources[0].auth.basic: missing username in basic"},
        {REST "sources: [{name: alertmanager, auth: {basic: {username: x}}}]\n",
         "dir/f.yml:3:46: sources[0].auth.basic: missing password or password_file in "
         "basic"},
        {REST "sources: [{name: alertmanager, auth: {header: {name: 'X Y'}}}]\n",
         "dir/f.yml:3:47: sources[0].auth.header: missing value or value_file in "
         "header\n"
         "dir/f.yml:3:47: sources[0].auth.header: not a header's name"},
        {REST "sources: [{name: alertmanager, auth: {bearer_token: a, "
              "bearer_token_file: b}}]\n",
         "dir/f.yml:3:75: sources[0].auth.bearer_token_file: at most one of "
         "bearer_token & "
         "bearer_token_file must be configured"},
        {REST "sources: [{name: alertmanager, ack: soon, regroup: true, dedup: "
              "{remind: 1h}}]\n",
         "dir/f.yml:3:37: sources[0].ack: must be default, stored or delivered\n"
         "dir/f.yml:3:43: sources[0].regroup: regroup is not supported yet\n"
         "dir/f.yml:3:74: sources[0].dedup.remind: acts only on CI: repetitions of alerts "
         "are repeat_interval's"},
        {REST "sources: [{name: github, dedup: {window: 1h}}]\n",
         "dir/f.yml:3:42: sources[0].dedup.window: does not act on CI, of which only "
         "changes are mailed: see remind"},
        {REST "sources: [{name: alertmanager, ack_timeout: 0}]\n",
         "dir/f.yml:3:45: sources[0].ack_timeout: must be at least 1ms"},
        {REST "delivery: {connections: 0, mails_per_connection: -1, idle_close: 1}\n",
         "dir/f.yml:3:25: delivery.connections: must be 1 to 1000\n"
         "dir/f.yml:3:50: delivery.mails_per_connection: not a number: \"-1\"\n"
         "dir/f.yml:3:66: delivery.idle_close: not a valid duration string: \"1\""},
        {REST "delivery: {connections: 1001}\n",
         "dir/f.yml:3:25: delivery.connections: must be 1 to 1000"},
        {REST "delivery: {connections: 1000, postmaster: a@b}\n", ""},
        {REST "delivery: {postmaster: 'a@b, c@d'}\n",
         "dir/f.yml:3:24: delivery.postmaster: must be one address, as in "
         "postmaster@example.org"},
        {REST "delivery: {retry: {min: 1h}}\n",
         "dir/f.yml:3:19: delivery.retry: min is longer than max"},
        {REST "delivery: {retry: {give_up: 1m}}\n",
         "dir/f.yml:3:19: delivery.retry: max is longer than give_up"},
        {REST "delivery: {in_doubt: drop}\n",
         "dir/f.yml:3:22: delivery.in_doubt: must be retry or keep"},
        {REST "delivery: {fallback_smarthosts: ['a:25', b]}\n",
         "dir/f.yml:3:42: delivery.fallback_smarthosts[1]: address b: missing port in "
         "address"},
        {REST "delivery: {fallback_smarthosts: 'a:25'}\n",
         "dir/f.yml:3:33: delivery.fallback_smarthosts: expected a list, found text"},
        {REST "delivery: {fallback_smarthosts: ['maildir:x']}\n",
         "dir/f.yml:3:34: delivery.fallback_smarthosts[0]: a fallback is a mail server, "
         "host:port"},
        {REST "delivery: {fallback_smarthosts: [{hello: x}, {smarthost: 'a:25', to: x}]}\n",
         "dir/f.yml:3:34: delivery.fallback_smarthosts[0]: missing smarthost in "
         "fallback_smarthosts\n"
         "dir/f.yml:3:66: delivery.fallback_smarthosts[1].to: unknown key"},
        {REST "delivery: {rate_limit: {per: 1m}}\n",
         "dir/f.yml:3:24: delivery.rate_limit: missing mails in rate_limit"},
        {REST "delivery: {timeouts: {conect: 1s}}\n",
         "dir/f.yml:3:23: delivery.timeouts.conect: unknown key; did you mean "
         "\"connect\"?"},
        {REST "dkim: {domain: 'a b'}\n",
         "dir/f.yml:3:7: dkim: missing selector in dkim\n"
         "dir/f.yml:3:7: dkim: missing private_key_file in dkim\n"
         "dir/f.yml:3:16: dkim.domain: not a domain name: \"a b\""},
        {REST "limits: {body: 0, alerts: 0, mail: 1XB}\n",
         "dir/f.yml:3:16: limits.body: must be at least 1\n"
         "dir/f.yml:3:27: limits.alerts: must be at least 1\n"
         "dir/f.yml:3:36: limits.mail: not a size: \"1XB\" (as in 512KiB, 10MiB, "
         "1GiB)"},
    };
    check_cases(cases, G_N_ELEMENTS(cases));
}

static void all_errors_are_told_in_the_order_of_the_file(void **state)
{
    (void)state;
    static const Case cases[] = {
        {"receivers:\n"
         "  - name: a\n"
         "    email_configs:\n"
         "      - to: x@y\n"
         "        smarthost: nowhere\n"
         "        html: '{{ .Broken'\n"
         "  - name: a\n"
         "sources:\n"
         "  - name: alertmanager\n"
         "    lables: {}\n"
         "route:\n"
         "  receiver: b\n"
         "  groupby: [x]\n",
         "dir/f.yml:4:9: receivers[0].email_configs[0]: no global SMTP from set\n"
         "dir/f.yml:5:20: receivers[0].email_configs[0].smarthost: address nowhere: "
         "missing "
         "port in address\n"
         "dir/f.yml:6:26: receivers[0].email_configs[0].html: unclosed "
         "action\n"
         "dir/f.yml:7:11: receivers[1].name: notification config name \"a\" is not "
         "unique\n"
         "dir/f.yml:10:5: sources[0].lables: unknown key; did you mean \"labels\"?\n"
         "dir/f.yml:12:13: route.receiver: undefined receiver \"b\" used in route\n"
         "dir/f.yml:13:3: route.groupby: unknown key; did you mean \"group_by\"?"},
    };
    check_cases(cases, G_N_ELEMENTS(cases));
}

static void an_endless_list_of_errors_has_an_end(void **state)
{
    (void)state;
    g_autoptr(GString) yaml = g_string_new(REST);
    for (int i = 0; i < 1003; i++) {
        g_string_append_printf(yaml, "unknown%d: x\n", i);
    }
    g_autoptr(GError) error = NULL;
    assert_null(config_parse("f.yml", yaml->str, yaml->len, CONFIG_STRICT, &error));
    g_auto(GStrv) lines = g_strsplit(error->message, "\n", -1);
    assert_int_equal(g_strv_length(lines), 1001);
    assert_string_equal(lines[999], "f.yml:1002:1: unknown999: unknown key");
    assert_string_equal(lines[1000], "f.yml: and 3 more errors");
}

static void no_error_tells_a_secret(void **state)
{
    (void)state;
    static const char yaml[] =
        "global:\n"
        "  smtp_auth_password: [hunter2]\n"
        "  smtp_auth_secret: {hunter2: 1}\n"
        "  smtp_auth_passwort: hunter2\n"
        "receivers:\n"
        "  - name: r\n"
        "    email_configs:\n"
        "      - {to: x, auth_password: hunter2, auth_password_file: f}\n"
        "sources:\n"
        "  - {name: alertmanager, auth: {bearer_token: hunter2, header: {value: "
        "hunter2}}}\n";
    g_autoptr(GError) error = NULL;
    assert_null(config_parse("f.yml", yaml, strlen(yaml), CONFIG_STRICT, &error));
    assert_null(strstr(error->message, "hunter2"));
    assert_non_null(strstr(error->message,
                           "f.yml:2:23: global.smtp_auth_password: expected "
                           "text, found a list\n"));
}

static void a_file_that_cannot_be_read_is_our_fault(void **state)
{
    (void)state;
    g_autoptr(GError) error = NULL;
    assert_null(config_load("/nowhere/f.yml", CONFIG_STRICT, &error));
    assert_true(g_error_matches(error, FAULT, FAULT_SYSTEM));
    assert_string_equal(error->message, "/nowhere/f.yml: No such file or directory");
    g_clear_error(&error);
    assert_null(config_load("/", CONFIG_STRICT, &error));
    assert_string_equal(error->message, "/: Is a directory");
    g_clear_error(&error);
    assert_null(config_load("/dev/zero", CONFIG_STRICT, &error));
    assert_string_equal(error->message, "/dev/zero: larger than 16384 KiB");
}

static void a_message_does_not_repeat_a_text_of_any_length(void **state)
{
    (void)state;
    g_autofree char *name = g_strnfill(100000, 'x');
    g_autofree char *yaml = g_strdup_printf("route: {receiver: %s}\n", name);
    g_autoptr(GError) error = NULL;
    assert_null(config_parse("f.yml", yaml, strlen(yaml), CONFIG_STRICT, &error));
    assert_true(g_str_has_prefix(
        error->message, "f.yml:1:19: route.receiver: undefined receiver \"xxx"));
    assert_true(g_str_has_suffix(error->message, "xxx…"));
    assert_int_equal(strlen(error->message), 2000 + strlen("…"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_does_not_repeat_a_text_of_any_length),
        cmocka_unit_test(the_errors_of_routes_are_those_of_alertmanager),
        cmocka_unit_test(the_errors_of_receivers_are_those_of_alertmanager),
        cmocka_unit_test(the_global_part_is_checked),
        cmocka_unit_test(time_intervals_are_checked),
        cmocka_unit_test(inhibit_rules_are_checked),
        cmocka_unit_test(our_own_blocks_are_checked),
        cmocka_unit_test(all_errors_are_told_in_the_order_of_the_file),
        cmocka_unit_test(an_endless_list_of_errors_has_an_end),
        cmocka_unit_test(no_error_tells_a_secret),
        cmocka_unit_test(a_file_that_cannot_be_read_is_our_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
