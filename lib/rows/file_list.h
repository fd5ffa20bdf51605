/* The files that a run writes: a table with a column `file`, of names inside its folder. */
#ifndef HP_FILE_LIST_H
#define HP_FILE_LIST_H

#include "base/err.h"

#include <stdbool.h>

/* All zero: none is known. */
struct file_list {
    int n;
    char **name; /* [n] sorted, as text_clean gives them */
};

/* Freed by the caller, on an error as well. */
int file_list_read(struct file_list *f, const char *path, struct err *e) ERR_CHECKED;
void file_list_free(struct file_list *f);

/* The name as the list holds it, or NULL. */
const char *file_list_find(const struct file_list *f, const char *name);
bool file_list_has(const struct file_list *f, const char *name);

/* How many names begin so, and the first of them. */
int file_list_count(const struct file_list *f, const char *begin, const char **first);

#endif
