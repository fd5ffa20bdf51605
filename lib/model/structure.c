#include "model/structure.h"

#include "base/mem.h"
#include "model/design.h"
#include "model/modules.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAINS = 3, CONVS = MAINS + 1, HEADS = 4, HIDDEN = FAMILY_HIDDEN, REST = 64, NONE = -1 };

/* How an attempt goes about it. */
struct manner {
    int depth;           /* parts of a name that a block's container has; 0: blocks are told by
                            shapes alone */
    int mains;           /* convolutions of a block, but for its shortcut */
    bool pre_activation; /* norms stand before their convolutions */
    bool shortcut_first; /* where shapes leave that open */
};

/* A convolution and its norm, as numbers of modules; the norm may be NONE. */
struct pair {
    int conv, norm;
};

struct block {
    int first, end; /* modules */
    struct pair main[MAINS], shortcut;
    bool shortcut_normed_first; /* its norm stands before its convolution */
    int end_norm;               /* behind the last convolution of a pre-activation block, or NONE */
    int squeeze, excite;        /* or NONE */
    int in, out, stage;
};

/* What is behind the blocks: linear layers, of which all but the last may have a norm. */
struct tail {
    int neck; /* a norm behind the pooling, or NONE */
    struct pair hidden[HIDDEN];
    int hiddens, head;
};

struct attempt {
    const struct module *m;
    int n;
    struct manner how;
    bool *taken;   /* [n] */
    bool *squeeze; /* [n] whether the module and the next one are squeeze and excitation by their
                      shapes */
    struct block *block;
    int blocks;
    struct pair stem[FAMILY_STEM];
    int stems, last_norm, head[HEADS], heads;
    bool ordered; /* the order is that of definition */
    int misfit;   /* the module that has no place, or NONE */
};

static int fail(struct attempt *a, int module)
{
    a->misfit = module;
    return -1;
}

static bool same_name(const struct module *a, const struct module *b, int n)
{
    return strncmp(a->name, b->name, (size_t)n) == 0;
}

/* --- a block's parts --- */

/* Whether a container within a block holds this convolution, one norm and nothing else. */
static int own_norm(const struct attempt *a, const struct block *b, int conv)
{
    const struct module *c = &a->m[conv];
    int norm = NONE;
    for (int i = b->first; i < b->end; i++) {
        const struct module *m = &a->m[i];
        if (i == conv || m->container != c->container || !same_name(m, c, c->container))
            continue;
        if (m->kind != MODULE_NORM || norm != NONE)
            return NONE;
        norm = i;
    }
    return norm;
}

static struct pair *pair_of(struct block *b, int mains, int conv)
{
    for (int i = 0; i < mains; i++)
        if (b->main[i].conv == conv)
            return &b->main[i];
    return &b->shortcut;
}

/* Where the norm of a shortcut stands, by its width and by the order. */
static bool takes_shortcut_norm(const struct attempt *a, struct block *b)
{
    const struct pair *p = &b->shortcut;
    if (p->norm == NONE)
        return true;
    const int width = a->m[p->norm].in;
    b->shortcut_normed_first =
        a->how.pre_activation && width == b->in && (b->in != b->out || p->norm < p->conv);
    return b->shortcut_normed_first || width == b->out;
}

/* Whether a convolution of that many channels takes them all, or a group's. */
static bool takes_channels(const struct module *m, int channels)
{
    return m->in == channels || (m->k > 1 && m->in < channels && channels % m->in == 0 &&
                                 m->out % (channels / m->in) == 0);
}

/* Gives norms to convolutions: those of one container to each other, the others in their order. A
 * shortcut may have none; of pre-activation one may be left for the end of the block. */
static bool give_norms(const struct attempt *a, struct block *b, const int *conv, int convs)
{
    bool given[2 * CONVS] = {false};
    int norm[CONVS], norms = 0, next = 0, open = 0;
    for (int i = 0; i < convs; i++)
        pair_of(b, a->how.mains, conv[i])->norm = own_norm(a, b, conv[i]);
    for (int i = b->first; i < b->end; i++) {
        bool free = a->m[i].kind == MODULE_NORM;
        for (int k = 0; k < convs && free; k++)
            free = pair_of(b, a->how.mains, conv[k])->norm != i;
        if (free && norms == CONVS)
            return false;
        if (free)
            norm[norms++] = i;
    }
    for (int i = 0; i < convs; i++)
        open += pair_of(b, a->how.mains, conv[i])->norm == NONE;
    for (int i = 0; i < convs; i++) {
        struct pair *p = pair_of(b, a->how.mains, conv[i]);
        bool bare = p == &b->shortcut && norms == open - 1;
        if (p->norm == NONE && !bare && next < norms) {
            given[next] = true;
            p->norm = norm[next++];
        }
    }
    b->end_norm = NONE;
    for (int i = 0; i < norms; i++)
        if (!given[i]) {
            if (b->end_norm != NONE || !a->how.pre_activation || a->m[norm[i]].in != b->out)
                return false;
            b->end_norm = norm[i];
        }
    for (int i = 0; i < a->how.mains; i++) {
        const struct module *c = &a->m[b->main[i].conv];
        if (b->main[i].norm == NONE ||
            !(a->how.pre_activation ? takes_channels(c, a->m[b->main[i].norm].in)
                                    : a->m[b->main[i].norm].in == c->out))
            return false;
    }
    return takes_shortcut_norm(a, b);
}

