/*
 * A shape is a hypercall, its command and the fields of the structure that it
 * takes, one letter each:
 *
 *   1 2 4 8  number of so many bytes      Z z     zero of 8 and 4 bytes
 *   D        domain id                    v p r h vCPU, port, grant, handle
 *   g u      frame, frame or grant        a A     page's address, any address
 *   n N m    small count of 4, 2, 8       G O     list of frames, of ports
 *   X        some memory, or none         t       time
 *   o w      offset of 4, 2 bytes         q       order of a block
 *   F M k    flags: memory, grant, copy   s S     physmap space of 4, 2 bytes
 *   i c      number of a policy, size of a context
 *   V I j    VIRQ, HVM param, scheduler   f e     flags and devices of a new domain
 *   K L C W  debug keys, CPUID leaves, processor states, windows of a time table
 *   y        an event for a counter
 *   ^        aligned to 8
 *
 * Fields are aligned as C does it. Rarely a field is hostile: the fuzzer's own bytes.
 */
#include "shapes.h"

#include "../../xen/hypercall.h"
#include "../../xen/moirai.h"

enum style {
    CMD_PTR,
    CMD_PTR_COUNT,
    CMD_VCPU_PTR,
    CMD_COUNT_PTR,
    DOMCTL,
    SYSCTL,
    PLATFORM,
    MOIRAI,
    MULTI,
};

#define HOSTILE   0xf0 /* a field's first byte from here on: the next ones are its value */
#define LIST_MAX  8
#define STRUCTURE 768 /* bytes at most */

