/* limn embed: a map of anyone's vectors. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static const char usage[] =
    "usage: limn embed IN -o OUT [OPTIONS]\n"
    "Maps the vectors of IN (.npy, .csv, IDX, or FILE:NAME, an array of an .npz, HDF5 or MATLAB file or a layer of a\n"
    "results database; a row a sample)\n"
    "to one, two or three dimensions, by t-SNE or PCA, or puts them into a finished map.\n\n"
    "  -o, --out FILE        the map: .npy or .csv, or FILE.db:NAME, a results database and the map's name in it\n"
    "  --layer NAME          of IN, where that is a database: FILE.db --layer NAME is FILE.db:NAME\n"
    "  --labels FILE         an integer a sample (.npy, .csv, IDX, FILE:NAME): for quality figures and colours\n"
    "  --picture FILE        also a scatter plot: .png, .svg or .pdf\n"
    "  --method NAME         tsne or pca                                     [tsne]\n"
    "  --preset NAME         whose defaults: limn, matlab, scikit-learn, openTSNE or bhtsne [limn]\n"
    "  --dims N              1, 2 or 3                                       [2]\n"
    "  --perplexity X[,X...] effective number of neighbours, from 1; several: their mean [30]\n"
    "  --metric NAME         euclidean, cosine, correlation or manhattan; but euclidean: no PCA first [euclidean]\n"
    "  --recall X            share of the neighbours to find above 200000 vectors; 1: all [0.99]\n"
    "  --alpha X             the kernel is (1 + d^2/alpha)^-alpha; below 1: heavier tails [1]\n"
    "  --engine NAME         auto, barnes-hut, fft, hybrid or exact          [auto]\n"
    "  --theta X             Barnes-Hut: 0 is exact; a cell's full width over sqrt(1 + d^2) [0.8]\n"
    "  --force-error X       Barnes-Hut: relative error of the repulsion to allow; 0: theta alone [0.02]\n"
    "  --exaggeration X      of the attraction, in the early phase           [12]\n"
    "  --early N             iterations of the early phase                   [250]\n"
    "  --late-exaggeration X the same, in the late phase                     [1]\n"
    "  --late N              iterations of the late phase                    [0]\n"
    "  --iterations N        in all                                          [1000]\n"
    "  --learning-rate X     a number, or auto: n / exaggeration, at least 50 [auto]\n"
    "  --early-momentum X    of the descent, in the early phase              [0.8]\n"
    "  --momentum X          of the descent, after it                        [0.8]\n"
    "  --stop NAME           end early by a rule: never, scikit-learn, opt-SNE or matlab [never]\n"
    "  --init NAME           start: pca, random or spectral                  [pca]\n"
    "  --start FILE          start from this map (.npy, .csv or FILE.db:NAME)\n"
    "  --pca N               reduce to N dimensions first, 0: never          [50]\n"
    "  --trace-every N       iterations between two values of KL             [50]\n"
    "  --snapshots DIR       write the map of every so many iterations there, as .npy\n"
    "  --snapshot-every N    so many iterations (50 without it)\n"
    "  --checkpoint FILE     keep the descent's state there; go on from it after a kill\n"
    "  --into MAP            add the vectors to this finished map (.npy, .csv or FILE.db:NAME) of --reference\n"
    "  --reference FILE      the vectors that MAP was made of\n"
    "  --seed N              of everything random                            [1]\n"
    "  --seeds N,N...        a map a seed; all but the first are written as OUT.SEED; tells how far they agree\n"
    "  --overlap FILE        .npy or .csv: of each vector the share of neighbours that these maps have in common\n"
    "  --threads N           threads, 0: all cores; the map does not depend on it [0]\n"
    "  --quiet               no progress, no notes\n"
    "  --json                progress as JSON lines on standard output\n"
    "  -h, --help            this text\n";

enum { MOST_SEEDS = 33 /* one more than the library takes, so that it says so */ };

typedef struct {
    const char *layer, *seeds, *overlap;
    uint64_t seed[MOST_SEEDS];
    size_t n_seeds;
    const char *out, *labels, *picture, *perplexity, *start, *snapshots, *into, *reference;
    limn_embed_options o;
    int method, preset, engine, stop, init, metric; /* places of the words, in the order of the enums */
    int quiet, json;
} embed_arguments;

