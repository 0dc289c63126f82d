# Moirai's one Makefile. `make help` says what there is.

MAKEFLAGS += --no-builtin-rules
ifeq ($(filter -j%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc)
endif
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:

CC := gcc
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes
CFLAGS := -std=c11 $(WARN) -O2 -g -MMD -MP
# Shell, not make, expands this: gcc may only have been installed by `deps`.
FREESTANDING := -ffreestanding -nostdinc -isystem "$$($(CC) -print-file-name=include)"
SAN := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
SIM_LIBS := -lxlutil -lhwloc -lm
CLI_LIBS := -lxlutil -lhwloc -lxencall -lxenctrl -lxenforeignmemory -lxenstore \
	-l:libpfm.a -l:libnuma.a -lm
export CC WARN XEN_FLAGS GUEST_FLAGS
# make V=1 shows the commands.
ifndef V
.SILENT:
endif

SCHED_C := $(sort $(wildcard sched/*.c))
NUMA := $(sort $(wildcard numa/*.c))
PSR := $(sort $(wildcard psr/*.c))
XEN_NUMA := numa/place.c numa/rebalance.c
# Folders that know nothing of the hypervisor and of the C library.
FREE := sched numa psr
# With psr/'s rules for its model of a cache.
SIM := $(sort $(filter-out tools/sim/main.c,$(wildcard tools/sim/*.c))) \
	psr/rules.c psr/classes.c psr/caps.c
# The command line: what it does with hypercalls, and the rest, which the unit tests share.
CLI_HOST := $(addprefix tools/cli/,main.c host.c sched.c sched_params.c arinc653.c top.c trace.c \
	trace_record.c rebalance.c place.c topology.c hardware_xen.c balloond.c balloon_host.c \
	perf.c perf_events.c node_speed.c speed_host.c speed_measure.c)
CLI := $(sort $(filter-out $(CLI_HOST),$(wildcard tools/cli/*.c)))
CLI_SHARED := $(addprefix tools/sim/,arena.c emit.c gnuplot.c ideal.c message.c network.c output.c \
	paragraph.c random.c topology.c units.c xlcfg.c) $(SCHED_C)
# The simulation of the balloon policy, whose rules the command line reads too.
BALLOON := $(sort $(filter-out tools/balloon/main.c,$(wildcard tools/balloon/*.c)))
CLI_SHARED += tools/balloon/rules.c $(NUMA)
HARNESS := $(wildcard tests/unit/harness.c)
UNIT := $(patsubst tests/unit/%.c,%,$(sort $(wildcard tests/unit/test_*.c)))
PROPERTY := $(sort $(wildcard tests/property/*.c))
BENCH := $(sort $(wildcard tests/bench/*.c))
ALL_C := $(SCHED_C) $(NUMA) $(PSR) $(SIM) tools/sim/main.c $(BALLOON) tools/balloon/main.c tools/agent/main.c $(CLI_HOST) $(CLI) $(HARNESS) $(UNIT:%=tests/unit/%.c) $(PROPERTY) $(BENCH)

obj = $(patsubst %.c,build/%.o,$(1))
san = $(patsubst %.c,build/san/%.o,$(1))

.PHONY: all deps check check-gates check-unit check-scenarios check-property check-san \
	check-mutation check-qemu check-guest check-fuzz test-programs bench-sched demo \
	first-simulation qemu-dom0 format format-tools clean help

all: build/moirai-sim build/moirai-balloon-sim build/moirai build/moirai-agent build/moirai.elf

help:
	echo "make               build/moirai.elf, the hypervisor; build/moirai, the command line in dom0;"
	echo "                   build/moirai-sim, the simulator; build/moirai-balloon-sim, that of balloond's policy;"
	echo "                   build/moirai-agent, which reports a guest's memory"
	echo "make demo          two domains in QEMU, live: the shares that they get and should get, with plots"
	echo "                   in build/demo; SCHED=bvt or another scheduler, credit without"
	echo "make first-simulation"
	echo "                   the README's, with plots in build/pinned-weights"
	echo "make DEBUG=        the same; the hypervisor without its own checks"
	echo "make qemu-dom0     Debian's kernel as dom0 on the hypervisor, a shell on this terminal"
	echo "make check         all tests; a part alone: check-gates check-unit"
	echo "                   check-scenarios check-property check-san check-mutation check-guest"
	echo "                   check-qemu check-fuzz"
	echo "make bench-sched   cost of each scheduling operation, for every policy"
	echo "make deps          install the packages that are missing (part of all of the above)"
	echo "make format        clang-format all C files"
	echo "make clean         remove build/"

# ---- packages ------------------------------------------------------------------

PACKAGES := gcc libc6-dev libxen-dev libhwloc-dev libpfm4-dev libnuma-dev libcmocka-dev \
	gnuplot-nox valgrind jq liblzma-dev liblz4-dev libzstd-dev zlib1g-dev
# What only a part needs: build/.deps-PART.
PACKAGES_boot := qemu-system-x86 kmod cpio binutils
PACKAGES_images := grub-common grub-pc-bin grub-efi-amd64-bin xorriso mtools ovmf e2fsprogs
PACKAGES_fuzz := clang libclang-rt-14-dev
# $(call install,PACKAGES): what is missing of them, by name; one at a time.
install = exec 9>build/.installing && flock 9; missing=; for p in $(1); do \
	dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; \
	done; \
	[ -z "$$missing" ] || { \
	as_root=; [ "$$(id -u)" = 0 ] || as_root=sudo; \
	echo "installing:$$missing"; \
	$$as_root apt-get -q update && \
	$$as_root env DEBIAN_FRONTEND=noninteractive \
	apt-get -q install -y --no-install-recommends $$missing; }

deps: build/.deps
build/.deps: Makefile
	mkdir -p build
	$(call install,$(PACKAGES))
	touch $@
build/.deps-%: Makefile
	mkdir -p build
	$(call install,$(PACKAGES_$*))
	touch $@

# ---- objects -------------------------------------------------------------------
# build/sched/, build/numa/ and build/psr/ hold the freestanding objects that the simulator and all
# tests share; the hypervisor has them compiled with its own flags, in build/xen/.

define freestanding
build/$(1)/%.o: $(1)/%.c Makefile | build/.deps
	mkdir -p $$(@D)
	echo "cc    $$@"
	$$(CC) $$(CFLAGS) $$(FREESTANDING) -c -o $$@ $$<

build/san/$(1)/%.o: $(1)/%.c Makefile | build/.deps
	mkdir -p $$(@D)
	echo "cc    $$@"
	$$(CC) $$(CFLAGS) $$(SAN) $$(FREESTANDING) -c -o $$@ $$<

build/xen/$(1)/%.o: $(1)/%.c Makefile build/xen/flags | build/.deps
	mkdir -p $$(@D)
	echo "cc    $$@"
	$$(CC) $$(XEN_FLAGS) -MMD -MP -c -o $$@ $$<

build/$(1).o: $$(call obj,$$(wildcard $(1)/*.c))
	ld -r -o $$@ $$^
endef
$(foreach folder,$(FREE),$(eval $(call freestanding,$(folder))))

build/%.o: %.c Makefile | build/.deps
	mkdir -p $(@D)
	echo "cc    $@"
	$(CC) $(CFLAGS) -c -o $@ $<

build/san/%.o: %.c Makefile | build/.deps
	mkdir -p $(@D)
	echo "cc    $@"
	$(CC) $(CFLAGS) $(SAN) -c -o $@ $<

-include $(patsubst %.o,%.d,$(call obj,$(ALL_C)) $(call san,$(ALL_C)))

# ---- programs ------------------------------------------------------------------

build/moirai-agent: build/tools/agent/main.o
	echo "link  $@"
	$(CC) -static -o $@ $^ -lxenstore -lxentoolcore

build/moirai-balloon-sim: $(call obj,tools/balloon/main.c $(BALLOON) $(filter numa/balloon_%,$(NUMA)) $(SIM) \
		$(SCHED_C))
	echo "link  $@"
	$(CC) -o $@ $^ $(SIM_LIBS)

build/moirai-sim: $(call obj,tools/sim/main.c $(SIM) $(SCHED_C))
	echo "link  $@"
	$(CC) -o $@ $^ $(SIM_LIBS)

# libxenctrl's headers want GNU C.
build/tools/cli/trace_record.o build/tools/cli/balloon_host.o build/tools/cli/hardware_xen.o: CFLAGS += -std=gnu11

build/moirai: $(call obj,$(CLI_HOST) $(CLI) $(CLI_SHARED))
	echo "link  $@"
	$(CC) -o $@ $^ $(CLI_LIBS)

build/property: $(call obj,$(PROPERTY) $(HARNESS) $(SIM) $(SCHED_C))
	echo "link  $@"
	$(CC) -o $@ $^ -lcmocka $(SIM_LIBS)

build/bench/bench: $(call obj,$(BENCH) $(SIM) $(SCHED_C))
	mkdir -p $(@D)
	echo "link  $@"
	$(CC) -o $@ $^ $(SIM_LIBS)

build/unit/%: build/tests/unit/%.o $(call obj,$(HARNESS) $(SIM) $(CLI) $(BALLOON) $(SCHED_C) $(NUMA) $(PSR))
	mkdir -p $(@D)
	echo "link  $@"
	$(CC) -o $@ $^ -lcmocka $(SIM_LIBS)

build/san/property: $(call san,$(PROPERTY) $(HARNESS) $(SIM) $(SCHED_C))
	echo "link  $@"
	$(CC) $(SAN) -o $@ $^ -lcmocka $(SIM_LIBS)

build/san/unit/%: build/san/tests/unit/%.o $(call san,$(HARNESS) $(SIM) $(CLI) $(BALLOON) $(SCHED_C) $(NUMA) $(PSR))
	mkdir -p $(@D)
	echo "link  $@"
	$(CC) $(SAN) -o $@ $^ -lcmocka $(SIM_LIBS)

# ---- the hypervisor ------------------------------------------------------------
# build/xen/ holds its objects, those of the freestanding folders among them, compiled for it.

# A debug build has its checks, backtraces with frame pointers, and objects that are linked fast; the
# other one is optimised across files.
DEBUG := 1
XEN_FLAGS := $(FREESTANDING) -idirafter build/include -D__XEN_TOOLS__ $(if $(DEBUG),-DDEBUG) -I xen \
	-std=gnu11 $(WARN) -O2 -g -mcmodel=kernel -mno-red-zone -mgeneral-regs-only -fno-pic \
	-fno-pie -fno-stack-protector -fno-asynchronous-unwind-tables -fno-strict-aliasing \
	$(if $(DEBUG),-fno-omit-frame-pointer,-flto -flto-partition=one -fomit-frame-pointer)
XEN := $(sort $(wildcard xen/*.c xen/x86/*.c xen/x86/*.S))
XEN_OBJ := $(patsubst %,build/%.o,$(basename $(XEN))) $(patsubst %.c,build/xen/%.o,$(SCHED_C) $(XEN_NUMA) $(PSR))
# Decompressors for dom0's kernel; the one file that calls them sees the C library's headers.
XEN_LIBS := -llzma -llz4 -lzstd -lz
build/xen/x86/image.o: C_LIBRARY := -idirafter /usr/include/x86_64-linux-gnu -idirafter /usr/include
# The compiler calls these by itself, and so late that link-time optimisation has dropped them.
build/xen/lib.o: C_LIBRARY := -fno-lto
XEN_LINK = $(CC) $(if $(DEBUG),,$(XEN_FLAGS)) -nostdlib -static -no-pie -T xen/moirai.lds \
	-Wl,-z,noexecstack,-z,max-page-size=4096,--build-id=none

# Rewritten when what they hold changes: DEBUG changes the flags, a new or deleted file the objects.
.PHONY: FORCE
build/xen/flags: HOLDS = $(XEN_FLAGS)
build/xen/objects: HOLDS = $(XEN_OBJ)
build/xen/flags build/xen/objects: FORCE
	mkdir -p $(@D)
	echo '$(HOLDS)' | cmp -s - $@ || echo '$(HOLDS)' > $@

# Xen's public headers without the rest of /usr/include.
build/include/xen: | build/.deps
	mkdir -p $(@D)
	ln -sfn /usr/include/xen $@

build/xen/%.o: xen/%.c Makefile build/xen/flags | build/include/xen
	mkdir -p $(@D)
	echo "cc    $@"
	$(CC) $(XEN_FLAGS) -MMD -MP $(C_LIBRARY) -c -o $@ $<

build/xen/%.o: xen/%.S Makefile build/xen/flags | build/.deps
	mkdir -p $(@D)
	echo "cc    $@"
	$(CC) -MMD -MP -g -c -o $@ $<

-include $(XEN_OBJ:.o=.d)

# Linked twice: the symbol table for backtraces is made of the first result.
build/xen/symbols0.S: xen/x86/symbols.awk
	mkdir -p $(@D)
	awk -f $< /dev/null > $@
build/xen/symbols.S: build/xen/unnamed.elf xen/x86/symbols.awk
	nm -n $< | awk -f xen/x86/symbols.awk > $@
build/xen/%.o: build/xen/%.S
	$(CC) -c -o $@ $<
build/xen/unnamed.elf: $(XEN_OBJ) build/xen/symbols0.o xen/moirai.lds build/xen/objects
	$(XEN_LINK) -o $@ $(filter %.o,$^) $(XEN_LIBS)
build/moirai.elf64: $(XEN_OBJ) build/xen/symbols.o xen/moirai.lds build/xen/objects
	echo "link  $@"
	$(XEN_LINK) -o $@ $(filter %.o,$^) $(XEN_LIBS)

# QEMU's multiboot loader refuses 64-bit files; the addresses that it loads at are physical.
build/moirai.elf: build/moirai.elf64
	objcopy --strip-all -O elf32-i386 $< $@

# What sleeps in a domU: experiments/wake-latency-qemu.
build/sleeper: experiments/wake-latency-qemu/sleeper.c | build/.deps
	$(CC) -std=gnu11 $(WARN) -O2 -static -o $@ $<

# What uses memory by plan in a domU: tests/qemu/scripts/balloon.
build/hungry: tests/qemu/hungry.c | build/.deps
	$(CC) -std=gnu11 $(WARN) -O2 -static -o $@ $<

# ---- microguests ---------------------------------------------------------------
# tests/guest/NAME/ with tests/guest/lib/ is build/guest/NAME.elf, which tests/guest/run boots.

GUEST_FLAGS := $(FREESTANDING) -idirafter build/include -D__XEN_TOOLS__ -std=gnu11 $(WARN) -O2 -g \
	-mcmodel=small -mno-red-zone -mgeneral-regs-only -fno-pic -fno-pie \
	-fno-stack-protector -fno-asynchronous-unwind-tables -fno-strict-aliasing
GUESTS := $(sort $(patsubst tests/guest/%/main.c,%,$(wildcard tests/guest/*/main.c)))
GUEST_LIB := $(sort $(wildcard tests/guest/lib/*.[cS] tests/guest/lib/builder/*.c)) xen/lib.c xen/elf.c
GUEST_C := $(sort $(wildcard $(GUESTS:%=tests/guest/%/*.c)))
guest_obj = $(patsubst %,build/guest/%.o,$(basename $(1)))

build/guest/%.o: %.c Makefile | build/include/xen
	mkdir -p $(@D)
	echo "cc    $@"
	$(CC) $(GUEST_FLAGS) -MMD -MP -c -o $@ $<

build/guest/%.o: %.S Makefile | build/.deps
	mkdir -p $(@D)
	echo "cc    $@"
	$(CC) -MMD -MP -g -c -o $@ $<

-include $(patsubst %.o,%.d,$(call guest_obj,$(GUEST_LIB) $(GUEST_C)))

# Its own objects; the rule below has the library's.
define guest_objects
build/guest/$(1).elf: $(call guest_obj,$(filter tests/guest/$(1)/%,$(GUEST_C)))
endef
$(foreach g,$(GUESTS),$(eval $(call guest_objects,$(g))))

$(GUESTS:%=build/guest/%.elf): $(call guest_obj,$(GUEST_LIB)) tests/guest/lib/guest.lds
	echo "link  $@"
	$(CC) -nostdlib -static -no-pie -T tests/guest/lib/guest.lds \
		-Wl,-z,noexecstack,-z,max-page-size=4096,--no-warn-rwx-segments,--build-id=none -o $@ \
		$(filter %.o,$^)

# The hypervisor as it is used: costs are measured without its own checks.
build/guest/release/build/moirai.elf: FORCE
	mkdir -p $(@D)
	ln -sfn $(patsubst %,../../../%,Makefile $(FREE) xen) build/guest/release/
	MAKEFLAGS= $(MAKE) -s -C build/guest/release DEBUG= build/moirai.elf

.PHONY: guests
guests: build/moirai.elf build/guest/release/build/moirai.elf $(GUESTS:%=build/guest/%.elf)

# ---- the fuzzer ----------------------------------------------------------------
# The hypervisor's generic files for libFuzzer, with tests/fuzz/seams.h before each. Those in
# tests/fuzz/with_*.c and those that only a machine needs are not among them.

FUZZ_FLAGS := -std=gnu11 $(WARN) -Wno-shadow -Wno-missing-prototypes \
	-Wno-missing-field-initializers -O1 -g -MMD -MP -fno-omit-frame-pointer \
	-fno-strict-aliasing -D__XEN_TOOLS__ -DDEBUG -I xen -idirafter build/include -include tests/fuzz/seams.h
# A guest's addresses are pointers in Xen's structures, and structures lie where the guest says.
FUZZ_SAN := -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-sanitize=alignment,pointer-overflow
FUZZ_WITH := $(sort $(wildcard tests/fuzz/with_*.c))
FUZZ_OWN := $(filter-out $(FUZZ_WITH),$(sort $(wildcard tests/fuzz/*.c)))
FUZZ_XEN := $(filter-out $(patsubst tests/fuzz/with_%.c,xen/%.c,$(FUZZ_WITH)) \
	$(addprefix xen/,main.c memory.c printk.c lib.c elf.c cmdline.c) $(wildcard xen/dom0*.c), \
	$(sort $(wildcard xen/*.c))) \
	$(addprefix xen/x86/,vlapic.c vlapic_send.c vlapic_timer.c vioapic.c msr.c mtrr.c psr_msr.c)
FUZZ_C := $(FUZZ_XEN) $(SCHED_C) $(XEN_NUMA) $(PSR) $(FUZZ_WITH) $(FUZZ_OWN)
FUZZ_OBJ := $(FUZZ_C:%.c=build/fuzz/%.o)
$(patsubst %.c,build/fuzz/%.o,$(FUZZ_WITH) $(FUZZ_XEN) $(SCHED_C) $(XEN_NUMA) $(PSR)): \
	FUZZ_COVER := -fsanitize=fuzzer-no-link

build/fuzz/%.o: %.c Makefile | build/.deps build/.deps-fuzz build/include/xen
	mkdir -p $(@D)
	echo "clang $@"
	clang $(FUZZ_FLAGS) $(FUZZ_SAN) $(FUZZ_COVER) -c -o $@ $<

build/fuzz/hypercalls: $(FUZZ_OBJ)
	echo "link  $@"
	clang $(FUZZ_SAN) -fsanitize=fuzzer -o $@ $^

-include $(FUZZ_OBJ:.o=.d)

# ---- tests ---------------------------------------------------------------------
# tests/check runs the stages named, in that order, counts, and prints the verdict.

STAGE_unit := $(UNIT:%=build/unit/%)
STAGE_scenarios := build/moirai-sim
STAGE_property := build/property
STAGE_san := $(UNIT:%=build/san/unit/%) build/san/property
STAGE_qemu := build/moirai.elf build/moirai build/moirai-agent build/hungry build/moirai-sim build/sleeper build/.deps-boot build/.deps-images
STAGE_guest := guests build/.deps-boot
STAGE_fuzz := build/fuzz/hypercalls
STAGE_mutation := build/moirai-sim $(STAGE_unit) build/property

test-programs: $(FREE:%=build/%.o) $(STAGE_unit) $(STAGE_san) $(STAGE_mutation)

check: test-programs $(STAGE_qemu) $(STAGE_guest) $(STAGE_fuzz)
	tests/check gates unit scenarios property san mutation guest qemu fuzz
check-gates: $(FREE:%=build/%.o) build/include/xen
check-unit: $(STAGE_unit)
check-scenarios: $(STAGE_scenarios)
check-property: $(STAGE_property)
check-san: $(STAGE_san)
check-mutation: $(STAGE_mutation)
check-qemu: $(STAGE_qemu)
check-guest: $(STAGE_guest)
check-fuzz: $(STAGE_fuzz)
check-gates check-unit check-scenarios check-property check-san check-mutation check-qemu \
		check-guest check-fuzz:
	tests/check $(@:check-%=%)

bench-sched: build/bench/bench
	tests/bench/run

# ---- the rest ------------------------------------------------------------------

# Its serial line is this terminal's: Ctrl-a x ends QEMU.
qemu-dom0: build/moirai.elf build/moirai build/.deps-boot
	tests/qemu/boot dom0

# SCHED=POLICY, any that experiments/shares/phases has.
demo: build/moirai.elf build/moirai build/moirai-sim build/.deps-boot
	experiments/shares/run $(SCHED)

first-simulation: build/moirai-sim
	experiments/pinned-weights/run

format-tools:
	mkdir -p build
	$(call install,clang-format)
format: format-tools
	clang-format -i $(sort $(ALL_C) $(wildcard sched/*.h tools/*/*.h tests/*/*.h xen/*.[ch] xen/x86/*.[ch]))

clean:
	rm -rf build
