/* The reader and the writer of tensor streams. */
#include "check.h"

#include "base/io.h"
#include "stream/npy.h"

#include <stdlib.h>
#include <unistd.h>

static char path[256];

static void put(const void *p, size_t n)
{
    FILE *f = fopen(path, "wb");
    fwrite(p, 1, n, f);
    fclose(f);
}

/* A record with this header text and `bytes` bytes of zeros behind it. */
static size_t record(char *buf, const char *head, size_t bytes)
{
    size_t n = strlen(head);
    memcpy(buf, "\x93NUMPY\x01\x00", 8);
    buf[8] = (char)(n & 255);
    buf[9] = (char)(n >> 8);
    memcpy(buf + 10, head, n);
    memset(buf + 10 + n, 0, bytes);
    return 10 + n + bytes;
}

/* Reads the file to its end; the items, or -1 with the message behind the path. */
static int64_t drain(const char **msg)
{
    static struct err e;
    struct npy_in *n = NULL;
    char items[4096];
    e.msg[0] = '\0';
    int64_t total = 0, r = npy_open(&n, path, &e);
    if (r == 1) {
        while ((r = npy_read(n, items, 4, &e)) > 0)
            total += r;
        npy_close(n);
    }
    const char *colon = strchr(e.msg, ':');
    *msg = colon ? colon + 2 : e.msg;
    return r < 0 ? -1 : total;
}

static void refuse(const char *head, size_t bytes, const char *want)
{
    char buf[4096];
    const char *msg;
    put(buf, record(buf, head, bytes));
    CHECK(drain(&msg) == -1);
    CHECK_STR(msg, want);
}

static void test_messages(void)
{
    const char *const shape = "record 1: expected a header with descr, fortran_order and shape of "
                              "at most 8 axes, found something else";
    refuse("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2), }\n", 16,
           "record 1: expected C order, found Fortran order");
    refuse("{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }\n", 8,
           "record 1: expected one of the types <f4 <f8 <f2 |u1 |b1 <i4 <i8, found '>f4'");
    refuse("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }\n", 20,
           "record 1: expected 3 more items, found 20 bytes of them");
    refuse("{'descr': '<f4', 'fortran_order': False, 'shape': (), }\n", 4,
           "record 1: expected at least one axis, found a scalar");
    refuse("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }\n", 8,
           "record 1: expected a shape that fits into memory, found a larger one");
    refuse("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }\n", 8,
           shape);
    refuse("{'descr': '<f4', 'shape': (1,), }\n", 4, shape);
    refuse("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'shape': (1,)}\n", 4, shape);
    refuse("{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }\n", 4, shape);
    refuse("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 0), }\n", 0,
           "record 1: expected items with elements, found a zero in the shape");
    refuse("", 0, shape);
    const char *msg;
    put("\x93NUMPY\x07\x00junk", 12);
    CHECK(drain(&msg) == -1);
    CHECK_STR(msg, "record 1: expected .npy format 1.0, 2.0 or 3.0, found 7.0");
    put("\x93NUMPY\x02\x00\xff\xff\xff\x7f", 12);
    CHECK(drain(&msg) == -1);
    CHECK_STR(msg, "record 1: expected a header of at most 65536 bytes, found 2147483647");
    put("hello, this is text", 19);
    CHECK(drain(&msg) == -1);
    CHECK_STR(msg, "record 1: expected the start of an .npy record, found other bytes");
    put("", 0);
    CHECK(drain(&msg) == 0);
}

/* Two records read as one; a third of another shape is refused. */
static void test_records(void)
{
    char buf[4096];
    const char *msg, *two = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n";
    size_t n = record(buf, two, 24);
    n += record(buf + n, two, 24);
    put(buf, n);
    CHECK(drain(&msg) == 4);
    n += record(buf + n, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 4), }\n", 32);
    put(buf, n);
    CHECK(drain(&msg) == -1);
    CHECK_STR(msg, "record 3: expected float32 (n,3) like the first, found float32 (n,4)");
    struct err e;
    struct npy_in *in = NULL;
    CHECK(npy_open(&in, path, &e) == 1);
    CHECK(npy_count(in, &e) == -1);
    npy_close(in);
}

/* A file holds one record whatever the writes; items are found at random. */
static void test_file(void)
{
    struct err e;
    struct npy_out *o = NULL;
    const int64_t shape[] = {2, 2};
    CHECK(npy_create(&o, path, NPY_F32, 2, shape, &e) == 0);
    for (int i = 0; i < 5; i++) {
        float items[3][4];
        for (int j = 0; j < 12; j++)
            items[j / 4][j % 4] = (float)(12 * i + j);
        CHECK(npy_write(o, items, 3, &e) == 0);
    }
    CHECK(npy_finish(o, &e) == 0);
    unsigned char *b = NULL;
    size_t n = 0;
    CHECK(io_slurp(path, 10000, &b, &n, &e) == 0);
    CHECK(n == NPY_HEADER + 15 * 16);
    CHECK(memcmp(b + 10, "{'descr': '<f4', 'fortran_order': False, 'shape': (15, 2, 2), } ", 64) ==
          0);
    CHECK(b[NPY_HEADER - 1] == '\n');
    free(b);
    struct npy_in *in = NULL;
    CHECK(npy_open(&in, path, &e) == 1);
    CHECK(npy_count(in, &e) == 15);
    float item[4];
    for (int64_t i = 14; i >= 0; i--) {
        CHECK(npy_at(in, i, item, &e) == 0);
        CHECK(item[0] == (float)(4 * i) && item[3] == (float)(4 * i + 3));
    }
    CHECK(npy_at(in, 15, item, &e) == -1);
    CHECK(strstr(e.msg, ": expected item 15, found items 0 to 14"));
    CHECK(npy_expect(in, NPY_F32, 2, (const int64_t[]){-1, 2}, &e) == 0);
    CHECK(npy_expect(in, NPY_F32, 2, (const int64_t[]){-1, 3}, &e) == -1);
    CHECK(strstr(e.msg, ": expected a tensor float32 (n,*,3), found float32 (n,2,2)"));
    npy_close(in);
}

int main(void)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/items.npy", tmp ? tmp : "/tmp");
    test_messages();
    test_records();
    test_file();
    unlink(path);
    return CHECK_DONE();
}
