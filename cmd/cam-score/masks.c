#include "masks.h"

#include "base/io.h"
#include "base/mem.h"
#include "stream/npy.h"

#include <stdlib.h>

struct masks {
    struct npy_in *in;
    uint8_t *item;
};

static int check(const struct masks *m, int64_t count, const int64_t *shape, const char *of,
                 struct err *e)
{
    /* A truth value is a byte. */
    const enum npy_type type = npy_item(m->in)->type == NPY_BOOL ? NPY_BOOL : NPY_U8;

    if (!npy_is_file(m->in))
        return err_set(e, "%s: expected a file, found a pipe: masks are taken by id",
                       npy_name(m->in));
    if (npy_expect(m->in, type, 2, shape, e) != 0)
        return -1;
    const int64_t found = npy_count(m->in, e);
    if (found < 0 || found == count)
        return found < 0 ? -1 : 0;
    return err_set(e, "%s: expected %lld masks, one for each image of %s, found %lld",
                   npy_name(m->in), (long long)count, of, (long long)found);
}

int masks_open(struct masks **out, const char *path, int64_t count, int h, int w, const char *of,
               struct err *e)
{
    struct masks *m = mem_zero(1, sizeof *m);
    const int64_t shape[] = {h, w};
    int got = npy_open(&m->in, path, e);

    if (got == 0)
        err_record(e, "%s: expected an .npy tensor, found nothing", io_name(path));
    if (got <= 0 || check(m, count, shape, of, e) != 0) {
        masks_close(m);
        return -1;
    }
    m->item = mem_alloc((size_t)h * (size_t)w, 1);
    *out = m;
    return 0;
}

void masks_close(struct masks *m)
{
    if (!m)
        return;
    npy_close(m->in);
    free(m->item);
    free(m);
}

const uint8_t *masks_get(struct masks *m, int64_t id, struct err *e)
{
    return npy_at(m->in, id, m->item, e) == 0 ? m->item : NULL;
}
