/* In the place of plugin.c in static programs, which load no shared object. */
#include "engine/plugin.h"

#include <stdio.h>

int plugin_ordinal(const char *device)
{
    (void)device;
    return 0;
}

bool plugin_installed(void)
{
    return false;
}

void plugin_warm(const char *device, enum engine_precision p)
{
    (void)device;
    (void)p;
}

static void refuse(struct err *e)
{
    err_record(e, "no CUDA in static programs");
    e->no_device = true;
}

int plugin_built(char *buf, size_t n, struct err *e)
{
    snprintf(buf, n, "none");
    refuse(e);
    return -1;
}

int plugin_find(const char *device, struct err *e)
{
    (void)device;
    refuse(e);
    return -1;
}

const struct engine_backend *plugin_backend(struct err *e)
{
    refuse(e);
    return NULL;
}
