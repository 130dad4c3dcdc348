/* Pictures: small PNG, JPEG, PGM and PPM files of every kind against PIL's values, what we write, and every way to be wrong. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/try.h"
#include "data/array.h"
#include "data/image.h"
#include "data/image_codec.h"
#include "tests/lib/files.h"

#define FOLDER "tests/data/images/"

/* Two versions of libjpeg-turbo: another inverse DCT or chroma upsampling rounds differently. */
enum { JPEG_TOLERANCE = 2, PNG_TOLERANCE = 0 };

static void pictures_equal_pil(void **state) {
    (void)state;
    static const struct {
        const char *name, *format;
        int tolerance;
    } files[] = {
        {"gray.png", "PNG", PNG_TOLERANCE},
        {"rgb.png", "PNG", PNG_TOLERANCE},
        {"palette.png", "PNG", PNG_TOLERANCE},
        {"bits1.png", "PNG", PNG_TOLERANCE},
        {"rgba.png", "PNG", PNG_TOLERANCE},
        {"gray-alpha.png", "PNG", PNG_TOLERANCE},
        {"transparent.png", "PNG", PNG_TOLERANCE},
        {"gray16.png", "PNG", PNG_TOLERANCE},
        {"adam7.png", "PNG", PNG_TOLERANCE},
        {"gray.jpg", "JPEG", JPEG_TOLERANCE},
        {"rgb.jpg", "JPEG", JPEG_TOLERANCE},
        {"420.jpg", "JPEG", JPEG_TOLERANCE},
        {"progressive.jpg", "JPEG", JPEG_TOLERANCE},
        {"exif.jpg", "JPEG", JPEG_TOLERANCE},
        {"cmyk.jpg", "JPEG", JPEG_TOLERANCE},
        {"gray.pgm", "PNM", 0},
        {"rgb.ppm", "PNM", 0},
        {"plain.pgm", "PNM", 0},
        {"maxval.ppm", "PNM", 0},
    };
    for (size_t k = 0; k < COUNT_OF(files); k++) {
        char path[256];
        limn_image m;
        limn_array a;
        snprintf(path, sizeof path, FOLDER "%s", files[k].name);
        if (limn_image_read(&m, path) != LIMN_OK) fail_msg("%s", limn_message());
        if (limn_array_read_npz(&a, FOLDER "expected.npz", files[k].name) != LIMN_OK) fail_msg("%s", limn_message());
        assert_string_equal(m.format, files[k].format);
        assert_int_equal(m.channels, a.rank == 3 ? 3 : 1);
        assert_int_equal(m.h, a.dim[0]);
        assert_int_equal(m.w, a.dim[1]);
        for (size_t i = 0; i < a.count; i++) {
            int d = m.pixels[i] - ((uint8_t *)a.data)[i];
            if (abs(d) > files[k].tolerance) fail_msg("%s: value %zu is off by %d", path, i, d);
        }
        limn_array_clear(&a);
        limn_image_clear(&m);
    }
}

static void luma_equals_pil(void **state) {
    (void)state;
    static const char *const files[] = {"rgb.png", "adam7.png"};
    for (size_t k = 0; k < COUNT_OF(files); k++) {
        char path[256];
        limn_image m;
        limn_array a;
        snprintf(path, sizeof path, FOLDER "%s", files[k]);
        assert_int_equal(limn_image_read(&m, path), LIMN_OK);
        assert_int_equal(limn_array_read_npz(&a, FOLDER "luma.npz", files[k]), LIMN_OK);
        for (size_t i = 0; i < a.count; i++)
            assert_int_equal(limn_luma(m.pixels[3 * i], m.pixels[3 * i + 1], m.pixels[3 * i + 2]),
                             ((uint8_t *)a.data)[i]);
        limn_array_clear(&a);
        limn_image_clear(&m);
    }
}

static void what_is_encoded_is_decoded(void **state) {
    (void)state;
    enum { W = 31, H = 17 };
    static unsigned char pixels[W * H * 3];
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (unsigned char)(i * i / 7);
    for (int channels = 1; channels <= 3; channels += 2) {
        unsigned char *png;
        size_t n;
        limn_image m;
        assert_int_equal(limn_png_encode(&png, &n, pixels, W, H, channels), LIMN_OK);
        assert_int_equal(limn_image_parse(&m, png, n, "png"), LIMN_OK);
        assert_int_equal(m.channels, channels);
        assert_memory_equal(m.pixels, pixels, (size_t)(W * H * channels));
        limn_image_clear(&m);
        free(png);
    }
    unsigned char *png;
    size_t n;
    assert_int_equal(limn_png_encode(&png, &n, pixels, W, H, 4), LIMN_EINPUT);
    assert_int_equal(limn_png_encode(&png, &n, pixels, 0, H, 1), LIMN_EINPUT);
    assert_null(png);
}

