#include "base/prog.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
    HELP_INDENT = 26,
    HELP_WIDTH = 80,
    STACK_LEAST = 1 << 20, /* twice what anything was seen to take */
    STACK_USUAL = 8 << 20
};

static const struct prog *self;
static const char *called; /* how the user started it: its name, "heatpipe NAME" or heatpipe-NAME */
static bool verbose, shown;

static const struct opt common[] = {
    {"help", 'h', OPT_FLAG, NULL, NULL, "Show this help and exit.", 0, 0},
    {"version", 'V', OPT_FLAG, NULL, NULL, "Show the version and exit.", 0, 0},
    {"verbose", 'v', OPT_FLAG, &verbose, NULL,
     "Say on standard error what is done, and show progress.", 0, 0},
    {NULL, 0, OPT_FLAG, NULL, NULL, NULL, 0, 0},
};

static void on_signal(int sig)
{
    out_abort_all();
    signal(sig, SIG_DFL);
    raise(sig);
}

/* A file that is mapped was cut short, or its disk or network failed. */
_Noreturn static void on_bus(int sig)
{
    static const char text[] = ": a file became unreadable while it was read\n";
    (void)sig;
    out_abort_all();
    if (write(STDERR_FILENO, self->name, strlen(self->name)) < 0 ||
        write(STDERR_FILENO, text, sizeof text - 1) < 0)
        _exit(PROG_ERROR);
    _exit(PROG_ERROR);
}

bool prog_verbose(void)
{
    return verbose;
}

/* One line in one piece. What stands in a file must not reach the terminal as more than
 * text: other bytes are shown as \xHH. */
static void say(const char *fmt, va_list ap)
{
    char text[2048], line[sizeof text * 4 + 128];
    vsnprintf(text, sizeof text, fmt, ap);
    size_t n = self ? (size_t)snprintf(line, 100, "%.90s: ", self->name) : 0;
    for (const char *s = text; *s;) {
        size_t width = text_shown(s, strlen(s));
        if (width == 0) {
            n += (size_t)sprintf(line + n, "\\x%02x", (unsigned char)*s++);
            continue;
        }
        memcpy(line + n, s, width);
        n += width;
        s += width;
    }
    line[n++] = '\n';
    prog_progress_end();
    fflush(stdout);
    fwrite(line, 1, n, stderr);
}

void prog_say(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(fmt, ap);
    va_end(ap);
}

bool prog_alone(void)
{
    return verbose || !getenv("HEATPIPE_STAGE");
}

void prog_no_rows(const char *table, const char *result)
{
    if (prog_alone())
        prog_say("%s: no rows: %s", table, result);
}

const char *prog_option(const char *option, const char *variable)
{
    return getenv("HEATPIPE_STAGE") ? variable : option;
}

void prog_note(const char *text)
{
    if (verbose)
        prog_say("%s", text);
}

void prog_die(int status, const char *fmt, ...)
{
    /* Of threads that fail at once the first speaks. */
    static atomic_flag dying = ATOMIC_FLAG_INIT;
    while (atomic_flag_test_and_set(&dying))
        pause();
    out_abort_all();
    va_list ap;
    va_start(ap, fmt);
    say(fmt, ap);
    va_end(ap);
    /* Other threads may still be at work: exit handlers must not pull libraries
     * away from under them. */
    _exit(status);
}

