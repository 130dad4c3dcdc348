/* Plots: strings from outside are data, gnuplot is watched, nothing is left half-written, wrong specs are told. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/status.h"
#include "base/try.h"
#include "plots/glyphs.h"
#include "plots/heatmaps.h"
#include "plots/scatter.h"
#include "plots/text.h"
#include "tests/lib/files.h"
#include "tests/lib/pixels.h"

static const float square[] = {-1, -1, 1, -1, -1, 1, 1, 1, 0, 0, .5f, 0, 0, .5f, -.5f, 0, 0, -.5f, .2f, .2f};
enum { N = 10 };
static const int each[N] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};

static limn_scatter plain_spec(const char *folder, const char *name) {
    return (limn_scatter){.figure = {.folder = folder, .name = name, .width = 4, .dpi = 100},
                          .n = N,
                          .xy = square,
                          .colour = limn_scatter_colour_find("label"),
                          .class_of = each,
                          .n_classes = N,
                          .seed = 1};
}

/* Names in a folder, sorted, joined by blanks. */
static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void listing(char out[4096], const char *folder) {
    char *name[64];
    size_t n = 0;
    DIR *d = opendir(folder);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d)) != NULL && n < 64;)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) name[n++] = strdup(e->d_name);
    closedir(d);
    qsort(name, n, sizeof *name, by_name);
    out[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        snprintf(out + strlen(out), 4096 - strlen(out), "%s%s", i ? " " : "", name[i]);
        free(name[i]);
    }
}

static void assert_listing(const char *folder, const char *expected) {
    char found[4096];
    listing(found, folder);
    assert_string_equal(found, expected);
}

static void assert_said(const char *words) {
    if (!strstr(limn_message(), words)) fail_msg("'%s' is not in: %s", words, limn_message());
    assert_null(strchr(limn_message(), '\n'));
}

/* ---- the gate ---------------------------------------------------------------------------------------------------- */
static void outside_strings_are_quoted(void **state) {
    (void)state;
    static const struct {
        const char *in, *out;
        size_t max;
    } row[] = {
        {"seven", "'seven'", 20},
        {"", "''", 20},
        {NULL, "''", 20},
        {"it's", "'it'.\"'\".'s'", 20},
        {"`touch /tmp/x`", "'`touch /tmp/x`'", 20},
        {"a\nsystem('x')", "'a system('.\"'\".'x'.\"'\".')'", 20},
        {"a\r\n\tb\x01"
         "c",
         "'a   b\xef\xbf\xbd"
         "c'",
         20},
        {"back\\", "'back\\'", 20},
        {"\xff\xfe", "'\xef\xbf\xbd\xef\xbf\xbd'", 20},
        {"\xc0\xaf", "'\xef\xbf\xbd\xef\xbf\xbd'", 20},                 /* overlong '/' */
        {"\xed\xa0\x80", "'\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd'", 20}, /* surrogate */
        {"\xe2\x82", "'\xef\xbf\xbd\xef\xbf\xbd'", 20},                 /* cut off */
        {"a\xe2\x80\xa8"
         "b",
         "'a b'", 20}, /* line separator */
        {"\xe2\x80\xae"
         "evil",
         "'\xef\xbf\xbd"
         "evil'",
         20},                                                                               /* right-to-left override */
        {"\xef\xbf\xbf", "'\xef\xbf\xbd'", 20},                                             /* XML forbids it */
        {"na\xc3\xafve \xe2\x86\x92 \xce\xb1", "'na\xc3\xafve \xe2\x86\x92 \xce\xb1'", 20}, /* kept */
        {"@a b@", "'@'.'a b@'.''", 20},
        {"0123456789", "'0123456789'", 10},
        {"0123456789a", "'012345678\xe2\x80\xa6'", 10},
        {"\xc3\xa4\xc3\xb6\xc3\xbc", "'\xc3\xa4\xe2\x80\xa6'", 2},
        {"'", "''.\"'\".''", 4},
    };
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        plots_text t = {0};
        plots_put_quoted(&t, row[i].in, row[i].max);
        assert_int_equal(t.status, LIMN_OK);
        assert_string_equal(t.text, row[i].out);
        free(t.text);
    }
}

