/* What every figure has in common: see figure.h and sheet.h.
 *
 * Drawing, in steps:
 *   1. gp/NAME.bin and gp/NAME.gp are written, each under a temporary name and renamed;
 *   2. gnuplot runs the script with part='.XXX.part', so that the pictures appear as NAME.png.XXX.part;
 *   3. each picture is held against the last bytes of its kind: gnuplot ends well on a full disk, too;
 *   4. finishing: the PNG learns its resolution, images in the SVG their crispness, the JPEG is made from a PNG, and
 * the PDF's date is fixed, so that the same results give the same bytes;
 *   5. all are renamed into their places. A failure before that removes what was begun and leaves older pictures. */
#include "plots/figure.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/try.h"
#include "plots/gnuplot.h"
#include "plots/raster.h"
#include "plots/sheet.h"

enum { PNG, JPG, SVG, PDF, FORMATS };

const limn_plot_word limn_plot_formats[] = {
    [PNG] = {"png", "pixels, for pages and slides"},
    [JPG] = {"jpg", "pixels with lossy compression"},
    [SVG] = {"svg", "vectors, for the web"},
    [PDF] = {"pdf", "vectors, for papers"},
    [FORMATS] = {NULL, NULL},
};

static limn_status finish_png(const char *path, double dpi) {
    return plots_png_resolution(path, dpi);
}

static limn_status finish_svg(const char *path, double dpi);
static limn_status finish_pdf(const char *path, double dpi);

/* How gnuplot draws a format. Sizes come from the script's variables width, height (cm), dpi, font_size and face.
 * Calibration, as measured: a font's pt and a line's width come out true with these scales; a `pt 7` of pointsize 1 has a
 * diameter of 6 pt in the cairo terminals, and in svg of 0.75 px (1/96 inch) for each pt of the font; svg sets vertically
 * centred text 0.142 em too high. Sizes are rounded here, for gnuplot cuts them to whole dots, px and points. */
static const struct {
    const char *terminal;
    const char *tail; /* what a complete file ends with (within TAIL bytes) */
    const char *mm;   /* pointsize of a point with a diameter of 1 mm */
    double raise;     /* em */
    double low, high; /* dots (px, points) from the picture's edges to the plot area's */
    limn_status (*finish)(const char *path, double dpi);
} drawn[FORMATS] = {
    [PNG] = {"pngcairo noenhanced size ceil(width/2.54*dpi-.5),ceil(height/2.54*dpi-.5) font face fontscale dpi/96 "
             "linewidth dpi/72 pointscale dpi/72 background 'white'",
             "IEND", "72/25.4/6", 0, .5, .505, finish_png},
    [SVG] = {"svg noenhanced size ceil(width/2.54*96-.5),ceil(height/2.54*96-.5) font face fontscale 96/72. linewidth "
             "96/72. "
             "background 'white'",
             "</svg>", "96/25.4/.75/font_size", .142, 0, .01, finish_svg},
    [PDF] = {"pdfcairo noenhanced size (ceil(width/2.54*72-.5)+.1)/72,(ceil(height/2.54*72-.5)+.1)/72 font face "
             "fontscale .75 linewidth 2 pointscale 1 "
             "background 'white'",
             "%%EOF", "72/25.4/6", 0, .5, .505, finish_pdf},
};
enum { TAIL = 1024, MOST_DOTS = 20000 };

double plots_font_size(const limn_figure *f) {
    return f->font_size > 0 ? f->font_size : 7.5;
}

double plots_dpi(const limn_figure *f) {
    return f->dpi > 0 ? f->dpi : 300;
}

static const char *folder_of(const limn_figure *f) {
    return f->folder && *f->folder ? f->folder : ".";
}

static int format_find(const char *name) {
    for (int i = 0; i < FORMATS; i++)
        if (name && strcmp(limn_plot_formats[i].name, name) == 0) return i;
    return -1;
}

