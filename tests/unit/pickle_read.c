/* Pickles of all protocols as values; what is refused and what is broken. */
#include "check.h"
#include "data_files.h"

#include "pickle/pickle.h"

static struct err err;

#define READ(bytes) read_bytes(bytes, sizeof(bytes) - 1)

static struct pickle *read_bytes(const char *bytes, size_t n)
{
    struct pickle *p = NULL;
    strcpy(err.msg, "");
    if (pickle_read(&p, (const unsigned char *)bytes, n, "p", NULL, &err) != 0)
        return NULL;
    return p;
}

static bool is_int(const struct pickle_value *v, int64_t i)
{
    return v && v->kind == PICKLE_INT && v->i == i;
}

static bool is_bytes(const struct pickle_value *v, const char *s, size_t n)
{
    return v && v->kind == PICKLE_BYTES && v->text.n == n && memcmp(v->text.p, s, n) == 0;
}

static bool is_str(const struct pickle_value *v, const char *s)
{
    return v && v->kind == PICKLE_STR && pickle_is(v, s);
}

static void test_plain(void)
{
    static const char numbers[] = "\x80\x02(K\xffM\x01\x02J\xfe\xff\xff\xff\x8a\x01\xfe\x8a\x00"
                                  "\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01I-12\nI01\nL34L\n"
                                  "F-1.5e3\nG\x3f\xf8\x00\x00\x00\x00\x00\x00\x88\x89Nt.";
    struct pickle *p = READ(numbers);
    CHECK(p);
    const struct pickle_value *t = p ? pickle_root(p) : NULL;
    CHECK(t && t->kind == PICKLE_TUPLE && t->seq.n == 14);
    CHECK(is_int(pickle_item(t, 0), 255) && is_int(pickle_item(t, 1), 513));
    CHECK(is_int(pickle_item(t, 2), -2) && is_int(pickle_item(t, 3), -2));
    CHECK(is_int(pickle_item(t, 4), 0));
    const struct pickle_value *v = pickle_item(t, 5);
    CHECK(v && v->kind == PICKLE_LONG && v->text.n == 9);
    CHECK(is_int(pickle_item(t, 6), -12) && is_int(pickle_item(t, 8), 34));
    v = pickle_item(t, 7);
    CHECK(v && v->kind == PICKLE_BOOL && v->i == 1);
    v = pickle_item(t, 9);
    CHECK(v && v->kind == PICKLE_FLOAT && v->f == -1500);
    v = pickle_item(t, 10);
    CHECK(v && v->kind == PICKLE_FLOAT && v->f == 1.5);
    v = pickle_item(t, 13);
    CHECK(v && v->kind == PICKLE_NONE);
    CHECK(!pickle_item(t, 14) && !pickle_item(v, 0));
    pickle_free(p);
}

static void test_text(void)
{
    static const char texts[] =
        "(S'a\\'\\n\\x41\\101\\\\'\nV\\u00e9\xe9!\nT\x02\0\0\0\xff\0U\x01zX\x02\0\0\0\xc3\xa9"
        "\x8c\x01q\x8d\x01\0\0\0\0\0\0\0wB\x01\0\0\0bC\x01"
        "c\x8e\x01\0\0\0\0\0\0\0d\x96\x01\0\0\0\0\0\0\0et.";
    struct pickle *p = READ(texts);
    CHECK_STR(err.msg, "");
    const struct pickle_value *t = p ? pickle_root(p) : NULL;
    CHECK(is_bytes(pickle_item(t, 0), "a'\nAA\\", 6));
    CHECK(is_str(pickle_item(t, 1), "\xc3\xa9\xc3\xa9!"));
    CHECK(is_bytes(pickle_item(t, 2), "\xff\0", 2) && is_bytes(pickle_item(t, 3), "z", 1));
    CHECK(is_str(pickle_item(t, 4), "\xc3\xa9") && is_str(pickle_item(t, 5), "q"));
    CHECK(is_str(pickle_item(t, 6), "w") && is_bytes(pickle_item(t, 7), "b", 1));
    CHECK(is_bytes(pickle_item(t, 8), "c", 1) && is_bytes(pickle_item(t, 9), "d", 1));
    CHECK(is_bytes(pickle_item(t, 10), "e", 1) && !pickle_item(t, 11));
    pickle_free(p);

    /* What Python 3 writes for bytes in protocol 2. */
    p = READ("\x80\x02"
             "c_codecs\nencode\nX\x05\0\0\0a\xc3\xbf\xc2\x80X\x06\0\0\0latin1\x86R.");
    CHECK(p && is_bytes(pickle_root(p), "a\xff\x80", 3));
    pickle_free(p);
    p = READ("c__builtin__\nbytes\n)R.");
    CHECK(p && is_bytes(pickle_root(p), "", 0));
    pickle_free(p);
    p = READ("\x80\x03"
             "cbuiltins\nbytearray\nC\x02xy\x85R.");
    CHECK(p && is_bytes(pickle_root(p), "xy", 2));
    pickle_free(p);
}

