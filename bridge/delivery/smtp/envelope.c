/* SPDX-License-Identifier: MIT */
#include "bridge/delivery/smtp/envelope.h"

#include "bridge/delivery/address.h"

/* NULL if the address can be used; else *ENHANCED is what its refusal has, BAD where no
 * server could take it. */
static const char *check_address(const Capabilities *capabilities, const char *address,
                                 const char *bad, const char **enhanced)
{
    const char *fault = address_fault(address);
    *enhanced = bad;
    if (fault == NULL && address_is_international(address) && !capabilities->smtputf8) {
        *enhanced = "5.6.7";
        fault = "address needs SMTPUTF8, which the server does not offer";
    }
    return fault;
}

/* What keeps the mail from all its recipients, NULL if nothing does. */
static char *check_mail(const Mail *mail, const Capabilities *capabilities, const char **enhanced)
{
    const char *sender =
        *mail->sender != '\0' ? check_address(capabilities, mail->sender, "5.1.7", enhanced) : NULL;
    if (sender != NULL) {
        return g_strconcat("sender: ", sender, NULL);
    }
    uint64_t max = capabilities->size_max;
    if (max > 0 && mail->length > max) {
        *enhanced = "5.3.4";
        return g_strdup_printf("the mail has %zu bytes, the server takes %" G_GUINT64_FORMAT,
                               mail->length, max);
    }
    return NULL;
}

static void refuse(Job *job, unsigned i, const char *relay, const char *enhanced,
                   const char *text)
{
    Reply reply = {0};
    g_strlcpy(reply.enhanced, enhanced, sizeof reply.enhanced);
    g_strlcpy(reply.text, text, sizeof reply.text);
    job_settle_reply(job, i, OUTCOME_REFUSED, relay, &reply);
}

unsigned envelope_choose(Job *job, const Capabilities *capabilities, const char *relay,
                         unsigned which[ENVELOPE_MAX])
{
    unsigned n = 0;
    const char *enhanced = "";
    g_autofree char *refusal = check_mail(job->mail, capabilities, &enhanced);
    for (unsigned i = 0; i < job->n && n < ENVELOPE_MAX; i++) {
        if (!job->pending[i]) {
            continue;
        }
        const char *address = job->mail->recipients[i].address, *code;
        const char *fault = check_address(capabilities, address, "5.1.3", &code);
        if (refusal != NULL) {
            refuse(job, i, relay, enhanced, refusal);
        } else if (fault != NULL) {
            refuse(job, i, relay, code, fault);
        } else {
            which[n++] = i;
        }
    }
    return n;
}

bool envelope_is_international(const Mail *mail, const unsigned *which, unsigned n)
{
    bool international = address_is_international(mail->sender);
    for (unsigned i = 0; i < n && !international; i++) {
        international = address_is_international(mail->recipients[which[i]].address);
    }
    return international;
}
