#include "words.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/prog.h"
#include "stats/share.h"

#include <inttypes.h>
#include <math.h>
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
    words_write();
    if (out_close(out, &e) != 0)
        prog_fail(&e);
}

static char *words_format(const char *fmt, va_list ap)
{
    char *s = NULL;
    if (vasprintf(&s, fmt, ap) < 0)
        prog_die(PROG_ERROR, "out of memory");
    return s;
}

/* --- what is collected --- */

static struct words_block *block;
static size_t blocks;

static struct words_block *add(enum words_kind kind, char *text)
{
    block = mem_extend(block, blocks, blocks + 1, sizeof *block);
    struct words_block *b = &block[blocks++];
    *b = (struct words_block){.kind = kind};
    b->text = text;
    return b;
}

void words_title(const char *title)
{
    add(WORDS_TITLE, mem_dup(title));
}

void words_section(const char *title)
{
    add(WORDS_SECTION, mem_dup(title));
}

void words_gap(void)
{
    add(WORDS_GAP, mem_dup(""));
}

void words_line(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add(WORDS_LINE, words_format(fmt, ap));
    va_end(ap);
}

void words_para(int indent, const char *mark, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    struct words_block *b = add(WORDS_PARA, words_format(fmt, ap));
    va_end(ap);
    b->indent = indent;
    b->mark = mem_dup(mark);
}

size_t words_mark(void)
{
    return blocks;
}

void words_move(size_t from, size_t to)
{
    size_t n = blocks - from;
    struct words_block *moved = mem_alloc(n + 1, sizeof *moved);
    memcpy(moved, &block[from], n * sizeof *block);
    memmove(&block[to + n], &block[to], (from - to) * sizeof *block);
    memcpy(&block[to], moved, n * sizeof *block);
    free(moved);
}

const struct words_block *words_collected(size_t *n)
{
    *n = blocks;
    return block;
}

void words_forget(void)
{
    for (size_t i = 0; i < blocks; i++) {
        free(block[i].mark);
        free(block[i].text);
    }
    free(block);
    block = NULL;
    blocks = 0;
}

char *words_plain(const char *s)
{
    char *plain = mem_dup(s), *at = plain;
    for (const char *p = s; *p; p++) {
        bool blank = *p == ' ' || *p == *WORDS_NB;
        if (!blank)
            *at++ = *p;
        else if (at > plain && at[-1] != ' ')
            *at++ = ' ';
    }
    at -= at > plain && at[-1] == ' ';
    *at = '\0';
    return plain;
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

double words_unsigned_zero(double v, int digits)
{
    return fabs(v) < 0.5 * pow(10, -digits) ? 0 : v;
}

/* --- as plain text --- */

/* A text in which WORDS_NB stands for a blank. */
static void write_blanked(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        words_raw(s[i] == *WORDS_NB ? " " : &s[i], 1);
}

static void write_head(const char *title, char under)
{
    words_raw(title, strlen(title));
    words_raw("\n", 1);
    for (int n = words_width(title); n > 0; n--)
        words_raw(&under, 1);
    words_raw("\n", 1);
}

static void write_wrapped(const struct words_block *b)
{
    words_raw(b->mark, strlen(b->mark));
    words_blanks(b->indent - words_width(b->mark));
    int at = b->indent;
    for (const char *w = b->text; *w;) {
        size_t n = strcspn(w, " ");
        int width = width_of(w, n);
        if (at > b->indent && at + 1 + width > WORDS_WIDTH) {
            words_raw("\n", 1);
            words_blanks(b->indent);
            at = b->indent;
        } else if (at > b->indent) {
            words_raw(" ", 1);
            at++;
        }
        write_blanked(w, n);
        at += width;
        w += n;
        w += strspn(w, " ");
    }
    words_raw("\n", 1);
}

void words_write(void)
{
    for (size_t i = 0; i < blocks; i++) {
        const struct words_block *b = &block[i];
        switch (b->kind) {
        case WORDS_TITLE:
            write_head(b->text, '=');
            break;
        case WORDS_SECTION:
            words_raw("\n", 1);
            write_head(b->text, '-');
            break;
        case WORDS_PARA:
            write_wrapped(b);
            break;
        case WORDS_LINE:
        case WORDS_GAP:
            write_blanked(b->text, strlen(b->text));
            words_raw("\n", 1);
            break;
        }
    }
    words_forget();
}

/* --- numbers --- */

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

const char *words_about(struct words_buf *b, double n)
{
    if (n < 1)
        snprintf(b->s, sizeof b->s, "less than 1");
    else
        snprintf(b->s, sizeof b->s, "about %lld", llround(n));
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
