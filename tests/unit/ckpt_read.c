/* Checkpoints in all forms, made by tests/golden/ckpt/make.py. */
#include "check.h"
#include "data_files.h"

#include "ckpt/ckpt.h"

static struct err err;

static float value(int k)
{
    return (float)(k * 7 % 31 - 15) / 8;
}

static struct ckpt *open_golden(const char *name)
{
    struct ckpt *c = NULL;
    char *path = mem_printf("ckpt/%s", name);
    golden_put(path, name);
    free(path);
    strcpy(err.msg, "");
    if (ckpt_open(&c, name, NULL, &err) != 0)
        c = NULL;
    CHECK_STR(err.msg, "");
    unlink(name);
    return c;
}

struct expected {
    const char *name;
    int start, ndim;
    int64_t shape[4];
};

/* The numbers of a tensor; NULL where they cannot be read. Caller frees. */
static float *numbers(struct ckpt *c, const struct ckpt_tensor *t)
{
    float *f = t ? mem_alloc((size_t)t->count, sizeof *f) : NULL;
    if (f && ckpt_read(c, t, f, &err) != 0) {
        CHECK_STR(err.msg, "");
        free(f);
        f = NULL;
    }
    return f;
}

static bool is_tensor(struct ckpt *c, const struct ckpt_tensor *t, const struct expected *x)
{
    if (!t || strcmp(t->name, x->name) != 0 || t->ndim != x->ndim)
        return false;
    int64_t count = 1;
    for (int i = 0; i < x->ndim; i++) {
        count *= x->shape[i];
        if (t->shape[i] != x->shape[i])
            return false;
    }
    float *f = numbers(c, t);
    bool same = f && t->count == count;
    for (int64_t i = 0; i < count && same; i++)
        same = f[i] == value(x->start + (int)i);
    free(f);
    return same;
}

static void check_state(const char *file, const char *prefix, int integers)
{
    static const struct expected all[] = {
        {"conv1.weight", 0, 4, {2, 3, 3, 3}},
        {"bn1.weight", 5, 1, {2}},
        {"fc.weight", 11, 2, {3, 2}},
        {"fc.bias", 17, 1, {3}},
    };
    struct ckpt *c = open_golden(file);
    if (!c)
        return;
    CHECK_STR(ckpt_name(c), file);
    CHECK(ckpt_count(c) == 4 + integers);
    for (int i = 0; i < 4; i++) {
        char *key = mem_printf("%s%s", prefix, all[i].name);
        const struct ckpt_tensor *t = ckpt_find(c, key);
        struct expected x = all[i];
        x.name = key;
        if (!is_tensor(c, t, &x))
            fprintf(stderr, "%s: %s\n", file, key);
        CHECK(is_tensor(c, t, &x));
        CHECK(!t || t == ckpt_at(c, (int)(t - ckpt_at(c, 0))));
        free(key);
    }
    const struct ckpt_tensor *n = ckpt_find(c, "bn1.num_batches_tracked");
    int64_t tracked = 0;
    if (n) {
        CHECK(n->type == CKPT_I64 && n->count == 1);
        CHECK(ckpt_read_raw(c, n, &tracked, &err) == 0 && tracked == 7);
        CHECK(ckpt_read(c, n, &(float){0}, &err) == -1);
    }
    CHECK(!ckpt_find(c, "conv1") && !ckpt_find(c, ""));
    ckpt_close(c);
}

/* Element (i, j, k) of the storage of shape (3, 4, 5) under all views. */
static float at(int64_t i, int64_t j, int64_t k)
{
    return value((int)(20 * i + 5 * j + k));
}

