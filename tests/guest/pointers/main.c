/*
 * Every hypercall that takes a pointer, with pointers that lead nowhere: the
 * answer is EFAULT, nothing has changed, and the hypervisor goes on. The same for
 * the pointers within the structures that the first one points to.
 */
#include "../lib/guest.h"

/* ---- bad addresses --------------------------------------------------------------------------- */

#define HOLE       0x3f00000000ULL /* neither memory nor a device there */
#define LAPIC_MMIO 0xfee00000ULL

/* Pages of the window. */
enum {
    RAM_THEN_NOTHING,
    NOTHING,
    RAM_THEN_HOLE,
    HOLE_AFTER_RAM,
    AT_HOLE,
    AT_LAPIC,
    READ_ONLY,
    READ_ONLY_THEN_NOTHING
};
#define BEYOND_TABLES (3ULL << 39) /* its page table is not in memory */

static char ram[PAGE_SIZE] aligned_to(4096), other_ram[PAGE_SIZE] aligned_to(4096);

static void windows(void)
{
    window_map(RAM_THEN_NOTHING, ADDRESS(ram), PTE_P | PTE_W);
    window_map(RAM_THEN_HOLE, ADDRESS(ram), PTE_P | PTE_W);
    window_map(HOLE_AFTER_RAM, HOLE, PTE_P | PTE_W);
    window_map(AT_HOLE, HOLE, PTE_P | PTE_W);
    window_map(AT_LAPIC, LAPIC_MMIO, PTE_P | PTE_W);
    window_map(READ_ONLY, ADDRESS(other_ram), PTE_P);
    boot_pml4[3] = HOLE | PTE_P | PTE_W | PTE_U;
}

#define NR_BAD 10

/* The i-th bad place for `size` bytes, with as much of them as fits there; 0: no such one. */
static uint64_t bad_address(unsigned i, const void *what, size_t size)
{
    size_t part = size / 2;
    uint64_t at;

    switch (i) {
    case 0:
        return ADDRESS(window_at(NOTHING));
    case 1: /* its second half is on the next page, which is not there */
    case 2: /* or is no memory */
        if (size < 2)
            return 0;
        at = ADDRESS(window_at(i == 1 ? RAM_THEN_NOTHING : RAM_THEN_HOLE)) + PAGE_SIZE - part;
        memcpy((void *)(uintptr_t)at, what, part);
        return at;
    case 3:
        return ADDRESS(window_at(AT_HOLE));
    case 4:
        return ADDRESS(window_at(AT_LAPIC)) + 0x20;
    case 5:
        return 0x0000800000000000; /* not canonical */
    case 6:
        return 0xffff7fffffffffff;
    case 7:
        return 0x8000000000000000;
    case 8:
        return BEYOND_TABLES;
    case 9:
        return size > 4 ? ~0ULL - 3 : 0; /* around the end of all addresses */
    }
    return 0;
}

/* ---- calls ----------------------------------------------------------------------------------- */

struct call {
    const char *name;
    unsigned op;
    uint64_t args[4]; /* POINTER stands for the structure's address */
    const void *is;   /* a sound structure */
    size_t size;
    bool writes;
};
#define POINTER 0x7ffffffffff0badULL

static long call_with(const struct call *c, uint64_t pointer)
{
    uint64_t a[4];

    for (unsigned i = 0; i < 4; i++)
        a[i] = c->args[i] == POINTER ? pointer : c->args[i];
    return hypercall5(c->op, a[0], a[1], a[2], a[3], 0);
}

static void expect_fault(const char *name, unsigned i, uint64_t at, long result)
{
    if (result != -XEN_EFAULT)
        failure("%s with bad pointer %u (0x%lx): %ld", name, i, at, result);
}

static void try(const struct call *c)
{
    for (unsigned i = 0; i < NR_BAD; i++) {
        uint64_t at = bad_address(i, c->is, c->size);
        if (at)
            expect_fault(c->name, i, at, call_with(c, at));
    }
    if (!c->writes)
        return;
    memcpy(other_ram, c->is, c->size);
    uint64_t at = ADDRESS(window_at(READ_ONLY));
    expect_fault(c->name, NR_BAD, at, call_with(c, at));
    if (memcmp(other_ram, c->is, c->size))
        failure("%s writes to a page that is read-only", c->name);
}

