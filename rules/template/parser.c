/* SPDX-License-Identifier: MIT */
/* Actions and definitions, by recursive descent. */
#include "rules/template/parser_internal.h"

#include <string.h>

#include "rules/quote.h"

static bool expect_right_delim(Parser *parser, const char *context)
{
    Token token = parser_next_solid(parser);
    return token.type == TOKEN_RIGHT_DELIM || parser_unexpected(parser, &token, context);
}

/* How a list of nodes ended, or that it did not yet. */
typedef enum { END_NOT, END_FAILED, END_EOF, END_END, END_ELSE } Ending;

static Ending parse_list(Parser *parser, NodeList *list);

static void scope_init(Scope *scope)
{
    VariableName root = {"$", 1};
    *scope = (Scope){g_array_new(FALSE, FALSE, sizeof(VariableName)),
                     g_array_new(FALSE, FALSE, sizeof(VariableName)), 1, 0};
    g_array_append_val(scope->names, root);
    g_array_append_val(scope->live, root);
}

static void scope_clear(Scope *scope)
{
    g_array_unref(scope->names);
    g_array_unref(scope->live);
}

/* A definition of a text; of two with content the second is an error. */
static bool add_tree(Parser *parser, const char *name, const Scope *scope, NodeList root)
{
    const Tree *old = g_hash_table_lookup(parser->trees, name);
    if (old != NULL && !list_is_blank(&old->root)) {
        if (list_is_blank(&root)) {
            return true;
        }
        g_autoptr(GString) quoted = g_string_new(NULL);
        quote_append_n(quoted, name, strlen(name), QUOTE_PLAIN);
        return parser_fail(parser, "template: multiple definition of template %s", quoted->str);
    }
    Tree *tree = arena_alloc(parser->arena, sizeof *tree);
    *tree = (Tree){name, arena_strdup(parser->arena, parser->name),
                   arena_strdup(parser->arena, parser->file), root, scope->slots};
    g_hash_table_insert(parser->trees, arena_strdup(parser->arena, name), tree);
    return true;
}

/* What stands between a define or block and its end, as the definition NAME. */
static bool parse_definition_body(Parser *parser, const char *name, const char *context)
{
    Scope *outer = parser->scope, scope;
    NodeList root = {NULL, NULL};
    if (!parser_enter(parser)) {
        return false;
    }
    scope_init(&scope);
    parser->scope = &scope;
    Ending ending = parse_list(parser, &root);
    bool good = ending == END_END;
    if (ending == END_EOF) {
        parser_fail(parser, "unexpected EOF");
    } else if (ending == END_ELSE) {
        parser_fail(parser, "unexpected {{else}} in %s", context);
    }
    good = good && add_tree(parser, name, &scope, root);
    parser->scope = outer;
    scope_clear(&scope);
    parser_leave(parser);
    return good;
}

/* The name after define, block and template; NULL on an error. */
static const char *parse_name(Parser *parser, const Token *token, const char *context)
{
    Value name;
    if (token->type != TOKEN_STRING && token->type != TOKEN_RAW_STRING) {
        parser_unexpected(parser, token, context);
        return NULL;
    }
    return parser_unquote(parser, token, &name) ? name.text : NULL;
}

static bool parse_define(Parser *parser)
{
    static const char context[] = "define clause";
    Token token = parser_next_solid(parser);
    const char *name = parse_name(parser, &token, context);
    return name != NULL && expect_right_delim(parser, context) &&
           parse_definition_body(parser, name, context);
}

static Node *new_call(Parser *parser, const Token *token, const char *name, Pipe *pipe)
{
    Node *node = node_new(parser->arena, NODE_TEMPLATE, token->at);
    node->call.name = name;
    node->call.pipe = pipe;
    return node;
}

static Node *parse_block(Parser *parser)
{
    static const char context[] = "block clause";
    Token token = parser_next_solid(parser);
    const char *name = parse_name(parser, &token, context);
    if (name == NULL) {
        return NULL;
    }
    Pipe *pipe = parser_pipeline(parser, context, TOKEN_RIGHT_DELIM);
    if (pipe == NULL || !parse_definition_body(parser, name, context)) {
        return NULL;
    }
    return new_call(parser, &token, name, pipe);
}

