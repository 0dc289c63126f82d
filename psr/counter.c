/* Counters: see counter.h. */
#include "counter.h"

uint64_t psr_event_select(unsigned rmid, enum psr_event event)
{
    return (uint64_t)rmid << QM_RMID_SHIFT | event;
}

bool psr_event_select_valid(const struct psr_monitor *m, uint64_t value)
{
    return m->max_rmid && value >> QM_RMID_SHIFT <= m->max_rmid &&
           !((uint32_t)value & ~(uint32_t)QM_EVENT_MASK);
}

int psr_counter_read(const struct psr_hw *hw, const struct psr_monitor *m, unsigned pcpu,
                     unsigned rmid, enum psr_event event, uint64_t *count)
{
    struct psr_access list[] = {
        {.write = true, .msr = MSR_QM_EVTSEL, .value = psr_event_select(rmid, event)},
        {.msr = MSR_QM_CTR},
    };

    if (hw->access(hw->ctx, pcpu, list, 2) != 2 || list[1].value & QM_CTR_ERROR)
        return -PSR_EIO;
    if (list[1].value & QM_CTR_UNAVAILABLE)
        return -PSR_EAGAIN;
    *count = list[1].value & ((1ULL << m->width) - 1);
    return 0;
}

uint64_t psr_counter_bytes(const struct psr_monitor *m, uint64_t before, uint64_t after)
{
    return ((after - before) & ((1ULL << m->width) - 1)) * m->upscaling;
}