static void texts_are_wrapped_and_clipped(void **state) {
    (void)state;
    char *line[3] = {0};
    size_t n = 0;
    assert_int_equal(plots_wrap(line, &n, 3, "Grad-CAM (keras-vis)", 6), LIMN_OK);
    assert_int_equal(n, 2);
    assert_string_equal(line[0], "Grad-CAM");
    assert_string_equal(line[1], "(keras-vis)");
    for (size_t i = 0; i < n; i++) free(line[i]);
    assert_int_equal(plots_wrap(line, &n, 2, "one two three four five six", 3), LIMN_OK);
    assert_int_equal(n, 2);
    assert_string_equal(line[0], "one");
    assert_true(strlen(line[1]) > 3 && strcmp(line[1] + strlen(line[1]) - 3, "…") == 0);
    for (size_t i = 0; i < n; i++) {
        assert_true(plots_text_width(line[i]) <= 3);
        free(line[i]);
    }
    assert_int_equal(plots_wrap(line, &n, 3, "backpropagation", 5), LIMN_OK);
    assert_int_equal(n, 2);
    assert_string_equal(line[0], "backpro-");
    assert_string_equal(line[1], "pagation");
    for (size_t i = 0; i < n; i++) {
        assert_true(plots_text_width(line[i]) <= 5);
        free(line[i]);
    }
    assert_int_equal(plots_wrap(line, &n, 2, "", 3), LIMN_OK);
    assert_int_equal(n, 0);
    /* DejaVu Sans: H is 0.752 em wide, measured on a picture of ten of them */
    assert_true(fabs(plots_text_width("HHHHHHHHHH") - 7.52) < 1e-9);
}

/* A character that no font has would be drawn as a box larger than the picture. Its place is taken by U+FFFD, or by a
 * question mark where no font has that either; what a font has stays. (U+0378 is no character; where fc-list is missing
 * nothing is known and all stays.) */
static void characters_without_a_glyph_are_replaced(void **state) {
    (void)state;
    char *clean;
    if (system("fc-list >/dev/null 2>&1") != 0) skip();
    assert_false(plots_has_glyph(0x378));
    assert_true(plots_has_glyph('a') && plots_has_glyph(0x3b1) && plots_has_glyph(0x200d));
    assert_int_equal(plots_clean(&clean, "a\xcd\xb8\xce\xb1", 20), LIMN_OK);
    assert_string_equal(clean, plots_has_glyph(0xfffd) ? "a\xef\xbf\xbd\xce\xb1" : "a?\xce\xb1");
    free(clean);

    const char *names[N];
    for (size_t i = 0; i < N; i++) names[i] = "\xcd\xb8\xcd\xb9 \xf0\x9f\xae\xff";
    limn_scatter s = plain_spec(fresh("glyphs"), "glyphs");
    s.class_name = names;
    s.names = LIMN_NAMES_MEDIAN;
    assert_int_equal(limn_plot_scatter(&s), LIMN_OK);
    picture p = load("glyphs/glyphs.png");
    size_t black = 0;
    for (size_t i = 0; i < p.w * p.h; i++) black += p.rgb[3 * i] < 50 && p.rgb[3 * i + 1] < 50 && p.rgb[3 * i + 2] < 50;
    assert_true(black < p.w * p.h / 5);
    free(p.rgb);
}

/* ---- hostile strings through gnuplot ----------------------------------------------------------------------------- */
/* Short enough to enter a legend whole; a command that ran would leave bait_* in gnuplot's folder or in ours. */
static const char *const hostile[N] = {
    "`touch bait_a`",          "system(\"touch bait_b\")",
    "\"; !touch bait_c; \"",   "{/Symbol a}_b^c",
    "<script>x</script>&amp;", "''.system('>bait_d').''",
    "'.system('>bait_g').'\\", "x\nsystem('touch bait_e')\n!touch bait_f\n",
    "\xff\xfe in \xc3\x28",    "../../x it's @face @x %s",
};
/* How the SVG says each. */
static const char *const harmless[N] = {
    "`touch bait_a`<",
    "system(\"touch bait_b\")<",
    "\"; !touch bait_c; \"<",
    "{/Symbol a}_b^c<",
    "&lt;script>x&lt;/script>&amp;amp;<",
    "''.system('>bait_d').''<",
    "'.system('>bait_g').'\\<",
    "x system('touch bait_e'",
    "\xef\xbf\xbd\xef\xbf\xbd in \xef\xbf\xbd(<",
    "../../x it's @face @x %s<",
};

