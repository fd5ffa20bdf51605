/* neighbors: the nearest embeddings of each image. See neighbors(1). */
#include "base/io.h"
#include "base/mem.h"
#include "base/prog.h"
#include "neighbors/nearest.h"
#include "neighbors/project.h"
#include "stream/items.h"
#include "stream/npy.h"
#include "stream/run.h"
#include "stream/tsv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NEIGHBORS = 10 };

static const char *among, *ids, *among_ids, *items_path, *distances_path, *names, *run_path;
static int metric;
static int64_t k = -1, threads, seed = -1;

static const struct opt options[] = {
    {"among", 0, OPT_STRING, &among, "FILE",
     "Look for neighbors among these embeddings, those of a training set for example. Default: "
     "among the images themselves.",
     0, 0},
    {"count", 'n', OPT_INT, &k, "N", "Neighbors of each image. Default: 10.", 1, NEAREST_MOST},
    {"metric", 0, OPT_CHOICE, &metric, NEAREST_METRIC_WORDS,
     "How far apart embeddings are. Default: cosine.", 0, 0},
    {"ids", 0, OPT_STRING, &ids, "FILE",
     "The ids of the embeddings, as cifar-predict --ids writes them. Without it embedding i has "
     "id i.",
     0, 0},
    {"among-ids", 0, OPT_STRING, &among_ids, "FILE", "The ids of those of --among.", 0, 0},
    {"items", 0, OPT_STRING, &items_path, "FILE",
     "Write the ids of the neighbors as a tensor (n, k), too.", 0, 0},
    {"distances", 0, OPT_STRING, &distances_path, "FILE",
     "Write the distances as a tensor (n, k), too.", 0, 0},
    {"project", 0, OPT_STRING, &names, "NAMES",
     "Instead, write a row for each image with two coordinates on a plane, in columns of these "
     "names: x,y.",
     0, 0},
    {"run", 0, OPT_STRING, &run_path, "FILE",
     "Write how true the plane of --project is, instead of printing it.", 0, 0},
    {"seed", 0, OPT_INT, &seed, "N", "Of the random numbers of --project. Default: 0.", 0,
     INT64_MAX},
    {"threads", 0, OPT_INT, &threads, "N", "Threads. Default: 0, one per core.", 0, 1024},
    {NULL, 0, OPT_FLAG, NULL, NULL, NULL, 0, 0},
};

static const char *const examples[] = {
    "cifar-predict -m m.pth -d test.bin --embeddings e.npy > p.tsv; neighbors e.npy",
    "neighbors --among train.npy --count 1 test.npy | awk '$4 < 0.01'",
    "neighbors --project x,y e.npy > points.tsv",
    NULL,
};

static const struct prog_lack lacks[] = {
    {"shard", "FILE may hold the embeddings of a shard alone; --among names those of all images"},
    {NULL, NULL},
};

static const struct prog prog = {
    .name = "neighbors",
    .brief = "Find the nearest embeddings of each image",
    .operands = "FILE",
    .opts = options,
    .examples = examples,
    .general = true,
    .lacks = lacks,
};

/* Ids by item: NULL where they are the same. */
struct id_list {
    int64_t *id;
};

struct job {
    struct vectors *queries, *set; /* set: NULL for the queries */
    struct id_list query_ids, set_ids;
    int width; /* neighbors of each */
    struct out *out;
    struct tsv_out *rows;
    struct npy_out *items, *distances;
    int64_t *item; /* [width] */
    float *distance;
};

struct place {
    int64_t id, item;
};

static int by_id(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return (x->item > y->item) - (x->item < y->item);
}

/* Puts vectors in the order of their ids, on which alone results depend then. */
static void sort_by_id(int64_t *id, struct vectors *v)
{
    const int64_t n = vectors_count(v);
    int64_t rising = 1;
    while (rising < n && id[rising - 1] <= id[rising])
        rising++;
    if (rising >= n)
        return;
    struct place *place = mem_alloc((size_t)n, sizeof *place);
    int64_t *order = mem_alloc((size_t)n, sizeof *order);
    for (int64_t i = 0; i < n; i++)
        place[i] = (struct place){id[i], i};
    qsort(place, (size_t)n, sizeof *place, by_id);
    for (int64_t i = 0; i < n; i++) {
        id[i] = place[i].id;
        order[i] = place[i].item;
    }
    free(place);
    vectors_order(v, order);
}

