/* The pages. Their frames are the files beside this one, in which {{name}} stands
 * for a part. Names of classes stand only in text and in quoted attributes, where
 * they are escaped; the scripts hold none. */
#include "report.h"

#include "assets.h"
#include "base/mem.h"
#include "base/prog.h"
#include "base/text.h"
#include "draw/sheet_file.h"
#include "rows.h"
#include "stream/tsv.h"
#include "words.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The reference's bands of colour. */
#define ACCURACY_MID 0.5
#define ACCURACY_HIGH 0.7

enum { WRONG_PREDICTIONS = 3, PAIR_SHEETS = 5, NAME_CHARS = 28 };

/* So many bars have room for their names across; so many for them upright. */
enum { FEW_BARS = 10, NAMED_BARS = 150 };

/* A pair of classes with a sheet. */
struct pair_sheet {
    int number, truth, pred;
    char *from, *to; /* names */
};

struct page {
    const struct run *run;
    const struct findings *findings;
    const char *file; /* the name that the pipeline gives it */
    char **sheet;     /* [classes] files of the class sheets, NULL where there is none */
    struct pair_sheet *pair;
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
        const char *escaped = *s == '&'    ? "&amp;"
                              : *s == '<'  ? "&lt;"
                              : *s == '>'  ? "&gt;"
                              : *s == '"'  ? "&quot;"
                              : *s == '\'' ? "&#39;"
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

static void put_warnings(const struct page *p)
{
    const struct about *a = &p->run->about;
    for (int i = 0; i < a->facts; i++) {
        if (strcmp(a->fact[i].name, "warning") != 0)
            continue;
        put("<p class=\"warning\"><b>Warning:</b> ");
        put_text(a->fact[i].value);
        put("</p>\n");
    }
}

static void put_about(const struct page *p)
{
    const struct about *a = &p->run->about;
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
    const struct classes *c = &p->run->classes;
    const struct finding *accuracy = &p->findings->of[FIND_ACCURACY];
    const struct finding *top5 = &p->findings->of[FIND_TOP5];
    int with_images = p->findings->with_images;
    words_put("%" PRId64 " image%s, %d class%s", c->total, c->total == 1 ? "" : "s", c->present,
              c->present == 1 ? "" : "es");
    if (c->groups > 1)
        words_put(" in %d superclasses", c->groups);
    if (with_images < c->present)
        words_put(", %d with images", with_images);
    if (p->run->summary.unlabelled > 0)
        words_put("; %.0f without a label are ignored", p->run->summary.unlabelled);
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
        if (about_has(&p->run->about, link[i][0]) && strcmp(link[i][0], p->file) != 0)
            words_put("<a href=\"%s\">%s</a>\n", link[i][0], link[i][1]);
    for (int n = 1;; n++) {
        char *sheet = sheet_page_file("confident_errors.png", n);
        bool there = about_has(&p->run->about, sheet);
        if (there && n == 1)
            words_put("<a href=\"%s\">Errors of highest confidence</a>\n", sheet);
        else if (there)
            words_put("<a href=\"%s\">page %d</a>\n", sheet, n);
        free(sheet);
        if (!there)
            break;
    }
    for (size_t i = 0; i < sizeof csv / sizeof *csv; i++)
        if (about_has(&p->run->about, csv[i]))
            words_put("<a href=\"%s\">%s</a>\n", csv[i], csv[i]);
}

static const char *band(const struct class_row *c)
{
    double accuracy = class_accuracy(c);
    return isnan(accuracy)            ? "none"
           : accuracy < ACCURACY_MID  ? "low"
           : accuracy < ACCURACY_HIGH ? "mid"
                                      : "high";
}

/* --- bars --- */

static void put_legend(const struct page *p)
{
    int low = 0, mid = 0, high = 0, none = 0;
    for (int i = 0; i < p->run->classes.n; i++) {
        const struct class_row *c = &p->run->classes.row[i];
        if (!c->present)
            continue;
        double accuracy = class_accuracy(c);
        none += isnan(accuracy);
        low += accuracy < ACCURACY_MID;
        mid += accuracy >= ACCURACY_MID && accuracy < ACCURACY_HIGH;
        high += accuracy >= ACCURACY_HIGH;
    }
    words_put("<li class=\"low\">below %.0f&nbsp;%%: %d</li>\n", 100 * ACCURACY_MID, low);
    words_put("<li class=\"mid\">%.0f to below %.0f&nbsp;%%: %d</li>\n", 100 * ACCURACY_MID,
              100 * ACCURACY_HIGH, mid);
    words_put("<li class=\"high\">%.0f&nbsp;%% and above: %d</li>", 100 * ACCURACY_HIGH, high);
    if (none > 0)
        words_put("\n<li>no images: %d</li>", none);
}

/* How long the longest name is, and how many bars there are: the layout follows from both. */
static void put_layout(const struct page *p)
{
    const struct classes *c = &p->run->classes;
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

static void put_no_groups(const struct page *p)
{
    if (p->run->classes.groups == 0)
        put(" hidden");
}

static void put_bar(const struct classes *c, int cls)
{
    const struct class_row *row = &c->row[cls];
    bool empty = row->total == 0;
    double percent = empty ? 0 : 100 * class_accuracy(row);
    words_put("<li class=\"%s\" tabindex=\"0\" data-id=\"%d\" data-accuracy=\"%.9g\" "
              "data-group=\"%d\" data-name=\"",
              band(row), cls, empty ? -1 : percent, row->group);
    put_text(row->shown);
    words_put("\" style=\"--v: %.6g\"><span class=\"plot\"><span class=\"tip\"><b>", percent);
    put_name(row->shown);
    words_put(" (class ID %d)</b> ", cls);
    if (empty)
        put("no images");
    else
        words_put("%.1f&nbsp;%%, %" PRId64 " of %" PRId64 " correct", percent, row->correct,
                  row->total);
    if (c->groups > 0) {
        put("<br>");
        put_name(row->group_shown);
    }
    put("</span></span><span class=\"name\" aria-hidden=\"true\">");
    put_text(row->shown);
    put("</span></li>\n");
}

static void put_bars(const struct page *p)
{
    const struct classes *c = &p->run->classes;
    int *rank, n = classes_ranked(c, CLASSES_WITH_EMPTY, &rank);
    for (int i = 0; i < n; i++)
        put_bar(c, rank[i]);
    free(rank);
}

void bars_write(const struct run *r, const struct findings *f)
{
    static const struct part parts[] = {
        {"page.css", asset_page_css, NULL}, {"bars.css", asset_bars_css, NULL},
        {"bars.js", asset_bars_js, NULL},   {"warnings", NULL, put_warnings},
        {"overall", NULL, put_overall},     {"links", NULL, put_links},
        {"legend", NULL, put_legend},       {"no_groups", NULL, put_no_groups},
        {"layout", NULL, put_layout},       {"bars", NULL, put_bars},
        {"about", NULL, put_about},         {NULL, NULL, NULL},
    };
    page_write(
        asset_bars_html, parts,
        &(struct page){.run = r, .findings = f, .file = "per_class_accuracy_interactive.html"});
}

/* --- explorer --- */

static void put_heads(const struct page *p)
{
    int classes = p->run->classes.present;
    struct head {
        const char *text, *sort, *class;
        bool there;
    } heads[] = {
        {"Class ID", "rising", "n minor", true},
        {"Class", "rising", "", true},
        {"Superclass", "rising", "minor", p->run->classes.groups > 0},
        {"Images", "rising", "n minor", true},
        {"Accuracy", "rising", "", true},
        {"Wrong", "falling", "n", true},
        {"Low-confidence correct", "falling", "n", p->run->predictions.known && classes > 2},
        {"Highest-confidence wrong", "falling", "n", p->run->predictions.known},
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

/* Where the pairs of each true class stand in the table, which is by falling count:
 * `at` holds `n` indices from `from[cls]` on. */
struct by_class {
    size_t *from, *at;
};

static struct by_class pairs_by_class(const struct run *r)
{
    size_t classes = (size_t)r->classes.n;
    struct by_class b = {mem_zero(classes + 2, sizeof *b.from),
                         mem_alloc(r->pairs.n + 1, sizeof *b.at)};
    for (size_t i = 0; i < r->pairs.n; i++)
        b.from[r->pairs.row[i].truth + 2]++;
    for (size_t i = 2; i < classes + 2; i++)
        b.from[i] += b.from[i - 1];
    for (size_t i = 0; i < r->pairs.n; i++)
        b.at[b.from[r->pairs.row[i].truth + 1]++] = i;
    return b;
}

static void put_number(const char *class, int64_t n)
{
    words_put("<td class=\"%s\" data-v=\"%" PRId64 "\">%" PRId64 "</td>", class, n, n);
}

static void put_wrong_predictions(const struct run *r, const struct by_class *b, int cls)
{
    size_t from = b->from[cls], to = b->from[cls + 1];
    const struct pair_row *p = r->pairs.row;
    words_put("<td class=\"wrong\" data-v=\"%" PRId64 "\">",
              from < to ? p[b->at[from]].count : (int64_t)0);
    int64_t others = r->classes.row[cls].total - r->classes.row[cls].correct;
    for (size_t i = from; i < to && i < from + WRONG_PREDICTIONS; i++) {
        others -= p[b->at[i]].count;
        put(i > from ? ", <span>" : "<span>");
        put_name(r->classes.row[p[b->at[i]].pred].shown);
        words_put(" <small>%" PRId64 "</small></span>", p[b->at[i]].count);
    }
    if (from < to && others > 0)
        words_put(", <small>others %" PRId64 "</small>", others);
    put("</td>");
}

static void put_class(const struct run *r, const struct by_class *b, int cls, const char *sheet)
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
    if (r->classes.groups > 0) {
        put("<td class=\"minor\">");
        put_name(row->group_shown);
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
    put_number("n", row->total - row->correct);
    if (r->predictions.known) {
        if (r->classes.present > 2) /* as in put_heads */
            put_number("n", row->low_correct);
        put_number("n", row->highest_wrong);
    }
    put_wrong_predictions(r, b, cls);
    put("</tr>\n");
}

static void put_classes(const struct page *p)
{
    const struct run *r = p->run;
    struct by_class b = pairs_by_class(r);
    int *rank, n = classes_ranked(&r->classes, CLASSES_WITH_EMPTY, &rank);
    for (int i = 0; i < n; i++)
        put_class(r, &b, rank[i], p->sheet[rank[i]]);
    free(rank);
    free(b.from);
    free(b.at);
}

static void put_pair(const struct run *r, const struct pair_sheet *s)
{
    char *file = sheet_pair_file(s->number, s->from, s->to);
    char *from = text_clean(s->from, '?'), *to = text_clean(s->to, '?');
    put("<li><a href=\"");
    put_text(file);
    words_put("\"><b>%d. ", s->number);
    put_name(from);
    put(" &rarr; ");
    put_name(to);
    put("</b>");
    for (size_t i = 0; i < r->pairs.n; i++) {
        const struct pair_row *p = &r->pairs.row[i];
        if (p->truth != s->truth || p->pred != s->pred)
            continue;
        words_put("<small>%" PRId64 " of %" PRId64 " image%s", p->count,
                  r->classes.row[p->truth].total, r->classes.row[p->truth].total == 1 ? "" : "s");
        if (p->reverse >= 0)
            words_put(", reverse %" PRId64, p->reverse);
        if (p->same_group >= 0)
            put(p->same_group ? ", same superclass" : ", other superclass");
        put("</small>");
        break;
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
        put_pair(p->run, &p->pair[i]);
    put("</ol>");
}

/* --- which sheets there are: read before the page is begun --- */

/* Whether a file may be linked: one that the run writes, or any where its files are not known. */
static bool linked(const struct page *p, const char *file)
{
    return p->run->about.files == 0 || about_has(&p->run->about, file);
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

/* Takes the names. */
static void pair_add(struct page *p, const struct pair_sheet *pair)
{
    char *file = sheet_pair_file(pair->number, pair->from, pair->to);
    if (linked(p, file)) {
        p->pair = mem_grow(p->pair, (size_t)p->pairs + 1, sizeof *p->pair);
        p->pair[p->pairs++] = *pair;
    } else {
        free(pair->from);
        free(pair->to);
    }
    free(file);
}

/* Opens the rows that worst-k chose and finds the columns. */
static struct tsv_in *chosen_open(const char *file, const char *const *column, int n, int *col)
{
    struct tsv_in *t = rows_open(file);
    for (int i = 0; i < n; i++)
        col[i] = rows_need(t, column[i]);
    return t;
}

static int chosen_number(const struct tsv_in *t, int col, int64_t min, int64_t max)
{
    struct err e;
    int64_t v;
    if (tsv_int(t, col, min, max, &v, &e) != 0)
        prog_fail(&e);
    return (int)v;
}

static void sheets_chosen(struct page *p, const char *file)
{
    static const char *const column[] = {"true", "true_name"};
    int col[2];
    struct tsv_in *t = chosen_open(file, column, 2, col);
    while (rows_next(t)) {
        int cls = chosen_number(t, col[0], 0, p->run->classes.n - 1);
        if (p->sheet[cls])
            continue;
        char *name = tsv_string(t, col[1]);
        sheet_add(p, cls, name);
        free(name);
    }
    tsv_close(t);
}

static void sheets_of_all(struct page *p)
{
    const struct classes *c = &p->run->classes;
    for (int i = 0; i < c->n; i++)
        if (c->row[i].present && c->row[i].total > 0)
            sheet_add(p, i, c->row[i].name);
}

/* One sheet for each pair: its rows stand together. */
static void pairs_chosen(struct page *p, const char *file)
{
    static const char *const column[] = {"group", "true", "pred", "true_name", "pred_name"};
    int col[5], last = p->run->classes.n - 1;
    struct tsv_in *t = chosen_open(file, column, 5, col);
    int before = 0;
    while (rows_next(t)) {
        int number = chosen_number(t, col[0], 1, INT32_MAX);
        if (number == before)
            continue;
        before = number;
        pair_add(p, &(struct pair_sheet){
                        .number = number,
                        .truth = chosen_number(t, col[1], 0, last),
                        .pred = chosen_number(t, col[2], 0, last),
                        .from = tsv_string(t, col[3]),
                        .to = tsv_string(t, col[4]),
                    });
    }
    tsv_close(t);
}

static void pairs_first(struct page *p)
{
    const struct pairs *all = &p->run->pairs;
    for (int i = 0; i < PAIR_SHEETS && (size_t)i < all->n; i++) {
        const struct pair_row *r = &all->row[i];
        pair_add(p, &(struct pair_sheet){i + 1, r->truth, r->pred, mem_dup(r->true_name),
                                         mem_dup(r->pred_name)});
    }
}

void explorer_write(const struct run *r, const struct findings *f, const char *selected,
                    const char *pair_rows)
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
    struct page page = {.run = r, .findings = f, .file = "explorer.html"};
    page.sheet = mem_zero((size_t)r->classes.n, sizeof *page.sheet);
    if (selected)
        sheets_chosen(&page, selected);
    else
        sheets_of_all(&page);
    if (pair_rows)
        pairs_chosen(&page, pair_rows);
    else
        pairs_first(&page);
    page_write(asset_explorer_html, parts, &page);
    for (int i = 0; i < r->classes.n; i++)
        free(page.sheet[i]);
    for (int i = 0; i < page.pairs; i++) {
        free(page.pair[i].from);
        free(page.pair[i].to);
    }
    free(page.sheet);
    free(page.pair);
}
