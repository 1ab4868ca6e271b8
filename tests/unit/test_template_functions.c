/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "rules/fault.h"
#include "rules/matcher.h"
#include "rules/template/template.h"

static const Label hostile[] = {
    {"a.b \"\xC3\xBC", "x\"\\\n\t\xC3\xA9{},=~"},
    {"owner", "db"},
    {"zone", ""},
};

typedef struct {
    const char *text, *want; /* of a failure: the reason */
} Case;

static Labels labels(Event *event, size_t n, const Label *items)
{
    Label *copy = arena_array(event->arena, Label, n);

    memcpy(copy, items, n * sizeof *copy);
    return labels_make(copy, n);
}
#define LABELS(event, ...)                                                             \
    labels(event, sizeof((Label[]){__VA_ARGS__}) / sizeof(Label),                      \
           (Label[]){__VA_ARGS__})

static Alert alert(Event *event, const char *severity, const char *starts,
                   AlertStatus status)
{
    Alert made = {
        .status = status,
        .labels = LABELS(event, {"instance", starts}, {"alertname", "DiskFull"},
                         {"severity", severity}),
        .annotations = LABELS(event, {"summary", "full"}),
        .ends_at = TIMESTAMP_ZERO,
        .generator_url = "http://p/",
        .fingerprint = 0xab,
        .silence_url = "http://s/",
        .dashboard_url = "http://d/",
        .panel_url = "",
        .value_string = "[ A=1 ]",
        .is_new = status == ALERT_FIRING,
    };

    assert_true(timestamp_parse(starts, &made.starts_at));
    return made;
}

static Event *make_event(void)
{
    Event *event = event_new();

    event->arena = event->arena == NULL ? arena_new() : event->arena;
    event->external_url = "https://am.example.org";
    event->reason = "new alerts added";
    event->sender_receiver = event->group_key = event->source = "";
    event->group_labels = LABELS(event, {"alertname", "DiskFull"});
    event->truncated_alerts = 7;
    event->n_alerts = 4;
    event->alerts = arena_array(event->arena, Alert, 4);
    event->alerts[0] = alert(event, "info", "2024-03-09T10:00:00Z", ALERT_FIRING);
    event->alerts[1] = alert(event, "Critical", "2024-03-09T08:00:00Z", ALERT_FIRING);
    event->alerts[2] = alert(event, "page", "2024-03-09T09:00:00Z", ALERT_RESOLVED);
    event->alerts[3] =
        alert(event, "critical", "2024-03-09T09:30:00+01:00", ALERT_FIRING);
    event_summarize(event);
    return event;
}

/* What TEXT gives over the event, or why it fails. */
static char *render(TemplateMode mode, const char *text)
{
    g_autoptr(Event) event = make_event();
    Notification notification = {
        .event = event,
        .receiver = "team",
        .route_labels = labels(event, G_N_ELEMENTS(hostile), hostile),
    };
    g_autoptr(TemplateSet) set = template_set_new();
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(GError) error = NULL;

    assert_true(timestamp_parse("2024-03-09T12:00:00Z", &notification.now));
    g_autoptr(Template) tmpl = template_compile(set, mode, "", text, &error);
    if (tmpl == NULL || !template_execute(tmpl, &notification, NULL, out, &error)) {
        assert_int_equal(out->len, 0);
        return g_strdup(error->message);
    }
    return g_string_free(g_steal_pointer(&out), FALSE);
}

static void check(const Case *table, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        g_autofree char *got = render(TEMPLATE_TEXT, table[i].text);
        if (strcmp(got, table[i].want) != 0) {
            print_message("%s\n", table[i].text);
        }
        assert_string_equal(got, table[i].want);
    }
}
#define CHECK(table) check(table, G_N_ELEMENTS(table))

