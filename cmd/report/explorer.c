/* The explorer's page: tables that can be read without scripts, and the data that the page
 * loads for all else. */
#include "explorer.h"

#include "assets.h"
#include "explorer_index.h"
#include "html.h"
#include "words.h"

#include "base/mem.h"
#include "base/pool.h"
#include "base/text.h"
#include "draw/sheet_file.h"
#include "rows/fields.h"
#include "rows/selection.h"
#include "stats/share.h"
#include "stream/tsv.h"

#include <glib.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    WORST_CLASSES = 10,
    PAIRS_SHOWN = 15,   /* on the overview */
    PAIRS_LISTED = 500, /* in the table of pairs */
    ERRORS_SHOWN = 24
};

/* One file that can be sent by mail; what is left for the page itself. */
enum { SINGLE_BYTES = 7 << 20 };

struct explorer {
    struct page page; /* first: parts are written from it */
    const struct explorer_opts *opts;
    char **sheet; /* [classes] files of the class sheets, NULL where there is none */
    const struct store *store;
    int64_t images;
    char *style, *script, *index;
};

static const struct explorer *self(const struct page *p)
{
    return (const struct explorer *)p;
}

static void check(int result, const struct err *e)
{
    if (result != 0)
        prog_fail(e);
}

/* --- head --- */

static void put_hash(const char *text)
{
    uint8_t sum[32];
    gsize n = sizeof sum;
    GChecksum *c = g_checksum_new(G_CHECKSUM_SHA256);
    g_checksum_update(c, (const guchar *)text, (gssize)strlen(text));
    g_checksum_get_digest(c, sum, &n);
    g_checksum_free(c);
    char *code = g_base64_encode(sum, n);
    put("'sha256-");
    put(code);
    put("'");
    g_free(code);
}

/* Pieces are scripts and pictures of this folder; nothing comes from another host. */
static void put_policy(const struct page *p)
{
    put("default-src 'none'; base-uri 'none'; form-action 'none'; style-src ");
    put_hash(self(p)->style);
    put("; script-src ");
    put_hash(self(p)->script);
    put(self(p)->opts->single ? "; img-src data:" : " 'self' file:; img-src 'self' file:");
}

static void put_style(const struct page *p)
{
    put(self(p)->style);
}

static void put_script(const struct page *p)
{
    put(self(p)->script);
}

static void put_index(const struct page *p)
{
    put(self(p)->index);
}

static void put_piece(void *unused, const char *name, const char *text, size_t n)
{
    (void)unused;
    put("<script type=\"text/plain\" data-piece=\"");
    put(name);
    put("\">");
    words_raw(text, n);
    put("</script>\n");
}

static void put_pieces(const struct page *p)
{
    if (self(p)->opts->single)
        store_each(self(p)->store, NULL, put_piece);
}

/* --- overview --- */

/* The measures of confmat --summary as a reader calls them; others by their own names. */
static const struct measure {
    const char *name, *label;
    bool share;
} measures[] = {
    {"images", "Images", false},
    {"unlabelled", "Without a label", false},
    {"classes", "Classes", false},
    {"classes_with_images", "Classes with images", false},
    {"groups", "Superclasses", false},
    {"correct", "Correct", false},
    {"errors", "Errors", false},
    {"accuracy", "Accuracy", true},
    {"error_rate", "Error rate", true},
    {"top5_accuracy", "Top-5 accuracy", true},
    {"group_accuracy", "Superclass accuracy", true},
    {"errors_same_group", "Errors inside a superclass", false},
    {"mean_class_accuracy", "Mean class accuracy", true},
    {"macro_precision", "Macro precision", true},
    {"macro_f1", "Macro F1", true},
    {"best_class_name", "Best class", false},
    {"best_class_accuracy", "Accuracy of the best class", true},
    {"worst_class_name", "Worst class", false},
    {"worst_class_accuracy", "Accuracy of the worst class", true},
    {"classes_below_50", "Classes below 50" WORDS_NB "%", false},
    {"classes_below_70", "Classes below 70" WORDS_NB "%", false},
    {"pairs_confused", "Confusion pairs", false},
    {"mean_conf", "Mean confidence", true},
    {"mean_conf_correct", "Mean confidence of correct ones", true},
    {"mean_conf_wrong", "Mean confidence of errors", true},
    {"errors_conf_90", "Errors above 90" WORDS_NB "% confidence", false},
    {"errors_conf_70", "Errors above 70" WORDS_NB "% confidence", false},
    {"correct_conf_50", "Correct ones up to 50" WORDS_NB "%", false},
    {"ece", "Expected calibration error", true},
    {"mce", "Maximum calibration error", true},
    {"nll", "Mean loss", false},
    {"mean_entropy", "Mean entropy", false},
};

