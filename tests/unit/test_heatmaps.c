/* Grids of heatmaps and bare pictures: every pixel of a map has the colour of its value, and no other. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

#include "base/rng.h"
#include "base/try.h"
#include "plots/heatmaps.h"
#include "plots/palette.h"
#include "plots/text.h"
#include "tests/lib/files.h"
#include "tests/lib/pixels.h"

enum { ROWS = 6, COLUMNS = 3, SIDE = 7, SIZE = SIDE * SIDE };

typedef struct {
    float input[ROWS * SIZE], positive[ROWS * SIZE], sign[ROWS * SIZE];
    limn_heatmap_column column[COLUMNS];
    limn_heatmaps spec;
} grid;

/* Row r of `positive` reaches 1 + r, of `sign` from -(1 + r) upwards. */
static void make(grid *g, const char *folder) {
    limn_rng r = limn_rng_stream(1, LIMN_RNG_TEST, 7);
    for (int i = 0; i < ROWS * SIZE; i++) {
        int row = i / SIZE;
        g->input[i] = (float)(255 * limn_rng_uniform(&r));
        g->positive[i] = (float)((row + 1) * limn_rng_uniform(&r));
        g->sign[i] = (float)((row + 1) * (limn_rng_uniform(&r) - .7));
    }
    for (int row = 0; row < ROWS; row++) {
        g->positive[row * SIZE + 3] = (float)(row + 1);
        g->sign[row * SIZE + 4] = (float)-(row + 1);
        g->sign[row * SIZE + 5] = 0;
    }
    const limn_heatmap_column column[COLUMNS] = {
        {.title = "input", .kind = LIMN_MAP_INPUT, .h = SIDE, .w = SIDE, .data = g->input, .hi = 255},
        {.title = "saliency", .h = SIDE, .w = SIDE, .data = g->positive},
        {.title = "input × gradient", .h = SIDE, .w = SIDE, .data = g->sign},
    };
    memcpy(g->column, column, sizeof column);
    g->spec = (limn_heatmaps){.figure = {.folder = folder, .name = "grid", .dpi = 150},
                              .rows = ROWS,
                              .columns = COLUMNS,
                              .column = g->column};
}

/* The colour that pixel i of row `row` must have, written anew from the rules in heatmaps.h. */
static uint32_t wanted(const grid *g, size_t j, int row, int i) {
    const float *data = g->column[j].data;
    double lo = 0, hi = 0, v = data[row * SIZE + i];
    int first = g->spec.normalise == LIMN_NORMALISE_IMAGE ? row : 0;
    int last = g->spec.normalise == LIMN_NORMALISE_IMAGE ? row : ROWS - 1;
    if (j == 0) return limn_palette_rgb(limn_palette_find("gray"), v / 255);
    for (int k = first * SIZE; k < (last + 1) * SIZE; k++) hi = fmax(hi, fabs(data[k]));
    if (j == 2) lo = -hi;
    const char *palette = g->spec.palette ? g->spec.palette : j == 2 ? "diverging" : "viridis";
    return limn_palette_rgb(limn_palette_find(palette), (v - lo) / (hi - lo));
}

/* Every dot of every pixel of every map. */
static void assert_grid(const grid *g, const char *png, const char *script) {
    picture p = load(png);
    double x[ROWS], y[ROWS], map_w, step, map_h;
    assert_int_equal(script_numbers(script, "map_x", x, ROWS), ROWS);
    assert_int_equal(script_numbers(script, "map_y", y, ROWS), ROWS);
    assert_int_equal(script_numbers(script, "map_w", &map_w, 1), 1);
    assert_int_equal(script_numbers(script, "map_h", &map_h, 1), 1);
    assert_int_equal(script_numbers(script, "step", &step, 1), 1);
    double dots = 150 / 2.54; /* a cm */
    size_t pixel = (size_t)lround(map_w * dots) / SIDE;
    assert_true(fabs(map_w * dots - (double)(pixel * SIDE)) < 1e-3); /* whole dots a pixel */
    assert_true(fabs(map_w - map_h) < 1e-6);
    assert_true(pixel >= 4);
    for (int row = 0; row < ROWS; row++)
        for (size_t j = 0; j < COLUMNS; j++)
            for (size_t dy = 0; dy < pixel * SIDE; dy++)
                for (size_t dx = 0; dx < pixel * SIDE; dx++) /* the last dot of a map with a frame is the frame's */
                    if (j != 2 || (dx > 0 && dy > 0 && dx + 1 < pixel * SIDE && dy + 1 < pixel * SIDE))
                        assert_colour(&p, (double)lround((x[row] + (double)j * step) * dots) + (double)dx,
                                      (double)lround(y[row] * dots) + (double)dy,
                                      wanted(g, j, row, (int)(dy / pixel * SIDE + dx / pixel)), SAME);
    free(p.rgb);
}

