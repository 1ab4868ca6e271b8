/* SPDX-License-Identifier: MIT */
#include "config/intervals.h"

#include <string.h>

#include "config/loader.h"
#include "config/spans.h"

typedef struct {
    Section at;
    char *start_time, *end_time;
} TimesSettings;

typedef struct {
    Section at;
    List times; /* TimesSettings */
    const Node *weekdays, *days_of_month, *months, *years;
    char *location;
} IntervalSettings;

static const Field times_fields[] = {
    FIELD(TimesSettings, start_time, "start_time", "", "`HH:MM`."),
    FIELD(TimesSettings, end_time, "end_time", "", "`HH:MM`, up to `24:00`; not included."),
};

const Schema times_schema =
    SCHEMA("time_range", TimesSettings, times_fields, "A part of a day, not over midnight.");

static const Field interval_fields[] = {
    LIST(IntervalSettings, times, "times", &times_schema, "Times of day."),
    TEXTS(IntervalSettings, weekdays, "weekdays", "As in `monday:friday` or `sunday`."),
    TEXTS(IntervalSettings, days_of_month, "days_of_month",
          "As in `1:5` or `-3:-1`; -1 is the last day."),
    TEXTS(IntervalSettings, months, "months", "As in `may:august` or `12`."),
    TEXTS(IntervalSettings, years, "years", "As in `2026:2028` or `2030`."),
    FIELD(IntervalSettings, location, "location", "UTC",
          "A zone of the tz database, as in `Europe/Berlin`; or `Local`."),
};

const Schema interval_schema =
    SCHEMA("time_interval", IntervalSettings, interval_fields,
           "A moment is inside when it fits every key that is given, and fits a key when it "
           "fits one item of its list.");

static const Field named_fields[] = {
    REQUIRED(NamedIntervalSettings, name, "name", "missing name in time interval",
             "What routes call it; unique."),
    LIST(NamedIntervalSettings, intervals, "time_intervals", &interval_schema,
         "Inside one of these is inside."),
};

const Schema named_interval_schema =
    SCHEMA("time_intervals", NamedIntervalSettings, named_fields,
           "Named times for `mute_time_intervals` and `active_time_intervals` of a route.");

static const Field mute_fields[] = {
    REQUIRED(NamedIntervalSettings, name, "name", "missing name in mute time interval",
             "What routes call it; unique."),
    LIST(NamedIntervalSettings, intervals, "time_intervals", &interval_schema,
         "Inside one of these is inside."),
};

const Schema mute_interval_schema =
    SCHEMA("mute_time_intervals", NamedIntervalSettings, mute_fields,
           "The old name of `time_intervals`.");

/* Each text of LIST through PARSE. */
static Spans read_spans(Loader *loader, const Node *list, SpanParse *parse)
{
    unsigned n = list != NULL ? list->n : 0;
    Spans spans = {.items = arena_array(loader->reader.arena, Span, n)};
    for (const Node *node = list != NULL ? list->first : NULL; node != NULL;
         node = node->next) {
        g_autoptr(GError) error = NULL;
        if (parse(reader_text(node), &spans.items[spans.n], &error)) {
            spans.n++;
        } else {
            report_error(loader->reader.report, node, "%s", error->message);
        }
    }
    return spans;
}

static Spans read_times(Loader *loader, const List *list)
{
    Spans spans = {.items = arena_array(loader->reader.arena, Span, list->n)};
    for (unsigned i = 0; i < list->n; i++) {
        const TimesSettings *times = LIST_ITEM(*list, TimesSettings, i);
        g_autoptr(GError) error = NULL;
        if (span_from_times(times->start_time, times->end_time, &spans.items[spans.n],
                            &error)) {
            spans.n++;
        } else {
            report_error(loader->reader.report, times->at.node, "%s", error->message);
        }
    }
    return spans;
}

/* What Go's time.LoadLocation takes: names only, no offsets and no paths. */
static bool is_location(const char *name)
{
    if (strcmp(name, "Local") == 0 || *name == '\0') {
        return true;
    }
    if (!g_ascii_isalpha(*name) || strstr(name, "..") != NULL || strchr(name, '\\') != NULL) {
        return false;
    }
    g_autoptr(GTimeZone) zone = g_time_zone_new_identifier(name);
    return zone != NULL;
}

static void check_location(Loader *loader, const IntervalSettings *settings)
{
    if (!is_location(settings->location)) {
        report_error(loader->reader.report, node_get(settings->at.node, "location"),
                     "unknown time zone %s", settings->location);
    }
}

/* Alertmanager takes such a number, and it never comes. */
static void note_months(Loader *loader, const Node *list, const Spans *months)
{
    for (unsigned i = 0; i < months->n; i++) {
        if (months->items[i].begin < 1 || months->items[i].end > 12) {
            report_note(loader->reader.report, list, "there are only 12 months");
        }
    }
}

static void build_interval(Loader *loader, const IntervalSettings *settings,
                           TimeInterval *interval)
{
    *interval = (TimeInterval){
        .times = read_times(loader, &settings->times),
        .weekdays = read_spans(loader, settings->weekdays, span_parse_weekdays),
        .days_of_month = read_spans(loader, settings->days_of_month, span_parse_days),
        .months = read_spans(loader, settings->months, span_parse_months),
        .years = read_spans(loader, settings->years, span_parse_years),
        .location = settings->location,
    };
    note_months(loader, settings->months, &interval->months);
    check_location(loader, settings);
}

static void build_named(Loader *loader, const NamedIntervalSettings *settings,
                        TimeIntervals *named)
{
    const List *list = &settings->intervals;
    named->name = settings->name;
    named->n = list->n;
    named->intervals = arena_array(loader->reader.arena, TimeInterval, list->n);
    for (unsigned i = 0; i < list->n; i++) {
        build_interval(loader, LIST_ITEM(*list, IntervalSettings, i), &named->intervals[i]);
    }
}

static void build_list(Loader *loader, const List *list, GHashTable *names, const char *kind)
{
    Config *config = loader->config;
    for (unsigned i = 0; i < list->n; i++) {
        const NamedIntervalSettings *settings = LIST_ITEM(*list, NamedIntervalSettings, i);
        build_named(loader, settings, &config->time_intervals[config->n_time_intervals++]);
        if (settings->name == NULL || g_hash_table_add(names, settings->name)) {
            continue;
        }
        g_autofree char *quoted = report_quote(settings->name);
        report_error(loader->reader.report, node_get(settings->at.node, "name"),
                     "%s %s is not unique", kind, quoted);
    }
}

void load_intervals(Loader *loader)
{
    const FileSettings *file = &loader->file;
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
    loader->config->time_intervals =
        arena_array(loader->reader.arena, TimeIntervals,
                    (size_t)file->mute_time_intervals.n + file->time_intervals.n);
    build_list(loader, &file->mute_time_intervals, names, "mute time interval");
    build_list(loader, &file->time_intervals, names, "time interval");
}
