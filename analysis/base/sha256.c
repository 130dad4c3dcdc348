/* SHA-256 by libcrypto: see sha256.h. */
#include "base/sha256.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"

struct limn_sha256 {
    EVP_MD_CTX *ctx;
};

limn_status limn_sha256_new(limn_sha256 **out) {
    limn_status s = limn_new(out, 1, sizeof **out);
    if (s != LIMN_OK) return s;
    (*out)->ctx = EVP_MD_CTX_new();
    if ((*out)->ctx && EVP_DigestInit_ex((*out)->ctx, EVP_sha256(), NULL) == 1) return LIMN_OK;
    limn_sha256_free(*out);
    *out = NULL;
    return limn_fail(LIMN_EFAIL, "libcrypto has no SHA-256");
}

limn_status limn_sha256_add(limn_sha256 *h, const void *bytes, size_t n) {
    return EVP_DigestUpdate(h->ctx, bytes, n) == 1 ? LIMN_OK : limn_fail(LIMN_EFAIL, "SHA-256 failed");
}

limn_status limn_sha256_end(limn_sha256 *h, char hex[65]) {
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    int ok = EVP_DigestFinal_ex(h->ctx, raw, &n) == 1 && n == 32;
    limn_sha256_free(h);
    hex[0] = 0;
    if (!ok) return limn_fail(LIMN_EFAIL, "SHA-256 failed");
    for (unsigned i = 0; i < n; i++) snprintf(hex + 2 * i, 3, "%02x", raw[i]);
    return LIMN_OK;
}

void limn_sha256_free(limn_sha256 *h) {
    if (!h) return;
    EVP_MD_CTX_free(h->ctx);
    free(h);
}

limn_status limn_sha256_file(const char *path, char hex[65]) {
    limn_status status = LIMN_OK;
    limn_sha256 *h = NULL;
    unsigned char *room = NULL;
    enum { ROOM = 1 << 16 };
    size_t n;
    FILE *f = fopen(path, "rb");
    if (!f) FAIL(LIMN_EINPUT, "%s: %s", path, strerror(errno));
    TRY(limn_new(&room, ROOM, 1));
    TRY(limn_sha256_new(&h));
    while ((n = fread(room, 1, ROOM, f)) > 0) TRY(limn_sha256_add(h, room, n));
    if (ferror(f)) FAIL(LIMN_EINPUT, "%s: cannot be read: %s", path, strerror(errno));
    status = limn_sha256_end(h, hex);
    h = NULL;
done:
    limn_sha256_free(h);
    free(room);
    if (f) fclose(f);
    return status;
}
