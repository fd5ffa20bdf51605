#include "data/inflate.h"

#include "base/mem.h"

#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

enum { CHUNK = 1 << 16, EITHER = 15 + 32 /* gzip's wrapper or zlib's */ };

bool inflate_gzip(const unsigned char *p, size_t n)
{
    return n >= 2 && p[0] == 0x1f && p[1] == 0x8b;
}

/* Inflates up to `want` bytes into out or, where that is NULL, into nothing; *got is how many came.
 * Z_STREAM_END where that is all. */
static int run(unsigned char *out, size_t want, size_t *got, const unsigned char *p, size_t n)
{
    unsigned char nothing[CHUNK];
    z_stream z = {.next_in = (unsigned char *)p};
    int r = inflateInit2(&z, EITHER);
    *got = 0;
    while (r == Z_OK) {
        if (z.avail_in == 0) {
            z.avail_in = n > CHUNK ? CHUNK : (uInt)n;
            n -= z.avail_in;
        }
        const size_t left = want - *got;
        const uInt room = left > CHUNK ? CHUNK : (uInt)left;
        /* A byte more than is wanted tells that there is more. */
        z.next_out = out && room ? out + *got : nothing;
        z.avail_out = room ? room : 1;
        const uInt had = z.avail_out;
        r = inflate(&z, Z_NO_FLUSH);
        *got += had - z.avail_out;
        if (*got > want)
            r = Z_BUF_ERROR;
        else if (r == Z_BUF_ERROR && n > 0)
            r = Z_OK;
    }
    if (r == Z_STREAM_END && (n > 0 || z.avail_in > 0))
        r = Z_DATA_ERROR;
    inflateEnd(&z);
    return r;
}

long inflate_first(unsigned char *out, size_t want, const unsigned char *p, size_t n,
                   const char *name, struct err *e)
{
    size_t got;
    const int r = run(out, want, &got, p, n);
    if (r != Z_STREAM_END && got < want)
        return err_set(e, "%s: damaged, or it ends early: it cannot be unpacked", name);
    return (long)(got < want ? got : want);
}

int inflate_all(unsigned char **out, size_t size, const unsigned char *p, size_t n,
                const char *name, struct err *e)
{
    size_t got;
    if (size > INFLATE_BYTES)
        return err_set(e, "%s: expected at most %d bytes when unpacked, found %zu: unpack it", name,
                       INFLATE_BYTES, size);
    const int r = run(NULL, size, &got, p, n);
    if (r == Z_STREAM_END && got == size) {
        *out = mem_alloc(size ? size : 1, 1);
        if (run(*out, size, &got, p, n) == Z_STREAM_END && got == size)
            return 0;
        free(*out);
    }
    if (r == Z_STREAM_END || got > size)
        return err_set(e, "%s: expected %zu bytes when unpacked, found %s", name, size,
                       got > size ? "more" : "fewer");
    return err_set(e, "%s: damaged, or it ends early: it cannot be unpacked", name);
}
