# limn: `make help` lists the targets.
# Variables: V=1 (show commands), BUILD (build), CC (cc), SANITIZER (none, or address,undefined / thread), WERROR=1, PREFIX (/usr/local), DESTDIR.

BUILD     ?= build
CC        ?= cc
PREFIX    ?= /usr/local
OPT       ?= -O2
PACKAGES  := hdf5 sqlite3 gsl zlib libzip yaml-0.1 libcjson libpng libturbojpeg libcrypto fftw3 fftw3f
Q         := $(if $(V),,@)
VERSION   := $(shell sed -n 's/^\#define LIMN_VERSION "\(.*\)"/\1/p' pipeline/limn.h)

WARNINGS  := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 -Wpointer-arith -Wundef
CPPFLAGS  += -I. -Ianalysis -Ipipeline -I$(BUILD) -D_POSIX_C_SOURCE=200809L
CFLAGS    += -std=c11 $(OPT) -g -fPIC -fopenmp -fvisibility=hidden -ffp-contract=off $(WARNINGS)
ifdef WERROR
CFLAGS    += -Werror
endif
ifdef SANITIZER
CFLAGS    += -fsanitize=$(SANITIZER) -fno-omit-frame-pointer -fno-sanitize-recover=all
LDFLAGS   += -fsanitize=$(SANITIZER)
endif
# pkg-config is asked only where something is built: a bare machine can still run `make help` and `make deps`.
PKG_CFLAGS = $(shell pkg-config --cflags $(PACKAGES))
PKG_LIBS   = $(shell pkg-config --libs $(filter-out hdf5,$(PACKAGES))) -ldnnl -lm -lpthread
HDF5_CFLAGS = $(shell pkg-config --cflags hdf5)
HDF5_LIBS  = $(shell pkg-config --libs hdf5)

# ---- sources: a folder is a room; adding a file needs no change here -------------------------------------------------
# What the loadable extension is made of, beside db/extension.c: the SQL functions and what they need of base/.
SQL_SRC   := $(addprefix db/,functions.c vec.c vec_kernels.c vec_means.c map.c picture.c npy.c series.c statistics.c tests.c \
             tables.c knn.c) $(addprefix analysis/base/,agreement.c bilinear.c mem.c palette.c rng.c status.c)
