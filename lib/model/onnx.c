/* Networks of ONNX: the nodes that the result is made of, in their order, become calls of
 * model/trace.h. */
#include "model/onnx.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { INPUTS = 4096, MODULES = 8 };

/* --- names --- */

static int by_name(const void *a, const void *b)
{
    const struct onnx_name *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static struct onnx_name *find(const struct onnx_reader *r, const char *name)
{
    const struct onnx_name key = {.name = name};
    return bsearch(&key, r->name, r->names, sizeof key, by_name);
}

static void add_name(struct onnx_reader *r, const char *name)
{
    if (*name)
        r->name[r->names++] = (struct onnx_name){.name = name};
}

/* All results of nodes, and the input. */
static int collect(struct onnx_reader *r, const char *image, struct err *e)
{
    size_t n = 1;
    for (size_t i = 0; i < r->m->nodes; i++)
        n += r->m->node[i].outs;
    r->name = mem_alloc(n, sizeof *r->name);
    add_name(r, image);
    for (size_t i = 0; i < r->m->nodes; i++)
        for (size_t k = 0; k < r->m->node[i].outs; k++)
            add_name(r, r->m->node[i].out[k]);
    qsort(r->name, r->names, sizeof *r->name, by_name);
    for (size_t i = 1; i < r->names; i++)
        if (by_name(&r->name[i - 1], &r->name[i]) == 0)
            return err_set(e, "%s: '%.80s': expected one node that makes it, found two",
                           ckpt_name(r->t->b->ckpt), r->name[i].name);
    return 0;
}

/* The logits: of several results the first of two axes, as others are features; else the first. */
static const struct onnx_value *result_of(const struct onnx_model *m)
{
    for (size_t i = 0; i < m->outs; i++)
        if (m->out[i].ndim == 2)
            return &m->out[i];
    return &m->out[0];
}

/* Counts who reads each name, from the result backwards: nodes that it is not made of count as
 * little as they are computed. Who asks for a shape reads no elements. */
static void count_uses(const struct onnx_reader *r, bool *needed)
{
    struct onnx_name *x = find(r, result_of(r->m)->name);
    if (x) {
        x->wanted = true;
        x->s.uses++;
    }
    for (size_t i = r->m->nodes; i > 0; i--) {
        const struct onnx_node *n = &r->m->node[i - 1];
        const bool shape = strcmp(n->op, "Shape") == 0 || strcmp(n->op, "Size") == 0;
        bool *is = &needed[i - 1];
        for (size_t k = 0; k < n->outs && !*is; k++) {
            x = find(r, n->out[k]);
            *is = x && x->wanted;
        }
        for (size_t k = 0; k < n->ins && *is; k++)
            if ((x = find(r, n->in[k]))) {
                x->wanted = true;
                x->s.uses += !shape;
            }
    }
}

/* --- what operations ask of a node --- */

/* A few numbers that are known as a tensor. */
static int as_tensor(const struct onnx_reader *r, struct onnx_name *x, struct err *e)
{
    const struct known *k = x->known;
    int64_t size[KNOWN_DIMS];
    double number[KNOWN];
    struct trace_symbol y;
    if (onnx_counts_images(r, k))
        return trace_refuse(r->t, e,
                            "expected numbers that are the same however many images "
                            "there are, found some that count them");
    for (int d = 0; d < k->dims; d++)
        size[d] = k->shape[d];
    for (int i = 0; i < k->n; i++)
        number[i] = k->real ? k->r[i] : (double)k->i[i];
    if (trace_known_numbers(r->t, size, k->dims, number, &y, e) != 0)
        return -1;
    trace_bind(&x->s, &y);
    return 0;
}

int onnx_symbol(const struct onnx_reader *r, size_t i, struct onnx_name **x, struct err *e)
{
    *x = onnx_in(r, i);
    if (*x && (*x)->s.kind == TRACE_NOTHING && (*x)->known && (*x)->known->n > 0 &&
        as_tensor(r, *x, e) != 0)
        return -1;
    return *x && ((*x)->s.kind == TRACE_NOTHING || (*x)->form != FORM_NONE)
               ? trace_refuse(r->t, e, "expected activations or a tensor as input %zu, found %s", i,
                              (*x)->form != FORM_NONE ? "a part of a formula"
                                                      : "numbers that are no tensor")
           : *x ? 0
                : trace_refuse(r->t, e, "expected activations or a tensor as input %zu, found none",
                               i);
}

struct onnx_name *onnx_out(const struct onnx_reader *r, size_t i)
{
    return i < r->node->outs ? find(r, r->node->out[i]) : NULL;
}

void onnx_bind(struct onnx_reader *r, size_t i, const struct trace_symbol *made)
{
    struct onnx_name *out = onnx_out(r, i);
    if (out)
        trace_bind(&out->s, made);
}

const struct onnx_attribute *onnx_at(const struct onnx_reader *r, const char *name,
                                     enum onnx_attribute_type type)
{
    for (size_t i = 0; i < r->node->ats; i++)
        if (r->node->at[i].type == type && strcmp(r->node->at[i].name, name) == 0)
            return &r->node->at[i];
    return NULL;
}

int64_t onnx_int(const struct onnx_reader *r, const char *name, int64_t usual)
{
    const struct onnx_attribute *a = onnx_at(r, name, ONNX_INT);
    return a ? a->i : usual;
}

float onnx_float(const struct onnx_reader *r, const char *name, float usual)
{
    const struct onnx_attribute *a = onnx_at(r, name, ONNX_FLOAT);
    return a ? a->f : usual;
}

const char *onnx_word(const struct onnx_reader *r, const char *name, const char *usual)
{
    const struct onnx_attribute *a = onnx_at(r, name, ONNX_TEXT);
    return a ? a->text : usual;
}

int onnx_flag(const struct onnx_reader *r, const char *name, bool usual, bool *is, struct err *e)
{
    const int64_t v = onnx_int(r, name, usual);
    *is = v == 1;
    return v == 0 || v == 1
               ? 0
               : trace_refuse(r->t, e, "expected 0 or 1 as %s, found %lld", name, (long long)v);
}

int onnx_list(const struct onnx_reader *r, const char *name, size_t i, int64_t list[KNOWN], int *n,
              struct err *e)
{
    const struct onnx_attribute *a = onnx_at(r, name, ONNX_INTS);
    const struct onnx_name *x = onnx_in(r, i);
    *n = -1;
    if (!a && !x)
        return 0;
    if (a && x)
        return trace_refuse(r->t, e, "expected %s as an attribute or as an input, found both",
                            name);
    if (a ? a->n > KNOWN : !x->known || x->known->real || x->known->dims > 1)
        return trace_refuse(r->t, e, "expected known whole numbers as %s, found something else",
                            name);
    *n = a ? (int)a->n : x->known->n;
    for (int k = 0; k < *n; k++)
        list[k] = a ? a->ints[k] : x->known->i[k];
    return 0;
}

/* --- nodes --- */

/* Inputs by name: what earlier nodes made, or tensors of the checkpoint. */
static int take_inputs(struct onnx_reader *r, struct err *e)
{
    for (size_t i = 0; i < r->node->ins; i++) {
        const char *name = r->node->in[i];
        struct onnx_name *x = *name ? find(r, name) : NULL;
        const struct ckpt_tensor *t = *name && !x ? ckpt_find(r->t->b->ckpt, name) : NULL;
        struct onnx_input *in = &r->in[i];
        in->name = x;
        if (t) {
            in->held = (struct onnx_name){.name = name, .s = trace_constant(t)};
            in->held.known = onnx_known(r, t);
            in->name = &in->held;
        } else if (*name && strcmp(r->node->op, "If") != 0 &&
                   (!x || (x->s.kind == TRACE_NOTHING && !x->known && !x->places && !x->form))) {
            return trace_refuse(r->t, e, "expected '%.80s' to be made before, found it nowhere",
                                name);
        }
    }
    return 0;
}

/* Whether the node takes products of matrices that are not made yet, see trace_make(). */
static bool takes_scores(const char *op)
{
    static const char *const list[] = {"Add",       "Cast",    "CastLike", "Div",     "Dropout",
                                       "Einsum",    "Expand",  "Identity", "IsNaN",   "MatMul",
                                       "Mul",       "Reshape", "Shape",    "Softmax", "Squeeze",
                                       "Unsqueeze", "Where"};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (strcmp(list[i], op) == 0)
            return true;
    return false;
}

static int compute(struct onnx_reader *r, struct err *e)
{
    if (*r->node->domain)
        return onnx_foreign(r, e);
    for (size_t i = 0; i < r->node->ins && !takes_scores(r->node->op); i++)
        if (r->in[i].name && trace_make(r->t, &r->in[i].name->s, e) != 0)
            return -1;
    int done = onnx_index(r, e);
    if (done == 0)
        done = onnx_fold(r, e);
    if (done == 0)
        done = onnx_form(r, e);
    return done != 0 ? (done < 0 ? -1 : 0) : onnx_run(r, e);
}

static int run_node(struct onnx_reader *r, const struct onnx_node *n, struct err *e)
{
    r->node = n;
    r->t->node = *n->name ? n->name : n->outs > 0 ? n->out[0] : "without a name";
    r->t->op = n->op;
    if (n->ins > INPUTS)
        return trace_refuse(r->t, e, "expected at most %d inputs, found %zu", INPUTS, n->ins);
    r->in = mem_zero(n->ins + 1, sizeof *r->in);
    struct trace_made_of of = {.pixels = false};
    int result = take_inputs(r, e) != 0 || onnx_attribute_types(r, e) != 0 ? -1 : 0;
    for (size_t i = 0; i < n->ins && result == 0; i++)
        if (r->in[i].name)
            trace_made_of(r->t, &r->in[i].name->s, &of);
    result = result == 0 ? compute(r, e) : -1;
    for (size_t i = 0; i < n->outs && result == 0; i++)
        if (onnx_out(r, i))
            trace_pass_on(r->t, &of, &onnx_out(r, i)->s);
    if (result == 0)
        result = onnx_attribute_names(r, e);
    if (result == 0)
        onnx_note_types(r);
    for (size_t i = 0; i < n->ins; i++)
        free(r->in[i].held.known);
    free(r->in);
    return result;
}

/* --- the names of layers --- */

/* "stage2.1.branch2" of the node "/stage2/stage2.1/branch2/Conv": a part that goes on from the
 * one before it stands for both. NULL for none. Caller frees. */
static char *module_of(const struct onnx_node *n)
{
    if (*n->scope)
        return mem_dup(n->scope);
    const char *end = strrchr(n->name, '/'), *p = n->name;
    if (*p != '/' || end == p)
        return NULL;
    char *path = mem_zero(strlen(n->name) + 1, 1);
    size_t at = 0, last = 0, last_n = 0;
    for (p++; p < end; p++) {
        const size_t part = strcspn(p, "/");
        const bool more =
            last_n > 0 && part > last_n && p[last_n] == '.' && memcmp(path + last, p, last_n) == 0;
        if (more)
            at = last;
        else if (at > 0)
            path[at++] = '.';
        last = at;
        last_n = part;
        memcpy(path + at, p, part);
        at += part;
        path[at] = '\0';
        p += part;
    }
    return path;
}

/* Whether names of nodes hold modules, as PyTorch's do. */
static bool has_modules(const struct onnx_model *m)
{
    bool has = false;
    for (size_t i = 0; i < m->nodes && !has; i++) {
        char *path = module_of(&m->node[i]);
        has = path != NULL;
        free(path);
    }
    return has;
}

/* Whether the node looks at its input another way, and makes nothing. */
static bool is_view(const char *op)
{
    static const char *const list[] = {"Flatten", "Reshape", "Squeeze", "Transpose", "Unsqueeze"};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (strcmp(list[i], op) == 0)
            return true;
    return false;
}

/* Every module that the node stands in has made its result; without modules, the node has. */
static void note_layer(struct onnx_reader *r, bool modules)
{
    struct onnx_name *out = onnx_out(r, 0);
    if (!out || out->form != FORM_NONE)
        return;
    if (!modules) {
        const char *name = *r->node->name ? r->node->name : out->name;
        if (!is_view(r->node->op))
            trace_layer(r->t, name, strlen(name), &out->s);
        return;
    }
    char *path = module_of(r->node);
    size_t n = 0;
    for (int depth = 0; path && depth < MODULES; depth++) {
        n += strcspn(path + n, ".");
        trace_layer(r->t, path, n, &out->s);
        if (!path[n++])
            break;
    }
    free(path);
}

/* --- the whole --- */

/* Whether the branches that a node stands in are taken, by conditions that are known. */
static int is_taken(struct onnx_reader *r, const struct onnx_node *n, bool *taken, struct err *e)
{
    *taken = true;
    for (const struct onnx_guard *g = n->guard; g; g = g->outer) {
        const struct onnx_name *x = find(r, g->when);
        const struct ckpt_tensor *t = x ? NULL : ckpt_find(r->t->b->ckpt, g->when);
        struct known *held = t ? onnx_known(r, t) : NULL;
        const struct known *k = x ? x->known : held;
        const bool known = k && k->n == 1 && !k->tells;
        /* The branch around it may not be taken, so that nothing made the condition. */
        *taken = *taken && known && ((k->real ? k->r[0] != 0 : k->i[0] != 0) == g->is);
        free(held);
        if (known || (x && x->s.kind == TRACE_NOTHING && g->outer))
            continue;
        r->t->node = g->node;
        r->t->op = "If";
        return onnx_open_branch(r, e);
    }
    return 0;
}

static int run_all(struct onnx_reader *r, struct err *e)
{
    bool *needed = mem_zero(r->m->nodes + 1, sizeof *needed);
    const bool modules = has_modules(r->m);
    int result = 0;
    count_uses(r, needed);
    for (size_t i = 0; i < r->m->nodes && result == 0; i++) {
        bool taken;
        if (!needed[i])
            continue;
        result = is_taken(r, &r->m->node[i], &taken, e);
        if (result == 0 && taken)
            result = run_node(r, &r->m->node[i], e);
        if (result == 0 && taken)
            note_layer(r, modules);
    }
    free(needed);
    return result;
}

static int read_graph(struct onnx_reader *r, const struct onnx_value *image, struct err *e)
{
    if (collect(r, image->name, e) != 0)
        return -1;
    struct trace_symbol pixels;
    if (trace_image(r->t, trace_is_last(image->shape[1]), &pixels, e) != 0)
        return -1;
    struct onnx_name *x = find(r, image->name);
    if (x)
        trace_bind(&x->s, &pixels);
    if (run_all(r, e) != 0)
        return -1;
    const struct onnx_name *y = find(r, result_of(r->m)->name);
    r->t->node = result_of(r->m)->name;
    r->t->op = "result";
    return y ? trace_result(r->t, &y->s, e)
             : err_set(e, "%s: expected a result that nodes make, found none",
                       ckpt_name(r->t->b->ckpt));
}

/* "(images, channels, height, width)", of which the first may be open. */
static int take_image(struct trace *t, const struct onnx_value *image, struct err *e)
{
    const bool four = image->shaped && image->ndim == 4,
               last = four && trace_is_last(image->shape[1]);
    const int64_t images = four ? image->shape[0] : 0,
                  channels = four ? image->shape[last ? 3 : 1] : 0;
    const int rows = last ? 1 : 2;
    if (image->whole)
        return err_set(e,
                       "%s: expected images of real numbers as the input '%.80s', found whole "
                       "ones: leave the conversion of pixels out of the model",
                       ckpt_name(t->b->ckpt), image->name);
    if (!four || (channels != 3 && channels != 1) || images >= TRACE_IMAGES)
        return err_set(e, "%s: expected images of 1 or 3 channels as the input '%.80s'",
                       ckpt_name(t->b->ckpt), image->name);
    if (trace_sizes(t->b, (int)channels, image->shape[rows], image->shape[rows + 1], e) != 0)
        return -1;
    trace_open(t, t->b, images < 0 ? TRACE_IMAGES : images);
    return 0;
}

int build_onnx(struct build *b, const struct onnx_model *m, struct err *e)
{
    struct trace t = {.b = b};
    struct onnx_reader r = {.t = &t, .m = m};
    const struct onnx_value *image = ckpt_onnx_image(b->ckpt);
    if (!image || m->outs < 1)
        return err_set(e, "%s: expected one image as input and a result, found %zu and %zu",
                       ckpt_name(b->ckpt), m->ins, m->outs);
    if (m->outs > 1)
        build_say(b, "of %zu results '%.80s' is taken as the logits", m->outs, result_of(m)->name);
    int result = take_image(&t, image, e);
    if (result == 0)
        result = read_graph(&r, image, e);
    for (size_t i = 0; i < r.names; i++) {
        free(r.name[i].known);
        free(r.name[i].places);
    }
    free(r.name);
    trace_close(&t);
    return result;
}
