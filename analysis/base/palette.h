/* Continuous palettes by their stops: for pictures, and for map_png() of the database.
 *
 * A palette is piecewise linear in sRGB between its stops, in C as in the scripts that gnuplot reads (its
 * `set palette viridis` needs 5.5). Thread-safe: const tables. */
#ifndef LIMN_PALETTE_H
#define LIMN_PALETTE_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    double at;    /* 0 … 1, ascending, first 0, last 1 */
    uint32_t rgb; /* 0xRRGGBB */
} limn_stop;

typedef struct {
    const char *name, *help;
    const limn_stop *stop;
    size_t n_stops;
    int diverging; /* the middle stands for zero: the range is drawn symmetric */
} limn_palette;

extern const limn_palette limn_palettes[]; /* jet, viridis, magma, gray, blue, diverging; ends with name NULL */

/* NULL where there is none of that name. */
const limn_palette *limn_palette_find(const char *name);
/* 0xRRGGBB at t, which is clamped to [0, 1]; NaN gives LIMN_NO_VALUE. */
uint32_t limn_palette_rgb(const limn_palette *p, double t);

enum { LIMN_NO_VALUE = 0xbdbdbd }; /* gray of what has no value: unlabelled points, pixels that are not finite */

#endif
