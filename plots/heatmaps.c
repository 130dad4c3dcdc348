/* A grid of heatmaps: see heatmaps.h.
 *
 *   1. each column gets its scale: its kind, its palette, and by the normalisation the range;
 *   2. the layout: so many blocks side by side that the maps are largest on a page, and a cell of so many dots that
 * each pixel of a map is the same whole number of dots wide: a PNG then has no uneven pixels;
 *   3. every cell is coloured here and is one RGB image in gp/NAME.bin: no seams between pixels, in no format. A pixel
 * is stored twice in both directions, so that a viewer that smooths images blurs less;
 *   4. texts: heads of columns, labels of rows, and below what the colours mean.
 * Places are in cm from the left and from the top, cells at whole dots. */
#include "plots/heatmaps.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "plots/maps.h"
#include "plots/sheet.h"

enum { LINES = 3, MOST_BLOCKS = 8, BAR_STEPS = 256, BAR_ROWS = 8 };

/* cm */
static const double PAGE_WIDTH = 17.6, PAGE_HEIGHT = 23.5, EDGE = .1, GAP = .06, GROUP_GAP = .16, BLOCK_GAP = .5;
static const double LEAST_CELL = .5, MOST_CELL = 2.4, BAR_WIDTH = 2.2, BAR_HEIGHT = .2, LABEL_WIDTH = 3,
                    LEGEND_WIDTH = 7;

typedef struct {
    char *line[LINES];
    size_t n;
} text_lines;

typedef struct { /* one entry of the legend: a colour bar */
    plots_scale scale;
    char *title; /* NULL: none */
    char lo[16], hi[16];
    double x, y, title_width, width; /* cm from the left; line of the legend; cm */
} colour_bar;

typedef struct {
    const limn_heatmaps *spec;
    limn_map_kind *kind; /* (columns) */
    plots_scale *scale;  /* (columns): palette; range where it is the column's or the grid's */
    size_t input;        /* first INPUT column, or SIZE_MAX */
    size_t h, w;         /* of a map of the first column: the shape of a cell */
    double dot, font, line;
    text_lines *head, *label, *note; /* (columns), (rows), (rows) */
    size_t head_lines;
    double label_width;
    size_t blocks, block_rows;
    size_t *block_of, *place; /* (rows): block, and gap-free position within it */
    double *row_gap;          /* (rows) cm above the row beyond its place: gaps between groups */
    double cell_w, cell_h;    /* cm, a whole number of dots */
    double label_height;      /* cm of the tallest label */
    double row_h;             /* cm from a row to the next: the cell, or its label where that is taller, and a gap */
    double step;              /* cm from one column to the next: the cell and a gap, or more where heads need it */
    double left;              /* cm to the left of the first block */
    double above;             /* cm from the top to the first row */
    double block_height;
    colour_bar *bar;
    size_t n_bars, legend_lines;
    text_lines caption; /* below the bars: how numbers became colours */
    double legend_left;
    unsigned char *rgb;
    size_t bytes, *offset, *tile_w, *tile_h; /* (columns): first byte, and size of a cell's image */
    plots_sheet sheet;
} grid;

/* ---- scales ------------------------------------------------------------------------------------------------------ */
static limn_status check(grid *g) {
    const limn_heatmaps *s = g->spec;
    limn_status status = LIMN_OK;
    TRY(limn_figure_check(&s->figure));
    if (s->rows == 0 || s->columns == 0)
        FAIL(LIMN_EINPUT, "figure %s: there are no maps to draw (%zu rows, %zu columns)", s->figure.name, s->rows,
             s->columns);
    if (s->rows > LIMN_HEATMAP_ROWS || s->columns > 100)
        FAIL(LIMN_EINPUT, "figure %s: %zu rows and %zu columns are too many for a picture", s->figure.name, s->rows,
             s->columns);
    if (!(s->overlay >= 0 && s->overlay <= 1))
        FAIL(LIMN_EINPUT, "figure %s: overlay is %g, but must be from 0 to 1", s->figure.name, s->overlay);
    if (s->blocks > MOST_BLOCKS)
        FAIL(LIMN_EINPUT, "figure %s: %zu blocks are too many (at most %d)", s->figure.name, s->blocks, MOST_BLOCKS);
    if ((int)s->normalise < 0 || s->normalise > LIMN_NORMALISE_GLOBAL)
        FAIL(LIMN_EINPUT, "figure %s: no such normalisation (image, method, global)", s->figure.name);
    TRY(limn_new(&g->kind, s->columns, sizeof *g->kind));
    TRY(limn_new(&g->scale, s->columns, sizeof *g->scale));
    g->input = SIZE_MAX;
    for (size_t j = 0; j < s->columns; j++) {
        TRY(plots_column_scale(&g->scale[j], &g->kind[j], &s->column[j], s->rows, s->palette, s->figure.name));
        if (g->kind[j] == LIMN_MAP_INPUT && g->input == SIZE_MAX) g->input = j;
    }
    if (s->overlay > 0 && g->input == SIZE_MAX)
        FAIL(LIMN_EINPUT, "figure %s: an overlay needs an input column", s->figure.name);
    size_t first = g->input == SIZE_MAX ? 0 : g->input;
    g->h = s->column[first].h;
    g->w = s->column[first].w;
done:
    return status;
}

