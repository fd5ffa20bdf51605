#include "explorer_index.h"

#include "base/mem.h"
#include "base/text.h"
#include "draw/color.h"
#include "rows/target.h"
#include "stats/band.h"
#include "stats/cluster.h"
#include "stream/run.h"

#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *text(const char *s)
{
    char *clean = text_clean(s, '?');
    json_t *j = json_string(clean);
    free(clean);
    return j ? j : json_null();
}

/* A path as the commands name it: from the base where it lies below it. */
static json_t *path(const struct explorer_opts *o, const char *p)
{
    char full[PATH_MAX], base[PATH_MAX];
    if (!p)
        return json_null();
    if (!realpath(p, full))
        return text(p);
    if (o->base && realpath(o->base, base)) {
        size_t n = strlen(base);
        if (strncmp(full, base, n) == 0 && full[n] == '/')
            return text(full + n + 1);
    }
    return text(full);
}

static json_t *columns(const struct columns *c)
{
    json_t *names = json_array(), *segments = json_array(), *j = json_object();
    for (int i = 0; i < c->n; i++)
        json_array_append_new(names, json_string(c->name[i]));
    for (int s = 0; s < c->segments; s++) {
        json_t *types = json_array();
        for (int i = 0; i < c->n; i++)
            json_array_append_new(types, json_string(column_type_word(c->type[s * c->n + i])));
        json_array_append_new(
            segments, json_pack("{s:I,s:o}", "rows", (json_int_t)c->rows[s], "types", types));
    }
    json_object_set_new(j, "columns", names);
    json_object_set_new(j, "segments", segments);
    return j;
}

static json_t *tables(const struct explorer_data *d)
{
    json_t *all = json_array();
    for (int i = 0; i < d->tables; i++) {
        json_t *t = columns(&d->table[i].columns);
        json_object_set_new(t, "file", path(d->opts, d->table[i].path));
        json_array_append_new(all, t);
    }
    return all;
}

static json_t *images(const struct explorer_data *d)
{
    const struct blocks *b = &d->blocks;
    if (!b->data)
        return json_null();
    return json_pack("{s:i,s:i,s:i,s:i,s:s}", "h", blocks_h(b), "w", blocks_w(b), "shrink",
                     b->shrink, "across", b->across, "ending", blocks_ending(b));
}

static json_t *maps(const struct explorer_data *d)
{
    const struct blocks *b = &d->blocks;
    if (!b->maps)
        return json_null();
    const int64_t *n = npy_item(b->maps)->shape;
    json_t *words = json_null();
    if (d->opts->cams) {
        words = json_array();
        char *list = mem_dup(d->opts->planes), *save, *w = strtok_r(list, ",", &save);
        for (; w; w = strtok_r(NULL, ",", &save))
            json_array_append_new(words, text(w));
        free(list);
    }
    /* Where the cells of a margin map do not add up. */
    const struct about *about = &d->known->about;
    json_t *earlier = about_earlier(about) ? text(about_value(about, "layer")) : json_null();
    return json_pack("{s:i,s:i,s:i,s:o,s:o}", "planes", (int)n[0], "h", (int)n[1], "w", (int)n[2],
                     "words", words, "earlier", earlier);
}

static json_t *class_names(const struct explorer_data *d)
{
    json_t *names = json_array(), *groups = json_array(), *group_names = json_array();
    const struct names *n = d->names;
    for (int c = 0; c < n->classes; c++) {
        json_array_append_new(names, n->name[c] ? text(n->name[c]) : json_null());
        json_array_append_new(groups, json_integer(n->superclass ? n->superclass[c] : -1));
    }
    for (int g = 0; g < n->superclasses; g++)
        json_array_append_new(group_names,
                              n->superclass_name[g] ? text(n->superclass_name[g]) : json_null());
    return json_pack("{s:o,s:o,s:o}", "names", names, "group", groups, "groups", group_names);
}

static json_t *cluster(const struct explorer_data *d)
{
    int classes = d->names->classes;
    int *order = mem_alloc((size_t)classes + 1, sizeof *order);
    json_t *j = json_array();
    cluster_classes(&d->known->tables.pairs, classes, order);
    for (int i = 0; i < classes; i++)
        json_array_append_new(j, json_integer(order[i]));
    free(order);
    return j;
}

static json_t *color(const uint8_t *table, int entries)
{
    char hex[6 * COLOR_ENTRIES_SIGNED + 1];
    for (int i = 0; i < 3 * entries; i++)
        snprintf(hex + 2 * i, 3, "%02x", table[i]);
    return json_string(hex);
}

/* The tables that sheets are drawn by, as digits. */
static json_t *colors(void)
{
    json_t *j = json_object();
    char *words = mem_dup(COLOR_WORDS), *save, *w = strtok_r(words, "|", &save);
    for (int c = 0; w; c++, w = strtok_r(NULL, "|", &save))
        json_object_set_new(j, w, color(color_table((enum color_map)c), COLOR_ENTRIES));
    json_object_set_new(j, "signed", color(color_table_signed(), COLOR_ENTRIES_SIGNED));
    free(words);
    return j;
}

/* The options of commands that read the images. */
static json_t *size(const struct explorer_opts *o)
{
    char words[GEOMETRY_WORDS];
    return geometry_any(&o->size) ? json_string(geometry_words(&o->size, words)) : json_null();
}

char *explorer_index(const struct explorer_data *d)
{
    const struct explorer_opts *o = d->opts;
    const char *score = about_value(&d->known->about, "score");
    json_t *j = json_object();
    json_object_set_new(j, "stamp", json_string(d->stamp));
    json_object_set_new(j, "single", json_boolean(o->single));
    json_object_set_new(j, "rows", json_integer((json_int_t)d->placing.n));
    json_object_set_new(j, "labelled", json_boolean(d->placing.labelled > 0));
    json_object_set_new(j, "tables", tables(d));
    json_object_set_new(j, "per", json_integer(d->blocks.per));
    json_object_set_new(j, "images", images(d));
    json_object_set_new(j, "maps", maps(d));
    json_object_set_new(j, "score", score ? text(score) : json_null());
    json_object_set_new(j, "classes", class_names(d));
    json_object_set_new(j, "cluster", cluster(d));
    json_object_set_new(j, "bands",
                        json_pack("[f,f,f]", BAND_LOW_MAX, BAND_MODERATE_MAX, BAND_HIGH_MAX));
    json_object_set_new(j, "colors", colors());
    json_object_set_new(j, "cmap", json_integer(o->cmap));
    json_object_set_new(j, "paths",
                        json_pack("{s:o,s:o,s:o,s:o,s:o}", "data", path(o, o->data), "names",
                                  path(o, o->names), "maps",
                                  path(o, o->class_maps ? o->class_maps : o->cams), "ids",
                                  path(o, o->ids), "size", size(o)));
    char *ascii = json_dumps(j, JSON_COMPACT | JSON_ENSURE_ASCII);
    json_decref(j);
    if (!ascii)
        return mem_dup("{}");
    size_t open = 0, n = strlen(ascii);
    for (size_t i = 0; i < n; i++)
        open += ascii[i] == '<';
    char *out = mem_alloc(n + 5 * open + 1, 1), *q = out;
    for (size_t i = 0; i < n; i++) {
        if (ascii[i] == '<') {
            memcpy(q, "\\u003c", 6);
            q += 6;
        } else {
            *q++ = ascii[i];
        }
    }
    *q = '\0';
    free(ascii);
    return out;
}