/* The failure is of the function, so Go's form stands before the reason. */
static void check_failures(const Case *table, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        g_autofree char *got = render(TEMPLATE_TEXT, table[i].text);
        if (!g_str_has_suffix(got, table[i].want)) {
            print_message("%s\n%s\n%s\n", table[i].text, got, table[i].want);
        }
        assert_true(g_str_has_suffix(got, table[i].want));
        assert_true(g_str_has_prefix(got, "template: :1:"));
    }
}
#define CHECK_FAILURES(table) check_failures(table, G_N_ELEMENTS(table))

static void text_is_changed_in_case_and_trimmed(void **state)
{
    (void)state;
    static const Case table[] = {
        {"{{ toUpper `aß-é` }} {{ toLower `AÉΣ` }}", "Aß-É aéσ"},
        {"{{ title `hello wORLD foo-bar it's über 3d o’neil` }}",
         "Hello World Foo-Bar It's Über 3D O’neil"},
        {"{{ title `ab_cd ef.gh a''b straße ßa ǆ ΑΣ ΑΣΑ cpu使用rate` }}",
         "Ab_cd Ef.gh A''B Straße Ssa ǅ Ας Ασα Cpu使用Rate"},
        {"[{{ trimSpace `  \t a b \n` }}][{{ trimSpace \"\\u00a0\\u3000\" }}]",
         "[a b][]"},
        {"{{ join `, ` (stringSlice `a` `b`) }}|{{ join `x` stringSlice }}", "a, b|"},
        {"{{ (index .Alerts 0).Labels.Names.Join `,` }}",
         "alertname,instance,severity"},
    };
    CHECK(table);
}

static void regular_expressions_are_those_of_go(void **state)
{
    (void)state;
    static const Case table[] = {
        {"{{ match `^fir` .Status }} {{ match `^x` .Status }}", "true false"},
        {"{{ reReplaceAll `a*` `x` `baac` }}", "xbxcx"},
        {"{{ reReplaceAll `` `-` `éa` }}", "-é-a-"},
        {"{{ reReplaceAll `(?P<h>[^:]+):(\\d+)` `${h}-$2-$$-$1x-${1}x` `db:91` }}",
         "db-91-$--dbx"},
        {"{{ reReplaceAll `(a)(b)?` `[$2|$1|$3|$0]` `aab` }}", "[|a||a][b|a||ab]"},
        {"{{ reReplaceAll `x` `${` `axb` }}{{ reReplaceAll `x` `$` `axb` }}",
         "a${ba$b"},
        {"{{ reReplaceAll `x` `$ {y}` `axb` }}", "a$ {y}b"},
        {"{{ reReplaceAll `(x)` `$01` `axb` }}", "ab"},
        {"{{ reReplaceAll `.*://([^.]+).*` `$1` `http://db.example.org/` }}", "db"},
        {"{{ reReplaceAll `y` `z` `` }}", ""},
    };
    static const Case failures[] = {
        {"{{ match `(` `x` }}",
         "error calling match: error parsing regexp: missing closing ): `(`"},
        {"{{ reReplaceAll `(` `` `x` }}",
         "error calling reReplaceAll: regexp: Compile(`(`): "
         "error parsing regexp: missing closing ): `(`"},
        {"{{ reReplaceAll \"(`\" `` `x` }}",
         "error calling reReplaceAll: regexp: Compile(\"(`\"): "
         "error parsing regexp: missing closing ): `(``"},
        {"{{ printf `%2000s` `` | reReplaceAll ` ` `a` | printf `%s!` | match "
         "`^(a|a)*$` }}",
         "error calling match: the regular expression needs too many steps for this "
         "text"},
    };
    CHECK(table);
    CHECK_FAILURES(failures);
}

