/*
 * What a microguest may use. A microguest is a small kernel that starts by the
 * PVH protocol, as dom0 or as a child that another one has built, does one thing
 * and says how that went. Its memory is mapped 1:1, all of it writable and
 * executable, for user mode too; it runs with interrupts off unless it says
 * otherwise.
 */
#ifndef GUEST_H
#define GUEST_H

#include "../../../xen/abi.h"
#include "../../../xen/lib.h"

#define PAGE_SIZE  4096ULL
#define PAGE_SHIFT 12
#define MAX_CPUS   4 /* stacks in start.S */

/* ---- the test itself ------------------------------------------------------------------------- */

/* Each main.c defines one. */
extern const struct test {
    const char *name;
    void (*run)(void);                /* as dom0 */
    void (*child)(uint64_t argument); /* as a domain that `run` has built; NULL: it builds none */
} test;

/* ---- verdict.c ------------------------------------------------------------------------------- */

void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* One line, and the test goes on but has failed. */
void failure(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* It cannot be tested here, which is fine; or what is not under test is broken. Both end it. */
_Noreturn void skip(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Says the verdict and switches the machine off. */
_Noreturn void finish(void);

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            failure("%s:%d: not true: %s", __FILE__, __LINE__, #condition);                        \
    } while (0)
#define EXPECT(expression, wanted)                                                                 \
    expect_equal(__FILE__, __LINE__, #expression, (int64_t)(expression), (int64_t)(wanted))
bool expect_equal(const char *file, int line, const char *what, int64_t is, int64_t wanted);

/* ---- hypercalls ------------------------------------------------------------------------------ */

static inline long hypercall5(unsigned op, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                              uint64_t e)
{
    register uint64_t r10 __asm__("r10") = d;
    register uint64_t r8 __asm__("r8") = e;
    long result = op;

    __asm__ volatile("vmmcall"
                     : "+a"(result), "+D"(a), "+S"(b), "+d"(c), "+r"(r10), "+r"(r8)::"memory");
    return result;
}

#define ADDRESS(p) ((uint64_t)(uintptr_t)(p))
/* A command and its structure, or whatever the second argument is. */
static inline long hypercall2(unsigned op, uint64_t a, uint64_t b)
{
    return hypercall5(op, a, b, 0, 0, 0);
}
static inline long hypercall3(unsigned op, uint64_t a, uint64_t b, uint64_t c)
{
    return hypercall5(op, a, b, c, 0, 0);
}

static inline long version_op(unsigned command, void *arg)
{
    return hypercall2(__HYPERVISOR_xen_version, command, ADDRESS(arg));
}
static inline long memory_op(unsigned command, void *arg)
{
    return hypercall2(__HYPERVISOR_memory_op, command, ADDRESS(arg));
}
static inline long event_op(unsigned command, void *arg)
{
    return hypercall2(__HYPERVISOR_event_channel_op, command, ADDRESS(arg));
}
static inline long sched_op(unsigned command, void *arg)
{
    return hypercall2(__HYPERVISOR_sched_op, command, ADDRESS(arg));
}
static inline long hvm_op(unsigned command, void *arg)
{
    return hypercall2(__HYPERVISOR_hvm_op, command, ADDRESS(arg));
}
static inline long vcpu_op(unsigned command, unsigned vcpu, void *arg)
{
    return hypercall3(__HYPERVISOR_vcpu_op, command, vcpu, ADDRESS(arg));
}
static inline long grant_op(unsigned command, void *arg, unsigned count)
{
    return hypercall3(__HYPERVISOR_grant_table_op, command, ADDRESS(arg), count);
}

/* ---- the processor --------------------------------------------------------------------------- */

static inline uint64_t rdtsc(void)
{
    uint32_t lo, hi;
    __asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi)::"memory");
    return (uint64_t)hi << 32 | lo;
}
static inline uint64_t rdmsr(uint32_t msr)
{
    uint32_t lo, hi;
    __asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
    return (uint64_t)hi << 32 | lo;
}
static inline void wrmsr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr" ::"c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
                     : "memory");
}
static inline void cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    __asm__ volatile("cpuid"
                     : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
                     : "0"(leaf), "2"(subleaf));
}
static inline uint64_t read_cr4(void)
{
    uint64_t v;
    __asm__ volatile("mov %%cr4, %0" : "=r"(v));
    return v;
}
static inline void write_cr4(uint64_t v)
{
    __asm__ volatile("mov %0, %%cr4" ::"r"(v) : "memory");
}
static inline void interrupts_on(void)
{
    __asm__ volatile("sti" ::: "memory");
}
static inline void interrupts_off(void)
{
    __asm__ volatile("cli" ::: "memory");
}
/* Until an interrupt has been taken; they are off before and afterwards. */
static inline void wait_for_interrupt(void)
{
    __asm__ volatile("sti; hlt; cli" ::: "memory");
}
static inline void relax(void)
{
    __builtin_ia32_pause();
}
static inline void invlpg(const void *va)
{
    __asm__ volatile("invlpg (%0)" ::"r"(va) : "memory");
}

