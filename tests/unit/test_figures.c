/* Figures: the pixels say what the numbers say, in the size asked for, and the same bytes twice. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/parallel.h"
#include "base/rng.h"
#include "base/try.h"
#include "plots/heatmaps.h"
#include "plots/palette.h"
#include "plots/scatter.h"
#include "tests/lib/files.h"
#include "tests/lib/pixels.h"

static const char *const all_formats[] = {"png", "svg", "pdf", "jpg"};

/* ---- palettes ---------------------------------------------------------------------------------------------------- */
static void palettes_have_their_known_colours(void **state) {
    (void)state;
    /* matplotlib 3.x: colormaps[name](i)[:3] * 255, i of 0 … 255 */
    static const struct {
        const char *name;
        int i;
        uint32_t rgb;
    } row[] = {
        {"viridis", 0, 0x440154}, {"viridis", 255, 0xfde725}, {"viridis", 128, 0x21918c}, {"viridis", 37, 0x46337f},
        {"magma", 0, 0x000004},   {"magma", 255, 0xfcfdbf},   {"magma", 128, 0xb73779},   {"jet", 0, 0x000080},
        {"jet", 64, 0x0080ff},    {"jet", 128, 0x7dff7a},     {"jet", 191, 0xff9800},     {"jet", 255, 0x800000},
        {"gray", 128, 0x808080},
    };
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        uint32_t ours = limn_palette_rgb(limn_palette_find(row[i].name), row[i].i / 255.);
        /* the stops are 8-bit colours, between them lie at most 1.0 of their 256: two levels with both roundings */
        if (apart(ours, row[i].rgb) > 2)
            fail_msg("%s %d is #%06x, not #%06x", row[i].name, row[i].i, (unsigned)ours, (unsigned)row[i].rgb);
    }
    const limn_palette *d = limn_palette_find("diverging");
    assert_int_equal(limn_palette_rgb(d, .5), 0xffffff);
    assert_true(d->diverging);
    for (const limn_palette *p = limn_palettes; p->name; p++) {
        assert_true(p->stop[0].at == 0 && p->stop[p->n_stops - 1].at == 1);
        for (size_t i = 1; i < p->n_stops; i++) assert_true(p->stop[i].at > p->stop[i - 1].at);
        assert_int_equal(limn_palette_rgb(p, -1), p->stop[0].rgb);
        assert_int_equal(limn_palette_rgb(p, 2), p->stop[p->n_stops - 1].rgb);
        assert_int_equal(limn_palette_rgb(p, NAN), LIMN_NO_VALUE);
    }
    assert_null(limn_palette_find("rainbow"));
    assert_null(limn_palette_find(NULL));
}

/* OKLab (Ottosson 2020) of linear RGB. */
static void oklab(double lab[3], const double rgb[3]) {
    static const double m1[3][3] = {{.4122214708, .5363325363, .0514459929},
                                    {.2119034982, .6806995451, .1073969566},
                                    {.0883024619, .2817188376, .6299787005}},
                        m2[3][3] = {{.2104542553, .7936177850, -.0040720468},
                                    {1.9779984951, -2.4285922050, .4505937099},
                                    {.0259040371, .7827717662, -.8086757660}};
    double lms[3];
    for (int i = 0; i < 3; i++) lms[i] = cbrt(fmax(0, m1[i][0] * rgb[0] + m1[i][1] * rgb[1] + m1[i][2] * rgb[2]));
    for (int i = 0; i < 3; i++) lab[i] = m2[i][0] * lms[0] + m2[i][1] * lms[1] + m2[i][2] * lms[2];
}

