/* cam-overlay: maps to pictures. See cam-overlay(1). */
#include "writers.h"
#include "name.h"
#include "input.h"
#include "words.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/prog.h"
#include "base/text.h"
#include "draw/canvas.h"
#include "draw/color.h"
#include "rows/tables.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    THREADS_MAX = 32, /* each may hold an unfinished file, of which lib/base lists 64 */
    ZOOM_MAX = 1024,
    COLUMNS_MAX = 100,
    LINES_MAX = 1000,
    RAW_BATCH = 64,
    KEYS = 1 << 20 /* numbers of groups that are let through */
};

static struct input input;
static struct look look;
static const char *maps_path, *out_path, *each, *name, *classes_path, *pairs_path, *slices_path;
static const char *run_path;
static struct geometry_opts size_words;
static int cmap = COLOR_VIRIDIS, show = -1;
static double alpha = 0.5;
static int64_t zoom, threads, columns, lines;
static bool raw;

static const struct opt options[] = {
    {"table", 0, OPT_STRING, &input.table_path, "FILE",
     "The rows that the maps belong to: any rows of predictions, or those that worst-k chose; - is "
     "standard input.",
     0, 0},
    {"data", 'd', OPT_STRING, &input.data_path, "PATH",
     "The images: a file or the data set's folder.", 0, 0},
    GEOMETRY_OPTS(size_words, GEOMETRY_HELP),
    {"maps", 0, OPT_STRING, &maps_path, "FILE",
     "The maps, one item for each row; - is standard input, which is the default.", 0, 0},
    {"target", 0, OPT_STRING, &input.target_list, "LIST",
     "The --target that cam-compute was given: what the planes of an item are. Without it maps "
     "have no captions.",
     0, 0},
    {"out", 'o', OPT_STRING, &out_path, "PATH",
     "Write a sheet for each group of rows into this folder, which is made where it is missing, or "
     "the sheet of the one group to this file, whose name ends in .png; without it the sheet goes "
     "to standard output.",
     0, 0},
    {"each", 0, OPT_STRING, &each, "DIR",
     "Write a picture for each row into this folder, which is made where it is missing.", 0, 0},
    {"name", 0, OPT_STRING, &name, "TEMPLATE",
     "With --each, the names of the files: columns of the rows stand in braces, folders are made. "
     "The default is {id}.png.",
     0, 0},
    {"show", 0, OPT_CHOICE, &show, SHOW_WORDS,
     "With --each, what a picture shows; the default is overlay. original needs no maps; without "
     "--each it makes sheets of the images alone.",
     0, 0},
    {"raw", 0, OPT_FLAG, &raw, NULL,
     "Write overlays as a tensor stream (n, planes, h, w, 3) of bytes to standard output.", 0, 0},
    {"cmap", 0, OPT_CHOICE, &cmap, COLOR_WORDS, "Colour map; the default is viridis.", 0, 0},
    {"alpha", 0, OPT_FLOAT, &alpha, "SHARE",
     "Share of the heat map in an overlay, from 0 to 1; the default is 0.5.", 0, 0},
    {"zoom", 'z', OPT_INT, &zoom, "N",
     "Enlarge a pixel of an image to N by N; by default pictures are about 192 pixels wide.", 1,
     ZOOM_MAX},
    {"grid", 0, OPT_FLAG, &look.grid, NULL,
     "Show the cells of the maps' own grid instead of smoothed maps.", 0, 0},
    {"columns", 0, OPT_INT, &columns, "N", "Rows side by side on a sheet; the default is 1.", 1,
     COLUMNS_MAX},
    {"rows-per-page", 0, OPT_INT, &lines, "N",
     "Lines of rows on a page; the default is 25, or as many as fit. Further pages are files named "
     "..._p2.png.",
     1, LINES_MAX},
    {"title", 0, OPT_STRING, &look.title, "TEXT", "Title of the sheets.", 0, 0},
    {"classes", 0, OPT_STRING, &classes_path, "FILE",
     "Table of confmat --classes: adds accuracy and counts to the titles of class sheets.", 0, 0},
    {"pairs", 0, OPT_STRING, &pairs_path, "FILE",
     "Table of confmat --pairs: adds counts to the titles of pair sheets.", 0, 0},
    {"slices", 0, OPT_STRING, &slices_path, "FILE",
     "Table of slices: adds its numbers to the titles of slice sheets.", 0, 0},
    {"flags", 0, OPT_STRING, &input.flags_path, "FILE",
     "Table of label-check: sheets mark the images whose label it flags.", 0, 0},
    {"stats", 0, OPT_STRING, &input.stats_path, "FILE",
     "Table of cam-compute --stats of these maps: captions of sheets say what to know of a map.", 0,
     0},
    {"names", 0, OPT_STRING, &input.names_path, "FILE",
     "Names of the classes that rows do not name, as cifar-predict --classes writes them.", 0, 0},
    {"run", 0, OPT_STRING, &run_path, "FILE",
     "Table of cifar-predict --run or cam-compute --run, or both: sheets and pictures say where "
     "they come from.",
     0, 0},
    {"threads", 0, OPT_INT, &threads, "N",
     "Draw with N threads; the default is one for each core; the result is the same.", 1,
     THREADS_MAX},
    {NULL, 0, OPT_FLAG, NULL, NULL, NULL, 0, 0},
};

