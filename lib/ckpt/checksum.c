#include "ckpt/store.h"

#include <glib.h>
#include <string.h>

static void update(GChecksum *sum, const struct map *m)
{
    const size_t part = (size_t)1 << 24; /* lengths are of a signed type in GLib */
    for (size_t at = 0; at < m->n; at += part) {
        size_t left = m->n - at;
        g_checksum_update(sum, m->p + at, (gssize)(left < part ? left : part));
    }
}

void ckpt_sha256(const struct ckpt *c, char hex[CKPT_SHA256])
{
    GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
    update(sum, &c->map);
    update(sum, &c->beside);
    memcpy(hex, g_checksum_get_string(sum), CKPT_SHA256);
    g_checksum_free(sum);
}
