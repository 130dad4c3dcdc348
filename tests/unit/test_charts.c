/* Charts: cells, bars and lines are where the numbers say, in the colours that they say; a query's answer as a table. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/try.h"
#include "db/store.h"
#include "db/table.h"
#include "plots/axis.h"
#include "plots/charts.h"
#include "plots/palette.h"
#include "tests/lib/files.h"
#include "tests/lib/pixels.h"
#include "tests/lib/stored.h"

static const char *const letters[] = {"a", "b", "it's `date` @x\n{/Symbol a}", "d"};

static limn_figure figure(const char *folder, const char *name) {
    return (limn_figure){.folder = folder, .name = name, .dpi = 200};
}

/* ---- axes -------------------------------------------------------------------------------------------------------- */

static void axes_end_on_round_numbers(void **state) {
    (void)state;
    static const struct {
        double lo, hi, a, b, step;
    } row[] = {{0, 1, 0, 1, .25}, {.013, .987, 0, 1, .25}, {-3, 12, -5, 15, 5}, {5, 5, 2, 8, 1}, {0, 0, -.6, .6, .2}};
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        plots_axis x = plots_axis_of(row[i].lo, row[i].hi);
        assert_true(x.lo <= row[i].lo && x.hi >= row[i].hi && x.hi > x.lo);
        assert_true(fabs(x.lo / x.step - round(x.lo / x.step)) < 1e-9);
        assert_true(fabs(x.hi / x.step - round(x.hi / x.step)) < 1e-9);
        if (i >= 3) continue; /* one value: the range is ours to choose */
        assert_true(fabs(x.lo - row[i].a) < 1e-12 && fabs(x.hi - row[i].b) < 1e-12);
        assert_true(fabs(x.step - row[i].step) < 1e-12);
    }
}

/* ---- matrix ------------------------------------------------------------------------------------------------------ */

/* The middle of a cell's upper left quarter, where no number stands: cells lie as the script's image says. */
static void assert_cell(const picture *p, const char *script, size_t i, size_t j, uint32_t rgb) {
    size_t n;
    double dx, dy, x0, y0, x, y;
    char *text = (char *)read_whole(temp_path(script), &n);
    text[n - 1] = 0;
    char *image = strstr(text, "plot data_file");
    assert_non_null(image);
    assert_int_equal(sscanf(strstr(image, "dx="), "dx=%lf dy=%lf origin=(%lf,%lf)", &dx, &dy, &x0, &y0), 4);
    free(text);
    place(script, p, x0 + 2 * dx * (double)j - .3 * dx, y0 + 2 * dy * (double)i - .3 * dy, &x, &y);
    assert_colour(p, x, y, rgb, SAME);
}

static void cells_have_their_colours(void **state) {
    (void)state;
    static const double value[] = {10, 0, 1, 3, 20, NAN}, shade[] = {NAN, 0, .1, .3, NAN, NAN};
    limn_matrix m = {.figure = figure(fresh("matrix"), "m"),
                     .rows = 2,
                     .columns = 3,
                     .value = value,
                     .shade = shade,
                     .row_name = letters,
                     .column_name = letters,
                     .row_title = "rows",
                     .column_title = "columns",
                     .shade_title = "share"};
    OK(limn_plot_matrix(&m));
    picture p = load("matrix/m.png");
    const limn_palette *blue = limn_palette_find("blue");
    for (size_t i = 0; i < 6; i++)
        assert_cell(&p, "matrix/gp/m.gp", i / 3, i % 3, limn_palette_rgb(blue, shade[i] / .3));
    free(p.rgb);
}

static void a_matrix_with_negative_shades_is_diverging(void **state) {
    (void)state;
    static const double value[] = {-.5, 0, .25, 1};
    limn_matrix m = {.figure = figure(fresh("signed"), "m"),
                     .rows = 2,
                     .columns = 2,
                     .value = value,
                     .row_name = letters,
                     .column_name = letters};
    OK(limn_plot_matrix(&m));
    picture p = load("signed/m.png");
    for (size_t i = 0; i < 4; i++)
        assert_cell(&p, "signed/gp/m.gp", i / 2, i % 2,
                    limn_palette_rgb(limn_palette_find("diverging"), (value[i] + 1) / 2));
    free(p.rgb);
}