/* As seen with full colour vision, deuteranopia, protanopia (Machado, Oliveira & Fernandes 2009, severity 1). */
static const double seen[3][3][3] = {
    {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
    {{.367322, .860646, -.227968}, {.280085, .672501, .047413}, {-.011820, .042940, .968881}},
    {{.152286, 1.052583, -.204868}, {.114503, .786281, .099216}, {-.003882, -.048116, 1.051998}},
};

static double distance(uint32_t a, uint32_t b, int eye) {
    double lab[2][3], sum = 0;
    for (int k = 0; k < 2; k++) {
        double linear[3], rgb[3];
        for (int c = 0; c < 3; c++) {
            double v = ((k ? b : a) >> (16 - 8 * c) & 255) / 255.;
            linear[c] = v <= .04045 ? v / 12.92 : pow((v + .055) / 1.055, 2.4);
        }
        for (int c = 0; c < 3; c++) {
            rgb[c] = 0;
            for (int j = 0; j < 3; j++) rgb[c] += seen[eye][c][j] * linear[j];
            rgb[c] = fmin(1, fmax(0, rgb[c]));
        }
        oklab(lab[k], rgb);
    }
    for (int c = 0; c < 3; c++) sum += (lab[0][c] - lab[1][c]) * (lab[0][c] - lab[1][c]);
    return sqrt(sum);
}

static void class_colours_are_told_apart(void **state) {
    (void)state;
    /* Okabe & Ito's own eight have 0.156 among them, 0.076 for the colour-blind: the yardstick */
    static const struct {
        int n;
        double full, blind;
    } row[] = {{8, .15, .07}, {10, .15, .07}, {20, .13, .05}, {LIMN_CLASS_COLOURS, .1, .04}};
    for (size_t k = 0; k < COUNT_OF(row); k++)
        for (int i = 0; i < row[k].n; i++)
            for (int j = 0; j < i; j++)
                for (int eye = 0; eye < 3; eye++)
                    assert_true(distance(limn_class_rgb(i), limn_class_rgb(j), eye) >
                                (eye ? row[k].blind : row[k].full));
    for (int i = 0; i < LIMN_CLASS_COLOURS; i++) {
        assert_true(distance(limn_class_rgb(i), 0xffffff, 0) > .1);
        assert_true(distance(limn_class_rgb(i), LIMN_NO_VALUE, 0) > .07);
    }
    assert_int_equal(limn_class_rgb(-1), LIMN_NO_VALUE);
    assert_int_equal(limn_class_rgb(LIMN_CLASS_COLOURS), limn_class_rgb(0));
}

/* ---- scatter ----------------------------------------------------------------------------------------------------- */
enum { N = 5 };
static const float cross[2 * N] = {-1, -1, 1, -1, -1, 1, 1, 1, 0, 0}; /* four corners and the middle */
static const int cross_class[N] = {0, 1, 2, 3, 4};

static limn_scatter cross_spec(const char *folder, const char *name, const char *colour) {
    return (limn_scatter){.figure = {.folder = folder, .name = name, .width = 5, .height = 5, .dpi = 200},
                          .n = N,
                          .xy = cross,
                          .colour = limn_scatter_colour_find(colour),
                          .class_of = cross_class,
                          .n_classes = N,
                          .names = LIMN_NAMES_NONE,
                          .point_mm = 2,
                          .opacity = 1,
                          .seed = 1};
}

static void points_have_their_classes_colours_and_places(void **state) {
    (void)state;
    limn_scatter s = cross_spec(fresh("classes"), "map", "label");
    assert_int_equal(limn_plot_scatter(&s), LIMN_OK);
    picture p = load("classes/map.png");
    assert_int_equal(p.w, 394); /* 5 cm at 200 dpi */
    assert_int_equal(p.h, 394);
    double x, y, left = 0, right = 0, top = 0, bottom = 0;
    for (int i = 0; i < N; i++) {
        place("classes/gp/map.gp", &p, cross[2 * i], cross[2 * i + 1], &x, &y);
        assert_colour(&p, x, y, limn_class_rgb(i), SAME);
        /* 2 mm are 15.7 dots: coloured at 6 dots from the middle, not at 10 */
        assert_colour(&p, x + 6, y, limn_class_rgb(i), SAME);
        assert_colour(&p, x, y - 6, limn_class_rgb(i), SAME);
        assert_colour(&p, x + 10, y, 0xffffff, SAME);
        if (i == 0) left = x, bottom = y;
        if (i == 3) right = x, top = y;
    }
    assert_true(fabs((right - left) - (bottom - top)) < 1e-3); /* equal aspect */
    assert_true(fabs((right + left) / 2 - 197) < 1 && fabs((top + bottom) / 2 - 197) < 1);
    assert_true(right - left > 300); /* and the room is used */
    free(p.rgb);
}

static void equal_aspect_holds_in_a_wide_picture(void **state) {
    (void)state;
    limn_scatter s = cross_spec(fresh("wide"), "map", "label");
    s.figure.width = 9;
    assert_int_equal(limn_plot_scatter(&s), LIMN_OK);
    picture p = load("wide/map.png");
    double x0, y0, x1, y1;
    place("wide/gp/map.gp", &p, -1, -1, &x0, &y0);
    place("wide/gp/map.gp", &p, 1, 1, &x1, &y1);
    assert_true(fabs((x1 - x0) - (y0 - y1)) < 1.5); /* the picture is a whole number of dots */
    assert_colour(&p, x0, y0, limn_class_rgb(0), SAME);
    assert_colour(&p, x1, y1, limn_class_rgb(3), SAME);
    free(p.rgb);
}

static void values_have_their_palettes_colours(void **state) {
    (void)state;
    static const double value[N] = {0, .25, .75, 1, NAN};
    limn_scatter s = cross_spec(fresh("values"), "map", "margin");
    s.value = value;
    s.figure.height = 0;
    assert_int_equal(limn_plot_scatter(&s), LIMN_OK);
    picture p = load("values/map.png");
    for (int i = 0; i < N; i++) {
        double x, y;
        place("values/gp/map.gp", &p, cross[2 * i], cross[2 * i + 1], &x, &y);
        assert_colour(&p, x, y, limn_palette_rgb(limn_palette_find("viridis"), value[i]), PALETTE);
    }
    /* the colour bar: a row of dots somewhere below the frame that begins and ends with the palette's ends */
    uint32_t first = limn_palette_rgb(limn_palette_find("viridis"), 0),
             last = limn_palette_rgb(limn_palette_find("viridis"), 1);
    size_t width = 0;
    for (size_t row = p.h * 3 / 4; row < p.h && !width; row++) {
        size_t x0 = 0, x1 = p.w - 1;
        while (x0 < p.w && apart(at(&p, x0, row), first) > PALETTE) x0++;
        while (x1 > 0 && apart(at(&p, x1, row), last) > PALETTE) x1--;
        if (x0 < x1 && apart(at(&p, (x0 + x1) / 2, row), limn_palette_rgb(limn_palette_find("viridis"), .5)) < 6)
            width = x1 - x0;
    }
    assert_true(width > p.w / 2);
    free(p.rgb);
}

static void constant_and_absent_values_are_drawn(void **state) {
    (void)state;
    static const double same[N] = {.5, .5, .5, .5, .5}, none[N] = {NAN, NAN, INFINITY, NAN, NAN};
    limn_scatter s = cross_spec(fresh("constant"), "map", "loss");
    s.value = same;
    assert_int_equal(limn_plot_scatter(&s), LIMN_OK);
    s.value = none;
    assert_int_equal(limn_plot_scatter(&s), LIMN_OK);
    picture p = load("constant/map.png");
    double x, y;
    place("constant/gp/map.gp", &p, 0, 0, &x, &y);
    assert_colour(&p, x, y, LIMN_NO_VALUE, SAME);
    free(p.rgb);
    static const float one[2] = {3, 3};
    s.xy = one; /* a single point has no extent */
    s.n = 1;
    s.value = same;
    assert_int_equal(limn_plot_scatter(&s), LIMN_OK);
}

static void wrong_ones_lie_on_top(void **state) {
    (void)state;
    enum { MANY = 50 };
    float xy[2 * (MANY + 2)] = {0};
    unsigned char wrong[MANY + 2] = {0};
    xy[0] = xy[1] = -1;
    xy[2] = xy[3] = 1;
    wrong[MANY / 2] = 1; /* in the middle, under and over right ones at the same place */
    for (uint64_t seed = 1; seed < 4; seed++) {
        limn_scatter s = cross_spec(fresh("wrong"), "map", "correct");
        s.n = MANY + 2;
        s.xy = xy;
        s.wrong = wrong;
        s.seed = seed;
        s.figure.height = 0;
        assert_int_equal(limn_plot_scatter(&s), LIMN_OK);
        picture p = load("wrong/map.png");
        double x, y;
        place("wrong/gp/map.gp", &p, 0, 0, &x, &y);
        assert_colour(&p, x, y, 0xd7191c, SAME);
        place("wrong/gp/map.gp", &p, 1, 1, &x, &y); /* a right one */
        assert_colour(&p, x, y, 0x9db8d2, SAME);
        free(p.rgb);
    }
}

static void drawing_order_is_shuffled_by_the_seed(void **state) {
    (void)state;
    enum { MANY = 40 };
    float xy[2 * MANY] = {-1, -1, 1, 1}; /* the rest in the middle, one over the other: the last one shows */
    int class_of[MANY];
    int shown[LIMN_CLASS_COLOURS] = {0}, kinds = 0;
    for (int i = 0; i < MANY; i++) class_of[i] = i % 4;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        limn_scatter s = cross_spec(fresh("order"), "map", "label");
        s.n = MANY;
        s.xy = xy;
        s.class_of = class_of;
        s.n_classes = 4;
        s.seed = seed;
        s.figure.width = s.figure.height = 2;
        s.figure.dpi = 100;
        assert_int_equal(limn_plot_scatter(&s), LIMN_OK);
        picture p = load("order/map.png");
        double x, y;
        place("order/gp/map.gp", &p, 0, 0, &x, &y);
        for (int c = 0; c < 4; c++)
            if (apart(at(&p, (size_t)x, (size_t)y), limn_class_rgb(c)) <= SAME) kinds += shown[c]++ == 0;
        free(p.rgb);
    }
    assert_true(kinds > 1); /* one class on top eight times: 4^-7 */
}

