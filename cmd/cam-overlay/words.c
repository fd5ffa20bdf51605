#include "words.h"

#include "base/mem.h"
#include "stats/band.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLUE = 0x0b5cad, ORANGE = 0xb35309, TILE_SIDE = 192 };

/* Letters of a name that leave room for what stands behind it. */
enum { IN_TITLE = 30, IN_PAIR_TITLE = 16, IN_CAPTION = 17 };

/* --- figures of confmat --- */

struct class_fact {
    bool known;
    double accuracy; /* NaN without images */
    int64_t total, correct;
    char *wrong; /* most frequent wrong prediction, or NULL */
    int64_t wrong_count;
};

struct pair_fact {
    int64_t truth, pred, count, reverse;
    double rate;
    int same; /* 1, 0, or -1 where unknown */
};

struct facts {
    struct class_fact class[STATS_CLASSES];
    int pairs, room;
    struct pair_fact *pair;
};

static int need_all(const struct tsv_in *t, const char *const *names, int n, int *col,
                    struct err *e)
{
    for (int i = 0; i < n; i++) {
        col[i] = tsv_need(t, names[i], e);
        if (col[i] < 0)
            return -1;
    }
    return 0;
}

static int load_classes(struct facts *f, struct tsv_in *t, struct err *e)
{
    static const char *const names[] = {"class", "total", "correct", "accuracy"};
    int col[4], r;
    if (need_all(t, names, 4, col, e) != 0)
        return -1;
    int wrong = tsv_find(t, "top_wrong_name"), count = tsv_find(t, "top_wrong_count");
    while ((r = tsv_next(t, e)) > 0) {
        int64_t cls;
        if (tsv_int(t, col[0], 0, STATS_CLASSES - 1, &cls, e) != 0)
            return -1;
        struct class_fact *c = &f->class[cls];
        if (c->known)
            return tsv_error(t, e, "expected each class once, found class %" PRId64 " again", cls);
        c->known = true;
        if (tsv_int(t, col[1], 0, INT64_MAX, &c->total, e) != 0 ||
            tsv_int(t, col[2], 0, c->total, &c->correct, e) != 0 ||
            tsv_real_na(t, col[3], &c->accuracy, e) != 0)
            return -1;
        if (c->accuracy < 0 || c->accuracy > 1)
            return tsv_error(t, e, "column 'accuracy': expected a share from 0 to 1, found %g",
                             c->accuracy);
        if (wrong < 0 || count < 0 || tsv_is_na(t, wrong) || tsv_is_na(t, count))
            continue;
        if (tsv_int(t, count, 0, INT64_MAX, &c->wrong_count, e) != 0)
            return -1;
        c->wrong = tsv_string(t, wrong);
    }
    return r;
}

static int load_pairs(struct facts *f, struct tsv_in *t, struct err *e)
{
    static const char *const names[] = {"true", "pred", "count", "rate", "reverse_count"};
    int col[5], r;
    if (need_all(t, names, 5, col, e) != 0)
        return -1;
    int same = tsv_find(t, "same_group");
    while ((r = tsv_next(t, e)) > 0) {
        struct pair_fact p = {.same = -1};
        if (tsv_int(t, col[0], 0, STATS_CLASSES - 1, &p.truth, e) != 0 ||
            tsv_int(t, col[1], 0, STATS_CLASSES - 1, &p.pred, e) != 0 ||
            tsv_int(t, col[2], 0, INT64_MAX, &p.count, e) != 0 ||
            tsv_real_na(t, col[3], &p.rate, e) != 0 ||
            tsv_int(t, col[4], 0, INT64_MAX, &p.reverse, e) != 0)
            return -1;
        int64_t yes;
        if (same >= 0 && !tsv_is_na(t, same)) {
            if (tsv_int(t, same, 0, 1, &yes, e) != 0)
                return -1;
            p.same = (int)yes;
        }
        if (f->pairs == f->room) {
            f->room = f->room ? 2 * f->room : 64;
            f->pair = mem_grow(f->pair, (size_t)f->room, sizeof *f->pair);
        }
        f->pair[f->pairs++] = p;
    }
    return r;
}

static int load(struct facts *f, const char *path,
                int (*rows)(struct facts *, struct tsv_in *, struct err *), struct err *e)
{
    struct tsv_in *t;
    if (!path)
        return 0;
    if (tsv_open(&t, path, e) != 0)
        return -1;
    int r = rows(f, t, e);
    tsv_close(t);
    return r;
}

