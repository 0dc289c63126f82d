#include "attack.h"

#define CALLS_IN_LIST 32
#define EMPTY_GFN     0x2000 /* no memory of a child's */

/* Structures are at random places of its first part; what they lead to may be longer. vCPUs share
 * it, so they change each other's under the hypervisor's eyes. */
#define ARENA_WORDS 512
static uint64_t arena[ARENA_WORDS + 512] aligned_to(4096);
static struct grant_entry_v1 grants[PAGE_SIZE / sizeof(struct grant_entry_v1)] aligned_to(4096);
static struct multicall_entry list[MAX_CPUS][CALLS_IN_LIST];
static domid_t self; /* asking for it is an exit */

static uint64_t below(struct attack *a, uint64_t n)
{
    return random_below(&a->random, n);
}

static bool one_in(struct attack *a, unsigned n)
{
    return below(a, n) == 0;
}

/* ---- values ---------------------------------------------------------------------------------- */

static uint64_t gfn(struct attack *a)
{
    switch (below(a, 16)) {
    case 0:
        return random_next(&a->random) >> below(a, 64);
    case 1:
        return 0xfee00 + below(a, 2);
    case 2:
        return ADDRESS(&arena[ARENA_WORDS]) >> PAGE_SHIFT; /* where others are writing */
    case 3:
        return (1ULL << 28) - 1 + below(a, 3); /* around 40 bits of address */
    default:
        return one_in(a, 2) ? 16 + below(a, 400) : EMPTY_GFN + below(a, 1024);
    }
}

static uint64_t domain(struct attack *a)
{
    static const uint16_t special[] = {
        DOMID_SELF, DOMID_SELF,    DOMID_SELF, 0,    1,    DOMID_IO, DOMID_XEN,
        DOMID_COW,  DOMID_INVALID, DOMID_IDLE, 1023, 1024, 0x7fff};

    return one_in(a, 4) ? self : special[below(a, ARRAY_SIZE(special))];
}

static uint64_t pointer(struct attack *a)
{
    switch (below(a, 24)) {
    case 0:
        return random_next(&a->random) >> below(a, 64);
    case 1:
        return 0;
    case 2:
        return 0x0000800000000000 - below(a, 64);
    case 3:
        return ~0ULL - below(a, 64);
    case 4:
        return 0x3f00000000 + below(a, 4096);
    default:
        return ADDRESS(arena) + below(a, ARENA_WORDS * 8);
    }
}

static uint64_t number(struct attack *a)
{
    switch (below(a, 8)) {
    case 0:
        return random_next(&a->random) >> below(a, 64);
    case 1:
        return 1ULL << below(a, 64);
    case 2:
        return (1ULL << below(a, 64)) - 1;
    case 3:
        return -below(a, 256);
    default:
        return below(a, 40);
    }
}

static uint64_t value(struct attack *a)
{
    switch (below(a, 6)) {
    case 0:
        return gfn(a);
    case 1:
        return domain(a);
    case 2:
        return pointer(a);
    case 3: /* two halves */
        return number(a) << 32 | (number(a) & 0xffffffff);
    case 4: /* of which one names a domain */
        return domain(a) | number(a) << 16;
    default:
        return number(a);
    }
}

/* A structure somewhere in the arena; behind its first words lie others' remains. */
static uint64_t structure(struct attack *a)
{
    unsigned at = (unsigned)below(a, ARENA_WORDS - 24);

    for (unsigned i = 0; i < 6; i++)
        arena[at + i] = value(a);
    return ADDRESS(&arena[at]);
}

static uint64_t argument(struct attack *a)
{
    return one_in(a, 3) ? value(a) : structure(a);
}

/* ---- calls ----------------------------------------------------------------------------------- */

/* What most likely does something, and more often than what does not. */
static const uint8_t likely[] = {
    __HYPERVISOR_memory_op,        __HYPERVISOR_memory_op,        __HYPERVISOR_memory_op,
    __HYPERVISOR_event_channel_op, __HYPERVISOR_event_channel_op, __HYPERVISOR_event_channel_op,
    __HYPERVISOR_grant_table_op,   __HYPERVISOR_grant_table_op,   __HYPERVISOR_grant_table_op,
    __HYPERVISOR_vcpu_op,          __HYPERVISOR_vcpu_op,          __HYPERVISOR_hvm_op,
    __HYPERVISOR_xen_version,      __HYPERVISOR_sched_op,         __HYPERVISOR_console_io,
    __HYPERVISOR_vm_assist,        __HYPERVISOR_multicall,        __HYPERVISOR_physdev_op,
    __HYPERVISOR_domctl,           __HYPERVISOR_sysctl,           __HYPERVISOR_platform_op,
};

struct call {
    uint64_t op, args[5];
};

/* What ends the child, or puts it to sleep for good, is rare: its lives shall be long. */
static bool is_deadly(const struct call *c)
{
    if (c->op == __HYPERVISOR_sched_op)
        return c->args[0] == SCHEDOP_shutdown || c->args[0] == SCHEDOP_poll ||
               c->args[0] == SCHEDOP_block;
    return c->op == __HYPERVISOR_vcpu_op &&
           (c->args[0] == VCPUOP_down || c->args[0] == VCPUOP_send_nmi);
}

/* Lists may be as long as they like, but that takes its time. */
static uint64_t count(struct attack *a)
{
    return one_in(a, 1024) ? number(a) : 1 + below(a, 5);
}

