/* The numbers of ONNX tensors, converted to float32 or float64.
 *
 * A TensorProto holds them as raw_data (little-endian, packed), or in the field of its type: 4 float_data, 5 int32_data
 * (also bool, float16 as its bits, 8- and 16-bit integers), 7 int64_data, 10 double_data, 11 uint64_data; or in another
 * file (data_location 1; 13 external_data {1 key, 2 value}: location, offset, length). That file must lie in the model's
 * folder or below it: no absolute path, no "..", no symbolic link on the way. It is mapped once, at its first use.
 *
 * The number of values is always held against the dimensions. Threading: none of its own. */
#define _DEFAULT_SOURCE /* madvise */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/try.h"
#include "model/onnx.h"

/* ---- element types --------------------------------------------------------------------------------------------------
 */
static double half(uint32_t h) {
    uint32_t sign = (h & 0x8000u) << 16, exponent = h >> 10 & 0x1f, fraction = h & 0x3ff, bits;
    float v;
    if (exponent == 0) { /* 0 and denormal numbers: fraction 2^-24 */
        double d = (double)fraction / (1 << 24);
        return sign ? -d : d;
    }
    bits = sign | (exponent == 31 ? 0x7f800000u : (exponent + 112) << 23) | fraction << 13;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static double from_float16(uint64_t v) {
    return half((uint32_t)v & 0xffff);
}
static double from_float(uint64_t v) {
    uint32_t low = (uint32_t)v;
    float f;
    memcpy(&f, &low, sizeof f);
    return f;
}
static double from_bfloat16(uint64_t v) {
    return from_float(v << 16);
}
static double from_double(uint64_t v) {
    double d;
    memcpy(&d, &v, sizeof d);
    return d;
}
/* The low bits as an integer of this type. */
#define INTEGER(name, type)                                                                                            \
    static double name(uint64_t v) {                                                                                   \
        return (double)(type)v;                                                                                        \
    }
INTEGER(from_uint8, uint8_t)
INTEGER(from_int8, int8_t)
INTEGER(from_uint16, uint16_t)
INTEGER(from_int16, int16_t)
INTEGER(from_int32, int32_t)
INTEGER(from_uint32, uint32_t)
INTEGER(from_int64, int64_t)
INTEGER(from_uint64, uint64_t)

static double from_bool(uint64_t v) {
    return (v & 0xff) != 0;
}

static const struct {
    const char *name;
    unsigned bytes; /* in raw_data */
    uint32_t field; /* its own field */
    unsigned fixed; /* bytes of a packed number of that field; 0: varint */
    double (*convert)(uint64_t bits);
} type_table[] = {
    [ONNX_FLOAT] = {"float", 4, 4, 4, from_float},     [ONNX_UINT8] = {"uint8", 1, 5, 0, from_uint8},
    [ONNX_INT8] = {"int8", 1, 5, 0, from_int8},        [ONNX_UINT16] = {"uint16", 2, 5, 0, from_uint16},
    [ONNX_INT16] = {"int16", 2, 5, 0, from_int16},     [ONNX_INT32] = {"int32", 4, 5, 0, from_int32},
    [ONNX_INT64] = {"int64", 8, 7, 0, from_int64},     [ONNX_STRING] = {"string", 0, 0, 0, NULL},
    [ONNX_BOOL] = {"bool", 1, 5, 0, from_bool},        [ONNX_FLOAT16] = {"float16", 2, 5, 0, from_float16},
    [ONNX_DOUBLE] = {"double", 8, 10, 8, from_double}, [ONNX_UINT32] = {"uint32", 4, 11, 0, from_uint32},
    [ONNX_UINT64] = {"uint64", 8, 11, 0, from_uint64}, [ONNX_BFLOAT16] = {"bfloat16", 2, 5, 0, from_bfloat16},
};

const char *onnx_type_name(int type) {
    return type > 0 && (size_t)type < COUNT_OF(type_table) ? type_table[type].name : NULL;
}

static uint64_t little_endian(const unsigned char *p, unsigned n) {
    uint64_t v = 0;
    while (n-- > 0) v = v << 8 | p[n];
    return v;
}

/* Where the numbers go: exactly one of the two is set. */
typedef struct {
    float *f;
    double *d;
} target;

static void put(target out, size_t i, double v) {
    if (out.f)
        out.f[i] = (float)v;
    else
        out.d[i] = v;
}

/* ---- external files -------------------------------------------------------------------------------------------------
 */
/* Opens folder/name, name's parts one by one without following links; -1 and errno where it cannot. */
static int open_below(const char *folder, const char *name) {
    char part[NAME_MAX + 1];
    int at = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    while (at >= 0) {
        const char *slash = strchr(name, '/');
        size_t n = slash ? (size_t)(slash - name) : strlen(name);
        int next = -1;
        errno = EINVAL;
        if (n > 0 && n <= NAME_MAX) {
            memcpy(part, name, n);
            part[n] = 0;
            if (strcmp(part, "..") != 0)
                next = openat(at, part, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | (slash ? O_DIRECTORY : 0));
        }
        int why = errno;
        close(at);
        errno = why;
        at = next;
        if (!slash) break;
        name = slash + 1;
    }
    return at;
}

static limn_status map_external(onnx_model *m, onnx_bytes name, onnx_bytes *out) {
    limn_status status = LIMN_OK;
    char path[PATH_MAX];
    struct stat st;
    int fd = -1;
    for (size_t i = 0; i < m->n_external; i++) {
        if (m->external[i].name.n != name.n || memcmp(m->external[i].name.p, name.p, name.n) != 0) continue;
        *out = m->external[i].bytes;
        return LIMN_OK;
    }
    if (!m->folder) FAIL(LIMN_EINPUT, "its weights lie in another file, which cannot be read here");
    if (m->n_external >= ONNX_MAX_FILES) FAIL(LIMN_EINPUT, "weights in more than %d other files", ONNX_MAX_FILES);
    if (name.n == 0 || name.n >= sizeof path || memchr(name.p, 0, name.n) || name.p[0] == '/')
        FAIL(LIMN_EINPUT, "its weights lie in `%s`, but they must lie in the model's folder", onnx_text(name));
    memcpy(path, name.p, name.n);
    path[name.n] = 0;
    for (const char *p = path; p; p = strchr(p, '/')) {
        p += *p == '/';
        if (strncmp(p, "..", 2) == 0 && (p[2] == '/' || p[2] == 0))
            FAIL(LIMN_EINPUT, "its weights lie in `%s`, but they must lie in the model's folder", onnx_text(name));
    }
    fd = open_below(m->folder, path);
    if (fd < 0 || fstat(fd, &st) != 0)
        FAIL(LIMN_EINPUT, "its weights lie in `%s`: %s", onnx_text(name),
             errno == ELOOP || errno == EINVAL ? "not a plain file of the model's folder"
             : errno == ENOENT                 ? "no such file beside it"
                                               : strerror(errno));
    if (!S_ISREG(st.st_mode)) FAIL(LIMN_EINPUT, "its weights lie in `%s`: not a regular file", onnx_text(name));
    if (st.st_size == 0) FAIL(LIMN_EINPUT, "its weights lie in `%s`: the file is empty", onnx_text(name));
    out->n = (size_t)st.st_size;
    void *map = mmap(NULL, out->n, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED) FAIL(LIMN_EINPUT, "its weights lie in `%s`: %s", onnx_text(name), strerror(errno));
    out->p = map;
    m->external[m->n_external].name = name;
    m->external[m->n_external++].bytes = *out;
done:
    if (fd >= 0) close(fd);
    return status;
}

void onnx_close_external(onnx_model *m) {
    for (size_t i = 0; i < m->n_external; i++)
        munmap((void *)(uintptr_t)m->external[i].bytes.p, m->external[i].bytes.n);
    m->n_external = 0;
}

/* A decimal number of external_data. */
static limn_status decimal(onnx_bytes b, size_t *out) {
    *out = 0;
    for (size_t i = 0; i < b.n; i++) {
        if (b.p[i] < '0' || b.p[i] > '9' || i > 17)
            return limn_fail(LIMN_EINPUT, "the place `%s` of weights in another file is no number", onnx_text(b));
        *out = *out * 10 + (size_t)(b.p[i] - '0');
    }
    return LIMN_OK;
}

/* One external_data entry {1 key, 2 value}. */
static limn_status entry(onnx_bytes message, onnx_bytes *key, onnx_bytes *value) {
    onnx_field f;
    int more = 1;
    *key = *value = (onnx_bytes){(const unsigned char *)"", 0};
    for (;;) {
        limn_status s = onnx_next(&message, &f, &more);
        if (s != LIMN_OK || !more) return s;
        if (f.field == 1 && f.is_bytes) *key = f.bytes;
        if (f.field == 2 && f.is_bytes) *value = f.bytes;
    }
}

static limn_status external_raw(onnx_model *m, const onnx_tensor *t, onnx_bytes *raw) {
    limn_status status = LIMN_OK;
    onnx_bytes rest = t->message, key, value, name = {(const unsigned char *)"", 0}, file;
    size_t offset = 0, length = SIZE_MAX;
    onnx_field f;
    int more;
    for (;;) {
        TRY(onnx_next(&rest, &f, &more));
        if (!more) break;
        if (f.field != 13) continue;
        TRY(entry(f.bytes, &key, &value));
        if (onnx_is(key, "location")) name = value;
        if (onnx_is(key, "offset")) TRY(decimal(value, &offset));
        if (onnx_is(key, "length")) TRY(decimal(value, &length));
    }
    if (!m) FAIL(LIMN_EINPUT, "its values lie in another file, which cannot be read here");
    TRY(map_external(m, name, &file));
    if (offset > file.n || (length != SIZE_MAX && length > file.n - offset))
        FAIL(LIMN_EINPUT, "its values lie beyond the end of `%s`, which has %zu bytes", onnx_text(name), file.n);
    *raw = (onnx_bytes){file.p + offset, length != SIZE_MAX ? length : file.n - offset};
    if (length == SIZE_MAX) { /* not said: as many as the dimensions need */
        size_t need = t->count * type_table[t->type].bytes;
        if (raw->n > need) raw->n = need;
    }
done:
    return status;
}

/* ---- reading --------------------------------------------------------------------------------------------------------
 */
static limn_status read_raw(const onnx_tensor *t, onnx_bytes raw, target out) {
    unsigned size = type_table[t->type].bytes;
    if (raw.n != t->count * size)
        return limn_fail(LIMN_EINPUT, "it has %zu bytes where its shape needs %zu", raw.n, t->count * size);
    if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && t->type == ONNX_FLOAT &&
        out.f) { /* nearly all of a model's bytes */
        if (raw.n) memcpy(out.f, raw.p, raw.n);
        return LIMN_OK;
    }
    for (size_t i = 0; i < t->count; i++)
        put(out, i, type_table[t->type].convert(little_endian(raw.p + i * size, size)));
    return LIMN_OK;
}

