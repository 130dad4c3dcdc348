/* Which characters can be drawn. Of this room only. */
#ifndef LIMN_PLOTS_GLYPHS_H
#define LIMN_PLOTS_GLYPHS_H

#include <stdint.h>

/* 1 where a font of this machine has the character, where nothing has to be drawn for it, or where the machine cannot
 * tell. Thread-safe. */
int plots_has_glyph(uint32_t c);

#endif
