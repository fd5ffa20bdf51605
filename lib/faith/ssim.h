/* How alike two pictures are. */
#ifndef HP_SSIM_H
#define HP_SSIM_H

enum { SSIM_WINDOW = 7 };

/* The structural similarity of a[h * w] and b[h * w] with values in [0, 1]: the mean over all
 * windows of 7 by 7 that lie inside, with the constants of the source (Wang et al., Image quality
 * assessment: from error visibility to structural similarity, 2004) and sample variances, which is
 * what scikit-image's structural_similarity gives by default. 1 for what is the same. NaN where a
 * side is shorter than a window. */
double ssim(const float *a, const float *b, int h, int w);

#endif
