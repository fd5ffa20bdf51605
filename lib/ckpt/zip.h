/* Zip archives in memory, as torch.save writes them and as zip(1) packs them
 * again: stored or deflated records, zip64. PKWARE's APPNOTE.TXT, 6.3. */
#ifndef HP_ZIP_H
#define HP_ZIP_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Limits of a reader; an archive beyond them is refused. */
enum {
    ZIP_RECORDS = 1 << 17,
    ZIP_UNPACKED = 16 << 20 /* bytes unpacked at a time beyond those of the file */
};

struct zip_record {
    const unsigned char *name; /* printable, not terminated */
    size_t name_n;
    const unsigned char *local; /* the record with its own header */
    const unsigned char *packed;
    uint64_t packed_n; /* bytes as they stand */
    uint64_t n;        /* bytes unpacked */
    uint32_t crc;
    int method;
    bool checked;
    bool damaged;               /* the last zip_read failed */
    const unsigned char *bytes; /* once checked */
    unsigned char *unpacked;    /* the same where they had to be unpacked */
};

struct zip {
    const char *file; /* for messages; the caller's */
    struct zip_record *record;
    size_t records;
    bool unsummed;         /* written without checksums */
    uint64_t unpacked;     /* bytes that are unpacked */
    uint64_t unpacked_max; /* bytes that may be */
    uint64_t inflated;     /* bytes unpacked in a pass; a caller that begins another sets it to 0 */
    uint64_t inflated_max; /* bytes that may be in a pass */
};

/* Reads the directory of the archive p[n], which must outlive it. Records that share
 * a name or bytes, or whose own headers say other than the directory, are errors. */
int zip_open(struct zip *z, const unsigned char *p, size_t n, const char *file, struct err *e)
    ERR_CHECKED;
void zip_close(struct zip *z);

/* The record of a name, or NULL. */
struct zip_record *zip_find(const struct zip *z, const char *name);

/* Whether a record is one of this archive. */
bool zip_has(const struct zip *z, const struct zip_record *r);

/* Checks the CRC-32 of a record; its `bytes` are then there. */
int zip_read(struct zip *z, struct zip_record *r, struct err *e) ERR_CHECKED;

/* Frees what a record was unpacked into; zip_read brings it back. */
void zip_drop(struct zip *z, struct zip_record *r);

#endif
