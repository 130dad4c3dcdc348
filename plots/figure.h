/* What every figure has in common: where it goes, its formats, size and font.
 *
 * A figure NAME in a folder is made of: FOLDER/gp/NAME.gp, a gnuplot script, and FOLDER/gp/NAME.bin, its data, written
 * first; then gnuplot runs on them (in FOLDER/gp) and FOLDER/NAME.png … appear, each renamed into its place only when
 * it is complete. `cd FOLDER/gp && gnuplot NAME.gp` draws it again after an author's changes.
 *
 * Specs borrow all that they point to. Nothing here keeps state: figures may be drawn by several threads at once, as
 * long as two of them do not have the same folder and name. Failures: LIMN_EINPUT where a spec is wrong, LIMN_EFAIL
 * where gnuplot or the file system fails. */
#ifndef LIMN_PLOTS_FIGURE_H
#define LIMN_PLOTS_FIGURE_H

#include <stddef.h>

#include "base/status.h"

typedef struct {
    const char *folder;         /* where the pictures go; it exists */
    const char *name;           /* file name without ending: [A-Za-z0-9_][A-Za-z0-9._-]{0,63} */
    const char *const *formats; /* (n_formats) names of limn_plot_formats; none: "png" */
    size_t n_formats;
    double width, height; /* of the whole picture, cm; 0: the figure's own choice */
    double dpi;           /* png and jpg: dots an inch; 0: 300 */
    const char *font;     /* NULL: "DejaVu Sans" */
    double font_size;     /* pt; 0: 7.5 */
    const char *title;    /* NULL: none */
    double timeout;       /* seconds that gnuplot may take; 0: 120 */
    int discard_script;   /* remove script and data after drawing (a single picture beside other people's files) */
} limn_figure;

typedef struct {
    const char *name, *help; /* the name is the ending of the file */
} limn_plot_word;
extern const limn_plot_word limn_plot_formats[]; /* png, jpg, svg, pdf; ends with name NULL */

/* LIMN_EINPUT with a sentence where a field is out of range; touches no file. Every limn_plot_* calls it first. */
limn_status limn_figure_check(const limn_figure *f) LIMN_CHECK;
/* *out = FOLDER/NAME.FORMAT; the caller frees. */
limn_status limn_figure_path(char **out, const limn_figure *f, const char *format) LIMN_CHECK;

/* The gnuplot that would run ($LIMN_GNUPLOT, or found through PATH) into *path (the caller frees) and its version's
 * words into version[64]. LIMN_EFAIL with a sentence where there is none. For `limn doctor` and early checks. */
limn_status limn_gnuplot_find(char **path, char version[64]) LIMN_CHECK;

#endif
