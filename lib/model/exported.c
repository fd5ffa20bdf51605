/* Programs of torch.export: names, inputs, nodes one by one, and the result. */
#include "model/aten.h"

#include "base/mem.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { SCHEMA = 8 };

/* --- names --- */

static int by_name(const void *a, const void *b)
{
    const struct aten_name *x = a, *y = b;
    return strcmp(x->name, y->name);
}

struct aten_name *aten_find(const struct program *p, const char *name)
{
    const struct aten_name key = {.name = name};
    return name && p->names > 0 ? bsearch(&key, p->name, p->names, sizeof key, by_name) : NULL;
}

struct aten_name *aten_named(const struct program *p, const json_t *arg)
{
    const json_t *tensor = json_object_get(arg, "as_tensor");
    const json_t *size = json_object_get(arg, "as_sym_int");
    return tensor ? aten_find(p, json_string_value(json_object_get(tensor, "name")))
                  : aten_find(p, json_string_value(json_object_get(size, "as_name")));
}

/* Lists of tensors are one result in the JSON. */
static const json_t *result_list(const struct program *p)
{
    const json_t *outs = json_object_get(p->node, "outputs");
    return json_object_get(json_array_get(outs, 0), "as_tensors");
}

struct aten_name *aten_result(const struct program *p, size_t i)
{
    const json_t *list = result_list(p);
    const json_t *outs = json_object_get(p->node, "outputs");
    return list ? aten_find(p, json_string_value(json_object_get(json_array_get(list, i), "name")))
                : aten_named(p, json_array_get(outs, i));
}

size_t aten_results(const struct program *p)
{
    const json_t *list = result_list(p);
    return json_array_size(list ? list : json_object_get(p->node, "outputs"));
}

/* "FILE: models/model.json: ..." */
static int broken(const struct program *p, const char *what, struct err *e)
{
    return err_set(e, "%s: models/model.json: expected %s, found something else",
                   ckpt_name(p->trace.b->ckpt), what);
}

static void add_names(struct program *p, const json_t *table)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)table, name, value)
    {
        p->name = mem_extend(p->name, p->names, p->names + 1, sizeof *p->name);
        p->name[p->names++] = (struct aten_name){.name = name, .storage = -1, .last = -1};
    }
}

/* Names are of the program's tables, each once. */
static int sort_names(struct program *p, struct err *e)
{
    add_names(p, json_object_get(p->graph, "tensor_values"));
    add_names(p, json_object_get(p->graph, "sym_int_values"));
    if (p->names > ATEN_NAMES)
        return err_set(e, "%s: models/model.json: expected at most %d tensors, found %zu",
                       ckpt_name(p->trace.b->ckpt), ATEN_NAMES, p->names);
    if (p->names > 0)
        qsort(p->name, p->names, sizeof *p->name, by_name);
    for (size_t i = 1; i < p->names; i++)
        if (strcmp(p->name[i - 1].name, p->name[i].name) == 0)
            return broken(p, "names that stand for one thing each", e);
    return 0;
}

/* --- the result --- */

/* How many results a part of a structure has. */
static size_t leaves(const json_t *spec, int depth)
{
    const json_t *children = json_object_get(spec, "children_spec"), *child;
    size_t n = 0, i;
    if (!json_is_string(json_object_get(spec, "type")) || depth > ATEN_DEPTH)
        return 1;
    json_array_foreach((json_t *)children, i, child) n += leaves(child, depth + 1);
    return n;
}

/* Which result a dictionary calls "logits", as transformers does; SIZE_MAX for none. The structure
 * is a JSON text of its own, and so are the names in it. */
static size_t find_logits(const json_t *module)
{
    const json_t *whole = json_array_get(json_object_get(module, "module_call_graph"), 0);
    const char *text =
        json_string_value(json_object_get(json_object_get(whole, "signature"), "out_spec"));
    json_t *tree = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const json_t *spec = json_array_get(tree, 1);
    const char *context = json_string_value(json_object_get(spec, "context"));
    json_t *keys = context ? json_loads(context, JSON_REJECT_DUPLICATES, NULL) : NULL;
    size_t at = 0, i, found = SIZE_MAX;
    const json_t *key;
    json_array_foreach(keys, i, key)
    {
        const char *name = json_string_value(key);
        if (name && strcmp(name, "logits") == 0)
            found = at;
        at += leaves(json_array_get(json_object_get(spec, "children_spec"), i), 0);
    }
    json_decref(keys);
    json_decref(tree);
    return found;
}

/* What is taken as the logits: what a dictionary calls so, else the first of two axes, else the
 * first. Buffers that the program changes are among the graph's outputs, too, but no results. */
