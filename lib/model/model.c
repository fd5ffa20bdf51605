#include "model/model.h"

#include "base/mem.h"
#include "base/prog.h"
#include "ckpt/onnx.h"
#include "graph/rules.h"
#include "model/constants.h"
#include "model/design.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct build begin(struct ckpt *c, const struct model_opts *o)
{
    struct build b = {.ckpt = c, .opts = o};
    b.model = mem_zero(1, sizeof *b.model);
    b.graph = b.model->graph = graph_new();
    b.used = mem_zero((size_t)ckpt_count(c) + 1, sizeof *b.used);
    memcpy(b.graph->mean, o->mean, sizeof b.graph->mean);
    memcpy(b.graph->std, o->std, sizeof b.graph->std);
    graph_add_value(b.graph, 3, o->h, o->w, NULL, NULL);
    return b;
}

/* All but the model. */
static void end(struct build *b)
{
    for (size_t i = 0; i < b->views; i++)
        free(b->view[i]);
    free(b->view);
    free(b->used);
    free(b->origin);
}

/* What the builder found out, but for the graph and the norms. */
static void keep_found(struct build *b)
{
    struct model *m = b->model;
    const struct found *f = &b->found;
    /* A reading's family is gone with the reading. */
    m->family = b->reading ? "structure" : f->family->name;
    m->known_by = b->reading ? "the order and the shapes of its layers" : f->family->about;
    m->structure = b->reading ? mem_dup(b->reading->words) : NULL;
    m->state = mem_dup(ckpt_state(b->ckpt));
    memcpy(m->prefix, f->prefix, sizeof m->prefix);
    m->design = f->family->design ? f->family->design->what : NULL;
    m->bottleneck = f->bottleneck;
    m->stages = f->stages;
    memcpy(m->blocks, f->blocks, sizeof m->blocks);
    build_keep_assumed(b);
}

static void tell(const struct build *b)
{
    char words[ASSUME_WORDS];
    assume_write(words, &b->model->assumed);
    char *found = model_describe(b->model);
    const char *structure = b->model->structure;
    char *text =
        mem_printf("%s: %s%s%s%s; assumed: %s", ckpt_name(b->ckpt), found, structure ? " (" : "",
                   structure ? structure : "", structure ? ")" : "", *words ? words : "nothing");
    build_note(b, text);
    free(found);
    free(text);
}

/* Maps of the last stage have a layer to name. */
static void name_last_stage(struct graph *g)
{
    const int last = graph_closed(g).value;
    if (last > 0 && !graph_name(g, last))
        graph_call(g, last, "last_stage", false);
}

/* Elements of a tensor, unless it is a constant of pixels. */
static int64_t counted(const struct ckpt *c, const struct ckpt_tensor *t)
{
    return t && !constants_is(c, t) ? t->count : 0;
}

/* Elements of the tensors behind an operation, statistics left out. */
static int64_t parameters_of(const struct ckpt *c, const struct origin *from)
{
    const struct ckpt_tensor *const t[] = {from->w, from->b, from->norm.t[NORM_WEIGHT],
                                           from->norm.t[NORM_BIAS]};
    int64_t n = 0;
    for (size_t i = 0; i < sizeof t / sizeof(void *); i++)
        n += counted(c, t[i]);
    for (int i = 0; i < BUILD_PIECES && from->piece[i].tensor; i++)
        n += counted(c, from->piece[i].tensor);
    return n;
}

/* A network that says itself what it computes. */
static int build_program(struct build *b, const char *program, size_t n, struct err *e)
{
    struct model *m = b->model;
    const struct onnx_model *onnx = ckpt_onnx(b->ckpt);
    if (build_settle_program(b, e) != 0)
        return -1;
    if ((onnx ? build_onnx(b, onnx, e) : build_exported(b, program, n, e)) != 0)
        return -1;
    for (int i = 0; i < b->graph->ops; i++) {
        const struct graph_op *op = &b->graph->op[i];
        b->numbers += graph_op_weights(b->graph, op);
        if (m->side == 0 && op->kind == GRAPH_CONV)
            m->side = op->y.k > 3 ? 224 : 32;
        m->parameters += onnx ? parameters_of(b->ckpt, &b->origin[i]) : 0;
    }
    name_last_stage(b->graph);
    if (build_load(b, e) != 0)
        return -1;
    m->assumed.bgr = b->assume.bgr;
    m->assumed.grey = model_channels(m) == 1;
    m->family = onnx ? "ONNX" : "torch.export";
    m->known_by = "its own graph";
    m->program = true;
    m->state = mem_dup("");
    char *found = model_describe(m), *text = mem_printf("%s: %s", ckpt_name(b->ckpt), found);
    build_note(b, text);
    free(found);
    free(text);
    return 0;
}

/* Once it is settled what the keys are. */
static int build_found(struct build *b, struct err *e)
{
    const struct design *d = b->found.family->design;
    return (d ? d->operations(b, e) : build_operations(b, e)) != 0 ||
                   (d && design_check_biases(b, e) != 0) || build_check_rest(b, e) != 0
               ? -1
               : 0;
}

static int refuse_unproved(const struct build *b, struct err *e)
{
    return ckpt_unread(e,
                       "%s, and what the network is by structure (%.300s) has to be proved by "
                       "images, which are not read here; %s gives keys the names of a family",
                       b->model->misfit, b->reading->words,
                       prog_option("--rename FILE", "RENAME=FILE"));
}

/* A message without the way on. */
static char *bare_message(const struct err *e)
{
    const char *end = strstr(e->msg, CKPT_UNREAD);
    return mem_printf("%.*s", end ? (int)(end - e->msg) : (int)strlen(e->msg), e->msg);
}

