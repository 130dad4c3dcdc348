/* The numbers of one array where they lie: see block.h. */
#include "data/block.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "data/array_read.h"

void limn_block_order(limn_block *b, int fortran) {
    size_t step = 1;
    for (int k = 0; k < b->rank; k++) {
        int axis = fortran ? k : b->rank - 1 - k;
        b->stride[axis] = step;
        step *= b->dim[axis] ? b->dim[axis] : 1;
    }
}

void limn_block_clear(limn_block *b) {
    limn_spool_clear(&b->bytes);
    free(b->name);
    *b = (limn_block){0};
}

limn_status limn_block_read(const limn_block *b, size_t at, void *to, size_t n) {
    if (b->bytes.on_disk) return limn_read_at(b->bytes.fd, b->offset + at, to, n, b->name);
    if (n > 0) memcpy(to, b->bytes.memory + b->offset + at, n);
    return LIMN_OK;
}

limn_status limn_block_doubles(const limn_block *b, size_t at, double *to, size_t count) {
    uint64_t buffer[512];
    size_t size = limn_dtype_size(b->dtype), most = sizeof buffer / size;
    while (count > 0) {
        size_t n = count < most ? count : most;
        limn_status s = limn_block_read(b, at * size, buffer, n * size);
        if (s != LIMN_OK) return s;
        if (b->swapped) array_swap(buffer, n, size);
        for (size_t i = 0; i < n; i++) *to++ = array_element(b->dtype, buffer, i);
        at += n;
        count -= n;
    }
    return LIMN_OK;
}

static limn_status open_stream(limn_block *out, const char *file) {
    limn_bytes *b = NULL;
    limn_status s = limn_bytes_open(&b, file);
    if (s == LIMN_OK) s = array_stream(out, b, 0);
    limn_bytes_free(b);
    return s;
}

limn_status limn_block_open(limn_block *out, const char *path) {
    limn_status status = LIMN_OK;
    limn_members m = {0};
    char *file = NULL, *member = NULL;
    *out = (limn_block){0};
    TRY(limn_member_split(&file, &member, path));
    TRY(limn_members_list(&m, file));
    if (m.kind)
        TRY(limn_member_open(out, &m, file, member));
    else if (member)
        FAIL(LIMN_EINPUT, "%s: it has no members, so there is no '%s' in it", file, member);
    else
        TRY(open_stream(out, file));
    if (!out->name) TRY(limn_strdup(&out->name, path));
done:
    limn_members_clear(&m);
    free(file);
    free(member);
    if (status != LIMN_OK) limn_block_clear(out);
    return status;
}

/* ---- another order ----------------------------------------------------------------------------------------------- */
/* The file is (M, N), the wanted axis of N fastest; the new one is (N, M): as many rows of it at a time as fit. */
static limn_status transpose(limn_spool *to, const limn_block *b, size_t N) {
    limn_status status = LIMN_OK;
    size_t size = limn_dtype_size(b->dtype), M = b->count / N, rows = SPOOL_MEMORY / (N * size);
    unsigned char *part = NULL, *column = NULL;
    if (rows == 0) rows = 1;
    if (rows > M) rows = M;
    TRY(limn_spool_reserve(to, b->count * size));
    TRY(limn_new(&part, rows * N, size));
    TRY(limn_new(&column, rows, size));
    for (size_t m = 0; m < M; m += rows) {
        if (rows > M - m) rows = M - m;
        TRY(limn_block_read(b, m * N * size, part, rows * N * size));
        for (size_t i = 0; i < N; i++) {
            for (size_t k = 0; k < rows; k++) memcpy(column + k * size, part + (k * N + i) * size, size);
            TRY(limn_spool_put(to, (i * M + m) * size, column, rows * size));
        }
    }
done:
    free(part);
    free(column);
    return status;
}

limn_status limn_block_outermost(limn_block *b, int axis) {
    limn_status status = LIMN_OK;
    limn_spool to = {0};
    size_t N = b->dim[axis];
    int most = axis;
    for (int k = 0; k < b->rank; k++)
        if (b->dim[k] > 1 && b->stride[k] > b->stride[most]) most = k;
    if (most == axis || N <= 1) return LIMN_OK;
    if (b->stride[axis] != 1) FAIL(LIMN_EINPUT, "%s: its samples lie in the middle of its dimensions", b->name);
    TRY(transpose(&to, b, N));
    limn_spool_clear(&b->bytes);
    b->bytes = to;
    b->offset = 0;
    to = (limn_spool){0};
    for (int k = 0; k < b->rank; k++)
        if (k != axis) b->stride[k] /= b->stride[k] >= N ? N : 1;
    b->stride[axis] = b->count / N;
done:
    limn_spool_clear(&to);
    return status;
}

/* Element (i0, i1, …) lies at sum of i_k stride_k; C order wants the last index fastest. An odometer over the C order
 * keeps the place up to date. */
static limn_status to_c_order(limn_array *a, const size_t *stride) {
    size_t size = limn_dtype_size(a->dtype), at[LIMN_ARRAY_RANK] = {0}, from = 0;
    unsigned char *fresh = NULL;
    limn_status s = limn_new(&fresh, a->count, size);
    if (s != LIMN_OK) return s;
    for (size_t i = 0; i < a->count; i++) {
        memcpy(fresh + i * size, (unsigned char *)a->data + from * size, size);
        for (int k = a->rank - 1; k >= 0; k--) {
            from += stride[k];
            if (++at[k] < a->dim[k]) break;
            from -= stride[k] * at[k];
            at[k] = 0;
        }
    }
    free(a->data);
    a->data = fresh;
    return LIMN_OK;
}

limn_status limn_block_array(limn_array *out, const limn_block *b) {
    limn_status status = LIMN_OK;
    size_t size = limn_dtype_size(b->dtype);
    limn_block c = {.rank = b->rank};
    *out = (limn_array){.dtype = b->dtype, .rank = b->rank, .count = b->count};
    memcpy(out->dim, b->dim, sizeof out->dim);
    memcpy(c.dim, b->dim, sizeof c.dim);
    limn_block_order(&c, 0);
    snprintf(out->format, sizeof out->format, "%.*s", (int)sizeof out->format - 1, b->format);
    if (b->text) FAIL(LIMN_EINPUT, "%s: it holds texts, where numbers are needed", b->name);
    TRY(limn_new(&out->data, b->count, size));
    TRY(limn_block_read(b, 0, out->data, b->count * size));
    if (b->swapped) array_swap(out->data, b->count, size);
    if (memcmp(c.stride, b->stride, (size_t)b->rank * sizeof *c.stride) != 0) TRY(to_c_order(out, b->stride));
done:
    if (status != LIMN_OK) limn_array_clear(out);
    return status;
}
