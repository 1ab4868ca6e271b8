/* SPDX-License-Identifier: MIT */
/* Calling functions and methods: number and kinds of the arguments, then the call. */
#include "rules/template/exec.h"

#include "rules/fault.h"

/* Arguments of a call that need no memory from the arena. */
#define ARGS_AT_HAND 8

static bool is_variadic(const Func *func)
{
    return func->max == ARGS_MAX;
}

static Kind param_kind(const Func *func, size_t index)
{
    return func->params[is_variadic(func) ? MIN(index, func->min) : index];
}

static bool check_count(Exec *exec, const Func *func, const CallArgs *args)
{
    size_t n = args->n_args + (args->final != NULL);
    if (is_variadic(func)) {
        return n >= func->min || exec_fail(exec, "wrong number of args for %s: want at least %u "
                                                 "got %zu",
                                           func->name, func->min, args->n_args);
    }
    return n == func->min || exec_fail(exec, "wrong number of args for %s: want %u got %zu",
                                       func->name, func->min, n);
}

/* Slices and maps of the same content go for each other if one of them has no name. */
static bool is_assignable(Kind kind, Kind param)
{
    if (kind == param) {
        return true;
    }
    switch (param) {
    case KIND_STRINGS:
        return kind == KIND_NAMES;
    case KIND_NAMES:
        return kind == KIND_STRINGS;
    case KIND_LABELS:
        return kind == KIND_KV;
    case KIND_KV:
        return kind == KIND_LABELS;
    case KIND_ALERTS:
        return kind == KIND_FIRING;
    default:
        return false;
    }
}

static bool can_be_nil(Kind param)
{
    Class class = value_class((Value){.kind = (uint8_t)param});
    return class == CLASS_LIST || class == CLASS_MAP || class == CLASS_POINTER;
}

static Value nil_of(Kind param)
{
    static const Labels no_labels = {NULL, 0};
    Value nil = {.kind = (uint8_t)param};
    if (param == KIND_KV || param == KIND_LABELS) {
        nil.labels = &no_labels;
    }
    return nil;
}

bool fit_value(Exec *exec, Value value, Kind param, Value *fitted)
{
    if (param == KIND_RAW) {
        *fitted = value;
        return true;
    }
    if (param == KIND_ANY) {
        *fitted = value.kind == KIND_NONE ? VALUE_NIL : value;
        return true;
    }
    if (value.kind == KIND_NONE && can_be_nil(param)) {
        *fitted = nil_of(param);
        return true;
    }
    if (value.kind == KIND_NONE) {
        return exec_fail(exec, "invalid value; expected %s", kind_type(param));
    }
    if (!is_assignable(value.kind, param)) {
        return exec_fail(exec, "wrong type for value; expected %s; got %s", kind_type(param),
                         kind_type(value.kind));
    }
    *fitted = value_unbox(value);
    return true;
}


static bool fail_expected(Exec *exec, const char *what, const Node *node)
{
    g_autoptr(GString) text = g_string_new(NULL);
    node_print(node, text);
    return exec_fail(exec, "expected %s; found %s", what, text->str);
}

static bool number_arg(Exec *exec, Class class, Kind param, const Node *node, Value *result)
{
    const Number *number = node->type == NODE_NUMBER ? node->number.value : NULL;
    switch (class) {
    case CLASS_INT:
        if (number == NULL || !number->is_int) {
            return fail_expected(exec, "integer", node);
        }
        *result = value_integer(param, number->integer);
        return true;
    case CLASS_UINT:
        if (number == NULL || !number->is_uint) {
            return fail_expected(exec, "unsigned integer", node);
        }
        *result = value_integer(param, (int64_t)number->natural);
        return true;
    default:
        if (number == NULL || !number->is_float) {
            return fail_expected(exec, "float", node);
        }
        *result = value_float(number->real);
        return true;
    }
}

/* A number, string or bool for a parameter that takes anything. */
static bool ideal_arg(Exec *exec, const Node *node, Value *result)
{
    switch (node->type) {
    case NODE_BOOL:
        *result = value_bool(node->truth);
        return true;
    case NODE_STRING:
        *result = node->string.value;
        return true;
    case NODE_NUMBER:
        *result = node->number.value->constant;
        return result->kind != KIND_NONE ||
               exec_fail(exec, "%s overflows int", node->number.source);
    default:
        g_assert_not_reached();
    }
}