/* The numbers of the type's own field, packed or one by one. */
static limn_status read_field(const onnx_tensor *t, target out) {
    limn_status status = LIMN_OK;
    unsigned fixed = type_table[t->type].fixed;
    onnx_bytes rest = t->message;
    onnx_field f;
    size_t n = 0;
    int more;
    for (;;) {
        TRY(onnx_next(&rest, &f, &more));
        if (!more) break;
        if (f.field != type_table[t->type].field) continue;
        do {
            uint64_t number = f.number;
            if (f.is_bytes && f.bytes.n == 0) break;
            if (f.is_bytes && fixed) {
                if (f.bytes.n < fixed) FAIL(LIMN_EINPUT, "damaged ONNX: it ends within a number");
                number = little_endian(f.bytes.p, fixed);
                f.bytes.p += fixed, f.bytes.n -= fixed;
            } else if (f.is_bytes)
                TRY(onnx_varint(&f.bytes, &number));
            if (n < t->count) put(out, n, type_table[t->type].convert(number));
            n++;
        } while (f.is_bytes);
    }
    if (n != t->count) FAIL(LIMN_EINPUT, "it has %zu values where its shape needs %zu", n, t->count);
done:
    return status;
}

static limn_status check_type(const onnx_tensor *t) {
    if (onnx_type_name(t->type) && type_table[t->type].convert) return LIMN_OK;
    if (onnx_type_name(t->type))
        return limn_fail(LIMN_EINPUT, "it is of the type %s, which is not supported", onnx_type_name(t->type));
    return limn_fail(LIMN_EINPUT, "it is of the unknown type %d", t->type);
}

