#include "info.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/prog.h"
#include "ckpt/onnx.h"
#include "graph/rules.h"
#include "model/normal.h"
#include "model/constants.h"
#include "model/trace.h"
#include "stream/tsv.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Channels of the images: those that the first convolution takes. 3 where there is none. */
static int image_channels(const struct ckpt *c)
{
    for (int i = 0; c && i < ckpt_count(c); i++)
        if (ckpt_at(c, i)->ndim == 4)
            return ckpt_at(c, i)->shape[1] == 1 ? 1 : 3;
    return 3;
}

/* The images that Python's lines are for: what the options say, what an ONNX file says of planes,
 * or what is usual: then false. */
static bool image_shape(const struct info *i, const struct ckpt *c, int *channels, int *h, int *w)
{
    const struct onnx_value *x = ckpt_onnx_image(c);
    const bool planes = x && x->ndim == 4 && !trace_is_last(x->shape[1]);
    *channels = planes ? (int)x->shape[1] : image_channels(c);
    *h = *w = *channels == 1 ? 28 : 32;
    if (i->h > 0) {
        *h = i->h;
        *w = i->w;
        return true;
    }
    if (planes && x->shape[2] > 0 && x->shape[3] > 0 && x->shape[2] <= INT_MAX &&
        x->shape[3] <= INT_MAX) {
        *h = (int)x->shape[2];
        *w = (int)x->shape[3];
        return true;
    }
    return false;
}

/* A name in quotes, as it is in Python, too; without them FILE for any other. */
static char *python_name(const char *name)
{
    for (const char *p = name; *p; p++)
        if (*p < ' ' || *p > '~' || *p == '"' || *p == '\\')
            return mem_printf("FILE");
    return strcmp(name, "-") == 0 ? mem_printf("FILE") : mem_printf("\"%s\"", name);
}

/* torch.export refuses scripts; the older of PyTorch's two writers of ONNX takes them. */
char *info_python(const struct info *i, const struct ckpt *c, const char *why)
{
    int channels, h, w;
    const bool known = image_shape(i, c, &channels, &h, &w);
    const bool object = strstr(why, CKPT_ALONE ", found " CKPT_OBJECT),
               script = strstr(why, CKPT_SCRIPT);
    char *name = python_name(i->session.model);
    char *model =
        object ? mem_printf("torch.load(%s, weights_only=False)", name) : mem_printf("model");
    char *line = script ? mem_printf("torch.onnx.export(torch.jit.load(%s).eval(), "
                                     "(torch.zeros(1, %d, %d, %d),), \"model.onnx\", dynamo=False)",
                                     name, channels, h, w)
                        : ckpt_python(model, channels, h, w);
    /* A program of another size than the training's would be run at that size, without a word. */
    char *size =
        known ? mem_dup("")
              : mem_printf(", for images of %d by %d (--input-size sets another size)", h, w);
    char *text = mem_printf("in Python, %s%s:\n  import torch\n  %s",
                            object   ? "which needs the module's class and runs what the file holds"
                            : script ? "as ONNX, because torch.export refuses scripts"
                                     : "with the model and its weights in 'model'",
                            size, line);
    free(size);
    free(name);
    free(model);
    free(line);
    return text;
}

static int64_t bytes_of(const struct ckpt_tensor *t)
{
    return t->count * ckpt_type_bytes(t->type);
}

/* "float32 40, int64 5". */
static void count_types(const struct ckpt *c, char *buf, size_t room)
{
    int count[CKPT_TYPES] = {0};
    size_t at = 0;
    for (int i = 0; i < ckpt_count(c); i++)
        count[ckpt_at(c, i)->type]++;
    *buf = '\0';
    for (int t = 0; t < CKPT_TYPES && at < room; t++)
        if (count[t] > 0)
            at += (size_t)snprintf(buf + at, room - at, "%s%d %s", at ? ", " : "", count[t],
                                   ckpt_type_name((enum ckpt_type)t));
}

static int put_file(const struct ckpt *c, struct out *o, struct err *e)
{
    static const char *const format[] = {
        [CKPT_ZIP] = "zip archive of torch.save",  [CKPT_LEGACY] = "older format of torch.save",
        [CKPT_EXPORT] = "program of torch.export", [CKPT_ONNX] = "ONNX model",
        [CKPT_SAFETENSORS] = "safetensors",
    };
    int64_t elements = 0, bytes = 0;
    int pruned = 0;
    char types[256];
    for (int i = 0; i < ckpt_count(c); i++) {
        const struct ckpt_tensor *t = ckpt_at(c, i);
        elements += t->count;
        bytes += bytes_of(t);
        pruned += t->mask != NULL;
    }
    count_types(c, types, sizeof types);
    const char *state = ckpt_state(c);
    if (out_printf(o, e,
                   "file                  %s\n"
                   "format                %s, %zu bytes\n",
                   ckpt_name(c), format[ckpt_format(c)], ckpt_bytes(c)) != 0)
        return -1;
    if (!ckpt_is_program(c) &&
        out_printf(o, e, "state dict            %s%s%s\n", *state ? "'" : "",
                   *state ? state : "the whole file", *state ? "'" : "") != 0)
        return -1;
    if (out_printf(o, e,
                   "tensors               %d: %s\n"
                   "elements              %lld in %lld bytes\n",
                   ckpt_count(c), types, (long long)elements, (long long)bytes) != 0)
        return -1;
    return pruned > 0
               ? out_printf(o, e, "pruned                %d of them, multiplied by their masks\n",
                            pruned)
               : 0;
}