static const struct measure *measure_find(const char *name)
{
    for (size_t i = 0; i < sizeof measures / sizeof *measures; i++)
        if (strcmp(measures[i].name, name) == 0)
            return &measures[i];
    return NULL;
}

static void put_share(double v)
{
    double percent = 100 * v;
    if (isnan(v))
        put("&ndash;");
    else if (v < 1 && percent >= 99.95) /* not all */
        put("&gt;99.9&nbsp;%");
    else if (v > 0 && percent < 0.05) /* not nothing */
        put("&lt;0.1&nbsp;%");
    else
        words_put("%.1f&nbsp;%%", words_unsigned_zero(percent, 1));
}

static void put_measure(const char *name, const char *value, double v)
{
    const struct measure *m = measure_find(name);
    put("<div><dt>");
    put_text(m ? m->label : name);
    put("</dt><dd data-measure=\"");
    put_text(name);
    put("\" data-v=\"");
    put_text(value);
    put("\">");
    if (strcmp(value, "NA") == 0)
        put("&ndash;");
    else if (m && m->share && !isnan(v))
        words_put("%.2f&nbsp;%%", 100 * v);
    else if (m && strchr(value, '.'))
        words_put("%.4g", v);
    else
        put_name(value);
    put("</dd></div>\n");
}

static void put_figures(const struct page *p)
{
    static const char *const columns[] = {"measure", "value", NULL};
    struct tsv_in *t;
    struct err e;
    int r;
    if (!self(p)->opts->summary)
        return;
    put("<h3>Figures</h3>\n<dl class=\"figures\">\n");
    check(fields_open(&t, self(p)->opts->summary, columns, &e), &e);
    int measure = tsv_find(t, "measure"), value = tsv_find(t, "value");
    while ((r = tsv_next(t, &e)) > 0) {
        double v;
        char *name = tsv_string(t, measure), *raw = tsv_string(t, value);
        char *shown = text_clean(raw, '?');
        if (!tsv_number(tsv_get(t, value), &v))
            v = NAN;
        if (strcmp(name, "best_class") != 0 && strcmp(name, "worst_class") != 0)
            put_measure(name, shown, v);
        free(name);
        free(raw);
        free(shown);
    }
    check(r, &e);
    tsv_close(t);
    put("</dl>\n");
}

/* A bar for a share, beside its number; drawn in SVG, which needs no style of its own. */
static void put_bar(const char *class, double share)
{
    words_put("<svg class=\"bar %s\" viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\" "
              "aria-hidden=\"true\"><rect width=\"100\" height=\"8\"/><rect width=\"%.4g\" "
              "height=\"8\"/></svg>",
              class, isnan(share) ? 0 : 100 * share);
}

static void put_worst_classes(const struct page *p)
{
    const struct classes *c = &p->known->tables.classes;
    struct class_list l = classes_extreme(c, CLASSES_WORST_FIRST, WORST_CLASSES);
    if (l.listed > 0) {
        put("<section class=\"card\"><h3>Worst classes</h3><ol class=\"rows\">\n");
        for (int i = 0; i < l.listed; i++) {
            const struct class_row *row = &c->row[l.cls[i]];
            words_put("<li><a href=\"#class/%d\">", l.cls[i]);
            put_name(row->shown);
            words_put("</a> <span class=\"n\">%" PRId64 " of %" PRId64 "</span> <b>", row->correct,
                      row->total);
            put_share(class_accuracy(row));
            put("</b>");
            put_bar(html_band(row), class_accuracy(row));
            put("</li>\n");
        }
        put("</ol>");
        if (l.tied > 0)
            words_put("<p>%d other%s as low as the last of these.</p>", l.tied,
                      l.tied == 1 ? " is" : "s are");
        put("</section>\n");
    }
    free(l.cls);
}

