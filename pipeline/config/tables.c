/* Every key of the experiment file: one row each, which the parser, the JSON of resolved options, `limn methods`,
 * docs/experiment.md and the tests all read. A new option is a new row (and a member of the struct it fills).
 *
 * Rows are read in this order, whatever the order in the file: what an entry refers to stands above it. A fallback is
 * read by the same code as a value; the test test_experiment.c holds those of `embed` against limn_embed_defaults(). */
#include "config/parse.h"

#include "measures/measures.h"

#define AT(struct_type, member) offsetof(struct_type, member)
#define END                                                                                                            \
    { .key = NULL }

#define A_NAME "a letter, digit or `_`, then letters, digits, `.`, `_` or `-`, at most 64 in all"
#define A_COUNT "a whole number; 0: all"
#define AN_INDEX "a whole number from 0"
#define A_TARGET                                                                                                       \
    "predicted, label, all, a class (number or name), a list of classes, or {contrast: [a, b]}, {top: k}, "            \
    "{channel: c}, {file: FILE}, {sql: QUERY}"
#define A_PICTURE "`input` or the name of an entry of `attribute`"

static const experiment_key experiment_keys[] = {
    {"name", A_NAME, "(the file's base name)", "names the database, the folder of figures and the run", NULL,
     &experiment_name_type, AT(limn_experiment, name), 0, 0},
    {"model", "a file, or {file: FILE, output: NAME}, or {config: FILE, weights: FILE}", NULL,
     "the trained network, relative to this file", NULL, &experiment_model_type, 0, 0, 0},
    {"seed", AN_INDEX, "1", "of everything that is random", NULL, &experiment_seed_type, AT(limn_experiment, seed), 0,
     0},
    {"data", "a mapping", NULL, "what is put through the network: see data", NULL, &experiment_data_type,
     AT(limn_experiment, data), 0, 0},
    {"held_out", "a mapping, as `data`", "(none)",
     "samples that go through the network too, and into the finished t-SNE maps; classes and preprocess: those of data",
     NULL, &experiment_held_out_type, AT(limn_experiment, held_out), 0, 0},
    {"store_images", "true|false", "true", "keep a PNG of every input in the database", NULL, &experiment_bool_type,
     AT(limn_experiment, store_images), 0, 0},
    {"features", "a layer's name or index, `auto`, or a list of them", "auto",
     "layers whose output is stored, a vector a sample; auto: the last fully connected hidden layer, or else the input "
     "of the last dense layer",
     NULL, &experiment_features_type, 0, 0, 0},
    {"embed", "a list of entries", "(none)", "maps of feature vectors: see embed", NULL, &experiment_embeds_type, 0, 0,
     0},
    {"target", A_TARGET, "predicted", "whose score is explained: the predicted class, the label, every class …", NULL,
     &experiment_target_type, AT(limn_experiment, target), 0, 0},
    {"attribute", "a list of entries", "(none)", "attribution maps: see attribute", NULL, &experiment_attributes_type,
     0, 0, 0},
    {"measures", "a list of entries", "(none)", "figures of the maps: see measures", NULL, &experiment_measures_type, 0,
     0, 0},
    {"relate", "a list of entries", "(none)", "how maps and features relate: see relate", NULL,
     &experiment_relates_type, 0, 0, 0},
    {"plots", "a list of entries", "(none)", "figures: see plots", NULL, &experiment_plots_type, 0, 0, 0},
    END};

