/* In the place of pen.c in static programs: Pango has no static library. Marks without words are
 * what a small picture has, too. */
#include "draw/canvas.h"

#include <limits.h>

bool pen_letters(void)
{
    return false;
}

void pen_prepare(int pens)
{
    (void)pens;
}

int pen_new(struct pen **p, struct err *e)
{
    (void)e;
    *p = NULL;
    return 0;
}

void pen_free(struct pen *p)
{
    (void)p;
}

int pen_height(enum pen_style style)
{
    (void)style;
    return 0;
}

/* Too wide for any picture. */
int pen_width(struct pen *p, enum pen_style style, const char *text)
{
    (void)p;
    (void)style;
    (void)text;
    return SHRT_MAX;
}

void pen_draw(struct pen *p, struct canvas *c, struct canvas_rect r, enum pen_style style,
              enum pen_align align, uint32_t color, const char *text)
{
    (void)p;
    (void)c;
    (void)r;
    (void)style;
    (void)align;
    (void)color;
    (void)text;
}
