/* What tests of readers share: a folder of their own, files in it, and damaged copies of good bytes. */
#ifndef TESTS_FILES_H
#define TESTS_FILES_H

#include <stddef.h>

/* The folder of this test program, made at the first call and removed with all that is in it at exit. */
const char *temp_folder(void);
/* FOLDER/name; it stays valid. */
const char *temp_path(const char *name);
/* Writes n bytes as FOLDER/name (folders in `name` are made) and returns its path. */
const char *temp_file(const char *name, const void *bytes, size_t n);

/* The whole file; the test fails where it cannot be read. The caller frees. */
unsigned char *read_whole(const char *path, size_t *n);

/* Calls check(ctx, bytes, n) on seeded damaged copies: bytes changed, bits turned, numbers made extreme, pieces cut out
 * or doubled, the end cut off; half of the damage lies in the first `front` bytes. `count`, or the environment's
 * LIMN_MUTANTS where that is set; the environment's LIMN_SEED makes others. Each copy has exactly n allocated bytes, so that a sanitizer sees every overrun. */
typedef void (*mutant_fn)(void *ctx, const unsigned char *bytes, size_t n);
void mutants(const unsigned char *good, size_t n, size_t front, size_t count, unsigned seed, mutant_fn check,
             void *ctx);

#endif