/* ---- bad files --------------------------------------------------------------------------------------------------- */
static void refused(const void *bytes, size_t n, const char *sentence) {
    limn_image m;
    limn_status s = limn_image_parse(&m, bytes, n, "x");
    if (s != LIMN_EINPUT || !strstr(limn_message(), sentence))
        fail_msg("status %d, '%s' lacks '%s'", s, s ? limn_message() : "", sentence);
    assert_null(m.pixels);
}

static void every_cut_is_noticed(void **state) {
    (void)state;
    static const char *const files[] = {"rgb.png",         "adam7.png", "palette.png", "rgb.jpg",
                                        "progressive.jpg", "gray.jpg",  "cmyk.jpg",    "maxval.ppm"};
    for (size_t k = 0; k < COUNT_OF(files); k++) {
        char path[256];
        size_t n;
        snprintf(path, sizeof path, FOLDER "%s", files[k]);
        unsigned char *p = read_whole(path, &n);
        /* the two bytes of a JPEG's end mark carry no pixel, but their absence shows, too */
        for (size_t cut = 0; cut < n; cut++) {
            unsigned char *part = malloc(cut + 1);
            memcpy(part, p, cut);
            refused(part, cut, "x: ");
            free(part);
        }
        free(p);
    }
}

static void bad_pictures(void **state) {
    (void)state;
    size_t n;
    limn_image m;
    refused("", 0, "x: it is empty");
    refused("this is a poem", 14, "x: it is none of PNG, JPEG, PGM and PPM, by its first bytes");
    assert_int_equal(limn_image_read(&m, "absent.png"), LIMN_EINPUT);
    assert_string_equal(limn_message(), "absent.png: cannot be opened: No such file or directory");
    unsigned char *p = read_whole(FOLDER "rgb.png", &n);
    refused(p, n - 20, "x: the PNG picture is damaged: it is cut short");
    p[n / 2] ^= 4;
    refused(p, n, "x: the PNG picture is damaged: ");
    free(p);
    p = read_whole(FOLDER "rgb.jpg", &n);
    refused(p, n - 40, "x: the JPEG picture is damaged or cut short: Premature end of JPEG file");
    refused(p, 60, "x: its JPEG header is damaged or cut short: ");
    free(p);
}

static void bad_pnm(void **state) {
    (void)state;
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        {"P5", "x: it is none of"},
        {"P52 2 255 ....", "x: it is none of"},
        {"P5\n", "x: the PNM picture is cut short in its width"},
        {"P5 # 2 2 255", "x: the PNM picture is cut short in its width"},
        {"P5 2 two 255 ....", "x: the PNM picture is damaged: its height is no number from 0 to 1048576"},
        {"P5 2 -2 255 ....", "x: the PNM picture is damaged: its height is no number"},
        {"P5 2 2 0 ....", "x: the PNM picture is damaged: its greatest value is 0"},
        {"P5 2 2 65536 ....", "x: the PNM picture is damaged: its greatest value is no number from 0 to 65535"},
        {"P5 0 2 255 ....", "x: a picture of 0 x 2 pixels is empty"},
        {"P5 2 2 255 ...", "x: it promises 2 x 2 pixels, more than a file of its size can hold"},
        {"P5 2 2 256 .......", "x: it promises 2 x 2 pixels, more than a file of its size can hold"},
        {"P6 2 2 255 ...........", "x: it promises 2 x 2 pixels, more than a file of its size can hold"},
        {"P6 1048576 1048576 255 ...........", "x: it promises 1048576 x 1048576 pixels, more than a file"},
        {"P5 99999999999999999999999999 1 255 .", "x: the PNM picture is damaged: its width is no number"},
        {"P2 2 2 9 1 2 3", "x: it promises 2 x 2 pixels, more than a file of its size can hold"},
        {"P2 2 1 9 10 2", "x: the PNM picture is damaged: its pixels are no number from 0 to 9"},
        {"P2 2 1 255 100", "x: the PNM picture is cut short in its pixels"},
    };
    for (size_t k = 0; k < COUNT_OF(cases); k++) refused(cases[k].text, strlen(cases[k].text), cases[k].sentence);
    limn_image m; /* two bytes a sample, the high one first; more than maxval is maxval */
    assert_int_equal(limn_image_parse(&m, "P5 2 1 1000 \3\350\1\364", 16, "x"), LIMN_OK);
    assert_memory_equal(m.pixels, "\377\200", 2); /* 127.5, to the even number */
    limn_image_clear(&m);
}