static const char *const examples[] = {
    "worst-k < p.tsv > rows.tsv && cam-compute --class-maps c.npy < rows.tsv | "
    "cam-overlay --table rows.tsv --target pred --data test.bin --out sheets",
    "cam-overlay --table one.tsv --maps one.npy --data test.bin --grid > sheet.png",
    "cam-overlay --table rows.tsv --data test.bin --each wrong --show original "
    "--name '{true_name}/{pred_name}/{conf}_{id}.png'",
    "cam-overlay --table rows.tsv --maps c.npy --data test.bin --raw --cmap jet > overlays.npy",
    "label-check --logits l.npy --flagged --count 100 p.tsv | "
    "cam-overlay --table - --show original --columns 5 --data test.bin > review.png",
    NULL,
};

static const struct prog_lack lacks[] = {
    {"shard", "a sheet shows images of all shards, so that one run takes all rows"},
    {NULL, NULL},
};

static const struct prog prog = {
    .name = "cam-overlay",
    .brief = "Draw class activation maps over their images",
    .opts = options,
    .examples = examples,
    .lacks = lacks,
};

static int cores(void)
{
    int n = pool_cores();
    return n < THREADS_MAX ? n : THREADS_MAX;
}

static void make_folder(const char *path)
{
    if (mkdir(path, 0777) != 0 && errno != EEXIST)
        prog_die(PROG_ERROR, "%s: %s", path, strerror(errno));
}

static struct writers *start_writers(void)
{
    struct writers *writers;
    struct err e = {0};
    if (writers_new(&writers, threads ? (int)threads : cores(), &e) != 0)
        prog_fail(&e);
    return writers;
}

/* Ends the drawing; `r` and `e` are how the reading ended. */
static void finish_writers(struct writers *writers, int r, const struct err *e)
{
    struct err drawn = {0};
    if (writers_finish(writers, &drawn) != 0)
        prog_fail(&drawn);
    if (r != 0)
        prog_fail(e);
    prog_progress_end();
}

/* --- sheets --- */

/* Whether --out names a file and not a folder. */
static bool out_is_file(void)
{
    size_t n = out_path ? strlen(out_path) : 0;
    return n > 4 && strcmp(out_path + n - 4, ".png") == 0;
}

/* Groups whose sheets were begun; each family is numbered by itself. */
static bool take_key(const struct example *x)
{
    static uint8_t seen[FAMILIES][KEYS / 8];
    static bool without;
    if (x->group < 0) {
        bool first = !without;
        without = true;
        return first;
    }
    uint8_t *byte = &seen[example_family(x)][x->group / 8], bit = (uint8_t)(1 << x->group % 8);
    if (*byte & bit)
        return false;
    *byte |= bit;
    return true;
}

static bool same_group(const struct group *g, const struct example *x)
{
    return g->number == x->group && (x->group < 0 || g->family == example_family(x));
}

/* The class that the group of a row is called by. */
static int group_class(const struct example *x)
{
    return example_family(x) == FAMILY_PRED ? x->pred : x->truth;
}