static void put_top_pairs(const struct page *p)
{
    const struct tables *t = &p->known->tables;
    size_t tied, n = pairs_listed(&t->pairs, PAIRS_SHOWN, &tied);
    if (n == 0)
        return;
    put("<section class=\"card\"><h3>Most confused pairs (true &rarr; predicted)</h3>"
        "<ol class=\"rows\">\n");
    for (size_t i = 0; i < n; i++) {
        const struct pair_row *row = &t->pairs.row[i];
        words_put("<li><a href=\"#pair/%d/%d\">", row->truth, row->pred);
        put_name(t->classes.row[row->truth].shown);
        put(" &rarr; ");
        put_name(t->classes.row[row->pred].shown);
        words_put("</a> <b>%" PRId64 "</b>", row->count);
        put_bar("", row->rate);
        put("</li>\n");
    }
    put("</ol>");
    if (tied > 0)
        words_put("<p>%zu other%s as frequent as the last of these.</p>", tied,
                  tied == 1 ? " is" : "s are");
    put("</section>\n");
}

/* A name that is broken behind underscores, before it is broken within a word. */
static void put_parts(const char *name)
{
    put("<bdi>");
    for (const char *end; (end = strchr(name, '_')); name = end + 1) {
        char *part = mem_printf("%.*s", (int)(end + 1 - name), name);
        put_text(part);
        put("<wbr>");
        free(part);
    }
    put_text(name);
    put("</bdi>");
}

static void put_error(const struct selected_error *row)
{
    char *truth = text_clean(row->true_name ? row->true_name : "-", '?');
    char *pred = text_clean(row->pred_name ? row->pred_name : "-", '?');
    words_put("<li><a href=\"#image/%" PRId64 "\" data-image=\"%" PRId64 "\"><span>", row->id,
              row->id);
    put_parts(truth);
    put(" &rarr; ");
    put_parts(pred);
    put("</span> <b>");
    put_share(row->conf);
    put("</b></a></li>\n");
    free(truth);
    free(pred);
}

static void put_errors(const struct page *p)
{
    struct selected_errors *rows;
    struct selected_error row;
    struct err e;
    int r = 1;
    if (!self(p)->opts->errors)
        return;
    check(selection_errors_open(&rows, self(p)->opts->errors, &e), &e);
    int64_t n = 0;
    for (; (r = selection_errors_next(rows, &row, &e)) > 0; n++) {
        if (n == 0)
            put("<section class=\"card wide\"><h3>Errors of highest confidence (above 90&nbsp;%)"
                "</h3>\n<ol class=\"thumbs\" id=\"errors\">\n");
        if (n < ERRORS_SHOWN)
            put_error(&row);
    }
    if (n > 0)
        put("</ol>");
    if (n > ERRORS_SHOWN)
        words_put("<p>The first %d of %" PRId64 ".</p>", ERRORS_SHOWN, n);
    if (n > 0)
        put("</section>\n");
    check(r < 0 ? -1 : 0, &e);
    selection_errors_close(rows);
}

/* --- classes --- */

struct column {
    const char *key, *text, *class, *sort; /* sort: the direction that is read first */
    bool there;
};

enum {
    C_ID,
    C_NAME,
    C_GROUP,
    C_TOTAL,
    C_ACCURACY,
    C_INTERVAL,
    C_WRONG,
    C_PRECISION,
    C_F1,
    C_CONF,
    C_OVER,
    C_LOW,
    C_HIGHEST,
    C_TOP,
    C_SHEET,
    C_COLS
};

