/* SPDX-License-Identifier: MIT */
/* AUTH: a line, a reply, until 235 or a refusal. */
#include "bridge/delivery/smtp/session_inside.h"

bool login_begin(Session *session)
{
    char *line = auth_start(&session->auth, &session->credentials,
                            session->opening.capabilities.mechanisms);
    if (line != NULL) {
        return talk_say(session, line);
    }
    bool exposed = session->credentials.exposed;
    session_fail(session, exposed ? OPENING_NO_AUTH_CLEAR : OPENING_NO_AUTH, "");
    return false;
}

static bool answer(Session *session)
{
    char *line =
        auth_answer(&session->auth, &session->credentials, session->opening.last.text);
    if (line != NULL) {
        return talk_say(session, line);
    }
    session_fail(session, OPENING_BROKEN, "the server asks on and on");
    return false;
}

bool login_heard(Session *session)
{
    Opening *opening = &session->opening;
    if (opening->last.code == 334) {
        return answer(session);
    }
    if (opening->last.code == 235) {
        opening->stage = STAGE_READY;
        session_announce(session);
    } else if (!session_renew_token(session)) {
        session_fail(session, OPENING_BROKEN, "not an answer to AUTH");
    }
    return false;
}