static const experiment_key data_keys[] = {
    {"images", "a file, a folder or a list of files", NULL,
     "pictures, a folder of them, a list, a tar, arrays, or a member of a file, FILE:NAME: see docs/data.md", NULL,
     &experiment_images_type, 0, 0, 0},
    {"labels", "a file, FILE:NAME, or :NAME", "(those that the images bring, or none)",
     "one label a sample: IDX, .npy, text, a member of a file; :NAME is a member or a column of the images' own file",
     NULL, &experiment_labels_type, AT(limn_data_options, labels), 0, 0},
    {"label_base", "auto|0|1", "auto", "what the labels call the first class; auto: 0, in MATLAB files 1 where no 0 is",
     NULL, &experiment_enum_type, AT(limn_data_options, label_base), 0, 0},
    {"shape", "[height, width] or [channels, height, width]", "(square)",
     "of pictures that lie as rows of numbers: CSV, arrays (N, D)", NULL, &experiment_shape_type,
     AT(limn_data_options, shape), 0, 0},
    {"classes", "a list of texts", "(the folders' names, or none)", "what class 0, 1, … is called", NULL,
     &experiment_classes_type, 0, 0, 0},
    {"preprocess", "a mapping", "(raw values)", "how values go into the network: see preprocess", NULL,
     &experiment_preprocess_type, 0, 0, 0},
    {"limit", A_COUNT, "0", "at most so many samples", NULL, &experiment_count_type, AT(limn_data_options, limit), 0,
     1e12},
    {"every", A_COUNT, "0", "only every so many-th sample", NULL, &experiment_count_type, AT(limn_data_options, every),
     0, 1e12},
    {"per_class", A_COUNT, "0", "at most so many samples a class", NULL, &experiment_count_type,
     AT(limn_data_options, per_class), 0, 1e12},
    {"shuffle", "true|false", "false", "choose the samples at random instead of in order", NULL, &experiment_bool_type,
     AT(limn_data_options, shuffle), 0, 0},
    {"seed", AN_INDEX, "(the experiment's)", "of shuffle", NULL, &experiment_seed_type, AT(limn_data_options, seed), 0,
     0},
    END};

#define A_SIZE "none, input, a whole number or [height, width]"
#define PRE(member) AT(limn_data_options, pre.member)
static const experiment_key preprocess_keys[] = {
    {"preset", "a preset of `limn methods`", "(none)",
     "all of the keys below, as that program has them; one beside it wins", NULL, &experiment_preset_type, 0, 0, 0},
    {"exif", "ignore|apply", "(ignore)", "first: whether the file's EXIF orientation turns the picture", NULL,
     &experiment_enum_type, PRE(exif), 0, 0},
    {"resize", A_SIZE, "(none)", "to the network's size (input), this one, or of one number by the shorter side", NULL,
     &experiment_size_type, PRE(resize), 1, 16384},
    {"fit", "auto|stretch|shorter|longer|crop", "(auto)",
     "how: to both sides; the shorter or the longer one, keeping the aspect; or the middle of that aspect; auto: "
     "shorter for one number, else stretch",
     NULL, &experiment_enum_type, PRE(fit), 0, 0},
    {"interpolation", "a rule of `limn methods`", "(pil-bilinear)", "by whose rule", NULL, &experiment_rule_type, 0, 0,
     0},
    {"crop", A_SIZE, "(none)", "then the middle", NULL, &experiment_size_type, PRE(crop), 1, 16384},
    {"pad", "a number from 0 to 255", "(0)", "around a picture smaller than `crop`", NULL, &experiment_number_type,
     PRE(pad), 0, 255},
    {"scale", "a number (1/255 is one)", "(1)", "then y = (x * scale - mean) / std", NULL, &experiment_number_type,
     PRE(scale), -1e12, 1e12},
    {"mean", "a number (1/255 is one) or a list of up to 4, one a channel", "(0)",
     "after scaling, of the channels as the network sees them", NULL, &experiment_channels_type, PRE(mean), -1e12,
     1e12},
    {"std", "a number above 0 or a list of up to 4, one a channel", "(1)", "after scaling", NULL,
     &experiment_channels_type, PRE(std), 1e-12, 1e12},
    {"order", "rgb|bgr", "(rgb)", "of the channels, as the network sees them", NULL, &experiment_enum_type, PRE(bgr), 0,
     0},
    END};

