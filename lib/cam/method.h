/* CAM methods: how the activations A and gradients G (channels, cells) of a layer become a
 * map. Each is one row of METHODS, from which the words of --method, the manual page and
 * the choice of the closed form follow. */
#ifndef HP_METHOD_H
#define HP_METHOD_H

#include <stdbool.h>

/* Of each: its constant, its word, its formula for the manual page, its paper; what it
 * needs besides activations; and whether it is CAM (Zhou et al. 2016) where a global average
 * pooling and one linear layer follow, so that cam/closed.h holds for it there. Then the
 * function method_WORD makes its map. */
#define METHODS(X)                                                                                 \
    X(GRADCAM, gradcam, "sum_k mean(G_k) A_k", "Selvaraju et al. 2017", METHOD_GRADIENTS, true)    \
    X(HIRESCAM, hirescam, "sum_k G_k A_k", "Draelos and Carin 2020", METHOD_GRADIENTS, true)       \
    X(XGRADCAM, xgradcam, "sum_k A_k sum(G_k A_k) / (sum(A_k) + 1e-7)", "Fu et al. 2020",          \
      METHOD_GRADIENTS, true)

enum {
#define METHOD_ID(id, word, formula, paper, needs, pooled) METHOD_##id,
    METHODS(METHOD_ID)
#undef METHOD_ID
        METHOD_COUNT
};

/* The words, for OPT_CHOICE: indices are those of method_at. */
#define METHOD_WORD(id, word, formula, paper, needs, pooled) "|" #word
#define METHOD_WORDS (&("" METHODS(METHOD_WORD))[1])

enum method_needs { METHOD_GRADIENTS = 1 };

struct method {
    const char *word, *formula, *paper;
    unsigned needs; /* of enum method_needs */
    bool pooled;

    /* map[cells], signed and unnormalised, as pytorch-grad-cam's; grads may be NULL where
     * they are not needed. weight[channels] is room. Thread-safe. */
    void (*map)(const float *acts, const float *grads, int channels, int cells, float *weight,
                float *map);
};

/* 0 <= i < METHOD_COUNT. */
const struct method *method_at(int i);

/* Prints "word  formula" of each, for the manual page. */
void method_list(void);

#endif
