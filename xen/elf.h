/* ELF files that are started by the PVH protocol: 64-bit x86 with Xen's note of the entry. */
#ifndef XEN_ELF_H
#define XEN_ELF_H

#include "frames.h"

struct elf_image {
    const uint8_t *file;
    size_t size;
    paddr_t start, end; /* of all segments, their bss included */
    uint32_t entry;     /* XEN_ELFNOTE_PHYS32_ENTRY: physical, 32-bit protected mode */
};

/* NULL if the file is sound (then all of *image is set), otherwise what is wrong with it. */
const char *elf_parse(const void *file, size_t size, struct elf_image *image);
/* Copies the segments and zeroes the rest of [start, end); `memory` is where `start` lies. */
void elf_load(const struct elf_image *image, void *memory);

#endif
