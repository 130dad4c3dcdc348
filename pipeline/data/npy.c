/* NumPy's .npy, read (versions 1.0 to 3.0) and written (1.0).
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 *
 * "\x93NUMPY", two bytes of version, the header's length (uint16, from 2.0 on uint32, little-endian), then a Python
 * dict literal {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4)}, then the elements. Read: bool, integers and
 * floats in either byte order, in C or Fortran order; not read: objects (they are pickled code), text, records, complex
 * numbers, dates. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/replace.h"
#include "base/try.h"
#include "data/array_read.h"

enum { MAX_HEADER = 1 << 16 };

static const struct {
    const char *code; /* descr without its byte order */
    limn_dtype dtype;
} types[] = {{"b1", LIMN_BOOL}, {"u1", LIMN_U8},  {"i1", LIMN_I8},  {"u2", LIMN_U16},
             {"i2", LIMN_I16},  {"u4", LIMN_U32}, {"i4", LIMN_I32}, {"u8", LIMN_U64},
             {"i8", LIMN_I64},  {"f2", LIMN_F16}, {"f4", LIMN_F32}, {"f8", LIMN_F64}};

/* ---- the header: a dict literal ---------------------------------------------------------------------------------- */
typedef struct {
    const char *name, *p, *end;
    limn_block *a;
    int big, fortran;
    unsigned seen; /* bit a key */
} header;

static limn_status bad(const header *h, const char *what) {
    return limn_fail(LIMN_EINPUT, "%s: its npy header is damaged: %s", h->name, what);
}

static char peek(header *h) {
    while (h->p < h->end && (*h->p == ' ' || *h->p == '\n' || *h->p == '\t' || *h->p == '\r')) h->p++;
    return h->p < h->end ? *h->p : '\0';
}

static int eat(header *h, char c) {
    if (peek(h) != c) return 0;
    h->p++;
    return 1;
}

/* A quoted string without escapes, at most `room` - 1 bytes. */
static limn_status quoted(header *h, char *to, size_t room) {
    char quote = peek(h);
    if (quote != '\'' && quote != '"') return bad(h, "a quoted word is missing");
    const char *start = ++h->p;
    while (h->p < h->end && *h->p != quote) h->p++;
    size_t n = (size_t)(h->p - start);
    if (h->p == h->end || n >= room) return bad(h, "a quoted word does not end");
    memcpy(to, start, n);
    to[n] = '\0';
    h->p++;
    return LIMN_OK;
}

static limn_status read_descr(header *h) {
    char d[64];
    if (peek(h) == '[')
        return limn_fail(LIMN_EINPUT, "%s: it holds records (a structured dtype), where plain numbers are needed",
                         h->name);
    limn_status s = quoted(h, d, sizeof d);
    if (s != LIMN_OK) return s;
    const char *code = strchr("<>|=", d[0]) && d[0] ? d + 1 : d;
    h->big = d[0] == '>';
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        if (strcmp(code, types[i].code) == 0) {
            h->a->dtype = types[i].dtype;
            return LIMN_OK;
        }
    }
    if (code[0] == 'O')
        return limn_fail(LIMN_EINPUT, "%s: it holds Python objects, where plain numbers are needed", h->name);
    array_printable(d);
    return limn_fail(LIMN_EINPUT, "%s: npy type '%s' cannot be read: bool, integers, f2, f4 and f8 can", h->name, d);
}

static limn_status read_order(header *h) {
    static const char *const word[] = {"False", "True"};
    (void)peek(h);
    for (int i = 0; i < 2; i++) {
        size_t n = strlen(word[i]);
        if ((size_t)(h->end - h->p) >= n && memcmp(h->p, word[i], n) == 0) {
            h->p += n;
            h->fortran = i;
            return LIMN_OK;
        }
    }
    return bad(h, "fortran_order is neither True nor False");
}

static limn_status read_dim(header *h, size_t *dim) {
    size_t v = 0;
    char c = peek(h);
    if (c < '0' || c > '9') return bad(h, "a dimension is not a number");
    for (; h->p < h->end && *h->p >= '0' && *h->p <= '9'; h->p++) {
        size_t digit = (size_t)(*h->p - '0');
        if (v > (SIZE_MAX - digit) / 10) return bad(h, "a dimension is too large for any machine");
        v = v * 10 + digit;
    }
    (void)eat(h, 'L'); /* Python 2 wrote 3L */
    *dim = v;
    return LIMN_OK;
}

static limn_status read_shape(header *h) {
    int rank = 0;
    if (!eat(h, '(')) return bad(h, "the shape is not a tuple");
    while (!eat(h, ')')) {
        if (rank == LIMN_ARRAY_RANK)
            return limn_fail(LIMN_EINPUT, "%s: it has more than %d dimensions", h->name, LIMN_ARRAY_RANK);
        limn_status s = read_dim(h, &h->a->dim[rank++]);
        if (s != LIMN_OK) return s;
        if (!eat(h, ',') && peek(h) != ')') return bad(h, "the shape does not end");
    }
    h->a->rank = rank;
    return LIMN_OK;
}

