#include "base/mem.h"
#include "base/prog.h"
#include "base/text.h"
#include "draw/canvas.h"

#include <pango/pangocairo.h>
#include <stdlib.h>
#include <string.h>

enum { BOLD = PANGO_WEIGHT_BOLD, NORMAL = PANGO_WEIGHT_NORMAL };
enum { END = PANGO_ELLIPSIZE_END, MIDDLE = PANGO_ELLIPSIZE_MIDDLE };

/* Sizes in pixels, so that no setting for dots per inch matters. */
static const struct {
    int size, height, weight, ellipsis;
} styles[PEN_STYLES] = {
    [PEN_TITLE] = {24, 32, BOLD, END},       [PEN_LONG_TITLE] = {18, 32, BOLD, END},
    [PEN_SUBTITLE] = {14, 20, NORMAL, END},  [PEN_SECTION] = {15, 22, BOLD, END},
    [PEN_NOTE] = {13, 22, NORMAL, END},      [PEN_LABEL] = {13, 20, BOLD, END},
    [PEN_DETAIL] = {13, 20, NORMAL, MIDDLE}, [PEN_WHAT] = {12, 17, BOLD, END},
    [PEN_NAME] = {12, 17, NORMAL, MIDDLE},   [PEN_TICK] = {11, 15, NORMAL, MIDDLE},
};

/* A text that was set, kept for the next time: captions repeat. */
struct word {
    struct word *next; /* in its bucket */
    enum pen_style style;
    int limit; /* width it was cut to, or -1 */
    int w, h;
    struct canvas_mask mask; /* px is NULL until it is drawn */
    char text[];
};

enum { BUCKETS = 1024, WORDS_MAX = 4096 };

/* What the libraries may take for a pen, arenas and stacks of their threads included. */
enum { LIBRARIES = 256 << 20 };

struct pen {
    PangoContext *context;
    PangoLayout *layout[PEN_STYLES];
    struct word *bucket[BUCKETS];
    int words;
};

/* GLib ends a program by a signal where a thread or memory cannot be had. */
_Noreturn static void on_fatal(const char *domain, GLogLevelFlags level, const char *text,
                               void *ctx)
{
    (void)level;
    (void)ctx;
    prog_die(PROG_ERROR, "fonts: %s: %s", domain ? domain : "GLib", text);
}

void pen_prepare(int pens)
{
    g_log_set_handler("GLib", G_LOG_LEVEL_ERROR | G_LOG_FLAG_FATAL | G_LOG_FLAG_RECURSION, on_fatal,
                      NULL);
    mem_need((size_t)pens * LIBRARIES, "fonts");
}

/* Whether letters and figures come out as such. */
static bool legible(const struct pen *p)
{
    PangoLayout *l = p->layout[PEN_TITLE];
    pango_layout_set_text(l, "AZaz09%", -1);
    return pango_layout_get_unknown_glyphs_count(l) == 0;
}

