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
               "Share of positive values on the two images of a mosaic of four that show the class "
               "(%s; chance %.1f): highest for %s, %.2f (95" WORDS_NB "%% interval %.2f to %.2f), "
               "lowest for %s, %.2f. By their intervals %d of %s above chance.",
               words_count(&a, c->images, "mosaic", "mosaics"), SANITY_CHANCE, c->highest.name,
               c->highest.mean, c->highest.low, c->highest.high, c->lowest.name, c->lowest.mean,
               c->above, words_count(&b, c->maps, "map is", "maps are"));
}

static void write_change(const struct sanity_check *c, const char *with)
{
    struct words_buf a, b;
    if (!c)
        return;
    if (c->maps == 1) {
        words_para(2, "-", "Rank correlation with the map %s (%s): %.2f for %s.", with,
                   words_count(&a, c->images, "image", "images"),
                   words_unsigned_zero(c->lowest.mean, 2), c->lowest.name);
        return;
    }
    words_para(2, "-",
               "Rank correlation with the map %s (%s): lowest for %s, %.2f, highest for %s, %.2f. "
               "By their intervals %d of %s above %.1f.",
               with, words_count(&a, c->images, "image", "images"), c->lowest.name,
               words_unsigned_zero(c->lowest.mean, 2), c->highest.name,
               words_unsigned_zero(c->highest.mean, 2), c->above,
               words_count(&b, c->maps, "map is", "maps are"), SANITY_ALIKE);
}

/* Whether more maps are compared for what they are worth, as the pipeline does. */
static bool leaves_out(const struct known *k)
{
    return k->tables.faithfulness.methods > sanity_maps(&k->tables.sanity);
}

static const char LEFT_OUT[] =
    "Maps of scorecam, and of ablationcam before the last stage, are left out here: they take a "
    "pass of the network for each channel, and each check would take as long again.";

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
        "as it is does not show the class, or not what the network learnt.");
    if (leaves_out(k)) {
        words_gap();
        words_para(0, "", "%s", LEFT_OUT);
    }
    words_gap();
    write_focus(sanity_find(s, "mosaic"));
    write_change(sanity_find(s, "logit"), "of another class, drawn at random");
    write_change(sanity_find(s, "top"), "of a network whose last layer is drawn anew");
    write_change(sanity_deepest(s), "of a network whose weights are all drawn anew");
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
              words_unsigned_zero(c->highest.mean, 2), c->above, c->maps);
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
        "weights were drawn anew from the top down. Of a correlation, lower is better; ");
    words_put("maps above %.1f are much the same: ", SANITY_ALIKE);
    put("they do not show the class, or not what the network learnt. Above it are counted those "
        "whose 95&nbsp;% interval is.");
    if (leaves_out(p->known)) {
        put(" ");
        put(LEFT_OUT);
    }
    put("</p>\n");
    put("<div class=\"scroll\" role=\"region\" aria-label=\"What the maps depend on\" "
        "tabindex=\"0\"><table><thead><tr><th scope=\"col\">Changed</th>"
        "<th scope=\"col\">Lowest map</th><th scope=\"col\" class=\"n\">Mean</th>"
        "<th scope=\"col\">Highest map</th><th scope=\"col\" class=\"n\">Mean</th>");
    words_put("<th scope=\"col\" class=\"n\">Above %.1f</th></tr></thead><tbody>\n", SANITY_ALIKE);
    for (int i = 0; i < s->checks; i++)
        put_check(s, &s->check[i]);
    put("</tbody></table></div></section>\n");
}
