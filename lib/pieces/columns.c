#include "pieces/columns.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/pool.h"
#include "stream/tsv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const char *column_type_word(enum column_type t)
{
    static const char *const word[] = {
        [COLUMN_U8] = "u8", [COLUMN_U16] = "u16", [COLUMN_I32] = "i32", [COLUMN_F64] = "f64",
        [COLUMN_W8] = "w8", [COLUMN_W16] = "w16", [COLUMN_W32] = "w32"};
    return word[t];
}

/* The fields of a segment as they stand in the table. */
struct segment {
    int columns;
    char *text;
    size_t used;
    uint32_t *end; /* [rows][columns] where each field ends in `text` */
    int64_t rows;
};

static void segment_add(struct segment *s, const struct tsv_in *t)
{
    size_t fields = (size_t)s->rows * (size_t)s->columns;
    s->end = mem_extend(s->end, fields, fields + (size_t)s->columns, sizeof *s->end);
    uint32_t *end = s->end + s->rows++ * s->columns;
    s->text = mem_extend(s->text, s->used, s->used + tsv_row(t).n, 1);
    for (int i = 0; i < s->columns; i++) {
        struct tsv_field f = tsv_get(t, i);
        if (f.n > 0)
            memcpy(s->text + s->used, f.p, f.n);
        s->used += f.n;
        end[i] = (uint32_t)s->used;
    }
}

static struct tsv_field segment_get(const struct segment *s, int64_t row, int col)
{
    int64_t i = row * s->columns + col;
    uint32_t from = i > 0 ? s->end[i - 1] : 0;
    return (struct tsv_field){s->text + from, s->end[i] - from};
}

static bool is_na(struct tsv_field f)
{
    return f.n == 2 && memcmp(f.p, "NA", 2) == 0;
}

/* A whole number as it would be written again: without zeros in front. */
static bool whole(struct tsv_field f, int64_t *v)
{
    size_t i = f.n > 0 && f.p[0] == '-', first = i;
    int64_t x = 0;
    if (f.n == i || f.n - i > 10 || (f.p[first] == '0' && f.n > 1))
        return false;
    for (; i < f.n; i++) {
        if (f.p[i] < '0' || f.p[i] > '9')
            return false;
        x = 10 * x + (f.p[i] - '0');
    }
    *v = first ? -x : x;
    return x < INT32_MAX;
}

/* --- numbers --- */

/* The type that holds all values, and in real[rows] these, NaN for NA; COLUMN_W8 where some are
 * no numbers. A field with zeros in front ("007") is a name. */
static enum column_type read_numbers(const struct segment *s, int col, double *real)
{
    bool integers = true, any = false;
    int64_t least = 0, most = 0, v;
    for (int64_t r = 0; r < s->rows; r++) {
        struct tsv_field f = segment_get(s, r, col);
        if (is_na(f)) {
            real[r] = NAN;
            continue;
        }
        any = true;
        if (whole(f, &v)) {
            least = v < least ? v : least;
            most = v > most ? v : most;
            real[r] = (double)v;
            continue;
        }
        size_t sign = f.n > 0 && f.p[0] == '-';
        if ((f.n > sign + 1 && f.p[sign] == '0' && f.p[sign + 1] >= '0' && f.p[sign + 1] <= '9') ||
            !tsv_number(f, &real[r]))
            return COLUMN_W8;
        integers = false;
    }
    return !any                              ? COLUMN_U8
           : !integers                       ? COLUMN_F64
           : least >= 0 && most < UINT8_MAX  ? COLUMN_U8
           : least >= 0 && most < UINT16_MAX ? COLUMN_U16
                                             : COLUMN_I32;
}

/* In place: each value is stored where values before it have been read. */
static size_t pack_numbers(enum column_type type, double *real, int64_t rows)
{
    uint8_t *u8 = (uint8_t *)real;
    for (int64_t r = 0; r < rows; r++) {
        double v = real[r];
        bool na = isnan(v);
        if (type == COLUMN_U8) {
            u8[r] = na ? UINT8_MAX : (uint8_t)v;
        } else if (type == COLUMN_U16) {
            uint16_t x = na ? UINT16_MAX : (uint16_t)v;
            memcpy(u8 + 2 * r, &x, sizeof x);
        } else {
            int32_t x = na ? INT32_MIN : (int32_t)v;
            memcpy(u8 + 4 * r, &x, sizeof x);
        }
    }
    return (size_t)rows * (type == COLUMN_U8 ? 1 : type == COLUMN_U16 ? 2 : 4);
}

/* --- words --- */

/* Different fields in the order in which they first occur. */
struct words {
    struct tsv_field *field;
    uint32_t n;
    uint32_t *slot, slots; /* number plus 1 by hash; a power of two */
};