static const struct shape {
    uint8_t nr, style;
    uint16_t cmd, size; /* size: of an element, for arrays */
    const char *fields;
} shapes[] = {
#define EV(cmd, fields)                                                                            \
    {                                                                                              \
        __HYPERVISOR_event_channel_op, CMD_PTR, EVTCHNOP_##cmd, 0, fields                          \
    }
    EV(bind_interdomain, "Dp4"),
    EV(bind_virq, "Vv4"),
    EV(bind_ipi, "v4"),
    EV(close, "p"),
    EV(send, "p"),
    EV(status, "Dp"),
    EV(alloc_unbound, "DD4"),
    EV(bind_vcpu, "pv"),
    EV(unmask, "p"),
    EV(reset, "D"),
    EV(init_control, "gov1"),
    EV(expand_array, "g"),
    EV(set_priority, "pn"),
    EV(bind_pirq, "44"),
#define MEM(cmd, fields)                                                                           \
    {                                                                                              \
        __HYPERVISOR_memory_op, CMD_PTR, XENMEM_##cmd, 0, fields                                   \
    }
    MEM(increase_reservation, "GmqFD"),
    MEM(decrease_reservation, "GmqFD"),
    MEM(populate_physmap, "GmqFD"),
    MEM(claim_pages, "ZmzzD"),
    MEM(maximum_ram_page, ""),
    MEM(current_reservation, "D"),
    MEM(maximum_reservation, "D"),
    MEM(maximum_gpfn, "D"),
    MEM(add_to_physmap, "DNsgg"),
    MEM(add_to_physmap_batch, "DSNDGGX"),
    MEM(remove_from_physmap, "Dg"),
    MEM(memory_map, "nX"),
    MEM(set_memory_map, "D^nX"),
    MEM(machine_memory_map, "nX"),
    MEM(set_pod_target, "mmmmD"),
    MEM(get_pod_target, "mmmmD"),
    MEM(acquire_resource, "DSznzmG"),
    MEM(get_vnumainfo, "8"),
    MEM(get_sharing_freed_pages, ""),
#define GNT(cmd, fields)                                                                           \
    {                                                                                              \
        __HYPERVISOR_grant_table_op, CMD_PTR_COUNT, GNTTABOP_##cmd, sizeof(struct gnttab_##cmd),   \
            fields                                                                                 \
    }
    GNT(map_grant_ref, "aMrD"),
    GNT(unmap_grant_ref, "aZh"),
    GNT(setup_table, "Dn2X"),
    GNT(copy, "uDw^uDw^wk"),
    GNT(query_size, "D"),
    GNT(set_version, "n"),
    GNT(get_version, "D"),
    GNT(swap_grant_ref, "rr"),
    GNT(get_status_frames, "nD2X"),
    GNT(map_grant_ref, "aMrD"),
    GNT(unmap_grant_ref, "aZh"),
    GNT(copy, "uDw^uDw^wk"),
#define VCPU(cmd, fields)                                                                          \
    {                                                                                              \
        __HYPERVISOR_vcpu_op, CMD_VCPU_PTR, VCPUOP_##cmd, 0, fields                                \
    }
    VCPU(initialise, "nz44444444444"),
    VCPU(up, ""),
    VCPU(down, ""),
    VCPU(is_up, ""),
    VCPU(get_runstate_info, ""),
    VCPU(register_runstate_memory_area, "A"),
    VCPU(set_periodic_timer, "t"),
    VCPU(stop_periodic_timer, ""),
    VCPU(set_singleshot_timer, "tn"),
    VCPU(stop_singleshot_timer, ""),
    VCPU(register_vcpu_info, "go"),
    VCPU(send_nmi, ""),
    VCPU(register_vcpu_time_memory_area, "A"),
#define SCH(cmd, fields)                                                                           \
    {                                                                                              \
        __HYPERVISOR_sched_op, CMD_PTR, SCHEDOP_##cmd, 0, fields                                   \
    }
    SCH(yield, ""),
    SCH(block, ""),
    SCH(poll, "Ont"),
    SCH(shutdown, "n"),
    SCH(remote_shutdown, "Dn"),
    SCH(shutdown_code, "n"),
#define HVM(cmd, fields)                                                                           \
    {                                                                                              \
        __HYPERVISOR_hvm_op, CMD_PTR, HVMOP_##cmd, 0, fields                                       \
    }
    HVM(set_param, "D2I8"),
    HVM(get_param, "D2I8"),
    HVM(set_evtchn_upcall_vector, "v1"),
    HVM(pagetable_dying, "D"),
    {__HYPERVISOR_console_io, CMD_COUNT_PTR, CONSOLEIO_write, 0, "8888"},
    {__HYPERVISOR_console_io, CMD_COUNT_PTR, CONSOLEIO_read, 0, ""},
#define VER(cmd, fields)                                                                           \
    {                                                                                              \
        __HYPERVISOR_xen_version, CMD_PTR, XENVER_##cmd, 0, fields                                 \
    }
    VER(version, ""),
    VER(extraversion, ""),
    VER(compile_info, ""),
    VER(capabilities, ""),
    VER(changeset, ""),
    VER(platform_parameters, ""),
    VER(get_features, "n"),
    VER(pagesize, ""),
    VER(guest_handle, ""),
    VER(commandline, ""),
    VER(build_id, ""),
    {__HYPERVISOR_vm_assist, CMD_VCPU_PTR, VMASST_CMD_enable, 0, ""},
#define PHY(cmd, fields)                                                                           \
    {                                                                                              \
        __HYPERVISOR_physdev_op, CMD_PTR, PHYSDEVOP_##cmd, 0, fields                               \
    }
    PHY(pci_device_add, "211n"),
    PHY(pci_device_remove, "211"),
    PHY(manage_pci_add, "11"),
    PHY(manage_pci_remove, "11"),
    PHY(pci_mmcfg_reserved, "8211n"),
    {__HYPERVISOR_platform_op, PLATFORM, XENPF_settime64, 0, "44z8"},
    {__HYPERVISOR_platform_op, PLATFORM, XENPF_get_cpuinfo, 0, "n"},
    {__HYPERVISOR_platform_op, PLATFORM, XENPF_firmware_info, 0, "4"},
    {__HYPERVISOR_multicall, MULTI, 0, 0, ""},
#define SYS(cmd, fields)                                                                           \
    {                                                                                              \
        __HYPERVISOR_sysctl, SYSCTL, XEN_SYSCTL_##cmd, 0, fields                                   \
    }
    SYS(readconsole, "112nXw"),
    SYS(debug_keys, "Kn"),
    SYS(physinfo, ""),
    SYS(cputopoinfo, "nX"),
    SYS(numainfo, "nXX"),
    SYS(pcitopoinfo, "nXX"),
    SYS(getdomaininfolist, "DnX4"),
    SYS(sched_id, ""),
    SYS(getcpuinfo, "nX4"),
    SYS(availheap, "nnnz8"),
    SYS(cpupool_op, "nvjvvzXn"),
    SYS(scheduler_op, "vjnn44n"),
    SYS(get_cpu_policy, "nwnzXX"),
    SYS(get_cpu_featureset, "nwX"),
#define DOM(cmd, fields)                                                                           \
    {                                                                                              \
        __HYPERVISOR_domctl, DOMCTL, XEN_DOMCTL_##cmd, 0, fields                                   \
    }
    DOM(createdomain, "z4444fznwnnnzvez"),
    DOM(destroydomain, ""),
    DOM(pausedomain, ""),
    DOM(unpausedomain, ""),
    DOM(getdomaininfo, ""),
    DOM(setvcpuaffinity, "vnXwXw"),
    DOM(shadow_op, "nn"),
    DOM(max_mem, "w"),
    DOM(getvcpuinfo, "v"),
    DOM(max_vcpus, "n"),
    DOM(scheduler_op, "jn4488"),
    DOM(scheduler_op, "jnXnz"),
    DOM(setdomainhandle, "88"),
    DOM(setdebugging, "1"),
    DOM(hypercall_init, "g"),
    DOM(settimeoffset, "8"),
    DOM(getvcpuaffinity, "vnXwXw"),
    DOM(sendtrigger, "nv"),
    DOM(gethvmcontext, "wX"),
    DOM(sethvmcontext, "cC"),
    DOM(gettscinfo, ""),
    DOM(settscinfo, "nnn8"),
    DOM(setnodeaffinity, "Xw"),
    DOM(getnodeaffinity, "Xn"),
    DOM(get_cpu_policy, "wnXX"),
    DOM(set_cpu_policy, "nnLX"),
    DOM(get_paging_mempool_size, "8"),
    DOM(set_paging_mempool_size, "8"),
    DOM(psr_alloc, "nvm"),
    DOM(destroydomain, ""),
#define OUR(cmd, fields)                                                                           \
    {                                                                                              \
        MOIRAI_HYPERCALL, MOIRAI, MOIRAI_##cmd, 0, fields                                          \
    }
    OUR(POLICY, "n44888n4XX"),
    OUR(POOL, "n"),
    OUR(GET, "nnnnin"),
    OUR(SET, "nnnni488888888"),
    OUR(SWITCH, "vi"),
    OUR(SWITCH, "vi"),
    OUR(VCPU, "nn"),
    OUR(GET_TABLE, "nn8X"),
    OUR(SET_TABLE, "zntW"),
    /* Again what joins domains. */
    MEM(add_to_physmap_batch, "DSNDGGX"),
    MEM(add_to_physmap_batch, "DSNDGGX"),
    MEM(acquire_resource, "DSznzmG"),
    GNT(map_grant_ref, "aMrD"),
    GNT(copy, "uDw^uDw^wk"),
    EV(alloc_unbound, "DD4"),
    EV(bind_interdomain, "Dp4"),
    EV(close, "p"),
    EV(send, "p"),
    /* What is counted. */
    OUR(PMU, ""),
    OUR(PERF_START, "nnyyyyyyyy"),
    OUR(PERF_START, "nnyyyyyyyy"),
    OUR(PERF_READ, "n"),
    OUR(PERF_STOP, "n"),
    SYS(cpu_hotplug, "vv"),
    SYS(cpu_hotplug, "vv"),
};

