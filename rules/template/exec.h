/* SPDX-License-Identifier: MIT */
#ifndef RULES_TEMPLATE_EXEC_H
#define RULES_TEMPLATE_EXEC_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/template/ast.h"
#include "rules/template/funcs.h"
#include "rules/template/template.h"
#include "rules/template/zone.h"

/* Running a template: exec.c walks the tree, eval.c evaluates pipelines, call.c calls
 * functions and methods. */

/* What a key that a map does not have gives (Go's Option "missingkey"). */
typedef enum {
    MISSING_ZERO,    /* the zero value, as Alertmanager has it */
    MISSING_DEFAULT, /* no value */
    MISSING_ERROR,
} MissingKey;

/* What an execution is about; all of it outlives the execution. */
typedef struct {
    const Tree *entry;
    GHashTable *trees; /* const char * -> Tree * */
    Arena *arena; /* where values live */
    MissingKey missing;
    Timestamp now;
    const Notification *notification; /* NULL if there is none */
    ZoneCache *zones;
    const TemplateLimits *limits;
} ExecSetup;

/* Where the execution is, for error texts. */
typedef enum { AT_NODE, AT_COMMAND, AT_PIPE } PlaceType;
typedef struct {
    PlaceType type;
    const void *what; /* const Node *, Command *, Pipe * */
} Place;

struct Exec {
    const ExecSetup *setup;
    Arena *arena;
    GString *out;
    size_t out_start;
    const Tree *tree; /* that is being executed */
    Place place;
    Value *stack; /* the variables of all running templates */
    size_t stack_size, frame, top; /* those of this one: from frame to top */
    unsigned calls;   /* {{template}} within {{template}} */
    unsigned nesting; /* of everything that costs stack */
    uint64_t steps, steps_max;
    size_t memory_max;
    const Node *callee; /* the first argument of the call that is running, as written */
    GError *error;
};

/* Executes the entry with ROOT as its data and appends to OUT.  On error (INPUT, LIMIT)
 * OUT may hold a part. */
bool exec_run(const ExecSetup *setup, Value root, GString *out, GError **error);

/* Within an execution.  Failures are kept in exec->error, in Go's form. */
bool exec_fail(Exec *exec, const char *format, ...) G_GNUC_PRINTF(2, 3);
bool exec_fail_limit(Exec *exec, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Takes what a function has failed with; NAME is what was called. */
bool exec_fail_call(Exec *exec, const char *name, GError *take_reason);
/* One level deeper, one step further; false if that is more than allowed. */
bool exec_enter(Exec *exec);
void exec_leave(Exec *exec);
bool exec_fail_step(Exec *exec);
static inline bool exec_step(Exec *exec, uint64_t steps)
{
    exec->steps += steps;
    return (exec->steps <= exec->steps_max && arena_used(exec->arena) <= exec->memory_max) ||
           exec_fail_step(exec);
}

bool eval_pipe(Exec *exec, Value dot, const Pipe *pipe, Value *result);

/* What a function or method is called with. */
typedef struct {
    Value dot;
    const Node *args; /* as written, behind the function */
    size_t n_args;
    const Value *final; /* what the pipeline brings as the last one; NULL if nothing */
    const Value *receiver; /* a method's; NULL for functions */
    Place place; /* what errors of the function itself point at */
} CallArgs;

bool call_func(Exec *exec, const Func *func, const CallArgs *args, Value *result);
/* An operand as an argument for a parameter of PARAM's kind. */
bool eval_arg(Exec *exec, Value dot, Kind param, const Node *node, Value *result);
/* eval.c's part of it: operands that are evaluated the same whatever they are for. */
bool eval_operand(Exec *exec, Value dot, const Node *node, Value *result);
/* VALUE for a parameter of PARAM's kind. */
bool fit_value(Exec *exec, Value value, Kind param, Value *fitted);

static inline void exec_at_node(Exec *exec, const Node *node)
{
    exec->place = (Place){AT_NODE, node};
}

/* The content of an interface {} on its own: no longer boxed, and nil becomes no value. */
static inline Value value_unbox(Value value)
{
    if (value.kind == KIND_NIL) {
        return VALUE_NONE;
    }
    value.boxed = false;
    return value;
}

/* Builtins whose arguments are evaluated only as far as needed; the executor does. */
extern FuncCall builtin_and, builtin_or;

#endif