/* A structure in good memory with a pointer in it that is not: `handle` lies within *c->is. */
static void try_nested(const struct call *c, void *handle, size_t size)
{
    static const char zeros[2048];
    uint64_t good = ADDRESS(c->is), saved;

    memcpy(&saved, handle, 8);
    for (unsigned i = 0; i < NR_BAD; i++) {
        uint64_t at = bad_address(i, zeros, size);
        if (!at)
            continue;
        memcpy(handle, &at, 8);
        expect_fault(c->name, i, at, call_with(c, good));
    }
    memcpy(handle, &saved, 8);
}

#define CALL(what, hypercall, variable, writes_, ...)                                              \
    ((struct call){.name = what,                                                                   \
                   .op = __HYPERVISOR_##hypercall,                                                 \
                   .args = {__VA_ARGS__},                                                          \
                   .is = &(variable),                                                              \
                   .size = sizeof(variable),                                                       \
                   .writes = writes_})
#define TRY(name, hypercall, variable, writes, ...)                                                \
    do {                                                                                           \
        struct call c_ = CALL(name, hypercall, variable, writes, __VA_ARGS__);                     \
        try(&c_);                                                                                  \
    } while (0)
#define TRY_NESTED(name, hypercall, variable, handle, size, ...)                                   \
    do {                                                                                           \
        struct call c_ = CALL(name, hypercall, variable, false, __VA_ARGS__);                      \
        try_nested(&c_, &(handle), size);                                                          \
    } while (0)

/* ---- families -------------------------------------------------------------------------------- */

static void versions(void)
{
    xen_extraversion_t extra = {0};
    static xen_compile_info_t compile;
    xen_capabilities_info_t capabilities = {0};
    xen_changeset_info_t changeset = {0};
    xen_platform_parameters_t platform = {0};
    xen_feature_info_t features = {0};
    xen_domain_handle_t handle = {0};
    xen_commandline_t commandline = {0};

    TRY("extraversion", xen_version, extra, true, XENVER_extraversion, POINTER);
    TRY("compile_info", xen_version, compile, true, XENVER_compile_info, POINTER);
    TRY("capabilities", xen_version, capabilities, true, XENVER_capabilities, POINTER);
    TRY("changeset", xen_version, changeset, true, XENVER_changeset, POINTER);
    TRY("platform_parameters", xen_version, platform, true, XENVER_platform_parameters, POINTER);
    TRY("get_features", xen_version, features, true, XENVER_get_features, POINTER);
    TRY("guest_handle", xen_version, handle, true, XENVER_guest_handle, POINTER);
    TRY("commandline", xen_version, commandline, true, XENVER_commandline, POINTER);
}

#define MEM(name, variable, writes, command)                                                       \
    TRY(name, memory_op, variable, writes, command, POINTER)
#define MEM_NESTED(name, variable, handle, size, command)                                          \
    TRY_NESTED(name, memory_op, variable, handle, size, command, ADDRESS(&(variable)))

