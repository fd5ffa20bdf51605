/* cam-overlay: maps to pictures. See cam-overlay(1). */
#include "crew.h"
#include "source.h"
#include "words.h"

#include "base/mem.h"
#include "base/prog.h"
#include "draw/color.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    THREADS_MAX = 32, /* each may hold an unfinished file, of which lib/base lists 64 */
    ROWS_MAX = 256,   /* in a group: a page holds no more */
    ZOOM_MAX = 1024,
    RAW_BATCH = 64,
    KEYS = 1 << 20 /* numbers of groups that a source lets through */
};

static struct source source = {.maps_path = "-"};
static struct look look;
static const char *out_dir, *classes_path, *pairs_path, *resize;
static int cmap = COLOR_VIRIDIS;
static double alpha = 0.5;
static int64_t zoom, threads;
static bool raw;

static const struct opt options[] = {
    {"table", 't', OPT_STRING, &source.table_path, "FILE",
     "The rows that the maps belong to, as worst-k writes them; - is standard input.", 0, 0},
    {"data", 'd', OPT_STRING, &source.data_path, "PATH",
     "The images: a file or the data set's folder.", 0, 0},
    {"resize", 0, OPT_STRING, &resize, "HxW",
     "Make images of another size this large, as for cifar-predict.", 0, 0},
    {"maps", 'm', OPT_STRING, &source.maps_path, "FILE",
     "The maps, one item for each row; - is standard input, which is the default.", 0, 0},
    {"target", 0, OPT_STRING, &source.targets, "LIST",
     "What the planes of an item are, as in cam-compute; the default is pred for one plane, "
     "true,pred for two and true,pred,margin for three.",
     0, 0},
    {"out", 'o', OPT_STRING, &out_dir, "DIR",
     "Write a sheet for each group of rows into this folder, which is made where it is missing; "
     "without it the one sheet goes to standard output.",
     0, 0},
    {"raw", 0, OPT_FLAG, &raw, NULL,
     "Write overlays as a tensor stream (n, planes, h, w, 3) of bytes to standard output.", 0, 0},
    {"cmap", 'c', OPT_CHOICE, &cmap, COLOR_WORDS, "Colour map; the default is viridis.", 0, 0},
    {"alpha", 'a', OPT_FLOAT, &alpha, "SHARE",
     "Share of the heat map in an overlay, from 0 to 1; the default is 0.5.", 0, 0},
    {"zoom", 'z', OPT_INT, &zoom, "N",
     "Width of an image's pixel on a sheet; by default pictures are about 192 pixels wide.", 1,
     ZOOM_MAX},
    {"grid", 'g', OPT_FLAG, &look.grid, NULL,
     "Show the cells of the maps' own grid instead of smoothed maps.", 0, 0},
    {"classes", 0, OPT_STRING, &classes_path, "FILE",
     "Table of confmat --classes: adds accuracy and counts to the titles of class sheets.", 0, 0},
    {"pairs", 0, OPT_STRING, &pairs_path, "FILE",
     "Table of confmat --pairs: adds counts to the titles of pair sheets.", 0, 0},
    {"threads", 0, OPT_INT, &threads, "N",
     "Draw with N threads; the default is one for each core; the result is the same.", 1,
     THREADS_MAX},
    {NULL, 0, OPT_FLAG, NULL, NULL, NULL, 0, 0},
};

static const char *const examples[] = {
    "worst-k < p.tsv > rows.tsv; cam-compute ... < rows.tsv | "
    "cam-overlay --table rows.tsv --data test.bin --out sheets",
    "cam-overlay --table one.tsv --maps one.npy --data test.bin --grid > sheet.png",
    "cam-overlay --table rows.tsv --maps c.npy --data test.bin --raw --cmap jet > overlays.npy",
    NULL,
};

static const struct prog prog = {
    "cam-overlay", "Draw class activation maps over their images", NULL, options, examples,
};

static int cores(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return n < THREADS_MAX ? n : THREADS_MAX;
}

/* --- sheets --- */

/* Groups whose sheets have been handed over; each family is numbered by itself. */
static bool take_key(const struct example *x)
{
    static uint8_t seen[FAMILIES][KEYS / 8];
    uint8_t *byte = &seen[example_family(x)][x->group / 8], bit = (uint8_t)(1 << x->group % 8);
    if (*byte & bit)
        return false;
    *byte |= bit;
    return true;
}

static bool same_group(const struct group *g, const struct example *x)
{
    const struct example *first = &g->example[0];
    return first->group == x->group && example_family(first) == example_family(x);
}

static int add_example(struct group *g, struct example *x, struct err *e)
{
    const struct example *first = &g->example[0];
    if (x->kind == KIND_PAIR && x->truth == x->pred)
        return source_error(&source, e, "expected a wrong prediction in a row of kind pair");
    if (g->n > 0 && x->kind == KIND_PAIR && (x->truth != first->truth || x->pred != first->pred))
        return source_error(&source, e,
                            "expected the classes of the rows before it in a group of kind pair");
    if (g->n == ROWS_MAX)
        return source_error(&source, e, "expected at most 256 rows in a group, found more");
    if (g->n == g->room) {
        g->room = g->room ? 2 * g->room : 8;
        g->example = mem_grow(g->example, (size_t)g->room, sizeof *g->example);
    }
    g->number = x->group;
    g->example[g->n++] = *x;
    return 0;
}

static void clear_group(struct group *g)
{
    for (int i = 0; i < g->n; i++)
        example_clear(&g->example[i]);
    g->n = 0;
}

