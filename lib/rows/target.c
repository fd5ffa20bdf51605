#include "rows/target.h"

#include "base/mem.h"
#include "base/text.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum target_kind { TARGET_COLUMN, TARGET_MARGIN, TARGET_CLASS, TARGET_ALL };

struct target {
    enum target_kind kind;
    char *word;
    int cls;    /* of TARGET_CLASS */
    int column; /* of TARGET_COLUMN */
    int plane;  /* its first */
};

struct targets {
    struct target *target;
    int n, planes, classes;
    int pred, truth; /* columns, for TARGET_MARGIN */
};

static int parse_word(struct target *t, struct err *e)
{
    static const char prefix[] = "class:";

    if (strcmp(t->word, "margin") == 0) {
        t->kind = TARGET_MARGIN;
    } else if (strcmp(t->word, "all") == 0) {
        t->kind = TARGET_ALL;
    } else if (strncmp(t->word, prefix, strlen(prefix)) == 0) {
        const char *digits = t->word + strlen(prefix);
        size_t length = strlen(digits);
        if (length == 0 || length > 9 || strspn(digits, "0123456789") != length)
            return err_set(e, "--target: expected a class ID after 'class:', found '%s'", t->word);
        t->kind = TARGET_CLASS;
        t->cls = atoi(digits);
    } else if (!*t->word) {
        return err_set(e, "--target: expected words separated by commas, found an empty one");
    } else if (strchr(t->word, ':')) {
        /* No column that holds classes has such a name. */
        return err_set(e, "--target: expected a column, margin, class:N or all, found '%s'%s",
                       t->word,
                       strncmp(t->word, "clas", 4) == 0 ? "; did you mean 'class:N'?" : "");
    }
    return 0;
}

int targets_parse(struct targets **out, const char *list, struct err *e)
{
    struct targets *t = mem_zero(1, sizeof *t);

    for (const char *p = list;; p++) {
        size_t n = strcspn(p, ",");
        t->target = mem_grow(t->target, (size_t)t->n + 1, sizeof *t->target);
        t->target[t->n] = (struct target){.word = mem_printf("%.*s", (int)n, p)};
        if (parse_word(&t->target[t->n++], e) != 0) {
            targets_free(t);
            return -1;
        }
        p += n;
        if (!*p)
            break;
    }
    *out = t;
    return 0;
}

void targets_free(struct targets *t)
{
    if (!t)
        return;
    for (int i = 0; i < t->n; i++)
        free(t->target[i].word);
    free(t->target);
    free(t);
}

int targets_words(const struct targets *t)
{
    return t->n;
}

int targets_classes(const struct targets *t, int planes, int most)
{
    int all = 0;

    for (int i = 0; i < t->n; i++)
        all += t->target[i].kind == TARGET_ALL;
    int rest = planes - (t->n - all);
    if (all == 0)
        return rest == 0 ? most : -1;
    return rest > 0 && rest % all == 0 && rest / all <= most ? rest / all : -1;
}

int targets_lay_out(struct targets *t, int classes, struct err *e)
{
    t->classes = classes;
    for (int i = 0; i < t->n; i++) {
        struct target *w = &t->target[i];
        int planes = w->kind == TARGET_ALL ? t->classes : 1;
        if (w->kind == TARGET_CLASS && w->cls >= t->classes)
            return err_set(e, "--target: expected a class from 0 to %d, found '%s'", t->classes - 1,
                           w->word);
        w->plane = t->planes;
        if (planes > INT_MAX - t->planes)
            return err_set(e, "--target: expected fewer maps");
        t->planes += planes;
    }
    return 0;
}

int targets_open(struct targets *t, const struct tsv_in *in, int classes, struct err *e)
{
    bool margin = false;

    if (targets_lay_out(t, classes, e) != 0)
        return -1;
    if (!in)
        return 0;
    for (int i = 0; i < t->n; i++) {
        struct target *w = &t->target[i];
        margin = margin || w->kind == TARGET_MARGIN;
        if (w->kind != TARGET_COLUMN)
            continue;
        /* What other programs write is missing, not mistyped. */
        bool usual = strcmp(w->word, "true") == 0 || strcmp(w->word, "pred") == 0;
        w->column = usual ? tsv_need(in, w->word, e) : tsv_need_word(in, w->word, "margin,all", e);
        if (w->column < 0)
            return -1;
    }
    if (!margin)
        return 0;
    t->pred = tsv_need(in, "pred", e);
    if (t->pred < 0)
        return -1;
    t->truth = tsv_need(in, "true", e);
    return t->truth < 0 ? -1 : 0;
}

