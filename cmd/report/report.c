/* Texts, tables and pages for people, from the tables of one run. */
#include "report.h"

#include "explorer.h"

#include "base/mem.h"
#include "base/pool.h"
#include "base/prog.h"
#include "data/data.h"
#include "draw/color.h"
#include "rows/selection.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum table {
    SUMMARY,
    CLASSES,
    PAIRS,
    SUPERCLASSES,
    CAM,
    TURNED,
    STABILITY,
    FAITHFULNESS,
    SANITY,
    PREDICTIONS,
    CALIBRATION,
    LABELS,
    SLICES,
    COVARIATES,
    DUPLICATES,
    SELECTED,
    PAIR_ROWS,
    ERRORS,
    RUN,
    FILES,
    IMAGES,
    MOVED,
    RUN_A,
    RUN_B,
    TABLES
};

static const char *file[TABLES];
static struct explorer_opts explorer = {.cmap = COLOR_VIRIDIS};
static struct geometry_opts size_words;
static const char *query;
static int64_t threads;

static const struct opt options[] = {
    {"summary", 0, OPT_STRING, &file[SUMMARY], "FILE",
     "The table of confmat --summary: top-5 accuracy, and images without a label.", 0, 0},
    {"classes", 0, OPT_STRING, &file[CLASSES], "FILE", "The table of confmat --classes.", 0, 0},
    {"pairs", 0, OPT_STRING, &file[PAIRS], "FILE", "The table of confmat --pairs --top 0.", 0, 0},
    {"groups", 0, OPT_STRING, &file[SUPERCLASSES], "FILE",
     "The superclass matrix of confmat --groups, for the superclasses that are confused.", 0, 0},
    {"cam", 0, OPT_STRING, &file[CAM], "FILE",
     "The statistics of the maps of all images, as cam-compute --target true,pred --stats writes "
     "them. Without them the texts do not speak of maps.",
     0, 0},
    {"turned", 0, OPT_STRING, &file[TURNED], "FILE",
     "The table of cam-score --errors: which errors turn when the cells are deleted that favour "
     "the wrong class.",
     0, 0},
    {"stability", 0, OPT_STRING, &file[STABILITY], "FILE",
     "The table of cam-compute --stability --stats for some of the images: how many maps change "
     "when the image is mirrored or shifted.",
     0, 0},
    {"faithfulness", 0, OPT_STRING, &file[FAITHFULNESS], "FILE",
     "The table that heatpipe --faithfulness makes: summary and explorer then tell which maps do "
     "best.",
     0, 0},
    {"sanity", 0, OPT_STRING, &file[SANITY], "FILE",
     "The other table of heatpipe --faithfulness: whether the maps change with the class and with "
     "what the network has learnt.",
     0, 0},
    {"predictions", 0, OPT_STRING, &file[PREDICTIONS], "FILE",
     "The rows of cifar-predict. Without them the texts do not speak of confidence. The output "
     "predictions needs only these, with or without labels.",
     0, 0},
    {"calibration", 0, OPT_STRING, &file[CALIBRATION], "FILE",
     "The table of calibrate --logits: the texts then name the temperature and what it changes.", 0,
     0},
    {"label-check", 0, OPT_STRING, &file[LABELS], "FILE",
     "The table of label-check: the texts then tell how many labels it flags, and the accuracy "
     "without these images; csv --errors tells of each error whether its label is flagged.",
     0, 0},
    {"slices", 0, OPT_STRING, &file[SLICES], "FILE",
     "The table of slices: groups of similar images with a low accuracy.", 0, 0},
    {"covariates", 0, OPT_STRING, &file[COVARIATES], "FILE",
     "The table of covariates: columns that go with errors or tell the class.", 0, 0},
    {"duplicates", 0, OPT_STRING, &file[DUPLICATES], "FILE",
     "The table of duplicates --summary: images that are there more than once.", 0, 0},
    {"selected", 0, OPT_STRING, &file[SELECTED], "FILE",
     "The rows of worst-k --by class: explorer links the sheets of these classes.", 0, 0},
    {"pair-rows", 0, OPT_STRING, &file[PAIR_ROWS], "FILE",
     "The rows of worst-k --by pair: explorer links the sheets of these pairs.", 0, 0},
    {"errors", 0, OPT_STRING, &file[ERRORS], "FILE",
     "The rows of worst-k --by all --errors highest: csv lists them, and recommendations counts "
     "those that are drawn, and explorer shows them first.",
     0, 0},
    {"run", 0, OPT_STRING, &file[RUN], "FILE",
     "What the run was made from: the tables that cifar-predict and cam-compute write with --run, "
     "joined. Texts and pages end with it and begin with its warnings.",
     0, 0},
    {"files", 0, OPT_STRING, &file[FILES], "FILE",
     "The files that the run writes, in a column 'file', relative to its folder. Texts and pages "
     "name and link no other file.",
     0, 0},
    {"images", 0, OPT_STRING, &file[IMAGES], "FILE",
     "For diff and diff-page: the table of run-diff --images. The tables of --summary, --classes, "
     "--groups and "
     "--pairs are then those of run-diff, too.",
     0, 0},
    {"moved", 0, OPT_STRING, &file[MOVED], "FILE",
     "For diff and diff-page: the table of run-diff --moved.", 0, 0},
    {"run-a", 0, OPT_STRING, &file[RUN_A], "FILE",
     "For diff and diff-page: the table --run of the first run. With that of the second, the text "
     "tells in what "
     "they differ.",
     0, 0},
    {"run-b", 0, OPT_STRING, &file[RUN_B], "FILE", "The same of the second run.", 0, 0},
    {"out", 'o', OPT_STRING, &explorer.out, "FILE",
     "The page that explorer writes, NAME.html; its data go into the folder NAME beside it.", 0, 0},
    {"join", 0, OPT_LIST, &explorer.join, "FILE",
     "A table with a column id, whose columns become properties of the images in explorer. May be "
     "given several times.",
     0, 0},
    {"data", 'd', OPT_STRING, &explorer.data, "PATH",
     "The images for explorer: a file or the data set's folder.", 0, 0},
    GEOMETRY_OPTS(size_words, GEOMETRY_HELP),
    {"class-maps", 0, OPT_STRING, &explorer.class_maps, "FILE",
     "The maps of all classes for explorer, as cifar-predict --class-maps writes them.", 0, 0},
    {"cams", 0, OPT_STRING, &explorer.cams, "FILE",
     "Maps for explorer of the targets of --planes, as cifar-predict --cams writes them.", 0, 0},
    {"planes", 0, OPT_STRING, &explorer.planes, "LIST", "The targets that --cams was made with.", 0,
     0},
    {"ids", 0, OPT_STRING, &explorer.ids, "FILE",
     "The ids of the items of --class-maps or --cams; without it an item belongs to the id that is "
     "its number.",
     0, 0},
    {"names", 0, OPT_STRING, &explorer.names, "FILE",
     "Names of the classes, as cifar-predict --classes writes them.", 0, 0},
    {"cmap", 0, OPT_CHOICE, &explorer.cmap, COLOR_WORDS,
     "Colour map with which explorer begins; the default is viridis.", 0, 0},
    {"base", 0, OPT_STRING, &explorer.base, "DIR",
     "The folder in which the commands that explorer shows are run: files below it are named from "
     "there, others by their whole path.",
     0, 0},
    {"single-file", 0, OPT_FLAG, &explorer.single, NULL,
     "Write explorer as one file of at most 8 MB, with the images of --errors, --pair-rows and "
     "--selected alone.",
     0, 0},
    {"open", 0, OPT_STRING, &query, "QUERY",
     "Write the address of a view of explorer instead of the page, for a selection such as "
     "'grid correct=0 conf>0.9 sort=-conf'.",
     0, 0},
    {"threads", 0, OPT_INT, &threads, "N",
     "Write the data of explorer with N threads; the default is one for each core; the result is "
     "the same.",
     1, 1024},
    {NULL, 0, OPT_FLAG, NULL, NULL, NULL, 0, 0},
};