static void memory(void)
{
    struct xen_memory_reservation r = {.nr_extents = 1, .domid = DOMID_SELF};
    struct xen_add_to_physmap add = {.domid = DOMID_SELF, .space = 99};
    struct xen_remove_from_physmap remove = {.domid = DOMID_SELF, .gpfn = HOLE >> PAGE_SHIFT};
    struct xen_memory_map map = {.nr_entries = 4};
    struct xen_foreign_memory_map foreign = {.domid = 77};
    struct xen_add_to_physmap_batch batch = {
        .domid = DOMID_SELF, .space = XENMAPSPACE_gmfn, .size = 1};
    struct xen_mem_acquire_resource resource = {.domid = 77, .nr_frames = 1};
    struct xen_pod_target pod = {.domid = DOMID_SELF};
    domid_t self = DOMID_SELF;
    uint64_t nowhere = HOLE >> PAGE_SHIFT;
    int err = 0;

    MEM("populate_physmap", r, false, XENMEM_populate_physmap);
    MEM("decrease_reservation", r, false, XENMEM_decrease_reservation);
    MEM_NESTED("populate_physmap's list", r, r.extent_start.p, 8, XENMEM_populate_physmap);
    MEM_NESTED("decrease_reservation's list", r, r.extent_start.p, 8, XENMEM_decrease_reservation);
    MEM("current_reservation", self, false, XENMEM_current_reservation);
    MEM("maximum_reservation", self, false, XENMEM_maximum_reservation);
    MEM("maximum_gpfn", self, false, XENMEM_maximum_gpfn);
    MEM("add_to_physmap", add, false, XENMEM_add_to_physmap);
    MEM("remove_from_physmap", remove, false, XENMEM_remove_from_physmap);
    MEM("memory_map", map, false, XENMEM_memory_map);
    MEM_NESTED("memory_map's buffer", map, map.buffer.p, 80, XENMEM_memory_map);
    MEM("machine_memory_map", map, false, XENMEM_machine_memory_map);
    MEM_NESTED("machine_memory_map's buffer", map, map.buffer.p, 80, XENMEM_machine_memory_map);
    foreign.map.nr_entries = 2;
    MEM("set_memory_map", foreign, false, XENMEM_set_memory_map);
    MEM_NESTED("set_memory_map's buffer", foreign, foreign.map.buffer.p, 40, XENMEM_set_memory_map);
    MEM("claim_pages", r, false, XENMEM_claim_pages);
    MEM("get_pod_target", pod, true, XENMEM_get_pod_target);
    MEM("acquire_resource", resource, false, XENMEM_acquire_resource);
    batch.idxs.p = batch.gpfns.p = &nowhere;
    batch.errs.p = &err;
    MEM("add_to_physmap_batch", batch, false, XENMEM_add_to_physmap_batch);
    MEM_NESTED("batch's idxs", batch, batch.idxs.p, 8, XENMEM_add_to_physmap_batch);
    MEM_NESTED("batch's gpfns", batch, batch.gpfns.p, 8, XENMEM_add_to_physmap_batch);
    MEM_NESTED("batch's errs", batch, batch.errs.p, 4, XENMEM_add_to_physmap_batch);
}

#define EVENT(name, variable, writes, command)                                                     \
    TRY(name, event_channel_op, variable, writes, command, POINTER)

static void events(void)
{
    struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF, .remote_dom = DOMID_SELF};
    struct evtchn_bind_interdomain inter = {.remote_dom = DOMID_SELF};
    struct evtchn_bind_virq virq = {.virq = VIRQ_DEBUG};
    struct evtchn_bind_ipi ipi = {0};
    struct evtchn_bind_vcpu vcpu = {0};
    struct evtchn_close close = {0};
    struct evtchn_send send = {0};
    struct evtchn_unmask unmask = {0};
    struct evtchn_status status = {.dom = DOMID_SELF};
    struct evtchn_reset reset = {.dom = DOMID_SELF};
    struct evtchn_init_control control = {.control_gfn = HOLE >> PAGE_SHIFT};
    struct evtchn_expand_array expand = {.array_gfn = HOLE >> PAGE_SHIFT};
    struct evtchn_set_priority priority = {0};
    int before = bind_ipi(0), after;

    EXPECT(event_close((evtchn_port_t)before), 0);
    EVENT("alloc_unbound", alloc, true, EVTCHNOP_alloc_unbound);
    EVENT("bind_virq", virq, true, EVTCHNOP_bind_virq);
    EVENT("bind_ipi", ipi, true, EVTCHNOP_bind_ipi);
    EXPECT(event_op(EVTCHNOP_alloc_unbound, &alloc), 0);
    inter.remote_port = alloc.port;
    EVENT("bind_interdomain", inter, true, EVTCHNOP_bind_interdomain);
    struct evtchn_status s = {.dom = DOMID_SELF, .port = alloc.port};
    EXPECT(event_op(EVTCHNOP_status, &s), 0);
    EXPECT(s.status, EVTCHNSTAT_unbound); /* as before */
    EXPECT(event_close(alloc.port), 0);
    after = bind_ipi(0);
    EXPECT(after, before); /* what could not be told has been closed again */
    EXPECT(event_close((evtchn_port_t)after), 0);

    EVENT("bind_vcpu", vcpu, false, EVTCHNOP_bind_vcpu);
    EVENT("close", close, false, EVTCHNOP_close);
    EVENT("send", send, false, EVTCHNOP_send);
    EVENT("unmask", unmask, false, EVTCHNOP_unmask);
    EVENT("status", status, true, EVTCHNOP_status);
    EVENT("reset", reset, false, EVTCHNOP_reset);
    EVENT("init_control", control, false, EVTCHNOP_init_control);
    EVENT("expand_array", expand, false, EVTCHNOP_expand_array);
    EVENT("set_priority", priority, false, EVTCHNOP_set_priority);
}

