#include "base/text.h"

#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t text_char(const char *text, size_t n)
{
    const unsigned char *p = (const unsigned char *)text;
    if (p[0] < 0x80)
        return p[0] >= ' ' && p[0] != 0x7f;
    size_t width = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc2 ? 2 : 0;
    if (width == 0 || width > n || p[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < width; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    /* Longer forms than needed, surrogates, beyond the last, and C1. */
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f) ||
        (p[0] == 0xc2 && p[1] < 0xa0))
        return 0;
    return width;
}

size_t text_shown(const char *text, size_t n)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t width = text_char(text, n);
    if (width != 3 || p[0] != 0xe2)
        return width;
    /* U+2028 to U+202E, U+2066 to U+2069. */
    return (p[1] == 0x80 && p[2] >= 0xa8 && p[2] <= 0xae) ||
                   (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9)
               ? 0
               : width;
}

char *text_clean(const char *s, char other)
{
    size_t left = strlen(s);
    char *copy = mem_alloc(left + 1, 1), *to = copy;
    while (left > 0) {
        size_t n = text_shown(s, left);
        if (n > 0) {
            memcpy(to, s, n);
            to += n;
        } else {
            n = text_char(s, left);
            if (n == 0) /* C1 is a character as well */
                n = left > 1 && s[0] == '\xc2' && (unsigned char)s[1] >> 5 == 4 ? 2 : 1;
            *to++ = other;
        }
        s += n;
        left -= n;
    }
    *to = '\0';
    return copy;
}

enum { NEAREST_MAX = 64 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Letters to insert, drop, replace, or swap with the next (optimal string alignment); a
 * word of which the other is the beginning is as near as one with a letter wrong. */
static size_t distance(const char *a, size_t n, const char *b, size_t m)
{
    size_t row[3][NEAREST_MAX + 1];
    if (n > NEAREST_MAX || m > NEAREST_MAX)
        return SIZE_MAX;
    if (least(n, m) > 1 && memcmp(a, b, least(n, m)) == 0)
        return n != m;
    for (size_t j = 0; j <= m; j++)
        row[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *now = row[i % 3], *above = row[(i + 2) % 3], *before = row[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            now[j] = least(least(now[j - 1], above[j]) + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = least(now[j], before[j - 2] + 1);
        }
    }
    return row[n % 3][m];
}

void nearest_offer(struct nearest *s, const char *word, size_t n)
{
    /* With more than a third of the letters wrong it is another word. */
    size_t cost = distance(s->word, s->n, word, n), most = (n > s->n ? n : s->n) / 3;
    if (cost > (most > 1 ? most : 1) || cost >= n || (s->found && cost >= s->cost))
        return;
    s->found = word;
    s->found_n = n;
    s->cost = cost;
}

char *nearest_said(const struct nearest *s, char buf[NEAREST_ROOM])
{
    *buf = '\0';
    if (s->found && s->found_n < NEAREST_ROOM - sizeof " (did you mean ''?)")
        snprintf(buf, NEAREST_ROOM, " (did you mean '%.*s'?)", (int)s->found_n, s->found);
    return buf;
}

void nearest_offer_all(struct nearest *s, const char *words, char separator)
{
    while (*words) {
        const char *end = strchr(words, separator);
        size_t n = end ? (size_t)(end - words) : strlen(words);
        nearest_offer(s, words, n);
        words += n + (end != NULL);
    }
}

/* Blocks of right-to-left letters: U+0590 to U+08FF, U+FB1D to U+FDFF, U+FE70 to U+FEFF,
 * U+10800 to U+10FFF, U+1E800 to U+1EFFF. Some of their neighbours count with them: isolating
 * a name that needs it not changes nothing. */
static bool right_to_left(const char *s)
{
    for (const unsigned char *p = (const unsigned char *)s; *p; p++) {
        if ((p[0] >= 0xd6 && p[0] <= 0xdf) || (p[0] == 0xe0 && p[1] >= 0xa0 && p[1] <= 0xa3) ||
            (p[0] == 0xef && p[1] >= 0xac && p[1] <= 0xbb) ||
            (p[0] == 0xf0 && p[1] == 0x90 && p[2] >= 0xa0) ||
            (p[0] == 0xf0 && p[1] == 0x9e && p[2] >= 0xa0))
            return true;
    }
    return false;
}

/* Where letter `n` of a text begins, or its end. */
static const char *letter(const char *s, size_t n)
{
    for (; *s; s++)
        if (((unsigned char)*s & 0xc0) != 0x80 && n-- == 0)
            break;
    return s;
}

char *text_shortened(const char *s, int most)
{
    size_t n = 0;
    for (const char *c = s; *c; c++)
        n += ((unsigned char)*c & 0xc0) != 0x80;
    if (n <= (size_t)most)
        return mem_dup(s);
    size_t head = ((size_t)most - 1) * 2 / 3, tail = (size_t)most - 1 - head;
    return mem_printf("%.*s\xe2\x80\xa6%s", (int)(letter(s, head) - s), s, letter(s, n - tail));
}

char *text_isolated(const char *name)
{
    char *s = text_shortened(name, TEXT_NAME);
    if (!right_to_left(s))
        return s;
    char *isolated = mem_printf("\xe2\x81\xa8%s\xe2\x81\xa9", s);
    free(s);
    return isolated;
}

bool text_size(const char *s, int most, int *h, int *w)
{
    char end;
    return strspn(s, "0123456789x") == strlen(s) && sscanf(s, "%4dx%4d%c", h, w, &end) == 2 &&
           *h >= 1 && *w >= 1 && *h <= most && *w <= most;
}

char *text_shell(const char *s)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "%+,-./:=@_";
    size_t n = strlen(s), at = 0;
    if (n > 0 && strspn(s, plain) == n)
        return mem_dup(s);
    char *out = mem_alloc(4 * n + 3, 1);
    out[at++] = '\'';
    for (; *s; s++) {
        if (*s == '\'') {
            memcpy(out + at, "'\\''", 4);
            at += 4;
        } else {
            out[at++] = *s;
        }
    }
    out[at++] = '\'';
    out[at] = '\0';
    return out;
}