static void many_classes_fit(void **state) {
    (void)state;
    enum { MANY = 300 };
    float *xy = calloc(2 * MANY, sizeof *xy);
    int *class_of = calloc(MANY, sizeof *class_of);
    limn_rng r = limn_rng_stream(1, LIMN_RNG_TEST, 0);
    for (int i = 0; i < MANY; i++) {
        xy[2 * i] = (float)limn_rng_normal(&r);
        xy[2 * i + 1] = (float)limn_rng_normal(&r);
        class_of[i] = i % 100 - 1;
    }
    static const size_t classes[] = {0, 1, 8, 40, 99};
    static const limn_class_names names[] = {LIMN_NAMES_AUTO, LIMN_NAMES_MEDIAN, LIMN_NAMES_LEGEND, LIMN_NAMES_BOTH};
    for (size_t i = 0; i < COUNT_OF(classes); i++)
        for (size_t k = 0; k < COUNT_OF(names); k++) {
            limn_scatter s = cross_spec(fresh("many"), "map", "prediction");
            s.figure.width = s.figure.height = 0;
            s.figure.dpi = 60;
            s.n = MANY;
            s.xy = xy;
            s.class_of = class_of;
            s.n_classes = classes[i];
            s.names = names[k];
            assert_int_equal(limn_plot_scatter(&s), LIMN_OK);
        }
    free(xy);
    free(class_of);
}

