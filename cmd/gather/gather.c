/* gather: what shards of a data set made, in the order of their ids. See gather(1). */
#include "base/prog.h"
#include "data/shard.h"
#include "rows/gather_runs.h"
#include "stream/gather.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *ids;
static bool run;
static int64_t shards;

static const struct opt options[] = {
    {"ids", 'i', OPT_STRING, &ids, "FILE",
     "Put the items of tensors in order instead of rows; FILE is the tensor of their ids, as "
     "cifar-predict --ids writes it, in the order in which the tensors are given.",
     0, 0},
    {"run", 'r', OPT_FLAG, &run, NULL,
     "Make one table of those that cifar-predict --run wrote for each shard.", 0, 0},
    {"shards", 0, OPT_INT, &shards, "N",
     "Expect a file for each of N shards, and name those that are missing.", 1, SHARDS_MOST},
    {NULL, 0, OPT_FLAG, NULL, NULL, NULL, 0, 0},
};

static const char *const examples[] = {
    "gather shards/*/predictions.tsv > predictions.tsv",
    "cat shards/*/ids.npy | gather --ids - shards/*/logits.npy > logits.npy",
    "gather --shards 8 --run shards/*/run.tsv > run.tsv",
    NULL,
};

static const struct prog prog = {
    .name = "gather",
    .brief = "Put rows or tensors of shards in the order of their ids",
    .operands = "FILE ...",
    .opts = options,
    .examples = examples,
    .general = true,
};

int main(int argc, char **argv)
{
    struct err e = {0};
    const int first = prog_start(&prog, argc, argv), n = argc - first;
    const char *const *path = (const char *const *)argv + first;
    if (n == 0)
        prog_usage("expected FILE ..., found none");
    if (ids && run)
        prog_usage("--ids and --run exclude each other");
    int standard = ids && strcmp(ids, "-") == 0;
    for (int i = 0; i < n; i++)
        if (strcmp(path[i], "-") == 0 && (standard++ || ids))
            prog_usage(ids ? "expected tensors in files, found '-'"
                           : "expected '-' once, found it twice");
    const struct gather_opts o = {.path = path, .n = n, .shards = shards};
    int64_t all = 0;
    int r = ids   ? gather_items(&o, ids, &all, &e)
            : run ? gather_runs(path, n, shards, &e)
                  : gather_rows(&o, &all, &e);
    if (r != 0)
        prog_fail(&e);
    if (prog_verbose() && !run)
        prog_say("%" PRId64 " %s of %d files", all, ids ? "items" : "rows", n);
    return PROG_OK;
}
