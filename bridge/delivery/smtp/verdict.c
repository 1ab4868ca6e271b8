/* SPDX-License-Identifier: MIT */
#include "bridge/delivery/smtp/verdict.h"

#include <string.h>

enum {
    AT_RSET = 1 << VERB_RSET,
    AT_MAIL = 1 << VERB_MAIL,
    AT_RCPT = 1 << VERB_RCPT,
    AT_DATA = 1 << VERB_DATA,
    AT_DOT = 1 << VERB_DOT,
    AT_ANY = (1 << VERB_COUNT) - 1,
};

/* The first row that fits decides. ENHANCED: NULL any, "" none given, a whole code,
 * or the start of one if it ends in a dot. */
static const struct rule {
    unsigned verbs;
    int low, high;
    const char *enhanced;
    Verdict verdict;
} rules[] = {
    {AT_RSET | AT_MAIL, 421, 421, NULL, {VERDICT_CLOSING, FAULT_THROTTLE}},
    {AT_ANY, 421, 421, NULL, {VERDICT_CLOSING, FAULT_NONE}},

    {AT_DATA, 354, 354, NULL, {VERDICT_OK, FAULT_NONE}},
    {AT_DATA, 200, 399, NULL, {VERDICT_SURPRISE, FAULT_NONE}},
    {AT_ANY, 200, 299, NULL, {VERDICT_OK, FAULT_NONE}},
    {AT_ANY, 300, 399, NULL, {VERDICT_SURPRISE, FAULT_NONE}},
    {AT_RSET, 400, 599, NULL, {VERDICT_SURPRISE, FAULT_NONE}},

    {AT_MAIL | AT_DATA | AT_DOT, 432, 432, NULL, {VERDICT_RELAY, FAULT_THROTTLE}},
    {AT_MAIL | AT_DATA | AT_DOT, 454, 454, NULL, {VERDICT_RELAY, FAULT_THROTTLE}},
    {AT_MAIL | AT_DATA | AT_DOT, 400, 499, "4.3.2", {VERDICT_RELAY, FAULT_THROTTLE}},
    {AT_MAIL, 400, 499, "4.7.", {VERDICT_RELAY, FAULT_THROTTLE}},

    {AT_MAIL, 530, 530, NULL, {VERDICT_RELAY, FAULT_AUTH}},
    {AT_MAIL, 534, 535, NULL, {VERDICT_RELAY, FAULT_AUTH}},
    {AT_MAIL, 538, 538, NULL, {VERDICT_RELAY, FAULT_AUTH}},
    /* About this mail's size or sender, not about us. */
    {AT_MAIL, 552, 552, NULL, {VERDICT_REFUSE, FAULT_NONE}},
    {AT_MAIL, 500, 599, "5.3.4", {VERDICT_REFUSE, FAULT_NONE}},
    {AT_MAIL, 500, 599, "5.1.7", {VERDICT_REFUSE, FAULT_NONE}},
    {AT_MAIL, 500, 599, "5.1.8", {VERDICT_REFUSE, FAULT_NONE}},
    {AT_MAIL, 500, 599, NULL, {VERDICT_RELAY, FAULT_REFUSED}},

    {AT_RCPT, 452, 452, "", {VERDICT_AGAIN, FAULT_NONE}},
    {AT_RCPT, 452, 452, "4.5.3", {VERDICT_AGAIN, FAULT_NONE}},
    {AT_RCPT, 552, 552, "", {VERDICT_AGAIN, FAULT_NONE}},
    {AT_RCPT, 552, 552, "5.5.3", {VERDICT_AGAIN, FAULT_NONE}},
    {AT_RCPT, 552, 552, NULL, {VERDICT_DEFER, FAULT_NONE}},

    {AT_ANY, 400, 499, NULL, {VERDICT_DEFER, FAULT_NONE}},
    {AT_ANY, 500, 599, NULL, {VERDICT_REFUSE, FAULT_NONE}},
};

static bool fits_enhanced(const char *wanted, const char *enhanced)
{
    if (wanted == NULL) {
        return true;
    }
    size_t length = strlen(wanted);
    bool prefix = length > 0 && wanted[length - 1] == '.';
    return prefix ? strncmp(enhanced, wanted, length) == 0 : strcmp(enhanced, wanted) == 0;
}

Verdict verdict_of(Verb verb, const Reply *reply)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        const struct rule *rule = &rules[i];
        if ((rule->verbs & (1U << verb)) != 0 && reply->code >= rule->low &&
            reply->code <= rule->high && fits_enhanced(rule->enhanced, reply->enhanced)) {
            return rule->verdict;
        }
    }
    return (Verdict){VERDICT_SURPRISE, FAULT_NONE};
}

bool verdict_is_policy(const Reply *reply)
{
    bool wants_login = reply->code == 530 || reply->code == 534 || reply->code == 535;
    return reply_class(reply) == 5 && (wants_login || reply_subject_is(reply, 7));
}

const char *verb_text(Verb verb)
{
    static const char *const texts[] = {
        [VERB_RSET] = "RSET", [VERB_MAIL] = "MAIL", [VERB_RCPT] = "RCPT",
        [VERB_DATA] = "DATA", [VERB_DOT] = "dot",
    };
    return texts[verb];
}
