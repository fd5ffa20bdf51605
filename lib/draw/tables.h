/* Colour tables; see tables.py for their sources. */
#ifndef HP_TABLES_H
#define HP_TABLES_H

#include <stdint.h>

extern const uint8_t table_viridis[256][3], table_cividis[256][3], table_inferno[256][3],
    table_magma[256][3], table_turbo[256][3], table_jet[256][3];

/* From -1 over white in the middle (entry 128) to 1. */
extern const uint8_t table_diverging[257][3];

#endif