static void choose_result(struct program *p, const json_t *module)
{
    const json_t *specs = json_object_get(json_object_get(module, "signature"), "output_specs");
    const json_t *values = json_object_get(p->graph, "tensor_values"), *out;
    const size_t named = find_logits(module);
    bool found = false;
    size_t i;
    json_array_foreach(json_object_get(p->graph, "outputs"), i, out)
    {
        const json_t *spec = json_array_get(specs, i);
        const struct aten_name *n = aten_named(p, out);
        if (spec && !json_object_get(spec, "user_output"))
            continue;
        const json_t *value = n ? json_object_get(values, n->name) : NULL;
        const bool fits = named == SIZE_MAX ? json_array_size(json_object_get(value, "sizes")) == 2
                                            : p->results == named;
        if (p->results == 0 || (fits && !found)) {
            p->result = out;
            p->why = p->results == 0     ? "the first one"
                     : named == SIZE_MAX ? "the first one of two axes"
                                         : "the one that is called so";
        }
        found = found || fits;
        p->results++;
    }
}

/* --- what is read --- */

static void count_name(struct aten_name *n, int at)
{
    if (!n)
        return;
    n->symbol.uses++;
    n->last = n->last > at ? n->last : at;
}

static void count_use(struct program *p, const json_t *arg, int at)
{
    const json_t *list = json_object_get(arg, "as_tensors"), *item;
    list = list ? list : json_object_get(arg, "as_optional_tensors");
    size_t i;
    count_name(aten_named(p, arg), at);
    json_array_foreach((json_t *)list, i, item)
    {
        const json_t *inside = json_object_get(item, "as_tensor");
        count_name(aten_find(p, json_string_value(json_object_get(inside ? inside : item, "name"))),
                   at);
    }
}

/* Whether the node makes something that nothing reads: no more than that, and in no other tensor.
 */
static bool is_idle(const struct program *p)
{
    const char *target = json_string_value(json_object_get(p->node, "target"));
    const json_t *outputs = json_object_get(p->node, "outputs"), *out;
    size_t i;
    const char *end = target ? strrchr(target, '.') : NULL;
    if (!end || end == target || end[-1] == '_' || aten_results(p) == 0)
        return false;
    json_array_foreach((json_t *)outputs, i, out)
    {
        if (!json_object_get(out, "as_tensor") && !json_object_get(out, "as_tensors"))
            return false;
    }
    for (i = 0; i < aten_results(p); i++)
        if (!aten_result(p, i) || aten_result(p, i)->last >= 0)
            return false;
    return true;
}

static void count_uses(struct program *p)
{
    const json_t *nodes = json_object_get(p->graph, "nodes"), *in;
    size_t i, k;
    count_use(p, p->result, INT_MAX);
    /* From the end: nodes that nothing is made of count as little as they are computed. */
    for (i = json_array_size(nodes); i > 0; i--) {
        p->node = json_array_get(nodes, i - 1);
        if (!is_idle(p))
            json_array_foreach(json_object_get(p->node, "inputs"), k, in)
                count_use(p, json_object_get(in, "arg"), (int)i - 1);
    }
}

/* --- inputs --- */

/* A size of the image as the program was exported; -1 where it is open, 0 where it is none. */
static int64_t image_size(const json_t *sizes, size_t i)
{
    const json_t *x = json_object_get(json_array_get(sizes, i), "as_int");
    const json_int_t n = json_integer_value(x);
    return !json_is_integer(x) ? -1 : n < 0 ? 0 : n;
}

static int take_image(struct program *p, const char *name, struct err *e)
{
    struct aten_name *n = aten_find(p, name);
    const json_t *values = json_object_get(p->graph, "tensor_values");
    const json_t *value = json_object_get(values, name), *sizes = json_object_get(value, "sizes");
    const int64_t images = image_size(sizes, 0), second = image_size(sizes, 1);
    const bool last = trace_is_last(second);
    const int64_t channels = image_size(sizes, last ? 3 : 1);
    const size_t rows = last ? 1 : 2;
    if (!n || p->inputs++ > 0)
        return broken(p, "one input", e);
    if (json_array_size(sizes) != 4 || (channels != 3 && channels != 1) || images == 0 ||
        images >= TRACE_IMAGES || image_size(sizes, rows) == 0 || image_size(sizes, rows + 1) == 0)
        return broken(p, "images of 1 or 3 channels as the input", e);
    const json_int_t type = json_integer_value(json_object_get(value, "dtype"));
    if (!aten_real(type))
        return broken(p, "images of real numbers as the input", e);
    p->rounds = type == ATEN_FLOAT ? p->rounds : type;
    if (trace_sizes(p->trace.b, (int)channels, image_size(sizes, rows), image_size(sizes, rows + 1),
                    e) != 0)
        return -1;
    trace_open(&p->trace, p->trace.b, images < 0 ? TRACE_IMAGES : images);
    struct trace_symbol image;
    if (trace_image(&p->trace, last, &image, e) != 0)
        return -1;
    trace_bind(&n->symbol, &image);
    n->storage = p->storages++;
    return 0;
}

