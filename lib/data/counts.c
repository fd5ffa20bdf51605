#include "data/counts.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DAMAGED "shard_damaged"
#define TURNED "shard_turned"
#define WHITENED "shard_whitened"

void counts_image(struct counts *c, const struct data *d, const struct data_item *item)
{
    c->read++;
    c->turned += item->turned;
    c->whitened += item->whitened;
    if (item->whitened && !c->first_file) {
        c->first_id = item->id;
        c->first_file = data_file(d, item->id);
    }
}

static void tell(void (*warn)(const char *), char *text)
{
    warn(text);
    free(text);
}

void counts_warn(const struct counts *c, const char *data, void (*warn)(const char *text))
{
    const long long all = c->read + c->damaged, read = c->read;
    if (c->damaged > 0)
        tell(warn, mem_printf("%s: files that cannot be read: %lld of %lld images are missing in "
                              "the results; %s lists them",
                              data, (long long)c->damaged, all, c->list));
    if (c->turned > 0)
        tell(warn,
             mem_printf("%s: EXIF orientation is not applied, as in torchvision's ImageFolder: the "
                        "model sees %lld of %lld images turned or mirrored",
                        data, (long long)c->turned, read));
    if (c->whitened > 0)
        tell(warn, mem_printf("%s: values above 255 in 16-bit grey PNG become white, as in Pillow: "
                              "convert these %lld of %lld images to 8 bits, the first is %s",
                              data, (long long)c->whitened, read, c->first_file));
}

void counts_put(const struct counts *c, struct run *r)
{
    if (c->damaged > 0)
        run_put(r, DAMAGED, "%lld %s", (long long)c->damaged, c->list);
    if (c->turned > 0)
        run_put(r, TURNED, "%lld", (long long)c->turned);
    if (c->whitened > 0)
        run_put(r, WHITENED, "%lld %lld %s", (long long)c->whitened, (long long)c->first_id,
                c->first_file);
}

/* The number that a text begins with, and where it goes on behind a blank. */
static bool number(const char **p, int64_t *n)
{
    char *end;
    errno = 0;
    *n = **p >= '0' && **p <= '9' ? strtoll(*p, &end, 10) : -1;
    if (*n < 0 || errno != 0 || (*end != ' ' && *end != '\0'))
        return false;
    *p = end + (*end == ' ');
    return true;
}

int counts_take(struct counts *c, const struct run_row *row, struct err *e)
{
    const char *p = row->value ? row->value : "";
    const bool damaged = strcmp(row->name, DAMAGED) == 0, turned = strcmp(row->name, TURNED) == 0;
    int64_t n, id;
    if (!damaged && !turned && strcmp(row->name, WHITENED) != 0)
        return 0;
    bool good = number(&p, &n) && (damaged || turned || number(&p, &id)) && turned == (*p == '\0');
    if (!good)
        return err_set(e, "row '%s': expected a number of images, found '%s'", row->name,
                       row->value ? row->value : "NA");
    *(damaged ? &c->damaged : turned ? &c->turned : &c->whitened) += n;
    if (damaged && (!c->list || strcmp(p, c->list) < 0)) {
        free(c->list);
        c->list = mem_dup(p);
    }
    if (!damaged && !turned && (!c->first_file || id < c->first_id)) {
        free(c->first_file);
        c->first_id = id;
        c->first_file = mem_dup(p);
    }
    return 1;
}

void counts_free(struct counts *c)
{
    free(c->list);
    free(c->first_file);
    *c = (struct counts){0};
}