/* ---- the input ------------------------------------------------------------------------------- */

uint8_t input_byte(struct input *in)
{
    return in->at < in->end ? *in->at++ : 0;
}

uint64_t input_bytes(struct input *in, unsigned n)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < n; i++)
        value |= (uint64_t)input_byte(in) << 8 * i;
    return value;
}

static domid_t domid_of(uint8_t b)
{
    static const domid_t ids[] = {0, 1, 2, DOMID_SELF};
    static const domid_t rare[] = {3, 4, DOMID_IO, DOMID_XEN, DOMID_INVALID};

    return b < 0xc0 ? ids[b & 3] : rare[b % ARRAY_SIZE(rare)];
}

domid_t input_domid(struct input *in)
{
    return domid_of(input_byte(in));
}

static gfn_t gfn_of(uint8_t b, const struct domain *d)
{
    static const gfn_t odd[] = {0xfed00,    0xfec00, 0xfee00, 0xffffff, 1ULL << 28,
                                1ULL << 36, ~0ULL,   511,     513,      LARGE_PAGE - 1};

    if (b < 0x60)
        return world_gfn(d, b);
    if (b < 0x80)
        return LARGE_PAGE + (b & 31);
    if (b < 0xb0)
        return b & 63; /* of the others, for dom0 */
    if (b < 0xd0)
        return MAPPED + (b & 15);
    return b < 0xe0 ? 512 * (b & 31u) : odd[b % ARRAY_SIZE(odd)];
}