int facts_load(struct facts **f, const char *classes, const char *pairs, struct err *e)
{
    *f = mem_zero(1, sizeof **f);
    return load(*f, classes, load_classes, e) != 0 ? -1 : load(*f, pairs, load_pairs, e);
}

void facts_free(struct facts *f)
{
    if (!f)
        return;
    for (int i = 0; i < STATS_CLASSES; i++)
        free(f->class[i].wrong);
    free(f->pair);
    free(f);
}

static const struct pair_fact *find_pair(const struct facts *f, int truth, int pred)
{
    for (int i = 0; i < f->pairs; i++)
        if (f->pair[i].truth == truth && f->pair[i].pred == pred)
            return &f->pair[i];
    return NULL;
}

/* --- words --- */

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

/* A name of at most `most` letters. */
static char *short_name(const char *name, int most)
{
    int letters = 0;
    for (const char *s = name; *s; s++) {
        if (((unsigned char)*s & 0xc0) == 0x80)
            continue;
        if (letters++ == most)
            return mem_printf("%.*s\xe2\x80\xa6", (int)(s - name), name);
    }
    return mem_dup(name);
}

static struct sheet_tile *add_tile(struct sheet_row *r, enum sheet_kind kind, const char *what,
                                   char *name)
{
    struct sheet_tile *t = &r->tile[r->tiles++];
    t->kind = kind;
    t->what = mem_dup(what);
    t->name = name;
    return t;
}

/* A tile of plane `plane` of the example whose maps the row has taken. */
static void add_map(struct sheet_row *r, const struct source *s, const struct example *x, int plane,
                    enum sheet_kind kind, const char *what, const char *cls, double p)
{
    char buf[16];
    char *name = isnan(p) ? mem_dup(cls) : short_name(cls, IN_CAPTION);
    char *line = isnan(p) ? name : mem_printf("%s, %s", name, percent(p, buf));
    if (line != name)
        free(name);
    struct sheet_tile *t = add_tile(r, kind, what, line);
    t->map = r->maps + (size_t)plane * (size_t)s->map_h * (size_t)s->map_w;
    t->blank = x->blank[plane];
}

/* Original, the maps that speak for either class, and where they differ. */
static void wrong_tiles(struct sheet_row *r, const struct source *s, const struct example *x)
{
    int truth = s->role[ROLE_TRUE], pred = s->role[ROLE_PRED], margin = s->role[ROLE_MARGIN];
    if (truth >= 0)
        add_map(r, s, x, truth, SHEET_OVERLAY, "Map for true class", x->true_name, x->p_true);
    if (pred >= 0)
        add_map(r, s, x, pred, SHEET_OVERLAY, "Map for predicted class", x->pred_name, x->conf);
    if (truth < 0)
        add_map(r, s, x, pred, SHEET_HEAT, "Heat map, predicted class", x->pred_name, NAN);
    if (pred < 0)
        add_map(r, s, x, truth, SHEET_HEAT, "Heat map, true class", x->true_name, NAN);
    if (margin >= 0)
        add_map(r, s, x, margin, SHEET_SIGNED, "Margin map", "predicted minus true class", NAN);
}

static void fill_row(struct sheet_row *r, const struct source *s, struct example *x)
{
    static const char *const labels[KINDS] = {"BEST", "WORST", "EXAMPLE", "MOST SURE",
                                              "LEAST SURE"};
    bool labelled = x->truth >= 0, right = x->truth == x->pred;
    char buf[16];
    const char *conf = percent(x->conf, buf);
    r->label = mem_printf("%s #%" PRId64, labels[x->kind], x->rank);
    char *prediction = short_name(x->pred_name, IN_TITLE);
    r->detail = mem_printf("%s%s, %s (%s)", labelled ? right ? "right: " : "wrong: " : "",
                           prediction, conf, band_name(band_of(x->conf)));
    free(prediction);
    r->aside = mem_printf("image %" PRId64, x->id);
    r->image = x->image;
    r->maps = x->maps;
    x->image = NULL;
    x->maps = NULL;
    add_tile(r, SHEET_IMAGE, "Original", mem_printf("true class: %s", x->true_name));
    if (right || !labelled) {
        int plane = right && s->role[ROLE_TRUE] >= 0 ? s->role[ROLE_TRUE] : s->role[ROLE_PRED];
        add_map(r, s, x, plane, SHEET_OVERLAY, "Overlay", x->pred_name, x->conf);
        add_map(r, s, x, plane, SHEET_HEAT, "Heat map", x->pred_name, NAN);
    } else {
        wrong_tiles(r, s, x);
    }
}

