/* libFuzzer target: the part of limn-mat that looks through a file of version 4 to 7 before libmatio does. (libmatio itself
 * crashes on damaged files; that the helper's crashes end in a sentence is for test_members.c.) */
#include "helper/mat_objects.c" /* NOLINT: the helper's sources are in no library */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char name[] = "/tmp/limn-fuzz-XXXXXX";
    answer a = {.size = size};
    mat_objects o = {0};
    static int opened;
    if (!opened) {
        int fd = mkstemp(name);
        if (fd < 0 || (fd != ANSWER_IN && dup2(fd, ANSWER_IN) != ANSWER_IN)) abort();
        unlink(name);
        opened = 1;
    }
    if (ftruncate(ANSWER_IN, 0) != 0 || pwrite(ANSWER_IN, data, size, 0) != (ssize_t)size) abort();
    char *names[] = {(char[]){"gray"}, (char[]){"x"}, NULL};
    limn_status s = mat_objects_find(&o, &a, names);
    if (s != LIMN_OK && (s != LIMN_EINPUT || !limn_message()[0])) abort();
    for (size_t i = 0; i < o.n; i++)
        if (!mat_objects_has(&o, o.object[i].name) || !o.object[i].why[0]) abort();
    mat_objects_clear(&o);
    return 0;
}
