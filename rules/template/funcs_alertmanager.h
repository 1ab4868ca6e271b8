/* SPDX-License-Identifier: MIT */
#ifndef RULES_TEMPLATE_FUNCS_ALERTMANAGER_H
#define RULES_TEMPLATE_FUNCS_ALERTMANAGER_H

#include "rules/template/funcs.h"

/* What the table in funcs_alertmanager.c is made of, by file. */

/* funcs_text.c */
FuncCall func_to_upper, func_to_lower, func_title, func_trim_space, func_join,
    func_string_slice, func_safe_html, func_safe_url;
/* funcs_regexp.c */
FuncCall func_match, func_re_replace_all;
/* funcs_encode.c */
FuncCall func_url_unescape, func_base64encode, func_base64decode;
/* to_json.c */
FuncCall func_to_json;
/* funcs_time.c */
FuncCall func_date, func_tz, func_now, func_since, func_to_date, func_must_to_date,
    func_humanize_duration;
/* funcs_alertmanager.c */
FuncCall func_list, func_append, func_dict, func_route_labels;
/* funcs_own.c: ours, not Alertmanager's */
FuncCall func_truncate, func_silence_filter, func_severity, func_by_severity;

/* funcs_mail.c: ours, for the built-in mail */
FuncCall func_plus, func_minus, func_written, func_short_duration, func_web_url,
    func_filter_url, func_count_by, func_telling;
/* funcs_fold.c: ours */
FuncCall func_fold;

/* TEXT as a function's result.  False with a LIMIT error if it is too long. */
bool func_give_text(Exec *exec, GString *take_text, Value *result, GError **error);

#endif