gfn_t input_gfn(struct input *in, const struct domain *d)
{
    return gfn_of(input_byte(in), d);
}

/* ---- fields ---------------------------------------------------------------------------------- */

struct maker {
    struct input *in;
    struct domain *d;
    paddr_t at; /* where the structures lie */
    unsigned used;
    uint8_t bytes[STRUCTURE];
};

static unsigned width_of(char field)
{
    if (strchr("1", field))
        return 1;
    if (strchr("2DNwSk", field))
        return 2;
    return strchr("8ZguaAmGOXtKLCWy", field) ? 8 : 4;
}

/* A page that `n` numbers of `width` bytes are written to. */
static paddr_t list_make(struct maker *m, unsigned width)
{
    unsigned n = input_byte(m->in) % (LIST_MAX + 1);
    paddr_t at = (world_gfn(m->d, SCRATCH + 4 + (m->used / 8 & 3)) << PAGE_SHIFT);

    for (unsigned i = 0; i < n; i++) {
        uint8_t b = input_byte(m->in);
        uint64_t value = width == 8 ? gfn_of(b, m->d) : b & 31;
        if (copy_to_gpa(m->d, at + i * width, &value, width))
            break;
    }
    return at;
}

/* The page that a structure's buffers are in; what does not fit is not written. */
static paddr_t buffer_put(struct maker *m, const void *bytes, size_t n)
{
    paddr_t at = world_gfn(m->d, SCRATCH + 4 + (m->used / 8 & 3)) << PAGE_SHIFT;

    return copy_to_gpa(m->d, at, bytes, n) ? 0 : at;
}

static paddr_t keys_make(struct maker *m)
{
    char keys[16];

    for (unsigned i = 0; i < sizeof keys; i++)
        keys[i] = "hqrtem*?"[input_byte(m->in) & 7];
    return buffer_put(m, keys, sizeof keys);
}

static paddr_t leaves_make(struct maker *m)
{
    static const uint32_t numbers[] = {0, 1, 4, 6, 7, 0xb, 0xd, 0x80000000, 0x80000001, 0x80000008};
    struct xen_cpuid_leaf leaves[LIST_MAX] = {0};

    for (unsigned i = 0; i < LIST_MAX; i++) {
        uint8_t b = input_byte(m->in);
        leaves[i].leaf = numbers[(b & 15) % ARRAY_SIZE(numbers)];
        leaves[i].subleaf = b >> 4 == 15 ? XEN_CPUID_NO_SUBLEAF : b >> 4;
        leaves[i].a = leaves[i].c = (uint32_t)input_bytes(m->in, 1) * 0x01010101;
    }
    return buffer_put(m, leaves, sizeof leaves);
}

static paddr_t windows_make(struct maker *m)
{
    struct moirai_window windows[LIST_MAX];

    for (unsigned i = 0; i < LIST_MAX; i++) {
        uint8_t b = input_byte(m->in);
        windows[i] = (struct moirai_window){b & 3, b >> 2 & 3, (b >> 4) * 1000000LL};
    }
    return buffer_put(m, windows, sizeof windows);
}

/* As sethvmcontext takes it: a header and some records. */
struct context {
    struct hvm_save_descriptor header_desc;
    struct hvm_save_header header;
    struct hvm_save_descriptor cpu_desc;
    struct hvm_hw_cpu cpu;
    struct hvm_save_descriptor mtrr_desc;
    struct hvm_hw_mtrr mtrr;
    struct hvm_save_descriptor end_desc;
} packed;

