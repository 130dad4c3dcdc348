/* Arrays: what NumPy wrote in every type and order; what we write; and every way in which a file can be wrong. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/try.h"
#include "data/array.h"
#include "tests/lib/files.h"

#define NUMPY "tests/data/arrays/numpy.npz"

/* ---- good files -------------------------------------------------------------------------------------------------- */
/* The rule of tests/data/arrays/make.py. */
static double expected(limn_dtype t, size_t i) {
    double v = (double)i;
    if (t == LIMN_BOOL) return i % 3 == 0;
    if (limn_dtype_is_float(t)) return (3 * v - 30) / 4;
    return limn_dtype_name(t)[0] == 'u' ? 5 * v : 3 * v - 30;
}

static void check_values(const limn_array *a, limn_dtype t) {
    assert_int_equal(a->dtype, t);
    assert_int_equal(a->rank, 3);
    assert_int_equal(a->dim[0] * 100 + a->dim[1] * 10 + a->dim[2], 234);
    assert_int_equal(a->count, 24);
    for (size_t i = 0; i < 24; i++) assert_true(limn_array_get(a, i) == expected(t, i));
}

static void every_type_and_order_of_numpy(void **state) {
    (void)state;
    static const struct {
        const char *code;
        limn_dtype t;
    } types[] = {{"b1", LIMN_BOOL}, {"u1", LIMN_U8},  {"i1", LIMN_I8},  {"u2", LIMN_U16},
                 {"i2", LIMN_I16},  {"u4", LIMN_U32}, {"i4", LIMN_I32}, {"u8", LIMN_U64},
                 {"i8", LIMN_I64},  {"f2", LIMN_F16}, {"f4", LIMN_F32}, {"f8", LIMN_F64}};
    static const char *const endian[] = {"na", "le", "be"}, *const order[] = {"C", "F"};
    int read = 0;
    for (size_t t = 0; t < COUNT_OF(types); t++) {
        int single = types[t].code[1] == '1';
        for (int e = single ? 0 : 1; e < (single ? 1 : 3); e++) {
            for (int o = 0; o < 2; o++) {
                char member[32];
                limn_array a;
                snprintf(member, sizeof member, "%s_%s_%s", types[t].code, endian[e], order[o]);
                if (limn_array_read_npz(&a, NUMPY, member) != LIMN_OK) fail_msg("%s", limn_message());
                check_values(&a, types[t].t);
                assert_string_equal(a.format, "npz");
                float *f;
                assert_int_equal(limn_array_floats(&f, &a), LIMN_OK);
                for (size_t i = 0; i < 24; i++) assert_true(f[i] == (float)expected(types[t].t, i));
                free(f);
                limn_array_clear(&a);
                read++;
            }
        }
    }
    assert_int_equal(read, 42);
}

static void versions_scalars_and_empty_arrays(void **state) {
    (void)state;
    limn_array a;
    assert_int_equal(limn_array_read_npz(&a, NUMPY, "v2"), LIMN_OK);
    check_values(&a, LIMN_F32);
    limn_array_clear(&a);
    assert_int_equal(limn_array_read_npz(&a, NUMPY, "v3.npy"), LIMN_OK); /* the stored one, by its full name */
    check_values(&a, LIMN_F32);
    limn_array_clear(&a);
    assert_int_equal(limn_array_read_npz(&a, NUMPY, "scalar"), LIMN_OK);
    assert_int_equal(a.rank, 0);
    assert_int_equal(a.count, 1);
    assert_true(limn_array_get(&a, 0) == 2.5);
    limn_array_clear(&a);
    assert_int_equal(limn_array_read_npz(&a, NUMPY, "empty"), LIMN_OK);
    assert_int_equal(a.count, 0);
    assert_int_equal(a.dim[1], 5);
    limn_array_clear(&a);
}

static void half_floats(void **state) {
    (void)state;
    static const unsigned char npy[] =
        "\x93NUMPY\x01\x00\x3a\x00{'descr': '<f2', 'fortran_order': False, 'shape': (7,)}  \n"
        "\x00\x3c\x00\xc0\x01\x00\xff\x7b\x00\x7c\x00\xfc\x00\x80";
    limn_array a;
    if (limn_array_parse(&a, npy, sizeof npy - 1, "half") != LIMN_OK) fail_msg("%s", limn_message());
    const double v[] = {1, -2, 0x1p-24, 65504, INFINITY, -INFINITY, 0};
    for (size_t i = 0; i < 7; i++) assert_true(limn_array_get(&a, i) == v[i]);
    assert_true(signbit(limn_array_get(&a, 6)));
    limn_array_clear(&a);
}

