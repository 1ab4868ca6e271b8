/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "config/domain.h"
#include "config/loader.h"
#include "config/smtp_fields.h"

static const char *const in_doubt_names[] = {"retry", "keep", NULL};

static void set_in_doubt(const Reader *reader, const Field *field, const Node *node,
                         void *where)
{
    unsigned choice = 0;
    type_choice.set(reader, field, node, &choice);
    *(bool *)where = choice == 1;
}

static const ValueType type_in_doubt = {"choice", set_in_doubt};

static const char *const pipelining_names[] = {"grouped", "deep", "off", NULL};

static const Field retry_fields[] = {
    RANGED(DeliverySettings, config.retry_min_ms, "min", "5s", 1, 0,
           "The first wait after a failure is at most this, …"),
    RANGED(DeliverySettings, config.retry_max_ms, "max", "15m", 1, 0,
           "… and later ones grow up to this."),
    RANGED(DeliverySettings, config.give_up_ms, "give_up", "48h", 1, 0,
           "A mail that is older is dead."),
};

const Schema retry_schema = PLAIN_SCHEMA("retry", DeliverySettings, retry_fields,
                                         "When a deferred mail is tried again.");

static const Field timeouts_fields[] = {
    RANGED(DeliverySettings, config.connect_ms, "connect", "30s", 1, 0,
           "Finding the address, TCP and TLS."),
    RANGED(DeliverySettings, config.greeting_ms, "greeting", "60s", 1, 0,
           "The server's first line."),
    RANGED(DeliverySettings, config.command_ms, "command", "2m", 1, 0,
           "The reply to a command."),
    RANGED(DeliverySettings, config.write_ms, "write", "3m", 1, 0,
           "A server that takes no more bytes."),
    RANGED(DeliverySettings, config.final_dot_ms, "final_dot", "10m", 1, 0,
           "The reply to the end of a mail."),
    RANGED(DeliverySettings, config.quit_ms, "quit", "2s", 1, 0, "The reply to QUIT."),
};

const Schema timeouts_schema =
    PLAIN_SCHEMA("timeouts", DeliverySettings, timeouts_fields,
                 "How long a mail server may take. A silent one costs one session.");

static const Field rate_limit_fields[] = {
    {ROW("mails", &type_count, MEMBER_OF(RateLimitSettings, config.mails, size_t),
         "So many mails …"),
     .missing = "missing mails in rate_limit",
     .min = 1},
    RANGED(RateLimitSettings, config.per_ms, "per", "1m", 1, 0, "… in this time."),
    COUNT(RateLimitSettings, config.burst, "burst", "1",
          "So many may leave at once after a pause."),
};

const Schema rate_limit_schema =
    SCHEMA("rate_limit", RateLimitSettings, rate_limit_fields,
           "How many mails a mail server gets. What is beyond waits in the queue and leaves "
           "evenly, one by one, over as few sessions as that needs. A mail counts each time "
           "it is sent; a Maildir has no limit.");

static const Field fallback_fields[] = {
    {ROW("smarthost", &type_smarthost, MEMBER_OF(FallbackSettings, smtp.smarthost, Smarthost),
         "The mail server, host:port."),
     .missing = "missing smarthost in fallback_smarthosts"},
    LOGIN_FIELDS(FallbackSettings, "", NULL),
};

const Schema fallback_schema =
    SCHEMA("fallback_smarthost", FallbackSettings, fallback_fields,
           "An entry of `fallback_smarthosts` that has settings of its own. What is not said "
           "here is as in the integration that needs it.");

/* Each item is a mapping, or just the server's name. */
static void set_fallbacks(const Reader *reader, const Field *field, const Node *node,
                          void *where)
{
    List *list = where;
    if (node->kind != NODE_SEQUENCE) {
        report_error(reader->report, node, "expected a list, found %s",
                     node->kind == NODE_SCALAR ? "text" : "a mapping");
        return;
    }
    list->items = arena_array(reader->arena, FallbackSettings, node->n);
    for (const Node *child = node->first; child != NULL; child = child->next) {
        FallbackSettings *fallback = LIST_ITEM(*list, FallbackSettings, list->n++);
        if (child->kind == NODE_SCALAR) {
            smarthost_read(reader, child, &fallback->smtp.smarthost);
        } else {
            schema_read(reader, field->detail, child, fallback);
        }
    }
}

