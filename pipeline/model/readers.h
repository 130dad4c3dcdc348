/* The readers whose rows stand in limn_model_readers (reader.c): see graph.h for what each does. */
#ifndef LIMN_READERS_H
#define LIMN_READERS_H

#include "model/keras.h"

int keras_h5_matches(const unsigned char *head, size_t n);
limn_status keras_h5_read(limn_graph *g, const limn_model_file *model, const limn_model_file *none);
int keras_json_matches(const unsigned char *head, size_t n);
limn_status keras_json_read(limn_graph *g, const limn_model_file *model, const limn_model_file *weights);
int keras_zip_matches(const unsigned char *head, size_t n);
limn_status keras_zip_read(limn_graph *g, const limn_model_file *model, const limn_model_file *none);
int onnx_matches(const unsigned char *head, size_t n);
limn_status onnx_read(limn_graph *g, const limn_model_file *model, const limn_model_file *none);

#endif