static uint32_t hash(struct tsv_field f)
{
    uint32_t h = 2166136261U; /* FNV-1a */
    for (size_t i = 0; i < f.n; i++)
        h = (h ^ (unsigned char)f.p[i]) * 16777619U;
    return h ^ h >> 15;
}

static uint32_t words_number(struct words *w, struct tsv_field f)
{
    uint32_t i = hash(f) & (w->slots - 1);
    for (; w->slot[i]; i = (i + 1) & (w->slots - 1)) {
        struct tsv_field other = w->field[w->slot[i] - 1];
        if (other.n == f.n && memcmp(other.p, f.p, f.n) == 0)
            return w->slot[i] - 1;
    }
    w->field[w->n] = f;
    w->slot[i] = ++w->n;
    return w->n - 1;
}

static void put_number(uint8_t **q, uint32_t v, size_t size)
{
    for (size_t i = 0; i < size; i++)
        *(*q)++ = (uint8_t)(v >> 8 * i);
}

static uint8_t *pack_words(const struct segment *s, int col, enum column_type *type, size_t *size)
{
    uint32_t slots = 4;
    while ((int64_t)slots < 2 * s->rows)
        slots *= 2;
    struct words w = {mem_alloc((size_t)s->rows, sizeof *w.field), 0,
                      mem_zero(slots, sizeof *w.slot), slots};
    uint32_t *number = mem_alloc((size_t)s->rows, sizeof *number);
    for (int64_t r = 0; r < s->rows; r++)
        number[r] = words_number(&w, segment_get(s, r, col));
    size_t text = 0;
    for (uint32_t i = 0; i < w.n; i++)
        text += w.field[i].n + 1;
    *type = w.n <= UINT8_MAX ? COLUMN_W8 : w.n <= UINT16_MAX ? COLUMN_W16 : COLUMN_W32;
    size_t each = *type == COLUMN_W8 ? 1 : *type == COLUMN_W16 ? 2 : 4;
    size_t start = 4 + (text + 3) / 4 * 4;
    *size = start + (size_t)s->rows * each;
    uint8_t *bytes = mem_zero(*size, 1), *q = bytes;
    put_number(&q, (uint32_t)text, 4);
    for (uint32_t i = 0; i < w.n; i++) {
        if (w.field[i].n > 0)
            memcpy(q, w.field[i].p, w.field[i].n);
        q += w.field[i].n;
        *q++ = '\n';
    }
    q = bytes + start;
    for (int64_t r = 0; r < s->rows; r++)
        put_number(&q, number[r], each);
    free(number);
    free(w.slot);
    free(w.field);
    return bytes;
}

/* --- a segment --- */

struct writing {
    struct columns *columns;
    struct store *store;
    const char *prefix, *path;
    const struct segment *segment;
    int number;        /* of the segment */
    const bool *words; /* [columns] these alone are written, as words; NULL: all */
};

static enum column_type *type_of(const struct columns *c, int segment, int col)
{
    return &c->type[(size_t)segment * (size_t)c->n + (size_t)col];
}

static bool is_words(enum column_type t)
{
    return t == COLUMN_W8 || t == COLUMN_W16 || t == COLUMN_W32;
}

static int write_column(void *self, void *hand, int64_t i, struct err *e)
{
    struct writing *w = self;
    struct columns *c = w->columns;
    int64_t rows = w->segment->rows;
    int col = (int)i;
    (void)hand;
    enum column_type *type = type_of(c, w->number, col);
    if (w->words && (!w->words[col] || is_words(*type)))
        return 0;
    double *real = mem_alloc((size_t)rows, sizeof *real);
    uint8_t *bytes = (uint8_t *)real;
    size_t size = (size_t)rows * sizeof *real;
    *type = w->words ? COLUMN_W8 : read_numbers(w->segment, col, real);
    if (*type == COLUMN_W8) {
        free(real);
        bytes = pack_words(w->segment, col, type, &size);
    } else if (*type != COLUMN_F64) {
        size = pack_numbers(*type, real, rows);
    }
    char *name = mem_printf("%s.%s.%d", w->prefix, c->name[col], w->number);
    if (w->words)
        store_forget(w->store, name);
    int r = store_piece(w->store, name, STORE_TABLE, bytes, size, e);
    free(name);
    free(bytes);
    return r;
}

/* Writes what the segment holds and empties it. */
static int end_segment(struct writing *w, struct segment *s, int threads, struct err *e)
{
    struct columns *c = w->columns;
    if (s->rows == 0)
        return 0;
    if (w->words && (w->number == c->segments || c->rows[w->number] != s->rows))
        return err_set(e, "%s: it changed while it was read", io_name(w->path));
    if (!w->words) {
        size_t n = (size_t)c->segments + 1;
        c->rows = mem_grow(c->rows, n, sizeof *c->rows);
        c->type = mem_grow(c->type, n * (size_t)c->n, sizeof *c->type);
        c->rows[c->segments++] = s->rows;
        c->total += s->rows;
    }
    if (pool_run(&(struct pool_work){.self = w, .part = write_column}, c->n, threads, e) != 0)
        return -1;
    w->number++;
    s->rows = 0;
    s->used = 0;
    return 0;
}

