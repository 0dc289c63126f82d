/* The hypervisor's side of psr/ with psr=model: PQR_ASSOC, the tools' calls, the end of a domain.
 */
#include "xen_pair.h"

#include "../../xen/domctl_psr.c"
#include "../../xen/platform_resource.c"
#include "../../xen/psr.c"
#include "../../xen/sysctl_psr.c"

const struct psr_hw psr_msr; /* not used: what it does only a processor can */
static unsigned refused_copies;

/* ---- what these files ask of the rest ------------------------------------------------------ */

void *xmalloc(size_t size)
{
    static uint64_t memory[sizeof(struct psr_model) / 8 + 1];

    assert_true(size <= sizeof memory);
    return memory;
}

void debug_key_register(char key, const char *what, void (*show_it)(void))
{
    (void)what;
    assert_int_equal(key, 'p');
    show_it();
}

static int copy(void *to, const void *from, size_t n)
{
    if (refused_copies && !--refused_copies)
        return -XEN_EFAULT;
    memcpy(to, from, n);
    return 0;
}

int copy_from_guest(struct vcpu *v, void *to, uint64_t from, size_t n)
{
    (void)v;
    return copy(to, (const void *)(uintptr_t)from, n);
}

int copy_to_guest(struct vcpu *v, uint64_t to, const void *from, size_t n)
{
    (void)v;
    return copy((void *)(uintptr_t)to, from, n);
}

/* ---- set-up -------------------------------------------------------------------------------- */

static void start(struct psr_options o)
{
    pair_start();
    memset(state, 0, sizeof state);
    present = false;
    for (unsigned i = 0; i < 2; i++) {
        machine[i].socket = i;
        machine[i].apic_id = 64 * i;
        machine[i].online = true;
    }
    options.psr = o;
    options.psr_source = PSR_MODEL_INTEL;
    psr_start();
    lock_taken = 0;
}

static int setup(void **s)
{
    (void)s;
    start((struct psr_options){.cmt = true, .cat = true, .mba = true, .max_rmid = 2});
    return 0;
}

static uint64_t assoc_of(unsigned pcpu)
{
    return model->pcpu[pcpu].assoc;
}

static void load(unsigned pcpu, struct vcpu *v)
{
    machine[pcpu].loaded = v;
    here = &machine[pcpu];
    psr_switch(here, v ? v->domain : NULL);
    here = machine;
}

static int alloc(struct domain *d, uint32_t cmd, uint32_t target, uint64_t data)
{
    struct xen_domctl c = {.u.psr_alloc = {.cmd = cmd, .target = target, .data = data}};

    return domctl_psr_alloc(NULL, d, &c);
}

static int cmt(struct domain *d, uint32_t cmd)
{
    struct xen_domctl c = {.u.psr_cmt_op = {.cmd = cmd}};

    return domctl_psr_cmt_op(NULL, d, &c);
}

/* ---- PQR_ASSOC ------------------------------------------------------------------------------ */

static void test_written_when_it_changes(void **s)
{
    (void)s;
    load(0, &vcpu[0]);
    load(0, &vcpu[1]); /* both in class 0 */
    load(0, NULL);
    assert_int_equal(lock_taken, 0);
    assert_int_equal(alloc(&dom[0], XEN_DOMCTL_PSR_SET_L3_CBM, 0, 0x3), 0);
    assert_int_equal(lock_taken, 1); /* the mask; nobody runs */
    load(0, &vcpu[0]);
    assert_int_equal(lock_taken, 2);
    assert_int_equal(assoc_of(0), 1ULL << 32);
    load(0, &vcpu[0]);
    assert_int_equal(lock_taken, 2);
    load(0, &vcpu[1]);
    assert_int_equal(lock_taken, 3);
    assert_int_equal(assoc_of(0), 0);
    load(1, &vcpu[0]); /* it has no class on that socket */
    assert_int_equal(lock_taken, 3);
}

/* A change counts at once, wherever the domain runs. */
static void test_change_while_it_runs(void **s)
{
    (void)s;
    load(0, &vcpu[0]);
    load(1, &vcpu[0]);
    assert_int_equal(cmt(&dom[0], XEN_DOMCTL_PSR_CMT_OP_ATTACH), 0);
    assert_int_equal(assoc_of(0), 1);
    assert_int_equal(assoc_of(1), 1);
    assert_int_equal(alloc(&dom[0], XEN_DOMCTL_PSR_SET_L2_CBM, 1, 0x3), 0);
    assert_int_equal(assoc_of(0), 1);
    assert_int_equal(assoc_of(1), 1ULL << 32 | 1);
    assert_int_equal(cmt(&dom[0], XEN_DOMCTL_PSR_CMT_OP_DETACH), 0);
    assert_int_equal(assoc_of(1), 1ULL << 32);
}