/* ---- trap.c: exceptions and interrupts ------------------------------------------------------- */

struct trap_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
    uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

enum {
    VECTOR_DB = 1,
    VECTOR_NMI,
    VECTOR_BP,
    VECTOR_UD = 6,
    VECTOR_GP = 13,
    VECTOR_PF,
    VECTOR_AC = 17
};

/*
 * Runs one instruction that may fault: PROBE("rdmsr", OUT("=a"(lo), "=d"(hi)), "c"(msr)). Its value
 * is 0, or FAULTED | vector with the error code in the upper half; outputs are not changed then.
 * Operands that the instruction names are given names: %0 is that value.
 */
#define FAULTED             0x100
#define FAULT_VECTOR(fault) ((fault)&0xff)
#define OUT(...)            , __VA_ARGS__
#define PROBE(instruction, outputs, ...)                                                           \
    ({                                                                                             \
        register uint64_t fault_ __asm__("r11");                                                   \
        __asm__ volatile("xor %%r11d, %%r11d\n1:\t" instruction "\n2:\n"                           \
                         "\t.pushsection .fixups, \"a\"\n\t.quad 1b, 2b\n\t.popsection"            \
                         : "=&r"(fault_)outputs:__VA_ARGS__                                        \
                         : "memory");                                                              \
        fault_;                                                                                    \
    })

/* Sees exceptions that no probe expects, first; true: it has dealt with this one. */
extern bool (*trap_hook)(struct trap_frame *f);
/* Called for each interrupt of this vector (32 and above), before its EOI. */
extern void (*interrupt_handlers[256])(void);
extern volatile unsigned interrupt_count[256];
void traps_init(void);     /* once */
void traps_cpu_init(void); /* on each vCPU */

/* Which vCPU is this? What traps_cpu_init() has learnt from CPUID, at the cost of a memory access.
 */
static inline unsigned own_vcpu(void)
{
    unsigned id;
    __asm__ volatile("mov %%gs:0, %0" : "=r"(id));
    return id;
}

/* Calls f in user mode; f ends with user_exit(), whose value it is. */
uint64_t user_call(void (*f)(void));
static inline _Noreturn void user_exit(uint64_t result)
{
    __asm__ volatile("int $0x80" ::"D"(result));
    __builtin_unreachable();
}

/* ---- start_info ------------------------------------------------------------------------------ */

extern uint64_t start_info_address, start_argument;
static inline const struct hvm_start_info *start_info(void)
{
    return (const void *)(uintptr_t)start_info_address;
}
static inline bool is_dom0(void)
{
    return start_info()->flags & SIF_INITDOMAIN;
}
domid_t own_domid(void); /* from CPUID */
extern char image_start[], image_end[];
/* The number that the command line begins with, if it does. */
uint64_t start_number(uint64_t otherwise);

