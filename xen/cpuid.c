/*
 * CPUID of guests. `rules` is the whole policy: a leaf that is not in it reads
 * zero, a bit that is not in `keep` is hidden. Hidden on purpose:
 *
 *   SVM, MONITOR, TSC_DEADLINE  there is no nesting, MWAIT would hold the pCPU, the virtual APIC's
 *                               timer has no such mode
 *   RDTSCP, RDPID               TSC_AUX is not switched between vCPUs
 *   PCID, INVPCID               page walks would have to know
 *   AVX512, PKU, XSAVES         XCR0 is offered as x87, SSE and AVX
 *   TOPOEXT                     libxl cannot carry leaf 0x8000001d; topology is in 1, 0xb, 80000008
 *   ITSC                        a domain may move to a machine with another frequency
 */
#include "cpuid.h"

#include "domain.h"
#include "hvm.h"
#include "x86/arch.h"

#include <xen/arch-x86/cpufeatureset.h>

#define F(name) (1u << (XEN_X86_FEATURE_##name & 31))
#define ALL     0xffffffffu
#define ANY     XEN_CPUID_NO_SUBLEAF

#define CR4_OSXSAVE BIT(18)
#define XCR0_GUEST  7u /* x87, SSE, AVX */

/* The greatest leaves that a guest is told of. */
#define MAX_BASIC    0xdu
#define MAX_EXTENDED 0x80000021u

enum { A, B, C, D };
enum { FA = 1 << A, FB = 1 << B, FC = 1 << C, FD = 1 << D }; /* registers that hold feature bits */

#define FEATURES_1D                                                                                \
    (F(FPU) | F(VME) | F(DE) | F(PSE) | F(TSC) | F(MSR) | F(PAE) | F(MCE) | F(CX8) | F(APIC) |     \
     F(SEP) | F(MTRR) | F(PGE) | F(MCA) | F(CMOV) | F(PAT) | F(PSE36) | F(CLFLUSH) | F(MMX) |      \
     F(FXSR) | F(SSE) | F(SSE2))
#define FEATURES_1C                                                                                \
    (F(SSE3) | F(PCLMULQDQ) | F(SSSE3) | F(FMA) | F(CX16) | F(SSE4_1) | F(SSE4_2) | F(MOVBE) |     \
     F(POPCNT) | F(AESNI) | F(XSAVE) | F(AVX) | F(F16C) | F(RDRAND))
#define FEATURES_MADE_UP (F(X2APIC) | F(HYPERVISOR))
#define FEATURES_7B                                                                                \
    (F(FSGSBASE) | F(BMI1) | F(AVX2) | F(SMEP) | F(BMI2) | F(ERMS) | F(RDSEED) | F(ADX) |          \
     F(SMAP) | F(CLFLUSHOPT) | F(CLWB) | F(SHA))
#define FEATURES_7C  (F(UMIP) | F(GFNI) | F(VAES) | F(VPCLMULQDQ))
#define FEATURES_7A1 (F(AVX_VNNI) | F(FZRM) | F(FSRS) | F(FSRCS))
/* AMD repeats part of leaf 1 here. */
#define FEATURES_E1D                                                                               \
    ((FEATURES_1D & 0x0183f3ff) | F(SYSCALL) | F(NX) | F(MMXEXT) | F(FFXSR) | F(PAGE1GB) |         \
     F(LM) | F(3DNOWEXT) | F(3DNOW))
#define FEATURES_E1C                                                                               \
    (F(LAHF_LM) | F(CR8_LEGACY) | F(ABM) | F(SSE4A) | F(MISALIGNSSE) | F(3DNOWPREFETCH) |          \
     F(XOP) | F(FMA4) | F(TBM))
#define FEATURES_E8B                                                                               \
    (F(CLZERO) | F(RSTR_FP_ERR_PTRS) | F(WBNOINVD) | F(IBPB) | F(NO_LMSL) | F(SSB_NO) |            \
     F(BTC_NO) | F(IBPB_RET))
