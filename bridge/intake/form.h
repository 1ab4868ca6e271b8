/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_INTAKE_FORM_H
#define BRIDGE_INTAKE_FORM_H

#include <glib.h>
#include <stddef.h>

/* The field NAME of a form (application/x-www-form-urlencoded), decoded; of several the
 * first.  NULL if there is none.  A % that is no escape stands for itself. */
GString *form_field(const char *body, size_t length, const char *name);

#endif