static void find_columns(const struct page *p, struct column c[C_COLS])
{
    const struct tables *t = &p->known->tables;
    bool sheets = false, conf = false;
    for (int i = 0; i < t->classes.n; i++) {
        sheets = sheets || self(p)->sheet[i];
        conf = conf || !isnan(t->classes.row[i].mean_conf);
    }
    const struct column all[C_COLS] = {
        [C_ID] = {"class", "Class ID", "n minor", "ascending", true},
        [C_NAME] = {"name", "Class", "", "ascending", true},
        [C_GROUP] = {"group_name", "Superclass", "minor", "ascending", t->classes.superclasses > 0},
        [C_TOTAL] = {"total", "Images", "n minor", "descending", true},
        [C_ACCURACY] = {"accuracy", "Accuracy = recall", "share", "ascending", true},
        [C_INTERVAL] = {"interval", "95&nbsp;% interval", "n minor", "ascending", true},
        [C_WRONG] = {"errors", "Errors", "n", "descending", true},
        [C_PRECISION] = {"precision", "Precision", "n", "ascending", true},
        [C_F1] = {"f1", "F1", "n minor", "ascending", true},
        [C_CONF] = {"mean_conf", "Mean confidence", "n minor", "descending", conf},
        [C_OVER] = {"over_conf", "Over-confidence", "n", "descending", conf},
        [C_LOW] = {"low_correct", "Low-confidence correct", "n more", "descending",
                   t->confidence.known && t->classes.present > 2},
        [C_HIGHEST] = {"highest_wrong", "Highest-confidence wrong", "n more", "descending",
                       t->confidence.known},
        [C_TOP] = {"top_wrong", "Most frequent wrong prediction", "", "descending", true},
        [C_SHEET] = {"sheet", "Sheet", "minor", "", sheets},
    };
    memcpy(c, all, sizeof all);
}

static void put_heads(const struct page *p)
{
    struct column c[C_COLS];
    find_columns(p, c);
    for (int i = 0; i < C_COLS; i++)
        if (c[i].there)
            words_put("<th scope=\"col\" class=\"%s\" data-key=\"%s\" data-sort=\"%s\"%s>%s</th>",
                      c[i].class, c[i].key, c[i].sort,
                      i == C_ACCURACY ? " aria-sort=\"ascending\"" : "", c[i].text);
}

static void put_value(const char *class, double v, bool share)
{
    if (isnan(v)) {
        words_put("<td class=\"%s\" data-v=\"\">&ndash;</td>", class);
        return;
    }
    words_put("<td class=\"%s\" data-v=\"%.9g\">", class, v);
    if (share)
        put_share(v);
    else
        words_put("%.0f", v);
    put("</td>");
}

static void put_top_wrong(const struct tables *t, const struct pair_index *x, int cls)
{
    const struct class_row *row = &t->classes.row[cls];
    size_t from = x->from[cls];
    if (row->top_wrong_count <= 0 || from == x->from[cls + 1]) {
        put("<td class=\"top\" data-v=\"0\">&ndash;</td>");
        return;
    }
    const struct pair_row *first = &t->pairs.row[x->at[from]];
    words_put("<td class=\"top\" data-v=\"%" PRId64 "\"><a href=\"#pair/%d/%d\">",
              row->top_wrong_count, first->truth, first->pred);
    put_name(t->classes.row[first->pred].shown);
    words_put("</a> <small>%" PRId64, row->top_wrong_count);
    if (row->top_wrong_tied > 0)
        words_put(" <abbr title=\"%" PRId64 " other%s as frequent\">+%" PRId64 "</abbr>",
                  row->top_wrong_tied, row->top_wrong_tied == 1 ? " is" : "s are",
                  row->top_wrong_tied);
    put("</small></td>");
}