static size_t map_size(const limn_heatmap_column *c) {
    return plots_channels(c) * c->h * c->w;
}

/* Ranges of whole columns: of inputs with a given range, and of maps under `method` and `global`. */
static void range_columns(grid *g) {
    const limn_heatmaps *s = g->spec;
    for (size_t j = 0; j < s->columns; j++) {
        const limn_heatmap_column *c = &s->column[j];
        if (g->kind[j] == LIMN_MAP_INPUT) {
            if (c->lo != 0 || c->hi != 0) g->scale[j].lo = c->lo, g->scale[j].hi = c->hi;
        } else if (s->normalise != LIMN_NORMALISE_IMAGE) {
            for (size_t k = 0; k < s->columns; k++)
                if (k == j || (s->normalise == LIMN_NORMALISE_GLOBAL && g->kind[k] == g->kind[j]))
                    plots_scale_add(&g->scale[j], s->column[k].data, s->rows * map_size(&s->column[k]));
        }
    }
}

static plots_scale cell_scale(const grid *g, size_t row, size_t j) {
    plots_scale scale = g->scale[j];
    const limn_heatmap_column *c = &g->spec->column[j];
    if (scale.lo > scale.hi) plots_scale_add(&scale, plots_map_of(c, row), map_size(c));
    return scale;
}

static double snap(const grid *g, double cm) { /* to a whole dot */
    return g->dot * round(cm / g->dot);
}

/* ---- layout ------------------------------------------------------------------------------------------------------ */
static int group_of(const grid *g, size_t row) {
    return g->spec->row_group ? g->spec->row_group[row] : (int)row;
}

/* Fills blocks with at most `most` rows each, a group in one block where it fits into one. Number of blocks. */
static size_t fill_blocks(grid *g, size_t most) {
    size_t rows = g->spec->rows, block = 0, used = 0;
    for (size_t i = 0; i < rows;) {
        size_t n = 1;
        while (i + n < rows && group_of(g, i + n) == group_of(g, i)) n++;
        if (used > 0 && used + n > most && n <= most) {
            block++;
            used = 0;
        }
        for (size_t k = 0; k < n; k++) {
            if (used == most) {
                block++;
                used = 0;
            }
            g->block_of[i + k] = block;
            g->place[i + k] = used++;
        }
        i += n;
    }
    return block + 1;
}

/* The least number of rows a block with which `blocks` blocks hold all. */
static size_t rows_per_block(grid *g, size_t blocks) {
    size_t most = (g->spec->rows + blocks - 1) / blocks;
    while (fill_blocks(g, most) > blocks) most++;
    return most;
}

/* cm that the gaps between groups take in the fullest block; fills row_gap. */
static double group_gaps(grid *g) {
    const int *group = g->spec->row_group;
    double most = 0, gap = 0;
    for (size_t i = 0; i < g->spec->rows; i++) {
        if (g->place[i] == 0)
            gap = 0;
        else if (group && group[i] != group[i - 1])
            gap += GROUP_GAP;
        g->row_gap[i] = gap;
        most = fmax(most, gap);
    }
    return most;
}

static double legend_height(const grid *g) {
    return .15 + ((double)(g->legend_lines + g->caption.n) + .1) * g->line;
}

