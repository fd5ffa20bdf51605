/* Bilinear resizing of one plane of floats with half-pixel centres: the result
 * of OpenCV's cv::resize with INTER_LINEAR on CV_32F (coordinates in float, the
 * horizontal step first), without antialiasing when it shrinks. */
#ifndef HP_RESIZE_H
#define HP_RESIZE_H

/* The places and weights for one pair of sizes. */
struct resize;

/* From (sh, sw) to (dh, dw), all at least 1. Caller frees. */
struct resize *resize_new(int sh, int sw, int dh, int dw);

/* The same with corners aligned: the centres of the outermost cells lie on one another, as in
 * PyTorch's UpsamplingBilinear2d. */
struct resize *resize_aligned(int sh, int sw, int dh, int dw);
void resize_free(struct resize *r);

/* src (sh, sw) to dst (dh, dw), which must not overlap. Thread-safe; allocates
 * nothing. Equal sizes give a copy. */
void resize_run(const struct resize *r, const float *src, float *dst);

#endif
