/* Which images a table has told of, so that a row that comes twice counts once and rows
 * that contradict each other do not go unnoticed: heatpipe-tsv(5), "Rows of one image". */
#ifndef HP_SEEN_H
#define HP_SEEN_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Rows that are remembered, in 64 MB, so that later ones can be compared with them; and the ids of
 * which it is known of any number of rows whether they came before, a bit each. */
enum { SEEN_ROWS = 1 << 20, SEEN_IDS = 1 << 27 };

struct seen;

struct seen *seen_new(void);
void seen_free(struct seen *s);

/* Takes a row of image `id`, of class `truth` and predicted as `pred`, both -1 where the row
 * does not say; it stands in `line` of `file`. Whether the same bytes came before: such a row
 * does not count. */
bool seen_row(struct seen *s, int64_t id, int truth, int pred, const char *row, size_t n,
              const char *file, int64_t line);

/* Says how many rows came before, and how many give another label or another prediction than
 * the first row of their image; nothing where none does. `say` is prog_say, or NULL. An error where
 * an image came twice in more rows than are remembered: what counts would depend on their order. */
int seen_end(const struct seen *s, void (*say)(const char *fmt, ...), struct err *e) ERR_CHECKED;

#endif
