/* Columns that tables about classes share. */
#ifndef HP_PUT_H
#define HP_PUT_H

#include "data/names.h"
#include "stream/tsv.h"

/* A class, superclass or other number; NA for one below 0. */
void put_class(struct tsv_out *t, int cls);

/* The name of a class; NA where it has none. */
void put_class_name(struct tsv_out *t, const struct names *names, int cls);

/* The name of a superclass, or its number where it has none; NA for one below 0. */
void put_superclass_name(struct tsv_out *t, const struct names *names, int superclass);

#endif