static void test_end_of_a_domain(void **s)
{
    (void)s;
    assert_int_equal(cmt(&dom[0], XEN_DOMCTL_PSR_CMT_OP_ATTACH), 0);
    assert_int_equal(alloc(&dom[0], XEN_DOMCTL_PSR_SET_L3_CBM, 0, 0x3), 0);
    load(0, &vcpu[0]);
    machine[0].loaded = NULL; /* it idles, and keeps the value */
    assert_int_equal(assoc_of(0), 1ULL << 32 | 1);
    psr_domain_end(&dom[0]);
    assert_int_equal(assoc_of(0), 0);
    assert_int_equal(partitions.socket[0].classes.class[1].refs, 0);
    assert_int_equal(cmt(&dom[1], XEN_DOMCTL_PSR_CMT_OP_ATTACH), 0);
    assert_int_equal(cmt(&dom[2], XEN_DOMCTL_PSR_CMT_OP_ATTACH), 0);
}

/* The registers of its socket are nobody's while the only pCPU there is away, and what was set
 * meanwhile is in them when it is back. */
static void test_hotplug(void **s)
{
    const struct model_l3 *l3 = &model->l3[model->pcpu[1].l3];
    const struct model_l2 *l2 = &model->l2[model->pcpu[1].l2];

    (void)s;
    load(1, &vcpu[0]);
    assert_int_equal(alloc(&dom[0], XEN_DOMCTL_PSR_SET_L3_CBM, 1, 0x3), 0);
    assert_int_equal(assoc_of(1), 1ULL << 32);
    psr_pcpu_offline(&machine[1]); /* the vCPU is about to leave */
    assert_int_equal(assoc_of(1), 0);
    assert_int_equal(alloc(&dom[0], XEN_DOMCTL_PSR_SET_L3_CBM, 1, 0x7), 0);
    assert_int_equal(alloc(&dom[0], XEN_DOMCTL_PSR_SET_L2_CBM, 1, 0xf), 0);
    assert_int_equal(assoc_of(1), 0);
    assert_int_equal(l3->mask[1], 0x3);
    machine[1].loaded = NULL;
    psr_pcpu_online(&machine[1]);
    assert_int_equal(assoc_of(1), 0);
    assert_int_equal(l3->mask[1], 0x7);
    assert_int_equal(l2->mask[1], 0xf);
    load(1, &vcpu[0]);
    assert_int_equal(assoc_of(1), 1ULL << 32);
}

/* Whoever comes to the pCPU after its return is in his class, whatever it held when it went. */
static void test_hotplug_at_rest(void **s)
{
    (void)s;
    assert_int_equal(alloc(&dom[0], XEN_DOMCTL_PSR_SET_L3_CBM, 1, 0x3), 0);
    load(1, &vcpu[0]);
    machine[1].loaded = NULL; /* it idles, and keeps the value */
    psr_pcpu_offline(&machine[1]);
    assert_int_equal(assoc_of(1), 0);
    lock_taken = 0;
    psr_domain_end(&dom[0]);
    assert_int_equal(lock_taken, 0);
    psr_pcpu_online(&machine[1]);
    load(1, &vcpu[1]);
    assert_int_equal(assoc_of(1), 0);
}

/* ---- domctl, sysctl ------------------------------------------------------------------------- */

static void test_domctl(void **s)
{
    struct xen_domctl c = {.u.psr_alloc = {.cmd = XEN_DOMCTL_PSR_GET_MBA_THRTL, .target = 1}};

    (void)s;
    assert_int_equal(alloc(&dom[0], XEN_DOMCTL_PSR_SET_MBA_THRTL, 1, 35), 0);
    assert_int_equal(domctl_psr_alloc(NULL, &dom[0], &c), 0);
    assert_int_equal(c.u.psr_alloc.data, 30);
    assert_int_equal(alloc(&dom[0], 10, 1, 1), -XEN_EOPNOTSUPP);
    assert_int_equal(alloc(&dom[0], ~0U, 1, 1), -XEN_EOPNOTSUPP);
    assert_int_equal(alloc(&dom[0], XEN_DOMCTL_PSR_SET_L3_CBM, 64, 1), -XEN_ERANGE);
    assert_int_equal(alloc(&dom[0], XEN_DOMCTL_PSR_SET_L3_DATA, 0, 1), -XEN_ENXIO);
    assert_int_equal(cmt(&dom[0], 3), -XEN_ENOSYS);
    c.u.psr_cmt_op.cmd = XEN_DOMCTL_PSR_CMT_OP_QUERY_RMID;
    assert_int_equal(domctl_psr_cmt_op(NULL, &dom[0], &c), 0);
    assert_int_equal(c.u.psr_cmt_op.data, 0);
    dom[0].dying = true;
    assert_int_equal(alloc(&dom[0], XEN_DOMCTL_PSR_SET_MBA_THRTL, 1, 35), -XEN_ESRCH);
    assert_int_equal(cmt(&dom[0], XEN_DOMCTL_PSR_CMT_OP_ATTACH), -XEN_ESRCH);
}

