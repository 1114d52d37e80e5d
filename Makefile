# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# `make help` lists the targets. Sources are found by folder and name:
#   <folder>/*.c              that folder's archive; main.c is an executable
#   <folder>/*.bpf.c          BPF objects: of tc-root and select for the packages; the updater embeds its own
#   */tests/test_*.c          cmocka programs; the other *.c next to them support all tests
#   */tests/fuzz_*.c          libFuzzer targets
#   */tests/*.bpf.c           BPF objects for tests
#   */tests/*.bats            tests of commands
#   */bench/*.c               programs of ci/bench; linked with the tests' support

ifeq ($(origin CC),default)
CC = $(CROSS)gcc
endif
HOSTCC ?= gcc
AR = $(CROSS)ar
STRIP = $(CROSS)strip
CLANG ?= clang
LLVM_STRIP ?= llvm-strip
PKG_CONFIG ?= $(CROSS)pkg-config
# Ubuntu's wrapper in /usr/sbin finds bpftool only for the running kernel.
BPFTOOL ?= $(or $(lastword $(sort $(wildcard /usr/lib/linux-tools*/bpftool))),$(wildcard /usr/sbin/bpftool),bpftool)
# 0: link the programs dynamically.
STATIC ?= 1

# Another architecture than this machine's, by Debian's name (arm64, s390x): its cross compiler and libraries,
# and a folder of its own.
ARCH ?=
CROSS = $(and $(ARCH),$(TRIPLET_$(ARCH))-)
TRIPLET_arm64 = aarch64-linux-gnu
TRIPLET_s390x = s390x-linux-gnu
B = build$(and $(ARCH),/$(ARCH))
LIBRARIES = libbpf libelf zlib libnl-3.0 json-c libseccomp nettle
# What the collector has beside them.
COLLECTOR_LIBRARIES = -lpcap -lzstd -lssl -lcrypto
WARNINGS = -Wall -Wextra
# Packages must not contain the path of the build folder.
REPRODUCIBLE = -ffile-prefix-map=$(CURDIR)=.
# The version that the programs print.
VERSION := $(shell sed -n 's/^  "version": "\(.*\)",$$/\1/p' manifest.json)
# A packager's flags replace these, and then warnings of another compiler are not errors.
CFLAGS ?= -O2 -g -Werror
# cmocka 2 has deprecated the only name that cmocka 1 has for it.
CMOCKA_1 = $(shell $(PKG_CONFIG) --exists 'cmocka < 2' && echo -Dassert_uint_in_range=assert_in_range)
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE $(WARNINGS) $(REPRODUCIBLE) $(CFLAGS) -DPROJECT_VERSION=$(VERSION) -MMD -MP -isystem $B \
	$(shell $(PKG_CONFIG) --cflags $(LIBRARIES)) $(CMOCKA_1)
# -Og compiles in less than half the time of -O2, and most of the tests' work is the kernel's. It sees too
# little of the flow for one warning, which the shipped code is compiled with. Reports need no more than -g1.
SANITIZE = -Og -g1 -Wno-maybe-uninitialized $(if $(ARCH),,$(SANITIZERS))
SANITIZERS = -fsanitize=address,undefined -fno-sanitize-recover=all
# Where it is installed, the tests are linked in a sixth of the time.
GOLD := $(if $(shell command -v $(CROSS)ld.gold),-fuse-ld=gold)
BPF_CFLAGS = -O2 -g -target bpf -mcpu=v3 -std=gnu11 $(WARNINGS) -Werror $(REPRODUCIBLE) \
	-I/usr/include/$(shell $(CC) -print-multiarch) -MMD -MP