/* Whether `mains` convolutions from conv[] on are a block's, and `shortcut` (NONE: there is none)
 * its shortcut. */
static bool fits(const struct attempt *a, struct block *b, const int *conv, int shortcut)
{
    int channels = b->in;
    for (int i = 0; i < a->how.mains; i++) {
        const struct module *m = &a->m[conv[i]];
        bool bottleneck = a->how.mains == MAINS, narrow = bottleneck && i != 1;
        if (!takes_channels(m, channels) || (bottleneck && (m->k == 1) != narrow))
            return false;
        b->main[i].conv = conv[i];
        channels = m->out;
    }
    b->out = channels;
    b->shortcut = (struct pair){shortcut, NONE};
    if (b->squeeze != NONE && a->m[b->squeeze].in != b->out)
        return false;
    if (shortcut == NONE)
        return b->out >= b->in;
    return a->m[shortcut].in == b->in && a->m[shortcut].out == b->out;
}

/* Finds the parts of a block. */
static bool solve(struct attempt *a, struct block *b)
{
    int conv[CONVS], convs = 0, mains = a->how.mains;
    b->squeeze = b->excite = NONE;
    for (int i = b->first; i < b->end; i++) {
        if (a->squeeze[i] && i + 1 < b->end && b->squeeze == NONE) {
            b->squeeze = i;
            b->excite = ++i;
            continue;
        }
        if (a->m[i].kind == MODULE_LINEAR || (a->m[i].kind == MODULE_CONV && convs == CONVS))
            return false;
        if (a->m[i].kind == MODULE_CONV)
            conv[convs++] = i;
    }
    if (convs == mains)
        return fits(a, b, conv, NONE) && give_norms(a, b, conv, convs);
    if (convs != mains + 1)
        return false;
    /* The shortcut stands behind the others, in front of them or, rarely, among them. */
    for (int i = 0; i <= mains; i++) {
        int at = a->how.shortcut_first ? i : mains - i, main[CONVS], n = 0;
        for (int k = 0; k < convs; k++)
            if (k != at)
                main[n++] = conv[k];
        if (fits(a, b, main, conv[at]) && give_norms(a, b, conv, convs))
            return true;
    }
    return false;
}

/* --- where blocks are --- */

static struct block *add_block(struct attempt *a, int first, int end)
{
    a->block = mem_extend(a->block, (size_t)a->blocks, (size_t)a->blocks + 1, sizeof *a->block);
    a->block[a->blocks] = (struct block){.first = first, .end = end};
    return &a->block[a->blocks++];
}

static bool sees_images(const struct module *m)
{
    return m->kind == MODULE_CONV && (m->in == 3 || m->in == 1);
}

/* Whether a module is one of the two of squeeze and excitation. */
static bool squeezes(const struct attempt *a, int i)
{
    return a->squeeze[i] || (i > 0 && a->squeeze[i - 1]);
}

/* Marks what squeezes a width and the one behind it that brings it back, without norms. */
static void mark_squeezes(struct attempt *a)
{
    for (int i = 0; i + 1 < a->n; i++) {
        const struct module *p = &a->m[i], *q = p + 1;
        bool convs = p->kind == MODULE_CONV && q->kind == MODULE_CONV && p->k == 1 && q->k == 1;
        bool linear = p->kind == MODULE_LINEAR && q->kind == MODULE_LINEAR;
        bool normed = i + 2 < a->n && a->m[i + 2].kind == MODULE_NORM &&
                      a->m[i + 2].container == q->container &&
                      same_name(&a->m[i + 2], q, q->container) && !linear && !q->biased;
        a->squeeze[i] = (convs || linear) && p->in == q->out && p->out == q->in && p->out < p->in &&
                        !normed && (i == 0 || !a->squeeze[i - 1]);
    }
}

/* Containers of more than one convolution, but for the stem's and those of a linear layer. */
static void find_containers(struct attempt *a)
{
    for (int i = 0, end; i < a->n; i = end) {
        int n = modules_prefix(&a->m[i], a->how.depth), convs = 0;
        bool other = n <= 0;
        for (end = i; end < a->n; end++) {
            if (end > i && (n <= 0 || modules_prefix(&a->m[end], a->how.depth) != n ||
                            !same_name(&a->m[end], &a->m[i], n)))
                break;
            convs += a->m[end].kind == MODULE_CONV;
            other = other || (a->m[end].kind == MODULE_LINEAR && !squeezes(a, end)) ||
                    sees_images(&a->m[end]);
        }
        if (convs > 1 && !other)
            add_block(a, i, end);
    }
}

/* Whether a block's shortcut stands in front of its convolutions: the first one and the next change
 * the same width. */
static bool leads(const struct attempt *a, int first, int in)
{
    const struct module *m = &a->m[first];
    int i = first + 1;
    if (!a->how.shortcut_first || m->kind != MODULE_CONV || m->in != in || m->out == in)
        return false;
    while (i < a->n && a->m[i].kind == MODULE_NORM)
        i++;
    return i < a->n && a->m[i].kind == MODULE_CONV && takes_channels(&a->m[i], in);
}

