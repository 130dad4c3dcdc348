/* Arrays from files: what IDX, npy and npz have in common. See array.h.
 *
 * Steps: read the magic; the row of `formats` that knows it parses the header; the header's size is held against
 * limn_bytes_most(); then the body is read, swapped to native order, and the file must end. */
#include "data/array.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "data/array_read.h"

/* ---- element types ----------------------------------------------------------------------------------------------- */
/* IEEE 754 binary16: sign 1, exponent 5 (bias 15), fraction 10. */
static double half_to_double(uint16_t h) {
    int exponent = h >> 10 & 31, fraction = h & 1023;
    double v = exponent == 31  ? (fraction ? NAN : INFINITY)
               : exponent == 0 ? ldexp(fraction, -24)
                               : ldexp(1024 + fraction, exponent - 25);
    return h & 0x8000 ? -v : v;
}

#define GETTER(name, type, expr)                                                                                       \
    static double name(const void *data, size_t i) {                                                                   \
        type v = ((const type *)data)[i];                                                                              \
        return expr;                                                                                                   \
    }
GETTER(get_u8, uint8_t, v)
GETTER(get_i8, int8_t, v)
GETTER(get_u16, uint16_t, v)
GETTER(get_i16, int16_t, v)
GETTER(get_u32, uint32_t, v)
GETTER(get_i32, int32_t, v)
GETTER(get_u64, uint64_t, (double)v)
GETTER(get_i64, int64_t, (double)v)
GETTER(get_f16, uint16_t, half_to_double(v))
GETTER(get_f32, float, v)
GETTER(get_f64, double, v)
GETTER(get_bool, uint8_t, v != 0)

static const struct {
    const char *name;
    size_t size;
    int is_float;
    double (*get)(const void *, size_t);
} dtypes[LIMN_DTYPES] = {
    [LIMN_U8] = {"uint8", 1, 0, get_u8},     [LIMN_I8] = {"int8", 1, 0, get_i8},
    [LIMN_U16] = {"uint16", 2, 0, get_u16},  [LIMN_I16] = {"int16", 2, 0, get_i16},
    [LIMN_U32] = {"uint32", 4, 0, get_u32},  [LIMN_I32] = {"int32", 4, 0, get_i32},
    [LIMN_U64] = {"uint64", 8, 0, get_u64},  [LIMN_I64] = {"int64", 8, 0, get_i64},
    [LIMN_F16] = {"float16", 2, 1, get_f16}, [LIMN_F32] = {"float32", 4, 1, get_f32},
    [LIMN_F64] = {"float64", 8, 1, get_f64}, [LIMN_BOOL] = {"bool", 1, 0, get_bool},
};

const char *limn_dtype_name(limn_dtype t) {
    return dtypes[t].name;
}

size_t limn_dtype_size(limn_dtype t) {
    return dtypes[t].size;
}

int limn_dtype_is_float(limn_dtype t) {
    return dtypes[t].is_float;
}

double array_element(limn_dtype t, const void *data, size_t i) {
    return dtypes[t].get(data, i);
}

double limn_array_get(const limn_array *a, size_t i) {
    return dtypes[a->dtype].get(a->data, i);
}

limn_status limn_array_floats(float **out, const limn_array *a) {
    limn_status s = limn_new(out, a->count, sizeof **out);
    if (s != LIMN_OK) return s;
    for (size_t i = 0; i < a->count; i++) (*out)[i] = (float)dtypes[a->dtype].get(a->data, i);
    return LIMN_OK;
}

