/* Checkpoints that are damaged, of another kind or hostile. */
#include "check.h"
#include "data_files.h"

#include "ckpt/ckpt.h"

static struct err err;

/* Reads all tensors that can be read as numbers, or are none: 0, or -1 as the first. */
static int read_tensors(struct ckpt *c)
{
    for (int i = 0; i < ckpt_count(c); i++) {
        const struct ckpt_tensor *t = ckpt_at(c, i);
        size_t bytes = (size_t)t->count * (size_t)ckpt_type_bytes(t->type);
        void *p = mem_alloc(bytes > (size_t)t->count * 4 ? bytes : (size_t)t->count * 4, 1);
        int r = t->type <= CKPT_BF16 ? ckpt_read(c, t, p, &err) : ckpt_read_raw(c, t, p, &err);
        for (int64_t k = 0; r == 0 && t->type <= CKPT_BF16 && k < t->count; k++)
            CHECK(isfinite(((float *)p)[k]));
        free(p);
        if (r != 0)
            return -1;
    }
    return 0;
}

/* Refused when opened or when read. */
static void check_bad(const void *bytes, size_t n, const char *message)
{
    file_put("m", bytes, n);
    struct ckpt *c = NULL;
    strcpy(err.msg, "");
    int r = ckpt_open(&c, "m", NULL, &err);
    if (r == 0) {
        r = read_tensors(c);
        ckpt_close(c);
    }
    CHECK(r == -1);
    CHECK_STR(err.msg, message);
    unlink("m");
}

static void check_golden(const char *name, const char *message)
{
    size_t n;
    char *path = mem_printf("ckpt/%s", name);
    unsigned char *b = golden_get(path, &n);
    check_bad(b, n, message);
    free(b);
    free(path);
}

/* A golden file with `n` bytes replaced at `skip` behind where `mark` stands for the
 * `nth` time, from 0. */
static void check_patched(const char *name, const char *mark, int nth, size_t skip,
                          const char *bytes, size_t n, const char *message)
{
    size_t size;
    char *path = mem_printf("ckpt/%s", name);
    unsigned char *b = golden_get(path, &size), *at = b;
    for (int i = 0; at && i <= nth; i++) {
        at += i > 0;
        at = memmem(at, size - (size_t)(at - b), mark, strlen(mark));
    }
    CHECK(at);
    if (at)
        memcpy(at + skip, bytes, n);
    check_bad(b, size, message);
    free(b);
    free(path);
}

/* One text in place of another, where it stands first. */
static void check_changed(const char *name, const char *from, const char *to, const char *message)
{
    check_patched(name, from, 0, 0, to, strlen(to), message);
}

#define KIND "m: expected a checkpoint of torch.save or safetensors, found "
#define WAY                                                                                        \
    "; torch.export makes a .pt2 file that is read: model-info prints the two lines of Python"
#define ADVICE "; in PyTorch, torch.save(model.state_dict(), \"weights.pth\") writes one" WAY
#define STATE                                                                                      \
    "; in PyTorch, torch.save(model.state_dict(), \"weights.pth\") writes what is read" WAY
#define CONVERT "; convert it to a PyTorch state dict first" WAY
#define PICKLE                                                                                     \
    "a pickle that torch.save did not write; if you trust it and it holds a state dict, "          \
    "torch.save(pickle.load(open(FILE, \"rb\")), \"weights.pth\") writes what is read"

/* A zip archive of one empty record. */
static void check_archive(const char *name, const char *message)
{
    unsigned char b[30 + 46 + 22 + 128] = "PK\3\4";
    size_t n = strlen(name), at = 30 + n, end = at + 46 + n;
    b[26] = (unsigned char)n;
    memcpy(b + 30, name, n);
    memcpy(b + at, "PK\1\2", 4);
    b[at + 28] = (unsigned char)n;
    memcpy(b + at + 46, name, n);
    memcpy(b + end, "PK\5\6", 4);
    b[end + 8] = b[end + 10] = 1;
    b[end + 12] = (unsigned char)(46 + n);
    b[end + 16] = (unsigned char)at;
    check_bad(b, end + 22, message);
}