static void put_class(const struct page *p, const struct column *c, const struct pair_index *x,
                      int cls)
{
    const struct tables *t = &p->known->tables;
    const struct class_row *row = &t->classes.row[cls];
    double accuracy = class_accuracy(row), low, high;
    class_interval(row, &low, &high);
    words_put("<tr><td class=\"n minor\" data-v=\"%d\">%d</td><th scope=\"row\">"
              "<a href=\"#class/%d\">",
              cls, cls, cls);
    put_name(row->shown);
    put("</a></th>");
    if (c[C_GROUP].there) {
        put("<td class=\"minor\">");
        put_name(row->superclass_shown);
        put("</td>");
    }
    put_value("n minor", (double)row->total, false);
    if (isnan(accuracy)) {
        put("<td class=\"share\" data-v=\"\">no images</td><td class=\"n minor\" data-v=\"\">"
            "&ndash;</td>");
    } else {
        words_put("<td class=\"share\" data-v=\"%.9g\"><span>", accuracy);
        put_share(accuracy);
        put("</span>");
        put_bar(html_band(row), accuracy);
        words_put("</td><td class=\"n minor\" data-v=\"%.9g\" data-high=\"%.9g\">%.0f&ndash;%.0f"
                  "&nbsp;%%</td>",
                  low, high, 100 * low, 100 * high);
    }
    put_value("n", (double)class_errors(row), false);
    put_value("n", row->precision, true);
    put_value("n minor", row->f1, true);
    if (c[C_CONF].there)
        put_value("n minor", row->mean_conf, true);
    if (c[C_OVER].there)
        put_value("n", class_over_confidence(row), true);
    if (c[C_LOW].there)
        put_value("n more", (double)row->low_correct, false);
    if (c[C_HIGHEST].there)
        put_value("n more", (double)row->highest_wrong, false);
    put_top_wrong(t, x, cls);
    if (c[C_SHEET].there) {
        put("<td class=\"minor\">");
        if (self(p)->sheet[cls]) {
            put("<a href=\"worst_predictions/");
            put_text(self(p)->sheet[cls]);
            words_put("\" aria-label=\"Sheet of class %d\">sheet</a>", cls);
        }
        put("</td>");
    }
    put("</tr>\n");
}

static void put_classes(const struct page *p)
{
    const struct tables *t = &p->known->tables;
    struct column c[C_COLS];
    struct pair_index x = pairs_by_class(&t->pairs, t->classes.n);
    struct class_list order = classes_ranked(&t->classes, CLASSES_WITH_EMPTY);
    find_columns(p, c);
    for (int i = 0; i < order.n; i++)
        put_class(p, c, &x, order.cls[i]);
    free(order.cls);
    pair_index_free(&x);
}

/* --- pairs --- */

static void put_pair(const struct page *p, const struct pair_row *row)
{
    const struct classes *c = &p->known->tables.classes;
    words_put("<tr data-true=\"%d\" data-pred=\"%d\"><td><a href=\"#pair/%d/%d\">", row->truth,
              row->pred, row->truth, row->pred);
    put_name(c->row[row->truth].shown);
    put(" &rarr; ");
    put_name(c->row[row->pred].shown);
    put("</a></td>");
    put_value("n", (double)row->count, false);
    put_value("n", row->rate, true);
    put_value("n", row->reverse < 0 ? NAN : (double)row->reverse, false);
    put(row->same_superclass > 0    ? "<td>same</td>"
        : row->same_superclass == 0 ? "<td>other</td>"
                                    : "<td>&ndash;</td>");
    put("</tr>\n");
}

static void put_pairs(const struct page *p)
{
    const struct pairs *all = &p->known->tables.pairs;
    for (size_t i = 0; i < all->n && i < PAIRS_LISTED; i++)
        put_pair(p, &all->row[i]);
}

static void put_pairs_left(const struct page *p)
{
    size_t n = p->known->tables.pairs.n;
    if (n == 0)
        put("No pair is confused.");
    else if (n <= PAIRS_LISTED)
        words_put("All %zu confusion pairs.", n);
    else
        words_put("The %d most frequent of %zu confusion pairs.", PAIRS_LISTED, n);
}

