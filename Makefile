# raftd. `make help` lists what there is to make.
.DEFAULT_GOAL := all

ifeq ($(MAKELEVEL),0)
ifeq ($(filter -j%,$(MAKEFLAGS)),)
MAKEFLAGS += -j2
endif
endif

# Make has a CC of its own, `cc`, which ?= would not replace.
ifeq ($(origin CC),default)
CC := gcc
endif
comma := ,
SANITIZE ?=
# Each set of sanitizers has a folder of its own; BUILD= given by the user is taken as it is.
ifeq ($(origin BUILD),undefined)
BUILD := build$(if $(SANITIZE),/$(subst $(comma),-,$(SANITIZE)))
endif
PREFIX ?= /usr/local
DESTDIR ?=
FUZZ_SECONDS ?= 60
VERSION := $(file <VERSION)

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion
ifneq ($(WERROR),)
WARNINGS += -Werror
endif
ifneq ($(SANITIZE),)
OPTIMIZE ?= -O1
CFLAGS ?= -g1
SANITIZE_FLAGS := -fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all
# How deep the stack goes differs with where it begins: no measure of what an input reaches.
SANITIZE_FLAGS += $(if $(findstring fuzzer,$(SANITIZE)),-fno-sanitize-coverage=stack-depth)
# Hundreds of programs are linked; gold does it in half the time.
SANITIZE_LINK := $(if $(findstring fuzzer,$(SANITIZE)),,$(if $(shell command -v ld.gold),-fuse-ld=gold))
endif
OPTIMIZE ?= -O2
CFLAGS ?= -g
# What makes a mistake in C a crash instead of a way in; .ci/check-hardening looks whether it is there. Sanitizers have checks of their own,
# and FORTIFY needs an optimizer.
ifeq ($(SANITIZE),)
# Everything is compiled once, for the programs (PIE) and for the libraries (server/package/libraries.mk).
HARDENING := -fPIC -fvisibility=hidden -fstack-protector-strong -fstack-clash-protection $(if $(filter x86_64,$(shell uname -m)),-fcf-protection)
HARDENING += $(if $(filter-out -O0,$(OPTIMIZE)),-D_FORTIFY_SOURCE=2)
HARDENED_LINK := -pie -Wl,-z,relro,-z,now,-z,noexecstack
endif
# Tests stand in for functions of the C library, which FORTIFY has inline forms of (of the system calls on files raftd and LevelDB use none), and
# which libraries must find in the program, too.
TEST_CFLAGS = $(if $(filter tests/%,$<),-U_FORTIFY_SOURCE -fvisibility=default) $(if $(SANITIZE),$(if $(filter $(QUICKLY_COMPILED),$<),-O0))
# Under sanitizers compiling these takes longer than running them.
QUICKLY_COMPILED := tests/unit/% tests/thesis/% tests/crash/%
ALL_CFLAGS := -std=c11 -D_GNU_SOURCE -DRAFTD_VERSION='"$(VERSION)"' -ffile-prefix-map=$(CURDIR)=. -I. $(WARNINGS) $(OPTIMIZE) $(HARDENING) $(SANITIZE_FLAGS) -pthread $(CFLAGS)
ALL_LDFLAGS := $(HARDENED_LINK) $(SANITIZE_FLAGS) $(SANITIZE_LINK) -pthread $(LDFLAGS)
LIBS := -lmicrohttpd -lcurl -lgnutls -lleveldb

# -- What the build rests on ------------------------------------------------------------------------------------------------

# Everything is compiled anew when the compiler, a flag or the version changes: they are kept in a file that is only written then.
FLAGS := $(CC) $(ALL_CFLAGS)
ifneq ($(filter-out clean help format check-format uninstall coverage new-machine,$(or $(MAKECMDGOALS),all)),)
ifneq ($(file <$(BUILD)/flags),$(FLAGS))
$(shell mkdir -p $(BUILD))
$(file >$(BUILD)/flags,$(FLAGS))
endif
endif
$(BUILD)/flags: ;

# Missing Debian packages are installed, once, before the first compilation.
SETUP := build/.setup
$(SETUP)-%: .ci/setup
	@mkdir -p $(@D)
	@.ci/setup $*
	@touch $@
