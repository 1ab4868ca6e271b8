/* SPDX-License-Identifier: MIT */
#include "rules/fault.h"

/* What GLib keeps beside each error of the domain. */
typedef struct {
    FaultPlace place; /* file NULL: none */
} FaultPrivate;

static void fault_private_init(FaultPrivate *private)
{
    *private = (FaultPrivate){{NULL, 0, 0, NULL}};
}

static void fault_private_copy(const FaultPrivate *from, FaultPrivate *to)
{
    *to = *from;
    to->place.file = g_strdup(from->place.file);
    to->place.reason = g_strdup(from->place.reason);
}

static void fault_private_clear(FaultPrivate *private)
{
    g_free(private->place.file);
    g_free(private->place.reason);
}

/* The macro casts const away. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual"
G_DEFINE_EXTENDED_ERROR(Fault, fault)
#pragma GCC diagnostic pop

void fault_set_place(GError *error, const char *file, unsigned line, unsigned column,
                     const char *reason)
{
    FaultPrivate *private = fault_get_private(error);
    fault_private_clear(private);
    private->place = (FaultPlace){g_strdup(file), line, column, g_strdup(reason)};
}

const FaultPlace *fault_place(const GError *error)
{
    const FaultPrivate *private = error->domain == FAULT ? fault_get_private(error) : NULL;
    return private != NULL && private->place.file != NULL ? &private->place : NULL;
}
