/* Branches of an ONNX graph: the nodes of both branches of an If stand in its place, each under the
 * condition that it is computed for, then the If itself, whose inputs are its condition, the
 * results of the first branch and those of the other. */
#include "ckpt/onnx_read.h"

#include "base/mem.h"

enum { G_NODE = 1, G_INITIALIZER = 5, G_INPUT = 11, G_OUTPUT = 12, G_SPARSE = 15 };
enum { A_GRAPH = 6, V_NAME = 1, BRANCHES = 2, DEPTH = 16 };

/* The two graphs: then_branch and else_branch, each once and nothing else. */
static bool find_branches(struct pb m, struct pb branch[BRANCHES])
{
    struct pb_field f, a;
    bool there[BRANCHES] = {false, false};
    while (pb_next(&m, &f) > 0) {
        struct pb rest = f.bytes, name = {.n = 0}, graph = {.n = 0};
        if (f.wire != PB_BYTES || f.number != N_ATTRIBUTE)
            continue;
        while (pb_next(&rest, &a) > 0)
            if (a.wire == PB_BYTES && (a.number == A_NAME || a.number == A_GRAPH))
                *(a.number == A_NAME ? &name : &graph) = a.bytes;
        const int i = pb_is(name, "then_branch") ? 0 : pb_is(name, "else_branch") ? 1 : -1;
        if (i < 0 || there[i] || graph.n == 0)
            return false;
        there[i] = true;
        branch[i] = graph;
    }
    return there[0] && there[1];
}

static int read_results(struct onnx_reader *r, const struct onnx_call *call, struct pb graph,
                        const char **name, struct err *e)
{
    struct pb_field f, v;
    while (pb_next(&graph, &f) > 0) {
        struct pb value = f.bytes, text = {.n = 0};
        if (f.wire != PB_BYTES || f.number != G_OUTPUT)
            continue;
        while (pb_next(&value, &v) > 0)
            if (v.wire == PB_BYTES && v.number == V_NAME)
                text = v.bytes;
        if (onnx_text(r, text, name, e) != 0 || (call && onnx_called_value(r, call, name, e) != 0))
            return -1;
        name++;
    }
    return 0;
}

static int read_nodes(struct onnx_reader *r, const struct onnx_call *call, struct pb graph,
                      struct err *e)
{
    struct pb_field f;
    int more, result = 0;
    while (result == 0 && (more = pb_next(&graph, &f)) != 0) {
        if (more < 0 || (f.wire == PB_BYTES && (f.number == G_INPUT || f.number == G_SPARSE)))
            result = onnx_broken(r, "a branch", e);
        else if (f.wire == PB_BYTES && f.number == G_NODE)
            result = onnx_node(r, call, f.bytes, e);
        else if (f.wire == PB_BYTES && f.number == G_INITIALIZER)
            result = onnx_tensor(r, f.bytes, NULL, e);
    }
    return result;
}

int onnx_branches(struct onnx_reader *r, const struct onnx_call *call, struct pb m,
                  struct onnx_node *n, struct err *e)
{
    struct pb branch[BRANCHES];
    const struct onnx_guard *outer = r->guard;
    int depth = 0;
    for (const struct onnx_guard *g = outer; g; g = g->outer)
        depth++;
    if (depth >= DEPTH)
        return err_set(e, "%s: node '%.80s' (If): expected branches at most %d deep, found more",
                       r->c->name, n->name, DEPTH);
    const bool good = n->ins == 1 && *n->in[0] && find_branches(m, branch) &&
                      onnx_count(branch[0], G_OUTPUT) == (int64_t)n->outs &&
                      onnx_count(branch[1], G_OUTPUT) == (int64_t)n->outs;
    if (!good)
        return err_set(e,
                       "%s: node '%.80s' (If): expected a condition, a then_branch and an "
                       "else_branch of as many results, found others",
                       r->c->name, n->name);
    const char **in = ckpt_own(r->c, mem_alloc(1 + BRANCHES * n->outs, sizeof *in));
    int result = 0;
    in[0] = n->in[0];
    for (int i = 0; i < BRANCHES && result == 0; i++) {
        struct onnx_guard *g = ckpt_own(r->c, mem_alloc(1, sizeof *g));
        *g = (struct onnx_guard){.when = in[0], .node = n->name, .is = i == 0, .outer = outer};
        r->guard = g;
        result = read_nodes(r, call, branch[i], e);
        r->guard = outer;
        if (result == 0)
            result = read_results(r, call, branch[i], in + 1 + (size_t)i * n->outs, e);
    }
    n->in = in;
    n->ins = 1 + BRANCHES * n->outs;
    return result;
}
