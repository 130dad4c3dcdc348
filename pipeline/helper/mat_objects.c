/* Finds MATLAB's own objects in a file: see mat.h.
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

enum { HEADER = 128, TAG = 8, LOOK = 1024, MATRIX = 14, COMPRESSED = 15, OPAQUE = 17, ELEMENTS = 1 << 16 };

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

/* The beginning of a matrix, behind its tag. */
static limn_status look_at(mat_objects *o, const bytes *b) {
    char name[128], system[32], class[128];
    size_t at = TAG + 8;
    if (b->n < at || (u32(b, TAG) & 0xff) != OPAQUE) return LIMN_OK;
    if (!take_text(b, &at, name, sizeof name) || !take_text(b, &at, system, sizeof system) ||
        !take_text(b, &at, class, sizeof class))
        return LIMN_OK;
    return *name ? add(o, name, class) : LIMN_OK;
}

/* The first bytes of what a deflated element holds. */
static size_t inflate_some(unsigned char *to, size_t room, unsigned char *from, size_t n) {
    z_stream z = {.next_in = from, .avail_in = (uInt)n, .next_out = to, .avail_out = (uInt)room};
    if (inflateInit(&z) != Z_OK) return 0;
    (void)inflate(&z, Z_SYNC_FLUSH);
    inflateEnd(&z);
    return room - z.avail_out;
}

static limn_status find_in_5(mat_objects *o, uint64_t size, int big) {
    limn_status status = LIMN_OK;
    unsigned char raw[LOOK], out[LOOK];
    uint64_t at = HEADER;
    for (int i = 0; i < ELEMENTS && at + TAG <= size; i++) {
        ssize_t n = pread(ANSWER_IN, raw, sizeof raw, (off_t)at);
        if (n < TAG) break;
        bytes b = {raw, (size_t)n, big};
        uint32_t type = u32(&b, 0), length = u32(&b, 4);
        if (type == COMPRESSED) {
            size_t in = (size_t)n - TAG < length ? (size_t)n - TAG : length;
            b = (bytes){out, inflate_some(out, sizeof out, raw + TAG, in), big};
            if (b.n >= TAG && u32(&b, 0) != MATRIX) b.n = 0;
        }
        if (type == COMPRESSED || type == MATRIX) {
            if (b.n >= TAG) b = (bytes){b.p + TAG, b.n - TAG, big};
            TRY(look_at(o, &b));
        }
        at += TAG + (uint64_t)length;
        if (type != COMPRESSED) at = (at + 7) / 8 * 8;
    }
done:
    return status;
}

limn_status mat_objects_find(mat_objects *o, const answer *a) {
    unsigned char head[HEADER] = {0};
    ssize_t n = pread(ANSWER_IN, head, sizeof head, 0);
    if (n < HEADER || (memcmp(head + 126, "IM", 2) != 0 && memcmp(head + 126, "MI", 2) != 0)) return LIMN_OK;
    return find_in_5(o, a->size, head[126] == 'M');
}
