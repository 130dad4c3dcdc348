/* `limn info` of a network takes less memory than twice its file, or than the program needs for the smallest. */
#define _DEFAULT_SOURCE /* wait4 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BASE = 20 << 10 }; /* KiB: libraries and a small network; 13 to 17 thousand were measured */

#if defined __SANITIZE_ADDRESS__
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

/* KiB at the peak. This program is smaller than what it starts, whose count begins with it. */
static long peak_of(const char *limn, const char *path, int *code) {
    struct rusage used;
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int nothing = open("/dev/null", O_WRONLY);
        dup2(nothing, 1);
        dup2(nothing, 2);
        execl(limn, limn, "info", path, (char *)NULL);
        _exit(127);
    }
    assert_true(wait4(child, &status, 0, &used) == child);
    *code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return used.ru_maxrss;
}

static void info_takes_little_memory(void **state) {
    (void)state;
    static const char *const patterns[] = {"../shared/models/*.onnx", "../shared/models/*.h5",
                                           "../shared/models/*.hdf5", "../shared/models/*.keras"};
    const char *limn = getenv("LIMN");
    int networks = 0;
    glob_t found = {0};
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
        glob(patterns[i], i ? GLOB_APPEND : 0, NULL, &found);
    if (found.gl_pathc == 0 || !limn || SANITIZED) {
        globfree(&found);
        if (SANITIZED) return; /* its shadow would be measured */
        skip();
    }
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct stat st;
        int code;
        assert_int_equal(stat(found.gl_pathv[i], &st), 0);
        long peak = peak_of(limn, found.gl_pathv[i], &code), file = (long)(st.st_size >> 10);
        if (code != 0) continue; /* weights without a network */
        networks++;
        if (peak > BASE && peak >= 2 * file)
            fail_msg("%s: %ld KiB for a file of %ld KiB", found.gl_pathv[i], peak, file);
    }
    assert_true(networks >= 10);
    globfree(&found);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(info_takes_little_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
