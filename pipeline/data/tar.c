/* Tar archives: see tar.h. A member is a header of 512 bytes and its body, padded to 512:
 *   0 name (100)   124 size (12)   148 checksum (8)   156 type   257 "ustar"   345 prefix (155)
 * Numbers are octal text, or where the first byte is 0x80, base 256. Types: 0, NUL, 7 a file; 1, 2 links; 5 a folder;
 * L the long name of the next member; x a pax header of it ("LENGTH KEY=VALUE\n"); all others are skipped. Two blocks
 * of zeros, or the end of the file between two members, end the archive. */
#include "data/tar.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/try.h"
#include "data/bytes.h"
#include "data/image_codec.h"
#include "data/pictures.h"
#include "data/spool.h"

enum { MOST_NAME = 4096, MOST_HEADER = 1 << 20, MOST_ENTRIES = 1 << 24, PIECE = 1 << 16 };

struct limn_tar {
    char *path;
    limn_tar_entry *entry;
    size_t n, room;
    int gzip, fd;
    limn_spool spool;            /* of the pictures, where it is gzip */
    const unsigned char *memory; /* the archive, where it was parsed from memory and is not gzip */
};

/* What is known of the next member when its header comes. */
typedef struct {
    limn_tar *t;
    limn_bytes *b;
    int (*wanted)(const char *);
    size_t at;  /* bytes of the archive read so far */
    char *name; /* from L or x, or NULL */
    int sized;
    size_t size; /* from x, where sized */
} reading;

/* ---- numbers ----------------------------------------------------------------------------------------------------- */
static int number(size_t *v, const unsigned char *p, size_t n) {
    *v = 0;
    if (*p == 0x80) {
        for (size_t i = 1; i < n; i++) {
            if (*v > SIZE_MAX >> 9) return 0;
            *v = *v << 8 | p[i];
        }
        return *v <= SIZE_MAX / 4;
    }
    size_t i = 0;
    while (i < n && p[i] == ' ') i++;
    for (; i < n && p[i] >= '0' && p[i] <= '7'; i++) *v = *v << 3 | (size_t)(p[i] - '0'); /* 12 digits: 36 bits */
    return i == n || p[i] == '\0' || p[i] == ' ';
}

/* The sum of the header's bytes, its own field taken as blanks; some old programs summed signed ones. */
static int sum_is_right(const unsigned char *h) {
    size_t want, sum = 0;
    long other = 0;
    for (size_t i = 0; i < TAR_BLOCK; i++) {
        unsigned char c = i >= 148 && i < 156 ? ' ' : h[i];
        sum += c;
        other += (signed char)c;
    }
    return number(&want, h + 148, 8) && (want == sum || (long)want == other);
}

static int is_zero(const unsigned char *h) {
    for (size_t i = 0; i < TAR_BLOCK; i++)
        if (h[i]) return 0;
    return 1;
}

int limn_tar_begins(const unsigned char *head, size_t n) {
    return n >= TAR_BLOCK && !is_zero(head) && sum_is_right(head);
}

/* ---- one pass ---------------------------------------------------------------------------------------------------- */
static limn_status damaged(const reading *r, const char *what) {
    return limn_fail(LIMN_EINPUT, "%s: the tar archive is damaged at byte %zu: %s", r->t->path, r->at, what);
}

static limn_status body(reading *r, void *to, size_t n) {
    size_t got = 0;
    limn_status s = limn_bytes_read(r->b, to, n, &got);
    if (s != LIMN_OK) return s;
    r->at += got;
    return got == n ? LIMN_OK : limn_fail(LIMN_EINPUT, "%s: the tar archive is cut short in a member", r->t->path);
}

/* Passes over n bytes, into the spool where that is wanted. */
static limn_status pass(reading *r, size_t n, int keep) {
    limn_status status = LIMN_OK;
    unsigned char *piece = NULL;
    TRY(limn_new(&piece, PIECE, 1));
    while (n > 0) {
        size_t k = n < PIECE ? n : PIECE;
        TRY(body(r, piece, k));
        if (keep) TRY(limn_spool_add(&r->t->spool, piece, k));
        n -= k;
    }
done:
    free(piece);
    return status;
}

