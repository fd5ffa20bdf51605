/* The real CIFAR-100 in both layouts: the same images, labels and names. */
#include "check.h"

#include "base/mem.h"
#include "data/data.h"

#include <stdlib.h>

enum { PIXELS = 3072 };

static struct data *open_layout(const char *root, const char *folder)
{
    struct err e;
    struct data *d = NULL;
    struct data_opts none = {0};
    char *path = mem_printf("%s/%s", root, folder);
    if (data_open(&d, path, &none, &e) != 0) {
        fprintf(stderr, "%s\n", e.msg);
        exit(1);
    }
    free(path);
    return d;
}

int main(void)
{
    const char *root = getenv("HEATPIPE_DATA");
    if (!root) {
        printf("HEATPIPE_DATA is not set\n");
        return 77;
    }
    struct data *b = open_layout(root, "cifar-100-binary"),
                *p = open_layout(root, "cifar-100-python");
    const struct names *bn = data_names(b), *pn = data_names(p);
    CHECK(data_count(b) == data_count(p) && data_count(b) == 10000);
    CHECK(bn->classes == 100 && pn->classes == 100 && bn->superclasses == 20 &&
          pn->superclasses == 20);
    for (int i = 0; i < 100; i++) {
        char x[16], y[16];
        CHECK_STR(names_class(bn, i), names_class(pn, i));
        CHECK_STR(names_superclass(bn, i, x), names_superclass(pn, i, y));
        CHECK(bn->superclass[i] >= 0 && bn->superclass[i] == pn->superclass[i]);
    }
    uint8_t bp[PIXELS], pp[PIXELS];
    struct data_item bi, pi;
    struct err e;
    int64_t different = 0;
    while (data_next(b, bp, &bi, &e) == 1)
        different += data_next(p, pp, &pi, &e) != 1 || memcmp(bp, pp, PIXELS) != 0 ||
                     bi.label != pi.label || bi.superclass != pi.superclass || bi.id != pi.id;
    CHECK(different == 0 && data_next(p, pp, &pi, &e) == 0);
    data_close(b);
    data_close(p);
    return CHECK_DONE();
}
