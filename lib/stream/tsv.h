/* Rows: see heatpipe-tsv(5). Columns are found by name. */
#ifndef HP_TSV_H
#define HP_TSV_H

#include "base/err.h"
#include "base/io.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Limits a reader holds to; a table beyond them is refused. */
enum { TSV_COLUMNS = 65536, TSV_ROW_BYTES = 1 << 24 };

/* A field as it stands in the row (escapes untouched); valid until the next
 * tsv_next; not terminated. */
struct tsv_field {
    const char *p;
    size_t n;
};

struct tsv_in;

/* Reads the header. "-" is standard input. */
int tsv_open(struct tsv_in **t, const char *path, struct err *e) ERR_CHECKED;

/* The same from an input of which nothing was taken yet; on success it belongs to
 * `t`. */
int tsv_open_in(struct tsv_in **t, struct in *in, struct err *e) ERR_CHECKED;
void tsv_close(struct tsv_in *t);

/* Makes a table in a file one of many that are open: it is read in pieces of `chunk` bytes, or of a
 * row where that is longer, and holds no descriptor between them. */
void tsv_spare(struct tsv_in *t, size_t chunk);
const char *tsv_name(const struct tsv_in *t);
int64_t tsv_line(const struct tsv_in *t);
int tsv_columns(const struct tsv_in *t);
struct tsv_field tsv_header(const struct tsv_in *t, int col);

/* Index of a column, or -1 where there is none (tsv_need also sets `e`). */
int tsv_find(const struct tsv_in *t, const char *name);
int tsv_need(const struct tsv_in *t, const char *name, struct err *e) ERR_CHECKED;

/* The same for a name that a user typed, who may have meant one of `words`, separated by commas:
 * the error names the nearest of those and of the columns. */
int tsv_need_word(const struct tsv_in *t, const char *name, const char *words, struct err *e)
    ERR_CHECKED;

/* Next row: 1, 0 at the end, -1. A row has exactly the header's fields; a line
 * equal to the header is skipped. */
int tsv_next(struct tsv_in *t, struct err *e) ERR_CHECKED;

/* The same for a table that is read whole before anything is done with it: shows progress
 * where the table is a file. (Of a pipe its writer shows it.) */
int tsv_next_shown(struct tsv_in *t, struct err *e) ERR_CHECKED;

/* How many of something there will be in the whole table when there were `done` up to the
 * current row, by the share of its bytes; 0 for what is no file. */
int64_t tsv_expected(const struct tsv_in *t, int64_t done);

/* Whether tsv_next has a row at hand, that is, will not wait for input. */
bool tsv_ready(const struct tsv_in *t);

struct tsv_field tsv_get(const struct tsv_in *t, int col);

/* Whether a field is this word. */
bool tsv_is(struct tsv_field f, const char *word);

/* The whole row without its line feed. */
struct tsv_field tsv_row(const struct tsv_in *t);

bool tsv_is_na(const struct tsv_in *t, int col);

/* Typed fields; the message names file, line and column. tsv_int takes a whole
 * number within [min, max]; tsv_real a finite number; tsv_real_na also NA, as a
 * quiet NaN. */
int tsv_int(const struct tsv_in *t, int col, int64_t min, int64_t max, int64_t *v, struct err *e)
    ERR_CHECKED;
int tsv_real(const struct tsv_in *t, int col, double *v, struct err *e) ERR_CHECKED;
int tsv_real_na(const struct tsv_in *t, int col, double *v, struct err *e) ERR_CHECKED;

/* Whether a field is a finite number in decimal, and which. */
bool tsv_number(struct tsv_field f, double *v);

/* Field as a C string with escapes resolved; caller frees. */
char *tsv_string(const struct tsv_in *t, int col);

/* A message about the current row, "file:line: ...", as an expression of value -1. */
#define tsv_error(t, e, ...) (tsv_record((t), (e), __VA_ARGS__), err_value())
void tsv_record(const struct tsv_in *t, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Writing. A row is the header's fields in order, then tsv_end. Errors are held
 * and returned by tsv_end. */
struct tsv_out;

/* `columns`: names separated by spaces. `o` stays the caller's. */
struct tsv_out *tsv_begin(struct out *o, const char *columns);

void tsv_put_int(struct tsv_out *t, int64_t v);
void tsv_put_real(struct tsv_out *t, double v);               /* %.9g; NaN as NA */
void tsv_put_string(struct tsv_out *t, const char *s);        /* escaped, NA too; NULL as NA */
void tsv_put_raw(struct tsv_out *t, const char *p, size_t n); /* fields as they stand */
int tsv_end(struct tsv_out *t, struct err *e) ERR_CHECKED;
void tsv_free(struct tsv_out *t);

#endif