static void test_collections(void)
{
    /* {'a': [1, 2, 3], 'b': {4}, 'a': (5,)}, with a memo by every opcode. */
    static const char all[] = "\x80\x04\x95\0\0\0\0\0\0\0\0}\x94(\x8c\x01"
                              "a\x94](K\x01K\x02"
                              "eK\x03"
                              "a\x8c\x01"
                              "b\x8f(K\x04\x90h\x01K\x05\x85u.";
    struct pickle *p = READ(all);
    CHECK_STR(err.msg, "");
    const struct pickle_value *d = p ? pickle_root(p) : NULL;
    CHECK(d && pickle_items(d) && pickle_items(d)->n == 6);
    CHECK(is_int(pickle_item(pickle_get(d, "a"), 0), 5));
    const struct pickle_value *b = pickle_get(d, "b");
    CHECK(b && b->kind == PICKLE_SET && b->seq.n == 1 && !pickle_get(d, "c"));
    CHECK(d && pickle_items(d)->n && is_int(pickle_item(pickle_items(d)->item[1], 2), 3));
    pickle_free(p);

    p = READ("(lp0\nI7\nag0\n0(dp1\nS'k'\ng0\nsp2\n0g1\n.");
    CHECK_STR(err.msg, "");
    CHECK(p && is_int(pickle_item(pickle_get(pickle_root(p), "k"), 0), 7));
    pickle_free(p);

    /* A list in itself. */
    p = READ("]q\x01h\x01"
             "a.");
    CHECK(p && pickle_item(pickle_root(p), 0) == pickle_root(p));
    pickle_free(p);

    p = READ("(K\x01\x32(K\x02K\x03\x31K\x04(0t.");
    CHECK(p && pickle_root(p)->seq.n == 3 && is_int(pickle_item(pickle_root(p), 2), 4));
    pickle_free(p);

    /* Ordered dicts, as Python 3 and Python 2 write them; state is ignored. */
    p = READ("ccollections\nOrderedDict\n)R(U\x01kK\x09u}U\x01zNsb.");
    CHECK(p && is_int(pickle_get(pickle_root(p), "k"), 9));
    pickle_free(p);
    p = READ("ccollections\nOrderedDict\n((lp1\n(lp2\nS'k'\naI9\naatR.");
    CHECK(p && is_int(pickle_get(pickle_root(p), "k"), 9));
    pickle_free(p);
}

static void test_objects(void)
{
    struct pickle *p = READ("\x80\x02"
                            "ctraining\nConfig\n)\x81}U\x01kK\x09sb.");
    const struct pickle_value *v = p ? pickle_root(p) : NULL;
    char name[64];
    CHECK(v && v->kind == PICKLE_OBJECT && is_int(pickle_get(v->object.state, "k"), 9));
    CHECK(v && !pickle_get(v, "k"));
    if (v)
        CHECK_STR(pickle_name(v, name, sizeof name), "training.Config");
    pickle_free(p);

    /* A subclass of dict. */
    p = READ("\x80\x02"
             "ctraining\nattributes\n)\x81(U\x01kK\x09u.");
    CHECK(p && is_int(pickle_get(pickle_root(p), "k"), 9));
    pickle_free(p);

    /* A nested class, a call of a class, a persistent id. */
    p = READ("\x80\x02"
             "c__builtin__\ngetattr\nctraining\nOuter\nX\5\0\0\0Inner\x86R)\x81.");
    if (p)
        CHECK_STR(pickle_name(pickle_root(p), name, sizeof name), "training.Outer.Inner");
    CHECK(p);
    pickle_free(p);
    p = READ("\x80\x02"
             "ctraining\nMode\nK\x01\x85R.");
    CHECK(p && pickle_root(p)->kind == PICKLE_OBJECT);
    pickle_free(p);
    p = READ("(U\1aQPb\nt.");
    v = p ? pickle_persistent(p) : NULL;
    CHECK(v && pickle_is(v->id, "a") && v->next && pickle_is(v->next->id, "b") && !v->next->next);
    pickle_free(p);

    size_t used = 0;
    p = NULL;
    CHECK(pickle_read(&p, (const unsigned char *)"N.K", 3, "p", &used, &err) == 0 && used == 2);
    pickle_free(p);
}

#define REFUSED(what)                                                                              \
    "expected only calls that rebuild tensors and plain values, found a call of " what             \
    " (nothing was run)"

#define BROKEN(bytes, message)                                                                     \
    {                                                                                              \
        bytes, sizeof(bytes) - 1, "p: pickle offset " message                                      \
    }