/* Every class has its colour and its name in the legend, inside the picture; names that would cover the map go there by
 * themselves. */
static void a_legend_shows_every_class(void **state) {
    (void)state;
    static const struct {
        limn_class_names names;
        double width, height;
    } how[] = {{LIMN_NAMES_AUTO, 0, 0},
               {LIMN_NAMES_LEGEND, 0, 0},
               {LIMN_NAMES_LEGEND, 8.5, 0},
               {LIMN_NAMES_BOTH, 6, 0},
               {LIMN_NAMES_LEGEND, 12, 9}};
    enum { MANY = 40 };
    float xy[2 * MANY];
    int class_of[MANY];
    char text[MANY][40];
    const char *name[MANY];
    for (int i = 0; i < MANY; i++) {
        xy[2 * i] = (float)(i % 7);
        xy[2 * i + 1] = (float)(i / 7);
        class_of[i] = i - 1; /* the first has none */
        snprintf(text[i], sizeof text[i], "class %d of a long name", i);
        name[i] = text[i];
    }
    for (size_t k = 0; k < COUNT_OF(how); k++) {
        limn_scatter s = cross_spec(fresh("legend"), "map", "label");
        s.figure.width = how[k].width;
        s.figure.height = how[k].height;
        s.figure.dpi = 100;
        s.n = MANY;
        s.xy = xy;
        s.class_of = class_of;
        s.class_name = name;
        s.n_classes = MANY;
        s.names = how[k].names;
        assert_int_equal(limn_plot_scatter(&s), LIMN_OK);
        picture p = load("legend/map.png");
        size_t n = 0;
        int found = 0;
        unsigned char *script = read_whole(temp_path("legend/gp/map.gp"), &n);
        script[n - 1] = 0;
        for (const char *c = (char *)script; (c = strstr(c, "circle at first ")) != NULL; found++) {
            double x, y, px, py;
            assert_int_equal(sscanf(c += 16, "%lf,%lf", &x, &y), 2);
            place("legend/gp/map.gp", &p, x, y, &px, &py);
            assert_true(px > 2 && px < (double)p.w - 2 && py > 2 && py < (double)p.h - 2);
            assert_colour(&p, px, py, found < MANY ? limn_class_rgb(found) : LIMN_NO_VALUE, SAME);
        }
        assert_int_equal(found, MANY + 1);
        free(script);
        free(p.rgb);
    }
}

