/*
 * Forced in front of every file of the fuzzer, the hypervisor's own included
 * (Makefile): what these reach of the machine is replaced by machine.c. All
 * variables go to sections of their own, so snapshot.c can put them back.
 */
#ifndef FUZZ_SEAMS_H
#define FUZZ_SEAMS_H

#define DIRECT_MAP 0x200000000000ULL /* mapped there by snapshot.c; free under AddressSanitizer */

#include "../../xen/x86/arch.h"

extern struct pcpu *machine_pcpu;
void machine_relax(void);
uint64_t machine_rdmsr(uint32_t msr);
void machine_wrmsr(uint32_t msr, uint64_t value);

#define this_pcpu()       machine_pcpu
#define cpu_relax()       machine_relax()
#define rdmsr             machine_rdmsr
#define wrmsr             machine_wrmsr
#define inb(port)         ((uint8_t)((void)(port), 0xffu))
#define outb(port, value) ((void)(port), (void)(value))

#pragma clang section bss = "hv_bss" data = "hv_data"

#endif
