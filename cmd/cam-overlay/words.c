#include "words.h"

#include "base/mem.h"
#include "base/text.h"
#include "cam/about.h"
#include "cam/cam.h"
#include "stats/band.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLUE = 0x0b5cad, ORANGE = 0xb35309, QUIET = 0x59636e, TILE_SIDE = 192, LINES = 25 };

/* Letters of a name that leave room for what stands behind it. */
enum { IN_TITLE = 30, IN_PAIR_TITLE = 16 };

static const char dot[] = " \xc2\xb7 ";

/* Never 100% for what is less than certain, nor 0% for what is possible. */
static const char *percent(double p, char buf[16])
{
    if (p < 1 && p >= 0.9995)
        return ">99.9%";
    if (p > 0 && p < 0.0005)
        return "<0.1%";
    snprintf(buf, 16, "%.1f%%", 100 * p);
    return buf;
}

/* A name to stand among other words, of at most `most` letters. Caller frees. */
static char *short_name(const char *name, int most)
{
    char *cut = text_shortened(name, most), *clean = pen_name(cut);
    free(cut);
    return clean;
}

/* Adds a text behind a dot where there is one before it; takes both. */
static char *join(char *a, char *b)
{
    if (!a || !*a) {
        free(a);
        return b;
    }
    if (!b || !*b) {
        free(b);
        return a;
    }
    char *all = mem_printf("%s%s%s", a, dot, b);
    free(a);
    free(b);
    return all;
}

/* --- tiles --- */

static struct sheet_tile *add_tile(struct sheet_row *r, enum sheet_kind kind, char *what,
                                   char *name)
{
    r->tile = mem_grow(r->tile, (size_t)r->tiles + 1, sizeof *r->tile);
    struct sheet_tile *t = &r->tile[r->tiles++];
    *t = (struct sheet_tile){.kind = kind};
    t->what = what;
    t->name = name;
    return t;
}

/* Whether maps have one cell: what that is normalised to says nothing. */
static bool one_cell(const struct input *s)
{
    return s->layer_h == 1 && s->layer_w == 1;
}

/* Above this probability of its class a map of a score that levels off there is computed from
 * gradients that have nearly vanished. */
#define CERTAIN 0.999

/* What to know of a map before it is believed: whether its score is saturated, and how much of it
 * lies on the border. Caller frees; NULL where nothing is known. */
static char *map_fact(const struct input *s, const struct plane *p, bool *doubt)
{
    char *words = NULL;
    const double even = cam_even_border(s->layer_h, s->layer_w);
    *doubt = s->vanishes && p->saturation < 1 - CERTAIN;
    if (*doubt)
        words = mem_dup("saturated");
    if (!isnan(p->border_share)) {
        /* As they are printed: no doubt of what reads the same. */
        const bool outside = round(100 * p->border_share) > round(100 * even);
        words =
            join(words, mem_printf(outside ? "border %.0f%% (even map %.0f%%)" : "border %.0f%%",
                                   100 * p->border_share, 100 * even));
        *doubt = *doubt || outside;
    }
    return words;
}

/* A tile of a plane of the example whose maps the row has taken. */
static void add_map(struct sheet_row *r, const struct input *s, const struct example *x, int plane,
                    enum sheet_kind kind, char *what, bool with_p)
{
    const struct plane *p = &x->plane[plane];
    char buf[16], *name = NULL;
    if (s->sign[plane]) {
        name = mem_dup("predicted minus true class");
    } else if (p->name) {
        char *clean = pen_name(p->name);
        name = isnan(p->p) || !with_p ? mem_dup(clean)
                                      : mem_printf("%s, %s", clean, percent(p->p, buf));
        free(clean);
    }
    struct sheet_tile *t = add_tile(r, kind, what, name);
    t->map = r->maps + (size_t)plane * (size_t)s->map_h * (size_t)s->map_w;
    if (!s->sign[plane] && (one_cell(s) || p->blank))
        t->empty = one_cell(s) ? "1 by 1 grid" : "blank map";
    else if (!s->sign[plane])
        t->fact = map_fact(s, p, &t->doubt);
}

