#include "model/assume.h"

#include "base/text.h"
#include "model/chain.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool set_text(char to[ASSUME_TEXT], const char *value)
{
    return *value && (size_t)snprintf(to, ASSUME_TEXT, "%s", value) < ASSUME_TEXT;
}

/* "1:2:2:2". */
static bool set_strides(struct assume *a, const char *value)
{
    for (a->stages = 0; a->stages < ASSUME_STAGES; value++) {
        if (*value < '1' || *value > '2')
            return false;
        a->strides[a->stages++] = *value++ - '0';
        if (*value == '\0')
            return true;
        if (*value != ':')
            return false;
    }
    return false;
}

static bool digit(int *to, const char *value, int max)
{
    *to = *value - '0';
    return *value >= '1' && *to <= max && value[1] == '\0';
}

/* Of a word in a list that ends with NULL, from 1 as the enumerations count; 0 where it is
 * none of them. */
static int rank(const char *word, const char *const *list)
{
    for (int i = 0; list[i]; i++)
        if (strcmp(word, list[i]) == 0)
            return i + 1;
    return 0;
}

/* --- keys --- */

/* In the order of the enumerations, whose first stands for what is usual. */
static const char *const pools[] = {"none", "max", "max-small", "max-dense", NULL};
static const char *const shortcuts[] = {"conv",        "pad",         "pad-end",         "none",
                                        "average",     "average-pad", "average-pad-end", "max-pad",
                                        "max-pad-end", NULL};
static const char *const preacts[] = {"before", "mixed", "after", "first", NULL};
static const char *const paddings[] = {"half", "same", NULL};
static const char *const ends[] = {"average", "max", NULL};
static const char *const relus[] = {"stem", "last", "shortcut", "sum", NULL};
static const char *const acts[] = {"relu", "relu6", "leaky-0.01", "leaky-0.1", "leaky-0.2",
                                   "silu", "gelu",  "elu",        "mish",      NULL};

static bool set_stem_stride(struct assume *a, const char *value)
{
    return digit(&a->stem_stride, value, 2);
}

static bool set_stride_at(struct assume *a, const char *value)
{
    return strncmp(value, "conv", 4) == 0 && digit(&a->stride_at, value + 4, 2);
}

static bool set_pool(struct assume *a, const char *value)
{
    int word = rank(value, pools);
    a->pool = (enum assume_pool)word;
    return word > 0;
}

static bool set_shortcut(struct assume *a, const char *value)
{
    int word = rank(value, shortcuts);
    a->shortcut = (enum assume_shortcut)word;
    return word > 0;
}

static bool set_preact(struct assume *a, const char *value)
{
    int word = rank(value, preacts);
    a->preact = (enum assume_preact)word;
    return word > 0;
}

static bool set_padding(struct assume *a, const char *value)
{
    int word = rank(value, paddings);
    a->padding = (enum assume_padding)word;
    return word > 0;
}

static bool set_end(struct assume *a, const char *value)
{
    int word = rank(value, ends);
    a->end = (enum assume_end)word;
    return word > 0;
}

/* "stem:sum". */
static bool set_relu(struct assume *a, const char *value)
{
    a->relu = ASSUME_RELU_GIVEN;
    if (strcmp(value, "none") == 0)
        return true;
    for (;;) {
        char word[16];
        size_t n = strcspn(value, ":");
        if (n >= sizeof word)
            return false;
        memcpy(word, value, n);
        word[n] = '\0';
        int at = rank(word, relus);
        if (at == 0 || a->relu >> (at - 1) & 1)
            return false;
        a->relu |= 1U << (at - 1);
        if (value[n] == '\0')
            return true;
        value += n + 1;
    }
}

static bool set_act(struct assume *a, const char *value)
{
    int word = rank(value, acts);
    a->act = (enum assume_act)word;
    return word > 0;
}

static bool set_chain(struct assume *a, const char *value)
{
    return chain_units(value) > 0 && set_text(a->chain, value);
}

static bool set_reading(struct assume *a, const char *value)
{
    return digit(&a->reading, value, 9);
}

static bool set_channels(struct assume *a, const char *value)
{
    a->bgr = strcmp(value, "bgr") == 0;
    return a->bgr || strcmp(value, "rgb") == 0;
}

