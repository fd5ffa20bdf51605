/* The pages. Their frames are the files beside this one, in which {{name}} stands
 * for a part. Names of classes stand only in text and in quoted attributes, where
 * they are escaped; the scripts hold none. */
#include "report.h"

#include "assets.h"
#include "base/mem.h"
#include "base/prog.h"
#include "base/text.h"
#include "draw/sheet_file.h"
#include "phrases.h"
#include "rows/selection.h"
#include "words.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { WRONG_PREDICTIONS = 3, PAIR_SHEETS = 5, NAME_CHARS = 28 };

/* So many bars have room for their names across; so many for them upright. */
enum { FEW_BARS = 10, NAMED_BARS = 150 };

struct page {
    const struct known *known;
    const char *file;           /* the name that the pipeline gives it */
    char **sheet;               /* [classes] files of the class sheets, NULL where there is none */
    struct selected_pair *pair; /* [pairs] those with a sheet; names stay where they are */
    int pairs;
};

struct part {
    const char *name;
    const char *asset; /* or a function that writes it */
    void (*write)(const struct page *p);
};

static void put(const char *s)
{
    words_raw(s, strlen(s));
}

static void put_text(const char *s)
{
    for (; *s; s++) {
        const char *escaped = *s == '&'         ? "&amp;"
                              : *s == '<'       ? "&lt;"
                              : *s == '>'       ? "&gt;"
                              : *s == '"'       ? "&quot;"
                              : *s == '\''      ? "&#39;"
                              : *s == *WORDS_NB ? "&nbsp;"
                                                : NULL;
        if (escaped)
            put(escaped);
        else
            words_raw(s, 1);
    }
}

static const struct part *part_find(const struct part *parts, const char *name, size_t n)
{
    for (const struct part *p = parts; p->name; p++)
        if (strlen(p->name) == n && memcmp(p->name, name, n) == 0)
            return p;
    prog_die(PROG_ERROR, "no such part of a page: '%.*s'", (int)n, name);
}

static void page_write(const char *frame, const struct part *parts, const struct page *page)
{
    words_open();
    for (const char *mark; (mark = strstr(frame, "{{"));) {
        const char *name = mark + 2, *end = strstr(name, "}}");
        words_raw(frame, (size_t)(mark - frame));
        const struct part *part = part_find(parts, name, (size_t)(end - name));
        if (part->asset)
            put(part->asset);
        else
            part->write(page);
        frame = end + 2;
    }
    put(frame);
    words_close();
}

/* --- both pages --- */

/* A name, which may run from right to left among text that does not. */
static void put_name(const char *shown)
{
    put("<bdi>");
    put_text(shown);
    put("</bdi>");
}

static void put_warning(const char *text)
{
    put("<p class=\"warning\"><b>Warning:</b> ");
    put_text(text);
    put("</p>\n");
}

static void put_warnings(const struct page *p)
{
    const struct about *a = &p->known->about;
    char doubt[400];
    for (int i = 0; i < a->facts; i++) {
        if (strcmp(a->fact[i].name, "warning") != 0)
            continue;
        put_warning(a->fact[i].value);
    }
    say_doubt(doubt, sizeof doubt, &p->known->findings);
    if (*doubt)
        put_warning(doubt);
}

static void put_about(const struct page *p)
{
    const struct about *a = &p->known->about;
    bool begun = false;
    for (int i = 0; i < a->facts; i++) {
        if (strcmp(a->fact[i].name, "warning") == 0)
            continue;
        if (!begun)
            put("<h2 id=\"about\">About this run</h2>\n<dl class=\"about\">\n");
        begun = true;
        put("<dt>");
        put_text(about_label(a->fact[i].name));
        put("</dt><dd>");
        put_text(a->fact[i].value);
        put("</dd>\n");
    }
    if (begun)
        put("</dl>");
}