static const ValueType type_fallbacks = {
    "list of host:port, or [fallback_smarthost](#fallback_smarthost)", set_fallbacks};

static const Field delivery_fields[] = {
    FIELD(DeliverySettings, config.postmaster, "postmaster", "",
          "The address that gets what has no other left, and notices of dead mails."),
    RANGED(DeliverySettings, config.connections, "connections", "8", 1, 1000,
           "Sessions per relay, at most; opened as the queue asks."),
    RANGED(DeliverySettings, config.mails_per_connection, "mails_per_connection", "100", 1,
           1000000, "Then a session is closed."),
    RANGED(DeliverySettings, config.idle_close_ms, "idle_close", "10s", 1, 0,
           "Close an unused session after this."),
    RANGED(DeliverySettings, config.connection_lifetime_ms, "connection_lifetime", "5m", 1, 0,
           "Take no more mails over a session that is older."),
    CHOICE(DeliverySettings, config.pipelining, "pipelining", "grouped", pipelining_names,
           "Where a server offers PIPELINING: the commands of a mail in one go; with `deep`, once "
           "all sessions are busy, also those of the next mail behind the end of the one before, "
           "for slow lines; or one by one."),
    OPTIONAL_SECTION(DeliverySettings, rate_limit, "rate_limit", RateLimitSettings,
                     &rate_limit_schema, "Mails per time and relay; off by default."),
    GROUP("retry", &retry_schema, "When a deferred mail is tried again."),
    {ROW("in_doubt", &type_in_doubt, MEMBER_OF(DeliverySettings, config.in_doubt_keep, bool),
         "A connection lost between the final dot and its reply: send the same bytes again "
         "after a minute, or keep the mail as dead."),
     .unset = "retry",
     .detail = in_doubt_names},
    RANGED(DeliverySettings, config.history_ms, "history", "7d", 0, 0,
           "How long it is remembered what became of a mail that was delivered or dropped: "
           "its recipients and the server's words, not the mail itself."),
    GROUP("timeouts", &timeouts_schema, "How long a mail server may take."),
    {ROW("fallback_smarthosts", &type_fallbacks, MEMBER_OF(DeliverySettings, fallbacks, List),
         "Mail servers used, in this order, while the one of an integration fails itself. A "
         "`host:port` is spoken to with the integration's own login and TLS settings."),
     .detail = &fallback_schema},
};

const Schema delivery_schema =
    SCHEMA("delivery", DeliverySettings, delivery_fields, "How mails leave.");

static const Field dkim_fields[] = {
    REQUIRED(DkimSettings, config.domain, "domain", "missing domain in dkim",
             "Who signs: the domain of `from`, or one above it."),
    REQUIRED(DkimSettings, config.selector, "selector", "missing selector in dkim",
             "The public key is looked up at SELECTOR._domainkey.DOMAIN."),
    FIELD(DkimSettings, config.private_key, "private_key", NULL,
          "The RSA key, as PEM text; 2048 bits are usual, 1024 the least."),
    SECRET_FILE(DkimSettings, config.private_key, "private_key_file",
                "The file with it, read for every mail."),
};

const Schema dkim_schema =
    SCHEMA("dkim", DkimSettings, dkim_fields,
           "Mails are signed (DKIM: rsa-sha256, relaxed/relaxed). Of use where the mail server "
           "does not do it. A mail whose key cannot be read goes out without a signature; "
           "the log and `alertpost_dkim_errors_total` say so.");

