/* Text that came from elsewhere. */
#ifndef HP_TEXT_H
#define HP_TEXT_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* Length of the UTF-8 character at p (n > 0 bytes there); 0 where there is none, or a
 * control one: C0, DEL or C1, which a terminal may obey. */
size_t text_char(const char *p, size_t n);

/* The same; 0 also for those that break a line or turn the order of what follows: they
 * are text, but not to stand between words of others. */
size_t text_shown(const char *p, size_t n);

/* A copy for people, with `other` in place of every character, or byte of none, that is
 * not to be shown. Caller frees. */
char *text_clean(const char *s, char other);

/* The word nearest to one that is not known, among those that are offered. Start with
 * {.word = ..., .n = its bytes}; what is offered must live as long. */
struct nearest {
    const char *word;
    size_t n;
    const char *found; /* NULL: none is near enough to be meant */
    size_t found_n;
    size_t cost;
};
void nearest_offer(struct nearest *s, const char *word, size_t n);

/* " (did you mean 'WORD'?)" for the end of a message, or "". Returns buf. */
enum { NEAREST_ROOM = 80 };
char *nearest_said(const struct nearest *s, char buf[NEAREST_ROOM]);

/* Offers each of the words, which `separator` parts. */
void nearest_offer_all(struct nearest *s, const char *words, char separator);

/* A copy of at most `most` letters: the middle of a longer text is left out, since names often
 * differ at their ends. Caller frees. */
char *text_shortened(const char *s, int most);

/* A name to stand among other text, of at most TEXT_NAME letters: where it holds letters that run
 * from right to left, between U+2068 and U+2069 (first strong isolate, pop directional isolate),
 * so that "a -> b" does not read as "b <- a". Caller frees. */
enum { TEXT_NAME = 120 };
char *text_isolated(const char *name);

/* As a word of a shell: quoted where it has to be. Caller frees. */
char *text_shell(const char *s);

/* Reads HxW: sides from 1 to `most`. */
bool text_size(const char *s, int most, int *h, int *w) ERR_CHECKED;

#endif