/* Width of a cell, in cm, that `blocks` blocks leave on the page. */
static double cell_for(grid *g, size_t blocks) {
    const limn_heatmaps *s = g->spec;
    const limn_figure *f = &s->figure;
    double width = f->width > 0 ? f->width : PAGE_WIDTH, height = f->height > 0 ? f->height : PAGE_HEIGHT;
    double n = (double)(blocks * s->columns), rows;
    double cell = (width - 2 * EDGE - (double)blocks * g->label_width - (double)(blocks - 1) * BLOCK_GAP -
                   (n - (double)blocks) * GAP) /
                  n;
    g->block_rows = rows_per_block(g, blocks);
    rows = (double)g->block_rows;
    double tall = (height - g->above - legend_height(g) - group_gaps(g) - (rows - 1) * GAP) / rows;
    double by_height = tall * (double)g->w / (double)g->h;
    if (f->height <= 0)
        by_height = fmax(by_height, LEAST_CELL); /* a long grid outgrows the page rather than its pixels */
    return fmin(cell, by_height);
}

static limn_status wrap_labels(grid *g) {
    const limn_heatmaps *s = g->spec;
    limn_status status = LIMN_OK;
    double width = 0;
    TRY(limn_new(&g->label, s->rows, sizeof *g->label));
    TRY(limn_new(&g->note, s->rows, sizeof *g->note));
    for (size_t i = 0; i < s->rows; i++) {
        if (s->row_label) TRY(plots_wrap(g->label[i].line, &g->label[i].n, 2, s->row_label[i], LABEL_WIDTH / g->font));
        if (s->row_note) TRY(plots_wrap(g->note[i].line, &g->note[i].n, 1, s->row_note[i], LABEL_WIDTH / g->font));
        for (size_t k = 0; k < g->label[i].n; k++) width = fmax(width, plots_text_width(g->label[i].line[k]));
        for (size_t k = 0; k < g->note[i].n; k++) width = fmax(width, plots_text_width(g->note[i].line[k]));
        g->label_height = fmax(g->label_height, (double)(g->label[i].n + g->note[i].n) * g->line);
    }
    g->label_width = width > 0 ? width * g->font + .15 : 0;
done:
    return status;
}

/* Columns stand as far apart as the longest word of their heads needs, where the page has that room. */
static limn_status wrap_heads(grid *g) {
    const limn_heatmaps *s = g->spec;
    limn_status status = LIMN_OK;
    double page = s->figure.width > 0 ? s->figure.width : PAGE_WIDTH, need = 0, blocks = (double)g->blocks;
    double room = (page - 2 * EDGE - (blocks - 1) * BLOCK_GAP) / blocks - g->label_width + GAP;
    for (size_t j = 0; j < s->columns; j++) need = fmax(need, plots_widest_word(s->column[j].title) * g->font + .1);
    g->step = snap(g, fmax(g->cell_w + GAP, fmin(need, room / (double)s->columns)));
    TRY(limn_new(&g->head, s->columns, sizeof *g->head));
    g->head_lines = 0;
    for (size_t j = 0; j < s->columns; j++) {
        TRY(plots_wrap(g->head[j].line, &g->head[j].n, LINES, s->column[j].title, g->step / g->font));
        if (g->head[j].n > g->head_lines) g->head_lines = g->head[j].n;
    }
done:
    return status;
}

static double top_of(const grid *g, int with_title) {
    return EDGE + (with_title ? 1.6 * g->line : 0) + (double)g->head_lines * g->line + (g->head_lines ? .05 : 0);
}