static void put_overall(const struct page *p)
{
    const struct classes *c = &p->known->tables.classes;
    const struct finding *accuracy = &p->known->findings.of[FIND_ACCURACY];
    const struct finding *top5 = &p->known->findings.of[FIND_TOP5];
    int with_images = p->known->findings.with_images;
    words_put("%" PRId64 " image%s, %d class%s", c->total, c->total == 1 ? "" : "s", c->present,
              c->present == 1 ? "" : "es");
    if (c->superclasses > 1)
        words_put(" in %d superclasses", c->superclasses);
    if (with_images < c->present)
        words_put(", %d with images", with_images);
    if (p->known->tables.summary.unlabelled > 0)
        words_put("; %.0f without a label are ignored", p->known->tables.summary.unlabelled);
    if (accuracy->verdict == VERDICT_NONE) {
        put(".");
        return;
    }
    words_put("; accuracy %.2f&nbsp;%% (%" PRId64 " correct, chance %.2f&nbsp;%%)",
              100 * accuracy->value, accuracy->count, 100 * accuracy->baseline);
    if (top5->verdict != VERDICT_NONE)
        words_put(", top-5 accuracy %.2f&nbsp;%%", 100 * top5->value);
    put(".");
}

/* The other results, where the run writes them. */
static void put_links(const struct page *p)
{
    static const char *const link[][2] = {
        {"explorer.html", "Class explorer"},
        {"analysis_summary.txt", "Summary"},
        {"recommendations.txt", "Recommendations"},
        {"per_class_accuracy_interactive.html", "Accuracy as bars"},
        {"confusion_matrix_full.png", "Confusion matrix"},
        {"top_confused_pairs.png", "Pairs as bars"},
    };
    static const char *const csv[] = {"per_class_accuracy.csv", "most_confused_pairs.csv",
                                      "confident_errors.csv"};
    for (size_t i = 0; i < sizeof link / sizeof *link; i++)
        if (file_list_has(&p->known->about.files, link[i][0]) && strcmp(link[i][0], p->file) != 0)
            words_put("<a href=\"%s\">%s</a>\n", link[i][0], link[i][1]);
    for (int n = 1;; n++) {
        char *sheet = sheet_page_file("confident_errors.png", n);
        bool there = file_list_has(&p->known->about.files, sheet);
        if (there && n == 1)
            words_put("<a href=\"%s\">Errors of highest confidence</a>\n", sheet);
        else if (there)
            words_put("<a href=\"%s\">page %d</a>\n", sheet, n);
        free(sheet);
        if (!there)
            break;
    }
    for (size_t i = 0; i < sizeof csv / sizeof *csv; i++)
        if (file_list_has(&p->known->about.files, csv[i]))
            words_put("<a href=\"%s\">%s</a>\n", csv[i], csv[i]);
}

static const char *band(const struct class_row *c)
{
    static const char *const word[ACCURACY_BANDS] = {[ACCURACY_BAND_NONE] = "none",
                                                     [ACCURACY_BAND_LOW] = "low",
                                                     [ACCURACY_BAND_MID] = "mid",
                                                     [ACCURACY_BAND_HIGH] = "high"};
    return word[class_band(c)];
}

/* --- bars --- */

static void put_legend(const struct page *p)
{
    int64_t n[ACCURACY_BANDS];
    classes_count_bands(&p->known->tables.classes, n);
    words_put("<li class=\"low\">below %.0f&nbsp;%%: %" PRId64 "</li>\n", 100 * ACCURACY_MID,
              n[ACCURACY_BAND_LOW]);
    words_put("<li class=\"mid\">%.0f to below %.0f&nbsp;%%: %" PRId64 "</li>\n",
              100 * ACCURACY_MID, 100 * ACCURACY_HIGH, n[ACCURACY_BAND_MID]);
    words_put("<li class=\"high\">%.0f&nbsp;%% and above: %" PRId64 "</li>", 100 * ACCURACY_HIGH,
              n[ACCURACY_BAND_HIGH]);
    if (n[ACCURACY_BAND_NONE] > 0)
        words_put("\n<li>no images: %" PRId64 "</li>", n[ACCURACY_BAND_NONE]);
}

