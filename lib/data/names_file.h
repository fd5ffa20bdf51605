/* Lists of names as data sets bring them along. */
#ifndef HP_NAMES_FILE_H
#define HP_NAMES_FILE_H

#include "data/inputs.h"
#include "base/map.h"
#include "data/names.h"

#include <stdbool.h>

/* Classes are numbered from 0 and below this. */
enum { NAMES_CLASSES = 65536 };

/* One name a line; `file` is for messages. */
int names_from_text(struct names **n, const struct map *m, const char *file, struct err *e)
    ERR_CHECKED;

/* From a pickled `meta` or `batches.meta`: 1, 0 where the pickle holds none. */
int names_from_pickle(struct names **n, const struct map *m, const char *file, struct err *e)
    ERR_CHECKED;

/* From the name files in the folder of `data`, a file of CIFAR-100 or, with
 * `coarse` false, of CIFAR-10: 1 and the file (caller frees), 0 where there is
 * none. Where `data` is a link without names, those beside its target.
 * With `pickled` the pickles come first. `inputs` gets what is read. */
int names_beside(struct names **n, char **file, const char *data, bool coarse, bool pickled,
                 struct inputs *inputs, struct err *e) ERR_CHECKED;

/* A file's name as text: bytes that are none in UTF-8, and control characters, stand as
 * \xHH; for a `table`, which escapes them, tabs and line feeds stay. Caller frees. */
char *names_shown(const char *name, bool table);

/* One more class, without a superclass; `name` becomes the list's. */
void names_add(struct names *n, char *name);

#endif
