/* The file of a store: what is refused, who may write, what a kill or a failing write leaves, who may read. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/try.h"
#include "db/db.h"
#include "tests/lib/files.h"
#include "tests/lib/stored.h"

static int exists(const char *path, const char *suffix) {
    char name[512];
    snprintf(name, sizeof name, "%s%s", path, suffix);
    return access(name, F_OK) == 0;
}

static limn_store *filled(const char *path, stored *o) {
    limn_store *s = NULL;
    OK(store_open(&s, path));
    stored_fill(s, o, "x", 0);
    return s;
}

/* ---- a file of ours ------------------------------------------------------------------------------------- */

static void a_new_file_is_ours_and_alone(void **state) {
    (void)state;
    const char *path = temp_path("new.db");
    limn_store *s = NULL;
    int one = 0, there = 1;
    OK(store_probe(path, &there));
    assert_int_equal(there, 0);
    assert_false(exists(path, ""));
    OK(store_open(&s, path));
    assert_true(exists(path, ".lock"));
    OK(store_finish(s, &one));
    assert_int_equal(one, 1);
    store_close(s);
    static const char *const other[] = {"-wal", "-shm", "-journal", ".lock", ".limn-new"};
    for (size_t i = 0; i < COUNT_OF(other); i++) assert_false(exists(path, other[i]));
    assert_true(store_is_sqlite(path));
    OK(store_probe(path, &there));
    assert_int_equal(there, 1);
    assert_int_equal(stored_count(path, "PRAGMA application_id"), DB_APPLICATION_ID);
    assert_int_equal(stored_count(path, "PRAGMA user_version"), DB_VERSION);
    assert_int_equal(stored_count(path, "PRAGMA page_size"), DB_PAGE_SIZE);
    size_t n = 0;
    unsigned char *bytes = read_whole(path, &n);
    assert_memory_equal(bytes + 68, "limn", 4);
    assert_int_equal(bytes[18], 1); /* not WAL */
    free(bytes);
}

static void an_empty_file_becomes_a_database_but_is_none_to_read(void **state) {
    (void)state;
    const char *path = temp_file("empty.db", "", 0);
    limn_store *s = NULL;
    assert_int_equal(store_open_readonly(&s, path), LIMN_EINPUT);
    SAYS("empty");
    assert_null(s);
    assert_false(store_is_sqlite(path));
    OK(store_open(&s, path));
    store_close(s);
    assert_true(store_is_sqlite(path));
}

/* ---- what is refused ------------------------------------------------------------------------------------ */

typedef struct {
    const char *name, *word; /* what the sentence must hold */
    size_t n;
    unsigned char *bytes;
} refused;

static unsigned char *header(uint32_t version, uint32_t id) {
    unsigned char *h = calloc(1, 4096);
    assert_non_null(h);
    memcpy(h, "SQLite format 3", 16);
    h[16] = 16; /* pages of 4096 */
    h[18] = h[19] = 2;
    for (int i = 0; i < 4; i++)
        h[60 + i] = (unsigned char)(version >> (24 - 8 * i)), h[68 + i] = (unsigned char)(id >> (24 - 8 * i));
    return h;
}

static void files_of_others_are_refused_and_untouched(void **state) {
    (void)state;
    unsigned char *text = calloc(1, 4096);
    assert_non_null(text);
    memset(text, 'x', 4096);
    refused row[] = {
        {"text.db", "no SQLite file", 4096, text},
        {"short.db", "no SQLite file", 60, header(1, DB_APPLICATION_ID)},
        {"other.db", "another program", 4096, header(1, 0)},
        {"zero.db", "another program", 4096, header(0, DB_APPLICATION_ID)},
        {"newer.db", "newer version", 4096, header(DB_VERSION + 1, DB_APPLICATION_ID)},
    };
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        char wal[64], shm[64];
        limn_store *s = NULL;
        int there = 0;
        snprintf(wal, sizeof wal, "%s-wal", row[i].name);
        snprintf(shm, sizeof shm, "%s-shm", row[i].name);
        const char *path = temp_file(row[i].name, row[i].bytes, row[i].n);
        const char *file[] = {path, temp_file(wal, "some log", 8), temp_file(shm, "some index", 10)};
        assert_int_equal(store_open(&s, path), LIMN_EINPUT);
        SAYS(row[i].word);
        SAYS(row[i].name);
        assert_int_equal(store_open_readonly(&s, path), LIMN_EINPUT);
        SAYS(row[i].word);
        assert_int_equal(store_probe(path, &there), LIMN_EINPUT);
        assert_null(s);
        const void *want[] = {row[i].bytes, "some log", "some index"};
        const size_t size[] = {row[i].n, 8, 10};
        for (int k = 0; k < 3; k++) {
            size_t n = 0;
            unsigned char *now = read_whole(file[k], &n);
            assert_int_equal(n, size[k]);
            assert_memory_equal(now, want[k], n);
            free(now);
        }
        assert_false(exists(path, ".lock"));
        free(row[i].bytes);
    }
}