CLI_SRC   := pipeline/main.c $(wildcard pipeline/cmd_*.c) $(wildcard pipeline/cli/*.c)
LIB_SRC   := $(filter-out $(CLI_SRC) db/extension.c,$(wildcard pipeline/*.c pipeline/model/*.c pipeline/data/*.c pipeline/nn/*.c \
             pipeline/config/*.c pipeline/stages/*.c analysis/*.c analysis/*/*.c db/*.c plots/*.c))
HDF5_HELPER_SRC := $(wildcard pipeline/helper/hdf5*.c) pipeline/helper/process.c
MAT_HELPER_SRC := $(wildcard pipeline/helper/mat*.c) $(wildcard pipeline/helper/hdf5_*.c) pipeline/helper/process.c
SQL       := $(wildcard db/*.sql db/migrations/*.sql)
TEST_SRC  := $(wildcard tests/unit/test_*.c tests/property/test_*.c tests/golden/test_*.c)
TEST_LIB  := $(wildcard tests/lib/*.c)
BENCH_SRC := $(wildcard tests/bench/bench_*.c)
FUZZ_SRC  := $(wildcard tests/fuzz/fuzz_*.c)

OBJ        = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
GEN       := $(patsubst %.sql,$(BUILD)/gen/%.sql.inc,$(SQL))
LIB_A     := $(BUILD)/lib/liblimn.a
LIB_SO    := $(BUILD)/lib/liblimn.so
LIMN      := $(BUILD)/bin/limn
EXTENSION := $(BUILD)/lib/limn.so
HDF5_HELPER := $(BUILD)/libexec/limn/limn-hdf5
MAT_HELPER := $(BUILD)/libexec/limn/limn-mat
HELPERS   := $(HDF5_HELPER) $(MAT_HELPER)
TESTS     := $(patsubst tests/%.c,$(BUILD)/tests/%,$(TEST_SRC))
BENCHES   := $(patsubst tests/%.c,$(BUILD)/tests/%,$(BENCH_SRC))

.PHONY: all help deps deps-dev demo test test-build bench bench-engine bench-tsne bench-attribution fidelity roundtrip conformance lint sanitize fuzz torture install check-deps clean
.DELETE_ON_ERROR:
.SECONDARY:

## all: build the library, the program and its helper (the default)
all: $(LIB_A) $(LIB_SO) $(LIMN) $(EXTENSION) $(HELPERS) $(BUILD)/include/limn.h $(BUILD)/lib/pkgconfig/limn.pc

## help: list the targets
help:
	@sed -n 's/^## \([a-z-]*\): \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

## deps: install what building, running and testing need, from Debian's packages (sudo where needed)
deps:
	@sh tests/fresh/deps.sh build

## deps-dev: install what lint, fuzz and the fresh-machine test need
deps-dev:
	@sh tests/fresh/deps.sh dev

$(BUILD)/obj/%.o: %.c Makefile | $(GEN)
	@mkdir -p $(@D)
	@echo '  CC    $<'
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(PKG_CFLAGS) -MMD -MP -c $< -o $@

# Where an installed library looks for its helper when it is not beside it.
$(BUILD)/obj/pipeline/model/helper.o: CPPFLAGS += -DLIMN_LIBEXEC_DEFAULT='"$(PREFIX)/libexec/limn"'

# A text as a C array: `static const char x[] = {` #include "gen/db/schema.sql.inc" `};`
$(BUILD)/gen/%.sql.inc: %.sql
	@mkdir -p $(@D)
	$(Q)od -An -v -tx1 $< | sed 's/ \([0-9a-f][0-9a-f]\)/0x\1,/g' > $@
	$(Q)echo 0x00 >> $@

$(LIB_A): $(call OBJ,$(LIB_SRC))
	@mkdir -p $(@D)
	@rm -f $@
	@echo '  LINK  $@'
	$(Q)ar rcs $@ $^

$(LIB_SO): $(call OBJ,$(LIB_SRC))
	@mkdir -p $(@D)
	@echo '  LINK  $@'
	$(Q)$(CC) -shared -fopenmp $(LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(LIMN): $(call OBJ,$(CLI_SRC)) $(LIB_SO)
	@mkdir -p $(@D)
	@echo '  LINK  $@'
	$(Q)$(CC) -fopenmp $(LDFLAGS) -o $@ $(call OBJ,$(CLI_SRC)) -L$(BUILD)/lib -llimn -lm -Wl,-rpath,'$$ORIGIN/../lib'

# SQLite's functions are the host's: the extension is not linked with SQLite, nor with OpenMP.
$(BUILD)/ext/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo '  CC    $< (extension)'
	$(Q)$(CC) $(CPPFLAGS) -DLIMN_EXTENSION $(filter-out -fopenmp,$(CFLAGS)) $(PKG_CFLAGS) -MMD -MP -c $< -o $@

$(EXTENSION): $(patsubst %.c,$(BUILD)/ext/%.o,db/extension.c $(SQL_SRC))
	@mkdir -p $(@D)
	@echo '  LINK  $@'
	$(Q)$(CC) -shared $(LDFLAGS) -Wl,-Bsymbolic -o $@ $^ $(shell pkg-config --libs gsl libpng) -lm

# The helpers alone are linked with libhdf5 and libmatio.
$(HDF5_HELPER): $(call OBJ,$(HDF5_HELPER_SRC)) $(call OBJ,analysis/base/status.c analysis/base/mem.c)
	@mkdir -p $(@D)
	@echo '  LINK  $@'
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(HDF5_LIBS)

$(MAT_HELPER): $(call OBJ,$(MAT_HELPER_SRC)) $(call OBJ,analysis/base/status.c analysis/base/mem.c)
	@mkdir -p $(@D)
	@echo '  LINK  $@'
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(shell pkg-config --libs matio) $(HDF5_LIBS) -lz

# The public header as one file: each #include "…" is replaced, once, by the header that it names.
$(BUILD)/include/limn.h: pipeline/limn.h tests/lib/flatten.awk $(wildcard analysis/base/*.h analysis/embed/embed.h)
	@mkdir -p $(@D)
	$(Q)awk -v dirs="pipeline analysis" -f tests/lib/flatten.awk $< > $@

$(BUILD)/lib/pkgconfig/limn.pc: Makefile
	@mkdir -p $(@D)
	$(Q)printf '%s\n' 'prefix=$${pcfiledir}/../..' 'Name: limn' 'Description: map and explain a trained CNN over a data set' \
	  'Version: $(VERSION)' 'Libs: -L$${prefix}/lib -llimn' 'Cflags: -I$${prefix}/include' > $@

$(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(call OBJ,$(TEST_LIB)) $(LIB_A)
	@mkdir -p $(@D)
	@echo '  LINK  $@'
	$(Q)$(CC) -fopenmp $(LDFLAGS) -o $@ $< $(call OBJ,$(TEST_LIB)) $(LIB_A) $(PKG_LIBS) -lcmocka -ldl

## demo: install what is missing, build, run the MNIST experiment, say where the results are
demo: deps
	@$(MAKE) --no-print-directory -j2 all
	@sh examples/demo.sh $(BUILD)

test-build: all $(TESTS)

## test: all tests; the last line is `N passed, N failed, N skipped`
test: deps
	@$(MAKE) --no-print-directory -j2 test-build
	@BUILD=$(BUILD) bash tests/run.sh

## sanitize: all tests under AddressSanitizer and UndefinedBehaviorSanitizer
sanitize:
	@$(MAKE) --no-print-directory -j2 BUILD=$(BUILD)/sanitize SANITIZER=address,undefined OPT=-O1 test-build
	@BUILD=$(BUILD)/sanitize SANITIZED=1 bash tests/run.sh

## bench: seconds and rates of each stage, after the machine's own speed
bench: all $(BENCHES)
	@BUILD=$(BUILD) bash tests/bench/run.sh

# PyTorch and ONNX Runtime in an environment of the benchmark's own; PYTHON_BENCH=… takes another that has them.
PYTHON_BENCH ?= $(BUILD)/bench/venv/bin/python
$(BUILD)/bench/venv/bin/python:
	@mkdir -p $(BUILD)/bench
	python3 -m venv $(BUILD)/bench/venv
	$(BUILD)/bench/venv/bin/pip install --quiet torch==2.13.0 onnxruntime numpy

## bench-engine: the engine beside PyTorch and ONNX Runtime on the same networks (ARGS="--only mnist,lite0")
bench-engine: all $(BUILD)/tests/bench/bench_engine $(PYTHON_BENCH)
	@$(PYTHON_BENCH) tests/bench/engine.py --limn $(BUILD)/tests/bench/bench_engine --work $(BUILD)/bench $(ARGS)

ROUNDTRIP_PYTHON ?= $(BUILD)/roundtrip/bin/python
$(BUILD)/roundtrip/bin/python:
	python3 -m venv $(BUILD)/roundtrip
	$(BUILD)/roundtrip/bin/pip install --quiet numpy scipy h5py

## roundtrip: files that numpy, scipy and h5py write, read by limn (network: their packages)
roundtrip: all $(ROUNDTRIP_PYTHON)
	@$(ROUNDTRIP_PYTHON) tests/bench/roundtrip.py $(abspath $(LIMN))

## bench-tsne: t-SNE beside its peers, on MNIST; QUICK=1: ours alone
bench-tsne: all $(BUILD)/tests/bench/bench_tsne
	@BUILD=$(BUILD) bash tests/bench/tsne.sh $(if $(QUICK),--quick)

# The same with the programs that explain networks.
PYTHON_ATTRIBUTION ?= $(BUILD)/bench/venv-attribution/bin/python
$(BUILD)/bench/venv-attribution/bin/python:
	@mkdir -p $(BUILD)/bench
	python3 -m venv $(BUILD)/bench/venv-attribution
	$(BUILD)/bench/venv-attribution/bin/pip install --quiet torch==2.13.0 onnx onnxruntime numpy pillow captum==0.9.0 grad-cam==1.5.7 \
	  zennit==0.5.1 quantus==0.6.0

## fidelity: docs/fidelity.md: every array of ../shared/goldens, and Captum and pytorch-grad-cam on EfficientNet-Lite0, beside limn's
fidelity: test-build $(PYTHON_ATTRIBUTION)
	@mkdir -p $(BUILD)/fidelity
	@LIMN_LIBEXEC=$(abspath $(BUILD))/libexec/limn $(PYTHON_ATTRIBUTION) tests/bench/fidelity_lite0.py $(LIMN) $(BUILD)/fidelity/lite0.tsv
	@BUILD=$(BUILD) bash tests/fidelity.sh write

## bench-attribution: maps and measures beside Captum, pytorch-grad-cam, Zennit and Quantus (ARGS="--only saliency,gradcam")
bench-attribution: all $(PYTHON_ATTRIBUTION)
	@LIMN_LIBEXEC=$(abspath $(BUILD))/libexec/limn $(PYTHON_ATTRIBUTION) tests/bench/attribution.py --limn $(LIMN) $(ARGS)

## conformance: the ONNX project's own cases in ../shared/onnx-conformance, on oneDNN and on the plain operations
conformance: $(BUILD)/tests/conformance/conformance
	@$<

## torture: the big counts: kills, mutants (seed and counts are printed)
torture: test-build
	@BUILD=$(BUILD) bash tests/torture.sh

## fuzz: libFuzzer targets with their kept corpora (FUZZ_SECONDS each, default 30)
fuzz:
	@BUILD=$(BUILD) bash tests/fuzz/run.sh

## lint: format, shell scripts, forbidden dependencies, headers that stand alone
lint: check-deps
	@bash tests/lint.sh

## check-deps: prove the direction of dependencies between the folders
check-deps:
	@bash tests/check-deps.sh

## install: program, library, helper, header, pkg-config file, man page, completion under DESTDIR/PREFIX
install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/include $(DESTDIR)$(PREFIX)/libexec/limn
	install -m 755 $(LIMN) $(DESTDIR)$(PREFIX)/bin/limn
	install -m 755 $(HELPERS) $(DESTDIR)$(PREFIX)/libexec/limn
	install -m 644 $(LIB_A) $(LIB_SO) $(EXTENSION) $(DESTDIR)$(PREFIX)/lib
	install -m 644 $(BUILD)/include/limn.h $(DESTDIR)$(PREFIX)/include/limn.h
	install -m 644 $(BUILD)/lib/pkgconfig/limn.pc $(DESTDIR)$(PREFIX)/lib/pkgconfig/limn.pc
	install -d $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	install -m 644 docs/limn.1 $(DESTDIR)$(PREFIX)/share/man/man1/limn.1
	install -m 644 docs/completion/limn.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/limn

## clean: remove the build folder
clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD)/obj $(BUILD)/ext -name '*.d' 2>/dev/null)
