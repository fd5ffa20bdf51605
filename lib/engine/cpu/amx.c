/* bf16 by the tile instructions of AMX. */
#include "engine/cpu/conv.h"
#include "engine/cpu/simd_avx512.h"

#if defined(__x86_64__) &&                                                                         \
    (defined(__clang__) ? __clang_major__ >= 13 : defined(__GNUC__) && __GNUC__ >= 11)

#define TILES __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,amx-tile,amx-bf16")))
#define TILE_ZERO(t) _tile_zero(t)
#define TILE_LOAD(t, p, step) _tile_loadd(t, p, step)
#define TILE_STORE(t, p, step) _tile_stored(t, p, step)
#define TILE_DOT(sum, a, b) _tile_dpbf16ps(sum, a, b)

/* All tiles of 64 bytes a row; weights of 16 rows, the others of a row per image. */
TILES static void tiles_begin(int images)
{
    struct {
        uint8_t palette, start, reserved[14];
        uint16_t bytes[16];
        uint8_t rows[16];
    } c = {.palette = 1};
    for (int t = 0; t < 8; t++) {
        c.bytes[t] = 64;
        c.rows[t] = t < 6 ? (uint8_t)images : 16;
    }
    /* Some compilers do not see that the instruction reads all of it. */
    __asm__ volatile("" : : "r"(&c) : "memory");
    _tile_loadconfig(&c);
}

TILES static void tiles_end(void)
{
    _tile_release();
}

#include "engine/cpu/amx.inc"

const struct conv_kernels conv_amx = {"amx", tile_pack, tile_run, NULL};

#else

const struct conv_kernels conv_amx = {"amx", NULL, NULL, NULL};

#endif