static void text_is_encoded_and_decoded(void **state)
{
    (void)state;
    static const Case table[] = {
        {"{{ urlUnescape `a%20b+c%2F%C3%A9` }}", "a b c/é"},
        {"{{ base64encode `a?>b` }} {{ base64decode `YT8-Yg==` }}", "YT8-Yg== a?>b"},
        {"[{{ base64encode `` }}][{{ base64decode `` }}][{{ base64decode \"YT\\n8_\" "
         "}}]",
         "[][][a??]"},
        {"{{ base64decode `YQ==` }}{{ base64decode `YWI=` }}{{ base64decode `YWJj` }}",
         "aababc"},
    };
    static const Case failures[] = {
        {"{{ urlUnescape `a%zz` }}",
         "error calling urlUnescape: invalid URL escape \"%zz\""},
        {"{{ urlUnescape `a%2` }}",
         "error calling urlUnescape: invalid URL escape \"%2\""},
        {"{{ base64decode `YQ` }}",
         "error calling base64decode: illegal base64 data at input byte 0"},
        {"{{ base64decode `Y+==` }}",
         "error calling base64decode: illegal base64 data at input byte 1"},
        {"{{ base64decode `YQ=a` }}",
         "error calling base64decode: illegal base64 data at input byte 2"},
        {"{{ base64decode `YQ==a` }}",
         "error calling base64decode: illegal base64 data at input byte 4"},
        {"{{ base64decode `YQ=` }}",
         "error calling base64decode: illegal base64 data at input byte 3"},
        {"{{ base64decode `Y===` }}",
         "error calling base64decode: illegal base64 data at input byte 1"},
    };
    CHECK(table);
    CHECK_FAILURES(failures);
}

static void values_become_json(void **state)
{
    (void)state;
    static const Case table[] = {
        {"{{ toJson \"a<b>&\\\"\\\\é\\u2028\\n\\t\\x01\\xff\" }}",
         "\"a\\u003cb\\u003e\\u0026\\\"\\\\é\\u2028\\n\\t\\u0001\\ufffd\""},
        {"{{ toJson 1.5 }} {{ toJson 1e21 }} {{ toJson 1e-7 }} {{ toJson 0.00001 }} "
         "{{ toJson -3 }} {{ toJson true }} {{ toJson nil }} {{ toJson 1e20 }} {{ "
         "toJson 0.0 }}",
         "1.5 1e+21 1e-7 0.00001 -3 true null 100000000000000000000 0"},
        {"{{ toJson .GroupLabels }} {{ toJson .GroupLabels.SortedPairs }} "
         "{{ toJson .GroupLabels.Names }}",
         "{\"alertname\":\"DiskFull\"} "
         "[{\"Name\":\"alertname\",\"Value\":\"DiskFull\"}] "
         "[\"alertname\"]"},
        {"{{ toJson (dict `b` (list 1 nil) `a` (safeHtml `<b>`)) }} {{ toJson list }}",
         "{\"a\":\"\\u003cb\\u003e\",\"b\":[1,null]} []"},
        {"{{ toJson (index .Alerts 2) }}",
         "{\"status\":\"resolved\",\"labels\":{\"alertname\":\"DiskFull\",\"instance\":"
         "\"2024-03-09T09:00:00Z\",\"severity\":\"page\"},\"annotations\":{\"summary\":"
         "\"full\"},\"startsAt\":\"2024-03-09T09:00:00Z\",\"endsAt\":"
         "\"0001-01-01T00:00:00Z\",\"generatorURL\":\"http://p/\",\"fingerprint\":"
         "\"00000000000000ab\"}"},
        {"{{ with index .Alerts 3 }}{{ toJson .StartsAt }} {{ toJson (since .StartsAt) "
         "}} "
         "{{ toJson .StartsAt.Month }}{{ end }}",
         "\"2024-03-09T09:30:00+01:00\" 12600000000000 3"},
    };
    static const Case failures[] = {
        {"{{ toJson 2i }}", "error calling toJson: json: unsupported type: complex128"},
        {"{{ toJson ((index .Alerts 0).EndsAt.AddDate -2 0 0) }}",
         "Time.MarshalJSON: year outside of range [0,9999]"},
    };
    CHECK(table);
    CHECK_FAILURES(failures);
}