static int unknown(const char *word, const char *const *columns, struct err *e)
{
    struct nearest near = {.word = word, .n = strlen(word)};
    char said[NEAREST_ROOM];

    for (; *columns; columns++)
        nearest_offer(&near, *columns, strlen(*columns));
    nearest_offer_all(&near, "margin,all", ',');
    return err_set(e,
                   "--target: expected a column that holds a class (pred, true, pred2, ...), "
                   "margin, class:N or all, found '%s'%s",
                   word, nearest_said(&near, said));
}

int targets_begin(struct targets *t, const char *const *columns, int classes, struct err *e)
{
    if (targets_lay_out(t, classes, e) != 0)
        return -1;
    for (int i = 0; i < t->n; i++) {
        struct target *w = &t->target[i];
        if (w->kind != TARGET_COLUMN)
            continue;
        w->column = 0;
        while (columns[w->column] && strcmp(columns[w->column], w->word) != 0)
            w->column++;
        if (!columns[w->column])
            return unknown(w->word, columns, e);
    }
    t->pred = 0;
    t->truth = 1;
    return 0;
}

void targets_aims(const struct targets *t, const int *cls, struct aim *aim)
{
    for (int i = 0; i < t->n; i++) {
        const struct target *w = &t->target[i];
        aim[i] = (struct aim){w->kind == TARGET_COLUMN ? cls[w->column] : w->cls, -1};
        if (w->kind != TARGET_MARGIN)
            continue;
        bool known = cls[t->pred] >= 0 && cls[t->truth] >= 0;
        aim[i] = known ? (struct aim){cls[t->pred], cls[t->truth]} : (struct aim){-1, -1};
    }
}

int targets_planes(const struct targets *t)
{
    return t->planes;
}

int target_class(const struct tsv_in *in, int col, int classes, int *cls, struct err *e)
{
    int64_t v;

    if (tsv_is_na(in, col)) {
        struct tsv_field name = tsv_header(in, col);
        return tsv_error(in, e,
                         "column '%.*s': expected a class, found NA: remove such rows, or ask "
                         "for other targets",
                         (int)name.n, name.p);
    }
    if (tsv_int(in, col, 0, classes - 1, &v, e) != 0)
        return -1;
    *cls = (int)v;
    return 0;
}

static int read_aim(const struct targets *t, const struct target *w, const struct tsv_in *in,
                    struct aim *aim, struct err *e)
{
    *aim = (struct aim){-1, -1};
    switch (w->kind) {
    case TARGET_COLUMN:
        return target_class(in, w->column, t->classes, &aim->cls, e);
    case TARGET_MARGIN:
        if (target_class(in, t->pred, t->classes, &aim->cls, e) != 0)
            return -1;
        return target_class(in, t->truth, t->classes, &aim->minus, e);
    case TARGET_CLASS:
        aim->cls = w->cls;
        break;
    case TARGET_ALL:
        break;
    }
    return 0;
}

int targets_read(const struct targets *t, const struct tsv_in *in, struct aim *aim, struct err *e)
{
    for (int i = 0; i < t->n; i++)
        if (read_aim(t, &t->target[i], in, &aim[i], e) != 0)
            return -1;
    return 0;
}

static int word_of(const struct targets *t, int plane)
{
    int i = t->n - 1;

    while (t->target[i].plane > plane)
        i--;
    return i;
}

struct aim targets_aim(const struct targets *t, const struct aim *aim, int plane)
{
    int i = word_of(t, plane);

    if (t->target[i].kind == TARGET_ALL)
        return (struct aim){plane - t->target[i].plane, -1};
    return aim[i];
}

int targets_offset(const struct targets *t, int plane)
{
    return plane - t->target[word_of(t, plane)].plane;
}

const char *targets_word(const struct targets *t, int plane)
{
    return t->target[word_of(t, plane)].word;
}

int targets_find(const struct targets *t, const char *word)
{
    for (int i = 0; i < t->n; i++)
        if (strcmp(t->target[i].word, word) == 0)
            return t->target[i].plane;
    return -1;
}
