/*
 * The only way to a guest's memory. Each page is translated and copied under
 * the lock of the domain's nested page tables, so it cannot be unmapped, freed
 * and given to somebody else in between.
 *
 * The guest's page tables are walked as its kernel's accesses would be (AMD
 * manual vol. 2, chapter 5): present at every level, writable at every level if
 * CR0.WP says that it matters. Accessed and dirty bits are left alone.
 */
#include "hvm.h"

#define PTE_P    BIT(0)
#define PTE_W    BIT(1)
#define PTE_LEAF BIT(7)
#define PTE_ADDRESS   0x000ffffffffff000ULL
#define PTE32_ADDRESS 0xfffff000u
#define CR3_ADDRESS      PTE_ADDRESS
#define CR3_PAE_ADDRESS  0xffffffe0u

#define CR0_WP   BIT(16)
#define CR0_PG   BIT(31)
#define CR4_PSE  BIT(4)
#define CR4_PAE  BIT(5)
#define CR4_LA57 BIT(12)
#define EFER_LMA BIT(10)

enum access { READ, WRITE, CLEAR };

/* The same from level `i` to the last: fewer may follow. A fifth is not noted, see hvm->space(). */
static void note(struct guest_walk *w, unsigned i, const volatile uint64_t *slot, uint64_t entry)
{
    for (; i < GUEST_LEVELS; i++) {
        w->level[i].slot = slot;
        w->level[i].entry = entry;
    }
}

/* Eight-byte entries from the level whose entries map 1 << shift bytes; each must have the bits of
 * `needed`. Where they are is noted in *w. */
static int walk(struct p2m *p, paddr_t table, unsigned shift, uint64_t va, unsigned needed,
                struct guest_walk *w, paddr_t *gpa)
{
    for (unsigned level = 0;; level++, shift -= 9) {
        const volatile uint64_t *entries = p2m_page(p, table >> PAGE_SHIFT, false);
        uint64_t entry, offset = BIT(shift) - 1;

        if (!entries)
            return -XEN_EFAULT;
        entry = entries[va >> shift & 511];
        if ((entry & needed) != needed)
            return -XEN_EFAULT;
        note(w, level, &entries[va >> shift & 511], entry);
        if (shift == 12 || (shift <= 30 && (entry & PTE_LEAF))) {
            *gpa = (entry & PTE_ADDRESS & ~offset) | (va & offset);
            return 0;
        }
        table = entry & PTE_ADDRESS;
    }
}

static bool canonical(uint64_t va, unsigned bits)
{
    return (uint64_t)((int64_t)(va << (64 - bits)) >> (64 - bits)) == va;
}

static int walk_long(struct p2m *p, const struct guest_mode *m, uint64_t va, unsigned needed,
                     struct guest_walk *w, paddr_t *gpa)
{
    unsigned bits = m->cr4 & CR4_LA57 ? 57 : 48;

    if (!canonical(va, bits))
        return -XEN_EFAULT;
    return walk(p, m->cr3 & CR3_ADDRESS, bits - 9, va, needed, w, gpa);
}

/* Four pointers to page directories, which carry no rights. */
static int walk_pae(struct p2m *p, const struct guest_mode *m, uint64_t va, unsigned needed,
                    struct guest_walk *w, paddr_t *gpa)
{
    uint32_t root = m->cr3 & CR3_PAE_ADDRESS;
    const uint8_t *page = p2m_page(p, root >> PAGE_SHIFT, false);
    uint64_t entry;

    if (!page)
        return -XEN_EFAULT;
    entry = ((const volatile uint64_t *)(page + root % PAGE_SIZE))[va >> 30 & 3];
    if (!(entry & PTE_P))
        return -XEN_EFAULT;
    return walk(p, entry & PTE_ADDRESS, 21, va, needed, w, gpa);
}

