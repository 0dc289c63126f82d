/* Instructions that leave the guest: each has to do what the processor, or Xen, would do. */
#include "../lib/guest.h"

#define CR4_OSXSAVE BIT(18)

/* ---- CPUID ----------------------------------------------------------------------------------- */

static uint32_t cpuid_reg(uint32_t leaf, uint32_t subleaf, unsigned reg)
{
    uint32_t out[4];

    cpuid(leaf, subleaf, out);
    return out[reg];
}

enum { A, B, C, D };

static void hypervisor_leaves(void)
{
    uint32_t out[4];

    cpuid(0x40000000, 0, out);
    CHECK(out[A] >= 0x40000004);
    CHECK(!memcmp(&out[B], "XenVMMXenVMM", 12));
    EXPECT(cpuid_reg(0x40000001, 0, A), 4 << 16 | 17);
    EXPECT(version_op(XENVER_version, NULL), 4 << 16 | 17);
    EXPECT(cpuid_reg(0x40000002, 0, A), 1);          /* one hypercall page */
    EXPECT(cpuid_reg(0x40000002, 0, B), 0x40000000); /* by this MSR */
    cpuid(0x40000004, 0, out);
    EXPECT(out[A] & (BIT(3) | BIT(4)), BIT(3) | BIT(4)); /* vCPU and domain are told */
    EXPECT(out[B], 0);
    EXPECT(out[C], 0);
}

static void processor_leaves(void)
{
    uint32_t out[4];

    cpuid(0, 0, out);
    CHECK(out[A] >= 0xd && out[A] < 0x20);
    CHECK(!memcmp(&out[B], "Auth", 4) && !memcmp(&out[D], "enti", 4) &&
          !memcmp(&out[C], "cAMD", 4));
    cpuid(1, 0, out);
    CHECK(out[C] & BIT(31));                        /* a hypervisor */
    CHECK(out[C] & BIT(21));                        /* x2APIC */
    CHECK(!(out[C] & BIT(3)));                      /* MONITOR */
    CHECK(!(out[C] & BIT(24)));                     /* TSC deadline */
    EXPECT(out[B] >> 24, 0);                        /* APIC id */
    CHECK(!(cpuid_reg(0x80000001, 0, C) & BIT(2))); /* SVM */
    EXPECT(cpuid_reg(0x8000000a, 0, D), 0);
    EXPECT(cpuid_reg(0x8000000a, 0, B), 0);
}

/* What follows the guest's own CR4 and XCR0. */
static void leaves_that_follow(void)
{
    CHECK(!(cpuid_reg(1, 0, C) & BIT(27)));
    write_cr4(read_cr4() | CR4_OSXSAVE);
    CHECK(cpuid_reg(1, 0, C) & BIT(27));
    EXPECT(cpuid_reg(0xd, 0, B), 576); /* x87 and SSE: XCR0 is 1 */
    __asm__ volatile("xsetbv" ::"c"(0), "a"(7), "d"(0));
    CHECK(cpuid_reg(0xd, 0, B) > 576);
    __asm__ volatile("xsetbv" ::"c"(0), "a"(1), "d"(0));
    write_cr4(read_cr4() & ~CR4_OSXSAVE);
    CHECK(!(cpuid_reg(1, 0, C) & BIT(27)));
}