/* Which class a plane is for; empty where there is one only, or where it is not known. */
static char *plane_class(const struct input *s, const struct example *x, int plane)
{
    int cls = x->plane[plane].aim.cls;
    if (!s->targets)
        return mem_dup("");
    const char *word = targets_word(s->targets, plane);
    if (strcmp(word, "true") == 0)
        return mem_dup("true class");
    if (strcmp(word, "pred") == 0)
        return mem_dup("predicted class");
    if (strncmp(word, "class:", 6) == 0 || strcmp(word, "all") == 0)
        return mem_printf("class %d", cls);
    return mem_dup(word);
}

/* What a plane is, beside others. */
static char *plane_words(const struct input *s, const struct example *x, int plane)
{
    if (!s->targets)
        return mem_printf("Map %d of %d", plane + 1, s->planes);
    if (s->sign[plane])
        return mem_dup("Margin map");
    char *cls = plane_class(s, x, plane), *words = mem_printf("Map for %s", cls);
    free(cls);
    return words;
}

/* What the only plane is, drawn in some way. */
static char *only_words(const char *how, const struct input *s, const struct example *x, int plane)
{
    bool agreed = x->truth == x->pred && x->plane[plane].aim.cls == x->truth;
    char *cls = agreed ? mem_dup("") : plane_class(s, x, plane);
    char *words = *cls ? mem_printf("%s, %s", how, cls) : mem_dup(how);
    free(cls);
    return words;
}

/* Whether an earlier plane shows the same, or a margin has no two classes. */
static bool redundant(const struct example *x, int plane)
{
    struct aim a = x->plane[plane].aim;
    if (a.cls < 0)
        return false;
    for (int i = 0; i < plane; i++)
        if (x->plane[i].aim.cls == a.cls && x->plane[i].aim.minus == a.minus)
            return true;
    return a.cls == a.minus;
}

/* The planes worth a tile; returns how many. */
static int distinct(const struct input *s, const struct example *x, int *plane)
{
    int n = 0;
    for (int i = 0; i < s->planes; i++)
        if (!redundant(x, i))
            plane[n++] = i;
    return n;
}

static enum sheet_kind map_kind(const struct input *s, int plane)
{
    return s->sign[plane] ? SHEET_SIGNED : SHEET_OVERLAY;
}

static void take_pictures(struct sheet_row *r, struct example *x)
{
    r->image = x->image;
    r->maps = x->maps;
    x->image = NULL;
    x->maps = NULL;
}

static void add_original(struct sheet_row *r, const struct input *s, const struct example *x)
{
    char *name = x->true_name ? pen_name(x->true_name) : NULL, *words = NULL;
    if (name)
        words = mem_printf("true class: %s", name);
    else if (s->col[COL_TRUE] >= 0)
        words = mem_dup("true class not known");
    add_tile(r, SHEET_IMAGE, mem_dup("Original"), words)->flagged = x->flagged;
    free(name);
}

/* "suggested: castle, 99.3%", without what is not known. Caller frees. */
static char *contact_words(const char *what, const char *name, double p)
{
    char buf[16], *clean = pen_name(name);
    char *words = isnan(p) ? mem_printf("%s: %s", what, clean)
                           : mem_printf("%s: %s, %s", what, clean, percent(p, buf));
    free(clean);
    return words;
}

/* The image alone, with its label and what is set against it: the label to put in its place where
 * one is suggested, else the prediction, with the probability. */
static void add_contact(struct sheet_row *r, const struct example *x)
{
    char *label = x->true_name ? contact_words("label", x->true_name, NAN) : mem_dup("no label");
    char *words = x->suggested   ? contact_words("suggested", x->suggested, x->p_suggested)
                  : x->pred_name ? contact_words("predicted", x->pred_name, x->conf)
                                 : NULL;
    struct sheet_tile *t = add_tile(r, SHEET_IMAGE, label, words);
    t->flagged = x->flagged;
}

