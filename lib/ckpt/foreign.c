#include "ckpt/foreign.h"

#include "base/mem.h"
#include "ckpt/ckpt.h"
#include "pickle/pickle.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_PEEK = 512, TAR_MAGIC_AT = 257, TAIL = 8, NAME_MAX_BYTES = 64 };

/* What to do, and whether it is a model. */
#define OTHER(advice) advice, false
#define UNPACK OTHER("; unpack it first")
#define STATE                                                                                      \
    "; in PyTorch, torch.save(model.state_dict(), \"weights.pth\") writes what is read", true
#define CONVERT "; convert it to a PyTorch state dict first", true

static const struct magic {
    size_t at;
    const char *bytes;
    size_t n;
    struct foreign is;
} magics[] = {
    {0, "\x1f\x8b", 2, {"a gzip archive", UNPACK}},
    {0, "BZh", 3, {"a bzip2 archive", UNPACK}},
    {0,
     "\xfd"
     "7zXZ",
     5,
     {"an xz archive", UNPACK}},
    {0, "\x28\xb5\x2f\xfd", 4, {"a zstd archive", UNPACK}},
    {0, "7z\xbc\xaf\x27\x1c", 6, {"a 7-Zip archive", UNPACK}},
    {0, "Rar!", 4, {"a RAR archive", UNPACK}},
    {0, "\x89HDF\r\n\x1a\n", 8, {"an HDF5 file, as Keras writes it", CONVERT}},
    {0, "\x93NUMPY", 6, {"a NumPy array", CONVERT}},
    {0, "GGUF", 4, {"a GGUF file of llama.cpp", CONVERT}},
    {0, "lmgg", 4, {"a GGML file", CONVERT}},
    {0, "\x12\1\0\0\0\0\0\0", 8, {"the parameters of an MXNet model", CONVERT}},
    {0, "ftrt", 4, {"a TensorRT engine", STATE}},
    {0, "ptrt", 4, {"a TensorRT engine", STATE}},
    {0, "MATLAB 5.0 MAT-file", 19, {"a MATLAB file", CONVERT}},
    {4, "TFL3", 4, {"a TensorFlow Lite model", CONVERT}},
    {4, "ORTM", 4, {"an ONNX Runtime model", STATE}},
    {4, "ET12", 4, {"an ExecuTorch program", STATE}},
};

static bool has(const unsigned char *p, size_t n, size_t at, const char *bytes, size_t length)
{
    return n >= at + length && memcmp(p + at, bytes, length) == 0;
}

static bool is_text(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n && i < TEXT_PEEK; i++)
        if (p[i] == '\0' || p[i] == 0x7f || (p[i] < ' ' && !strchr("\t\n\r", p[i])))
            return false;
    return true;
}