/* The tensor or image that an input is. */
static int take_input(struct program *p, const json_t *spec, struct err *e)
{
    static const char *const kinds[][2] = {{"parameter", "parameter_name"},
                                           {"buffer", "buffer_name"},
                                           {"tensor_constant", "tensor_constant_name"}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const json_t *in = json_object_get(spec, kinds[i][0]);
        const char *name = json_string_value(json_object_get(json_object_get(in, "arg"), "name"));
        const char *key = json_string_value(json_object_get(in, kinds[i][1]));
        if (!in)
            continue;
        struct aten_name *n = aten_find(p, name);
        if (!n || !key)
            return broken(p, "names of its tensors", e);
        const struct ckpt_tensor *t = ckpt_find(p->trace.b->ckpt, key);
        const struct trace_symbol tensor = t ? trace_constant(t) : n->symbol;
        if (t && i == 0 && n->symbol.uses > 0)
            p->trace.b->model->parameters += t->count;
        trace_bind(&n->symbol, &tensor);
        n->storage = p->storages++;
        return 0;
    }
    const json_t *in = json_object_get(json_object_get(spec, "user_input"), "arg");
    const char *name = json_string_value(json_object_get(json_object_get(in, "as_tensor"), "name"));
    return name ? take_image(p, name, e) : broken(p, "tensors and one image as inputs", e);
}

static int take_inputs(struct program *p, const json_t *module, struct err *e)
{
    const json_t *specs = json_object_get(json_object_get(module, "signature"), "input_specs");
    const json_t *spec;
    size_t i;
    json_array_foreach((json_t *)specs, i, spec) if (take_input(p, spec, e) != 0) return -1;
    return p->inputs == 1 ? 0 : broken(p, "one image as input", e);
}

/* --- nodes --- */

/* Whether names that are read later show the constant that is changed in place: 1, 0 or, where a
 * copy of it may be meant, -1. */
static int is_shown_later(struct program *p, const struct aten_name *in,
                          const struct aten_name *out, struct err *e)
{
    int shown = 0;
    for (size_t i = 0; i < p->names; i++) {
        const struct aten_name *n = &p->name[i];
        if (n == in || n == out || n->last <= p->at || !trace_is_known(&n->symbol))
            continue;
        const bool same = n->symbol.tensor == in->symbol.tensor;
        if (same != (n->storage == in->storage))
            return trace_refuse(&p->trace, e,
                                "expected no copy of what is changed in place to be read later, "
                                "found '%.80s'",
                                n->name);
        shown = shown || same;
    }
    return shown;
}

/* Constants that names which are read later show, too, are set. */
static int change_constant(struct program *p, struct aten_name *in, struct aten_name *out,
                           struct err *e)
{
    const int shown = is_shown_later(p, in, out, e);
    if (shown < 0)
        return -1;
    if (out->symbol.tensor == in->symbol.tensor)
        return 0;
    if (!shown) {
        trace_bind(&in->symbol, &out->symbol);
        return 0;
    }
    if (trace_known_set(&p->trace, &in->symbol, &out->symbol, 0, e) != 0)
        return -1;
    const struct trace_symbol y = trace_alias(&in->symbol);
    trace_bind(&out->symbol, &y);
    return 0;
}

/* What a slice of all is a slice of at last. */
static const struct aten_name *whole_of(const struct aten_name *n)
{
    while (n->whole)
        n = n->whole;
    return n;
}

/* Notes a slice of all. */
static void note_whole(const struct program *p, size_t n, const struct aten_name *in)
{
    struct aten_name *out = aten_result(p, 0);
    if (n == 5 && memcmp(p->op, "slice", n) == 0 && in && out && in != out &&
        trace_same_sizes(&in->symbol, &out->symbol))
        out->whole = in;
}

/* An operation in place changes what its input's name stands for, and names that it shows all of.
 * Of other names that show the same activations none may be read later. */
