/* Colours of classes: see palette.h.
 *
 * The first seven are Okabe & Ito's (2008); each further one is the sRGB colour of a 15-step grid that is farthest in
 * OKLab from all before it, from white and from LIMN_NO_VALUE, where a distance seen with deuteranopia or protanopia
 * (Machado et al. 2009) counts 2.5-fold. */
#include "plots/palette.h"

static const uint32_t class_rgb[LIMN_CLASS_COLOURS] = {
    0x0072b2, 0xd55e00, 0x009e73, 0xcc79a7, 0xe69f00, 0x56b4e9, 0xf0e442, 0x5a1e00, 0x2d0096, 0xa50069,
    0x964bf0, 0x0f5a00, 0x00e178, 0x2df0ff, 0x875a4b, 0x5a005a, 0x7800b4, 0x3c3ce1, 0xff87ff, 0x0f3c3c,
    0xff3c69, 0xa587ff, 0xd22da5, 0xa50f00, 0x694b87, 0x96874b, 0x96b469, 0xa5e1a5, 0x1e5a69, 0xffc3e1,
    0xd2004b, 0x7887c3, 0xa55a87, 0xf09696, 0xff00d2, 0x00c300, 0x0000d2, 0xd25ae1, 0xb4d200, 0x009600,
};

uint32_t limn_class_rgb(int c) {
    return c < 0 ? (uint32_t)LIMN_NO_VALUE : class_rgb[c % LIMN_CLASS_COLOURS];
}