static const char *const examples[] = {
    "report summary --summary summary.tsv --classes per_class.tsv --pairs pairs.tsv",
    "confmat --classes < predictions.tsv | report csv --classes -",
    "report explorer --predictions p.tsv --classes c.tsv --pairs pairs.tsv --data test.bin",
    "report markdown --summary summary.tsv --classes per_class.tsv --pairs pairs.tsv > comment.md",
    "report bars --classes per_class.tsv > bars.html",
    NULL,
};

static const struct prog_lack lacks[] = {
    {"shard", "a report is of all images, whose tables gather(1) puts together"},
    {NULL, NULL},
};

static const struct prog prog = {
    .name = "report",
    .brief = "Write texts, tables and pages about one run of a classifier",
    .operands = "summary|recommendations|markdown|json|findings|predictions|diff|diff-page|csv|"
                "bars|explorer",
    .opts = options,
    .examples = examples,
    .general = true,
    .lacks = lacks,
};

static void need(const char *what, enum table t)
{
    if (!file[t])
        prog_usage("%s needs --%s %s", what, options[t].name, options[t].arg);
}

/* Standard input can be read once. */
static void check_inputs(void)
{
    const char *first = NULL;
    prog_check_output("out", explorer.out);
    for (int i = 0; i < TABLES; i++) {
        if (!file[i] || strcmp(file[i], "-") != 0)
            continue;
        if (first)
            prog_usage("--%s and --%s cannot both be standard input", first, options[i].name);
        first = options[i].name;
    }
}