/* The whole pages of raw, which has been copied, are not needed in memory any more; who reads them again has them again. */
static void give_back(onnx_bytes raw) {
    long page = sysconf(_SC_PAGESIZE);
    if (page <= 0) return;
    uintptr_t size = (uintptr_t)page, from = ((uintptr_t)raw.p + size - 1) / size * size,
              to = ((uintptr_t)raw.p + raw.n) / size * size;
    if (to > from) madvise((void *)from, to - from, MADV_DONTNEED);
}

/* Room is reserved only for numbers whose bytes are there: each takes one at least. out->f or out->d is made. */
static limn_status read_numbers(onnx_model *m, const onnx_tensor *t, int as_floats, target *out) {
    limn_status status = LIMN_OK;
    onnx_bytes raw = t->raw;
    TRY(check_type(t));
    if (t->external) TRY(external_raw(m, t, &raw));
    if (t->count > (raw.p ? raw.n : t->message.n)) FAIL(LIMN_EINPUT, "it has fewer values than its shape needs");
    if (as_floats)
        TRY(limn_new(&out->f, t->count, sizeof *out->f));
    else
        TRY(limn_new(&out->d, t->count, sizeof *out->d));
    status = raw.p ? read_raw(t, raw, *out) : read_field(t, *out);
    if (raw.p && m && (t->external || m->mapped)) give_back(raw);
done:
    if (status == LIMN_OK) return status;
    free(out->f);
    free(out->d);
    *out = (target){NULL, NULL};
    return status == LIMN_EINPUT ? limn_fail_at(status, "the tensor `%s`: ", onnx_text(t->name)) : status;
}

limn_status onnx_tensor_floats(onnx_model *m, const onnx_tensor *t, float **out) {
    target to = {NULL, NULL};
    limn_status s = read_numbers(m, t, 1, &to);
    *out = to.f;
    return s;
}

limn_status onnx_tensor_doubles(onnx_model *m, const onnx_tensor *t, double **out) {
    target to = {NULL, NULL};
    limn_status s = read_numbers(m, t, 0, &to);
    *out = to.d;
    return s;
}
