/* recommendations.txt: what to do first, then the sections that say why. Each recommendation
 * phrases a finding with the verdict yes. Where the model does not do what it was trained for, only
 * what may be the cause is recommended. */
#include "advice.h"

#include "base/mem.h"
#include "base/prog.h"
#include "stats/share.h"
#include "words.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A topic is a file; its section stands where it has something to say. */
static void (*const topics[])(struct advice *) = {
    advice_similar_classes, advice_labels,   advice_confidence, advice_maps,
    advice_weak_classes,    advice_patterns, advice_slices,     advice_columns,
    advice_duplicates,
};

void advice_section(struct advice *a, const char *title)
{
    char s[96];
    snprintf(s, sizeof s, "%d. %s", ++a->sections, title);
    words_section(s);
}

double advice_points(const struct tables *r, int64_t errors)
{
    return share_percent(errors, r->classes.total);
}

int64_t advice_fewer(const struct finding *f)
{
    return (int64_t)floor(f->low * (double)f->of);
}

void advice_pages(char *s, size_t size, const struct about *about, const char *stem)
{
    const char *first;
    char *png = mem_printf("%s.png", stem), *page = mem_printf("%s_p", stem);
    int more = file_list_count(&about->files, page, &first);
    if (!file_list_has(&about->files, png))
        *s = '\0';
    else if (more == 0)
        snprintf(s, size, "%s", png);
    else if (more == 1)
        snprintf(s, size, "%s and %s2.png", png, page);
    else
        snprintf(s, size, "%s and %s2.png to %s%d.png", png, page, page, more + 1);
    free(png);
    free(page);
}

void advice_list_classes(const struct classes *c, enum class_error kind, const char *title)
{
    struct class_list l = classes_by_errors(c, kind);
    if (l.n > 0)
        words_para(2, "", "%s", title);
    for (int i = 0; i < l.n && i < ADVICE_SHORT_LIST; i++) {
        const struct class_row *row = &c->row[l.cls[i]];
        words_line("    %4" PRId64 "  %s", class_errors_of(row, kind), row->text);
    }
    if (l.n > ADVICE_SHORT_LIST)
        words_line("    and %d more", l.n - ADVICE_SHORT_LIST);
    free(l.cls);
}

/* --- what is recommended --- */

static char *format(const char *fmt, va_list ap)
{
    char *text = NULL;
    if (vasprintf(&text, fmt, ap) < 0)
        prog_die(PROG_ERROR, "out of memory: a text");
    return text;
}

static void add_files(struct recommendation *r, const struct about *about, const char *files)
{
    int n = 0;
    for (const char *p = files; *p; p += strcspn(p, ","), p += *p == ',') {
        char *name = mem_printf("%.*s", (int)strcspn(p, ","), p);
        const char *kept = file_list_find(&about->files, name);
        if (kept && n < ADVICE_FILES)
            r->list[n++] = kept;
        free(name);
    }
}

void recommend(struct advice *a, int64_t errors, enum finding_id finding, const char *files,
               const char *fmt, ...)
{
    struct recommendation *r = &a->at[a->n];
    va_list ap;
    *r = (struct recommendation){
        .errors = errors, .rank = a->n++, .finding = finding, .measured = &a->f->of[finding]};
    va_start(ap, fmt);
    r->doing = format(fmt, ap);
    va_end(ap);
    add_files(r, a->about, files);
}

void recommend_among(struct advice *a, int64_t n)
{
    a->at[a->n - 1].among = n;
}

void recommend_more(struct advice *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    a->at[a->n - 1].more = format(fmt, ap);
    va_end(ap);
}

void recommend_worked(struct advice *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    a->at[a->n - 1].worked = format(fmt, ap);
    va_end(ap);
}

void recommend_measured(struct advice *a, const struct finding *f)
{
    a->at[a->n - 1].measured = f;
}

/* --- the evidence --- */

#define IS_ARE " is", " are"
#define HAS_HAVE " has", " have"

/* What a finding counts or, where it is no count, what its value is a share of; and what its
 * baseline is. */