static void lists_and_dictionaries_are_built(void **state)
{
    (void)state;
    static const Case table[] = {
        {"{{ $l := list 1 `a` }}{{ $l = append $l true nil }}{{ $l }} {{ len list }}",
         "[1 a true <nil>] 0"},
        {"{{ (dict `a` `b` `a` `c`).a }} {{ dict `k` (list 1) }} {{ len dict }}",
         "c map[k:[1]] 0"},
        {"{{ routeLabels `owner` }}[{{ routeLabels `none` }}]{{ .RouteLabels.owner }}",
         "db[]db"},
    };
    static const Case failures[] = {
        {"{{ dict `a` }}",
         "error calling dict: dict requires an even number of arguments"},
        {"{{ dict 1 2 }}", "error calling dict: dict keys must be strings"},
    };
    CHECK(table);
    CHECK_FAILURES(failures);
}

static void times_are_shown_in_zones_and_layouts(void **state)
{
    (void)state;
    static const Case table[] = {
        {"{{ now }} {{ now.Unix }}", "2024-03-09 12:00:00 +0000 UTC 1709985600"},
        {"{{ (index .Alerts 0).StartsAt | tz `Europe/Berlin` | date `15:04 MST` }}",
         "11:00 CET"},
        {"{{ since (index .Alerts 0).StartsAt }}", "2h0m0s"},
        {"{{ toDate `2006-01-02` `2024-02-29` | date `Jan 2` }} {{ toDate `2006` `x` "
         "}}",
         "Feb 29 0001-01-01 00:00:00 +0000 UTC"},
        {"{{ mustToDate `2006-01-02 MST` `2024-02-29 CET` }}",
         "2024-02-29 00:00:00 +0000 CET"},
        {"{{ with (index .Alerts 3).StartsAt }}{{ . }} {{ .UTC }} [{{ .Location }}] "
         "{{ .UTC.Location }} {{ .In now.Location }}{{ end }}",
         "2024-03-09 09:30:00 +0100 +0100 2024-03-09 08:30:00 +0000 UTC [] UTC "
         "2024-03-09 08:30:00 +0000 UTC"},
        {"{{ with (index .Alerts 0).StartsAt }}{{ .Compare now }} {{ .Before now }} "
         "{{ .After now }} {{ .Equal . }} {{ .IsZero }} {{ .IsDST }} {{ .UnixMicro }}"
         "{{ end }}",
         "-1 true false true false false 1709978400000000"},
        {"{{ with (index .Alerts 0).StartsAt }}{{ .Truncate 86400e9 }} {{ .Round "
         "86400e9 }} "
         "{{ .AddDate 0 1 1 }}{{ end }}",
         "2024-03-09 00:00:00 +0000 UTC 2024-03-09 00:00:00 +0000 UTC "
         "2024-04-10 10:00:00 +0000 UTC"},
        {"{{ with since (index .Alerts 0).StartsAt }}{{ .Hours }} {{ .Microseconds }} "
         "{{ .Round 3600e9 }} {{ .Abs }}{{ end }}",
         "2 7200000000 2h0m0s 2h0m0s"},
    };
    static const Case failures[] = {
        {"{{ now | tz `Mars/Olympus` }}",
         "error calling tz: unknown time zone Mars/Olympus"},
        {"{{ mustToDate `2006` `x` }}",
         "error calling mustToDate: parsing time \"x\" as "
         "\"2006\": cannot parse \"x\" as \"2006\""},
        {"{{ now.In nil }}",
         "error calling In: time: missing Location in call to Time.In"},
    };
    CHECK(table);
    CHECK_FAILURES(failures);
}