static void every_type_of_idx(void **state) {
    (void)state;
    static const struct {
        unsigned char code;
        limn_dtype t;
        const char *bytes; /* two elements, big-endian: 1 and the type's -2 (or 254) */
        double second;
    } types[] = {
        {8, LIMN_U8, "\x01\xfe", 254},
        {9, LIMN_I8, "\x01\xfe", -2},
        {11, LIMN_I16, "\x00\x01\xff\xfe", -2},
        {12, LIMN_I32, "\x00\x00\x00\x01\xff\xff\xff\xfe", -2},
        {13, LIMN_F32, "\x3f\x80\x00\x00\xc0\x00\x00\x00", -2},
        {14, LIMN_F64, "\x3f\xf0\x00\x00\x00\x00\x00\x00\xc0\x00\x00\x00\x00\x00\x00\x00", -2},
    };
    for (size_t t = 0; t < COUNT_OF(types); t++) {
        unsigned char file[64] = {0, 0, types[t].code, 2, 0, 0, 0, 1, 0, 0, 0, 2};
        size_t n = 2 * limn_dtype_size(types[t].t);
        limn_array a;
        memcpy(file + 12, types[t].bytes, n);
        if (limn_array_parse(&a, file, 12 + n, "idx") != LIMN_OK) fail_msg("%s", limn_message());
        assert_int_equal(a.dtype, types[t].t);
        assert_int_equal(a.rank, 2);
        assert_true(limn_array_get(&a, 0) == 1 && limn_array_get(&a, 1) == types[t].second);
        assert_string_equal(a.format, "IDX");
        limn_array_clear(&a);
    }
}

/* gzip of n bytes; the caller frees. */
static unsigned char *gzip(const void *bytes, size_t n, size_t *out) {
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&z, n);
    unsigned char *p = malloc(room);
    z.next_in = (Bytef *)(uintptr_t)bytes;
    z.avail_in = (uInt)n;
    z.next_out = p;
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    *out = room - z.avail_out;
    deflateEnd(&z);
    return p;
}

static const unsigned char small_idx[] = {0, 0, 8, 1, 0, 0, 0, 5, 3, 1, 4, 1, 5};

static void gzip_in_one_and_two_members(void **state) {
    (void)state;
    size_t n, first, second;
    limn_array a;
    unsigned char *z = gzip(small_idx, sizeof small_idx, &n);
    assert_int_equal(limn_array_read(&a, temp_file("one.gz", z, n)), LIMN_OK);
    assert_string_equal(a.format, "IDX (gzip)");
    assert_memory_equal(a.data, small_idx + 8, 5);
    limn_array_clear(&a);
    free(z);
    unsigned char *p = gzip(small_idx, 6, &first), *q = gzip(small_idx + 6, sizeof small_idx - 6, &second), both[256];
    memcpy(both, p, first);
    memcpy(both + first, q, second);
    assert_int_equal(limn_array_parse(&a, both, first + second, "two.gz"), LIMN_OK);
    assert_memory_equal(a.data, small_idx + 8, 5);
    limn_array_clear(&a);
    free(p);
    free(q);
}

static void what_is_written_is_read_back(void **state) {
    (void)state;
    const float x[6] = {1.5f, -0.0f, 3e-38f, INFINITY, 5, -6};
    const size_t dims[3] = {1, 2, 3}, *shape[] = {dims + 1, dims, &(size_t){6}, &(size_t){0}};
    const int ranks[] = {2, 3, 1, 1};
    char path[512];
    snprintf(path, sizeof path, "%s", temp_path("written.npy"));
    for (size_t k = 0; k < COUNT_OF(ranks); k++) {
        limn_array a;
        assert_int_equal(limn_npy_write(path, x, shape[k], ranks[k]), LIMN_OK);
        if (limn_array_read(&a, path) != LIMN_OK) fail_msg("%s", limn_message());
        assert_int_equal(a.dtype, LIMN_F32);
        assert_int_equal(a.rank, ranks[k]);
        for (int i = 0; i < a.rank; i++) assert_int_equal(a.dim[i], shape[k][i]);
        assert_memory_equal(a.data, x, a.count * sizeof *x);
        limn_array_clear(&a);
    }
    size_t n;
    unsigned char *bytes = read_whole(path, &n);
    assert_int_equal(n % 64, 0); /* the header of an empty array */
    free(bytes);
    assert_int_equal(limn_npy_write("/nonexistent/x.npy", x, dims, 3), LIMN_EFAIL);
    assert_string_equal(limn_message(), "/nonexistent/x.npy: cannot be written: No such file or directory");
    mkdir(temp_path("taken.npy"), 0777);
    assert_int_equal(limn_npy_write(temp_path("taken.npy"), x, dims, 3), LIMN_EFAIL);
    char left[600];
    snprintf(left, sizeof left, "%s.%ld.tmp", temp_path("taken.npy"), (long)getpid());
    assert_int_not_equal(access(left, F_OK), 0); /* no half-written file stays */
}