void prog_usage(const char *fmt, ...)
{
    char msg[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    prog_die(PROG_USAGE, "%s (see '%s --help')", msg, called);
}

void prog_usage_word(const struct nearest *near, const char *dashes, const char *fmt, ...)
{
    char msg[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    if (!near->found)
        prog_usage("%s", msg);
    prog_die(PROG_USAGE, "%s (did you mean '%s%.*s'? see '%s --help')", msg, dashes,
             (int)near->found_n, near->found, called);
}

static void check_output(const struct opt *o, const char *read, const char *out, const char *path)
{
    if (strcmp(o->name, out) != 0 && io_same_file(path, read))
        prog_usage("--%s: expected a file that is not read, found '%s'", out, path);
}

void prog_check_output(const char *out, const char *path)
{
    for (const struct opt *o = self->opts; path && o->name; o++) {
        if (!o->arg || (strcmp(o->arg, "FILE") != 0 && strcmp(o->arg, "PATH") != 0))
            continue;
        if (o->kind == OPT_STRING)
            check_output(o, *(const char *const *)o->dst, out, path);
        const struct opt_list *l = o->kind == OPT_LIST ? o->dst : NULL;
        for (int i = 0; l && i < l->n; i++)
            check_output(o, l->item[i], out, path);
    }
}

void prog_check_inputs(const char *const *path, int n)
{
    int standard = 0;
    for (int i = 0; i < n; i++)
        standard += path[i] && strcmp(path[i], "-") == 0;
    if (standard > 1)
        prog_usage("standard input was asked for %d times, and can be read once", standard);
}

void prog_fail(const struct err *e)
{
    if (e->closed) {
        out_abort_all();
        signal(SIGPIPE, SIG_DFL);
        raise(SIGPIPE);
        _exit(PROG_ERROR);
    }
    prog_die(e->no_device ? PROG_DEVICE : PROG_ERROR, "%s", e->msg);
}

/* --- help --- */

static void opt_label(const struct opt *o, char *buf, size_t n)
{
    char letter[5] = "    ";
    if (o->letter)
        snprintf(letter, sizeof letter, "-%c, ", o->letter);
    snprintf(buf, n, "  %s--%s%s%s", letter, o->name, o->arg ? " " : "", o->arg ? o->arg : "");
}

static void help_opt(const struct opt *o)
{
    char label[512];
    opt_label(o, label, sizeof label);
    size_t col = strlen(label);
    fputs(label, stdout);
    if (col + 2 > HELP_INDENT) {
        putchar('\n');
        col = 0;
    }
    for (const char *w = o->help; *w;) {
        size_t n = strcspn(w, " ");
        if (col > HELP_INDENT && col + 1 + n > HELP_WIDTH) {
            putchar('\n');
            col = 0;
        }
        int pad = col < HELP_INDENT ? HELP_INDENT - (int)col : 1;
        printf("%*s%.*s", pad, "", (int)n, w);
        col += (size_t)pad + n;
        w += n + (w[n] == ' ');
    }
    putchar('\n');
}

static void help(void)
{
    printf("usage: %s [OPTION ...]%s%s\n%s.\n\n", called, self->operands ? " " : "",
           self->operands ? self->operands : "", self->brief);
    for (const struct opt *o = self->opts; o->name; o++)
        help_opt(o);
    for (const struct opt *o = common; o->name; o++)
        help_opt(o);
    if (self->examples) {
        printf("\nexamples:\n");
        for (const char *const *x = self->examples; *x; x++)
            printf("  %s\n", *x);
    }
    printf("\nThe manual page %s%s(1) says more.\n", self->general ? "heatpipe-" : "", self->name);
}

/* Rows for programs that complete command lines or ask for the words of an option. */
static void help_table(void)
{
    static const char *const kinds[] = {
        [OPT_FLAG] = "flag", [OPT_STRING] = "string", [OPT_LIST] = "list",
        [OPT_INT] = "int",   [OPT_FLOAT] = "float",   [OPT_CHOICE] = "choice"};
    const struct opt *tables[] = {self->opts, common};
    printf("option\tletter\tkind\targument\thelp\n");
    for (int t = 0; t < 2; t++)
        for (const struct opt *o = tables[t]; o->name; o++)
            printf("%s\t%.*s\t%s\t%s\t%s\n", o->name, o->letter ? 1 : 2,
                   o->letter ? &o->letter : "NA", kinds[o->kind], o->arg ? o->arg : "NA", o->help);
    printf("NA\tNA\toperands\t%s\t%s.\n", self->operands ? self->operands : "NA", self->brief);
}

/* Text for mdoc: each sentence on a line of its own, and a leading dot or quote
 * made no request. */
static void mdoc_text(const char *s)
{
    char last = '\n', before = ' ';
    for (; *s; s++) {
        if (last == '\n' && (*s == '.' || *s == '\''))
            fputs("\\&", stdout);
        char c = *s == ' ' && before != '.' && (last == '.' || last == '?') ? '\n' : *s;
        if (c == '\\')
            fputs("\\e", stdout);
        else
            putchar(c);
        before = last;
        last = c;
    }
}

static void mdoc_arg(const struct opt *o)
{
    if (o->arg && o->kind == OPT_CHOICE) {
        printf(" Cm ");
        /* A line may break behind each word. */
        for (const char *s = o->arg; *s; s++)
            printf(*s == '|' ? "|\\:" : "%c", *s);
    } else if (o->arg) {
        printf(" Ar %s", o->arg);
    }
}

static void mdoc_operands(void)
{
    if (*self->operands != '[')
        printf(".Ar %s\n", self->operands);
    else
        printf(strcmp(self->operands, "[FILE]") == 0 ? ".Op Ar FILE\n" : ".Op Ar FILE ...\n");
}

static void mdoc(bool synopsis)
{
    const struct opt *tables[] = {self->opts, common};
    if (synopsis) {
        printf(".Nm\n");
        for (int t = 0; t < 2; t++) {
            for (const struct opt *o = tables[t]; o->name; o++) {
                printf(".Op Fl -%s", o->name);
                mdoc_arg(o);
                putchar('\n');
            }
        }
        if (self->operands)
            mdoc_operands();
        return;
    }
    printf(".Bl -tag -width Ds\n");
    for (int t = 0; t < 2; t++) {
        for (const struct opt *o = tables[t]; o->name; o++) {
            printf(".It ");
            if (o->letter)
                printf("Fl %c , ", o->letter);
            printf("Fl -%s", o->name);
            mdoc_arg(o);
            putchar('\n');
            mdoc_text(o->help);
            putchar('\n');
        }
    }
    printf(".El\n");
}

/* Whether `value` is "mdoc-" and the name of a list, which is then printed. */
static bool help_list(const char *value)
{
    static const char prefix[] = "mdoc-";
    if (strncmp(value, prefix, strlen(prefix)) != 0 || !self->lists)
        return false;
    for (const struct prog_list *l = self->lists; l->name; l++) {
        if (strcmp(value + strlen(prefix), l->name) == 0) {
            l->print();
            return true;
        }
    }
    return false;
}

_Noreturn static void finish(void)
{
    struct err e = {0};
    if (fflush(stdout) == 0 && !ferror(stdout))
        exit(PROG_OK);
    err_record_errno(&e, "standard output: write");
    prog_fail(&e); /* quietly where nobody reads on */
}

__attribute__((weak)) void prog_made(void)
{
}

static void version(void)
{
    printf("%s (heatpipe) %s\n", self->name, HP_VERSION);
    prog_made();
    if (self->about)
        self->about();
}

/* --- options --- */

static const struct opt *opt_find(const char *name, size_t n, char letter)
{
    const struct opt *tables[] = {self->opts, common};
    for (int t = 0; t < 2; t++)
        for (const struct opt *o = tables[t]; o->name; o++)
            if (name ? strlen(o->name) == n && strncmp(o->name, name, n) == 0
                     : o->letter && o->letter == letter)
                return o;
    return NULL;
}

_Noreturn static void opt_unknown(const char *dashes, const char *name, size_t n)
{
    const struct opt *tables[] = {self->opts, common};
    struct nearest near = {.word = name, .n = n};
    for (const struct prog_lack *l = self->lacks; l && l->name; l++)
        if (strlen(l->name) == n && strncmp(l->name, name, n) == 0)
            prog_usage("%s%s: %s", dashes, l->name, l->why);
    for (int t = 0; t < 2; t++)
        for (const struct opt *o = tables[t]; o->name; o++)
            nearest_offer(&near, o->name, strlen(o->name));
    prog_usage_word(&near, "--", "unknown option '%s%.*s'", dashes, (int)n, name);
}

static void opt_choice(const struct opt *o, const char *value)
{
    int index = 0;
    for (const char *w = o->arg; *w; index++) {
        size_t n = strcspn(w, "|");
        if (strlen(value) == n && strncmp(w, value, n) == 0) {
            *(int *)o->dst = index;
            return;
        }
        w += n + (w[n] == '|');
    }
    struct nearest near = {.word = value, .n = strlen(value)};
    nearest_offer_all(&near, o->arg, '|');
    prog_usage_word(&near, "", "--%s: expected one of %s, found '%s'", o->name, o->arg, value);
}

/* No file has an empty name: a variable of a script was not set. */
static bool names_file(const char *arg)
{
    return strcmp(arg, "FILE") == 0 || strcmp(arg, "PATH") == 0 || strcmp(arg, "DIR") == 0;
}

static void opt_set(const struct opt *o, const char *value)
{
    char *end;
    errno = 0;
    if (o->kind != OPT_FLAG && !*value && names_file(o->arg))
        prog_usage("--%s: expected %s, found nothing", o->name, o->arg);
    switch (o->kind) {
    case OPT_FLAG:
        *(bool *)o->dst = true;
        break;
    case OPT_STRING:
        *(const char **)o->dst = value;
        break;
    case OPT_LIST: {
        struct opt_list *l = o->dst;
        l->item = mem_grow(l->item, (size_t)l->n + 1, sizeof *l->item);
        l->item[l->n++] = value;
        break;
    }
    case OPT_INT: {
        long long v = strtoll(value, &end, 10);
        if (!*value || isspace((unsigned char)*value) || *end || errno || v < o->min || v > o->max)
            prog_usage("--%s: expected a whole number from %lld to %lld, found '%s'", o->name,
                       (long long)o->min, (long long)o->max, value);
        *(int64_t *)o->dst = v;
        break;
    }
    case OPT_FLOAT: {
        double v = strtod(value, &end);
        if (!*value || isspace((unsigned char)*value) || *end || !isfinite(v))
            prog_usage("--%s: expected a number, found '%s'", o->name, value);
        *(double *)o->dst = v;
        break;
    }
    case OPT_CHOICE:
        opt_choice(o, value);
        break;
    }
}

static void opt_common(const struct opt *o, const char *value)
{
    if (o == &common[0]) {
        if (value && strcmp(value, "mdoc-synopsis") == 0)
            mdoc(true);
        else if (value && strcmp(value, "mdoc-options") == 0)
            mdoc(false);
        else if (value && strcmp(value, "table") == 0)
            help_table();
        else if (value && !help_list(value))
            prog_usage("--help takes no argument");
        else if (!value)
            help();
        finish();
    }
    if (o == &common[1]) {
        if (value)
            prog_usage("--version takes no argument");
        version();
        finish();
    }
}

static int opt_long(char **argv, int i)
{
    const char *name = argv[i] + 2, *eq = strchr(name, '=');
    size_t n = eq ? (size_t)(eq - name) : strlen(name);
    const struct opt *o = opt_find(name, n, 0);
    if (!o)
        opt_unknown("--", name, n);
    opt_common(o, eq ? eq + 1 : NULL);
    if (o->kind == OPT_FLAG) {
        if (eq)
            prog_usage("--%s takes no argument", o->name);
        opt_set(o, NULL);
        return i;
    }
    if (!eq && !argv[i + 1])
        prog_usage("--%s needs an argument %s", o->name, o->arg);
    opt_set(o, eq ? eq + 1 : argv[i + 1]);
    return eq ? i : i + 1;
}

static int opt_letters(char **argv, int i)
{
    for (const char *c = argv[i] + 1; *c; c++) {
        const struct opt *o = opt_find(NULL, 0, *c);
        /* A whole word may be a long option with a dash too few. */
        if (!o && argv[i][2])
            opt_unknown("-", argv[i] + 1, strcspn(argv[i] + 1, "="));
        if (!o)
            prog_usage("unknown option '-%c'", *c);
        opt_common(o, NULL);
        if (o->kind == OPT_FLAG) {
            opt_set(o, NULL);
            continue;
        }
        if (c[1]) {
            opt_set(o, c + 1);
            return i;
        }
        if (!argv[i + 1])
            prog_usage("-%c needs an argument %s", *c, o->arg);
        opt_set(o, argv[i + 1]);
        return i + 1;
    }
    return i;
}

/* A file opened later must not get the number of a standard descriptor that is closed:
 * words for standard error would become part of it. */
static void start_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && io_occupy(fd) != 0)
            prog_die(PROG_ERROR, "standard descriptors: %s", strerror(errno));
}