static paddr_t context_make(struct maker *m)
{
    uint8_t b = input_byte(m->in);
    struct context c = {
        .header_desc = {HVM_SAVE_CODE(HEADER), 0, HVM_SAVE_LENGTH(HEADER)},
        .header = {.magic = HVM_FILE_MAGIC, .version = HVM_FILE_VERSION},
        .cpu_desc = {HVM_SAVE_CODE(CPU), b & 3, HVM_SAVE_LENGTH(CPU)},
        .cpu = {.rflags = b & 4 ? 0 : 2},
        .mtrr_desc = {HVM_SAVE_CODE(MTRR), b >> 4 & 3, HVM_SAVE_LENGTH(MTRR)},
        .mtrr = {.msr_mtrr_def_type = 0xc00 + (b >> 6)},
        .end_desc = {HVM_SAVE_CODE(END), 0, 0},
    };

    if (b & 8)
        c.mtrr_desc.length = (uint32_t)input_bytes(m->in, 4);
    return buffer_put(m, &c, sizeof c);
}

static uint64_t some_memory(struct maker *m, uint8_t b)
{
    return b & 1 ? world_gfn(m->d, SCRATCH + (b >> 1 & 7)) << PAGE_SHIFT : 0;
}

static uint64_t one_of(const uint64_t *values, unsigned nr, uint8_t b)
{
    return values[b % nr];
}

#define ONE_OF(b, ...)                                                                             \
    one_of((const uint64_t[]){__VA_ARGS__}, sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t), b)

static uint64_t small(uint8_t b)
{
    return b < 0xc0 ? b : 1ULL << (b & 63);
}

static uint64_t value_of(struct maker *m, char field, uint8_t b)
{
    switch (field) {
    case 'D':
        return domid_of(b);
    case 'v':
        return b & 3;
    case 'p':
        return b & 15;
    case 'r':
        return b & 16 ? 508 + (b & 15) : b & 15;
    case 'h':
        return b & 15;
    case 'g':
        return gfn_of(b, m->d);
    case 'u':
        return b & 1 ? gfn_of(b >> 1, m->d) : b >> 1 & 15;
    case 'a':
        return gfn_of(b, m->d) << PAGE_SHIFT;
    case 'A':
        return (gfn_of(b, m->d) << PAGE_SHIFT) + (b & 7 ? 0 : 0xff8);
    case 'G':
        return list_make(m, 8);
    case 'O':
        return list_make(m, 4);
    case 'X':
        return some_memory(m, b);
    case 'n':
    case 'N':
    case 'm':
        return b & 15;
    case 't':
        return b & 0x80 ? ONE_OF(b, 0, 1, 1000000, ~0ULL, 1ULL << 62)
                        : (uint64_t)now() + b * 100000ULL;
    case 'o':
        return b * 8u;
    case 'w':
        return b < 0xc0 ? b * 16u : PAGE_SIZE - 8 * (b & 7);
    case 'q':
        return ONE_OF(b, 0, 0, 0, 1, 9, 3, 8, 10);
    case 'F':
        return ONE_OF(b, 0, 0, 0, XENMEMF_node(0), XENMEMF_exact_node(1), XENMEMF_address_bits(20),
                      XENMEMF_populate_on_demand);
    case 'M':
        return ONE_OF(b, GNTMAP_host_map, GNTMAP_host_map | GNTMAP_readonly, GNTMAP_device_map,
                      GNTMAP_host_map | GNTMAP_device_map, GNTMAP_host_map | GNTMAP_contains_pte);
    case 'k':
        return b & 3;
    case 's':
    case 'S':
        return ONE_OF(b, 0, 1, 2, 3, 4, 4, 4, 5);
    case 'V':
        return b % 26;
    case 'I':
        return b % 42;
    case 'j':
        return ONE_OF(b, XEN_SCHEDULER_CREDIT2, XEN_SCHEDULER_CREDIT, XEN_SCHEDULER_RTDS,
                      XEN_SCHEDULER_NULL);
    case 'f':
        return ONE_OF(b, 3, 3, 3, 0x13, 7, 0x23);
    case 'e':
        return ONE_OF(b, 1, 1, 1, 0x11, 0);
    case 'c':
        return b & 3 ? sizeof(struct context) : b * 16u;
    case 'i':
        return ONE_OF(b, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, ~0u);
    case 'K':
        return keys_make(m);
    case 'L':
        return leaves_make(m);
    case 'C':
        return context_make(m);
    case 'W':
        return windows_make(m);
    case 'y':
        return ONE_OF(b, 0x5300c0, 0x53003c, 0x530300, 0x53412e, 0x5100c4, 0x5201c5, 0x1d300c0, 0);
    case 'z':
    case 'Z':
        return 0;
    default:
        return small(b);
    }
}

