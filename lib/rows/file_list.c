#include "rows/file_list.h"

#include "base/mem.h"
#include "base/text.h"
#include "rows/fields.h"

#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int file_list_read(struct file_list *f, const char *path, struct err *e)
{
    static const char *const need[] = {"file", NULL};
    struct tsv_in *t;
    int r;
    *f = (struct file_list){0};
    if (fields_open(&t, path, need, e) != 0)
        return -1;
    int col = tsv_find(t, "file");
    while ((r = tsv_next_shown(t, e)) > 0) {
        f->name = mem_extend(f->name, (size_t)f->n, (size_t)f->n + 1, sizeof *f->name);
        char *name = tsv_string(t, col);
        f->name[f->n++] = text_clean(name, '?');
        free(name);
    }
    tsv_close(t);
    if (f->n > 1)
        qsort(f->name, (size_t)f->n, sizeof *f->name, by_name);
    return r;
}

void file_list_free(struct file_list *f)
{
    for (int i = 0; i < f->n; i++)
        free(f->name[i]);
    free(f->name);
}

const char *file_list_find(const struct file_list *f, const char *name)
{
    char **found =
        f->n > 0 ? bsearch(&name, f->name, (size_t)f->n, sizeof *f->name, by_name) : NULL;
    return found ? *found : NULL;
}

bool file_list_has(const struct file_list *f, const char *name)
{
    return file_list_find(f, name) != NULL;
}

int file_list_count(const struct file_list *f, const char *begin, const char **first)
{
    int n = 0;
    for (int i = 0; i < f->n; i++)
        if (strncmp(f->name[i], begin, strlen(begin)) == 0 && n++ == 0)
            *first = f->name[i];
    return n;
}
