/* Two runs on the same images, compared. */
#include "base/io.h"
#include "base/prog.h"
#include "rows/diff_rows.h"
#include "rows/put.h"
#include "stats/diff.h"
#include "stream/tsv.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum mode {
    MODE_SUMMARY,
    MODE_IMAGES,
    MODE_CLASSES,
    MODE_SUPERCLASSES,
    MODE_PAIRS,
    MODE_MOVED,
    MODES
};

static const double moved_usual = 0.5;

static bool flag[MODES], common, no_maps;
static int64_t top, fail_broken;
static double moved = NAN, fail_worse = NAN;
static const char *maps[2], *ids[2], *planes;

static const struct opt options[] = {
    {"images", 0, OPT_FLAG, &flag[MODE_IMAGES], NULL,
     "Write the images whose prediction changed, instead of the summary.", 0, 0},
    {"classes", 'c', OPT_FLAG, &flag[MODE_CLASSES], NULL,
     "Write accuracy, fixed and broken images of each class, with a test.", 0, 0},
    {"groups", 'g', OPT_FLAG, &flag[MODE_SUPERCLASSES], NULL, "Write the same by superclass.", 0,
     0},
    {"pairs", 0, OPT_FLAG, &flag[MODE_PAIRS], NULL,
     "Write the confusion pairs that images joined or left, those whose count changed most first.",
     0, 0},
    {"moved", 0, OPT_FLAG, &flag[MODE_MOVED], NULL,
     "Write the images whose prediction stayed but whose map moved, those that moved most first.",
     0, 0},
    {"top", 'n', OPT_INT, &top, "N",
     "With --pairs or --moved, write the first N; 0 writes all and is the default.", 0, INT64_MAX},
    {"common", 0, OPT_FLAG, &common, NULL,
     "Compare the images that both runs have, and count the others. Without it other images are an "
     "error.",
     0, 0},
    {"maps-a", 0, OPT_STRING, &maps[0], "FILE",
     "The maps of A: a tensor (n, classes, h, w), as cifar-predict --class-maps writes it, or as "
     "--planes says. Default: those in the folder A.",
     0, 0},
    {"maps-b", 0, OPT_STRING, &maps[1], "FILE", "The same of B.", 0, 0},
    {"ids-a", 0, OPT_STRING, &ids[0], "FILE",
     "The ids of the items of --maps-a. Without it item i has id i.", 0, 0},
    {"ids-b", 0, OPT_STRING, &ids[1], "FILE", "The same for --maps-b.", 0, 0},
    {"planes", 0, OPT_STRING, &planes, "LIST",
     "The --target with which cam-compute or cifar-predict --cams made the maps of --maps-a and "
     "--maps-b; pred is compared. Without it they have a plane for each class.",
     0, 0},
    {"no-maps", 0, OPT_FLAG, &no_maps, NULL, "Ignore the maps in the folders.", 0, 0},
    {"moved-below", 0, OPT_FLOAT, &moved, "R",
     "A map has moved where its rank correlation is below R, from -1 to 1; the default is 0.5.", 0,
     0},
    {"fail-if-broken", 0, OPT_INT, &fail_broken, "N",
     "End with status 4 if N or more images are correct in A and wrong in B.", 1, INT64_MAX},
    {"fail-if-worse", 0, OPT_FLOAT, &fail_worse, "P",
     "End with status 4 if more images are broken than fixed, and if the probability of that by "
     "chance is below P: worse_p of the summary.",
     0, 0},
    {NULL, 0, OPT_FLAG, NULL, NULL, NULL, 0, 0},
};

static const char *const examples[] = {
    "run-diff before.tsv after.tsv",
    "run-diff --images results/f32 results/bf16 > changed.tsv",
    "run-diff --fail-if-worse 0.05 baseline.tsv new.tsv > /dev/null || echo 'worse'",
    "cifar-predict -m new.pth -d test.bin | run-diff --classes old.tsv -",
    NULL,
};

static const struct prog prog = {
    .name = "run-diff",
    .brief = "Compare the predictions of two runs on the same images",
    .operands = "A B",
    .opts = options,
    .examples = examples,
};

