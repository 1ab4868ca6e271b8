/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_ROFF_H
#define CONFIG_ROFF_H

#include <glib.h>

/* Texts of ours for man pages. */

/* Appends TEXT to a line, every character as itself; what stands in `backticks` is bold. */
void roff_append(GString *out, const char *text);
/* Appends paragraphs, which empty lines separate; lines that begin with two spaces are kept
 * as they are. */
void roff_append_text(GString *out, const char *text);

#endif
