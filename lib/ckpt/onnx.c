/* ONNX: ModelProto and what a graph is made of. Types, shapes of values between nodes and
 * documentation are passed over; so nothing here descends into itself but branches and calls of
 * functions. */
#include "ckpt/onnx_read.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXTS = 1 << 18, IR_BYTE_MAX = 31 };

/* ModelProto, GraphProto, AttributeProto, ValueInfoProto and below */
enum { M_IR = 1, M_PRODUCER = 2, M_PRODUCER_VERSION = 3, M_GRAPH = 7, M_OPSET = 8 };
enum { A_F = 2, A_I = 3, A_S = 4, A_T = 5, A_FLOATS = 7, A_INTS = 8, A_TYPE = 20 };
enum { V_TYPE = 2, T_TENSOR = 1, T_ELEMENT = 1, T_SHAPE = 2, S_DIM = 1, D_VALUE = 1 };
enum { O_DOMAIN = 1, O_VERSION = 2, E_KEY = 1, E_VALUE = 2 };

bool onnx_begins(const unsigned char *p, size_t n)
{
    struct pb m = {p, n};
    struct pb_field f;
    if (n < 4 || p[0] != 0x08 || p[1] == 0 || p[1] > IR_BYTE_MAX)
        return false;
    m.p += 2;
    m.n -= 2;
    /* The producer's name, or a field that nothing else of this beginning has. */
    if (*m.p != 0x12)
        return memchr("\x1a\x22\x28\x32\x3a\x42", *m.p, 6) != NULL;
    if (pb_next(&m, &f) <= 0)
        return false;
    for (size_t i = 0; i < f.bytes.n; i++)
        if (f.bytes.p[i] < ' ' || f.bytes.p[i] > '~')
            return false;
    return true;
}

int onnx_broken(const struct onnx_reader *r, const char *where, struct err *e)
{
    return err_set(e, "%s: %s: expected fields of an ONNX message, found other bytes", r->c->name,
                   where);
}

int onnx_text(struct onnx_reader *r, struct pb bytes, const char **text, struct err *e)
{
    bool good = bytes.n <= ONNX_TEXT_BYTES;
    for (size_t i = 0, width; i < bytes.n && good; i += width) {
        width = text_shown((const char *)bytes.p + i, bytes.n - i);
        good = width > 0;
    }
    if (!good)
        return err_set(e, "%s: expected names of printable text of at most %d bytes, found another",
                       r->c->name, ONNX_TEXT_BYTES);
    if (r->texts++ >= TEXTS)
        return err_set(e, "%s: expected at most %d names, found more", r->c->name, TEXTS);
    char *s = ckpt_own(r->c, mem_alloc(bytes.n + 1, 1));
    if (bytes.n > 0)
        memcpy(s, bytes.p, bytes.n);
    s[bytes.n] = '\0';
    *text = s;
    return 0;
}

int64_t onnx_count(struct pb m, uint32_t number)
{
    struct pb_field f;
    int64_t n = 0;
    int more;
    while ((more = pb_next(&m, &f)) > 0)
        n += f.number == number && f.wire == PB_BYTES;
    return more < 0 ? -1 : n;
}

/* --- attributes --- */

/* Room for the numbers of a list: a packed one has at most as many as it has bytes. */
static size_t numbers_in(struct pb m, uint32_t number, enum pb_wire wire)
{
    struct pb_field f;
    size_t n = 0;
    while (pb_next(&m, &f) > 0)
        if (f.number == number && f.wire == PB_BYTES)
            n += wire == PB_FIXED32 ? f.bytes.n / 4 : f.bytes.n;
        else
            n += f.number == number && f.wire == wire;
    return n;
}

static float as_float(uint64_t bits)
{
    const uint32_t word = (uint32_t)bits;
    float f;
    memcpy(&f, &word, sizeof f);
    return f;
}

/* Numbers of a list one after another: of ints into `ints`, of floats into `floats`. */
static bool put_numbers(const struct pb_field *f, int64_t *ints, float *floats, size_t *n)
{
    const enum pb_wire wire = floats ? PB_FIXED32 : PB_VARINT;
    struct pb packed = f->bytes;
    uint64_t v = f->value;
    if (f->wire != PB_BYTES && f->wire != wire)
        return false;
    while (f->wire != PB_BYTES || packed.n > 0) {
        if (f->wire == PB_BYTES && !pb_number(&packed, wire, &v))
            return false;
        if (floats)
            floats[(*n)++] = as_float(v);
        else
            ints[(*n)++] = (int64_t)v;
        if (f->wire != PB_BYTES)
            break;
    }
    return true;
}

