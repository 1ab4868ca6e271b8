/* SPDX-License-Identifier: MIT */
/* Evaluating pipelines: commands, fields of fields, variables. */
#include "rules/template/exec.h"

#include <string.h>

/* A command that is no call may have neither arguments nor a value from the pipe. */
static bool refuse_args(Exec *exec, const CallArgs *args, const Node *node)
{
    if (args->n_args == 0 && args->final == NULL) {
        return true;
    }
    g_autoptr(GString) text = g_string_new(NULL);
    node_print(node, text);
    return exec_fail(exec, "can't give argument to non-function %s", text->str);
}

static const Member *find_member(const FieldName *name, Kind kind)
{
    const Member *member = name->members;
    while (member != NULL && member->kind != kind) {
        member = member->kind == KIND_NONE ? NULL : member + 1;
    }
    return member;
}

static bool get_key(Exec *exec, Value map, const FieldName *name, Value *result)
{
    if (value_get(map, name->name, name->length, result)) {
        return true;
    }
    switch (exec->setup->missing) {
    case MISSING_ZERO:
        *result = value_missing(map);
        return true;
    case MISSING_DEFAULT:
        *result = VALUE_NONE;
        return true;
    case MISSING_ERROR:
        break;
    }
    return exec_fail(exec, "map has no entry for key \"%s\"", name->name);
}

static bool call_method(Exec *exec, const Func *method, Value receiver, const CallArgs *args,
                        Value *result)
{
    CallArgs call = *args;
    call.receiver = &receiver;
    return call_func(exec, method, &call, result);
}

/* RECEIVER.NAME, which has no arguments unless it is a method. */
static bool eval_member(Exec *exec, Value receiver, const FieldName *name, const CallArgs *args,
                        Value *result)
{
    if (receiver.kind == KIND_NONE) {
        *result = VALUE_NONE;
        return exec->setup->missing != MISSING_ERROR ||
               exec_fail(exec, "nil data; no entry for key \"%s\"", name->name);
    }
    if (receiver.kind == KIND_NIL) {
        return exec_fail(exec, "nil pointer evaluating interface {}.%s", name->name);
    }
    const Member *member = find_member(name, receiver.kind);
    bool has_args = args->n_args > 0 || args->final != NULL;
    if (member != NULL && member->method != NULL) {
        return call_method(exec, member->method, receiver, args, result);
    }
    if (member != NULL) {
        *result = has_args ? VALUE_NONE : member->field->get(exec, exec->arena, receiver);
        return !has_args ||
               exec_fail(exec, "%s has arguments but cannot be invoked as function", name->name);
    }
    if (value_class(receiver) == CLASS_MAP) {
        return has_args ? exec_fail(exec, "%s is not a method but has arguments", name->name)
                        : get_key(exec, receiver, name, result);
    }
    return exec_fail(exec, "can't evaluate field %s in type %s", name->name,
                     value_type(receiver));
}

static const FieldNames *names_of(const Node *node)
{
    return node->type == NODE_FIELD      ? &node->field
           : node->type == NODE_VARIABLE ? &node->variable.fields
                                         : &node->chain.fields;
}

/* RECEIVER and the fields that NODE asks of it; the arguments belong to the last one. */
static bool eval_fields(Exec *exec, const Node *node, Value receiver, const CallArgs *args,
                        Value *result)
{
    const FieldNames *names = names_of(node);
    CallArgs none = {.dot = args->dot, .place = args->place};
    *result = receiver;
    for (size_t i = 0; i < names->n; i++) {
        const CallArgs *given = i + 1 == names->n ? args : &none;
        if (!eval_member(exec, *result, &names->items[i], given, result)) {
            return false;
        }
    }
    return true;
}

