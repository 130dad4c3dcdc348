/* Overflow-checked memory: see mem.h. */
#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

limn_status limn_mul(size_t *out, size_t a, size_t b) {
    if (b != 0 && a > SIZE_MAX / b) return limn_fail(LIMN_ENOMEM, "a size of %zu x %zu bytes is too large", a, b);
    *out = a * b;
    return LIMN_OK;
}

limn_status limn_new(void *out, size_t n, size_t size) {
    size_t bytes = 0;
    void *p = NULL;
    memcpy(out, &p, sizeof p);
    limn_status s = limn_mul(&bytes, n, size);
    if (s != LIMN_OK) return s;
    if (bytes > SIZE_MAX - 128) return limn_fail(LIMN_ENOMEM, "a size of %zu bytes is too large", bytes);
    size_t rounded = (bytes + 63) / 64 * 64;
    if (rounded == 0) rounded = 64;
    p = aligned_alloc(64, rounded);
    if (!p) return limn_fail(LIMN_ENOMEM, "no memory for %zu bytes", bytes);
    memset(p, 0, rounded);
    memcpy(out, &p, sizeof p);
    return LIMN_OK;
}

limn_status limn_strdup(char **out, const char *s) {
    *out = NULL;
    if (!s) return LIMN_OK;
    size_t n = strlen(s) + 1;
    limn_status st = limn_new(out, n, 1);
    if (st == LIMN_OK) memcpy(*out, s, n);
    return st;
}

limn_status limn_format(char **out, const char *fmt, ...) {
    va_list ap;
    *out = NULL;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0) return limn_fail(LIMN_EFAIL, "a text cannot be formatted");
    limn_status st = limn_new(out, (size_t)n + 1, 1);
    if (st != LIMN_OK) return st;
    va_start(ap, fmt);
    vsnprintf(*out, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return LIMN_OK;
}

limn_status limn_grow(void *array, size_t n, size_t *room, size_t size) {
    if (n < *room) return LIMN_OK;
    size_t want = *room < 8 ? 8 : *room * 2;
    while (want <= n) want *= 2;
    void *old, *fresh = NULL;
    memcpy(&old, array, sizeof old);
    limn_status s = limn_new(&fresh, want, size);
    if (s != LIMN_OK) return s;
    if (old) memcpy(fresh, old, *room * size);
    free(old);
    memcpy(array, &fresh, sizeof fresh);
    *room = want;
    return LIMN_OK;
}
