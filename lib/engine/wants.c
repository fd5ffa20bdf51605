/* What is wanted of values. */
#include "engine/backend.h"

#include <string.h>

int engine_add_want(struct engine_want *list, int *count, int value, enum engine_what what)
{
    int i = 0;
    while (i < *count && (list[i].value != value || list[i].what != what))
        i++;
    if (i == *count)
        list[(*count)++] = (struct engine_want){value, what};
    return i;
}

size_t engine_result_size(const struct graph *g, const struct engine_opts *o, int want)
{
    int value = o->wants[want].value;
    switch (o->wants[want].what) {
    case ENGINE_GRADIENT:
        return (size_t)o->vectors * graph_size(g, value);
    case ENGINE_SUMS:
        return 2 * (size_t)g->value[value].c;
    case ENGINE_CLASS_MAPS:
        return (size_t)graph_classes(g) * graph_cells(g, value);
    case ENGINE_ACTIVATION:
        break;
    }
    return graph_size(g, value);
}

size_t engine_result_bytes(const struct graph *g, const struct engine_opts *o, int want)
{
    return engine_result_size(g, o, want) *
           (o->wants[want].what == ENGINE_SUMS ? sizeof(double) : sizeof(float));
}

bool engine_wants(const struct engine_opts *o, enum engine_what what)
{
    for (int i = 0; i < o->want_count; i++)
        if (o->wants[i].what == what)
            return true;
    return false;
}

void engine_mark_backward(const struct graph *g, const struct engine_opts *o, bool *marked)
{
    memset(marked, 0, (size_t)g->values * sizeof *marked);
    for (int i = 0; i < o->want_count; i++)
        if (o->wants[i].what == ENGINE_GRADIENT)
            marked[o->wants[i].value] = true;
    graph_mark_made_of(g, marked);
}