static void test_other_files(void)
{
#define FILE_OF(bytes, message) check_bad(bytes, sizeof(bytes) - 1, KIND message)
    check_bad("", 0, "m: expected a checkpoint, found an empty file");
    FILE_OF("epoch 1 loss 0.5\n", "text");
    FILE_OF("version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
            "a pointer of Git LFS; fetch the file itself with git lfs pull");
    FILE_OF("<!DOCTYPE html>\n<html>", "an HTML page; download the file itself");
    FILE_OF("{\"weight_map\": {}}", "JSON text, such as the index of a checkpoint in parts");
    FILE_OF("\x89HDF\r\n\x1a\n", "an HDF5 file, as Keras writes it" CONVERT);
    FILE_OF("\x1f\x8b\x08\x01", "a gzip archive; unpack it first");
    FILE_OF("GGUF\3\0\0\0", "a GGUF file of llama.cpp" CONVERT);
    FILE_OF("\x1c\0\0\0TFL3", "a TensorFlow Lite model" CONVERT);
    FILE_OF("\1\2\3\4", "a file of another kind");
    /* What begins like ONNX. */
    FILE_OF("\x08\1\x12\x90\1\n\x0c\0", "a TensorFlow SavedModel" CONVERT);
    FILE_OF("\x08\5\x12\x90\1\n\x0c\0", "a Core ML model" STATE);
    FILE_OF("\n\x1c\n\1x\x12\x0bPlaceholder*\x0b", "a frozen TensorFlow graph" CONVERT);
    FILE_OF("\x81\xa6params\x82", "MessagePack, as Flax writes it" CONVERT);
    FILE_OF("\x80\2}q\1.", PICKLE);
    FILE_OF("(dp0\nS'a'\n", PICKLE);
#undef FILE_OF
    /* ONNX with and without its producer's name, cut off. */
#define ONNX_OF(bytes, message) check_bad(bytes, sizeof(bytes) - 1, "m: " message)
    ONNX_OF("\x08\x0e\x12\7pytorch:3\n\x0c",
            "byte 11: expected a field of an ONNX model, found other bytes: the file is "
            "incomplete or damaged");
    ONNX_OF("\x08\x08\x12\7pytorch", "expected an ONNX model with one graph, found 0");
    ONNX_OF("\x08\x0f:\0", "expected an ONNX file of version 3 to 14, found 15");
    ONNX_OF(
        "\x08\x08:\0B\2\x10\x06",
        "expected operations of ONNX's sets 7 to 25, found 6: export with opset_version=18, or in "
        "Python, onnx.save(onnx.version_converter.convert_version(onnx.load(FILE), 18), "
        "\"model.onnx\")");
#undef ONNX_OF
    unsigned char tar[512] = "sys_info";
    memcpy(tar + 257, "ustar", 5);
    check_bad(tar, sizeof tar,
              KIND "a tar archive, as PyTorch before 0.1.10 wrote; if you trust it, "
                   "torch.save(torch.load(FILE, weights_only=False), \"weights.pth\") writes a "
                   "newer one");
    memcpy(tar, "model.pth", 9);
    check_bad(tar, sizeof tar, KIND "a tar archive; unpack it first");
    check_bad("PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 22,
              KIND "a zip archive without the record data.pkl");
    check_archive("net/models/model.json", "m: expected tensors, found none");
    check_archive("serialized_exported_program.json",
                  KIND "a program that torch.export of a PyTorch before 2.8 wrote" STATE);
    check_archive("net/.data/extern_modules", KIND "a package of torch.package" STATE);
    check_archive("MAR-INF/MANIFEST.json", KIND "an archive of TorchServe; unpack it first");
    check_archive("model.weights.h5", KIND "a Keras model" CONVERT);
    check_archive("fc.weight.npy", KIND "an archive of NumPy arrays (.npz)" CONVERT);
    check_archive("best/model.pth", KIND "a zip archive around a checkpoint; unpack it first");
    struct ckpt *c;
    CHECK(ckpt_open(&c, "none", NULL, &err) == -1);
    CHECK_STR(err.msg, "none: No such file or directory");
    CHECK(ckpt_open(&c, ".", NULL, &err) == -1);
    CHECK_STR(err.msg, ".: expected a checkpoint of torch.save or safetensors, found a folder");
    file_put("saved_model.pb", "", 0);
    CHECK(ckpt_open(&c, ".", NULL, &err) == -1);
    CHECK_STR(err.msg,
              ".: expected a checkpoint of torch.save or safetensors, found a folder with a "
              "TensorFlow SavedModel" CONVERT);
    unlink("saved_model.pb");
}

