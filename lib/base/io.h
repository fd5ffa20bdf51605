/* Bytes in and out. An output file appears under its name only when complete. */
#ifndef HP_IO_H
#define HP_IO_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A buffered reader of a file or, for "-", of standard input. Waiting for bytes fails with
 * e->closed, as a write would, once nobody reads standard output any more: where that is open as an
 * output and a pipe. */
struct in;

int in_open(struct in **in, const char *path, struct err *e) ERR_CHECKED;
void in_close(struct in *in);

/* Gives back the descriptor and the memory of a regular file that is read on later, by one thread
 * at a time, the last `again` bytes once more. False, and nothing changes, for other inputs. */
bool in_park(struct in *in, size_t again);

/* The name for messages: the path, or "standard input". */
const char *in_name(const struct in *in);
const char *io_name(const char *path);

/* Reads up to n bytes; fewer only at the end of the input. Returns the count
 * or -1. */
int64_t in_read(struct in *in, void *buf, size_t n, struct err *e) ERR_CHECKED;

/* One read(2)'s worth at most: what is there now. 0 at the end, -1 on error. */
int64_t in_some(struct in *in, void *buf, size_t n, struct err *e) ERR_CHECKED;

/* Makes the next n bytes (n <= 65536) visible without taking them. Returns how
 * many there are (fewer only at the end), or -1. */
int64_t in_peek(struct in *in, const unsigned char **p, size_t n, struct err *e) ERR_CHECKED;

/* Ends the waiting for bytes from pipes and terminals, of all threads and from now on: reading
 * them fails. For a program that has failed elsewhere. */
void in_cancel_all(void);

/* Size in bytes where the input is a regular file, else -1. */
int64_t in_size(const struct in *in);

/* Reads exactly n bytes at `offset` of a regular file, past the buffer. */
int in_at(struct in *in, void *buf, size_t n, int64_t offset, struct err *e) ERR_CHECKED;

/* A whole file in memory, at most `limit` bytes. Caller frees. */
int io_slurp(const char *path, size_t limit, unsigned char **buf, size_t *n, struct err *e)
    ERR_CHECKED;

/* A buffered output: "-" is standard output; a path that is no regular file is
 * written directly; any other is written under a temporary name in its folder
 * and renamed by out_close. While an output is open, another one to the same regular
 * file, under whatever name, is refused; so is standard output twice. */
struct out;

int out_open(struct out **out, const char *path, struct err *e) ERR_CHECKED;
const char *out_name(const struct out *out);
int out_write(struct out *out, const void *buf, size_t n, struct err *e) ERR_CHECKED;
int out_printf(struct out *out, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4))) ERR_CHECKED;
int out_flush(struct out *out, struct err *e) ERR_CHECKED;

/* Whether bytes already written can be replaced (a regular file, not opened for
 * appending), and replacing them: `offset` counts from where this output began. */
int out_patchable(const struct out *out);
int out_patch(struct out *out, const void *buf, size_t n, int64_t offset, struct err *e)
    ERR_CHECKED;

/* Flushes, renames, frees; on failure nothing is left and -1 is returned. */
int out_close(struct out *out, struct err *e) ERR_CHECKED;

/* The same of n outputs, of which some may be NULL: none is renamed before all are
 * complete. Where a name cannot be given, those given before are removed. */
int out_close_all(struct out *const *out, int n, struct err *e) ERR_CHECKED;

/* Lets standard descriptor `fd` stand for nothing: reading or writing there fails with
 * EBADF, and no file that is opened later gets its number. 0, or -1 and errno. */
int io_occupy(int fd) ERR_CHECKED;

/* Whether a path names what is neither a file nor a folder: a pipe, a device. */
bool io_is_stream(const char *path);

/* Whether two paths name the same regular file, or the same file yet to be made.
 * "-" and NULL name none. */
bool io_same_file(const char *a, const char *b);

/* Drops the output: its temporary file is removed. */
void out_abort(struct out *out);

/* Names a folder that is not finished, which out_abort_all removes with the files in it; NULL:
 * it is finished, or gone. There is one at a time. -1 and errno where it cannot be opened. */
int out_folder(const char *path) ERR_CHECKED;

/* Says that this folder was renamed. */
void out_folder_renamed(const char *path);

/* Removes the temporary files of all open outputs, for a program that ends: none can be
 * opened from then on. Safe in a signal handler. */
void out_abort_all(void);

#endif