/* Sheets of pairs and the other results. */
static void put_results(const struct page *p)
{
    struct selected_pairs chosen = {0};
    struct err e;
    put_links(p);
    if (!self(p)->opts->pair_rows)
        return;
    check(selection_pairs(&chosen, self(p)->opts->pair_rows, p->known->tables.classes.n, &e), &e);
    for (int i = 0; i < chosen.n; i++) {
        const struct selected_pair *s = &chosen.pair[i];
        char *file = sheet_pair_file(s->number, s->true_name, s->pred_name);
        char *from = text_clean(s->true_name, '?'), *to = text_clean(s->pred_name, '?');
        if (html_linked(p, file)) {
            put("<a href=\"");
            put_text(file);
            put("\">Sheet: ");
            put_name(from);
            put(" &rarr; ");
            put_name(to);
            put("</a>\n");
        }
        free(file);
        free(from);
        free(to);
    }
    selection_pairs_free(&chosen);
}

static void put_unlabelled(const struct page *p)
{
    if (p->known->tables.classes.present == 0)
        put(" class=\"unlabelled\"");
}

/* What the page says of the whole run. */
static void put_lead(const struct page *p)
{
    if (p->known->tables.classes.present > 0)
        put_overall(p);
    else
        words_put("%" PRId64 " image%s without labels: the page shows predictions and their "
                  "confidence. Look at the <a href=\"#grid?sort=conf\">least confident</a> and the "
                  "<a href=\"#grid?sort=-conf\">most confident</a> predictions.",
                  self(p)->images, self(p)->images == 1 ? "" : "s");
}

static void put_title(const struct page *p)
{
    const char *name = about_value(&p->known->about, "checkpoint");
    put("Explorer");
    if (!name)
        return;
    const char *slash = strrchr(name, '/');
    put(": ");
    put_text(slash ? slash + 1 : name);
}

/* --- which sheets there are --- */

static void sheet_add(struct explorer *x, int cls, const char *name)
{
    char *sheet = sheet_class_file(cls, name), *file = mem_printf("worst_predictions/%s", sheet);
    if (html_linked(&x->page, file))
        x->sheet[cls] = sheet;
    else
        free(sheet);
    free(file);
}

/* Those of the classes that worst-k chose. */
static void find_sheets(struct explorer *x)
{
    int classes = x->page.known->tables.classes.n;
    char **name = mem_zero((size_t)classes + 1, sizeof *name);
    struct err e;
    if (x->opts->selected && classes > 0)
        check(selection_classes(x->opts->selected, classes, name, &e), &e);
    for (int i = 0; i < classes; i++) {
        if (name[i])
            sheet_add(x, i, name[i]);
        free(name[i]);
    }
    free(name);
}

/* --- the data --- */

static void make_stamp(const struct about *a, const struct placing *p, char stamp[17])
{
    GChecksum *c = g_checksum_new(G_CHECKSUM_SHA256);
    for (int i = 0; i < a->facts; i++)
        g_checksum_update(c, (const guchar *)a->fact[i].value, (gssize)strlen(a->fact[i].value));
    g_checksum_update(c, (const guchar *)&p->n, sizeof p->n);
    snprintf(stamp, 17, "%.16s", g_checksum_get_string(c));
    g_checksum_free(c);
}

static void open_images(struct explorer_data *d, struct data **data)
{
    struct data_opts opts = {.size = d->opts->size, .note = prog_note};
    struct err e;
    if (!d->opts->data)
        return;
    check(data_open(data, d->opts->data, &opts, &e), &e);
    if (data_count(*data) < 0)
        prog_die(PROG_ERROR, "%s: expected a file or a folder, found a stream", data_name(*data));
    d->blocks.data = *data;
}