static const struct {
    const char *key;
    limn_status (*read)(header *);
} keys[] = {{"descr", read_descr}, {"fortran_order", read_order}, {"shape", read_shape}};

static limn_status read_dict(header *h) {
    if (!eat(h, '{')) return bad(h, "it does not start with {");
    while (!eat(h, '}')) {
        char key[32];
        size_t i = 0;
        limn_status s = quoted(h, key, sizeof key);
        if (s != LIMN_OK) return s;
        while (i < COUNT_OF(keys) && strcmp(key, keys[i].key) != 0) i++;
        if (i == COUNT_OF(keys)) return bad(h, "a key is none of descr, fortran_order, shape");
        if (h->seen & 1u << i) return bad(h, "a key comes twice");
        if (!eat(h, ':')) return bad(h, "a colon is missing");
        h->seen |= 1u << i;
        s = keys[i].read(h);
        if (s != LIMN_OK) return s;
        if (!eat(h, ',') && peek(h) != '}') return bad(h, "a comma is missing");
    }
    if (h->seen != (1u << COUNT_OF(keys)) - 1) return bad(h, "it lacks descr, fortran_order or shape");
    if (peek(h) != '\0') return bad(h, "something follows the }");
    return LIMN_OK;
}

limn_status array_head_npy(limn_block *out, limn_bytes *b, const unsigned char magic[ARRAY_MAGIC]) {
    limn_status status = LIMN_OK;
    unsigned char rest[4], length[4] = {0};
    char *text = NULL;
    header h = {.name = limn_bytes_name(b), .a = out};
    (void)magic;
    TRY(limn_bytes_exact(b, rest, sizeof rest, "npy header"));
    if (memcmp(rest, "PY", 2) != 0) FAIL(LIMN_EINPUT, "%s: it starts like npy, but not with \\x93NUMPY", h.name);
    if (rest[2] < 1 || rest[2] > 3)
        FAIL(LIMN_EINPUT, "%s: npy version %d.%d is unknown: 1.0 to 3.0 can be read", h.name, rest[2], rest[3]);
    TRY(limn_bytes_exact(b, length, rest[2] == 1 ? 2 : 4, "npy header"));
    size_t n = (size_t)length[0] | (size_t)length[1] << 8 | (size_t)length[2] << 16 | (size_t)length[3] << 24;
    if (n > MAX_HEADER)
        FAIL(LIMN_EINPUT, "%s: its npy header has %zu bytes, more than the %d that a plain array needs", h.name, n,
             MAX_HEADER);
    TRY(limn_new(&text, n, 1));
    TRY(limn_bytes_exact(b, text, n, "npy header"));
    h.p = text;
    h.end = text + n;
    TRY(read_dict(&h));
    out->swapped = h.big != array_native_big();
    limn_block_order(out, h.fortran);
done:
    free(text);
    return status;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */
/* Magic, version, length and dict, padded with spaces so that the data start at a multiple of 64. */
static size_t make_header(char *to, size_t room, const size_t *dim, int rank) {
    const uint16_t one = 1;
    char shape[LIMN_ARRAY_RANK * 24 + 1] = "";
    size_t at = 0;
    for (int i = 0; i < rank; i++) at += (size_t)snprintf(shape + at, sizeof shape - at, i ? ", %zu" : "%zu", dim[i]);
    int n = snprintf(to + 10, room - 10, "{'descr': '%cf4', 'fortran_order': False, 'shape': (%s%s), }",
                     *(const unsigned char *)&one ? '<' : '>', shape, rank == 1 ? "," : "");
    size_t end = 10 + (size_t)n, total = (end + 1 + 63) / 64 * 64;
    memset(to + end, ' ', total - end - 1);
    to[total - 1] = '\n';
    memcpy(to, "\x93NUMPY\x01\x00", 8);
    to[8] = (char)((total - 10) & 255);
    to[9] = (char)((total - 10) >> 8);
    return total;
}

typedef struct {
    const char *head;
    const float *data;
    size_t n, bytes; /* of the head; of the data */
} npy_content;

static int write_npy(FILE *f, const void *ctx) {
    const npy_content *c = ctx;
    return fwrite(c->head, 1, c->n, f) != c->n || fwrite(c->data, 1, c->bytes, f) != c->bytes;
}

limn_status limn_npy_write(const char *path, const float *data, const size_t *dim, int rank) {
    limn_status status = LIMN_OK;
    char head[512];
    size_t bytes = sizeof *data;
    if (rank < 0 || rank > LIMN_ARRAY_RANK)
        FAIL(LIMN_EINPUT, "%s: an array of %d dimensions cannot be written", path, rank);
    for (int i = 0; i < rank; i++) TRY(limn_mul(&bytes, bytes, dim[i]));
    size_t n = make_header(head, sizeof head, dim, rank);
    status = limn_replace_file(path, write_npy, &(npy_content){head, data, n, bytes});
done:
    return status;
}