static bool is_mixed(const struct group *g)
{
    for (int i = 0; i < g->n; i++) {
        const struct example *x = &g->example[i];
        if ((example_family(x) == FAMILY_PRED ? x->pred : x->truth) != g->number)
            return true;
    }
    return false;
}

static void pair_titles(const struct group *g, const struct facts *f, struct sheet *sheet,
                        char **file)
{
    const struct example *x = &g->example[0];
    char *from = short_name(x->true_name, IN_PAIR_TITLE);
    char *to = short_name(x->pred_name, IN_PAIR_TITLE);
    sheet->title = mem_printf("Confused pair %" PRId64 ": %s (ID: %d) taken for %s (ID: %d)",
                              g->number, from, x->truth, to, x->pred);
    free(from);
    free(to);
    const struct pair_fact *p = find_pair(f, x->truth, x->pred);
    if (p) {
        char buf[16], *rate = isnan(p->rate)
                                  ? mem_dup("")
                                  : mem_printf(" (%s of the class)", percent(p->rate, buf));
        sheet->subtitle = mem_printf("%" PRId64 " %s%s \xc2\xb7 %" PRId64 " the other way round%s",
                                     p->count, p->count == 1 ? "image" : "images", rate, p->reverse,
                                     p->same < 0 ? ""
                                     : p->same   ? " \xc2\xb7 same superclass"
                                                 : " \xc2\xb7 other superclass");
        free(rate);
    } else {
        sheet->subtitle = mem_dup("The most confident of these errors");
    }
    *file = sheet_pair_file((int)g->number, x->true_name, x->pred_name);
}

static char *class_subtitle(const struct class_fact *c, const char *superclass)
{
    char *counts = mem_dup(""), *wrong = mem_dup(""), *super = mem_dup("");
    if (c->known) {
        free(counts);
        counts =
            mem_printf("%" PRId64 " of %" PRId64 " images right \xc2\xb7 ", c->correct, c->total);
    }
    if (c->wrong) {
        free(wrong);
        int64_t errors = c->total - c->correct;
        wrong =
            mem_printf("most often mistaken for %s (%" PRId64 " of %" PRId64 " error%s) \xc2\xb7 ",
                       c->wrong, c->wrong_count, errors, errors == 1 ? "" : "s");
    }
    if (superclass) {
        free(super);
        super = mem_printf("superclass: %s \xc2\xb7 ", superclass);
    }
    char *all = mem_printf("%s%s%s", counts, wrong, super);
    size_t n = strlen(all);
    if (n > 0)
        all[n - strlen(" \xc2\xb7 ")] = '\0';
    free(counts);
    free(wrong);
    free(super);
    return all;
}

static void class_titles(const struct group *g, const struct facts *f, struct sheet *sheet,
                         char **file)
{
    const struct example *x = &g->example[0];
    if (is_mixed(g)) {
        sheet->title = mem_printf("Selected images, group %" PRId64, g->number);
        *file = mem_printf("group_%03" PRId64 ".png", g->number);
        return;
    }
    if (example_family(x) == FAMILY_PRED) {
        char *prediction = short_name(x->pred_name, IN_TITLE);
        sheet->title = mem_printf("Predicted: %s (ID: %d)", prediction, x->pred);
        free(prediction);
        *file = sheet_class_file(x->pred, x->pred_name);
        return;
    }
    const struct class_fact *c = &f->class[x->truth];
    char *name = short_name(x->true_name, IN_TITLE);
    if (c->known && !isnan(c->accuracy))
        sheet->title =
            mem_printf("Class: %s (ID: %d) - Accuracy: %.1f%%", name, x->truth, 100 * c->accuracy);
    else
        sheet->title = mem_printf("Class: %s (ID: %d)", name, x->truth);
    free(name);
    sheet->subtitle = class_subtitle(c, x->superclass);
    *file = sheet_class_file(x->truth, x->true_name);
}