static bool set_eps(struct assume *a, const char *value)
{
    char *end;
    a->eps = strtod(value, &end);
    return end != value && *end == '\0' && isfinite(a->eps) && a->eps > 0 && a->eps < 1;
}

static bool set_prefix(struct assume *a, const char *value)
{
    return set_text(a->prefix, value);
}

static bool set_state(struct assume *a, const char *value)
{
    return set_text(a->state, value);
}

/* `state` says which state dict is read, all others are about the network in it. */
static const struct key {
    const char *name;
    bool (*set)(struct assume *a, const char *value);
    const char *expected;
} keys[] = {
    {"channels", set_channels, "rgb or bgr"},
    {"stem-stride", set_stem_stride, "1 or 2"},
    {"pool", set_pool, "none, max, max-small or max-dense"},
    {"strides", set_strides, "strides of the stages such as 1:2:2:2"},
    {"stride-at", set_stride_at, "conv1 or conv2"},
    {"shortcut", set_shortcut,
     "conv, pad, pad-end, none, average, average-pad, average-pad-end, max-pad or max-pad-end"},
    {"preact-shortcut", set_preact, "before, mixed, after or first"},
    {"padding", set_padding, "half or same"},
    {"end", set_end, "average or max"},
    {"relu", set_relu, "none, or some of stem, last, shortcut and sum, as in stem:sum"},
    {"act", set_act, "relu, relu6, leaky-0.01, leaky-0.1, leaky-0.2, silu, gelu, elu or mish"},
    {"chain", set_chain, "a letter c, s or v and marks for each convolution, such as ccm(cc)/max"},
    {"reading", set_reading, "the number of a reading by structure"},
    {"eps", set_eps, "a number between 0 and 1"},
    {"prefix", set_prefix, "the beginning of keys, such as model."},
    {"state", set_state, "the path of a state dict, such as ema/model"},
};

enum { KEYS = sizeof keys / sizeof *keys, STATE = KEYS - 1 };

const char *assume_network(const struct assume *a)
{
    for (int k = 0; k < STATE; k++)
        if (a->given >> k & 1)
            return keys[k].name;
    return NULL;
}

static int unknown(const char *word, struct err *e)
{
    struct nearest near = {.word = word, .n = strlen(word)};
    char list[256] = "", said[NEAREST_ROOM];
    size_t at = 0;
    for (int k = 0; k < KEYS; k++) {
        nearest_offer(&near, keys[k].name, strlen(keys[k].name));
        at += (size_t)snprintf(list + at, sizeof list - at, "%s%s", k ? ", " : "", keys[k].name);
    }
    return err_set(e, "expected one of %s, found '%s'%s", list, word, nearest_said(&near, said));
}

static int set(struct assume *a, const char *word, const char *value, struct err *e)
{
    int k = 0;
    while (k < KEYS && strcmp(keys[k].name, word) != 0)
        k++;
    if (k == KEYS)
        return unknown(word, e);
    if (a->given >> k & 1)
        return err_set(e, "%s: expected one value, found two", word);
    a->given |= 1U << k;
    if (!keys[k].set(a, value))
        return err_set(e, "%s: expected %s, found '%s'", word, keys[k].expected, value);
    return 0;
}

int assume_parse(struct assume *a, const char *text, struct err *e)
{
    if (*text == '\0')
        return err_set(e, "expected KEY=VALUE, found nothing");
    for (const char *p = text; *p;) {
        char word[2 * ASSUME_TEXT], *value;
        size_t n = strcspn(p, ",");
        if (n >= sizeof word)
            return err_set(e, "expected KEY=VALUE of less than %zu bytes, found more", sizeof word);
        memcpy(word, p, n);
        word[n] = '\0';
        p += n;
        if (*p == ',' && *++p == '\0')
            return err_set(e, "expected KEY=VALUE behind the last comma, found nothing");
        value = strchr(word, '=');
        if (!value)
            return err_set(e, "expected KEY=VALUE, found '%s'", word);
        *value++ = '\0';
        if (set(a, word, value, e) != 0)
            return -1;
    }
    return 0;
}

/* --- writing --- */

struct words {
    char text[ASSUME_WORDS];
    size_t at;
};

