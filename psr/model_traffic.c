/* What goes through the model's caches, so that there is something to count: see model.h. */
#include "model.h"

#include "msr.h"
#include "rules.h"

/* ns in one step: more would not change what is where, and might overflow. */
#define LONGEST 1000000000

/* Bytes that a class moves in so many ns. */
static uint64_t moved(const struct psr_model *m, const struct model_l3 *l3, unsigned class,
                      uint64_t ns)
{
    uint32_t value = l3->bandwidth[class];

    if (m->limits.limit_bits)
        return value >= 8 ? ns : ns * value / 8; /* in 1/8 GB/s; a pCPU moves 1 GB/s */
    if (m->limits.linear)
        return ns * (100 - value) / 100;
    return m->limits.throttle_max ? ns - ns * value / (2 * m->limits.throttle_max) : ns;
}

/* The parts of the cache that the class may fill, with code or with data. */
static uint32_t parts_of(const struct psr_model *m, const struct model_l3 *l3, unsigned class)
{
    if (!m->limits.l3_len)
        return 1;
    if (l3->config) /* what a class beyond half of them then does, the SDM leaves open */
        return l3->mask[2 * class % MODEL_MAX_CLASSES] |
               l3->mask[(2 * class + 1) % MODEL_MAX_CLASSES];
    return l3->mask[class];
}

/* Takes so many bytes of a part from all but one, in proportion to what they have. */
static void push_out(struct psr_model *m, uint32_t *filled, unsigned but, uint64_t bytes)
{
    uint64_t others = 0;

    for (int r = 0; r <= m->limits.max_rmid; r++)
        if ((unsigned)r != but)
            others += filled[r];
    uint64_t room = m->limits.part - filled[but];
    uint64_t stay = others < room - bytes ? others : room - bytes;
    for (int r = 0; others && r <= m->limits.max_rmid; r++)
        if ((unsigned)r != but)
            filled[r] = (uint32_t)(filled[r] * stay / others);
}

static void fill(struct psr_model *m, struct model_l3 *l3, unsigned rmid, uint32_t parts,
                 uint64_t bytes)
{
    unsigned nr = psr_count_bits(parts);

    for (unsigned part = 0; part < m->limits.nr_parts; part++) {
        uint32_t *filled = l3->filled[part];
        uint64_t room = m->limits.part - filled[rmid], more = nr ? bytes / nr : 0;

        if (!(parts >> part & 1))
            continue;
        more = more < room ? more : room;
        push_out(m, filled, rmid, more);
        filled[rmid] += (uint32_t)more;
    }
}

void psr_model_advance(struct psr_model *m)
{
    int64_t now = m->clock();
    uint64_t ns = now > m->looked ? (uint64_t)(now - m->looked) : 0;

    m->looked = now;
    for (unsigned i = 0; i < m->nr_pcpus && m->limits.max_rmid >= 0; i++) {
        struct model_l3 *l3 = &m->l3[m->pcpu[i].l3];
        unsigned rmid = (uint32_t)m->pcpu[i].assoc;
        unsigned class = (unsigned)(m->pcpu[i].assoc >> PQR_CLASS_SHIFT);
        uint64_t bytes = moved(m, l3, class, ns < LONGEST ? ns : LONGEST);

        l3->moved[rmid] += bytes;
        fill(m, l3, rmid, parts_of(m, l3, class), bytes);
    }
}