static void check(int result, const struct err *e)
{
    if (result != 0)
        prog_fail(e);
}

/* Reads the tables that are given and that `tables`, bits of enum table, wants. */
static struct known *known_read(unsigned tables)
{
    struct known *k = mem_zero(1, sizeof *k);
    struct tables *t = &k->tables;
    struct skipped flagged = {0};
    struct err e;
    about_read(&k->about, file[RUN], file[FILES]);
    check(classes_read(&t->classes, file[CLASSES], true, &e), &e);
    if (tables & 1u << PAIRS)
        check(pairs_read(&t->pairs, file[PAIRS], PAIR_NAMES, &t->classes, &e), &e);
    check(summary_read(&t->summary, file[SUMMARY], &t->classes, &e), &e);
    if (tables & 1u << SUPERCLASSES && file[SUPERCLASSES])
        check(superclasses_read(&t->superclasses, file[SUPERCLASSES], &e), &e);
    check(label_flags_read(&t->labels, tables & 1u << LABELS ? file[LABELS] : NULL, &t->classes,
                           &flagged, &e),
          &e);
    if (tables & 1u << PREDICTIONS && file[PREDICTIONS])
        check(confidence_read(&t->confidence, file[PREDICTIONS], &t->classes, &t->pairs,
                              t->labels.known ? &flagged : NULL, &e),
              &e);
    skipped_free(&flagged);
    check(mending_read(&t->mending, tables & 1u << CALIBRATION ? file[CALIBRATION] : NULL,
                       &t->classes, &t->confidence, &e),
          &e);
    /* Only texts speak of these. */
    bool all = tables & 1u << LABELS;
    check(slices_read(&t->slices, all ? file[SLICES] : NULL, &t->classes, &e), &e);
    check(tested_columns_read(&t->columns, all ? file[COVARIATES] : NULL, &t->classes, &e), &e);
    check(repeats_read(&t->repeats, all ? file[DUPLICATES] : NULL, &t->classes, &e), &e);
    t->maps.earlier = about_earlier(&k->about);
    t->maps.even_border = about_even_border(&k->about);
    if (tables & 1u << CAM && file[CAM])
        check(maps_read(&t->maps, file[CAM], &t->classes, &e), &e);
    check(faithfulness_read(&t->faithfulness,
                            all || tables & 1u << FAITHFULNESS ? file[FAITHFULNESS] : NULL, &e),
          &e);
    check(sanity_read(&t->sanity, all || tables & 1u << SANITY ? file[SANITY] : NULL, &e), &e);
    check(stability_read(&t->stability, all ? file[STABILITY] : NULL, &e), &e);
    check(turned_read(&t->turned, all ? file[TURNED] : NULL, &t->classes, &e), &e);
    findings_compute(&k->findings, t);
    return k;
}