static limn_status lay_out(grid *g) {
    const limn_heatmaps *s = g->spec;
    const limn_figure *f = &s->figure;
    limn_status status = LIMN_OK;
    int title = f->title && *f->title;
    double best = -INFINITY;
    TRY(limn_new(&g->block_of, s->rows, sizeof *g->block_of));
    TRY(limn_new(&g->place, s->rows, sizeof *g->place));
    TRY(limn_new(&g->row_gap, s->rows, sizeof *g->row_gap));
    TRY(wrap_labels(g));
    g->head_lines = 2; /* a guess; counted below */
    g->above = top_of(g, title);
    size_t least = s->blocks ? s->blocks : 1, most = s->blocks ? s->blocks : MOST_BLOCKS;
    for (size_t b = least; b <= most && (b <= s->rows || b == least); b++) {
        double cell = cell_for(g, b);
        if (cell > best + .02) {
            best = cell;
            g->blocks = b;
        }
        if (best >= MOST_CELL) break;
    }
    double cell = fmin(cell_for(g, g->blocks), MOST_CELL);
    if (cell < .2)
        FAIL(LIMN_EINPUT, "figure %s: the page is too small for %zu columns%s", f->name, s->columns,
             f->width > 0 || f->height > 0 ? " (a larger width or height, or 0)" : "");
    size_t dots = (size_t)(cell / g->dot), times = dots / g->w;
    g->cell_w = g->dot * (double)(times ? times * g->w : dots);
    g->cell_h = g->dot * round(g->cell_w / g->dot * (double)g->h / (double)g->w);
    if (g->h == 1) g->cell_h = fmax(g->cell_h, snap(g, BAR_HEIGHT)); /* a vector: a band, and not a line */
    g->row_h = snap(g, fmax(g->cell_h, g->label_height)) + snap(g, GAP);
    TRY(wrap_heads(g));
    g->above = g->dot * ceil(top_of(g, title) / g->dot);
    for (size_t i = 0; i < s->rows; i++)
        g->block_height = fmax(g->block_height, (double)(g->place[i] + 1) * g->row_h - GAP + g->row_gap[i]);
done:
    return status;
}

static double block_width(const grid *g) {
    double n = (double)g->spec->columns;
    return g->label_width + n * g->step - GAP;
}

/* Upper left corner of a cell, cm from the left and from the top. */
static double cell_x(const grid *g, size_t row, size_t j) {
    double block = (double)g->block_of[row];
    return snap(g, g->left + block * (block_width(g) + BLOCK_GAP) + g->label_width + (g->step - g->cell_w - GAP) / 2) +
           (double)j * g->step;
}

static double cell_y(const grid *g, size_t row) {
    double middle = snap(g, (g->row_h - snap(g, GAP) - g->cell_h) / 2);
    return g->above + (double)g->place[row] * g->row_h + middle + snap(g, g->row_gap[row]);
}

/* ---- legend ------------------------------------------------------------------------------------------------------ */
static int same_scale(const plots_scale *a, const plots_scale *b) {
    return a->palette == b->palette && a->symmetric == b->symmetric && a->lo == b->lo && a->hi == b->hi;
}

static void name_ends(colour_bar *b, limn_normalise normalise) {
    double lo = b->scale.lo, hi = b->scale.hi;
    if (normalise == LIMN_NORMALISE_IMAGE) {
        snprintf(b->lo, sizeof b->lo, "%s", b->scale.symmetric ? "−max" : "0");
        snprintf(b->hi, sizeof b->hi, "max");
    } else if (lo > hi) {
        snprintf(b->lo, sizeof b->lo, "–");
        snprintf(b->hi, sizeof b->hi, "–");
    } else {
        snprintf(b->lo, sizeof b->lo, "%s%.3g", lo < 0 ? "−" : "", fabs(lo));
        snprintf(b->hi, sizeof b->hi, "%.3g", hi);
    }
}

/* One bar for each scale that differs; titled by the columns that share it where there are several. */
static limn_status find_bars(grid *g) {
    const limn_heatmaps *s = g->spec;
    limn_status status = LIMN_OK;
    char *title = NULL;
    TRY(limn_new(&g->bar, s->columns, sizeof *g->bar));
    for (size_t j = 0; j < s->columns; j++) {
        size_t k = 0;
        if (g->kind[j] == LIMN_MAP_INPUT) continue;
        while (k < g->n_bars && !same_scale(&g->bar[k].scale, &g->scale[j])) k++;
        colour_bar *b = &g->bar[k];
        const char *own = s->column[j].title ? s->column[j].title : "";
        if (k == g->n_bars) {
            g->n_bars++;
            b->scale = g->scale[j];
            name_ends(b, s->normalise);
            TRY(plots_clean(&b->title, own, 40));
        } else {
            TRY(limn_format(&title, "%s, %s", b->title, own));
            free(b->title);
            b->title = NULL;
            TRY(plots_clean(&b->title, title, 60));
            free(title);
            title = NULL;
        }
    }
    if (g->n_bars == 1) {
        free(g->bar[0].title);
        g->bar[0].title = NULL;
    }
done:
    free(title);
    return status;
}

static void clear_lines(text_lines *t) {
    for (size_t k = 0; k < t->n; k++) free(t->line[k]);
    *t = (text_lines){0};
}

