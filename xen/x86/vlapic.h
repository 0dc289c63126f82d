/*
 * A vCPU's local APIC: x2APIC MSRs (Intel SDM vol. 3, 11.12; AMD manual vol. 2,
 * 16.11) and the xAPIC page. APIC id = 2 * vCPU id.
 */
#ifndef XEN_VLAPIC_H
#define XEN_VLAPIC_H

#include "../lib.h"
#include "../spinlock.h"
#include "../timer.h"

struct domain;
struct vcpu;

struct vlapic {
    struct spinlock lock;
    uint64_t base; /* IA32_APIC_BASE */
    /* IRR and TMR: anybody sets their bits, atomically; ISR and TPR are the running vCPU's own. */
    uint32_t irr[8], isr[8], tmr[8];
    uint32_t irr_words, isr_words; /* bit i: word i may have bits set; IRR's by atomic operations */
    uint32_t tpr, svr, ldr, dfr, esr, errors; /* errors: since ESR was written last */
    uint64_t icr;
    uint32_t lvt_timer, lvt_lint0, lvt_lint1, lvt_error, lvt_perf, lvt_thermal, lvt_cmci;
    uint32_t timer_initial, timer_divide;
    sched_time timer_started;
    struct timer timer;
    bool wait_for_sipi, starting; /* starting: between SIPI and its first instruction */
    bool sipi_waits;              /* for the vCPU to leave the pCPU that it is still loaded on */
    uint8_t sipi_page;            /* to start at */
};

/* Delivery modes of ICR, redirection entries, LVT entries and MSI data. */
enum { APIC_FIXED, APIC_LOWEST, APIC_SMI, APIC_NMI = 4, APIC_INIT, APIC_STARTUP, APIC_EXTINT };

/* A message between APICs: from an ICR, an IO-APIC's entry or an MSI. */
struct apic_message {
    uint32_t dest;
    bool wide; /* dest has 32 bits (x2APIC), not 8 */
    bool logical, level;
    uint8_t mode, vector;
};

void vlapic_init(struct vcpu *v);
void vlapic_fini(struct vcpu *v); /* its timer fires no more */
/* INIT state (keeps the id). */
void vlapic_reset(struct vcpu *v);
/* An interrupt arrives: sets IRR and wakes or kicks the vCPU. Dropped if the APIC is disabled. */
void vlapic_raise(struct vcpu *v, uint8_t vector, bool level);
/* The same of an edge, for an APIC that is known to be enabled. */
void vlapic_raise_edge(struct vcpu *v, uint8_t vector);
/* The vector to be delivered now, by priority, or -1. */
int vlapic_pending(struct vcpu *v);
/* It has been injected: IRR to ISR. */
void vlapic_accept(struct vcpu *v, uint8_t vector);
/* The vCPU has left without taking what has just been accepted: back from ISR to IRR. */
void vlapic_withdraw(struct vcpu *v, uint8_t vector);
bool vlapic_enabled(const struct vcpu *v); /* by software, SVR bit 8 */

/* MSRs 0x1b and 0x800-0x83f; 0 or -EPERM (#GP). */
int vlapic_rdmsr(struct vcpu *v, uint32_t msr, uint64_t *value);
int vlapic_wrmsr(struct vcpu *v, uint32_t msr, uint64_t value);
/* The xAPIC page at 0xfee00000, 32-bit accesses at offset. */
uint32_t vlapic_mmio_read(struct vcpu *v, uint32_t offset);
void vlapic_mmio_write(struct vcpu *v, uint32_t offset, uint32_t value);

/* ---- vlapic_send.c ------------------------------------------------------------------------- */

/* To every vCPU of the domain that the message names, or to the best of them (APIC_LOWEST). The
 * caller holds no lock of rank RANK_SCHED or later. */
void vlapic_send(struct domain *d, const struct apic_message *m);
/* What the current vCPU wrote into its ICR. */
void vlapic_send_icr(struct vcpu *v, uint64_t icr);
bool vlapic_x2apic(const struct vcpu *v); /* in x2APIC mode */
/* It is loaded nowhere any more: a SIPI may have been waiting for that. With no lock held. */
void vlapic_left(struct vcpu *v);

/* ---- vlapic_timer.c ------------------------------------------------------------------------ */

void vlapic_timer_init(struct vcpu *v);
/* The initial count, the divider or the mode was written: count anew. */
void vlapic_timer_restart(struct vcpu *v, uint32_t initial);
void vlapic_timer_divide(struct vcpu *v, uint32_t divide);
uint32_t vlapic_timer_count(struct vcpu *v);
void vlapic_timer_stop(struct vcpu *v);

static inline uint32_t vlapic_id_of(unsigned vcpu)
{
    return 2 * vcpu;
}

#endif
