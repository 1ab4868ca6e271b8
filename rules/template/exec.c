/* SPDX-License-Identifier: MIT */
/* Walking a template's tree: text, actions, branches, loops, calls of other templates.
 *
 * Variables live on one stack; the parser has given each its place in its template's
 * frame.  A failure is kept in exec->error with the place where it happened, and every
 * function on the way returns false; nothing is cleaned up, the execution is over. */
#include "rules/template/exec.h"

#include <string.h>

#include "rules/append.h"
#include "rules/fault.h"
#include "rules/quote.h"

/* Nested evaluation, which uses the thread's stack. */
#define NESTING_MAX 4000
/* Memory beyond that of the output, in bytes. */
#define SPARE_MEMORY ((size_t)64 * 1024 * 1024)

/* How a list ended. */
typedef enum { FLOW_DONE, FLOW_FAILED, FLOW_BREAK, FLOW_CONTINUE } Flow;

static Flow walk_list(Exec *exec, Value dot, const NodeList *list);

static Position place_position(Place place)
{
    switch (place.type) {
    case AT_NODE:
        return ((const Node *)place.what)->at;
    case AT_COMMAND:
        return ((const Command *)place.what)->at;
    case AT_PIPE:
        return ((const Pipe *)place.what)->at;
    }
    g_assert_not_reached();
}

static void place_print(Place place, GString *out)
{
    switch (place.type) {
    case AT_NODE:
        node_print(place.what, out);
        return;
    case AT_COMMAND:
        command_print(place.what, out);
        return;
    case AT_PIPE:
        pipe_print(place.what, out);
        return;
    }
}

static bool fail(Exec *exec, FaultKind kind, const char *reason)
{
    Position at = place_position(exec->place);
    g_autoptr(GString) name = g_string_new(NULL), context = g_string_new(NULL);
    quote_append_n(name, exec->tree->name, strlen(exec->tree->name), QUOTE_PLAIN);
    place_print(exec->place, context);
    g_set_error(&exec->error, FAULT, (gint)kind, "template: %s:%u:%u: executing %s at <%s>: %s",
                exec->tree->parse_name, at.line, at.column, name->str, context->str, reason);
    g_autofree char *words =
        g_strdup_printf("executing %s at <%s>: %s", name->str, context->str, reason);
    fault_set_place(exec->error, exec->tree->file, at.line, at.column, words);
    return false;
}

bool exec_fail(Exec *exec, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *reason = g_strdup_vprintf(format, args);
    va_end(args);
    return fail(exec, FAULT_INPUT, reason);
}

bool exec_fail_limit(Exec *exec, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *reason = g_strdup_vprintf(format, args);
    va_end(args);
    return fail(exec, FAULT_LIMIT, reason);
}

bool exec_fail_call(Exec *exec, const char *name, GError *take_reason)
{
    g_autoptr(GError) owned = take_reason;
    g_autofree char *reason = g_strdup_printf("error calling %s: %s", name, owned->message);
    return fail(exec, (FaultKind)owned->code, reason);
}

Arena *exec_arena(Exec *exec)
{
    return exec->arena;
}

Timestamp exec_now(const Exec *exec)
{
    return exec->setup->now;
}

const Notification *exec_notification(const Exec *exec)
{
    return exec->setup->notification;
}

ZoneCache *exec_zones(const Exec *exec)
{
    return exec->setup->zones;
}

size_t exec_room(const Exec *exec)
{
    return exec->setup->limits->output_bytes;
}

bool exec_charge(Exec *exec, uint64_t steps, GError **error)
{
    exec->steps += steps;
    if (exec->steps > exec->setup->limits->steps) {
        g_set_error(error, FAULT, FAULT_LIMIT, "more than %" G_GUINT64_FORMAT " steps",
                    exec->setup->limits->steps);
        return false;
    }
    return true;
}

bool exec_fail_step(Exec *exec)
{
    return exec->steps > exec->steps_max
               ? exec_fail_limit(exec, "more than %" G_GUINT64_FORMAT " steps", exec->steps_max)
               : exec_fail_limit(exec, "more than %zu bytes of memory", exec->memory_max);
}

