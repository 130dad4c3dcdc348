/* Checkpoints of a descent.
 *
 * A file is the magic line, a header of 64-bit numbers, Y, update and gain (n, dims) as float64, the trace, and a checksum
 * over all that, in the machine's own byte order: it is meant for the machine that wrote it, and goes when the map is
 * finished. A file that is not of just this descent (by its key) or not whole (by its checksum) counts as absent: the
 * descent then begins at its start, and its result is the same. */
#include "embed/checkpoint.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/try.h"

static const char MAGIC[16] = "limn descent 1\n";

enum { HEADER = 5 }; /* key, iterations done, n, dims, trace */

/* FNV-1a by words of 8 bytes. */
static uint64_t mix(uint64_t hash, const void *data, size_t bytes) {
    const unsigned char *b = data;
    for (; bytes > 0;) {
        uint64_t word = 0;
        size_t take = bytes < sizeof word ? bytes : sizeof word;
        memcpy(&word, b, take);
        hash = (hash ^ word) * 0x100000001b3u;
        hash ^= hash >> 32; /* high bits reach low ones: words that differ in their upper half do not cancel */
        b += take;
        bytes -= take;
    }
    return hash;
}

static const uint64_t BASIS = 0xcbf29ce484222325u;

uint64_t tsne_checkpoint_key(const tsne_state *s, const embed_affinities *P, const limn_embed_options *o) {
    double number[] = {(double)o->engine,
                       o->alpha,
                       o->theta,
                       o->exaggeration,
                       (double)o->early,
                       o->late_exaggeration,
                       (double)o->late,
                       o->learning_rate,
                       (double)o->rate,
                       o->early_momentum,
                       o->momentum,
                       (double)o->stop,
                       (double)o->iterations,
                       (double)o->trace_every,
                       (double)s->n,
                       (double)s->dims};
    uint64_t hash = mix(BASIS, number, sizeof number);
    hash = mix(hash, P->p, P->start[P->n] * sizeof *P->p);
    hash = mix(hash, P->col, P->start[P->n] * sizeof *P->col);
    return mix(hash, s->Y, s->n * (size_t)s->dims * sizeof *s->Y);
}

typedef struct {
    void *at;
    size_t bytes;
} piece;

/* The pieces behind the header, in order. */
static void pieces_of(piece *p, const tsne_state *s, const limn_trace *trace, size_t n_trace) {
    size_t bytes = s->n * (size_t)s->dims * sizeof *s->Y;
    p[0] = (piece){s->Y, bytes};
    p[1] = (piece){s->update, bytes};
    p[2] = (piece){s->gain, bytes};
    p[3] = (piece){(void *)trace, n_trace * sizeof *trace};
}

limn_status tsne_checkpoint_write(const char *path, uint64_t key, const tsne_state *s, const limn_trace *trace,
                                  size_t n_trace) {
    limn_status status = LIMN_OK;
    char *part = NULL;
    FILE *f = NULL;
    piece p[4];
    uint64_t header[HEADER] = {key, (uint64_t)s->done, s->n, (uint64_t)s->dims, n_trace}, sum = BASIS;
    TRY(limn_format(&part, "%s.part", path));
    pieces_of(p, s, trace, n_trace);
    sum = mix(sum, header, sizeof header);
    f = fopen(part, "wb");
    if (!f) FAIL(LIMN_EFAIL, "%s: cannot be written: %s", part, strerror(errno));
    int good = fwrite(MAGIC, sizeof MAGIC, 1, f) == 1 && fwrite(header, sizeof header, 1, f) == 1;
    for (size_t i = 0; i < 4; i++) {
        sum = mix(sum, p[i].at, p[i].bytes);
        good = good && (p[i].bytes == 0 || fwrite(p[i].at, p[i].bytes, 1, f) == 1);
    }
    good = good && fwrite(&sum, sizeof sum, 1, f) == 1 && fflush(f) == 0 && fsync(fileno(f)) == 0;
    good = fclose(f) == 0 && good;
    f = NULL;
    if (!good || rename(part, path) != 0) {
        status = limn_fail(LIMN_EFAIL, "%s: cannot be written: %s", path, strerror(errno));
        unlink(part);
    }
done:
    if (f) fclose(f);
    free(part);
    return status;
}

/* Whether all of the file is there and sound; the pieces are filled then. */
static int read_all(FILE *f, const tsne_state *s, uint64_t key, uint64_t *header, limn_trace *trace, size_t room) {
    char magic[sizeof MAGIC];
    uint64_t sum, stored;
    piece p[4];
    if (fread(magic, sizeof magic, 1, f) != 1 || memcmp(magic, MAGIC, sizeof magic)) return 0;
    if (fread(header, HEADER * sizeof *header, 1, f) != 1 || header[0] != key || header[2] != s->n) return 0;
    if (header[3] != (uint64_t)s->dims || header[4] > room || header[1] > INT32_MAX) return 0;
    sum = mix(BASIS, header, HEADER * sizeof *header);
    pieces_of(p, s, trace, header[4]);
    for (size_t i = 0; i < 4; i++) {
        if (p[i].bytes > 0 && fread(p[i].at, p[i].bytes, 1, f) != 1) return 0;
        sum = mix(sum, p[i].at, p[i].bytes);
    }
    return fread(&stored, sizeof stored, 1, f) == 1 && stored == sum;
}

limn_status tsne_checkpoint_read(const char *path, uint64_t key, tsne_state *s, limn_trace *trace, size_t *n_trace,
                                 size_t room) {
    limn_status status = LIMN_OK;
    tsne_state t = {0};
    limn_trace *old = NULL;
    uint64_t header[HEADER];
    FILE *f = fopen(path, "rb");
    if (!f) return LIMN_OK;
    TRY(tsne_state_new(&t, s->n, s->dims, s->threads));
    TRY(limn_new(&old, room, sizeof *old));
    if (!read_all(f, &t, key, header, old, room)) goto done;
    size_t bytes = s->n * (size_t)s->dims * sizeof *s->Y;
    memcpy(s->Y, t.Y, bytes);
    memcpy(s->update, t.update, bytes);
    memcpy(s->gain, t.gain, bytes);
    memcpy(trace, old, header[4] * sizeof *old);
    s->done = (int)header[1];
    *n_trace = header[4];
done:
    fclose(f);
    tsne_state_clear(&t);
    free(old);
    return status;
}
