/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_CMD_H
#define BRIDGE_CMD_H

#include <glib.h>
#include <stddef.h>

/* A subcommand.  Its help and its part of the man page are printed from what stands here,
 * and all read their command lines and tell what is wrong in one way: "alertpost NAME:
 * reason" on the standard error. */
typedef struct Cmd Cmd;

/* The options of a command, as GLib knows them. */
typedef struct CmdLine CmdLine;

struct Cmd {
    const char *name;
    const char *summary;   /* a line for the list of commands */
    const char *arguments; /* what follows the options: "FILE…"; NULL: nothing may */
    const char *about;     /* paragraphs; a line that begins with two spaces stands by itself */
    const char *notes;     /* the same, after the options; NULL: none */
    int misuse;            /* the exit status for a command line that makes no sense */
    size_t size;           /* of the struct that declare() puts the options into */
    void (*declare)(CmdLine *line, void *options);
    void (*clear)(void *options);
    /* OPTIONS are filled in (zeroed where not given), WORDS follow them, NULL-terminated.
     * The exit status. */
    int (*run)(void *options, char **words);
};

/* Adds options to those of LINE: rows as GLib has them, an empty one at the end, whose
 * texts live on.  --help is there already. */
void cmd_line_add(CmdLine *line, const GOptionEntry *entries);

/* A row of them for a command that ignores receivers of other kinds in any case: it goes
 * with the same options as check and serve.  WHERE: a gboolean that nobody looks at. */
#define CMD_IGNORE_OTHER_RECEIVERS(where)                                     \
    {                                                                         \
        "ignore-other-receivers", 0, 0, G_OPTION_ARG_NONE, where,             \
        "Accepted, as by check and serve; they are always ignored here", NULL \
    }

/* Reads the command line, of which ARGV[0] is the command's name, and runs the command or
 * prints its help.  The exit status. */
int cmd_run(const Cmd *command, int argc, char **argv);

/* One line on the standard error.  Both return an exit status: 1, and COMMAND->misuse
 * (the line ends with a hint at --help). */
int cmd_fail(const Cmd *command, const char *message);
int cmd_misuse(const Cmd *command, const char *message);
void cmd_warn(const Cmd *command, const char *message);
/* TEXT on the standard output; 0, or 1 if it cannot be written. */
int cmd_output(const Cmd *command, const GString *text);

/* "unknown WHAT: WORD", and which of NAMES (NULL-terminated) was meant, if one is close. */
char *cmd_unknown(const char *what, const char *word, const char *const *names);

/* The options, for a manual: until a row without a long name.  Free with g_array_unref(). */
GArray *cmd_options(const Cmd *command);

#endif