static int within(const char *s, const char *first, const char *rest, size_t max) {
    return s && *s && strchr(first, *s) && strlen(s) <= max && strspn(s, rest) == strlen(s);
}

#define ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

limn_status limn_figure_check(const limn_figure *f) {
    const struct {
        const char *what;
        double value, least, most;
    } range[] = {
        {"width in cm", f->width, 2, 200},
        {"height in cm", f->height, 2, 200},
        {"dpi", f->dpi, 50, 1200},
        {"font size in pt", f->font_size, 4, 40},
        {"time-out in seconds", f->timeout, 1e-3, 86400},
    };
    if (!within(f->name, ALNUM "_", ALNUM "._-", 64)) {
        char *shown = NULL;
        limn_status status = plots_clean(&shown, f->name, 64);
        if (status == LIMN_OK)
            status = limn_fail(LIMN_EINPUT,
                               "a figure cannot be named '%s': letters, digits, '_', '.' and '-' only, at most 64, "
                               "not beginning with '.' or '-'",
                               shown);
        free(shown);
        return status;
    }
    for (size_t i = 0; i < COUNT_OF(range); i++)
        if (range[i].value != 0 && !(range[i].value >= range[i].least && range[i].value <= range[i].most))
            return limn_fail(LIMN_EINPUT, "figure %s: %s is %g, but must be from %g to %g (0: chosen)", f->name,
                             range[i].what, range[i].value, range[i].least, range[i].most);
    if (f->font && !within(f->font, ALNUM, ALNUM " -", 64))
        return limn_fail(LIMN_EINPUT, "figure %s: a font's name is made of letters, digits, blanks and '-', at most 64",
                         f->name);
    for (size_t i = 0; i < f->n_formats; i++)
        if (format_find(f->formats[i]) < 0)
            return limn_fail(LIMN_EINPUT, "figure %s: no format '%.40s' (png, jpg, svg, pdf)", f->name,
                             f->formats[i] ? f->formats[i] : "");
    return LIMN_OK;
}

limn_status limn_figure_path(char **out, const limn_figure *f, const char *format) {
    return limn_format(out, "%s/%s.%s", folder_of(f), f->name, format);
}

/* Viewers smooth an enlarged image, which would blur the pixels of a heatmap, unless it says otherwise. */
static limn_status finish_svg(const char *path, double dpi) {
    static const char key[] = "<image ", style[] = "style='image-rendering:pixelated' ";
    limn_status status = LIMN_OK;
    unsigned char *bytes = NULL, *out = NULL;
    size_t n = 0, images = 0, m = 0;
    (void)dpi;
    TRY(plots_read_file(&bytes, &n, path));
    for (size_t i = 0; i + sizeof key <= n; i++)
        images += bytes[i] == '<' && memcmp(bytes + i, key, sizeof key - 1) == 0;
    if (images == 0) goto done;
    TRY(limn_new(&out, n + images * sizeof style, 1));
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] == '<' && i + sizeof key <= n && memcmp(bytes + i, key, sizeof key - 1) == 0) {
            memcpy(out + m, key, sizeof key - 1);
            memcpy(out + m + sizeof key - 1, style, sizeof style - 1);
            m += sizeof key + sizeof style - 2;
            i += sizeof key - 2;
        } else {
            out[m++] = bytes[i];
        }
    }
    TRY(plots_write_file(path, out, m));
done:
    free(bytes);
    free(out);
    return status;
}

/* cairo writes the time into a PDF and asks nobody: its 14 digits become those of a fixed day. (From 1.18 on cairo packs
 * them into a compressed object, of which the offsets behind it depend: there the date stays.) */