FOLDERS = common tc-root $(addprefix traffic-mirroring/,wire host updater sender collector/counters collector/replay collector)
C_SOURCES := $(wildcard $(FOLDERS:=/*.c) packaging/*.c)
MAINS := $(filter %/main.c packaging/%,$(C_SOURCES))
LIBRARY_SOURCES := $(filter-out $(MAINS) %.bpf.c,$(C_SOURCES))
BPF_SOURCES := $(wildcard tc-root/*.bpf.c traffic-mirroring/select/*.bpf.c)
EMBEDDED_SOURCES := $(wildcard traffic-mirroring/updater/*.bpf.c)
TEST_SOURCES := $(filter-out $B/%,$(wildcard */tests/*.c */*/tests/*.c */*/*/tests/*.c))
TEST_BPF_SOURCES := $(filter %.bpf.c,$(TEST_SOURCES))
TEST_MAINS := $(foreach f,$(filter-out %.bpf.c,$(TEST_SOURCES)),$(if $(filter test_%,$(notdir $f)),$f))
FUZZ_SOURCES := $(foreach f,$(TEST_SOURCES),$(if $(filter fuzz_%,$(notdir $f)),$f))
TEST_SUPPORT := $(filter-out $(TEST_BPF_SOURCES) $(TEST_MAINS) $(FUZZ_SOURCES),$(TEST_SOURCES))
BENCH_SOURCES := $(wildcard */bench/*.c)
BENCH_BPF_SOURCES := $(filter %.bpf.c,$(BENCH_SOURCES))
L3AFD_BATS := $(wildcard packaging/l3afd/tests/*.bats)
BATS := $(filter-out $(L3AFD_BATS) $B/%,$(wildcard */tests/*.bats */*/tests/*.bats */*/*/tests/*.bats))

# The input of lint. Scripts are recognised by their first line.
C_FILES := $(filter-out $B/%,$(wildcard */*.[ch] */*/*.[ch] */*/*/*.[ch] */*/*/*/*.[ch]))
USER_SOURCES := $(filter-out %.bpf.c,$(C_SOURCES) $(TEST_SOURCES) $(BENCH_SOURCES))
SCRIPTS = $(BATS) $(L3AFD_BATS) $(wildcard */*.bash */*/*.bash */*/*/*.bash) \
	$(shell grep -slm1 '^\#!.*sh$$' .ci/run $(wildcard ci/* packaging/* packaging/tests/*))
MAN_PAGES := $(wildcard docs/man/*)
TIDY = xargs -P2 -I{} clang-tidy --quiet {} --

# The folders build/tc-root and build/traffic-mirroring hold the contents of the packages.
PROGRAMS := $B/tc-root/tc_root $(addprefix $B/traffic-mirroring/,mirroring mirror-sender mirror-collector)
OBJECTS := $(patsubst tc-root/%.bpf.c,$B/tc-root/%.bpf.o,$(patsubst \
	traffic-mirroring/select/%.bpf.c,$B/traffic-mirroring/%.bpf.o,$(BPF_SOURCES)))
ARCHIVES := $(FOLDERS:%=$B/obj/%.a)
SKELETONS := $(EMBEDDED_SOURCES:%.bpf.c=$B/%.skel.h)
COMPLETIONS := $(patsubst %,$B/completion/%,$(notdir $(PROGRAMS)))
CHECK_OBJECT := build/packaging/check-object
TESTS := $(TEST_MAINS:%.c=$B/%)
TEST_OBJECTS := $(TEST_BPF_SOURCES:%.c=$B/%.o)
BENCHES := $(patsubst %.c,$B/%,$(filter-out $(BENCH_BPF_SOURCES),$(BENCH_SOURCES)))
BENCH_OBJECTS := $(BENCH_BPF_SOURCES:%.c=$B/%.o)
FUZZERS := $(FUZZ_SOURCES:%.c=$B/%)

# Goals for which ci/deps installs missing packages, once per checkout. The others use what is installed.
SETS := $(if $(filter package,$(MAKECMDGOALS)),build) \
	$(if $(filter test tests test-% fuzz demo bench bench-%,$(MAKECMDGOALS)),build test) \
	$(if $(filter lint lint-%,$(MAKECMDGOALS)),build test lint) \
	$(and $(ARCH),build cross-$(ARCH))
READY := $(if $(strip $(SETS)),$B/deps-$(subst $() $(),-,$(sort $(SETS))))

# Completion is what the programs say of themselves: it needs programs that run here.
all: $(PROGRAMS) $(OBJECTS) $(if $(ARCH),,completion) ## build everything for the packages (also: build)
build: all
completion: $(COMPLETIONS) ## generate bash completion for all commands

test: tests ## run every test, or those of FILES or FOLDER; as root, in its own namespaces
	ci/here-or-vm ci/run-tests $(or $(FILES),$(if $(FOLDER),$(filter $(FOLDER)/% $B/$(FOLDER)/%,$(TESTS) $(BATS)),$(TESTS) $(BATS)))
# Of another architecture only what needs none of its kernels: formats and parsers.
test-unit: tests ## run the tests of functions and of the data path, without those of commands
	$(if $(ARCH),EMULATOR=qemu-$(firstword $(subst -, ,$(CROSS)))-static) ci/run-tests \
		$(if $(ARCH),$(filter $(addprefix $B/traffic-mirroring/,wire/% collector/replay/%),$(filter-out %_kernel,$(TESTS))),$(TESTS))
tests: all $(TESTS) $(TEST_OBJECTS) $(CHECK_OBJECT)

test-kernels: tests ## run some tests on other kernels, in virtual machines; print a table
	ci/kernels

test-loader: all ## run the tests that load the objects with l3afd's Go library
	ci/run-tests ci/tests/loader.bats

test-l3afd: package $(TEST_OBJECTS) ## test the packages with a real l3afd: L3AFD=/path/to/l3afd make test-l3afd
	ci/run-tests $(L3AFD_BATS)

fuzz: $(FUZZERS) ## run each fuzzer for a minute, or FUZZ_SECONDS
	ci/run-tests $(FUZZERS)

demo: all $(TEST_OBJECTS) ## mirror real requests among three hosts, count copies; VM=1: in a virtual machine, without root
	ci/here-or-vm ci/demo

bench: all $(BENCHES) $(BENCH_OBJECTS) $(TEST_OBJECTS) ## compare the cost of mirroring with other methods; as root, when idle
	ci/bench $(ROUNDS) $(PARTS)
bench-collector: all $(BENCHES) ## measure the cost of a copy in the collector; as root, when idle
	ci/bench-collector

lint: lint-format lint-layers lint-generated lint-code lint-scripts lint-man lint-docs ## check formatting, layers, generated text, clang-tidy, shellcheck, man pages, documents
lint-format: $(READY)
	clang-format --dry-run -Werror $(C_FILES)
lint-layers: $(ARCHIVES)
	ci/layers
lint-generated: $(OBJECTS) $(SKELETONS) $(PROGRAMS)
	ci/generate --check
lint-code: $(READY) $(SKELETONS)
	printf '%s\n' $(USER_SOURCES) | $(TIDY) $(filter-out -MMD -MP,$(ALL_CFLAGS))
	printf '%s\n' $(BPF_SOURCES) $(EMBEDDED_SOURCES) $(TEST_BPF_SOURCES) $(BENCH_BPF_SOURCES) | $(TIDY) $(filter-out -MMD -MP,$(BPF_CFLAGS))
lint-scripts: $(READY)
	shellcheck --severity=warning --external-sources $(SCRIPTS)
lint-man: $(READY)
	$(if $(MAN_PAGES),mandoc -Tlint -Wwarning $(MAN_PAGES))
lint-docs:
	ci/docs

package: all $(CHECK_OBJECT) ## build dist/, a repository that l3afd downloads from
	BUILD=$B DIST=$(if $(ARCH),dist-$(ARCH),dist) STRIP=$(STRIP) OBJDUMP=$(CROSS)objdump packaging/build

coverage: ## print lines and branches of the user-space code that the tests reach
	ci/coverage
test-files:
	@printf '%s\n' $(TESTS) $(BATS)
compile_commands.json: $(SKELETONS) ## write the compiler's command lines, for editors and clang tools
	{ printf '$(CC) $(ALL_CFLAGS) -c\t%s\n' $(USER_SOURCES); printf '$(CLANG) $(BPF_CFLAGS) -c\t%s\n' $(BPF_SOURCES); } | \
		jq -nR '[inputs / "\t" | { directory: "$(CURDIR)", file: .[1], command: join(" ") }]' >$@

PREFIX = /usr/local
# The commands find their objects, and mirroring its sender, in the folder of the real file.
LIBDIR = $(PREFIX)/lib/l3af-traffic-mirroring
INSTALL = install -D
install: all ## install commands, objects, man pages, units and completion to DESTDIR and PREFIX
	for f in $(PROGRAMS) $(OBJECTS); do $(INSTALL) -m 0755 $$f $(DESTDIR)$(LIBDIR)/$$(basename $$f); done
	chmod 0644 $(DESTDIR)$(LIBDIR)/*.bpf.o
	mkdir -p $(DESTDIR)$(PREFIX)/sbin
	for f in $(notdir $(PROGRAMS)); do ln -sf ../lib/l3af-traffic-mirroring/$$f $(DESTDIR)$(PREFIX)/sbin/$$f; done
	$(INSTALL) -m 0644 -t $(DESTDIR)$(PREFIX)/share/man/man8 $(MAN_PAGES)
	$(INSTALL) -m 0644 -t $(DESTDIR)$(PREFIX)/share/bash-completion/completions $(COMPLETIONS)
	$(INSTALL) -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	for f in packaging/*.service; do sed 's|/usr/sbin/|$(PREFIX)/sbin/|' $$f >$(DESTDIR)$(PREFIX)/lib/systemd/system/$${f##*/}; done
	test -e $(DESTDIR)/etc/default/mirror-collector || $(INSTALL) -m 0644 packaging/mirror-collector.default $(DESTDIR)/etc/default/mirror-collector

