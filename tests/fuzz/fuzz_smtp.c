/* SPDX-License-Identifier: MIT */
/* Any bytes as what a mail server says during a transaction: every recipient must come
 * to an outcome or stay pending where nothing was said, "delivered" only after the whole
 * mail and its dot went out, "in doubt" only after a byte of the dot did.  The first
 * bytes choose the server's abilities, the recipients and the size of the pieces. */
#include <stdint.h>
#include <string.h>

#include "bridge/delivery/mask.h"
#include "bridge/delivery/smtp/transaction.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    const uint8_t *bytes;
    size_t length, piece;
    GString *got;
} Stream;

static ssize_t stream_send(void *who, const void *bytes, size_t length)
{
    Stream *stream = who;
    size_t some = MIN(length, stream->piece);
    g_string_append_len(stream->got, bytes, (gssize)some);
    return (ssize_t)some;
}

static ssize_t stream_receive(void *who, void *buffer, size_t size)
{
    Stream *stream = who;
    size_t some = MIN(MIN(size, stream->length), stream->piece);
    memcpy(buffer, stream->bytes, some);
    stream->bytes += some;
    stream->length -= some;
    return (ssize_t)some; /* 0: the end */
}

static const char *stream_error(void *who)
{
    (void)who;
    return "lost";
}

static void stream_mask(void *who, char *text)
{
    (void)who;
    mask_word(text, "word");
}

static const TransportOps stream_ops = {stream_send, stream_receive, stream_error, stream_mask};

static Mail *make_mail(unsigned recipients)
{
    Mail *mail = mail_new();
    mail->bytes = g_strdup("S: x\r\n\r\n.dot\r\n");
    mail->length = strlen(mail->bytes);
    for (unsigned i = 0; i < recipients; i++) {
        mail_add_recipient(mail, "a@b.example");
    }
    return mail;
}

static void check(const Transaction *t, const Job *job, const Stream *stream)
{
    bool whole = g_str_has_suffix(stream->got->str, "\r\n.\r\n");
    unsigned pending = 0;
    for (unsigned i = 0; i < job->n; i++) {
        OutcomeKind kind = job->outcomes[i].kind;
        pending += job->pending[i];
        g_assert(kind != OUTCOME_DELIVERED || whole);
        g_assert(kind != OUTCOME_IN_DOUBT || strstr(stream->got->str, "\r\n.") != NULL);
        g_assert(job->pending[i] || job->outcomes[i].text != NULL);
    }
    g_assert(pending == job->n_pending);
    g_assert(t->end != END_LOST || pending > 0);
    g_assert(pending == 0 || t->end == END_LOST || t->fault != FAULT_NONE ||
             t->replies[VERB_DOT][2] > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3) {
        return 0;
    }
    Capabilities capabilities = {.pipelining = data[0] & 1, .size = data[0] & 2};
    capabilities_add(&capabilities, (const char *)data, size);
    capabilities.pipelining = data[0] & 1;
    Stream stream = {data + 3, size - 3, (size_t)data[1] + 1, g_string_new("")};
    Job *job = job_new(make_mail(1 + data[2] % 5));
    Transaction *t = g_malloc(sizeof *t);
    static Outgoing out;
    TransactionPlan plan = {{&stream_ops, &stream}, job, &capabilities, "r", (data[0] & 4) != 0, &out, false, false};
    transaction_start(t, &plan);
    while (transaction_step(t, true) != NEED_NOTHING) {
    }
    check(t, job, &stream);
    g_free(t);
    mail_free(job->mail);
    job_free(job);
    g_string_free(stream.got, TRUE);
    return 0;
}