static limn_status finish_pdf(const char *path, double dpi) {
    static const char key[] = "/CreationDate (D:", fixed[] = "20000101000000";
    limn_status status = LIMN_OK;
    unsigned char *bytes = NULL;
    size_t n = 0;
    (void)dpi;
    TRY(plots_read_file(&bytes, &n, path));
    for (size_t i = 0; i + sizeof key + sizeof fixed < n; i++) {
        if (bytes[i] != '/' || memcmp(bytes + i, key, sizeof key - 1) != 0) continue;
        memcpy(bytes + i + sizeof key - 1, fixed, sizeof fixed - 1);
        TRY(plots_write_file(path, bytes, n));
        break;
    }
done:
    free(bytes);
    return status;
}

/* ---- drawing ----------------------------------------------------------------------------------------------------- */
typedef struct {
    const limn_figure *f;
    plots_sheet *s;
    char *gp, *base; /* FOLDER/gp; the script's name without ending */
    char part[PLOTS_PART];
    int wanted[FORMATS]; /* what is asked for */
    int made[FORMATS];   /* what gnuplot draws */
    plots_text script;
} drawing;

void plots_part(char out[PLOTS_PART]) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    unsigned long long id = (unsigned long long)t.tv_sec * 1000000000ull + (unsigned long long)t.tv_nsec;
    id ^= (unsigned long long)(uintptr_t)out << 20; /* another thread's stack is elsewhere */
    snprintf(out, PLOTS_PART, ".%ld-%llx.part", (long)getpid(), id);
}

/* Removes what drawings of this figure left whose process was killed: NAME.….PID-….part of a PID that is no more. */
static void sweep(const char *folder, const char *name) {
    DIR *dir = opendir(folder);
    size_t length = strlen(name);
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
        const char *end = strrchr(e->d_name, '.'), *dash = strrchr(e->d_name, '-'), *pid = dash;
        char *path = NULL;
        if (strncmp(e->d_name, name, length) != 0 || e->d_name[length] != '.' || strcmp(end, ".part") != 0 || !dash)
            continue;
        while (pid > e->d_name && pid[-1] >= '0' && pid[-1] <= '9') pid--;
        long id = pid < dash && pid[-1] == '.' ? strtol(pid, NULL, 10) : 0;
        if (id <= 0 || kill((pid_t)id, 0) == 0 || errno != ESRCH) continue;
        if (limn_format(&path, "%s/%s", folder, e->d_name) == LIMN_OK) unlink(path);
        free(path);
    }
    if (dir) closedir(dir);
}

static limn_status open_folder(drawing *d) {
    limn_status status = LIMN_OK;
    const char *folder = folder_of(d->f);
    TRY(limn_format(&d->gp, "%s/gp", folder));
    if (mkdir(d->gp, 0777) != 0 && errno != EEXIST)
        FAIL(LIMN_EFAIL,
             errno == ENOENT ? "the folder %s does not exist (%s)" : "nothing can be written into the folder %s: %s",
             folder, strerror(errno));
    sweep(folder, d->f->name);
    sweep(d->gp, d->f->name);
    if (d->f->discard_script)
        TRY(limn_format(&d->base, "%s%s", d->f->name, d->part));
    else
        TRY(limn_strdup(&d->base, d->f->name));
done:
    return status;
}

/* The ranges of both pairs of axes. cairo's plot area ends half a dot inside the picture, so its axes begin and end there:
 * a whole dot of ours then is a whole dot of the picture, from edge to edge. */
static void write_ranges(drawing *d, int format) {
    const plots_sheet *s = d->s;
    double dot = 2.54 / (format == PNG ? plots_dpi(d->f) : 72), em = plots_font_size(d->f) * 2.54 / 72; /* cm */
    double x_per_cm = (s->x_max - s->x_min) / s->width, y_per_cm = (s->y_top - s->y_bottom) / s->height;
    double low = drawn[format].low * dot, high = drawn[format].high * dot, shift = drawn[format].raise * em * y_per_cm;
    double x0 = s->x_min + low * x_per_cm, x1 = s->x_max - high * x_per_cm;
    double y0 = s->y_bottom + low * y_per_cm, y1 = s->y_top - high * y_per_cm;
    plots_put(&d->script, "set xrange [%.9g:%.9g]; set yrange [%.9g:%.9g]\n", x0, x1, y0, y1);
    plots_put(&d->script, "set x2range [%.9g:%.9g]; set y2range [%.9g:%.9g] # where texts stand\n", x0, x1, y0 + shift,
              y1 + shift);
}