deps: ## install missing packages (Debian, as root)
	ci/deps build test lint

clean: ## remove build/ and dist/
	rm -rf $B $(if $(ARCH),dist-$(ARCH),dist dist-*)

help: ## print this list
	@sed -n 's/^\([a-z0-9_.-]*\):.*## /\1\t/p' Makefile | expand -t 23

.PHONY: all build completion test test-unit tests test-kernels test-loader test-l3afd fuzz demo bench bench-collector lint lint-format lint-layers lint-generated lint-code lint-scripts lint-man lint-docs package coverage test-files compile_commands.json install deps clean help
.DELETE_ON_ERROR:
.SECONDARY:
.SECONDEXPANSION:
MAKEFLAGS += --no-builtin-rules
# A single goal is built on all cores; several goals, such as clean and all, one after the other.
ifeq ($(filter -j% --jobserver%,$(MAKEFLAGS) $(shell echo "$$MAKEFLAGS"))$(word 2,$(MAKECMDGOALS)),)
MAKEFLAGS += -j$(shell nproc)
endif
unexport MAKEFLAGS # so that nested builds of ci/coverage and of a test use all cores, too

$(READY): ci/deps
	ci/deps $(sort $(SETS))
	@mkdir -p $B && touch $@

# User space is built twice: as shipped, and with sanitizers for the tests.
$B/obj/tested/%.o: %.c | $(READY)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(SANITIZE) -c -o $@ $<
$B/obj/%.o: %.c | $(READY)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

