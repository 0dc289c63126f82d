/*
 * Where a pCPU sits. Its APIC id is made of fields: thread, core and socket
 * from the lowest bits up, whose widths CPUID tells (AMD manual vol. 3, E.3 and
 * E.4; Intel SDM vol. 2, CPUID).
 */
#include "../lib.h"
#include "arch.h"

struct widths {
    unsigned thread, socket; /* bits below the core's number, and below the socket's */
};

/* Bits to number so many. */
static unsigned bits_for(unsigned n)
{
    return n > 1 ? 32 - (unsigned)__builtin_clz(n - 1) : 0;
}

/* Leaf 0xb: ECX bits 15-8 the level's type (1 thread, 2 core), EAX bits 4-0 the bits below the
 * next. */
static bool widths_extended(struct widths *w)
{
    uint32_t leaf[4];
    bool found = false;

    cpuid(0, 0, leaf);
    if (leaf[0] < 0xb)
        return false;
    for (unsigned level = 0; level < 8; level++) {
        cpuid(0xb, level, leaf);
        unsigned type = leaf[2] >> 8 & 0xff;

        if (!type || !leaf[1])
            break;
        if (type == 1)
            w->thread = leaf[0] & 31;
        w->socket = leaf[0] & 31;
        found = true;
    }
    return found;
}

/* AMD: leaf 0x80000008 ECX bits 15-12 the width of thread and core together, or bits 7-0 their
 * number less one; leaf 0x8000001e EBX bits 15-8 threads in a core less one. */
static bool widths_amd(struct widths *w)
{
    uint32_t top[4], features[4], leaf[4];

    cpuid(0x80000000, 0, top);
    cpuid(0x80000001, 0, features);
    if (!(features[2] & BIT(1)) || top[0] < 0x80000008) /* CmpLegacy */
        return false;
    cpuid(0x80000008, 0, leaf);
    unsigned width = leaf[2] >> 12 & 15;
    w->socket = width ? width : bits_for((leaf[2] & 0xff) + 1);
    if ((features[2] & BIT(22)) && top[0] >= 0x8000001e) { /* TopologyExtensions */
        cpuid(0x8000001e, 0, leaf);
        w->thread = bits_for((leaf[1] >> 8 & 0xff) + 1);
    }
    return true;
}

/* Leaf 1 EBX bits 23-16: logical processors of a socket, if EDX bit 28; leaf 4 EAX bits 31-26: its
 * cores less one. */
static void widths_legacy(struct widths *w)
{
    uint32_t leaf[4], top[4];

    cpuid(0, 0, top);
    cpuid(1, 0, leaf);
    if (!(leaf[3] & BIT(28)))
        return;
    w->socket = bits_for(leaf[1] >> 16 & 0xff);
    if (top[0] < 4)
        return;
    cpuid(4, 0, leaf);
    unsigned core = bits_for((leaf[0] >> 26) + 1);
    w->thread = core < w->socket ? w->socket - core : 0;
}

void topology_set(struct pcpu *p)
{
    struct widths w = {0, 0};

    if (!widths_extended(&w) && !widths_amd(&w))
        widths_legacy(&w);
    p->socket = p->apic_id >> w.socket;
    p->core = (p->apic_id & (BIT(w.socket) - 1)) >> w.thread;
    p->node = acpi_node_of_cpu(p->apic_id);
}