static void known_free(struct known *k)
{
    tables_free(&k->tables);
    findings_free(&k->findings);
    about_free(&k->about);
    free(k);
}

static int64_t count_errors(const char *path)
{
    struct selected_errors *rows;
    struct selected_error row;
    struct err e;
    int64_t n = 0;
    int r;
    check(selection_errors_open(&rows, path, &e), &e);
    while ((r = selection_errors_next(rows, &row, &e)) > 0)
        n++;
    check(r, &e);
    selection_errors_close(rows);
    return n;
}

static void text(const char *what, void (*write)(const struct known *))
{
    need(what, SUMMARY);
    need(what, CLASSES);
    need(what, PAIRS);
    struct known *k = known_read(~0u);
    k->drawn_errors = file[ERRORS] ? count_errors(file[ERRORS]) : -1;
    write(k);
    known_free(k);
}

static void table(const struct known *k)
{
    findings_write(&k->findings);
}

/* The tables of two runs, as far as they are given. */
static void diff(const char *what, void (*write)(const struct compared *))
{
    struct compared *k = mem_zero(1, sizeof *k);
    struct err e;
    need(what, SUMMARY);
    check(diff_summary_read(k->measure, file[SUMMARY], &e), &e);
    if (file[CLASSES])
        check(diff_parts_read(&k->classes, file[CLASSES], false, &e), &e);
    if (file[SUPERCLASSES])
        check(diff_parts_read(&k->superclasses, file[SUPERCLASSES], true, &e), &e);
    if (file[PAIRS])
        check(diff_pairs_read(&k->pairs, file[PAIRS], &e), &e);
    if (file[IMAGES])
        check(diff_images_read(k->images, file[IMAGES], &e), &e);
    if (file[MOVED])
        check(diff_moved_read(&k->moved, file[MOVED], &e), &e);
    about_read(&k->about[0], file[RUN_A], NULL);
    about_read(&k->about[1], file[RUN_B], NULL);
    if (file[FILES])
        check(file_list_read(&k->files, file[FILES], &e), &e);
    write(k);
    file_list_free(&k->files);
    diff_entries_free(&k->classes);
    diff_entries_free(&k->superclasses);
    diff_entries_free(&k->pairs);
    for (int i = 0; i < DIFF_KINDS; i++)
        diff_examples_free(&k->images[i]);
    diff_examples_free(&k->moved);
    for (int i = 0; i < 2; i++)
        about_free(&k->about[i]);
    free(k);
}

static void csv(void)
{
    struct err e;
    if (!!file[CLASSES] + !!file[PAIRS] + !!file[ERRORS] != 1)
        prog_usage("csv needs one of --classes FILE, --pairs FILE and --errors FILE");
    if (file[ERRORS]) {
        csv_write_errors(file[ERRORS], file[LABELS]);
    } else if (file[CLASSES]) {
        struct classes c;
        check(classes_read(&c, file[CLASSES], true, &e), &e);
        csv_write_classes(&c);
        classes_free(&c);
    } else {
        struct pairs p;
        check(pairs_read(&p, file[PAIRS], PAIR_NAMES, NULL, &e), &e);
        csv_write_pairs(&p);
        pairs_free(&p);
    }
}