/* The original and the maps; one class map is shown alone as well. */
static void add_tiles(struct sheet_row *r, const struct input *s, const struct example *x)
{
    int *plane = mem_alloc((size_t)s->planes + 1, sizeof *plane), n = distinct(s, x, plane);
    add_original(r, s, x);
    if (n == 1 && !s->sign[plane[0]]) {
        add_map(r, s, x, plane[0], SHEET_OVERLAY, only_words("Overlay", s, x, plane[0]), true);
        add_map(r, s, x, plane[0], SHEET_HEAT, only_words("Heat map", s, x, plane[0]), false);
    } else {
        for (int i = 0; i < n; i++)
            add_map(r, s, x, plane[i], map_kind(s, plane[i]), plane_words(s, x, plane[i]), true);
    }
    free(plane);
}

/* --- rows --- */

/* Where the image comes from. */
static char *image_words(const struct example *x)
{
    return x->file ? pen_name(x->file) : mem_printf("image %" PRId64, x->id);
}

/* "wrong: sea lion, 97.1% (highest confidence)", as far as it is known. */
static char *prediction_words(const struct example *x)
{
    if (x->pred < 0)
        return mem_dup("");
    char buf[16], *name = short_name(x->pred_name, IN_TITLE);
    char *conf = isnan(x->conf) ? mem_dup("")
                                : mem_printf(", %s (%s confidence)", percent(x->conf, buf),
                                             band_name(band_of(x->conf)));
    char *words = mem_printf("%s%s%s",
                             x->truth < 0          ? "predicted: "
                             : x->truth == x->pred ? "correct: "
                                                   : "wrong: ",
                             name, conf);
    free(name);
    free(conf);
    return words;
}

static bool is_good(enum chosen_kind kind)
{
    return kind == CHOSEN_BEST || kind == CHOSEN_HIGH || kind == CHOSEN_CORRECT;
}

static uint32_t row_color(const struct example *x)
{
    if (x->kind != CHOSEN_NONE)
        return is_good(x->kind) ? BLUE : ORANGE;
    return x->truth < 0 || x->pred < 0 ? QUIET : x->truth == x->pred ? BLUE : ORANGE;
}

static void fill_row(struct sheet_row *r, const struct input *s, const struct look *look,
                     struct example *x, int64_t number)
{
    static const char *const labels[CHOSEN_KINDS] = {[CHOSEN_NONE] = "",
                                                     [CHOSEN_BEST] = "BEST ",
                                                     [CHOSEN_WORST] = "WORST ",
                                                     [CHOSEN_PAIR] = "EXAMPLE ",
                                                     [CHOSEN_HIGH] = "MOST CONFIDENT ",
                                                     [CHOSEN_LOW] = "LEAST CONFIDENT ",
                                                     [CHOSEN_CORRECT] = "CORRECT ",
                                                     [CHOSEN_ERROR] = "ERROR "};
    r->label = mem_printf("%s#%" PRId64, labels[x->kind], x->rank ? x->rank : number);
    r->aside = image_words(x);
    r->color = row_color(x);
    take_pictures(r, x);
    if (look->show == SHOW_ORIGINAL) {
        add_contact(r, x);
    } else {
        r->detail = prediction_words(x);
        add_tiles(r, s, x);
    }
}

/* --- titles --- */

