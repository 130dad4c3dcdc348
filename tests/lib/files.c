/* What tests of readers share: see files.h. */
#define _XOPEN_SOURCE 700 /* nftw */
#include "tests/lib/files.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rng.h"

typedef struct kept {
    char path[512];
    struct kept *next;
} kept;

static kept *paths;
static char folder[64];
static pid_t owner; /* a forked child must not clean up */

static void give_up(const char *what, const char *path) {
    fprintf(stderr, "test set-up: %s %s\n", what, path);
    abort();
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at) {
    (void)st, (void)kind, (void)at;
    return remove(path);
}

static void remove_folder(void) {
    while (paths) {
        kept *next = paths->next;
        free(paths);
        paths = next;
    }
    if (getpid() == owner) nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *temp_folder(void) {
    if (folder[0]) return folder;
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/limn-test-XXXXXX", base && strlen(base) < 32 ? base : "/tmp");
    if (!mkdtemp(folder)) give_up("no folder", folder);
    owner = getpid();
    atexit(remove_folder);
    return folder;
}

const char *temp_path(const char *name) {
    for (kept *k = paths; k; k = k->next) {
        if (strcmp(k->path + strlen(temp_folder()) + 1, name) == 0) return k->path;
    }
    kept *k = calloc(1, sizeof *k);
    if (!k) give_up("no memory", name);
    snprintf(k->path, sizeof k->path, "%s/%s", temp_folder(), name);
    k->next = paths;
    return (paths = k)->path;
}

const char *temp_file(const char *name, const void *bytes, size_t n) {
    const char *path = temp_path(name);
    char part[512];
    for (const char *c = path + strlen(temp_folder()) + 1; (c = strchr(c, '/')) != NULL; c++) {
        snprintf(part, sizeof part, "%.*s", (int)(c - path), path);
        mkdir(part, 0777);
    }
    FILE *f = fopen(path, "wb");
    if (!f || (n && fwrite(bytes, 1, n, f) != n) || fclose(f) != 0) give_up("cannot write", path);
    return path;
}

unsigned char *read_whole(const char *path, size_t *n) {
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END) != 0) give_up("cannot read", path);
    *n = (size_t)ftell(f);
    rewind(f);
    unsigned char *p = malloc(*n + 1);
    if (!p || fread(p, 1, *n, f) != *n) give_up("cannot read", path);
    fclose(f);
    return p;
}

/* ---- mutants ----------------------------------------------------------------------------------------------------- */
typedef struct {
    unsigned char *p; /* room for twice the bytes */
    size_t n, at, left;
    limn_rng r;
} mutant;

static void change(mutant *m) {
    m->p[m->at] = (unsigned char)limn_rng_u64(&m->r);
}

static void turn_bit(mutant *m) {
    m->p[m->at] ^= (unsigned char)(1u << limn_rng_below(&m->r, 8));
}

static void extreme(mutant *m) {
    static const unsigned char value[] = {0x00, 0xff, 0x7f, 0x80, 0x01};
    size_t k = (size_t)limn_rng_below(&m->r, 8) + 1;
    memset(m->p + m->at, value[limn_rng_below(&m->r, sizeof value)], k < m->left ? k : m->left);
}

static void cut_out(mutant *m) {
    size_t k = (size_t)limn_rng_below(&m->r, m->left < 64 ? m->left : 64) + 1;
    memmove(m->p + m->at, m->p + m->at + k, m->left - k);
    m->n -= k;
}

static void twice(mutant *m) {
    size_t k = (size_t)limn_rng_below(&m->r, m->left < 64 ? m->left : 64) + 1;
    memmove(m->p + m->at + k, m->p + m->at, m->left);
    m->n += k;
}

static void end_here(mutant *m) {
    m->n = m->at;
}

void mutants(const unsigned char *good, size_t n, size_t front, size_t count, unsigned seed, mutant_fn check,
             void *ctx) {
    static void (*const kinds[])(mutant *) = {change, turn_bit, extreme, cut_out, twice, end_here, change, turn_bit};
    const char *more = getenv("LIMN_MUTANTS");
    if (more && atol(more) > 0) count = (size_t)atol(more);
    const char *other = getenv("LIMN_SEED");
    uint64_t key = seed + (other ? (uint64_t)atoll(other) << 32 : 0);
    mutant m = {.p = malloc(2 * n + 1024)};
    if (!m.p) give_up("no memory", "for mutants");
    for (size_t i = 0; i < count; i++) {
        m.r = limn_rng_stream(key, LIMN_RNG_TEST, i);
        memcpy(m.p, good, n);
        m.n = n;
        for (uint64_t k = limn_rng_below(&m.r, 4) + 1; k > 0 && m.n > 0; k--) {
            int early = front < m.n && limn_rng_below(&m.r, 2);
            m.at = (size_t)limn_rng_below(&m.r, early ? front : m.n);
            m.left = m.n - m.at;
            kinds[limn_rng_below(&m.r, sizeof kinds / sizeof kinds[0])](&m);
        }
        unsigned char *exact = malloc(m.n ? m.n : 1);
        if (!exact) give_up("no memory", "for a mutant");
        memcpy(exact, m.p, m.n);
        check(ctx, exact, m.n);
        free(exact);
    }
    free(m.p);
}
