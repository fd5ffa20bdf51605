/* Blurring of a plane. */
#ifndef HP_GAUSS_H
#define HP_GAUSS_H

/* Convolves plane[h][w] with a Gaussian of standard deviation sigma > 0, in pixels, cut off at
 * 4 sigma, the border repeated: scipy.ndimage.gaussian_filter(plane, sigma, mode="nearest").
 * room[h][w]. */
void gauss_blur(float *plane, float *room, int h, int w, double sigma);

#endif