static limn_status wrap_caption(grid *g, double width) {
    char text[160];
    clear_lines(&g->caption);
    if (g->n_bars == 0) return LIMN_OK;
    snprintf(text, sizeof text, "Colours: %s%s.", limn_normalisations[g->spec->normalise].help,
             g->spec->overlay > 0 ? ", laid over the input" : "");
    return plots_wrap(g->caption.line, &g->caption.n, LINES, text, width / g->font);
}

/* Bars flow from the left, line after line; a title gives way where the picture is narrow. */
static limn_status flow_bars(grid *g, double width) {
    limn_status status = LIMN_OK;
    double x = 0;
    size_t line = 0;
    g->legend_left = g->left + g->label_width + fmax(0, (g->step - g->cell_w - GAP) / 2);
    if (width - g->legend_left < LEGEND_WIDTH) g->legend_left = EDGE;
    width -= g->legend_left + EDGE;
    for (size_t i = 0; i < g->n_bars; i++) {
        colour_bar *b = &g->bar[i];
        double ends = (plots_text_width(b->lo) + plots_text_width(b->hi)) * g->font + .2;
        if (b->title) {
            char *title = b->title;
            size_t n = 0;
            b->title = NULL;
            status = plots_wrap(&b->title, &n, 1, title, fmax(1, width - ends - BAR_WIDTH - .15) / g->font);
            free(title);
            TRY(status);
        }
        b->title_width = b->title ? plots_text_width(b->title) * g->font + .15 : 0;
        b->width = b->title_width + ends + BAR_WIDTH;
        if (x > 0 && x + b->width > width) {
            line++;
            x = 0;
        }
        b->x = x;
        b->y = (double)line;
        x += b->width + .6;
    }
    g->legend_lines = g->n_bars ? line + 1 : 0;
    status = wrap_caption(g, width);
done:
    return status;
}

/* ---- the picture ------------------------------------------------------------------------------------------------- */
/* Pixels of a cell's image along one side: each of the map's twice, or the cell's dots where the map has more. */
static size_t tile_side(const grid *g, size_t side, double cm) {
    size_t dots = (size_t)(cm / g->dot + .5);
    return side > dots ? dots : 2 * side <= dots ? 2 * side : side;
}

static limn_status plan_tiles(grid *g) {
    const limn_heatmaps *s = g->spec;
    limn_status status = LIMN_OK;
    TRY(limn_new(&g->offset, s->columns, sizeof *g->offset));
    TRY(limn_new(&g->tile_w, s->columns, sizeof *g->tile_w));
    TRY(limn_new(&g->tile_h, s->columns, sizeof *g->tile_h));
    for (size_t j = 0; j < s->columns; j++) {
        const limn_heatmap_column *c = &s->column[j], *base = &s->column[s->overlay > 0 ? g->input : j];
        g->offset[j] = g->bytes;
        g->tile_w[j] = tile_side(g, c->w > base->w ? c->w : base->w, g->cell_w);
        g->tile_h[j] = tile_side(g, c->h > base->h ? c->h : base->h, g->cell_h);
        g->bytes += s->rows * g->tile_h[j] * g->tile_w[j] * 3;
    }
    g->bytes += g->n_bars * BAR_STEPS * BAR_ROWS * 3;
    TRY(limn_new(&g->rgb, g->bytes, 1));
done:
    return status;
}

static limn_status colour_cells(grid *g) {
    const limn_heatmaps *s = g->spec;
    limn_status status = LIMN_OK;
    unsigned char *base = NULL;
    for (size_t j = 0; j < s->columns; j++) {
        size_t h = g->tile_h[j], w = g->tile_w[j];
        free(base);
        base = NULL;
        TRY(limn_new(&base, h * w, 3));
        for (size_t row = 0; row < s->rows; row++) {
            unsigned char *out = g->rgb + g->offset[j] + row * h * w * 3;
            plots_scale scale = cell_scale(g, row, j);
            plots_map_rgb(out, h, w, &s->column[j], row, &scale);
            if (s->overlay <= 0 || g->kind[j] == LIMN_MAP_INPUT) continue;
            plots_scale under = cell_scale(g, row, g->input);
            plots_map_rgb(base, h, w, &s->column[g->input], row, &under);
            for (size_t i = 0; i < h * w * 3; i++)
                out[i] = (unsigned char)(s->overlay * out[i] + (1 - s->overlay) * base[i] + .5);
        }
    }
done:
    free(base);
    return status;
}

