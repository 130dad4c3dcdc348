/* Looks through a MATLAB file before libmatio does: see mat.h. It finds MATLAB's own objects, which libmatio cannot read,
 * and what is cut short or promises more than it has, which libmatio would fill up in silence.
 *
 * Version 5 (https://www.mathworks.com/help/pdf_doc/matlab/matfile_format.pdf): a header of 128 bytes, then elements of an
 * 8-byte tag (type, bytes) and data; miCOMPRESSED (15) holds a deflated miMATRIX (14). In a matrix the first
 * subelement is its flags, whose lowest byte is the class; class 17, which that document does not name, is an object:
 * then come the variable's name, the type system ("MCOS") and the class's name as texts.
 * Version 7.3: mat73.c. */
#define _GNU_SOURCE
#include "helper/mat.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/mem.h"

enum { HEADER = 128, TAG = 8, LOOK = 1024, NAME = 128, ELEMENTS = 1 << 16 };
enum { INT32 = 5, MATRIX = 14, COMPRESSED = 15 }; /* types of elements */
enum { DOUBLE = 6, UINT64 = 15, OPAQUE = 17 };    /* classes of matrices; all from DOUBLE to UINT64 are numbers */

/* What a class needs a person to do; NULL ends it. %s: the variable, its class. */
static const struct {
    const char *class, *why;
} advice[] = {
    {"SeriesNetwork", "net"},
    {"DAGNetwork", "net"},
    {"dlnetwork", "net"},
    {"network", "net"},
    {"nnet.cnn.LayerGraph", "net"},
    {"nnet.cnn.layer.Layer", "net"},
    {"categorical", "it is a categorical array, which MATLAB alone can read: save cellstr(x) or double(x)"},
    {"string", "it is a string array, which MATLAB alone can read: save cellstr(x)"},
    {"table", "it is a table, which MATLAB alone can read: save its columns as variables of their own"},
};

void mat_object_tell(mat_object *m, const char *name, const char *class) {
    const char *why = NULL;
    snprintf(m->name, sizeof m->name, "%s", name);
    for (size_t i = 0; i < COUNT_OF(advice); i++)
        if (strcmp(advice[i].class, class) == 0) why = advice[i].why;
    if (why && strcmp(why, "net") == 0)
        snprintf(m->why, sizeof m->why,
                 "it is a network object (%.60s), which MATLAB alone can read: there, exportONNXNetwork(%.60s, "
                 "'net.onnx') writes a file that limn reads",
                 class, name);
    else if (why)
        snprintf(m->why, sizeof m->why, "%s", why);
    else
        snprintf(m->why, sizeof m->why, "it is an object of the class %.100s, which MATLAB alone can read", class);
    for (char *c = m->why; *c; c++)
        if (!isprint((unsigned char)*c)) *c = '?';
}

static limn_status add(mat_objects *o, const char *name, const char *class) {
    limn_status s = limn_grow(&o->object, o->n, &o->room, sizeof *o->object);
    if (s == LIMN_OK) mat_object_tell(&o->object[o->n++], name, class);
    return s;
}

int mat_objects_has(const mat_objects *o, const char *name) {
    for (size_t i = 0; i < o->n; i++)
        if (strcmp(o->object[i].name, name) == 0) return 1;
    return 0;
}

void mat_objects_clear(mat_objects *o) {
    free(o->object);
    *o = (mat_objects){0};
}

/* ---- version 5 --------------------------------------------------------------------------------------------------- */
typedef struct {
    const unsigned char *p;
    size_t n;
    int big;
} bytes;