static void assert_svg_says(const char *path) {
    size_t n = 0;
    char *svg = (char *)read_whole(path, &n);
    svg[n - 1] = '\0';
    assert_null(strstr(svg, "<script"));
    for (size_t i = 0; i < N; i++)
        if (!strstr(svg, harmless[i])) fail_msg("%s does not show %s", path, harmless[i]);
    free(svg);
}

static void hostile_strings_are_data(void **state) {
    (void)state;
    static const char *const formats[] = {"svg", "png", "pdf", "jpg"};
    const char *folder = fresh("hostile"), *title = "t'\nsystem('touch bait_t')\n!touch bait_u\n`touch bait_v`";
    char here[4096];
    float map[N * 4] = {0};
    limn_scatter s = plain_spec(folder, "scatter");
    s.figure.width = 20;
    s.figure.formats = formats;
    s.figure.n_formats = 4;
    s.figure.title = s.x_label = s.y_label = title;
    s.class_name = hostile;
    s.names = LIMN_NAMES_BOTH;
    assert_int_equal(limn_plot_scatter(&s), LIMN_OK);

    limn_heatmap_column column = {.title = title, .h = 2, .w = 2, .data = map};
    limn_heatmaps h = {
        .figure = s.figure, .rows = N, .columns = 1, .column = &column, .row_label = hostile, .row_note = hostile};
    h.figure.name = "grid";
    h.figure.font_size = 4; /* the labels fit whole */
    h.figure.width = 0;
    assert_int_equal(limn_plot_heatmaps(&h), LIMN_OK);

    listing(here, ".");
    assert_null(strstr(here, "bait"));
    assert_listing(folder, "gp grid.jpg grid.pdf grid.png grid.svg scatter.jpg scatter.pdf scatter.png scatter.svg");
    assert_listing(temp_path("hostile/gp"), "grid.bin grid.gp scatter.bin scatter.gp");
    assert_svg_says(temp_path("hostile/scatter.svg"));
    assert_svg_says(temp_path("hostile/grid.svg"));
}

static void a_name_of_ten_thousand_characters_is_cut(void **state) {
    (void)state;
    const char *folder = fresh("long");
    char *name = malloc(10001);
    const char *names[N];
    memset(name, 'W', 10000);
    name[10000] = '\0';
    for (size_t i = 0; i < N; i++) names[i] = name;
    static const limn_class_names where[] = {LIMN_NAMES_MEDIAN, LIMN_NAMES_BOTH};
    for (size_t i = 0; i < COUNT_OF(where); i++) {
        limn_scatter s = plain_spec(folder, "long");
        s.class_name = names;
        s.figure.title = name;
        s.figure.width = 8.5;
        s.names = where[i];
        assert_int_equal(limn_plot_scatter(&s), LIMN_OK);
    }
    struct stat st;
    assert_int_equal(stat(temp_path("long/gp/long.gp"), &st), 0);
    assert_true(st.st_size < 200 * 1024); /* ten names in thirteen copies each, 24 characters long */
    free(name);
}

static void start_up_files_and_environment_are_ignored(void **state) {
    (void)state;
    const char *folder = fresh("home"), *bait = fresh("home-bait");
    char line[600], *old = getenv("HOME") ? strdup(getenv("HOME")) : NULL;
    snprintf(line, sizeof line, "system('touch %s/x')\nthis is no command\n", bait);
    (void)temp_file("home/.gnuplot", line, strlen(line));
    setenv("HOME", folder, 1);
    setenv("GNUTERM", "nonsense", 1);
    setenv("GNUPLOT_LIB", folder, 1);
    limn_scatter s = plain_spec(folder, "home");
    assert_int_equal(limn_plot_scatter(&s), LIMN_OK);
    assert_listing(bait, "");
    unsetenv("GNUTERM");
    unsetenv("GNUPLOT_LIB");
    if (old) setenv("HOME", old, 1);
    free(old);
}

/* ---- a gnuplot that is absent, fails, hangs, or dies ------------------------------------------------------------- */
static const char *fake(const char *name, const char *script) {
    char text[2048];
    int n = snprintf(text, sizeof text, "#!/bin/sh\n%s\n", script);
    const char *path = temp_file(name, text, (size_t)n);
    assert_int_equal(chmod(path, 0755), 0);
    return path;
}