/* Where the next block ends, of one that begins at `first`: without containers, behind the last of
 * its convolutions and their norms. */
static int block_end(const struct attempt *a, int first, int in)
{
    const int led = leads(a, first, in);
    int convs = 0, norms = 0, out = in, i = first;
    for (; i < a->n; i++) {
        const struct module *m = &a->m[i];
        bool full = convs >= a->how.mains + led;
        if (full && a->squeeze[i] && m->in == out) {
            i++;
            continue;
        }
        if (m->kind == MODULE_LINEAR)
            break;
        if (m->kind == MODULE_NORM) {
            if (full && (a->how.pre_activation || norms == convs))
                break;
            norms++;
            continue;
        }
        bool shortcut = !led && convs == a->how.mains && m->in == in && m->out == out &&
                        (in != out || (m->k == 1 && a->how.mains < MAINS));
        if (full && !shortcut)
            break;
        out = full ? out : m->out;
        convs++;
    }
    return i;
}

static void find_by_shapes(struct attempt *a)
{
    int i = 0;
    while (i < a->n && !sees_images(&a->m[i]))
        i++;
    if (i == a->n)
        return;
    int in = a->m[i++].out;
    bool normed = i + 1 < a->n && a->m[i].kind == MODULE_NORM &&
                  (!a->how.pre_activation || a->m[i + 1].kind == MODULE_NORM);
    i += normed;
    for (int convs = 1; i < a->n && convs > 0;) {
        const int mains = a->how.mains + leads(a, i, in);
        int end = block_end(a, i, in), last = NONE;
        convs = 0;
        for (int k = i; k < end; k++)
            if (a->m[k].kind == MODULE_CONV && !squeezes(a, k)) {
                last = convs < mains ? k : last;
                convs++;
            }
        if (convs < a->how.mains)
            return;
        add_block(a, i, end);
        in = a->m[last].out;
        i = end;
    }
}

/* --- what is outside of blocks --- */

/* The convolutions in front of the blocks, which follow each other. */
static int take_stem(struct attempt *a)
{
    int first = NONE;
    for (int i = 0; i < a->n; i++)
        if (!a->taken[i] && sees_images(&a->m[i])) {
            if (first != NONE)
                return fail(a, i);
            first = i;
        }
    if (first == NONE)
        return fail(a, 0);
    for (int i = first; i < a->n; i++) {
        const struct module *m = &a->m[i], *stem = &a->m[first];
        bool near = (a->ordered && i < a->block[0].first) ||
                    (m->container > 0 && m->container == stem->container &&
                     same_name(m, stem, m->container));
        if (a->taken[i] || m->kind != MODULE_CONV ||
            (i > first && (!near || m->in != a->m[a->stem[a->stems - 1].conv].out)))
            continue;
        if (a->stems == FAMILY_STEM)
            return fail(a, i);
        a->stem[a->stems++] = (struct pair){i, NONE};
        a->taken[i] = true;
    }
    for (int s = 0; s < a->stems; s++)
        for (int i = 0; i < a->n && a->stem[s].norm == NONE; i++) {
            const bool near = abs(i - a->stem[s].conv) == 1;
            if (!a->taken[i] && a->m[i].kind == MODULE_NORM &&
                a->m[i].in == a->m[a->stem[s].conv].out &&
                (!a->ordered || i < a->block[0].first || near)) {
                a->stem[s].norm = i;
                a->taken[i] = true;
            }
        }
    bool bare = a->stem[a->stems - 1].norm == NONE;
    return bare && !a->how.pre_activation ? fail(a, a->stem[a->stems - 1].conv) : 0;
}

/* Whether a module and a linear layer belong together: both are in one container, or their names
 * begin alike. `common`: what all names begin with. */
static bool beside(const struct module *m, const struct module *linear, int common)
{
    const char *p = m->name + common, *q = linear->name + common;
    size_t n = strcspn(p, ".");
    if (p[n] == '.' && n == strcspn(q, ".") && strncmp(p, q, n) == 0)
        return true;
    n = strcspn(p, "._0123456789");
    return n > 2 && n == strcspn(q, "._0123456789") && strncmp(p, q, n) == 0;
}

/* Whether a linear layer may follow another one, or a norm stand before it: of a plain net, which
 * ends with all of them, whatever they are called. */
static bool may_follow(const struct attempt *a, const struct module *m, const struct module *linear,
                       int common)
{
    return a->how.mains == 0 || beside(m, linear, common);
}

/* Length of the containers that all modules are in. */
static int common_part(const struct attempt *a)
{
    int n = a->m[0].container;
    while (n > 0) {
        bool all = true;
        for (int i = 1; i < a->n && all; i++)
            all = same_name(&a->m[i], &a->m[0], n) && a->m[i].name[n] == '.';
        if (all)
            return n + 1;
        for (n--; n > 0 && a->m[0].name[n] != '.'; n--)
            ;
    }
    return 0;
}