#define AT(member) offsetof(embed_arguments, member)
static const cli_option options[] = {
    {"out", 'o', CLI_TEXT, AT(out), "a file", 0, 0},
    {"layer", 0, CLI_TEXT, AT(layer), "a layer's name", 0, 0},
    {"labels", 0, CLI_TEXT, AT(labels), "a file", 0, 0},
    {"picture", 0, CLI_TEXT, AT(picture), "a file", 0, 0},
    {"method", 0, CLI_WORD, AT(method), "tsne|pca", 0, 0},
    {"preset", 0, CLI_WORD, AT(preset), "limn|matlab|scikit-learn|openTSNE|bhtsne", 0, 0},
    {"dims", 0, CLI_INT, AT(o.dims), "1, 2 or 3", 1, 3},
    {"perplexity", 0, CLI_TEXT, AT(perplexity), "a number from 1 to 1000000, or several", 1, 1e6},
    {"metric", 0, CLI_WORD, AT(metric), "euclidean|cosine|correlation|manhattan", 0, 0},
    {"recall", 0, CLI_NUMBER, AT(o.recall), "a number from 0.5 to 1", 0.5, 1},
    {"alpha", 0, CLI_NUMBER, AT(o.alpha), "a number above 0, at most 1000", 1e-3, 1000},
    {"engine", 0, CLI_WORD, AT(engine), "auto|barnes-hut|fft|hybrid|exact", 0, 0},
    {"theta", 0, CLI_NUMBER, AT(o.theta), "a number from 0 to 1", 0, 1},
    {"force-error", 0, CLI_NUMBER, AT(o.force_error), "a number from 0 to 1", 0, 1},
    {"exaggeration", 0, CLI_NUMBER, AT(o.exaggeration), "a number from 1 to 1000", 1, 1000},
    {"early", 0, CLI_INT, AT(o.early), "a whole number from 0 to 1000000", 0, 1e6},
    {"late-exaggeration", 0, CLI_NUMBER, AT(o.late_exaggeration), "a number from 1 to 1000", 1, 1000},
    {"late", 0, CLI_INT, AT(o.late), "a whole number from 0 to 1000000", 0, 1e6},
    {"iterations", 0, CLI_INT, AT(o.iterations), "a whole number from 1 to 1000000", 1, 1e6},
    {"learning-rate", 0, CLI_AUTO, AT(o.learning_rate), "auto, or a number above 0", 1e-9, 1e12},
    {"early-momentum", 0, CLI_NUMBER, AT(o.early_momentum), "a number from 0 to 0.999", 0, 0.999},
    {"momentum", 0, CLI_NUMBER, AT(o.momentum), "a number from 0 to 0.999", 0, 0.999},
    {"stop", 0, CLI_WORD, AT(stop), "never|scikit-learn|opt-SNE|matlab", 0, 0},
    {"init", 0, CLI_WORD, AT(init), "pca|random|spectral", 0, 0},
    {"start", 0, CLI_TEXT, AT(start), "a file", 0, 0},
    {"pca", 0, CLI_INT, AT(o.pca), "a whole number from 0 to 100000", 0, 1e5},
    {"trace-every", 0, CLI_INT, AT(o.trace_every), "a whole number from 1 to 1000000", 1, 1e6},
    {"snapshots", 0, CLI_TEXT, AT(snapshots), "a folder", 0, 0},
    {"snapshot-every", 0, CLI_INT, AT(o.snapshot_every), "a whole number from 1 to 1000000", 1, 1e6},
    {"checkpoint", 0, CLI_TEXT, AT(o.checkpoint), "a file", 0, 0},
    {"into", 0, CLI_TEXT, AT(into), "a file", 0, 0},
    {"reference", 0, CLI_TEXT, AT(reference), "a file", 0, 0},
    {"seeds", 0, CLI_TEXT, AT(seeds), "whole numbers from 0 with commas", 0, 0},
    {"overlap", 0, CLI_TEXT, AT(overlap), "a file", 0, 0},
    {"seed", 0, CLI_SEED, AT(o.seed), "a whole number from 0", 0, 0},
    {"threads", 0, CLI_INT, AT(o.threads), "a whole number from 0 to 1024", 0, 1024},
    {"quiet", 0, CLI_FLAG, AT(quiet), NULL, 0, 0},
    {"json", 0, CLI_FLAG, AT(json), NULL, 0, 0},
    {NULL, 0, CLI_FLAG, 0, NULL, 0, 0}};

static const cli_command command = {"embed", usage, options, 1, 1, "one file of vectors"};

