/* CAM methods: how the activations A and gradients G (channels, cells) of a layer become a
 * map. Each is one row of METHODS, from which follow the words of --method, the list in the manual
 * page, what an engine has to give, and whether class maps are enough. */
#ifndef HP_METHOD_H
#define HP_METHOD_H

#include <stdbool.h>

/* Of each: its constant, its word, its function method_NAME, its formula for the manual page, its
 * source; what it needs besides activations; and whether it is CAM (Zhou et al. 2016) where a
 * global average pooling and one linear layer follow, so that maps of all classes are enough for
 * it there (cam/closed.h). */
#define METHODS(X)                                                                                 \
    X(GRADCAM, "gradcam", gradcam, "sum_k mean(G_k) A_k", "Selvaraju et al. 2017",                 \
      METHOD_GRADIENTS, true)                                                                      \
    X(GRADCAM_PP, "gradcam++", gradcam_pp,                                                         \
      "sum_k sum(a_k relu(G_k)) A_k, a_k = G_k^2 / (2 G_k^2 + sum(A_k) G_k^3 + 1e-6)",             \
      "Chattopadhay et al. 2018", METHOD_GRADIENTS, false)                                         \
    X(HIRESCAM, "hirescam", hirescam, "sum_k G_k A_k", "Draelos and Carin 2020", METHOD_GRADIENTS, \
      true)                                                                                        \
    X(ELEMENTWISE, "elementwise", elementwise, "sum_k relu(G_k A_k)", "pytorch-grad-cam",          \
      METHOD_GRADIENTS, false)                                                                     \
    X(XGRADCAM, "xgradcam", xgradcam, "sum_k A_k sum(G_k A_k) / (sum(A_k) + 1e-7)",                \
      "Fu et al. 2020", METHOD_GRADIENTS, true)                                                    \
    X(LAYERCAM, "layercam", layercam, "sum_k relu(G_k) A_k", "Jiang et al. 2021",                  \
      METHOD_GRADIENTS, false)                                                                     \
    X(EIGENCAM, "eigencam", eigencam, "first principal component of A",                            \
      "Muhammad and Yeasin 2020", 0, false)                                                        \
    X(EIGENGRADCAM, "eigengradcam", eigengradcam, "first principal component of G A",              \
      "pytorch-grad-cam", METHOD_GRADIENTS, false)                                                 \
    X(FEM, "fem", fem, "sum_k share(A_k > mean(A_k) + 2 std(A_k)) A_k", "Fuad et al. 2020", 0,     \
      false)

enum {
#define METHOD_ID(id, word, name, formula, paper, needs, pooled) METHOD_##id,
    METHODS(METHOD_ID)
#undef METHOD_ID
        METHOD_COUNT
};

/* The words, for OPT_CHOICE: indices are those of method_at. */
#define METHOD_WORD(id, word, name, formula, paper, needs, pooled) "|" word
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

/* Prints word, paper and formula of each, for the manual page. */
void method_list(void);

#endif