/* ---- bad files --------------------------------------------------------------------------------------------------- */
static void refused(const void *bytes, size_t n, const char *sentence) {
    limn_array a;
    limn_status s = limn_array_parse(&a, bytes, n, "x");
    if (s != LIMN_EINPUT || !strstr(limn_message(), sentence))
        fail_msg("status %d, '%s' lacks '%s'", s, s ? limn_message() : "", sentence);
    assert_null(a.data);
}

#define REFUSED(text, sentence) refused(text, sizeof(text) - 1, sentence)

static void bad_idx(void **state) {
    (void)state;
    REFUSED("", "x: it is empty");
    REFUSED("\0\0\x08", "x: it has 3 bytes, too few for IDX or npy");
    REFUSED("XX\x08\x01\0\0\0\5abcde", "x: it starts with the bytes 58 58 08 01, so it is neither IDX");
    REFUSED("\0\0\x07\x01\0\0\0\5abcde", "x: IDX type 0x07 is unknown: 08 uint8");
    REFUSED("\0\0\x08\x00\0\0\0\5abcde", "x: IDX with 0 dimensions, where 1 to 8");
    REFUSED("\0\0\x08\x09\0\0\0\5abcde", "x: IDX with 9 dimensions");
    REFUSED("\0\0\x08\x02\0\0\0\5ab", "x: it stops in its IDX header: 2 of 4 bytes are there");
    REFUSED("\0\0\x08\x01\0\0\0\6abcde", "x: its header promises (6) uint8, which are 6 bytes, but only 5 follow");
    REFUSED("\0\0\x08\x01\0\0\0\4abcde", "x: 1 more byte follows after its data");
    REFUSED("\0\0\x0e\x04\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
            "x: its header promises more elements than any machine can hold");
    REFUSED("\0\0\x0e\x04\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0",
            "x: its header promises more elements than any machine can hold");
    REFUSED("\x89PNG\r\n\x1a\n", "x: it is a PNG picture, where an IDX or npy file is needed");
    REFUSED("PK\x03\x04....", "x: it is a zip (or npz) file");
}

static void bad_gzip(void **state) {
    (void)state;
    size_t n;
    unsigned char *z = gzip(small_idx, sizeof small_idx, &n);
    refused(z, n - 1, "x: the gzip data stop before their end: the file is cut short");
    refused(z, 12, "x: the gzip data stop before their end");
    z[n - 8] ^= 1;
    refused(z, n, "x: the gzip data are damaged (incorrect data check)");
    z[n - 8] ^= 1;
    unsigned char more[64];
    memcpy(more, z, n);
    more[n] = 'x';
    refused(more, n + 1, "x: bytes that are not gzip follow the gzip data");
    free(z);
    z = gzip("\0\0\x08\x01\0\0\0\4abcde", 13, &n);
    refused(z, n, "x: more bytes follow after its data");
    free(z);
    /* a bomb: some 1 kB that promise 4 GB, and inflate to 1 MB */
    size_t size = 1 << 20;
    unsigned char *zeros = calloc(size, 1);
    memcpy(zeros, "\0\0\x08\x01\xff\xff\xff\xff", 8);
    z = gzip(zeros, size, &n);
    assert_true(n < 2000);
    refused(z, n, "x: its header promises (4294967295) uint8, which are 4294967295 bytes, but at most");
    memcpy(zeros, "\0\0\x08\x01\0\x10\0\0", 8); /* and one that promises 8 bytes too many */
    free(z);
    z = gzip(zeros, size, &n);
    refused(z, n, "x: it stops in its data: 1048568 of 1048576 bytes are there");
    free(z);
    free(zeros);
}