#define OPTION(member) AT(experiment_embed, options.member)
static const experiment_key embed_keys[] = {
    {"name", A_NAME, "(the method)", "what plots and queries call it", NULL, &experiment_name_type,
     AT(experiment_embed, name), 0, 0},
    {"of", "one of `features`", "auto", "the vectors; auto: the first of `features`", NULL, &experiment_feature_type,
     AT(experiment_embed, of), 0, 0},
    {"method", "tsne|pca", "tsne", "t-SNE, or principal components", NULL, &experiment_enum_type, OPTION(method), 0, 0},
    {"preset", "limn|matlab|scikit-learn|openTSNE|bhtsne", "limn",
     "whose defaults t-SNE has where the entry gives none: see docs/tsne.md", "tsne", &experiment_enum_type,
     AT(experiment_embed, preset), 0, 0},
    {"dims", "1, 2 or 3", "2", "dimensions of the map", NULL, &experiment_int_type, OPTION(dims), 1, 3},
    {"perplexity", "a number from 1 to 1000000, or a list of up to 8", "30",
     "effective number of neighbours; below the number of samples - 1; of a list the mean over all", "tsne",
     &experiment_perplexity_type, OPTION(perplexity), 1, 1e6},
    {"metric", "euclidean|cosine|correlation|manhattan", "euclidean",
     "of the vectors; any but euclidean: without the reduction by PCA", "tsne", &experiment_enum_type, OPTION(metric),
     0, 0},
    {"recall", "a number from 0.5 to 1", "0.99", "share of the neighbours to find above 200000 vectors; 1: all", "tsne",
     &experiment_number_type, OPTION(recall), 0.5, 1},
    {"alpha", "a number above 0, at most 1000", "1", "the kernel is (1 + d^2/alpha)^-alpha; below 1: heavier tails",
     "tsne", &experiment_number_type, OPTION(alpha), 1e-3, 1000},
    {"theta", "a number from 0 to 1", "0.8",
     "Barnes-Hut: a cell is taken as one point where its full width is below theta times sqrt(1 + distance^2)", "tsne",
     &experiment_number_type, OPTION(theta), 0, 1},
    {"force_error", "a number from 0 to 1", "0.02",
     "Barnes-Hut: cells are taken as one point only as far as this relative error of the repulsion allows; 0: theta "
     "alone",
     "tsne", &experiment_number_type, OPTION(force_error), 0, 1},
    {"exaggeration", "a number from 1 to 1000", "12", "of the attraction, in the early phase", "tsne",
     &experiment_number_type, OPTION(exaggeration), 1, 1000},
    {"early", "a whole number from 0 to 1000000", "250", "iterations of the early phase", "tsne", &experiment_int_type,
     OPTION(early), 0, 1e6},
    {"late_exaggeration", "a number from 1 to 1000", "1", "of the attraction, in the late phase", "tsne",
     &experiment_number_type, OPTION(late_exaggeration), 1, 1000},
    {"late", "a whole number from 0 to 1000000", "0", "iterations of the late phase", "tsne", &experiment_int_type,
     OPTION(late), 0, 1e6},
    {"iterations", "a whole number from 1 to 1000000", "1000", "in all", "tsne", &experiment_int_type,
     OPTION(iterations), 1, 1e6},
    {"learning_rate", "auto, or a number above 0", "auto", "auto: n / exaggeration, never below 50", "tsne",
     &experiment_auto_type, OPTION(learning_rate), 1e-9, 1e12},
    {"early_momentum", "a number from 0 to 0.999", "0.8", "of the descent, in the early phase", "tsne",
     &experiment_number_type, OPTION(early_momentum), 0, 0.999},
    {"momentum", "a number from 0 to 0.999", "0.8", "of the descent, after it", "tsne", &experiment_number_type,
     OPTION(momentum), 0, 0.999},
    {"stop", "never|scikit-learn|opt-SNE|matlab", "never", "whose rule ends the descent before its last iteration",
     "tsne", &experiment_enum_type, OPTION(stop), 0, 0},
    {"init", "pca|random|spectral", "pca", "where the descent starts", "tsne", &experiment_enum_type, OPTION(init), 0,
     0},
    {"start", "the name of an earlier entry of `embed`", "(none)", "start from its map, as it is, instead of `init`",
     "tsne", &experiment_start_type, AT(experiment_embed, start), 0, 0},
    {"seed", AN_INDEX, "(the experiment's)", "of the start", NULL, &experiment_seed_type, OPTION(seed), 0, 0},
    {"seeds", "a whole number from 0, or a list of up to 32", "(just `seed`)",
     "a map a seed: the first bears the entry's name, the others NAME.SEED; each is compared with those before it",
     "tsne", &experiment_seeds_type, 0, 0, 0},
    {"compare", "the name of an earlier entry of `embed`, or a list of them", "(none)",
     "how far this map agrees with those", NULL, &experiment_compared_type, 0, 1, EXPERIMENT_MAX_COLUMNS},
    {"pca", "a whole number from 0 to 100000", "50", "reduce to so many dimensions first; 0: never", "tsne",
     &experiment_int_type, OPTION(pca), 0, 1e5},
    {"engine", "auto|barnes-hut|fft|hybrid|exact", "auto", "how the repulsion is computed; auto: by n, dims and alpha",
     "tsne", &experiment_enum_type, OPTION(engine), 0, 0},
    {"trace_every", "a whole number from 1 to 1000000", "50", "iterations between two values of the KL trace", "tsne",
     &experiment_int_type, OPTION(trace_every), 1, 1e6},
    END};