static void failures_leave_no_picture(void **state) {
    (void)state;
    /* $3 is part='…', as the script would see it */
    static const struct {
        const char *name, *script, *says;
        double timeout;
    } row[] = {
        {"fails",
         "echo; echo 'plot foo' >&2; echo '     ^' >&2; echo '\"map.gp\" line 7: undefined variable: foo' >&2; exit 1",
         "\"map.gp\" line 7: undefined variable: foo", 0},
        {"words", "echo 'my disk is on fire' >&2; exit 3", "my disk is on fire (exit code 3)", 0},
        {"silent", "exit 1", "it said nothing", 0},
        {"half", "eval \"$3\"; head -c 100 /dev/zero > ../map.png$part; echo oh no >&2; exit 2", "oh no", 0},
        {"killed", "eval \"$3\"; head -c 100 /dev/zero > ../map.png$part; kill -9 $$", "signal 9", 0},
        {"full", "eval \"$3\"; head -c 100 /dev/zero > ../map.png$part", "incomplete png", 0},
        {"nothing", "true", "drew no png", 0},
        {"chatty", "i=0; while [ $i -lt 3000 ]; do echo 'word word word word word word word'; i=$((i+1)); done; exit 1",
         "word word", 0},
        {"hangs",
         "eval \"$3\"; echo $$ > ../../pids; sleep 1000 & echo $! >> ../../pids; head -c 9 /dev/zero > "
         "../map.png$part; wait",
         "longer than 0.3 s", .3},
    };
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        char folder[64];
        snprintf(folder, sizeof folder, "fake-%s", row[i].name);
        limn_scatter s = plain_spec(fresh(folder), "map");
        s.figure.timeout = row[i].timeout;
        setenv("LIMN_GNUPLOT", fake(row[i].name, row[i].script), 1);
        assert_int_equal(limn_plot_scatter(&s), LIMN_EFAIL);
        unsetenv("LIMN_GNUPLOT");
        assert_said(row[i].says);
        assert_said("gnuplot");
        assert_listing(s.figure.folder, "gp");
        snprintf(folder, sizeof folder, "fake-%s/gp", row[i].name);
        assert_listing(temp_path(folder), "map.bin map.gp"); /* the script stays: it shows what was wrong */
    }
}

