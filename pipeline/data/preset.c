/* Preprocessing by the names that people know.
 *
 * keras-*: the preprocess_input of keras.applications (its modes: tf x / 127.5 - 1; caffe BGR minus the mean; torch
 * (x / 255 - mean) / std; none for networks that rescale inside), after a resize as keras.utils.
 * image_dataset_from_directory does it. torchvision*: the transforms that belong to its weights. caffe: BVLC's
 * reference networks. `input` is the network's own size. */
#include <string.h>

#include "data/preprocess.h"
#include "data/resize.h"

/* Places in resize_rules; the test of the presets holds them against the names. */
enum { PIL_BILINEAR = 0, PIL_BICUBIC = 4, TF_BILINEAR = 6 };

#define INPUT                                                                                                          \
    { LIMN_SIZE_INPUT, 0, 0 }
#define SIDE(n)                                                                                                        \
    { LIMN_SIZE_SIDE, n, n }
#define EXACT(height, width)                                                                                           \
    { LIMN_SIZE_EXACT, height, width }

#define KERAS(...)                                                                                                     \
    { .resize = INPUT, .rule = TF_BILINEAR, __VA_ARGS__ }
#define MODE_TF KERAS(.scale = 1 / 127.5, .mean = {1, 1, 1, 1}, .std = {1, 1, 1, 1})
#define MODE_CAFFE KERAS(.scale = 1, .bgr = 1, .mean = {103.939, 116.779, 123.68, 0}, .std = {1, 1, 1, 1})
#define IMAGENET .scale = 1 / 255., .mean = {0.485, 0.456, 0.406, 0}, .std = {0.229, 0.224, 0.225, 1}
#define MODE_TORCH KERAS(IMAGENET)
#define MODE_NONE KERAS(.scale = 1, .std = {1, 1, 1, 1})

#define TORCHVISION(side, middle, by)                                                                                  \
    { .resize = SIDE(side), .crop = SIDE(middle), .rule = by, IMAGENET }

#define KERAS_TF "resize to the input (tf-bilinear), x / 127.5 - 1"
#define KERAS_CAFFE "resize to the input (tf-bilinear), BGR - (103.939, 116.779, 123.68)"
#define KERAS_NONE "resize to the input (tf-bilinear), values 0 to 255: the network rescales"
#define TV(side, crop, by) "shorter side " side " (" by "), crop " crop ", (x / 255 - mean) / std of ImageNet"

const limn_preset limn_presets[] = {
    {"keras-mobilenet", KERAS_TF, MODE_TF},
    {"keras-mobilenet_v2", KERAS_TF, MODE_TF},
    {"keras-mobilenet_v3", KERAS_NONE, MODE_NONE},
    {"keras-inception_v3", KERAS_TF, MODE_TF},
    {"keras-inception_resnet_v2", KERAS_TF, MODE_TF},
    {"keras-xception", KERAS_TF, MODE_TF},
    {"keras-nasnet", KERAS_TF, MODE_TF},
    {"keras-resnet50", KERAS_CAFFE, MODE_CAFFE},
    {"keras-resnet_v2", KERAS_TF, MODE_TF},
    {"keras-vgg16", KERAS_CAFFE, MODE_CAFFE},
    {"keras-vgg19", KERAS_CAFFE, MODE_CAFFE},
    {"keras-densenet", "resize to the input (tf-bilinear), (x / 255 - mean) / std of ImageNet", MODE_TORCH},
    {"keras-efficientnet", KERAS_NONE, MODE_NONE},
    {"keras-efficientnet_v2", KERAS_NONE, MODE_NONE},
    {"keras-convnext", KERAS_NONE, MODE_NONE},
    {"keras-rescale", "resize to the input (tf-bilinear), x / 255: Rescaling(1/255)",
     KERAS(.scale = 1 / 255., .std = {1, 1, 1, 1})},
    {"torchvision", TV("256", "224", "pil-bilinear"), TORCHVISION(256, 224, PIL_BILINEAR)},
    {"torchvision-v2", TV("232", "224", "pil-bilinear") "; weights IMAGENET1K_V2", TORCHVISION(232, 224, PIL_BILINEAR)},
    {"torchvision-convnext_tiny", TV("236", "224", "pil-bilinear"), TORCHVISION(236, 224, PIL_BILINEAR)},
    {"torchvision-convnext_small", TV("230", "224", "pil-bilinear"), TORCHVISION(230, 224, PIL_BILINEAR)},
    {"torchvision-inception_v3", TV("342", "299", "pil-bilinear"), TORCHVISION(342, 299, PIL_BILINEAR)},
    {"torchvision-efficientnet_b0", TV("256", "224", "pil-bicubic"), TORCHVISION(256, 224, PIL_BICUBIC)},
    {"torchvision-efficientnet_b1", TV("256", "240", "pil-bicubic"), TORCHVISION(256, 240, PIL_BICUBIC)},
    {"torchvision-efficientnet_b1-v2", TV("255", "240", "pil-bilinear"), TORCHVISION(255, 240, PIL_BILINEAR)},
    {"torchvision-efficientnet_b2", TV("288", "288", "pil-bicubic"), TORCHVISION(288, 288, PIL_BICUBIC)},
    {"torchvision-efficientnet_b3", TV("320", "300", "pil-bicubic"), TORCHVISION(320, 300, PIL_BICUBIC)},
    {"torchvision-efficientnet_b4", TV("384", "380", "pil-bicubic"), TORCHVISION(384, 380, PIL_BICUBIC)},
    {"torchvision-efficientnet_b5", TV("456", "456", "pil-bicubic"), TORCHVISION(456, 456, PIL_BICUBIC)},
    {"torchvision-efficientnet_b6", TV("528", "528", "pil-bicubic"), TORCHVISION(528, 528, PIL_BICUBIC)},
    {"torchvision-efficientnet_b7", TV("600", "600", "pil-bicubic"), TORCHVISION(600, 600, PIL_BICUBIC)},
    {"torchvision-efficientnet_v2_s", TV("384", "384", "pil-bilinear"), TORCHVISION(384, 384, PIL_BILINEAR)},
    {"torchvision-efficientnet_v2_m", TV("480", "480", "pil-bilinear"), TORCHVISION(480, 480, PIL_BILINEAR)},
    {"torchvision-efficientnet_v2_l",
     "shorter side 480 (pil-bicubic), crop 480, (x / 255 - 0.5) / 0.5",
     {.resize = SIDE(480),
      .crop = SIDE(480),
      .rule = PIL_BICUBIC,
      .scale = 1 / 255.,
      .mean = {0.5, 0.5, 0.5, 0.5},
      .std = {0.5, 0.5, 0.5, 0.5}}},
    {"efficientnet-lite",
     "shorter side 256 (pil-bicubic), crop 224, (x - 127) / 128",
     {.resize = SIDE(256),
      .crop = SIDE(224),
      .rule = PIL_BICUBIC,
      .scale = 1,
      .mean = {127, 127, 127, 127},
      .std = {128, 128, 128, 128}}},
    {"caffe",
     "resize to 256 x 256 (tf-bilinear), crop to the input, BGR - (104, 117, 123)",
     {.resize = EXACT(256, 256),
      .crop = INPUT,
      .rule = TF_BILINEAR,
      .scale = 1,
      .bgr = 1,
      .mean = {104, 117, 123, 0},
      .std = {1, 1, 1, 1}}},
    {0}};

const limn_preset *limn_preset_find(const char *name) {
    for (const limn_preset *p = limn_presets; p->name; p++)
        if (!strcmp(p->name, name)) return p;
    return NULL;
}
