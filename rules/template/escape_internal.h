/* SPDX-License-Identifier: MIT */
#ifndef RULES_TEMPLATE_ESCAPE_INTERNAL_H
#define RULES_TEMPLATE_ESCAPE_INTERNAL_H

#include "rules/template/ast.h"
#include "rules/template/context.h"

/* The rows of funcs_escape (escape_funcs.c). */
typedef enum {
    ESCAPER_HTML,
    ESCAPER_ATTRIBUTE,
    ESCAPER_URL_FILTER,
    ESCAPER_URL_NORMALIZER,
    ESCAPER_URL,
    ESCAPER_RCDATA,
    ESCAPER_UNQUOTED,
    ESCAPER_NAME,
    ESCAPER_SRCSET,
    ESCAPER_CSS,
    ESCAPER_CSS_FILTER,
    ESCAPER_COMMENT,
    ESCAPER_EVAL_ARGS,
    ESCAPER_COUNT,
} EscaperId;

#define ESCAPERS_MAX 3

/* What a value needs in one place. */
typedef struct {
    EscaperId ids[ESCAPERS_MAX];
    size_t n;
} Escapers;

/* What ACTION needs in *CONTEXT, which becomes that behind it.  escape_action.c.  On
 * error (INPUT) only the reason. */
bool escape_choose(Context *context, const Node *action, Escapers *escapers,
                   GError **error);
/* Puts them at the end of ACTION's pipeline; what its author escapes with is kept where
 * it does the same. */
void escape_apply(Arena *arena, Node *action, const Escapers *escapers);

typedef struct {
    bool changed; /* otherwise OUT holds nothing */
    size_t bad;   /* with an error: the offset of what is wrong */
} CleanedText;

/* Goes over a text node from *CONTEXT and appends what html/template makes of it:
 * without comments, with every < that begins nothing as &lt;.  escape_text.c.  On error
 * (INPUT) only the reason. */
bool escape_clean_text(Context *context, const Node *text, GString *out,
                       CleanedText *cleaned, GError **error);

#endif
