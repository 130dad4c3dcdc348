/* The digest: one SHA-256 that says whether two databases hold the same results (docs/store.md). */
#ifndef LIMN_DIGEST_H
#define LIMN_DIGEST_H

#include "db/store.h"

/* Receives n bytes of text; non-zero: it cannot be written. */
typedef int (*store_text_fn)(void *ctx, const char *text, size_t n);

/* hex = the digest of all that the file holds now. lines: NULL, or receives a line a table: hash, rows, table. */
limn_status store_digest(limn_store *s, char hex[65], store_text_fn lines, void *ctx) LIMN_CHECK;

/* What `limn digest FILE` prints: the digest (tables: preceded by a line a table); check: compares with the digest that
 * the last finished run stored, LIMN_EFAIL where they differ or there is none. */
limn_status store_digest_file(const char *path, int tables, int check, store_text_fn write, void *ctx) LIMN_CHECK;

#endif