static void put_cells(grid *g) {
    const limn_heatmaps *s = g->spec;
    plots_text *t = &g->sheet.plot;
    plots_text *setup = &g->sheet.setup;
    plots_put(setup, "# upper left corners of the rows' first maps, in cm; a map's size\narray map_x[%zu] = [",
              s->rows);
    for (size_t i = 0; i < s->rows; i++) plots_put(setup, "%s%.6f", i ? "," : "", cell_x(g, i, 0));
    plots_put(setup, "]\narray map_y[%zu] = [", s->rows);
    for (size_t i = 0; i < s->rows; i++) plots_put(setup, "%s%.6f", i ? "," : "", cell_y(g, i));
    plots_put(setup, "]\nmap_w = %.6f; map_h = %.6f; step = %.6f\n", g->cell_w, g->cell_h, g->step);
    for (size_t j = 0; j < s->columns; j++)
        plots_put(
            t,
            "%sfor [i=1:%zu] data_file binary skip=%zu+(i-1)*%zu array=(%zu,%zu) format='%%uchar' dx=map_w/%zu. "
            "dy=map_h/%zu. "
            "origin=(map_x[i]+%zu*step+map_w/%zu., map_y[i]+map_h/%zu.) using 1:2:3 with rgbimage title 'column %zu'",
            j ? ", \\\n     " : "plot ", s->rows, g->offset[j], g->tile_h[j] * g->tile_w[j] * 3, g->tile_w[j],
            g->tile_h[j], g->tile_w[j], g->tile_h[j], j, 2 * g->tile_w[j], 2 * g->tile_h[j], j + 1);
}

/* On a white ground nobody sees where a map ends whose zero is white. */
static void put_frames(grid *g) {
    const limn_heatmaps *s = g->spec;
    for (size_t j = 0; j < s->columns; j++)
        for (size_t i = 0; g->scale[j].palette->diverging && i < s->rows; i++) {
            double x = cell_x(g, i, j), y = cell_y(g, i);
            plots_put(&g->sheet.setup,
                      "set object rectangle from first %.6f,%.6f to first %.6f,%.6f front fs empty border rgb "
                      "'#999999' lw .3\n",
                      x, y, x + g->cell_w, y + g->cell_h);
        }
}

/* A text at cm from the left and from the top. */
static void put_text(grid *g, const char *text, double x, double y, const char *how) {
    plots_put_text(&g->sheet, text, x, g->sheet.height - y, how);
}

static limn_status put_heads(grid *g) {
    const limn_heatmaps *s = g->spec;
    limn_status status = LIMN_OK;
    const limn_figure *f = &s->figure;
    if (f->title && *f->title) {
        plots_put_font(&g->sheet, f, "title_font", 1.15);
        TRY(plots_put_fitting(&g->sheet, f->title, g->sheet.width / 2, g->sheet.height - EDGE - .6 * g->line,
                              (g->sheet.width - 2 * EDGE) / g->font / 1.15, "center font title_font"));
    }
    for (size_t i = 0; i < s->rows; i++) {
        if (g->place[i] != 0) continue; /* a block's first row */
        for (size_t j = 0; j < s->columns; j++)
            for (size_t k = 0; k < g->head[j].n; k++)
                put_text(g, g->head[j].line[k], cell_x(g, i, j) + g->cell_w / 2,
                         g->above - .05 - ((double)(g->head[j].n - k) - .5) * g->line, "center");
    }
done:
    return status;
}

static void put_labels(grid *g) {
    const limn_heatmaps *s = g->spec;
    for (size_t i = 0; i < s->rows; i++) {
        size_t n = g->label[i].n + g->note[i].n;
        const char *how = s->row_wrong && s->row_wrong[i] ? "right tc rgb '#c1121f'" : "right";
        double x = cell_x(g, i, 0) - .1, y = cell_y(g, i) + g->cell_h / 2 - ((double)n - 1) / 2 * g->line;
        for (size_t k = 0; k < n; k++, y += g->line)
            put_text(g, k < g->label[i].n ? g->label[i].line[k] : g->note[i].line[k - g->label[i].n], x, y, how);
    }
}