static void put(struct words *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void put(struct words *w, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (w->at < ASSUME_WORDS)
        w->at += (size_t)vsnprintf(w->text + w->at, ASSUME_WORDS - w->at, fmt, ap);
    va_end(ap);
}

void assume_write(char *text, const struct assume *a)
{
    struct words w = {.text = "", .at = 0};
    if (!a->grey)
        put(&w, "channels=%s", a->bgr ? "bgr" : "rgb");
    if (a->stem_stride)
        put(&w, ",stem-stride=%d", a->stem_stride);
    if (a->pool)
        put(&w, ",pool=%s", pools[a->pool - 1]);
    for (int s = 0; s < a->stages; s++)
        put(&w, "%s%d", s ? ":" : ",strides=", a->strides[s]);
    if (a->stride_at)
        put(&w, ",stride-at=conv%d", a->stride_at);
    if (a->shortcut)
        put(&w, ",shortcut=%s", shortcuts[a->shortcut - 1]);
    if (a->preact)
        put(&w, ",preact-shortcut=%s", preacts[a->preact - 1]);
    if (a->padding == ASSUME_PADDING_SAME)
        put(&w, ",padding=same");
    if (a->end == ASSUME_END_MAX)
        put(&w, ",end=max");
    if (a->relu == ASSUME_RELU_GIVEN)
        put(&w, ",relu=none");
    for (unsigned i = 0, rest = a->relu & (ASSUME_RELU_GIVEN - 1); rest >> i; i++)
        if (rest >> i & 1)
            put(&w, "%s%s", rest & ((1U << i) - 1) ? ":" : ",relu=", relus[i]);
    if (a->act > ASSUME_ACT_RELU)
        put(&w, ",act=%s", acts[a->act - 1]);
    if (*a->chain)
        put(&w, ",chain=%s", a->chain);
    if (a->reading)
        put(&w, ",reading=%d", a->reading);
    if (a->eps > 0)
        put(&w, ",eps=%.9g", a->eps);
    if (*a->prefix)
        put(&w, ",prefix=%s", a->prefix);
    if (*a->state)
        put(&w, ",state=%s", a->state);
    snprintf(text, ASSUME_WORDS, "%s", w.text + (*w.text == ','));
}

void assume_write_other(char *text, const struct assume *a, const struct assume *b)
{
    char own[ASSUME_WORDS], other[ASSUME_WORDS];
    size_t at = 0;
    assume_write(own, a);
    assume_write(other, b);
    *text = '\0';
    for (const char *p = own; *p;) {
        const size_t n = strcspn(p, ",");
        bool there = false;
        for (const char *q = other; *q && !there; q += strcspn(q, ","), q += *q == ',')
            there = strcspn(q, ",") == n && strncmp(p, q, n) == 0;
        if (!there)
            at +=
                (size_t)snprintf(text + at, ASSUME_WORDS - at, "%s%.*s", at ? "," : "", (int)n, p);
        p += n + (p[n] == ',');
    }
}

const char *assume_act_word(enum assume_act act)
{
    return acts[act ? act - 1 : ASSUME_ACT_RELU - 1];
}

/* --- comparing --- */

static bool pads_same(const struct assume *a)
{
    return a->padding == ASSUME_PADDING_SAME;
}

static bool ends_same(const struct assume *a, const struct assume *b)
{
    return (a->end == ASSUME_END_MAX) == (b->end == ASSUME_END_MAX);
}

static enum assume_act act_of(const struct assume *a)
{
    return a->act ? a->act : ASSUME_ACT_RELU;
}

bool assume_same_wiring(const struct assume *a, const struct assume *b)
{
    bool same = a->stem_stride == b->stem_stride && a->pool == b->pool &&
                a->stride_at == b->stride_at && a->shortcut == b->shortcut &&
                a->preact == b->preact && pads_same(a) == pads_same(b) && ends_same(a, b) &&
                a->relu == b->relu && act_of(a) == act_of(b) && a->reading == b->reading &&
                a->eps == b->eps && strcmp(a->chain, b->chain) == 0 && a->stages == b->stages &&
                strcmp(a->prefix, b->prefix) == 0 && strcmp(a->state, b->state) == 0;
    for (int s = 0; same && s < a->stages; s++)
        same = a->strides[s] == b->strides[s];
    return same;
}

bool assume_same(const struct assume *a, const struct assume *b)
{
    return a->bgr == b->bgr && assume_same_wiring(a, b);
}
