/* What every program shares: options from one table (which also yields --help
 * and the man page's lists), fatal errors, progress. */
#ifndef HP_PROG_H
#define HP_PROG_H

#include "base/err.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

#define HP_VERSION "0.1.0"

enum {
    PROG_OK = 0,
    PROG_ERROR = 1,
    PROG_USAGE = 2,
    PROG_DEVICE = 3,
    PROG_VERDICT = 4 /* all went well, and what the user asked to be told of holds */
};

enum opt_kind {
    OPT_FLAG,   /* bool: set to true */
    OPT_STRING, /* const char * */
    OPT_LIST,   /* struct opt_list: one more each time the option is given */
    OPT_INT,    /* int64_t, within [min, max] */
    OPT_FLOAT,  /* double, finite */
    OPT_CHOICE  /* int: index into `arg`, words separated by '|' */
};

struct opt_list {
    const char **item;
    int n;
};

/* One option. `dst` holds the default before parsing. */
struct opt {
    const char *name; /* long name without dashes; NULL ends the table */
    char letter;      /* one-letter form, or 0 */
    enum opt_kind kind;
    void *dst;
    const char *arg;  /* argument's name in help ("FILE"); the words of a choice */
    const char *help; /* one or more sentences, without a line break */
    int64_t min, max; /* of OPT_INT */
};

/* A list for the manual page that comes from a table of the program: --help=mdoc-NAME
 * prints it. */
struct prog_list {
    const char *name; /* NULL ends the table */
    void (*print)(void);
};

/* An option that other programs have, and why this one has not: the error about it says that. */
struct prog_lack {
    const char *name, *why; /* NULL ends the table */
};

/* One program. --help, --version and -v (`verbose`) are added to its table. */
struct prog {
    const char *name;
    const char *brief;    /* one line, no full stop */
    const char *operands; /* "[FILE ...]", "[FILE]", names of files as "FILE" or "A B", words as
                             "this|that"; NULL where none are taken */
    const struct opt *opts;
    const char *const *examples;   /* command lines, NULL-terminated; may be NULL */
    const struct prog_list *lists; /* may be NULL */
    bool general; /* others may have a program of this name: it is installed as heatpipe-NAME */
    void (*about)(void); /* prints further lines of --version: what is compiled in; may be NULL */
    const struct prog_lack *lacks; /* may be NULL */
};

/* Prints lines of --version: which state of the sources the program was made of, and the libraries
 * it is linked with. It belongs to programs (cmd/made.c); tests do without. */
void prog_made(void);

/* Parses argv; sets up signal handling, standard descriptors that are closed and the
 * stack. Returns the index of the first operand. --help and --version print and exit with 0, as do
 * --help=mdoc-NAME, the lists for the man page, and --help=table, the options as rows for
 * programs; a usage error exits with 2. */
int prog_start(const struct prog *p, int argc, char **argv);

/* Whether -v was given. */
bool prog_verbose(void);

/* Seconds of a clock that only goes forward. */
double prog_clock(void);

/* Words to stderr behind "program: ". */
void prog_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The same with -v, for what the library has to tell. */
void prog_note(const char *text);

/* Whether a person is there to be told what the pipeline, which is not told without -v, expects. */
bool prog_alone(void);

/* Tells a person that a table without rows is why there is no result. In the pipeline, which
 * expects such tables, only with -v. */
void prog_no_rows(const char *table, const char *result);

/* An option as the user gives it: `option`, or `variable` ("RESIZE=64x64") where the
 * pipeline started the program (HEATPIPE_STAGE is set), because there it is known by both. */
const char *prog_option(const char *option, const char *variable);

/* Removes unfinished outputs, prints "program: message", exits with `status`. */
_Noreturn void prog_die(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
_Noreturn void prog_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A usage error about a word that is not known: names the nearest one that is, with
 * `dashes` before it. */
_Noreturn void prog_usage_word(const struct nearest *near, const char *dashes, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* A usage error where the option `out`, whose value is `path`, or NULL, names a file that another
 * option with a FILE or a PATH names, too: it would be written over while it is read. */
void prog_check_output(const char *out, const char *path);

/* A usage error where more than one of the inputs path[n], of which some may be NULL, is "-":
 * standard input can be read once. */
void prog_check_inputs(const char *const *path, int n);

/* Ends as `e` asks: quietly by SIGPIPE, with status 3, or with status 1. */
_Noreturn void prog_fail(const struct err *e);

/* Progress on stderr: count, rate and time left, where it is a terminal in a line that
 * moves, elsewhere with -v in a line every ten seconds. `total` is 0 where it is not
 * known. Cheap enough for every row. Not thread-safe: one caller at a time. */
void prog_progress(const char *what, int64_t done, int64_t total);
void prog_progress_end(void);

#endif