/* ---- window.c: pages of choice --------------------------------------------------------------- */

#define WINDOW_PAGES 512
#define PTE_P        BIT(0)
#define PTE_W        BIT(1)
#define PTE_U        BIT(2)
#define PTE_NX       BIT(63)
/* Page i of a range that is not mapped but for what this maps there; neighbours are neighbours. */
void *window_map(unsigned i, uint64_t pa, uint64_t flags);
void window_unmap(unsigned i);
void *window_at(unsigned i);

/* ---- event.c: 2-level events, the clock ------------------------------------------------------ */

#define UPCALL_VECTOR 0x60
extern struct shared_info *shared_info; /* NULL before events_init() */
/* Upcalls that this vCPU has taken, and those for each port, all vCPUs together. */
extern volatile unsigned upcall_count[MAX_CPUS], event_count[EVTCHN_2L_NR_CHANNELS];

void events_init(
    void); /* shared_info, the upcall vector of this vCPU, its local APIC; all masked */
void events_cpu_init(void); /* on each other vCPU */
/* The port or -errno; unmasked. */
int bind_ipi(unsigned vcpu);
int bind_virq(unsigned virq, unsigned vcpu);
/* The two ends of a channel from this domain to itself. */
void loop_channel(evtchn_port_t *one, evtchn_port_t *other);
long event_send(evtchn_port_t port);
long event_close(evtchn_port_t port);
long event_unmask(evtchn_port_t port); /* by hypercall */
void event_mask(evtchn_port_t port);
bool event_pending(evtchn_port_t port);
void event_clear(evtchn_port_t port);

/* Time since the hypervisor's start, by vcpu_time_info. */
uint64_t now(void);
long set_timer(uint64_t when, uint32_t flags);
void delay(uint64_t ns); /* busy */
void rest(uint64_t ns);  /* asleep, unless an event comes */
/* Waits for at most so many ms, with interrupts on; true if `condition` came true. */
#define WAIT_FOR(condition, ms)                                                                    \
    ({                                                                                             \
        uint64_t limit_ = now() + (ms)*1000000ULL;                                                 \
        interrupts_on();                                                                           \
        while (!(condition) && now() < limit_)                                                     \
            relax();                                                                               \
        interrupts_off();                                                                          \
        !!(condition);                                                                             \
    })

/* ---- lapic.c: x2APIC ------------------------------------------------------------------------- */

#define X2APIC_ID            0x802
#define X2APIC_EOI           0x80b
#define X2APIC_SVR           0x80f
#define X2APIC_ICR           0x830
#define X2APIC_LVT_TIMER     0x832
#define X2APIC_TIMER_INITIAL 0x838
#define X2APIC_TIMER_CURRENT 0x839
#define X2APIC_TIMER_DIVIDE  0x83e
#define X2APIC_SELF_IPI      0x83f
enum { ICR_INIT = 0x4500, ICR_STARTUP = 0x4600, ICR_NMI = 0x4400, ICR_ALL_BUT_SELF = 3 << 18 };

void lapic_init(void);
static inline void lapic_send(unsigned vcpu, uint32_t icr)
{
    wrmsr(X2APIC_ICR, (uint64_t)(2 * vcpu) << 32 | icr);
}

/* ---- smp.c ----------------------------------------------------------------------------------- */

/* Starts vCPU `id` by INIT-SIPI-SIPI; it runs f and halts for good. False if it does not come. */
bool cpu_start(unsigned id, void (*f)(void));
/* What cpu_start() does without the waiting: for vCPUs that start otherwise, at ap_start_64. */
void cpu_prepare(unsigned id, void (*f)(void));
bool cpu_came(unsigned id);
extern char ap_start_64[];
extern uint64_t boot_pml4[];

/* ---- random.c -------------------------------------------------------------------------------- */

struct random {
    uint64_t state;
};
uint64_t random_next(struct random *r);
uint64_t random_below(struct random *r, uint64_t n);

#endif
