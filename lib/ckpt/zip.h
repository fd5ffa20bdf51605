/* Zip archives in memory, as torch.save writes them and as zip(1) packs them
 * again: stored or deflated records, zip64. PKWARE's APPNOTE.TXT, 6.3. */
#ifndef HP_ZIP_H
#define HP_ZIP_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct zip_record {
    const unsigned char *name; /* not terminated */
    size_t name_n;
    const unsigned char *packed;
    uint64_t packed_n, n; /* bytes as they stand, and unpacked */
    uint32_t crc;
    int method;
    bool checked;
    const unsigned char *bytes; /* once checked */
    unsigned char *unpacked;    /* the same where they had to be unpacked */
};

struct zip {
    const char *file; /* for messages; the caller's */
    struct zip_record *record;
    size_t records;
    bool unsummed;                   /* written without check sums */
    uint64_t unpacked, unpacked_max; /* bytes that were, and may be, unpacked in all */
    uint64_t record_max;             /* the same of a record */
};

/* Reads the directory of the archive p[n], which must outlive it. */
int zip_open(struct zip *z, const unsigned char *p, size_t n, const char *file, struct err *e);
void zip_close(struct zip *z);

/* The record of a name, or NULL. */
struct zip_record *zip_find(const struct zip *z, const char *name);

/* Checks a record's sum; its `bytes` are then there. */
int zip_read(struct zip *z, struct zip_record *r, struct err *e);

/* Frees the bytes of a record that had to be unpacked. */
void zip_forget(struct zip_record *r);

#endif
