/* What tests of pictures share: see pixels.h. */
#include "tests/lib/pixels.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/status.h"
#include "plots/raster.h"
#include "tests/lib/files.h"

const char *fresh(const char *name) {
    const char *path = temp_path(name);
    assert_true(mkdir(path, 0777) == 0 || errno == EEXIST);
    return path;
}

picture load(const char *name) {
    picture p;
    assert_int_equal(plots_read_png(&p.rgb, &p.w, &p.h, temp_path(name)), LIMN_OK);
    return p;
}

uint32_t at(const picture *p, size_t x, size_t y) {
    assert_true(x < p->w && y < p->h);
    const unsigned char *c = p->rgb + 3 * (y * p->w + x);
    return (uint32_t)c[0] << 16 | (uint32_t)c[1] << 8 | c[2];
}

int apart(uint32_t a, uint32_t b) {
    int most = 0;
    for (int shift = 0; shift < 24; shift += 8) {
        int d = abs((int)(a >> shift & 255) - (int)(b >> shift & 255));
        if (d > most) most = d;
    }
    return most;
}

void assert_colour(const picture *p, double x, double y, uint32_t rgb, int tolerance) {
    uint32_t found = at(p, (size_t)x, (size_t)y);
    if (apart(found, rgb) > tolerance)
        fail_msg("(%.0f, %.0f) is #%06x and should be #%06x", x, y, (unsigned)found, (unsigned)rgb);
}

void assert_same_file(const char *a, const char *b) {
    size_t n = 0, m = 0;
    unsigned char *x = read_whole(temp_path(a), &n), *y = read_whole(temp_path(b), &m);
    if (n != m || memcmp(x, y, n) != 0) fail_msg("%s and %s differ", a, b);
    free(x);
    free(y);
}

static char *script_text(const char *script) {
    size_t n = 0;
    char *text = (char *)read_whole(temp_path(script), &n);
    text[n - 1] = '\0';
    return text;
}

void place(const char *script, const picture *p, double x, double y, double *px, double *py) {
    double x0, x1, y0, y1;
    char *text = script_text(script);
    assert_int_equal(
        sscanf(strstr(text, "set xrange"), "set xrange [%lf:%lf]; set yrange [%lf:%lf]", &x0, &x1, &y0, &y1), 4);
    free(text);
    *px = (x - x0) / (x1 - x0) * (double)p->w;
    *py = (y1 - y) / (y1 - y0) * (double)p->h;
}

size_t script_numbers(const char *script, const char *key, double *out, size_t room) {
    size_t count = 0;
    char *text = script_text(script), look[64];
    snprintf(look, sizeof look, "%s = ", key);
    char *p = strstr(text, look);
    if (!p) {
        snprintf(look, sizeof look, "%s[", key);
        p = strstr(text, look);
    }
    assert_non_null(p);
    for (p = strchr(p, '=') + 1 + strspn(strchr(p, '=') + 1, " ["); count < room; p++) {
        out[count++] = strtod(p, &p);
        if (*p != ',') break;
    }
    free(text);
    return count;
}
