/* Palettes: see palette.h.
 *
 * jet: MATLAB's and matplotlib's, piecewise linear by definition; its stops are the corners of the three channels.
 * viridis, magma: Smith & van der Walt 2015 (CC0), every fifth of their 256 colours: within one level of 255
 * everywhere. diverging: blue - white - red, zero is white; both arms have the same lightness at the same distance from
 * zero. */
#include "base/palette.h"

#include <string.h>

#include "base/try.h"

static const limn_stop jet[] = {
    {0, 0x000080},   {.11, 0x0000ff}, {.125, 0x0000ff}, {.34, 0x00dbff}, {.35, 0x00e5f7}, {.375, 0x15ffe2},
    {.64, 0xefff08}, {.65, 0xf7f600}, {.66, 0xffec00},  {.89, 0xff1300}, {.91, 0xe80000}, {1, 0x800000},
};

static const limn_stop viridis[] = {
    {0 / 51., 0x440154},  {1 / 51., 0x46085c},  {2 / 51., 0x471063},  {3 / 51., 0x481769},  {4 / 51., 0x481d6f},
    {5 / 51., 0x482475},  {6 / 51., 0x472a7a},  {7 / 51., 0x46307e},  {8 / 51., 0x453781},  {9 / 51., 0x433d84},
    {10 / 51., 0x414287}, {11 / 51., 0x3f4889}, {12 / 51., 0x3d4e8a}, {13 / 51., 0x3a538b}, {14 / 51., 0x38598c},
    {15 / 51., 0x355e8d}, {16 / 51., 0x33638d}, {17 / 51., 0x31688e}, {18 / 51., 0x2e6d8e}, {19 / 51., 0x2c718e},
    {20 / 51., 0x2a768e}, {21 / 51., 0x297b8e}, {22 / 51., 0x27808e}, {23 / 51., 0x25848e}, {24 / 51., 0x23898e},
    {25 / 51., 0x218e8d}, {26 / 51., 0x20928c}, {27 / 51., 0x1f978b}, {28 / 51., 0x1e9c89}, {29 / 51., 0x1fa188},
    {30 / 51., 0x21a585}, {31 / 51., 0x24aa83}, {32 / 51., 0x28ae80}, {33 / 51., 0x2eb37c}, {34 / 51., 0x35b779},
    {35 / 51., 0x3dbc74}, {36 / 51., 0x46c06f}, {37 / 51., 0x50c46a}, {38 / 51., 0x5ac864}, {39 / 51., 0x65cb5e},
    {40 / 51., 0x70cf57}, {41 / 51., 0x7cd250}, {42 / 51., 0x89d548}, {43 / 51., 0x95d840}, {44 / 51., 0xa2da37},
    {45 / 51., 0xb0dd2f}, {46 / 51., 0xbddf26}, {47 / 51., 0xcae11f}, {48 / 51., 0xd8e219}, {49 / 51., 0xe5e419},
    {50 / 51., 0xf1e51d}, {51 / 51., 0xfde725},
};

static const limn_stop magma[] = {
    {0 / 51., 0x000004},  {1 / 51., 0x02020b},  {2 / 51., 0x050416},  {3 / 51., 0x090720},  {4 / 51., 0x0e0b2b},
    {5 / 51., 0x140e36},  {6 / 51., 0x1a1042},  {7 / 51., 0x21114e},  {8 / 51., 0x29115a},  {9 / 51., 0x311165},
    {10 / 51., 0x390f6e}, {11 / 51., 0x420f75}, {12 / 51., 0x4a1079}, {13 / 51., 0x52137c}, {14 / 51., 0x5a167e},
    {15 / 51., 0x621980}, {16 / 51., 0x6a1c81}, {17 / 51., 0x721f81}, {18 / 51., 0x792282}, {19 / 51., 0x812581},
    {20 / 51., 0x892881}, {21 / 51., 0x912b81}, {22 / 51., 0x992d80}, {23 / 51., 0xa1307e}, {24 / 51., 0xaa337d},
    {25 / 51., 0xb2357b}, {26 / 51., 0xba3878}, {27 / 51., 0xc23b75}, {28 / 51., 0xca3e72}, {29 / 51., 0xd2426f},
    {30 / 51., 0xd9466b}, {31 / 51., 0xe04c67}, {32 / 51., 0xe75263}, {33 / 51., 0xec5860}, {34 / 51., 0xf1605d},
    {35 / 51., 0xf4695c}, {36 / 51., 0xf7725c}, {37 / 51., 0xf97b5d}, {38 / 51., 0xfb8560}, {39 / 51., 0xfc8e64},
    {40 / 51., 0xfd9869}, {41 / 51., 0xfea16e}, {42 / 51., 0xfeaa74}, {43 / 51., 0xfeb47b}, {44 / 51., 0xfebd82},
    {45 / 51., 0xfec68a}, {46 / 51., 0xfecf92}, {47 / 51., 0xfed89a}, {48 / 51., 0xfde2a3}, {49 / 51., 0xfdebac},
    {50 / 51., 0xfcf4b6}, {51 / 51., 0xfcfdbf},
};