static void pair_titles(const struct group *g, const struct counts *c, struct sheet *sheet)
{
    const struct example *x = &g->example[0];
    char *from = short_name(x->true_name, IN_PAIR_TITLE);
    char *to = short_name(x->pred_name, IN_PAIR_TITLE);
    sheet->title = mem_printf("Confusion pair %" PRId64 ": %s (ID: %d) predicted as %s (ID: %d)",
                              g->number, from, x->truth, to, x->pred);
    free(from);
    free(to);
    const struct pair_row *p = pairs_find(&c->pairs, x->truth, x->pred);
    if (!p) {
        sheet->subtitle = mem_dup("The most confident of these errors");
        return;
    }
    char buf[16];
    char *rate =
        isnan(p->rate) ? mem_dup("") : mem_printf(" (%s of the class)", percent(p->rate, buf));
    char *reverse =
        p->reverse < 0 ? mem_dup("") : mem_printf("%s%" PRId64 " in reverse", dot, p->reverse);
    sheet->subtitle =
        mem_printf("%" PRId64 " %s%s%s%s%s", p->count, p->count == 1 ? "image" : "images", rate,
                   reverse, p->same_superclass < 0 ? "" : dot,
                   p->same_superclass < 0 ? ""
                   : p->same_superclass   ? "same superclass"
                                          : "other superclass");
    size_t equal = pairs_equal(&c->pairs, p);
    if (equal > 0)
        sheet->subtitle = join(sheet->subtitle, mem_printf("as frequent as %zu other%s", equal,
                                                           equal == 1 ? "" : "s"));
    free(rate);
    free(reverse);
}

/* `c`: NULL where the class is not in the table. */
static char *class_subtitle(const struct class_row *c, const char *superclass)
{
    char *all = mem_dup("");
    if (c)
        all = join(all,
                   mem_printf("%" PRId64 " of %" PRId64 " images correct", c->correct, c->total));
    if (c && c->top_wrong_name && class_has_top_wrong(c)) {
        char *name = pen_name(c->top_wrong_name);
        char *tied = c->top_wrong_tied > 0 ? mem_printf(" and %" PRId64 " more", c->top_wrong_tied)
                                           : mem_dup("");
        all = join(all, mem_printf("most frequent wrong prediction: %s%s (%" PRId64 "%s)", name,
                                   tied, c->top_wrong_count, *tied ? " each" : ""));
        free(tied);
        free(name);
    }
    if (superclass) {
        char *name = pen_name(superclass);
        all = join(all, mem_printf("superclass: %s", name));
        free(name);
    }
    return all;
}

static void class_titles(const struct group *g, const struct counts *c, struct sheet *sheet)
{
    const struct example *x = &g->example[0];
    const struct class_row *row = classes_find(&c->classes, x->truth);
    char *name = short_name(x->true_name, IN_TITLE);
    if (row && row->total > 0)
        sheet->title = mem_printf("Class: %s (ID: %d) - Accuracy: %.1f%%", name, x->truth,
                                  100 * class_accuracy(row));
    else
        sheet->title = mem_printf("Class: %s (ID: %d)", name, x->truth);
    free(name);
    sheet->subtitle = class_subtitle(row, x->superclass);
}

static void slice_titles(const struct group *g, const struct counts *c, struct sheet *sheet)
{
    sheet->title = mem_printf("Slice s%" PRId64, g->number);
    sheet->subtitle = mem_dup("similar images with more errors");
    for (int i = 0; i < c->slices.n; i++) {
        const struct slice *s = &c->slices.at[i];
        if (strcmp(s->name, sheet->title + strlen("Slice ")) != 0)
            continue;
        char in[16], out[16];
        sheet->subtitle = join(
            sheet->subtitle, mem_printf("%" PRId64 " of %" PRId64 " wrong", s->errors, s->images));
        sheet->subtitle = join(sheet->subtitle,
                               mem_printf("accuracy %s, of the others %s, on the confirming half",
                                          percent(s->accuracy, in), percent(s->outside, out)));
    }
}

static void own_titles(const struct group *g, const struct counts *c, struct sheet *sheet)
{
    const struct example *x = &g->example[0];
    if (g->number < 0) {
        sheet->title = mem_dup("Selected images");
    } else if (g->family == FAMILY_SLICE) {
        slice_titles(g, c, sheet);
    } else if (g->mixed) {
        sheet->title = mem_printf("Selected images, group %" PRId64, g->number);
    } else if (g->family == FAMILY_PAIR) {
        pair_titles(g, c, sheet);
    } else if (g->family == FAMILY_PRED) {
        char *name = short_name(x->pred_name, IN_TITLE);
        sheet->title = mem_printf("Predicted: %s (ID: %d)", name, x->pred);
        free(name);
    } else {
        class_titles(g, c, sheet);
    }
}