static int change_in_place(struct program *p, struct aten_name *in, struct err *e)
{
    struct aten_name *out = aten_result(p, 0);
    if (in && out && trace_is_known(&in->symbol) && trace_is_known(&out->symbol))
        return change_constant(p, in, out, e);
    if (!in || !out || (in->symbol.kind != TRACE_VALUE && in->symbol.kind != TRACE_SCORES))
        return trace_refuse(&p->trace, e,
                            "expected activations to be changed in place, found something else");
    for (size_t i = 0; i < p->names; i++)
        if (p->name[i].storage == in->storage && &p->name[i] != in && &p->name[i] != out &&
            p->name[i].last > p->at && whole_of(&p->name[i]) != whole_of(in))
            return trace_refuse(&p->trace, e,
                                "expected no other view of what is changed in place to be read "
                                "later, found '%.80s'",
                                p->name[i].name);
    const struct trace_symbol y = trace_alias(&out->symbol);
    for (size_t i = 0; i < p->names; i++)
        if (p->name[i].storage == in->storage && &p->name[i] != in && &p->name[i] != out &&
            whole_of(&p->name[i]) == whole_of(in))
            trace_bind(&p->name[i].symbol, &y);
    trace_bind(&in->symbol, &out->symbol);
    return 0;
}

/* What the node reads first: what it changes in place, or shows through a view. */
static struct aten_name *first_input(const struct program *p)
{
    const json_t *inputs = json_object_get(p->node, "inputs");
    return aten_named(p, json_object_get(json_array_get(inputs, 0), "arg"));
}

/* Checks and the like, which make no tensor. */
static bool makes_nothing(const struct program *p)
{
    for (size_t i = 0; i < aten_results(p); i++)
        if (aten_result(p, i))
            return false;
    return true;
}

/* Products of matrices that are not made yet, for an operation that knows no others. */
static int make_inputs(struct program *p, struct err *e)
{
    const json_t *inputs = json_object_get(p->node, "inputs"), *in;
    size_t i;
    json_array_foreach((json_t *)inputs, i, in)
    {
        const json_t *arg = json_object_get(in, "arg"), *item;
        struct aten_name *n = aten_named(p, arg);
        size_t k;
        if (n && trace_make(&p->trace, &n->symbol, e) != 0)
            return -1;
        json_array_foreach(json_object_get(arg, "as_tensors"), k, item)
        {
            n = aten_find(p, json_string_value(json_object_get(item, "name")));
            if (n && trace_make(&p->trace, &n->symbol, e) != 0)
                return -1;
        }
    }
    return 0;
}

static void add_argument(const struct program *p, const json_t *arg, struct trace_made_of *of)
{
    const json_t *list = json_object_get(arg, "as_tensors"), *item;
    const struct aten_name *n = aten_named(p, arg);
    size_t i;
    if (n)
        trace_made_of(&p->trace, &n->symbol, of);
    json_array_foreach((json_t *)list, i, item)
    {
        n = aten_find(p, json_string_value(json_object_get(item, "name")));
        if (n)
            trace_made_of(&p->trace, &n->symbol, of);
    }
}

static struct trace_made_of made_of_inputs(const struct program *p)
{
    const json_t *inputs = json_object_get(p->node, "inputs"), *in;
    struct trace_made_of of = {.pixels = false};
    size_t i;
    json_array_foreach((json_t *)inputs, i, in) add_argument(p, json_object_get(in, "arg"), &of);
    return of;
}

/* "conv2d" of "torch.ops.aten.relu_.default" without the underscore at its end; what follows the
 * last point is an overload. */
static int run_node(struct program *p, struct err *e)
{
    static const char aten[] = "torch.ops.aten.", sizes[] = "_operator.";
    const char *t = json_string_value(json_object_get(p->node, "target"));
    const char *name = json_string_value(json_object_get(p->node, "name"));
    const bool of_sizes = t && strncmp(t, sizes, sizeof sizes - 1) == 0;
    p->trace.node = name ? name : "without a name";
    p->trace.op = t ? t : "?";
    if (!t || (!of_sizes && strncmp(t, aten, sizeof aten - 1) != 0))
        return makes_nothing(p)
                   ? 0
                   : trace_refuse(&p->trace, e, "expected an operation of ATen, found another");
    p->op = t + (of_sizes ? sizeof sizes : sizeof aten) - 1;
    size_t n = strcspn(p->op, ".");
    /* Python's own names, such as __and__, end so, too. */
    const bool in_place = !of_sizes && n > 1 && p->op[n - 1] == '_' && p->op[0] != '_';
    char *said = mem_printf("%.*s", (int)(n < TRACE_NAME ? n : TRACE_NAME), p->op);
    p->trace.op = said;
    const struct aten_maker *m = aten_maker(of_sizes, p->op, n - in_place);
    struct aten_name *in = first_input(p);
    const struct trace_made_of of = made_of_inputs(p);
    const int storage = m && in && (m->view || in_place) ? in->storage : p->storages++;
    int r = 0;
    if (!m && (in_place || !makes_nothing(p)))
        r = trace_refuse(&p->trace, e, "this operation is not computed here");
    for (size_t i = 0; i < aten_results(p) && r == 0; i++)
        if (aten_result(p, i))
            aten_result(p, i)->storage = storage;
    if (m && r == 0)
        r = m->scores ? 0 : make_inputs(p, e);
    if (m && r == 0)
        r = m->make(p, e);
    for (size_t i = 0; i < aten_results(p) && r == 0; i++)
        if (aten_result(p, i))
            trace_pass_on(&p->trace, &of, &aten_result(p, i)->symbol);
    if (r == 0)
        note_whole(p, n, in);
    if (r == 0 && in_place && !makes_nothing(p))
        r = change_in_place(p, in, e);
    p->trace.op = "?";
    free(said);
    return r;
}