bool exec_enter(Exec *exec)
{
    if (exec->nesting == NESTING_MAX) {
        return exec_fail_limit(exec, "nested deeper than %d", NESTING_MAX);
    }
    exec->nesting++;
    return true;
}

void exec_leave(Exec *exec)
{
    exec->nesting--;
}

static bool check_output(Exec *exec)
{
    size_t limit = exec->setup->limits->output_bytes;
    return exec->out->len - exec->out_start <= limit ||
           exec_fail_limit(exec, "more than %zu bytes of output", limit);
}

static bool print_result(Exec *exec, Value value)
{
    if (value_is_text(value)) {
        append_text(exec->out, value.text, value.n);
    } else {
        value_print(value, exec->out);
    }
    return check_output(exec);
}

static bool walk_action(Exec *exec, Value dot, const Node *node)
{
    Value value;
    if (!eval_pipe(exec, dot, node->pipe, &value)) {
        return false;
    }
    if (node->pipe->variables != NULL) {
        return true;
    }
    exec_at_node(exec, node);
    return print_result(exec, value);
}

static Flow walk_condition(Exec *exec, Value dot, const Node *node)
{
    Value value;
    if (!eval_pipe(exec, dot, node->branch.pipe, &value)) {
        return FLOW_FAILED;
    }
    if (value_truth(value)) {
        return walk_list(exec, node->type == NODE_WITH ? value : dot, &node->branch.body);
    }
    return walk_list(exec, dot, &node->branch.otherwise);
}

/* How often a loop runs. */
static bool count_turns(Exec *exec, const Node *node, Value over, uint64_t *turns)
{
    bool number = false;
    *turns = 0;
    switch (value_class(over)) {
    case CLASS_NONE:
        return true;
    case CLASS_LIST:
    case CLASS_MAP:
        *turns = over.n;
        return true;
    case CLASS_INT:
    case CLASS_UINT:
        number = true;
        *turns = over.integer > 0 ? (uint64_t)over.integer : 0;
        break;
    default:
        break;
    }
    if (number && node->branch.pipe->n_variables < 2) {
        return true;
    }
    g_autoptr(GString) text = g_string_new(NULL);
    value_print(over, text);
    return number ? exec_fail(exec, "can't use %s to iterate over more than one variable",
                              text->str)
                  : exec_fail(exec, "range can't iterate over %s", text->str);
}

static void take_turn(Value over, uint64_t turn, Value *index, Value *element)
{
    switch (value_class(over)) {
    case CLASS_MAP:
        value_entry(over, turn, index, element);
        return;
    case CLASS_LIST:
        *index = value_int((int64_t)turn);
        *element = value_item(over, turn);
        return;
    default:
        *index = VALUE_NONE;
        *element = value_integer(over.kind, (int64_t)turn);
        return;
    }
}

/* One variable gets the element, of two the first gets the index. */
static void set_loop_variables(Exec *exec, const Pipe *pipe, Value index, Value element)
{
    const Node *first = pipe->variables;
    if (first == NULL) {
        return;
    }
    const Node *last = first->next != NULL ? first->next : first;
    exec->stack[exec->frame + (size_t)first->variable.slot] = index;
    exec->stack[exec->frame + (size_t)last->variable.slot] = element;
}

static Flow walk_range(Exec *exec, Value dot, const Node *node)
{
    Value over;
    uint64_t turns;
    if (!eval_pipe(exec, dot, node->branch.pipe, &over) ||
        !count_turns(exec, node, over, &turns)) {
        return FLOW_FAILED;
    }
    if (turns == 0) {
        return walk_list(exec, dot, &node->branch.otherwise);
    }
    for (uint64_t turn = 0; turn < turns; turn++) {
        Value index, element;
        take_turn(over, turn, &index, &element);
        set_loop_variables(exec, node->branch.pipe, index, element);
        if (!exec_step(exec, 1)) {
            return FLOW_FAILED;
        }
        Flow flow = walk_list(exec, element, &node->branch.body);
        if (flow == FLOW_FAILED) {
            return FLOW_FAILED;
        }
        if (flow == FLOW_BREAK) {
            break;
        }
    }
    return FLOW_DONE;
}

