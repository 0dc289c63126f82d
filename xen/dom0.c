/*
 * dom0: the boot loader's first module is its kernel, the second its initrd.
 *
 * In its memory, which is 1:1: the kernel where its segments want it, behind it
 * the start information (Linux reads it with its first page tables, which hold
 * only the first GiB), and at the top below 4 GiB the initrd and ACPI tables.
 */
#include "dom0.h"

#include "boot.h"
#include "elf.h"
#include "hvm.h"
#include "x86/arch.h"
#include "x86/passthrough.h"

/* Without an IOMMU, dom0's devices must not be given addresses of pages that dom0 has mapped from
 * other domains: those are not 1:1. Bounce buffers are dom0's own. */
#define BOUNCE " swiotlb=force"

struct start_pages {
    struct hvm_start_info info;
    struct hvm_modlist_entry initrd;
    char cmdline[PAGE_SIZE - sizeof(struct hvm_start_info) - sizeof(struct hvm_modlist_entry)];
    struct hvm_memmap_table_entry map[DOM0_MAX_MAP];
};

struct build {
    struct dom0_memory memory;
    struct elf_image kernel;
    void *kernel_file; /* to be freed */
    const char *cmdline;
    void *initrd; /* NULL: none */
    uint64_t initrd_size;
    paddr_t start, end; /* kernel and start_pages, in whole pages */
    paddr_t info, initrd_at, acpi_at;
};

/* One line and a stop: it is not the machine's fault, nor ours. */
static _Noreturn void give_up(const char *what, const char *why)
{
    printk(LOG_ERR, "dom0 cannot be started: %s: %s", what, why);
    for (;;)
        __asm__ volatile("cli; hlt");
}

static void must(int err, const char *what)
{
    char why[16];

    if (!err)
        return;
    snprintf(why, sizeof(why), "error %d", -err);
    give_up(what, err == -XEN_ENOMEM ? "too little memory" : why);
}

/* ---- the modules ---------------------------------------------------------------------- */

/* Low memory is not free yet, so a copy is nowhere where the kernel will be. */
static void *copy_aside(const void *from, size_t size, const char *what)
{
    void *copy = xmalloc(size);

    if (!copy)
        give_up(what, "too little memory");
    return memcpy(copy, from, size);
}

/* The kernel as an ELF file outside of the modules. */
static void take_kernel(struct build *b, const struct boot_module *module)
{
    const char *file = pa_to_va(module->start), *image, *why = NULL;
    size_t size;

    image = image_unpack(file, module->size, &size, &why);
    if (image)
        why = elf_parse(image, size, &b->kernel);
    if (why)
        give_up("kernel", why);
    b->start = ROUND_DOWN(b->kernel.start, PAGE_SIZE);
    b->info = ROUND_UP(b->kernel.end, PAGE_SIZE);
    b->end = b->info + ROUND_UP(sizeof(struct start_pages), PAGE_SIZE);

    if (image >= file && image < file + module->size)
        image = copy_aside(image, size, "kernel");
    b->kernel_file = (void *)(uintptr_t)image;
    b->kernel.file = b->kernel_file;
    printk(LOG_INFO, "dom0: kernel [%lx, %lx), entry %x, unpacked from %lu to %lu KiB",
           b->kernel.start, b->kernel.end, b->kernel.entry, module->size >> 10, size >> 10);
}

/* Loaders put modules on page boundaries, as the image's header asks. */
static void free_module(const struct boot_module *module)
{
    paddr_t end = ROUND_UP(module->start + module->size, PAGE_SIZE);

    for (paddr_t at = module->start; at < end; at += PAGE_SIZE)
        frames_release(at >> PAGE_SHIFT, (at >> PAGE_SHIFT) + 1, acpi_node_of_memory(at));
}

