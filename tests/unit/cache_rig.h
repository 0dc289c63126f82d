/* For the tests of the cache model: scenarios from text. Define _POSIX_C_SOURCE 200809L first. */
#ifndef TEST_CACHE_RIG_H
#define TEST_CACHE_RIG_H

#include "said.h"

#include "../../tools/sim/cache.h"

/* 8 MiB in 8 ways, 100 ns = 100 cycles, no queue and no end of bandwidth worth mentioning. */
#define CACHE_RIG                                                                                  \
    "cache 8M ways=8\nmemory 1000000GB/s latency=100ns\nclock 1GHz\n"                              \
    "throttle linear link=10GB/s\n"

static struct cache_scenario *rig_scenario;
static struct cache_result rig_result;

static inline bool cache_rig_load(const char *text)
{
    cache_scenario_free(rig_scenario);
    said_begin();
    rig_scenario = cache_scenario_load(file_with("cache.scn", text));
    said_end();
    return rig_scenario;
}

static inline void cache_rig_solve(const char *text)
{
    if (!cache_rig_load(text))
        fail_msg("refused: %s", said);
    assert_true(cache_solve(rig_scenario, &rig_result));
}

static inline void cache_rig_refused(const char *text, const char *because)
{
    if (cache_rig_load(text))
        fail_msg("was taken: %s", text);
    assert_said(because);
}

static inline int cache_rig_end(void **state)
{
    cache_scenario_free(rig_scenario);
    return files_end(state);
}

#define assert_near(value, expected) assert_float_equal((value) / (expected), 1, 1e-6)

#endif
