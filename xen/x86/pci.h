/*
 * PCI configuration space: the machine's, by ports 0xcf8/0xcfc and by ECAM,
 * and dom0's view of it.
 */
#ifndef XEN_PCI_H
#define XEN_PCI_H

#include "../frames.h"

#define PCI_NO_FUNCTION 0xffff /* what a vendor register without a function reads */

struct pci_function {
    uint16_t segment;
    uint16_t bdf; /* bus 15:8, device 7:3, function 2:0 */
};

/* Once, while there is memory for the page tables that ECAM takes. */
void pci_init(void);

/* 1, 2 or 4 bytes at a naturally aligned register below 4096; what is not there reads all ones. */
uint32_t pci_read(struct pci_function f, unsigned reg, unsigned bytes);
void pci_write(struct pci_function f, unsigned reg, unsigned bytes, uint32_t value);

/* 1, 2 or 4 bytes of mapped device memory. */
uint32_t device_read(volatile void *at, unsigned bytes);
void device_write(volatile void *at, unsigned bytes, uint32_t value);

/* dom0's ports 0xcf8 to 0xcff. */
uint32_t pci_config_in(uint16_t port, unsigned bytes);
void pci_config_out(uint16_t port, unsigned bytes, uint32_t value);

/* pci_memory.c: dom0 has written all ones to what may be a base address register. */
void pci_memory_sized(struct pci_function f, unsigned reg);
/* The memory of a function that is there now, if one is. */
bool pci_memory_find(paddr_t pa, paddr_t *start, paddr_t *end);

/* dom0's accesses to the ECAM windows that MCFG names. */
bool pci_ecam_covers(paddr_t pa);
uint32_t pci_ecam_read(paddr_t pa, unsigned bytes);
void pci_ecam_write(paddr_t pa, unsigned bytes, uint32_t value);

#endif