static void write_script(drawing *d) {
    const plots_sheet *s = d->s;
    plots_text *t = &d->script;
    int first = 1;
    plots_put(t, "# %s: change what you like, and run gnuplot on this file in its folder; the data are in %s.bin.\n",
              d->base, d->base);
    plots_put(t, "if (!exists('part')) part = ''\ndata_file = '%s.bin'\n", d->base);
    plots_put(t, "width = %.4f; height = %.4f # cm\ndpi = %g.\n", s->width, s->height, plots_dpi(d->f));
    plots_put(t, "font_size = %g # pt\nface = gprintf('%s,%%g', font_size)\n", plots_font_size(d->f),
              d->f->font ? d->f->font : "DejaVu Sans");
    plots_put(t, "set encoding utf8\nunset key\nunset tics\nunset border\n");
    plots_put(t,
              "set lmargin at screen 0; set rmargin at screen 1; set bmargin at screen 0; set tmargin at screen 1\n");
    plots_put(t, "\n%s", s->setup.text);
    for (int i = 0; i < FORMATS; i++) {
        if (!d->made[i]) continue;
        plots_put(t, "\nset terminal %s\n", drawn[i].terminal);
        plots_put(t, "mm = %s # pointsize of a point of 1 mm\n", drawn[i].mm);
        write_ranges(d, i);
        plots_put(t, "set output '../%s.%s'.part\n", d->f->name, limn_plot_formats[i].name);
        plots_put(t, "%s\n", first ? s->plot.text : "replot");
        first = 0;
    }
    plots_put(t, "set output\n");
    if (d->made[PNG] && !d->wanted[PNG]) plots_put(t, "# the JPEG is this PNG, converted\n");
}

/* FOLDER/gp/BASE.ending, complete or not at all. */
static limn_status put_source(drawing *d, const char *ending, const void *bytes, size_t n) {
    limn_status status = LIMN_OK;
    char *path = NULL, *temporary = NULL;
    TRY(limn_format(&path, "%s/%s.%s", d->gp, d->base, ending));
    TRY(limn_format(&temporary, "%s%s", path, d->part));
    TRY(plots_write_file(temporary, bytes, n));
    if (rename(temporary, path) != 0) FAIL(LIMN_EFAIL, "%s cannot be written: %s", path, strerror(errno));
done:
    if (status != LIMN_OK && temporary) unlink(temporary);
    free(path);
    free(temporary);
    return status;
}

static limn_status part_path(char **out, const drawing *d, int format) {
    return limn_format(out, "%s/%s.%s%s", folder_of(d->f), d->f->name, limn_plot_formats[format].name, d->part);
}

static limn_status check_tail(const char *path, int format) {
    limn_status status = LIMN_OK;
    unsigned char *bytes = NULL;
    size_t n = 0, length = strlen(drawn[format].tail), i;
    if (access(path, F_OK) != 0)
        FAIL(LIMN_EFAIL, "gnuplot ended without a complaint, but drew no %s", limn_plot_formats[format].name);
    TRY(plots_read_file(&bytes, &n, path));
    for (i = n > TAIL ? n - TAIL : 0; i + length <= n; i++)
        if (memcmp(bytes + i, drawn[format].tail, length) == 0) break;
    if (i + length > n)
        FAIL(LIMN_EFAIL, "gnuplot left an incomplete %s (is the disk full?)", limn_plot_formats[format].name);
done:
    free(bytes);
    return status;
}