/* Makes room for TREE's variables behind those of the caller. */
static void push_frame(Exec *exec, const Tree *tree, Value root)
{
    exec->frame = exec->top;
    exec->top += tree->slots;
    if (exec->top > exec->stack_size) {
        exec->stack_size = MAX(exec->top, exec->stack_size * 2);
        exec->stack = g_renew(Value, exec->stack, exec->stack_size);
    }
    memset(&exec->stack[exec->frame], 0, tree->slots * sizeof(Value));
    exec->stack[exec->frame] = root;
}

static bool walk_tree(Exec *exec, const Tree *tree, Value root)
{
    size_t frame = exec->frame;
    const Tree *caller = exec->tree;
    push_frame(exec, tree, root);
    exec->tree = tree;
    if (walk_list(exec, root, &tree->root) == FLOW_FAILED) {
        return false;
    }
    exec->tree = caller;
    exec->top = exec->frame;
    exec->frame = frame;
    return true;
}

static bool walk_call(Exec *exec, Value dot, const Node *node)
{
    const Tree *tree = g_hash_table_lookup(exec->setup->trees, node->call.name);
    Value root = VALUE_NONE;
    exec_at_node(exec, node);
    if (tree == NULL) {
        g_autoptr(GString) name = g_string_new(NULL);
        quote_append_n(name, node->call.name, strlen(node->call.name), QUOTE_PLAIN);
        return exec_fail(exec, "template %s not defined", name->str);
    }
    if (exec->calls == exec->setup->limits->depth) {
        return exec_fail_limit(exec, "exceeded maximum template depth (%u)", exec->calls);
    }
    if (node->call.pipe != NULL && !eval_pipe(exec, dot, node->call.pipe, &root)) {
        return false;
    }
    exec->calls++;
    bool good = walk_tree(exec, tree, root);
    exec->calls--;
    return good;
}

static Flow walk_node(Exec *exec, Value dot, const Node *node)
{
    exec_at_node(exec, node);
    if (!exec_step(exec, 1)) {
        return FLOW_FAILED;
    }
    switch (node->type) {
    case NODE_TEXT:
        append_text(exec->out, node->text.bytes, node->text.length);
        return check_output(exec) ? FLOW_DONE : FLOW_FAILED;
    case NODE_ACTION:
        return walk_action(exec, dot, node) ? FLOW_DONE : FLOW_FAILED;
    case NODE_IF:
    case NODE_WITH:
        return walk_condition(exec, dot, node);
    case NODE_RANGE:
        return walk_range(exec, dot, node);
    case NODE_TEMPLATE:
        return walk_call(exec, dot, node) ? FLOW_DONE : FLOW_FAILED;
    case NODE_BREAK:
        return FLOW_BREAK;
    case NODE_CONTINUE:
        return FLOW_CONTINUE;
    default:
        g_assert_not_reached();
    }
}

static Flow walk_list(Exec *exec, Value dot, const NodeList *list)
{
    Flow flow = FLOW_DONE;
    if (!exec_enter(exec)) {
        return FLOW_FAILED;
    }
    for (const Node *node = list->first; node != NULL && flow == FLOW_DONE; node = node->next) {
        flow = walk_node(exec, dot, node);
    }
    exec_leave(exec);
    return flow;
}

bool exec_run(const ExecSetup *setup, Value root, GString *out, GError **error)
{
    Exec exec = {.setup = setup, .arena = setup->arena, .out = out, .out_start = out->len,
                 .tree = setup->entry, .steps_max = setup->limits->steps,
                 .memory_max = setup->limits->output_bytes + SPARE_MEMORY};
    bool good = walk_tree(&exec, setup->entry, root);
    g_free(exec.stack);
    if (!good) {
        g_propagate_error(error, exec.error);
    }
    return good;
}
