/* Measures of maps at the last stage, where an average over all cells and one linear layer follow
 * it. There the logit of a class is its bias plus the sum of its unnormalised CAM, and a cell that
 * is deleted (faith/turn.h) takes its value out of that sum: what follows is exact, over all sets
 * of cells, without a network. */
#ifndef HP_FEATURE_H
#define HP_FEATURE_H

/* How far map[cells] is from adding up to what the logit loses when all cells are deleted:
 * |sum(map) - sum(cam)| / |sum(cam)|, 0 where it is complete. NaN where the CAM sums to 0.
 * (Completeness: Sundararajan et al., Axiomatic attribution for deep networks, 2017.) */
double feature_completeness(const float *map, const float *cam, int cells);

/* Sensitivity-n: over all sets of n cells, the correlation between the sum of the map in the set
 * and what the logit loses when the set is deleted. (Ancona et al., Towards better understanding
 * of gradient-based attribution methods for deep neural networks, 2018.)
 *
 * Both are sums over a set S. Over all S of n of N cells the covariance of two such sums is that of
 * the cells' values times n (N - n) / (N - 1), so that the correlation is that of the cells,
 * whatever n < N is. 1 for maps that are a rising line of the CAM; NaN where all values of
 * either are equal. */
double feature_sensitivity(const float *map, const float *cam, int cells);

#endif
