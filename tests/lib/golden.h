/* Arrays of ../shared/goldens, as float64. */
#ifndef TESTS_GOLDEN_H
#define TESTS_GOLDEN_H

#include <stddef.h>

/* Whether ../shared/goldens is there; tests skip where it is not. */
int goldens_present(void);

/* The array `member` of ../shared/goldens/PATH (an .npz; member NULL: a .npy or IDX file), *count its elements. The
 * caller frees. A file that cannot be read fails the test. */
double *golden(const char *path, const char *member, size_t *count);

/* The numbers of a text file of ../shared/goldens, separated by commas or white space. */
double *golden_text(const char *path, size_t *count);

/* The number behind "KEY": in the block "SECTION": { … } of a JSON file of ../shared/goldens; fails the test if absent.
 */
double golden_number(const char *path, const char *section, const char *key);

#endif