static void open_maps(struct explorer_data *d, struct npy_in **maps, struct ids **ids)
{
    const char *file = d->opts->class_maps ? d->opts->class_maps : d->opts->cams;
    const int64_t any[] = {-1, -1, -1};
    struct err e;
    int r;
    if (!file)
        return;
    check((r = npy_open(maps, file, &e)) < 0 ? -1 : 0, &e);
    if (r == 0) {
        *maps = NULL;
        return;
    }
    check(npy_expect(*maps, NPY_F32, 3, any, &e), &e);
    if (!npy_is_file(*maps))
        prog_die(PROG_ERROR, "%s: expected a regular file, found another", npy_name(*maps));
    check(npy_count(*maps, &e) < 0 ? -1 : 0, &e);
    if (d->opts->ids)
        check(ids_open(ids, d->opts->ids, &e), &e);
    d->blocks.maps = *maps;
    d->blocks.holes = d->opts->cams != NULL; /* of the true class where there is no label */
    d->blocks.ids = *ids;
}

/* The blocks of images and maps: all, or as many as a single file has room for. */
static void write_blocks(struct explorer_data *d, struct store *s)
{
    struct blocks *b = &d->blocks;
    struct err e;
    b->id = d->placing.stored;
    b->n = d->placing.n;
    blocks_size(b);
    int64_t blocks = blocks_count(b), block = 0;
    if (!d->opts->single) {
        check(blocks_write(b, s, 0, blocks, d->opts->threads, &e), &e);
        return;
    }
    for (; block < blocks; block++) {
        check(blocks_write(b, s, block, block + 1, 1, &e), &e);
        if (store_bytes(s) <= SINGLE_BYTES)
            continue;
        char *name[] = {mem_printf("images.%" PRId64, block), mem_printf("maps.%" PRId64, block)};
        for (int i = 0; i < 2; i++) {
            store_forget(s, name[i]);
            free(name[i]);
        }
        break;
    }
    if (block == blocks)
        return;
    prog_say("of the %" PRId64 " images that are drawn, %" PRId64 " have room in one file",
             d->placing.n, block * b->per);
    placing_cut(&d->placing, block * b->per);
    b->n = d->placing.n;
}

static void write_tables(struct explorer_data *d, struct store *s)
{
    struct columns_only only = {NULL, d->placing.n};
    int64_t *id = d->opts->single ? placing_ids(&d->placing) : NULL;
    struct err e;
    only.id = id;
    d->tables = 1 + d->opts->join.n;
    d->table = mem_zero((size_t)d->tables, sizeof *d->table);
    for (int i = 0; i < d->tables; i++) {
        struct explorer_table *t = &d->table[i];
        char prefix[16];
        t->path = i == 0 ? d->opts->predictions : d->opts->join.item[i - 1];
        snprintf(prefix, sizeof prefix, "t%d", i);
        check(
            columns_write(&t->columns, s, prefix, t->path, id ? &only : NULL, d->opts->threads, &e),
            &e);
        if (columns_find(&t->columns, "id") < 0)
            prog_die(PROG_ERROR, "%s:1: expected a column 'id', found none", t->path);
    }
    free(id);
}

/* Which slot each row has, and the cells of the matrix, the diagonal among them. */
static void write_rest(const struct explorer_data *d, struct store *s)
{
    const struct tables *t = &d->known->tables;
    struct err e;
    check(store_piece(s, "slots", STORE_TABLE, d->placing.slot,
                      (size_t)d->placing.n * sizeof *d->placing.slot, &e),
          &e);
    int32_t *cell = mem_alloc(3 * (t->pairs.n + (size_t)t->classes.n) + 1, sizeof *cell);
    size_t n = 0;
    for (size_t i = 0; i < t->pairs.n; i++) {
        const struct pair_row *r = &t->pairs.row[i];
        cell[n++] = r->truth;
        cell[n++] = r->pred;
        cell[n++] = (int32_t)(r->count < INT32_MAX ? r->count : INT32_MAX);
    }
    for (int c = 0; c < t->classes.n; c++) {
        int64_t correct = t->classes.row[c].correct;
        cell[n++] = c;
        cell[n++] = c;
        cell[n++] = (int32_t)(correct < INT32_MAX ? correct : INT32_MAX);
    }
    check(store_piece(s, "confusion", STORE_TABLE, cell, n * sizeof *cell, &e), &e);
    free(cell);
}