static int cmt_info(uint32_t cmd, uint32_t cpu, uint64_t *data)
{
    struct xen_sysctl s = {.u.psr_cmt_op = {.cmd = cmd, .u.l3_cache.cpu = cpu}};
    int err = sysctl_psr_cmt_op(NULL, &s);

    *data = s.u.psr_cmt_op.u.data;
    return err;
}

static void test_sysctl(void **s)
{
    struct xen_sysctl c = {.u.psr_alloc = {.cmd = XEN_SYSCTL_PSR_get_mba_info, .target = 1}};
    uint64_t data;

    (void)s;
    assert_int_equal(sysctl_psr_alloc(NULL, &c), 0);
    assert_int_equal(c.u.psr_alloc.u.mba_info.thrtl_max, 90);
    assert_int_equal(c.u.psr_alloc.u.mba_info.cos_max, 7);
    assert_int_equal(c.u.psr_alloc.u.mba_info.flags, XEN_SYSCTL_PSR_MBA_LINEAR);
    c.u.psr_alloc.target = 2;
    assert_int_equal(sysctl_psr_alloc(NULL, &c), -XEN_ERANGE);
    c.u.psr_alloc.target = 0;
    c.u.psr_alloc.cmd = 3;
    assert_int_equal(sysctl_psr_alloc(NULL, &c), -XEN_EOPNOTSUPP);
    assert_int_equal(cmt_info(XEN_SYSCTL_PSR_CMT_get_l3_cache_size, 1, &data), 0);
    assert_int_equal(data, 28160);
    assert_int_equal(cmt_info(XEN_SYSCTL_PSR_CMT_get_l3_cache_size, 2, &data), -XEN_ENODEV);
    machine[1].online = false;
    assert_int_equal(cmt_info(XEN_SYSCTL_PSR_CMT_get_l3_cache_size, 1, &data), -XEN_ENODEV);
    assert_int_equal(cmt_info(XEN_SYSCTL_PSR_CMT_get_total_rmid, 0, &data), 0);
    assert_int_equal(data, 2);
    assert_int_equal(cmt_info(XEN_SYSCTL_PSR_CMT_get_l3_upscaling_factor, 0, &data), 0);
    assert_int_equal(data, 81920);
    assert_int_equal(cmt_info(5, 0, &data), -XEN_ENOSYS);
}

/* What is not asked for is not there. */
static void test_parts(void **s)
{
    uint64_t data;

    (void)s;
    start((struct psr_options){.cat = true});
    assert_int_equal(cmt_info(XEN_SYSCTL_PSR_CMT_enabled, 0, &data), -XEN_ENODEV);
    assert_int_equal(cmt_info(XEN_SYSCTL_PSR_CMT_get_l3_cache_size, 0, &data), 0);
    assert_int_equal(cmt(&dom[0], XEN_DOMCTL_PSR_CMT_OP_ATTACH), -XEN_ENODEV);
    assert_int_equal(alloc(&dom[0], XEN_DOMCTL_PSR_SET_MBA_THRTL, 0, 10), -XEN_ENOENT);
    start((struct psr_options){.cmt = true});
    assert_int_equal(alloc(&dom[0], XEN_DOMCTL_PSR_SET_L3_CBM, 0, 1), -XEN_ENODEV);
    assert_int_equal(cmt_info(XEN_SYSCTL_PSR_CMT_enabled, 0, &data), 0);
    assert_int_equal(data, 1);
    start((struct psr_options){.cdp = true});
    assert_int_equal(cmt_info(XEN_SYSCTL_PSR_CMT_enabled, 0, &data), -XEN_ENODEV);
    assert_int_equal(alloc(&dom[0], XEN_DOMCTL_PSR_SET_L3_CBM, 0, 1), -XEN_ENODEV);
    load(0, &vcpu[0]);
    assert_int_equal(lock_taken, 0);
}