/* A stack that overflows would end the program by a signal. Those of threads are pool_thread's. */
static void start_stack(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_STACK, &r) != 0 || r.rlim_cur == RLIM_INFINITY ||
        r.rlim_cur >= STACK_LEAST)
        return;
    r.rlim_cur = r.rlim_max < STACK_USUAL ? r.rlim_max : STACK_USUAL;
    if (r.rlim_cur < STACK_LEAST || setrlimit(RLIMIT_STACK, &r) != 0)
        prog_die(PROG_ERROR,
                 "expected a stack of at least %d KB, found a limit of %llu KB (ulimit -s)",
                 STACK_LEAST / 1024, (unsigned long long)r.rlim_cur / 1024);
}

/* Only what a user can type again. */
static const char *call(const char *name, const char *typed)
{
    static const char *const before[] = {"heatpipe ", "heatpipe-"};
    const char *slash = typed ? strrchr(typed, '/') : NULL;
    typed = slash ? slash + 1 : typed;
    for (int i = 0; i < 2 && typed; i++)
        if (strncmp(typed, before[i], strlen(before[i])) == 0 &&
            strcmp(typed + strlen(before[i]), name) == 0)
            return typed;
    return name;
}

int prog_start(const struct prog *p, int argc, char **argv)
{
    self = p;
    called = call(p->name, argv[0]);
    start_descriptors();
    start_stack();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* then write(2) fails, and says so */
    signal(SIGBUS, on_bus);
    const int fatal[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGXCPU};
    for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++)
        if (signal(fatal[i], on_signal) == SIG_IGN)
            signal(fatal[i], SIG_IGN);

    /* Operands may stand between options; they are moved behind them. */
    int first = argc;
    int i = 1;
    while (i < first) {
        if (strcmp(argv[i], "--") == 0) {
            first = i + 1;
            break;
        }
        if (argv[i][0] != '-' || argv[i][1] == '\0') {
            char *operand = argv[i];
            memmove(argv + i, argv + i + 1, (size_t)(argc - i - 1) * sizeof *argv);
            argv[argc - 1] = operand;
            first--;
            continue;
        }
        char *stop = argv[first];
        argv[first] = NULL; /* an argument is never taken from the operands */
        i = (argv[i][1] == '-' ? opt_long : opt_letters)(argv, i) + 1;
        argv[first] = stop;
    }
    if (first < argc && !p->operands)
        prog_usage("unexpected operand '%s'", argv[first]);
    for (int at = first; at < argc && !strchr(p->operands, '|'); at++)
        if (!*argv[at])
            prog_usage("expected FILE, found nothing");
    return first;
}