static void make_folder(void)
{
    if (mkdir(out_dir, 0777) != 0 && errno != EEXIST)
        prog_die(PROG_ERROR, "%s: %s", out_dir, strerror(errno));
}

static bool draw_group(struct group *g, struct crew *crew, const struct facts *facts)
{
    struct sheet sheet;
    char *file;
    group_sheet(g, &source, &look, facts, &sheet, &file);
    clear_group(g);
    char *path = out_dir ? mem_printf("%s/%s", out_dir, file) : mem_dup("-");
    free(file);
    return crew_draw(crew, &sheet, path);
}

/* Sheets are drawn as soon as their group has ended. */
static int run_groups(struct crew *crew, const struct facts *facts, int64_t *sheets, struct err *e)
{
    struct group g = {0};
    struct example x;
    int r;
    while ((r = source_next(&source, &x, e)) > 0) {
        if (g.n == 0 && *sheets == 0 && out_dir)
            make_folder();
        if (g.n > 0 && !same_group(&g, &x)) {
            if (!out_dir)
                return source_error(&source, e,
                                    "expected rows of one group without --out, found another");
            if (!draw_group(&g, crew, facts))
                return 0;
            prog_progress("sheets", ++*sheets, 0);
        }
        if (g.n == 0 && !take_key(&x))
            return source_error(
                &source, e, "expected the rows of a group together, found one that came before");
        if (add_example(&g, &x, e) != 0)
            return -1;
    }
    if (r == 0 && g.n > 0 && draw_group(&g, crew, facts))
        ++*sheets;
    free(g.example);
    return r;
}

static void run_sheets(void)
{
    struct err e = {0};
    struct facts *facts;
    struct crew *crew;
    if (facts_load(&facts, classes_path, pairs_path, &e) != 0 || source_open(&source, &e) != 0 ||
        crew_new(&crew, threads ? (int)threads : cores(), &e) != 0)
        prog_fail(&e);
    int64_t sheets = 0;
    struct err drawn = {0};
    int r = run_groups(crew, facts, &sheets, &e);
    if (crew_finish(crew, &drawn) != 0)
        prog_fail(&drawn);
    if (r != 0)
        prog_fail(&e);
    prog_progress_end();
    if (sheets == 0 && !out_dir)
        prog_die(PROG_ERROR, "%s: expected rows of one group, found none", tsv_name(source.table));
    if (prog_verbose())
        prog_say("%" PRId64 " %s", sheets, sheets == 1 ? "sheet" : "sheets");
    facts_free(facts);
}

/* --- pixels --- */

static void overlay(const struct example *x, uint8_t *out)
{
    size_t n = (size_t)source.h * (size_t)source.w;
    for (int p = 0; p < source.planes; p++, out += 3 * n) {
        const float *map = x->maps + (size_t)p * n;
        if (source.margin[p])
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
    while ((r = source_next(&source, &x, e)) > 0) {
        overlay(&x, batch + (size_t)n++ * item);
        example_clear(&x);
        if (source_ready(&source) && n < RAW_BATCH)
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
    source.plain = true;
    if (source_open(&source, &e) != 0)
        prog_fail(&e);
    const int64_t shape[] = {source.planes, source.h, source.w, 3};
    struct npy_out *o;
    struct example x;
    if (!source.maps) {
        /* Without a header the planes are not known: an empty stream stays one. */
        if (source_next(&source, &x, &e) != 0)
            prog_fail(&e);
        return;
    }
    if (npy_create(&o, "-", NPY_U8, 4, shape, &e) != 0)
        prog_fail(&e);
    size_t item = (size_t)source.planes * (size_t)source.h * (size_t)source.w * 3;
    uint8_t *batch = mem_alloc(RAW_BATCH, item);
    if (write_raw(o, batch, item, &e) != 0) {
        npy_abort(o);
        prog_fail(&e);
    }
    if (npy_finish(o, &e) != 0)
        prog_fail(&e);
    free(batch);
}

int main(int argc, char **argv)
{
    prog_start(&prog, argc, argv);
    if (!source.table_path)
        prog_usage("--table is missing: the rows that the maps belong to");
    if (!source.data_path)
        prog_usage("--data is missing: the images");
    if (strcmp(source.table_path, "-") == 0 && strcmp(source.maps_path, "-") == 0)
        prog_usage("--table and --maps cannot both be standard input");
    if (strcmp(source.data_path, "-") == 0)
        prog_usage("--data: expected a file or a folder, found standard input");
    struct data_opts *d = &source.data_opts;
    d->note = prog_note;
    if (resize && !data_parse_size(resize, &d->resize_h, &d->resize_w))
        prog_usage("--resize: expected HxW with sides from 1 to 1024, found '%s'", resize);
    if (!(alpha >= 0 && alpha <= 1))
        prog_usage("--alpha: expected a share from 0 to 1, found %g", alpha);
    if (raw && out_dir)
        prog_usage("--raw goes to standard output: --out does not go with it");
    if (raw && (look.grid || zoom))
        prog_usage("--raw has the size of the images: --grid and --zoom do not go with it");
    if (!out_dir && isatty(STDOUT_FILENO))
        prog_usage("standard output is a terminal: give --out DIR, or send it to a file");
    look.cmap = (enum color_map)cmap;
    look.alpha = (float)alpha;
    look.zoom = (int)zoom;
    source.grid = look.grid;
    if (raw)
        run_raw();
    else
        run_sheets();
    source_close(&source);
    return PROG_OK;
}