/* How pixels are normalised. */
static char *describe_pixels(const struct model *m, struct ckpt *c)
{
    const struct normal *usual = normal_usual(m, "");
    const int channels = model_channels(m);
    const char *set = channels == 1 ? "mnist" : "cifar10";
    /* Images of these sets are made larger for a program by whoever knows its constants. */
    bool always = usual == normal_usual(m, set) || (m->program && m->graph->value[0].h > 32);
    struct constants s;
    char mean[NORMAL_TEXT], std[NORMAL_TEXT];
    if (!constants_find(&s, c, m))
        return mem_printf("constants of %s%s", usual->name,
                          always          ? ""
                          : channels == 1 ? ", on MNIST and Fashion-MNIST others"
                                          : ", on CIFAR-10 others");
    if (s.inside)
        return mem_printf("%snormalised by the program itself, by its %s",
                          s.std[0] < 1 ? "from 0 to 255, " : "", s.where);
    return mem_printf("mean %s, standard deviation %s of the checkpoint's %s%s%s%s",
                      normal_text(mean, "%.6g", s.mean, channels),
                      normal_text(std, "%.6g", s.std, channels), s.where,
                      s.bytes ? ", divided by 255" : "", *s.other ? "; others in " : "", s.other);
}

/* A checkpoint of another network is no error, unless something was assumed about it; *python: how
 * PyTorch writes it in a form that is read, where it is not or may not be. */
static int put_network(const struct info *i, struct ckpt *c, struct out *o, char **python,
                       struct err *e)
{
    struct model *m;
    struct err why;
    char assumed[ASSUME_WORDS];
    if (session_outline(&m, c, &i->session, i->h, i->w, &why) != 0) {
        if (why.unread)
            *python = info_python(i, c, why.msg);
        if (!assume_network(&i->session.assumed))
            return out_printf(o, e, "family                none: %s\n", why.msg);
        *e = why;
        return -1;
    }
    char *pixels = describe_pixels(m, c), *found = model_describe(m);
    const struct graph_value *image = &m->graph->value[0];
    struct assume told = m->assumed;
    /* What stands between the convolutions of a plain net is not known yet, unless it was given. */
    const bool open = m->chain > 0 && !*i->session.assumed.chain;
    if (open)
        *told.chain = '\0';
    assume_write(assumed, &told);
    int r = out_printf(o, e,
                       "family                %s, known by %s\n"
                       "architecture          %s\n"
                       "%s%s%s"
                       "pixels                %s\n"
                       "parameters            %lld\n"
                       "multiply-accumulates  %s%lld for an image of %d by %d\n",
                       m->family, m->known_by, found, *assumed ? "assumed               " : "",
                       assumed, *assumed ? "\n" : "", pixels, (long long)m->parameters,
                       open ? "at most " : "", (long long)graph_macs(m->graph), image->h, image->w);
    if (r == 0 && m->structure) {
        *python = info_python(i, c, "");
        r = out_printf(o, e,
                       "structure             %s: not proved here, --probe compares it with "
                       "images%s\n",
                       m->structure, open ? ", which tell where it pools and what is added" : "");
    }
    if (r == 0 && m->program && i->h == 0 && m->any_size)
        r = out_printf(o, e,
                       "images                of any size, %d channel%s, as the program says\n",
                       image->c, image->c == 1 ? "" : "s");
    else if (r == 0 && m->program && i->h == 0)
        r = out_printf(o, e, "images                %dx%d, %d channel%s, as the program says\n",
                       image->h, image->w, image->c, image->c == 1 ? "" : "s");
    if (r == 0 && !m->statistics)
        r = out_printf(
            o, e,
            "statistics            none of batch norms: images cannot show a wrong mean, "
            "std or order of channels\n");
    free(pixels);
    free(found);
    model_close(m);
    return r;
}