/* ---- resource_op ----------------------------------------------------------------------------- */

static struct xenpf_resource_entry entry[4];

static int64_t resource(uint32_t nr, uint32_t cpu)
{
    struct xenpf_resource_op op = {.nr_entries = nr, .cpu = cpu, .entries.p = entry};

    return platform_resource_op(NULL, &op);
}

/* As libxc reads a counter. */
static void sample(uint64_t select)
{
    memset(entry, 0, sizeof entry);
    entry[0] = (struct xenpf_resource_entry){
        .u.cmd = XEN_RESOURCE_OP_MSR_WRITE, .idx = 0xc8d, .val = select};
    entry[1].idx = 0xc8e;
    entry[2].idx = 0x10;
}

static void test_resource(void **s)
{
    (void)s;
    assert_int_equal(cmt(&dom[0], XEN_DOMCTL_PSR_CMT_OP_ATTACH), 0);
    load(1, &vcpu[0]);
    clock_ns = 8192000;
    sample(1ULL << 32 | 2);
    assert_int_equal(resource(3, 1), 3);
    assert_int_equal(entry[1].val, 100);
    assert_int_equal(entry[2].val, 8192000);
    sample(1ULL << 32 | 2);
    assert_int_equal(resource(2, 0), 2); /* the other socket */
    assert_int_equal(entry[1].val, 0);
}

static void test_resource_refused(void **s)
{
    (void)s;
    assert_int_equal(resource(0, 99), 0);
    assert_int_equal(resource(4, 0), -XEN_E2BIG);
    assert_int_equal(resource(1, 2), -XEN_ENODEV);
    machine[1].online = false;
    assert_int_equal(resource(1, 1), -XEN_ENODEV);
    sample(3ULL << 32 | 2); /* an RMID too much */
    assert_int_equal(resource(3, 0), 0);
    assert_int_equal(entry[0].u.ret, -XEN_EINVAL);
    sample(1 << 8);
    assert_int_equal(resource(3, 0), 0);
    sample(2);
    entry[1].idx = 0xc8f; /* not theirs */
    assert_int_equal(resource(3, 0), 1);
    assert_int_equal(entry[1].u.ret, -XEN_EACCES);
    sample(2);
    entry[1].idx = 1ULL << 32 | 0xc8e;
    assert_int_equal(resource(3, 0), 1);
    sample(2);
    entry[1].rsvd = 1;
    assert_int_equal(resource(3, 0), 1);
    assert_int_equal(entry[1].u.ret, -XEN_EINVAL);
    sample(2);
    entry[1].u.cmd = XEN_RESOURCE_OP_MSR_WRITE;
    assert_int_equal(resource(3, 0), 1);
    assert_int_equal(entry[1].u.ret, -XEN_EACCES);
    sample(2);
    entry[2].u.cmd = XEN_RESOURCE_OP_MSR_WRITE; /* the time cannot be set */
    assert_int_equal(resource(3, 0), 2);
    sample(2);
    entry[0].u.cmd = 2;
    assert_int_equal(resource(1, 0), 0);
    assert_int_equal(entry[0].u.ret, -XEN_EINVAL);
    sample(2);
    refused_copies = 1;
    assert_int_equal(resource(1, 0), -XEN_EFAULT);
    refused_copies = 2;
    assert_int_equal(resource(1, 0), -XEN_EFAULT);
}

/* Time is there always, counters are not. */
static void test_resource_without_counters(void **s)
{
    (void)s;
    start((struct psr_options){.cat = true});
    sample(2);
    assert_int_equal(resource(3, 0), 0);
    assert_int_equal(entry[0].u.ret, -XEN_EACCES);
    clock_ns = 77;
    memset(entry, 0, sizeof entry);
    entry[0].idx = 0x10;
    assert_int_equal(resource(1, 1), 1);
    assert_int_equal(entry[0].val, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_written_when_it_changes, setup),
        cmocka_unit_test_setup(test_change_while_it_runs, setup),
        cmocka_unit_test_setup(test_end_of_a_domain, setup),
        cmocka_unit_test_setup(test_hotplug, setup),
        cmocka_unit_test_setup(test_hotplug_at_rest, setup),
        cmocka_unit_test_setup(test_domctl, setup),
        cmocka_unit_test_setup(test_sysctl, setup),
        cmocka_unit_test_setup(test_parts, setup),
        cmocka_unit_test_setup(test_resource, setup),
        cmocka_unit_test_setup(test_resource_refused, setup),
        cmocka_unit_test_setup(test_resource_without_counters, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
