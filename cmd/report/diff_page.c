/* The page about two runs: what both say of the images that changed, side by side. */
#include "assets.h"
#include "diff.h"
#include "html.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char text_file[] = "comparison.txt";

static void put_head(void)
{
    put("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
        "img-src 'self' file:; style-src 'unsafe-inline'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<title>Two runs compared</title>\n<style>\n");
    put(asset_page_css);
    put(asset_diff_css);
    put("</style>\n</head>\n<body>\n<h1>Two runs compared</h1>\n");
}

static void put_run_warnings(const struct compared *k)
{
    for (int run = 0; run < 2; run++)
        for (int i = 0; i < k->about[run].facts; i++)
            if (strcmp(k->about[run].fact[i].name, "warning") == 0) {
                words_put("<p class=\"warning\"><b>Warning of run %c:</b> ", 'A' + run);
                put_text(k->about[run].fact[i].value);
                put("</p>\n");
            }
}

static void put_cell(const char *value)
{
    put("<td>");
    put_text(value);
    put("</td>");
}

static void put_counts(const double *v)
{
    double labelled = diff_labelled(v);
    words_put("<h2>Images</h2>\n<table>\n<tr><th scope=\"row\">Compared</th><td>%.0f</td></tr>\n",
              v[DIFF_MEASURE_IMAGES]);
    for (const struct diff_count *c = diff_counted; c->label; c++) {
        struct words_buf b;
        if (c->labels && labelled == 0)
            continue;
        words_put("<tr><th scope=\"row\">%s</th><td>%.0f</td>", c->label, v[c->measure]);
        double whole = c->labels ? labelled : v[DIFF_MEASURE_IMAGES];
        put_cell(whole > 0 ? diff_say_measure(&b, v[c->measure] / whole, true) : "");
        put("</tr>\n");
    }
    put("</table>\n");
}

static void put_both(const double *v)
{
    put("<h2>Both runs</h2>\n<table>\n<tr><td></td><th scope=\"col\">A</th><th "
        "scope=\"col\">B</th></tr>\n");
    for (const struct diff_both *row = diff_of_both; row->label; row++) {
        bool part = row->label[0] == ' ';
        if (isnan(v[row->measure[0]]) && isnan(v[row->measure[1]]))
            continue;
        words_put("<tr%s><th scope=\"row\">%s</th>", part ? " class=\"of\"" : "",
                  row->label + (part ? 2 : 0));
        for (int run = 0; run < 2; run++) {
            struct words_buf b;
            put_cell(diff_say_measure(&b, v[row->measure[run]], row->percent));
        }
        put("</tr>\n");
    }
    put("</table>\n");
}

/* What one run says of an image, with its picture where there is one. `correct` is -1 without a
 * label. */
static void put_side(const struct compared *k, const struct diff_example *x, int run, int correct)
{
    char file[64];
    struct words_buf b;
    snprintf(file, sizeof file, "compared/%" PRId64 "_%c.png", x->id, "ab"[run]);
    put("<figure>");
    if (file_list_has(&k->files, file)) {
        words_put("<img loading=\"lazy\" src=\"%s\" alt=\"Image %" PRId64
                  " and the map of run %c for ",
                  file, x->id, 'A' + run);
        put_text(x->pred_name[run]);
        put("\">");
    }
    words_put("<figcaption>%c: <span class=\"%s\">", 'A' + run,
              correct < 0 ? ""
              : correct   ? "correct"
                          : "wrong");
    put_name(x->pred_name[run]);
    put("</span> ");
    put_text(words_share(&b, x->conf[run]));
    put(correct < 0 ? "" : correct ? ", correct" : ", wrong");
    put("</figcaption></figure>\n");
}

static void put_examples(const struct compared *k, const struct diff_examples *l, const char *title,
                         const char *order, const int correct[2])
{
    struct words_buf b;
    if (l->all == 0)
        return;
    words_put("<h2>%s</h2>\n<p>", title);
    if (l->all > l->n)
        words_put("%d of ", l->n);
    put_text(words_count(&b, l->all, "image", "images"));
    words_put(", %s.</p>\n<ul class=\"images\">\n", order);
    for (int i = 0; i < l->n; i++) {
        const struct diff_example *x = &l->example[i];
        words_put("<li>Image %" PRId64 ": ", x->id);
        put_name(x->true_name);
        if (!isnan(x->map))
            words_put("; rank correlation of the maps %.2f", words_unsigned_zero(x->map, 2));
        put("\n<div class=\"runs\">\n");
        for (int run = 0; run < 2; run++)
            put_side(k, x, run, correct ? correct[run] : x->correct);
        put("</div></li>\n");
    }
    put("</ul>\n");
}

void diff_page_write(const struct compared *k)
{
    const double *v = k->measure;
    char verdict[DIFF_VERDICT];
    words_open("-");
    put_head();
    put_run_warnings(k);
    diff_say_verdict(verdict, sizeof verdict, v);
    put("<p>");
    put_text(verdict);
    put("</p>\n");
    if (file_list_has(&k->files, text_file))
        words_put("<nav aria-label=\"Other results\"><a href=\"%s\">Classes, pairs and what "
                  "differs in the runs</a></nav>\n",
                  text_file);
    put_counts(v);
    if (diff_labelled(v) > 0)
        put_both(v);
    put_examples(k, &k->images[DIFF_BROKEN], "Broken images", "the most confident in B first",
                 (const int[]){1, 0});
    put_examples(k, &k->images[DIFF_FIXED], "Fixed images", "the most confident in B first",
                 (const int[]){0, 1});
    put_examples(k, &k->moved, "Same prediction, but the map moved", "those that moved most first",
                 NULL);
    put("</body>\n</html>\n");
    words_close();
}
