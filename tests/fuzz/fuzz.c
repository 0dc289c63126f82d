/*
 * libFuzzer's entry: its bytes are a sequence of what guests do. Each begins
 * on one of a few machines, alike but for the scheduler, as they are when dom0
 * and two guests run.
 */
#include <setjmp.h>
#include <stdlib.h>

#include "check.h"
#include "shapes.h"

#include "../../xen/x86/vioapic.h"

#define RESTARTS  300
#define POKE_MAX  64
#define MAX_STEPS 150
#define MOVED_GFNS 600
#define CHECK_AT  8 /* steps between two checks of everything; all of them with FUZZ_CHECK_EACH */

static const char *const policies[] = {"credit2", "credit", "rtds"};

/* snapshot.c puts all other variables back. */
#pragma clang section bss = "" data = ""
static jmp_buf stopped;
static bool ready, check_each;
#pragma clang section bss = "hv_bss" data = "hv_data"

_Noreturn void machine_stop(void)
{
    longjmp(stopped, 1);
}

/* ---- who does it ----------------------------------------------------------------------------- */

/* Bits 0-1: the domain, 3 being the first that dom0 has made; bit 2: its vCPU. */
static struct domain *domain_of(uint8_t who)
{
    struct domain *d = (who & 3) == 3 ? domain_get_next(3) : domain_get(who & 3);

    if (d)
        domain_put(d); /* nobody takes it away while we look */
    return d;
}

static struct vcpu *vcpu_of_input(uint8_t who)
{
    struct domain *d = domain_of(who);
    unsigned id = who >> 2 & 1;
    struct vcpu *v = d && id < d->max_vcpus ? d->vcpus[id] : NULL;

    return v && !d->dying && machine_serve(v) ? v : NULL;
}

/* ---- what is done ---------------------------------------------------------------------------- */

static void set_args(struct guest_regs *r, const struct call *c, bool wide)
{
    const uint64_t *a = c->args;

    r->rax = c->nr;
    if (wide) {
        r->rdi = a[0], r->rsi = a[1], r->rdx = a[2], r->r10 = a[3], r->r8 = a[4], r->r9 = a[5];
    } else {
        r->rbx = a[0], r->rcx = a[1], r->rdx = a[2], r->rsi = a[3], r->rdi = a[4], r->rbp = a[5];
    }
}

static bool call_once(struct vcpu *v)
{
    const struct guest_mode *mode = &v->hw->mode;
    unsigned bits = mode->cpl ? 0 : mode->cs_long ? 64 : 32;
    const struct domain *d = v->domain;

    if (d->privileged)
        return hypercall(v, &v->hw->regs, bits);
    isolation_begin(d);
    bool done = hypercall(v, &v->hw->regs, bits);
    isolation_end();
    return done;
}

static void do_hypercall(struct vcpu *v, struct input *in, unsigned fail)
{
    struct call c;

    call_read(in, v->domain, &c);
    set_args(&v->hw->regs, &c, v->hw->mode.cs_long);
    fail_allocation = fail;
    for (unsigned i = 0; i < RESTARTS; i++) {
        bool done = call_once(v);

        check_no_lock();
        machine_settle();
        if (done || !machine_serve(v))
            break;
    }
    fail_allocation = 0;
}

/* The guest writes to its memory, and to where its grant table and shared_info are. */
static void do_poke(struct vcpu *v, struct input *in)
{
    paddr_t at = input_gfn(in, v->domain) << PAGE_SHIFT;
    uint8_t bytes[POKE_MAX];

    at += input_bytes(in, 2) % PAGE_SIZE;
    unsigned n = input_byte(in) % POKE_MAX;
    for (unsigned i = 0; i < n; i++)
        bytes[i] = input_byte(in);
    if (copy_to_gpa(v->domain, at, bytes, n))
        return; /* part of it is nowhere */
}

static void do_grant(struct vcpu *v, struct input *in)
{
    static const uint16_t flags[] = {GTF_permit_access, GTF_permit_access | GTF_readonly, 0,
                                     GTF_permit_access | GTF_sub_page, GTF_accept_transfer};
    unsigned ref = input_byte(in) & 15;
    struct grant_entry_v1 e = {.flags = flags[input_byte(in) % ARRAY_SIZE(flags)]};

    e.domid = input_domid(in);
    e.frame = (uint32_t)input_gfn(in, v->domain);
    if (copy_to_gpa(v->domain, (world_gfn(v->domain, GRANT_PAGE) << PAGE_SHIFT) + ref * sizeof e,
                    &e, sizeof e))
        return;
}

/* As the guest's handler, or against all rules: the bits of an event. */
static void do_event(struct vcpu *v, struct input *in)
{
    unsigned port = input_byte(in) & 15;
    uint32_t word = (uint32_t)(input_byte(in) & 7) << 29; /* PENDING, MASKED, LINKED */
    paddr_t words = world_gfn(v->domain, WORDS_PAGE) << PAGE_SHIFT;

    if (copy_to_gpa(v->domain, words + port * sizeof word, &word, sizeof word))
        return;
}

