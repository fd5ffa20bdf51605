#include "stream/tsv.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/prog.h"

#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes behind those of the buffer may be read with them. */
enum { TSV_CHUNK = 1 << 17, TSV_NUMBER = 64, TSV_BEHIND = 8 };

struct tsv_in {
    struct in *in;
    char *buf;
    size_t room, begin, end; /* unread bytes are buf[begin, end) */
    size_t chunk;            /* bytes read at a time */
    bool eof, spare;
    int64_t line, taken; /* lines and bytes up to the current row's end */
    int columns;
    char *header; /* the first line, without its line feed */
    size_t header_n;
    size_t *header_at;       /* [columns + 1] starts of fields in `header` */
    struct tsv_field *field; /* [columns] of the current row */
    struct tsv_field row;
};

static int tsv_too_long(const struct tsv_in *t, struct err *e)
{
    return tsv_error(t, e, "expected a row of at most %d bytes, found a longer one", TSV_ROW_BYTES);
}

/* Next line without its line feed: 1, 0 at the end, -1. */
static int tsv_fetch(struct tsv_in *t, struct tsv_field *line, struct err *e)
{
    size_t seen = 0;
    for (;;) {
        char *from = t->buf + t->begin + seen;
        char *lf = memchr(from, '\n', t->end - t->begin - seen);
        if (lf) {
            line->p = t->buf + t->begin;
            line->n = (size_t)(lf - line->p);
            t->begin += line->n + 1;
            t->taken += (int64_t)line->n + 1;
            t->line++;
            return line->n > TSV_ROW_BYTES ? tsv_too_long(t, e) : 1;
        }
        seen = t->end - t->begin;
        if (t->eof) {
            if (seen == 0)
                return 0;
            t->line++;
            return tsv_error(t, e, "expected a line feed after the last row, found the end");
        }
        if (seen > TSV_ROW_BYTES) {
            t->line++;
            return tsv_too_long(t, e);
        }
        if (t->begin > 0) {
            memmove(t->buf, t->buf + t->begin, seen);
            t->begin = 0;
            t->end = seen;
        }
        if (t->room - t->end < t->chunk) {
            t->room *= 2;
            t->buf = mem_grow(t->buf, t->room + TSV_BEHIND, 1);
        }
        int64_t r = in_some(t->in, t->buf + t->end, t->room - t->end, e);
        if (r < 0)
            return -1;
        if (t->spare)
            in_park(t->in, 0);
        t->end += (size_t)r;
        t->eof = r == 0;
    }
}

/* A byte order mark, which some editors and spreadsheets write. */
static void tsv_skip_mark(struct tsv_field *line)
{
    if (line->n >= 3 && memcmp(line->p, "\xef\xbb\xbf", 3) == 0) {
        line->p += 3;
        line->n -= 3;
    }
}

static bool tsv_name_ok(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!((p[i] >= 'a' && p[i] <= 'z') || (p[i] >= '0' && p[i] <= '9') || p[i] == '_'))
            return false;
    return n > 0;
}

static int tsv_read_header(struct tsv_in *t, struct err *e)
{
    struct tsv_field line;
    int r = tsv_fetch(t, &line, e);
    if (r < 0)
        return -1;
    if (r == 0) {
        t->line = 1;
        return tsv_error(t, e, "expected a header line, found nothing");
    }
    if (line.n && line.p[line.n - 1] == '\r')
        return tsv_error(t, e, "expected lines that end in LF, found CR LF");
    tsv_skip_mark(&line);
    t->header = mem_alloc(line.n + 1, 1);
    memcpy(t->header, line.p, line.n);
    t->header[line.n] = '\0';
    t->header_n = line.n;
    size_t columns = 1;
    for (size_t i = 0; i < line.n; i++)
        columns += t->header[i] == '\t';
    if (columns > TSV_COLUMNS)
        return tsv_error(t, e, "expected at most %d columns, found %zu", TSV_COLUMNS, columns);
    t->columns = (int)columns;
    t->header_at = mem_alloc(columns + 1, sizeof *t->header_at);
    t->field = mem_zero(columns, sizeof *t->field);
    size_t col = 0;
    t->header_at[0] = 0;
    for (size_t i = 0; i < line.n; i++)
        if (t->header[i] == '\t')
            t->header_at[++col] = i + 1;
    t->header_at[columns] = line.n + 1;
    for (int c = 0; c < t->columns; c++) {
        struct tsv_field f = tsv_header(t, c);
        if (!tsv_name_ok(f.p, f.n))
            return tsv_error(t, e, "expected column names in [a-z0-9_], found '%.*s'",
                             f.n > 60 ? 60 : (int)f.n, f.p);
    }
    return 0;
}

