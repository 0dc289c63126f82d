/*
 * dom0's view of MSI and MSI-X capabilities: see msi.h. The machine's MSI
 * address and data registers hold the hypervisor's values, dom0 sees an image
 * of its own. A function has one MSI vector, whatever it could have.
 */
#include "msi.h"

#include "../domain.h"
#include "arch.h"

#define REG_ID           0x00
#define REG_STATUS       0x06
#define REG_CAPABILITIES 0x34
#define STATUS_HAS_LIST  BIT(4)
#define CAP_MSI          0x05
#define CAP_MSIX         0x11
#define MAX_CAPABILITIES 48 /* more are a loop */

/* The control register, at 2 in the capability. */
#define MSI_ENABLE  BIT(0)
#define MSI_CAPABLE (7u << 1) /* log2 of the vectors that it could have */
#define MSI_VECTORS (7u << 4) /* that it has */
#define MSI_64      BIT(7)
#define MSIX_ENABLE BIT(15)

#define MSI_BASE    0xfee00000u
#define MSI_LOGICAL BIT(2)
#define NR_BUCKETS  64

struct msi_device {
    struct list link;
    struct pci_function function;
    uint32_t id;              /* vendor and device */
    uint8_t msi, msix;        /* where the capabilities are; 0: none */
    bool wide;                /* MSI with a 64-bit address */
    uint8_t vector;           /* of MSI; 0: none */
    uint8_t image[12];        /* dom0's address (4 or 8 bytes) and data */
    struct msix_table *table; /* while MSI-X is enabled */
};

static struct list buckets[NR_BUCKETS];
static bool buckets_made;
struct spinlock msi_lock = SPINLOCK_INIT(RANK_DOMAIN);
static uint64_t message_of[256]; /* by vector */

/* ---- vectors ------------------------------------------------------------------------------- */

static void on_interrupt(unsigned vector)
{
    uint64_t message = __atomic_load_n(&message_of[vector], __ATOMIC_RELAXED);
    uint32_t address = (uint32_t)(message >> 32), data = (uint32_t)message;
    const struct apic_message m = {
        .dest = address >> 12 & 0xff,
        .logical = address & MSI_LOGICAL,
        .mode = data >> 8 & 7,
        .vector = (uint8_t)data,
    };

    apic_eoi();
    if (address >> 20 == MSI_BASE >> 20 && (m.mode == APIC_FIXED || m.mode == APIC_LOWEST))
        vlapic_send(dom0, &m);
}

uint8_t msi_vector_alloc(uint64_t message)
{
    int vector = vector_alloc(on_interrupt);

    if (vector < 0) {
        printk(LOG_WARN, "no vector is left for a message-signalled interrupt of dom0's");
        return 0;
    }
    msi_vector_aim((uint8_t)vector, message);
    return (uint8_t)vector;
}

void msi_vector_aim(uint8_t vector, uint64_t message)
{
    __atomic_store_n(&message_of[vector], message, __ATOMIC_RELAXED);
}

void msi_vector_free(uint8_t vector)
{
    if (vector)
        vector_free(vector);
}

uint32_t msi_machine_address(void)
{
    return MSI_BASE | this_pcpu()->apic_id << 12;
}

/* ---- devices ------------------------------------------------------------------------------- */

static void find_capabilities(struct msi_device *d)
{
    if (!(pci_read(d->function, REG_STATUS, 2) & STATUS_HAS_LIST))
        return;
    unsigned at = pci_read(d->function, REG_CAPABILITIES, 1) & 0xfc;
    for (unsigned n = 0; at && n < MAX_CAPABILITIES; n++) {
        uint32_t head = pci_read(d->function, at, 2);
        if ((head & 0xff) == CAP_MSI)
            d->msi = (uint8_t)at;
        else if ((head & 0xff) == CAP_MSIX)
            d->msix = (uint8_t)at;
        at = head >> 8 & 0xfc;
    }
    d->wide = d->msi && (pci_read(d->function, d->msi + 2, 2) & MSI_64);
}

static struct list *bucket_of(struct pci_function f)
{
    for (unsigned i = 0; i < NR_BUCKETS && !buckets_made; i++)
        list_init(&buckets[i]);
    buckets_made = true;
    return &buckets[(f.bdf ^ f.bdf >> 6) % NR_BUCKETS];
}

/* NULL: there is no such function, or no memory. */
static struct msi_device *device_of(struct pci_function f)
{
    struct list *bucket = bucket_of(f);

    list_for_each(d, bucket, struct msi_device, link) {
        if (d->function.bdf == f.bdf && d->function.segment == f.segment)
            return d;
    }
    if (pci_read(f, REG_ID, 2) == PCI_NO_FUNCTION)
        return NULL;
    struct msi_device *d = xnew(struct msi_device);
    if (!d)
        return NULL;
    d->function = f;
    d->id = pci_read(f, REG_ID, 4);
    find_capabilities(d);
    list_add_tail(bucket, &d->link);
    return d;
}

/* ---- MSI ----------------------------------------------------------------------------------- */

static unsigned image_size(const struct msi_device *d)
{
    return d->wide ? 12 : 8;
}