static int walk_32(struct p2m *p, const struct guest_mode *m, uint64_t va, unsigned needed,
                   paddr_t *gpa)
{
    const volatile uint32_t *entries = p2m_page(p, (uint32_t)m->cr3 >> PAGE_SHIFT, false);
    uint32_t entry;

    if (!entries)
        return -XEN_EFAULT;
    entry = entries[va >> 22 & 1023];
    if ((entry & needed) != needed)
        return -XEN_EFAULT;
    if ((entry & PTE_LEAF) && (m->cr4 & CR4_PSE)) {
        /* 4 MiB; bits 20..13 are the address's bits 39..32 (5.3.1) */
        *gpa = (entry & 0xffc00000u) | (uint64_t)(entry >> 13 & 0xff) << 32 | (va & 0x3fffff);
        return 0;
    }
    entries = p2m_page(p, entry >> PAGE_SHIFT, false);
    if (!entries)
        return -XEN_EFAULT;
    entry = entries[va >> 12 & 1023];
    if ((entry & needed) != needed)
        return -XEN_EFAULT;
    *gpa = (entry & PTE32_ADDRESS) | (va & (PAGE_SIZE - 1));
    return 0;
}

/* Under the lock of the nested page tables. */
static int translate(struct p2m *p, const struct guest_mode *m, uint64_t va, bool write,
                     struct guest_walk *w, paddr_t *gpa)
{
    unsigned needed = write && (m->cr0 & CR0_WP) ? PTE_P | PTE_W : PTE_P;

    if (m->efer & EFER_LMA)
        return walk_long(p, m, va, needed, w, gpa);
    if (va >> 32)
        return -XEN_EFAULT;
    if (!(m->cr0 & CR0_PG)) {
        *gpa = va;
        return 0;
    }
    return m->cr4 & CR4_PAE ? walk_pae(p, m, va, needed, w, gpa) : walk_32(p, m, va, needed, gpa);
}

int guest_translate(struct vcpu *v, uint64_t va, bool write, paddr_t *gpa)
{
    struct p2m *p = &v->domain->p2m;
    struct guest_mode mode;
    struct guest_walk w;
    int err;

    hvm->mode(v, &mode);
    spin_lock(&p->lock);
    err = translate(p, &mode, va, write, &w, gpa);
    spin_unlock(&p->lock);
    return err;
}

/* Does the walk still lead where it led, with these rights? */
static bool holds(const struct guest_walk *w, const struct p2m *p, uint64_t page, uint64_t space,
                  bool write)
{
    if (w->va != page || w->space != space || w->epoch != p->epoch || write > w->writable)
        return false;
#pragma GCC unroll 4
    for (unsigned i = 0; i < GUEST_LEVELS; i++)
        if (*w->level[i].slot != w->level[i].entry)
            return false;
    return true;
}

static uint8_t *walk_anew(struct vcpu *v, struct guest_walk *w, uint64_t va, uint64_t space,
                          bool write)
{
    struct p2m *p = &v->domain->p2m;
    struct guest_mode mode;
    paddr_t gpa;

    hvm->mode(v, &mode);
    w->epoch = 0;
    if (translate(p, &mode, va, write, w, &gpa))
        return NULL;
    w->page = p2m_page(p, gpa >> PAGE_SHIFT, write);
    if (!w->page)
        return NULL;
    w->va = va & ~(PAGE_SIZE - 1);
    w->space = space;
    w->epoch = space ? p->epoch : 0;
    w->writable = write;
    return w->page;
}

/* The byte at a virtual address, or NULL; under the lock of the nested page tables. */
static uint8_t *at_virtual(struct vcpu *v, uint64_t va, uint64_t space, bool write)
{
    struct guest_walk *w = &v->walks[va / PAGE_SIZE % GUEST_WALKS];
    bool known = holds(w, &v->domain->p2m, va & ~(PAGE_SIZE - 1), space, write);
    uint8_t *page = known ? w->page : walk_anew(v, w, va, space, write);

    return page ? page + va % PAGE_SIZE : NULL;
}