#define FEATURES_E21A (F(LFENCE_DISPATCH) | F(NSCB) | F(SBPB) | F(SRSO_NO) | F(SRSO_US_NO))

/* What the guest sees is (processor & keep) | add. Sorted by leaf and subleaf. */
static const struct rule {
    uint32_t leaf, subleaf, keep[4], add[4];
    uint8_t features;
} rules[] = {
    {0x0, ANY, {ALL, ALL, ALL, ALL}, {0}, 0}, /* greatest leaf, vendor */
    {0x1, ANY, {ALL, 0xff00, FEATURES_1C, FEATURES_1D}, {0, 0, FEATURES_MADE_UP, 0}, FC | FD},
    {0x6, ANY, {0}, {4, 0, 0, 0}, 0}, /* ARAT: the virtual timer never stops */
    {0x7, 0, {1, FEATURES_7B, FEATURES_7C, F(FSRM)}, {0}, FB | FC | FD},
    {0x7, 1, {FEATURES_7A1, 0, 0, 0}, {0}, FA},
    {0xb, 0, {0}, {0}, 0}, /* made up, see topology() */
    {0xb, 1, {0}, {0}, 0},
    {0xd, 0, {XCR0_GUEST, 0, 0, 0}, {0}, FA}, /* sizes: see xsave() */
    {0xd, 1, {F(XSAVEOPT) | F(XSAVEC) | F(XGETBV1), 0, 0, 0}, {0}, FA},
    {0xd, 2, {ALL, ALL, ALL, ALL}, {0}, 0},
    {0x80000000, ANY, {ALL, ALL, ALL, ALL}, {0}, 0},
    {0x80000001, ANY, {ALL, ALL, FEATURES_E1C, FEATURES_E1D}, {0}, FC | FD},
    {0x80000002, ANY, {ALL, ALL, ALL, ALL}, {0}, 0}, /* name of the processor */
    {0x80000003, ANY, {ALL, ALL, ALL, ALL}, {0}, 0},
    {0x80000004, ANY, {ALL, ALL, ALL, ALL}, {0}, 0},
    {0x80000005, ANY, {ALL, ALL, ALL, ALL}, {0}, 0}, /* caches and TLBs */
    {0x80000006, ANY, {ALL, ALL, ALL, ALL}, {0}, 0},
    {0x80000007, ANY, {0}, {0}, FD},
    {0x80000008, ANY, {0xffff, FEATURES_E8B, 0, 0}, {0}, FB}, /* address widths */
    {0x80000019, ANY, {ALL, ALL, 0, 0}, {0}, 0},
    {0x8000001a, ANY, {ALL, 0, 0, 0}, {0}, 0},
    {0x80000021, ANY, {FEATURES_E21A, 0, 0, 0}, {0}, FA},
};
#define NR_RULES ARRAY_SIZE(rules)

/* ---- policies ------------------------------------------------------------------------------ */

static struct xen_cpuid_leaf default_policy[NR_RULES];
static bool default_made;

/* Some processors answer for a leaf above the greatest one with the greatest one's data. */
static void host_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    cpuid(leaf & 0x80000000, 0, out);
    if (leaf <= out[A])
        cpuid(leaf, subleaf == ANY ? 0 : subleaf, out);
    else
        memset(out, 0, 4 * sizeof(out[0]));
}

static struct xen_cpuid_leaf leaf_of(const struct rule *r, const uint32_t keep[4],
                                     const uint32_t add[4])
{
    uint32_t out[4];

    host_cpuid(r->leaf, r->subleaf, out);
    for (unsigned i = 0; i < 4; i++)
        out[i] = (out[i] & keep[i]) | add[i];
    return (struct xen_cpuid_leaf){r->leaf, r->subleaf, out[A], out[B], out[C], out[D]};
}