static const struct {
    const char *what, *one, *many, *rest; /* "errors", "is", "are", "inside superclasses" */
    const char *baseline;
    bool value;
} evidence[FINDINGS] = {
    [FIND_ACCURACY] = {"predictions", IS_ARE, " correct", "chance", false},
    [FIND_CLASS_ORDER] = {"images", IS_ARE, " predicted as another order of the classes says", NULL,
                          false},
    [FIND_SAME_SUPERCLASS] = {"errors", IS_ARE, " inside superclasses", "an even spread", false},
    [FIND_WEAK_CLASSES] = {"errors", IS_ARE, " in these classes", NULL, false},
    [FIND_FEW_PAIRS] = {"errors", IS_ARE, " in pairs that were chosen on other images",
                        "an even spread", false},
    [FIND_ONE_WAY] = {"tested pairs of classes", "", "", "", NULL, false},
    [FIND_OVERPREDICTED] = {"classes", "", "", "", NULL, false},
    [FIND_CALIBRATION] = {"calibration error", "", "", "", "chance alone", true},
    [FIND_TEMPERATURE_ECE] = {"calibration error with the temperature", "", "", "", "without it",
                              true},
    [FIND_FLAGGED_LABELS] = {"labels", IS_ARE, " flagged", "expected if the confidences are right",
                             false},
    [FIND_HIGHEST_ERRORS] = {"errors", HAS_HAVE, " the highest confidence",
                             "expected if the confidences are right", false},
    [FIND_REJECT_LOW] = {"remaining predictions", IS_ARE, " correct", "of all predictions", false},
    [FIND_BORDER] = {"of comparisons in which the wrong prediction has the larger border share", "",
                     "", "", "without a difference", true},
    [FIND_ENTROPY] = {"of comparisons in which the wrong prediction has the larger entropy", "", "",
                      "", "without a difference", true},
    [FIND_OVERLAP_HIGH] = {"errors", HAS_HAVE, " maps that overlap by more than half",
                           "tested against", false},
    [FIND_SLICES] = {"predictions", IS_ARE,
                     " correct in the slice, on images that did not choose it", "beside it", false},
    [FIND_COLUMN_ERRORS] = {"columns that were tested", " goes", " go", " with errors", NULL,
                            false},
    [FIND_COLUMN_CLASS] = {"columns that were tested", " tells", " tell", " the class", NULL,
                           false},
    [FIND_TWO_LABELS] = {"pairs that look alike", HAS_HAVE, " two labels", NULL, false},
    [FIND_ACCURACY_NEW] = {"predictions", IS_ARE,
                           " correct without images that look like one of the training set",
                           "with them", false},
    [FIND_OVERLAP_LOW] = {"errors", HAS_HAVE, " maps that lie apart", "tested against", false},
};

/* " (A; B)" of what is not empty. Takes both. */
static char *in_brackets(char *a, char *b)
{
    char *all = !*a && !*b ? mem_dup("") : mem_printf(" (%s%s%s)", a, *a && *b ? "; " : "", b);
    free(a);
    free(b);
    return all;
}

char *advice_evidence(const struct recommendation *r)
{
    const enum finding_id id = r->finding;
    const struct finding *f = r->measured;
    const char *what = evidence[id].what;
    const char *verb = f->count == 1 ? evidence[id].one : evidence[id].many;
    bool share = !evidence[id].value && fabs(f->value - share_of(f->count, f->of)) < 1e-12;
    struct words_buf b;
    char *interval = mem_dup(""), *baseline = mem_dup(""), *said;
    if (!isnan(f->low) && !isnan(f->high)) {
        free(interval);
        interval = mem_printf("%s%s95" WORDS_NB "%% interval %.1f to %.1f" WORDS_NB "%%",
                              share ? words_share(&b, f->value) : "", share ? ", " : "",
                              100 * f->low, 100 * f->high);
    }
    if (evidence[id].baseline && !isnan(f->baseline)) {
        free(baseline);
        baseline = mem_printf("%s: %s", evidence[id].baseline, words_share(&b, f->baseline));
    }
    char *rest = in_brackets(interval, baseline);
    if (evidence[id].value)
        said = mem_printf("%s %s%s.", words_share(&b, f->value), what, rest);
    else
        said = mem_printf("%" PRId64 " of %" PRId64 " %s%s%s%s.", f->count, f->of, what, verb,
                          evidence[id].rest, rest);
    free(rest);
    if (!r->more)
        return said;
    char *all = mem_printf("%s %s", said, r->more);
    free(said);
    return all;
}

/* --- what to do first --- */

static int by_errors(const void *a, const void *b)
{
    const struct recommendation *x = a, *y = b;
    if ((x->errors == BEFORE_ALL) != (y->errors == BEFORE_ALL))
        return x->errors == BEFORE_ALL ? -1 : 1;
    if (x->errors != y->errors)
        return x->errors < y->errors ? 1 : -1;
    return x->rank - y->rank;
}