#define DENSE "m: w: expected a dense tensor, found "

static void test_other_values(void)
{
    check_golden("module.pth",
                 "m: expected a state dict, alone or under a key such as 'model_state_dict' or "
                 "'state_dict', found a whole pickled object of the class training.Net" ADVICE);
    check_golden("module_legacy.pth", "m: expected a state dict under the key 'model_state_dict', "
                                      "found a whole pickled object of the class "
                                      "training.Net" ADVICE);
    check_golden("script.pt",
                 "m: expected a state dict, found a TorchScript program; in PyTorch, "
                 "torch.save(torch.jit.load(FILE).state_dict(), \"weights.pth\") writes one; "
                 "torch.onnx.export makes an ONNX file that is read: model-info prints the two "
                 "lines of Python");
    check_golden("sparse.pth", DENSE "a sparse one; tensor.to_dense() makes it dense" WAY);
    check_golden("sparse_rows.pth", DENSE "a sparse one; tensor.to_dense() makes it dense" WAY);
    check_golden("quantized.pth", DENSE "a quantized one; tensor.dequantize() makes it dense" WAY);
    check_golden("nested.pth", DENSE "a nested one" WAY);
    check_golden("meta.pth", DENSE "one without elements, of the device 'meta'" WAY);
    check_golden("subclass.pth", DENSE "one of the class training.Tagged" WAY);
    check_golden("pruned_weighted.pth",
                 "m: conv1.weight_mask: expected a mask of zeros and ones, found 0.5 at 1");
    check_golden("system.pth", "m: system/data.pkl: pickle offset 545: expected only calls that "
                               "rebuild tensors and plain values, found a call of os.system "
                               "(nothing was run)");
    check_golden("system_legacy.pth",
                 "m: pickle offset 615: expected only calls that rebuild tensors and plain values, "
                 "found a call of os.system (nothing was run)");
    CHECK(access("ran", F_OK) != 0);
}

#define DAMAGED(what) "m: expected " what ", found other bytes: the file is damaged"

static void test_zip(void)
{
    size_t n;
    unsigned char *b = golden_get("ckpt/bare.pth", &n);
    static const char cut[] = "m: expected the directory of a zip archive at the end, found none: "
                              "the file is incomplete";
    check_bad(b, n - 1, cut);
    check_bad(b, n / 2, cut);
    check_bad(b, 5, cut);
    free(b);

    check_changed("bare.pth", "conv1.weight", "conv1.Weight",
                  "m: bare/data.pkl: expected the CRC-32 b92d63ef, found 69001c07: the file is "
                  "damaged");
    /* One bit of a weight; of an integer that nobody reads. */
    check_patched("bare.pth", "bare/data/2FB", 0, 80, "\x41", 1,
                  "m: bare/data/2: expected the CRC-32 a2214292, found 10354c43: the file is "
                  "damaged");
    check_patched("bare.pth", "bare/data/4FB", 0, 70, "\x41", 1,
                  "m: bare/data/4: expected the CRC-32 6fe7d670, found 80151d1a: the file is "
                  "damaged");
    check_patched("bare.pth", "PK\1\2", 0, 0, "PK\1\3", 4, DAMAGED("an entry of a zip directory"));
    check_patched("bare.pth", "PK\1\2", 10, 28, "\xff\xff", 2,
                  DAMAGED("an entry of a zip directory"));
    check_patched("bare.pth", "PK\1\2", 3, 42, "\x01", 1, DAMAGED("the start of a zip record"));
    check_patched("bare.pth", "PK\1\2", 3, 45, "\xff", 1, DAMAGED("the start of a zip record"));
    check_patched("bare.pth", "PK\1\2", 3, 50, "X", 1,
                  DAMAGED("a zip record as its directory has it"));
    check_patched("bare.pth", "PK\1\2", 3, 22, "\xff", 1, DAMAGED("a zip record within the file"));
    check_patched("bare.pth", "PK\1\2", 0, 8, "\x09", 1,
                  "m: expected a plain zip archive, found an encrypted one");
    check_patched("bare.pth", "PK\1\2", 0, 10, "\x0e", 1,
                  DAMAGED("a zip record as its directory has it"));
    check_patched("bare.pth", "PK\1\2", 0, 20, "\x01", 1,
                  "m: bare/data.pkl: expected a size as stored, found another: the file is "
                  "damaged");
    check_patched("deflated.pth", "PK\5\6", 0, 10, "\xff\xff", 2,
                  DAMAGED("a zip directory within the file"));
    check_patched("deflated.pth", "PK\5\6", 0, 16, "\xff\xff", 2,
                  DAMAGED("a zip directory within the file"));
    check_patched("zip64.pth", "PK\6\7", 0, 8, "\x01", 1, DAMAGED("the end of a zip64 directory"));
    check_patched("zip64.pth", "PK\6\7", 0, 15, "\xff", 1, DAMAGED("the end of a zip64 directory"));
    check_patched("zip64.pth", "PK\6\6", 0, 32, "\xff", 1,
                  DAMAGED("a zip directory within the file"));
    check_patched("deflated.pth", "packed again/data.pkl", 0, 30, "\xff\xff\xff\xff", 4,
                  "m: packed again/data.pkl: expected deflated bytes, found others: the file is "
                  "damaged");
    check_patched("deflated.pth", "PK\1\2", 0, 24, "\xff\xff\xff\x7f", 4,
                  DAMAGED("a zip record as its directory has it"));
}

