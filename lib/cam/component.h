/* The first principal component of a layer's cells, and of a kernel of them. */
#ifndef HP_COMPONENT_H
#define HP_COMPONENT_H

/* map[cells]: each cell's channels (channels, cells), centred, along the direction in which they
 * vary most. The sign of such a direction is arbitrary: here the map agrees with the sum over
 * channels, so that what is strong is positive. 0 where nothing varies. */
void cam_component(const float *values, int channels, int cells, float *map);

/* The same with the inner product replaced by the kernel tanh(a b / channels + 1) of centred cells
 * a and b, as scikit-learn's KernelPCA with kernel="sigmoid" computes it: the kernel is centred,
 * and the eigenvector of its largest eigenvalue has the length of that value's root. The element of
 * the largest magnitude is positive. */
void cam_kernel_component(const float *values, int channels, int cells, float *map);

#endif