static void add_titles(const struct group *g, const struct look *look, const struct counts *c,
                       struct sheet *sheet)
{
    own_titles(g, c, sheet);
    if (look->title) {
        bool telling = g->number >= 0;
        sheet->subtitle = join(telling ? sheet->title : NULL, sheet->subtitle);
        if (!telling)
            free(sheet->title);
        sheet->title = pen_name(look->title);
    }
    if (g->page > 1 || g->more) {
        char *title = mem_printf("%s (page %d)", sheet->title, g->page);
        free(sheet->title);
        sheet->title = title;
    }
}

char *group_file(const struct group *g, const struct example *x)
{
    if (g->number < 0)
        return mem_dup("selected.png");
    if (g->mixed)
        return mem_printf("group_%03" PRId64 ".png", g->number);
    if (g->family == FAMILY_SLICE)
        return mem_printf("slice_s%" PRId64 ".png", g->number);
    if (g->family == FAMILY_PAIR)
        return sheet_pair_file((int)g->number, x->true_name, x->pred_name);
    return g->family == FAMILY_PRED ? sheet_class_file(x->pred, x->pred_name)
                                    : sheet_class_file(x->truth, x->true_name);
}

/* --- what all maps of a sheet share --- */

/* Said of grids that have no places to show. */
static char *grid_notice(const struct input *s, const struct look *look)
{
    int h = s->layer_h, w = s->layer_w;
    if (!s->maps || cam_has_places(h, w))
        return NULL;
    const char *finer = run_get(&look->run, "finer_layer");
    char *what = !finer ? mem_dup("take an earlier layer (cam-compute --layer)")
                 : strcmp(finer, RUN_NONE) == 0
                     ? mem_dup("no layer of this network has a finer grid")
                     : mem_printf("take the layer %s (LAYER=%s)", finer, finer);
    char *words =
        mem_printf("The maps have a grid of %d by %d, too coarse to show places: %s.", h, w, what);
    free(what);
    return words;
}

/* Behind the last slash. */
static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

/* " (4x4)" or, of a layer that was taken because the last stage is too coarse or has no closed
 * form, " (8x8, because the last stage has 2x2 cells)". */
static char *layer_grid(const struct run *run)
{
    const char *size = run_get(run, "map_size"), *last = run_get(run, "last_stage_size");
    const char *end = run_get(run, "network_end");
    if (!size)
        return mem_dup("");
    return last  ? mem_printf(" (%s, because the last stage has %s cells)", size, last)
           : end ? mem_printf(" (%s, because the network ends in %s)", size, end)
                 : mem_printf(" (%s)", size);
}

/* "model.pth · layer4 (4x4) · gradcam · logit · heatpipe 0.1.0", or NULL. */
static char *provenance(const struct run *run, bool maps)
{
    static const char *const names[] = {"checkpoint", "layer", "method", "score", "version"};
    char *all = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = run_get(run, names[i]);
        if (!value || (!maps && i > 0 && i < 4))
            continue;
        char *grid = strcmp(names[i], "layer") == 0 ? layer_grid(run) : mem_dup("");
        char *clean = pen_name(i == 0 ? base_name(value) : value);
        all = join(all, mem_printf("%s%s%s", strcmp(names[i], "version") == 0 ? "heatpipe " : "",
                                   clean, grid));
        free(clean);
        free(grid);
    }
    return all;
}

/* What map_fact says. Caller frees; NULL where it says nothing. */
static char *facts_mean(const struct input *s)
{
    if (!s->stats || !cam_has_places(s->layer_h, s->layer_w))
        return NULL;
    return mem_printf("border: share in the outer ring of cells, even map %.0f%%%s",
                      100 * cam_even_border(s->layer_h, s->layer_w),
                      s->vanishes ? "; saturated: probability above 99.9%" : "");
}