/* pCPUs that come here at once write the same. */
static const struct xen_cpuid_leaf *the_default(void)
{
    if (__atomic_load_n(&default_made, __ATOMIC_ACQUIRE))
        return default_policy;
    for (unsigned i = 0; i < NR_RULES; i++) {
        struct xen_cpuid_leaf l = leaf_of(&rules[i], rules[i].keep, rules[i].add);
        if (l.leaf == 0x0)
            l.a = MAX_BASIC;
        if (l.leaf == 0x80000000)
            l.a = MIN(l.a, MAX_EXTENDED);
        default_policy[i] = l;
    }
    __atomic_store_n(&default_made, true, __ATOMIC_RELEASE);
    return default_policy;
}

static bool is_host(unsigned index)
{
    return index == XEN_SYSCTL_cpu_policy_raw || index == XEN_SYSCTL_cpu_policy_host;
}

unsigned cpuid_policy_leaves(unsigned index, struct xen_cpuid_leaf *to, unsigned max)
{
    static const uint32_t all[4] = {ALL, ALL, ALL, ALL}, none[4];

    for (unsigned i = 0; i < MIN(max, NR_RULES); i++) {
        to[i] = is_host(index) ? leaf_of(&rules[i], all, none) : the_default()[i];
        if (to[i].leaf == 0x0)
            to[i].a = MIN(to[i].a, MAX_BASIC); /* toolstacks know no more */
        if (to[i].leaf == 0x80000000)
            to[i].a = MIN(to[i].a, MAX_EXTENDED);
    }
    return NR_RULES;
}

unsigned cpuid_domain_leaves(const struct domain *d, struct xen_cpuid_leaf *to, unsigned max)
{
    const struct xen_cpuid_leaf *from = d->cpuid ? d->cpuid : the_default();
    unsigned nr = d->cpuid ? d->nr_cpuid : NR_RULES;

    memcpy(to, from, MIN(nr, max) * sizeof(*to));
    return nr;
}

/* Where the bits of each word of the public header are. */
static const struct {
    uint32_t leaf, subleaf;
    uint8_t reg;
} words_in[CPUID_FEATURESET_WORDS] = {
    {0x1, ANY, D},        {0x1, ANY, C},        {0x80000001, ANY, D}, {0x80000001, ANY, C},
    {0xd, 1, A},          {0x7, 0, B},          {0x7, 0, C},          {0x80000007, ANY, D},
    {0x80000008, ANY, B}, {0x7, 0, D},          {0x7, 1, A},          {0x80000021, ANY, A},
    {0x7, 1, B},          {0x7, 2, D},          {0x7, 1, C},          {0x7, 1, D},
};

