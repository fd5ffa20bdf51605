/* The modules that a state dict lists: convolutions, batch norms and linear layers, known by their
 * tensors. */
#ifndef HP_MODULES_H
#define HP_MODULES_H

#include "ckpt/ckpt.h"

#include <stdbool.h>

enum module_kind { MODULE_CONV, MODULE_NORM, MODULE_LINEAR };

struct module {
    const char *name; /* key without ".weight", or the key of weights that have no such ending */
    enum module_kind kind;
    int in, out;   /* channels; of a norm both are the same */
    int k;         /* side of a convolution's window */
    bool biased;   /* it has a bias beside its weights */
    int container; /* length of the name's part before its last dot, or 0 */
};

enum { MODULES_DEPTH = 16, MODULES_WHY = 300 };

struct modules {
    struct module *m;
    int n;
    char **name; /* [n], which m[i].name point to */
};

/* The modules behind a prefix, in the file's order. Averages of weights, buffers and what is unused
 * (model/unused.h) are ignored. -1 where a tensor is part of no such module, with the reason in
 * `why`. */
int modules_list(struct modules *s, struct ckpt *c, const char *prefix, char why[MODULES_WHY]);
void modules_free(struct modules *s);

/* Puts them in the order of their names, numbers in names by their value: for files whose order
 * says nothing. */
void modules_sort(struct modules *s);

/* Length of the first `depth` parts of a name, or 0 where it has no more than these. */
int modules_prefix(const struct module *m, int depth);

#endif
