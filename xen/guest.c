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

static bool entry_allows(uint64_t entry, bool write)
{
    return (entry & PTE_P) && (!write || (entry & PTE_W));
}

/* Eight-byte entries from the level whose entries map 1 << shift bytes. */
static int walk(struct domain *d, paddr_t table, unsigned shift, uint64_t va, bool write,
                paddr_t *gpa)
{
    for (;; shift -= 9) {
        const volatile uint64_t *entries = p2m_page(d, table >> PAGE_SHIFT, false);
        uint64_t entry, offset = BIT(shift) - 1;

        if (!entries)
            return -XEN_EFAULT;
        entry = entries[va >> shift & 511];
        if (!entry_allows(entry, write))
            return -XEN_EFAULT;
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

static int walk_long(struct domain *d, const struct guest_mode *m, uint64_t va, bool write,
                     paddr_t *gpa)
{
    unsigned bits = m->cr4 & CR4_LA57 ? 57 : 48;

    if (!canonical(va, bits))
        return -XEN_EFAULT;
    return walk(d, m->cr3 & CR3_ADDRESS, bits - 9, va, write, gpa);
}

/* Four pointers to page directories, which carry no rights. */
static int walk_pae(struct domain *d, const struct guest_mode *m, uint64_t va, bool write,
                    paddr_t *gpa)
{
    uint32_t root = m->cr3 & CR3_PAE_ADDRESS;
    const uint8_t *page = p2m_page(d, root >> PAGE_SHIFT, false);
    uint64_t entry;

    if (!page)
        return -XEN_EFAULT;
    entry = ((const volatile uint64_t *)(page + root % PAGE_SIZE))[va >> 30 & 3];
    if (!(entry & PTE_P))
        return -XEN_EFAULT;
    return walk(d, entry & PTE_ADDRESS, 21, va, write, gpa);
}

static int walk_32(struct domain *d, const struct guest_mode *m, uint64_t va, bool write,
                   paddr_t *gpa)
{
    const volatile uint32_t *entries = p2m_page(d, (uint32_t)m->cr3 >> PAGE_SHIFT, false);
    uint32_t entry;

    if (!entries)
        return -XEN_EFAULT;
    entry = entries[va >> 22 & 1023];
    if (!entry_allows(entry, write))
        return -XEN_EFAULT;
    if ((entry & PTE_LEAF) && (m->cr4 & CR4_PSE)) {
        /* 4 MiB; bits 20..13 are the address's bits 39..32 (5.3.1) */
        *gpa = (entry & 0xffc00000u) | (uint64_t)(entry >> 13 & 0xff) << 32 | (va & 0x3fffff);
        return 0;
    }
    entries = p2m_page(d, entry >> PAGE_SHIFT, false);
    if (!entries)
        return -XEN_EFAULT;
    entry = entries[va >> 12 & 1023];
    if (!entry_allows(entry, write))
        return -XEN_EFAULT;
    *gpa = (entry & PTE32_ADDRESS) | (va & (PAGE_SIZE - 1));
    return 0;
}

/* Under the lock of the nested page tables. */
static int translate(struct domain *d, const struct guest_mode *m, uint64_t va, bool write,
                     paddr_t *gpa)
{
    write = write && (m->cr0 & CR0_WP);
    if (m->efer & EFER_LMA)
        return walk_long(d, m, va, write, gpa);
    if (va >> 32)
        return -XEN_EFAULT;
    if (!(m->cr0 & CR0_PG)) {
        *gpa = va;
        return 0;
    }
    return m->cr4 & CR4_PAE ? walk_pae(d, m, va, write, gpa) : walk_32(d, m, va, write, gpa);
}

int guest_translate(struct vcpu *v, uint64_t va, bool write, paddr_t *gpa)
{
    struct domain *d = v->domain;
    struct guest_mode mode;
    int err;

    hvm->mode(v, &mode);
    spin_lock(&d->p2m.lock);
    err = translate(d, &mode, va, write, gpa);
    spin_unlock(&d->p2m.lock);
    return err;
}

/* Part of one page; under the lock. */
static int access_page(struct domain *d, paddr_t gpa, void *buffer, size_t n, enum access access)
{
    uint8_t *page = p2m_page(d, gpa >> PAGE_SHIFT, access != READ);

    if (!page)
        return -XEN_EFAULT;
    page += gpa % PAGE_SIZE;
    if (access == READ)
        memcpy(buffer, page, n);
    else if (access == WRITE)
        memcpy(page, buffer, n);
    else
        memset(page, 0, n);
    return 0;
}

/* mode NULL: `address` is guest-physical. */
static int access_guest(struct domain *d, const struct guest_mode *mode, uint64_t address,
                        void *buffer, size_t n, enum access access)
{
    int err = 0;

    if (n && address + n - 1 < address)
        return -XEN_EFAULT;
    while (n && !err) {
        size_t part = MIN(n, PAGE_SIZE - address % PAGE_SIZE);
        paddr_t gpa = address;

        spin_lock(&d->p2m.lock);
        if (mode)
            err = translate(d, mode, address, access != READ, &gpa);
        if (!err)
            err = access_page(d, gpa, buffer, part, access);
        spin_unlock(&d->p2m.lock);
        address += part;
        buffer = (uint8_t *)buffer + part;
        n -= part;
    }
    return err;
}

static int access_virtual(struct vcpu *v, uint64_t va, void *buffer, size_t n, enum access access)
{
    struct guest_mode mode;

    hvm->mode(v, &mode);
    return access_guest(v->domain, &mode, va, buffer, n, access);
}

int copy_from_guest(struct vcpu *v, void *to, uint64_t from, size_t n)
{
    return access_virtual(v, from, to, n, READ);
}

int copy_to_guest(struct vcpu *v, uint64_t to, const void *from, size_t n)
{
    return access_virtual(v, to, (void *)(uintptr_t)from, n, WRITE);
}

int clear_guest(struct vcpu *v, uint64_t to, size_t n)
{
    return access_virtual(v, to, NULL, n, CLEAR);
}

int copy_from_gpa(struct domain *d, void *to, paddr_t from, size_t n)
{
    return access_guest(d, NULL, from, to, n, READ);
}

int copy_to_gpa(struct domain *d, paddr_t to, const void *from, size_t n)
{
    return access_guest(d, NULL, to, (void *)(uintptr_t)from, n, WRITE);
}
