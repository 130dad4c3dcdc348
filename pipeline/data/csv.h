/* Numbers in text: a row a line, separated by commas, semicolons, tabs or spaces. See array.h for arrays. */
#ifndef LIMN_CSV_H
#define LIMN_CSV_H

#include <stddef.h>

#include "base/status.h"
#include "data/array.h"

/* (rows, columns) float32, plain or gzip; a first line that is no row of numbers is a header. LIMN_EINPUT with file, line
 * and field where something is no number or a row has another length. */
limn_status limn_csv_read(limn_array *out, const char *path) LIMN_CHECK;
limn_status limn_csv_parse(limn_array *out, const void *bytes, size_t n, const char *name) LIMN_CHECK;

/* data (rows, columns) under a header (columns names), 9 digits, which a float32 survives: to a temporary file beside
 * it, synced, then renamed. */
limn_status limn_csv_write(const char *path, const char *const *header, const float *data, size_t rows,
                           size_t columns) LIMN_CHECK;

#endif
