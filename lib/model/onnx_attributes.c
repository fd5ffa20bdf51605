/* Which attributes operations have, and of what type: of another type or under another name they
 * would be passed over. https://onnx.ai/onnx/operators has them for each operation; those of
 * versions that are not read are left out. */
#include "model/onnx.h"

#include <string.h>

/* The type of an attribute of an operation; ONNX_OTHER where the name says none. */
static enum onnx_attribute_type type_of(const char *op, const char *name)
{
    /* Of these names in every operation. */
    static const struct {
        const char *name;
        enum onnx_attribute_type type;
    } known[] = {
        {"allowzero", ONNX_INT},
        {"alpha", ONNX_FLOAT},
        {"antialias", ONNX_INT},
        {"approximate", ONNX_TEXT},
        {"auto_pad", ONNX_TEXT},
        {"axes", ONNX_INTS},
        {"axis", ONNX_INT},
        {"batch_dims", ONNX_INT},
        {"beta", ONNX_FLOAT},
        {"bias", ONNX_FLOAT},
        {"block_size", ONNX_INT},
        {"ceil_mode", ONNX_INT},
        {"coordinate_transformation_mode", ONNX_TEXT},
        {"count_include_pad", ONNX_INT},
        {"cubic_coeff_a", ONNX_FLOAT},
        {"dilations", ONNX_INTS},
        {"end", ONNX_INT},
        {"ends", ONNX_INTS},
        {"epsilon", ONNX_FLOAT},
        {"equation", ONNX_TEXT},
        {"exclude_outside", ONNX_INT},
        {"fmod", ONNX_INT},
        {"gamma", ONNX_FLOAT},
        {"group", ONNX_INT},
        {"is_causal", ONNX_INT},
        {"keep_aspect_ratio_policy", ONNX_TEXT},
        {"keepdims", ONNX_INT},
        {"kernel_shape", ONNX_INTS},
        {"kv_num_heads", ONNX_INT},
        {"lambd", ONNX_FLOAT},
        {"max", ONNX_FLOAT},
        {"min", ONNX_FLOAT},
        {"mode", ONNX_TEXT},
        {"nearest_mode", ONNX_TEXT},
        {"noop_with_empty_axes", ONNX_INT},
        {"num_groups", ONNX_INT},
        {"num_outputs", ONNX_INT},
        {"output_dtype", ONNX_INT},
        {"pads", ONNX_INTS},
        {"perm", ONNX_INTS},
        {"q_num_heads", ONNX_INT},
        {"reduction", ONNX_TEXT},
        {"scale", ONNX_FLOAT},
        {"scales", ONNX_FLOATS},
        {"size", ONNX_INT},
        {"softcap", ONNX_FLOAT},
        {"spatial", ONNX_INT},
        {"split", ONNX_INTS},
        {"start", ONNX_INT},
        {"starts", ONNX_INTS},
        {"storage_order", ONNX_INT},
        {"strides", ONNX_INTS},
        {"to", ONNX_INT},
        {"training_mode", ONNX_INT},
        {"transA", ONNX_INT},
        {"transB", ONNX_INT},
        {"value_float", ONNX_FLOAT},
        {"value_floats", ONNX_FLOATS},
        {"value_int", ONNX_INT},
        {"value_ints", ONNX_INTS},
    };
    if (strcmp(name, "value") == 0)
        return strcmp(op, "Pad") == 0 ? ONNX_FLOAT : ONNX_TENSOR;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, name) == 0)
            return known[i].type;
    return ONNX_OTHER;
}

int onnx_attribute_types(const struct onnx_reader *r, struct err *e)
{
    for (size_t i = 0; i < r->node->ats; i++) {
        const struct onnx_attribute *a = &r->node->at[i];
        const enum onnx_attribute_type type = type_of(r->node->op, a->name);
        if (type != ONNX_OTHER && type != a->type)
            return trace_refuse(r->t, e, "expected %.80s as ONNX has it, found another type",
                                a->name);
    }
    return 0;
}

