/* The tables about the runs of shards, as that of one run. */
#ifndef HP_GATHER_RUNS_H
#define HP_GATHER_RUNS_H

#include "base/err.h"

#include <stdint.h>

/* Tables of run.h that cifar-predict wrote for the shards of a data set, path[n], to standard
 * output: images are added and warnings about their number made anew, the latest date and all
 * devices are taken, and what else differs is an error. With `shards` above 0 the table of each is
 * expected, and those that are missing are named. */
int gather_runs(const char *const *path, int n, int64_t shards, struct err *e) ERR_CHECKED;

#endif