static const struct {
    const char *bytes;
    size_t n;
    const char *message;
} broken[] = {
    BROKEN("cos\nsystem\n(S'id'\ntR.", "19: " REFUSED("os.system")),
    BROKEN("cposix\nsystem\n(S'id'\ntR.", "22: " REFUSED("os.system")),
    BROKEN("\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x02id\x85R.", "23: " REFUSED("os.system")),
    BROKEN("(S'id'\nios\nsystem\n.", "7: " REFUSED("os.system")),
    BROKEN("(cos\nsystem\nS'id'\no.", "18: " REFUSED("os.system")),
    BROKEN("\x80\x04\x8c\x05torch\x8c\x09os.system\x93\x8c\x02id\x85R.",
           "26: " REFUSED("torch.os.system")),
    BROKEN("cbuiltins\neval\n(S'1'\ntR.", "22: " REFUSED("builtins.eval")),
    BROKEN("c__builtin__\nexec\n(S'1'\ntR.", "25: " REFUSED("builtins.exec")),
    BROKEN("cbuiltins\n__import__\n(S'os'\ntR.", "29: " REFUSED("builtins.__import__")),
    BROKEN("csubprocess\nPopen\n(S'id'\ntR.", "26: " REFUSED("subprocess.Popen")),
    BROKEN("csubprocess\nPopen\n)\x81.", "19: " REFUSED("subprocess.Popen")),
    BROKEN("ccopy_reg\n_reconstructor\n(csubprocess\nPopen\nNNtR.",
           "47: " REFUSED("subprocess.Popen")),
    BROKEN("cfunctools\npartial\ncos\nsystem\n\x85R)R.", "33: " REFUSED("os.system")),
    BROKEN("cbuiltins\ngetattr\n(cos\npath\nVsep\ntR)R.", "36: " REFUSED("os.path.sep")),
    BROKEN("cbuiltins\ngetattr\n(NVx\ntR.", "24: " REFUSED("builtins.getattr")),
    BROKEN("ctorch.hub\nload\n)R.", "17: " REFUSED("torch.hub.load")),
    BROKEN("cex\nev\x1b[2J\n)R.", "12: " REFUSED("ex.ev?[2J")),
    BROKEN("N)R.", "2: expected a call of something with a name, found a call of another value"),
    BROKEN("ctorch\ndevice\nNR.", "15: expected a tuple of arguments, found another value"),
    BROKEN("", "0: expected more of the pickle, found its end"),
    BROKEN("N", "1: expected more of the pickle, found its end"),
    BROKEN("K", "0: expected more of the pickle, found its end"),
    BROKEN(".", "0: expected 1 values on the stack, found 0"),
    BROKEN("\x80\x06N.", "0: expected a pickle protocol from 0 to 5, found 6"),
    BROKEN("\x80\x02\x07.", "2: expected an opcode, found the byte 0x07"),
    BROKEN("\x82\x01.", "0: expected opcodes that stand alone, found EXT1"),
    BROKEN("\x97.", "0: expected opcodes that stand alone, found NEXT_BUFFER"),
    BROKEN("X\xff\xff\xff\xff.", "0: expected 4294967295 bytes of text, found 1"),
    BROKEN("\x8e\xff\xff\xff\xff\xff\xff\xff\xff.",
           "0: expected 18446744073709551615 bytes of text, found 1"),
    BROKEN("Iabc\n.", "0: expected an integer of 64 bits, found something else"),
    BROKEN("L99999999999999999999L\n.", "0: expected an integer of 64 bits, found something else"),
    BROKEN("F1.5x\n.", "0: expected a number, found something else"),
    BROKEN("Sabc\n.", "0: expected a text in quotes, found something else"),
    BROKEN("S'\\q'\n.", "0: expected an escape in text, found '\\' and something else"),
    BROKEN("V\\u12\n.", "0: expected a code point in text, found something else"),
    BROKEN("t.", "0: expected a mark on the stack, found none"),
    BROKEN("K\x01\x86.", "2: expected 2 values on the stack, found 1"),
    BROKEN("K\x01(\x85.", "3: expected 1 values on the stack, found 0"),
    BROKEN("(Nd.", "2: expected keys with values, found a key without one"),
    BROKEN("}(Nu.", "3: expected keys with values, found a key without one"),
    BROKEN("NNa.", "2: expected a list to add to, found another value"),
    BROKEN("]NNs.", "3: expected a dict to add to, found another value"),
    BROKEN("](N\x90.", "3: expected a set to add to, found another value"),
    BROKEN("h\x05.", "0: expected a memo index that was set, found 5"),
    BROKEN("Nr\xff\xff\xff\xff.", "1: expected a memo index of at most 1, found 4294967295"),
    BROKEN("Ng-1\n.", "1: expected a memo index, found a negative number"),
    BROKEN("NNb.", "2: expected an object to give a state to, found another value"),
    BROKEN("NN\x93.", "2: expected a module and a name, found other values"),
    BROKEN("cab", "0: expected more of the pickle, found its end"),
    BROKEN("ccollections\nOrderedDict\n((lNatR.",
           "31: expected pairs of a key and a value, found another value"),
    BROKEN("c_codecs\nencode\n(X\x02\0\0\0\xc4\x80X\x06\0\0\0latin1tR.",
           "36: expected text in latin1, found another character"),
};