static uint32_t u32(const bytes *b, size_t at) {
    const unsigned char *p = b->p + at;
    return b->big ? (uint32_t)p[3] | (uint32_t)p[2] << 8 | (uint32_t)p[1] << 16 | (uint32_t)p[0] << 24
                  : (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* A text subelement, of the long or the short form, at *at, which moves behind it. */
static int take_text(const bytes *b, size_t *at, char *to, size_t room) {
    if (b->n < TAG || *at > b->n - TAG) return 0;
    uint32_t first = u32(b, *at), n = first >> 16 ? first >> 16 : u32(b, *at + 4);
    size_t start = *at + (first >> 16 ? 4 : TAG), whole = first >> 16 ? TAG : TAG + ((size_t)n + 7) / 8 * 8;
    if (n >= room || start > b->n || n > b->n - start) return 0;
    memcpy(to, b->p + start, n);
    to[n] = 0;
    *at += whole;
    return 1;
}

/* The beginning of a matrix, behind its tag, if it is an object. */
static limn_status look_at(mat_objects *o, const bytes *b) {
    char name[NAME], system[32], class[128];
    size_t at = TAG + 8;
    if (!take_text(b, &at, name, sizeof name) || !take_text(b, &at, system, sizeof system) ||
        !take_text(b, &at, class, sizeof class))
        return LIMN_OK;
    return *name ? add(o, name, class) : LIMN_OK;
}

/* Whether an array of numbers has as many of them as its dims say; libmatio would fill up what is missing. length: of the
 * matrix, of which b has the first bytes. */
static limn_status check_numbers(const bytes *b, uint64_t length, char name[NAME]) {
    static const unsigned char size[] = {0, 1, 1, 2, 2, 4, 4, 4, 0, 8, 0, 0, 8, 8};
    size_t at = TAG + 8;
    uint64_t n = 1;
    if (b->n < at + TAG || u32(b, at) != INT32) return limn_fail(LIMN_EINPUT, "a variable has no dimensions");
    uint32_t rank = u32(b, at + 4) / 4;
    at += TAG;
    if (rank < 2 || rank > 32 || b->n < at + 4 * (size_t)(rank + rank % 2))
        return limn_fail(LIMN_EINPUT, "a variable has %u dimensions", (unsigned)rank);
    for (uint32_t k = 0; k < rank; k++) {
        uint32_t d = u32(b, at + 4 * k);
        if (d > 0 && n > UINT64_MAX / 16 / d) return limn_fail(LIMN_EINPUT, "a variable is too large");
        n *= d;
    }
    at += 4 * (size_t)(rank + rank % 2);
    if (!take_text(b, &at, name, NAME) || b->n < TAG || at > b->n - TAG)
        return limn_fail(LIMN_EINPUT, "a variable is cut short");
    uint32_t first = u32(b, at), type = first & 0xffff;
    uint64_t have = first >> 16 ? first >> 16 : u32(b, at + 4), start = at + (first >> 16 ? 4 : TAG);
    if (type >= sizeof size || size[type] == 0 || have != n * size[type] || start + have > length)
        return limn_fail(LIMN_EINPUT, "`%s` has not as many values as its dimensions say", name);
    return LIMN_OK;
}

/* Inflates up to `room` bytes of an element from `at` on into `to`; room 0: all of it, into nothing, which must be as much
 * as the matrix in it says, with its checksum. */
static limn_status inflate_from(uint64_t at, uint64_t length, unsigned char *to, size_t room, size_t *got, int big) {
    limn_status status = LIMN_OK;
    unsigned char in[LOOK * 16], out[LOOK * 16], tag[TAG] = {0};
    z_stream z = {0};
    int r = Z_OK;
    *got = 0;
    if (inflateInit(&z) != Z_OK) return limn_fail(LIMN_ENOMEM, "no memory to inflate");
    while (r == Z_OK && (room == 0 || *got < room)) {
        if (z.avail_in == 0) {
            ssize_t n = pread(ANSWER_IN, in, length < sizeof in ? length : sizeof in, (off_t)at);
            if (n <= 0) break;
            z.next_in = in;
            z.avail_in = (uInt)n;
            at += (uint64_t)n;
            length -= (uint64_t)n;
        }
        z.next_out = room ? to + *got : out;
        z.avail_out = (uInt)(room ? room - *got : sizeof out);
        uInt before = z.avail_out;
        r = inflate(&z, Z_NO_FLUSH);
        if (room == 0 && *got < TAG)
            memcpy(tag + *got, out, before - z.avail_out < TAG - *got ? before - z.avail_out : TAG - *got);
        *got += before - z.avail_out;
    }
    inflateEnd(&z);
    const bytes b = {tag, sizeof tag, big};
    if (room == 0 && (r != Z_STREAM_END || *got < TAG || *got != TAG + (uint64_t)u32(&b, 4)))
        status = limn_fail(LIMN_EINPUT, "a compressed variable is damaged");
    return status;
}

static int is_wanted(char **names, const char *name) {
    for (; *names; names++)
        if (strcmp(*names, name) == 0) return 1;
    return 0;
}

/* An element that is a matrix, deflated or not. */
static limn_status check_matrix(mat_objects *o, uint64_t at, uint64_t length, int deflated, int big, char **names) {
    limn_status status = LIMN_OK;
    unsigned char raw[LOOK];
    char name[NAME] = "";
    size_t n = 0;
    if (deflated) {
        TRY(inflate_from(at + TAG, length, raw, sizeof raw, &n, big));
    } else {
        ssize_t k = pread(ANSWER_IN, raw, sizeof raw, (off_t)at);
        n = k > 0 ? (size_t)k : 0;
    }
    bytes b = {raw, n, big};
    if (n < 3 * TAG || u32(&b, 0) != MATRIX) FAIL(LIMN_EINPUT, "a variable is cut short");
    uint64_t inner = u32(&b, 4);
    b = (bytes){raw + TAG, n - TAG, big};
    uint32_t flags = u32(&b, TAG), class = flags & 0xff;
    if (class == OPAQUE) TRY(look_at(o, &b));
    if (class >= DOUBLE && class <= UINT64) TRY(check_numbers(&b, inner, name));
    if (deflated && *name && is_wanted(names, name)) TRY(inflate_from(at + TAG, length, NULL, 0, &n, big));
done:
    return status;
}

static limn_status scan_5(mat_objects *o, uint64_t size, int big, char **names) {
    limn_status status = LIMN_OK;
    uint64_t at = HEADER;
    for (int i = 0; i < ELEMENTS && at + TAG <= size; i++) {
        unsigned char tag[TAG];
        if (pread(ANSWER_IN, tag, sizeof tag, (off_t)at) != (ssize_t)sizeof tag) break;
        const bytes b = {tag, sizeof tag, big};
        uint32_t type = u32(&b, 0), length = u32(&b, 4);
        if (length > size - at - TAG) FAIL(LIMN_EINPUT, "it is cut short");
        if (type == COMPRESSED || (type == MATRIX && length > 0))
            TRY(check_matrix(o, at, length, type == COMPRESSED, big, names));
        at += TAG + (uint64_t)length;
        if (type != COMPRESSED) at = (at + 7) / 8 * 8;
    }
    if (at < size) FAIL(LIMN_EINPUT, "it is cut short");
done:
    return status;
}

/* Version 4: headers of five words and a name, then the values; each must lie in the file. */
static limn_status scan_4(uint64_t size) {
    static const unsigned char width[] = {8, 4, 4, 2, 2, 1};
    uint64_t at = 0;
    for (int i = 0; i < ELEMENTS && at < size; i++) {
        unsigned char head[20];
        if (size - at < sizeof head || pread(ANSWER_IN, head, sizeof head, (off_t)at) != (ssize_t)sizeof head)
            return limn_fail(LIMN_EINPUT, "it is cut short");
        bytes b = {head, sizeof head, 0};
        if (u32(&b, 0) > 4999) b.big = 1;
        uint32_t type = u32(&b, 0), p = type / 10 % 10;
        uint64_t rows = u32(&b, 4), columns = u32(&b, 8), imaginary = u32(&b, 12), name = u32(&b, 16);
        if (type > 4999 || p >= sizeof width || imaginary > 1 || (rows > 0 && columns > size / rows))
            return limn_fail(LIMN_EINPUT, "a variable has no header of version 4, or is larger than the file");
        uint64_t all = sizeof head + name + rows * columns * width[p] * (1 + imaginary);
        if (all > size - at) return limn_fail(LIMN_EINPUT, "it is cut short");
        at += all;
    }
    return LIMN_OK;
}

limn_status mat_objects_find(mat_objects *o, const answer *a, char **names) {
    unsigned char head[HEADER] = {0};
    ssize_t n = pread(ANSWER_IN, head, sizeof head, 0);
    if (n < HEADER || (memcmp(head + 126, "IM", 2) != 0 && memcmp(head + 126, "MI", 2) != 0)) return scan_4(a->size);
    return scan_5(o, a->size, head[126] == 'M', names);
}
