/* Options of the CAM family. */
#define CAM_RELU_OPTION(fallback) OPTION_CHOICE("relu", "true|false", fallback, "max(map, 0)", CAM_RELU)
#define CAM_RESIZE_OPTION(fallback)                                                                                    \
    OPTION_CHOICE("resize", "bilinear|corners|spline|nearest", fallback,                                               \
                  "from the layer's grid to the input's: half-pixel centres, corner on corner, cubic, or the nearest", \
                  CAM_RESIZE)
#define CAM_OPTIONS(name, layer, relu, resize)                                                                         \
    static const limn_option_row name[] = {OPTION_LAYER(layer),       OPTION_OUTPUT, CAM_RELU_OPTION(relu),            \
                                           CAM_RESIZE_OPTION(resize), OPTION_SIZE,   {.key = NULL}}
#define CAM_LAST "the last convolution larger than 1 x 1"
CAM_OPTIONS(cam_options, CAM_LAST, "true", "bilinear");
CAM_OPTIONS(cam_plain_options, CAM_LAST, "false", "nearest");
CAM_OPTIONS(cam_corner_options, CAM_LAST, "true", "corners");
CAM_OPTIONS(cam_tf_explain_options, "the last layer with rows and columns", "false", "bilinear");
CAM_OPTIONS(cam_classic_options, "what the global pooling at the network's end reads", "false", "bilinear");
static const limn_option_row cam_keras_vis_options[] = {
    OPTION_BACKPROP,
    OPTION_GRAD("none"),
    OPTION_LAYER("from two layers before `output` backwards, the first convolution or pooling"),
    OPTION_OUTPUT,
    CAM_RELU_OPTION("true"),
    CAM_RESIZE_OPTION("spline"),
    OPTION_SIZE,
    {.key = NULL}};
static const limn_option_row guided_cam_options[] = {
    OPTION_CHANNELS,         OPTION_LAYER(CAM_LAST),        OPTION_OUTPUT,
    CAM_RELU_OPTION("true"), CAM_RESIZE_OPTION("bilinear"), {.key = NULL}};
static const limn_option_row guided_cam_captum_options[] = {
    OPTION_CHANNELS,         OPTION_LAYER(CAM_LAST),       OPTION_OUTPUT,
    CAM_RELU_OPTION("true"), CAM_RESIZE_OPTION("nearest"), {.key = NULL}};