static int put_extras(const struct ckpt *c, struct out *o, struct err *e)
{
    int n = ckpt_extras(c), r = 0;
    if (n > 0)
        r = out_printf(o, e, "\nbeside the %s\n", ckpt_is_program(c) ? "network" : "state dict");
    for (int i = 0; i < n && r == 0; i++)
        r = out_printf(o, e, "  %s  %s\n", ckpt_extra(c, i)->path, ckpt_extra(c, i)->text);
    return r;
}

int contents_print(const struct info *i, struct ckpt *c, struct err *e)
{
    struct out *o;
    char *python = NULL;
    if (out_open(&o, "-", e) != 0)
        return -1;
    bool put = put_file(c, o, e) == 0 && put_network(i, c, o, &python, e) == 0 &&
               put_extras(c, o, e) == 0 && (!python || out_printf(o, e, "\n%s\n", python) == 0);
    free(python);
    if (put)
        return out_close(o, e);
    out_abort(o);
    return -1;
}

/* --- tables --- */

static int put_tensor(struct tsv_out *t, const struct ckpt_tensor *x, struct err *e)
{
    char shape[160];
    tsv_put_string(t, x->name);
    tsv_put_string(t, ckpt_type_name(x->type));
    tsv_put_string(t, ckpt_shape(shape, sizeof shape, x->ndim, x->shape));
    tsv_put_int(t, x->count);
    tsv_put_int(t, bytes_of(x));
    return tsv_end(t, e);
}

int tensors_print(struct ckpt *c, struct err *e)
{
    struct out *o;
    if (out_open(&o, "-", e) != 0)
        return -1;
    struct tsv_out *t = tsv_begin(o, "name type shape count bytes");
    int r = 0;
    for (int i = 0; i < ckpt_count(c) && r == 0; i++)
        r = put_tensor(t, ckpt_at(c, i), e);
    tsv_free(t);
    if (r == 0)
        return out_close(o, e);
    out_abort(o);
    return -1;
}

/* Adds a name to a list, which is NULL where it is empty. */
static void add_name(char **list, const char *name)
{
    char *longer = *list ? mem_printf("%s,%s", *list, name) : mem_dup(name);
    free(*list);
    *list = longer;
}

/* The names of a layer but for the first. */
static void put_names(struct tsv_out *t, const struct graph *g, int value)
{
    const char *name = graph_name(g, value), *key = g->value[value].key;
    char *list = NULL;
    if (key)
        add_name(&list, key);
    for (int i = 0; i < g->aliases; i++)
        if (g->alias[i].value == value && g->alias[i].name != name &&
            !(key && strcmp(g->alias[i].name, key) == 0))
            add_name(&list, g->alias[i].name);
    tsv_put_string(t, list);
    free(list);
}

static int put_layer(struct tsv_out *t, const struct graph *g, const struct graph_op *op,
                     struct err *e)
{
    const struct graph_value *y = &g->value[op->out];
    tsv_put_string(t, op->key);
    tsv_put_string(t, graph_rules[op->kind].name);
    tsv_put_string(t, graph_name(g, op->out));
    tsv_put_int(t, op->y.k);
    tsv_put_int(t, op->y.stride);
    tsv_put_int(t, graph_addend(op) >= 0);
    tsv_put_int(t, op->act == GRAPH_RELU);
    tsv_put_int(t, y->c);
    tsv_put_int(t, y->h);
    tsv_put_int(t, y->w);
    tsv_put_int(t, graph_op_macs(g, op));
    put_names(t, g, op->out);
    return tsv_end(t, e);
}

int layers_print(const struct info *i, struct ckpt *c, struct err *e)
{
    struct model *m;
    struct out *o;
    if (session_outline(&m, c, &i->session, i->h, i->w, e) != 0)
        return -1;
    if (out_open(&o, "-", e) != 0) {
        model_close(m);
        return -1;
    }
    struct tsv_out *t =
        tsv_begin(o, "key kind layer side stride added relu channels height width macs names");
    int r = 0;
    for (int k = 0; k < m->graph->ops && r == 0; k++)
        r = put_layer(t, m->graph, &m->graph->op[k], e);
    tsv_free(t);
    model_close(m);
    if (r == 0)
        return out_close(o, e);
    out_abort(o);
    return -1;
}

/* --- checking --- */

static void say(void *ctx, const char *line)
{
    (void)ctx;
    prog_say("%s", line);
}

int check_print(struct ckpt *c, struct err *e)
{
    int faults = ckpt_check(c, say, NULL);
    if (faults > 0)
        return err_set(e, "%s: %d fault%s found", ckpt_name(c), faults, faults == 1 ? "" : "s");
    struct out *o;
    if (out_open(&o, "-", e) != 0)
        return -1;
    if (out_printf(o, e, "%s: %d tensors, all checksums right, all elements finite\n", ckpt_name(c),
                   ckpt_count(c)) == 0)
        return out_close(o, e);
    out_abort(o);
    return -1;
}
