#include "net/net.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void net_free(struct net *n)
{
    if (!n)
        return;
    for (int i = 0; i < n->ops; i++) {
        free((void *)n->op[i].w);
        free((void *)n->op[i].b);
        free((void *)n->op[i].key);
    }
    for (int i = 0; i < n->values; i++) {
        free((void *)n->value[i].name);
        free((void *)n->value[i].key);
    }
    for (int i = 0; i < n->norms; i++) {
        free((void *)n->norm[i].key);
        free(n->norm[i].mean);
        free(n->norm[i].var);
    }
    free(n->op);
    free(n->value);
    free(n->norm);
    free((void *)n->about);
    free((void *)n->assumptions);
    free(n);
}

/* --- questions --- */

int net_last(const struct net *n)
{
    for (int i = 0; i < n->ops; i++)
        if (n->op[i].kind == NET_POOL)
            return n->op[i].in;
    return -1;
}

/* "layer3" stands for "layer3.0", "layer3.1". */
static bool is_inside(const char *name, const char *of)
{
    size_t n = strlen(of);
    return name && strncmp(name, of, n) == 0 && name[n] == '.';
}

int net_layer(const struct net *n, const char *name, struct err *e)
{
    int found = -1, last = net_last(n);
    char list[512] = "", said[NEAREST_ROOM];
    const char *before = NULL;
    size_t at = 0;
    struct nearest near = {.word = name, .n = strlen(name)};
    for (int i = 1; i <= last; i++) {
        const struct net_value *v = &n->value[i];
        if (!v->name)
            continue;
        if (strcmp(v->name, name) == 0 || (v->key && strcmp(v->key, name) == 0))
            return i;
        if (is_inside(v->name, name) || is_inside(v->key, name))
            found = i;
        /* Another number is not a slip of the keyboard. */
        if (strncmp(name, v->name, strcspn(v->name, "0123456789")) != 0)
            nearest_offer(&near, v->name, strcspn(v->name, "."));
        /* A stage stands before its blocks. */
        size_t stage = strcspn(v->name, ".");
        if (at < sizeof list && v->name[stage] &&
            !(before && strncmp(before, v->name, stage + 1) == 0))
            at += (size_t)snprintf(list + at, sizeof list - at, "%s%.*s", at ? ", " : "",
                                   (int)stage, v->name);
        if (at < sizeof list)
            at += (size_t)snprintf(list + at, sizeof list - at, "%s%s", at ? ", " : "", v->name);
        before = v->name;
    }
    if (found < 0)
        return err_set(e, "layer '%s' is not one of %s%s%s", name, list,
                       at >= sizeof list ? ", ..." : "", nearest_said(&near, said));
    return found;
}

bool net_finer(const struct net *n, int layer, int side, char *name, size_t room)
{
    for (int i = layer - 1; i > 0; i--) {
        const struct net_value *v = &n->value[i];
        if (v->name && v->h >= side && v->w >= side) {
            snprintf(name, room, "%.*s", (int)strcspn(v->name, "."), v->name);
            return true;
        }
    }
    return false;
}

int64_t net_op_macs(const struct net *n, const struct net_op *op)
{
    const struct net_value *x = &n->value[op->in], *y = &n->value[op->out];
    if (op->kind != NET_CONV && op->kind != NET_LINEAR)
        return 0;
    return (int64_t)y->c * y->h * y->w * x->c * op->k * op->k;
}

int64_t net_macs(const struct net *n)
{
    int64_t sum = 0;
    for (int i = 0; i < n->ops; i++)
        sum += net_op_macs(n, &n->op[i]);
    return sum;
}