/* How long the longest name is, and how many bars there are: the layout follows from both. */
static void put_layout(const struct page *p)
{
    const struct classes *c = &p->known->tables.classes;
    int most = 0;
    for (int i = 0; i < c->n; i++) {
        int n = c->row[i].present ? words_width(c->row[i].shown) : 0;
        most = n > most ? n : most;
    }
    words_put("class=\"chart %s\" style=\"--chars: %d\"",
              c->present <= FEW_BARS     ? "few"
              : c->present <= NAMED_BARS ? "named"
                                         : "many",
              most < NAME_CHARS ? most : NAME_CHARS);
}

static void put_no_superclasses(const struct page *p)
{
    if (p->known->tables.classes.superclasses == 0)
        put(" hidden");
}

static void put_bar(const struct classes *c, int cls)
{
    const struct class_row *row = &c->row[cls];
    bool empty = row->total == 0;
    double percent = empty ? 0 : 100 * class_accuracy(row);
    words_put("<li class=\"%s\" tabindex=\"0\" data-id=\"%d\" data-accuracy=\"%.9g\" "
              "data-group=\"%d\" data-name=\"",
              band(row), cls, empty ? -1 : percent, row->superclass);
    put_text(row->shown);
    words_put("\" style=\"--v: %.6g\"><span class=\"plot\"><span class=\"tip\"><b>", percent);
    put_name(row->shown);
    words_put(" (class ID %d)</b> ", cls);
    if (empty)
        put("no images");
    else
        words_put("%.1f&nbsp;%%, %" PRId64 " of %" PRId64 " correct", percent, row->correct,
                  row->total);
    if (c->superclasses > 0) {
        put("<br>");
        put_name(row->superclass_shown);
    }
    put("</span></span><span class=\"name\" aria-hidden=\"true\">");
    put_text(row->shown);
    put("</span></li>\n");
}

static void put_bars(const struct page *p)
{
    const struct classes *c = &p->known->tables.classes;
    struct class_list order = classes_ranked(c, CLASSES_WITH_EMPTY);
    for (int i = 0; i < order.n; i++)
        put_bar(c, order.cls[i]);
    free(order.cls);
}

void bars_write(const struct known *k)
{
    static const struct part parts[] = {
        {"page.css", asset_page_css, NULL}, {"bars.css", asset_bars_css, NULL},
        {"bars.js", asset_bars_js, NULL},   {"warnings", NULL, put_warnings},
        {"overall", NULL, put_overall},     {"links", NULL, put_links},
        {"legend", NULL, put_legend},       {"no_groups", NULL, put_no_superclasses},
        {"layout", NULL, put_layout},       {"bars", NULL, put_bars},
        {"about", NULL, put_about},         {NULL, NULL, NULL},
    };
    page_write(asset_bars_html, parts,
               &(struct page){.known = k, .file = "per_class_accuracy_interactive.html"});
}

/* --- explorer --- */

static void put_heads(const struct page *p)
{
    int classes = p->known->tables.classes.present;
    struct head {
        const char *text, *sort, *class;
        bool there;
    } heads[] = {
        {"Class ID", "rising", "n minor", true},
        {"Class", "rising", "", true},
        {"Superclass", "rising", "minor", p->known->tables.classes.superclasses > 0},
        {"Images", "rising", "n minor", true},
        {"Accuracy", "rising", "", true},
        {"Wrong", "falling", "n", true},
        {"Low-confidence correct", "falling", "n",
         p->known->tables.confidence.known && classes > 2},
        {"Highest-confidence wrong", "falling", "n", p->known->tables.confidence.known},
        {"Most frequent wrong predictions", "falling", "", true},
    };
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        if (!heads[i].there)
            continue;
        words_put("<th scope=\"col\" class=\"%s\" data-sort=\"%s\"%s><span>%s</span></th>",
                  heads[i].class, heads[i].sort,
                  strcmp(heads[i].text, "Accuracy") == 0 ? " aria-sort=\"ascending\"" : "",
                  heads[i].text);
    }
}

static void put_number(const char *class, int64_t n)
{
    words_put("<td class=\"%s\" data-v=\"%" PRId64 "\">%" PRId64 "</td>", class, n, n);
}

