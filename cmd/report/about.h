/* Where a run comes from: the table that cifar-predict and cam-compute write with --run, of
 * the columns name and value; and the files that the run writes. */
#ifndef HP_REPORT_ABOUT_H
#define HP_REPORT_ABOUT_H

#include "rows/file_list.h"

#include <stdbool.h>

struct fact {
    char *name, *value; /* the value as text_clean gives it */
};

struct about {
    int facts;
    struct fact *fact; /* [facts] as they stand in the table, without NA */
    struct file_list files;
};

/* NULL stands for no file. What is wrong with one ends the program. */
void about_read(struct about *a, const char *run, const char *files);
void about_free(struct about *a);

/* The value of a fact, NULL where it is not known. */
const char *about_value(const struct about *a, const char *name);

/* Whether the maps are of a layer before the last stage, as far as it is known. */
bool about_earlier(const struct about *a);

/* Whether the network is a program, of which nothing was inferred, as far as it is known. */
bool about_program(const struct about *a);

/* The border share of an even map, 0 where the grid of the maps is not known. */
double about_even_border(const struct about *a);

/* The options with which the checkpoint fits the images clearly better, or NULL: then the run
 * says little of the model. */
const char *about_better(const struct about *a);

/* What is to be read before all else, and where the run comes from: sections of a text. */
void about_write_warnings(const struct about *a);
void about_write(const struct about *a);

/* What a reader calls a fact; its own name where there is no other. */
const char *about_label(const char *name);

/* What its value means, or NULL where that is plain. */
const char *about_note(const char *name);

#endif
