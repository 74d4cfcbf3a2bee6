# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
# What is built and run for tests: see tests/run for the layers of `make check`.

LAYERS ?= unit sanitizers bpf module command suites fuzz machines lab
RUNS ?=

comma := ,

# One program for each test_*.c or bench_*.c; the other files of its folder are linked into it.
UNIT_SHARED := $(filter-out tests/unit/test_%.c,$(wildcard tests/unit/*.c))
BPF_SHARED := $(filter-out tests/bpf/test_%.c tests/bpf/bench_%.c,$(wildcard tests/bpf/*.c))
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c))
BPF_TESTS := $(patsubst tests/bpf/%.c,$(BUILD)/tests/%,$(wildcard tests/bpf/test_*.c))
BENCHES := $(patsubst tests/bpf/%.c,$(BUILD)/tests/%,$(wildcard tests/bpf/bench_*.c))

$(BUILD)/tests/%.o: ALL_CFLAGS += $(COMMAND_CFLAGS)

LINK_TEST = $(Q)mkdir -p $(@D); $(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o %.a,$^) $(COMMAND_LIBS) $(TEST_LIBS) -lcmocka

# libbpf makes the programs that are not ours, or of other versions of ours.
LIBBPF_LIBS := $(shell $(PKG_CONFIG) --libs 'libbpf >= 1.0' 2>/dev/null || echo -lbpf)
$(BUILD)/tests/bpfdev.skel.h: $(BPF_OBJECT)
	@mkdir -p $(@D)
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name bpfdev_bpf > $@.new
	@mv $@.new $@

$(BUILD)/tests/bpf/%.o: ALL_CFLAGS += $(LIBBPF_CFLAGS)
$(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/bpf/*.c)): $(BUILD)/tests/bpfdev.skel.h

$(UNIT_TESTS): $(BUILD)/tests/%: $(BUILD)/tests/unit/%.o $(UNIT_SHARED:%.c=$(BUILD)/%.o) \
		$(COMMAND_PARTS) $(CORE)
	$(LINK_TEST)

# It makes allocations and opens fail.
$(BUILD)/tests/test_oom: ALL_LDFLAGS += $(addprefix -Wl$(comma)--wrap=,malloc calloc realloc \
	reallocarray strdup strndup open openat fopen open64 openat64 fopen64 __open64_2 __openat64_2 opendir fdopendir)

# They count these.
$(BUILD)/tests/test_growth: ALL_LDFLAGS += $(addprefix -Wl$(comma)--wrap=,strcmp fnmatch fopen fopen64 opendir getgrnam_r)
$(BUILD)/tests/test_growth_check: ALL_LDFLAGS += $(addprefix -Wl$(comma)--wrap=,strcmp fnmatch fopen \
	fopen64 opendir warnings_implies warnings_implies_in_session warnings_cover policy_rank_by_id)

# It has accounts of its own.
$(BUILD)/tests/test_directory: ALL_LDFLAGS += $(addprefix -Wl$(comma)--wrap=,fopen fopen64)

# It answers in the place of the clock; where time_t has been made longer, that has another name.
$(BUILD)/tests/test_trail: ALL_LDFLAGS += $(addprefix -Wl$(comma)--wrap=,clock_gettime __clock_gettime64)

# It answers in the place of the programs that tell of denials.
$(BUILD)/tests/test_doctor_denials: ALL_LDFLAGS += $(addprefix -Wl$(comma)--wrap=,access doctor_run)

# It answers in the place of the kernel and the clock.
$(BUILD)/tests/test_monitor_watch: ALL_LDFLAGS += $(addprefix -Wl$(comma)--wrap=,filter_newest filter_moved \
	monitor_clock)

$(BPF_TESTS) $(BENCHES): $(BUILD)/tests/%: $(BUILD)/tests/bpf/%.o \
		$(BPF_SHARED:%.c=$(BUILD)/%.o) $(COMMAND_PARTS) $(CORE)
	$(LINK_TEST)
$(BPF_TESTS) $(BENCHES): TEST_LIBS = $(LIBBPF_LIBS)

# They answer in the kernel's place.
$(BUILD)/tests/test_filter_undo: ALL_LDFLAGS += -Wl,--wrap=call_query
$(BUILD)/tests/test_denials_read: ALL_LDFLAGS += -Wl,--wrap=call_lookup_batch

.SECONDARY:
.PHONY: tests unit-tests bpf-tests
unit-tests: $(UNIT_TESTS)
bpf-tests: $(BPF_TESTS)
tests: unit-tests bpf-tests $(BENCHES)

.PHONY: check demo lab bench lint fuzz packages-check
check: packages-check
	@tests/run $(LAYERS); status=$$?; chown -R --reference=Makefile build; exit $$status

packages-check:
	tests/setup/packages check

# Under sudo, what is built goes to whoever the checkout is.
GIVE_BACK = @chown -R --reference=Makefile build

demo:
	tests/setup/packages demo
	@$(MAKE) --no-print-directory -j$$(nproc) all
	$(GIVE_BACK)
	@$(PYTHON) tests/lab/demo

lab:
	tests/setup/packages $(if $(MACHINE),check,demo)
	@$(MAKE) --no-print-directory -j$$(nproc) all
	$(GIVE_BACK)
	@$(PYTHON) $(if $(MACHINE),tests/machines/boot,tests/lab/lab shell) $(if $(SUITE),--suite $(SUITE))

# PEERS=no: without real peers; RECORD=yes: kept in the tree; BENCH="login growth": some.
bench: packages-check all $(BENCHES)
	@$(PYTHON) tests/benchmarks/run $(if $(filter no,$(PEERS)),--no-peers) $(if $(filter yes,$(RECORD)),--record) $(BENCH)
	$(GIVE_BACK)

lint: packages-check
	tests/lint

fuzz:
	$(MAKE) BUILD=build/fuzz CC=$(CLANG) SANITIZE=fuzzer-no-link,address,undefined \
		build/fuzz/tests/fuzz_conf build/fuzz/tests/fuzz_ask
	mkdir -p build/fuzz/corpus build/fuzz/questions
	build/fuzz/tests/fuzz_ask -runs=$(or $(RUNS),1000000) build/fuzz/questions tests/fuzz/questions
	build/fuzz/tests/fuzz_conf -dict=tests/fuzz/conf.dict $(if $(RUNS),-runs=$(RUNS)) \
		build/fuzz/corpus tests/fuzz/corpus

FUZZERS = $(BUILD)/tests/fuzz_conf $(BUILD)/tests/fuzz_ask
$(FUZZERS): $(BUILD)/tests/%: $(BUILD)/tests/fuzz/%.o $(COMMAND_PARTS) $(CORE)
	@mkdir -p $(@D)
	$(CC) -fsanitize=fuzzer,address,undefined -o $@ $(filter %.o %.a,$^) $(COMMAND_LIBS)