$(SETUP)-test: | $(SETUP)-build

# -- Rooms. Each is an archive; a room may use those to its right (.ci/includes says the same of #include and CI checks it).
ROOMS := api server machine storage ctl client json raft base
room_dir_api := api
room_dir_server := server
room_dir_machine := server/machine
room_dir_storage := storage
room_dir_ctl := api/ctl
room_dir_client := api/client
room_dir_json := server/json
room_dir_raft := server/raft
room_dir_base := server/base
uses_api := api server machine storage json raft base
uses_server := server machine storage json raft base
uses_machine := machine json base
uses_storage := storage json raft base
uses_ctl := ctl client storage json base
uses_client := client json base
uses_json := json base
uses_raft := raft base
uses_base := base

# The process around the rooms, which is no part of any archive.
TOP_SOURCES := server/main.c server/raftd.c server/reactor.c server/reactor_parts.c
CTL_SOURCES := api/ctl/main.c
LIB := $(BUILD)/lib

define room
$(1)_sources := $$(filter-out $$(TOP_SOURCES) $$(CTL_SOURCES),$$(wildcard $$(room_dir_$(1))/*.c))
$(1)_objects := $$(patsubst %.c,$$(BUILD)/%.o,$$($(1)_sources)) $$(if $$(filter api,$(1)),$$(BUILD)/api/assets.o)
$$(LIB)/lib$(1).a: $$($(1)_objects)
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(AR) rcs $$@ $$^

$(1)_tests := $$(patsubst %.c,$$(BUILD)/%,$$(wildcard tests/unit/$(1)/*_test.c))
$(1)_helpers := $$(patsubst %.c,$$(BUILD)/%.o,$$(filter-out %_test.c,$$(wildcard tests/unit/$(1)/*.c)))
$$($(1)_tests): $$(BUILD)/tests/unit/$(1)/%: $$(BUILD)/tests/unit/$(1)/%.o $$($(1)_helpers) $$(uses_$(1):%=$$(LIB)/lib%.a)
	$$(CC) $$(ALL_LDFLAGS) -o $$@ $$^ $$(LIBS) $$(CHECK_LIBS)
$$($(1)_tests:=.o) $$($(1)_helpers): | $$(SETUP)-test
.PHONY: unit-$(1)
unit-$(1): $$($(1)_tests)
	@tests/run-units $$^
endef
CHECK_LIBS := -lcheck -lsubunit -lcjson -lrt -lm
$(foreach r,$(ROOMS),$(eval $(call room,$(r))))

# State machines as shared libraries: examples, and those of tests. They see what is installed, and nothing else of the tree.
$(BUILD)/include/raftd/machine.h: server/machine/machine.h
	@mkdir -p $(@D)
	cp $< $@
MACHINE_CFLAGS = $(ALL_CFLAGS:-I.=-I$(BUILD)/include) -fPIC -fvisibility=default
define machine_library
$$(BUILD)/$(1)/%.so: $(2)/%.c $$(BUILD)/include/raftd/machine.h $$(BUILD)/flags
	@mkdir -p $$(@D)
	$$(CC) $$(MACHINE_CFLAGS) -shared -o $$@ $$<
endef
$(eval $(call machine_library,machines,server/machine/examples))
$(eval $(call machine_library,tests/machines,tests/machines))
# This one needs a library of its own: where that cannot be had, the example is left out, with a word.
SQLITE_MACHINE := $(wildcard server/machine/examples/sqlite/*.c)
$(BUILD)/machines/sqlite.so: $(SQLITE_MACHINE) $(wildcard server/machine/examples/sqlite/*.h) $(BUILD)/include/raftd/machine.h $(BUILD)/flags
	@mkdir -p $(@D)
	@there() { echo '#include <sqlite3.h>' | $(CC) -E - >/dev/null 2>&1; }; there || .ci/setup machines || true; \
	if there; then echo "$(CC) ... -shared -o $@ -lsqlite3"; $(CC) $(MACHINE_CFLAGS) -shared -o $@ $(SQLITE_MACHINE) -lsqlite3 -lm; \
	else echo "the example machine sqlite is left out: there is no sqlite3.h (Debian: libsqlite3-dev)"; fi
EXAMPLE_MACHINES := $(patsubst server/machine/examples/%.c,$(BUILD)/machines/%.so,$(wildcard server/machine/examples/*.c)) $(BUILD)/machines/sqlite.so
TEST_MACHINES := $(patsubst %.c,$(BUILD)/%.so,$(wildcard tests/machines/*.c)) $(EXAMPLE_MACHINES)
$(BUILD)/tests/unit/machine/machine_library_test $(BUILD)/tests/unit/machine/sqlite_machine_test $(BUILD)/tests/unit/machine/sqlite_machine_thread_test: | $(TEST_MACHINES)
.PHONY: machines
machines: $(EXAMPLE_MACHINES) ## build the example state machines, build/machines/NAME.so
.PHONY: new-machine
new-machine: ## write a state machine to begin with: NAME=mine, and DIR= where (./mine)
	@server/machine/new-machine.sh '$(NAME)' $(if $(DIR),'$(DIR)')

# The rules of the dissertation, and whole clusters in memory; built on the helpers of the room's own tests.
thesis_tests := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/thesis/*_test.c))
thesis_helpers := $(patsubst %.c,$(BUILD)/%.o,$(filter-out %_test.c,$(wildcard tests/thesis/*.c))) $(raft_helpers)
$(thesis_tests): $(BUILD)/tests/thesis/%: $(BUILD)/tests/thesis/%.o $(thesis_helpers) $(uses_raft:%=$(LIB)/lib%.a)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(CHECK_LIBS)
$(thesis_tests:=.o) $(thesis_helpers): | $(SETUP)-test
.PHONY: unit-thesis
unit-thesis: $(thesis_tests)
	@tests/run-units $^

# Stories: scripts of what happens to cores in memory, on the same cluster. REWRITE=1 writes down what they tell now.
stories := $(wildcard tests/scenarios/*.txt)
story_objects := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/scenarios/runner/*.c tests/thesis/cluster*.c))
$(BUILD)/scenarios: $(story_objects) $(uses_raft:%=$(LIB)/lib%.a)
	$(CC) $(ALL_LDFLAGS) -o $@ $^
.PHONY: scenarios
scenarios: $(BUILD)/scenarios ## tell the stories of tests/scenarios; REWRITE=1 writes what they tell into them
	@$< $(if $(REWRITE),--rewrite) $(stories)
	@tests/scenarios/runner/check-table

# System calls that are written down, and made to fail: linked into what tests crashes, and into unit tests named ..._inject_test.
crash_tests := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/crash/*_test.c))
crash_calls := $(patsubst %,$(BUILD)/tests/crash/%.o,calls inject journal looks watch)
crash_helpers := $(patsubst %,$(BUILD)/tests/crash/%.o,power replay small_buffers workload)
$(crash_tests): $(BUILD)/tests/crash/%: $(BUILD)/tests/crash/%.o $(crash_calls) $(crash_helpers) $(uses_storage:%=$(LIB)/lib%.a)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS) $(CHECK_LIBS)
$(crash_tests:=.o) $(crash_calls) $(crash_helpers): | $(SETUP)-test
$(filter %_inject_test,$(foreach r,$(ROOMS),$($(r)_tests))): $(crash_calls)
# The same for a raftd that is started with it, and the tool that tells what is left.
$(BUILD)/tests/crash/calls.so: $(patsubst %,tests/crash/%.c,calls inject journal looks preload small_buffers watch) $(BUILD)/flags | $(SETUP)-test
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(TEST_CFLAGS) -fPIC -fvisibility=default -shared -o $@ $(filter %.c,$^) -ldl
$(BUILD)/tests/crash/leave: $(patsubst %,$(BUILD)/tests/crash/%.o,leave replay) $(LIB)/libbase.a
	$(CC) $(ALL_LDFLAGS) -o $@ $^
.PHONY: crash
crash: all $(crash_tests) $(BUILD)/tests/crash/calls.so $(BUILD)/tests/crash/leave ## the power goes at every write point, each call fails: many seeds (SEEDS=10), then whole raftds
	CRASH_SEEDS=$(or $(SEEDS),10) CRASH_STEPS=60 CRASH_DRAWS=8 CRASH_NESTED=50 $(BUILD)/tests/crash/store_power_test
	for seed in $$(seq $(or $(SEEDS),10)); do CRASH_SEED=$$seed CRASH_STEPS=25 CRASH_STRIDE=1 $(BUILD)/tests/crash/store_fail_test || exit 1; done
	RAFTD=$(abspath $(BUILD)/raftd) CRASH_TOOLS=$(abspath $(BUILD)/tests/crash) python3 tests/crash/raftd_power.py
.PHONY: unit-crash
unit-crash: $(crash_tests)
	@tests/run-units $^

# The linearizability checker (tests/linear/linear.h), for whoever records a history.
linear_sources := $(filter-out tests/linear/main.c %_test.c,$(wildcard tests/linear/*.c))
$(LIB)/liblinear.a: $(linear_sources:%.c=$(BUILD)/%.o)
	@mkdir -p $(@D)
	@rm -f $@
	$(AR) rcs $@ $^
linear_tests := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/linear/*_test.c))
$(linear_tests): $(BUILD)/tests/linear/%: $(BUILD)/tests/linear/%.o $(LIB)/liblinear.a $(LIB)/libbase.a
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(CHECK_LIBS)
$(linear_tests:=.o): | $(SETUP)-test
$(BUILD)/linear: $(BUILD)/tests/linear/main.o $(LIB)/liblinear.a $(LIB)/libbase.a
	$(CC) $(ALL_LDFLAGS) -o $@ $^ -lcjson -lm
$(BUILD)/tests/linear/timeline.o: tests/linear/timeline.html
$(BUILD)/tests/linear/history_file.o: | $(SETUP)-test
.PHONY: linear unit-linear
linear: $(BUILD)/linear ## build/linear FILE: is a recorded history linearizable?
unit-linear: $(linear_tests) $(BUILD)/linear
	@tests/run-units $(linear_tests)
	@output=$$(LINEAR=$(BUILD)/linear python3 -B tests/linear/program_test.py 2>&1) || { echo "$$output"; exit 1; }; echo "linear/program_test: OK"

$(BUILD)/%.o: %.c $(BUILD)/flags | $(SETUP)-build
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(TEST_CFLAGS) -MMD -MP -c -o $@ $<

# The page's files and the description of the API, built in. The folder itself counts, so that a file more or less does.
ASSETS := $(sort $(wildcard admin-ui/*.html admin-ui/*.css admin-ui/*.js admin-ui/*.svg)) api/openapi.json
$(BUILD)/api/assets.c: api/assets.sh admin-ui $(ASSETS)
	@mkdir -p $(@D)
	api/assets.sh $(ASSETS) > $@.new
	@mv $@.new $@
$(BUILD)/api/assets.o: $(BUILD)/api/assets.c
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(BUILD)/raftd: $(TOP_SOURCES:%.c=$(BUILD)/%.o) $(uses_api:%=$(LIB)/lib%.a)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/raftctl: $(CTL_SOURCES:%.c=$(BUILD)/%.o) $(uses_ctl:%=$(LIB)/lib%.a)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ -lcurl

# The simulator: whole clusters in one process. Its harness is the unit tests', with a stand-in for Check.
simulation_objects := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/simulation/*.c))
$(simulation_objects): ALL_CFLAGS += -Itests/simulation/check
$(BUILD)/simulate: $(simulation_objects) $(LIB)/liblinear.a $(uses_server:%=$(LIB)/lib%.a)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

# A program that proposes through raftclient from many threads, for tests.
$(BUILD)/tests/client/hammer: $(BUILD)/tests/client/hammer.o $(uses_client:%=$(LIB)/lib%.a)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ -lcurl

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

.PHONY: all
all: $(BUILD)/raftd $(BUILD)/raftctl ## build raftd and raftctl (the default)

.PHONY: cluster
cluster: all ## start three nodes on 127.0.0.1:8001-8003, data in ./cluster-data; Ctrl-C stops them
	@tests/cluster/three-nodes $(BUILD)/raftd

# -- Tests ------------------------------------------------------------------------------------------------------------------

# These run threads beside each other: ThreadSanitizer watches them.
THREAD_TESTS := $(filter tests/unit/server/disk_test.c tests/unit/server/disk_jobs_test.c tests/unit/server/doctor_test.c tests/unit/server/health_test.c \
    tests/unit/server/peers_test.c tests/unit/server/peers_exchange_test.c \
    $(wildcard tests/unit/*/*thread*_test.c),$(wildcard tests/unit/*/*_test.c))

.PHONY: units thread-units corpora preloads cluster-tests programs
units: $(ROOMS:%=unit-%) unit-thesis unit-crash unit-linear ## unit tests of every room, as they are built (SANITIZE= chooses how)

thread-units: $(THREAD_TESTS:%.c=$(BUILD)/%) ## the unit tests with threads (for SANITIZE=thread)
	@TSAN_OPTIONS="suppressions=$(CURDIR)/tests/tsan.supp" tests/run-units $^

# Libraries that are preloaded into a node, to make its disk slow or full.
PRELOADS := $(patsubst %.c,$(BUILD)/%.so,$(wildcard tests/cluster/*.c))
$(BUILD)/tests/cluster/%.so: tests/cluster/%.c $(BUILD)/flags | $(SETUP)-test
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(TEST_CFLAGS) -fPIC -fvisibility=default -shared -o $@ $< -ldl

preloads: $(PRELOADS) $(BUILD)/tests/crash/calls.so $(BUILD)/tests/client/hammer $(TEST_MACHINES)
cluster-tests: all preloads linear ## tests that start real processes
	@tests/run-cluster-tests $(BUILD)/raftd $(BUILD)/tests/cluster

.PHONY: test soak test-all
test: ## everything that must hold: units under ASan and UBSan, threads under TSan, corpora, real processes
	@status=0; \
	$(MAKE) --no-print-directory BUILD=build SANITIZE= all preloads linear || exit 1; \
	$(MAKE) --no-print-directory BUILD=build SANITIZE= cluster-tests >build/cluster-tests.log 2>&1 & cluster=$$!; \
	{ tests/mutants/run --check && tests/installed/run build; } >build/beside.log 2>&1 & beside=$$!; \
	$(MAKE) -k --no-print-directory BUILD=build/address-undefined SANITIZE=address,undefined units corpora simulate-tests || status=1; \
	$(MAKE) -k --no-print-directory BUILD=build/thread SANITIZE=thread thread-units || status=1; \
	wait $$beside || status=1; \
	wait $$cluster || status=1; \
	cat build/beside.log build/cluster-tests.log; \
	exit $$status

soak: $(BUILD)/tests/thesis/random_cluster_test $(patsubst %,$(BUILD)/tests/unit/server/%_test,node_random node_member_random discovery) ## random clusters, many seeds
	RAFT_SEEDS=$(or $(SEEDS),10000) $(BUILD)/tests/thesis/random_cluster_test
	CLUSTER_SEEDS=$(or $(SEEDS),1000) $(BUILD)/tests/unit/server/node_random_test
	CLUSTER_SEEDS=$(or $(SEEDS),1000) $(BUILD)/tests/unit/server/node_member_random_test
	CK_FORK=no CLUSTER_SEEDS=$(or $(SEEDS),1000) $(BUILD)/tests/unit/server/discovery_test

.PHONY: simulate simulate-program simulate-tests
simulate-program: $(BUILD)/simulate ## build the simulator
simulate-tests: simulate-program ## the simulator's own tests, and some seeds
	@tests/simulation/run-tests $(BUILD)/simulate $(or $(SEEDS),40)

simulate: simulate-program ## whole clusters in one process, from seeds: SEED=0 SEEDS=200 STEPS=400
	$(BUILD)/simulate --seed $(or $(SEED),0) --seeds $(or $(SEEDS),200) --steps $(or $(STEPS),400) $(QUIET)

# Built from patched copies of the tree in build/mutants.
.PHONY: mutants
mutants: | $(SETUP)-test ## planted bugs, each of which the simulator must find: NAMES= some of them, MUTANT_SEEDS=2000
	@tests/mutants/run $(NAMES)

test-all: test soak ## `test`, then 20,000 simulated clusters, planted bugs, losses of power, long runs, fuzzing, containers and the page in a browser
	@$(MAKE) --no-print-directory simulate SEEDS=20000 QUIET=--quiet
	@$(MAKE) --no-print-directory mutants
	@$(MAKE) --no-print-directory crash
	@for test in tests/long/*_test.py; do echo "$$test"; RAFTD=$(abspath $(BUILD)/raftd) python3 $$test || exit 1; done
	@$(MAKE) --no-print-directory sanitized-faults
	@$(MAKE) --no-print-directory coverage
	@$(MAKE) --no-print-directory fuzz
	@tests/docker/run.sh
	@tests/upgrade/run
	@tests/kubernetes/run
	@.ci/browser $(BUILD)/raftd

# Five whole nodes under faults, watched by ThreadSanitizer and then by AddressSanitizer, which looks for leaks when they end.
.PHONY: sanitized-faults
sanitized-faults: preloads linear ## five nodes under faults for SANITIZED_SECONDS (60), by TSan and by ASan
	@$(MAKE) --no-print-directory BUILD=build/thread SANITIZE=thread all
	@$(MAKE) --no-print-directory BUILD=build/address-undefined SANITIZE=address,undefined all
	@tests/long/sanitized-faults build/thread/raftd build/address-undefined/raftd $(BUILD)/linear $(BUILD)/tests/cluster

# What the tests run, by file and room: unit tests, the dissertation's rules and the corpora, built by gcc without optimization.
COVERAGE := build/coverage
.PHONY: coverage
coverage: ## what the tests run of each file, with floors: build/coverage/index.html
	@.ci/setup coverage
	@if [ -d $(COVERAGE) ]; then find $(COVERAGE) -name '*.gcda' -delete; fi
	@CK_TIMEOUT_MULTIPLIER=10 $(MAKE) --no-print-directory CC=gcc BUILD=$(COVERAGE)/objects SANITIZE= OPTIMIZE=-O0 \
	    CFLAGS='--coverage -fprofile-update=atomic -g1' LDFLAGS=--coverage units corpora >$(COVERAGE).log 2>&1 || { cat $(COVERAGE).log; exit 1; }
	@.ci/coverage $(COVERAGE)/objects $(COVERAGE)

# The load generator.
load_objects := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/bench/load/*.c))
$(BUILD)/load: $(load_objects)
	$(CC) $(ALL_LDFLAGS) -o $@ $^

# A package that cannot be had is left out of the measurement, which says so.
.PHONY: bench bench-smoke profile
bench: all $(BUILD)/load ## measure, beside etcd: BENCH=writes,reads,... BENCH_SECONDS=5 BENCH_ROUNDS=3 (tests/bench/README.md)
	@.ci/setup bench || true
	@tests/bench/run $(BUILD)/raftd $(BUILD)/load

bench-smoke: all $(BUILD)/load ## whether the measurements still work
	@tests/bench/smoke $(BUILD)/raftd $(BUILD)/load

profile: all $(BUILD)/load ## a flame graph of the leader under writes: build/bench/profile.svg
	@.ci/setup profile || true
	@tests/bench/profile $(BUILD)/raftd $(BUILD)/load

# -- Fuzzing. A target is tests/fuzz/NAME_fuzz.c; its corpus is replayed by `make test` without libFuzzer. -----------------------
FUZZERS := $(patsubst tests/fuzz/%_fuzz.c,%,$(wildcard tests/fuzz/*_fuzz.c))
fuzz_uses_message := $(uses_server)
fuzz_uses_sessions := $(uses_server)
fuzz_uses_http := $(uses_api)
fuzz_uses_snapshot := $(uses_storage)
# What a target needs beside the rooms.
fuzz_helpers_routes := $(BUILD)/tests/unit/api/fake_node.o $(BUILD)/tests/fuzz/tokens_held.o
fuzz_helpers_http := $(BUILD)/tests/fuzz/tokens_held.o
fuzz_uses_routes := $(uses_api)
fuzz_uses_node := $(uses_server)
fuzz_uses_options := $(uses_server)
fuzz_uses_recovery := $(uses_storage)
fuzz_uses_query := $(uses_api)
fuzz_uses_ndjson := $(uses_api)
# json compares with what another reader makes of the same text.
fuzz_libs_json := -lcjson -lm
fuzz_helpers_message := $(BUILD)/tests/fuzz/message_drawn.o
fuzz_helpers_json := $(BUILD)/tests/fuzz/cjson_beside.o
$(BUILD)/tests/fuzz/cjson_beside.o: | $(SETUP)-test
FUZZ_BUILD := build/fuzz

define fuzzer
$(BUILD)/tests/fuzz/$(1)_replay: $(BUILD)/tests/fuzz/$(1)_fuzz.o $(BUILD)/tests/fuzz/replay_main.o $(fuzz_helpers_$(1)) \
    $(patsubst %,$(LIB)/lib%.a,$(or $(fuzz_uses_$(1)),$(uses_$(1))))
	$$(CC) $$(ALL_LDFLAGS) -o $$@ $$^ $$(LIBS) $(fuzz_libs_$(1))
$(BUILD)/tests/fuzz/$(1)_fuzz: $(BUILD)/tests/fuzz/$(1)_fuzz.o $(fuzz_helpers_$(1)) $(patsubst %,$(LIB)/lib%.a,$(or $(fuzz_uses_$(1)),$(uses_$(1))))
	$$(CC) $$(subst fuzzer-no-link,fuzzer,$$(ALL_LDFLAGS)) -o $$@ $$^ $$(LIBS) $(fuzz_libs_$(1))
.PHONY: replay-$(1) fuzz-$(1)
replay-$(1): $(BUILD)/tests/fuzz/$(1)_replay
	@output=$$$$($$< tests/fuzz/corpus/$(1) 2>&1) || { echo "$(1)_fuzz: $$$$output"; exit 1; }; echo "$(1)_fuzz: $$$$output"
fuzz-$(1): $(BUILD)/tests/fuzz/$(1)_fuzz
	@tests/fuzz/run $$< '$(FUZZ_SECONDS)' '$(FUZZ_RUNS)'
endef
$(foreach f,$(FUZZERS),$(eval $(call fuzzer,$(f))))

corpora: $(FUZZERS:%=replay-%) ## replay the fuzzers' corpora

.PHONY: fuzz fuzzers
fuzzers: $(FUZZERS:%=fuzz-%)
fuzz: ## run every fuzz target for FUZZ_SECONDS (60) each; FUZZ_RUNS=N: the same N inputs every time
	@.ci/setup fuzz
	@$(MAKE) --no-print-directory CC=clang BUILD=$(FUZZ_BUILD) SANITIZE=fuzzer-no-link,address,undefined fuzzers

programs: all libraries $(BUILD)/scenarios $(BUILD)/simulate $(foreach r,$(ROOMS),$($(r)_tests)) $(thesis_tests) $(crash_tests) $(linear_tests) $(BUILD)/linear $(BUILD)/load $(FUZZERS:%=$(BUILD)/tests/fuzz/%_replay) $(PRELOADS) $(TEST_MACHINES) ## build raftd and all test programs, run nothing

# -- House keeping ----------------------------------------------------------------------------------------------------------
.PHONY: certs
CERTS ?= certs
certs: ## make certificates for trying TLS, in CERTS (certs): an authority and three nodes of this machine
	@.ci/setup certs
	server/certs.sh $(CERTS)

.PHONY: install uninstall deb clean format check-format help
BIN_DIR := $(DESTDIR)$(PREFIX)/bin
INCLUDE_DIR := $(DESTDIR)$(PREFIX)/include/raftd
DOC_DIR := $(DESTDIR)$(PREFIX)/share/doc/raftd
MAN_DIR := $(DESTDIR)$(PREFIX)/share/man
COMPLETION_DIR := $(DESTDIR)$(PREFIX)/share/bash-completion/completions
UNIT_DIR := $(DESTDIR)$(PREFIX)/lib/systemd/system

# The time of what is made from the tree: of its last commit, or of the version's file where there is no git.
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || stat -c %Y VERSION)

$(BUILD)/raftd.8: server/package/raftd.8.in server/package/man.sh $(BUILD)/raftd
	server/package/man.sh $< $(BUILD)/raftd $(VERSION) "$$(date -u -d @$(SOURCE_DATE_EPOCH) +%F)" >$@.new
	mv $@.new $@

$(BUILD)/raftctl.1: server/package/raftctl.1.in server/package/man.sh $(BUILD)/raftctl
	server/package/man.sh $< $(BUILD)/raftctl $(VERSION) "$$(date -u -d @$(SOURCE_DATE_EPOCH) +%F)" >$@.new
	mv $@.new $@

include server/package/libraries.mk

install: all $(BUILD)/raftd.8 $(BUILD)/raftctl.1 install-libraries ## install raftd, raftctl, libraries and headers, manual, unit and documents below DESTDIR and PREFIX (/usr/local)
	install -d $(BIN_DIR) $(INCLUDE_DIR) $(DOC_DIR) $(MAN_DIR)/man8 $(MAN_DIR)/man1 $(COMPLETION_DIR) $(UNIT_DIR)
	install -m 755 $(BUILD)/raftd $(BIN_DIR)/raftd
	install -m 755 $(BUILD)/raftctl $(BIN_DIR)/raftctl
	install -m 644 server/machine/machine.h $(INCLUDE_DIR)/machine.h
	install -m 644 LICENSE $(wildcard README.md CHANGELOG.md api/openapi.json) $(DOC_DIR)
	install -d $(DOC_DIR)/prometheus
	install -m 644 $(wildcard api/prometheus/*) $(DOC_DIR)/prometheus
	install -m 644 $(BUILD)/raftd.8 $(MAN_DIR)/man8/raftd.8
	install -m 644 $(BUILD)/raftctl.1 $(MAN_DIR)/man1/raftctl.1
	install -m 644 server/package/raftd.bash $(COMPLETION_DIR)/raftd
	install -m 644 server/package/raftctl.bash $(COMPLETION_DIR)/raftctl
	sed 's|/usr/|$(PREFIX)/|' server/package/raftd.service >$(BUILD)/raftd.service
	install -m 644 $(BUILD)/raftd.service $(UNIT_DIR)/raftd.service

uninstall: uninstall-libraries ## remove what install put there
	rm -f $(BIN_DIR)/raftd $(MAN_DIR)/man8/raftd.8 $(COMPLETION_DIR)/raftd $(UNIT_DIR)/raftd.service
	rm -f $(BIN_DIR)/raftctl $(MAN_DIR)/man1/raftctl.1 $(COMPLETION_DIR)/raftctl
	rm -rf $(INCLUDE_DIR) $(DOC_DIR)

# In a folder of its own, so that what else the tree was built with (BUILD, CFLAGS, SANITIZE) makes no difference to it.
deb: ## make a Debian package, build/raftd_VERSION_ARCHITECTURE.deb
	@.ci/setup deb
	rm -rf build/deb/root
	$(MAKE) --no-print-directory BUILD=build/deb SANITIZE= DESTDIR=$(CURDIR)/build/deb/root PREFIX=/usr install >/dev/null
	@SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) server/package/deb.sh $(CURDIR)/build/deb/root $(VERSION) build

clean: ## remove everything that was built
	rm -rf build

C_FILES = $(shell git ls-files '*.c' '*.h')
CLANG_FORMAT := $(or $(shell command -v clang-format-14),clang-format)
format: ## lay out all C files by .clang-format
	$(CLANG_FORMAT) -i $(C_FILES)

check-format: ## fail when a C file is laid out otherwise
	$(CLANG_FORMAT) --dry-run -Werror $(C_FILES)

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | sort | awk -F '\t' '{ printf "  make %-14s %s\n", $$1, $$2 }'
	@echo
	@echo '  CC=clang  SANITIZE=address,undefined|thread  WERROR=1  BUILD=folder  PREFIX= DESTDIR=  FUZZ_SECONDS=60'