# An archive per folder. A program is its folder's main.o and the archives of the layers below, from the top
# down; ci/layers checks that no archive needs any other.
archives = $(foreach f,$1,$B/obj/$f.a)
$(ARCHIVES): $B/obj/%.a: $$(foreach s,$$(LIBRARY_SOURCES),$$(if $$(filter $$*/,$$(dir $$s)),$B/obj/$$(s:.c=.o)))
	rm -f $@
	$(AR) rcs $@ $^
LINK = $(CC) $(CFLAGS) $(LDFLAGS) -o $@
# common/libelf.c completes libelf.a and must be pulled from its archive before libelf.a needs it.
static = $(if $(filter-out 0,$(STATIC)),$1)
COMPLETE = -Wl,--undefined=eu_search_tree_init
# Warnings about libnl's name look-ups are harmless: they are never called. (--no-warnings would hide errors,
# too.)
LINK_STATIC = $(LINK) $(call static,-static $(COMPLETE)) $^ $$($(PKG_CONFIG) $(call static,--static) --libs $(LIBRARIES))

$B/tc-root/tc_root: $B/obj/tc-root/main.o $(call archives,tc-root common)
	@mkdir -p $(@D)
	$(LINK_STATIC)
$B/traffic-mirroring/mirroring: $B/obj/traffic-mirroring/updater/main.o \
		$(call archives,$(addprefix traffic-mirroring/,updater host wire) common)
	@mkdir -p $(@D)
	$(LINK_STATIC)
$B/traffic-mirroring/mirror-sender: $B/obj/traffic-mirroring/sender/main.o \
		$(call archives,$(addprefix traffic-mirroring/,sender host wire) common)
	@mkdir -p $(@D)
	$(LINK_STATIC)