/* --- writing --- */

static void put_probability(struct tsv_out *t, const double p[2])
{
    tsv_put_real(t, p[0]);
    tsv_put_real(t, p[1]);
}

static int write_images(struct out *o, const struct diff *d, const struct names *names,
                        struct err *e)
{
    struct tsv_out *t = tsv_begin(o, "id true pred_a pred_b conf_a conf_b kind map_correlation "
                                     "true_name pred_a_name pred_b_name");
    int r = 0;
    for (size_t k = 0; k < d->n && r == 0; k++) {
        const struct diff_image *i = &d->image[k];
        if (i->pred[0] == i->pred[1])
            continue;
        tsv_put_int(t, i->id);
        put_class(t, i->truth);
        put_class(t, i->pred[0]);
        put_class(t, i->pred[1]);
        put_probability(t, i->conf);
        tsv_put_string(t, diff_kind_word(diff_kind(i)));
        tsv_put_real(t, i->map);
        put_class_name(t, names, i->truth);
        put_class_name(t, names, i->pred[0]);
        put_class_name(t, names, i->pred[1]);
        r = tsv_end(t, e);
    }
    tsv_free(t);
    return r;
}

static int write_moved(struct out *o, const struct diff *d, const struct names *names,
                       struct err *e)
{
    struct tsv_out *t =
        tsv_begin(o, "id true pred conf_a conf_b map_correlation true_name pred_name");
    size_t n;
    struct diff_image *list = diff_moved(d, moved, &n);
    int r = 0;
    for (size_t k = 0; k < n && (top == 0 || (int64_t)k < top) && r == 0; k++) {
        const struct diff_image *i = &list[k];
        tsv_put_int(t, i->id);
        put_class(t, i->truth);
        put_class(t, i->pred[0]);
        put_probability(t, i->conf);
        tsv_put_real(t, i->map);
        put_class_name(t, names, i->truth);
        put_class_name(t, names, i->pred[0]);
        r = tsv_end(t, e);
    }
    free(list);
    tsv_free(t);
    return r;
}

static int put_part(struct tsv_out *t, const struct diff_part *p, struct err *e)
{
    const struct diff_counts *c = &p->counts;
    tsv_put_int(t, c->images);
    for (int run = 0; run < 2; run++)
        tsv_put_int(t, c->correct[run]);
    for (int run = 0; run < 2; run++)
        tsv_put_real(t, p->accuracy[run]);
    tsv_put_real(t, p->difference);
    tsv_put_int(t, c->fixed);
    tsv_put_int(t, c->broken);
    tsv_put_real(t, p->p);
    tsv_put_real(t, p->adjusted);
    return tsv_end(t, e);
}

#define PART_COLUMNS                                                                               \
    "total correct_a correct_b accuracy_a accuracy_b difference fixed broken p p_adjusted"

static int write_classes(struct out *o, const struct diff *d, const struct names *names,
                         struct err *e)
{
    struct tsv_out *t = tsv_begin(o, "class name group group_name " PART_COLUMNS);
    int n, r = 0;
    struct diff_part *part = diff_classes(d, &n);
    for (int i = 0; i < n && r == 0; i++) {
        int superclass = i < names->classes ? names->superclass[i] : -1;
        put_class(t, i);
        put_class_name(t, names, i);
        put_class(t, superclass);
        put_superclass_name(t, names, superclass);
        r = put_part(t, &part[i], e);
    }
    free(part);
    tsv_free(t);
    return r;
}

static int write_superclasses(struct out *o, const struct diff *d, const struct names *names,
                              struct err *e)
{
    struct tsv_out *t = tsv_begin(o, "group group_name " PART_COLUMNS);
    int64_t ignored;
    int r = 0;
    struct diff_part *part = diff_superclasses(d, names, &ignored);
    if (ignored > 0 && prog_verbose())
        prog_say("%" PRId64 " images ignored: the superclass of their true class is not known",
                 ignored);
    for (int i = 0; i < names->superclasses && r == 0; i++) {
        put_class(t, i);
        put_superclass_name(t, names, i);
        r = put_part(t, &part[i], e);
    }
    free(part);
    tsv_free(t);
    return r;
}

