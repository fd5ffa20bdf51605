#include "ckpt/zip.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    LOCAL_SIGN = 0x04034b50,
    CENTRAL_SIGN = 0x02014b50,
    END_SIGN = 0x06054b50,
    END64_SIGN = 0x06064b50,
    LOCATOR_SIGN = 0x07064b50,
    LOCAL_BYTES = 30,
    CENTRAL_BYTES = 46,
    END_BYTES = 22,
    END64_BYTES = 56,
    LOCATOR_BYTES = 20,
    COMMENT_MAX = 65535,
    EXTRA_ZIP64 = 1,
    METHOD_STORED = 0,
    METHOD_DEFLATED = 8,
    FLAG_ENCRYPTED = 1,
    FLAG_DESCRIPTOR = 8, /* sum and sizes stand behind the record */
    NAME_SHOWN = 100
};

static const uint32_t in_zip64 = 0xffffffff;

static uint32_t get2(const unsigned char *p)
{
    return p[0] | (uint32_t)p[1] << 8;
}

static uint32_t get4(const unsigned char *p)
{
    return get2(p) | get2(p + 2) << 16;
}

static uint64_t get8(const unsigned char *p)
{
    return get4(p) | (uint64_t)get4(p + 4) << 32;
}

struct archive {
    const unsigned char *p;
    size_t n;
};

static const unsigned char *find_end(const struct archive *a)
{
    if (a->n < END_BYTES)
        return NULL;
    size_t last = a->n - END_BYTES, first = last > COMMENT_MAX ? last - COMMENT_MAX : 0;
    for (size_t at = last + 1; at > first; at--) {
        const unsigned char *p = a->p + at - 1;
        if (get4(p) == END_SIGN && get2(p + 20) == a->n - END_BYTES - (at - 1))
            return p;
    }
    return NULL;
}

/* Where the directory stands: offset, bytes and number of records. */
struct directory {
    uint64_t offset, n, records;
};

static int damaged(const struct zip *z, const char *what, struct err *e)
{
    return err_set(e, "%s: expected %s, found other bytes: the file is damaged", z->file, what);
}

static int find_directory(struct zip *z, const struct archive *a, struct directory *d,
                          struct err *e)
{
    const unsigned char *end = find_end(a);
    if (!end)
        return err_set(e,
                       "%s: expected the directory of a zip archive at the end, found none: the "
                       "file is incomplete",
                       z->file);
    *d = (struct directory){get4(end + 16), get4(end + 12), get2(end + 10)};
    size_t at = (size_t)(end - a->p);
    const unsigned char *locator = at >= LOCATOR_BYTES ? end - LOCATOR_BYTES : NULL;
    if (locator && get4(locator) == LOCATOR_SIGN) {
        uint64_t end64 = get8(locator + 8);
        if (end64 > at - LOCATOR_BYTES || at - LOCATOR_BYTES - end64 < END64_BYTES ||
            get4(a->p + end64) != END64_SIGN)
            return damaged(z, "the end of a zip64 directory", e);
        const unsigned char *p = a->p + end64;
        *d = (struct directory){get8(p + 48), get8(p + 40), get8(p + 32)};
    }
    if (d->offset > at || d->n > at - d->offset || d->records > d->n / CENTRAL_BYTES)
        return damaged(z, "a zip directory within the file", e);
    if (d->records > ZIP_RECORDS)
        return err_set(e, "%s: expected at most %d records, found %llu", z->file, ZIP_RECORDS,
                       (unsigned long long)d->records);
    return 0;
}

/* Sizes and offset that a header leaves to the zip64 extra field. */
static bool read_zip64(const unsigned char *extra, size_t n, uint64_t *value[], size_t values)
{
    while (n >= 4) {
        size_t id = get2(extra), bytes = get2(extra + 2);
        if (bytes > n - 4)
            return false;
        if (id == EXTRA_ZIP64) {
            const unsigned char *p = extra + 4;
            for (size_t i = 0; i < values; i++) {
                if (*value[i] != in_zip64)
                    continue;
                if (bytes < 8)
                    return false;
                *value[i] = get8(p);
                p += 8;
                bytes -= 8;
            }
            return true;
        }
        extra += 4 + bytes;
        n -= 4 + bytes;
    }
    return true;
}

static int shown(const struct zip_record *r)
{
    return r->name_n > NAME_SHOWN ? NAME_SHOWN : (int)r->name_n;
}