static limn_status finish_format(drawing *d, int format) {
    limn_status status = LIMN_OK;
    char *path = NULL;
    TRY(part_path(&path, d, format));
    TRY(check_tail(path, format));
    if (drawn[format].finish) TRY(drawn[format].finish(path, plots_dpi(d->f)));
done:
    free(path);
    return status;
}

static limn_status make_jpeg(drawing *d) {
    limn_status status = LIMN_OK;
    char *png = NULL, *jpg = NULL;
    unsigned char *rgb = NULL;
    size_t w = 0, h = 0;
    TRY(part_path(&png, d, PNG));
    TRY(part_path(&jpg, d, JPG));
    TRY(plots_read_png(&rgb, &w, &h, png));
    TRY(plots_write_jpeg(jpg, rgb, w, h, plots_dpi(d->f)));
done:
    free(png);
    free(jpg);
    free(rgb);
    return status;
}

static limn_status put_in_place(drawing *d, int format) {
    limn_status status = LIMN_OK;
    char *part = NULL, *path = NULL;
    TRY(part_path(&part, d, format));
    TRY(limn_figure_path(&path, d->f, limn_plot_formats[format].name));
    if (rename(part, path) != 0) FAIL(LIMN_EFAIL, "%s cannot be written: %s", path, strerror(errno));
done:
    free(part);
    free(path);
    return status;
}

/* Removes every temporary picture, and the script where nobody wants it. Keeps the message of a failure. */
static void clean_up(drawing *d) {
    for (int i = 0; i < FORMATS; i++) {
        char *path = NULL;
        if (part_path(&path, d, i) == LIMN_OK) unlink(path);
        free(path);
    }
    static const char *const ending[] = {"gp", "bin"};
    for (size_t i = 0; d->f->discard_script && d->base && i < COUNT_OF(ending); i++) {
        char *path = NULL;
        if (limn_format(&path, "%s/%s.%s", d->gp, d->base, ending[i]) == LIMN_OK) unlink(path);
        free(path);
    }
    if (d->f->discard_script && d->gp) rmdir(d->gp); /* stays where it holds anything */
}

limn_status plots_draw(const limn_figure *f, plots_sheet *s) {
    limn_status status = LIMN_OK;
    drawing d = {.f = f, .s = s};
    char *script = NULL;
    plots_part(d.part);
    for (size_t i = 0; i < f->n_formats; i++) d.wanted[format_find(f->formats[i])] = 1;
    if (f->n_formats == 0) d.wanted[PNG] = 1;
    memcpy(d.made, d.wanted, sizeof d.made);
    d.made[PNG] |= d.made[JPG];
    d.made[JPG] = 0;
    TRY(s->setup.status);
    TRY(s->plot.status);
    if (fmax(s->width, s->height) / 2.54 * plots_dpi(f) > MOST_DOTS)
        FAIL(LIMN_EINPUT, "figure %s: %.1f x %.1f cm at %g dpi make too large a picture (at most %d dots)", f->name,
             s->width, s->height, plots_dpi(f), MOST_DOTS);
    TRY(open_folder(&d));
    write_script(&d);
    TRY(d.script.status);
    TRY(put_source(&d, "bin", s->data, s->bytes));
    TRY(put_source(&d, "gp", d.script.text, d.script.n));
    TRY(limn_format(&script, "%s.gp", d.base));
    TRY(plots_gnuplot(d.gp, script, d.part, f->timeout > 0 ? f->timeout : 120));
    for (int i = 0; i < FORMATS; i++)
        if (d.made[i]) TRY(finish_format(&d, i));
    if (d.wanted[JPG]) TRY(make_jpeg(&d));
    for (int i = 0; i < FORMATS; i++)
        if (d.wanted[i]) TRY(put_in_place(&d, i));
done:
    clean_up(&d);
    free(script);
    free(d.gp);
    free(d.base);
    free(d.script.text);
    return status;
}