static struct sheet new_sheet(const struct input *s, const struct look *look)
{
    int side = s->h > s->w ? s->h : s->w;
    return (struct sheet){
        .h = s->h,
        .w = s->w,
        .map_h = s->map_h,
        .map_w = s->map_w,
        .zoom = look->zoom         ? look->zoom
                : side < TILE_SIDE ? (TILE_SIDE + side / 2) / side
                                   : 1,
        .grid = look->grid,
        .facts = facts_mean(s),
        .cmap = look->cmap,
        .alpha = look->alpha,
        .limit = 1,
    };
}

int page_rows(const struct input *s, const struct look *look)
{
    struct sheet sheet = new_sheet(s, look);
    const int lines = look->lines ? look->lines : sheet_lines(&sheet, LINES);
    free(sheet.facts);
    return look->columns * lines;
}

/* --- panels --- */

int kind_panel(enum chosen_kind kind)
{
    return kind == CHOSEN_WORST || kind == CHOSEN_LOW || kind == CHOSEN_ERROR;
}

static const char *worst_note(int wrong, int correct)
{
    if (correct == 0)
        return "wrong predictions, the most confident first";
    if (wrong == 0)
        return "no wrong prediction: the least confident correct ones";
    return "wrong predictions, the most confident first; then correct ones, the least confident "
           "first";
}

static void add_heading(struct sheet_panel *p, enum chosen_kind kind, int wrong, int n)
{
    static const char *const heading[CHOSEN_KINDS] = {
        [CHOSEN_BEST] = "BEST",           [CHOSEN_WORST] = "WORST",
        [CHOSEN_HIGH] = "MOST CONFIDENT", [CHOSEN_LOW] = "LEAST CONFIDENT",
        [CHOSEN_CORRECT] = "CORRECT",     [CHOSEN_ERROR] = "ERRORS"};
    static const char *const note[CHOSEN_KINDS] = {
        [CHOSEN_BEST] = "correct predictions, the most confident first",
        [CHOSEN_HIGH] = "predictions of this class, the most confident first",
        [CHOSEN_LOW] = "predictions of this class, the least confident first",
        [CHOSEN_CORRECT] = "correct predictions of the slice, the most typical first",
        [CHOSEN_ERROR] = "errors of the slice, the most typical first"};
    if (!heading[kind])
        return;
    p->heading = mem_dup(heading[kind]);
    p->note = mem_dup(kind == CHOSEN_WORST ? worst_note(wrong, n - wrong) : note[kind]);
}

/* In the place of the best rows, where the class of the group has none. */
static void add_none_correct(const struct group *g, const struct counts *c, struct sheet *sheet)
{
    if (g->family != FAMILY_CLASS || g->mixed || g->number < 0 || g->page > 1)
        return;
    for (int i = 0; i < g->n; i++)
        if (g->example[i].kind == CHOSEN_BEST)
            return;
    const struct class_row *row = classes_find(&c->classes, g->truth);
    if (!row || row->correct > 0)
        return;
    struct sheet_panel *p = &sheet->panel[sheet->panels++];
    *p = (struct sheet_panel){.color = BLUE, .across = 1, .tiles = 2};
    p->heading = mem_dup("BEST");
    p->note = mem_dup("no correct prediction");
}

static void add_panel(struct group *g, const struct input *s, const struct look *look,
                      enum chosen_kind kind, struct sheet *sheet)
{
    int n = 0, wrong = 0;
    for (int i = 0; i < g->n; i++) {
        n += g->example[i].kind == kind;
        wrong += g->example[i].kind == kind && g->example[i].truth != g->example[i].pred;
    }
    if (n == 0)
        return;
    struct sheet_panel *p = &sheet->panel[sheet->panels++];
    p->color = is_good(kind) ? BLUE : ORANGE;
    p->across = look->columns;
    add_heading(p, kind, wrong, n);
    p->row = mem_zero((size_t)n, sizeof *p->row);
    for (int i = 0; i < g->n; i++) {
        if (g->example[i].kind != kind)
            continue;
        struct sheet_row *r = &p->row[p->rows++];
        fill_row(r, s, look, &g->example[i], g->before + i + 1);
        p->tiles = r->tiles > p->tiles ? r->tiles : p->tiles;
    }
}