/* Waits until a process has ended; an orphan is reaped by init, in its own time. */
static int is_gone(int pid) {
    for (int t = 0; t < 500; t++) {
        char path[64], line[256] = "";
        snprintf(path, sizeof path, "/proc/%d/stat", pid);
        FILE *f = fopen(path, "r");
        if (f && fgets(line, sizeof line, f) == NULL) line[0] = '\0';
        if (f) fclose(f);
        if (!f || strstr(line, ") Z") != NULL) return 1;
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    return 0;
}

static void what_hangs_is_killed_with_its_children(void **state) {
    (void)state;
    size_t n = 0; /* written by the row `hangs` above */
    char *pids = (char *)read_whole(temp_path("pids"), &n);
    int pid[2] = {0, 0};
    assert_int_equal(sscanf(pids, "%d %d", &pid[0], &pid[1]), 2);
    free(pids);
    assert_true(is_gone(pid[0]) && is_gone(pid[1]));
}

static void an_older_picture_survives_a_failure(void **state) {
    (void)state;
    limn_scatter s = plain_spec(fresh("older"), "map");
    size_t n = 0, m = 0;
    assert_int_equal(limn_plot_scatter(&s), LIMN_OK);
    unsigned char *before = read_whole(temp_path("older/map.png"), &n);
    setenv("LIMN_GNUPLOT", fake("dies", "eval \"$3\"; echo x > ../map.png$part; exit 1"), 1);
    assert_int_equal(limn_plot_scatter(&s), LIMN_EFAIL);
    unsetenv("LIMN_GNUPLOT");
    unsigned char *after = read_whole(temp_path("older/map.png"), &m);
    assert_int_equal(n, m);
    assert_memory_equal(before, after, n);
    free(before);
    free(after);
    assert_listing(s.figure.folder, "gp map.png");
}

static void an_absent_gnuplot_is_told(void **state) {
    (void)state;
    char *path = NULL, version[64], *old = strdup(getenv("PATH"));
    limn_scatter s = plain_spec(fresh("absent"), "map");
    setenv("LIMN_GNUPLOT", "/nonexistent", 1);
    assert_int_equal(limn_plot_scatter(&s), LIMN_EFAIL);
    assert_said("gnuplot is missing: LIMN_GNUPLOT says '/nonexistent'");
    assert_listing(s.figure.folder, "gp");
    assert_int_equal(limn_gnuplot_find(&path, version), LIMN_EFAIL);
    assert_null(path);
    setenv("LIMN_GNUPLOT", temp_folder(), 1); /* a folder is no program */
    assert_int_equal(limn_plot_scatter(&s), LIMN_EFAIL);
    assert_said("gnuplot is missing");
    unsetenv("LIMN_GNUPLOT");
    setenv("PATH", "/nonexistent:", 1);
    assert_int_equal(limn_plot_scatter(&s), LIMN_EFAIL);
    assert_said("gnuplot is missing: no program of that name in PATH");
    setenv("PATH", old, 1);
    free(old);
    setenv("LIMN_GNUPLOT", fake("no-program", ""), 1);
    (void)temp_file("no-program",
                    "\x7f"
                    "ELF nonsense",
                    12);
    assert_int_equal(limn_plot_scatter(&s), LIMN_EFAIL);
    assert_said("gnuplot failed");
    unsetenv("LIMN_GNUPLOT");
    assert_int_equal(limn_gnuplot_find(&path, version), LIMN_OK);
    assert_true(path[0] == '/');
    assert_memory_equal(version, "gnuplot ", 8);
    free(path);
}

/* A gnuplot in work when our process is killed dies as well; the next drawing removes what both left. */
static void a_killed_process_leaves_nothing_for_long(void **state) {
    (void)state;
    const char *folder = fresh("killed-parent");
    setenv("LIMN_GNUPLOT", fake("waits", "eval \"$3\"; echo x > ../map.png$part; echo $$ > ../pid; exec sleep 1000"),
           1);
    pid_t parent = fork();
    if (parent == 0) {
        limn_scatter s = plain_spec(folder, "map");
        _exit((int)limn_plot_scatter(&s));
    }
    int pid = 0;
    for (int t = 0; t < 1000 && pid == 0; t++) { /* until the fake has begun */
        FILE *f = fopen(temp_path("killed-parent/pid"), "r");
        if (f && fscanf(f, "%d", &pid) != 1) pid = 0;
        if (f) fclose(f);
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    assert_true(pid > 0);
    assert_int_equal(kill(parent, SIGKILL), 0);
    assert_int_equal(waitpid(parent, NULL, 0), parent);
    assert_true(is_gone(pid));
    unsetenv("LIMN_GNUPLOT");
    assert_int_equal(remove(temp_path("killed-parent/pid")), 0);
    (void)temp_file("killed-parent/map.2.png.1-0.part", "x", 1); /* of a process that lives, and of another figure */
    (void)temp_file("killed-parent/mapx.png.999999999-0.part", "x", 1);
    limn_scatter s = plain_spec(folder, "map");
    assert_int_equal(limn_plot_scatter(&s), LIMN_OK);
    assert_listing(folder, "gp map.2.png.1-0.part map.png mapx.png.999999999-0.part");
}

/* ---- folders ----------------------------------------------------------------------------------------------------- */
static void folders_that_cannot_be_written_are_told(void **state) {
    (void)state;
    limn_scatter s = plain_spec(temp_path("no-such-folder"), "map");
    assert_int_equal(limn_plot_scatter(&s), LIMN_EFAIL);
    assert_said("no-such-folder does not exist");
    (void)temp_file("a-file", "x", 1);
    s.figure.folder = temp_path("a-file/below");
    assert_int_equal(limn_plot_scatter(&s), LIMN_EFAIL);
    assert_said("Not a directory");
    s.figure.folder = fresh("in-the-way");
    assert_int_equal(mkdir(temp_path("in-the-way/map.png"), 0777), 0); /* a folder where the picture belongs */
    assert_int_equal(limn_plot_scatter(&s), LIMN_EFAIL);
    assert_said("map.png cannot be written");
    assert_listing(s.figure.folder, "gp map.png");
    assert_int_equal(rmdir(temp_path("in-the-way/map.png")), 0);
}

static void a_read_only_folder_is_told(void **state) {
    (void)state;
    limn_scatter s = plain_spec(fresh("read-only"), "map");
    assert_int_equal(chmod(temp_folder(), 0755), 0);
    assert_int_equal(chmod(s.figure.folder, 0555), 0);
    uid_t me = geteuid();
    if (me == 0) assert_int_equal(seteuid(65534), 0); /* root may write everywhere */
    limn_status status = limn_plot_scatter(&s);
    if (me == 0) assert_int_equal(seteuid(0), 0);
    assert_int_equal(status, LIMN_EFAIL);
    assert_said("nothing can be written into the folder");
    assert_listing(s.figure.folder, "");
}

static void a_discarded_script_leaves_the_picture_alone(void **state) {
    (void)state;
    limn_scatter s = plain_spec(fresh("discard"), "map");
    s.figure.discard_script = 1;
    assert_int_equal(limn_plot_scatter(&s), LIMN_OK);
    assert_listing(s.figure.folder, "map.png");
    setenv("LIMN_GNUPLOT", "/nonexistent", 1);
    assert_int_equal(limn_plot_scatter(&s), LIMN_EFAIL);
    unsetenv("LIMN_GNUPLOT");
    assert_listing(s.figure.folder, "map.png");
    s.figure.discard_script = 0; /* and does not take another's script away */
    assert_int_equal(limn_plot_scatter(&s), LIMN_OK);
    s.figure.discard_script = 1;
    assert_int_equal(limn_plot_scatter(&s), LIMN_OK);
    assert_listing(temp_path("discard/gp"), "map.bin map.gp");
}

/* ---- specs ------------------------------------------------------------------------------------------------------- */
static void wrong_figures_are_refused(void **state) {
    (void)state;
    static const char *const tiff[] = {"tiff"};
    const struct {
        limn_figure f;
        const char *says;
    } row[] = {
        {{.name = "../x"}, "cannot be named '../x'"},
        {{.name = ".x"}, "cannot be named"},
        {{.name = "-x"}, "cannot be named"},
        {{.name = ""}, "cannot be named"},
        {{.name = NULL}, "cannot be named"},
        {{.name = "a b"}, "cannot be named"},
        {{.name = "a'b"}, "cannot be named"},
        {{.name = "a\nb"}, "cannot be named 'a b'"},
        {{.name = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}, "at most 64"},
        {{.name = "x", .width = 1}, "width in cm is 1"},
        {{.name = "x", .height = -3}, "height in cm is -3"},
        {{.name = "x", .width = NAN}, "width in cm"},
        {{.name = "x", .dpi = 1e9}, "dpi"},
        {{.name = "x", .font_size = 100}, "font size"},
        {{.name = "x", .timeout = -1}, "time-out"},
        {{.name = "x", .font = "a'b"}, "font"},
        {{.name = "x", .font = "a,b"}, "font"},
        {{.name = "x", .formats = tiff, .n_formats = 1}, "no format 'tiff' (png, jpg, svg, pdf)"},
    };
    const char *folder = fresh("refused");
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        limn_scatter s = plain_spec(folder, "x");
        s.figure = row[i].f;
        s.figure.folder = folder;
        assert_int_equal(limn_figure_check(&s.figure), LIMN_EINPUT);
        assert_said(row[i].says);
        assert_int_equal(limn_plot_scatter(&s), LIMN_EINPUT);
    }
    assert_listing(folder, "");
}

static void wrong_scatters_are_refused(void **state) {
    (void)state;
    static const float nan_point[] = {0, 0, 1, NAN};
    const char *folder = fresh("refused-scatter");
    limn_scatter good = plain_spec(folder, "x"), s = good;
    s.n = 0;
    assert_int_equal(limn_plot_scatter(&s), LIMN_EINPUT);
    assert_said("no points");
    s = good;
    s.dims = 1;
    assert_int_equal(limn_plot_scatter(&s), LIMN_EINPUT);
    assert_said("two dimensions");
    s = good;
    s.class_of = NULL;
    assert_int_equal(limn_plot_scatter(&s), LIMN_EINPUT);
    assert_said("colour 'label' needs classes");
    s.colour = limn_scatter_colour_find("margin");
    assert_int_equal(limn_plot_scatter(&s), LIMN_EINPUT);
    assert_said("colour 'margin' needs values");
    const double value[N] = {0};
    s.value = value;
    s.palette = "rainbow";
    assert_int_equal(limn_plot_scatter(&s), LIMN_EINPUT);
    assert_said("no palette 'rainbow'");
    s = good;
    s.opacity = 2;
    assert_int_equal(limn_plot_scatter(&s), LIMN_EINPUT);
    assert_said("opacity");
    s = good;
    s.xy = nan_point;
    s.n = 2;
    assert_int_equal(limn_plot_scatter(&s), LIMN_EFAIL);
    assert_said("point 1 is not finite");
    s = good;
    s.figure.width = 2;
    s.figure.height = 2;
    s.figure.title = "t";
    s.x_label = "x";
    s.figure.font_size = 20;
    assert_int_equal(limn_plot_scatter(&s), LIMN_EINPUT);
    assert_said("leave no room");
    s = good;
    s.figure.width = 100;
    s.figure.dpi = 1200;
    assert_int_equal(limn_plot_scatter(&s), LIMN_EINPUT);
    assert_said("too large a picture");
    assert_listing(folder, "");
}

static void wrong_grids_are_refused(void **state) {
    (void)state;
    static const char *const svg[] = {"svg"};
    const char *folder = fresh("refused-grid");
    const float map[12] = {0};
    limn_heatmap_column c = {.title = "m", .h = 2, .w = 2, .data = map};
    limn_heatmaps good = {.figure = {.folder = folder, .name = "x"}, .rows = 1, .columns = 1, .column = &c}, h = good;
    const struct {
        limn_heatmaps h;
        limn_heatmap_column c;
        const char *says;
    } row[] = {
        {{.rows = 0, .columns = 1}, c, "no maps"},
        {{.rows = 1, .columns = 0}, c, "no maps"},
        {{.rows = 1000000, .columns = 1}, c, "too many"},
        {{.rows = 1, .columns = 1, .overlay = 2}, c, "overlay"},
        {{.rows = 1, .columns = 1, .overlay = .5}, c, "needs an input column"},
        {{.rows = 1, .columns = 1, .blocks = 99}, c, "blocks"},
        {{.rows = 1, .columns = 1, .palette = "rainbow"}, c, "no palette 'rainbow'"},
        {{.rows = 1, .columns = 1, .normalise = (limn_normalise)7}, c, "normalisation"},
        {{.rows = 1, .columns = 1}, {.h = 0, .w = 2, .data = map}, "cannot be drawn"},
        {{.rows = 1, .columns = 1}, {.h = 2, .w = 2, .data = NULL}, "cannot be drawn"},
        {{.rows = 1, .columns = 1}, {.h = 2, .w = 2, .channels = 3, .data = map}, "3 channels"},
        {{.rows = 1, .columns = 1}, {.h = 2, .w = 2, .palette = "nope", .data = map}, "no palette 'nope'"},
    };
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        h = row[i].h;
        h.figure = good.figure;
        h.column = &row[i].c;
        assert_int_equal(limn_plot_heatmaps(&h), LIMN_EINPUT);
        assert_said(row[i].says);
    }
    limn_picture p = {.figure = {.folder = folder, .name = "x", .formats = svg, .n_formats = 1}, .map = c};
    assert_int_equal(limn_plot_picture(&p), LIMN_EINPUT);
    assert_said("a png or a jpg, not 'svg'");
    p.figure.n_formats = 0;
    p.scale = 100000;
    assert_int_equal(limn_plot_picture(&p), LIMN_EINPUT);
    assert_said("too large a picture");
    p.scale = 1;
    p.figure.folder = temp_path("nowhere");
    assert_int_equal(limn_plot_picture(&p), LIMN_EFAIL);
    assert_said("cannot be written");
    assert_int_equal(limn_normalise_find("method"), LIMN_NORMALISE_METHOD);
    assert_int_equal(limn_normalise_find("nope"), -1);
    assert_listing(folder, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outside_strings_are_quoted),
        cmocka_unit_test(texts_are_wrapped_and_clipped),
        cmocka_unit_test(characters_without_a_glyph_are_replaced),
        cmocka_unit_test(hostile_strings_are_data),
        cmocka_unit_test(a_name_of_ten_thousand_characters_is_cut),
        cmocka_unit_test(start_up_files_and_environment_are_ignored),
        cmocka_unit_test(failures_leave_no_picture),
        cmocka_unit_test(what_hangs_is_killed_with_its_children),
        cmocka_unit_test(an_older_picture_survives_a_failure),
        cmocka_unit_test(an_absent_gnuplot_is_told),
        cmocka_unit_test(a_killed_process_leaves_nothing_for_long),
        cmocka_unit_test(folders_that_cannot_be_written_are_told),
        cmocka_unit_test(a_read_only_folder_is_told),
        cmocka_unit_test(a_discarded_script_leaves_the_picture_alone),
        cmocka_unit_test(wrong_figures_are_refused),
        cmocka_unit_test(wrong_scatters_are_refused),
        cmocka_unit_test(wrong_grids_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
