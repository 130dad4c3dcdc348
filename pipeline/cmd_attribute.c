/* limn attribute: maps of pictures, without an experiment file. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/finish.h"

static const char usage[] =
    "usage: limn attribute MODEL IMAGE… [OPTIONS]\n"
    "Explains what the model sees in the images (pictures, folders, IDX, .npy, FILE:NAME): one map an image and "
    "target,\n"
    "stored in a database and drawn as figures. Options are keys of the experiment file (docs/experiment.md).\n\n"
    "  --method NAME             see `limn methods`                          [gradcam]\n"
    "  --flavour NAME            whose choices are reproduced                [limn]\n"
    "  --layer LAYER             of a CAM: name or index                     [auto]\n"
    "  --output LAYER            the layer whose unit is explained           [last]\n"
    "  --target T                predicted, label, all, a class, [0,3], {contrast: [4,9]},\n"
    "                            {top: 3}, {channel: 5, at: max}, {file: F}, {sql: Q} [predicted]\n"
    "  --channels HOW            reduce or keep                              [auto]\n"
    "  --size HOW                of a CAM: input or layer                    [auto]\n"
    "  --grad-modifier NAME      what is done to the gradient                [auto]\n"
    "  --backprop-modifier NAME  how a ReLU lets the gradient pass           [auto]\n"
    "  --preset NAME             preprocessing: a preset of `limn methods`   [none]\n"
    "  --preprocess MAP          all of it: '{resize: input, scale: 1/255}'   [raw values]\n"
    "  --scale X                 y = (x * scale - mean) / std; 1/255 is a number [1]\n"
    "  --mean X                  a number, or a list, one a channel: [.5,.4,.4] [0]\n"
    "  --std X                   a number, or a list, one a channel          [1]\n"
    "  --palette NAME            of the figures                              [auto]\n"
    "  --set KEY=VALUE           name, seed, format, overlay, normalise, rows: as in an experiment file\n"
    "  --weights FILE            the weights of a model whose file has none\n"
    "  --model-output O          which output of a model that has several: name or index [0]\n"
    "  --labels FILE             labels of the images: IDX, .npy, text, FILE:NAME, :NAME\n"
    "  --db FILE                 the database                                [attribute.db]\n"
    "  -o, --out DIR             the folder of figures                       [attribute/]\n"
    "  --threads N               threads, 0: all cores                       [0]\n"
    "  --fresh                   compute anew what the database has\n"
    "  --limit N                 at most N images, 0: all                    [0]\n"
    "  --ref                     compute with the plain reference engine (slow)\n"
    "  --winograd                3x3 convolutions by Winograd's way: faster, a few ReLU masks flip\n"
    "  --quiet                   no progress, no notes, no summary\n"
    "  --json                    progress and summary as JSON lines on standard output\n"
    "  -h, --help                this text\n";

typedef struct {
    limn_attribute_call call;
    cli_list set;
    int quiet, json;
} attribute_arguments;

#define SET offsetof(attribute_arguments, set)
static const cli_option options[] = {
    {"method", 0, CLI_SET, SET, NULL, 0, 0},
    {"flavour", 0, CLI_SET, SET, NULL, 0, 0},
    {"layer", 0, CLI_SET, SET, NULL, 0, 0},
    {"output", 0, CLI_SET, SET, NULL, 0, 0},
    {"target", 0, CLI_SET, SET, NULL, 0, 0},
    {"channels", 0, CLI_SET, SET, NULL, 0, 0},
    {"size", 0, CLI_SET, SET, NULL, 0, 0},
    {"grad-modifier", 0, CLI_SET, SET, NULL, 0, 0},
    {"backprop-modifier", 0, CLI_SET, SET, NULL, 0, 0},
    {"preset", 0, CLI_SET, SET, NULL, 0, 0},
    {"preprocess", 0, CLI_SET, SET, NULL, 0, 0},
    {"scale", 0, CLI_SET, SET, NULL, 0, 0},
    {"mean", 0, CLI_SET, SET, NULL, 0, 0},
    {"std", 0, CLI_SET, SET, NULL, 0, 0},
    {"palette", 0, CLI_SET, SET, NULL, 0, 0},
    {"set", 0, CLI_SET, SET, NULL, 0, 0},
    {"weights", 0, CLI_TEXT, offsetof(attribute_arguments, call.weights), "a file", 0, 0},
    {"model-output", 0, CLI_TEXT, offsetof(attribute_arguments, call.output), "an output", 0, 0},
    {"labels", 0, CLI_TEXT, offsetof(attribute_arguments, call.labels), "a file", 0, 0},
    {"db", 0, CLI_TEXT, offsetof(attribute_arguments, call.run.db), "a file", 0, 0},
    {"out", 'o', CLI_TEXT, offsetof(attribute_arguments, call.run.out), "a folder", 0, 0},
    {"threads", 0, CLI_INT, offsetof(attribute_arguments, call.run.threads), "a whole number from 0 to 1024", 0, 1024},
    {"fresh", 0, CLI_FLAG, offsetof(attribute_arguments, call.run.fresh), NULL, 0, 0},
    {"limit", 0, CLI_COUNT, offsetof(attribute_arguments, call.run.limit), "a whole number from 0", 0, 1e12},
    {"ref", 0, CLI_FLAG, offsetof(attribute_arguments, call.run.ref), NULL, 0, 0},
    {"winograd", 0, CLI_FLAG, offsetof(attribute_arguments, call.run.winograd), NULL, 0, 0},
    {"quiet", 0, CLI_FLAG, offsetof(attribute_arguments, quiet), NULL, 0, 0},
    {"json", 0, CLI_FLAG, offsetof(attribute_arguments, json), NULL, 0, 0},
    {NULL, 0, CLI_FLAG, 0, NULL, 0, 0}};

static const cli_command command = {"attribute", usage, options, 2, -1, "a MODEL and at least one IMAGE"};

/* The method by which the maps are made where no option says. */
static int choose_method(cli_list *set) {
    static const cli_option method = {"method", 0, CLI_SET, 0, NULL, 0, 0};
    for (size_t i = 0; i < set->n; i++)
        if (!strncmp(set->item[i], "method=", 7)) return CLI_GO_ON;
    return cli_add_set(set, &method, "gradcam");
}

int cmd_attribute(int argc, char **argv) {
    attribute_arguments a = {0};
    limn_run_result r = {0};
    cli_progress progress;
    int first, code = cli_parse(&command, argc, argv, &a, &first);
    if (code == CLI_GO_ON) code = choose_method(&a.set);
    if (code != CLI_GO_ON) {
        cli_list_clear(&a.set);
        return code;
    }
    a.call.model = argv[first];
    a.call.images = (const char *const *)&argv[first + 1];
    a.call.n_images = (size_t)(argc - first - 1);
    a.call.set = (const char *const *)a.set.item;
    a.call.n_set = a.set.n;
    cli_progress_begin(&progress, a.quiet, a.json);
    limn_voice voice = cli_voice(&progress);
    limn_status s = limn_attribute(&a.call, &voice, &r);
    cli_progress_end(&progress);
    if (s == LIMN_OK && (a.json || !a.quiet)) cli_print_result(&r, a.json);
    limn_run_result_clear(&r);
    cli_list_clear(&a.set);
    return cli_ended(s, "attribute", argc, argv);
}