static int load_ids(struct id_list *l, const char *path, struct vectors *v, struct err *e)
{
    if (!path)
        return 0;
    if (ids_load(&l->id, path, vectors_count(v), vectors_name(v), e) != 0)
        return -1;
    sort_by_id(l->id, v);
    return 0;
}

static int64_t id_of(const struct id_list *l, int64_t item)
{
    return l->id ? l->id[item] : item;
}

static int open_inputs(struct job *j, const char *path, struct err *e)
{
    if (vectors_open(&j->queries, path, e) != 0 ||
        (among && vectors_open(&j->set, among, e) != 0) ||
        load_ids(&j->query_ids, ids, j->queries, e) != 0)
        return -1;
    if (!j->set)
        j->set_ids = j->query_ids;
    else if (load_ids(&j->set_ids, among_ids, j->set, e) != 0)
        return -1;
    const struct vectors *set = j->set ? j->set : j->queries;
    int64_t there = vectors_count(set) - !j->set;
    if (there < 1)
        return err_set(e, "%s: expected %s, found %lld", vectors_name(set),
                       j->set ? "embeddings" : "at least 2 embeddings",
                       (long long)vectors_count(set));
    j->width = there < k ? (int)there : (int)k;
    if (j->width < k)
        prog_say("%s: %d neighbors of each image are all there are", vectors_name(set), j->width);
    return 0;
}

static int open_outputs(struct job *j, struct err *e)
{
    const int64_t shape[] = {j->width};
    if ((items_path && npy_create(&j->items, items_path, NPY_I64, 1, shape, e) != 0) ||
        (distances_path && npy_create(&j->distances, distances_path, NPY_F32, 1, shape, e) != 0) ||
        out_open(&j->out, "-", e) != 0)
        return -1;
    j->rows = tsv_begin(j->out, "id rank neighbor distance");
    j->item = mem_alloc((size_t)j->width, sizeof *j->item);
    j->distance = mem_alloc((size_t)j->width, sizeof *j->distance);
    return 0;
}

static int take(void *ctx, int64_t query, const struct neighbor *list, int n, struct err *e)
{
    const struct job *j = ctx;
    for (int i = 0; i < n; i++) {
        j->item[i] = id_of(&j->set_ids, list[i].item);
        j->distance[i] = (float)list[i].distance;
        tsv_put_int(j->rows, id_of(&j->query_ids, query));
        tsv_put_int(j->rows, i + 1);
        tsv_put_int(j->rows, j->item[i]);
        tsv_put_real(j->rows, list[i].distance);
        if (tsv_end(j->rows, e) != 0)
            return -1;
    }
    if ((j->items && npy_write(j->items, j->item, 1, e) != 0) ||
        (j->distances && npy_write(j->distances, j->distance, 1, e) != 0))
        return -1;
    return 0;
}

static void progress(int64_t done, int64_t all)
{
    prog_progress("images", done, all);
}

static int close_outputs(struct job *j, struct err *e)
{
    struct out *all[3] = {j->out};
    tsv_free(j->rows);
    if (out_flush(j->out, e) != 0 || (j->items && !(all[1] = npy_end(j->items, e))) ||
        (j->distances && !(all[2] = npy_end(j->distances, e))))
        return -1;
    return out_close_all(all, 3, e);
}

static int run(struct job *j, const char *path, struct err *e)
{
    const struct nearest_opts o = {.k = (int)k,
                                   .metric = (enum nearest_metric)metric,
                                   .threads = (int)threads,
                                   .progress = progress};
    if (open_inputs(j, path, e) != 0 || open_outputs(j, e) != 0 ||
        nearest_find(j->queries, j->set, &o, take, j, e) != 0)
        return -1;
    prog_progress_end();
    if (vectors_count(j->queries) == 0)
        prog_no_rows(vectors_name(j->queries), "no neighbors written");
    return close_outputs(j, e);
}

/* --- the plane --- */

/* Where it is too few to be measured, trust.value is NaN. */
static void say_trust(const struct project_trust *t, int64_t all)
{
    if (!isnan(t->value))
        prog_say("trustworthiness %.4f: %d neighbors of %lld of %lld images", t->value,
                 t->neighbours, (long long)t->images, (long long)all);
}

static int write_trust(const struct project_trust *t, struct out *o, struct err *e)
{
    struct run about = {0};
    run_put(&about, "trustworthiness", isnan(t->value) ? NULL : "%.4f", t->value);
    int r = run_write(&about, o, e);
    run_free(&about);
    return r;
}