/* Why no family fits. */
static char *misfit(const struct build *b, const struct err *e)
{
    if (!b->found.family)
        return mem_printf("%s: the key names are of no known family", ckpt_name(b->ckpt));
    return bare_message(e);
}

/* Says of keys that no family names why there is no reading by structure, too. */
static int refuse_structure(const struct build *b, const struct structure *s, struct err *e)
{
    if (!*s->why || b->found.family || !e->unread)
        return -1;
    char *why = bare_message(e);
    ckpt_record_unread(
        e, "%s, and by order and shapes it is neither a residual nor a plain net: %s", why, s->why);
    free(why);
    return -1;
}

/* Begins anew with a reading by structure in place of a family, which the error `e` refused: it
 * stays where there is no reading. */
static int build_by_structure(struct build *b, const struct structure *s, struct err *e)
{
    struct ckpt *c = b->ckpt;
    const struct model_opts *o = b->opts;
    if (s->readings == 0)
        return refuse_structure(b, s, e);
    char *why = misfit(b, e);
    end(b);
    model_close(b->model);
    *b = begin(c, o);
    b->model->misfit = why;
    if (build_settle_reading(b, s, e) != 0 || build_found(b, e) != 0)
        return -1;
    b->model->readings = s->readings;
    b->model->led = b->reading->led;
    b->model->chain = b->reading->units;
    b->model->stacked = b->reading->family.hidden[0].conv != NULL;
    b->model->heads = structure_heads(s);
    return o->unproved ? 0 : refuse_unproved(b, e);
}

/* Whether no family of ours named the keys, as the error says. */
static bool is_unknown(const struct build *b, const struct err *e)
{
    return !b->found.family || e->unread;
}

/* Families by their keys, then order and shapes. */
static int build_state(struct build *b, struct err *e)
{
    struct structure *s = NULL;
    int r = build_settle(b, e) == 0 ? build_found(b, e) : -1;
    if (r != 0 && is_unknown(b, e)) {
        s = structure_read(b->ckpt, b->assume.prefix);
        r = build_by_structure(b, s, e);
    }
    if (r == 0 && (build_check_effects(b, e) != 0 || build_load(b, e) != 0))
        r = -1;
    if (r == 0) {
        keep_found(b);
        tell(b);
    }
    structure_free(s);
    return r;
}

static int build_all(struct build *b, struct err *e)
{
    const char *program;
    size_t n;
    if (ckpt_program(b->ckpt, &program, &n, e) != 0)
        return -1;
    return program || ckpt_onnx(b->ckpt) ? build_program(b, program, n, e) : build_state(b, e);
}

int model_sized(struct ckpt *c, struct err *e)
{
    const char *program;
    size_t n;
    return ckpt_program(c, &program, &n, e) != 0 ? -1 : program || ckpt_onnx(c);
}

int model_open(struct model **m, struct ckpt *c, const struct model_opts *o, struct err *e)
{
    *m = NULL;
    const int sized = o->h > 0 ? 0 : model_sized(c, e);
    if (sized < 0)
        return -1;
    if (!sized && (o->h < 1 || o->w < 1 || o->h > BUILD_ELEMENTS / o->w / 3))
        return build_too_large(c, o->h, o->w, e);
    struct build b = begin(c, o);
    int r = build_all(&b, e);
    end(&b);
    if (r == 0)
        *m = b.model;
    else
        model_close(b.model);
    return r;
}

void model_close(struct model *m)
{
    if (!m)
        return;
    for (int i = 0; i < m->norms; i++) {
        free((void *)m->norm[i].key);
        free(m->norm[i].mean);
        free(m->norm[i].var);
    }
    graph_free(m->graph);
    free(m->norm);
    free(m->structure);
    free(m->misfit);
    free(m->state);
    free(m);
}

char *model_describe(const struct model *m)
{
    char blocks[80] = "";
    size_t at = 0;
    if (m->stages == 0)
        return mem_printf(MODEL_PROGRAM "%s: %d operations, %d classes", m->family, m->graph->ops,
                          graph_classes(m->graph));
    for (int s = 0; s < m->stages && at < sizeof blocks; s++)
        at += (size_t)snprintf(blocks + at, sizeof blocks - at, "%s%d", s ? "-" : "", m->blocks[s]);
    return mem_printf("%s%s%s%s%s%s%s%s: %s%s %s, %d classes", *m->state ? "under '" : "", m->state,
                      *m->state ? "', " : "", m->structure ? "read by structure" : "names of ",
                      m->structure ? "" : m->family, *m->prefix ? " behind '" : "", m->prefix,
                      *m->prefix ? "'" : "",
                      m->design       ? m->design
                      : m->bottleneck ? "bottleneck"
                                      : "basic",
                      m->design ? " with blocks" : " blocks", blocks, graph_classes(m->graph));
}

int model_head(struct model_head *h, const struct model *m)
{
    const struct graph *g = m->graph;
    const struct graph_op *last = &g->op[g->ops - 1];
    *h = (struct model_head){.classes = graph_classes(g)};
    if (last->kind != GRAPH_LINEAR)
        return -1;
    h->channels = g->value[last->in[0]].c;
    const size_t weights = (size_t)h->classes * (size_t)h->channels, classes = (size_t)h->classes;
    h->w = mem_alloc(weights, sizeof *h->w);
    h->b = mem_alloc(classes, sizeof *h->b);
    memcpy(h->w, last->w, weights * sizeof *h->w);
    memcpy(h->b, last->b, classes * sizeof *h->b);
    return 0;
}
