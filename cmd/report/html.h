/* What pages share: frames, in which {{name}} stands for a part, and escaped text. Names of
 * classes stand only in text and in quoted attributes; the scripts hold none. */
#ifndef HP_REPORT_HTML_H
#define HP_REPORT_HTML_H

#include "report.h"

#include <stddef.h>

/* What a page is written from; the rest of it is the page's own. */
struct page {
    const struct known *known;
    const char *file; /* the name that the pipeline gives it */
};

/* A part that is text, or that a function writes. */
struct part {
    const char *name;
    const char *asset;
    void (*write)(const struct page *p);
};

/* Writes a frame with its parts, which a name of NULL ends, to the output of words.h. */
void page_write(const char *frame, const struct part *parts, const struct page *page);

void put(const char *s);
void put_text(const char *s); /* escaped */

/* A name, which may run from right to left among text that does not. */
void put_name(const char *shown);

/* Parts of more than one page. */
void put_warnings(const struct page *p);
void put_about(const struct page *p);
void put_overall(const struct page *p);
void put_links(const struct page *p); /* the other results, where the run writes them */
/* A card each, where it was measured. */
void put_faithfulness(const struct page *p);
void put_sanity(const struct page *p);

/* The class of a style for an accuracy. */
const char *html_band(const struct class_row *c);

/* Whether a file may be linked: one that the run writes, or any where its files are not known. */
bool html_linked(const struct page *p, const char *file);

#endif
