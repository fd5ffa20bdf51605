/* The page of bars. */
#include "html.h"

#include "assets.h"
#include "words.h"

#include <inttypes.h>
#include <stdlib.h>

enum { NAME_CHARS = 28 };

/* So many bars have room for their names across; so many for them upright. */
enum { FEW_BARS = 10, NAMED_BARS = 150 };

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
              html_band(row), cls, empty ? -1 : percent, row->superclass);
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
    words_open("-");
    page_write(asset_bars_html, parts,
               &(struct page){.known = k, .file = "per_class_accuracy_interactive.html"});
    words_close();
}