/* Names are few and looked up once; sorting finds a duplicate in wide tables. */
static int tsv_compare(const void *a, const void *b)
{
    const struct tsv_field *x = a, *y = b;
    int c = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);
    return c ? c : (x->n > y->n) - (x->n < y->n);
}

static int tsv_check_unique(struct tsv_in *t, struct err *e)
{
    struct tsv_field *f = mem_alloc((size_t)t->columns, sizeof *f);
    for (int c = 0; c < t->columns; c++)
        f[c] = tsv_header(t, c);
    qsort(f, (size_t)t->columns, sizeof *f, tsv_compare);
    int r = 0;
    for (int c = 1; c < t->columns && r == 0; c++)
        if (tsv_compare(&f[c - 1], &f[c]) == 0)
            r = tsv_error(t, e, "expected each column once, found '%.*s' twice",
                          f[c].n > 60 ? 60 : (int)f[c].n, f[c].p);
    free(f);
    return r;
}

int tsv_open_in(struct tsv_in **out, struct in *in, struct err *e)
{
    struct tsv_in *t = mem_zero(1, sizeof *t);
    t->in = in;
    t->chunk = TSV_CHUNK;
    t->room = 2 * t->chunk;
    t->buf = mem_alloc(t->room + TSV_BEHIND, 1);
    if (tsv_read_header(t, e) != 0 || tsv_check_unique(t, e) != 0) {
        t->in = NULL;
        tsv_close(t);
        return -1;
    }
    *out = t;
    return 0;
}

int tsv_open(struct tsv_in **out, const char *path, struct err *e)
{
    struct in *in;
    if (in_open(&in, path, e) != 0)
        return -1;
    if (tsv_open_in(out, in, e) != 0) {
        in_close(in);
        return -1;
    }
    return 0;
}

void tsv_close(struct tsv_in *t)
{
    if (!t)
        return;
    in_close(t->in);
    free(t->buf);
    free(t->header);
    free(t->header_at);
    free(t->field);
    free(t);
}

void tsv_spare(struct tsv_in *t, size_t chunk)
{
    if (!in_park(t->in, t->end - t->begin))
        return;
    free(t->buf);
    t->begin = t->end = 0;
    t->eof = false;
    t->spare = true;
    t->chunk = chunk;
    t->room = 2 * chunk;
    t->buf = mem_alloc(t->room + TSV_BEHIND, 1);
}

const char *tsv_name(const struct tsv_in *t)
{
    return in_name(t->in);
}

int64_t tsv_line(const struct tsv_in *t)
{
    return t->line;
}

int tsv_columns(const struct tsv_in *t)
{
    return t->columns;
}

struct tsv_field tsv_header(const struct tsv_in *t, int col)
{
    size_t at = t->header_at[col];
    return (struct tsv_field){t->header + at, t->header_at[col + 1] - at - 1};
}

int tsv_find(const struct tsv_in *t, const char *name)
{
    size_t n = strlen(name);
    for (int c = 0; c < t->columns; c++) {
        struct tsv_field f = tsv_header(t, c);
        if (f.n == n && memcmp(f.p, name, n) == 0)
            return c;
    }
    return -1;
}