/* The linear layers of the last block's width, and the norm before them. */
static int take_head(struct attempt *a)
{
    const int width = a->block[a->blocks - 1].out;
    a->last_norm = NONE;
    for (int i = a->n - 1; i >= 0; i--) {
        const struct module *m = &a->m[i];
        bool linear = m->kind == MODULE_LINEAR || (m->kind == MODULE_CONV && m->k == 1);
        if (a->taken[i] || !linear || m->in != width || a->heads == HEADS)
            continue;
        a->head[a->heads++] = i;
        a->taken[i] = true;
    }
    if (a->heads == 0)
        return fail(a, a->n - 1);
    for (int i = 0; i < a->n && a->how.pre_activation && a->last_norm == NONE; i++)
        if (!a->taken[i] && a->m[i].kind == MODULE_NORM && a->m[i].in == width) {
            a->last_norm = i;
            a->taken[i] = true;
        }
    return 0;
}

/* Whether a linear layer of the last block's width takes its input from another one. */
static bool continues(const struct attempt *a, int i, int common)
{
    for (int k = 0; k < i; k++)
        if (a->m[k].kind == MODULE_LINEAR && a->m[k].out == a->m[i].in &&
            a->m[i].kind == MODULE_LINEAR && may_follow(a, &a->m[i], &a->m[k], common))
            return true;
    return false;
}

/* A norm of a width between two modules, beside the second, or NONE. */
static int norm_between(const struct attempt *a, int first, int end, int width, int common)
{
    for (int i = first + 1; i < end; i++)
        if (!a->taken[i] && a->m[i].kind == MODULE_NORM && a->m[i].in == width &&
            may_follow(a, &a->m[i], &a->m[end], common))
            return i;
    return NONE;
}

/* The linear layers that follow from one of them to the last. */
static bool find_tail(const struct attempt *a, int from, struct tail *t)
{
    const int common = common_part(a);
    *t = (struct tail){.neck = NONE, .head = from};
    if (continues(a, from, common))
        return false;
    for (int i = 0; i < from && t->neck == NONE && i != a->last_norm; i++)
        t->neck = norm_between(a, i, from, a->m[from].in, common);
    for (int i = from + 1; i < a->n; i++) {
        const struct module *m = &a->m[i], *head = &a->m[t->head];
        if (m->kind != MODULE_LINEAR || m->in != head->out || !may_follow(a, m, head, common))
            continue;
        if (t->hiddens == HIDDEN)
            return false;
        t->hidden[t->hiddens++] =
            (struct pair){t->head, norm_between(a, t->head, i, head->out, common)};
        t->head = i;
    }
    return true;
}

static bool is_in_tail(const struct tail *t, int module)
{
    bool in = module == t->head || module == t->neck;
    for (int i = 0; i < t->hiddens && !in; i++)
        in = module == t->hidden[i].conv || module == t->hidden[i].norm;
    return in;
}

/* With one of the linear layers as the head, whether all that has no place belongs to the
 * others: to auxiliary heads. */
static int check_rest(struct attempt *a, const struct tail *t)
{
    const int common = common_part(a);
    int other[REST], others = 0, rest = 0;
    for (int i = 0; i < a->n; i++)
        if (a->m[i].kind == MODULE_LINEAR && !is_in_tail(t, i) && others < REST)
            other[others++] = i;
    for (int i = 0; i < a->n; i++) {
        const struct module *m = &a->m[i];
        bool linear = m->kind == MODULE_LINEAR, auxiliary = linear;
        if (a->taken[i] || is_in_tail(t, i))
            continue;
        for (int k = 0; k < others && !auxiliary; k++)
            auxiliary = beside(m, &a->m[other[k]], common);
        /* A linear layer behind the head is another network's end. */
        if (!auxiliary || ++rest > REST ||
            (linear ? m->in == a->m[t->head].out : beside(m, &a->m[t->head], common)))
            return fail(a, i);
    }
    return 0;
}

/* --- stages --- */

/* Length of the name of the container that blocks are in: "layer1" of "layer1.0". */
static int stage_part(const struct attempt *a, const struct block *b)
{
    const struct module *m = &a->m[b->first];
    int n = modules_prefix(m, a->how.depth);
    while (n > 0 && m->name[n - 1] != '.')
        n--;
    return n > 0 ? n - 1 : 0;
}

enum { WIDTHS = 1, CONTAINERS = 2 };

/* A stage begins where the width changes, or where another container does, or both. */
static int number_stages(struct attempt *a, unsigned by)
{
    int stage = 0;
    for (int i = 0; i < a->blocks; i++) {
        struct block *b = &a->block[i], *before = b - 1;
        bool next = i == 0 || (by & WIDTHS && b->out != before->out);
        if (!next && by & CONTAINERS && a->how.depth > 0) {
            int n = stage_part(a, b);
            next =
                n != stage_part(a, before) || !same_name(&a->m[b->first], &a->m[before->first], n);
        }
        stage += next;
        b->stage = stage;
    }
    return stage;
}

static int settle_stages(struct attempt *a)
{
    int stages = number_stages(a, WIDTHS | CONTAINERS);
    /* Containers of one block each are no stages, and neither are widths that grow from block to
     * block. */
    if (stages > FAMILY_STAGES || (stages == a->blocks && a->blocks > 1)) {
        const int contained = a->how.depth > 0 ? number_stages(a, CONTAINERS) : 0;
        if (contained < 2 || contained > FAMILY_STAGES || contained == a->blocks)
            stages = number_stages(a, WIDTHS);
        else
            stages = contained;
    }
    return stages > FAMILY_STAGES ? fail(a, a->n - 1) : 0;
}