static void take_modules(struct build *b)
{
    const struct boot_module *module = boot.module;

    if (!boot.nr_modules)
        give_up("kernel", "the boot loader gave no module");
    for (unsigned i = 0; i < boot.nr_modules; i++) {
        if (!module[i].size || module[i].start % PAGE_SIZE)
            give_up(i ? "initrd" : "kernel", "its module is empty or not on a page boundary");
        if (i > 1)
            printk(LOG_WARN, "dom0: module %u is not used", i);
    }
    take_kernel(b, &module[0]);
    b->cmdline = module[0].cmdline;
    if (boot.nr_modules > 1) {
        b->initrd_size = module[1].size;
        b->initrd = copy_aside(pa_to_va(module[1].start), b->initrd_size, "initrd");
    }
}

/* ---- the domain ------------------------------------------------------------------------- */

static unsigned nr_vcpus_wanted(void)
{
    unsigned n = options.dom0_max_vcpus ? options.dom0_max_vcpus : nr_pcpus;

    return MIN(n, (unsigned)MAX_VCPUS);
}

static void create(struct build *b)
{
    const struct xen_domctl_createdomain config = {
        .flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap,
        .max_vcpus = nr_vcpus_wanted(),
        .max_evtchn_port = -1,
        .max_grant_frames = 64,
        .max_maptrack_frames = 1024,
        .arch.emulation_flags = XEN_X86_EMU_LAPIC | XEN_X86_EMU_IOAPIC,
    };

    must(domain_create(0, &config, true, &dom0), "domain");
    b->memory.domain = dom0;
    dom0->max_pages = frames_total();
    for (unsigned i = 0; i < config.max_vcpus; i++)
        must(vcpu_create(dom0, i), "vCPU");
    must(passthrough_init(dom0), "IO-APICs");
}

static void pin(struct vcpu *v)
{
    struct mask hard;
    int err;

    mask_clear_all(&hard);
    mask_set(&hard, v->id % nr_pcpus);
    spin_lock(&sched_lock);
    err = sched_set_affinity(v->unit, &hard, NULL, now(), NULL);
    spin_unlock(&sched_lock);
    if (err)
        printk(LOG_WARN, "dom0: vCPU %u cannot be pinned to pCPU %u", v->id, v->id % nr_pcpus);
}

/* ---- its memory --------------------------------------------------------------------------- */

/* The hypervisor keeps a sixteenth, for page tables and domains: at least 32 MiB, at most 1 GiB. */
static uint64_t frames_wanted(const struct build *b)
{
    uint64_t all = frames_free_count(NODE_ANY) + b->memory.domain->tot_pages;
    uint64_t kept = MAX(MIB(32), MIN(GIB(1), (all << PAGE_SHIFT) / 16)) >> PAGE_SHIFT;
    uint64_t most = all > kept ? all - kept : 0, wanted = options.dom0_mem >> PAGE_SHIFT;

    if (wanted > most)
        printk(LOG_WARN, "dom0_mem: %lu MiB are not to be had, %lu MiB are", wanted >> 8, most >> 8);
    return wanted ? MIN(wanted, most) : most;
}

static void claim_kernel(struct build *b)
{
    memory_release_low();
    dom0_release_first_mib();
    for (unsigned i = 0; i < boot.nr_modules; i++)
        free_module(&boot.module[i]);
    if (dom0_claim(&b->memory, b->start >> PAGE_SHIFT, b->end >> PAGE_SHIFT))
        give_up("kernel", "the memory that its segments want is not free");
    elf_load(&b->kernel, pa_to_va(b->kernel.start));
    xfree(b->kernel_file);
}

