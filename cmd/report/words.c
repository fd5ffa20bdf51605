#include "words.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/prog.h"
#include "stats/share.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_WIDTH = 78 };

static struct out *out;

void words_raw(const char *s, size_t n)
{
    struct err e;
    if (out_write(out, s, n, &e) != 0)
        prog_fail(&e);
}

static void words_blanks(int n)
{
    for (; n > 0; n--)
        words_raw(" ", 1);
}

void words_open(const char *path)
{
    struct err e;
    if (out_open(&out, path, &e) != 0)
        prog_fail(&e);
}

void words_close(void)
{
    struct err e;
    if (out_close(out, &e) != 0)
        prog_fail(&e);
}

static void words_head(const char *title, char under)
{
    words_raw(title, strlen(title));
    words_raw("\n", 1);
    for (int n = words_width(title); n > 0; n--)
        words_raw(&under, 1);
    words_raw("\n", 1);
}

void words_title(const char *title)
{
    words_head(title, '=');
}

void words_section(const char *title)
{
    words_raw("\n", 1);
    words_head(title, '-');
}

static char *words_format(const char *fmt, va_list ap)
{
    char *s = NULL;
    if (vasprintf(&s, fmt, ap) < 0)
        prog_die(PROG_ERROR, "out of memory");
    return s;
}

/* Writes a text in which WORDS_NB stands for a blank. */
static void words_text(char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (s[i] == *WORDS_NB)
            s[i] = ' ';
    words_raw(s, n);
}

void words_line(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *s = words_format(fmt, ap);
    va_end(ap);
    words_text(s, strlen(s));
    words_raw("\n", 1);
    free(s);
}

void words_put(const char *fmt, ...)
{
    struct err e;
    char s[256];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(s, sizeof s, fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof s)
        prog_die(PROG_ERROR, "a piece of text is too long");
    if (out_write(out, s, (size_t)n, &e) != 0)
        prog_fail(&e);
}

void words_gap(void)
{
    words_raw("\n", 1);
}

/* Code points, a byte 10xxxxxx going on with one, but for the isolates of text_isolated. */
static int width_of(const char *s, size_t n)
{
    int w = 0;
    for (size_t i = 0; i < n; i++) {
        bool isolate = i + 2 < n && memcmp(&s[i], "\xe2\x81", 2) == 0 &&
                       (s[i + 2] == '\xa8' || s[i + 2] == '\xa9');
        w += ((unsigned char)s[i] & 0xc0) != 0x80 && !isolate;
    }
    return w;
}

int words_width(const char *s)
{
    return width_of(s, strlen(s));
}

int words_pad(const char *s, int width)
{
    int w = words_width(s);
    return w < width ? width - w : 0;
}

void words_para(int indent, const char *mark, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *s = words_format(fmt, ap);
    va_end(ap);
    words_raw(mark, strlen(mark));
    words_blanks(indent - words_width(mark));
    int at = indent;
    for (char *w = s; *w;) {
        size_t n = strcspn(w, " ");
        int width = width_of(w, n);
        if (at > indent && at + 1 + width > WORDS_WIDTH) {
            words_raw("\n", 1);
            words_blanks(indent);
            at = indent;
        } else if (at > indent) {
            words_raw(" ", 1);
            at++;
        }
        words_text(w, n);
        at += width;
        w += n;
        w += strspn(w, " ");
    }
    words_raw("\n", 1);
    free(s);
}

const char *words_count(struct words_buf *b, int64_t n, const char *one, const char *many)
{
    snprintf(b->s, sizeof b->s, "%" PRId64 WORDS_NB "%s", n, n == 1 ? one : many);
    return b->s;
}

const char *words_share(struct words_buf *b, double share)
{
    snprintf(b->s, sizeof b->s, "%.1f" WORDS_NB "%%", 100 * share);
    return b->s;
}

const char *words_accuracy(struct words_buf *b, double accuracy)
{
    snprintf(b->s, sizeof b->s, "%.2f" WORDS_NB "%%", 100 * accuracy);
    return b->s;
}

const char *words_percent(struct words_buf *b, int64_t part, int64_t whole)
{
    if (whole == 0)
        snprintf(b->s, sizeof b->s, "no share");
    else
        snprintf(b->s, sizeof b->s, "%.1f" WORDS_NB "%%", share_percent(part, whole));
    return b->s;
}
