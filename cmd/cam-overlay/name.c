#include "name.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    PART_BYTES = 200, /* leaves room for what a temporary name adds, within 255 */
    FILE_BYTES = 2000,
    FIRST_BITS = 10
};

/* Words as they stand, or the name of a column. */
struct piece {
    char *text;
    bool field;
    int col;
};

struct name {
    struct piece *piece;
    int pieces;
    /* Hashes of the names given, 0 for none: 8 bytes a row, where the names themselves
     * would be many times that. */
    uint64_t *seen;
    int bits;
    size_t given;
};

static void add_piece(struct name *n, const char *text, size_t bytes, bool field)
{
    n->piece = mem_grow(n->piece, (size_t)n->pieces + 1, sizeof *n->piece);
    n->piece[n->pieces++] = (struct piece){mem_printf("%.*s", (int)bytes, text), field, -1};
}

/* The parts of a name between slashes. */
static int check_parts(const char *file, struct err *e)
{
    for (const char *p = file;; p++) {
        size_t n = strcspn(p, "/");
        if (n == 0)
            return err_set(e, "expected a name below a folder, found '%s'", file);
        if ((n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
            return err_set(e, "expected a name without '.' and '..' as parts, found '%s'", file);
        if (n > PART_BYTES)
            return err_set(e, "expected a name with parts of at most %d bytes, found '%.60s...'",
                           PART_BYTES, p);
        p += n;
        if (!*p)
            break;
    }
    if (strlen(file) > FILE_BYTES)
        return err_set(e, "expected a name of at most %d bytes, found '%.60s...'", FILE_BYTES,
                       file);
    return 0;
}

static int parse(struct name *n, const char *template, struct err *e)
{
    char *sample = mem_zero(strlen(template) + 1, 1), *to = sample;
    int r = 0;
    for (const char *p = template; *p && r == 0;) {
        size_t len;
        if (p[0] == p[1] && (*p == '{' || *p == '}')) {
            add_piece(n, p, 1, false);
            *to++ = *p;
            p += 2;
        } else if (*p == '{') {
            len = strcspn(p + 1, "{}");
            if (p[1 + len] != '}' || len == 0) {
                r = err_set(e, "expected a column in braces, found '%.40s'", p);
                break;
            }
            add_piece(n, p + 1, len, true);
            *to++ = 'x';
            p += len + 2;
        } else if (*p == '}') {
            r = err_set(e, "expected '{' before '}', found '%.40s'", p);
        } else if (text_char(p, strlen(p)) == 0) {
            r = err_set(e, "expected text without control characters");
        } else {
            len = strcspn(p, "{}");
            size_t whole = 0;
            while (whole < len && text_char(p + whole, len - whole) > 0)
                whole += text_char(p + whole, len - whole);
            add_piece(n, p, whole, false);
            memcpy(to, p, whole);
            to += whole;
            p += whole;
        }
    }
    size_t length = strlen(sample);
    if (r == 0)
        r = check_parts(sample, e);
    if (r == 0 && (length <= 4 || strcmp(sample + length - 4, ".png") != 0))
        r = err_set(e, "expected a name that ends in .png, found '%s'", template);
    free(sample);
    return r;
}

int name_parse(struct name **out, const char *template, struct err *e)
{
    struct name *n = mem_zero(1, sizeof *n);
    n->bits = FIRST_BITS;
    n->seen = mem_zero((size_t)1 << n->bits, sizeof *n->seen);
    if (parse(n, template, e) != 0) {
        name_free(n);
        return -1;
    }
    *out = n;
    return 0;
}

void name_free(struct name *n)
{
    if (!n)
        return;
    for (int i = 0; i < n->pieces; i++)
        free(n->piece[i].text);
    free(n->piece);
    free(n->seen);
    free(n);
}

int name_open(struct name *n, const struct tsv_in *t, struct err *e)
{
    for (int i = 0; i < n->pieces; i++) {
        if (!n->piece[i].field)
            continue;
        n->piece[i].col = tsv_need(t, n->piece[i].text, e);
        if (n->piece[i].col < 0)
            return -1;
    }
    return 0;
}

/* A field as a part of a name. */
static char *field_part(const struct tsv_in *t, int col)
{
    char *raw = tsv_string(t, col), *part = text_clean(raw, '_');
    free(raw);
    for (char *c = part; *c; c++)
        if (*c == '/')
            *c = '_';
    return part;
}

/* Dots alone would name a folder; nothing would name none. */
static char *mend_part(const char *p, size_t n)
{
    if (n == 0)
        return mem_dup("_");
    if (strspn(p, ".") >= n)
        return mem_printf("_%.*s", (int)n, p);
    return mem_printf("%.*s", (int)n, p);
}

static char *mend_parts(const char *file)
{
    char *out = NULL;
    for (const char *p = file;; p++) {
        size_t n = strcspn(p, "/");
        char *part = mend_part(p, n), *longer = out ? mem_printf("%s/%s", out, part) : NULL;
        if (longer) {
            free(out);
            free(part);
        }
        out = longer ? longer : part;
        p += n;
        if (!*p)
            return out;
    }
}

static void put_hash(uint64_t *slot, int bits, uint64_t hash, bool *there)
{
    size_t mask = ((size_t)1 << bits) - 1, i = (size_t)(hash >> (64 - bits));
    while (slot[i] && slot[i] != hash)
        i = (i + 1) & mask;
    *there = slot[i] == hash;
    slot[i] = hash;
}

/* Whether the name is new. */
static bool take(struct name *n, const char *file)
{
    /* FNV-1a, spread by the golden ratio: the table goes by the upper bits. */
    uint64_t hash = UINT64_C(14695981039346656037);
    for (const char *c = file; *c; c++)
        hash = (hash ^ (unsigned char)*c) * UINT64_C(1099511628211);
    hash *= UINT64_C(0x9e3779b97f4a7c15);
    hash = hash ? hash : 1;
    bool there;
    if (n->given >> (n->bits - 1)) { /* at most half full */
        uint64_t *wider = mem_zero((size_t)2 << n->bits, sizeof *wider);
        for (size_t i = 0; i < (size_t)1 << n->bits; i++)
            if (n->seen[i])
                put_hash(wider, n->bits + 1, n->seen[i], &there);
        free(n->seen);
        n->seen = wider;
        n->bits++;
    }
    put_hash(n->seen, n->bits, hash, &there);
    n->given += !there;
    return !there;
}

int name_make(struct name *n, const struct tsv_in *t, char **file, struct err *e)
{
    char *raw = mem_dup("");
    for (int i = 0; i < n->pieces; i++) {
        const struct piece *p = &n->piece[i];
        char *part = p->field ? field_part(t, p->col) : mem_dup(p->text);
        char *longer = mem_printf("%s%s", raw, part);
        free(raw);
        free(part);
        raw = longer;
    }
    *file = mend_parts(raw);
    free(raw);
    struct err inner;
    int r = 0;
    if (check_parts(*file, &inner) != 0)
        r = tsv_error(t, e, "%s: choose other columns for --name", inner.msg);
    else if (!take(n, *file))
        r = tsv_error(t, e,
                      "expected a name of its own, found '%s' again: add columns "
                      "to --name that tell rows apart, such as {id}",
                      *file);
    if (r != 0)
        free(*file);
    return r;
}