static void scheduling(void)
{
    struct sched_shutdown off = {.reason = SHUTDOWN_reboot};
    struct sched_remote_shutdown remote = {.domain_id = 77};
    struct sched_poll poll = {.nr_ports = 1, .timeout = 1};

    TRY("shutdown", sched_op, off, false, SCHEDOP_shutdown, POINTER);
    TRY("shutdown_code", sched_op, off, false, SCHEDOP_shutdown_code, POINTER);
    TRY("remote_shutdown", sched_op, remote, false, SCHEDOP_remote_shutdown, POINTER);
    TRY("poll", sched_op, poll, false, SCHEDOP_poll, POINTER);
    TRY_NESTED("poll's ports", sched_op, poll, poll.ports.p, 4, SCHEDOP_poll, ADDRESS(&poll));
}

#define VCPU(name, variable, writes, command)                                                      \
    TRY(name, vcpu_op, variable, writes, command, 0, POINTER)

static void vcpus(void)
{
    struct vcpu_runstate_info info = {0};
    struct vcpu_set_periodic_timer periodic = {.period_ns = 1000000000};
    struct vcpu_set_singleshot_timer single = {.timeout_abs_ns = ~0ULL};
    struct vcpu_register_vcpu_info place = {.mfn = HOLE >> PAGE_SHIFT};
    struct vcpu_register_runstate_memory_area runstate;
    struct vcpu_register_time_memory_area time;
    static struct vcpu_hvm_context context;

    memset(&runstate, 0, sizeof runstate);
    memset(&time, 0, sizeof time);
    VCPU("get_runstate_info", info, true, VCPUOP_get_runstate_info);
    VCPU("set_periodic_timer", periodic, false, VCPUOP_set_periodic_timer);
    VCPU("set_singleshot_timer", single, false, VCPUOP_set_singleshot_timer);
    VCPU("register_vcpu_info", place, false, VCPUOP_register_vcpu_info);
    VCPU("initialise", context, false, VCPUOP_initialise);
    VCPU("register_runstate", runstate, false, VCPUOP_register_runstate_memory_area);
    TRY_NESTED("the runstate area", vcpu_op, runstate, runstate.addr.p, sizeof info,
               VCPUOP_register_runstate_memory_area, 0, ADDRESS(&runstate));
    VCPU("register_time", time, false, VCPUOP_register_vcpu_time_memory_area);
    TRY_NESTED("the time area", vcpu_op, time, time.addr.p, sizeof(struct vcpu_time_info),
               VCPUOP_register_vcpu_time_memory_area, 0, ADDRESS(&time));
}

#define GRANT(name, variable, writes, command)                                                     \
    TRY(name, grant_table_op, variable, writes, command, POINTER, 1)

