/* SHA-256 by libcrypto: of models, data, results and pictures. */
#ifndef LIMN_SHA256_H
#define LIMN_SHA256_H

#include <stddef.h>

#include "base/status.h"

typedef struct limn_sha256 limn_sha256;

limn_status limn_sha256_new(limn_sha256 **out) LIMN_CHECK;
limn_status limn_sha256_add(limn_sha256 *h, const void *bytes, size_t n) LIMN_CHECK;
/* hex = 64 digits and a 0; frees h, also when it fails. */
limn_status limn_sha256_end(limn_sha256 *h, char hex[65]) LIMN_CHECK;
void limn_sha256_free(limn_sha256 *h); /* NULL is fine */

/* Of a whole file. LIMN_EINPUT where it cannot be read. */
limn_status limn_sha256_file(const char *path, char hex[65]) LIMN_CHECK;

#endif