static int read_list(struct onnx_reader *r, struct pb m, struct onnx_attribute *a, struct err *e)
{
    const bool real = a->type == ONNX_FLOATS;
    const uint32_t number = real ? A_FLOATS : A_INTS;
    const size_t room = numbers_in(m, number, real ? PB_FIXED32 : PB_VARINT);
    const size_t bytes = room * (real ? sizeof(float) : sizeof(int64_t));
    struct pb_field f;
    if (bytes > r->room)
        return onnx_broken(r, "an attribute", e);
    r->room -= bytes;
    void *list = ckpt_own(r->c, mem_alloc(room + 1, real ? sizeof(float) : sizeof(int64_t)));
    while (pb_next(&m, &f) > 0)
        if (f.number == number && !put_numbers(&f, real ? NULL : list, real ? list : NULL, &a->n))
            return onnx_broken(r, "an attribute", e);
    a->floats = real ? list : NULL;
    a->ints = real ? NULL : list;
    return 0;
}

/* Of AttributeProto.AttributeType. */
static enum onnx_attribute_type type_of(uint64_t type)
{
    static const enum onnx_attribute_type types[] = {ONNX_OTHER,  ONNX_FLOAT,  ONNX_INT,
                                                     ONNX_TEXT,   ONNX_TENSOR, ONNX_OTHER,
                                                     ONNX_FLOATS, ONNX_INTS};
    return type < sizeof types / sizeof *types ? types[type] : ONNX_OTHER;
}

/* The name of an attribute, and the one of a call that it refers to, of no bytes where it has
 * numbers of its own. */
static int read_attribute_name(struct onnx_reader *r, struct pb m, const char **name,
                               struct pb *reference, struct err *e)
{
    struct pb_field f;
    int more;
    *name = "";
    reference->n = 0;
    while ((more = pb_next(&m, &f)) > 0)
        if (f.wire == PB_BYTES && f.number == A_REFERENCE)
            *reference = f.bytes;
        else if (f.wire == PB_BYTES && f.number == A_NAME && onnx_text(r, f.bytes, name, e) != 0)
            return -1;
    return more < 0 ? onnx_broken(r, "an attribute", e) : 0;
}

static int read_attribute(struct onnx_reader *r, struct pb m, const struct onnx_node *node,
                          struct onnx_attribute *a, struct err *e)
{
    struct pb rest = m, tensor = {.n = 0}, text = {.n = 0};
    struct pb_field f;
    int more;
    while ((more = pb_next(&rest, &f)) > 0)
        switch (f.number) {
        case A_F:
            a->f = as_float(f.value);
            break;
        case A_I:
            a->i = (int64_t)f.value;
            break;
        case A_S:
            text = f.bytes;
            break;
        case A_T:
            tensor = f.bytes;
            break;
        case A_TYPE:
            a->type = type_of(f.value);
            break;
        default:
            break;
        }
    if (more < 0)
        return onnx_broken(r, "an attribute", e);
    if (a->type == ONNX_FLOATS || a->type == ONNX_INTS)
        return read_list(r, m, a, e);
    if (a->type == ONNX_TEXT)
        return onnx_text(r, text, &a->text, e);
    if (a->type == ONNX_TENSOR)
        return node->outs == 0 || *node->out[0] == '\0'
                   ? err_set(e, "%s: node '%.80s': expected a result of a node with a tensor",
                             r->c->name, node->name)
                   : onnx_tensor(r, tensor, node->out[0], e);
    return 0;
}

/* One that refers to none of the call's is left out. */
static int add_attribute(struct onnx_reader *r, const struct onnx_call *call, struct pb m,
                         struct onnx_node *n, struct err *e)
{
    struct onnx_attribute *a = &n->at[n->ats];
    struct pb reference;
    *a = (struct onnx_attribute){.text = "", .type = ONNX_OTHER};
    if (read_attribute_name(r, m, &a->name, &reference, e) != 0)
        return -1;
    const int given = reference.n > 0 ? onnx_called_attribute(r, call, reference, &m, e) : 1;
    n->ats += given == 1;
    return given == 1 ? read_attribute(r, m, n, a, e) : given;
}

/* --- nodes --- */

/* The module of the node in "['', 'layer1', 'layer1.0', 'relu_1']": the last but one, the last
 * being the node itself. */
