/* The first principal component of a layer's cells. */
#ifndef HP_COMPONENT_H
#define HP_COMPONENT_H

/* map[cells]: each cell's channels (channels, cells), centred, along the direction in which they
 * vary most. The sign of such a direction is arbitrary: here the map agrees with the sum over
 * channels, so that what is strong is positive. 0 where nothing varies. */
void cam_component(const float *values, int channels, int cells, float *map);

#endif
