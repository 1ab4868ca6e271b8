/* SPDX-License-Identifier: MIT */
#include "bridge/delivery/smtp/job.h"

Job *job_new(Mail *take_mail)
{
    Job *job = g_new0(Job, 1);
    job->mail = take_mail;
    job->n = take_mail->n_recipients;
    job->outcomes = g_new0(Outcome, take_mail->n_recipients);
    job->pending = g_new0(bool, take_mail->n_recipients);
    for (unsigned i = 0; i < take_mail->n_recipients; i++) {
        job->pending[i] = true;
        job->n_pending++;
        if (take_mail->recipients[i].state != RECIPIENT_QUEUED) {
            job_settle(job, i, OUTCOME_UNTRIED, "", "");
        }
    }
    return job;
}

void job_free(Job *job)
{
    for (unsigned i = 0; i < job->n; i++) {
        outcome_clear(&job->outcomes[i]);
    }
    g_free(job->outcomes);
    g_free(job->pending);
    g_free(job);
}

static void close_pending(Job *job, unsigned i)
{
    if (job->pending[i]) {
        job->pending[i] = false;
        job->n_pending--;
    }
}

void job_settle(Job *job, unsigned i, OutcomeKind kind, const char *relay, const char *text)
{
    close_pending(job, i);
    outcome_set(&job->outcomes[i], kind, 0, "", relay, text);
}

void job_settle_reply(Job *job, unsigned i, OutcomeKind kind, const char *relay,
                      const Reply *reply)
{
    close_pending(job, i);
    outcome_set(&job->outcomes[i], kind, reply->code, reply->enhanced, relay, reply->text);
}

void job_settle_rest(Job *job, OutcomeKind kind, const char *relay, const char *text)
{
    for (unsigned i = 0; i < job->mail->n_recipients; i++) {
        if (job->pending[i]) {
            job_settle(job, i, kind, relay, text);
        }
    }
}

void job_reopen(Job *job, unsigned i)
{
    if (!job->pending[i]) {
        outcome_clear(&job->outcomes[i]);
        job->pending[i] = true;
        job->n_pending++;
    }
}