/* Initrd and tables next to each other: Linux keeps only 32 bits of the initrd's address. */
static void place_high(struct build *b)
{
    uint64_t size = ROUND_UP(b->initrd_size, PAGE_SIZE);

    b->initrd_at = dom0_place(&b->memory, size + DOM0_ACPI_SIZE, b->end, GIB(4));
    if (!b->initrd_at)
        give_up("initrd", "dom0 has too little memory for it: see dom0_mem=");
    b->acpi_at = b->initrd_at + size;
    must(dom0_set_type(&b->memory, b->acpi_at >> PAGE_SHIFT,
                       (b->acpi_at + DOM0_ACPI_SIZE) >> PAGE_SHIFT, E820_ACPI),
         "ACPI tables");
    if (b->initrd)
        memcpy(pa_to_va(b->initrd_at), b->initrd, b->initrd_size);
    xfree(b->initrd);
}

static void claim_memory(struct build *b)
{
    claim_kernel(b);
    dom0_claim_up_to(&b->memory, frames_wanted(b));
    place_high(b);
    dom0->max_pages = MAX(options.dom0_mem_max >> PAGE_SHIFT, dom0->tot_pages);
    must(dom0_map(&b->memory), "nested page tables");
    must(dom0_describe(&b->memory), "memory map");
}

/* ---- how it starts -------------------------------------------------------------------------- */

static void write_cmdline(const struct build *b, struct start_pages *pages)
{
    size_t size = sizeof(pages->cmdline);

    if ((size_t)snprintf(pages->cmdline, size, "%s" BOUNCE, b->cmdline) >= size)
        give_up("kernel", "its command line is too long");
}

static void write_memory_map(struct start_pages *pages)
{
    for (unsigned i = 0; i < dom0->nr_e820; i++)
        pages->map[i] = (struct hvm_memmap_table_entry){
            .addr = dom0->e820[i].addr,
            .size = dom0->e820[i].size,
            .type = dom0->e820[i].type,
        };
}

static void write_start_pages(const struct build *b)
{
    struct start_pages *pages = pa_to_va(b->info);

    memset(pages, 0, sizeof(*pages));
    write_cmdline(b, pages);
    write_memory_map(pages);
    pages->initrd.paddr = b->initrd_at;
    pages->initrd.size = b->initrd_size;
    pages->info = (struct hvm_start_info){
        .magic = XEN_HVM_START_MAGIC_VALUE,
        .version = 1,
        .flags = SIF_PRIVILEGED | SIF_INITDOMAIN,
        .nr_modules = b->initrd_size ? 1 : 0,
        .modlist_paddr = b->info + offsetof(struct start_pages, initrd),
        .cmdline_paddr = b->info + offsetof(struct start_pages, cmdline),
        .rsdp_paddr = dom0_acpi_build(b->acpi_at, dom0->max_vcpus),
        .memmap_paddr = b->info + offsetof(struct start_pages, map),
        .memmap_entries = dom0->nr_e820,
    };
}

static void report(const struct build *b)
{
    printk(LOG_INFO, "dom0: %u vCPUs%s, %lu MiB 1:1, initrd [%lx, %lx), ACPI tables at %lx",
           dom0->max_vcpus, options.dom0_vcpus_pin ? " pinned" : "", dom0->tot_pages >> 8,
           b->initrd_at, b->initrd_at + b->initrd_size, b->acpi_at);
    for (unsigned i = 0; i < dom0->nr_e820; i++)
        printk(LOG_DEBUG, "dom0: memory [%lx, %lx) type %u", dom0->e820[i].addr,
               dom0->e820[i].addr + dom0->e820[i].size, dom0->e820[i].type);
    printk(LOG_INFO, "dom0: no IOMMU:" BOUNCE " added to its command line");
}

void dom0_build(void)
{
    struct build b = {0};

    take_modules(&b);
    create(&b);
    claim_memory(&b);
    write_start_pages(&b);
    report(&b);
    for (unsigned i = 0; options.dom0_vcpus_pin && i < dom0->max_vcpus; i++)
        pin(dom0->vcpus[i]);
    hvm->start_flat(dom0->vcpus[0], b.kernel.entry, (uint32_t)b.info);
    vcpu_up(dom0->vcpus[0]);
    domain_unpause(dom0);
}