static void grants(void)
{
    struct gnttab_map_grant_ref map = {.flags = GNTMAP_host_map, .dom = DOMID_SELF};
    struct gnttab_unmap_grant_ref unmap = {.handle = ~0u};
    struct gnttab_setup_table setup = {.dom = DOMID_SELF, .nr_frames = 1};
    struct gnttab_copy copy = {.len = 1};
    struct gnttab_query_size size = {.dom = DOMID_SELF};
    struct gnttab_set_version set = {.version = 1};
    struct gnttab_get_version get = {.dom = DOMID_SELF};
    struct gnttab_swap_grant_ref swap = {0};
    struct gnttab_get_status_frames status = {.dom = DOMID_SELF};
    uint64_t frame;

    setup.frame_list.p = &frame;
    GRANT("map_grant_ref", map, true, GNTTABOP_map_grant_ref);
    GRANT("unmap_grant_ref", unmap, true, GNTTABOP_unmap_grant_ref);
    GRANT("setup_table", setup, true, GNTTABOP_setup_table);
    TRY_NESTED("setup_table's list", grant_table_op, setup, setup.frame_list.p, 8,
               GNTTABOP_setup_table, ADDRESS(&setup), 1);
    GRANT("copy", copy, true, GNTTABOP_copy);
    GRANT("query_size", size, true, GNTTABOP_query_size);
    GRANT("set_version", set, true, GNTTABOP_set_version);
    GRANT("get_version", get, true, GNTTABOP_get_version);
    GRANT("swap_grant_ref", swap, true, GNTTABOP_swap_grant_ref);
    GRANT("get_status_frames", status, true, GNTTABOP_get_status_frames);

    /* The second of two is not there: the first one is done. */
    struct gnttab_unmap_grant_ref *two =
        (void *)(ADDRESS(window_at(RAM_THEN_NOTHING)) + PAGE_SIZE - sizeof unmap);
    two->handle = ~0u;
    two->status = 77;
    EXPECT(grant_op(GNTTABOP_unmap_grant_ref, two, 2), -XEN_EFAULT);
    EXPECT(two->status, GNTST_bad_handle);
}

static void hvm(void)
{
    struct xen_hvm_param param = {.domid = DOMID_SELF, .index = HVM_PARAM_STORE_EVTCHN};
    struct xen_hvm_evtchn_upcall_vector vector = {.vector = UPCALL_VECTOR};
    char text[64] = {0};

    TRY("get_param", hvm_op, param, true, HVMOP_get_param, POINTER);
    TRY("set_param", hvm_op, param, false, HVMOP_set_param, POINTER);
    TRY("set_evtchn_upcall_vector", hvm_op, vector, false, HVMOP_set_evtchn_upcall_vector, POINTER);
    TRY("console write", console_io, text, false, CONSOLEIO_write, sizeof text, POINTER);
}

static void machine(void)
{
    struct xen_platform_op platform = {.cmd = XENPF_get_cpuinfo,
                                       .interface_version = XENPF_INTERFACE_VERSION};
    struct physdev_pci_device_add device = {.seg = 77};
    struct physdev_pci_mmcfg_reserved mmcfg = {0};

    TRY("platform_op", platform_op, platform, true, POINTER);
    TRY("pci_device_add", physdev_op, device, false, PHYSDEVOP_pci_device_add, POINTER);
    TRY("pci_mmcfg_reserved", physdev_op, mmcfg, false, PHYSDEVOP_pci_mmcfg_reserved, POINTER);
}

/* ---- the tools' calls ------------------------------------------------------------------------ */

static struct xen_sysctl sysctl(unsigned command)
{
    return (struct xen_sysctl){.cmd = command, .interface_version = XEN_SYSCTL_INTERFACE_VERSION};
}

#define SYSCTL_NESTED(name, variable, handle, size)                                                \
    TRY_NESTED(name, sysctl, variable, handle, size, ADDRESS(&(variable)))

