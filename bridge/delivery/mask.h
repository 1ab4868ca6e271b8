/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_DELIVERY_MASK_H
#define BRIDGE_DELIVERY_MASK_H

#include <glib.h>

/* What others say of us may hold our secrets. */

/* Puts "***" in place of WORD in TEXT, also where TEXT is cut (its end, or "...") within it.
 * Words of less than 4 bytes stay: they are everywhere. */
void mask_word(char *text, const char *word);
/* The same for SECRET as it is, in base64, and as in a form. */
void mask_secret(char *text, const char *secret);

/* The same for many, where texts come often: an empty list, whose words are overwritten
 * when it is freed (g_ptr_array_unref). */
GPtrArray *mask_list_new(void);
void mask_list_add(GPtrArray *list, const char *word);
void mask_list_add_secret(GPtrArray *list, const char *secret); /* in all those forms */
void mask_list(char *text, const GPtrArray *list);

#endif