static void put_wrong_predictions(const struct tables *r, const struct pair_index *x, int cls)
{
    size_t from = x->from[cls], to = x->from[cls + 1];
    const struct pair_row *p = r->pairs.row;
    words_put("<td class=\"wrong\" data-v=\"%" PRId64 "\">",
              from < to ? p[x->at[from]].count : (int64_t)0);
    int64_t others = pair_index_beyond(x, &r->pairs, cls, WRONG_PREDICTIONS);
    for (size_t i = from; i < to && i < from + WRONG_PREDICTIONS; i++) {
        put(i > from ? ", <span>" : "<span>");
        put_name(r->classes.row[p[x->at[i]].pred].shown);
        words_put(" <small>%" PRId64 "</small></span>", p[x->at[i]].count);
    }
    if (others > 0)
        words_put(", <small>others %" PRId64 "</small>", others);
    put("</td>");
}

static void put_class(const struct tables *r, const struct pair_index *x, int cls,
                      const char *sheet)
{
    const struct class_row *row = &r->classes.row[cls];
    words_put("<tr><td class=\"n minor\" data-v=\"%d\">%d</td><th scope=\"row\">", cls, cls);
    if (sheet) {
        put("<a href=\"worst_predictions/");
        put_text(sheet);
        put("\">");
    }
    put_name(row->shown);
    put(sheet ? "</a></th>" : "</th>");
    if (r->classes.superclasses > 0) {
        put("<td class=\"minor\">");
        put_name(row->superclass_shown);
        put("</td>");
    }
    put_number("n minor", row->total);
    double percent = 100 * class_accuracy(row);
    if (isnan(percent))
        put("<td class=\"accuracy none\" data-v=\"\">no images</td>");
    else
        words_put("<td class=\"accuracy %s\" data-v=\"%.9g\" style=\"--v: %.6g\">"
                  "<span>%.1f&nbsp;%%</span><i></i></td>",
                  band(row), percent, percent, percent);
    put_number("n", class_errors(row));
    if (r->confidence.known) {
        if (r->classes.present > 2) /* as in put_heads */
            put_number("n", row->low_correct);
        put_number("n", row->highest_wrong);
    }
    put_wrong_predictions(r, x, cls);
    put("</tr>\n");
}

static void put_classes(const struct page *p)
{
    const struct tables *r = &p->known->tables;
    struct pair_index x = pairs_by_class(&r->pairs, r->classes.n);
    struct class_list order = classes_ranked(&r->classes, CLASSES_WITH_EMPTY);
    for (int i = 0; i < order.n; i++)
        put_class(r, &x, order.cls[i], p->sheet[order.cls[i]]);
    free(order.cls);
    pair_index_free(&x);
}

static void put_pair(const struct tables *r, const struct selected_pair *s)
{
    char *file = sheet_pair_file(s->number, s->true_name, s->pred_name);
    char *from = text_clean(s->true_name, '?'), *to = text_clean(s->pred_name, '?');
    put("<li><a href=\"");
    put_text(file);
    words_put("\"><b>%d. ", s->number);
    put_name(from);
    put(" &rarr; ");
    put_name(to);
    put("</b>");
    const struct pair_row *p = pairs_find(&r->pairs, s->truth, s->pred);
    if (p) {
        words_put("<small>%" PRId64 " of %" PRId64 " image%s", p->count,
                  r->classes.row[p->truth].total, r->classes.row[p->truth].total == 1 ? "" : "s");
        if (p->reverse >= 0)
            words_put(", reverse %" PRId64, p->reverse);
        if (p->same_superclass >= 0)
            put(p->same_superclass ? ", same superclass" : ", other superclass");
        size_t equal = pairs_equal(&r->pairs, p);
        if (equal > 0)
            words_put("; as frequent as %zu other%s", equal, equal == 1 ? "" : "s");
        put("</small>");
    }
    put("<img loading=\"lazy\" alt=\"\" src=\"");
    put_text(file);
    put("\"></a></li>\n");
    free(file);
    free(from);
    free(to);
}

static void put_pairs_link(const struct page *p)
{
    if (p->pairs > 0)
        put("<a href=\"#pairs\">Most confused pairs</a>");
}