/* TIFF blocks of EXIF, right and wrong. */
static void exif_orientations(void **state) {
    (void)state;
#define LITTLE "II*\0\x08\0\0\0"
#define BIG "MM\0*\0\0\0\x08"
    static const struct {
        const char *bytes;
        size_t n;
        int orientation;
    } cases[] = {
        {LITTLE "\1\0\x12\1\3\0\1\0\0\0\6\0\0\0", 22, 6},
        {BIG "\0\1\1\x12\0\3\0\0\0\1\0\10\0\0", 22, 8},
        {BIG "\0\1\1\x12\0\4\0\0\0\1\0\0\0\3", 22, 3},
        {LITTLE "\2\0\x0f\1\3\0\1\0\0\0\6\0\0\0\x12\1\3\0\1\0\0\0\2\0\0\0", 34, 2},
        {LITTLE "\1\0\x12\1\3\0\1\0\0\0\x09\0\0\0", 22, 0}, /* no such orientation */
        {LITTLE "\1\0\x12\1\2\0\1\0\0\0\6\0\0\0", 22, 0},   /* a text */
        {LITTLE "\xff\xff\x12\1\3\0\1\0\0\0\6\0\0", 21, 0}, /* cut short */
        {"II*\0\xff\xff\xff\xff\1\0", 10, 0},               /* the directory lies outside */
        {"II+\0\x08\0\0\0", 8, 0},
        {"II*\0", 4, 0},
    };
    for (size_t k = 0; k < COUNT_OF(cases); k++) {
        unsigned char *exact = malloc(cases[k].n);
        memcpy(exact, cases[k].bytes, cases[k].n);
        assert_int_equal(image_exif_orientation(exact, cases[k].n), cases[k].orientation);
        free(exact);
    }
    limn_image m;
    assert_int_equal(limn_image_read(&m, FOLDER "exif.jpg"), LIMN_OK);
    assert_int_equal(m.orientation, 6);
    limn_image_clear(&m);
}

/* Small files whose headers promise much: refused before any memory is asked for. */
static void bombs(void **state) {
    (void)state;
    /* IHDR of 1,000,000 x 1,000,000 gray pixels, its CRC right */
    static const unsigned char head[] =
        "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\x00\x0f\x42\x40\x00\x0f\x42\x40\x08\0\0\0\0\x79\x06\x67\xa1"
        "\0\0\0\0IDAT\x35\xaf\x06\x1e";
    size_t n;
    refused(head, sizeof head - 1, "x: it promises 1000000 x 1000000 pixels, more than a file of its size can hold");
    unsigned char *p = read_whole(FOLDER "gray.jpg", &n);
    for (size_t i = 0; i + 9 < n; i++) {
        if (p[i] == 0xff && p[i + 1] == 0xc0) memcpy(p + i + 5, "\xff\0\xff\0", 4); /* height and width of the frame */
    }
    refused(p, n, "x: it promises 65280 x 65280 pixels, more than a file of its size can hold");
    free(p);
}

/* ---- mutants ----------------------------------------------------------------------------------------------------- */
enum { MUTANTS = 300 }; /* a file; LIMN_MUTANTS raises it */

static void mutant(void *ctx, const unsigned char *bytes, size_t n) {
    limn_image m;
    (void)ctx;
    limn_status s = limn_image_parse(&m, bytes, n, "mutant");
    if (s == LIMN_OK) {
        assert_non_null(m.pixels);
    } else {
        assert_int_equal(s, LIMN_EINPUT);
        assert_non_null(strstr(limn_message(), "mutant: "));
    }
    limn_image_clear(&m);
}

static void mutants_end_in_one_sentence(void **state) {
    (void)state;
    static const char *const files[] = {"rgb.png",         "adam7.png", "palette.png", "gray16.png", "420.jpg",
                                        "progressive.jpg", "exif.jpg",  "cmyk.jpg",    "plain.pgm",  "maxval.ppm"};
    for (size_t k = 0; k < COUNT_OF(files); k++) {
        char path[256];
        size_t n;
        snprintf(path, sizeof path, FOLDER "%s", files[k]);
        unsigned char *p = read_whole(path, &n);
        mutants(p, n, 64, MUTANTS, 10 + (unsigned)k, mutant, NULL);
        free(p);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_equal_pil),
        cmocka_unit_test(luma_equals_pil),
        cmocka_unit_test(what_is_encoded_is_decoded),
        cmocka_unit_test(every_cut_is_noticed),
        cmocka_unit_test(bad_pictures),
        cmocka_unit_test(bad_pnm),
        cmocka_unit_test(exif_orientations),
        cmocka_unit_test(bombs),
        cmocka_unit_test(mutants_end_in_one_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