static void test_broken(void)
{
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        struct pickle *p = read_bytes(broken[i].bytes, broken[i].n);
        CHECK_STR(err.msg, broken[i].message);
        CHECK(!p);
        pickle_free(p);
    }
}

#define TOO_LARGE "expected values that fit into 32 MB of memory, found more"

/* Small pickles that would grow large. */
static void test_bombs(void)
{
    enum { N = 13000000 };
    char *b = mem_alloc(N, 1);
    memset(b, '(', N);
    CHECK(!read_bytes(b, N));
    CHECK_STR(err.msg, "p: pickle offset 10000: expected at most 10000 nested values, found more");
    memset(b, 'N', N);
    CHECK(!read_bytes(b, N));
    CHECK_STR(err.msg, "p: pickle offset 2093056: " TOO_LARGE);
    memset(b, ']', N);
    CHECK(!read_bytes(b, N));
    CHECK_STR(err.msg, "p: pickle offset 784896: " TOO_LARGE);
    memcpy(b, "Nq\0", 3);
    for (size_t i = 3; i + 3 <= N; i += 3)
        memcpy(b + i, "0h\0", 3);
    CHECK(!read_bytes(b, N));
    CHECK_STR(err.msg, "p: pickle offset 12582913: expected at most 4194304 values, found more");

    /* A memo of one value at a large index. */
    memcpy(b, "B\0\0\x30\0", 5);
    memcpy(b + 5 + 0x300000, "r\0\0\x20\0", 5);
    CHECK(!read_bytes(b, 5 + 0x300000 + 5));
    CHECK_STR(err.msg, "p: pickle offset 3145733: " TOO_LARGE);
    memcpy(b + 5 + 0x300000, "r\0\0\x0f\0.", 6);
    struct pickle *p = read_bytes(b, 5 + 0x300000 + 6);
    CHECK(p);
    pickle_free(p);

    /* Tuples of tuples: 2^30 values to who counts them, 30 in memory. */
    size_t at = 0;
    b[at++] = ')';
    for (int i = 0; i < 30; i++, at += 2)
        memcpy(b + at, "2\x86", 2);
    b[at++] = '.';
    p = read_bytes(b, at);
    CHECK(p && pickle_root(p)->kind == PICKLE_TUPLE && pickle_root(p)->seq.n == 2);
    pickle_free(p);
    /* As many inside each other as there are bytes. */
    memset(b, '\x85', 400000);
    b[0] = ')';
    b[399999] = '.';
    p = read_bytes(b, 400000);
    CHECK(p);
    pickle_free(p);

    /* The same text decoded again and again. */
    static const char head[] = "c_codecs\nencode\nq\1X\0\x40\0\0";
    static const char again[] = "h\1h\2h\3\x86R0";
    size_t n = sizeof head - 1;
    memcpy(b, head, n);
    memset(b + n, 'x', 0x4000);
    n += 0x4000;
    memcpy(b + n, "q\2X\6\0\0\0latin1q\3", 15);
    n += 15;
    for (int i = 0; i < 100; i++, n += sizeof again - 1)
        memcpy(b + n, again, sizeof again - 1);
    CHECK(!read_bytes(b, n));
    CHECK_STR(err.msg,
              "p: pickle offset 17014: expected at most 1065898 bytes of decoded text, found more");
    free(b);
}

/* Damaged pickles give a prediction, whatever it is. */
static void test_damage(void)
{
    size_t n;
    unsigned char *good = golden_get("data/cifar100_protocol5", &n);
    n = 400;
    unsigned char *b = mem_alloc(n, 1);
    uint64_t state = 1;
    for (int i = 0; i < 20000; i++) {
        memcpy(b, good, n);
        size_t m = file_damage(b, n, &state);
        for (size_t k = 0; i % 2 && k < m; k++)
            b[k] = (unsigned char)(file_random(&state) >> 32);
        pickle_free(read_bytes((const char *)b, m));
    }
    free(b);
    free(good);
}

int main(void)
{
    files_begin();
    test_plain();
    test_text();
    test_collections();
    test_objects();
    test_broken();
    test_bombs();
    test_damage();
    files_end();
    return CHECK_DONE();
}
