#include "ckpt/rename.h"

#include "base/io.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES = 1 << 20, LINES = 4096, STARS = 8, KEY = 512 };

/* Of a pattern's wildcards, in their order: what it stands for in a key. */
struct part {
    const char *p;
    size_t n;
};

struct line {
    char *old, *new; /* parts of the file's text */
    int number, used;
};

struct rename {
    const char *name; /* of the file */
    char *text;
    struct line *line;
    int lines;
};

/* --- patterns: '*' is any part of a key without a dot, "**" with dots, too --- */

static size_t star(const char *p)
{
    return p[0] != '*' ? 0 : p[1] == '*' ? 2 : 1;
}

/* 1 if it fits, 0 if the text up to the next wildcard does not, -1 if that wildcard has found no
 * end. A '*' in front is done with then, too: moved on, it leaves less of the same part of the key.
 */
static int matches(const char *p, const char *key, struct part *part)
{
    for (; *p && !star(p); p++, key++)
        if (*p != *key)
            return 0;
    if (*p == '\0')
        return *key == '\0';
    const size_t wild = star(p);
    for (part->p = key, part->n = 0;; part->n++) {
        const int found = matches(p + wild, key + part->n, part + 1);
        if (found > 0 || (found < 0 && wild == 1))
            return found;
        if (key[part->n] == '\0' || (wild == 1 && key[part->n] == '.'))
            return -1;
    }
}

/* The new key: the pattern with the parts in place of its wildcards. */
static char *fill(const char *p, const struct part *part)
{
    char key[KEY];
    size_t n = 0;
    while (*p && n < sizeof key) {
        const size_t wild = star(p);
        if (wild > 0)
            n += (size_t)snprintf(key + n, sizeof key - n, "%.*s", (int)part->n, part->p);
        else
            key[n++] = *p;
        part += wild > 0;
        p += wild > 0 ? wild : 1;
    }
    if (n >= sizeof key)
        return NULL;
    key[n] = '\0';
    return mem_dup(key);
}

/* --- the file --- */

static int bad(const struct rename *r, int number, struct err *e, const char *what)
{
    return err_set(e, "%s:%d: %s", r->name, number, what);
}

/* How many wildcards a pattern has, and the long ones among them. */
static int count(const char *p, int *longs)
{
    int n = 0;
    *longs = 0;
    for (; *p; p++)
        if (star(p) > 0) {
            n++;
            *longs += star(p) == 2;
            p += star(p) - 1;
        }
    return n;
}

/* Whether both patterns have the same wildcards in the same order. */
static bool same_stars(const char *a, const char *b)
{
    for (;;) {
        for (; *a && !star(a); a++)
            ;
        for (; *b && !star(b); b++)
            ;
        if (star(a) != star(b) || !*a)
            return !*a && !*b;
        a += star(a);
        b += star(b);
    }
}

static int add_line(struct rename *r, char *text, int number, struct err *e)
{
    static const char blank[] = " \t\r";
    char *field[2], *p = text + strspn(text, blank);
    int fields = 0, longs;
    if (*p == '\0' || *p == '#')
        return 0;
    for (; *p; p += strspn(p, blank)) {
        if (fields < 2)
            field[fields] = p;
        fields++;
        p += strcspn(p, blank);
        if (*p)
            *p++ = '\0';
    }
    if (fields != 2)
        return err_set(e, "%s:%d: expected an old key and a new one, found %d word%s", r->name,
                       number, fields, fields == 1 ? "" : "s");
    if (count(field[0], &longs) > STARS || longs > 1)
        return bad(r, number, e, "expected at most 8 wildcards, one of them '**', found more");
    if (strcmp(field[1], "-") != 0 && !same_stars(field[0], field[1]))
        return err_set(e,
                       "%s:%d: expected the wildcards of '%.200s' in their order, found '%.200s'",
                       r->name, number, field[0], field[1]);
    if (r->lines == LINES)
        return err_set(e, "%s:%d: expected at most %d names, found more", r->name, number, LINES);
    r->line = mem_extend(r->line, (size_t)r->lines, (size_t)r->lines + 1, sizeof *r->line);
    r->line[r->lines++] = (struct line){field[0], field[1], number, 0};
    return 0;
}