static void put_legend(grid *g) {
    double top = g->above + g->block_height + .15, left = g->legend_left;
    for (size_t i = 0; i < g->n_bars; i++) {
        const colour_bar *b = &g->bar[i];
        double x = left + b->x, y = top + (b->y + .5) * g->line;
        size_t at = g->bytes - (g->n_bars - i) * BAR_STEPS * BAR_ROWS * 3;
        for (size_t k = 0; k < BAR_STEPS * BAR_ROWS; k++) {
            uint32_t rgb = limn_palette_rgb(b->scale.palette, (double)(k % BAR_STEPS) / (BAR_STEPS - 1));
            for (int c = 0; c < 3; c++) g->rgb[at + 3 * k + (size_t)c] = (unsigned char)(rgb >> (16 - 8 * c) & 255);
        }
        if (b->title) put_text(g, b->title, x, y, "left");
        x += b->title_width + plots_text_width(b->lo) * g->font;
        put_text(g, b->lo, x, y, "right");
        x += .1;
        plots_put(
            &g->sheet.plot,
            ", \\\n     data_file binary skip=%zu array=(%d,%d) format='%%uchar' dx=%.6f dy=%.6f origin=(%.6f,%.6f) "
            "using 1:2:3 with rgbimage title 'bar %zu'",
            at, BAR_STEPS, BAR_ROWS, BAR_WIDTH / BAR_STEPS, BAR_HEIGHT / BAR_ROWS, x + BAR_WIDTH / BAR_STEPS / 2,
            y - BAR_HEIGHT / 2 + BAR_HEIGHT / BAR_ROWS / 2, i + 1);
        put_text(g, b->hi, x + BAR_WIDTH + .1, y, "left");
    }
    for (size_t k = 0; k < g->caption.n; k++)
        put_text(g, g->caption.line[k], left, top + ((double)(g->legend_lines + k) + .5) * g->line, "left");
}

static limn_status compose(grid *g) {
    limn_status status = LIMN_OK;
    plots_sheet *s = &g->sheet;
    const limn_figure *f = &g->spec->figure;
    double content = 2 * EDGE + (double)g->blocks * (block_width(g) + BLOCK_GAP) - BLOCK_GAP;
    s->width = snap(g, f->width > 0 ? f->width : content);
    g->left = EDGE + fmax(0, (s->width - content) / 2);
    TRY(flow_bars(g, s->width));
    s->height = snap(g, f->height > 0 ? f->height : g->above + g->block_height + (g->n_bars ? legend_height(g) : EDGE));
    s->x_max = s->width;
    s->y_bottom = s->height;
    TRY(plan_tiles(g));
    TRY(colour_cells(g));
    TRY(put_heads(g));
    put_labels(g);
    put_cells(g);
    put_frames(g);
    put_legend(g);
    s->data = g->rgb;
    s->bytes = g->bytes;
done:
    return status;
}

static void free_lines(text_lines *t, size_t n) {
    for (size_t i = 0; t && i < n; i++) clear_lines(&t[i]);
    free(t);
}

static void clear(grid *g) {
    free_lines(g->head, g->spec->columns);
    free_lines(g->label, g->spec->rows);
    free_lines(g->note, g->spec->rows);
    clear_lines(&g->caption);
    for (size_t i = 0; g->bar && i < g->spec->columns; i++) free(g->bar[i].title);
    void *own[] = {g->kind, g->scale,  g->block_of, g->place,  g->row_gap,          g->bar,
                   g->rgb,  g->offset, g->tile_w,   g->tile_h, g->sheet.setup.text, g->sheet.plot.text};
    for (size_t i = 0; i < COUNT_OF(own); i++) free(own[i]);
}

limn_status limn_plot_heatmaps(const limn_heatmaps *spec) {
    limn_status status = LIMN_OK;
    grid g = {.spec = spec};
    plots_numbers old = plots_numbers_begin();
    g.font = plots_font_size(&spec->figure) * 2.54 / 72;
    g.line = 1.4 * g.font;
    g.dot = 2.54 / plots_dpi(&spec->figure);
    g.left = EDGE;
    TRY(check(&g));
    range_columns(&g);
    TRY(find_bars(&g));
    TRY(flow_bars(&g, spec->figure.width > 0 ? spec->figure.width : PAGE_WIDTH));
    TRY(lay_out(&g));
    TRY(compose(&g));
    TRY(plots_draw(&spec->figure, &g.sheet));
done:
    clear(&g);
    plots_numbers_end(old);
    return status;
}