static bool eval_variable(Exec *exec, const Node *node, const CallArgs *args, Value *result)
{
    if (node->variable.slot < 0) {
        return exec_fail(exec, "undefined variable: %s", node->variable.name);
    }
    Value value = exec->stack[exec->frame + (size_t)node->variable.slot];
    if (node->variable.fields.n == 0) {
        *result = value;
        return refuse_args(exec, args, node);
    }
    return eval_fields(exec, node, value, args, result);
}

static bool eval_chain(Exec *exec, const Node *node, const CallArgs *args, Value *result)
{
    Value receiver;
    exec_at_node(exec, node->chain.operand);
    return eval_operand(exec, args->dot, node->chain.operand, &receiver) &&
           eval_fields(exec, node, receiver, args, result);
}

bool eval_operand(Exec *exec, Value dot, const Node *node, Value *result)
{
    const CallArgs none = {.dot = dot, .place = {AT_NODE, node}};
    exec_at_node(exec, node);
    switch (node->type) {
    case NODE_DOT:
        *result = dot;
        return true;
    case NODE_FIELD:
        return eval_fields(exec, node, dot, &none, result);
    case NODE_VARIABLE:
        return eval_variable(exec, node, &none, result);
    case NODE_CHAIN:
        return eval_chain(exec, node, &none, result);
    case NODE_IDENTIFIER:
        return call_func(exec, node->identifier.func, &none, result);
    case NODE_PIPE:
        return eval_pipe(exec, dot, node->pipe, result);
    default:
        g_assert_not_reached();
    }
}

/* A command that consists of a literal. */
static bool eval_literal(Exec *exec, const Node *node, const CallArgs *args, Value *result)
{
    if (!refuse_args(exec, args, node)) {
        return false;
    }
    if (node->type == NODE_NIL) {
        return exec_fail(exec, "nil is not a command");
    }
    return eval_arg(exec, args->dot, KIND_RAW, node, result);
}

/* A command, which begins with FIRST and has the arguments ARGS. */
static bool eval_command(Exec *exec, const Node *first, const CallArgs *args, Value *result)
{
    if (first->type == NODE_PIPE) {
        return refuse_args(exec, args, first) && eval_pipe(exec, args->dot, first->pipe, result);
    }
    exec_at_node(exec, first);
    switch (first->type) {
    case NODE_FIELD:
        return eval_fields(exec, first, args->dot, args, result);
    case NODE_VARIABLE:
        return eval_variable(exec, first, args, result);
    case NODE_CHAIN:
        return eval_chain(exec, first, args, result);
    case NODE_IDENTIFIER:
        return call_func(exec, first->identifier.func, args, result);
    default:
        return eval_literal(exec, first, args, result);
    }
}

static bool set_variables(Exec *exec, const Pipe *pipe, Value value)
{
    for (const Node *target = pipe->variables; target != NULL; target = target->next) {
        if (target->variable.slot < 0) {
            return exec_fail(exec, "undefined variable: %s", target->variable.name);
        }
        exec->stack[exec->frame + (size_t)target->variable.slot] = value;
    }
    return true;
}

/* A function's errors point at the whole command, those of methods at the chain. */
static Place command_place(const Command *command)
{
    return command->args->type == NODE_IDENTIFIER ? (Place){AT_COMMAND, command}
                                                  : (Place){AT_NODE, command->args};
}

bool eval_pipe(Exec *exec, Value dot, const Pipe *pipe, Value *result)
{
    Value value = VALUE_NONE, before;
    if (!exec_enter(exec)) {
        return false;
    }
    exec->place = (Place){AT_PIPE, pipe};
    for (const Command *command = pipe->commands; command != NULL; command = command->next) {
        CallArgs args = {.dot = dot, .args = command->args->next, .n_args = command->n_args - 1,
                         .final = command == pipe->commands ? NULL : &before,
                         .place = command_place(command)};
        if (!eval_command(exec, command->args, &args, &value)) {
            return false;
        }
        before = value = value_unbox(value);
    }
    if (pipe->variables != NULL && !set_variables(exec, pipe, value)) {
        return false;
    }
    exec_leave(exec);
    *result = value;
    return true;
}