static const char *worst_note(int wrong, int right)
{
    if (right == 0)
        return "wrong predictions, the most confident first";
    if (wrong == 0)
        return "no wrong prediction: the least confident right ones";
    return "wrong predictions, the most confident first; then right ones, the least confident "
           "first";
}

static void add_panel(struct group *g, const struct source *s, enum row_kind kind,
                      struct sheet *sheet)
{
    int n = 0, wrong = 0;
    for (int i = 0; i < g->n; i++) {
        n += g->example[i].kind == kind;
        wrong += g->example[i].kind == kind && g->example[i].truth != g->example[i].pred;
    }
    if (n == 0)
        return;
    struct sheet_panel *p = &sheet->panel[sheet->panels++];
    p->color = kind == KIND_BEST || kind == KIND_HIGH ? BLUE : ORANGE;
    if (kind == KIND_BEST) {
        p->heading = mem_dup("BEST");
        p->note = mem_dup("correct predictions, the most confident first");
    } else if (kind == KIND_WORST) {
        p->heading = mem_dup("WORST");
        p->note = mem_dup(worst_note(wrong, n - wrong));
    } else if (kind == KIND_HIGH) {
        p->heading = mem_dup("MOST SURE");
        p->note = mem_dup("the most confident of these predictions first");
    } else if (kind == KIND_LOW) {
        p->heading = mem_dup("LEAST SURE");
        p->note = mem_dup("the least confident first");
    }
    p->row = mem_zero((size_t)n, sizeof *p->row);
    for (int i = 0; i < g->n; i++) {
        if (g->example[i].kind != kind)
            continue;
        struct sheet_row *r = &p->row[p->rows++];
        fill_row(r, s, &g->example[i]);
        p->columns = r->tiles > p->columns ? r->tiles : p->columns;
    }
}

/* One symmetric scale for all margin maps of the sheet. */
static void add_bars(const struct group *g, const struct source *s, struct sheet *sheet)
{
    sheet->bar[sheet->bars++] = (struct sheet_bar){
        .title = mem_dup("Class maps: each stretched to its own range"),
        .low = mem_dup("0 weakest"),
        .mid = mem_dup("0.5"),
        .high = mem_dup("strongest 1"),
    };
    bool wrong = false;
    float limit = 0;
    for (int i = 0; i < g->n; i++) {
        const struct example *x = &g->example[i];
        if (x->truth == x->pred || x->truth < 0)
            continue;
        wrong = true;
        limit = x->limit > limit ? x->limit : limit;
    }
    sheet->limit = limit > 0 ? limit : 1;
    if (s->role[ROLE_MARGIN] < 0 || !wrong)
        return;
    sheet->bar[sheet->bars++] = (struct sheet_bar){
        .sign = true,
        .title = mem_dup("Margin map: speaks for the true or the predicted class"),
        .low = mem_printf("\xe2\x88\x92%.2g true", (double)sheet->limit),
        .mid = mem_dup("0"),
        .high = mem_printf("predicted +%.2g", (double)sheet->limit),
    };
}

void group_sheet(struct group *g, const struct source *s, const struct look *look,
                 const struct facts *f, struct sheet *sheet, char **file)
{
    int side = s->h > s->w ? s->h : s->w;
    *sheet = (struct sheet){
        .h = s->h,
        .w = s->w,
        .map_h = s->map_h,
        .map_w = s->map_w,
        .zoom = look->zoom         ? look->zoom
                : side < TILE_SIDE ? (TILE_SIDE + side / 2) / side
                                   : 1,
        .grid = look->grid,
        .cmap = look->cmap,
        .alpha = look->alpha,
    };
    if (g->example[0].kind == KIND_PAIR)
        pair_titles(g, f, sheet, file);
    else
        class_titles(g, f, sheet, file);
    add_bars(g, s, sheet);
    add_panel(g, s, KIND_BEST, sheet);
    add_panel(g, s, KIND_WORST, sheet);
    add_panel(g, s, KIND_PAIR, sheet);
    add_panel(g, s, KIND_HIGH, sheet);
    add_panel(g, s, KIND_LOW, sheet);
    if (sheet->panels == 2 && sheet->panel[0].rows < sheet->panel[1].rows)
        sheet->panel[0].end = mem_dup("no further correct predictions among the rows");
}
