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
export CC WARN
# make V=1 shows the commands.
ifndef V
.SILENT:
endif

SCHED := $(sort $(wildcard sched/*.c))
SIM := $(sort $(filter-out tools/sim/main.c,$(wildcard tools/sim/*.c)))
HARNESS := $(wildcard tests/unit/harness.c)
UNIT := $(patsubst tests/unit/%.c,%,$(sort $(wildcard tests/unit/test_*.c)))
PROPERTY := $(sort $(wildcard tests/property/*.c))
BENCH := $(sort $(wildcard tests/bench/*.c))
ALL_C := $(SCHED) $(SIM) tools/sim/main.c $(HARNESS) $(UNIT:%=tests/unit/%.c) $(PROPERTY) $(BENCH)

obj = $(patsubst %.c,build/%.o,$(1))
san = $(patsubst %.c,build/san/%.o,$(1))

.PHONY: all deps check check-gates check-unit check-scenarios check-property check-san \
	check-mutation test-programs bench-sched demo format format-tools clean help

all: build/moirai-sim build/moirai.elf

help:
	echo "make               build/moirai.elf, the hypervisor, and build/moirai-sim, the simulator"
	echo "make demo          the README's first simulation, with plots in build/demo"
	echo "make DEBUG=        the same; the hypervisor without its own checks"
	echo "make check         all tests; a part alone: check-gates check-unit check-scenarios"
	echo "                   check-property check-san check-mutation"
	echo "make bench-sched   cost of each scheduling operation, for every policy"
	echo "make deps          install the packages that are missing (part of all of the above)"
	echo "make format        clang-format all C files"
	echo "make clean         remove build/"

# ---- packages ------------------------------------------------------------------

PACKAGES := gcc libc6-dev libxen-dev libhwloc-dev libcmocka-dev gnuplot-nox valgrind jq \
	liblzma-dev liblz4-dev libzstd-dev zlib1g-dev
# $(call install,PACKAGES): what is missing of them, by name.
install = missing=; for p in $(1); do \
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

# ---- objects -------------------------------------------------------------------
# build/sched/ holds the freestanding objects that the simulator and all tests share.

build/sched/%.o: sched/%.c Makefile | build/.deps
	mkdir -p $(@D)
	echo "cc    $@"
	$(CC) $(CFLAGS) $(FREESTANDING) -c -o $@ $<

build/%.o: %.c Makefile | build/.deps
	mkdir -p $(@D)
	echo "cc    $@"
	$(CC) $(CFLAGS) -c -o $@ $<

build/san/sched/%.o: sched/%.c Makefile | build/.deps
	mkdir -p $(@D)
	echo "cc    $@"
	$(CC) $(CFLAGS) $(SAN) $(FREESTANDING) -c -o $@ $<

build/san/%.o: %.c Makefile | build/.deps
	mkdir -p $(@D)
	echo "cc    $@"
	$(CC) $(CFLAGS) $(SAN) -c -o $@ $<

-include $(patsubst %.o,%.d,$(call obj,$(ALL_C)) $(call san,$(ALL_C)))

# ---- programs ------------------------------------------------------------------

build/moirai-sim: $(call obj,tools/sim/main.c $(SIM) $(SCHED))
	echo "link  $@"
	$(CC) -o $@ $^ $(SIM_LIBS)

build/property: $(call obj,$(PROPERTY) $(HARNESS) $(SIM) $(SCHED))
	echo "link  $@"
	$(CC) -o $@ $^ -lcmocka $(SIM_LIBS)

build/bench/bench: $(call obj,$(BENCH) $(SIM) $(SCHED))
	mkdir -p $(@D)
	echo "link  $@"
	$(CC) -o $@ $^ $(SIM_LIBS)

build/unit/%: build/tests/unit/%.o $(call obj,$(HARNESS) $(SIM) $(SCHED))
	mkdir -p $(@D)
	echo "link  $@"
	$(CC) -o $@ $^ -lcmocka $(SIM_LIBS)

build/san/property: $(call san,$(PROPERTY) $(HARNESS) $(SIM) $(SCHED))
	echo "link  $@"
	$(CC) $(SAN) -o $@ $^ -lcmocka $(SIM_LIBS)

build/san/unit/%: build/san/tests/unit/%.o $(call san,$(HARNESS) $(SIM) $(SCHED))
	mkdir -p $(@D)
	echo "link  $@"
	$(CC) $(SAN) -o $@ $^ -lcmocka $(SIM_LIBS)

build/sched.o: $(call obj,$(SCHED))
	ld -r -o $@ $^

# ---- the hypervisor ------------------------------------------------------------
# build/xen/ holds its objects, those of sched/ among them, compiled for it.

DEBUG := 1
XEN_FLAGS := $(FREESTANDING) -idirafter build/include -D__XEN_TOOLS__ $(if $(DEBUG),-DDEBUG) -I xen \
	-std=gnu11 $(WARN) -O2 -g -MMD -MP -mcmodel=kernel -mno-red-zone -mgeneral-regs-only -fno-pic \
	-fno-pie -fno-stack-protector -fno-asynchronous-unwind-tables -fno-omit-frame-pointer \
	-fno-strict-aliasing
XEN := $(sort $(wildcard xen/*.c xen/x86/*.c xen/x86/*.S))
XEN_OBJ := $(patsubst %,build/%.o,$(basename $(XEN))) $(SCHED:%.c=build/xen/%.o)
# Decompressors for dom0's kernel; the one file that calls them sees the C library's headers.
XEN_LIBS := -llzma -llz4 -lzstd -lz
build/xen/x86/image.o: C_LIBRARY := -idirafter /usr/include/x86_64-linux-gnu -idirafter /usr/include
XEN_LINK := $(CC) -nostdlib -static -no-pie -T xen/moirai.lds \
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
	$(CC) $(XEN_FLAGS) $(C_LIBRARY) -c -o $@ $<

build/xen/%.o: xen/%.S Makefile build/xen/flags | build/.deps
	mkdir -p $(@D)
	echo "cc    $@"
	$(CC) -MMD -MP -g -c -o $@ $<

build/xen/sched/%.o: sched/%.c Makefile build/xen/flags | build/.deps
	mkdir -p $(@D)
	echo "cc    $@"
	$(CC) $(XEN_FLAGS) -c -o $@ $<

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

# ---- microguests ---------------------------------------------------------------
# tests/guest/NAME/ with tests/guest/lib/ is build/guest/NAME.elf, which tests/guest/run boots.

GUEST_FLAGS := $(FREESTANDING) -idirafter build/include -D__XEN_TOOLS__ -std=gnu11 $(WARN) -O2 -g \
	-MMD -MP -mcmodel=small -mno-red-zone -mgeneral-regs-only -fno-pic -fno-pie \
	-fno-stack-protector -fno-asynchronous-unwind-tables -fno-strict-aliasing
GUESTS := $(sort $(patsubst tests/guest/%/main.c,%,$(wildcard tests/guest/*/main.c)))
GUEST_LIB := $(sort $(wildcard tests/guest/lib/*.[cS] tests/guest/lib/builder/*.c)) xen/lib.c xen/elf.c
GUEST_C := $(sort $(wildcard $(GUESTS:%=tests/guest/%/*.c)))
guest_obj = $(patsubst %,build/guest/%.o,$(basename $(1)))

build/guest/%.o: %.c Makefile | build/include/xen
	mkdir -p $(@D)
	echo "cc    $@"
	$(CC) $(GUEST_FLAGS) -c -o $@ $<

build/guest/%.o: %.S Makefile | build/.deps
	mkdir -p $(@D)
	echo "cc    $@"
	$(CC) -MMD -MP -g -c -o $@ $<

-include $(patsubst %.o,%.d,$(call guest_obj,$(GUEST_LIB) $(GUEST_C)))

.SECONDEXPANSION:
$(GUESTS:%=build/guest/%.elf): build/guest/%.elf: $$(call guest_obj,$$(filter tests/guest/$$*/%,$$(GUEST_C))) \
		$(call guest_obj,$(GUEST_LIB)) tests/guest/lib/guest.lds
	echo "link  $@"
	$(CC) -nostdlib -static -no-pie -T tests/guest/lib/guest.lds \
		-Wl,-z,noexecstack,-z,max-page-size=4096,--no-warn-rwx-segments,--build-id=none -o $@ $(filter %.o,$^)

