/* What the explorer's page knows before it loads a piece, as JSON. */
#ifndef HP_REPORT_EXPLORER_INDEX_H
#define HP_REPORT_EXPLORER_INDEX_H

#include "explorer.h"

#include "data/names.h"
#include "pieces/blocks.h"
#include "pieces/columns.h"
#include "pieces/placing.h"

struct explorer_table {
    const char *path;
    struct columns columns;
};

struct explorer_data {
    const struct known *known;
    const struct explorer_opts *opts;
    const struct names *names;
    struct placing placing;
    struct blocks blocks;
    struct explorer_table *table; /* the predictions, then those joined */
    int tables;
    char stamp[17];
};

/* ASCII without '<', to stand in a script. Caller frees. */
char *explorer_index(const struct explorer_data *d);

#endif