static void ticks_of_a_colour_bar_are_round(void **state) {
    (void)state;
    static const double value[N] = {.0131, 2.3, 3.9421, 1, 2};
    limn_scatter s = cross_spec(fresh("ticks"), "map", "loss");
    s.value = value;
    s.figure.height = 0;
    assert_int_equal(limn_plot_scatter(&s), LIMN_OK);
    size_t n = 0;
    char *script = (char *)read_whole(temp_path("ticks/gp/map.gp"), &n);
    script[n - 1] = 0;
    static const char *const tick[] = {"'0' at", "'1' at", "'2' at", "'3' at"};
    for (size_t i = 0; i < COUNT_OF(tick); i++) assert_non_null(strstr(script, tick[i]));
    assert_null(strstr(script, "'4' at"));
    free(script);
}

/* ---- formats ----------------------------------------------------------------------------------------------------- */
static void pictures_have_the_size_asked_for(void **state) {
    (void)state;
    limn_scatter s = cross_spec(fresh("size"), "map", "none");
    s.figure.width = 8.5;
    s.figure.height = 6;
    s.figure.dpi = 300;
    s.figure.formats = all_formats;
    s.figure.n_formats = 4;
    assert_int_equal(limn_plot_scatter(&s), LIMN_OK);
    picture p = load("size/map.png");
    assert_int_equal(p.w, 1004);
    assert_int_equal(p.h, 709);
    free(p.rgb);
    size_t n = 0;
    unsigned char *b = read_whole(temp_path("size/map.png"), &n);
    assert_memory_equal(b + 37, "pHYs\0\0\x2e\x23\0\0\x2e\x23\1", 13); /* 11811 dots a metre */
    free(b);
    b = read_whole(temp_path("size/map.jpg"), &n);
    assert_memory_equal(b, "\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\1\1\x2c\1\x2c", 18); /* 300 dots an inch */
    assert_memory_equal(b + n - 2, "\xff\xd9", 2);
    free(b);
    b = read_whole(temp_path("size/map.svg"), &n);
    assert_non_null(memmem(b, n, "width=\"321\" height=\"227\"", 24)); /* in 1/96 inch */
    free(b);
    b = read_whole(temp_path("size/map.pdf"), &n);
    if (!memmem(b, n, "/ObjStm", 7)) { /* cairo from 1.18 on packs both into a compressed object */
        assert_non_null(memmem(b, n, "/MediaBox [ 0 0 241 170 ]", 25)); /* in 1/72 inch */
        assert_non_null(memmem(b, n, "D:20000101000000", 16));
    }
    free(b);
}