static void do_time(struct vcpu *v, struct input *in)
{
    uint8_t b = input_byte(in);

    (void)v;
    machine_pass_time(b & 0x80 ? 1LL << (b & 0x7f) % 38 : b * 250000LL);
}

/* What is at its first gfns, in whatever frames. */
static uint64_t memory_hash(struct domain *d)
{
    static uint64_t page[PAGE_SIZE / sizeof(uint64_t)];
    uint64_t h = 0;

    for (gfn_t gfn = 0; gfn < MOVED_GFNS; gfn++)
        if (p2m_lookup(d, gfn).kind == P2M_RAM && !copy_from_gpa(d, page, gfn << PAGE_SHIFT, PAGE_SIZE))
            for (unsigned i = 0; i < ARRAY_SIZE(page); i++)
                h = (h ^ page[i] ^ gfn) * 0x100000001b3ULL;
    return h;
}

/* The hypervisor moves some of the guest's pages to one of the two nodes. */
static void do_move(struct vcpu *v, struct input *in)
{
    uint8_t b = input_byte(in);
    struct domain *d = v->domain;
    uint64_t before = memory_hash(d);
    gfn_t at = 0;
    bool end;

    if (is_dom0(d))
        return;
    fail_allocation = b & 2 ? 1 + (b >> 4) : 0;
    pages_move(d, &at, BIT(b & 1), b & 1, 1 + (b >> 2) * 16, &end);
    fail_allocation = 0;
    if (memory_hash(d) != before)
        panic("d%u has lost memory while it was moved", d->id);
}

/* Privileged instructions and device registers. */
static void do_register(struct vcpu *v, struct input *in)
{
    static const uint32_t msrs[] = {0x1b,  0x10,       0xfe,  0x200, 0x201,     0x250,
                                    0x2ff, 0x40000000, 0x179, 0x400, 0xc0010015};
    uint8_t what = input_byte(in);
    uint32_t msr = what & 0x20 ? 0x800 + (what & 0x1f) * 2 + (what >> 7)
                               : msrs[(what & 0x1f) % ARRAY_SIZE(msrs)];
    uint64_t value = input_bytes(in, what & 0x10 ? 8 : 2);

    if (what & 0x40 && v->domain->ioapic)
        vioapic_mmio_write(v->domain, 0xfec00000 + (value & 0x10), (uint32_t)(value >> 8));
    else if (what == 0x1f && v->domain->ioapic)
        vioapic_raise(v->domain, value & 31, value & 0x20);
    else if (what == 0xff)
        vlapic_mmio_write(v, value & 0xff0, (uint32_t)(value >> 16));
    else if (guest_wrmsr(v, msr, value))
        (void)!guest_rdmsr(v, msr, &value);
}

/* No paging, long mode with the page tables of world.c, PAE, 32 bit; rarely user mode. */
static void do_mode(struct vcpu *v, struct input *in)
{
    uint8_t b = input_byte(in);
    struct guest_mode *m = &v->hw->mode;

    *m = (struct guest_mode){.cs_long = !(b & 4), .cpl = b == 0xff ? 3 : 0};
    m->cr3 = world_gfn(v->domain, PAGE_TABLES + (b >> 4 & 3)) << PAGE_SHIFT;
    if (b & 3)
        m->cr0 = BIT(31) | BIT(16) | BIT(0);
    if ((b & 3) == 1)
        m->efer = BIT(8) | BIT(10);
    if ((b & 3) <= 2)
        m->cr4 = BIT(5) | BIT(4);
    if (b & 8)
        m->cr4 |= BIT(12);
}

static void do_step(struct input *in)
{
    uint8_t what = input_byte(in);
    struct vcpu *v = vcpu_of_input(what >> 5);
    unsigned fail = 0;

    if ((what & 31) == 26)
        fail = 1 + input_byte(in) % 16;
    if (!v)
        return;
    switch (what & 31) {
    case 24:
        do_move(v, in);
        break;
    case 25:
        do_event(v, in);
        break;
    case 27:
        do_mode(v, in);
        break;
    case 28:
        do_poke(v, in);
        break;
    case 29:
        do_grant(v, in);
        break;
    case 30:
        do_time(v, in);
        break;
    case 31:
        do_register(v, in);
        break;
    default:
        do_hypercall(v, in, fail);
    }
    check_no_lock();
    machine_settle();
}

/* ---- libFuzzer ------------------------------------------------------------------------------- */

static void prepare(void)
{
    snapshot_init();
    for (unsigned i = 0; i < ARRAY_SIZE(policies); i++) {
        snapshot_pristine();
        machine_boot(policies[i]);
        world_make();
        snapshot_take(i);
        world_end();
    }
    check_each = getenv("FUZZ_CHECK_EACH");
    ready = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, data + size};

    if (!ready)
        prepare();
    snapshot_restore(input_byte(&in) % ARRAY_SIZE(policies));
    if (setjmp(stopped))
        return 0; /* dom0 has switched the machine off */
    for (unsigned i = 1; i < MAX_STEPS && in.at < in.end; i++) {
        do_step(&in);
        if (check_each || i % CHECK_AT == 0)
            check_all();
    }
    check_all();
    world_end();
    return 0;
}