static struct foreign text(const unsigned char *p, size_t n)
{
    static const struct {
        const char *start;
        struct foreign is;
    } kinds[] = {
        {"version https://git-lfs",
         {"a pointer of Git LFS", OTHER("; fetch the file itself with git lfs pull")}},
        {"<!DOCTYPE", {"an HTML page", OTHER("; download the file itself")}},
        {"<!doctype", {"an HTML page", OTHER("; download the file itself")}},
        {"<html", {"an HTML page", OTHER("; download the file itself")}},
        {"model_checkpoint_path:", {"the index of TensorFlow checkpoints", CONVERT}},
        {"{", {"JSON text, such as the index of a checkpoint in parts", OTHER("")}},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (has(p, n, 0, kinds[i].start, strlen(kinds[i].start)))
            return kinds[i].is;
    return (struct foreign){"text", OTHER("")};
}

/* --- protocol buffers and MessagePack, which have no magic number --- */

struct bytes {
    const unsigned char *p;
    size_t n;
};

static bool take_length(struct bytes *b, size_t *length)
{
    *length = 0;
    for (unsigned shift = 0; b->n > 0 && shift < 35; shift += 7) {
        unsigned char c = *b->p++;
        b->n--;
        *length |= (size_t)(c & 0x7f) << shift;
        if (c < 0x80)
            return true;
    }
    return false;
}

/* A short name in printable letters, taken off. */
static bool take_name(struct bytes *b, size_t n)
{
    if (n > b->n || n > NAME_MAX_BYTES)
        return false;
    for (size_t i = 0; i < n; i++)
        if (b->p[i] < ' ' || b->p[i] > '~')
            return false;
    b->p += n;
    b->n -= n;
    return true;
}

/* A field of bytes: its tag and length, taken off. */
static bool take_field(struct bytes *b, unsigned char tag, size_t *length)
{
    if (b->n == 0 || *b->p != tag)
        return false;
    b->p++;
    b->n--;
    return take_length(b, length);
}

/* GraphDef: the first node, with its name and operation. */
static bool is_graph(struct bytes b)
{
    size_t n;
    if (!take_field(&b, 0x0a, &n))
        return false;
    return take_field(&b, 0x0a, &n) && n > 0 && take_name(&b, n) && take_field(&b, 0x12, &n) &&
           n > 0 && take_name(&b, n);
}

/* A version, then a message: as SavedModel and Core ML have it. ONNX, which begins so too, has the
 * producer's name or a later field (onnx_begins). */
static bool versioned(struct bytes b, struct foreign *f)
{
    enum { VERSION = 0x08, SECOND = 0x12, VERSIONS = 32 };
    size_t n;
    if (b.n < 4 || b.p[0] != VERSION || b.p[1] == 0 || b.p[1] >= VERSIONS)
        return false;
    unsigned char version = b.p[1];
    b.p += 2;
    b.n -= 2;
    if (!take_field(&b, SECOND, &n))
        return false;
    *f = version == 1 ? (struct foreign){"a TensorFlow SavedModel", CONVERT}
                      : (struct foreign){"a Core ML model", STATE};
    return b.n > 0 && *b.p == 0x0a;
}

/* A map whose first key is a short text. */
static bool is_msgpack(struct bytes b)
{
    if (b.n < 2 || (*b.p & 0xf0) != 0x80 || (b.p[1] & 0xe0) != 0xa0)
        return false;
    size_t n = b.p[1] & 0x1f;
    b.p += 2;
    b.n -= 2;
    return n > 0 && take_name(&b, n);
}

/* --- all --- */

static struct foreign tar(const unsigned char *p)
{
    static const char *const members[] = {"sys_info", "pickle", "storages", "tensors"};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (strcmp((const char *)p + (memcmp(p, "./", 2) == 0 ? 2 : 0), members[i]) == 0)
            return (struct foreign){
                "a tar archive, as PyTorch before 0.1.10 wrote",
                OTHER("; if you trust it, torch.save(torch.load(FILE, weights_only=False), "
                      "\"weights.pth\") writes a newer one")};
    return (struct foreign){"a tar archive", UNPACK};
}

struct foreign foreign_file(const unsigned char *p, size_t n)
{
    struct foreign f;
    const struct bytes b = {p, n};
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
        if (has(p, n, magics[i].at, magics[i].bytes, magics[i].n))
            return magics[i].is;
    if (has(p, n, TAR_MAGIC_AT, "ustar", 5))
        return tar(p);
    if (pickle_starts(p, n) && (*p != 0x80 || p[1] <= 5))
        return (struct foreign){
            "a pickle that torch.save did not write",
            OTHER("; if you trust it and it holds a state dict, "
                  "torch.save(pickle.load(open(FILE, \"rb\")), \"weights.pth\") "
                  "writes what is read")};
    if (versioned(b, &f))
        return f;
    if (is_graph(b))
        return (struct foreign){"a frozen TensorFlow graph", CONVERT};
    if (is_msgpack(b))
        return (struct foreign){"MessagePack, as Flax writes it", CONVERT};
    if (n > TAIL && has(p, n, n - TAIL, "\x57\xfb\x80\x8b\x24\x75\x47\xdb", TAIL))
        return (struct foreign){"the index of a TensorFlow checkpoint", CONVERT};
    if (is_text(p, n))
        return text(p, n);
    return (struct foreign){"a file of another kind", OTHER("")};
}

static bool ends_with(const struct zip_record *r, const char *end)
{
    size_t n = strlen(end);
    return r->name_n >= n && memcmp(r->name + r->name_n - n, end, n) == 0;
}

struct foreign foreign_archive(const struct zip *z)
{
    static const struct {
        const char *end; /* of a record's name */
        struct foreign is;
    } kinds[] = {
        {"models/model.json", {"a program of torch.export (.pt2)", STATE}},
        {"serialized_exported_program.json",
         {"a program that torch.export of a PyTorch before 2.8 wrote", STATE}},
        {".data/extern_modules", {"a package of torch.package", STATE}},
        {"model.weights.h5", {"a Keras model", CONVERT}},
        {"MAR-INF/MANIFEST.json", {"an archive of TorchServe", UNPACK}},
        {".npy", {"an archive of NumPy arrays (.npz)", CONVERT}},
        {".pth", {"a zip archive around a checkpoint", UNPACK}},
        {".pt", {"a zip archive around a checkpoint", UNPACK}},
        {".safetensors", {"a zip archive around a checkpoint", UNPACK}},
    };
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (size_t i = 0; i < z->records; i++)
            if (ends_with(&z->record[i], kinds[k].end))
                return kinds[k].is;
    return (struct foreign){"a zip archive without the record data.pkl", OTHER("")};
}

struct foreign foreign_folder(const char *path)
{
    static const struct {
        const char *member;
        struct foreign is;
    } kinds[] = {
        {"saved_model.pb", {"a folder with a TensorFlow SavedModel", CONVERT}},
        {".metadata",
         {"a folder with a distributed checkpoint",
          OTHER("; in PyTorch, torch.distributed.checkpoint.format_utils.dcp_to_torch_save(FOLDER, "
                "\"weights.pth\") writes what is read")}},
        {"_METADATA", {"a folder with a checkpoint of Orbax", CONVERT}},
        {"model.safetensors", {"a folder", OTHER("; give its file model.safetensors")}},
        {"pytorch_model.bin", {"a folder", OTHER("; give its file pytorch_model.bin")}},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char *member = mem_printf("%s/%s", path, kinds[i].member);
        bool there = access(member, F_OK) == 0;
        free(member);
        if (there)
            return kinds[i].is;
    }
    return (struct foreign){"a folder", OTHER("")};
}