static void every_pixel_has_its_values_colour(void **state) {
    (void)state;
    static const limn_normalise how[] = {LIMN_NORMALISE_IMAGE, LIMN_NORMALISE_METHOD, LIMN_NORMALISE_GLOBAL};
    static const char *const palette[] = {NULL, "jet"};
    grid g;
    make(&g, fresh("grid"));
    for (size_t i = 0; i < COUNT_OF(how); i++)
        for (size_t k = 0; k < COUNT_OF(palette); k++) {
            g.spec.normalise = how[i];
            g.spec.palette = palette[k];
            assert_int_equal(limn_plot_heatmaps(&g.spec), LIMN_OK);
            assert_grid(&g, "grid/grid.png", "grid/gp/grid.gp"); /* one column of a kind: method is global */
        }
}

static void labels_and_blocks_move_maps_only(void **state) {
    (void)state;
    static const char *const label[ROWS] = {"seven → seven", "a very long name that is wrapped", "", NULL, "x", "y"};
    static const char *const note[ROWS] = {"p = 1.00", "p = 0.50", "", NULL, "p = 0", "?"};
    static const unsigned char wrong[ROWS] = {0, 1, 0, 0, 1, 0};
    static const int group[ROWS] = {0, 0, 0, 1, 1, 2};
    grid g;
    make(&g, fresh("blocks"));
    g.spec.row_label = label;
    g.spec.row_note = note;
    g.spec.row_wrong = wrong;
    g.spec.row_group = group;
    g.spec.figure.title = "A title";
    for (size_t blocks = 0; blocks <= 8; blocks++) { /* more blocks than groups and than rows, too */
        g.spec.blocks = blocks;
        g.spec.figure.width = blocks > 3 ? 70 : 0;
        assert_int_equal(limn_plot_heatmaps(&g.spec), LIMN_OK);
        assert_grid(&g, "blocks/grid.png", "blocks/gp/grid.gp");
        double x[ROWS];
        script_numbers("blocks/gp/grid.gp", "map_x", x, ROWS);
        if (blocks == 2) assert_true(x[0] == x[1] && x[1] == x[2] && x[2] < x[3] && x[3] == x[4] && x[4] == x[5]);
    }
}

/* A row is as high as its label where its maps are flatter; a vector is a band. */
static void flat_maps_leave_their_labels_room(void **state) {
    (void)state;
    static const char *const label[ROWS] = {"a", "b", "c", "d", "e", "f"};
    grid g;
    make(&g, fresh("flat"));
    g.spec.row_label = g.spec.row_note = label;
    for (size_t h = 1; h <= 3; h += 2) {
        for (size_t j = 0; j < COLUMNS; j++) {
            g.column[j].h = h;
            g.column[j].w = 49;
        }
        double y[ROWS], map_h, line = 1.4 * 7.5 * 2.54 / 72;
        g.spec.figure.width = 8;
        g.spec.rows = 2; /* 2 of 147 values lie in the room of 6 of 49 */
        assert_int_equal(limn_plot_heatmaps(&g.spec), LIMN_OK);
        assert_int_equal(script_numbers("flat/gp/grid.gp", "map_y", y, ROWS), 2);
        assert_int_equal(script_numbers("flat/gp/grid.gp", "map_h", &map_h, 1), 1);
        assert_true(map_h < line && y[1] - y[0] > 2 * line - .05);
        if (h == 1) assert_true(map_h > .15);
        free(load("flat/grid.png").rgb);
    }
}