# libpcap cannot be linked statically here: Debian's needs D-Bus.
$B/traffic-mirroring/mirror-collector: $B/obj/traffic-mirroring/collector/main.o \
		$(call archives,$(addprefix traffic-mirroring/,collector collector/replay collector/counters wire) common)
	@mkdir -p $(@D)
	$(LINK) $^ $(call static,$(COMPLETE) -Xlinker -Bstatic) $$($(PKG_CONFIG) $(call static,--static) --libs libbpf libnl-3.0 libzstd libssl) \
		$(call static,-Xlinker -Bdynamic) -lpcap -lpthread
# It runs on this machine, also if it checks objects for another architecture.
$(CHECK_OBJECT): packaging/check_object.c packaging/read_only.c packaging/read_only.h | $(READY)
	@mkdir -p $(@D)
	$(HOSTCC) -std=gnu11 -D_GNU_SOURCE $(WARNINGS) -O2 -o $@ $(filter %.c,$^) -lbpf -lelf

$(COMPLETIONS): $(PROGRAMS) ci/completion
	@mkdir -p $(@D)
	ci/completion $(filter %/$(@F),$(PROGRAMS)) >$@

# A test is linked with the parts that it uses of the tests' support and of all folders.
$B/obj/tested/all.a: $(patsubst %.c,$B/obj/tested/%.o,$(TEST_SUPPORT) $(LIBRARY_SOURCES))
	rm -f $@
	$(AR) rcs $@ $^
$(TESTS): $B/%: $B/obj/tested/%.o $B/obj/tested/all.a
	@mkdir -p $(@D)
	$(LINK) $(SANITIZE) $(GOLD) $^ $$($(PKG_CONFIG) --libs $(LIBRARIES) cmocka) $(COLLECTOR_LIBRARIES)

# As shipped, without sanitizers, which would slow down the measured code.
$B/obj/tests.a: $(patsubst %.c,$B/obj/%.o,$(filter traffic-mirroring/select/tests/%,$(TEST_SUPPORT)))
	rm -f $@
	$(AR) rcs $@ $^
$(BENCHES): $B/%: $B/obj/%.o $B/obj/tests.a $(call archives,$(addprefix traffic-mirroring/,updater sender host wire) common)
	@mkdir -p $(@D)
	$(LINK) $^ $$($(PKG_CONFIG) --libs $(LIBRARIES))

# A fuzzer needs all code instrumented, so it compiles the libraries itself whenever the archive changes.
$(FUZZERS): $B/%: %.c $B/obj/tested/all.a
	@mkdir -p $(@D)
	$(CLANG) $(filter-out -MMD -MP,$(ALL_CFLAGS)) $(LDFLAGS) -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -o $@ $< \
		$(LIBRARY_SOURCES) $(filter $(addprefix %/,same_filter.c name_flow.c hello.c initial.c),$(TEST_SUPPORT)) $$($(PKG_CONFIG) --libs $(LIBRARIES)) \
		$(COLLECTOR_LIBRARIES)

# BPF objects, stripped of DWARF but not of BTF.
COMPILE_BPF = $(CLANG) $(BPF_CFLAGS) -c -o $@ $< && $(LLVM_STRIP) -g $@
$B/tc-root/%.bpf.o: tc-root/%.bpf.c | $(READY)
	@mkdir -p $(@D)
	$(COMPILE_BPF)
$B/traffic-mirroring/%.bpf.o: traffic-mirroring/select/%.bpf.c | $(READY)
	@mkdir -p $(@D)
	$(COMPILE_BPF)
$(TEST_OBJECTS) $(BENCH_OBJECTS) $(SKELETONS:.skel.h=.bpf.o): $B/%.o: %.c | $(READY)
	@mkdir -p $(@D)
	$(COMPILE_BPF)
$(SKELETONS): %.skel.h: %.bpf.o
	$(BPFTOOL) gen skeleton $< >$@
$B/obj/common/args.o $B/obj/tested/common/args.o: manifest.json
$B/obj/traffic-mirroring/updater/host_maps.o $B/obj/tested/traffic-mirroring/updater/host_maps.o: $(SKELETONS)

-include $(shell find $B \( -path $B/suites -o -path $B/upgrade \) -prune -o -name '*.d' -print 2>/dev/null)