static struct pb module_in(struct pb scopes)
{
    struct pb last[2] = {{.n = 0}, {.n = 0}};
    for (size_t i = 0; i < scopes.n; i++) {
        if (scopes.p[i] != '\'')
            continue;
        const unsigned char *from = scopes.p + i + 1;
        const unsigned char *to = memchr(from, '\'', scopes.n - i - 1);
        if (!to)
            break;
        last[0] = last[1];
        last[1] = (struct pb){from, (size_t)(to - from)};
        i += last[1].n + 1;
    }
    return last[0];
}

static int read_scope(struct onnx_reader *r, struct pb m, struct onnx_node *n, struct err *e)
{
    static const char word[] = "pkg.torch.onnx.name_scopes";
    struct pb_field f;
    bool named = false;
    while (pb_next(&m, &f) > 0)
        if (f.wire == PB_BYTES && f.number == E_KEY)
            named = f.bytes.n == sizeof word - 1 && memcmp(f.bytes.p, word, f.bytes.n) == 0;
        else if (f.wire == PB_BYTES && f.number == E_VALUE && named)
            return onnx_text(r, module_in(f.bytes), &n->scope, e);
    return 0;
}

int onnx_names(struct onnx_reader *r, const struct onnx_call *call, struct pb m, uint32_t number,
               const char *const **list, size_t *n, struct err *e)
{
    const int64_t room = onnx_count(m, number);
    struct pb_field f;
    if (room < 0)
        return onnx_broken(r, "a node", e);
    const char **names = ckpt_own(r->c, mem_alloc((size_t)room + 1, sizeof *names));
    *list = names;
    while (pb_next(&m, &f) > 0)
        if (f.number == number && f.wire == PB_BYTES) {
            const char **name = &names[(*n)++];
            if (onnx_text(r, f.bytes, name, e) != 0 || onnx_value_name(r, call, name, e) != 0)
                return -1;
        }
    return 0;
}

/* All but attributes. */
static int read_head(struct onnx_reader *r, const struct onnx_call *call, struct pb m,
                     struct onnx_node *n, const char **overload, struct err *e)
{
    struct pb_field f;
    if (onnx_names(r, call, m, N_INPUT, &n->in, &n->ins, e) != 0 ||
        onnx_names(r, call, m, N_OUTPUT, &n->out, &n->outs, e) != 0)
        return -1;
    while (pb_next(&m, &f) > 0) {
        const char **text = f.number == N_NAME       ? &n->name
                            : f.number == N_OP       ? &n->op
                            : f.number == N_DOMAIN   ? &n->domain
                            : f.number == N_OVERLOAD ? overload
                                                     : NULL;
        if (f.wire == PB_BYTES && text && onnx_text(r, f.bytes, text, e) != 0)
            return -1;
        if (f.wire == PB_BYTES && f.number == N_METADATA && read_scope(r, f.bytes, n, e) != 0)
            return -1;
    }
    if (strcmp(n->domain, "ai.onnx") == 0)
        n->domain = "";
    return call ? onnx_called_node(r, call, &n->name, e) : 0;
}

int onnx_node(struct onnx_reader *r, const struct onnx_call *call, struct pb m, struct err *e)
{
    struct onnx_node n = {.name = "",
                          .op = "",
                          .domain = "",
                          .scope = "",
                          .opset = onnx_called_opset(call, r->opset),
                          .guard = r->guard};
    const char *overload = "";
    struct pb_field f;
    if (read_head(r, call, m, &n, &overload, e) != 0)
        return -1;
    const int called = *n.domain ? onnx_expand(r, call, &n, overload, m, e) : 0;
    if (called != 0)
        return called < 0 ? -1 : 0;
    const bool branches = !*n.domain && strcmp(n.op, "If") == 0;
    if (branches && onnx_branches(r, call, m, &n, e) != 0)
        return -1;
    n.at = ckpt_own(r->c, mem_alloc((size_t)onnx_count(m, N_ATTRIBUTE) + 1, sizeof *n.at));
    while (!branches && pb_next(&m, &f) > 0)
        if (f.wire == PB_BYTES && f.number == N_ATTRIBUTE &&
            add_attribute(r, call, f.bytes, &n, e) != 0)
            return -1;
    if (r->nodes + r->calls >= ONNX_NODES)
        return err_set(e, "%s: expected at most %d nodes with those of functions, found more",
                       r->c->name, ONNX_NODES);
    r->node = mem_extend(r->node, r->nodes, r->nodes + 1, sizeof *r->node);
    r->node[r->nodes++] = n;
    onnx_makes(r, &n);
    return 0;
}