static uint8_t *at_physical(struct p2m *p, paddr_t gpa, bool write)
{
    uint8_t *page = p2m_page(p, gpa >> PAGE_SHIFT, write);

    return page ? page + gpa % PAGE_SIZE : NULL;
}

/* Four bytes are an event channel's port: the most frequent argument of all. */
static inline void copy(void *to, const void *from, size_t n)
{
    if (n == sizeof(uint32_t))
        __builtin_memcpy(to, from, sizeof(uint32_t)); /* one instruction each way */
    else
        memcpy(to, from, n);
}

static void move(uint8_t *guest, void *buffer, size_t n, enum access access)
{
    if (access == READ)
        copy(buffer, guest, n);
    else if (access == WRITE)
        copy(guest, buffer, n);
    else
        memset(guest, 0, n);
}

/* Part of one page. v NULL: `address` is guest-physical. Without success *missed may be why. */
static bool access_page(struct p2m *p, struct vcpu *v, uint64_t space, uint64_t address,
                               void *buffer, size_t n, enum access access, gfn_t *missed)
{
    bool write = access != READ;
    uint8_t *guest;

    spin_lock(&p->lock);
    p->missed = MFN_NONE;
    guest = v ? at_virtual(v, address, space, write) : at_physical(p, address, write);
    if (guest)
        move(guest, buffer, n, access);
    *missed = p->missed;
    spin_unlock(&p->lock);
    return guest;
}

static __attribute__((noinline)) int access_guest(struct p2m *p, struct vcpu *v, uint64_t address,
                                                  void *buffer, size_t n, enum access access)
{
    uint64_t space = v ? hvm->space(v) : 0;

    if (n && address + n - 1 < address)
        return -XEN_EFAULT;
    while (n) {
        size_t part = MIN(n, PAGE_SIZE - address % PAGE_SIZE);
        gfn_t missed;

        while (!access_page(p, v, space, address, buffer, part, access, &missed))
            if (on_demand_fill(container_of(p, struct domain, p2m), missed))
                return -XEN_EFAULT;
        address += part;
        buffer = (uint8_t *)buffer + part;
        n -= part;
    }
    return 0;
}

/* Most of what hypercalls copy: within one page, where another copy has been before. */
static inline bool access_again(struct vcpu *v, uint64_t va, void *buffer, size_t n,
                                enum access access)
{
    struct p2m *p = &v->domain->p2m;
    const struct guest_walk *w = &v->walks[va / PAGE_SIZE % GUEST_WALKS];
    uint64_t space = hvm->space(v);
    bool known;

    if (n > PAGE_SIZE - va % PAGE_SIZE)
        return false;
    spin_lock(&p->lock);
    known = holds(w, p, va & ~(PAGE_SIZE - 1), space, access != READ);
    if (known)
        move(w->page + va % PAGE_SIZE, buffer, n, access);
    spin_unlock(&p->lock);
    return known;
}

int copy_from_guest(struct vcpu *v, void *to, uint64_t from, size_t n)
{
    if (access_again(v, from, to, n, READ))
        return 0;
    return access_guest(&v->domain->p2m, v, from, to, n, READ);
}

int copy_to_guest(struct vcpu *v, uint64_t to, const void *from, size_t n)
{
    if (access_again(v, to, (void *)(uintptr_t)from, n, WRITE))
        return 0;
    return access_guest(&v->domain->p2m, v, to, (void *)(uintptr_t)from, n, WRITE);
}

int clear_guest(struct vcpu *v, uint64_t to, size_t n)
{
    return access_guest(&v->domain->p2m, v, to, NULL, n, CLEAR);
}

int copy_from_gpa(struct domain *d, void *to, paddr_t from, size_t n)
{
    return access_guest(&d->p2m, NULL, from, to, n, READ);
}

int copy_to_gpa(struct domain *d, paddr_t to, const void *from, size_t n)
{
    return access_guest(&d->p2m, NULL, to, (void *)(uintptr_t)from, n, WRITE);
}
