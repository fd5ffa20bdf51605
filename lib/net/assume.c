#include "net/net.h"

#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool set_text(char to[NET_TEXT], const char *value)
{
    return *value && (size_t)snprintf(to, NET_TEXT, "%s", value) < NET_TEXT;
}

/* "1:2:2:2". */
static bool set_strides(struct net_assume *a, const char *value)
{
    for (a->stages = 0; a->stages < NET_STAGES; value++) {
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

static bool set_eps(double *eps, const char *value)
{
    char *end;
    *eps = strtod(value, &end);
    return end != value && *end == '\0' && isfinite(*eps) && *eps > 0 && *eps < 1;
}

static const char *set(struct net_assume *a, const char *key, const char *value)
{
    static const char *const pools[] = {"none", "max", NULL};
    static const char *const shortcuts[] = {"conv", "pad", "pad-end", NULL};
    static const char *const preacts[] = {"before", "mixed", "after", NULL};
    int word;
    if (strcmp(key, "stem-stride") == 0)
        return digit(&a->stem_stride, value, 2) ? NULL : "1 or 2";
    if (strcmp(key, "stride-at") == 0)
        return strncmp(value, "conv", 4) == 0 && digit(&a->stride_at, value + 4, 2)
                   ? NULL
                   : "conv1 or conv2";
    if (strcmp(key, "strides") == 0)
        return set_strides(a, value) ? NULL : "strides of the stages such as 1:2:2:2";
    if (strcmp(key, "pool") == 0) {
        a->pool = word = rank(value, pools);
        return word > 0 ? NULL : "none or max";
    }
    if (strcmp(key, "shortcut") == 0) {
        a->shortcut = word = rank(value, shortcuts);
        return word > 0 ? NULL : "conv, pad or pad-end";
    }
    if (strcmp(key, "preact-shortcut") == 0) {
        a->preact = word = rank(value, preacts);
        return word > 0 ? NULL : "before, mixed or after";
    }
    if (strcmp(key, "channels") == 0) {
        a->bgr = strcmp(value, "bgr") == 0;
        return a->bgr || strcmp(value, "rgb") == 0 ? NULL : "rgb or bgr";
    }
    if (strcmp(key, "eps") == 0)
        return set_eps(&a->eps, value) ? NULL : "a number between 0 and 1";
    if (strcmp(key, "prefix") == 0)
        return set_text(a->prefix, value) ? NULL : "the beginning of keys, such as model.";
    if (strcmp(key, "state") == 0)
        return set_text(a->state, value) ? NULL : "the path of a state dict, such as ema/model";
    return "another key";
}

int net_assume_parse(struct net_assume *a, const char *text, struct err *e)
{
    if (*text == '\0')
        return err_set(e, "expected KEY=VALUE, found nothing");
    for (const char *p = text; *p;) {
        char word[2 * NET_TEXT], *value;
        size_t n = strcspn(p, ",");
        const char *why;
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
        why = set(a, word, value);
        if (why && strcmp(why, "another key") == 0) {
            static const char keys[] = "channels, stem-stride, pool, strides, stride-at, "
                                       "shortcut, preact-shortcut, eps, prefix, state";
            struct nearest near = {.word = word, .n = strlen(word)};
            for (const char *k = keys; *k; k += strspn(k, ", ")) {
                size_t length = strcspn(k, ",");
                nearest_offer(&near, k, length);
                k += length;
            }
            return err_set(e, "expected one of %s, found '%s'%s%.*s%s", keys, word,
                           near.found ? " (did you mean '" : "", (int)near.found_n,
                           near.found ? near.found : "", near.found ? "'?)" : "");
        }
        if (why)
            return err_set(e, "%s: expected %s, found '%s'", word, why, value);
    }
    return 0;
}
