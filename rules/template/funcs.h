/* SPDX-License-Identifier: MIT */
#ifndef RULES_TEMPLATE_FUNCS_H
#define RULES_TEMPLATE_FUNCS_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/arena.h"
#include "rules/template/template.h"
#include "rules/template/value.h"

/* One running execution, as functions see it. */
typedef struct Exec Exec;
Arena *exec_arena(Exec *exec); /* where results live */
Timestamp exec_now(const Exec *exec);
/* NULL where there is none (the conformance cases' plain data). */
const Notification *exec_notification(const Exec *exec);
/* The time zones loaded so far, shared by the executions of a set; never NULL. */
struct ZoneCache *exec_zones(const Exec *exec); /* zone.h */
/* The bytes one result may have; a function that can multiply its input checks it. */
size_t exec_room(const Exec *exec);
/* Charges STEPS against the execution's ceiling: for work that grows with the data.
 * False with a LIMIT error. */
bool exec_charge(Exec *exec, uint64_t steps, GError **error);

/* A function's body.  The N arguments have passed their checks.  On failure ERROR holds
 * only the reason (INPUT, or LIMIT); the caller puts "error calling NAME: " before it. */
typedef bool FuncCall(Exec *exec, const Value *args, size_t n, Value *result, GError **error);

#define ARGS_MAX UINT8_MAX /* variadic */

/* A row of a function table.  PARAMS are the kinds of its parameters; the last one
 * stands for all that follow.  KIND_ANY takes everything, KIND_RAW also no value. */
typedef struct {
    const char *name;
    uint8_t min, max; /* number of arguments */
    uint8_t params[4];
    FuncCall *call;
} Func;

/* A method: a function whose receiver comes first, as args[0], and is neither counted
 * in min and max nor listed in params. */
typedef struct {
    Kind kind;
    Func func;
} Method;

/* A field of a struct kind.  Rows of one kind are in the order of Go's struct, which is
 * the order %v prints them in. */
typedef struct {
    Kind kind;
    const char *name;
    /* What the value holds may be put in ARENA.  EXEC is NULL while printing. */
    Value (*get)(Exec *exec, Arena *arena, Value receiver);
    bool unprinted; /* an addition of ours: {{ . }} does not show it */
} Field;

/* The tables; each ends with a row without a name. */
extern const Func funcs_builtin[];      /* builtins.c: Go's */
extern const Func funcs_alertmanager[]; /* funcs_alertmanager.c */
extern const Func funcs_escape[];       /* escape_funcs.c: not callable by name */
extern const Method methods[];          /* methods.c */
extern const Field fields[];            /* data.c */

/* What kinds with a String method print; NULL for the others.  methods.c */
typedef void Stringer(Value value, GString *out);
Stringer *kind_stringer(Kind kind);

/* What a template's author can call; NULL if there is none. */
const Func *func_find(const char *name, size_t length);
/* The row NAME of TABLE. */
const Func *func_in(const Func *table, const char *name, size_t length);

/* What a name after a dot means for values of one kind: a method or a field. */
typedef struct {
    Kind kind;
    const Func *method; /* or */
    const Field *field;
} Member;

/* The members called NAME, in the arena, up to one of KIND_NONE; NULL if no kind has
 * any. */
const Member *members_find(Arena *arena, const char *name, size_t length);

#endif