int tsv_need_word(const struct tsv_in *t, const char *name, const char *words, struct err *e)
{
    int c = tsv_find(t, name);
    struct nearest near = {.word = name, .n = strlen(name)};
    char said[NEAREST_ROOM];
    if (c >= 0)
        return c;
    for (int i = 0; i < t->columns; i++) {
        struct tsv_field f = tsv_header(t, i);
        nearest_offer(&near, f.p, f.n);
    }
    nearest_offer_all(&near, words, ',');
    return err_set(e, "%s:1: expected a column '%s', found none%s", tsv_name(t), name,
                   nearest_said(&near, said));
}

int tsv_need(const struct tsv_in *t, const char *name, struct err *e)
{
    int c = tsv_find(t, name);
    if (c < 0)
        err_set(e, "%s:1: expected a column '%s', found none", tsv_name(t), name);
    return c;
}

/* Divides the row at its tabs: the number of fields, or -1 where it holds a byte 0. Eight bytes are
 * looked at together: of those below 11, which tabs and 0 are, subtraction sets the highest bit, as
 * it may of an 11 behind one. */
static int tsv_split(struct tsv_in *t)
{
    static const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
    const char *row = t->row.p, *from = row;
    const size_t n = t->row.n;
    int c = 0;
    for (size_t i = 0; i < n; i += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, row + i, sizeof word);
        if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
            word = __builtin_bswap64(word);
        for (uint64_t found = (word - 11 * ones) & ~word & high; found; found &= found - 1) {
            const char *p = row + i + __builtin_ctzll(found) / 8;
            if (p >= row + n)
                break;
            if (*p == '\0')
                return -1;
            if (*p != '\t')
                continue;
            if (c < t->columns)
                t->field[c] = (struct tsv_field){from, (size_t)(p - from)};
            c++;
            from = p + 1;
        }
    }
    if (c < t->columns)
        t->field[c] = (struct tsv_field){from, (size_t)(row + n - from)};
    return c + 1;
}

int tsv_next(struct tsv_in *t, struct err *e)
{
    for (;;) {
        int r = tsv_fetch(t, &t->row, e);
        if (r <= 0)
            return r;
        struct tsv_field again = t->row;
        tsv_skip_mark(&again);
        if (again.n != t->header_n || memcmp(again.p, t->header, t->header_n) != 0)
            break;
    }
    const int c = tsv_split(t);
    if (c < 0)
        return tsv_error(t, e, "expected text, found a byte 0");
    if (c != t->columns)
        return tsv_error(t, e, "expected %d fields, found %d", t->columns, c);
    if (t->row.n && t->row.p[t->row.n - 1] == '\r')
        return tsv_error(t, e, "expected lines that end in LF, found CR LF");
    return 1;
}

int64_t tsv_expected(const struct tsv_in *t, int64_t done)
{
    int64_t size = in_size(t->in);
    return size > 0 ? (int64_t)((double)done * ((double)size / (double)t->taken) + 0.5) : 0;
}

int tsv_next_shown(struct tsv_in *t, struct err *e)
{
    int r = tsv_next(t, e);
    int64_t rows = t->line - 1, all = tsv_expected(t, rows);
    if (r == 1 && all > 0)
        prog_progress("rows", rows, all);
    if (r != 1)
        prog_progress_end();
    return r;
}

bool tsv_ready(const struct tsv_in *t)
{
    return memchr(t->buf + t->begin, '\n', t->end - t->begin) != NULL;
}

struct tsv_field tsv_get(const struct tsv_in *t, int col)
{
    return t->field[col];
}

struct tsv_field tsv_row(const struct tsv_in *t)
{
    return t->row;
}

bool tsv_is(struct tsv_field f, const char *word)
{
    return f.n == strlen(word) && memcmp(f.p, word, f.n) == 0;
}

bool tsv_is_na(const struct tsv_in *t, int col)
{
    return t->field[col].n == 2 && memcmp(t->field[col].p, "NA", 2) == 0;
}