/* --- inputs and results --- */

/* A message inside another: the last of that number, empty where there is none. */
static struct pb inner(struct pb m, uint32_t number)
{
    struct pb found = {.p = m.p, .n = 0};
    struct pb_field f;
    while (pb_next(&m, &f) > 0)
        if (f.number == number && f.wire == PB_BYTES)
            found = f.bytes;
    return found;
}

static int read_value(struct onnx_reader *r, struct pb m, struct onnx_value *v, struct err *e)
{
    const struct pb name = inner(m, V_NAME);
    struct pb tensor = inner(inner(m, V_TYPE), T_TENSOR), shape = inner(tensor, T_SHAPE);
    struct pb_field f, d;
    *v = (struct onnx_value){.name = ""};
    while (pb_next(&tensor, &f) > 0)
        if (f.number == T_ELEMENT && f.wire == PB_VARINT)
            v->whole = f.value != 0 && !onnx_is_real(f.value);
    while (pb_next(&shape, &f) > 0) {
        if (f.number != S_DIM || f.wire != PB_BYTES)
            continue;
        if (v->ndim == CKPT_DIMS)
            return onnx_broken(r, "the shape of an input or a result", e);
        int64_t *size = &v->shape[v->ndim++];
        *size = -1;
        v->shaped = true;
        while (pb_next(&f.bytes, &d) > 0)
            if (d.number == D_VALUE && d.wire == PB_VARINT && d.value > 0 && d.value <= INT64_MAX)
                *size = (int64_t)d.value;
    }
    return onnx_text(r, name, &v->name, e);
}

static int read_values(struct onnx_reader *r, struct pb m, uint32_t number,
                       const struct onnx_value **list, size_t *n, struct err *e)
{
    struct pb_field f;
    struct onnx_value *v = ckpt_own(r->c, mem_alloc((size_t)onnx_count(m, number) + 1, sizeof *v));
    *list = v;
    while (pb_next(&m, &f) > 0)
        if (f.number == number && f.wire == PB_BYTES && read_value(r, f.bytes, &v[(*n)++], e) != 0)
            return -1;
    return 0;
}

/* --- the graph and the model --- */

static int read_graph(struct onnx_reader *r, struct pb m, struct onnx_model *x, struct err *e)
{
    struct pb_field f;
    const int64_t nodes = onnx_count(m, G_NODE);
    if (nodes < 0)
        return onnx_broken(r, "the graph", e);
    if (nodes > ONNX_NODES || onnx_count(m, G_INPUT) > CKPT_TENSORS ||
        onnx_count(m, G_OUTPUT) > CKPT_TENSORS)
        return err_set(e, "%s: expected at most %d nodes, found %lld, or as many inputs",
                       r->c->name, ONNX_NODES, (long long)nodes);
    if (read_values(r, m, G_INPUT, &x->in, &x->ins, e) != 0 ||
        read_values(r, m, G_OUTPUT, &x->out, &x->outs, e) != 0)
        return -1;
    while (pb_next(&m, &f) > 0) {
        if (f.wire != PB_BYTES)
            continue;
        if (f.number == G_NODE && onnx_node(r, NULL, f.bytes, e) != 0)
            return -1;
        if (f.number == G_INITIALIZER && onnx_tensor(r, f.bytes, NULL, e) != 0)
            return -1;
        if (f.number == G_SPARSE)
            return err_set(e, "%s: expected dense tensors, found a sparse one" CKPT_WAY_ON,
                           r->c->name);
    }
    return 0;
}

int onnx_opset(const struct onnx_reader *r, struct pb m, int64_t *out, struct err *e)
{
    struct pb_field f;
    struct pb domain = {.n = 0};
    int64_t version = 0;
    int more;
    while ((more = pb_next(&m, &f)) > 0)
        if (f.number == O_DOMAIN && f.wire == PB_BYTES)
            domain = f.bytes;
        else if (f.number == O_VERSION)
            version = (int64_t)f.value;
    if (more < 0)
        return onnx_broken(r, "a set of operations", e);
    if (domain.n > 0 && !pb_is(domain, "ai.onnx"))
        return 0;
    if (*out != 0 && *out != version)
        return err_set(e, "%s: expected one set of ONNX's operations, found %lld and %lld",
                       r->c->name, (long long)*out, (long long)version);
    *out = version;
    return 0;
}