static void put_pairs(const struct page *p)
{
    if (p->pairs == 0)
        return;
    put("<h2 id=\"pairs\">Most confused pairs (true &rarr; predicted)</h2>\n"
        "<ol class=\"gallery\">\n");
    for (int i = 0; i < p->pairs; i++)
        put_pair(&p->known->tables, &p->pair[i]);
    put("</ol>");
}

/* --- which sheets there are: read before the page is begun --- */

/* Whether a file may be linked: one that the run writes, or any where its files are not known. */
static bool linked(const struct page *p, const char *file)
{
    return p->known->about.files.n == 0 || file_list_has(&p->known->about.files, file);
}

static void sheet_add(struct page *p, int cls, const char *name)
{
    char *sheet = sheet_class_file(cls, name), *file = mem_printf("worst_predictions/%s", sheet);
    if (linked(p, file))
        p->sheet[cls] = sheet;
    else
        free(sheet);
    free(file);
}

static void pair_add(struct page *p, const struct selected_pair *pair)
{
    char *file = sheet_pair_file(pair->number, pair->true_name, pair->pred_name);
    if (linked(p, file)) {
        p->pair = mem_grow(p->pair, (size_t)p->pairs + 1, sizeof *p->pair);
        p->pair[p->pairs++] = *pair;
    }
    free(file);
}

static void sheets_chosen(struct page *p, const char *file)
{
    int classes = p->known->tables.classes.n;
    char **name = mem_zero((size_t)classes, sizeof *name);
    struct err e;
    if (selection_classes(file, classes, name, &e) != 0)
        prog_fail(&e);
    for (int i = 0; i < classes; i++) {
        if (name[i])
            sheet_add(p, i, name[i]);
        free(name[i]);
    }
    free(name);
}

static void sheets_of_all(struct page *p)
{
    const struct classes *c = &p->known->tables.classes;
    for (int i = 0; i < c->n; i++)
        if (c->row[i].present && c->row[i].total > 0)
            sheet_add(p, i, c->row[i].name);
}

/* The most frequent pairs, as worst-k would number them. */
static void pairs_first(struct selected_pairs *s, const struct pairs *all)
{
    size_t tied;
    s->n = (int)pairs_listed(all, PAIR_SHEETS, &tied);
    s->pair = mem_alloc(PAIR_SHEETS, sizeof *s->pair);
    for (int i = 0; i < s->n; i++) {
        const struct pair_row *r = &all->row[i];
        s->pair[i] = (struct selected_pair){i + 1, r->truth, r->pred, mem_dup(r->true_name),
                                            mem_dup(r->pred_name)};
    }
}

void explorer_write(const struct known *k, const char *selected, const char *pair_rows)
{
    static const struct part parts[] = {
        {"page.css", asset_page_css, NULL},
        {"explorer.css", asset_explorer_css, NULL},
        {"explorer.js", asset_explorer_js, NULL},
        {"warnings", NULL, put_warnings},
        {"overall", NULL, put_overall},
        {"links", NULL, put_links},
        {"pairs_link", NULL, put_pairs_link},
        {"heads", NULL, put_heads},
        {"classes", NULL, put_classes},
        {"pairs", NULL, put_pairs},
        {"about", NULL, put_about},
        {NULL, NULL, NULL},
    };
    const struct tables *t = &k->tables;
    struct page page = {.known = k, .file = "explorer.html"};
    struct selected_pairs chosen = {0};
    struct err e;
    page.sheet = mem_zero((size_t)t->classes.n, sizeof *page.sheet);
    if (selected)
        sheets_chosen(&page, selected);
    else
        sheets_of_all(&page);
    if (!pair_rows)
        pairs_first(&chosen, &t->pairs);
    else if (selection_pairs(&chosen, pair_rows, t->classes.n, &e) != 0)
        prog_fail(&e);
    for (int i = 0; i < chosen.n; i++)
        pair_add(&page, &chosen.pair[i]);
    page_write(asset_explorer_html, parts, &page);
    for (int i = 0; i < t->classes.n; i++)
        free(page.sheet[i]);
    selection_pairs_free(&chosen);
    free(page.sheet);
    free(page.pair);
}
