/* SPDX-License-Identifier: MIT */
/* Which escapers a value needs, and how they get into its pipeline. */
#include <string.h>

#include "rules/fault.h"
#include "rules/template/escape_internal.h"

static const Func *builtin(const char *name)
{
    return func_in(funcs_builtin, name, strlen(name));
}

/* html and urlquery, which authors of text templates escape with. */
static bool is_predefined(const Func *func)
{
    return func != NULL && (func == builtin("html") || func == builtin("urlquery"));
}

/* They may only be what a pipeline ends with, or something behind could undo them. */
static bool check_predefined(Context context, const Pipe *pipe, GError **error)
{
    for (const Command *command = pipe->commands; command != NULL;
         command = command->next) {
        const Func *func = command_func(command);
        bool is_unquoted =
            context.state == STATE_ATTR && context.delim == DELIM_SPACE_OR_TAG_END;
        if (is_predefined(func) &&
            (command->next != NULL || (is_unquoted && func == builtin("html")))) {
            g_set_error(error, FAULT, FAULT_INPUT,
                        "predefined escaper \"%s\" disallowed in template", func->name);
            return false;
        }
    }
    return true;
}

static void add(Escapers *escapers, EscaperId id)
{
    g_assert(escapers->n < ESCAPERS_MAX);
    escapers->ids[escapers->n++] = id;
}

static bool refuse(const Node *action, const char *reason, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);

    node_print(action, text);
    g_set_error(error, FAULT, FAULT_INPUT, "%s appears in %s", text->str, reason);
    return false;
}

static bool choose_url(Context context, const Node *action, Escapers *escapers,
                       GError **error)
{
    bool is_string =
        context.state == STATE_CSS_DQ_STRING || context.state == STATE_CSS_SQ_STRING;

    switch (context.url_part) {
    case URL_NONE:
        add(escapers, ESCAPER_URL_FILTER);
        add(escapers, is_string ? ESCAPER_CSS : ESCAPER_URL_NORMALIZER);
        return true;
    case URL_BEFORE_QUERY:
        add(escapers, is_string ? ESCAPER_CSS : ESCAPER_URL_NORMALIZER);
        return true;
    case URL_QUERY_OR_FRAGMENT:
        add(escapers, ESCAPER_URL);
        return true;
    default:
        return refuse(action, "an ambiguous context within a URL", error);
    }
}

static bool choose_by_state(Context *context, const Node *action, Escapers *escapers,
                            GError **error)
{
    switch (context->state) {
    case STATE_TEXT:
        add(escapers, ESCAPER_HTML);
        return true;
    case STATE_RCDATA:
        add(escapers, ESCAPER_RCDATA);
        return true;
    case STATE_ATTR_NAME:
        add(escapers, ESCAPER_NAME);
        return true;
    case STATE_ATTR:
    case STATE_META_CONTENT:
        return true;
    case STATE_META_CONTENT_URL:
        add(escapers, ESCAPER_URL_FILTER);
        return true;
    case STATE_SRCSET:
        add(escapers, ESCAPER_SRCSET);
        return true;
    case STATE_CSS:
        add(escapers, ESCAPER_CSS_FILTER);
        return true;
    case STATE_HTML_COMMENT:
    case STATE_CSS_BLOCK_COMMENT:
    case STATE_CSS_LINE_COMMENT:
        add(escapers, ESCAPER_COMMENT);
        return true;
    case STATE_JS:
        return refuse(action,
                      "JavaScript: mail clients run no scripts; "
                      "write the value elsewhere or remove the script",
                      error);
    default:
        return choose_url(*context, action, escapers, error);
    }
}

bool escape_choose(Context *context, const Node *action, Escapers *escapers,
                   GError **error)
{
    escapers->n = 0;
    if (action->pipe->variables != NULL) {
        return true; /* it writes nothing */
    }
    *context = context_nudge(*context);
    if (!check_predefined(*context, action->pipe, error) ||
        !choose_by_state(context, action, escapers, error)) {
        return false;
    }
    if (context->delim == DELIM_SPACE_OR_TAG_END) {
        add(escapers, ESCAPER_UNQUOTED);
    } else if (context->delim != DELIM_NONE) {
        add(escapers, ESCAPER_ATTRIBUTE);
    }
    return true;
}

/* The predefined escaper that makes as safe as ID; NULL if none does. */
static const Func *equivalent(EscaperId id)
{
    switch (id) {
    case ESCAPER_ATTRIBUTE:
    case ESCAPER_HTML:
    case ESCAPER_RCDATA:
        return builtin("html");
    case ESCAPER_URL:
    case ESCAPER_URL_NORMALIZER:
        return builtin("urlquery");
    default:
        return NULL;
    }
}

/* What AFTER would leave as BEFORE has made it. */
static bool is_redundant(const Func *before, EscaperId after)
{
    if (after == ESCAPER_ATTRIBUTE) {
        return before == &funcs_escape[ESCAPER_COMMENT] ||
               before == &funcs_escape[ESCAPER_CSS];
    }
    return after == ESCAPER_URL_NORMALIZER && before == &funcs_escape[ESCAPER_URL];
}

static Command *last_command(const Pipe *pipe)
{
    Command *last = pipe->commands;

    while (last != NULL && last->next != NULL) {
        last = last->next;
    }
    return last;
}

static void append_call(Arena *arena, Pipe *pipe, const Func *func)
{
    Command *command = command_new(arena, pipe->at);

    command_append(command, node_new_identifier(arena, pipe->at, func));
    pipe_append(pipe, command);
}

static void drop_last(Pipe *pipe)
{
    Command **end = &pipe->commands;

    while ((*end)->next != NULL) {
        end = &(*end)->next;
    }
    *end = NULL;
}

/* {{html a b}} becomes {{_eval_args_ a b | html}}. */
static void split_call(Arena *arena, Pipe *pipe)
{
    Command *command = pipe->commands;
    const Func *func = command_func(command);
    Node *name =
        node_new_identifier(arena, command->args->at, &funcs_escape[ESCAPER_EVAL_ARGS]);

    name->next = command->args->next;
    command->args = name;
    append_call(arena, pipe, func);
}

/* The predefined escaper the pipeline ends with, taken off where another will take its
 * place; NULL if it stays or there is none. */
static const Func *take_predefined(Arena *arena, Pipe *pipe, const Escapers *escapers)
{
    const Func *func = command_func(last_command(pipe));

    if (!is_predefined(func)) {
        return NULL;
    }
    if (pipe->commands->next == NULL && pipe->commands->n_args > 1) {
        split_call(arena, pipe);
    }
    for (size_t i = 0; i < escapers->n; i++) {
        if (equivalent(escapers->ids[i]) == func) {
            drop_last(pipe);
            return func;
        }
    }
    return NULL;
}

void escape_apply(Arena *arena, Node *action, const Escapers *escapers)
{
    Pipe *pipe = action->pipe;
    const Func *taken = take_predefined(arena, pipe, escapers);

    for (size_t i = 0; i < escapers->n; i++) {
        EscaperId id = escapers->ids[i];
        const Command *last = last_command(pipe);
        if (taken != NULL && equivalent(id) == taken) {
            append_call(arena, pipe, taken);
        } else if (last == NULL || !is_redundant(command_func(last), id)) {
            append_call(arena, pipe, &funcs_escape[id]);
        }
    }
}