/* An npy of version 1.0 around a header text, and `body` zeros. */
static void npy_refused(const char *header, size_t body, const char *sentence) {
    unsigned char file[4096] = "\x93NUMPY\x01";
    size_t n = strlen(header);
    file[8] = (unsigned char)n;
    file[9] = (unsigned char)(n >> 8);
    memcpy(file + 10, header, n);
    refused(file, 10 + n + body, sentence);
}

static void bad_npy(void **state) {
    (void)state;
#define REST ", 'fortran_order': False, 'shape': (2,)}"
    REFUSED("\x93NUMPX\x01\0\0\0", "x: it starts like npy, but not with");
    REFUSED("\x93NUMPY\x04\0\0\0", "x: npy version 4.0 is unknown");
    REFUSED("\x93NUMPY\x01\0\x50\0{", "x: it stops in its npy header: 1 of 80 bytes");
    REFUSED("\x93NUMPY\x02\0\0\0\0\x40{", "x: its npy header has 1073741824 bytes, more than");
    npy_refused("{'descr': '<f4'" REST, 7, "x: its header promises (2) float32, which are 8 bytes, but only 7 follow");
    npy_refused("{'descr': '<f4'" REST, 9, "x: 1 more byte follows");
    npy_refused("{'descr': '|O'" REST, 8, "x: it holds Python objects");
    npy_refused("{'descr': '<c8'" REST, 16, "x: npy type '<c8' cannot be read: bool, integers, f2, f4 and f8 can");
    npy_refused("{'descr': '<U3'" REST, 24, "x: npy type '<U3' cannot be read");
    npy_refused("{'descr': '\x1b[2J'" REST, 8, "x: npy type '?[2J' cannot be read");
    npy_refused("{'descr': ''" REST, 8, "x: npy type '' cannot be read");
    npy_refused("{'descr': [('a', '<f4')]" REST, 8, "x: it holds records");
    npy_refused("{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}", 8, "fortran_order is neither True nor False");
    npy_refused("{'descr': '<f4', 'fortran_order': False, 'shape': 2}", 8, "the shape is not a tuple");
    npy_refused("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}", 8, "a dimension is not a number");
    npy_refused("{'descr': '<f4', 'fortran_order': False, 'shape': (2 3)}", 8, "the shape does not end");
    npy_refused("{'descr': '<f4', 'fortran_order': False, 'shape': (2", 8, "the shape does not end");
    npy_refused("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", 8,
                "too large for any machine");
    npy_refused("{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999, 9999999999)}", 8,
                "promises more elements than any machine can hold");
    npy_refused("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000,)}", 8,
                "promises (1000000000) float64, which are 8000000000 bytes, but only 8 follow");
    npy_refused("{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1)}", 4, "more than 8 dimensions");
    npy_refused("{'descr': '<f4', 'shape': (2,)}", 8, "it lacks descr, fortran_order or shape");
    npy_refused("{'descr': '<f4', 'descr': '<f4'" REST, 8, "a key comes twice");
    npy_refused("{'colour': '<f4'" REST, 8, "a key is none of descr, fortran_order, shape");
    npy_refused("{'descr' '<f4'" REST, 8, "a colon is missing");
    npy_refused("{'descr': '<f4' 'fortran_order': False, 'shape': (2,)}", 8, "a comma is missing");
    npy_refused("{'descr': '<f4" REST, 8, "x: npy type '<f4, ' cannot be read");
    npy_refused("{descr: '<f4'" REST, 8, "a quoted word is missing");
    npy_refused("{'descr': '<f4'" REST " x", 8, "something follows the }");
    npy_refused("['descr']", 8, "it does not start with {");
    npy_refused("", 8, "it does not start with {");
}

