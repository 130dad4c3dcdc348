/* The fingerprint of a data set: SHA-256 over what a network would see of it, whatever the files are.
 *
 * 1. "limn data 1\n"; then, as little-endian uint64: count, C, H, W; then for each sample its item and its label + 1.
 * 2. For each chunk of 64 samples in order: the SHA-256, as 64 hex digits, of its samples' raw values. A sample whose values are all whole
 *    numbers from 0 to 255 counts as 'b' and C*H*W bytes, any other as 'f' and C*H*W little-endian float32; so the same
 *    pictures as IDX, gzip, npy of floats or PNG have the same fingerprint.
 * The chunks are hashed in parallel and joined in order: the result does not depend on the number of threads. */
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/sha256.h"
#include "base/try.h"
#include "data/reader.h"

enum { CHUNK = 64, HEX = 64, SLOTS_A_THREAD = 2 };

typedef struct {
    float *raw;           /* (C, H, W) */
    unsigned char *bytes; /* (C * H * W * 4) */
    char hex[HEX + 1];    /* of the chunk */
} slot;

typedef struct {
    const limn_dataset *d;
    size_t count, size;
    limn_sha256 *sha;
    slot *slot;
} job;

static limn_status add_u64(limn_sha256 *sha, uint64_t v) {
    unsigned char b[8];
    for (int i = 0; i < 8; i++) b[i] = (unsigned char)(v >> (8 * i));
    return limn_sha256_add(sha, b, sizeof b);
}

/* The canonical bytes of one sample, their kind in front. */
static limn_status add_sample(limn_sha256 *sha, slot *s, size_t size) {
    size_t i = 0;
    while (i < size && s->raw[i] >= 0 && s->raw[i] <= 255 && s->raw[i] == (float)(int)s->raw[i]) i++;
    int whole = i == size;
    for (i = 0; i < size; i++) {
        if (whole) {
            s->bytes[i] = (unsigned char)s->raw[i];
            continue;
        }
        uint32_t u;
        memcpy(&u, &s->raw[i], sizeof u);
        for (int k = 0; k < 4; k++) s->bytes[4 * i + (size_t)k] = (unsigned char)(u >> (8 * k));
    }
    limn_status status = limn_sha256_add(sha, whole ? "b" : "f", 1);
    return status == LIMN_OK ? limn_sha256_add(sha, s->bytes, whole ? size : 4 * size) : status;
}

static limn_status hash_chunk(void *ctx, size_t item, int at, int worker) {
    limn_status status = LIMN_OK;
    job *j = ctx;
    slot *s = &j->slot[at];
    limn_sha256 *sha = NULL;
    (void)worker;
    TRY(limn_sha256_new(&sha));
    for (size_t i = item * CHUNK; i < j->count && i < (item + 1) * CHUNK; i++) {
        TRY(limn_dataset_raw(j->d, i, s->raw));
        TRY(add_sample(sha, s, j->size));
    }
    status = limn_sha256_end(sha, s->hex);
    sha = NULL;
done:
    limn_sha256_free(sha);
    return status;
}

static limn_status join(void *ctx, size_t item, int at) {
    job *j = ctx;
    (void)item;
    return limn_sha256_add(j->sha, j->slot[at].hex, HEX);
}

static limn_status begin(job *j, size_t C, size_t H, size_t W) {
    static const char title[] = "limn data 1\n";
    const size_t head[] = {j->count, C, H, W};
    limn_status status = LIMN_OK;
    TRY(limn_sha256_new(&j->sha));
    TRY(limn_sha256_add(j->sha, title, sizeof title - 1));
    for (size_t i = 0; i < COUNT_OF(head); i++) TRY(add_u64(j->sha, head[i]));
    for (size_t i = 0; i < j->count; i++) {
        TRY(add_u64(j->sha, limn_dataset_index(j->d, i)));
        TRY(add_u64(j->sha, (uint64_t)(limn_dataset_label(j->d, i) + 1)));
    }
done:
    return status;
}

limn_status data_fingerprint(char hex[65], const limn_dataset *d, int threads) {
    limn_status status = LIMN_OK;
    size_t C, H, W, chunks;
    int slots = 0;
    job j = {.d = d, .count = limn_dataset_count(d)};
    limn_dataset_shape(d, &C, &H, &W);
    j.size = C * H * W;
    chunks = (j.count + CHUNK - 1) / CHUNK;
    TRY(begin(&j, C, H, W));
    threads = limn_threads(threads);
    slots = threads * SLOTS_A_THREAD;
    if ((size_t)slots > chunks) slots = (int)chunks;
    TRY(limn_new(&j.slot, (size_t)slots, sizeof *j.slot));
    for (int k = 0; k < slots; k++) {
        TRY(limn_new(&j.slot[k].raw, j.size, sizeof(float)));
        TRY(limn_new(&j.slot[k].bytes, j.size, 4));
    }
    TRY(limn_ordered(threads, slots, 0, chunks, hash_chunk, join, &j));
    status = limn_sha256_end(j.sha, hex);
    j.sha = NULL;
done:
    for (int k = 0; j.slot && k < slots; k++) {
        free(j.slot[k].raw);
        free(j.slot[k].bytes);
    }
    free(j.slot);
    limn_sha256_free(j.sha);
    return status;
}