void tsv_record(const struct tsv_in *t, struct err *e, const char *fmt, ...)
{
    char msg[768];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    err_record(e, "%s:%lld: %s", tsv_name(t), (long long)t->line, msg);
}

static int tsv_bad(const struct tsv_in *t, int col, const char *what, struct err *e)
{
    struct tsv_field h = tsv_header(t, col), f = t->field[col];
    return tsv_error(t, e, "column '%.*s': expected %s, found '%.*s'", h.n > 60 ? 60 : (int)h.n,
                     h.p, what, f.n > 60 ? 60 : (int)f.n, f.p);
}

/* Of 18 digits. */
#define TSV_INT_MOST INT64_C(999999999999999999)

int tsv_int(const struct tsv_in *t, int col, int64_t min, int64_t max, int64_t *v, struct err *e)
{
    struct tsv_field f = t->field[col];
    bool negative = f.n > 0 && *f.p == '-';
    int64_t x = 0;
    size_t digits = f.n - negative;
    bool good = digits > 0 && digits <= 18;
    for (size_t i = negative; good && i < f.n; i++) {
        unsigned d = (unsigned char)f.p[i] - '0';
        good = d <= 9;
        x = 10 * x + d;
    }
    x = negative ? -x : x;
    if (good && x >= min && x <= max) {
        *v = x;
        return 0;
    }
    char what[96];
    bool large = digits > 18;
    for (size_t i = negative; large && i < f.n; i++)
        large = f.p[i] >= '0' && f.p[i] <= '9';
    if (large && max == INT64_MAX)
        max = TSV_INT_MOST;
    if (max == INT64_MAX)
        snprintf(what, sizeof what, "a whole number of at least %lld", (long long)min);
    else
        snprintf(what, sizeof what, "a whole number from %lld to %lld", (long long)min,
                 (long long)max);
    return tsv_bad(t, col, what, e);
}

/* Digits at *p into *m, which holds at most 15 in all. Returns how many there were. */
static int tsv_digits(const char **p, const char *end, int room, uint64_t *m)
{
    const char *from = *p;
    for (; *p < end && **p >= '0' && **p <= '9' && *p - from < room; ++*p)
        *m = 10 * *m + (uint64_t)(**p - '0');
    return (int)(*p - from);
}

/* A number of at most 15 digits times a power of ten that a double holds exactly:
 * one multiplication or division then rounds as strtod does (Clinger 1990). What
 * %.9g writes is of this kind. False for any other field. */
static bool tsv_plain(struct tsv_field f, double *v)
{
    static const double ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                 1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    enum { DIGITS = 15, POWER = 22 };
    const char *p = f.p, *end = f.p + f.n;
    bool negative = p < end && *p == '-';
    p += negative;
    uint64_t m = 0;
    int digits = tsv_digits(&p, end, DIGITS, &m), power = 0;
    if (p < end && *p == '.') {
        p++;
        power = -tsv_digits(&p, end, DIGITS - digits, &m);
        digits -= power;
    }
    if (digits == 0)
        return false;
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        bool minus = p < end && *p == '-';
        p += p < end && (*p == '-' || *p == '+');
        uint64_t x = 0;
        if (tsv_digits(&p, end, 3, &x) == 0)
            return false;
        power += minus ? -(int)x : (int)x;
    }
    if (p != end || power < -POWER || power > POWER)
        return false;
    double x = power < 0 ? (double)m / ten[-power] : (double)m * ten[power];
    *v = negative ? -x : x;
    return true;
}

bool tsv_number(struct tsv_field f, double *v)
{
    if (tsv_plain(f, v))
        return true;
    char text[TSV_NUMBER];
    bool good = f.n > 0 && f.n < sizeof text;
    /* strtod also takes blanks, hexadecimal, "inf" and "nan". */
    for (size_t i = 0; good && i < f.n; i++)
        good = strchr("0123456789+-.eE", f.p[i]) && f.p[i];
    if (!good)
        return false;
    memcpy(text, f.p, f.n);
    text[f.n] = '\0';
    char *end;
    *v = strtod(text, &end);
    return *end == '\0' && isfinite(*v);
}