static void a_matrix_too_large_to_read_is_refused(void **state) {
    (void)state;
    limn_matrix m = {.figure = figure(fresh("large"), "m"), .rows = LIMN_MATRIX_SIDE + 1, .columns = 2};
    assert_int_equal(limn_plot_matrix(&m), LIMN_EINPUT);
    SAYS("too many to read");
    m.rows = 0;
    assert_int_equal(limn_plot_matrix(&m), LIMN_EINPUT);
}

/* ---- bars -------------------------------------------------------------------------------------------------------- */

static void bars_end_at_their_values(void **state) {
    (void)state;
    static const double value[] = {1, .5, NAN, -.2}, low[] = {NAN, .4, NAN, NAN}, high[] = {NAN, .6, NAN, NAN};
    static const int group[] = {0, 1, 0, 1};
    limn_bars b = {.figure = figure(fresh("bars"), "b"),
                   .n = 4,
                   .name = letters,
                   .value = value,
                   .low = low,
                   .high = high,
                   .group = group,
                   .group_name = letters,
                   .n_groups = 2,
                   .value_title = "value"};
    OK(limn_plot_bars(&b));
    picture p = load("bars/b.png");
    for (size_t i = 0; i < 4; i++) {
        double x, y;
        if (isnan(value[i])) continue;
        /* .2 of the way from bar to bar below its middle, where no interval is drawn; a little within and beyond its end */
        place("bars/gp/b.gp", &p, value[i] * .96, (double)i + .2, &x, &y);
        assert_colour(&p, x, y, limn_class_rgb(group[i]), SAME);
        place("bars/gp/b.gp", &p, value[i] + (value[i] < 0 ? -.04 : .04), (double)i + .2, &x, &y);
        if (value[i] < 1) assert_colour(&p, x, y, 0xffffff, SAME);
    }
    double x, y;
    place("bars/gp/b.gp", &p, .55, 1, &x, &y); /* the interval goes on beyond the bar */
    assert_true(apart(at(&p, (size_t)x, (size_t)y), 0x222222) < 90);
    free(p.rgb);
    b.value = (const double[]){NAN, NAN, NAN, NAN};
    assert_int_equal(limn_plot_bars(&b), LIMN_EINPUT);
    SAYS("no value to draw");
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

static void lines_go_through_their_points(void **state) {
    (void)state;
    static const double x[] = {0, 10, 20, 0, 20}, y[] = {0, 4, 2, 3, 3};
    static const int series[] = {0, 0, 0, 1, 1};
    limn_lines l = {.figure = figure(fresh("lines"), "l"),
                    .n = 5,
                    .x = x,
                    .y = y,
                    .series = series,
                    .series_name = letters,
                    .n_series = 2,
                    .x_title = "x",
                    .y_title = "y"};
    OK(limn_plot_lines(&l));
    picture p = load("lines/l.png");
    static const double on[][2] = {{5, 2}, {7.5, 3}, {15, 3}, {12.5, 3.5}};
    for (size_t i = 0; i < COUNT_OF(on); i++) {
        double px, py;
        int best = 255;
        place("lines/gp/l.gp", &p, on[i][0], on[i][1], &px, &py);
        for (int dx = -2; dx <= 2; dx++) /* a line is three dots wide, and its edges are smooth */
            for (int dy = -2; dy <= 2; dy++) {
                int d = apart(at(&p, (size_t)(px + dx), (size_t)(py + dy)), limn_class_rgb(0));
                if (d < best) best = d;
            }
        if (i != 2) assert_true(best < 40); /* there, the dashed second line lies on the first */
    }
    free(p.rgb);
    l.y = (const double[]){NAN, NAN, INFINITY, NAN, NAN};
    assert_int_equal(limn_plot_lines(&l), LIMN_EINPUT);
    SAYS("no point to draw");
}

static void every_format_takes_hostile_names(void **state) {
    (void)state;
    static const char *const formats[] = {"png", "svg", "pdf", "jpg"};
    static const double value[] = {1, 2, 3, 4};
    static const int one_each[] = {0, 1, 2, 3};
    const char *folder = fresh("hostile");
    limn_matrix m = {.figure = figure(folder, "m"),
                     .rows = 4,
                     .columns = 1,
                     .value = value,
                     .row_name = letters,
                     .column_name = letters + 2,
                     .row_title = letters[2],
                     .column_title = letters[2],
                     .shade_title = letters[2]};
    limn_bars b = {.figure = figure(folder, "b"),
                   .n = 4,
                   .name = letters,
                   .value = value,
                   .group = one_each,
                   .group_name = letters,
                   .n_groups = 4,
                   .value_title = letters[2]};
    limn_lines l = {.figure = figure(folder, "l"),
                    .n = 4,
                    .x = value,
                    .y = value,
                    .series = one_each,
                    .series_name = letters,
                    .n_series = 4,
                    .x_title = letters[2],
                    .y_title = letters[2]};
    limn_figure *f[] = {&m.figure, &b.figure, &l.figure};
    for (size_t i = 0; i < COUNT_OF(f); i++) {
        f[i]->formats = formats;
        f[i]->n_formats = COUNT_OF(formats);
        f[i]->title = letters[2];
    }
    OK(limn_plot_matrix(&m));
    OK(limn_plot_bars(&b));
    OK(limn_plot_lines(&l));
}

/* ---- a query's answer -------------------------------------------------------------------------------------------- */

static limn_store *store_with_rows(const char *name) {
    limn_store *s = NULL;
    stored all;
    OK(store_open(&s, temp_path(name)));
    stored_fill(s, &all, "e", 0);
    return s;
}

static void a_query_becomes_a_table(void **state) {
    (void)state;
    limn_store *s = store_with_rows("table.db");
    query_table t;
    const query_parameter p[] = {{":k", 2, NULL}, {":word", 0, "x'y"}};
    OK(query_any(s, &t, "SELECT idx AS i, :word AS w, NULL, x'00', idx * :k + .5 FROM sample ORDER BY idx -- all\n;", p,
                 2));
    assert_int_equal(t.rows, STORED_N);
    assert_int_equal(t.columns, 5);
    assert_string_equal(t.name[1], "w");
    for (size_t i = 0; i < t.rows; i++) {
        const query_cell *c = &t.cell[5 * i];
        assert_true(c[0].number == (double)i && !c[0].text && c[4].number == 2 * (double)i + .5);
        assert_string_equal(c[1].text, "x'y");
        assert_true(isnan(c[1].number) && isnan(c[2].number) && !c[2].text && isnan(c[3].number) && !c[3].text);
    }
    query_table_clear(&t);
    store_close(s);
}

static void a_query_only_reads(void **state) {
    (void)state;
    limn_store *s = store_with_rows("reads.db");
    query_table t;
    static const struct {
        const char *sql, *says;
    } row[] = {
        {"DELETE FROM sample", "only read"},
        {"UPDATE sample SET label = 1 RETURNING label", "only read"},
        {"ATTACH ':memory:' AS other", "only read"},
        {"PRAGMA journal_mode = DELETE", "only read"},
        {"SELECT 1; DELETE FROM sample", "one statement"},
        {"", "no SELECT"},
        {"-- nothing", "no SELECT"},
        {"SELECT\n nope FROM sample", "line 2, column 2: no such column"},
        {"SELECT :nobody", ":nobody"},
        {"SELECT json('{')", "malformed JSON"},
    };
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        if (query_any(s, &t, row[i].sql, NULL, 0) != LIMN_EINPUT) fail_msg("%s: %s", row[i].sql, limn_message());
        SAYS(row[i].says);
        query_table_clear(&t);
    }
    OK(query_any(s, &t, "SELECT count(*) FROM sample", NULL, 0));
    assert_true(t.cell[0].number == STORED_N);
    query_table_clear(&t);
    OK(store_begin(s)); /* and the store can write again */
    OK(store_commit(s));
    store_close(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(axes_end_on_round_numbers),
        cmocka_unit_test(cells_have_their_colours),
        cmocka_unit_test(a_matrix_with_negative_shades_is_diverging),
        cmocka_unit_test(a_matrix_too_large_to_read_is_refused),
        cmocka_unit_test(bars_end_at_their_values),
        cmocka_unit_test(lines_go_through_their_points),
        cmocka_unit_test(every_format_takes_hostile_names),
        cmocka_unit_test(a_query_becomes_a_table),
        cmocka_unit_test(a_query_only_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