static void places_where_no_file_can_be_are_refused(void **state) {
    (void)state;
    limn_store *s = NULL;
    int there = 0;
    char deep[600];
    snprintf(deep, sizeof deep, "%s/no/such/folder.db", temp_folder());
    const struct {
        const char *path, *word;
    } row[] = {{deep, "folder"}, {temp_folder(), "no regular file"}, {"", "empty"}, {"/tmp/", "no regular file"}};
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        assert_int_equal(store_open(&s, row[i].path), LIMN_EINPUT);
        SAYS(row[i].word);
        assert_int_equal(store_probe(row[i].path, &there), LIMN_EINPUT);
        assert_int_equal(store_open_readonly(&s, row[i].path), LIMN_EINPUT);
    }
    const char *absent = temp_path("absent.db");
    assert_int_equal(store_open_readonly(&s, absent), LIMN_EINPUT);
    SAYS("no such database");
    assert_false(exists(absent, ""));
}

static void a_lock_file_of_others_is_refused(void **state) {
    (void)state;
    limn_store *s = NULL;
    const char *lock = temp_file("poetry.lock", "[[package]]\n", 12), *path = temp_path("poetry");
    assert_int_equal(store_open(&s, path), LIMN_EINPUT);
    SAYS("is not limn's");
    size_t n = 0;
    unsigned char *now = read_whole(lock, &n);
    assert_int_equal(n, 12);
    free(now);
    assert_false(exists(path, ""));
}

/* ---- two processes -------------------------------------------------------------------------------------- */

/* A child that opens the store, lets `work` write, says so, and waits to be killed. */
static pid_t child_writes(const char *path, void (*work)(limn_store *s)) {
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        limn_store *s = NULL;
        if (store_open(&s, path) != LIMN_OK) _exit(1);
        if (work) work(s);
        if (write(ready[1], "r", 1) != 1) _exit(1);
        for (;;) pause();
    }
    char c = 0;
    close(ready[1]);
    assert_int_equal(read(ready[0], &c, 1), 1);
    close(ready[0]);
    return pid;
}

