/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_DELIVERY_MASK_H
#define BRIDGE_DELIVERY_MASK_H

/* What others say of us may hold our secrets. */

/* Puts "***" in place of WORD in TEXT, also where TEXT is cut (its end, or "...") within it.
 * Words of less than 4 bytes stay: they are everywhere. */
void mask_word(char *text, const char *word);
/* The same for SECRET as it is, in base64, and as in a form. */
void mask_secret(char *text, const char *secret);

#endif