static void predictions(void)
{
    struct about about;
    struct tally tally;
    struct err e;
    need("predictions", PREDICTIONS);
    about_read(&about, file[RUN], file[FILES]);
    check(tally_read(&tally, file[PREDICTIONS], prog_say, &e), &e);
    predictions_write(&tally, &about);
    tally_free(&tally);
    about_free(&about);
}

static void bars(void)
{
    need("bars", CLASSES);
    struct known *k = known_read(file[PAIRS] ? 1u << PAIRS : 0);
    bars_write(k);
    known_free(k);
}

static void check_explorer(void)
{
    need("explorer", PREDICTIONS);
    if (!explorer.out)
        explorer.out = explorer.single ? "-" : NULL;
    if (!explorer.out)
        prog_usage("explorer needs --out FILE");
    if (!!file[CLASSES] != !!file[PAIRS])
        prog_usage("explorer needs both --classes FILE and --pairs FILE, or none of them where no "
                   "image has a label");
    if (explorer.class_maps && explorer.cams)
        prog_usage("--class-maps and --cams exclude each other");
    if (!explorer.cams != !explorer.planes)
        prog_usage("--cams FILE and --planes LIST go together");
    explorer.size = geometry_given(&size_words);
    /* These are read more than once. */
    for (int i = 0; i < TABLES; i++)
        if (file[i] && strcmp(file[i], "-") == 0)
            prog_usage("--%s: expected a file, found standard input", options[i].name);
}

static void explore(void)
{
    if (query) {
        explorer_open(query, explorer.out ? explorer.out : "explorer.html");
        return;
    }
    check_explorer();
    struct known *k = mem_zero(1, sizeof *k);
    if (file[CLASSES]) {
        free(k);
        k = known_read(1u << PAIRS | 1u << PREDICTIONS | 1u << FAITHFULNESS | 1u << SANITY);
    } else {
        about_read(&k->about, file[RUN], file[FILES]);
        findings_compute(&k->findings, &k->tables);
    }
    explorer.predictions = file[PREDICTIONS];
    explorer.summary = file[SUMMARY];
    explorer.selected = file[SELECTED];
    explorer.pair_rows = file[PAIR_ROWS];
    explorer.errors = file[ERRORS];
    explorer.threads = threads ? (int)threads : pool_cores();
    explorer_write(k, &explorer);
    free(explorer.join.item);
    known_free(k);
}

_Noreturn static void unknown(const char *what)
{
    struct nearest near = {.word = what, .n = strlen(what)};
    nearest_offer_all(&near, prog.operands, '|');
    prog_usage_word(&near, "", "expected one of %s, found '%s'", prog.operands, what);
}

/* JSON that lacks what memory did not suffice for would still be JSON. */
static void *json_memory(size_t bytes)
{
    return mem_alloc(bytes, 1);
}

int main(int argc, char **argv)
{
    int at = prog_start(&prog, argc, argv);
    json_set_alloc_funcs(json_memory, free);
    if (argc - at != 1)
        prog_usage("expected one of %s, found %s", prog.operands, argc == at ? "nothing" : "more");
    check_inputs();
    const char *what = argv[at];
    if (strcmp(what, "summary") == 0)
        text(what, summary_write);
    else if (strcmp(what, "recommendations") == 0)
        text(what, advice_write);
    else if (strcmp(what, "markdown") == 0)
        text(what, markdown_write);
    else if (strcmp(what, "json") == 0)
        text(what, json_write);
    else if (strcmp(what, "findings") == 0)
        text(what, table);
    else if (strcmp(what, "predictions") == 0)
        predictions();
    else if (strcmp(what, "diff") == 0)
        diff(what, diff_write);
    else if (strcmp(what, "diff-page") == 0)
        diff(what, diff_page_write);
    else if (strcmp(what, "csv") == 0)
        csv();
    else if (strcmp(what, "bars") == 0)
        bars();
    else if (strcmp(what, "explorer") == 0)
        explore();
    else
        unknown(what);
    return PROG_OK;
}
