/* Colours of figures: the continuous palettes, and qualitative colours for classes. Thread-safe: const tables. */
#ifndef LIMN_PLOTS_PALETTE_H
#define LIMN_PLOTS_PALETTE_H

#include "base/palette.h"

/* Colour of class c: the first 8 are told apart by the colour-blind, the first 40 are as distinct as can be; above,
 * they repeat. c < 0: LIMN_NO_VALUE. */
uint32_t limn_class_rgb(int c);
enum { LIMN_CLASS_COLOURS = 40 };

#endif