/* "30", or "30,100": the first is the options' own, the others its scales. */
static int take_perplexities(limn_embed_options *o, const char *text) {
    o->n_scales = -1;
    for (const char *t = text; t; t = strchr(t, ',') ? strchr(t, ',') + 1 : NULL) {
        char *end;
        double v = t[strspn(t, "0123456789+-.eE")] == ',' || !t[strspn(t, "0123456789+-.eE")] ? strtod(t, &end) : 0;
        if (!(v >= 1 && v <= 1e6) || (*end && *end != ',') || o->n_scales + 1 >= LIMN_PERPLEXITIES)
            return cli_error(CLI_USAGE,
                             "`--perplexity` of `limn embed` is `%s`, but must be a number from 1 to 1000000, or up to "
                             "%d of them with commas",
                             text, LIMN_PERPLEXITIES);
        *(++o->n_scales == 0 ? &o->perplexity : &o->scale[o->n_scales - 1]) = v;
    }
    return CLI_GO_ON;
}

/* "1,2,7" */
static int take_seeds(embed_arguments *a, const char *text) {
    for (const char *t = text; t; t = strchr(t, ',') ? strchr(t, ',') + 1 : NULL) {
        char *end = NULL;
        errno = 0;
        uint64_t v = *t >= '0' && *t <= '9' ? strtoull(t, &end, 10) : 0;
        if (!end || errno || (*end && *end != ',') || a->n_seeds == MOST_SEEDS)
            return cli_error(CLI_USAGE,
                             "`--seeds` of `limn embed` is `%s`, but must be whole numbers from 0 with commas", text);
        a->seed[a->n_seeds++] = v;
    }
    return CLI_GO_ON;
}

/* The arguments over a preset's options: read once to know the preset, once more over it. */
static int read_arguments(embed_arguments *a, int argc, char **argv, int *first) {
    int preset = 0, code = CLI_GO_ON;
    for (int pass = 0; pass < 2 && code == CLI_GO_ON; pass++) {
        *a = (embed_arguments){.preset = preset};
        limn_embed_preset(&a->o, (limn_tsne_preset)preset);
        a->o.snapshot_every = 50;
        a->method = (int)a->o.method;
        a->engine = (int)a->o.engine;
        a->stop = (int)a->o.stop;
        a->init = (int)a->o.init;
        a->metric = (int)a->o.metric;
        code = cli_parse(&command, argc, argv, a, first);
        preset = a->preset;
    }
    if (code == CLI_GO_ON && a->seeds) code = take_seeds(a, a->seeds);
    if (code == CLI_GO_ON && a->perplexity) code = take_perplexities(&a->o, a->perplexity);
    if (code == CLI_GO_ON && !a->out)
        return cli_error(CLI_USAGE, "`limn embed` needs `-o OUT`, the .npy or .csv file to write, or FILE.db:NAME");
    if (code == CLI_GO_ON && !a->into != !a->reference)
        return cli_error(CLI_USAGE, "`--into MAP` of `limn embed` goes with `--reference VECTORS`, those of the map");
    a->o.method = (limn_embed_method)a->method;
    a->o.engine = (limn_tsne_engine)a->engine;
    a->o.stop = (limn_tsne_stop)a->stop;
    a->o.init = (limn_embed_init)a->init;
    a->o.metric = (limn_embed_metric)a->metric;
    return code;
}

int cmd_embed(int argc, char **argv) {
    embed_arguments a;
    cli_progress progress;
    int first, code = read_arguments(&a, argc, argv, &first);
    if (code != CLI_GO_ON) return code;
    limn_embed_call call = {.in = argv[first],
                            .out = a.out,
                            .layer = a.layer,
                            .seed = a.seed,
                            .seeds = a.n_seeds,
                            .overlap = a.overlap,
                            .preset = (limn_tsne_preset)a.preset,
                            .labels = a.labels,
                            .picture = a.picture,
                            .start = a.start,
                            .snapshots = a.snapshots,
                            .into = a.into,
                            .reference = a.reference,
                            .options = &a.o};
    cli_progress_begin(&progress, a.quiet, a.json);
    limn_voice voice = cli_voice(&progress);
    limn_status s = limn_embed_file(&call, &voice);
    cli_progress_end(&progress);
    if (s == LIMN_OK) return CLI_DONE;
    if (s != LIMN_EINTERRUPTED && !cli_stopped()) return cli_failed(s);
    if (a.o.checkpoint) return cli_error(CLI_INTERRUPTED, "interrupted; the same command goes on from the checkpoint");
    return cli_error(CLI_INTERRUPTED, "interrupted; nothing was written");
}