static const limn_stop gray[] = {{0, 0x000000}, {1, 0xffffff}};

static const limn_stop diverging[] = {
    {0 / 16., 0x023b7a},  {1 / 16., 0x0651a2},  {2 / 16., 0x0b68cc},  {3 / 16., 0x2a81eb},  {4 / 16., 0x529cfd},
    {5 / 16., 0x82b7ff},  {6 / 16., 0xaed1ff},  {7 / 16., 0xd8e9ff},  {8 / 16., 0xffffff},  {9 / 16., 0xfedfdb},
    {10 / 16., 0xfbbcb4}, {11 / 16., 0xf7968c}, {12 / 16., 0xef6e63}, {13 / 16., 0xda4b43}, {14 / 16., 0xba322d},
    {15 / 16., 0x942522}, {16 / 16., 0x6f1916},
};

/* The blue arm of `diverging`. */
static const limn_stop blue[] = {
    {0 / 8., 0xffffff}, {1 / 8., 0xd8e9ff}, {2 / 8., 0xaed1ff}, {3 / 8., 0x82b7ff}, {4 / 8., 0x529cfd},
    {5 / 8., 0x2a81eb}, {6 / 8., 0x0b68cc}, {7 / 8., 0x0651a2}, {8 / 8., 0x023b7a},
};

const limn_palette limn_palettes[] = {
    {"jet", "rainbow of MATLAB and of the older papers; not uniform", jet, COUNT_OF(jet), 0},
    {"viridis", "perceptually uniform, blue to yellow; legible in gray", viridis, COUNT_OF(viridis), 0},
    {"magma", "perceptually uniform, black to cream; legible in gray", magma, COUNT_OF(magma), 0},
    {"gray", "black to white", gray, COUNT_OF(gray), 0},
    {"blue", "white to dark blue: a table's shares and counts", blue, COUNT_OF(blue), 0},
    {"diverging", "blue below zero, white at zero, red above", diverging, COUNT_OF(diverging), 1},
    {NULL, NULL, NULL, 0, 0},
};

const limn_palette *limn_palette_find(const char *name) {
    for (const limn_palette *p = limn_palettes; p->name; p++)
        if (name && strcmp(p->name, name) == 0) return p;
    return NULL;
}

uint32_t limn_palette_rgb(const limn_palette *p, double t) {
    if (t != t) return LIMN_NO_VALUE;
    if (t <= 0) return p->stop[0].rgb;
    if (t >= 1) return p->stop[p->n_stops - 1].rgb;
    size_t i = p->n_stops - 1, below = 0; /* stop[below].at < t <= stop[i].at */
    while (i - below > 1) {
        size_t middle = (i + below) / 2;
        if (p->stop[middle].at < t)
            below = middle;
        else
            i = middle;
    }
    const limn_stop *a = &p->stop[i - 1], *b = &p->stop[i];
    double w = (t - a->at) / (b->at - a->at);
    uint32_t rgb = 0;
    for (int shift = 16; shift >= 0; shift -= 8) {
        double from = a->rgb >> shift & 255, to = b->rgb >> shift & 255;
        rgb |= (uint32_t)(from + w * (to - from) + .5) << shift;
    }
    return rgb;
}