static void durations_are_read_by_people(void **state)
{
    (void)state;
    static const Case table[] = {
        {"{{ humanizeDuration 0 }}", "0s"},
        {"{{ humanizeDuration 60 }}", "1m 0s"},
        {"{{ humanizeDuration 86400 }}", "1d 0h 0m 0s"},
        {"{{ humanizeDuration -183845 }}", "-2d 3h 4m 5s"},
        {"{{ humanizeDuration 899.99 }}", "14m 59s"},
        {"{{ humanizeDuration .1 }}", "100ms"},
        {"{{ humanizeDuration .0001 }}", "100us"},
        {"{{ humanizeDuration .12345 }}", "123.5ms"},
        {"{{ humanizeDuration 60.5 }}", "1m 0s"},
        {"{{ humanizeDuration 1.2345 }}", "1.234s"},
        {"{{ humanizeDuration 12.345 }}", "12.35s"},
        {"{{ humanizeDuration -5 }} {{ humanizeDuration -0.5 }}", "-5s -500ms"},
        {"{{ humanizeDuration `59.99` }} {{ humanizeDuration `1e3` }}",
         "59.99s 16m 40s"},
        {"{{ humanizeDuration `inf` }} {{ humanizeDuration `NaN` }}", "+Inf NaN"},
        {"{{ humanizeDuration (since (index .Alerts 0).StartsAt) }}", "2h 0m 0s"},
        {"{{ humanizeDuration 1e-30 }}", "1e-06ys"},
    };
    static const Case failures[] = {
        {"{{ humanizeDuration `one` }}",
         "error calling humanizeDuration: "
         "strconv.ParseFloat: parsing \"one\": invalid syntax"},
        {"{{ humanizeDuration `` }}",
         "strconv.ParseFloat: parsing \"\": invalid syntax"},
        {"{{ humanizeDuration ` 1` }}",
         "strconv.ParseFloat: parsing \" 1\": invalid syntax"},
        {"{{ humanizeDuration `1e` }}",
         "strconv.ParseFloat: parsing \"1e\": invalid syntax"},
        {"{{ humanizeDuration `.` }}",
         "strconv.ParseFloat: parsing \".\": invalid syntax"},
        {"{{ humanizeDuration `1e999` }}",
         "strconv.ParseFloat: parsing \"1e999\": value out of range"},
        {"{{ humanizeDuration true }}", "can't convert bool to float"},
        {"{{ humanizeDuration nil }}", "can't convert <nil> to float"},
    };
    CHECK(table);
    CHECK_FAILURES(failures);
}

static void label_sets_have_their_methods(void **state)
{
    (void)state;
    static const Case table[] = {
        {"{{ range .Alerts }}{{ .Labels.Names }}{{ break }}{{ end }}",
         "[alertname instance severity]"},
        {"{{ with (index .Alerts 0).Labels }}{{ .Remove (stringSlice `instance` `x`) "
         "}}; "
         "{{ (.Remove $.CommonLabels.Names).Values }}; {{ .SortedPairs.Names }}; "
         "{{ .String }}{{ end }}",
         "alertname=DiskFull, severity=info; [2024-03-09T10:00:00Z info]; [alertname "
         "instance "
         "severity]; alertname=DiskFull, instance=2024-03-09T10:00:00Z, severity=info"},
        {"{{ len .Alerts.Firing }} {{ len .Alerts.Resolved }} {{ .NotificationReason "
         "}} "
         "{{ .Receiver }} {{ .Status }} {{ .ExternalURL }}",
         "3 1 new alerts added team firing https://am.example.org"},
    };
    CHECK(table);
}

static void our_own_fields_are_there_but_not_printed(void **state)
{
    (void)state;
    static const Case table[] = {
        {"{{ .TruncatedAlerts }} {{ range .Alerts }}{{ .IsNew }} {{ end }}",
         "7 true true false true "},
        {"{{ with index .Alerts 0 }}{{ .SilenceURL }} {{ .DashboardURL }} [{{ "
         ".PanelURL }}] "
         "{{ .ValueString }}{{ end }}",
         "http://s/ http://d/ [] [ A=1 ]"},
        {"{{ index .Alerts 2 }}",
         "{resolved alertname=DiskFull, instance=2024-03-09T09:00:00Z, severity=page "
         "summary=full 2024-03-09 09:00:00 +0000 UTC 0001-01-01 00:00:00 +0000 UTC "
         "http://p/ "
         "00000000000000ab}"},
    };
    CHECK(table);
}