/* Where a row of the page has the mark. */
static void add_legend(const struct group *g, struct sheet *sheet)
{
    for (int i = 0; i < g->n; i++) {
        if (!g->example[i].flagged)
            continue;
        sheet->legend =
            mem_dup("label flagged: it may be wrong, another class is at least as probable as "
                    "is usual for it (label-check)");
        return;
    }
}

/* One symmetric scale for all signed maps of the sheet. */
static void add_bars(const struct group *g, const struct input *s, const struct look *look,
                     struct sheet *sheet)
{
    bool heat = false, sign = false;
    float limit = 0;
    for (int i = 0; i < g->n; i++) {
        const struct example *x = &g->example[i];
        for (int p = 0; p < s->planes; p++) {
            bool shown = !redundant(x, p);
            heat = heat || (shown && !s->sign[p]);
            sign = sign || (shown && s->sign[p]);
            if (shown && s->sign[p])
                limit = x->limit > limit ? x->limit : limit;
        }
    }
    sheet->limit = limit > 0 ? limit : 1;
    if (heat)
        sheet->bar[sheet->bars++] = (struct sheet_bar){
            .title = mem_dup(s->targets ? "Class maps: each min-max normalised"
                                        : "Maps: each min-max normalised; no --target given"),
            .low = mem_dup("0 weakest"),
            .mid = mem_dup("0.5"),
            .high = mem_dup("strongest 1"),
        };
    if (sign)
        sheet->bar[sheet->bars++] = (struct sheet_bar){
            .sign = true,
            .title = mem_dup("Margin maps: one scale for this page"),
            .low = mem_printf("\xe2\x88\x92%.2g true", (double)sheet->limit),
            .mid = mem_dup("0"),
            .high = mem_printf("predicted +%.2g", (double)sheet->limit),
        };
    const char *layer = sign ? run_get(&look->run, "layer") : NULL;
    if (layer && strcmp(layer, ABOUT_LAST) != 0) {
        char *clean = pen_name(layer);
        sheet->note = mem_printf(
            "At %s the cells of a margin map do not add up to the logit difference.", clean);
        free(clean);
    }
}

void group_sheet(struct group *g, const struct input *s, const struct look *look,
                 const struct counts *c, struct sheet *sheet)
{
    *sheet = new_sheet(s, look);
    sheet->notice = grid_notice(s, look);
    sheet->foot = provenance(&look->run, s->planes > 0);
    add_titles(g, look, c, sheet);
    add_bars(g, s, look, sheet);
    add_legend(g, sheet);
    add_none_correct(g, c, sheet);
    for (int kind = 0; kind < CHOSEN_KINDS; kind++)
        add_panel(g, s, look, (enum chosen_kind)kind, sheet);
    if (!g->more && g->page == 1 && sheet->panels == 2 && sheet->panel[0].rows > 0 &&
        sheet->panel[0].rows < sheet->panel[1].rows)
        sheet->panel[0].end = mem_dup("no further correct predictions among the rows");
}

void picture_sheet(struct example *x, const struct input *s, const struct look *look,
                   struct sheet *sheet)
{
    *sheet = new_sheet(s, look);
    sheet->bare = true;
    sheet->title = image_words(x);
    sheet->foot = provenance(&look->run, s->planes > 0);
    sheet->limit = x->limit > 0 ? x->limit : 1;
    sheet->panels = 1;
    struct sheet_panel *p = &sheet->panel[0];
    struct sheet_row *r = p->row = mem_zero(1, sizeof *p->row);
    r->detail = prediction_words(x);
    take_pictures(r, x);
    if (look->show == SHOW_ORIGINAL || look->show == SHOW_BESIDE)
        add_original(r, s, x);
    for (int i = 0; i < s->planes; i++)
        add_map(r, s, x, i, look->show == SHOW_HEATMAP && !s->sign[i] ? SHEET_HEAT : map_kind(s, i),
                s->planes == 1 ? only_words("Map", s, x, i) : plane_words(s, x, i), true);
    p->across = p->rows = 1;
    p->tiles = r->tiles;
}
