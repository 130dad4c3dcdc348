/* Numbers in text: what is read, what is refused, and that what is written comes back. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/try.h"
#include "data/csv.h"
#include "tests/lib/files.h"

static void reads(const char *text, size_t rows, size_t columns, const float *want) {
    limn_array a;
    if (limn_csv_parse(&a, text, strlen(text), "a.csv") != LIMN_OK) fail_msg("%s: %s", text, limn_message());
    assert_int_equal(a.rank, 2);
    assert_int_equal(a.dim[0], rows);
    assert_int_equal(a.dim[1], columns);
    for (size_t i = 0; i < rows * columns; i++) {
        float v = ((float *)a.data)[i];
        if (!(v == want[i] || (isnan(v) && isnan(want[i])))) fail_msg("%s: value %zu is %g", text, i, (double)v);
    }
    limn_array_clear(&a);
}

static void refuses(const char *text, const char *sentence) {
    limn_array a;
    assert_int_equal(limn_csv_parse(&a, text, strlen(text), "a.csv"), LIMN_EINPUT);
    assert_string_equal(limn_message(), sentence);
    assert_null(a.data);
}

static void rows_are_read(void **state) {
    (void)state;
    const float one_to_six[] = {1, 2, 3, 4, 5, 6};
    reads("1,2,3\n4,5,6\n", 2, 3, one_to_six);
    reads("1,2,3\n4,5,6", 2, 3, one_to_six);
    reads("1;2;3\r\n\r\n4;5;6\r\n\n", 2, 3, one_to_six);
    reads("1\t2\n3\t4\n5\t6\n", 3, 2, one_to_six);
    reads("  1 2  3 \n4 5 6\n", 2, 3, one_to_six);
    reads("a , b,c\n1 , 2, 3\n4 ,5,6\n", 2, 3, one_to_six);
    reads("\"the first, of all\",2\n1,2\n3,4\n5,6\n", 3, 2, one_to_six);
    reads("x,1\n1,2\n3,4\n5,6\n", 3, 2, one_to_six);
    reads("a header that is longer than any number could ever reasonably be, by far,,\n1,2,3\n4,5,6\n", 2, 3,
          one_to_six);
    const float odd[] = {-1.5e-3f, NAN, INFINITY, 16, 0, -INFINITY};
    reads("-1.5e-3,nan,inf\n0x10,1e-999,-1e39\n", 2, 3, odd);
    reads("7", 1, 1, (const float[]){7});
}

static void what_is_wrong_is_said(void **state) {
    (void)state;
    refuses("", "a.csv: there are no numbers in it");
    refuses("a,b,c\n", "a.csv: there are no numbers in it");
    refuses("1,2,3\n4,5\n", "a.csv:2: 2 numbers, where the lines before have 3");
    refuses("a,b\n1,2\n3,4,5\n", "a.csv:3: 3 numbers, where the lines before have 2");
    refuses("1,2\n3,x\x01y\n", "a.csv:2: field 2 is 'x?y', where a number is needed");
    refuses("1,2\n3,1.2.3\n", "a.csv:2: field 2 is '1.2.3', where a number is needed");
    refuses("1,2\n3,\n", "a.csv:2: field 2 is empty, where a number is needed");
    refuses("1,2\n,3\n", "a.csv:2: field 1 is empty, where a number is needed");
    refuses("1,2\n,\n", "a.csv:2: field 1 is empty, where a number is needed");
    refuses("1\n1111111111111111111111111111111111111111111111111111111111111111111111111111111111111\n",
            "a.csv:2: field 1 is '111111111111111111111111111111111111111111111111111111111111111', where a number is "
            "needed");
    limn_array a;
    assert_int_equal(limn_csv_parse(&a, "1\n2\0003\n", 7, "a.csv"), LIMN_EINPUT);
    assert_int_equal(limn_csv_read(&a, "/nowhere/a.csv"), LIMN_EINPUT);
}

static void what_is_written_comes_back(void **state) {
    (void)state;
    static const char *const header[] = {"x", "y"};
    const float data[] = {0.1f, -3e-40f, FLT_MAX, 1.0f / 3, -0.0f, 12345678};
    const char *path = temp_path("map.csv");
    limn_array a;
    assert_int_equal(limn_csv_write(path, header, data, 3, 2), LIMN_OK);
    assert_int_equal(limn_csv_read(&a, path), LIMN_OK);
    assert_int_equal(a.count, 6);
    assert_memory_equal(a.data, data, sizeof data);
    limn_array_clear(&a);
    size_t n;
    unsigned char *bytes = read_whole(path, &n);
    assert_memory_equal(bytes, "x,y\n0.1", 7);
    free(bytes);
    assert_int_equal(limn_csv_write("/nowhere/map.csv", header, data, 3, 2), LIMN_EFAIL);
}

/* A damaged copy is read or refused with a sentence; the sanitizers see the rest. */
static void read_mutant(void *ctx, const unsigned char *bytes, size_t n) {
    limn_array a;
    (void)ctx;
    limn_status s = limn_csv_parse(&a, bytes, n, "mutant.csv");
    assert_true(s == LIMN_OK || s == LIMN_EINPUT);
    assert_true(s != LIMN_OK || a.dim[0] * a.dim[1] == a.count);
    limn_array_clear(&a);
}

static void damaged_files_are_refused_or_read(void **state) {
    (void)state;
    static const char good[] = "alpha,\"be,ta\", gamma\n1.5,2,3e4\n-4;5e-300 6\r\n7\t8\tnan\n\n10, 11 ,12";
    mutants((const unsigned char *)good, sizeof good - 1, 30, 3000, 1, read_mutant, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_read),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(what_is_written_comes_back),
        cmocka_unit_test(damaged_files_are_refused_or_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