static void note(struct onnx_reader *r, const char *key, struct pb text)
{
    enum { SHOWN = 400 };
    if (!r->c->opts.extras)
        return;
    char *value = mem_printf("%.*s", (int)(text.n < SHOWN ? text.n : SHOWN), (const char *)text.p);
    ckpt_add_extra(r->c, key, value);
    free(value);
}

static void note_number(struct onnx_reader *r, const char *key, int64_t number)
{
    char text[24];
    const int n = snprintf(text, sizeof text, "%lld", (long long)number);
    note(r, key, (struct pb){(const unsigned char *)text, (size_t)n});
}

int onnx_check_opset(const struct onnx_reader *r, int64_t opset, struct err *e)
{
    return opset >= ONNX_OPSET_MIN && opset <= ONNX_OPSET_MAX
               ? 0
               : err_set(e,
                         "%s: expected operations of ONNX's sets %d to %d, found %lld: export with "
                         "opset_version=18, or in Python, "
                         "onnx.save(onnx.version_converter.convert_version(onnx.load(FILE), 18), "
                         "\"model.onnx\")",
                         r->c->name, ONNX_OPSET_MIN, ONNX_OPSET_MAX, (long long)opset);
}

static int check_versions(const struct onnx_reader *r, const struct onnx_model *x, struct err *e)
{
    return x->ir >= ONNX_IR_MIN && x->ir <= ONNX_IR_MAX
               ? onnx_check_opset(r, x->opset, e)
               : err_set(e, "%s: expected an ONNX file of version %d to %d, found %lld", r->c->name,
                         ONNX_IR_MIN, ONNX_IR_MAX, (long long)x->ir);
}

static int read_model(struct onnx_reader *r, struct onnx_model *x, struct pb *graph, struct err *e)
{
    struct pb m = {r->c->map.p, r->c->map.n};
    struct pb_field f;
    int more, graphs = 0;
    size_t at = 0;
    for (; (more = pb_next(&m, &f)) > 0; at = r->c->map.n - m.n) {
        const bool bytes = f.wire == PB_BYTES;
        if (f.number == M_IR)
            x->ir = (int64_t)f.value;
        else if (f.number == M_OPSET && bytes && onnx_opset(r, f.bytes, &x->opset, e) != 0)
            return -1;
        else if (f.number == M_PRODUCER && bytes)
            note(r, "producer_name", f.bytes);
        else if (f.number == M_PRODUCER_VERSION && bytes)
            note(r, "producer_version", f.bytes);
        else if (f.number == M_GRAPH && bytes && ++graphs)
            *graph = f.bytes;
    }
    if (more < 0)
        return err_set(
            e,
            "%s: byte %zu: expected a field of an ONNX model, found other bytes: the file "
            "is incomplete or damaged",
            r->c->name, at);
    if (graphs != 1)
        return err_set(e, "%s: expected an ONNX model with one graph, found %d", r->c->name,
                       graphs);
    note_number(r, "ir_version", x->ir);
    note_number(r, "opset", x->opset);
    return check_versions(r, x, e);
}

int ckpt_read_onnx(struct ckpt *c, struct err *e)
{
    /* What is decoded, a byte into up to eight, takes no more than the file and a little. */
    const uint64_t least = 1 << 20;
    struct onnx_reader r = {.c = c, .room = c->map.n + least};
    struct pb graph = {.n = 0};
    struct onnx_model *x = ckpt_own(c, mem_zero(1, sizeof *x));
    c->onnx = x;
    int result = read_model(&r, x, &graph, e);
    r.opset = x->opset;
    r.graph = graph;
    if (result == 0)
        result = onnx_functions(&r, e);
    if (result == 0)
        result = read_graph(&r, graph, x, e);
    onnx_functions_free(&r);
    if (r.made)
        g_hash_table_destroy(r.made);
    x->node = r.node ? ckpt_own(c, r.node) : NULL;
    x->nodes = r.nodes;
    return result;
}

const struct onnx_model *ckpt_onnx(const struct ckpt *c)
{
    return c->onnx;
}

const struct onnx_value *ckpt_onnx_image(const struct ckpt *c)
{
    const struct onnx_value *found = NULL;
    for (size_t i = 0; c && c->onnx && i < c->onnx->ins; i++)
        if (!ckpt_find(c, c->onnx->in[i].name)) {
            if (found)
                return NULL;
            found = &c->onnx->in[i];
        }
    return found && *found->name ? found : NULL;
}
