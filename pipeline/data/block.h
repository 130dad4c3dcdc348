/* A block: the numbers of one array where they lie, in memory or on disk, so that a file of many gigabytes is read item
 * by item. Every kind of file that holds arrays becomes blocks: IDX, npy, and the members of npz, HDF5 and MATLAB files.
 *
 * A path names a file, or a member of one: "x.npz:x_test", "data.h5:/train/images", "myData.mat:X". Where the whole text
 * is a file's name, it is that file.
 *
 * What is small (SPOOL_MEMORY) or was compressed and is small is in memory; a large plain file stays open; what a large
 * compressed file holds goes to a temporary file. Threading: a block is read by any thread once it is open. */
#ifndef LIMN_BLOCK_H
#define LIMN_BLOCK_H

#include "data/array.h"
#include "data/bytes.h"
#include "data/spool.h"
#include "limn.h"

enum { BLOCK_FORMAT = 48, BLOCK_NAMES = 400 };

typedef struct {
    limn_dtype dtype;
    int rank;
    size_t dim[LIMN_ARRAY_RANK], stride[LIMN_ARRAY_RANK]; /* strides in elements */
    size_t count;
    int swapped; /* the other byte order than the machine's */
    int matlab;  /* dims as MATLAB shows them: a picture is (H, W, C) and N comes last */
    int whole;   /* all values are whole numbers 0 … 255, whatever the type */
    int text;    /* `count` strings, each ended by a NUL, in memory; dtype says nothing */
    char format[BLOCK_FORMAT];
    char *name;       /* file and member: what messages call it */
    limn_spool bytes; /* the data, or the file that holds them */
    size_t offset;    /* of the first element in it */
} limn_block;

limn_status limn_block_open(limn_block *out, const char *path) LIMN_CHECK;
void limn_block_clear(limn_block *b);
/* n bytes of the data from byte `at` on, as they lie. */
limn_status limn_block_read(const limn_block *b, size_t at, void *to, size_t n) LIMN_CHECK;
/* count elements from `at` on, in the order of the file, as double or float32. */
limn_status limn_block_doubles(const limn_block *b, size_t at, double *to, size_t count) LIMN_CHECK;
/* The same array with stride[axis] the largest, so that one index of the axis is one piece: *b is replaced where it must
 * be (by way of a temporary file where it is large). */
limn_status limn_block_outermost(limn_block *b, int axis) LIMN_CHECK;
/* The whole as an array in memory: C order, native bytes. */
limn_status limn_block_array(limn_array *out, const limn_block *b) LIMN_CHECK;
/* Sets stride to C order, or to Fortran order. */
void limn_block_order(limn_block *b, int fortran);

/* ---- files with members ------------------------------------------------------------------------------------------ */
typedef struct {
    char *name;
    limn_dtype dtype;
    int rank;
    size_t dim[LIMN_ARRAY_RANK], count;
    int text;
    char why[160]; /* why it cannot be read; "" where it can */
} limn_member;

typedef struct block_container block_container; /* a row of the table in container.c */

typedef struct {
    const block_container *kind; /* NULL: the file is none with members */
    int matlab, network;         /* network: the arrays are a network's weights */
    limn_member *member;
    size_t n;
} limn_members;

/* Splits "FILE:MEMBER"; *member = NULL where it names a file alone. The caller frees both. */
limn_status limn_member_split(char **file, char **member, const char *path) LIMN_CHECK;
/* The members of a file; none and kind NULL where it has a single array, or is something else. */
limn_status limn_members_list(limn_members *out, const char *file) LIMN_CHECK;
/* *any: whether the path is such a file or a member of one; a path that is nothing is 0. */
limn_status limn_members_any(int *any, const char *path) LIMN_CHECK;
/* What `limn info` prints of a file that is no set of pictures: its array, or its members, by type and shape. */
limn_status limn_members_describe(const char *path, limn_format_kind as, limn_text_fn write, void *ctx) LIMN_CHECK;
void limn_members_clear(limn_members *m);
const char *limn_members_format(const limn_members *m); /* "npz", "HDF5", "MATLAB" */
const limn_member *limn_members_find(const limn_members *m, const char *name);
/* "x_train (60000, 28, 28), y_train (60000)": as many as there is room for, fit for a message. */
void limn_members_text(char to[BLOCK_NAMES], const limn_members *m);
limn_status limn_member_open(limn_block *out, const limn_members *m, const char *file, const char *member) LIMN_CHECK;

#endif