static int check_row(const struct group *g, const struct example *x, struct err *e)
{
    if (example_family(x) != g->family)
        return input_error(&input, e,
                           "expected a kind that goes with the rows before it, found another: "
                           "rows of several kinds need groups");
    if (g->family == FAMILY_PAIR) {
        if (x->truth == x->pred)
            return input_error(&input, e, "expected a wrong prediction in a row of kind pair");
        if (x->truth != g->truth || x->pred != g->pred)
            return input_error(
                &input, e, "expected the classes of the rows before it in a group of kind pair");
    } else if (g->family != FAMILY_SLICE && !g->mixed && g->number >= 0 &&
               group_class(x) != g->number) {
        return input_error(&input, e,
                           "expected the class of its group, as the rows before it have: rows of "
                           "other groups come without the column 'kind'");
    }
    return 0;
}

static int begin_group(struct group *g, const struct example *x, struct err *e)
{
    if (!take_key(x))
        return input_error(&input, e,
                           "expected the rows of a group together, found one that came before");
    g->number = x->group;
    g->family = example_family(x);
    g->truth = x->truth;
    g->pred = x->pred;
    g->mixed =
        g->family == FAMILY_PLAIN ||
        (g->family != FAMILY_PAIR && g->family != FAMILY_SLICE && group_class(x) != x->group);
    g->page = 1;
    g->before = 0;
    g->file = group_file(g, x);
    return 0;
}

static void add_example(struct group *g, struct example *x)
{
    g->example = mem_extend(g->example, (size_t)g->n, (size_t)g->n + 1, sizeof *g->example);
    g->example[g->n++] = *x;
}

/* Whether the panel that a row goes to has no room on this page. */
static bool page_full(const struct group *g, const struct example *x, int room)
{
    int n = 0;
    for (int i = 0; i < g->n; i++)
        n += kind_panel(g->example[i].kind) == kind_panel(x->kind);
    return n >= room;
}

/* Hands over the page and begins the next. False where an earlier one failed. */
static bool draw_page(struct group *g, struct writers *writers, const struct counts *counts,
                      bool more)
{
    struct sheet sheet;
    g->more = more;
    group_sheet(g, &input, &look, counts, &sheet);
    char *file = sheet_page_file(out_is_file() ? out_path : g->file, g->page);
    char *path = !out_path       ? mem_dup("-")
                 : out_is_file() ? mem_dup(file)
                                 : mem_printf("%s/%s", out_path, file);
    free(file);
    for (int i = 0; i < g->n; i++)
        example_clear(&g->example[i], input.planes);
    g->before += g->n;
    g->n = 0;
    g->page++;
    if (!more) {
        free(g->file);
        g->file = NULL;
    }
    return writers_draw(writers, &sheet, path);
}

/* Sheets are drawn as soon as their page is full or their group has ended. */
static int run_groups(struct writers *writers, const struct counts *counts, int64_t *sheets,
                      struct err *e)
{
    struct group g = {0};
    struct example x;
    int r, room = page_rows(&input, &look);
    while ((r = input_next(&input, &x, e)) > 0) {
        bool other = g.n > 0 && !same_group(&g, &x), full = g.n > 0 && page_full(&g, &x, room);
        if (*sheets == 0 && out_path && !out_is_file())
            make_folder(out_path);
        if (other && (!out_path || out_is_file()))
            return input_error(&input, e,
                               "expected rows of one group, or a folder for --out, found another "
                               "group");
        if (!other && full && !out_path)
            return input_error(&input, e,
                               "expected rows of one page without --out, found more: give --out, "
                               "or larger --rows-per-page or --columns");
        if (other || full) {
            if (!draw_page(&g, writers, counts, !other))
                return 0;
            ++*sheets;
            prog_progress("sheets", *sheets, tsv_expected(input.table, *sheets));
        }
        if ((!g.file && begin_group(&g, &x, e) != 0) || check_row(&g, &x, e) != 0)
            return -1;
        add_example(&g, &x);
    }
    if (r == 0 && g.n > 0 && draw_page(&g, writers, counts, false))
        ++*sheets;
    free(g.example);
    return r;
}