static int put_points(struct job *j, const float *xy, const struct project_trust *t, struct err *e)
{
    struct out *all[2] = {0};
    if (run_path && out_open(&all[1], run_path, e) != 0)
        return -1;
    char *columns = mem_printf("id %s", names);
    *strchr(columns, ',') = ' ';
    if (out_open(&j->out, "-", e) != 0)
        return -1;
    j->rows = tsv_begin(j->out, columns);
    free(columns);
    for (int64_t i = 0; i < vectors_count(j->queries); i++) {
        tsv_put_int(j->rows, id_of(&j->query_ids, i));
        tsv_put_real(j->rows, xy[2 * i]);
        tsv_put_real(j->rows, xy[2 * i + 1]);
        if (tsv_end(j->rows, e) != 0)
            return -1;
    }
    tsv_free(j->rows);
    if (all[1] && write_trust(t, all[1], e) != 0)
        return -1;
    all[0] = j->out;
    return out_close_all(all, 2, e);
}

static int run_project(struct job *j, const char *path, struct err *e)
{
    const struct project_opts o = {.metric = (enum nearest_metric)metric,
                                   .threads = (int)threads,
                                   .seed = seed < 0 ? 0 : (uint64_t)seed,
                                   .progress = progress};
    struct project_trust trust;
    if (vectors_open(&j->queries, path, e) != 0 || load_ids(&j->query_ids, ids, j->queries, e) != 0)
        return -1;
    float *xy = mem_alloc(2 * (size_t)vectors_count(j->queries), sizeof *xy);
    int r = project(j->queries, &o, xy, &trust, e);
    prog_progress_end();
    if (r == 0 && !run_path)
        say_trust(&trust, vectors_count(j->queries));
    if (r == 0)
        r = put_points(j, xy, &trust, e);
    free(xy);
    return r;
}

/* --- options --- */

/* Two names of columns, which are not equal. */
static bool are_names(const char *s)
{
    size_t n = strcspn(s, ",");
    const char *second = s + n + 1;
    return n > 0 && s[n] && *second && !strchr(second, ',') &&
           !s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_,")] &&
           !(strncmp(s, second, n) == 0 && !second[n]) && strcmp(second, "id") != 0 &&
           !(n == 2 && strncmp(s, "id", n) == 0);
}

static void check_project(bool count_given)
{
    if (!names) {
        if (seed >= 0 || run_path)
            prog_usage("--%s goes with --project", seed >= 0 ? "seed" : "run");
        return;
    }
    if (!are_names(names))
        prog_usage("--project: expected two names of columns in [a-z0-9_], x,y, found '%s'", names);
    const char *other = among            ? "among"
                        : items_path     ? "items"
                        : distances_path ? "distances"
                        : count_given    ? "count"
                                         : NULL;
    if (other)
        prog_usage("--project and --%s exclude each other", other);
}

static void check_options(const char *path)
{
    const char *const input[] = {path, among, ids, among_ids};
    const char *const output[] = {items_path, distances_path, run_path};
    static const char *const name[] = {"items", "distances", "run"};
    if (among_ids && !among)
        prog_usage("--among-ids goes with --among");
    for (size_t o = 0; o < 3; o++) {
        if (output[o] && strcmp(output[o], "-") == 0)
            prog_usage("--%s: expected a file, found '-': standard output carries the rows",
                       name[o]);
        for (size_t i = 0; i < sizeof input / sizeof *input; i++)
            if (io_same_file(output[o], input[i]))
                prog_usage("--%s: expected a file that is not read, found '%s'", name[o],
                           output[o]);
    }
}

int main(int argc, char **argv)
{
    struct job j = {0};
    struct err e = {0};
    int first = prog_start(&prog, argc, argv);
    if (argc - first != 1)
        prog_usage("expected one FILE, found %d", argc - first);
    check_options(argv[first]);
    check_project(k > 0);
    k = k > 0 ? k : NEIGHBORS;
    if ((names ? run_project : run)(&j, argv[first], &e) != 0)
        prog_fail(&e);
    vectors_close(j.queries);
    vectors_close(j.set);
    if (j.set)
        free(j.set_ids.id);
    free(j.query_ids.id);
    free(j.item);
    free(j.distance);
    return PROG_OK;
}
