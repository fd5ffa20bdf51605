/* The same, with the tile instructions in plain C, so that it is tested everywhere. */
#include "engine/cpu/simd_plain.h"

#include <stddef.h>
#include <string.h>

#define TILES

/* As the processor does it: two sums, of the even and the odd inputs, are taken apart
 * and added to the tile at the end. */
static _Thread_local struct {
    int images;
    uint16_t bf16[8][16][32];
    float f32[8][16][16];
} state;

static int tile_rows(int t)
{
    return t < 6 ? state.images : 16;
}

static void tiles_begin(int images)
{
    memset(&state, 0, sizeof state);
    state.images = images;
}

static void tiles_end(void)
{
    state.images = 0;
}

static void tile_zero(int t)
{
    memset(state.f32[t], 0, sizeof state.f32[t]);
}

static void tile_load(int t, const uint16_t *p, ptrdiff_t step)
{
    for (int r = 0; r < tile_rows(t); r++)
        memcpy(state.bf16[t][r], (const char *)p + r * step, sizeof state.bf16[t][r]);
}

static void tile_store(int t, float *p, ptrdiff_t step)
{
    for (int r = 0; r < tile_rows(t); r++)
        memcpy((char *)p + r * step, state.f32[t][r], sizeof state.f32[t][r]);
}

static void tile_dot(int sum, int a, int b)
{
    for (int m = 0; m < state.images; m++)
        for (int n = 0; n < 16; n++) {
            float even = 0, odd = 0;
            for (int k = 0; k < 16; k++) {
                const uint16_t *x = &state.bf16[a][m][2 * k], *y = &state.bf16[b][k][2 * n];
                even += bf16_widen(x[0]) * bf16_widen(y[0]);
                odd += bf16_widen(x[1]) * bf16_widen(y[1]);
            }
            state.f32[sum][m][n] += even + odd;
        }
}

#define TILE_ZERO(t) tile_zero(t)
#define TILE_LOAD(t, p, step) tile_load(t, p, step)
#define TILE_STORE(t, p, step) tile_store(t, p, step)
#define TILE_DOT(sum, a, b) tile_dot(sum, a, b)

#include "engine/cpu/amx.inc"

const struct conv_kernels conv_amx_plain = {"amx in plain C", tile_pack, tile_run, NULL};