/* No line below the maps is longer than the picture is wide. */
static void the_caption_fits_a_narrow_picture(void **state) {
    (void)state;
    grid g;
    make(&g, fresh("narrow"));
    g.spec.columns = 2;
    g.spec.rows = 1;
    g.spec.overlay = .5;
    g.spec.figure.width = 5;
    g.spec.normalise = LIMN_NORMALISE_METHOD;
    assert_int_equal(limn_plot_heatmaps(&g.spec), LIMN_OK);
    size_t n = 0;
    int lines = 0;
    char *script = (char *)read_whole(temp_path("narrow/gp/grid.gp"), &n);
    script[n - 1] = '\0';
    for (char *p = script, *end; (p = strstr(p, "set label '")) != NULL; p = end + 1, lines++) {
        end = strchr(p += 11, '\'');
        assert_non_null(end);
        *end = '\0';
        assert_true(plots_text_width(p) * 7.5 * 2.54 / 72 <= 5);
    }
    assert_true(lines >= 5); /* two heads, two ends of a bar, two lines of the caption at the least */
    free(script);
}

static void pixels_without_a_value_are_gray_and_zero_maps_plain(void **state) {
    (void)state;
    grid g;
    make(&g, fresh("nothing"));
    g.positive[0] = NAN;
    g.positive[1] = INFINITY;
    for (int i = 0; i < SIZE; i++) g.positive[SIZE + i] = 0, g.sign[SIZE + i] = 0, g.positive[2 * SIZE + i] = NAN;
    assert_int_equal(limn_plot_heatmaps(&g.spec), LIMN_OK);
    picture p = load("nothing/grid.png");
    double x[ROWS], y[ROWS], map_w, step, dots = 150 / 2.54;
    script_numbers("nothing/gp/grid.gp", "map_x", x, ROWS);
    script_numbers("nothing/gp/grid.gp", "map_y", y, ROWS);
    script_numbers("nothing/gp/grid.gp", "map_w", &map_w, 1);
    script_numbers("nothing/gp/grid.gp", "step", &step, 1);
    double half = map_w / SIDE / 2;
    assert_colour(&p, (x[0] + step + half) * dots, (y[0] + half) * dots, LIMN_NO_VALUE, SAME);
    assert_colour(&p, (x[0] + step + 3 * half) * dots, (y[0] + half) * dots, LIMN_NO_VALUE, SAME);
    assert_colour(&p, (x[1] + step + map_w / 2) * dots, (y[1] + map_w / 2) * dots, 0x440154, SAME); /* viridis(0) */
    assert_colour(&p, (x[1] + 2 * step + map_w / 2) * dots, (y[1] + map_w / 2) * dots, 0xffffff, SAME);
    assert_colour(&p, (x[2] + step + map_w / 2) * dots, (y[2] + map_w / 2) * dots, LIMN_NO_VALUE, SAME);
    free(p.rgb);
}

static void maps_are_laid_over_the_input(void **state) {
    (void)state;
    grid g;
    make(&g, fresh("overlay"));
    g.spec.overlay = .25;
    assert_int_equal(limn_plot_heatmaps(&g.spec), LIMN_OK);
    picture p = load("overlay/grid.png");
    double x, y, map_w, step, dots = 150 / 2.54;
    script_numbers("overlay/gp/grid.gp", "map_x", &x, 1);
    script_numbers("overlay/gp/grid.gp", "map_y", &y, 1);
    script_numbers("overlay/gp/grid.gp", "map_w", &map_w, 1);
    script_numbers("overlay/gp/grid.gp", "step", &step, 1);
    for (int i = 0; i < SIZE; i++) {
        uint32_t under = wanted(&g, 0, 0, i), over = wanted(&g, 1, 0, i), mixed = 0;
        for (int shift = 0; shift < 24; shift += 8)
            mixed |= (uint32_t)lround(.25 * (over >> shift & 255) + .75 * (under >> shift & 255)) << shift;
        assert_colour(&p, (x + step + map_w * (i % SIDE + .5) / SIDE) * dots,
                      (y + map_w * (i / SIDE + .5) / SIDE) * dots, mixed, SAME);
        assert_colour(&p, (x + map_w * (i % SIDE + .5) / SIDE) * dots, (y + map_w * (i / SIDE + .5) / SIDE) * dots,
                      under, SAME);
    }
    free(p.rgb);
}

