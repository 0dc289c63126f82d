/* Allocation, sharing and counting of classes: see classes.h. */
#include "classes.h"

#include "rules.h"

void psr_classes_init(struct psr_classes *s, const struct psr_caps *caps, unsigned limit)
{
    struct psr_class nothing_limited = {0, {0}};

    nothing_limited.value[PSR_SLOT_L3] = psr_mask_full(&caps->l3);
    nothing_limited.value[PSR_SLOT_L3_CODE] = caps->l3.cdp_on ? psr_mask_full(&caps->l3) : 0;
    nothing_limited.value[PSR_SLOT_L2] = psr_mask_full(&caps->l2);
    s->nr = psr_caps_classes(caps);
    if (limit && s->nr > limit + 1)
        s->nr = limit + 1;
    if (s->nr > PSR_MAX_CLASSES)
        s->nr = PSR_MAX_CLASSES;
    for (unsigned i = 0; i < s->nr; i++)
        s->class[i] = nothing_limited;
}

bool psr_values_equal(const uint32_t a[PSR_NR_SLOTS], const uint32_t b[PSR_NR_SLOTS])
{
    for (unsigned i = 0; i < PSR_NR_SLOTS; i++)
        if (a[i] != b[i])
            return false;
    return true;
}

static bool in_use(const struct psr_classes *s, unsigned id)
{
    return !id || s->class[id].refs;
}

int psr_classes_choose(const struct psr_classes *s, unsigned own,
                       const uint32_t value[PSR_NR_SLOTS])
{
    for (unsigned id = 0; id < s->nr; id++)
        if (in_use(s, id) && psr_values_equal(s->class[id].value, value))
            return (int)id;
    if (own && s->class[own].refs == 1)
        return (int)own;
    for (unsigned id = 1; id < s->nr; id++)
        if (!in_use(s, id))
            return (int)id;
    return -PSR_EOVERFLOW;
}

void psr_classes_move(struct psr_classes *s, unsigned from, unsigned to)
{
    if (to)
        s->class[to].refs++;
    if (from)
        s->class[from].refs--;
}