static void kill_child(pid_t pid) {
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void the_second_writer_is_told(void **state) {
    (void)state;
    const char *path = temp_path("locked.db");
    limn_store *s = NULL, *second = NULL;
    char number[32], link[512];
    pid_t pid = child_writes(path, NULL);
    assert_int_equal(store_open(&s, path), LIMN_EBUSY);
    snprintf(number, sizeof number, "process %ld", (long)pid);
    SAYS(number);
    snprintf(link, sizeof link, "%s", temp_path("link.db"));
    assert_int_equal(symlink(path, link), 0);
    assert_int_equal(store_open(&s, link), LIMN_EBUSY); /* another name of the same file */
    kill_child(pid);
    OK(store_open(&s, path));
    assert_int_equal(store_open(&second, path), LIMN_EBUSY); /* also within a process */
    store_close(s);
    OK(store_open(&s, path));
    store_close(s);
    assert_false(exists(path, ".lock"));
}

static void begin_and_map(limn_store *s, int64_t *attribution, int from, int to) {
    stored o;
    const store_run r = {"x", "c", "{}", "v", "{}", NULL};
    const store_model m = {.hash = "h", .format = "f", .input_shape = "[1]"};
    const store_dataset d = {.fingerprint = "f", .options = "{}", .format = "IDX", .n = STORED_N};
    OK(store_run_begin(s, &o.run, &r));
    OK(store_model_find(s, &o.model, o.run, &m));
    OK(store_dataset_find(s, &o.dataset, o.run, &d));
    for (size_t i = 0; i < STORED_N; i++) {
        const store_sample sample = {i, -1, NULL, NULL, 0};
        OK(store_sample_put(s, o.dataset, &sample));
    }
    OK(store_sample_ids(s, o.dataset, o.sample, STORED_N));
    const store_attribution a = {o.model, o.dataset, "saliency", "limn", NULL, "out", "predicted", "{}", 1, 1, 2};
    OK(store_attribution_find(s, attribution, NULL, o.run, &a));
    OK(store_begin(s));
    for (int i = from; i < to; i++) OK(store_map_put(s, *attribution, o.sample[i], 0, -1, (const float[]){1, 2}, 2));
}

static void write_a_batch_and_a_half(limn_store *s) {
    int64_t attribution = 0;
    begin_and_map(s, &attribution, 0, 2);
    OK(store_commit(s));
    begin_and_map(s, &attribution, 2, 4); /* never committed */
}

static void a_kill_leaves_whole_batches(void **state) {
    (void)state;
    const char *path = temp_path("killed.db");
    unsigned char have[STORED_N];
    limn_store *s = NULL;
    int64_t attribution = 0;
    size_t done = 0;
    kill_child(child_writes(path, write_a_batch_and_a_half));
    assert_true(exists(path, "-wal"));
    OK(store_open_readonly(&s, path)); /* reads what was committed */
    OK(store_have(s, STORE_MAPS, 1, 1, NULL, STORED_N, &done));
    OK(store_have(s, STORE_MAPS, 1, 1, have, STORED_N, NULL));
    assert_int_equal(done, 2);
    store_close(s);
    OK(store_open(&s, path));
    OK(store_have(s, STORE_MAPS, 1, 1, have, STORED_N, &done));
    assert_int_equal(done, 2);
    assert_memory_equal(have, "\1\1\0\0\0\0", STORED_N);
    OK(store_have(s, STORE_SAMPLES, 1, 1, NULL, STORED_N, &done));
    assert_int_equal(done, STORED_N);
    OK(store_have(s, STORE_IMAGES, 1, 1, NULL, STORED_N, &done));
    assert_int_equal(done, 0);
    begin_and_map(s, &attribution, 2, STORED_N);
    OK(store_commit(s));
    assert_int_equal(attribution, 1);
    OK(store_have(s, STORE_MAPS, 1, 1, have, STORED_N, &done));
    assert_int_equal(done, STORED_N);
    OK(store_finish(s, NULL));
    assert_int_equal(stored_count(path, "SELECT count(*) FROM run WHERE status = 'killed'"), 2);
    assert_int_equal(stored_count(path, "SELECT count(*) FROM run WHERE status = 'running'"), 1);
    assert_int_equal(stored_count(path, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), 1);
    store_close(s);
    assert_false(exists(path, "-wal"));
}

static void readers_see_committed_rows_while_one_writes(void **state) {
    (void)state;
    const char *path = temp_path("live.db");
    limn_store *w = NULL, *r = NULL;
    int64_t attribution = 0;
    size_t done = 9;
    int one = 1;
    OK(store_open(&w, path));
    begin_and_map(w, &attribution, 0, 3);
    OK(store_open_readonly(&r, path));
    OK(store_have(r, STORE_MAPS, attribution, 1, NULL, STORED_N, &done));
    assert_int_equal(done, 0);
    OK(store_commit(w));
    OK(store_have(r, STORE_MAPS, attribution, 1, NULL, STORED_N, &done));
    assert_int_equal(done, 3);
    assert_int_equal(store_complete(r, STORE_ATTRIBUTION, attribution), LIMN_EFAIL); /* it only reads */
    store_close(r);
    OK(store_finish(w, &one));
    assert_int_equal(one, 1);
    store_close(w);
}

/* The file says WAL and its log is still empty: whoever reads now must see what is written next. */
static void a_reader_that_comes_before_the_first_row_sees_it(void **state) {
    (void)state;
    const char *path = temp_path("early.db");
    limn_store *w = NULL, *r = NULL;
    int64_t attribution = 0;
    size_t done = 9;
    OK(store_open(&w, path));
    OK(store_open_readonly(&r, path));
    begin_and_map(w, &attribution, 0, 3);
    OK(store_commit(w));
    OK(store_have(r, STORE_MAPS, attribution, 1, NULL, STORED_N, &done));
    assert_int_equal(done, 3);
    store_close(r);
    store_close(w);
    assert_false(exists(path, "-wal"));
}

static void a_reader_that_stays_keeps_the_log_alive_and_no_more(void **state) {
    (void)state;
    const char *path = temp_path("stays.db");
    limn_store *w = NULL, *r = NULL;
    int64_t attribution = 0;
    int one = 1;
    OK(store_open(&w, path));
    begin_and_map(w, &attribution, 0, 3);
    OK(store_commit(w));
    OK(store_open_readonly(&r, path));
    OK(db_exec(r, "BEGIN; SELECT count(*) FROM map"));
    sqlite3_busy_timeout(w->db, 1); /* ms: the reader will not go */
    OK(store_finish(w, &one));
    assert_int_equal(one, 0);
    assert_true(exists(path, "-wal"));
    OK(db_exec(r, "COMMIT"));
    store_close(r);
    OK(store_finish(w, &one));
    assert_int_equal(one, 1);
    store_close(w);
    assert_false(exists(path, "-wal"));
    assert_int_equal(stored_count(path, "SELECT count(*) FROM map"), 3);
}

/* As somebody whom the folder's permissions hold: `what` in a child, which as root becomes nobody. */
static int as_nobody(int (*what)(const char *path), const char *path) {
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (getuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) _exit(77);
        _exit(what(path));
    }
    int how = 0;
    waitpid(pid, &how, 0);
    return WIFEXITED(how) ? WEXITSTATUS(how) : 99;
}

