#include "base/mem.h"
#include "base/text.h"
#include "draw/canvas.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

/* First strong isolate and pop directional isolate. */
static const char isolate[] = "\xe2\x81\xa8", popped[] = "\xe2\x81\xa9";

static bool is_isolate(const char *s)
{
    return strncmp(s, isolate, 3) == 0 || strncmp(s, popped, 3) == 0;
}

char *pen_text(const char *text)
{
    char *valid = g_utf8_make_valid(text, -1);
    char *all = mem_zero(strlen(valid) + 1, 1), *to = all;
    for (char *from = valid; *from;) {
        /* Isolates are not to be shown in a name, but pen_name puts them around it. */
        if (is_isolate(from)) {
            memcpy(to, from, 3);
            to += 3;
            from += 3;
            continue;
        }
        size_t n = 1;
        while (from[n] && !is_isolate(from + n))
            n++;
        char after = from[n];
        from[n] = '\0';
        char *clean = text_clean(from, ' ');
        to = stpcpy(to, clean);
        free(clean);
        from += n;
        *from = after;
    }
    g_free(valid);
    return all;
}

/* Whether a letter may be written from right to left: those of Hebrew, Arabic and their
 * neighbours, with their forms for presentation. */
static bool leftward(gunichar c)
{
    static const gunichar range[][2] = {
        {0x590, 0x8ff}, {0xfb1d, 0xfdff}, {0xfe70, 0xfefe}, {0x10800, 0x10fff}, {0x1e800, 0x1efff}};
    for (size_t i = 0; i < sizeof range / sizeof *range; i++)
        if (c >= range[i][0] && c <= range[i][1])
            return true;
    return false;
}

char *pen_name(const char *name)
{
    char *valid = g_utf8_make_valid(name, -1), *clean = text_clean(valid, ' ');
    g_free(valid);
    bool plain = true;
    for (const char *c = clean; *c && plain; c = g_utf8_next_char(c))
        plain = !leftward(g_utf8_get_char(c));
    if (plain)
        return clean;
    char *out = mem_printf("%s%s%s", isolate, clean, popped);
    free(clean);
    return out;
}
