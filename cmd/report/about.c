#include "about.h"

#include "rows.h"
#include "words.h"

#include "base/mem.h"
#include "base/text.h"
#include "stream/tsv.h"

#include <stdlib.h>
#include <string.h>

enum { LABEL_WIDTH = 26 };

static const char *const label[][2] = {
    {"checkpoint", "Checkpoint"},
    {"checkpoint_bytes", "Checkpoint size (bytes)"},
    {"checkpoint_sha256", "Checkpoint SHA-256"},
    {"architecture", "Inferred architecture"},
    {"assumptions", "Assumptions"},
    {"data", "Data"},
    {"images", "Images"},
    {"classes", "Classes"},
    {"mean", "Pixel mean"},
    {"std", "Pixel deviation"},
    {"constants_from", "Pixel constants from"},
    {"layer", "Layer of the maps"},
    {"method", "Method"},
    {"score", "Score"},
    {"map_size", "Cells of a map"},
    {"finer_layer", "Finer layer"},
    {"fit", "Fit to the batch norms"},
    {"precision", "Precision"},
    {"device", "Device"},
    {"version", "heatpipe version"},
    {"date", "Date (UTC)"},
};

const char *about_label(const char *name)
{
    for (size_t i = 0; i < sizeof label / sizeof *label; i++)
        if (strcmp(label[i][0], name) == 0)
            return label[i][1];
    return name;
}

static char *field(const struct tsv_in *t, int col)
{
    char *raw = tsv_string(t, col), *clean = text_clean(raw, '?');
    free(raw);
    return clean;
}

static void read_facts(struct about *a, const char *run)
{
    struct tsv_in *t = rows_open(run);
    int name = rows_need(t, "name"), value = rows_need(t, "value");
    while (rows_next(t)) {
        if (tsv_is_na(t, value))
            continue;
        a->fact = mem_grow(a->fact, (size_t)a->facts + 1, sizeof *a->fact);
        a->fact[a->facts++] = (struct fact){field(t, name), field(t, value)};
    }
    tsv_close(t);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void read_files(struct about *a, const char *files)
{
    struct tsv_in *t = rows_open(files);
    int file = rows_need(t, "file"), room = 0;
    while (rows_next(t)) {
        if (a->files == room) {
            room = 2 * room + 64;
            a->file = mem_grow(a->file, (size_t)room, sizeof *a->file);
        }
        a->file[a->files++] = field(t, file);
    }
    tsv_close(t);
    if (a->files > 1)
        qsort(a->file, (size_t)a->files, sizeof *a->file, by_name);
}

void about_read(struct about *a, const char *run, const char *files)
{
    *a = (struct about){0};
    if (run)
        read_facts(a, run);
    if (files)
        read_files(a, files);
}

void about_free(struct about *a)
{
    for (int i = 0; i < a->facts; i++) {
        free(a->fact[i].name);
        free(a->fact[i].value);
    }
    for (int i = 0; i < a->files; i++)
        free(a->file[i]);
    free(a->fact);
    free(a->file);
}

const char *about_value(const struct about *a, const char *name)
{
    for (int i = 0; i < a->facts; i++)
        if (strcmp(a->fact[i].name, name) == 0)
            return a->fact[i].value;
    return NULL;
}

bool about_has(const struct about *a, const char *file)
{
    return a->files > 0 && bsearch(&file, a->file, (size_t)a->files, sizeof *a->file, by_name);
}

int about_count(const struct about *a, const char *begin, const char **first)
{
    int n = 0;
    for (int i = 0; i < a->files; i++)
        if (strncmp(a->file[i], begin, strlen(begin)) == 0 && n++ == 0)
            *first = a->file[i];
    return n;
}

void about_write_warnings(const struct about *a)
{
    for (int i = 0; i < a->facts; i++) {
        if (strcmp(a->fact[i].name, "warning") != 0)
            continue;
        words_gap();
        words_para(0, "", "Warning: %s", a->fact[i].value);
    }
}

void about_write(const struct about *a)
{
    bool begun = false;
    for (int i = 0; i < a->facts; i++) {
        const char *name = a->fact[i].name;
        if (strcmp(name, "warning") == 0)
            continue;
        if (!begun)
            words_section("About this run");
        begun = true;
        const char *said = about_label(name);
        words_line("%s%*s%s", said, words_pad(said, LABEL_WIDTH), "", a->fact[i].value);
    }
}
