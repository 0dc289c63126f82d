#include "builder.h"

#include "../../../../xen/elf.h"

#include <xen/hvm/save.h>

#define MAP_AT                                                                                     \
    0x120000000ULL /* dom0's view of a child: above all RAM, within start.S's mapping              \
                    */
#define MAX_MAPPED   512u
#define ORDER_2MIB   9
#define KEPT_PAGES   8
#define TEAR_DOWN_NS 2000000000ULL

static unsigned nr_mapped;

/* ---- domctls --------------------------------------------------------------------------------- */

long domctl(struct xen_domctl *c, unsigned command, domid_t domain)
{
    c->cmd = command;
    c->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    c->domain = domain;
    return hypercall2(__HYPERVISOR_domctl, ADDRESS(c), 0);
}

void avoid_first_pcpu(domid_t domain, unsigned vcpus)
{
    uint64_t others = ~1ULL;

    for (unsigned id = 0; id < vcpus; id++) {
        struct xen_domctl op = {.u.vcpuaffinity = {.vcpu = id, .flags = XEN_VCPUAFFINITY_HARD}};

        op.u.vcpuaffinity.cpumap_hard.bitmap.p = (void *)&others;
        op.u.vcpuaffinity.cpumap_hard.nr_bits = 64;
        long err = domctl(&op, XEN_DOMCTL_setvcpuaffinity, domain);
        if (err && err != -XEN_EINVAL) /* there is only one */
            error("the affinity of d%uv%u cannot be set: %ld", domain, id, err);
        others = ~1ULL; /* the hypervisor has written back which of them it has */
    }
}

static int simple(const struct child *c, unsigned command)
{
    struct xen_domctl op = {0};
    return (int)domctl(&op, command, c->id);
}

int child_destroy(const struct child *c)
{
    return simple(c, XEN_DOMCTL_destroydomain);
}

int child_unpause(const struct child *c)
{
    return simple(c, XEN_DOMCTL_unpausedomain);
}

int child_pause(const struct child *c)
{
    return simple(c, XEN_DOMCTL_pausedomain);
}

int child_info(const struct child *c, struct xen_domctl_getdomaininfo *info)
{
    struct xen_domctl op = {0};
    int err = (int)domctl(&op, XEN_DOMCTL_getdomaininfo, c->id);

    if (!err && op.domain != c->id)
        err = -XEN_ESRCH;
    *info = op.u.getdomaininfo;
    return err;
}

int child_shutdown_code(const struct child *c)
{
    struct xen_domctl_getdomaininfo info;

    if (child_info(c, &info) || !(info.flags & XEN_DOMINF_shutdown))
        return -1;
    return info.flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;
}

int child_run(const struct child *c, unsigned ms)
{
    uint64_t limit = now() + ms * 1000000ULL;
    int code, err = child_unpause(c);

    if (err)
        error("d%u cannot be unpaused: %d", c->id, err);
    while ((code = child_shutdown_code(c)) < 0 && now() < limit)
        rest(1000000);
    return code;
}

uint64_t free_pages(void)
{
    struct xen_sysctl s = {.cmd = XEN_SYSCTL_physinfo,
                           .interface_version = XEN_SYSCTL_INTERFACE_VERSION};
    long err = hypercall2(__HYPERVISOR_sysctl, ADDRESS(&s), 0);

    if (err)
        error("no physinfo: %ld", err);
    return s.u.physinfo.free_pages;
}

void expect_free_pages(uint64_t before)
{
    uint64_t limit = now() + TEAR_DOWN_NS, free;

    while ((free = free_pages()) + KEPT_PAGES < before && now() < limit)
        relax();
    if (free + KEPT_PAGES < before)
        failure("%lu pages are free, %lu were before", free, before);
}

/* ---- its memory ------------------------------------------------------------------------------ */

void *child_map(const struct child *c, uint64_t gpa, unsigned nr)
{
    static xen_ulong_t from[MAX_MAPPED];
    static xen_pfn_t to[MAX_MAPPED];
    static int errs[MAX_MAPPED];
    struct xen_add_to_physmap_batch op = {.domid = DOMID_SELF,
                                          .space = XENMAPSPACE_gmfn_foreign,
                                          .size = (uint16_t)nr,
                                          .u.foreign_domid = c->id};

    if (nr > MAX_MAPPED || nr_mapped)
        error("cannot map %u pages, %u are mapped", nr, nr_mapped);
    for (unsigned i = 0; i < nr; i++) {
        from[i] = (gpa >> PAGE_SHIFT) + i;
        to[i] = (MAP_AT >> PAGE_SHIFT) + i;
        errs[i] = 1;
    }
    op.idxs.p = from;
    op.gpfns.p = to;
    op.errs.p = errs;
    long err = memory_op(XENMEM_add_to_physmap_batch, &op);
    for (unsigned i = 0; i < nr; i++)
        if (err || errs[i])
            error("page 0x%lx of d%u cannot be mapped: %ld, %d", from[i], c->id, err, errs[i]);
    nr_mapped = nr;
    return (void *)MAP_AT;
}

void child_unmap(void)
{
    while (nr_mapped) {
        struct xen_remove_from_physmap op = {.domid = DOMID_SELF,
                                             .gpfn = (MAP_AT >> PAGE_SHIFT) + --nr_mapped};
        long err = memory_op(XENMEM_remove_from_physmap, &op);
        if (err)
            error("foreign page %u cannot be unmapped: %ld", nr_mapped, err);
    }
}

