/* The pieces of a page that is too large for one file: data that it loads when they are looked
 * at. A page that is opened from a disk may not read other files, but it may run scripts and
 * show pictures; so a piece is a script of one call,
 *
 *     heatpipePiece("NAME", "STAMP", bytes, "gzip in characters of 15 bits");
 *
 * in UTF-16, or a picture, NAME.png or NAME.jpg, beside the page in a folder of its own. A page
 * that is to be one file holds them itself, as base64. All functions but those that open, publish
 * and drop are thread-safe. */
#ifndef HP_PIECES_STORE_H
#define HP_PIECES_STORE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct store;

/* A folder that appears under its name when it is published, in the place of one that was
 * there. What is there and was not made here is an error. `stamp` tells pieces of different
 * runs apart. */
int store_folder(struct store **s, const char *folder, const char *stamp, struct err *e)
    ERR_CHECKED;

/* Pieces that are kept in memory, for a page that holds them. */
struct store *store_memory(void);

/* What bytes are like: rows of a table, in which deflate finds repetitions, or values that only
 * differ in how often they occur. */
enum store_kind { STORE_TABLE, STORE_VALUES };

int store_piece(struct store *s, const char *name, enum store_kind kind, const void *p, size_t n,
                struct err *e) ERR_CHECKED;
/* `ending`: of the file's name, as in NAME.png. */
int store_picture(struct store *s, const char *name, const char *ending, const void *p, size_t n,
                  struct err *e) ERR_CHECKED;

/* Bytes of all pieces, as they are written. */
size_t store_bytes(const struct store *s);

/* Calls `each` with every piece in memory, in the order of their names: `text` is base64. */
void store_each(const struct store *s, void *self,
                void (*each)(void *self, const char *name, const char *text, size_t n));

/* Takes a piece out of memory again; nothing where there is none. In a folder one that is written
 * again replaces it. */
void store_forget(struct store *s, const char *name);

/* A program that ends with an error before store_drop takes the folder with it. */
int store_publish(struct store *s, struct err *e) ERR_CHECKED;

/* Frees; a folder that was not published is removed. */
void store_drop(struct store *s);

#endif
