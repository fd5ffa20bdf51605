/* What the maps are worth: a card of the explorer. */
#include "html.h"
#include "report.h"
#include "words.h"

#include <math.h>

/* The mean of a baseline, or a dash. */
static void put_base(const struct faithfulness *f, int base, int metric)
{
    const double v = f->base[base] < 0 ? NAN : f->map[f->base[base]].value[metric].mean;
    if (isnan(v))
        put("<td class=\"n\">&ndash;</td>");
    else
        words_put("<td class=\"n\">%.3g</td>", v);
}

static void put_metric(const struct faithfulness *f, int metric)
{
    const struct faith_metric *m = &f->metric[metric];
    const struct faith_map *best = &f->map[m->best];
    const struct faith_value *v = &best->value[metric];
    put("<tr><th scope=\"row\">");
    put_text(m->word);
    words_put(" <small>(%s)</small></th><td>", m->higher ? "higher" : "lower");
    put_text(best->layer);
    put(" ");
    put_text(best->method);
    words_put("</td><td class=\"n\">%.3g</td><td class=\"n\">%.3g&ndash;%.3g</td>", v->mean, v->low,
              v->high);
    put_base(f, FAITH_CENTER, metric);
    put_base(f, FAITH_RANDOM, metric);
    put("</tr>\n");
}

void put_faithfulness(const struct page *p)
{
    const struct faithfulness *f = &p->known->tables.faithfulness;
    struct words_buf b;
    if (!f->known || f->methods == 0)
        return;
    put("<section class=\"card wide\"><h3>What the maps are worth</h3>\n<p>");
    put("The best of ");
    put_text(words_count(&b, f->methods, "map", "maps of a layer and a method"));
    put(" by each metric, on ");
    put_text(words_count(&b, f->images, "image", "images"));
    put(", beside the centre of the image and a random map (chance); cam-score(1) defines the "
        "metrics.");
    if (html_linked(p, "analysis_summary.txt"))
        put(" The <a href=\"analysis_summary.txt\">summary</a> says which of them are as good.");
    put("</p>\n<div class=\"scroll\" role=\"region\" aria-label=\"What the maps are worth\" "
        "tabindex=\"0\"><table><thead><tr><th scope=\"col\">Metric</th>"
        "<th scope=\"col\">Best map</th><th scope=\"col\" class=\"n\">Mean</th>"
        "<th scope=\"col\" class=\"n\">95&nbsp;% interval</th><th scope=\"col\" "
        "class=\"n\">Centre</th>"
        "<th scope=\"col\" class=\"n\">Chance</th></tr></thead><tbody>\n");
    for (int k = 0; k < f->metrics; k++)
        put_metric(f, k);
    put("</tbody></table></div></section>\n");
}
