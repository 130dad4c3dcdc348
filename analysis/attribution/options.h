/* Options and recipes of the gradient family (gradient.c). */
static const limn_option_row saliency_options[] = {
    OPTION_BACKPROP, OPTION_CHANNELS, OPTION_GRAD("absolute"), OPTION_OUTPUT, {.key = NULL}};
static const limn_option_row smoothgrad_options[] = {OPTION_BACKPROP,
                                                     OPTION_CHANNELS,
                                                     OPTION_GRAD("none"),
                                                     {"noise", "none|smoothgrad|smoothgrad2|vargrad", "smoothgrad",
                                                      "what is made of the maps of the noisy copies",
                                                      LIMN_OPTION_CHOICE, AT(noise.kind), 0, 0, 0},
                                                     OPTION_OUTPUT,
                                                     {.key = NULL}};
static const limn_option_row guided_options[] = {
    OPTION_BACKPROP_GUIDED, OPTION_CHANNELS, OPTION_GRAD("none"), OPTION_OUTPUT, {.key = NULL}};
static const limn_option_row guided_keras_vis_options[] = {
    OPTION_BACKPROP_GUIDED, OPTION_CHANNELS, OPTION_GRAD("absolute"), OPTION_OUTPUT, {.key = NULL}};
static const gradient_recipe raw = {0}, keras_vis = {.always_max = 1, .min_max = 1};