static void colour_pictures_and_other_sizes_share_a_grid(void **state) {
    (void)state;
    enum { H = 20, W = 30, BIG = 600 };
    static float rgb[3 * H * W], small[H / 2 * W / 2], big[BIG * BIG];
    for (int i = 0; i < H * W; i++) rgb[i] = 1, rgb[H * W + i] = .5f, rgb[2 * H * W + i] = 0;
    for (int i = 0; i < H / 2 * W / 2; i++) small[i] = 1;
    for (int i = 0; i < BIG * BIG; i++) big[i] = (float)((i + i / BIG) % 2); /* a chequerboard finer than the dots */
    const limn_heatmap_column column[] = {
        {.title = "input", .kind = LIMN_MAP_INPUT, .channels = 3, .h = H, .w = W, .data = rgb, .hi = 1},
        {.title = "layer", .h = H / 2, .w = W / 2, .data = small},
        {.title = "big", .kind = LIMN_MAP_POSITIVE, .h = BIG, .w = BIG, .data = big},
    };
    limn_heatmaps spec = {
        .figure = {.folder = fresh("colour"), .name = "grid", .dpi = 100}, .rows = 1, .columns = 3, .column = column};
    assert_int_equal(limn_plot_heatmaps(&spec), LIMN_OK);
    picture p = load("colour/grid.png");
    double x, y, map_w, map_h, step, dots = 100 / 2.54;
    script_numbers("colour/gp/grid.gp", "map_x", &x, 1);
    script_numbers("colour/gp/grid.gp", "map_y", &y, 1);
    script_numbers("colour/gp/grid.gp", "map_w", &map_w, 1);
    script_numbers("colour/gp/grid.gp", "map_h", &map_h, 1);
    script_numbers("colour/gp/grid.gp", "step", &step, 1);
    assert_true(fabs(map_h / map_w - 2. / 3) < .02);
    double cx = x + map_w / 2, cy = y + map_h / 2;
    assert_colour(&p, cx * dots, cy * dots, 0xff8000, SAME);
    assert_colour(&p, (cx + step) * dots, cy * dots, 0xfde725, SAME);
    /* a dot is the mean of the pixels under it, coloured: the middle of the palette, within what a dot of 7 pixels
     * across can miss by having one black pixel more */
    assert_colour(&p, (cx + 2 * step) * dots, cy * dots, limn_palette_rgb(limn_palette_find("viridis"), .5), 12);
    free(p.rgb);
}

static void vector_formats_carry_whole_images(void **state) {
    (void)state;
    static const char *const formats[] = {"svg", "pdf"};
    grid g;
    make(&g, fresh("vector"));
    g.spec.figure.formats = formats;
    g.spec.figure.n_formats = 2;
    assert_int_equal(limn_plot_heatmaps(&g.spec), LIMN_OK);
    size_t n = 0, images = 0;
    char *svg = (char *)read_whole(temp_path("vector/grid.svg"), &n);
    svg[n - 1] = '\0';
    for (char *s = svg; (s = strstr(s, "<image style='image-rendering:pixelated' ")) != NULL; s++) images++;
    assert_int_equal(images, ROWS * COLUMNS + 2); /* one a map, one a colour bar; none without the style */
    for (char *s = svg; (s = strstr(s, "<image ")) != NULL; s++) images--;
    assert_int_equal(images, 0);
    free(svg);
    char *pdf = (char *)read_whole(temp_path("vector/grid.pdf"), &n);
    pdf[n - 1] = '\0';
    for (size_t i = 0; i + 16 < n; i++) {
        if (memcmp(pdf + i, "/Subtype /Image", 15) == 0) images++;
        if (memcmp(pdf + i, "/Interpolate tru", 16) == 0) fail_msg("an image of the PDF is smoothed");
    }
    assert_true(images >= ROWS * COLUMNS);
    free(pdf);
}