/* Whether a list of words has one. */
static bool has_word(const char *list, const char *word)
{
    const size_t n = strlen(word);
    for (const char *p = list; n > 0 && (p = strstr(p, word)); p += n)
        if ((p == list || p[-1] == ' ') && (p[n] == ' ' || !p[n]))
            return true;
    return false;
}

const char *onnx_attributes_of(const char *op)
{
#define REDUCED "axes keepdims noop_with_empty_axes"
    static const struct {
        const char *op, *names;
    } all[] = {
        {"Attention", "is_causal kv_num_heads q_num_heads qk_matmul_output_mode scale softcap "
                      "softmax_precision"},
        {"AveragePool", "auto_pad ceil_mode count_include_pad dilations kernel_shape pads strides"},
        {"BatchNormalization", "epsilon momentum spatial training_mode"},
        {"Cast", "round_mode saturate to"},
        {"CastLike", "round_mode saturate"},
        {"Celu", "alpha"},
        {"Clip", "max min"},
        {"Concat", "axis"},
        {"Constant", "value value_float value_floats value_int value_ints"},
        {"ConstantOfShape", "value"},
        {"Conv", "auto_pad dilations group kernel_shape pads strides"},
        {"CumSum", "exclusive reverse"},
        {"DequantizeLinear", "axis block_size output_dtype"},
        {"Dropout", "ratio seed"},
        {"Einsum", "equation"},
        {"Elu", "alpha"},
        {"Flatten", "axis"},
        {"Gather", "axis"},
        {"GatherND", "batch_dims"},
        {"Gelu", "approximate"},
        {"Gemm", "alpha beta transA transB"},
        {"GroupNormalization", "epsilon num_groups stash_type"},
        {"HardSigmoid", "alpha beta"},
        {"InstanceNormalization", "epsilon"},
        {"LRN", "alpha beta bias size"},
        {"LayerNormalization", "axis epsilon stash_type"},
        {"LeakyRelu", "alpha"},
        {"LogSoftmax", "axis"},
        {"MaxPool", "auto_pad ceil_mode dilations kernel_shape pads storage_order strides"},
        {"Mod", "fmod"},
        {"Pad", "mode pads value"},
        {"ReduceL2", REDUCED},
        {"ReduceLogSumExp", REDUCED},
        {"ReduceMax", REDUCED},
        {"ReduceMean", REDUCED},
        {"ReduceMin", REDUCED},
        {"ReduceProd", REDUCED},
        {"ReduceSum", REDUCED},
        {"Reshape", "allowzero"},
        {"Resize", "antialias axes coordinate_transformation_mode cubic_coeff_a exclude_outside "
                   "extrapolation_value keep_aspect_ratio_policy mode nearest_mode"},
        {"ScatterND", "reduction"},
        {"Selu", "alpha gamma"},
        {"Shape", "end start"},
        {"Shrink", "bias lambd"},
        {"Slice", "axes ends starts"},
        {"Softmax", "axis"},
        {"Split", "axis num_outputs split"},
        {"Squeeze", "axes"},
        {"Swish", "alpha"},
        {"ThresholdedRelu", "alpha"},
        {"Transpose", "perm"},
        {"Unsqueeze", "axes"},
        {"Upsample", "mode scales"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i].op, op) == 0)
            return all[i].names;
    return "";
}

int onnx_attribute_names(const struct onnx_reader *r, struct err *e)
{
    const char *names = onnx_attributes_of(r->node->op);
    if (strcmp(r->node->op, "Constant") == 0 && r->node->ats != 1)
        return trace_refuse(r->t, e, "expected one value, found %zu", r->node->ats);
    for (size_t i = 0; i < r->node->ats; i++) {
        const char *name = r->node->at[i].name;
        if (!has_word(names, name))
            return trace_refuse(r->t, e, "expected %s%s, found the attribute '%.80s'",
                                *names ? "the attributes of this operation, " : "no attributes",
                                names, name);
        for (size_t k = 0; k < i; k++)
            if (strcmp(r->node->at[k].name, name) == 0)
                return trace_refuse(r->t, e, "expected one attribute '%.80s', found two", name);
    }
    return 0;
}