_Static_assert(sizeof embed_keys / sizeof *embed_keys <= EXPERIMENT_MAX_KEYS, "the longest table");

static const experiment_key attribute_keys[] = {
    {"name", A_NAME, "(the method, with its flavour)", "what plots and queries call it", NULL, &experiment_name_type,
     AT(experiment_attribute, name), 0, 0},
    {"method", "a method", NULL, "see `limn methods`", NULL, &experiment_text_type, AT(experiment_attribute, method), 0,
     0},
    {"flavour", "a flavour", "limn", "whose choices are reproduced: see `limn methods`", NULL, &experiment_text_type,
     AT(experiment_attribute, flavour), 0, 0},
    {"target", A_TARGET, "(the experiment's)", "whose score is explained", NULL, &experiment_target_type,
     AT(experiment_attribute, target), 0, 0},
    END};

static const experiment_key measures_keys[] = {{"metric", "a measure", NULL, "see `limn methods`", NULL,
                                                &experiment_text_type, AT(experiment_measure, metric), 0, 0},
                                               {"of", "the name of an entry of `attribute`, or a list of them",
                                                "(all of them)", "whose maps; of a measure of two maps every pair",
                                                NULL, &experiment_measured_type, 0, 1, EXPERIMENT_MAX_COLUMNS},
                                               END};

static const experiment_key relate_keys[] = {
    {"maps", "the name of an entry of `attribute`, or a list of them", "(all of them)", "whose maps", NULL,
     &experiment_relating_type, 0, 1, EXPERIMENT_MAX_COLUMNS},
    {"to", "names of `features`, `embed` or `attribute`", "(all of `features` and `embed`)",
     "which other vectors of the same samples", NULL, &experiment_related_type, 0, 1, EXPERIMENT_MAX_COLUMNS},
    {"neighbours", "a whole number from 1 to 30", "10", "that a sample is compared by", NULL, &experiment_int_type,
     AT(experiment_relate, neighbours), 1, 30},
    {"directions", "true|false", "true", "scale each map to length 1 before: its form counts, and not its strength",
     NULL, &experiment_bool_type, AT(experiment_relate, directions), 0, 0},
    END};

static const experiment_key plots_keys[] = {
    {"scatter", "the name of an entry of `embed`, or `query`", NULL, "a map's points", "scatter",
     &experiment_embedding_type, AT(experiment_plot, of), 0, 0},
    {"heatmaps", A_PICTURE ", or a list of them", NULL, "a grid: a row a sample, a column each", "heatmaps",
     &experiment_columns_type, 0, 1, EXPERIMENT_MAX_COLUMNS},
    {"picture", A_PICTURE, NULL, "one map of one sample, pixel for pixel, without axes", "picture",
     &experiment_columns_type, 0, 1, 1},
    {"matrix", "confusion|agreement|query", NULL, "a table as a picture: labels by predictions, methods by methods",
     "matrix", &experiment_word_type, AT(experiment_plot, of), 0, 0},
    {"bars", "measures|accuracy|quality|query", NULL,
     "means of a measure by method, accuracy by class, quality of the maps", "bars", &experiment_word_type,
     AT(experiment_plot, of), 0, 0},
    {"lines", "kl|query", NULL, "the course of a map's optimisation", "lines", &experiment_word_type,
     AT(experiment_plot, of), 0, 0},
    {"sql", "a SELECT", "(none)", "what `query` draws; of `heatmaps`, the samples",
     "scatter heatmaps matrix bars lines", &experiment_text_type, AT(experiment_plot, sql), 0, 0},
    {"metric", "a measure", "(the first)", "of `measures`, `agreement`", "matrix bars", &experiment_text_type,
     AT(experiment_plot, metric), 0, 0},
    {"colour", "label|prediction|correct|margin|entropy|loss|probability|overlap|none", "label",
     "of the points; overlap: the share of neighbours that maps compared with this one have too", "scatter",
     &experiment_word_type, AT(experiment_plot, colour), 0, 0},
    {"select", "per_class|errors|first|query", "per_class",
     "which samples: so many a class, those that are predicted wrongly, the first, or those of `sql`", "heatmaps",
     &experiment_enum_type, AT(experiment_plot, select), 0, 0},
    {"per_class", "a whole number from 1 to 1000", "2", "samples a class", "heatmaps", &experiment_count_type,
     AT(experiment_plot, per_class), 1, 1000},
    {"rows", "a whole number from 1 to 1000", "20", "at most so many samples (errors, first, query)", "heatmaps",
     &experiment_count_type, AT(experiment_plot, rows), 1, 1000},
    {"sample", AN_INDEX, "0", "which sample", "picture", &experiment_count_type, AT(experiment_plot, sample), 0, 1e12},
    {"palette", "auto, or a palette of `limn methods`", "auto", "colours", "scatter heatmaps picture matrix",
     &experiment_text_type, AT(experiment_plot, palette), 0, 0},
    {"normalise", "image|method|global", "image", "what shares one scale of colours", "heatmaps", &experiment_word_type,
     AT(experiment_plot, normalise), 0, 0},
    {"overlay", "true|false", "false", "draw the maps over the input", "heatmaps", &experiment_bool_type,
     AT(experiment_plot, overlay), 0, 0},
    {"format", "png|svg|pdf|jpg", "png, svg, pdf", "one, or a list; of a picture png (the default) or jpg", NULL,
     &experiment_formats_type, 0, 0, 0},
    {"title", "a text", "(none)", "above the figure", "scatter heatmaps matrix bars lines", &experiment_text_type,
     AT(experiment_plot, title), 0, 0},
    {"name", A_NAME, "(from what it shows)", "file name without its ending", NULL, &experiment_name_type,
     AT(experiment_plot, name), 0, 0},
    {"width", "centimetres from 2 to 200", "(chosen)", "of the figure", "scatter heatmaps matrix bars lines",
     &experiment_number_type, AT(experiment_plot, width), 2, 200},
    {"height", "centimetres from 2 to 200", "(chosen)", "of the figure", "scatter heatmaps matrix bars lines",
     &experiment_number_type, AT(experiment_plot, height), 2, 200},
    END};

