/* Branches of an ONNX graph: the nodes of both branches of an If stand in its place, each under the
 * condition that it is computed for, then the If itself, whose inputs are its condition, the
 * results of the first branch and those of the other. Both may use the same names, so what a branch
 * makes is called after the If. A name that stands for a value outside already is refused: what
 * would be meant by it is not known. */
#include "ckpt/onnx_read.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { A_GRAPH = 6, BRANCHES = 2, DEPTH = 16 };

/* What the nodes of a branch make, and its tensors. */
struct onnx_scope {
    const struct onnx_call *call; /* the branch stands in */
    const char *prefix;
    const char **name; /* [names], in order */
    size_t names;
    const struct onnx_scope *outer;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The innermost branch of the graph, or of the function, that makes the value. */
int onnx_value_name(struct onnx_reader *r, const struct onnx_call *call, const char **name,
                    struct err *e)
{
    for (const struct onnx_scope *s = r->scope; s && **name; s = s->outer)
        if (s->call == call && bsearch(name, s->name, s->names, sizeof *s->name, by_name))
            return onnx_join(r, s->prefix, name, e);
    return call ? onnx_called_value(r, call, name, e) : 0;
}

/* The last text of a number in a message. */
static int text_in(struct onnx_reader *r, struct pb m, uint32_t number, const char **text,
                   struct err *e)
{
    struct pb found = {.n = 0};
    struct pb_field f;
    while (pb_next(&m, &f) > 0)
        if (f.wire == PB_BYTES && f.number == number)
            found = f.bytes;
    return onnx_text(r, found, text, e);
}

/* --- names that values in front of a node have --- */

void onnx_makes(struct onnx_reader *r, const struct onnx_node *n)
{
    for (size_t i = 0; r->made && i < n->outs; i++)
        g_hash_table_add(r->made, (void *)n->out[i]);
}

/* Tensors of a graph or branch, wherever they stand in it, and what else it is given. */
static int makes_given(struct onnx_reader *r, const struct onnx_call *call, struct pb graph,
                       struct err *e)
{
    struct pb_field f;
    const char *name;
    while (pb_next(&graph, &f) > 0) {
        const uint32_t at = f.number == G_INITIALIZER ? TENSOR_NAME : V_NAME;
        if (f.wire != PB_BYTES || (f.number != G_INITIALIZER && f.number != G_INPUT))
            continue;
        if (text_in(r, f.bytes, at, &name, e) != 0 || onnx_value_name(r, call, &name, e) != 0)
            return -1;
        g_hash_table_add(r->made, (void *)name);
    }
    return 0;
}

/* Of the whole graph, from the first branch on. */
static int begin_made(struct onnx_reader *r, struct err *e)
{
    if (r->made)
        return 0;
    r->made = g_hash_table_new(g_str_hash, g_str_equal);
    for (size_t i = 0; i < r->nodes; i++)
        onnx_makes(r, &r->node[i]);
    return makes_given(r, NULL, r->graph, e);
}

/* Refuses a branch that makes what is there outside, where n stands. */
static int check_scope(struct onnx_reader *r, const struct onnx_call *call,
                       const struct onnx_scope *s, const struct onnx_node *n, struct err *e)
{
    for (size_t i = 0; i < s->names; i++) {
        const char *outside = s->name[i];
        if (onnx_value_name(r, call, &outside, e) != 0)
            return -1;
        if (*outside && g_hash_table_contains(r->made, outside))
            return err_set(e,
                           "%s: node '%.80s' (If): expected branches whose values have names of "
                           "their own, found '%.80s', which stands for a value outside, too",
                           r->c->name, n->name, s->name[i]);
    }
    return 0;
}

/* --- branches --- */

/* All that a branch makes, in s->name. */
static int read_scope(struct onnx_reader *r, struct pb graph, struct onnx_scope *s, struct err *e)
{
    struct pb_field f, g;
    struct pb all = graph;
    int64_t room = 0;
    while (pb_next(&all, &f) > 0)
        if (f.wire == PB_BYTES && (f.number == G_NODE || f.number == G_INITIALIZER))
            room += f.number == G_NODE ? onnx_count(f.bytes, N_OUTPUT) : 1;
    if (room < 0 || room > CKPT_TENSORS)
        return onnx_broken(r, "a branch", e);
    s->name = ckpt_own(r->c, mem_alloc((size_t)room + 1, sizeof *s->name));
    while (pb_next(&graph, &f) > 0) {
        struct pb node = f.bytes;
        if (f.wire != PB_BYTES || (f.number != G_NODE && f.number != G_INITIALIZER))
            continue;
        if (f.number == G_INITIALIZER) {
            if (s->names == (size_t)room ||
                text_in(r, f.bytes, TENSOR_NAME, &s->name[s->names++], e) != 0)
                return -1;
            continue;
        }
        while (pb_next(&node, &g) > 0)
            if (g.wire == PB_BYTES && g.number == N_OUTPUT && s->names < (size_t)room &&
                onnx_text(r, g.bytes, &s->name[s->names++], e) != 0)
                return -1;
    }
    qsort(s->name, s->names, sizeof *s->name, by_name);
    return 0;
}

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
    struct pb_field f;
    while (pb_next(&graph, &f) > 0) {
        if (f.wire != PB_BYTES || f.number != G_OUTPUT)
            continue;
        if (text_in(r, f.bytes, V_NAME, name, e) != 0 || onnx_value_name(r, call, name, e) != 0)
            return -1;
        name++;
    }
    return 0;
}

static int read_nodes(struct onnx_reader *r, const struct onnx_call *call, struct pb graph,
                      struct err *e)
{
    struct pb_field f;
    const char *name;
    int more, result = makes_given(r, call, graph, e);
    while (result == 0 && (more = pb_next(&graph, &f)) != 0) {
        if (more < 0 || (f.wire == PB_BYTES && (f.number == G_INPUT || f.number == G_SPARSE)))
            result = onnx_broken(r, "a branch", e);
        else if (f.wire == PB_BYTES && f.number == G_NODE)
            result = onnx_node(r, call, f.bytes, e);
        else if (f.wire == PB_BYTES && f.number == G_INITIALIZER)
            result = text_in(r, f.bytes, TENSOR_NAME, &name, e) != 0 ||
                             onnx_value_name(r, call, &name, e) != 0
                         ? -1
                         : onnx_tensor(r, f.bytes, *name ? name : NULL, e);
    }
    return result;
}

int onnx_branches(struct onnx_reader *r, const struct onnx_call *call, struct pb m,
                  struct onnx_node *n, struct err *e)
{
    struct pb branch[BRANCHES];
    static const char *const called[BRANCHES] = {"then", "else"};
    const struct onnx_guard *outer = r->guard;
    const struct onnx_scope *around = r->scope;
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
        struct onnx_scope s = {.call = call, .prefix = called[i], .outer = around};
        if ((n->outs > 0 && onnx_join(r, n->out[0], &s.prefix, e) != 0) ||
            read_scope(r, branch[i], &s, e) != 0 || begin_made(r, e) != 0 ||
            check_scope(r, call, &s, n, e) != 0)
            return -1;
        r->guard = g;
        r->scope = &s;
        result = read_nodes(r, call, branch[i], e);
        r->guard = outer;
        if (result == 0)
            result = read_results(r, call, branch[i], in + 1 + (size_t)i * n->outs, e);
        r->scope = around;
    }
    n->in = in;
    n->ins = 1 + BRANCHES * n->outs;
    return result;
}