static const Field limits_fields[] = {
    RANGED(LimitsConfig, body, "body", "32MiB", 1, 0, "A webhook's body."),
    COUNT(LimitsConfig, alerts, "alerts", "10000", "Alerts in a webhook."),
    COUNT(LimitsConfig, labels, "labels", "256", "Labels, and annotations, of an alert."),
    COUNT(LimitsConfig, recipients, "recipients", "1000", "Recipients of a mail."),
    RANGED(LimitsConfig, mail, "mail", "10MiB", 1, 0, "A mail's bytes."),
    COUNT(LimitsConfig, queue_mails, "queue_mails", "100000",
          "Mails in the queue; then webhooks are answered with 503."),
    RANGED(LimitsConfig, queue_bytes, "queue_bytes", "1GiB", 1, 0, "Their bytes; likewise."),
    COUNT(LimitsConfig, history, "history", "1000000",
          "Groups remembered in memory; the others are looked up in the storage."),
    COUNT(LimitsConfig, history_mails, "history_mails", "1000000",
          "Mails remembered after they were delivered or dropped (`delivery: history`), about "
          "500 bytes each in the storage; with `memory:` at most 10000."),
    RANGED(LimitsConfig, inflight_bytes, "inflight_bytes", "256MiB", 1, 0,
           "Bodies of webhooks that are being worked on, in all; the last quarter is for those "
           "up to 64 KiB."),
    COUNT(LimitsConfig, waiting, "waiting", "2000", "Webhooks that wait for a worker."),
    RANGED(LimitsConfig, connections, "connections", "4096", 1, 1000000,
           "HTTP connections, in all. One more takes the place of that which has been silent "
           "for longest. This and the next two act from the start on, not at a reload."),
    RANGED(LimitsConfig, connections_per_address, "connections_per_address", "2048", 1, 1000000,
           "Those of one IPv4 address or IPv6 /64; likewise."),
    RANGED(LimitsConfig, request_ms, "request_time", "60s", 1, 0,
           "For a request to arrive, whole, from its first line."),
};

const Schema limits_schema =
    PLAIN_SCHEMA("limits", LimitsConfig, limits_fields, "Ceilings. None can be switched off.");

static void check_postmaster(Loader *loader, const DeliverySettings *settings)
{
    const char *address = settings->config.postmaster;
    const char *at = address != NULL ? strrchr(address, '@') : NULL;
    if (address == NULL || *address == '\0') {
        return;
    }
    if (at == NULL || at == address || at[1] == '\0' || strpbrk(address, " \t,<>\r\n")) {
        report_error(loader->reader.report, node_get(settings->at.node, "postmaster"),
                     "must be one address, as in postmaster@example.org");
    }
}

static void check_retry(Loader *loader, const DeliverySettings *settings)
{
    const Node *retry = node_get(settings->at.node, "retry");
    const DeliveryConfig *config = &settings->config;
    if (config->retry_min_ms > config->retry_max_ms) {
        report_error(loader->reader.report, retry, "min is longer than max");
    }
    if (config->retry_max_ms > config->give_up_ms) {
        report_error(loader->reader.report, retry, "max is longer than give_up");
    }
}

static void check_fallbacks(Loader *loader, const List *list)
{
    for (unsigned i = 0; i < list->n; i++) {
        const SmtpSettings *smtp = &LIST_ITEM(*list, FallbackSettings, i)->smtp;
        loader_check_tls(loader, &smtp->tls);
        loader_check_oauth2(loader, smtp);
        if (smtp->smarthost.node != NULL && smtp->smarthost.scheme != RELAY_SMTP) {
            report_error(loader->reader.report, smtp->smarthost.node,
                         "a fallback is a mail server, host:port");
        }
    }
}

/* A selector is of a domain's form, too. */
static void make_ascii(Loader *loader, const Node *node, char **name)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *ascii = *name != NULL ? domain_to_ascii(*name, &error) : NULL;
    if (error != NULL) {
        report_error(loader->reader.report, node, "%s", error->message);
    } else if (ascii != NULL) {
        *name = arena_strdup(loader->reader.arena, ascii);
    }
}

static void load_dkim(Loader *loader)
{
    const DkimSettings *settings = &loader->file.dkim;
    DkimConfig *dkim = &loader->config->dkim;
    *dkim = settings->config;
    const Node *node = settings->at.node;
    if (node == NULL) {
        dkim->domain = dkim->selector = dkim->place = arena_strdup(loader->reader.arena, "");
        return;
    }
    if (!secret_is_set(&dkim->private_key)) {
        report_error(loader->reader.report, node, "missing private_key_file in dkim");
    }
    dkim->place = arena_printf(loader->reader.arena, "%s:%u:%u: dkim", loader->config->path,
                               node->line, node->col);
    make_ascii(loader, node_get(node, "domain"), &dkim->domain);
    make_ascii(loader, node_get(node, "selector"), &dkim->selector);
}

void load_delivery(Loader *loader)
{
    const DeliverySettings *settings = &loader->file.delivery;
    check_postmaster(loader, settings);
    check_retry(loader, settings);
    check_fallbacks(loader, &settings->fallbacks);
    loader->config->delivery = settings->config;
    loader->config->delivery.rate_limit = settings->rate_limit.config;
    loader->config->limits = loader->file.limits;
    load_dkim(loader);
}