static void the_same_data_give_the_same_bytes(void **state) {
    (void)state;
    static const double value[N] = {0, .25, .75, 1, NAN};
    const char *folder[2] = {fresh("twice-1"), fresh("twice-2")};
    for (int i = 0; i < 2; i++) {
        limn_scatter s = cross_spec(folder[i], "map", "margin");
        s.value = value;
        s.figure.title = "twice";
        s.figure.formats = all_formats;
        s.figure.n_formats = 4;
        if (i) nanosleep(&(struct timespec){.tv_sec = 1, .tv_nsec = 100000000}, NULL); /* another second of the clock */
        assert_int_equal(limn_plot_scatter(&s), LIMN_OK);
    }
    static const char *const file[] = {"map.png", "map.svg", "map.pdf", "map.jpg", "gp/map.gp", "gp/map.bin"};
    size_t n = 0;
    unsigned char *pdf = read_whole(temp_path("twice-1/map.pdf"), &n);
    int packed = memmem(pdf, n, "/ObjStm", 7) != NULL; /* its date is out of reach then */
    free(pdf);
    for (size_t i = 0; i < COUNT_OF(file); i++) {
        char a[64], b[64];
        if (packed && strcmp(file[i], "map.pdf") == 0) continue;
        snprintf(a, sizeof a, "twice-1/%s", file[i]);
        snprintf(b, sizeof b, "twice-2/%s", file[i]);
        assert_same_file(a, b);
    }
}

static void an_author_can_run_the_script_again(void **state) {
    (void)state;
    limn_scatter s = cross_spec(fresh("again"), "map", "label");
    assert_int_equal(limn_plot_scatter(&s), LIMN_OK);
    picture before = load("again/map.png");
    assert_int_equal(remove(temp_path("again/map.png")), 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (chdir(temp_path("again/gp")) == 0) execlp("gnuplot", "gnuplot", "map.gp", (char *)NULL);
        _exit(127);
    }
    int code = 0;
    assert_int_equal(waitpid(pid, &code, 0), pid);
    assert_true(WIFEXITED(code) && WEXITSTATUS(code) == 0);
    picture after = load("again/map.png");
    assert_int_equal(before.w, after.w);
    assert_int_equal(before.h, after.h);
    assert_memory_equal(before.rgb, after.rgb, 3 * before.w * before.h);
    free(before.rgb);
    free(after.rgb);
}

static void draw_one(void *ctx, size_t task, int worker) {
    limn_status *status = ctx;
    char name[16];
    (void)worker;
    snprintf(name, sizeof name, "map-%zu", task);
    limn_scatter s = cross_spec(temp_path("threads"), name, "label");
    s.seed = task % 2;
    s.names = LIMN_NAMES_BOTH;
    s.figure.width = 0;
    status[task] = limn_plot_scatter(&s);
}

static void figures_are_drawn_side_by_side(void **state) {
    (void)state;
    enum { TASKS = 8 };
    limn_status status[TASKS];
    (void)fresh("threads");
    limn_parallel(4, TASKS, draw_one, status);
    for (int i = 0; i < TASKS; i++) {
        char name[32];
        assert_int_equal(status[i], LIMN_OK);
        snprintf(name, sizeof name, "threads/map-%d.png", i);
        assert_same_file(name, i % 2 ? "threads/map-1.png" : "threads/map-0.png");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(palettes_have_their_known_colours),
        cmocka_unit_test(class_colours_are_told_apart),
        cmocka_unit_test(points_have_their_classes_colours_and_places),
        cmocka_unit_test(equal_aspect_holds_in_a_wide_picture),
        cmocka_unit_test(values_have_their_palettes_colours),
        cmocka_unit_test(constant_and_absent_values_are_drawn),
        cmocka_unit_test(wrong_ones_lie_on_top),
        cmocka_unit_test(drawing_order_is_shuffled_by_the_seed),
        cmocka_unit_test(many_classes_fit),
        cmocka_unit_test(a_legend_shows_every_class),
        cmocka_unit_test(ticks_of_a_colour_bar_are_round),
        cmocka_unit_test(pictures_have_the_size_asked_for),
        cmocka_unit_test(the_same_data_give_the_same_bytes),
        cmocka_unit_test(an_author_can_run_the_script_again),
        cmocka_unit_test(figures_are_drawn_side_by_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