static void write_one(const struct recommendation *r, int number)
{
    struct words_buf b;
    char mark[16], more[64] = "";
    if (r->among > 0)
        snprintf(more, sizeof more, " (%" PRId64 " more than expected)", r->errors);
    snprintf(mark, sizeof mark, "%d.", number);
    words_para(4, mark, "%s%s: %s",
               r->errors == BEFORE_ALL    ? "Before all else"
               : r->errors == CONFIDENCES ? "Confidences only"
               : r->errors == UNCOUNTED
                   ? "Errors not counted"
                   : words_count(&b, *more ? r->among : r->errors, "error", "errors"),
               more, r->doing);
    char *measured = advice_evidence(r);
    words_para(4, "", "Measured: %s", measured);
    free(measured);
    if (r->list[0]) {
        char *list = mem_dup(r->list[0]);
        for (int i = 1; r->list[i]; i++) {
            char *longer = mem_printf("%s, %s", list, r->list[i]);
            free(list);
            list = longer;
        }
        words_para(4, "", "List: %s", list);
        free(list);
    }
    words_para(4, "", "It worked if %s", r->worked);
}

static void write_list(struct advice *a)
{
    words_section("What to do");
    if (a->n == 0)
        words_para(0, "", "No recommendation follows from these measurements.");
    else if (a->n > 1)
        words_para(0, "",
                   "By the number of errors that they are about or, where it is given, of those "
                   "beyond what is expected; an error may be counted in several. Change one thing "
                   "at a time.");
    if (a->n > 0)
        qsort(a->at, (size_t)a->n, sizeof *a->at, by_errors);
    for (int i = 0; i < a->n; i++)
        write_one(&a->at[i], i + 1);
    if (!a->works)
        return;
    const struct finding *acc = &a->f->of[FIND_ACCURACY];
    struct words_buf b;
    words_gap();
    words_para(0, "",
               "The 95" WORDS_NB
               "%% interval of the accuracy is %.2f points wide on %s: on another "
               "set of images, a smaller gain could be luck.",
               100 * finding_width(acc), words_count(&b, acc->of, "image", "images"));
}

/* --- the whole --- */

static void write_lead(const struct advice *a)
{
    const struct finding *acc = &a->f->of[FIND_ACCURACY];
    struct words_buf b, c, d;
    char tests[128] = "";
    if (a->works)
        snprintf(tests, sizeof tests,
                 " What could be chance is no finding: tests have the level %.2f, corrected "
                 "for their number by Holm's method.",
                 FINDINGS_LEVEL);
    words_para(0, "",
               "From %s with %s (accuracy %s). Each recommendation rests on the measurement "
               "that it names.%s%s",
               words_count(&b, acc->of, "image", "images"),
               words_count(&c, tables_errors(a->r), "error", "errors"),
               words_accuracy(&d, acc->value), tests,
               a->works && tables_errors(a->r) > 0
                   ? " A ceiling is the gain in accuracy if all of its errors went away and no "
                     "other came."
                   : "");
}

static void write_sections(struct advice *a)
{
    const struct finding *acc = &a->f->of[FIND_ACCURACY];
    advice_model(a);
    if (!a->works) {
        words_gap();
        words_para(0, "",
                   "Nothing else is recommended until this is settled: every other measurement "
                   "depends on it.");
        return;
    }
    if (tables_errors(a->r) == 0) {
        words_gap();
        words_para(0, "",
                   "There is no error among %" PRId64 " images: the 95" WORDS_NB
                   "%% interval of the accuracy begins at %.2f" WORDS_NB
                   "%%. To learn from errors, use more images, or harder ones.",
                   acc->of, 100 * acc->low);
    }
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++)
        topics[i](a);
}

void advice_make(struct advice *a, const struct known *k)
{
    const struct tables *r = &k->tables;
    const struct findings *f = &k->findings;
    *a = (struct advice){.r = r,
                         .f = f,
                         .about = &k->about,
                         .drawn_errors = k->drawn_errors,
                         .works = findings_work(f) && !about_better(&k->about)};
    words_title("Recommendations");
    about_write_warnings(&k->about);
    words_gap();
    if (f->of[FIND_ACCURACY].verdict == VERDICT_NONE) {
        words_para(0, "", "%s",
                   r->classes.total == 0
                       ? "No image has a label: nothing was measured."
                       : "There is one class, so every prediction is correct by construction: "
                         "nothing can be recommended.");
        return;
    }
    write_lead(a);
    size_t before = words_mark();
    write_sections(a);
    size_t from = words_mark();
    write_list(a);
    words_move(from, before);
}

void advice_free(struct advice *a)
{
    for (int i = 0; i < a->n; i++) {
        free(a->at[i].doing);
        free(a->at[i].more);
        free(a->at[i].worked);
    }
}

void advice_write(const struct known *k)
{
    struct advice a;
    words_open("-");
    advice_make(&a, k);
    advice_free(&a);
    about_write(&k->about);
    words_close();
}