/* What the records of an archive say, in one without sums. */
static void test_values(void)
{
    static const char file[] = "unsummed.pth";
    check_changed(file, "_rebuild_tensor_v2", "_rebuild_sparse_te",
                  "m: conv1.weight: expected a dense tensor, found one made by "
                  "torch._utils._rebuild_sparse_te" WAY);
    check_changed(file, "FloatStorage", "FroatStorage",
                  "m: expected storages of a type of torch, found torch.FroatStorage");
    check_changed(file, "K6t", "K7t", "m: unsummed/data/0: expected 220 bytes, found 216");
    check_changed(file, "K\3K\2\x86", "K\3K\3\x86",
                  "m: fc.weight: expected at most the 6 elements of its storage, found a tensor "
                  "that needs more");
    check_changed(file, "K\2K\1\x86", "K\3K\1\x86",
                  "m: fc.weight: expected at most the 6 elements of its storage, found a tensor "
                  "that needs more");
    check_changed(file, "K\2K\1\x86", "K\2K\1\x85",
                  "m: fc.weight: expected a dense tensor, found other arguments of "
                  "torch._utils._rebuild_tensor_v2" WAY);
    check_patched(file, "FloatStorage", 0, 20, "7", 1,
                  "m: expected a record unsummed/data/7, found none");
    check_changed(file, "storage", "storXge",
                  "m: expected storages as torch.save refers to them, found another form");
    check_changed(file, "conv1.weight", "conv1\nweight",
                  "m: expected keys of printable text of at most 500 bytes, found another");
    check_changed(file, "little", "middle",
                  "m: unsummed/byteorder: expected little or big, found another word");
    check_changed(file, "Z3\n", "Z99",
                  "m: unsummed/version: expected a version from 1 to 10, found "
                  "99");
    check_changed(file, "\x80\2", "\x80\7",
                  "m: unsummed/data.pkl: pickle offset 0: expected a pickle protocol from 0 to 5, "
                  "found 7");
}

static void test_legacy(void)
{
    size_t n;
    unsigned char *b = golden_get("ckpt/legacy.pth", &n);
    check_bad(b, n - 4,
              "m: storage 5 of 5: expected 54 elements of 4 bytes, found the end of the "
              "file: the file is incomplete");
    check_bad(b, n / 2, "m: pickle offset 415: expected more of the pickle, found its end");
    check_bad(b, 14, KIND PICKLE);
    free(b);
    check_changed("legacy.pth", "M\xe9\3", "M\xea\3",
                  "m: expected the version 1001 of torch.save's older format, found 1002");
    check_changed("legacy.pth", "\x80\2", "\x80\6",
                  "m: pickle offset 0: expected a pickle protocol from 0 to 5, found 6");
}

/* A value as the older format holds it, with a list of no storages. */
static void check_value(const char *value, size_t n, const char *message)
{
    static const char head[] = "\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.M\xe9\3.N.";
    char b[1024];
    memcpy(b, head, sizeof head - 1);
    memcpy(b + sizeof head - 1, value, n);
    memcpy(b + sizeof head - 1 + n, ".].", 3);
    check_bad(b, sizeof head - 1 + n + 3, message);
}