/* The folder of pieces: the page's name without its end. */
static char *pieces_folder(const char *out)
{
    size_t n = strlen(out);
    if (n <= 5 || strcmp(out + n - 5, ".html") != 0 || out[n - 6] == '/')
        prog_usage("--out: expected a name that ends in .html, found '%s'", out);
    return mem_printf("%.*s", (int)(n - 5), out);
}

static char *joined(const char *a, const char *b)
{
    return mem_printf("\n%s\n%s", a, b);
}

static void write_page(const struct explorer_data *d, struct store *s)
{
    static const struct part parts[] = {
        {"policy", NULL, put_policy},
        {"title", NULL, put_title},
        {"style", NULL, put_style},
        {"script", NULL, put_script},
        {"index", NULL, put_index},
        {"pieces", NULL, put_pieces},
        {"unlabelled", NULL, put_unlabelled},
        {"warnings", NULL, put_warnings},
        {"lead", NULL, put_lead},
        {"figures", NULL, put_figures},
        {"worst", NULL, put_worst_classes},
        {"top_pairs", NULL, put_top_pairs},
        {"errors", NULL, put_errors},
        {"faithfulness", NULL, put_faithfulness},
        {"sanity", NULL, put_sanity},
        {"heads", NULL, put_heads},
        {"classes", NULL, put_classes},
        {"pairs", NULL, put_pairs},
        {"pairs_left", NULL, put_pairs_left},
        {"results", NULL, put_results},
        {"about", NULL, put_about},
        {NULL, NULL, NULL},
    };
    struct explorer x = {
        .page = {d->known, "explorer.html"}, .opts = d->opts, .store = s, .images = d->placing.n};
    int classes = d->known->tables.classes.n;
    x.sheet = mem_zero((size_t)classes + 1, sizeof *x.sheet);
    find_sheets(&x);
    x.style = joined(asset_page_css, asset_explorer_css);
    x.script = joined("\"use strict\";", asset_explorer_js);
    x.index = explorer_index(d);
    page_write(asset_explorer_html, parts, &x.page);
    for (int i = 0; i < classes; i++)
        free(x.sheet[i]);
    free(x.sheet);
    free(x.style);
    free(x.script);
    free(x.index);
}

void explorer_write(const struct known *k, const struct explorer_opts *o)
{
    const char *const chosen[] = {o->errors, o->pair_rows, o->selected};
    struct explorer_data d = {.known = k, .opts = o};
    struct naming *naming = NULL;
    struct names *given = NULL;
    struct data *data = NULL;
    struct npy_in *maps = NULL;
    struct ids *ids = NULL;
    char *folder = o->single ? NULL : pieces_folder(o->out);
    struct store *s;
    struct err e;

    open_images(&d, &data);
    open_maps(&d, &maps, &ids);
    if (o->names)
        check(names_load(&given, o->names, NULL, &e), &e);
    naming = naming_new(given);
    check(placing_read(&d.placing, o->predictions, chosen, 3, o->single, naming, &e), &e);
    if (d.placing.labelled > 0 && k->tables.classes.present == 0)
        prog_usage("explorer needs --classes FILE and --pairs FILE: there are images with a label");
    int classes = k->tables.classes.n;
    d.names = naming_names(naming, d.placing.classes > classes ? d.placing.classes : classes);
    make_stamp(&k->about, &d.placing, d.stamp);
    if (o->single) {
        s = store_memory();
    } else {
        check(store_folder(&s, folder, d.stamp, &e), &e);
    }
    write_blocks(&d, s);
    write_tables(&d, s);
    write_rest(&d, s);
    words_open(o->out);
    write_page(&d, s);
    /* The page appears last; without it the folder is removed again. */
    if (!o->single)
        check(store_publish(s, &e), &e);
    words_close();
    store_drop(s);
    for (int i = 0; i < d.tables; i++)
        columns_free(&d.table[i].columns);
    free(d.table);
    placing_free(&d.placing);
    naming_free(naming);
    names_free(given);
    free(folder);
    data_close(data);
    npy_close(maps);
    ids_close(ids);
}