static void run_sheets(void)
{
    struct err e = {0};
    struct counts counts = {0};
    if ((classes_path && classes_read(&counts.classes, classes_path, false, &e) != 0) ||
        (pairs_path && pairs_read(&counts.pairs, pairs_path, PAIR_RATES, NULL, &e) != 0) ||
        slices_read(&counts.slices, slices_path, NULL, &e) != 0 || input_open(&input, &e) != 0)
        prog_fail(&e);
    struct writers *writers = start_writers();
    int64_t sheets = 0;
    int r = run_groups(writers, &counts, &sheets, &e);
    finish_writers(writers, r, &e);
    if (sheets == 0 && !out_path)
        prog_die(PROG_ERROR, "%s: expected rows of one group, found none", tsv_name(input.table));
    if (sheets == 0)
        prog_no_rows(tsv_name(input.table), "nothing drawn");
    else if (prog_verbose())
        prog_say("%" PRId64 " %s", sheets, sheets == 1 ? "sheet" : "sheets");
    classes_free(&counts.classes);
    pairs_free(&counts.pairs);
    slice_list_free(&counts.slices);
}

/* --- a picture for each row --- */

/* Makes the folders on the way to a file below `dir`. */
static int make_folders(const char *dir, char *path, struct err *e)
{
    for (char *slash = path + strlen(dir) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        int r = mkdir(path, 0777);
        if (r != 0 && errno != EEXIST)
            return err_set(e, "%s: %s", path, strerror(errno));
        *slash = '/';
    }
    return 0;
}

static int run_rows(struct writers *writers, struct name *template, int64_t *pictures,
                    struct err *e)
{
    struct example x;
    int r;
    while ((r = input_next(&input, &x, e)) > 0) {
        struct sheet sheet;
        char *file;
        if (name_make(template, input.table, &file, e) != 0)
            return -1;
        char *path = mem_printf("%s/%s", each, file);
        free(file);
        if (make_folders(each, path, e) != 0)
            return -1;
        picture_sheet(&x, &input, &look, &sheet);
        example_clear(&x, input.planes);
        if (!writers_draw(writers, &sheet, path))
            return 0;
        ++*pictures;
        prog_progress("pictures", *pictures, tsv_expected(input.table, *pictures));
    }
    return r;
}

static void run_each(struct name *template)
{
    struct err e = {0};
    if (input_open(&input, &e) != 0 || name_open(template, input.table, &e) != 0)
        prog_fail(&e);
    make_folder(each);
    struct writers *writers = start_writers();
    int64_t pictures = 0;
    int r = run_rows(writers, template, &pictures, &e);
    finish_writers(writers, r, &e);
    if (pictures == 0)
        prog_no_rows(tsv_name(input.table), "nothing drawn");
    else if (prog_verbose())
        prog_say("%" PRId64 " %s", pictures, pictures == 1 ? "picture" : "pictures");
    name_free(template);
}

/* --- pixels --- */

static void overlay(const struct example *x, uint8_t *out)
{
    size_t n = (size_t)input.h * (size_t)input.w;
    for (int p = 0; p < input.planes; p++, out += 3 * n) {
        const float *map = x->maps + (size_t)p * n;
        if (input.sign[p])
            color_signed(map, n, x->limit > 0 ? x->limit : 1, out);
        else
            color_heat(look.cmap, map, n, out);
        color_blend(x->image, out, n, look.alpha, out);
    }
}

/* A batch is what has arrived, so that a reader sees it at once. */
static int write_raw(struct npy_out *o, uint8_t *batch, size_t item, struct err *e)
{
    struct example x;
    int64_t n = 0;
    int r;
    while ((r = input_next(&input, &x, e)) > 0) {
        overlay(&x, batch + (size_t)n++ * item);
        example_clear(&x, input.planes);
        if (input_ready(&input) && n < RAW_BATCH)
            continue;
        if (npy_write(o, batch, n, e) != 0)
            return -1;
        n = 0;
    }
    return r;
}

static void run_raw(void)
{
    struct err e = {0};
    input.plain = true;
    if (input_open(&input, &e) != 0)
        prog_fail(&e);
    const int64_t shape[] = {input.planes, input.h, input.w, 3};
    struct npy_out *o;
    struct example x;
    if (!input.maps) {
        /* Without a header the planes are not known: an empty stream stays one. */
        if (input_next(&input, &x, &e) != 0)
            prog_fail(&e);
        prog_no_rows(tsv_name(input.table), "nothing drawn");
        return;
    }
    if (npy_create(&o, "-", NPY_U8, 4, shape, &e) != 0)
        prog_fail(&e);
    size_t item = (size_t)input.planes * (size_t)input.h * (size_t)input.w * 3;
    uint8_t *batch = mem_alloc(RAW_BATCH, item);
    if (write_raw(o, batch, item, &e) != 0) {
        npy_abort(o);
        prog_fail(&e);
    }
    if (npy_finish(o, &e) != 0)
        prog_fail(&e);
    free(batch);
}