static size_t padding(size_t size) {
    return (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK;
}

/* A body that is text, with a NUL behind it, and its padding. */
static limn_status text_body(reading *r, char **text, size_t size, size_t most) {
    limn_status status = LIMN_OK;
    if (size > most) TRY(damaged(r, "a header of a member is too long"));
    TRY(limn_new(text, size + 1, 1));
    TRY(body(r, *text, size));
    TRY(pass(r, padding(size), 0));
done:
    return status;
}

/* Records "LENGTH KEY=VALUE\n", LENGTH that of the whole record. */
static limn_status pax(reading *r, size_t size) {
    limn_status status = LIMN_OK;
    char *text = NULL;
    TRY(text_body(r, &text, size, MOST_HEADER));
    for (size_t at = 0; at < size;) {
        char *end = NULL;
        unsigned long length = strtoul(text + at, &end, 10);
        if (length > size - at || end == text + at || *end != ' ' || text + at + length <= end + 1 ||
            text[at + length - 1] != '\n')
            TRY(damaged(r, "a pax header"));
        text[at + length - 1] = '\0';
        at += length;
        if (strncmp(end + 1, "path=", 5) == 0) {
            free(r->name);
            TRY(limn_strdup(&r->name, end + 6));
        } else if (strncmp(end + 1, "size=", 5) == 0) {
            char *stop = NULL;
            unsigned long long v = strtoull(end + 6, &stop, 10);
            if (stop == end + 6 || *stop || v > SIZE_MAX / 4) TRY(damaged(r, "a pax header's size"));
            r->sized = 1;
            r->size = (size_t)v;
        }
    }
done:
    free(text);
    return status;
}

/* The member's name: L's or x's, else prefix/name. ./ and / in front are taken off. */
static limn_status name_of(reading *r, char **name, const unsigned char *h) {
    limn_status status = LIMN_OK;
    char *whole = r->name;
    r->name = NULL;
    int ustar = memcmp(h + 257, "ustar\0", 6) == 0 && h[345];
    if (!whole)
        TRY(limn_format(&whole, "%.*s%s%.*s", ustar ? 155 : 0, (const char *)h + 345, ustar ? "/" : "", 100,
                        (const char *)h));
    const char *from = whole;
    while (*from == '/' || (from[0] == '.' && from[1] == '/')) from++;
    TRY(limn_strdup(name, from));
    if (strlen(*name) > MOST_NAME) TRY(damaged(r, "a name is too long"));
done:
    free(whole);
    return status;
}

static limn_status add(reading *r, char **name, size_t size) {
    limn_status status = LIMN_OK;
    limn_tar *t = r->t;
    if (t->n == MOST_ENTRIES) FAIL(LIMN_EINPUT, "%s: more than %d pictures", t->path, MOST_ENTRIES);
    if (size > IMAGE_MOST_BYTES)
        FAIL(LIMN_EINPUT, "%s:%s: it has %zu bytes, more than the %d that a picture may have", t->path, *name, size,
             IMAGE_MOST_BYTES);
    TRY(limn_grow(&t->entry, t->n, &t->room, sizeof *t->entry));
    t->entry[t->n++] = (limn_tar_entry){.name = *name, .at = t->gzip ? t->spool.n : r->at, .size = size};
    *name = NULL;
done:
    return status;
}

static limn_status member(reading *r, const unsigned char *h) {
    limn_status status = LIMN_OK;
    char *name = NULL;
    size_t size = 0;
    const char type = (char)h[156];
    if (!sum_is_right(h)) TRY(damaged(r, "the checksum of a header is wrong"));
    if (!number(&size, h + 124, 12)) TRY(damaged(r, "the size of a member"));
    if (type == 'L') {
        free(r->name);
        r->name = NULL;
        TRY(text_body(r, &r->name, size, MOST_NAME));
        goto done;
    }
    if (type == 'x') {
        TRY(pax(r, size));
        goto done;
    }
    int file = type == '0' || type == '\0' || type == '7', link = type == '1' || type == '2';
    if (type != 'g' && type != 'K') { /* those are of no member, or not of this one's body */
        if (r->sized) size = r->size;
        r->sized = 0;
        TRY(name_of(r, &name, h));
    }
    if (link || type == '5') size = 0;
    int wanted = name && r->wanted(name);
    if (wanted && link)
        FAIL(LIMN_EINPUT, "%s:%s: it is a link, where a file is needed (tar --dereference, --hard-dereference)",
             r->t->path, name);
    if (wanted && type == 'S') FAIL(LIMN_EINPUT, "%s:%s: it is a sparse file, which is not read", r->t->path, name);
    wanted = wanted && file;
    if (wanted) TRY(add(r, &name, size));
    TRY(pass(r, size, wanted && r->t->gzip));
    TRY(pass(r, padding(size), 0));
done:
    free(name);
    return status;
}

static int by_name(const void *a, const void *b) {
    return data_by_folder(((const limn_tar_entry *)a)->name, ((const limn_tar_entry *)b)->name);
}

static limn_status index_all(reading *r) {
    limn_status status = LIMN_OK;
    limn_tar *t = r->t;
    unsigned char h[TAR_BLOCK];
    size_t got = 0;
    for (;;) {
        TRY(limn_bytes_read(r->b, h, sizeof h, &got));
        if (got == 0 || (got == TAR_BLOCK && is_zero(h))) break;
        if (got < TAR_BLOCK) FAIL(LIMN_EINPUT, "%s: the tar archive is cut short in a header", t->path);
        r->at += TAR_BLOCK;
        TRY(member(r, h));
    }
    if (t->n > 1) qsort(t->entry, t->n, sizeof *t->entry, by_name);
    for (size_t i = 1; i < t->n; i++)
        if (strcmp(t->entry[i].name, t->entry[i - 1].name) == 0)
            FAIL(LIMN_EINPUT, "%s: it holds %s twice", t->path, t->entry[i].name);
done:
    return status;
}

/* Names come from the file and go to terminals. */
static void make_printable(limn_tar *t) {
    for (size_t i = 0; i < t->n; i++)
        for (unsigned char *c = (unsigned char *)t->entry[i].name; *c; c++)
            if (*c < ' ' || *c == 127) *c = '?';
}

static limn_status open_from(limn_tar **out, limn_tar *t, limn_bytes *b, int (*wanted)(const char *)) {
    reading r = {.t = t, .b = b, .wanted = wanted};
    t->gzip = limn_bytes_gzip(b);
    limn_status s = index_all(&r);
    free(r.name);
    limn_bytes_free(b);
    if (s == LIMN_OK) {
        make_printable(t);
        *out = t;
    } else {
        limn_tar_free(t);
    }
    return s;
}

static limn_status fresh(limn_tar **t, const char *path) {
    limn_status status = LIMN_OK;
    TRY(limn_new(t, 1, sizeof **t));
    (*t)->fd = -1;
    TRY(limn_strdup(&(*t)->path, path));
done:
    return status;
}

limn_status limn_tar_open(limn_tar **out, const char *path, int (*wanted)(const char *name)) {
    limn_status status = LIMN_OK;
    limn_tar *t = NULL;
    limn_bytes *b = NULL;
    size_t size;
    *out = NULL;
    TRY(fresh(&t, path));
    TRY(limn_open_regular(&t->fd, &size, path));
    TRY(limn_bytes_open(&b, path));
    return open_from(out, t, b, wanted);
done:
    limn_tar_free(t);
    return status;
}

limn_status limn_tar_parse(limn_tar **out, const void *bytes, size_t n, const char *name,
                           int (*wanted)(const char *name)) {
    limn_status status = LIMN_OK;
    limn_tar *t = NULL;
    limn_bytes *b = NULL;
    *out = NULL;
    TRY(fresh(&t, name));
    t->memory = bytes;
    TRY(limn_bytes_memory(&b, bytes, n, name));
    return open_from(out, t, b, wanted);
done:
    limn_tar_free(t);
    return status;
}

void limn_tar_free(limn_tar *t) {
    if (!t) return;
    for (size_t i = 0; i < t->n; i++) free(t->entry[i].name);
    free(t->entry);
    free(t->path);
    limn_spool_clear(&t->spool);
    if (t->fd >= 0) close(t->fd);
    free(t);
}

int limn_tar_gzip(const limn_tar *t) {
    return t->gzip;
}

const limn_tar_entry *limn_tar_entries(const limn_tar *t, size_t *n) {
    *n = t->n;
    return t->entry;
}

limn_status limn_tar_read(const limn_tar *t, const limn_tar_entry *e, unsigned char **bytes) {
    limn_status status = LIMN_OK;
    TRY(limn_new(bytes, e->size, 1));
    if (t->gzip)
        TRY(limn_spool_get(&t->spool, e->at, *bytes, e->size));
    else if (t->memory)
        memcpy(*bytes, t->memory + e->at, e->size);
    else
        TRY(limn_read_at(t->fd, e->at, *bytes, e->size, t->path));
done:
    if (status != LIMN_OK) {
        free(*bytes);
        *bytes = NULL;
    }
    return status;
}
