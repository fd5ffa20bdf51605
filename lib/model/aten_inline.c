/* Graphs inside a graph of torch.export: what Python ran under autocast or no_grad is a node with a
 * graph of its own. Its nodes take the node's place, their names with the node's in front. */
#include "model/aten.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { DEPTH = 16, PREFIX = 256 };

static const char *const tables[] = {"tensor_values", "sym_int_values"};

static bool wraps(const json_t *node)
{
    static const char *const targets[] = {"torch.ops.higher_order.wrap_with_autocast",
                                          "torch.ops.higher_order.wrap_with_set_grad_enabled"};
    const char *t = json_string_value(json_object_get(node, "target"));
    return t && (strcmp(t, targets[0]) == 0 || strcmp(t, targets[1]) == 0);
}

/* Whether it runs without gradients. */
static bool stops(const json_t *node)
{
    const json_t *in = json_array_get(json_object_get(node, "inputs"), 0);
    return json_is_false(json_object_get(json_object_get(in, "arg"), "as_bool"));
}

/* The name in {"as_tensor": {"name": "x"}} or {"as_sym_int": {"as_name": "n"}}; NULL for others. */
static const char *name_in(const json_t *arg)
{
    const json_t *tensor = json_object_get(arg, "as_tensor");
    return json_string_value(tensor
                                 ? json_object_get(tensor, "name")
                                 : json_object_get(json_object_get(arg, "as_sym_int"), "as_name"));
}

static json_t *mapped(const json_t *names, const char *prefix, const char *name)
{
    json_t *given = json_object_get(names, name);
    if (given)
        return json_incref(given);
    char *text = mem_printf("%s/%s", prefix, name);
    json_t *made = json_string(text);
    free(text);
    return made;
}

/* A copy of an argument or a list of them by the names outside. */
static json_t *renamed(const json_t *x, const json_t *names, const char *prefix)
{
    const char *key;
    json_t *value, *copy;
    size_t i;
    if (json_is_array(x)) {
        copy = json_array();
        json_array_foreach((json_t *)x, i, value)
            json_array_append_new(copy, renamed(value, names, prefix));
        return copy;
    }
    if (!json_is_object(x))
        return json_incref((json_t *)x);
    copy = json_object();
    json_object_foreach((json_t *)x, key, value)
    {
        const bool is_name =
            json_is_string(value) && (strcmp(key, "name") == 0 || strcmp(key, "as_name") == 0);
        json_object_set_new(copy, key,
                            is_name ? mapped(names, prefix, json_string_value(value))
                                    : renamed(value, names, prefix));
    }
    return copy;
}

static json_t *renamed_node(const json_t *node, const json_t *names, const char *prefix)
{
    const json_t *inputs = json_object_get(node, "inputs"),
                 *outputs = json_object_get(node, "outputs");
    json_t *copy = json_copy((json_t *)node), *list = json_array(), *in;
    size_t i;
    json_array_foreach((json_t *)inputs, i, in)
    {
        json_t *one = json_copy(in);
        json_object_set_new(one, "arg", renamed(json_object_get(in, "arg"), names, prefix));
        json_array_append_new(list, one);
    }
    json_object_set_new(copy, "inputs", list);
    json_object_set_new(copy, "outputs", renamed(outputs, names, prefix));
    return copy;
}

/* The names of the graph's inputs outside; NULL where they do not fit the node's. */
static json_t *names_of(const json_t *inside, const json_t *inputs, size_t first)
{
    const json_t *formals = json_object_get(inside, "inputs");
    json_t *names = json_object();
    bool good = json_array_size(formals) + first == json_array_size(inputs);
    for (size_t i = 0; i < json_array_size(formals) && good; i++) {
        const char *formal = name_in(json_array_get(formals, i));
        const char *actual = name_in(json_object_get(json_array_get(inputs, first + i), "arg"));
        good = formal && actual && !json_object_get(names, formal);
        if (good)
            json_object_set_new(names, formal, json_string(actual));
    }
    if (good)
        return names;
    json_decref(names);
    return NULL;
}