static void sysctls(void)
{
    static uint32_t buffer[256];
    struct xen_sysctl s = sysctl(XEN_SYSCTL_physinfo);

    TRY("sysctl", sysctl, s, true, POINTER);
    s = sysctl(XEN_SYSCTL_readconsole);
    s.u.readconsole.count = 64;
    SYSCTL_NESTED("readconsole's buffer", s, s.u.readconsole.buffer.p, 64);
    s = sysctl(XEN_SYSCTL_debug_keys);
    s.u.debug_keys.nr_keys = 2;
    SYSCTL_NESTED("debug_keys' keys", s, s.u.debug_keys.keys.p, 2);
    s = sysctl(XEN_SYSCTL_getdomaininfolist);
    s.u.getdomaininfolist.max_domains = 4;
    SYSCTL_NESTED("getdomaininfolist's buffer", s, s.u.getdomaininfolist.buffer.p,
                  sizeof(struct xen_domctl_getdomaininfo));
    s = sysctl(XEN_SYSCTL_getcpuinfo);
    s.u.getcpuinfo.max_cpus = 1;
    SYSCTL_NESTED("getcpuinfo's buffer", s, s.u.getcpuinfo.info.p, 8);
    s = sysctl(XEN_SYSCTL_cputopoinfo);
    s.u.cputopoinfo.num_cpus = 1;
    SYSCTL_NESTED("cputopoinfo's buffer", s, s.u.cputopoinfo.cputopo.p, 12);
    s = sysctl(XEN_SYSCTL_numainfo);
    s.u.numainfo.num_nodes = 1;
    s.u.numainfo.distance.p = buffer;
    SYSCTL_NESTED("numainfo's memory", s, s.u.numainfo.meminfo.p, 16);
    s.u.numainfo.meminfo.p = (void *)buffer;
    SYSCTL_NESTED("numainfo's distances", s, s.u.numainfo.distance.p, 4);
    s = sysctl(XEN_SYSCTL_cpupool_op);
    s.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_INFO;
    s.u.cpupool_op.cpumap.nr_bits = 64;
    SYSCTL_NESTED("cpupool's map", s, s.u.cpupool_op.cpumap.bitmap.p, 8);
    s = sysctl(XEN_SYSCTL_get_cpu_featureset);
    s.u.cpu_featureset.nr_features = 32;
    SYSCTL_NESTED("featureset", s, s.u.cpu_featureset.features.p, 32);
}

static struct xen_domctl domctl_op(unsigned command)
{
    return (struct xen_domctl){.cmd = command, .interface_version = XEN_DOMCTL_INTERFACE_VERSION};
}

static void domctls(void)
{
    struct xen_domctl d = domctl_op(XEN_DOMCTL_getdomaininfo);

    TRY("domctl", domctl, d, true, POINTER);
    d = domctl_op(XEN_DOMCTL_getvcpuaffinity);
    d.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
    d.u.vcpuaffinity.cpumap_hard.nr_bits = 64;
    TRY_NESTED("getvcpuaffinity's map", domctl, d, d.u.vcpuaffinity.cpumap_hard.bitmap.p, 8,
               ADDRESS(&d));
    d = domctl_op(XEN_DOMCTL_setvcpuaffinity);
    d.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
    d.u.vcpuaffinity.cpumap_hard.nr_bits = 64;
    TRY_NESTED("setvcpuaffinity's map", domctl, d, d.u.vcpuaffinity.cpumap_hard.bitmap.p, 1,
               ADDRESS(&d));
    d = domctl_op(XEN_DOMCTL_getnodeaffinity);
    d.u.nodeaffinity.nodemap.nr_bits = 64;
    TRY_NESTED("getnodeaffinity's map", domctl, d, d.u.nodeaffinity.nodemap.bitmap.p, 8,
               ADDRESS(&d));
}

/* ---- lists of calls -------------------------------------------------------------------------- */

static void multicalls(void)
{
    struct multicall_entry entries[2] = {0};

    entries[0].op = entries[1].op = __HYPERVISOR_xen_version;
    TRY("multicall", multicall, entries, false, POINTER, 2);
    for (unsigned i = 0; i < NR_BAD; i++) {
        static const char zeros[16];
        uint64_t at = bad_address(i, zeros, 16);

        entries[0].args[0] = XENVER_extraversion;
        entries[0].args[1] = at;
        entries[1].args[0] = XENVER_version;
        EXPECT(hypercall2(__HYPERVISOR_multicall, ADDRESS(entries), 2), 0);
        EXPECT((long)entries[0].result, -XEN_EFAULT);
        EXPECT((long)entries[1].result, 4 << 16 | 17);
    }
    /* Lists of lists have no end. */
    entries[0].op = __HYPERVISOR_multicall;
    entries[0].args[0] = ADDRESS(entries);
    entries[0].args[1] = 2;
    EXPECT(hypercall2(__HYPERVISOR_multicall, ADDRESS(entries), 2), 0);
    CHECK((long)entries[0].result < 0);
}

static void run(void)
{
    events_init();
    windows();
    versions();
    memory();
    events();
    scheduling();
    vcpus();
    grants();
    hvm();
    machine();
    sysctls();
    domctls();
    multicalls();
    EXPECT(version_op(XENVER_version, NULL), 4 << 16 | 17);
}

const struct test test = {"pointers", run, NULL};