static void check_views(const char *file)
{
    static const struct expected all = {"all", 0, 3, {3, 4, 5}};
    struct ckpt *c = open_golden(file);
    if (!c)
        return;
    CHECK(ckpt_count(c) == 6);
    CHECK(is_tensor(c, ckpt_find(c, "all"), &all));
    const struct ckpt_tensor *t = ckpt_find(c, "transposed");
    CHECK(t && t->ndim == 3 && t->shape[0] == 5 && t->shape[1] == 4 && t->shape[2] == 3);
    float *f = numbers(c, t);
    for (int i = 0; f && i < 60; i++)
        CHECK(f[i] == at(i % 3, i / 3 % 4, i / 12));
    free(f);
    t = ckpt_find(c, "stepped");
    CHECK(t && t->ndim == 3 && t->shape[0] == 2 && t->shape[1] == 2 && t->shape[2] == 2);
    f = numbers(c, t);
    for (int i = 0; f && i < 8; i++)
        CHECK(f[i] == at(1 + i / 4, 2 * (i / 2 % 2), 1 + 2 * (i % 2)));
    free(f);
    t = ckpt_find(c, "row");
    f = numbers(c, t);
    CHECK(f && t->ndim == 1 && t->shape[0] == 5 && f[4] == at(2, 1, 4));
    free(f);
    t = ckpt_find(c, "scalar");
    f = numbers(c, t);
    CHECK(f && t->ndim == 0 && t->count == 1 && f[0] == at(1, 2, 3));
    free(f);
    t = ckpt_find(c, "empty");
    CHECK(t && t->ndim == 3 && t->shape[0] == 0 && t->count == 0);
    ckpt_close(c);
}

static bool same_bytes(const void *a, const void *b, size_t n)
{
    return memcmp(a, b, n) == 0;
}

/* Tensors that torch keeps with the other sign; complex and whole numbers as bytes. */
static void check_signs(void)
{
    struct ckpt *c = open_golden("signs.pth");
    if (!c)
        return;
    CHECK(ckpt_count(c) == 7);
    const struct ckpt_tensor *t = ckpt_find(c, "negative");
    float *f = numbers(c, t), raw[6], pair[4] = {0};
    for (int i = 0; f && i < 6; i++)
        CHECK(f[i] == -value(i));
    CHECK(f && ckpt_read_raw(c, t, raw, &err) == 0 && same_bytes(raw, f, sizeof raw));
    free(f);
    f = numbers(c, ckpt_find(c, "half"));
    for (int i = 0; f && i < 4; i++)
        CHECK(f[i] == -value(5 + i));
    free(f);
    f = numbers(c, t = ckpt_find(c, "imaginary"));
    CHECK(f && t->count == 2 && f[0] == -value(4) && f[1] == -value(6));
    free(f);
    t = ckpt_find(c, "conjugate");
    CHECK(t && t->type == CKPT_C64 && ckpt_read_raw(c, t, pair, &err) == 0);
    for (int i = 0; i < 4; i++)
        CHECK(pair[i] == (i % 2 ? -1.F : 1.F) * value(3 + i));
    CHECK((t = ckpt_find(c, "both")) && ckpt_read_raw(c, t, pair, &err) == 0);
    for (int i = 0; i < 4; i++)
        CHECK(pair[i] == (i % 2 ? 1.F : -1.F) * value(3 + i));
    int64_t n[4] = {0};
    CHECK((t = ckpt_find(c, "integer")) && ckpt_read_raw(c, t, n, &err) == 0);
    CHECK(n[0] == -1 && n[1] == 2 && n[2] == 0 && n[3] == -((int64_t)1 << 40));
    uint16_t u[2] = {0};
    CHECK((t = ckpt_find(c, "short")) && ckpt_read_raw(c, t, u, &err) == 0);
    CHECK(u[0] == 65535 && u[1] == 65534);
    ckpt_close(c);
}

/* weight_orig and weight_mask are one tensor, weight. */
static void check_pruned(void)
{
    struct ckpt *c = open_golden("pruned.pth");
    if (!c)
        return;
    const struct ckpt_tensor *t = ckpt_find(c, "conv1.weight");
    CHECK(ckpt_count(c) == 5 && t && t->mask);
    CHECK(!ckpt_find(c, "conv1.weight_orig") && !ckpt_find(c, "conv1.weight_mask"));
    float *f = numbers(c, t), raw[54];
    for (int i = 0; f && i < 54; i++)
        CHECK(f[i] == (i % 2 ? value(i) : 0));
    CHECK(f && ckpt_read_raw(c, t, raw, &err) == 0 && same_bytes(raw, f, sizeof raw));
    free(f);
    ckpt_close(c);
}