/* What is known of the names inside, under the names outside. */
static bool add_tables(json_t *graph, const json_t *inside, const json_t *names, const char *prefix)
{
    const char *key;
    json_t *value;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        json_t *to = json_object_get(graph, tables[i]);
        json_object_foreach(json_object_get(inside, tables[i]), key, value)
        {
            if (json_object_get(names, key))
                continue;
            json_t *name = mapped(names, prefix, key);
            const bool good = to && !json_object_get(to, json_string_value(name));
            if (good)
                json_object_set(to, json_string_value(name), value);
            json_decref(name);
            if (!good)
                return false;
        }
    }
    return true;
}

/* Each result of the node is the graph's under another name, by the operation `target`. */
static bool add_results(json_t *nodes, const json_t *node, const json_t *inside,
                        const json_t *names, const char *prefix, const char *target)
{
    const json_t *from = json_object_get(inside, "outputs"), *to = json_object_get(node, "outputs");
    const json_t *list = json_object_get(json_array_get(to, 0), "as_tensors");
    to = list ? list : to;
    if (json_array_size(from) != json_array_size(to))
        return false;
    for (size_t i = 0; i < json_array_size(from); i++) {
        const json_t *one = json_array_get(to, i);
        const char *made = name_in(json_array_get(from, i)),
                   *wanted = list ? json_string_value(json_object_get(one, "name")) : name_in(one);
        if (!made || !wanted)
            return false;
        json_array_append_new(nodes,
                              json_pack("{s:s, s:s, s:[{s:s, s:{s:{s:o}}}], s:[{s:{s:s}}], s:{}}",
                                        "target", target, "name", prefix, "inputs", "name", "self",
                                        "arg", "as_tensor", "name", mapped(names, prefix, made),
                                        "outputs", "as_tensor", "name", wanted, "metadata"));
    }
    return true;
}

static bool flatten(struct program *p, json_t *graph, int depth);

/* The node's own nodes, behind `nodes`. */
static bool unwrap(struct program *p, json_t *graph, const json_t *node, json_t *nodes, int depth)
{
    const json_t *inputs = json_object_get(node, "inputs"), *in;
    const char *prefix = json_string_value(json_object_get(node, "name"));
    json_t *inside = NULL, *one;
    size_t i, at = 0;
    json_array_foreach((json_t *)inputs, i, in)
    {
        const json_t *arg = json_object_get(in, "arg");
        json_t *found = json_object_get(json_object_get(arg, "as_graph"), "graph");
        const json_int_t type = json_integer_value(json_object_get(arg, "as_scalar_type"));
        /* Autocast that is on: the type stands before. */
        if (!inside && aten_real(type) && type != ATEN_FLOAT &&
            json_is_true(
                json_object_get(json_object_get(json_array_get(inputs, i + 1), "arg"), "as_bool")))
            p->rounds = type;
        at = inside ? at : i + 1;
        inside = inside ? inside : found;
    }
    if (!inside || !prefix || strlen(prefix) > PREFIX || depth == DEPTH ||
        !flatten(p, inside, depth + 1))
        return false;
    json_t *names = names_of(inside, inputs, at);
    bool good = names && add_tables(graph, inside, names, prefix);
    json_array_foreach(json_object_get(inside, "nodes"), i, one)
    {
        if (good)
            json_array_append_new(nodes, renamed_node(one, names, prefix));
    }
    good = good && add_results(nodes, node, inside, names, prefix,
                               stops(node) ? "torch.ops.aten.detach.default"
                                           : "torch.ops.aten.alias.default");
    json_decref(names);
    return good;
}

static bool flatten(struct program *p, json_t *graph, int depth)
{
    json_t *nodes = json_array(), *node;
    bool good = true;
    size_t i;
    json_array_foreach(json_object_get(graph, "nodes"), i, node)
    {
        if (good && wraps(node))
            good = unwrap(p, graph, node, nodes, depth);
        else if (good)
            json_array_append(nodes, node);
    }
    if (good)
        json_object_set_new(graph, "nodes", nodes);
    else
        json_decref(nodes);
    return good;
}

bool aten_inline(struct program *p, json_t *graph)
{
    return flatten(p, graph, 0);
}
