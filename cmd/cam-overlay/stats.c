#include "stats.h"

#include "base/mem.h"
#include "rows/fields.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { ID, TARGET, SATURATION, BORDER_SHARE, COLUMNS };

struct stats {
    struct tsv_in *table;
    int col[COLUMNS];
};

int stats_open(struct stats **out, const char *path, struct err *e)
{
    static const char *const need[] = {"id", "target", "saturation", "border_share", NULL};
    struct stats *s = mem_zero(1, sizeof *s);
    *out = s;
    return fields_open_at(&s->table, path, need, s->col, e);
}

void stats_close(struct stats *s)
{
    if (!s)
        return;
    tsv_close(s->table);
    free(s);
}

int stats_next(struct stats *s, int64_t id, const char *target, struct plane *p, struct err *e)
{
    int64_t found;
    int r = tsv_next(s->table, e);
    if (r < 0)
        return -1;
    if (r == 0)
        return err_set(e, "%s: expected a row of image %" PRId64 ", found the end of the table",
                       tsv_name(s->table), id);
    if (field_whole(s->table, s->col[ID], INT64_MAX, &found, e) != 0 ||
        field_probability_na(s->table, s->col[SATURATION], &p->saturation, e) != 0 ||
        field_probability_na(s->table, s->col[BORDER_SHARE], &p->border_share, e) != 0)
        return -1;
    const struct tsv_field f = tsv_get(s->table, s->col[TARGET]);
    if (found != id || (target && !tsv_is(f, target)))
        return tsv_error(s->table, e,
                         "expected the map of image %" PRId64 " for '%s', found image %" PRId64
                         " and '%.*s': is the table of these maps?",
                         id, target ? target : "any target", found, (int)f.n, f.p);
    return 0;
}

int stats_end(struct stats *s, struct err *e)
{
    int r = tsv_next(s->table, e);
    return r > 0 ? tsv_error(s->table, e, "expected a row for each map, found more") : r;
}