static void text_is_cut_between_characters(void **state)
{
    (void)state;
    static const Case table[] = {
        {"{{ truncate 3 `abc` }} {{ truncate 3 `abcd` }} {{ truncate 0 `a` }}",
         "abc abc… …"},
        {"{{ truncate 2 `äöü` }} {{ `東京都` | truncate 1 }}", "äö… 東…"},
        {"{{ truncate 1 \"e\\u0301x\" }} {{ truncate 2 \"ae\\u0301x\" }}", "… a…"},
        {"{{ truncate 0 `` }}{{ truncate 5 `` }}", ""},
    };
    static const Case failures[] = {
        {"{{ truncate -1 `a` }}", "error calling truncate: negative length -1"},
    };
    CHECK(table);
    CHECK_FAILURES(failures);
}

static void severities_are_ranked(void **state)
{
    (void)state;
    static const Case table[] = {
        {"{{ severity .Alerts }} {{ severity .Alerts.Resolved }} "
         "[{{ severity (slice .Alerts 0 0) }}]",
         "critical page []"},
        {"{{ range bySeverity .Alerts }}{{ .Labels.instance }} {{ end }}",
         "2024-03-09T09:30:00+01:00 2024-03-09T08:00:00Z 2024-03-09T10:00:00Z "
         "2024-03-09T09:00:00Z "},
        {"{{ len (slice (bySeverity .Alerts.Firing) 2) }}", "1"},
    };
    CHECK(table);
}

static void a_silence_filter_reads_back_as_its_labels(void **state)
{
    (void)state;
    g_autofree char *got = render(TEMPLATE_TEXT, "{{ silenceFilter .RouteLabels }}");
    assert_string_equal(got, "{\"a.b \\\"\xC3\xBC\"=\"x\\\"\\\\\\n\t\xC3\xA9{},=~\","
                             "owner=\"db\",zone=\"\"}");
    g_autoptr(GPtrArray) matchers = matchers_parse(got, NULL, NULL);
    assert_non_null(matchers);
    assert_int_equal(matchers->len, G_N_ELEMENTS(hostile));
    for (size_t i = 0; i < matchers->len; i++) {
        const Matcher *matcher = g_ptr_array_index(matchers, i);
        assert_int_equal(matcher_type(matcher), MATCH_EQUAL);
        assert_string_equal(matcher_name(matcher), hostile[i].name);
        assert_string_equal(matcher_value(matcher), hostile[i].value);
    }
    g_autofree char *none =
        render(TEMPLATE_TEXT, "{{ silenceFilter (.RouteLabels.Remove "
                              ".RouteLabels.Names) }}");
    assert_string_equal(none, "{}");
}

/* What mail clients would take for a link or markup stays text. */
static void results_of_functions_are_escaped(void **state)
{
    (void)state;
    static const Case table[] = {
        {"{{ `<b>` | toUpper }}", "&lt;B&gt;"},
        {"{{ `<b>` | safeHtml }}{{ `<b>` | safeHtml | printf `%s` }}", "<b>&lt;b&gt;"},
        {"<a href=\"{{ `tel:1` | safeUrl }}\" title=\"{{ truncate 1 `<>` }}\">",
         "<a href=\"tel:1\" title=\"&lt;…\">"},
        {"<a href=\"?f={{ silenceFilter .GroupLabels }}\">",
         "<a href=\"?f=%7balertname%3d%22DiskFull%22%7d\">"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autofree char *got = render(TEMPLATE_HTML, table[i].text);
        assert_string_equal(got, table[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_changed_in_case_and_trimmed),
        cmocka_unit_test(regular_expressions_are_those_of_go),
        cmocka_unit_test(text_is_encoded_and_decoded),
        cmocka_unit_test(values_become_json),
        cmocka_unit_test(lists_and_dictionaries_are_built),
        cmocka_unit_test(times_are_shown_in_zones_and_layouts),
        cmocka_unit_test(durations_are_read_by_people),
        cmocka_unit_test(label_sets_have_their_methods),
        cmocka_unit_test(our_own_fields_are_there_but_not_printed),
        cmocka_unit_test(text_is_cut_between_characters),
        cmocka_unit_test(severities_are_ranked),
        cmocka_unit_test(a_silence_filter_reads_back_as_its_labels),
        cmocka_unit_test(results_of_functions_are_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