static void check_safetensors(void)
{
    static const struct expected all[] = {
        {"conv1.weight", 0, 4, {2, 3, 3, 3}},
        {"bn1.weight", 5, 1, {2}},
        {"half", 3, 2, {2, 2}},
        {"brain", 3, 1, {4}},
        {"double", 3, 2, {1, 4}},
        {"scalar", 9, 0, {0}},
        {"empty", 0, 2, {0, 3}},
    };
    struct ckpt *c = open_golden("plain.safetensors");
    if (!c)
        return;
    CHECK(ckpt_count(c) == 10);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        CHECK(is_tensor(c, ckpt_find(c, all[i].name), &all[i]));
    ckpt_close(c);
}

/* 16-bit numbers of all kinds, as one storage of a legacy file. */
static void check_halves(void)
{
    static const struct {
        uint16_t bits;
        float value;
    } halves[] = {{0x0000, 0},           {0x8000, -0.0F},    {0x0001, 0x1p-24F},
                  {0x83ff, -0x3ffp-24F}, {0x0400, 0x1p-14F}, {0x3c00, 1},
                  {0xc000, -2},          {0x7bff, 65504},    {0x3555, 0x1.554p-2F}};
    enum { N = sizeof halves / sizeof *halves };
    /* An .safetensors of one tensor. */
    char header[64];
    int n =
        snprintf(header + 8, sizeof header - 8,
                 "{\"h\":{\"dtype\":\"F16\",\"shape\":[%d],\"data_offsets\":[0,%d]}}", N, 2 * N);
    memcpy(header, &(uint64_t){(uint64_t)n}, 8);
    unsigned char b[sizeof header + 2 * N];
    memcpy(b, header, 8 + (size_t)n);
    for (int i = 0; i < N; i++) {
        b[8 + n + 2 * i] = (unsigned char)halves[i].bits;
        b[9 + n + 2 * i] = (unsigned char)(halves[i].bits >> 8);
    }
    file_put("h", b, 8 + (size_t)n + 2 * N);
    struct ckpt *c = NULL;
    CHECK(ckpt_open(&c, "h", NULL, &err) == 0);
    const struct ckpt_tensor *t = c ? ckpt_find(c, "h") : NULL;
    float *f = numbers(c, t);
    for (int i = 0; f && i < N; i++)
        CHECK(f[i] == halves[i].value && signbit(f[i]) == signbit(halves[i].value));
    CHECK(f && t->count == N);
    free(f);
    ckpt_close(c);
    unlink("h");
}

/* A legacy file, in which a tensor lies in a part of a storage. */
static void check_part(void)
{
    static const char head[] =
        "\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.M\xe9\3.}."
        "}U\1wctorch._utils\n_rebuild_tensor\n((U\7storagectorch.cuda\nFloatStorage\nU\1a"
        "U\3cpuK\4(U\1bK\1K\2ttQK\0K\2\x85K\1\x85tRs.](U\1ae.\4\0\0\0\0\0\0\0";
    static const float f[] = {1, 2, 3, 4};
    char b[sizeof head - 1 + sizeof f];
    memcpy(b, head, sizeof head - 1);
    memcpy(b + sizeof head - 1, f, sizeof f);
    file_put("m", b, sizeof b);
    struct ckpt *c = NULL;
    strcpy(err.msg, "");
    CHECK(ckpt_open(&c, "m", NULL, &err) == 0);
    CHECK_STR(err.msg, "");
    const struct ckpt_tensor *t = c ? ckpt_find(c, "w") : NULL;
    float *numbers_of = numbers(c, t);
    CHECK(numbers_of && t->count == 2 && numbers_of[0] == 2 && numbers_of[1] == 3);
    free(numbers_of);
    ckpt_close(c);
    unlink("m");
}

int main(void)
{
    static const char *const states[] = {
        "wrapped.pth",  "bare.pth",       "state_dict.pth", "prefixes.pth",         "float16.pth",
        "bfloat16.pth", "float64.pth",    "parameter.pth",  "legacy.pth",           "unsummed.pth",
        "deflated.pth", "big_endian.pth", "zip64.pth",      "legacy_protocol5.pth", "tagged.pth"};
    files_begin();
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        check_state(states[i], strcmp(states[i], "prefixes.pth") == 0 ? "module._orig_mod." : "",
                    strcmp(states[i], "parameter.pth") != 0);
    check_views("views.pth");
    check_views("views_float64.pth");
    check_views("legacy_views.pth");
    check_signs();
    check_pruned();
    check_safetensors();
    check_halves();
    check_part();
    files_end();
    return CHECK_DONE();
}