# The hypervisor as it is used: costs are measured without its own checks.
build/guest/release/build/moirai.elf: FORCE
	mkdir -p $(@D)
	ln -sfn ../../../Makefile ../../../sched ../../../xen build/guest/release/
	$(MAKE) -C build/guest/release DEBUG= build/moirai.elf

guests: build/moirai.elf build/guest/release/build/moirai.elf $(GUESTS:%=build/guest/%.elf)
check-guest: guests
	tests/guest/run

# ---- tests ---------------------------------------------------------------------
# tests/check runs the stages named, in that order, counts, and prints the verdict.

STAGE_unit := $(UNIT:%=build/unit/%)
STAGE_scenarios := build/moirai-sim
STAGE_property := build/property
STAGE_san := $(UNIT:%=build/san/unit/%) build/san/property
STAGE_mutation := build/moirai-sim $(STAGE_unit) build/property

test-programs: build/sched.o $(STAGE_unit) $(STAGE_san) $(STAGE_mutation)

check: test-programs
	tests/check gates unit scenarios property san mutation
check-gates: build/sched.o
check-unit: $(STAGE_unit)
check-scenarios: $(STAGE_scenarios)
check-property: $(STAGE_property)
check-san: $(STAGE_san)
check-mutation: $(STAGE_mutation)
check-gates check-unit check-scenarios check-property check-san check-mutation:
	tests/check $(@:check-%=%)

bench-sched: build/bench/bench
	tests/bench/run

# ---- the rest ------------------------------------------------------------------

demo: build/moirai-sim
	experiments/pinned-weights/run

format-tools:
	$(call install,clang-format)
format: format-tools
	clang-format -i $(sort $(ALL_C) $(wildcard sched/*.h tools/sim/*.h tests/*/*.h xen/*.[ch] xen/x86/*.[ch]))

clean:
	rm -rf build
