#include "draw/color.h"

#include "draw/tables.h"

#include <math.h>
#include <string.h>

static const uint8_t (*const tables[])[3] = {
    [COLOR_VIRIDIS] = table_viridis, [COLOR_CIVIDIS] = table_cividis,
    [COLOR_INFERNO] = table_inferno, [COLOR_MAGMA] = table_magma,
    [COLOR_TURBO] = table_turbo,     [COLOR_JET] = table_jet,
};

const uint8_t *color_table(enum color_map cmap)
{
    return tables[cmap][0];
}

const uint8_t *color_table_signed(void)
{
    return table_diverging[0];
}

void color_heat(enum color_map cmap, const float *map, size_t n, uint8_t *out)
{
    const uint8_t(*table)[3] = tables[cmap];
    for (size_t i = 0; i < n; i++) {
        /* Also for NaN, which compares false. */
        float v = map[i] > 0 ? map[i] : 0;
        memcpy(out + 3 * i, table[(int)(255 * (v < 1 ? v : 1))], 3);
    }
}

void color_signed(const float *map, size_t n, float limit, uint8_t *out)
{
    for (size_t i = 0; i < n; i++) {
        float v = map[i] / limit;
        v = v > -1 ? v : -1;
        memcpy(out + 3 * i, table_diverging[128 + (int)lrintf(128 * (v < 1 ? v : 1))], 3);
    }
}

void color_blend(const uint8_t *image, const uint8_t *heat, size_t n, float alpha, uint8_t *out)
{
    float mix_heat[256], mix_image[256], max = 0;
    for (int i = 0; i < 256; i++) {
        mix_heat[i] = alpha * ((float)i / 255);
        mix_image[i] = (1 - alpha) * ((float)i / 255);
    }
    for (size_t i = 0; i < 3 * n; i++) {
        float mix = mix_heat[heat[i]] + mix_image[image[i]];
        max = mix > max ? mix : max;
    }
    if (max == 0) {
        memset(out, 0, 3 * n);
        return;
    }
    for (size_t i = 0; i < 3 * n; i++)
        out[i] = (uint8_t)(255 * ((mix_heat[heat[i]] + mix_image[image[i]]) / max));
}

void color_pack(const uint8_t *planes, size_t n, uint8_t *out)
{
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < 3; c++)
            out[3 * i + c] = planes[c * n + i];
}

/* Which row or column of `src` goes to row or column `i` of `dst`. */
static size_t nearest(int i, int src, int dst)
{
    return (size_t)((int64_t)i * src / dst);
}

void color_zoom(const uint8_t *src, int sh, int sw, uint8_t *dst, int dh, int dw)
{
    size_t row = 3 * (size_t)dw;
    for (int y = 0; y < dh; y++, dst += row) {
        size_t from = nearest(y, sh, dh);
        if (y > 0 && from == nearest(y - 1, sh, dh)) {
            memcpy(dst, dst - row, row);
            continue;
        }
        for (int x = 0; x < dw; x++)
            memcpy(dst + 3 * x, src + 3 * (from * (size_t)sw + nearest(x, sw, dw)), 3);
    }
}

void color_zoom_map(const float *src, int sh, int sw, float *dst, int dh, int dw)
{
    for (int y = 0; y < dh; y++)
        for (int x = 0; x < dw; x++)
            *dst++ = src[nearest(y, sh, dh) * (size_t)sw + nearest(x, sw, dw)];
}
