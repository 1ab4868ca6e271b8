/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_QUEUE_CLIENT_H
#define BRIDGE_QUEUE_CLIENT_H

#include <glib.h>
#include <stdbool.h>

#include "bridge/json.h"
#include "bridge/outbox/manage.h"

/* Whom `alertpost queue` asks: the running daemon over HTTP or, where none runs, its
 * storage.  Both give the same answers. */
typedef struct QueueClient QueueClient;

/* What a daemon asks for; each NULL if nothing. */
typedef struct {
    const char *user, *password_file; /* of its basic_auth_users */
    const char *ca_file;              /* who signed its certificate; else the system's */
    const char *cert_file, *key_file; /* ours */
} QueueAccess;

/* STORAGE ("sqlite:PATH", of a file that exists) if it is not NULL, else the daemon at
 * URL.  NULL with ERROR set, also if a daemon has the storage. */
QueueClient *queue_client_new(const char *url, const char *storage, const QueueAccess *access,
                              GError **error);
void queue_client_free(QueueClient *client); /* NULL is allowed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(QueueClient, queue_client_free)

/* The outbox of a storage; NULL: it is a daemon's. */
Outbox *queue_client_outbox(QueueClient *client);

/* Asks with METHOD for PATH ("/api/v1/mails…") and ARGUMENTS (char * -> char *; NULL:
 * none).  NULL with ERROR set if there is no answer, or one that is not 200: then *STATUS
 * (0: none) tells. */
GString *queue_client_ask(QueueClient *client, const char *method, const char *path,
                          GHashTable *arguments, unsigned *status, GError **error);

/* What the daemon tells of itself (/api/v1/status); NULL where a storage is asked, or if it
 * does not answer. */
Json *queue_client_status(QueueClient *client);

#endif
