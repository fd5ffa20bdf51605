/* Rows of predictions that are worth a look. */
#include "base/io.h"
#include "base/mem.h"
#include "base/prog.h"
#include "rows/predictions.h"
#include "rows/skipped.h"
#include "stats/band.h"
#include "stats/choice.h"
#include "stream/tsv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { KIND_BOTH, KIND_BEST, KIND_WORST };

enum { DEFAULT_PAIRS = 5, COUNT_MAX = 1000000 };

static int by = CHOICE_CLASS, kind = -1, errors = -1;
static int64_t count = 3, pairs;
static const char *skip;

static const struct opt options[] = {
    {"by", 'b', OPT_CHOICE, &by, "class|pair|all|pred",
     "Choose for each true class, which is the default, for each of the most confused pairs of "
     "classes, from all rows together, or for each predicted class, which needs no labels.",
     0, 0},
    {"kind", 'k', OPT_CHOICE, &kind, "both|best|worst",
     "Which rows to choose for each class or from all; the default is both. With --by pred, best "
     "are those of highest and worst those of lowest confidence.",
     0, 0},
    {"errors", 0, OPT_CHOICE, &errors, "low|moderate|high|highest",
     "Choose among the wrong predictions of this band of confidence or a higher one alone; highest "
     "is above 90 %, high above 70, moderate above 50.",
     0, 0},
    {"skip", 0, OPT_STRING, &skip, "FILE",
     "Leave out the images of this table, by id; where it has a column flagged, those flagged 1, "
     "as label-check writes them.",
     0, 0},
    {"count", 'n', OPT_INT, &count, "N", "How many rows of each kind; the default is 3.", 1,
     COUNT_MAX},
    {"pairs", 0, OPT_INT, &pairs, "N",
     "With --by pair, take the N most confused pairs; the default is 5.", 1, CHOICE_PAIRS},
    {NULL, 0, OPT_FLAG, NULL, NULL, NULL, 0, 0},
};

static const char *const examples[] = {
    "worst-k --kind worst --count 3 predictions.tsv",
    "worst-k --by pair --pairs 5 predictions.tsv",
    "worst-k --by all --errors highest --count 100 predictions.tsv",
    "cat part1.tsv part2.tsv | worst-k --by all",
    NULL,
};

static const struct prog_lack lacks[] = {
    {"shard", "tables of shards are read one after the other, in any order"},
    {NULL, NULL},
};

static const struct prog prog = {
    .name = "worst-k",
    .brief = "Choose the best, worst or most confused rows of predictions",
    .operands = "[FILE ...]",
    .opts = options,
    .examples = examples,
    .lacks = lacks,
};

/* The columns that are passed on: those of the first table but for the ones that
 * this program adds. */
struct columns {
    int n;
    char **name;
    int *at;    /* in the table being read */
    bool whole; /* its rows can be copied as they stand */
};

static bool added(struct tsv_field f)
{
    return tsv_is(f, "group") || tsv_is(f, "kind") || tsv_is(f, "rank");
}

static void columns_take(struct columns *c, const struct tsv_in *t)
{
    int room = tsv_columns(t);
    c->name = mem_alloc((size_t)room, sizeof *c->name);
    c->at = mem_alloc((size_t)room, sizeof *c->at);
    for (int i = 0; i < room; i++) {
        struct tsv_field f = tsv_header(t, i);
        if (!added(f))
            c->name[c->n++] = mem_printf("%.*s", (int)f.n, f.p);
    }
}

static void columns_free(struct columns *c)
{
    for (int i = 0; i < c->n; i++)
        free(c->name[i]);
    free(c->name);
    free(c->at);
}

/* Finds the columns in a table, which has to have the same, in any order. */
static int columns_find(struct columns *c, const struct tsv_in *t, const char *first, struct err *e)
{
    int more = tsv_columns(t);
    c->whole = true;
    for (int i = 0; i < c->n; i++) {
        bool same = i < more && tsv_is(tsv_header(t, i), c->name[i]);
        c->at[i] = same ? i : tsv_need(t, c->name[i], e);
        if (c->at[i] < 0)
            return -1;
        c->whole = c->whole && same;
    }
    c->whole = c->whole && c->n == more;
    bool *known = mem_zero((size_t)more, sizeof *known);
    for (int i = 0; i < c->n; i++)
        known[c->at[i]] = true;
    int r = 0;
    for (int i = 0; i < more && r == 0; i++) {
        struct tsv_field f = tsv_header(t, i);
        if (!known[i] && !added(f))
            r = err_set(e, "%s:1: expected the columns of %s, found also '%.*s'", tsv_name(t),
                        first, (int)(f.n > 60 ? 60 : f.n), f.p);
    }
    free(known);
    return r;
}

/* What is read, from all operands. */
struct input {
    struct choice *choice;
    struct seen *seen;
    struct columns columns;
    char *text; /* a row in the order of `columns` */
    size_t room;
    struct skipped skip;
    int64_t rows, unlabelled, skipped;
};

static struct tsv_field row_text(struct input *in, const struct tsv_in *t)
{
    const struct columns *c = &in->columns;
    struct tsv_field row = tsv_row(t);
    if (c->whole)
        return row;
    if (row.n + 1 > in->room) {
        in->room = 2 * row.n + 1;
        in->text = mem_grow(in->text, in->room, 1);
    }
    size_t n = 0;
    for (int i = 0; i < c->n; i++) {
        struct tsv_field f = tsv_get(t, c->at[i]);
        if (i > 0)
            in->text[n++] = '\t';
        memcpy(in->text + n, f.p, f.n);
        n += f.n;
    }
    return (struct tsv_field){in->text, n};
}