static int read_only(const char *path) {
    limn_store *s = NULL;
    size_t done = 0;
    int there = 0;
    if (store_open_readonly(&s, path) != LIMN_OK) return 1;
    if (store_have(s, STORE_MAPS, 1, 1, NULL, STORED_N, &done) != LIMN_OK || done != STORED_N) return 2;
    store_close(s);
    if (store_open(&s, path) != LIMN_EINPUT || !strstr(limn_message(), "cannot be written")) return 3;
    if (store_probe(path, &there) != LIMN_EINPUT) return 4;
    return 0;
}

static int read_cut_off(const char *path) {
    limn_store *s = NULL;
    limn_status status = store_open_readonly(&s, path);
    store_close(s);
    return status == LIMN_OK ? 0 : status == LIMN_EINPUT && strstr(limn_message(), "-wal") ? 5 : 6;
}

static void a_read_only_folder_is_enough_to_read(void **state) {
    (void)state;
    stored o;
    size_t n = 0;
    char folder[512], wal[512];
    limn_store *s = filled(temp_path("ro.db"), &o);
    store_close(s);
    unsigned char *bytes = read_whole(temp_path("ro.db"), &n);
    const char *path = temp_file("ro/%41 #1?.db", bytes, n); /* a name that a URI would misread */
    snprintf(folder, sizeof folder, "%s/ro", temp_folder());
    chmod(temp_folder(), 0755);
    chmod(folder, 0555);
    chmod(path, 0444);
    assert_int_equal(as_nobody(read_only, path), 0);
    /* the same where the file says WAL and its -wal is gone, as a copy of a live file may */
    chmod(path, 0644);
    bytes[18] = bytes[19] = 2;
    path = temp_file("ro/%41 #1?.db", bytes, n);
    assert_int_equal(as_nobody(read_only, path), 0);
    assert_false(exists(path, "-wal"));
    assert_false(exists(path, "-shm"));
    temp_file("ro/%41 #1?.db.lock", "limn 1\n", 7); /* that was copied too */
    assert_int_equal(as_nobody(read_only, path), 0);
    /* and where a -wal without its index lies there: what cannot be read is said */
    chmod(folder, 0755);
    kill_child(child_writes(temp_path("cut.db"), write_a_batch_and_a_half));
    free(bytes);
    bytes = read_whole(temp_path("cut.db"), &n);
    path = temp_file("ro/cut.db", bytes, n);
    free(bytes);
    snprintf(wal, sizeof wal, "%s-wal", temp_path("cut.db"));
    bytes = read_whole(wal, &n);
    temp_file("ro/cut.db-wal", bytes, n);
    free(bytes);
    chmod(folder, 0555);
    assert_int_equal(as_nobody(read_cut_off, path), 5);
    chmod(folder, 0755);
}