static Node *parse_template(Parser *parser)
{
    static const char context[] = "template clause";
    Token token = parser_next_solid(parser);
    const char *name = parse_name(parser, &token, context);
    if (name == NULL) {
        return NULL;
    }
    if (parser_next_solid(parser).type == TOKEN_RIGHT_DELIM) {
        return new_call(parser, &token, name, NULL);
    }
    parser_back(parser);
    Pipe *pipe = parser_pipeline(parser, context, TOKEN_RIGHT_DELIM);
    return pipe == NULL ? NULL : new_call(parser, &token, name, pipe);
}

static Node *parse_branch(Parser *parser, NodeType type, const char *context);

/* What follows {{else: for an if another if, for a with another with, which share the
 * one {{end}}; a list otherwise.  Blanks before the keyword are read. */
static bool parse_otherwise(Parser *parser, Node *branch)
{
    TokenType next = parser_peek(parser).type;
    branch->branch.has_otherwise = true;
    if ((branch->type == NODE_IF && next == TOKEN_IF) ||
        (branch->type == NODE_WITH && next == TOKEN_WITH)) {
        parser_next(parser);
        Node *inner = parse_branch(parser, branch->type, next == TOKEN_IF ? "if" : "with");
        if (inner != NULL) {
            list_append(&branch->branch.otherwise, inner);
        }
        return inner != NULL;
    }
    switch (parse_list(parser, &branch->branch.otherwise)) {
    case END_END:
        return true;
    case END_EOF:
        return parser_fail(parser, "unexpected EOF");
    case END_ELSE:
        return parser_fail(parser, "expected end; found {{else}}");
    default:
        return false;
    }
}

static bool parse_branch_lists(Parser *parser, Node *branch)
{
    Scope *scope = parser->scope;
    guint live = scope->live->len;
    scope->ranges += branch->type == NODE_RANGE;
    Ending ending = parse_list(parser, &branch->branch.body);
    scope->ranges -= branch->type == NODE_RANGE;
    /* What the body declares does not exist in the other list. */
    g_array_set_size(scope->live, live);
    if (ending == END_EOF) {
        return parser_fail(parser, "unexpected EOF");
    }
    return ending == END_END || (ending == END_ELSE && parse_otherwise(parser, branch));
}

/* An if, with or range, whose keyword is read. */
static Node *parse_branch(Parser *parser, NodeType type, const char *context)
{
    Scope *scope = parser->scope;
    guint names = scope->names->len, live = scope->live->len;
    if (!parser_enter(parser)) {
        return NULL;
    }
    Pipe *pipe = parser_pipeline(parser, context, TOKEN_RIGHT_DELIM);
    if (pipe == NULL) {
        return NULL;
    }
    Node *branch = node_new(parser->arena, type, pipe->at);
    branch->branch.pipe = pipe;
    if (!parse_branch_lists(parser, branch)) {
        return NULL;
    }
    g_array_set_size(scope->names, names);
    g_array_set_size(scope->live, live);
    parser_leave(parser);
    return branch;
}

static Node *parse_jump(Parser *parser, const Token *token, NodeType type)
{
    const char *text = type == NODE_BREAK ? "{{break}}" : "{{continue}}";
    if (!expect_right_delim(parser, text)) {
        return NULL;
    }
    if (parser->scope->ranges == 0) {
        parser_fail_at(parser, token->at, "%s outside {{range}}", text);
        return NULL;
    }
    return node_new(parser->arena, type, token->at);
}

static Node *parse_action(Parser *parser)
{
    Token token = parser_next_solid(parser);
    switch (token.type) {
    case TOKEN_BLOCK:
        return parse_block(parser);
    case TOKEN_BREAK:
        return parse_jump(parser, &token, NODE_BREAK);
    case TOKEN_CONTINUE:
        return parse_jump(parser, &token, NODE_CONTINUE);
    case TOKEN_IF:
        return parse_branch(parser, NODE_IF, "if");
    case TOKEN_RANGE:
        return parse_branch(parser, NODE_RANGE, "range");
    case TOKEN_TEMPLATE:
        return parse_template(parser);
    case TOKEN_WITH:
        return parse_branch(parser, NODE_WITH, "with");
    default:
        break;
    }
    parser_back(parser);
    Pipe *pipe = parser_pipeline(parser, "command", TOKEN_RIGHT_DELIM);
    if (pipe == NULL) {
        return NULL;
    }
    Node *action = node_new(parser->arena, NODE_ACTION, token.at);
    action->pipe = pipe;
    return action;
}