static const experiment_key target_keys[] = {
    {"contrast", "two classes", NULL, "the score of the first minus that of the second", "contrast",
     &experiment_contrast_type, 0, 0, 0},
    {"top", "a whole number from 1 to 100", NULL, "the units of the highest scores, so many of each sample", "top",
     &experiment_count_type, AT(experiment_target, top), 1, 100},
    {"channel", "a channel's number, or a list of them", NULL, "channels of the layer `output`", "channel",
     &experiment_channel_type, 0, 0, 0},
    {"at", "mean, max, or [row, column]", "mean",
     "what of a channel: the mean of its units, the one that is largest for the sample, or one of them", "channel",
     &experiment_place_type, 0, 0, 0},
    {"file", "a file", NULL,
     "pairs of a sample's idx and a class: CSV or .npy of two columns; or of one, a class a sample (-1: none)", "file",
     &experiment_path_type, AT(experiment_target, from), 0, 0},
    {"sql", "a query of two columns", NULL,
     "pairs of a sample's idx and a class, from samples, predictions, features and points of the database; :model and "
     ":dataset are this run's ids",
     "sql", &experiment_text_type, AT(experiment_target, from), 0, 0},
    END};

static const experiment_key model_keys[] = {
    {"file", "a file", NULL, "the network, with its weights", "file", &experiment_path_type, AT(limn_experiment, model),
     0, 0},
    {"config", "a file", NULL, "the architecture", "config", &experiment_path_type, AT(limn_experiment, model), 0, 0},
    {"weights", "a file", NULL, "its weights", "config", &experiment_path_type, AT(limn_experiment, weights), 0, 0},
    {"output", "an output's name or index", "(the first)", "which output of a network that has several", NULL,
     &experiment_text_type, AT(limn_experiment, output), 0, 0},
    END};

const experiment_section experiment_sections[] = {
    {"experiment", experiment_keys, NULL, NULL, NULL},
    {"model", model_keys, NULL, "file config", NULL},
    {"data", data_keys, NULL, NULL, NULL},
    {"preprocess", preprocess_keys, NULL, NULL, NULL},
    {"embed", embed_keys, "method", NULL, NULL},
    {"attribute", attribute_keys, NULL, NULL, limn_option_key},
    {"measures", measures_keys, NULL, NULL, limn_measure_key},
    {"relate", relate_keys, NULL, NULL, NULL},
    {"target", target_keys, NULL, "contrast top channel file sql", NULL},
    {"plots", plots_keys, NULL, "scatter heatmaps picture matrix bars lines", NULL},
    {NULL, NULL, NULL, NULL, NULL}};
