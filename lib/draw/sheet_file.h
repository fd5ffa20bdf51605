/* Names of the files that sheets go to: drawing one and linking to it agree. */
#ifndef HP_SHEET_FILE_H
#define HP_SHEET_FILE_H

/* "class_042_leopard.png" and "confused_pair_1_leopard_to_tiger.png".
 * Capitals become small letters; what is not in [a-z0-9_-] becomes '_'; long names
 * are cut. Caller frees. */
char *sheet_class_file(int cls, const char *name);
char *sheet_pair_file(int number, const char *from, const char *to);

/* The file of page `page`, from 1, of a sheet whose first is `file`: "x.png", "x_p2.png".
 * Caller frees. */
char *sheet_page_file(const char *file, int page);

#endif