static void put(struct maker *m, uint64_t value, unsigned width)
{
    m->used = ROUND_UP(m->used, width);
    if (m->used + width > sizeof m->bytes)
        return;
    memcpy(m->bytes + m->used, &value, width);
    m->used += width;
}

static void make_fields(struct maker *m, const char *fields)
{
    for (; *fields; fields++) {
        unsigned width = width_of(*fields);

        if (*fields == '^') {
            m->used = ROUND_UP(m->used, 8);
            continue;
        }
        if (*fields == 'z' || *fields == 'Z') {
            put(m, 0, width);
            continue;
        }
        uint8_t b = input_byte(m->in);
        put(m, b >= HOSTILE ? input_bytes(m->in, width) : value_of(m, *fields, b), width);
    }
}

/* ---- whole calls ----------------------------------------------------------------------------- */

static void header(struct maker *m, const struct shape *s)
{
    if (s->style == MOIRAI) {
        put(m, MOIRAI_VERSION, 4);
        put(m, s->cmd, 4);
        m->used = offsetof(struct moirai_op, u);
        return;
    }
    put(m, s->cmd, 4);
    if (s->style == DOMCTL) {
        put(m, XEN_DOMCTL_INTERFACE_VERSION, 4);
        put(m, input_domid(m->in), 2);
        m->used = 16;
    } else {
        put(m, s->style == SYSCTL ? XEN_SYSCTL_INTERFACE_VERSION : XENPF_INTERFACE_VERSION, 4);
    }
}

static void make_elements(struct maker *m, const struct shape *s, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        m->used = i * s->size;
        make_fields(m, s->fields);
    }
    m->used = n * s->size;
}

static void read_shape(struct maker *m, const struct shape *s, struct call *c);

/* Some calls in an array, each with its structure in a quarter of a page. */
static void make_multicall(struct maker *m, struct call *c)
{
    unsigned n = 1 + input_byte(m->in) % 3;

    for (unsigned i = 0; i < n; i++) {
        struct maker part = {.in = m->in, .d = m->d, .at = m->at + 1024 * (i + 1)};
        struct call inner = {0};

        read_shape(&part, &shapes[input_byte(m->in) % ARRAY_SIZE(shapes)], &inner);
        put(m, inner.nr, 8);
        put(m, 0, 8);
        for (unsigned k = 0; k < 6; k++)
            put(m, inner.args[k], 8);
    }
    c->args[1] = n;
}

static void read_shape(struct maker *m, const struct shape *s, struct call *c)
{
    unsigned n = 1;

    c->nr = s->nr;
    c->args[0] = s->cmd;
    c->args[1] = m->at;
    switch (s->style) {
    case CMD_PTR_COUNT:
        n = 1 + (input_byte(m->in) & 3);
        c->args[2] = n;
        make_elements(m, s, n);
        break;
    case CMD_VCPU_PTR:
    case CMD_COUNT_PTR:
        c->args[1] = s->style == CMD_VCPU_PTR ? input_byte(m->in) & 3 : small(input_byte(m->in));
        c->args[2] = m->at;
        make_fields(m, s->fields);
        break;
    case DOMCTL:
    case SYSCTL:
    case PLATFORM:
    case MOIRAI:
        c->args[0] = m->at;
        header(m, s);
        make_fields(m, s->fields);
        break;
    case MULTI:
        c->args[0] = m->at;
        if (m->at % PAGE_SIZE == 0)
            make_multicall(m, c);
        break;
    default:
        make_fields(m, s->fields);
    }
    /* The rest stays as it was: results and padding, or what was written there before. */
    if (m->used && copy_to_gpa(m->d, m->at, m->bytes, m->used))
        c->args[5] = 0; /* the guest has given that page away: it points to nothing */
}

void call_read(struct input *in, struct domain *d, struct call *call)
{
    struct maker m = {.in = in, .d = d, .at = world_gfn(d, SCRATCH) << PAGE_SHIFT};
    uint8_t which = input_byte(in);

    *call = (struct call){0};
    if (which < ARRAY_SIZE(shapes)) {
        read_shape(&m, &shapes[which], call);
        return;
    }
    call->nr = input_byte(in);
    for (unsigned i = 0; i < 6; i++) {
        uint8_t b = input_byte(in);
        call->args[i] = b >= HOSTILE ? input_bytes(in, 8) : b & 0x80 ? some_memory(&m, b) : b;
    }
}
