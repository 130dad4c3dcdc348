/* IDX, the format of MNIST: http://yann.lecun.com/exdb/mnist
 *
 * Bytes 0 0, a type, a rank; then rank dims as big-endian uint32; then the elements, big-endian, C order. */
#include <string.h>

#include "base/try.h"
#include "data/array_read.h"

static const struct {
    unsigned char code;
    limn_dtype dtype;
} types[] = {{0x08, LIMN_U8}, {0x09, LIMN_I8}, {0x0b, LIMN_I16}, {0x0c, LIMN_I32}, {0x0d, LIMN_F32}, {0x0e, LIMN_F64}};

limn_status array_head_idx(limn_block *out, limn_bytes *b, const unsigned char magic[ARRAY_MAGIC]) {
    limn_status status = LIMN_OK;
    const char *name = limn_bytes_name(b);
    size_t t = 0;
    while (t < COUNT_OF(types) && types[t].code != magic[2]) t++;
    if (t == COUNT_OF(types))
        FAIL(LIMN_EINPUT,
             "%s: IDX type 0x%02x is unknown: 08 uint8, 09 int8, 0b int16, 0c int32, 0d float32, 0e float64", name,
             magic[2]);
    if (magic[3] == 0 || magic[3] > LIMN_ARRAY_RANK)
        FAIL(LIMN_EINPUT, "%s: IDX with %d dimensions, where 1 to %d can be read", name, magic[3], LIMN_ARRAY_RANK);
    out->dtype = types[t].dtype;
    out->rank = magic[3];
    for (int i = 0; i < out->rank; i++) {
        unsigned char d[4];
        TRY(limn_bytes_exact(b, d, sizeof d, "IDX header"));
        out->dim[i] = (size_t)d[0] << 24 | (size_t)d[1] << 16 | (size_t)d[2] << 8 | d[3];
    }
    out->swapped = !array_native_big();
    limn_block_order(out, 0);
done:
    return status;
}
