/* A pickle, and a walk over its values. */
#include "fuzz.h"

#include "pickle/numpy.h"
#include "pickle/pickle.h"

enum { DEPTH = 12, STEPS = 20000 };

/* Values may hold themselves: the walk goes to a fixed depth. */
static void walk(const struct pickle_value *v, int depth, int *steps)
{
    char name[64];
    struct numpy_array a;
    if (!v || depth == DEPTH || ++*steps > STEPS)
        return;
    pickle_name(v, name, sizeof name);
    if (strlen(name) >= sizeof name)
        abort();
    pickle_get(v, "data");
    if (!numpy_array(v, &a)) {
        fuzz_touch(a.p, (size_t)a.count * (size_t)a.size);
        for (int64_t i = 0; i < a.count && i < 100 && (a.kind == 'i' || a.kind == 'u'); i++)
            numpy_int(&a, i);
    }
    switch (v->kind) {
    case PICKLE_LONG:
    case PICKLE_BYTES:
    case PICKLE_STR:
        fuzz_touch(v->text.p, v->text.n);
        break;
    case PICKLE_LIST:
    case PICKLE_TUPLE:
    case PICKLE_SET:
    case PICKLE_DICT:
        for (size_t i = 0; i < v->seq.n; i++)
            walk(v->seq.item[i], depth + 1, steps);
        break;
    case PICKLE_OBJECT:
        walk(v->object.callable, depth + 1, steps);
        walk(v->object.args, depth + 1, steps);
        walk(v->object.state, depth + 1, steps);
        walk(v->object.items, depth + 1, steps);
        break;
    case PICKLE_PERSISTENT:
        walk(v->id, depth + 1, steps);
        break;
    default:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct err e;
    struct pickle *k;
    size_t used;
    pickle_starts(p, n);
    if (pickle_read(&k, p, n, "fuzz", &used, &e) != 0)
        return 0;
    if (used > n)
        abort();
    int steps = 0;
    walk(pickle_root(k), 0, &steps);
    for (const struct pickle_value *v = pickle_persistent(k); v; v = v->next)
        if (v->kind != PICKLE_PERSISTENT)
            abort();
    pickle_free(k);
    return 0;
}