static void a_full_disk_is_said_and_leaves_what_was_stored(void **state) {
    (void)state;
    const char *path = temp_path("full.db");
    static float big[1 << 16];
    limn_store *s = NULL;
    int64_t attribution = 0;
    OK(store_open(&s, path));
    begin_and_map(s, &attribution, 0, 2);
    OK(store_commit(s));
    OK(db_exec(s, "PRAGMA max_page_count = 1")); /* no more than there are now */
    OK(store_begin(s));
    assert_int_equal(store_map_put(s, attribution, 3, 0, -1, big, COUNT_OF(big)), LIMN_EFAIL);
    SAYS("disk is full");
    SAYS("full.db");
    store_rollback(s);
    SAYS("disk is full"); /* the sentence stays */
    store_close(s);
    assert_int_equal(stored_count(path, "SELECT count(*) FROM map"), 2);
    assert_int_equal(stored_count(path, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), 1);
}

/* Writes until the system refuses: files may grow to 3 MB. 0: as it should be. */
static int write_too_much(const char *path) {
    static float big[1 << 16]; /* 256 KiB */
    struct rlimit most = {.rlim_cur = 3 << 20, .rlim_max = 3 << 20};
    limn_store *s = NULL;
    int64_t attribution = 0;
    signal(SIGXFSZ, SIG_IGN); /* write() then says EFBIG */
    if (store_open(&s, path) != LIMN_OK) return 1;
    begin_and_map(s, &attribution, 0, 2);
    if (store_commit(s) != LIMN_OK || setrlimit(RLIMIT_FSIZE, &most) != 0) return 2;
    limn_status status = LIMN_OK;
    for (int i = 0; status == LIMN_OK && i < 40; i++) {
        status = store_begin(s);
        if (status == LIMN_OK) status = store_map_put(s, attribution, 3, i, -1, big, COUNT_OF(big));
        if (status == LIMN_OK) status = store_commit(s);
    }
    if (status != LIMN_EFAIL || !strstr(limn_message(), "large.db: ")) return 3;
    store_close(s);
    return strstr(limn_message(), "large.db: ") ? 0 : 4;
}

static void a_write_that_fails_is_said_and_leaves_what_was_stored(void **state) {
    (void)state;
    const char *path = temp_path("large.db");
    pid_t pid = fork();
    int how = 0;
    if (pid == 0) _exit(write_too_much(path));
    waitpid(pid, &how, 0);
    assert_true(WIFEXITED(how));
    assert_int_equal(WEXITSTATUS(how), 0);
    assert_true(stored_count(path, "SELECT count(*) FROM map") >= 2 + 5); /* what was committed before the limit */
    assert_int_equal(stored_count(path, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_file_is_ours_and_alone),
        cmocka_unit_test(an_empty_file_becomes_a_database_but_is_none_to_read),
        cmocka_unit_test(files_of_others_are_refused_and_untouched),
        cmocka_unit_test(places_where_no_file_can_be_are_refused),
        cmocka_unit_test(a_lock_file_of_others_is_refused),
        cmocka_unit_test(the_second_writer_is_told),
        cmocka_unit_test(a_kill_leaves_whole_batches),
        cmocka_unit_test(readers_see_committed_rows_while_one_writes),
        cmocka_unit_test(a_reader_that_comes_before_the_first_row_sees_it),
        cmocka_unit_test(a_reader_that_stays_keeps_the_log_alive_and_no_more),
        cmocka_unit_test(a_read_only_folder_is_enough_to_read),
        cmocka_unit_test(a_full_disk_is_said_and_leaves_what_was_stored),
        cmocka_unit_test(a_write_that_fails_is_said_and_leaves_what_was_stored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
