/* The parts of limn-hdf5, of which limn-mat has all but the program itself and its walk through networks. */
#ifndef LIMN_HELPER_HDF5_H
#define LIMN_HELPER_HDF5_H

#define H5_USE_110_API /* the calls as of HDF5 1.10, from newer versions too */
#include <hdf5.h>

#include "data/array.h"
#include "helper/process.h"

/* LIMN_EINPUT: the file is damaged; says what libhdf5 says first. */
limn_status hdf5_damaged(const char *what) LIMN_CHECK;
/* The arrays below root: those of the names (ends with NULL), with their data; without names a list of all. */
limn_status hdf5_arrays(answer *a, hid_t root, char **names) LIMN_CHECK;
/* The type under which libhdf5 hands numbers of this type over, and its code; -1: no numbers. */
hid_t hdf5_number_type(hid_t type, limn_dtype *to);
/* Shape into e, *n = number of elements; a data set without a space is empty. */
limn_status hdf5_shape(answer *a, hid_t space, answer_entry *e, uint64_t *n, const char *path) LIMN_CHECK;
/* The numbers in pieces; matlab: the entry shows the dimensions the other way round, as MATLAB does. */
limn_status hdf5_put_numbers(answer *a, hid_t id, hid_t space, hid_t memory, answer_entry *e, uint64_t n,
                             const char *path, int matlab) LIMN_CHECK;
/* Walks all below `group`, and refuses what leads outside the file: external and soft links, external storage, virtual
 * data sets; and groups in groups without end. each: called for every data set with its path, or NULL. */
typedef limn_status (*hdf5_visit)(answer *a, hid_t dataset, const char *path);
limn_status hdf5_outside(answer *a, hid_t group, const char *path, int depth, hdf5_visit each) LIMN_CHECK;

#endif