/* {{end}} and {{else}}, whose delimiter and keyword are read. */
static Ending parse_ending(Parser *parser, TokenType keyword)
{
    if (keyword == TOKEN_END) {
        return expect_right_delim(parser, "end") ? END_END : END_FAILED;
    }
    TokenType next = parser_peek_solid(parser).type;
    if (next == TOKEN_IF || next == TOKEN_WITH) {
        return END_ELSE;
    }
    return expect_right_delim(parser, "else") ? END_ELSE : END_FAILED;
}

/* An action, whose delimiter is read, or an ending. */
static Ending parse_delimited(Parser *parser, Node **node)
{
    TokenType keyword = parser_peek_solid(parser).type;
    if (keyword == TOKEN_END || keyword == TOKEN_ELSE) {
        parser_next_solid(parser);
        return parse_ending(parser, keyword);
    }
    *node = parse_action(parser);
    return *node == NULL ? END_FAILED : END_NOT;
}

/* The next piece of text or action: *NODE if the result is END_NOT. */
static Ending parse_item(Parser *parser, Node **node)
{
    Token token = parser_next_solid(parser);
    Ending ending;
    switch (token.type) {
    case TOKEN_EOF:
        return END_EOF;
    case TOKEN_TEXT:
        *node = node_new_text(parser->arena, token.at, token.text, token.length);
        return END_NOT;
    case TOKEN_LEFT_DELIM:
        parser->action_line = token.at.line;
        ending = parse_delimited(parser, node);
        parser->action_line = 0;
        return ending;
    default:
        parser_unexpected(parser, &token, "input");
        return END_FAILED;
    }
}

/* Text and actions, up to the {{end}} or {{else}} that belongs to none of them. */
static Ending parse_list(Parser *parser, NodeList *list)
{
    for (;;) {
        Node *node;
        Ending ending = parse_item(parser, &node);
        if (ending != END_NOT) {
            return ending;
        }
        list_append(list, node);
    }
}

/* Whether a definition follows: then its keyword is read, otherwise nothing is. */
static bool take_define(Parser *parser)
{
    if (parser_peek(parser).type != TOKEN_LEFT_DELIM) {
        return false;
    }
    Token delim = parser_next(parser);
    parser->action_line = delim.at.line;
    if (parser_next_solid(parser).type == TOKEN_DEFINE) {
        return true;
    }
    parser_back2(parser, delim);
    return false;
}

/* The whole text: only here may definitions stand. */
static bool parse_text(Parser *parser, NodeList *root)
{
    for (;;) {
        Node *node;
        if (take_define(parser)) {
            if (!parse_define(parser)) {
                return false;
            }
            continue;
        }
        switch (parse_item(parser, &node)) {
        case END_NOT:
            list_append(root, node);
            break;
        case END_EOF:
            return true;
        case END_END:
            return parser_fail(parser, "unexpected {{end}}");
        case END_ELSE:
            return parser_fail(parser, "unexpected {{else}}");
        case END_FAILED:
            return false;
        }
    }
}

bool parser_parse(Arena *arena, const ParserSource *source, GHashTable *trees, GError **error)
{
    Scope scope;
    NodeList root = {NULL, NULL};
    g_autoptr(GError) reason = NULL;
    const char *file = source->file != NULL ? source->file : "";
    Parser parser = {.arena = arena, .name = source->name, .file = file,
                     .extra = source->extra, .trees = trees, .scope = &scope, .error = &reason};
    const char *text = arena_strndup(arena, source->text, source->length);
    lexer_init(&parser.lexer, arena, text, source->length);
    scope_init(&scope);
    bool good = parse_text(&parser, &root) &&
                add_tree(&parser, arena_strdup(arena, source->name), &scope, root);
    scope_clear(&scope);
    if (!good) {
        g_propagate_error(error, g_steal_pointer(&reason));
    }
    return good;
}