void limn_array_clear(limn_array *a) {
    free(a->data);
    *a = (limn_array){0};
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */
/* count = product of dim, and *bytes = its size; a zero dim must not hide an overflow of the others. */
limn_status array_measure(limn_block *a, size_t *bytes, const char *name) {
    size_t size = limn_dtype_size(a->dtype);
    a->count = 1;
    for (int i = 0; i < a->rank; i++) {
        size_t d = a->dim[i] ? a->dim[i] : 1;
        if (size > SIZE_MAX / 2 / d)
            return limn_fail(LIMN_EINPUT, "%s: its header promises more elements than any machine can hold", name);
        size *= d;
        a->count *= a->dim[i];
    }
    *bytes = a->count * limn_dtype_size(a->dtype);
    return LIMN_OK;
}

void array_swap(void *data, size_t count, size_t size) {
    unsigned char *p = data;
    for (; count > 0; count--, p += size) {
        for (size_t i = 0; i < size / 2; i++) {
            unsigned char t = p[i];
            p[i] = p[size - 1 - i];
            p[size - 1 - i] = t;
        }
    }
}

int array_native_big(void) {
    const uint16_t one = 1;
    return *(const unsigned char *)&one == 0;
}

/* The data behind the head: a large plain file stays where it is, all else becomes memory or a temporary file. */
static limn_status read_body(limn_block *out, limn_bytes *b) {
    limn_status status = LIMN_OK;
    size_t bytes = 0, most = limn_bytes_most(b), piece = SPOOL_MEMORY;
    const char *name = limn_bytes_name(b);
    unsigned char *buffer = NULL;
    TRY(array_measure(out, &bytes, name));
    if (bytes > most) {
        char shape[ARRAY_SHAPE_ROOM];
        array_shape_text(shape, out->rank, out->dim);
        FAIL(LIMN_EINPUT, "%s: its header promises %s %s, which are %zu bytes, but %s %zu follow", name, shape,
             limn_dtype_name(out->dtype), bytes, limn_bytes_gzip(b) ? "at most" : "only", most);
    }
    if (bytes > SPOOL_MEMORY && bytes == most && limn_bytes_file(b, &out->bytes.fd, &out->offset)) {
        out->bytes.on_disk = 1;
        out->bytes.n = out->offset + bytes;
        return LIMN_OK;
    }
    TRY(limn_spool_reserve(&out->bytes, bytes));
    if (!out->bytes.on_disk) {
        TRY(limn_bytes_exact(b, out->bytes.memory, bytes, "data"));
    } else {
        TRY(limn_new(&buffer, piece, 1));
        for (size_t at = 0; at < bytes; at += piece) {
            if (piece > bytes - at) piece = bytes - at;
            TRY(limn_bytes_exact(b, buffer, piece, "data"));
            TRY(limn_spool_put(&out->bytes, at, buffer, piece));
        }
    }
    TRY(limn_bytes_end(b, "data"));
done:
    free(buffer);
    return status;
}

void array_shape_text(char to[ARRAY_SHAPE_ROOM], int rank, const size_t *dim) {
    size_t at = 1;
    to[0] = '(';
    for (int i = 0; i < rank; i++) at += (size_t)snprintf(to + at, ARRAY_SHAPE_ROOM - at, i ? ", %zu" : "%zu", dim[i]);
    snprintf(to + at, ARRAY_SHAPE_ROOM - at, ")");
}

void array_printable(char *s) {
    for (; *s; s++) {
        if ((unsigned char)*s < ' ' || (unsigned char)*s > '~') *s = '?';
    }
}

/* Files that people take for arrays, so that the message can name them. */
static const struct {
    const char *magic;
    size_t n;
    const char *what;
} others[] = {
    {"\x89PNG", 4, "a PNG picture"}, {"\xff\xd8\xff", 3, "a JPEG picture"}, {"PK\x03\x04", 4, "a zip (or npz) file"},
    {"\x89HDF", 4, "an HDF5 file"},  {"SQLi", 4, "an SQLite database"},     {"\x1f\x8b", 2, "gzip inside gzip"},
};

static limn_status unknown(const char *name, const unsigned char *magic) {
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        if (memcmp(magic, others[i].magic, others[i].n) == 0)
            return limn_fail(LIMN_EINPUT, "%s: it is %s, where an IDX or npy file is needed", name, others[i].what);
    }
    return limn_fail(LIMN_EINPUT,
                     "%s: it starts with the bytes %02x %02x %02x %02x, so it is neither IDX (00 00) nor npy "
                     "(93 4e 55 4d)",
                     name, magic[0], magic[1], magic[2], magic[3]);
}

static const struct {
    const char *name, *magic;
    size_t n;
    limn_status (*head)(limn_block *, limn_bytes *, const unsigned char *);
} formats[] = {
    {"IDX", "\0\0", 2, array_head_idx},
    {"npy", "\x93NUM", 4, array_head_npy},
};

limn_status array_stream_head(limn_block *out, limn_bytes *b) {
    unsigned char magic[ARRAY_MAGIC];
    size_t got;
    limn_status s = limn_bytes_read(b, magic, sizeof magic, &got);
    if (s != LIMN_OK) return s;
    if (got < sizeof magic || memcmp(magic, "\x93NUM", sizeof magic) != 0)
        return limn_fail(LIMN_EINPUT, "%s: the member is not an npy array", limn_bytes_name(b));
    return array_head_npy(out, b, magic);
}

limn_status array_stream(limn_block *out, limn_bytes *b, int only_npy) {
    limn_status status = LIMN_OK;
    unsigned char magic[ARRAY_MAGIC] = {0};
    size_t got, i;
    if (only_npy) {
        TRY(array_stream_head(out, b));
        TRY(read_body(out, b));
        goto done;
    }
    TRY(limn_bytes_read(b, magic, sizeof magic, &got));
    if (got == 0) FAIL(LIMN_EINPUT, "%s: it is empty", limn_bytes_name(b));
    if (got < sizeof magic) FAIL(LIMN_EINPUT, "%s: it has %zu bytes, too few for IDX or npy", limn_bytes_name(b), got);
    for (i = 0; i < COUNT_OF(formats); i++) {
        if (memcmp(magic, formats[i].magic, formats[i].n) == 0) break;
    }
    if (i == COUNT_OF(formats)) TRY(unknown(limn_bytes_name(b), magic));
    TRY(formats[i].head(out, b, magic));
    TRY(read_body(out, b));
    snprintf(out->format, sizeof out->format, "%s%s", formats[i].name, limn_bytes_gzip(b) ? " (gzip)" : "");
done:
    return status;
}

limn_status limn_array_read(limn_array *out, const char *path) {
    limn_block b = {0};
    *out = (limn_array){0};
    limn_status s = limn_block_open(&b, path);
    if (s == LIMN_OK) s = limn_block_array(out, &b);
    limn_block_clear(&b);
    return s;
}

limn_status limn_array_parse(limn_array *out, const void *bytes, size_t n, const char *name) {
    limn_block block = {0};
    limn_bytes *b = NULL;
    *out = (limn_array){0};
    limn_status s = limn_bytes_memory(&b, bytes, n, name);
    if (s != LIMN_OK) return s;
    s = array_stream(&block, b, 0);
    limn_bytes_free(b);
    if (s == LIMN_OK) s = limn_block_array(out, &block);
    limn_block_clear(&block);
    return s;
}
