/* Text on an output, one at a time. What cannot be written ends the program.
 *
 * Pages and tables are written in pieces as they come. A text is collected first, title, sections
 * and paragraphs, and then written in one of its forms: plain, Markdown or JSON. */
#ifndef HP_REPORT_WORDS_H
#define HP_REPORT_WORDS_H

#include <stddef.h>
#include <stdint.h>

/* A blank at which no line is broken. */
#define WORDS_NB "\x01"

/* Begins with a file, "-" for standard output; ends, with what is still collected as plain text. */
void words_open(const char *path);
void words_close(void);

/* Bytes as they are, and a short formatted piece. */
void words_raw(const char *s, size_t n);
void words_put(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* --- a text that is collected --- */

void words_title(const char *title);
void words_section(const char *title);

/* One line as it is, without wrapping; the line feed is added. */
void words_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* An empty line. */
void words_gap(void);

/* A paragraph, wrapped, each line behind `indent` blanks, the first behind `mark`
 * (which is no longer than the indent). */
void words_para(int indent, const char *mark, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

enum words_kind { WORDS_TITLE, WORDS_SECTION, WORDS_PARA, WORDS_LINE, WORDS_GAP };

struct words_block {
    enum words_kind kind;
    int indent; /* of a paragraph */
    char *mark; /* of a paragraph; else NULL */
    char *text;
};

/* How much is collected; moves what came after `from` to `to`, which is before it. */
size_t words_mark(void);
void words_move(size_t from, size_t to);

/* What is collected so far, in `n` blocks, for other forms; forgets it. */
const struct words_block *words_collected(size_t *n);
void words_forget(void);

/* Writes it as plain text, and forgets it. */
void words_write(void);

/* v, or 0 where so many digits behind the point would show it as "-0". */
double words_unsigned_zero(double v, int digits);

/* A copy without runs of blanks, WORDS_NB among them. Caller frees. */
char *words_plain(const char *s);

/* --- numbers --- */

/* Columns that a string takes up, isolates taking none, and the blanks that fill it to `width`. */
int words_width(const char *s);
int words_pad(const char *s, int width);

/* "1 error", "2 errors": for one call at a time per buffer. */
struct words_buf {
    char s[96];
};
const char *words_count(struct words_buf *b, int64_t n, const char *one, const char *many);

/* "13.1 %" of a share of 1. */
const char *words_share(struct words_buf *b, double share);

/* "13.12 %": an accuracy of all images, which has as many digits everywhere. */
const char *words_accuracy(struct words_buf *b, double accuracy);

/* "about 12", "less than 1": a number to expect. */
const char *words_about(struct words_buf *b, double n);

/* "13.1 %" of part and whole, "no share" where there is no whole. */
const char *words_percent(struct words_buf *b, int64_t part, int64_t whole);

#endif