static int read_file(struct rename *r, const char *path, struct err *e)
{
    struct in *in;
    if (in_open(&in, path, e) != 0)
        return -1;
    r->text = mem_alloc(BYTES + 1, 1);
    const int64_t n = in_read(in, r->text, BYTES + 1, e);
    in_close(in);
    if (n < 0)
        return -1;
    if (n > BYTES)
        return err_set(e, "%s: expected at most %d bytes of names, found more", r->name, BYTES);
    r->text[n] = '\0';
    if (memchr(r->text, '\0', (size_t)n))
        return err_set(e, "%s: expected lines of old and new keys, found a byte 0", r->name);
    int number = 1;
    char *end;
    for (char *p = r->text + (strncmp(r->text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0); *p;
         p = end, number++) {
        end = p + strcspn(p, "\n");
        if (*end)
            *end++ = '\0';
        if (add_line(r, p, number, e) != 0)
            return -1;
    }
    return 0;
}

/* --- keys --- */

/* The line whose old pattern a key matches first, or NULL. */
static struct line *find_line(const struct rename *r, const char *key, struct part part[STARS])
{
    for (int i = 0; i < r->lines; i++)
        if (matches(r->line[i].old, key, part) > 0)
            return &r->line[i];
    return NULL;
}

struct renamed {
    const char *name, *old;
    const struct line *line;
};

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct renamed *)a)->name, ((const struct renamed *)b)->name);
}

static int check_names(const struct rename *r, struct renamed *all, int n, struct err *e)
{
    qsort(all, (size_t)n, sizeof *all, compare);
    for (int i = 1; i < n; i++) {
        const struct renamed *a = &all[i - 1], *b = &all[i];
        if (strcmp(a->name, b->name) == 0)
            return err_set(e,
                           "%s:%d: expected one key to become '%.200s', found '%.200s' and "
                           "'%.200s'",
                           r->name, (a->line ? a->line : b->line)->number, a->name, a->old, b->old);
    }
    for (int i = 0; i < r->lines; i++)
        if (r->line[i].used == 0)
            return err_set(e, "%s:%d: expected a key like '%.200s', found none", r->name,
                           r->line[i].number, r->line[i].old);
    return 0;
}

static int apply(const struct rename *r, struct ckpt *c, struct err *e)
{
    struct renamed *all = mem_alloc((size_t)c->n, sizeof *all);
    int kept = 0, result = 0;
    for (int i = 0; i < c->n && result == 0; i++) {
        struct ckpt_tensor t = c->tensor[i];
        struct part part[STARS] = {{NULL, 0}};
        struct line *l = find_line(r, t.name, part);
        const char *old = t.name;
        if (l)
            l->used++;
        if (l && strcmp(l->new, "-") == 0)
            continue;
        char *name = l ? fill(l->new, part) : NULL;
        if (l && !name)
            result = bad(r, l->number, e, "expected a new key of less than 512 bytes, found more");
        if (name)
            t.name = ckpt_own(c, name);
        all[kept] = (struct renamed){t.name, old, l};
        c->tensor[kept++] = t;
    }
    c->n = result == 0 ? kept : c->n;
    if (result == 0)
        result = check_names(r, all, kept, e);
    if (result == 0 && kept == 0)
        result = err_set(e, "%s: expected keys that stay, found none", r->name);
    free(all);
    return result;
}

int rename_keys(struct ckpt *c, const char *path, struct err *e)
{
    struct rename r = {.name = io_name(path)};
    int result = read_file(&r, path, e) != 0 ? -1 : apply(&r, c, e);
    free(r.line);
    free(r.text);
    return result;
}