/* Every module that a node stands in has made its result: "layer1", "layer1.0", ... */
static void note_modules(struct program *p)
{
    const struct aten_name *n = aten_result(p, 0);
    const json_t *meta = json_object_get(p->node, "metadata");
    const char *at = json_string_value(json_object_get(meta, "nn_module_stack"));
    for (int depth = 0; at && n && depth < ATEN_DEPTH; depth++) {
        /* "key,path,type;key,path,type" */
        const char *path = strchr(at, ',');
        if (path)
            trace_layer(&p->trace, path + 1, strcspn(path + 1, ",;"), &n->symbol);
        at = strchr(at, ';');
        at = at ? at + 1 : NULL;
    }
}

static int run_nodes(struct program *p, struct err *e)
{
    const json_t *nodes = json_object_get(p->graph, "nodes");
    const size_t n = json_array_size(nodes);
    if (n > ATEN_NODES)
        return err_set(e, "%s: models/model.json: expected at most %d nodes, found %zu",
                       ckpt_name(p->trace.b->ckpt), ATEN_NODES, n);
    for (size_t i = 0; i < n; i++) {
        p->node = json_array_get(nodes, i);
        p->at = (int)i;
        if (is_idle(p))
            continue;
        if (run_node(p, e) != 0)
            return -1;
        note_modules(p);
    }
    return 0;
}

static int take_result(struct program *p, struct err *e)
{
    const struct aten_name *n = aten_named(p, p->result);
    p->trace.node = n ? n->name : "output";
    p->trace.op = "result";
    if (!n)
        return broken(p, "a tensor as the result", e);
    if (p->rounds)
        build_say(p->trace.b, "exported for %s, computed as float32", aten_real(p->rounds));
    if (p->results > 1)
        build_say(p->trace.b, "of %zu results %s, '%.80s', is taken as the logits", p->results,
                  p->why, n->name);
    return trace_result(&p->trace, &n->symbol, e);
}

static int read_program(struct program *p, const json_t *json, struct err *e)
{
    const json_t *module = json_object_get(json, "graph_module");
    const json_int_t major =
        json_integer_value(json_object_get(json_object_get(json, "schema_version"), "major"));
    if (major != SCHEMA)
        return err_set(e,
                       "%s: models/model.json: expected version %d of the schema of "
                       "torch.export, found %lld",
                       ckpt_name(p->trace.b->ckpt), SCHEMA, (long long)major);
    p->graph = json_object_get(module, "graph");
    if (!json_is_array(json_object_get(p->graph, "nodes")))
        return broken(p, "a graph with nodes", e);
    if (!aten_inline(p, json_object_get(module, "graph")))
        return broken(p, "graphs inside the graph that fit their nodes", e);
    if (sort_names(p, e) != 0)
        return -1;
    choose_result(p, module);
    count_uses(p);
    return take_inputs(p, module, e) != 0 || run_nodes(p, e) != 0 ? -1 : take_result(p, e);
}

int build_exported(struct build *b, const char *text, size_t n, struct err *e)
{
    struct program p = {.trace = {.b = b}};
    json_error_t bad;
    json_t *json = json_loadb(text, n, JSON_REJECT_DUPLICATES, &bad);
    if (!json)
        return err_set(e, "%s: models/model.json: byte %d: %s", ckpt_name(b->ckpt), bad.position,
                       bad.text);
    int r = read_program(&p, json, e);
    free(p.name);
    json_decref(json);
    trace_close(&p.trace);
    return r;
}
