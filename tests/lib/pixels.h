/* What tests of pictures share: pixels, and numbers of a figure's script. Everything that goes wrong fails the test. */
#ifndef TESTS_PIXELS_H
#define TESTS_PIXELS_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    unsigned char *rgb; /* (h, w, 3): free() */
    size_t w, h;
} picture;

/* A folder of the test's own (temp_path), made where it is not there. */
const char *fresh(const char *name);
/* A PNG of the test's folder. */
picture load(const char *name);
uint32_t at(const picture *p, size_t x, size_t y); /* 0xRRGGBB */
int apart(uint32_t a, uint32_t b);                 /* largest difference of a channel */

/* Cairo rounds once when it paints a colour: one level of 255. gnuplot's palette goes through a table of its own. */
enum { SAME = 1, PALETTE = 3 };
void assert_colour(const picture *p, double x, double y, uint32_t rgb, int tolerance);
void assert_same_file(const char *a, const char *b);

/* Dots from the left and from the top of a point in a script's coordinates. */
void place(const char *script, const picture *p, double x, double y, double *px, double *py);
/* The numbers of `key = 1.5` or `array key[2] = [1.5,2]` in a script; how many. */
size_t script_numbers(const char *script, const char *key, double *out, size_t room);

#endif
