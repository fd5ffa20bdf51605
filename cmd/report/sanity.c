/* Whether maps depend on what they should: a section of the summary and a card of the explorer. */
#include "html.h"
#include "report.h"
#include "words.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* What was changed, in a few words. */
static const char *change_name(const struct sanity *s, const struct sanity_check *c,
                               struct words_buf *b)
{
    if (strcmp(c->changed, "mosaic") == 0)
        return "mosaic of four images";
    if (strcmp(c->changed, "logit") == 0)
        return "another class";
    if (strcmp(c->changed, "top") == 0)
        return "weights of the top";
    snprintf(b->s, sizeof b->s, "weights down to %.60s%s", c->changed,
             c == sanity_deepest(s) ? ", all" : "");
    return b->s;
}

static void write_focus(const struct sanity_check *c)
{
    struct words_buf a, b;
    if (!c)
        return;
    words_para(2, "-",
               "On %s of four images, two of which show the class, %d of %s above chance (%.1f): "
               "the largest share of positive values on these two has %s, %.2f (%.2f to %.2f), the "
               "smallest %s, %.2f.",
               words_count(&a, c->images, "mosaic", "mosaics"), c->beyond,
               words_count(&b, c->maps, "map is", "maps are"), SANITY_CHANCE, c->highest.name,
               c->highest.mean, c->highest.low, c->highest.high, c->lowest.name, c->lowest.mean);
}

static void write_change(const struct sanity_check *c, const char *what)
{
    struct words_buf a;
    if (!c)
        return;
    if (c->maps == 1) {
        words_para(2, "-", "%s: the rank correlation with the map itself is %.2f for %s.", what,
                   words_unsigned_zero(c->lowest.mean, 2), c->lowest.name);
        return;
    }
    words_para(2, "-",
               "%s: the rank correlation with the map itself is %.2f for %s to %.2f for %s; above "
               "%.1f it is for %d of %s.",
               what, words_unsigned_zero(c->lowest.mean, 2), c->lowest.name,
               words_unsigned_zero(c->highest.mean, 2), c->highest.name, SANITY_ALIKE, c->beyond,
               words_count(&a, c->maps, "map", "maps"));
}

void sanity_write(const struct known *k)
{
    const struct sanity *s = &k->tables.sanity;
    if (!s->known)
        return;
    words_section("What the maps depend on");
    words_para(
        0, "",
        "A map that explains a prediction lies on what shows the class, and changes when "
        "another class is asked for or when the network loses what it learnt. One that stays "
        "as it is shows the image, not the network.");
    words_gap();
    write_focus(sanity_find(s, "mosaic"));
    write_change(sanity_find(s, "logit"), "Another class, by chance");
    write_change(sanity_find(s, "top"), "A last layer of weights by chance");
    write_change(sanity_deepest(s), "All weights by chance");
}

static void put_check(const struct sanity *s, const struct sanity_check *c)
{
    struct words_buf b;
    put("<tr><th scope=\"row\">");
    put_text(change_name(s, c, &b));
    put("</th><td>");
    put_text(c->lowest.name);
    words_put("</td><td class=\"n\">%.2f</td><td>", words_unsigned_zero(c->lowest.mean, 2));
    put_text(c->highest.name);
    words_put("</td><td class=\"n\">%.2f</td><td class=\"n\">%d of %d</td></tr>\n",
              words_unsigned_zero(c->highest.mean, 2), c->beyond, c->maps);
}

void put_sanity(const struct page *p)
{
    const struct sanity *s = &p->known->tables.sanity;
    if (!s->known)
        return;
    put("<section class=\"card wide\"><h3>What the maps depend on</h3>\n<p>The share of a map on "
        "the two tiles of a mosaic that show its class, ");
    words_put("where chance is %.1f; ", SANITY_CHANCE);
    put("and the rank correlation of a map with that of another class, and of a network whose "
        "weights were drawn anew from the top down. There lower is better, ");
    words_put("and maps above %.1f are much the same: ", SANITY_ALIKE);
    put("they show the image, not the network.</p>\n");
    put("<div class=\"scroll\" role=\"region\" aria-label=\"What the maps depend on\" "
        "tabindex=\"0\"><table><thead><tr><th scope=\"col\">Changed</th>"
        "<th scope=\"col\">Lowest map</th><th scope=\"col\" class=\"n\">Mean</th>"
        "<th scope=\"col\">Highest map</th><th scope=\"col\" class=\"n\">Mean</th>");
    words_put("<th scope=\"col\" class=\"n\">Above %.1f</th></tr></thead><tbody>\n", SANITY_ALIKE);
    for (int i = 0; i < s->checks; i++)
        put_check(s, &s->check[i]);
    put("</tbody></table></div></section>\n");
}
