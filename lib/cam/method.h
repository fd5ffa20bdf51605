/* CAM methods: how the activations A and gradients G (channels, cells) of a layer become a
 * map. Each is one row of METHODS, from which follow the words of --method, the list in the manual
 * page, what an engine has to give, and whether class maps are enough. */
#ifndef HP_METHOD_H
#define HP_METHOD_H

#include "cam/cam.h"

#include <stdbool.h>
#include <stdint.h>

/* What a method needs besides the activations of its layer. */
enum method_needs {
    METHOD_GRADIENTS = 1, /* of the score, at its layer */
    METHOD_LOGITS = 2,    /* whatever the score is (cam/seed.h) */
    METHOD_SECOND = 4,    /* the second derivative of the score, times the activations */
    METHOD_BIASES = 8,    /* gradients at all biases of the network: it has no layer */
};

/* What is enough where a global average pooling and one linear layer follow, besides the
 * features, which always are (cam/closed.h). */
enum method_closed {
    METHOD_FEATURES,   /* nothing else */
    METHOD_CLASS_MAPS, /* maps of all classes, which it adds up with weights */
    METHOD_CAM,        /* the same, and the map is CAM (Zhou et al. 2016), which adds up to the
                          score */
    METHOD_NETWORK,    /* nothing is: the image passes the network again */
};

/* Forward passes that tell the weights of the channels (cam/masked.h). */
enum method_passes {
    METHOD_NO_PASSES,
    METHOD_MASKS,   /* Score-CAM: of the image times the channel, min-max normalised at the size of
                       the image, to which it is resized with corners aligned; the weights are the
                       softmax of the scores */
    METHOD_ABLATES, /* Ablation-CAM: from the layer, where a constant stands for the channel
                       (cam/ablation.h) */
};

/* Of each: its constant, its word, what its function gives, the function's name, its formula for
 * the manual page, its source, needs, and of enum method_closed. A function gives WEIGHTS of the
 * channels; CELLS, each channel's share of a cell from activation and gradient; or the WHOLE map;
 * PASSES, one of enum method_passes, give the weights of the channels. A method with a file of its
 * own is ALONE. */
#define METHODS(X)                                                                                 \
    X(GRADCAM, "gradcam", WEIGHTS, gradcam, "sum_k mean(G_k) A_k", "Selvaraju et al. 2017",        \
      METHOD_GRADIENTS, METHOD_CAM)                                                                \
    X(GRADCAM_PP, "gradcam++", WEIGHTS, gradcam_pp,                                                \
      "sum_k sum(a_k relu(G_k)) A_k, a_k = 1 / (2 + sum(A_k) G_k)", "Chattopadhay et al. 2018",    \
      METHOD_GRADIENTS, METHOD_FEATURES)                                                           \
    X(HIRESCAM, "hirescam", CELLS, product, "sum_k G_k A_k", "Draelos and Carin 2020",             \
      METHOD_GRADIENTS, METHOD_CAM)                                                                \
    X(ELEMENTWISE, "elementwise", CELLS, positive_product, "sum_k relu(G_k A_k)",                  \
      "pytorch-grad-cam", METHOD_GRADIENTS, METHOD_FEATURES)                                       \
    X(XGRADCAM, "xgradcam", WEIGHTS, xgradcam, "sum_k A_k sum(G_k A_k) / sum(A_k)",                \
      "Fu et al. 2020", METHOD_GRADIENTS, METHOD_CAM)                                              \
    X(LAYERCAM, "layercam", CELLS, positive_gradient, "sum_k relu(G_k) A_k", "Jiang et al. 2021",  \
      METHOD_GRADIENTS, METHOD_FEATURES)                                                           \
    X(EIGENCAM, "eigencam", WHOLE, eigencam, "first principal component of A",                     \
      "Muhammad and Yeasin 2020", 0, METHOD_FEATURES)                                              \
    X(EIGENGRADCAM, "eigengradcam", WHOLE, eigengradcam, "first principal component of G A",       \
      "pytorch-grad-cam", METHOD_GRADIENTS, METHOD_FEATURES)                                       \
    X(FEM, "fem", WHOLE, fem, "sum_k share(A_k > mean(A_k) + 2 std(A_k)) A_k", "Fuad et al. 2020", \
      0, METHOD_FEATURES)                                                                          \
    X(SCORECAM, "scorecam", PASSES, MASKS, "sum_k softmax_k(S(image masked by A_k)) A_k",          \
      "Wang et al. 2020", 0, METHOD_NETWORK)                                                       \
    X(ABLATIONCAM, "ablationcam", PASSES, ABLATES, "sum_k (S - S(A_k = 0)) / |S| A_k",             \
      "Ramaswamy and Desai 2020", 0, METHOD_FEATURES)                                              \
    X(KPCACAM, "kpcacam", WHOLE, kpcacam,                                                          \
      "first component of the cells of A under tanh(a b / channels + 1)", "Karmani et al. 2024",   \
      0, METHOD_FEATURES)                                                                          \
    X(FINERCAM, "finercam", WEIGHTS, gradcam,                                                      \
      "gradcam of the score of c less those of the 3 nearest classes", "Zhang et al. 2025",        \
      METHOD_GRADIENTS | METHOD_LOGITS, METHOD_CLASS_MAPS)                                         \
    X(SHAPLEYCAM, "shapleycam", WEIGHTS, gradcam, "sum_k mean(G_k - (H A)_k / 2) A_k", "Cai 2025", \
      METHOD_GRADIENTS | METHOD_SECOND, METHOD_CLASS_MAPS)                                         \
    X(FULLGRAD, "fullgrad", ALONE, fullgrad,                                                       \
      "|G_x x| + sum of |G_y b|, b the bias of y, each channel from 0 to 1",                       \
      "Srinivas and Fleuret 2019", METHOD_GRADIENTS | METHOD_BIASES, METHOD_NETWORK)               \
    X(RANDOM, "random", WEIGHTS, random, "sum_k u_k A_k, u_k random from -1 to 1", "a baseline",   \
      0, METHOD_FEATURES)