/* Whole 2 MiB: the first ones, for other vCPUs to start in, and those of [start, end). */
static int populate(const struct child *c, uint64_t start, uint64_t end)
{
    static xen_pfn_t gfns[16];
    struct xen_domctl max = {0};
    struct xen_memory_reservation r = {.extent_order = ORDER_2MIB, .domid = c->id};
    unsigned n = 0;

    gfns[n++] = 0;
    for (uint64_t at = ROUND_DOWN(start, MIB(2)); at < end && n < 16; at += MIB(2))
        gfns[n++] = at >> PAGE_SHIFT;
    max.u.max_mem.max_memkb = n * 2048 + 64;
    int err = (int)domctl(&max, XEN_DOMCTL_max_mem, c->id);
    if (err)
        return err;
    r.nr_extents = n;
    r.extent_start.p = gfns;
    return memory_op(XENMEM_populate_physmap, &r) == n ? 0 : -XEN_ENOMEM;
}

static void write_start_info(const struct child *c)
{
    struct hvm_start_info *info = child_map(c, c->start_info, 1);

    *info = (struct hvm_start_info){.magic = XEN_HVM_START_MAGIC_VALUE, .version = 1};
    child_unmap();
}

/* ---- its processor --------------------------------------------------------------------------- */

struct hvm_hw_cpu child_flat_cpu(const struct child *c, uint64_t argument)
{
    enum { CODE = 0xc9b, DATA = 0xc93, TSS = 0x8b, LDT = 0x82 };

    return (struct hvm_hw_cpu){
        .rip = c->entry,
        .rbx = c->start_info,
        .rsi = argument,
        .rflags = 2,
        .cr0 = 0x11,
        .dr6 = 0xffff0ff0,
        .dr7 = 0x400,
        .cs_limit = ~0u,
        .cs_arbytes = CODE,
        .ds_limit = ~0u,
        .ds_arbytes = DATA,
        .es_limit = ~0u,
        .es_arbytes = DATA,
        .ss_limit = ~0u,
        .ss_arbytes = DATA,
        .fs_limit = ~0u,
        .fs_arbytes = DATA,
        .gs_limit = ~0u,
        .gs_arbytes = DATA,
        .tr_limit = 0x67,
        .tr_arbytes = TSS,
        .ldtr_arbytes = LDT,
    };
}

long child_set_cpu(const struct child *c, unsigned id, const struct hvm_hw_cpu *cpu)
{
    static struct {
        struct hvm_save_descriptor header_is;
        struct hvm_save_header header;
        struct hvm_save_descriptor cpu_is;
        struct hvm_hw_cpu cpu;
        struct hvm_save_descriptor end_is;
    } packed context;
    struct xen_domctl op = {0};

    memset(&context, 0, sizeof context);
    context.header_is =
        (struct hvm_save_descriptor){HVM_SAVE_CODE(HEADER), 0, HVM_SAVE_LENGTH(HEADER)};
    context.header.magic = HVM_FILE_MAGIC;
    context.header.version = HVM_FILE_VERSION;
    context.cpu_is =
        (struct hvm_save_descriptor){HVM_SAVE_CODE(CPU), (uint16_t)id, HVM_SAVE_LENGTH(CPU)};
    context.cpu = *cpu;
    context.end_is = (struct hvm_save_descriptor){HVM_SAVE_CODE(END), 0, 0};
    op.u.hvmcontext.size = sizeof context;
    op.u.hvmcontext.buffer.p = (void *)&context;
    return domctl(&op, XEN_DOMCTL_sethvmcontext, c->id);
}

/* ---- all together ---------------------------------------------------------------------------- */

static void take_image(struct elf_image *image)
{
    const struct hvm_modlist_entry *module = (const void *)(uintptr_t)start_info()->modlist_paddr;
    const char *why = "there is none";

    if (start_info()->nr_modules)
        why = elf_parse((const void *)(uintptr_t)module->paddr, module->size, image);
    if (why)
        error("module 1 is no child: %s", why);
}

static int build(struct child *c, unsigned vcpus, uint64_t argument)
{
    struct xen_domctl max = {.u.max_vcpus.max = vcpus};
    struct elf_image image;

    take_image(&image);
    c->entry = image.entry;
    c->start_info = ROUND_UP(image.end, PAGE_SIZE);
    int err = (int)domctl(&max, XEN_DOMCTL_max_vcpus, c->id);
    if (!err)
        err = populate(c, image.start, c->start_info + PAGE_SIZE);
    if (err)
        return err;
    avoid_first_pcpu(c->id, vcpus);
    elf_load(&image,
             child_map(c, image.start, (unsigned)((c->start_info - image.start) >> PAGE_SHIFT)));
    child_unmap();
    write_start_info(c);
    struct hvm_hw_cpu cpu = child_flat_cpu(c, argument);
    return (int)child_set_cpu(c, 0, &cpu);
}

int child_create(struct child *c, unsigned vcpus, uint64_t argument)
{
    struct xen_domctl op = {.u.createdomain = {
                                .flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap,
                                .max_vcpus = vcpus,
                                .max_evtchn_port = 1023,
                                .max_grant_frames = 8,
                                .max_maptrack_frames = 8,
                                .grant_opts = XEN_DOMCTL_GRANT_version(1),
                                .arch.emulation_flags = XEN_X86_EMU_LAPIC,
                            }};
    int err = (int)domctl(&op, XEN_DOMCTL_createdomain, DOMID_INVALID);

    if (err)
        return err;
    c->id = op.domain;
    err = build(c, vcpus, argument);
    if (err)
        child_destroy(c);
    return err;
}