#define NOT_STATE                                                                                  \
    "m: expected a state dict, alone or under a key such as 'model_state_dict' or "                \
    "'state_dict', found "
#define STORAGE "(U\7storagectorch\nFloatStorage\nU\1aU\3cpuK\2"
#define REBUILD "ctorch._utils\n_rebuild_tensor\n("
#define REBUILD2 "ctorch._utils\n_rebuild_tensor_v2\n("

static void test_no_state(void)
{
#define VALUE(bytes, message) check_value(bytes, sizeof(bytes) - 1, message)
    VALUE("}(X\3\0\0\0netNX\5\0\0\0epochK\1X\1\0\0\0\x1bNu",
          NOT_STATE "a dict without tensors, with the keys 'net', 'epoch', '?'" ADVICE);
    VALUE("}", NOT_STATE "a dict without tensors" ADVICE);
    VALUE("](K\1e", NOT_STATE "another value" ADVICE);
    VALUE("}(U\12state_dictNu",
          "m: expected a state dict under the key 'state_dict', found another value" ADVICE);
    VALUE(
        "}(U\12state_dict}u",
        "m: expected a state dict under the key 'state_dict', found a dict without tensors" ADVICE);
    VALUE(REBUILD STORAGE "tQK\0K\2\x85K\1\x85tR", NOT_STATE "a single tensor" ADVICE);
    VALUE("}(K\1" REBUILD STORAGE "tQK\0K\2\x85K\1\x85tRu",
          "m: expected texts as keys of tensors, found another value");
    VALUE("}(U\1w" REBUILD STORAGE "tQK\0K\2\x85K\1\x85tRu",
          "m: expected the storage of each tensor in the file, found one missing");
    VALUE("}(U\1w" REBUILD "NK\0K\2\x85K\1\x85tRu",
          "m: expected storages as torch.save refers to them, found another form");
    VALUE("}(U\1w" REBUILD STORAGE "NtQK\0K\2\x85K\1\x85tRu",
          "m: expected the storage of each tensor in the file, found one missing");
}