static struct call make_call(struct attack *a)
{
    struct call c;

    do {
        c.op = one_in(a, 16) ? below(a, 70) : likely[below(a, sizeof likely)];
        c.args[0] = one_in(a, 32) ? number(a) : below(a, 40);
        c.args[1] = argument(a);
        c.args[2] = argument(a);
        c.args[3] = c.args[4] = number(a);
        if (c.op == __HYPERVISOR_vcpu_op)
            c.args[1] = below(a, 5);
        if (c.op == __HYPERVISOR_grant_table_op)
            c.args[2] = count(a);
        if (c.op == __HYPERVISOR_multicall) {
            c.args[0] = structure(a);
            c.args[1] = count(a);
        }
        if (c.op == __HYPERVISOR_domctl || c.op == __HYPERVISOR_sysctl ||
            c.op == __HYPERVISOR_platform_op)
            c.args[0] = structure(a);
        if (c.op == __HYPERVISOR_console_io && !one_in(a, 16))
            c.args[0] = 1; /* reading is refused; what it writes is logged */
    } while (is_deadly(&c) && !one_in(a, 64));
    return c;
}

static void single(struct attack *a)
{
    struct call c = make_call(a);

    hypercall5((unsigned)c.op, c.args[0], c.args[1], c.args[2], c.args[3], c.args[4]);
    a->calls++;
}

static void several(struct attack *a)
{
    struct multicall_entry *entries = list[own_vcpu()];
    unsigned n = 2 + (unsigned)below(a, CALLS_IN_LIST - 1);

    for (unsigned i = 0; i < n; i++) {
        struct call c = make_call(a);
        entries[i].op = c.op;
        memcpy(entries[i].args, c.args, sizeof c.args);
    }
    hypercall2(__HYPERVISOR_multicall, ADDRESS(entries), n);
    a->calls += n;
}

/* ---- what the hypervisor reads without being asked to ---------------------------------------- */

static void scribble(struct attack *a)
{
    struct grant_entry_v1 *g = &grants[below(a, 32)];

    switch (below(a, 4)) {
    case 0:
        shared_info->evtchn_mask[below(a, 2)] = value(a);
        break;
    case 1:
        shared_info->evtchn_pending[below(a, 2)] = value(a);
        break;
    default:
        *g =
            (struct grant_entry_v1){.flags = one_in(a, 8) ? (uint16_t)number(a) : GTF_permit_access,
                                    .domid = (domid_t)domain(a),
                                    .frame = (uint32_t)gfn(a)};
    }
}

/* ---- other ways out of a guest --------------------------------------------------------------- */

/* Not FS, GS and where system calls go: this program lives by them. */
static uint32_t some_msr(struct attack *a)
{
    static const uint32_t msrs[] = {
        0x10,  0x1b,  0x8b,  0xfe,  0x179, 0x200,      0x20f,      0x250,      0x26f,     0x277,
        0x2ff, 0x400, 0x407, 0x800, 0x802, 0x808,      0x80b,      0x80f,      0x828,     0x830,
        0x832, 0x838, 0x839, 0x83e, 0x83f, 0xc0000103, 0xc0010015, 0xc0011029, 0x40000000};

    if (one_in(a, 4))
        return (uint32_t)random_next(&a->random) &
               ~0x103u; /* neither 0xc0000080 nor 0xc0000100 ... */
    return msrs[below(a, ARRAY_SIZE(msrs))];
}

static void other(struct attack *a)
{
    uint32_t msr = some_msr(a), out[4];
    uint64_t v = number(a);
    uint16_t port = (uint16_t)number(a);
    volatile uint64_t *nothing = (volatile uint64_t *)(uintptr_t)(0x3f000000 + below(a, 65536));

    switch (below(a, 8)) {
    case 0:
        PROBE("rdmsr", , "c"(msr), "a"(0), "d"(0));
        break;
    case 1:
        if (msr < 0xc0000080 || msr > 0xc0000102)
            PROBE("wrmsr", , "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)));
        break;
    case 2:
        cpuid((uint32_t)number(a), (uint32_t)number(a), out);
        break;
    case 3:
        PROBE("outl %%eax, %%dx", , "d"(port), "a"((uint32_t)v));
        break;
    case 4:
        PROBE("inw %%dx, %%ax", , "d"(port), "a"(0));
        break;
    case 5:
        PROBE("movq %[v], (%[at])", , [v] "r"(v), [at] "r"(nothing));
        break;
    case 6:
        PROBE("testb $1, (%[at])", , [at] "r"(nothing));
        break;
    case 7:
        PROBE("vmload", , "a"(v));
        break;
    }
}

void attack_setup(void)
{
    struct xen_add_to_physmap op = {.domid = DOMID_SELF,
                                    .space = XENMAPSPACE_grant_table,
                                    .gpfn = ADDRESS(grants) >> PAGE_SHIFT};

    self = own_domid();
    memory_op(XENMEM_add_to_physmap, &op);
}

void attack_begin(struct attack *a, uint64_t seed)
{
    a->random.state = seed;
    a->calls = 0;
}

void attack_step(struct attack *a)
{
    if (one_in(a, 32))
        other(a);
    else if (one_in(a, 8))
        scribble(a);
    else if (one_in(a, 3))
        single(a);
    else
        several(a);
}
