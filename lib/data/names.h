/* Names of classes and superclasses. */
#ifndef HP_NAMES_H
#define HP_NAMES_H

#include "base/err.h"
#include "base/io.h"
#include "data/inputs.h"

#include <stddef.h>

struct names {
    int classes;
    int superclasses;       /* 0 where there are none */
    char **name;            /* [classes], an entry may be NULL (unknown) */
    int *superclass;        /* [classes], -1 where unknown */
    char **superclass_name; /* [superclasses], an entry may be NULL */
};

/* The one rule for names of classes and superclasses, wherever they come from: 1 to
 * NAMES_BYTES bytes of text in UTF-8, in which tabs and line feeds are the only control
 * characters. NULL, or what was found instead, for a message. */
enum { NAMES_BYTES = 1 << 16 };
const char *names_fault(const char *p, size_t n);

/* All names of a table may have NAMES_ALL_BYTES together, which is what they take in memory. */
enum { NAMES_ALL_BYTES = 1 << 26 };

/* Classes and superclasses of which nothing is known. */
struct names *names_new(int classes, int superclasses);

/* From a table with the columns `class name group group_name`, a text file with
 * one class name a line, or a data set (file or folder; then the superclass of
 * each class is learned from its labels). `inputs`, which may be NULL, gets the files
 * that are read. */
int names_load(struct names **n, const char *path, struct inputs *inputs, struct err *e)
    ERR_CHECKED;
void names_free(struct names *n);

/* "NA" where unknown or out of range. A superclass without a name is its number. */
const char *names_class(const struct names *n, int cls);
const char *names_superclass(const struct names *n, int cls, char buf[16]);

/* As the table that names_load reads. */
int names_write(const struct names *n, struct out *o, struct err *e) ERR_CHECKED;

#endif