/* --- progress --- */

static struct {
    double start, last;
    int64_t first; /* done at the start */
    bool open;
} meter;

double prog_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* "42 s", "12 min", "2 h 05 min". */
static void put_time(char *buf, size_t n, double s)
{
    double minutes = floor(s / 60 + 0.5);
    if (s < 120)
        snprintf(buf, n, "%.0f s", s);
    else if (minutes < 120)
        snprintf(buf, n, "%.0f min", minutes);
    else
        snprintf(buf, n, "%.0f h %02.0f min", floor(minutes / 60), fmod(minutes, 60));
}

void prog_progress(const char *what, int64_t done, int64_t total)
{
    static int terminal = -1;
    if (terminal < 0)
        terminal = isatty(STDERR_FILENO);
    if (!terminal && !verbose)
        return;
    double now = prog_clock();
    if (!meter.open) {
        meter.open = true;
        meter.start = meter.last = now;
        meter.first = done;
        return;
    }
    if (now - meter.last < (terminal ? 0.2 : 10))
        return;
    meter.last = now;
    shown = true;
    double rate = (double)(done - meter.first) / (now - meter.start);
    char left[64] = "", of[32] = "";
    if (total > 0)
        snprintf(of, sizeof of, "/%lld", (long long)total);
    if (total >= done && rate > 0) {
        char time[32];
        put_time(time, sizeof time, (double)(total - done) / rate);
        snprintf(left, sizeof left, ", %s left", time);
    }
    fprintf(stderr, "%s%s: %lld%s %s, %.*f/s%s%s", terminal ? "\r\033[K" : "", self->name,
            (long long)done, of, what, rate < 10, rate, left, terminal ? "" : "\n");
}

void prog_progress_end(void)
{
    if (meter.open && shown && isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
    meter.open = shown = false;
}