static uint64_t message(const struct msi_device *d)
{
    uint32_t address;
    uint16_t data;

    memcpy(&address, d->image, sizeof(address));
    memcpy(&data, d->image + image_size(d) - 4, sizeof(data));
    return (uint64_t)address << 32 | data;
}

static void program(struct msi_device *d)
{
    pci_write(d->function, d->msi + 4u, 4, msi_machine_address());
    if (d->wide)
        pci_write(d->function, d->msi + 8u, 4, 0);
    pci_write(d->function, d->msi + image_size(d), 2, d->vector);
}

static void write_msi_control(struct msi_device *d, uint32_t control)
{
    bool enable = control & MSI_ENABLE;

    if (enable && !d->vector)
        d->vector = msi_vector_alloc(message(d));
    if (enable && d->vector)
        program(d);
    else
        control &= ~MSI_ENABLE;
    pci_write(d->function, d->msi + 2u, 2, control & ~MSI_VECTORS);
    if (!enable) {
        msi_vector_free(d->vector);
        d->vector = 0;
    }
}

static void write_msix_control(struct msi_device *d, uint32_t control)
{
    bool enable = control & MSIX_ENABLE;

    if (enable && !d->table)
        d->table = msix_enable(d->function, d->msix);
    if (enable && !d->table)
        return;
    pci_write(d->function, d->msix + 2u, 2, control);
    if (!enable && d->table) {
        msix_disable(d->table);
        d->table = NULL;
    }
}

/* ---- configuration space ------------------------------------------------------------------- */

static bool overlap(unsigned reg, unsigned bytes, unsigned from, unsigned size)
{
    return reg < from + size && from < reg + bytes;
}

static bool in_image(const struct msi_device *d, unsigned reg)
{
    return d->msi && reg >= d->msi + 4u && reg < d->msi + 4u + image_size(d);
}

static uint32_t read_msi(const struct msi_device *d, unsigned reg, unsigned bytes, uint32_t value)
{
    for (unsigned i = 0; i < bytes; i++) {
        unsigned at = reg + i, shift = 8 * i;
        if (in_image(d, at))
            value = (value & ~(0xffu << shift)) | (uint32_t)d->image[at - d->msi - 4] << shift;
        else if (at == d->msi + 2u)
            value &= ~(MSI_CAPABLE << shift); /* one vector */
    }
    return value;
}

/* dom0 sees that something else is in the slot, or nothing. */
static bool is_another(const struct msi_device *d, unsigned reg, unsigned bytes, uint32_t value)
{
    uint32_t mask = bytes == 4 ? ~0u : (1u << 8 * bytes) - 1;

    return reg == REG_ID && bytes >= 2 && ((d->id ^ value) & mask);
}

static void forget(struct msi_device *d)
{
    msi_vector_free(d->vector);
    if (d->table)
        msix_disable(d->table);
    list_del(&d->link);
    xfree(d);
}

uint32_t msi_config_read(struct pci_function f, unsigned reg, unsigned bytes, uint32_t value)
{
    spin_lock(&msi_lock);
    struct msi_device *d = device_of(f);
    if (d && is_another(d, reg, bytes, value))
        forget(d);
    else if (d && d->msi && overlap(reg, bytes, d->msi, 4 + image_size(d)))
        value = read_msi(d, reg, bytes, value);
    spin_unlock(&msi_lock);
    return value;
}

/* The control register after a write that may cover a part of it only. */
static uint32_t merged_control(const struct msi_device *d, unsigned cap, unsigned reg,
                               unsigned bytes, uint32_t value)
{
    uint32_t control = pci_read(d->function, cap + 2, 2);

    for (unsigned i = 0; i < bytes; i++) {
        unsigned at = reg + i;
        if (at >= cap + 2 && at < cap + 4) {
            unsigned shift = 8 * (at - cap - 2);
            control = (control & ~(0xffu << shift)) | (value >> 8 * i & 0xff) << shift;
        }
    }
    return control;
}

static bool write_image(struct msi_device *d, unsigned reg, unsigned bytes, uint32_t value)
{
    if (!in_image(d, reg))
        return false;
    for (unsigned i = 0; i < bytes; i++)
        d->image[reg + i - d->msi - 4] = (uint8_t)(value >> 8 * i);
    if (d->vector)
        msi_vector_aim(d->vector, message(d));
    return true;
}

static bool write_capability(struct msi_device *d, unsigned reg, unsigned bytes, uint32_t value)
{
    if (d->msi && overlap(reg, bytes, d->msi + 2u, 2)) {
        write_msi_control(d, merged_control(d, d->msi, reg, bytes, value));
        return true;
    }
    if (d->msix && overlap(reg, bytes, d->msix + 2u, 2)) {
        write_msix_control(d, merged_control(d, d->msix, reg, bytes, value));
        return true;
    }
    return write_image(d, reg, bytes, value);
}

bool msi_config_write(struct pci_function f, unsigned reg, unsigned bytes, uint32_t value)
{
    spin_lock(&msi_lock);
    struct msi_device *d = device_of(f);
    bool done = d && write_capability(d, reg, bytes, value);
    spin_unlock(&msi_lock);
    return done;
}
