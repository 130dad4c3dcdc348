/* libFuzzer target: PNG, JPEG, PGM and PPM from memory, and what EXIF says of their orientation; what decodes must survive
 * being turned, encoded as PNG and decoded again. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "data/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROUND_TRIP_PIXELS = 1 << 14 }; /* larger ones are decoded only: the fuzzer shall be quick */

static void round_trip(const limn_image *m) {
    unsigned char *png;
    size_t n;
    limn_image back;
    if (limn_png_encode(&png, &n, m->pixels, m->w, m->h, m->channels) != LIMN_OK) abort();
    if (limn_image_parse(&back, png, n, "round trip") != LIMN_OK) abort();
    if (back.w != m->w || back.h != m->h || back.channels != m->channels) abort();
    if (memcmp(back.pixels, m->pixels, m->w * m->h * (size_t)m->channels) != 0) abort();
    limn_image_clear(&back);
    free(png);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    limn_image m;
    limn_status s = limn_image_parse(&m, data, size, "input");
    if (s == LIMN_OK && m.w * m.h <= ROUND_TRIP_PIXELS) {
        if (limn_image_orient(&m) != LIMN_OK) abort();
        round_trip(&m);
    }
    if (s != LIMN_OK && (s != LIMN_EINPUT || m.pixels || limn_message()[0] == '\0')) abort();
    limn_image_clear(&m);
    return 0;
}