static int write_pairs(struct out *o, const struct diff *d, const struct names *names,
                       struct err *e)
{
    struct diff_pair *pair;
    size_t n;
    if (diff_pairs(d, names, &pair, &n, e) != 0)
        return -1;
    struct tsv_out *t = tsv_begin(o, "true pred count_a count_b difference more fewer true_name "
                                     "pred_name same_group p p_adjusted");
    int r = 0;
    for (size_t i = 0; i < n && (top == 0 || (int64_t)i < top) && r == 0; i++) {
        const struct diff_pair *p = &pair[i];
        tsv_put_int(t, p->truth);
        tsv_put_int(t, p->pred);
        tsv_put_int(t, p->count[0]);
        tsv_put_int(t, p->count[1]);
        tsv_put_int(t, p->difference);
        tsv_put_int(t, p->more);
        tsv_put_int(t, p->fewer);
        put_class_name(t, names, p->truth);
        put_class_name(t, names, p->pred);
        put_class(t, p->same_superclass);
        tsv_put_real(t, p->p);
        tsv_put_real(t, p->adjusted);
        r = tsv_end(t, e);
    }
    free(pair);
    tsv_free(t);
    return r;
}

static int write_summary(struct out *o, const struct diff *d, const struct diff_summary *s,
                         bool with_maps, struct err *e)
{
    struct tsv_out *t = tsv_begin(o, "measure value");
    double value[DIFF_MEASURE_COUNT];
    int r = 0;
    diff_measures(d, s, with_maps, value);
    for (int i = 0; i < DIFF_MEASURE_COUNT && r == 0; i++) {
        tsv_put_string(t, diff_measure_word((enum diff_measure)i));
        if (diff_measure_is_count((enum diff_measure)i) && !isnan(value[i]))
            tsv_put_int(t, (int64_t)value[i]);
        else
            tsv_put_real(t, value[i]);
        r = tsv_end(t, e);
    }
    tsv_free(t);
    return r;
}

static int write_result(enum mode mode, const struct diff *d, const struct diff_summary *s,
                        const struct names *names, bool with_maps, struct err *e)
{
    struct out *o;
    int r = 0;
    if (out_open(&o, "-", e) != 0)
        return -1;
    switch (mode) {
    case MODE_IMAGES:
        r = write_images(o, d, names, e);
        break;
    case MODE_CLASSES:
        r = write_classes(o, d, names, e);
        break;
    case MODE_SUPERCLASSES:
        r = write_superclasses(o, d, names, e);
        break;
    case MODE_PAIRS:
        r = write_pairs(o, d, names, e);
        break;
    case MODE_MOVED:
        r = write_moved(o, d, names, e);
        break;
    default:
        r = write_summary(o, d, s, with_maps, e);
    }
    if (r != 0) {
        out_abort(o);
        return -1;
    }
    return out_close(o, e);
}

/* --- what is asked for --- */

static enum mode choose_mode(void)
{
    static const char *const word[MODES] = {NULL, "images", "classes", "groups", "pairs", "moved"};
    enum mode mode = MODE_SUMMARY;
    for (int i = MODE_IMAGES; i < MODES; i++) {
        if (!flag[i])
            continue;
        if (mode != MODE_SUMMARY)
            prog_usage("--%s and --%s exclude each other", word[mode], word[i]);
        mode = (enum mode)i;
    }
    if (top > 0 && mode != MODE_PAIRS && mode != MODE_MOVED)
        prog_usage("--top goes with --pairs and with --moved");
    return mode;
}

/* The files of a run: those in the folder, and those that options name instead. */
static void choose_files(struct diff_files *run, int i, const char *operand)
{
    diff_files_find(run, operand);
    if (no_maps || maps[i])
        diff_files_set_maps(run, maps[i], ids[i], planes);
}