/* A literal is read as what the parameter is: 28800e9 is an integer for an integer. */
static bool literal_arg(Exec *exec, Kind param, const Node *node, Value *result)
{
    if (param == KIND_ANY || param == KIND_RAW) {
        return ideal_arg(exec, node, result);
    }
    Class class = value_class((Value){.kind = (uint8_t)param});
    switch (class) {
    case CLASS_BOOL:
        *result = value_bool(node->truth);
        return node->type == NODE_BOOL || fail_expected(exec, "bool", node);
    case CLASS_INT:
    case CLASS_UINT:
    case CLASS_FLOAT:
        return number_arg(exec, class, param, node, result);
    case CLASS_STRING:
        if (node->type != NODE_STRING) {
            return fail_expected(exec, "string", node);
        }
        *result = node->string.value;
        result->kind = (uint8_t)param;
        return true;
    default:
        break;
    }
    g_autoptr(GString) text = g_string_new(NULL);
    node_print(node, text);
    return exec_fail(exec, "can't handle %s for arg of type %s", text->str, kind_type(param));
}

static bool nil_arg(Exec *exec, Kind param, Value *result)
{
    if (param == KIND_ANY) {
        *result = VALUE_NIL;
    } else if (param == KIND_RAW) {
        *result = VALUE_NONE;
    } else if (can_be_nil(param)) {
        *result = nil_of(param);
    } else {
        return exec_fail(exec, "cannot assign nil to %s", kind_type(param));
    }
    return true;
}

bool eval_arg(Exec *exec, Value dot, Kind param, const Node *node, Value *result)
{
    exec_at_node(exec, node);
    switch (node->type) {
    case NODE_NIL:
        return nil_arg(exec, param, result);
    case NODE_BOOL:
    case NODE_NUMBER:
    case NODE_STRING:
        return literal_arg(exec, param, node, result);
    default:
        return eval_operand(exec, dot, node, result) &&
               fit_value(exec, *result, param, result);
    }
}

/* `and` and `or`: the first argument that decides, and no argument behind it. */
static bool call_lazily(Exec *exec, const Func *func, const CallArgs *args, Value *result)
{
    for (const Node *arg = args->args; arg != NULL; arg = arg->next) {
        if (!eval_arg(exec, args->dot, KIND_RAW, arg, result)) {
            return false;
        }
        if (value_truth(*result) == (func->call == builtin_or)) {
            return true;
        }
    }
    if (args->final != NULL) {
        *result = *args->final;
    }
    return true;
}

/* All that the function gets, with the receiver. */
static size_t count_args(const CallArgs *args)
{
    return args->n_args + (args->receiver != NULL) + (args->final != NULL);
}

/* What the arguments' size adds to the cost of a call. */
static uint64_t call_cost(const Value *args, size_t n)
{
    uint64_t cost = 1;
    for (size_t i = 0; i < n; i++) {
        int64_t length = value_length(args[i]);
        cost += length > 0 ? (uint64_t)length / 64 : 0;
    }
    return cost;
}

static bool call_with(Exec *exec, const Func *func, const CallArgs *args, const Value *argv,
                      Value *result)
{
    GError *reason = NULL;
    size_t used = arena_used(exec->arena), n = count_args(args);
    exec->callee = args->args;
    if (!func->call(exec, argv, n, result, &reason)) {
        exec->place = args->place;
        return exec_fail_call(exec, func->name, reason);
    }
    return exec_step(exec, call_cost(argv, n) + (arena_used(exec->arena) - used) / 64);
}

/* The arguments, the receiver before them; ARGV has room for all. */
static bool eval_args(Exec *exec, const Func *func, const CallArgs *args, Value *argv)
{
    size_t index = 0;
    if (args->receiver != NULL) {
        *argv++ = *args->receiver;
    }
    for (const Node *arg = args->args; arg != NULL; arg = arg->next, index++) {
        if (!eval_arg(exec, args->dot, param_kind(func, index), arg, &argv[index])) {
            return false;
        }
    }
    return args->final == NULL ||
           fit_value(exec, *args->final, param_kind(func, index), &argv[index]);
}

bool call_func(Exec *exec, const Func *func, const CallArgs *args, Value *result)
{
    Value at_hand[ARGS_AT_HAND];
    if (!check_count(exec, func, args)) {
        return false;
    }
    if (func->call == builtin_and || func->call == builtin_or) {
        return call_lazily(exec, func, args, result);
    }
    size_t n = count_args(args);
    Value *argv = n <= ARGS_AT_HAND ? at_hand : arena_array(exec->arena, Value, n);
    return eval_args(exec, func, args, argv) && call_with(exec, func, args, argv, result);
}
