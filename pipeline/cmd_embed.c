/* limn embed: a map of anyone's vectors. */
#include <stdio.h>

#include "cli/cli.h"

static const char usage[] =
    "usage: limn embed IN -o OUT [OPTIONS]\n"
    "Maps the vectors of IN (.npy, .csv or IDX; a row a sample) to two or three dimensions, by t-SNE or PCA.\n\n"
    "  -o, --out FILE        the map: .npy or .csv\n"
    "  --labels FILE         an integer a sample (.npy, .csv or IDX): for quality figures and colours\n"
    "  --picture FILE        also a scatter plot: .png, .svg or .pdf\n"
    "  --method NAME         tsne or pca                                     [tsne]\n"
    "  --dims N              2 or 3                                          [2]\n"
    "  --perplexity X        effective number of neighbours, from 1          [30]\n"
    "  --theta X             Barnes-Hut: 0 is exact; a cell's full width over sqrt(1 + d^2) [0.8]\n"
    "  --force-error X       Barnes-Hut: relative error of the repulsion to allow; 0: theta alone [0.02]\n"
    "  --exaggeration X      of the attraction, in the early phase           [12]\n"
    "  --early N             iterations of the early phase                   [250]\n"
    "  --iterations N        in all                                          [1000]\n"
    "  --learning-rate X     a number, or auto: n / exaggeration, at least 50 [auto]\n"
    "  --momentum X          of the descent                                  [0.8]\n"
    "  --init NAME           start: pca or random                            [pca]\n"
    "  --pca N               reduce to N dimensions first, 0: never          [50]\n"
    "  --engine NAME         barnes-hut or exact                             [barnes-hut]\n"
    "  --trace-every N       iterations between two values of KL             [50]\n"
    "  --seed N              of everything random                            [1]\n"
    "  --threads N           threads, 0: all cores; the map does not depend on it [0]\n"
    "  --quiet               no progress, no notes\n"
    "  --json                progress as JSON lines on standard output\n"
    "  -h, --help            this text\n";

typedef struct {
    const char *out, *labels, *picture;
    limn_embed_options o;
    int method, engine, init; /* places of the words, in the order of the enums */
    int quiet, json;
} embed_arguments;

#define AT(member) offsetof(embed_arguments, member)
static const cli_option options[] = {
    {"out", 'o', CLI_TEXT, AT(out), "a file", 0, 0},
    {"labels", 0, CLI_TEXT, AT(labels), "a file", 0, 0},
    {"picture", 0, CLI_TEXT, AT(picture), "a file", 0, 0},
    {"method", 0, CLI_WORD, AT(method), "tsne|pca", 0, 0},
    {"dims", 0, CLI_INT, AT(o.dims), "2 or 3", 2, 3},
    {"perplexity", 0, CLI_NUMBER, AT(o.perplexity), "a number from 1 to 1000000", 1, 1e6},
    {"theta", 0, CLI_NUMBER, AT(o.theta), "a number from 0 to 1", 0, 1},
    {"force-error", 0, CLI_NUMBER, AT(o.force_error), "a number from 0 to 1", 0, 1},
    {"exaggeration", 0, CLI_NUMBER, AT(o.exaggeration), "a number from 1 to 1000", 1, 1000},
    {"early", 0, CLI_INT, AT(o.early), "a whole number from 0 to 1000000", 0, 1e6},
    {"iterations", 0, CLI_INT, AT(o.iterations), "a whole number from 1 to 1000000", 1, 1e6},
    {"learning-rate", 0, CLI_AUTO, AT(o.learning_rate), "auto, or a number above 0", 1e-9, 1e12},
    {"momentum", 0, CLI_NUMBER, AT(o.momentum), "a number from 0 to 0.999", 0, 0.999},
    {"init", 0, CLI_WORD, AT(init), "pca|random", 0, 0},
    {"pca", 0, CLI_INT, AT(o.pca), "a whole number from 0 to 100000", 0, 1e5},
    {"engine", 0, CLI_WORD, AT(engine), "barnes-hut|exact", 0, 0},
    {"trace-every", 0, CLI_INT, AT(o.trace_every), "a whole number from 1 to 1000000", 1, 1e6},
    {"seed", 0, CLI_SEED, AT(o.seed), "a whole number from 0", 0, 0},
    {"threads", 0, CLI_INT, AT(o.threads), "a whole number from 0 to 1024", 0, 1024},
    {"quiet", 0, CLI_FLAG, AT(quiet), NULL, 0, 0},
    {"json", 0, CLI_FLAG, AT(json), NULL, 0, 0},
    {NULL, 0, CLI_FLAG, 0, NULL, 0, 0}};

static const cli_command command = {"embed", usage, options, 1, 1, "one file of vectors"};

int cmd_embed(int argc, char **argv) {
    embed_arguments a = {0};
    cli_progress progress;
    int first;
    limn_embed_defaults(&a.o);
    a.method = (int)a.o.method;
    a.engine = (int)a.o.engine;
    a.init = (int)a.o.init;
    int code = cli_parse(&command, argc, argv, &a, &first);
    if (code != CLI_GO_ON) return code;
    if (!a.out) return cli_error(CLI_USAGE, "`limn embed` needs `-o OUT`, the .npy or .csv file to write");
    a.o.method = (limn_embed_method)a.method;
    a.o.engine = (limn_tsne_engine)a.engine;
    a.o.init = (limn_embed_init)a.init;
    cli_progress_begin(&progress, a.quiet, a.json);
    limn_voice voice = cli_voice(&progress);
    limn_status s = limn_embed_file(argv[first], a.out, a.labels, a.picture, &a.o, &voice);
    cli_progress_end(&progress);
    if (s == LIMN_OK) return CLI_DONE;
    if (s != LIMN_EINTERRUPTED && !cli_stopped()) return cli_failed(s);
    return cli_error(CLI_INTERRUPTED, "interrupted; nothing was written");
}
