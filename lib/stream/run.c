#include "stream/run.h"

#include "base/mem.h"
#include "base/prog.h"
#include "stream/tsv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROWS = 4096 };

static void add(struct run *r, const char *name, const char *value)
{
    r->row = mem_grow(r->row, (size_t)r->rows + 1, sizeof *r->row);
    r->row[r->rows++] = (struct run_row){name, value};
}

void run_put(struct run *r, const char *name, const char *fmt, ...)
{
    char *value = NULL;
    va_list ap;
    va_start(ap, fmt);
    if (fmt)
        value = mem_vprintf(fmt, ap);
    va_end(ap);
    add(r, mem_dup(name), value);
}

void run_set(struct run *r, int at, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *value = mem_vprintf(fmt, ap);
    va_end(ap);
    free((void *)r->row[at].value);
    r->row[at].value = value;
}

/* https://reproducible-builds.org/specs/source-date-epoch/ */
static time_t run_time(void)
{
    const char *text = getenv("SOURCE_DATE_EPOCH");
    char *end;
    if (!text || !*text)
        return time(NULL);
    errno = 0;
    long long t = strtoll(text, &end, 10);
    return errno == 0 && *end == '\0' && t >= 0 ? (time_t)t : time(NULL);
}

void run_begin(struct run *r)
{
    time_t t = run_time();
    struct tm tm;
    char text[64] = "";
    if (gmtime_r(&t, &tm))
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    run_put(r, "version", "%s", HP_VERSION);
    run_put(r, "date", "%s", text);
}

int run_write(const struct run *r, struct out *o, struct err *e)
{
    struct tsv_out *t = tsv_begin(o, "name value");
    int result = 0;
    for (int i = 0; i < r->rows && result == 0; i++) {
        tsv_put_string(t, r->row[i].name);
        tsv_put_string(t, r->row[i].value);
        result = tsv_end(t, e);
    }
    tsv_free(t);
    return result;
}

static int read_rows(struct run *r, struct tsv_in *t, struct err *e)
{
    int name = tsv_need(t, "name", e), value = name < 0 ? -1 : tsv_need(t, "value", e), got;
    if (value < 0)
        return -1;
    while ((got = tsv_next(t, e)) > 0) {
        if (r->rows == ROWS)
            return tsv_error(t, e, "expected at most %d rows about a run, found more", ROWS);
        if (tsv_is_na(t, name) || tsv_get(t, name).n == 0)
            return tsv_error(t, e, "column 'name': expected a name, found none");
        add(r, tsv_string(t, name), tsv_is_na(t, value) ? NULL : tsv_string(t, value));
    }
    return got;
}

int run_read(struct run *r, const char *path, struct err *e)
{
    struct tsv_in *t;
    if (tsv_open(&t, path, e) != 0)
        return -1;
    int result = read_rows(r, t, e);
    tsv_close(t);
    return result;
}

const char *run_get(const struct run *r, const char *name)
{
    for (int i = 0; i < r->rows; i++)
        if (strcmp(r->row[i].name, name) == 0)
            return r->row[i].value;
    return NULL;
}

const char *run_warning(const struct run *r, int *at)
{
    while (*at < r->rows) {
        const struct run_row *row = &r->row[(*at)++];
        if (strcmp(row->name, "warning") == 0 && row->value)
            return row->value;
    }
    return NULL;
}

void run_free(struct run *r)
{
    for (int i = 0; i < r->rows; i++) {
        free((void *)r->row[i].name);
        free((void *)r->row[i].value);
    }
    free(r->row);
    *r = (struct run){.row = NULL};
}
