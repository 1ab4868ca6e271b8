/* SPDX-License-Identifier: MIT */
#include "rules/dedup.h"

static const struct {
    const char *name, *text;
} reasons[] = {
    [DEDUP_NEW_FIRING] = {"new_firing", "an alert is new"},
    [DEDUP_ALL_RESOLVED] = {"all_resolved", "everything is resolved"},
    [DEDUP_NEW_RESOLVED] = {"new_resolved", "an alert is resolved"},
    [DEDUP_SENDER_REPEATS] = {"sender_repeats", "the sender repeats it"},
    [DEDUP_REPEAT_INTERVAL] = {"repeat_interval", "repeat_interval has passed"},
    [DEDUP_FAILED] = {"failed", "the first failure"},
    [DEDUP_FIXED] = {"fixed", "fixed"},
    [DEDUP_REMINDER] = {"reminder", "still failing, and it is time to remind"},
    [DEDUP_UNCHANGED] = {"unchanged", "nothing new since the last mail"},
    [DEDUP_LATE] = {"late", "late: a newer webhook was there first"},
    [DEDUP_RESOLVED_SILENT] = {"resolved", "resolved, and send_resolved is off"},
    [DEDUP_NEVER_ANNOUNCED] = {"never_announced", "resolved before it was announced"},
    [DEDUP_REPEAT_TOO_EARLY] = {"repeat_too_early", "repeated within the dedup window"},
    [DEDUP_REPEAT_QUEUED] = {"repeat_queued", "repeated while the last mail is queued"},
    [DEDUP_STILL_FAILING] = {"still_failing", "still failing"},
    [DEDUP_STILL_PASSING] = {"still_passing", "still passing"},
    [DEDUP_OVERTAKEN] = {"overtaken", "a later run was there first"},
    [DEDUP_REDELIVERED] = {"redelivered", "this delivery was here before"},
};

bool dedup_reason_sends(DedupReason reason)
{
    return reason < DEDUP_UNCHANGED;
}

const char *dedup_reason_name(DedupReason reason)
{
    return reasons[reason].name;
}

const char *dedup_reason_text(DedupReason reason)
{
    return reasons[reason].text;
}