int tsv_real(const struct tsv_in *t, int col, double *v, struct err *e)
{
    double x;
    if (!tsv_number(t->field[col], &x))
        return tsv_bad(t, col, "a number", e);
    *v = x;
    return 0;
}

int tsv_real_na(const struct tsv_in *t, int col, double *v, struct err *e)
{
    if (tsv_is_na(t, col)) {
        *v = NAN;
        return 0;
    }
    return tsv_real(t, col, v, e);
}

char *tsv_string(const struct tsv_in *t, int col)
{
    struct tsv_field f = t->field[col];
    char *s = mem_alloc(f.n + 1, 1), *q = s;
    for (size_t i = 0; i < f.n; i++) {
        if (f.p[i] != '\\' || i + 1 == f.n) {
            *q++ = f.p[i];
            continue;
        }
        i++;
        *q++ = f.p[i] == 't' ? '\t' : f.p[i] == 'n' ? '\n' : f.p[i];
    }
    *q = '\0';
    return s;
}

/* --- writing --- */

struct tsv_out {
    struct out *out;
    struct err err;
    bool failed;
    int columns, at;
};

static void tsv_bytes(struct tsv_out *t, const char *p, size_t n)
{
    if (!t->failed && out_write(t->out, p, n, &t->err) != 0)
        t->failed = true;
}

struct tsv_out *tsv_begin(struct out *o, const char *columns)
{
    struct tsv_out *t = mem_zero(1, sizeof *t);
    t->out = o;
    for (const char *p = columns; *p;) {
        size_t w = strcspn(p, " ");
        if (t->columns++)
            tsv_bytes(t, "\t", 1);
        tsv_bytes(t, p, w);
        p += w + (p[w] == ' ');
    }
    tsv_bytes(t, "\n", 1);
    return t;
}

static void tsv_tab(struct tsv_out *t)
{
    if (t->at++)
        tsv_bytes(t, "\t", 1);
}

void tsv_put_int(struct tsv_out *t, int64_t v)
{
    char text[24];
    tsv_tab(t);
    tsv_bytes(t, text, (size_t)snprintf(text, sizeof text, "%lld", (long long)v));
}

void tsv_put_real(struct tsv_out *t, double v)
{
    char text[40];
    tsv_tab(t);
    if (isnan(v))
        tsv_bytes(t, "NA", 2);
    else
        tsv_bytes(t, text, (size_t)snprintf(text, sizeof text, "%.9g", v));
}

void tsv_put_string(struct tsv_out *t, const char *s)
{
    tsv_tab(t);
    if (!s) {
        tsv_bytes(t, "NA", 2);
        return;
    }
    /* A field that starts with '"' or '#' would be read as something else by
     * common tools, and a text may be called NA. */
    if (*s == '"' || *s == '#' || strcmp(s, "NA") == 0)
        tsv_bytes(t, "\\", 1);
    for (; *s; s++) {
        const char *escaped = *s == '\t' ? "\\t" : *s == '\n' ? "\\n" : *s == '\\' ? "\\\\" : NULL;
        if (escaped)
            tsv_bytes(t, escaped, 2);
        else
            tsv_bytes(t, s, 1);
    }
}

void tsv_put_raw(struct tsv_out *t, const char *p, size_t n)
{
    tsv_tab(t);
    for (size_t i = 0; i < n; i++)
        t->at += p[i] == '\t';
    tsv_bytes(t, p, n);
}

int tsv_end(struct tsv_out *t, struct err *e)
{
    if (!t->failed && t->at != t->columns) {
        t->failed = true;
        err_set(&t->err, "%s: wrote %d fields under %d columns", out_name(t->out), t->at,
                t->columns);
    }
    t->at = 0;
    tsv_bytes(t, "\n", 1);
    if (t->failed) {
        *e = t->err;
        return -1;
    }
    return 0;
}

void tsv_free(struct tsv_out *t)
{
    free(t);
}
