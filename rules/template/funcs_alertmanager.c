/* SPDX-License-Identifier: MIT */
#include "rules/template/funcs_alertmanager.h"

#include <string.h>

#include "rules/fault.h"

const Func funcs_alertmanager[] = {
    {"toUpper", 1, 1, {KIND_STRING}, func_to_upper},
    {"toLower", 1, 1, {KIND_STRING}, func_to_lower},
    {"title", 1, 1, {KIND_STRING}, func_title},
    {"trimSpace", 1, 1, {KIND_STRING}, func_trim_space},
    {"join", 2, 2, {KIND_STRING, KIND_STRINGS}, func_join},
    {"match", 2, 2, {KIND_STRING, KIND_STRING}, func_match},
    {"reReplaceAll",
     3,
     3,
     {KIND_STRING, KIND_STRING, KIND_STRING},
     func_re_replace_all},
    {"stringSlice", 0, ARGS_MAX, {KIND_STRING}, func_string_slice},
    {"safeHtml", 1, 1, {KIND_STRING}, func_safe_html},
    {"safeUrl", 1, 1, {KIND_STRING}, func_safe_url},
    {"urlUnescape", 1, 1, {KIND_STRING}, func_url_unescape},
    {"date", 2, 2, {KIND_STRING, KIND_TIME}, func_date},
    {"tz", 2, 2, {KIND_STRING, KIND_TIME}, func_tz},
    {"now", 0, 0, {0}, func_now},
    {"since", 1, 1, {KIND_TIME}, func_since},
    {"toDate", 2, 2, {KIND_STRING, KIND_STRING}, func_to_date},
    {"mustToDate", 2, 2, {KIND_STRING, KIND_STRING}, func_must_to_date},
    {"humanizeDuration", 1, 1, {KIND_ANY}, func_humanize_duration},
    {"toJson", 1, 1, {KIND_ANY}, func_to_json},
    {"base64encode", 1, 1, {KIND_STRING}, func_base64encode},
    {"base64decode", 1, 1, {KIND_STRING}, func_base64decode},
    {"list", 0, ARGS_MAX, {KIND_ANY}, func_list},
    {"append", 1, ARGS_MAX, {KIND_LIST, KIND_ANY}, func_append},
    {"dict", 0, ARGS_MAX, {KIND_ANY}, func_dict},
    {"routeLabels", 1, 1, {KIND_STRING}, func_route_labels},
    /* Ours. */
    {"truncate", 2, 2, {KIND_INT, KIND_STRING}, func_truncate},
    {"silenceFilter", 1, 1, {KIND_KV}, func_silence_filter},
    {"severity", 1, 1, {KIND_ALERTS}, func_severity},
    {"bySeverity", 1, 1, {KIND_ALERTS}, func_by_severity},
    {"plus", 2, 2, {KIND_INT, KIND_INT}, func_plus},
    {"minus", 2, 2, {KIND_INT, KIND_INT}, func_minus},
    {"written", 0, 0, {0}, func_written},
    {"shortDuration", 1, 1, {KIND_DURATION}, func_short_duration},
    {"fold", 3, 3, {KIND_INT, KIND_STRING, KIND_STRING}, func_fold},
    {"webURL", 1, 1, {KIND_STRING}, func_web_url},
    {"filterURL", 3, 3, {KIND_STRING, KIND_STRING, KIND_KV}, func_filter_url},
    {"countBy", 2, 2, {KIND_STRING, KIND_ALERTS}, func_count_by},
    {"telling", 1, 1, {KIND_ALERTS}, func_telling},
    {.name = NULL},
};

bool func_give_text(Exec *exec, GString *take_text, Value *result, GError **error)
{
    if (take_text->len > exec_room(exec)) {
        g_set_error(error, FAULT, FAULT_LIMIT, "more than %zu bytes of text",
                    exec_room(exec));
        g_string_free(take_text, TRUE);
        return false;
    }
    *result = value_take_text(exec_arena(exec), take_text);
    return true;
}

bool func_list(Exec *exec, const Value *args, size_t n, Value *result, GError **error)
{
    Value *items = arena_array(exec_arena(exec), Value, n + 1);

    (void)error;
    for (size_t i = 0; i < n; i++) {
        items[i] = value_box(args[i]);
    }
    *result = value_list(items, n);
    return true;
}

bool func_append(Exec *exec, const Value *args, size_t n, Value *result, GError **error)
{
    size_t n_before = args[0].n, n_items = n_before + n - 1;

    if (!exec_charge(exec, n_items, error)) {
        return false;
    }
    Value *items = arena_array(exec_arena(exec), Value, n_items + 1);
    for (size_t i = 0; i < n_items; i++) {
        items[i] = i < n_before ? args[0].items[i] : value_box(args[1 + i - n_before]);
    }
    *result = value_list(items, n_items);
    return true;
}

bool func_dict(Exec *exec, const Value *args, size_t n, Value *result, GError **error)
{
    MapEntry *entries = arena_array(exec_arena(exec), MapEntry, n / 2 + 1);

    if (n % 2 != 0) {
        g_set_error(error, FAULT, FAULT_INPUT,
                    "dict requires an even number of arguments");
        return false;
    }
    for (size_t i = 0; i < n; i += 2) {
        if (args[i].kind != KIND_STRING) {
            g_set_error(error, FAULT, FAULT_INPUT, "dict keys must be strings");
            return false;
        }
        entries[i / 2] = (MapEntry){args[i].text, args[i].n, args[i + 1]};
    }
    *result = value_map(entries, n / 2);
    return true;
}

bool func_route_labels(Exec *exec, const Value *args, size_t n, Value *result,
                       GError **error)
{
    const Notification *notification = exec_notification(exec);

    (void)n, (void)error;
    *result = value_text_n("", 0);
    if (notification != NULL) {
        Value labels = value_labels(KIND_KV, &notification->route_labels);
        value_get(labels, args[0].text, args[0].n, result);
    }
    return true;
}