/* ---- bare pictures ----------------------------------------------------------------------------------------------- */
static void a_bare_picture_is_exact(void **state) {
    (void)state;
    static const char *const formats[] = {"png", "jpg"};
    grid g;
    make(&g, fresh("bare"));
    setenv("LIMN_GNUPLOT", "/nonexistent", 1); /* not needed */
    limn_picture spec = {.figure = {.folder = temp_path("bare"), .name = "map", .formats = formats, .n_formats = 2},
                         .map = g.column[1],
                         .scale = 3};
    spec.map.palette = "jet";
    assert_int_equal(limn_plot_picture(&spec), LIMN_OK);
    picture p = load("bare/map.png");
    g.spec.palette = "jet";
    assert_int_equal(p.w, 3 * SIDE);
    assert_int_equal(p.h, 3 * SIDE);
    for (size_t y = 0; y < p.h; y++)
        for (size_t x = 0; x < p.w; x++) assert_int_equal(at(&p, x, y), wanted(&g, 1, 0, (int)(y / 3 * SIDE + x / 3)));
    free(p.rgb);

    spec.scale = 0;
    assert_int_equal(limn_plot_picture(&spec), LIMN_OK);
    p = load("bare/map.png");
    assert_int_equal(p.w, 280);
    size_t n = 0;
    unsigned char *bytes = read_whole(temp_path("bare/map.jpg"), &n), *rgb = malloc(3 * 280 * 280);
    tjhandle codec = tjInitDecompress();
    int w = 0, h = 0, sub = 0, space = 0;
    assert_int_equal(tjDecompressHeader3(codec, bytes, (unsigned long)n, &w, &h, &sub, &space), 0);
    assert_true(w == 280 && h == 280 && sub == TJSAMP_444);
    assert_int_equal(tjDecompress2(codec, bytes, (unsigned long)n, rgb, w, 0, h, TJPF_RGB, 0), 0);
    tjDestroy(codec);
    for (int i = 0; i < SIZE; i++) { /* the middle of each pixel; quality 93 of flat squares of 40 dots */
        const unsigned char *c = rgb + 3 * ((i / SIDE * 40 + 20) * 280 + i % SIDE * 40 + 20);
        assert_true(apart((uint32_t)c[0] << 16 | (uint32_t)c[1] << 8 | c[2], wanted(&g, 1, 0, i)) <= 12);
    }
    free(rgb);
    free(bytes);
    free(p.rgb);
    unsetenv("LIMN_GNUPLOT");
}

static void a_bare_input_uses_its_range(void **state) {
    (void)state;
    static const float gray[4] = {50, 100, 150, 200};
    limn_picture spec = {.figure = {.folder = fresh("bare-input"), .name = "image"},
                         .map = {.kind = LIMN_MAP_INPUT, .h = 2, .w = 2, .data = gray, .palette = "viridis"},
                         .scale = 1};
    const limn_palette *viridis = limn_palette_find("viridis");
    static const double range[][2] = {{0, 0}, {0, 255}};
    for (size_t k = 0; k < COUNT_OF(range); k++) {
        spec.map.lo = range[k][0];
        spec.map.hi = range[k][1];
        assert_int_equal(limn_plot_picture(&spec), LIMN_OK);
        picture p = load("bare-input/image.png");
        double lo = k ? 0 : 50, hi = k ? 255 : 200;
        for (size_t i = 0; i < 4; i++)
            assert_int_equal(at(&p, i % 2, i / 2), limn_palette_rgb(viridis, (gray[i] - lo) / (hi - lo)));
        free(p.rgb);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pixel_has_its_values_colour),
        cmocka_unit_test(labels_and_blocks_move_maps_only),
        cmocka_unit_test(flat_maps_leave_their_labels_room),
        cmocka_unit_test(the_caption_fits_a_narrow_picture),
        cmocka_unit_test(pixels_without_a_value_are_gray_and_zero_maps_plain),
        cmocka_unit_test(maps_are_laid_over_the_input),
        cmocka_unit_test(colour_pictures_and_other_sizes_share_a_grid),
        cmocka_unit_test(vector_formats_carry_whole_images),
        cmocka_unit_test(a_bare_picture_is_exact),
        cmocka_unit_test(a_bare_input_uses_its_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