/* The instruction's length is the hypervisor's to find out. */
static void prefixes(void)
{
    uint32_t a = 0x40000001, b, c = 0, d;

    __asm__ volatile(".byte 0x66, 0x0f, 0xa2" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    EXPECT(a, 4 << 16 | 17);
    a = 0x40000001;
    __asm__ volatile(".byte 0x2e, 0x66, 0x48, 0x0f, 0xa2" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    EXPECT(a, 4 << 16 | 17);
}

/* ---- single steps ---------------------------------------------------------------------------- */

static unsigned steps;
static uint64_t step_at[8];

static bool on_step(struct trap_frame *f)
{
    if (f->vector != VECTOR_DB)
        return false;
    if (steps < ARRAY_SIZE(step_at))
        step_at[steps] = f->rip;
    if (++steps == 3)
        f->rflags &= ~BIT(8);
    return true;
}

/* An instruction that is emulated must trap like any other when TF is set. */
static void single_step(void)
{
    uint64_t after;

    trap_hook = on_step;
    __asm__ volatile("pushfq; orq $0x100, (%%rsp); xor %%eax, %%eax; popfq\n\t"
                     "nop\n\t"
                     "cpuid\n\t"
                     "1: nop\n\t"
                     "nop\n\t"
                     "lea 1b(%%rip), %0"
                     : "=r"(after)::"rax", "rbx", "rcx", "rdx", "memory");
    trap_hook = NULL;
    EXPECT(steps, 3);
    EXPECT(step_at[0], after - 2); /* after the first nop, before cpuid */
    EXPECT(step_at[1], after);
    EXPECT(step_at[2], after + 1);
}

/* ---- HLT ------------------------------------------------------------------------------------- */

static void halt(void)
{
    struct vcpu_runstate_info before, after;
    int port = bind_virq(VIRQ_TIMER, 0);
    uint64_t start = now();

    CHECK(port > 0);
    EXPECT(vcpu_op(VCPUOP_get_runstate_info, 0, &before), 0);
    EXPECT(set_timer(start + 20000000, 0), 0);
    wait_for_interrupt();
    uint64_t took = now() - start;
    CHECK(took >= 20000000);
    EXPECT(event_count[port], 1);
    EXPECT(vcpu_op(VCPUOP_get_runstate_info, 0, &after), 0);
    uint64_t blocked = after.time[RUNSTATE_blocked] - before.time[RUNSTATE_blocked];
    CHECK(blocked > 15000000 && blocked <= took);

    /* An interrupt that is there already: HLT does not wait, also with a prefix. */
    event_mask((evtchn_port_t)port);
    EXPECT(set_timer(0, 0), 0);
    EXPECT(event_unmask((evtchn_port_t)port), 0);
    __asm__ volatile("sti; .byte 0x66; hlt; cli" ::: "memory");
    EXPECT(event_count[port], 2);
    EXPECT(event_close((evtchn_port_t)port), 0);
}

/* ---- ports ----------------------------------------------------------------------------------- */

static uint32_t in(uint16_t port, unsigned bytes)
{
    uint32_t v = 0x12345678;

    if (bytes == 1)
        __asm__ volatile("inb %1, %b0" : "+a"(v) : "Nd"(port));
    else if (bytes == 2)
        __asm__ volatile("inw %1, %w0" : "+a"(v) : "Nd"(port));
    else
        __asm__ volatile("inl %1, %0" : "+a"(v) : "Nd"(port));
    return v;
}

static void ports(void)
{
    /* The console's port is not the guest's: all ones, and only as wide as the access. */
    EXPECT(in(0x3fd, 1), 0x123456ff);
    EXPECT(in(0x3fc, 2), 0x1234ffff);
    EXPECT(in(0x3f8, 4), 0xffffffff);
    CHECK(in(0x42, 1) != 0x123456ff); /* or Linux calibrates for seconds */
    in(0xffff, 4);                    /* beyond the last port */
    __asm__ volatile("outb %%al, $0x80" ::"a"(0));

    /* Bus 0, device 0: some bridge or other. */
    __asm__ volatile("outl %0, %1" ::"a"(0x80000000), "Nd"((uint16_t)0xcf8));
    CHECK(in(0xcfc, 4) != 0xffffffff);
    EXPECT(in(0xcfc, 2) & 0xffff, in(0xcfc, 4) & 0xffff);
}

static void string_ports(void)
{
    static uint8_t buffer[400];
    uint8_t *to = buffer;
    uint64_t count = 300;

    __asm__ volatile("rep insb" : "+D"(to), "+c"(count) : "d"((uint16_t)0x3fd) : "memory");
    EXPECT(count, 0);
    EXPECT(to - buffer, 300);
    CHECK(buffer[0] == 0xff && buffer[299] == 0xff && !buffer[300]);

    to = buffer + 20;
    memset(buffer, 0, sizeof buffer);
    count = 2;
    __asm__ volatile("std; rep insw; cld"
                     : "+D"(to), "+c"(count)
                     : "d"((uint16_t)0x3fc)
                     : "memory");
    EXPECT(to - buffer, 16);
    CHECK(buffer[21] == 0xff && buffer[18] == 0xff && !buffer[17] && !buffer[22]);

    count = 0;
    to = buffer;
    __asm__ volatile("rep insb" : "+D"(to), "+c"(count) : "d"((uint16_t)0x3fd) : "memory");
    EXPECT(to - buffer, 0);

    const uint8_t *from = buffer;
    count = 200;
    __asm__ volatile("rep outsb" : "+S"(from), "+c"(count) : "d"((uint16_t)0x80) : "memory");
    EXPECT(from - buffer, 200);
}

/* Half of it is on a page that is not there. */
static void string_ports_fault(void)
{
    static char page[4096] aligned_to(4096);
    uint8_t *to = window_map(0, ADDRESS(page), PTE_P | PTE_W);
    uint64_t count = 16, cr2;

    window_unmap(1);
    to += 4096 - 8;
    uint64_t fault = PROBE("rep insb", OUT("+D"(to), "+c"(count)), "d"((uint16_t)0x3fd));
    __asm__ volatile("mov %%cr2, %0" : "=r"(cr2));
    EXPECT(FAULT_VECTOR(fault), VECTOR_PF);
    EXPECT(fault >> 32, 2); /* not present, write */
    EXPECT(cr2, ADDRESS(window_at(1)));
    EXPECT(count, 8);
    EXPECT(page[4095], (char)0xff);
}

/* ---- MSRs ------------------------------------------------------------------------------------ */

static uint64_t probe_rdmsr(uint32_t msr, uint64_t *value)
{
    uint32_t lo = 0, hi = 0;
    uint64_t fault = PROBE("rdmsr", OUT("+a"(lo), "+d"(hi)), "c"(msr));

    *value = (uint64_t)hi << 32 | lo;
    return fault;
}

static uint64_t probe_wrmsr(uint32_t msr, uint64_t value)
{
    return PROBE("wrmsr", , "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

static void msrs(void)
{
    static const uint32_t unknown[] = {0x0,        0x11,       0xff,       0x1234,
                                       0x4ff,      0x900,      0x3fffffff, 0x40000001,
                                       0x80000000, 0xc0000000, 0xc0002000, 0xffffffff};
    static const uint32_t kept[] = {0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084,
                                    0xc0000100, 0xc0000102, 0x175,      0x176};
    uint64_t value;

    for (unsigned i = 0; i < ARRAY_SIZE(unknown); i++) {
        if (FAULT_VECTOR(probe_rdmsr(unknown[i], &value)) != VECTOR_GP)
            failure("MSR 0x%x can be read: 0x%lx", unknown[i], value);
        if (FAULT_VECTOR(probe_wrmsr(unknown[i], 0)) != VECTOR_GP)
            failure("MSR 0x%x can be written", unknown[i]);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(kept); i++) {
        wrmsr(kept[i], 0x123450 + i);
        EXPECT(rdmsr(kept[i]), 0x123450 + i);
    }
    EXPECT(probe_rdmsr(0xc0010015, &value), 0); /* AMD's own range reads as nothing */
    EXPECT(rdmsr(0x277), 0x0007040600070406);   /* PAT as after a reset */
    EXPECT(probe_wrmsr(0x277, 0x0202020202020202), FAULTED | VECTOR_GP);
    CHECK(rdmsr(0x1b) & BIT(11));
    CHECK(rdmsr(0x1b) & BIT(8));
    CHECK(rdmsr(0x10) > 0);
    EXPECT(probe_rdmsr(0x80b, &value), FAULTED | VECTOR_GP); /* EOI is only written */
    EXPECT(probe_wrmsr(0x802, 0), FAULTED | VECTOR_GP);
    EXPECT(rdmsr(X2APIC_ID), 0);
}

static void hypercall_page(void)
{
    static uint8_t page[4096] aligned_to(4096);
    long result;

    wrmsr(0x40000000, ADDRESS(page));
    __asm__ volatile("call *%1"
                     : "=a"(result)
                     : "r"(page + __HYPERVISOR_xen_version * 32), "D"(XENVER_version), "S"(0)
                     : "memory");
    EXPECT(result, 4 << 16 | 17);
    EXPECT(probe_wrmsr(0x40000000, ADDRESS(page) | 1), FAULTED | VECTOR_GP); /* there is one page */
    EXPECT(probe_wrmsr(0x40000000, BIT(52)), FAULTED | VECTOR_GP);
}

/* ---- extended state, RDTSCP ------------------------------------------------------------------ */

static uint64_t xgetbv(void)
{
    uint32_t lo, hi;

    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return (uint64_t)hi << 32 | lo;
}

static uint64_t probe_xsetbv(uint32_t reg, uint64_t value)
{
    return PROBE("xsetbv", , "c"(reg), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

static void sleep_ms(unsigned ms)
{
    int port = bind_virq(VIRQ_TIMER, 0);

    EXPECT(set_timer(now() + ms * 1000000ULL, 0), 0);
    wait_for_interrupt();
    EXPECT(event_close((evtchn_port_t)port), 0);
}

static void extended_state(void)
{
    EXPECT(FAULT_VECTOR(probe_xsetbv(0, 1)), VECTOR_UD);
    write_cr4(read_cr4() | CR4_OSXSAVE);
    EXPECT(xgetbv(), 1);
    EXPECT(probe_xsetbv(0, 7), 0);
    sleep_ms(2); /* while the hypervisor idles with registers of its own */
    EXPECT(xgetbv(), 7);
    EXPECT(probe_xsetbv(0, 6), FAULTED | VECTOR_GP); /* x87 cannot be off */
    EXPECT(probe_xsetbv(0, 5), FAULTED | VECTOR_GP); /* nor SSE below AVX */
    EXPECT(probe_xsetbv(1, 1), FAULTED | VECTOR_GP);
    EXPECT(xgetbv(), 7);
    EXPECT(probe_xsetbv(0, 1), 0);
    write_cr4(read_cr4() & ~CR4_OSXSAVE);
}

/* It is hidden, so it may be refused; if it is not, it has to be right. */
static void read_tscp(void)
{
    uint32_t lo = 0, hi = 0, aux = 0;
    uint64_t before = rdtsc();
    uint64_t fault = PROBE("rdtscp", OUT("+a"(lo), "+d"(hi), "+c"(aux)));

    if (fault) {
        EXPECT(FAULT_VECTOR(fault), VECTOR_UD);
        return;
    }
    uint64_t value = (uint64_t)hi << 32 | lo;
    CHECK(value >= before && value <= rdtsc());
    EXPECT(aux, 0);
    if (!probe_wrmsr(0xc0000103, 42)) {
        sleep_ms(2);
        __asm__ volatile("rdtscp" : "=a"(lo), "=d"(hi), "=c"(aux));
        EXPECT(aux, 42);
    }
}

/* ---- devices in memory ----------------------------------------------------------------------- */

/* The version of the emulated IO-APIC, by several instructions. */
static void mmio(void)
{
    volatile uint32_t *ioapic = (volatile uint32_t *)0xfec00000;
    uint32_t version, other;
    uint64_t wide = 0;

    ioapic[0] = 1;
    version = ioapic[4];
    CHECK(version != ~0u && (version & 0xff) >= 0x11);
    __asm__ volatile("movzbl %1, %0" : "=r"(other) : "m"(ioapic[4]));
    EXPECT(other, version & 0xff);
    __asm__ volatile("xor %0, %0; or %1, %0" : "=&r"(other) : "m"(ioapic[4]));
    EXPECT(other, version);
    ioapic[0] = 0x10; /* an entry: write and read back */
    ioapic[4] = 0x10042;
    EXPECT(ioapic[4] & 0x100ff, 0x10042);

    /* Neither memory nor a device: all ones, and writes go nowhere. */
    volatile uint64_t *nothing = window_map(2, 0x0000003f00000000, PTE_P | PTE_W);
    *nothing = 5;
    wide = *nothing;
    EXPECT(wide, -1);
}

static void run(void)
{
    events_init();
    hypervisor_leaves();
    processor_leaves();
    leaves_that_follow();
    prefixes();
    single_step();
    halt();
    ports();
    string_ports();
    string_ports_fault();
    msrs();
    hypercall_page();
    extended_state();
    read_tscp();
    mmio();
}

const struct test test = {"exits", run, NULL};