/* Arguments of the functions that rebuild tensors: each is applied or refused. */
static void test_arguments(void)
{
#define OTHER(function) DENSE "other arguments of torch._" function WAY
#define TENSOR_OF(more) REBUILD2 STORAGE "tQK\0K\2\x85K\1\x85" more "tR"
#define IN_STATE(bytes, message) VALUE("}(U\1w" bytes "u", message)
    static const char missing[] =
        "m: expected the storage of each tensor in the file, found one missing";
    IN_STATE(TENSOR_OF("\x89}"), missing);
    IN_STATE(TENSOR_OF("\x88NN"), missing);
    IN_STATE(TENSOR_OF("\x88}}"), missing);
    IN_STATE(TENSOR_OF("\x88}}(U\3neg\x88U\4conj\x88u"),
             "m: expected the storage of each tensor in the file, found one missing");
    IN_STATE(TENSOR_OF("\x88}}(U\3neg\x89u"), DENSE "one with the metadata 'neg'" WAY);
    IN_STATE(TENSOR_OF("\x88}}(U\4zero\x88u"), DENSE "one with the metadata 'zero'" WAY);
    IN_STATE(TENSOR_OF("\x88}}(N\x88u"), DENSE "one with the metadata '?'" WAY);
    IN_STATE(TENSOR_OF("\x88}]"), OTHER("utils._rebuild_tensor_v2"));
    IN_STATE(TENSOR_OF("\x88}NN"), OTHER("utils._rebuild_tensor_v2"));
    IN_STATE(TENSOR_OF("\x88"), OTHER("utils._rebuild_tensor_v2"));
    IN_STATE(TENSOR_OF("K\1}"), OTHER("utils._rebuild_tensor_v2"));
    IN_STATE(TENSOR_OF("\x88]"), OTHER("utils._rebuild_tensor_v2"));
    IN_STATE(REBUILD STORAGE "tQK\0K\2\x85K\1\x85NtR", OTHER("utils._rebuild_tensor"));
    IN_STATE(REBUILD STORAGE "tQK\0K\2\x85)tR",
             "m: w: expected a storage, an offset, a shape and strides of at most 8 axes, found "
             "other arguments of torch._utils._rebuild_tensor");
    IN_STATE("ctorch._utils\n_rebuild_tensor_v3\n(" STORAGE "tQK\0K\2\x85K\1\x85\x89}tR",
             OTHER("utils._rebuild_tensor_v3"));
    IN_STATE("ctorch._utils\n_rebuild_tensor_v3\n(" STORAGE
             "tQK\0K\2\x85K\1\x85\x89}ctorch\nfloat32\n}(U\4zero\x88utR",
             DENSE "one with the metadata 'zero'" WAY);
    IN_STATE("ctorch._utils\n_rebuild_tensor_v3\n(" STORAGE
             "tQK\0K\2\x85K\1\x85\x89}ctorch\nint4\ntR",
             "m: w: expected elements of a plain type, found torch.int4");
    /* A state that is given to a tensor once it is made replaces it. */
    IN_STATE(TENSOR_OF("\x89}") "}b", DENSE "one that is changed once it is made" WAY);
    IN_STATE("ctorch._utils\n_rebuild_parameter\n(" TENSOR_OF("\x89}") "\x88}tR", missing);
    IN_STATE("ctorch._utils\n_rebuild_parameter\n(" TENSOR_OF("\x89}") "\x88}}tR",
             OTHER("utils._rebuild_parameter"));
    IN_STATE("ctorch._utils\n_rebuild_parameter\n(" TENSOR_OF("\x89}") "}b\x88}tR",
             DENSE "one that is changed once it is made" WAY);
    IN_STATE("ctorch._utils\n_rebuild_parameter\n(NtR", OTHER("utils._rebuild_parameter"));
    IN_STATE(
        "ctorch._utils\n_rebuild_parameter_with_state\n(" TENSOR_OF("\x89}") "\x88}}(U\3tagK\1utR",
        missing);
    IN_STATE(
        "ctorch._utils\n_rebuild_parameter_with_state\n(" TENSOR_OF("\x89}") "\x88}}(U\4dataK\1utR",
        OTHER("utils._rebuild_parameter_with_state"));
    IN_STATE("ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_tensor\nctorch\n"
             "Tensor\n(" STORAGE "tQK\0K\2\x85K\1\x85tNtR",
             missing);
    IN_STATE("ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_tensor\nca\n"
             "B\n(" STORAGE "tQK\0K\2\x85K\1\x85tNtR",
             DENSE "one of the class a.B" WAY);
    IN_STATE("ctorch._tensor\n_rebuild_from_type\n(ctorch._utils\n_rebuild_tensor\nctorch\n"
             "Tensor\n(" STORAGE "tQK\0K\2\x85K\1\x85t}(U\4dataNutR",
             OTHER("tensor._rebuild_from_type"));
    IN_STATE("ctorch.nn.parameter\nParameter\n)\x81",
             DENSE "one made by torch.nn.parameter.Parameter" WAY);
    IN_STATE(REBUILD "(U\7storagectorch\nFloatStorage\nU\1aU\3cpuK\2NNtQK\0K\2\x85K\1\x85tR",
             "m: expected storages as torch.save refers to them, found another form");
#undef IN_STATE
#undef TENSOR_OF
#undef OTHER
#undef VALUE
}

/* --- .safetensors --- */

static void check_tensors(const char *header, const void *data, size_t n, const char *message)
{
    size_t length = strlen(header);
    unsigned char *b = mem_zero(8 + length + n, 1);
    b[0] = (unsigned char)length;
    b[1] = (unsigned char)(length >> 8);
    memcpy(b + 8, header, length);
    if (n)
        memcpy(b + 8 + length, data, n);
    check_bad(b, 8 + length + n, message);
    free(b);
}

#define TENSOR(name, dtype, shape, from, to)                                                       \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":[" shape "],\"data_offsets\":[" from "," to   \
    "]}"