/* What the command line asks for that cannot be. */
static void check_options(void)
{
    if (!input.table_path)
        prog_usage("--table is missing: the rows that the maps belong to");
    if (!input.data_path)
        prog_usage("--data is missing: the images");
    if (strcmp(input.data_path, "-") == 0)
        prog_usage("--data: expected a file or a folder, found standard input");
    if (!(alpha >= 0 && alpha <= 1))
        prog_usage("--alpha: expected a share from 0 to 1, found %g", alpha);
    prog_check_output("out", out_is_file() ? out_path : NULL);
    if ((raw && out_path) || (raw && each) || (out_path && each))
        prog_usage("--raw, --out and --each exclude each other");
    if ((name || (show >= 0 && show != SHOW_ORIGINAL)) && !each)
        prog_usage("--name and --show go with --each, but for --show original");
    if (raw && show >= 0)
        prog_usage("--raw and --show exclude each other");
    if (show == SHOW_ORIGINAL && (maps_path || input.target_list))
        prog_usage("--show original reads no maps: --maps and --target do not go with it");
    if (raw && (look.grid || zoom))
        prog_usage("--raw has the size of the images: --grid and --zoom do not go with it");
    if ((raw || each) && (look.title || columns || lines || classes_path || pairs_path ||
                          slices_path || input.flags_path))
        prog_usage("--title, --columns, --rows-per-page, --classes, --pairs, --slices and --flags "
                   "go with sheets");
    if (input.flags_path && strcmp(input.flags_path, "-") == 0)
        prog_usage("--flags: expected a file, found standard input");
    if (input.stats_path && strcmp(input.stats_path, "-") == 0)
        prog_usage("--stats: expected a file, found standard input");
    if (input.stats_path && show == SHOW_ORIGINAL)
        prog_usage("--stats and --show original exclude each other");
    if (show != SHOW_ORIGINAL && strcmp(input.table_path, "-") == 0 &&
        (!maps_path || strcmp(maps_path, "-") == 0))
        prog_usage("--table and --maps cannot both be standard input: give --maps FILE, or --show "
                   "original");
    if (!raw && !each && !pen_letters())
        prog_die(PROG_ERROR,
                 "no sheets in static programs, which have no lettering: expected --each "
                 "or --raw");
    if (!out_path && !each && isatty(STDOUT_FILENO))
        prog_usage("standard output is a terminal: give --out or --each, or send it to a file");
}

static void read_run(void)
{
    struct err e = {0};
    if (run_path && run_read(&look.run, run_path, &e) != 0)
        prog_fail(&e);
    const char *size = run_get(&look.run, "map_size");
    if (size && !text_size(size, INT32_MAX, &input.layer_h, &input.layer_w))
        prog_die(PROG_ERROR, "%s: map_size: expected HxW, found '%s'", io_name(run_path), size);
    const char *score = run_get(&look.run, "score");
    input.vanishes = score && strcmp(score, cam_score_word(CAM_LOGIT)) != 0;
}

int main(int argc, char **argv)
{
    struct err e = {0};
    struct name *template = NULL;
    prog_start(&prog, argc, argv);
    check_options();
    struct data_opts *d = &input.data_opts;
    d->note = prog_note;
    d->size = geometry_given(&size_words);
    if (input.target_list && targets_parse(&input.targets, input.target_list, &e) != 0)
        prog_usage("%s", e.msg);
    if (each && name_parse(&template, name ? name : "{id}.png", &e) != 0)
        prog_usage("--name: %s", e.msg);
    look.cmap = (enum color_map)cmap;
    look.alpha = (float)alpha;
    look.zoom = (int)zoom;
    look.show = show < 0 ? SHOW_OVERLAY : (enum show)show;
    look.columns = columns ? (int)columns : 1;
    look.lines = (int)lines;
    input.grid = look.grid;
    if (show != SHOW_ORIGINAL)
        input.maps_path = maps_path ? maps_path : "-";
    read_run();
    if (raw)
        run_raw();
    else if (each)
        run_each(template);
    else
        run_sheets();
    input_close(&input);
    targets_free(input.targets);
    run_free(&look.run);
    return PROG_OK;
}
