/* Operations that move elements and change none; values lie as conv.h says, and are of one type. */
#ifndef HP_CPU_MOVES_H
#define HP_CPU_MOVES_H

#include "engine/cpu/layout.h"

/* The channels of one value, which lie in those of another from channel `at` on. */
struct join {
    struct layout part, whole;
    int at;
    bool last; /* the channels that pad `whole` follow */
};

void join_put(const struct join *j, const void *part, void *whole, int microbatches);
/* dx = dy, or dx += dy. */
void join_back(const struct join *j, const float *dy, float *dx, bool add, int microbatches);

/* Elements of x in any order. */
struct choice {
    struct layout in, out;
    int *from; /* [out.cells * out.c] how far behind an image's first element, cells first; -1: 0 */
    bool same; /* [out.c] alone, from the same cell on: channels */
    bool row;  /* these follow one another */
    bool pairs; /* an even number of them, of two rows in turns */
};

/* `list`: of the elements of the result, in the order of (c, cells), the places in that of x; NULL
 * for all in their order. */
void choice_open(struct choice *c, const struct layout *in, const struct layout *out,
                 const int *list);
/* The same channels at each cell. */
void choice_open_channels(struct choice *c, const struct layout *in, const struct layout *out,
                          const int *channel);
void choice_close(struct choice *c);
void choice_take(const struct choice *c, const void *x, void *y, int microbatches);
void choice_back(const struct choice *c, const float *dy, float *dx, int microbatches);

#endif