/* Names are shown to people, and others than heatpipe make files of them. */
static int check_name(const struct zip *z, const struct zip_record *r, struct err *e)
{
    size_t part = 0; /* start of the folder's or file's name at i */
    for (size_t i = 0; i < r->name_n; i++)
        if (r->name[i] < ' ' || r->name[i] == 0x7f)
            return err_set(e, "%s: expected records with printable names, found another", z->file);
    for (size_t i = 0; i <= r->name_n; i++) {
        if (i < r->name_n && r->name[i] != '/')
            continue;
        bool root = i == 0 && i < r->name_n;
        if (root || (i - part == 2 && memcmp(r->name + part, "..", 2) == 0))
            return err_set(e, "%s: expected records within the archive's folder, found %.*s",
                           z->file, shown(r), (const char *)r->name);
        part = i + 1;
    }
    return 0;
}

/* Whether a record's own header agrees with the directory's entry. */
static bool same_header(const struct zip_record *r, const unsigned char *entry)
{
    const unsigned char *local = r->local;
    if (get2(local + 8) != get2(entry + 10) || get2(local + 26) != r->name_n ||
        memcmp(local + LOCAL_BYTES, r->name, r->name_n) != 0)
        return false;
    if (get2(local + 6) & FLAG_DESCRIPTOR)
        return true;
    uint64_t packed_n = get4(local + 18), n = get4(local + 22);
    uint64_t *large[] = {&n, &packed_n};
    return get4(local + 14) == r->crc &&
           read_zip64(local + LOCAL_BYTES + r->name_n, get2(local + 28), large, 2) &&
           packed_n == r->packed_n && n == r->n;
}

/* One entry of the directory, p[n] long at most; *used bytes of it. Records lie before
 * the offset `end`. */
static int read_entry(struct zip *z, const struct archive *a, const unsigned char *p, size_t n,
                      uint64_t end, size_t *used, struct err *e)
{
    static const char entry[] = "an entry of a zip directory";
    if (n < CENTRAL_BYTES || get4(p) != CENTRAL_SIGN)
        return damaged(z, entry, e);
    size_t name_n = get2(p + 28), extra_n = get2(p + 30), comment_n = get2(p + 32);
    *used = CENTRAL_BYTES + name_n + extra_n + comment_n;
    if (*used > n)
        return damaged(z, entry, e);
    struct zip_record *r = &z->record[z->records];
    *r = (struct zip_record){
        .name = p + CENTRAL_BYTES,
        .name_n = name_n,
        .packed_n = get4(p + 20),
        .n = get4(p + 24),
        .crc = get4(p + 16),
        .method = (int)get2(p + 10),
    };
    uint64_t offset = get4(p + 42);
    uint64_t *large[] = {&r->n, &r->packed_n, &offset};
    if (!read_zip64(p + CENTRAL_BYTES + name_n, extra_n, large, 3))
        return damaged(z, entry, e);
    if (get2(p + 8) & FLAG_ENCRYPTED)
        return err_set(e, "%s: expected a plain zip archive, found an encrypted one", z->file);
    if (check_name(z, r, e) != 0)
        return -1;
    if (offset > end || end - offset < LOCAL_BYTES || get4(a->p + offset) != LOCAL_SIGN)
        return damaged(z, "the start of a zip record", e);
    r->local = a->p + offset;
    uint64_t head = LOCAL_BYTES + (uint64_t)get2(r->local + 26) + get2(r->local + 28);
    if (head > end - offset || !same_header(r, p))
        return damaged(z, "a zip record as its directory has it", e);
    if (r->packed_n > end - offset - head)
        return damaged(z, "a zip record within the file", e);
    r->packed = r->local + head;
    z->records++;
    return 0;
}

static int compare(const void *a, const void *b)
{
    const struct zip_record *x = a, *y = b;
    int c = memcmp(x->name, y->name, x->name_n < y->name_n ? x->name_n : y->name_n);
    return c ? c : (x->name_n > y->name_n) - (x->name_n < y->name_n);
}

static int compare_places(const void *a, const void *b)
{
    const struct zip_record *x = a, *y = b;
    return (x->local > y->local) - (x->local < y->local);
}

static int read_directory(struct zip *z, const struct archive *a, struct err *e)
{
    struct directory d;
    if (find_directory(z, a, &d, e) != 0)
        return -1;
    z->record = mem_alloc((size_t)d.records, sizeof *z->record);
    z->unsummed = true;
    const unsigned char *p = a->p + d.offset;
    for (uint64_t i = 0; i < d.records; i++) {
        size_t used;
        if (read_entry(z, a, p, (size_t)d.n, d.offset, &used, e) != 0)
            return -1;
        z->unsummed = z->unsummed && z->record[i].crc == 0;
        p += used;
        d.n -= used;
    }
    /* Bytes that are shared could be unpacked to any size. */
    qsort(z->record, z->records, sizeof *z->record, compare_places);
    for (size_t i = 1; i < z->records; i++)
        if (z->record[i].local < z->record[i - 1].packed + z->record[i - 1].packed_n)
            return damaged(z, "zip records beside each other", e);
    qsort(z->record, z->records, sizeof *z->record, compare);
    for (size_t i = 1; i < z->records; i++)
        if (compare(&z->record[i - 1], &z->record[i]) == 0)
            return damaged(z, "each zip record once", e);
    return 0;
}

