/* Which characters can be drawn: see glyphs.h.
 *
 * For a character that no font has, pango draws a box with its number; in gnuplot's scale it takes that box, and all
 * that is in it, many times too large, so that one Chinese name on a machine without a Chinese font covers the picture
 * in black. So the fonts are asked first: fontconfig's fc-list, without which cairo's text does not come, prints the
 * characters of each as "20-7e a0-377 …". It is asked once in a process, and only where a text holds more than what
 * every font has. Where it is missing or fails, every character counts as drawn. */
#include "plots/glyphs.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/try.h"
#include "plots/gnuplot.h"

enum { CHARACTERS = 0x110000, MOST_WORDS = 16 << 20 };

/* In every font that draws Latin text, and what stands in our own texts; then what has no shape of its own. */
static const struct {
    uint32_t first, last;
} common[] = {{0x20, 0x7e},     {0xa0, 0x17f},    {0x2013, 0x2014}, {0x2018, 0x2019}, {0x201c, 0x201d},
              {0x2026, 0x2026}, {0x2192, 0x2192}, {0x2212, 0x2212}, {0x200b, 0x200d}, {0xfe00, 0xfe0f}};

static unsigned char drawn[CHARACTERS / 8]; /* a bit a character; only read once `fonts_asked` is done */
static int known;
static pthread_once_t fonts_asked = PTHREAD_ONCE_INIT;

static void read_ranges(const char *words) {
    for (const char *p = words; *p;) {
        char *end = NULL;
        unsigned long first = strtoul(p, &end, 16), last = first;
        if (end == p) { /* a blank or a line break after the last number */
            p++;
            continue;
        }
        if (*end == '-') last = strtoul(end + 1, &end, 16);
        for (unsigned long c = first; c <= last && c < CHARACTERS; c++) drawn[c / 8] |= (unsigned char)(1u << c % 8);
        known |= last >= first;
        p = end;
    }
}

static void ask_fonts(void) {
    char *words = NULL;
    if (limn_new(&words, MOST_WORDS, 1) == LIMN_OK && plots_fonts(words, MOST_WORDS)) read_ranges(words);
    free(words);
}

int plots_has_glyph(uint32_t c) {
    for (size_t i = 0; i < COUNT_OF(common); i++)
        if (c >= common[i].first && c <= common[i].last) return 1;
    if (pthread_once(&fonts_asked, ask_fonts) != 0 || !known) return 1;
    return c < CHARACTERS && (drawn[c / 8] >> c % 8 & 1);
}
