/*
 * MSI and MSI-X of the machine's devices under dom0 (PCI Local Bus 3.0, 6.8).
 * A device is given an address and a vector of the hypervisor's; what dom0
 * writes there is kept and says where the interrupt goes in dom0.
 */
#ifndef XEN_MSI_H
#define XEN_MSI_H

#include "pci.h"

/* All devices and tables; taken by dom0's accesses, which hold no other lock. */
extern struct spinlock msi_lock;

/* ---- msi.c: configuration space ------------------------------------------------------------ */

/* What dom0 is to read where the machine has `value`. */
uint32_t msi_config_read(struct pci_function f, unsigned reg, unsigned bytes, uint32_t value);
/* True: the write was for the capabilities and has been dealt with. */
bool msi_config_write(struct pci_function f, unsigned reg, unsigned bytes, uint32_t value);

/* A vector whose interrupts dom0 gets as the message says: address in 63:32, data in 31:0. 0: none
 * is left. It goes to the current pCPU. */
uint8_t msi_vector_alloc(uint64_t message);
void msi_vector_aim(uint8_t vector, uint64_t message);
void msi_vector_free(uint8_t vector);
/* Where a device has to write its vector for the current pCPU. */
uint32_t msi_machine_address(void);

/* ---- msix.c: tables in memory -------------------------------------------------------------- */

struct msix_table;

/* Under msi_lock, before the function's MSI-X is switched on: dom0's accesses to the table come here
 * from now on, wherever its BAR is now. NULL: there is no place for a table, or no memory. */
struct msix_table *msix_enable(struct pci_function f, unsigned cap);
/* Under msi_lock, after it was switched off: the table is the device's and dom0's again. */
void msix_disable(struct msix_table *t);

/* Is it a page of a table? What else is in such a page is the machine's. */
bool msix_covers(paddr_t pa);
/* 1, 2 or 4 bytes. */
uint32_t msix_read(paddr_t pa, unsigned bytes);
void msix_write(paddr_t pa, unsigned bytes, uint32_t value);

#endif