static const struct xen_cpuid_leaf *find(const struct xen_cpuid_leaf *l, unsigned nr, uint32_t leaf,
                                         uint32_t subleaf)
{
    unsigned low = 0, high = nr;

    while (low < high) {
        unsigned mid = (low + high) / 2;
        if (l[mid].leaf == leaf && (l[mid].subleaf == ANY || l[mid].subleaf == subleaf))
            return &l[mid];
        if (l[mid].leaf < leaf || (l[mid].leaf == leaf && l[mid].subleaf < subleaf))
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

static uint32_t reg_of(const struct xen_cpuid_leaf *l, unsigned reg)
{
    return reg == A ? l->a : reg == B ? l->b : reg == C ? l->c : l->d;
}

void cpuid_featureset(unsigned index, uint32_t words[CPUID_FEATURESET_WORDS])
{
    struct xen_cpuid_leaf leaves[NR_RULES];

    cpuid_policy_leaves(index, leaves, NR_RULES);
    for (unsigned i = 0; i < CPUID_FEATURESET_WORDS; i++) {
        const struct xen_cpuid_leaf *l =
            words_in[i].leaf ? find(leaves, NR_RULES, words_in[i].leaf, words_in[i].subleaf) : NULL;
        words[i] = l ? reg_of(l, words_in[i].reg) : 0;
    }
}

/* ---- a domain's own policy ----------------------------------------------------------------- */

static bool ordered(const struct xen_cpuid_leaf *a, const struct xen_cpuid_leaf *b)
{
    return a->leaf < b->leaf || (a->leaf == b->leaf && a->subleaf < b->subleaf);
}

/* Features of `l` that the default has not are cleared, those that cannot be missing set. */
static void restrict_leaf(struct xen_cpuid_leaf *l, const struct rule *r,
                          const struct xen_cpuid_leaf *allowed)
{
    l->a = (r->features & FA ? l->a & allowed->a : l->a) | r->add[A];
    l->b = (r->features & FB ? l->b & allowed->b : l->b) | r->add[B];
    l->c = (r->features & FC ? l->c & allowed->c : l->c) | r->add[C];
    l->d = (r->features & FD ? l->d & allowed->d : l->d) | r->add[D];
}

/* Insert in order; false if it is there already. */
static bool insert(struct xen_cpuid_leaf *list, unsigned nr, const struct xen_cpuid_leaf *l)
{
    unsigned i = nr;

    for (; i > 0 && ordered(l, &list[i - 1]); i--)
        ;
    if (i > 0 && !ordered(&list[i - 1], l))
        return false;
    memmove(&list[i + 1], &list[i], (nr - i) * sizeof(*list));
    list[i] = *l;
    return true;
}

int cpuid_domain_set(struct domain *d, const struct xen_cpuid_leaf *leaves, unsigned nr,
                     const struct xen_cpuid_leaf **bad)
{
    const struct xen_cpuid_leaf *allowed = the_default();
    struct xen_cpuid_leaf *mine = xnew_array(struct xen_cpuid_leaf, NR_RULES);
    unsigned kept = 0;

    *bad = NULL;
    if (!mine)
        return -XEN_ENOMEM;
    for (unsigned i = 0; i < nr; i++) {
        const struct xen_cpuid_leaf *a = find(allowed, NR_RULES, leaves[i].leaf, leaves[i].subleaf);
        if (!a)
            continue; /* a leaf that no guest has reads zero whatever is asked for */
        struct xen_cpuid_leaf l = leaves[i];
        l.subleaf = a->subleaf;
        restrict_leaf(&l, &rules[a - allowed], a);
        if (!insert(mine, kept, &l)) {
            *bad = &leaves[i];
            xfree(mine);
            return -XEN_EINVAL;
        }
        kept++;
    }
    cpuid_domain_fini(d);
    d->cpuid = mine;
    d->nr_cpuid = kept;
    return 0;
}

void cpuid_domain_fini(struct domain *d)
{
    xfree(d->cpuid);
    d->cpuid = NULL;
    d->nr_cpuid = 0;
}

/* ---- what depends on the vCPU -------------------------------------------------------------- */

/* Bits of an APIC id below the package: vCPU n is core n of the one package, thread 0 of two. */
static unsigned package_shift(const struct domain *d)
{
    unsigned shift = 1;

    while (1u << (shift - 1) < d->max_vcpus)
        shift++;
    return shift;
}

static void basic_ids(struct vcpu *v, uint32_t out[4])
{
    uint32_t logical = MIN(1u << package_shift(v->domain), 255u);
    struct guest_mode mode;

    hvm->mode(v, &mode);
    out[B] = (out[B] & 0xff00) | logical << 16 | vlapic_id_of(v->id) << 24;
    out[C] &= ~F(OSXSAVE);
    if ((out[C] & F(XSAVE)) && (mode.cr4 & CR4_OSXSAVE))
        out[C] |= F(OSXSAVE);
    out[D] |= F(HTT);
}

static void topology(struct vcpu *v, uint32_t subleaf, uint32_t out[4])
{
    enum { LEVEL_SMT = 1, LEVEL_CORE };

    out[A] = out[B] = 0;
    out[C] = subleaf & 0xff;
    out[D] = vlapic_id_of(v->id);
    if (subleaf == 0) {
        out[A] = 1;
        out[B] = 1;
        out[C] |= LEVEL_SMT << 8;
    } else if (subleaf == 1) {
        out[A] = package_shift(v->domain);
        out[B] = v->domain->max_vcpus;
        out[C] |= LEVEL_CORE << 8;
    }
}

/* The vCPU is loaded: the processor's XCR0 is its own, so the processor knows the sizes. */
static void xsave(uint32_t subleaf, uint32_t out[4])
{
    uint32_t host[4], avx[4];

    if (subleaf > 1)
        return;
    host_cpuid(0xd, subleaf, host);
    out[B] = host[B];
    if (subleaf == 0) {
        host_cpuid(0xd, 2, avx);
        out[C] = out[A] & 4 ? avx[A] + avx[B] : 576;
        out[D] = 0;
    } else if (!(out[A] & F(XSAVEC))) {
        out[B] = 0;
    }
}

static void xen_leaf(struct vcpu *v, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    const struct domain *d = v->domain;

    memset(out, 0, 4 * sizeof(out[0]));
    switch (leaf - XEN_CPUID_FIRST_LEAF) {
    case 0:
        out[A] = XEN_CPUID_LEAF(XEN_CPUID_MAX_NUM_LEAVES);
        out[B] = XEN_CPUID_SIGNATURE_EBX;
        out[C] = XEN_CPUID_SIGNATURE_ECX;
        out[D] = XEN_CPUID_SIGNATURE_EDX;
        break;
    case 1:
        out[A] = 4 << 16 | 17;
        break;
    case 2:
        out[A] = 1;          /* hypercall page, */
        out[B] = 0x40000000; /* by this MSR */
        break;
    case 3:
        if (subleaf == 0) {
            out[B] = d->tsc_mode;
            out[C] = (uint32_t)tsc_khz;
            out[D] = d->tsc_incarnation;
        } else if (subleaf == 1) {
            out[C] = tsc_mul;
            out[D] = (uint32_t)(int32_t)tsc_shift;
        } else if (subleaf == 2) {
            out[A] = (uint32_t)tsc_khz;
        }
        break;
    case 4:
        out[A] = XEN_HVM_CPUID_VCPU_ID_PRESENT | XEN_HVM_CPUID_DOMID_PRESENT |
                 XEN_HVM_CPUID_UPCALL_VECTOR;
        out[B] = v->id;
        out[C] = d->id;
        break;
    }
}

static void fill_in(struct vcpu *v, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    unsigned shift;

    switch (leaf) {
    case 0x1:
        basic_ids(v, out);
        break;
    case 0xb:
        topology(v, subleaf, out);
        break;
    case 0xd:
        if (out[A])
            xsave(subleaf, out);
        break;
    case 0x80000001:
        out[C] |= F(CMP_LEGACY); /* the logical processors of leaf 1 are cores */
        break;
    case 0x80000008:
        shift = package_shift(v->domain);
        out[C] = shift << 12 | MIN((1u << shift) - 1, 255u);
        break;
    }
}

void guest_cpuid(struct vcpu *v, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    const struct domain *d = v->domain;

    if (leaf - XEN_CPUID_FIRST_LEAF < 0x10000) {
        xen_leaf(v, leaf, subleaf, out);
        return;
    }
    const struct xen_cpuid_leaf *l = d->cpuid ? find(d->cpuid, d->nr_cpuid, leaf, subleaf)
                                              : find(the_default(), NR_RULES, leaf, subleaf);
    for (unsigned i = 0; i < 4; i++)
        out[i] = l ? reg_of(l, i) : 0;
    fill_in(v, leaf, subleaf, out);
}
