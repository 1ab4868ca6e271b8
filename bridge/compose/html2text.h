/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_COMPOSE_HTML2TEXT_H
#define BRIDGE_COMPOSE_HTML2TEXT_H

#include <glib.h>

/* The text part of a mail that has only HTML: appends what a reader would see of HTML
 * (clean, any markup) to OUT.  A link's address follows its words in angle brackets, a
 * table's row is a line with its cells apart; styles, scripts and what is not displayed
 * are left out.  Never larger than a few times the input, and linear in it. */
void html_to_text(GString *out, const char *html);

#endif
