#include "elf.h"

#include "abi.h"

enum { ELF_CLASS_64 = 2, ELF_LITTLE_ENDIAN = 1, ELF_MACHINE_X86_64 = 62 };
enum { SEGMENT_LOAD = 1, SEGMENT_NOTE = 4 };

struct elf_header {
    uint8_t magic[4], class, data, version, abi, padding[8];
    uint16_t type, machine;
    uint32_t version_again;
    uint64_t entry, segments, sections;
    uint32_t flags;
    uint16_t size, segment_size, nr_segments, section_size, nr_sections, section_names;
};

struct elf_segment {
    uint32_t type, flags;
    uint64_t offset, vaddr, paddr, file_size, memory_size, align;
};

struct elf_note {
    uint32_t name_size, size, type; /* then the name, then the contents, each padded to 4 bytes */
};

/* Copied: nothing in a file is aligned for sure. */
static void segment_at(const struct elf_image *image, unsigned i, struct elf_segment *s)
{
    struct elf_header h;

    memcpy(&h, image->file, sizeof(h));
    memcpy(s, image->file + h.segments + (uint64_t)i * h.segment_size, sizeof(*s));
}

static unsigned nr_segments(const struct elf_image *image)
{
    struct elf_header h;

    memcpy(&h, image->file, sizeof(h));
    return h.nr_segments;
}

static const char *check_header(const struct elf_image *image)
{
    struct elf_header h;

    if (image->size < sizeof(h))
        return "it is too short for an ELF file";
    memcpy(&h, image->file, sizeof(h));
    if (memcmp(h.magic, "\177ELF", 4) != 0)
        return "it is no ELF file";
    if (h.class != ELF_CLASS_64 || h.data != ELF_LITTLE_ENDIAN || h.machine != ELF_MACHINE_X86_64)
        return "it is not for 64-bit x86";
    if (h.segment_size < sizeof(struct elf_segment) || h.segments > image->size ||
        (uint64_t)h.nr_segments * h.segment_size > image->size - h.segments)
        return "its program headers are not within the file";
    return NULL;
}

/* The entry's note in one segment of notes, or 0. */
static uint32_t entry_in(const uint8_t *at, size_t left)
{
    struct elf_note n;

    while (left >= sizeof(n)) {
        uint64_t name, rest;

        memcpy(&n, at, sizeof(n));
        name = ROUND_UP((uint64_t)n.name_size, 4);
        rest = name + ROUND_UP((uint64_t)n.size, 4);
        at += sizeof(n);
        left -= sizeof(n);
        if (rest > left)
            break;
        if (n.type == XEN_ELFNOTE_PHYS32_ENTRY && n.name_size == 4 && !memcmp(at, "Xen", 4) &&
            n.size >= sizeof(uint32_t)) {
            uint32_t entry;

            memcpy(&entry, at + name, sizeof(entry));
            return entry;
        }
        at += rest;
        left -= rest;
    }
    return 0;
}

static const char *take_segment(struct elf_image *image, const struct elf_segment *s)
{
    if (s->file_size && (s->offset > image->size || s->file_size > image->size - s->offset))
        return "a segment is not within the file";
    if (s->type == SEGMENT_NOTE && !image->entry)
        image->entry = entry_in(image->file + s->offset, s->file_size);
    if (s->type != SEGMENT_LOAD || !s->memory_size)
        return NULL;
    if (s->file_size > s->memory_size || s->paddr >= GIB(4) ||
        s->memory_size > GIB(4) - s->paddr)
        return "a segment's size or address makes no sense";
    image->start = MIN(image->start, s->paddr);
    image->end = MAX(image->end, s->paddr + s->memory_size);
    return NULL;
}

const char *elf_parse(const void *file, size_t size, struct elf_image *image)
{
    const char *why;

    *image = (struct elf_image){.file = file, .size = size, .start = ~0ULL};
    why = check_header(image);
    for (unsigned i = 0; !why && i < nr_segments(image); i++) {
        struct elf_segment s;

        segment_at(image, i, &s);
        why = take_segment(image, &s);
    }
    if (why)
        return why;
    if (!image->entry)
        return "it has no PVH entry (note XEN_ELFNOTE_PHYS32_ENTRY)";
    if (image->entry < image->start || image->entry >= image->end)
        return "its PVH entry is outside of its segments";
    return NULL;
}

void elf_load(const struct elf_image *image, void *memory)
{
    memset(memory, 0, image->end - image->start);
    for (unsigned i = 0; i < nr_segments(image); i++) {
        struct elf_segment s;

        segment_at(image, i, &s);
        if (s.type == SEGMENT_LOAD && s.memory_size)
            memcpy((uint8_t *)memory + (s.paddr - image->start), image->file + s.offset,
                   s.file_size);
    }
}