int pen_new(struct pen **pen, struct err *e)
{
    struct pen *p = mem_zero(1, sizeof *p);
    PangoFontMap *map = pango_cairo_font_map_new();
    p->context = pango_font_map_create_context(map);
    g_object_unref(map);

    cairo_font_options_t *f = cairo_font_options_create();
    cairo_font_options_set_antialias(f, CAIRO_ANTIALIAS_GRAY);
    cairo_font_options_set_hint_style(f, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(f, CAIRO_HINT_METRICS_ON);
    pango_cairo_context_set_font_options(p->context, f);
    cairo_font_options_destroy(f);
    pango_cairo_context_set_resolution(p->context, 96);
    pango_context_set_language(p->context, pango_language_from_string("en"));
    pango_context_set_base_dir(p->context, PANGO_DIRECTION_LTR);

    PangoFontDescription *font = pango_font_description_new();
    pango_font_description_set_family(font, "DejaVu Sans, Sans");
    for (int i = 0; i < PEN_STYLES; i++) {
        pango_font_description_set_absolute_size(font, styles[i].size * PANGO_SCALE);
        pango_font_description_set_weight(font, (PangoWeight)styles[i].weight);
        p->layout[i] = pango_layout_new(p->context);
        pango_layout_set_font_description(p->layout[i], font);
        pango_layout_set_single_paragraph_mode(p->layout[i], TRUE);
        pango_layout_set_auto_dir(p->layout[i], FALSE);
        pango_layout_set_ellipsize(p->layout[i], (PangoEllipsizeMode)styles[i].ellipsis);
    }
    pango_font_description_free(font);
    if (!legible(p)) {
        pen_free(p);
        return err_set(e, "expected a font with Latin letters, found none: install one, such as "
                          "Debian's package fonts-dejavu-core");
    }
    *pen = p;
    return 0;
}

static void forget(struct pen *p)
{
    for (int i = 0; i < BUCKETS; i++) {
        while (p->bucket[i]) {
            struct word *w = p->bucket[i];
            p->bucket[i] = w->next;
            free(w->mask.px);
            free(w);
        }
    }
    p->words = 0;
}

void pen_free(struct pen *p)
{
    if (!p)
        return;
    forget(p);
    for (int i = 0; i < PEN_STYLES; i++)
        g_object_unref(p->layout[i]);
    g_object_unref(p->context);
    free(p);
}

bool pen_letters(void)
{
    return true;
}

int pen_height(enum pen_style style)
{
    return styles[style].height;
}

static PangoLayout *set(struct pen *p, enum pen_style style, const char *text, int limit)
{
    PangoLayout *l = p->layout[style];
    char *valid = pen_text(text);
    pango_layout_set_text(l, valid, -1);
    pango_layout_set_width(l, limit < 0 ? -1 : limit * PANGO_SCALE);
    free(valid);
    return l;
}

/* The word; valid until the next call. */
static struct word *find(struct pen *p, enum pen_style style, const char *text, int limit)
{
    uint32_t hash = 2166136261U ^ (uint32_t)style ^ (uint32_t)limit << 8;
    size_t n = 0;
    for (; text[n]; n++)
        hash = (hash ^ (unsigned char)text[n]) * 16777619U;
    struct word **bucket = &p->bucket[hash % BUCKETS];
    for (struct word *w = *bucket; w; w = w->next)
        if (w->style == style && w->limit == limit && strcmp(w->text, text) == 0)
            return w;
    if (p->words == WORDS_MAX)
        forget(p);
    struct word *w = mem_zero(1, sizeof *w + n + 1);
    memcpy(w->text, text, n + 1);
    w->style = style;
    w->limit = limit;
    pango_layout_get_pixel_size(set(p, style, text, limit), &w->w, &w->h);
    w->next = *bucket;
    *bucket = w;
    p->words++;
    return w;
}

/* Outlines are filled, not glyphs shown: those follow the desktop's settings for
 * smoothing. */
static void draw(struct pen *p, struct word *w)
{
    struct canvas_mask *m = &w->mask;
    m->w = w->w > 0 ? w->w : 1;
    m->h = w->h > 0 ? w->h : 1;
    m->stride = cairo_format_stride_for_width(CAIRO_FORMAT_A8, m->w);
    m->px = mem_zero((size_t)m->h, (size_t)m->stride);
    cairo_surface_t *s =
        cairo_image_surface_create_for_data(m->px, CAIRO_FORMAT_A8, m->w, m->h, m->stride);
    cairo_t *cr = cairo_create(s);
    cairo_set_antialias(cr, CAIRO_ANTIALIAS_GRAY);
    pango_cairo_layout_path(cr, set(p, w->style, w->text, w->limit));
    cairo_fill(cr);
    if (cairo_status(cr) != CAIRO_STATUS_SUCCESS)
        prog_die(PROG_ERROR, "lettering: %s", cairo_status_to_string(cairo_status(cr)));
    cairo_destroy(cr);
    cairo_surface_finish(s);
    cairo_surface_destroy(s);
}

int pen_width(struct pen *p, enum pen_style style, const char *text)
{
    return find(p, style, text, -1)->w;
}

void pen_draw(struct pen *p, struct canvas *c, struct canvas_rect r, enum pen_style style,
              enum pen_align align, uint32_t color, const char *text)
{
    struct word *w = find(p, style, text, -1);
    if (w->w > r.w)
        w = find(p, style, text, r.w);
    if (!w->mask.px)
        draw(p, w);
    int room = r.w - w->w;
    int x = r.x + (align == PEN_LEFT ? 0 : align == PEN_RIGHT ? room : room / 2);
    canvas_ink(c, r, x, r.y + (r.h - w->h) / 2, &w->mask, color);
}