/* Whether the maps were compared. Unlike maps are no error where nobody asked for them. */
static bool read_maps(struct diff *d, const struct diff_files run[2], bool asked)
{
    struct err e = {0};
    if (!run[0].maps || !run[1].maps)
        return false;
    int r = diff_read_maps(d, run, &e);
    if (r < 0 || (r == 0 && asked))
        prog_fail(&e);
    if (r == 0)
        prog_say("the maps are not compared: %s", e.msg);
    return r > 0;
}

static void check_options(enum mode mode)
{
    if (!isnan(fail_worse) && !(fail_worse > 0 && fail_worse <= 1))
        prog_usage("--fail-if-worse: expected a probability above 0, up to 1, found '%g'",
                   fail_worse);
    if (!isnan(moved) && !(moved >= -1 && moved <= 1))
        prog_usage("--moved-below: expected a number from -1 to 1, found '%g'", moved);
    for (int i = 0; i < 2; i++) {
        if (ids[i] && !maps[i])
            prog_usage("--ids-%c goes with --maps-%c", 'a' + i, 'a' + i);
        if (no_maps && maps[i])
            prog_usage("--no-maps and --maps-%c exclude each other", 'a' + i);
    }
    if (planes && !maps[0] && !maps[1])
        prog_usage("--planes goes with --maps-a and --maps-b");
    if (no_maps && mode == MODE_MOVED)
        prog_usage("--moved needs maps: it does not go with --no-maps");
}

/* Says what the options to fail hold against B. */
static int verdict(const struct diff_counts *c)
{
    double p = diff_worse(c);
    int status = PROG_OK;
    if (fail_broken > 0 && c->broken >= fail_broken) {
        prog_say("failed: broken images: %" PRId64 " (--fail-if-broken %" PRId64 ")", c->broken,
                 fail_broken);
        status = PROG_VERDICT;
    }
    if (!isnan(fail_worse) && c->broken > c->fixed && p < fail_worse) {
        prog_say("failed: B is worse: broken images: %" PRId64 ", fixed: %" PRId64
                 ", p = %.3g (--fail-if-worse %g)",
                 c->broken, c->fixed, p, fail_worse);
        status = PROG_VERDICT;
    }
    return status;
}

int main(int argc, char **argv)
{
    int first = prog_start(&prog, argc, argv);
    enum mode mode = choose_mode();
    check_options(mode);
    if (argc - first != 2)
        prog_usage("expected two operands, A and B, found %d", argc - first);
    if (strcmp(argv[first], "-") == 0 && strcmp(argv[first + 1], "-") == 0)
        prog_usage("A and B cannot both be standard input");
    if (isnan(moved))
        moved = moved_usual;
    struct diff_files run[2];
    for (int i = 0; i < 2; i++)
        choose_files(&run[i], i, argv[first + i]);
    struct err e = {0};
    struct naming *naming = naming_new(NULL);
    struct diff d;
    if (mode == MODE_MOVED && (!run[0].maps || !run[1].maps))
        prog_die(PROG_ERROR, "%s: expected maps for --moved, found none (--maps-%c)",
                 io_name(run[run[0].maps ? 1 : 0].predictions), run[0].maps ? 'b' : 'a');
    if (diff_read(&d, run, naming, common, prog_say, &e) != 0)
        prog_fail(&e);
    struct diff_summary s;
    bool with_maps = read_maps(&d, run, maps[0] || maps[1] || mode == MODE_MOVED);
    diff_summarize(&d, moved, &s);
    bool labels = mode == MODE_CLASSES || mode == MODE_SUPERCLASSES || mode == MODE_PAIRS ||
                  fail_broken > 0 || !isnan(fail_worse);
    if (labels && s.counts.images == 0)
        prog_die(PROG_ERROR,
                 "%s: expected images with a true class, found none in %" PRId64
                 ": cifar-predict --labels adds them; the summary, --images and --moved need none",
                 io_name(run[1].predictions), s.images);
    if (write_result(mode, &d, &s, naming_names(naming, 0), with_maps, &e) != 0)
        prog_fail(&e);
    int status = verdict(&s.counts);
    diff_free(&d);
    naming_free(naming);
    for (int i = 0; i < 2; i++)
        diff_files_free(&run[i]);
    return status;
}