static int read_rows(struct input *in, struct tsv_in *t, struct err *e)
{
    struct prediction_cols cols = {
        .classes = STATS_CLASSES, .all = by == CHOICE_PRED, .seen = in->seen};
    unsigned need = 1u << PREDICTION_ID | 1u << PREDICTION_PRED | 1u << PREDICTION_CONF;
    if (!cols.all)
        need |= 1u << PREDICTION_TRUE;
    if (prediction_find(&cols, t, need, 0, e) != 0)
        return -1;
    struct prediction a;
    int r;
    while ((r = prediction_next(&cols, t, &a, e)) > 0) {
        in->rows++;
        if (skipped_has(&in->skip, a.id)) {
            in->skipped++;
            continue;
        }
        if (a.truth < 0 && !cols.all) {
            in->unlabelled++;
            continue;
        }
        if (errors >= 0 && (a.truth == a.pred || (int)band_of(a.conf) < errors))
            continue;
        struct offer offer[2];
        struct err inner;
        int n = choice_offer(in->choice, &a, offer, &inner);
        if (n < 0)
            return tsv_error(t, e, "%s", inner.msg);
        if (n == 0)
            continue;
        struct tsv_field text = row_text(in, t);
        for (int i = 0; i < n; i++)
            ranked_put(offer[i].list, &offer[i].rank, text.p, text.n);
    }
    return r;
}

static int write_result(const struct input *in, struct err *e)
{
    struct out *o;
    if (out_open(&o, "-", e) != 0)
        return -1;
    static const char more[] = "group kind rank";
    size_t room = sizeof more;
    for (int i = 0; i < in->columns.n; i++)
        room += strlen(in->columns.name[i]) + 1;
    char *names = mem_alloc(room, 1), *p = names;
    for (int i = 0; i < in->columns.n; i++) {
        p = stpcpy(p, in->columns.name[i]);
        *p++ = ' ';
    }
    memcpy(p, more, sizeof more);
    struct tsv_out *t = tsv_begin(o, names);
    size_t n;
    struct chosen *chosen = choice_done(in->choice, &n);
    int r = 0;
    for (size_t i = 0; i < n && r == 0; i++) {
        const struct ranked *list = chosen[i].list;
        for (size_t k = 0; k < list->n && r == 0; k++) {
            tsv_put_raw(t, list->row[k].text, list->row[k].n);
            if (chosen[i].group < 0)
                tsv_put_string(t, NULL);
            else
                tsv_put_int(t, chosen[i].group);
            tsv_put_string(t, chosen_word(chosen[i].kind));
            tsv_put_int(t, (int64_t)k + 1);
            r = tsv_end(t, e);
        }
    }
    free(chosen);
    free(names);
    tsv_free(t);
    if (r != 0) {
        out_abort(o);
        return -1;
    }
    return out_close(o, e);
}

int main(int argc, char **argv)
{
    int first = prog_start(&prog, argc, argv);
    if (by == CHOICE_PAIR && kind >= 0)
        prog_usage("--kind does not go with --by pair");
    if (errors >= 0 && by == CHOICE_PRED)
        prog_usage("--errors needs labels: it does not go with --by pred");
    for (int i = first; skip && strcmp(skip, "-") == 0 && (i < argc || i == first); i++)
        if (i >= argc || strcmp(argv[i], "-") == 0)
            prog_usage("--skip: standard input is read for the rows");
    if (by != CHOICE_PAIR && pairs > 0)
        prog_usage("--pairs goes with --by pair");
    struct choice_opts o = {
        .by = (enum choice_by)by,
        .best = kind != KIND_WORST,
        .worst = kind != KIND_BEST,
        .count = (size_t)count,
        .pairs = pairs ? (size_t)pairs : DEFAULT_PAIRS,
    };
    struct input in = {.choice = choice_new(&o), .seen = seen_new()};
    struct err e = {0};
    char last[256] = "";
    if (skip && skipped_read(&in.skip, skip, &e) != 0)
        prog_fail(&e);
    for (int i = first; i < argc || i == first; i++) {
        struct tsv_in *t;
        if (tsv_open(&t, i < argc ? argv[i] : "-", &e) != 0)
            prog_fail(&e);
        if (i == first)
            columns_take(&in.columns, t);
        if (columns_find(&in.columns, t, io_name(first < argc ? argv[first] : "-"), &e) != 0 ||
            read_rows(&in, t, &e) != 0)
            prog_fail(&e);
        snprintf(last, sizeof last, "%s", tsv_name(t));
        tsv_close(t);
    }
    if (in.rows > 0 && in.unlabelled == in.rows)
        prog_die(PROG_ERROR,
                 "%s: expected rows with a true class, found none in %" PRId64
                 " rows: --by pred needs none",
                 first + 1 < argc ? "all files" : last, in.rows);
    if (seen_end(in.seen, prog_say, &e) != 0)
        prog_fail(&e);
    if (in.unlabelled > 0 && prog_verbose())
        prog_say("%" PRId64 " of %" PRId64 " rows ignored: they have no true class", in.unlabelled,
                 in.rows);
    if (skip && prog_verbose())
        prog_say("%" PRId64 " of %" PRId64 " rows left out by %s", in.skipped, in.rows,
                 io_name(skip));
    if (write_result(&in, &e) != 0)
        prog_fail(&e);
    choice_free(in.choice);
    seen_free(in.seen);
    skipped_free(&in.skip);
    columns_free(&in.columns);
    free(in.text);
    return PROG_OK;
}
