#include "about.h"

#include "words.h"

#include "base/mem.h"
#include "base/prog.h"
#include "base/text.h"
#include "cam/about.h"
#include "cam/cam.h"
#include "model/model.h"
#include "stream/run.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LABEL_WIDTH = 29 };

static const char *const label[][3] = {
    {"checkpoint", "Checkpoint"},
    {"checkpoint_bytes", "Checkpoint size (bytes)"},
    {"checkpoint_sha256", "Checkpoint SHA-256"},
    {"renamed", "Keys renamed by"},
    {"architecture", "Architecture"},
    {"assumptions", "Assumptions"},
    {"proof", "Why this network"},
    {"data", "Data"},
    {"images", "Images"},
    {"image_options", "Resized and cropped as by"},
    {"classes", "Classes"},
    {"mean", "Pixel mean"},
    {"std", "Pixel std"},
    {"constants_from", "Mean and std from"},
    {"views", "Views"},
    {"better_fit", "Better fit with"},
    {"layer", "Layer of the maps"},
    {"method", "Method"},
    {"score", "Score"},
    {"map_size", "Cells of a map"},
    {"finer_layer", "Finer layer"},
    {"last_stage_size", "Cells of the last stage"},
    {"network_end", "End of the network"},
    {"trustworthiness", "Trustworthiness of the plane",
     "1: images that lie together on the explorer's scatter have similar embeddings; 0.5: chance"},
    {"fit", "Fit of BatchNorm statistics"},
    {"temperature", "Temperature"},
    {"precision", "Precision"},
    {"device", "Device"},
    {"version", "heatpipe version"},
    {"date", "Date (UTC)"},
};

static const char *const *label_of(const char *name)
{
    for (size_t i = 0; i < sizeof label / sizeof *label; i++)
        if (strcmp(label[i][0], name) == 0)
            return label[i];
    return NULL;
}

const char *about_label(const char *name)
{
    const char *const *l = label_of(name);
    return l ? l[1] : name;
}

const char *about_note(const char *name)
{
    const char *const *l = label_of(name);
    return l ? l[2] : NULL;
}

static char *clean(const char *s)
{
    return text_clean(s, '?');
}

static void read_facts(struct about *a, const char *file)
{
    struct run run = {.row = NULL};
    struct err e;
    if (run_read(&run, file, &e) != 0)
        prog_fail(&e);
    a->fact = mem_alloc((size_t)run.rows + 1, sizeof *a->fact);
    for (int i = 0; i < run.rows; i++)
        if (run.row[i].value)
            a->fact[a->facts++] = (struct fact){clean(run.row[i].name), clean(run.row[i].value)};
    run_free(&run);
}

void about_read(struct about *a, const char *run, const char *files)
{
    struct err e;
    *a = (struct about){0};
    if (run)
        read_facts(a, run);
    if (files && file_list_read(&a->files, files, &e) != 0)
        prog_fail(&e);
}

void about_free(struct about *a)
{
    for (int i = 0; i < a->facts; i++) {
        free(a->fact[i].name);
        free(a->fact[i].value);
    }
    free(a->fact);
    file_list_free(&a->files);
}

const char *about_value(const struct about *a, const char *name)
{
    for (int i = 0; i < a->facts; i++)
        if (strcmp(a->fact[i].name, name) == 0)
            return a->fact[i].value;
    return NULL;
}

bool about_earlier(const struct about *a)
{
    const char *layer = about_value(a, "layer");
    return layer && strcmp(layer, ABOUT_LAST) != 0;
}

bool about_program(const struct about *a)
{
    const char *network = about_value(a, "architecture");
    return network && strncmp(network, MODEL_PROGRAM, strlen(MODEL_PROGRAM)) == 0;
}

double about_even_border(const struct about *a)
{
    const char *grid = about_value(a, "map_size");
    int h, w;
    return grid && sscanf(grid, "%dx%d", &h, &w) == 2 && h >= 2 && w >= 2 ? cam_even_border(h, w)
                                                                          : 0;
}

const char *about_better(const struct about *a)
{
    return about_value(a, "better_fit");
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
        const char *said = about_label(name), *note = about_note(name);
        words_line("%s%*s%s%s%s%s", said, words_pad(said, LABEL_WIDTH), "", a->fact[i].value,
                   note ? " (" : "", note ? note : "", note ? ")" : "");
    }
}