static void test_safetensors(void)
{
    static const char form[] = "m: a: expected a dtype, a shape of at most 8 axes and two offsets, "
                               "found something else";
    static const float f[4] = {1, 2, NAN, INFINITY};
    check_tensors("{" TENSOR("a", "F32", "3", "0", "12") "}", f, 8,
                  "m: a: expected its end at byte 12 of the tensors, found only 8 bytes: the file "
                  "is incomplete");
    check_tensors("{" TENSOR("a", "F32", "3", "0", "8") "}", f, 8,
                  "m: a: expected as many bytes as its shape has, found 8");
    check_tensors("{" TENSOR("a", "F32", "4294967296,4294967296", "0", "0") "}", f, 8,
                  "m: a: expected as many bytes as its shape has, found 0");
    check_tensors("{" TENSOR("a", "F32", "2", "12", "4") "}", f, 16,
                  "m: a: expected as many bytes as its shape has, found -8");
    check_tensors("{" TENSOR("a", "F32", "-2", "0", "8") "}", f, 8, form);
    check_tensors("{" TENSOR("a", "F32", "1,1,1,1,1,1,1,1,1", "0", "4") "}", f, 8, form);
    check_tensors("{" TENSOR("a", "F32", "1.5", "0", "4") "}", f, 8, form);
    check_tensors("{\"a\":3}", f, 8, form);
    check_tensors("{" TENSOR("a", "F4", "2", "0", "2") "}", f, 2,
                  "m: a: expected a type such as F32, F64, F16 or BF16, found F4");
    check_tensors("{" TENSOR("a", "F32", "1", "0", "4") "}", f, 8,
                  "m: expected 4 bytes of tensors, found 8");
    check_tensors("{" TENSOR("a", "F32", "1", "4", "8") "}", f, 8,
                  "m: a: expected its start at byte 0 of the tensors, where the one before it "
                  "ends, found 4");
    check_tensors(
        "{" TENSOR("a", "F32", "2", "0", "8") "," TENSOR("b", "F32", "1", "4", "8") "}", f, 8,
        "m: b: expected its start at byte 8 of the tensors, where the one before it ends, found 4");
    check_tensors("{\"__metadata__\":{\"a\":1}," TENSOR("a", "F32", "1", "0", "4") "}", f, 4,
                  "m: __metadata__: expected texts by name, found something else");
    check_tensors("{\"__metadata__\":{}}", f, 0, "m: expected tensors, found none");
    check_tensors("{" TENSOR("a", "F32", "3", "0", "12") "}", f, 12,
                  "m: a: expected finite elements in float32, found nan at 2");
    check_tensors("{" TENSOR("a", "F32", "2", "0", "8") "," TENSOR("b", "F32", "2", "8", "16") "}",
                  f, 16, "m: b: expected finite elements in float32, found nan at 0");
    check_tensors("{" TENSOR("a", "F32", "1", "0", "4") "," TENSOR("a", "F32", "1", "4", "8") "}",
                  f, 8, "m: safetensors header: byte 57: duplicate object key near '\"a\"'");
    check_tensors("{\"a\":", f, 8,
                  "m: safetensors header: byte 5: unexpected token near end of file");
    check_bad("\1\0\x0c\0\0\0\0\0{}", 10,
              "m: expected a safetensors header of at most 786432 bytes, found 786433");
    check_bad("\xff\0\0\0\0\0\0\0{}", 10,
              "m: expected a safetensors header of 255 bytes, found 2: the file is incomplete");
    char *deep = mem_alloc(30000, 1);
    memset(deep, '[', 30000);
    memcpy(deep, "{\"a\":", 5);
    deep[29999] = '\0';
    check_tensors(deep, f, 8,
                  "m: safetensors header: byte 2053: maximum parsing depth reached near '['");
    free(deep);
}

/* Damaged files give tensors or an error. */
static void test_damage(void)
{
    static const char *const files[] = {"ckpt/unsummed.pth", "ckpt/wrapped.pth",
                                        "ckpt/deflated.pth", "ckpt/zip64.pth",
                                        "ckpt/legacy.pth",   "ckpt/plain.safetensors"};
    uint64_t state = 3;
    int good = 0;
    for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
        size_t n;
        unsigned char *whole = golden_get(files[f], &n), *b = mem_alloc(n, 1);
        for (int i = 0; i < 1500; i++) {
            memcpy(b, whole, n);
            size_t m = file_damage(b, n, &state);
            struct ckpt *c = NULL;
            if (ckpt_open(&c, memory_put(b, m), NULL, &err) != 0)
                continue;
            good += read_tensors(c) == 0;
            ckpt_close(c);
        }
        free(b);
        free(whole);
    }
    CHECK(good > 100);
    CHECK(access("ran", F_OK) != 0);
}

int main(void)
{
    alarm(60);
    files_begin();
    test_other_files();
    test_other_values();
    test_zip();
    test_values();
    test_legacy();
    test_no_state();
    test_arguments();
    test_safetensors();
    test_damage();
    files_end();
    return CHECK_DONE();
}