static bool taken(const struct columns_only *only, int64_t id)
{
    int64_t low = 0, high = only->n;
    while (low < high) {
        int64_t mid = low + (high - low) / 2;
        if (only->id[mid] < id)
            low = mid + 1;
        else
            high = mid;
    }
    return low < only->n && only->id[low] == id;
}

static int write_rows(struct writing *w, struct tsv_in *t, const struct columns_only *only,
                      int threads, struct err *e)
{
    struct segment s = {.columns = w->columns->n};
    int id = only ? tsv_need(t, "id", e) : 0, r = id < 0 ? -1 : 1;
    w->segment = &s;
    while (r > 0 && (r = tsv_next(t, e)) > 0) {
        int64_t v;
        if (only && tsv_int(t, id, 0, INT64_MAX, &v, e) != 0)
            r = -1;
        else if (!only || taken(only, v))
            segment_add(&s, t);
        if (r > 0 && (s.rows == COLUMNS_SEGMENT || s.used > COLUMNS_SEGMENT_BYTES) &&
            end_segment(w, &s, threads, e) != 0)
            r = -1;
    }
    if (r == 0)
        r = end_segment(w, &s, threads, e);
    w->segment = NULL;
    free(s.text);
    free(s.end);
    return r;
}

/* Whether a column holds words in some segments and in others what could be numbers. */
static bool is_mixed(const struct columns *c, int col)
{
    int words = 0;
    for (int i = 0; i < c->segments; i++)
        words += is_words(*type_of(c, i, col));
    return words > 0 && words < c->segments;
}

/* Files are named after columns. */
static int check_names(const struct columns *c, const char *table, struct err *e)
{
    for (int i = 0; i < c->n; i++)
        if (strlen(c->name[i]) > COLUMNS_NAME)
            return err_set(e, "%s:1: expected names of columns of at most %d bytes, found %zu",
                           table, COLUMNS_NAME, strlen(c->name[i]));
    return 0;
}

static int write_table(struct writing *w, const struct columns_only *only, int threads,
                       struct err *e)
{
    struct columns *c = w->columns;
    struct tsv_in *t;
    if (tsv_open(&t, w->path, e) != 0)
        return -1;
    if (!c->name) {
        c->n = tsv_columns(t);
        c->name = mem_zero((size_t)c->n, sizeof *c->name);
        for (int i = 0; i < c->n; i++) {
            struct tsv_field f = tsv_header(t, i);
            c->name[i] = mem_printf("%.*s", (int)f.n, f.p);
        }
    }
    int r = check_names(c, tsv_name(t), e) != 0 ? -1
            : tsv_columns(t) == c->n
                ? write_rows(w, t, only, threads, e)
                : err_set(e, "%s: it changed while it was read", io_name(w->path));
    tsv_close(t);
    return r;
}

int columns_write(struct columns *c, struct store *s, const char *prefix, const char *path,
                  const struct columns_only *only, int threads, struct err *e)
{
    struct stat st;
    *c = (struct columns){0};
    struct writing w = {.columns = c, .store = s, .prefix = prefix, .path = path};
    if (write_table(&w, only, threads, e) != 0)
        return -1;
    bool *words = mem_zero((size_t)c->n, sizeof *words);
    int mixed = -1, r = 0;
    for (int i = 0; i < c->n; i++) {
        words[i] = is_mixed(c, i);
        mixed = words[i] ? i : mixed;
    }
    if (mixed >= 0 && (strcmp(path, "-") == 0 || stat(path, &st) != 0 || !S_ISREG(st.st_mode))) {
        r = err_set(e,
                    "%s: expected a file, which can be read again, found another: column %s holds "
                    "numbers in %d rows or more, and words in others",
                    io_name(path), c->name[mixed], COLUMNS_SEGMENT);
    } else if (mixed >= 0) {
        w.words = words;
        w.number = 0;
        r = write_table(&w, only, threads, e);
    }
    free(words);
    return r;
}

void columns_free(struct columns *c)
{
    for (int i = 0; i < c->n; i++)
        free(c->name[i]);
    free(c->name);
    free(c->rows);
    free(c->type);
    *c = (struct columns){0};
}

int columns_find(const struct columns *c, const char *name)
{
    for (int i = 0; i < c->n; i++)
        if (strcmp(c->name[i], name) == 0)
            return i;
    return -1;
}
