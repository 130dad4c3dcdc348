/* A raster of RGB bytes as PNG or JPEG. */
#ifndef LIMN_PLOTS_RASTER_H
#define LIMN_PLOTS_RASTER_H

#include <stddef.h>

#include "base/status.h"

/* rgb (h, w, 3) into a new file. The caller renames it into its place, or removes it where this fails. */
limn_status plots_write_png(const char *path, const unsigned char *rgb, size_t w, size_t h) LIMN_CHECK;
limn_status plots_write_jpeg(const char *path, const unsigned char *rgb, size_t w, size_t h, double dpi) LIMN_CHECK;
/* *rgb (h, w, 3), the caller frees; a transparent ground is white. */
limn_status plots_read_png(unsigned char **rgb, size_t *w, size_t *h, const char *path) LIMN_CHECK;
/* Writes the resolution into a PNG (chunk pHYs), which gnuplot leaves out: at its size in cm it then lands in a paper.
 */
limn_status plots_png_resolution(const char *path, double dpi) LIMN_CHECK;

/* A whole file in memory (*bytes: the caller frees), and back to a new file. */
limn_status plots_read_file(unsigned char **bytes, size_t *n, const char *path) LIMN_CHECK;
limn_status plots_write_file(const char *path, const void *bytes, size_t n) LIMN_CHECK;

#endif