/* The stride that a block has by its shapes: the first stage, which may be wider than the stem, has
 * one only where a shortcut would have no other reason. */
static int stride_of(const struct block *b)
{
    if (b->stage == 1)
        return b->shortcut.conv != NONE && b->in == b->out ? 2 : 1;
    return b->shortcut.conv != NONE || b->in != b->out ? 2 : 1;
}

/* --- an attempt --- */

static int try_blocks(struct attempt *a)
{
    int in = a->m[a->stem[a->stems - 1].conv].out;
    bool normed = false, bare = false;
    const struct block *one = &a->block[0];
    for (int i = 0; i < a->blocks; i++) {
        struct block *b = &a->block[i];
        b->in = in;
        if (!solve(a, b))
            return fail(a, b->first);
        in = b->out;
        normed = normed || b->shortcut.norm != NONE;
        bare = bare || (b->shortcut.conv != NONE && b->shortcut.norm == NONE);
        if ((b->squeeze == NONE) != (one->squeeze == NONE) ||
            (b->end_norm == NONE) != (one->end_norm == NONE))
            return fail(a, b->first);
    }
    return normed && bare ? fail(a, a->block[0].first) : 0;
}

static int attempt(struct attempt *a)
{
    a->misfit = NONE;
    mark_squeezes(a);
    if (a->how.depth > 0)
        find_containers(a);
    else
        find_by_shapes(a);
    if (a->blocks == 0)
        return fail(a, 0);
    for (int i = 0; i < a->blocks; i++)
        for (int k = a->block[i].first; k < a->block[i].end; k++)
            a->taken[k] = true;
    if (take_stem(a) != 0 || try_blocks(a) != 0 || take_head(a) != 0)
        return -1;
    return settle_stages(a);
}

/* --- a reading --- */

static void add_alias(struct structure_reading *r, const char *own, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void add_alias(struct structure_reading *r, const char *own, const char *fmt, ...)
{
    r->alias = mem_extend(r->alias, (size_t)r->aliases, (size_t)r->aliases + 1, sizeof *r->alias);
    struct structure_alias *to = &r->alias[r->aliases++];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(to->as, sizeof to->as, fmt, ap);
    va_end(ap);
    to->own = own;
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct structure_alias *)a)->as, ((const struct structure_alias *)b)->as);
}

static const struct family_part stem_parts[FAMILY_STEM] = {
    {"conv1", "bn1"}, {"conv2", "bn2"}, {"conv3", "bn3"}};

/* The names of parts and where they are. */
static void name_block(struct structure_reading *r, const struct attempt *a, const struct block *b,
                       int number, char *container)
{
    for (int i = 0; i < a->how.mains; i++) {
        add_alias(r, a->m[b->main[i].conv].name, "layer%d.%d.conv%d", b->stage, number, i + 1);
        add_alias(r, a->m[b->main[i].norm].name, "layer%d.%d.bn%d", b->stage, number, i + 1);
    }
    if (b->shortcut.conv != NONE)
        add_alias(r, a->m[b->shortcut.conv].name, "layer%d.%d.shortcut", b->stage, number);
    if (b->shortcut.norm != NONE)
        add_alias(r, a->m[b->shortcut.norm].name, "layer%d.%d.shortcut_bn", b->stage, number);
    if (b->end_norm != NONE)
        add_alias(r, a->m[b->end_norm].name, "layer%d.%d.bn_end", b->stage, number);
    if (b->squeeze != NONE) {
        add_alias(r, a->m[b->squeeze].name, "layer%d.%d.squeeze", b->stage, number);
        add_alias(r, a->m[b->excite].name, "layer%d.%d.excite", b->stage, number);
    }
    if (container)
        add_alias(r, container, "layer%d.%d", b->stage, number);
}

static const struct family_part hidden_parts[FAMILY_HIDDEN] = {
    {"hidden1", "hidden1_bn"}, {"hidden2", "hidden2_bn"}, {"hidden3", "hidden3_bn"}};

static void name_tail(struct structure_reading *r, const struct attempt *a, const struct tail *t)
{
    if (t->neck != NONE) {
        r->family.neck = "neck";
        add_alias(r, a->m[t->neck].name, "neck");
    }
    for (int i = 0; i < t->hiddens; i++) {
        r->family.hidden[i].conv = hidden_parts[i].conv;
        add_alias(r, a->m[t->hidden[i].conv].name, "%s", hidden_parts[i].conv);
        if (t->hidden[i].norm == NONE)
            continue;
        r->family.hidden[i].norm = hidden_parts[i].norm;
        add_alias(r, a->m[t->hidden[i].norm].name, "%s", hidden_parts[i].norm);
    }
    add_alias(r, a->m[t->head].name, "fc");
}