int zip_open(struct zip *z, const unsigned char *p, size_t n, const char *file, struct err *e)
{
    const uint64_t ratio = 16, least = 256 << 20;
    struct archive a = {p, n};
    /* Weights hardly shrink; what grows more than this is made to fill memory, or to
     * take time. */
    *z = (struct zip){.file = file,
                      .unpacked_max = (uint64_t)n + ZIP_UNPACKED,
                      .inflated_max = ratio * n + least};
    if (read_directory(z, &a, e) == 0)
        return 0;
    zip_close(z);
    return -1;
}

void zip_close(struct zip *z)
{
    for (size_t i = 0; i < z->records; i++)
        free(z->record[i].unpacked);
    free(z->record);
    *z = (struct zip){0};
}

struct zip_record *zip_find(const struct zip *z, const char *name)
{
    struct zip_record key = {.name = (const unsigned char *)name, .name_n = strlen(name)};
    return z->records ? bsearch(&key, z->record, z->records, sizeof key, compare) : NULL;
}

/* Whether r->packed inflates to exactly the r->n bytes of r->unpacked. */
static bool inflate_record(struct zip_record *r)
{
    const size_t chunk = 1 << 30;
    z_stream s = {.next_in = (unsigned char *)r->packed, .next_out = r->unpacked};
    if (inflateInit2(&s, -MAX_WBITS) != Z_OK)
        return false;
    uint64_t in = r->packed_n, room = r->n;
    int status = Z_OK;
    while (status == Z_OK) {
        uInt in_now = (uInt)(in < chunk ? in : chunk),
             room_now = (uInt)(room < chunk ? room : chunk);
        s.avail_in = in_now;
        s.avail_out = room_now;
        status = inflate(&s, Z_NO_FLUSH);
        in -= in_now - s.avail_in;
        room -= room_now - s.avail_out;
    }
    inflateEnd(&s);
    return status == Z_STREAM_END && in == 0 && room == 0;
}

static int record_bad(const struct zip *z, const struct zip_record *r, const char *what,
                      struct err *e)
{
    return err_set(e, "%s: %.*s: %s", z->file, shown(r), (const char *)r->name, what);
}

static int unpack(struct zip *z, struct zip_record *r, struct err *e)
{
    if (r->method == METHOD_STORED) {
        if (r->n != r->packed_n)
            return record_bad(z, r, "expected a size as stored, found another: the file is damaged",
                              e);
        r->bytes = r->packed;
        return 0;
    }
    if (r->method != METHOD_DEFLATED)
        return err_set(e, "%s: %.*s: expected a stored or deflated record, found method %d",
                       z->file, shown(r), (const char *)r->name, r->method);
    uint64_t room = z->unpacked_max - z->unpacked, left = z->inflated_max - z->inflated;
    if (r->n > room || r->n > left)
        return err_set(e, "%s: %.*s: expected at most %llu bytes to unpack, found a record of %llu",
                       z->file, shown(r), (const char *)r->name,
                       (unsigned long long)(room < left ? room : left), (unsigned long long)r->n);
    z->unpacked += r->n;
    z->inflated += r->n;
    r->unpacked = mem_alloc((size_t)r->n, 1);
    if (!inflate_record(r)) {
        zip_drop(z, r);
        return record_bad(z, r, "expected deflated bytes, found others: the file is damaged", e);
    }
    r->bytes = r->unpacked;
    return 0;
}

bool zip_has(const struct zip *z, const struct zip_record *r)
{
    return z->records && r >= z->record && r < z->record + z->records;
}

int zip_read(struct zip *z, struct zip_record *r, struct err *e)
{
    if (r->checked)
        return 0;
    r->damaged = true;
    if (unpack(z, r, e) != 0)
        return -1;
    uint32_t found = (uint32_t)crc32_z(crc32_z(0, NULL, 0), r->bytes, (size_t)r->n);
    if (found != r->crc && !z->unsummed) {
        zip_drop(z, r);
        return err_set(e, "%s: %.*s: expected the CRC-32 %08x, found %08x: the file is damaged",
                       z->file, shown(r), (const char *)r->name, (unsigned)r->crc, (unsigned)found);
    }
    r->checked = true;
    r->damaged = false;
    return 0;
}

void zip_drop(struct zip *z, struct zip_record *r)
{
    if (!r->unpacked)
        return;
    free(r->unpacked);
    r->unpacked = NULL;
    r->bytes = NULL;
    r->checked = false;
    z->unpacked -= r->n;
}