enum {
#define METHOD_ID(id, word, kind, name, formula, paper, needs, closed) METHOD_##id,
    METHODS(METHOD_ID)
#undef METHOD_ID
        METHOD_COUNT
};

/* The words, for OPT_CHOICE: indices are those of method_at. */
#define METHOD_WORD(id, word, kind, name, formula, paper, needs, closed) "|" word
#define METHOD_WORDS (&("" METHODS(METHOD_WORD))[1])

/* What a map is made of. */
struct method_item {
    const float *acts;  /* (channels, cells) */
    const float *grads; /* the same; NULL where the method needs none */
    int channels, cells;
    float *weight; /* [channels] room */
    int64_t id;    /* of the image */
};

struct method_how;

struct method {
    const char *word, *formula, *paper;
    unsigned needs; /* of enum method_needs */
    enum method_closed closed;

    /* The one of its kind; the others are NULL. */
    void (*weights)(const struct method_how *how, const struct method_item *x, float *weight);
    double (*cell)(float a, float g);
    void (*whole)(const struct method_item *x, float *map);
    enum method_passes passes;
};

/* How maps are made, as options say. */
struct method_how {
    const struct method *method;
    enum cam_score score;
    bool eigen;    /* the first principal component of the channels' shares instead of their sum */
    bool compat;   /* pytorch-grad-cam's numbers, its defects included */
    uint64_t seed; /* of random weights, which depend on it and on the image alone */
};

/* 0 <= i < METHOD_COUNT. */
const struct method *method_at(int i);

/* Whether maps of all classes are enough at the last stage. */
bool method_combines(const struct method_how *how);

/* Whether its maps there add up to a score. */
bool method_adds_up(const struct method_how *how);

/* Whether a map needs logits, or their softmax: what the score or the method is made of. */
bool method_needs_logits(const struct method_how *how);

/* Which other method makes the same maps, and why, as "gradcam: ..."; NULL where none does.
 * `closed`: in closed form at the last stage; `rectified`: of a layer without negative
 * activations. */
const char *method_same(const struct method_how *how, bool closed, bool rectified);

/* Whether maps are of a class at all. */
bool method_asks_class(const struct method *m);

/* Whether --smooth eigen means something: the method sums over channels. */
bool method_sums(const struct method *m);

/* map[cells], signed and unnormalised, of a method without passes. Thread-safe. */
void method_map(const struct method_how *how, const struct method_item *x, float *map);

/* The same from weights of the channels. */
void method_weighted(const struct method_how *how, const struct method_item *x, const float *weight,
                     float *map);

/* Prints word, paper and formula of each, for the manual page. */
void method_list(void);

#endif
