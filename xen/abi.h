/* Xen's public headers (package libxen-dev), as the hypervisor's side sees them. */
#ifndef XEN_ABI_H
#define XEN_ABI_H

#include <stddef.h>
#include <stdint.h>

#include <xen/xen.h>
#include <xen/arch-x86/cpuid.h>
#include <xen/arch-x86/hvm/start_info.h>
#include <xen/domctl.h>
#include <xen/elfnote.h>
#include <xen/errno.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/hvm_vcpu.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>
#include <xen/physdev.h>
#include <xen/platform.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/trace.h>
#include <xen/vcpu.h>
#include <xen/version.h>

/* Xen's headers keep this one to its own side. */
enum { XEN_ERESTART = 85 };

/* An entry of the memory map that XENMEM_memory_map answers, as INT 15h AX=E820h has it. */
struct e820entry {
    uint64_t addr, size;
    uint32_t type;
} __attribute__((__packed__));

#endif