static void name_outside(struct structure_reading *r, const struct attempt *a)
{
    for (int i = 0; i < a->stems; i++) {
        r->family.stem[i].conv = stem_parts[i].conv;
        add_alias(r, a->m[a->stem[i].conv].name, "%s", stem_parts[i].conv);
        if (a->stem[i].norm == NONE)
            continue;
        r->family.stem[i].norm = stem_parts[i].norm;
        add_alias(r, a->m[a->stem[i].norm].name, "%s", stem_parts[i].norm);
    }
    if (a->last_norm != NONE) {
        r->family.last_norm = "norm";
        add_alias(r, a->m[a->last_norm].name, "norm");
    }
}

struct words {
    char *text;
    size_t room, at;
};

static void put(struct words *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void put(struct words *w, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (w->at < w->room)
        w->at += (size_t)vsnprintf(w->text + w->at, w->room - w->at, fmt, ap);
    va_end(ap);
}

/* A block by its container or, without one, by its first convolution. */
static void put_block(struct words *w, const struct attempt *a, const struct block *b)
{
    int n = a->how.depth > 0 ? modules_prefix(&a->m[b->first], a->how.depth) : 0;
    const char *name = a->m[n > 0 ? b->first : b->main[0].conv].name;
    put(w, "%.*s", n > 0 ? n : (int)strlen(name), name);
}

/* The linear layers, those in use and others. */
static void put_tail(struct words *w, const struct attempt *a, const struct tail *t)
{
    bool any = false;
    put(w, "; head ");
    if (t->neck != NONE)
        put(w, "%s ", a->m[t->neck].name);
    for (int i = 0; i < t->hiddens; i++)
        put(w, "%s%s%s ReLU ", a->m[t->hidden[i].conv].name, t->hidden[i].norm == NONE ? "" : " ",
            t->hidden[i].norm == NONE ? "" : a->m[t->hidden[i].norm].name);
    put(w, "%s", a->m[t->head].name);
    for (int i = 0; i < a->n; i++)
        if (a->m[i].kind == MODULE_LINEAR && !is_in_tail(t, i) && !squeezes(a, i)) {
            put(w, "%s %s", any ? "," : "; not used:", a->m[i].name);
            any = true;
        }
}

/* What is where, by the checkpoint's keys. */
static void tell(struct structure_reading *r, const struct attempt *a, const struct tail *t)
{
    struct words w = {r->words, sizeof r->words, 0};
    bool any = false;
    put(&w, "stem");
    for (int i = 0; i < a->stems; i++)
        put(&w, "%s %s%s%s", i ? "," : "", a->m[a->stem[i].conv].name,
            a->stem[i].norm == NONE ? "" : " ",
            a->stem[i].norm == NONE ? "" : a->m[a->stem[i].norm].name);
    put(&w, "; %s%s blocks", a->how.pre_activation ? "pre-activation " : "",
        a->how.mains == MAINS ? "bottleneck" : "basic");
    for (int i = 0, end; i < a->blocks; i = end) {
        for (end = i; end < a->blocks && a->block[end].stage == a->block[i].stage; end++)
            ;
        put(&w, "%s ", i ? "," : "");
        put_block(&w, a, &a->block[i]);
        if (end - i > 1) {
            put(&w, " to ");
            put_block(&w, a, &a->block[end - 1]);
        }
    }
    for (int i = 0; i < a->blocks; i++)
        if (a->block[i].shortcut.conv != NONE) {
            put(&w, "%s %s", any ? "," : "; shortcuts", a->m[a->block[i].shortcut.conv].name);
            any = true;
        }
    put(&w, "%s", any ? "" : "; no keys of shortcuts");
    if (a->last_norm != NONE)
        put(&w, "; last norm %s", a->m[a->last_norm].name);
    if (a->block[0].squeeze != NONE)
        put(&w, "; squeeze and excitation %s", a->m[a->block[0].squeeze].name);
    put_tail(&w, a, t);
}

/* The container's name, which becomes the structure's. */
static char *keep_container(struct structure *s, const struct attempt *a, const struct block *b)
{
    int n = a->how.depth > 0 ? modules_prefix(&a->m[b->first], a->how.depth) : 0;
    if (n <= 0)
        return NULL;
    s->name = mem_grow(s->name, (size_t)s->names + 1, sizeof *s->name);
    return s->name[s->names++] = mem_printf("%.*s", n, a->m[b->first].name);
}

/* Whether a module without keys stands first in the row that a shortcut's convolution is in. */
static bool is_led(const struct attempt *a, const struct block *b)
{
    if (b->shortcut.conv == NONE || b->shortcut_normed_first)
        return false;
    const struct module *m = &a->m[b->shortcut.conv];
    const char *last = m->name + (m->container > 0 ? m->container + 1 : 0);
    return *last >= '1' && *last <= '9' && strspn(last, "0123456789") == strlen(last);
}

static void describe(struct structure *s, const struct attempt *a, const struct tail *t)
{
    const int head = t->head;
    struct structure_reading *r = &s->reading[s->readings];
    *r = (struct structure_reading){
        .bottleneck = a->how.mains == MAINS, .classes = a->m[head].out, .head = a->m[head].name};
    r->family = (struct family){.name = "structure",
                                .about = "the order and the shapes of its layers",
                                .block = "layer%.%",
                                .first = 1,
                                .pre_activation = a->how.pre_activation,
                                .part = {{"conv1", "bn1"}, {"conv2", "bn2"}, {"conv3", "bn3"}},
                                .preact = ASSUME_PREACT_MIXED,
                                .linear = "fc"};
    for (int i = 0; i < a->blocks; i++) {
        const struct block *b = &a->block[i];
        if (b->shortcut.conv != NONE)
            r->family.shortcut = "shortcut";
        if (b->shortcut.norm != NONE)
            r->family.shortcut_norm = "shortcut_bn";
        r->led = r->led || is_led(a, b);
        r->family.shortcut_normed_first |= b->shortcut_normed_first;
        if (b->end_norm != NONE)
            r->family.end_norm = "bn_end";
        if (b->squeeze != NONE) {
            r->family.squeeze = "squeeze";
            r->family.excite = "excite";
            r->family.weighed = FAMILY_WEIGHED_LAST;
        }
        if (b->stage > r->stages)
            r->strides[b->stage - 1] = stride_of(b);
        r->stages = b->stage;
        name_block(r, a, b, r->blocks[b->stage - 1]++, keep_container(s, a, b));
    }
    name_outside(r, a);
    name_tail(r, a, t);
    qsort(r->alias, (size_t)r->aliases, sizeof *r->alias, compare);
    tell(r, a, t);
}

static bool same_reading(const struct structure_reading *a, const struct structure_reading *b)
{
    bool same = a->aliases == b->aliases && a->family.pre_activation == b->family.pre_activation;
    for (int i = 0; i < a->aliases && same; i++)
        same = strcmp(a->alias[i].as, b->alias[i].as) == 0 &&
               strcmp(a->alias[i].own, b->alias[i].own) == 0;
    return same;
}

/* --- plain nets --- */

/* A norm behind each convolution or, where some have none, all of them in the same order. */
static bool give_chain_norms(struct attempt *a, struct pair *unit, int units, int end)
{
    bool all = true;
    for (int k = 0; k < units; k++) {
        const int i = unit[k].conv + 1;
        const bool fits =
            i < end && a->m[i].kind == MODULE_NORM && a->m[i].in == a->m[unit[k].conv].out;
        unit[k].norm = fits ? i : NONE;
        all = all && fits;
    }
    for (int i = 0, k = 0; i < end && !all && k < units; i++)
        if (a->m[i].kind == MODULE_NORM) {
            if (a->m[i].in != a->m[unit[k].conv].out)
                return false;
            unit[k++].norm = i;
            all = k == units;
        }
    return all;
}

/* Convolutions that follow each other, each with a norm, and linear layers that read the width of
 * the last, or all of its cells. Returns how many there are. */
static int take_chain(struct attempt *a, struct pair unit[STRUCTURE_UNITS])
{
    int end = 0, units = 0;
    while (end < a->n && a->m[end].kind != MODULE_LINEAR)
        end++;
    if (end == a->n)
        while (end > 0 && a->m[end - 1].kind != MODULE_CONV)
            end--;
    end -= end == a->n && end > 0;
    for (int i = 0; i < end; i++) {
        const struct module *m = &a->m[i];
        if (m->kind != MODULE_CONV)
            continue;
        if (units == STRUCTURE_UNITS ||
            !(units == 0 ? sees_images(m) : takes_channels(m, a->m[unit[units - 1].conv].out)))
            return fail(a, i);
        unit[units++] = (struct pair){i, NONE};
    }
    if (units < 2 || end == a->n || !give_chain_norms(a, unit, units, end))
        return fail(a, units > 0 ? unit[units - 1].conv : 0);
    const int width = a->m[unit[units - 1].conv].out, cells = a->m[end].in / width;
    const int side = (int)lround(sqrt(cells));
    if (side < 1 || side * side * width != a->m[end].in)
        return fail(a, end);
    for (int k = 0; k < units; k++)
        a->taken[unit[k].conv] = a->taken[unit[k].norm] = true;
    add_block(a, 0, end)->out = a->m[end].in;
    return take_head(a) == 0 ? units : -1;
}

static void describe_chain(struct structure *s, const struct attempt *a, const struct pair *unit,
                           int units, const struct tail *t)
{
    struct structure_reading *r = &s->reading[s->readings++];
    *r = (struct structure_reading){
        .units = units, .classes = a->m[t->head].out, .head = a->m[t->head].name};
    r->family = (struct family){.name = "structure",
                                .about = "the order and the shapes of its layers",
                                .design = &design_chain,
                                .linear = "fc"};
    for (int k = 0; k < units; k++) {
        add_alias(r, a->m[unit[k].conv].name, "c%d", k);
        add_alias(r, a->m[unit[k].norm].name, "n%d", k);
    }
    name_tail(r, a, t);
    qsort(r->alias, (size_t)r->aliases, sizeof *r->alias, compare);
    struct words w = {r->words, sizeof r->words, 0};
    put(&w, "convolutions %s to %s", a->m[unit[0].conv].name, a->m[unit[units - 1].conv].name);
    put_tail(&w, a, t);
}

/* One reading, with the last of the linear layers that may be the head. */
static void try_chain(struct structure *s, const struct modules *list)
{
    struct attempt a = {.m = list->m, .n = list->n, .last_norm = NONE};
    struct pair unit[STRUCTURE_UNITS];
    a.taken = mem_zero((size_t)a.n, sizeof *a.taken);
    a.squeeze = mem_zero((size_t)a.n, sizeof *a.squeeze);
    const int units = take_chain(&a, unit);
    for (int h = a.heads - 1; h >= 0 && units > 0 && s->readings < STRUCTURE_READINGS; h--) {
        struct tail t;
        if (!find_tail(&a, a.head[h], &t) || check_rest(&a, &t) != 0)
            continue;
        describe_chain(s, &a, unit, units, &t);
        break;
    }
    free(a.taken);
    free(a.squeeze);
    free(a.block);
}

/* Keeps what an attempt found, a reading for each head, unless it is there. Heads of several linear
 * layers, which are projections often, come where there is none of a single one. */
static int keep(struct structure *s, struct attempt *a)
{
    int kept = 0;
    for (int long_ones = 0; long_ones < 2 && kept == 0; long_ones++)
        for (int h = a->heads - 1; h >= 0 && s->readings < STRUCTURE_READINGS; h--) {
            struct tail t;
            bool known = false;
            if (!find_tail(a, a->head[h], &t) || (t.hiddens > 0) != (long_ones > 0) ||
                check_rest(a, &t) != 0)
                continue;
            kept++;
            describe(s, a, &t);
            for (int i = 0; i < s->readings && !known; i++)
                known = same_reading(&s->reading[i], &s->reading[s->readings]);
            if (known)
                free(s->reading[s->readings].alias);
            else
                s->readings++;
        }
    return kept > 0 ? 0 : -1;
}

/* All manners of one depth. The module that had no place when most of them had one is kept. */
static void try_depth(struct structure *s, const struct modules *list, int depth, bool ordered,
                      int *farthest)
{
    for (int i = 0; i < 8; i++) {
        struct attempt a = {.m = list->m,
                            .n = list->n,
                            .ordered = ordered,
                            .how = {.depth = depth,
                                    .mains = i & 4 ? MAINS : MAINS - 1,
                                    .pre_activation = i & 2,
                                    .shortcut_first = i & 1}};
        a.taken = mem_zero((size_t)a.n, sizeof *a.taken);
        a.squeeze = mem_zero((size_t)a.n, sizeof *a.squeeze);
        if ((attempt(&a) != 0 || keep(s, &a) != 0) && a.misfit > *farthest) {
            *farthest = a.misfit;
            snprintf(s->why, sizeof s->why, "'%.160s' has no place in it", a.m[a.misfit].name);
        }
        free(a.taken);
        free(a.squeeze);
        free(a.block);
    }
}

/* Containers from the innermost to the outermost; a plain net; then shapes alone. */
static void try_order(struct structure *s, const struct modules *list, bool ordered)
{
    int farthest = NONE;
    for (int depth = MODULES_DEPTH; depth > 0 && s->readings == 0; depth--)
        try_depth(s, list, depth, ordered, &farthest);
    const bool contained = s->readings > 0;
    try_chain(s, list);
    if (!contained)
        try_depth(s, list, 0, ordered, &farthest);
}

struct structure *structure_read(struct ckpt *c, const char *prefix)
{
    struct structure *s = mem_zero(1, sizeof *s);
    struct modules list;
    char *begin =
        mem_printf("%s%s", prefix, *prefix && prefix[strlen(prefix) - 1] != '.' ? "." : "");
    int r = modules_list(&list, c, begin, s->why);
    free(begin);
    if (r != 0)
        return s;
    if (list.n == 0)
        snprintf(s->why, sizeof s->why, "there are no layers");
    /* safetensors sorts keys. */
    if (list.n > 0 && ckpt_format(c) != CKPT_SAFETENSORS)
        try_order(s, &list, true);
    if (list.n > 0 && s->readings == 0) {
        modules_sort(&list);
        try_order(s, &list, false);
    }
    s->name = mem_grow(s->name, (size_t)s->names + (size_t)list.n + 1, sizeof *s->name);
    for (int i = 0; i < list.n; i++)
        s->name[s->names++] = list.name[i];
    list.n = 0;
    modules_free(&list);
    return s;
}

void structure_free(struct structure *s)
{
    if (!s)
        return;
    for (int i = 0; i < s->readings; i++)
        free(s->reading[i].alias);
    for (int i = 0; i < s->names; i++)
        free(s->name[i]);
    free(s->name);
    free(s);
}

int structure_heads(const struct structure *s)
{
    int heads = 0;
    for (int i = 0; i < s->readings; i++) {
        bool seen = false;
        for (int k = 0; k < i && !seen; k++)
            seen = strcmp(s->reading[k].head, s->reading[i].head) == 0;
        heads += !seen;
    }
    return heads;
}

const char *structure_own(const struct structure_reading *r, const char *as)
{
    struct structure_alias key;
    if ((size_t)snprintf(key.as, sizeof key.as, "%s", as) >= sizeof key.as)
        return NULL;
    const struct structure_alias *found =
        bsearch(&key, r->alias, (size_t)r->aliases, sizeof *r->alias, compare);
    return found ? found->own : NULL;
}