static void bad_npz_and_paths(void **state) {
    (void)state;
    limn_array a;
    size_t n;
    char expect[600];
    assert_int_equal(limn_array_read_npz(&a, NUMPY, "absent"), LIMN_EINPUT);
    assert_non_null(
        strstr(limn_message(), NUMPY ": the npz has no member 'absent'; it has: b1_na_C.npy, b1_na_F.npy, "));
    assert_int_equal(limn_array_read_npz(&a, NUMPY, NULL), LIMN_EINPUT);
    assert_non_null(strstr(limn_message(), "the npz has 46 members, and none was named: b1_na_C.npy"));
    unsigned char *z = read_whole(NUMPY, &n);
    assert_int_equal(limn_array_parse_npz(&a, z, n, "mem", "f4_le_C"), LIMN_OK);
    check_values(&a, LIMN_F32);
    limn_array_clear(&a);
    assert_int_equal(limn_array_parse_npz(&a, z, n / 2, "mem", "f4_le_C"), LIMN_EINPUT);
    assert_non_null(strstr(limn_message(), "mem: it is not a readable npz (zip) file: "));
    /* one bit of the stored member's data: only the zip's CRC can tell */
    for (size_t i = 0; i + 6 < n; i++) {
        if (memcmp(z + i, "v3.npy\x93", 7) == 0) z[i + 6 + 150] ^= 1;
    }
    assert_int_equal(limn_array_parse_npz(&a, z, n, "mem", "v3"), LIMN_EINPUT);
    assert_non_null(strstr(limn_message(), "mem[v3]: the zip data are damaged (CRC error)"));
    free(z);
    assert_int_equal(limn_array_read(&a, "absent.idx"), LIMN_EINPUT);
    assert_string_equal(limn_message(), "absent.idx: cannot be opened: No such file or directory");
    assert_int_equal(limn_array_read(&a, temp_folder()), LIMN_EINPUT);
    snprintf(expect, sizeof expect, "%s: it is a folder, where a file is needed", temp_folder());
    assert_string_equal(limn_message(), expect);
    assert_int_equal(mkfifo(temp_path("pipe"), 0600), 0);
    assert_int_equal(limn_array_read(&a, temp_path("pipe")), LIMN_EINPUT); /* and it does not hang */
    assert_non_null(strstr(limn_message(), "it is not a regular file"));
}

/* ---- mutants ----------------------------------------------------------------------------------------------------- */
enum { MUTANTS = 300 }; /* a file; LIMN_MUTANTS raises it */

static void mutant_array(void *ctx, const unsigned char *bytes, size_t n) {
    limn_array a;
    limn_status s = ctx ? limn_array_parse_npz(&a, bytes, n, "mutant", ctx) : limn_array_parse(&a, bytes, n, "mutant");
    if (s == LIMN_OK) {
        double sum = 0;
        for (size_t i = 0; i < a.count; i++) sum += limn_array_get(&a, i);
        (void)sum;
    } else {
        assert_int_equal(s, LIMN_EINPUT);
        assert_non_null(strstr(limn_message(), "mutant"));
    }
    limn_array_clear(&a);
}

static void mutants_end_in_one_sentence(void **state) {
    (void)state;
    size_t n;
    unsigned char idx[12 + 200] = {0, 0, 8, 2, 0, 0, 0, 10, 0, 0, 0, 20};
    for (size_t i = 12; i < sizeof idx; i++) idx[i] = (unsigned char)(i * 7);
    mutants(idx, sizeof idx, 12, MUTANTS, 1, mutant_array, NULL);
    unsigned char *z = gzip(idx, sizeof idx, &n);
    mutants(z, n, 32, MUTANTS, 2, mutant_array, NULL);
    free(z);
    const float x[24] = {1, 2, 3};
    const char *path = temp_path("good.npy");
    assert_int_equal(limn_npy_write(path, x, (size_t[]){2, 3, 4}, 3), LIMN_OK);
    unsigned char *npy = read_whole(path, &n);
    mutants(npy, n, 128, MUTANTS, 3, mutant_array, NULL);
    free(npy);
    unsigned char *npz = read_whole(NUMPY, &n);
    mutants(npz, n, n, MUTANTS, 4, mutant_array, (char[]){"f8_be_F"});
    free(npz);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_and_order_of_numpy),
        cmocka_unit_test(versions_scalars_and_empty_arrays),
        cmocka_unit_test(half_floats),
        cmocka_unit_test(every_type_of_idx),
        cmocka_unit_test(gzip_in_one_and_two_members),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(bad_idx),
        cmocka_unit_test(bad_gzip),
        cmocka_unit_test(bad_npy),
        cmocka_unit_test(bad_npz_and_paths),
        cmocka_unit_test(mutants_end_in_one_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
