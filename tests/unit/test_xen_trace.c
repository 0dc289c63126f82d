/* Rings of trace records, with readers of all manners; what is counted of wakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#undef __STRICT_ANSI__ /* Xen's headers use anonymous unions */
#define __XEN_TOOLS__
#define DEBUG
static char *arena;
#define DIRECT_MAP ((uintptr_t)arena)
#include "../../xen/domain.h"
static struct pcpu *here;
#define this_pcpu() here /* there is no GS base */
#include "../../xen/trace.c"
#include "../../xen/trace_sched.c"

#define FRAMES 64
#define FIRST  8 /* none are below */
#define NR     2

static struct pcpu pcpu[NR];
struct pcpu *pcpus[MAX_PCPUS] = {&pcpu[0], &pcpu[1]};
unsigned nr_pcpus = NR;
uint64_t tsc_khz = 2000000;
struct list domains;
struct spinlock domains_lock, sched_lock;
static unsigned next_frame = FIRST, last_frame, taken;

/* ---- the hypervisor around it ------------------------------------------------------------- */

void spin_lock(struct spinlock *l)
{
    l->holder = 0;
}

void spin_unlock(struct spinlock *l)
{
    l->holder = -1;
}

mfn_t frames_alloc(unsigned order, unsigned node)
{
    mfn_t mfn = next_frame;

    (void)node;
    if (mfn + (1u << order) > last_frame)
        return MFN_NONE;
    next_frame += 1u << order;
    taken += 1u << order;
    memset(mfn_to_va(mfn), 0, PAGE_SIZE << order);
    return mfn;
}

void frames_free(mfn_t mfn, unsigned order)
{
    assert_true(mfn >= FIRST);
    taken -= 1u << order;
}

void panic(const char *format, ...)
{
    fail_msg("panic: %s", format);
    abort();
}

/* As after boot. */
static void boot(unsigned frames)
{
    memset(rings, 0, sizeof rings);
    table = NULL;
    trace_on = false;
    wanted = TRC_ALL;
    next_frame = FIRST;
    last_frame = FIRST + frames;
    taken = 0;
    list_init(&domains);
    here = &pcpu[0];
    pcpu[1].id = 1;
}

static void start(uint32_t pages)
{
    boot(FRAMES - FIRST);
    assert_int_equal(trace_set_size(pages), 0);
    assert_int_equal(trace_start(), 0);
}

/* ---- a reader ------------------------------------------------------------------------------ */

struct seen {
    uint32_t event, n;
    uint32_t word[7];
};

/* The next record of this pCPU's ring; false if there is none. Wrap records are gone over. */
static bool next(unsigned id, struct seen *out)
{
    struct t_buf *ring = rings[id].shared;
    const uint8_t *data = (const uint8_t *)(ring + 1);

    while (ring->cons != ring->prod) {
        uint32_t at_byte = ring->cons % data_size;
        const uint32_t *word = (const uint32_t *)(data + at_byte);
        uint32_t cycles = TRC_HD_INCLUDES_CYCLE_COUNT(word[0]) ? 2 : 0, n = TRC_HD_EXTRA(word[0]);

        assert_true(at_byte + (1 + cycles + n) * 4 <= data_size);
        *out = (struct seen){.event = TRC_HD_TO_EVENT(word[0]), .n = n};
        memcpy(out->word, word + 1 + cycles, n * 4);
        ring->cons = (ring->cons + (1 + cycles + n) * 4) % (2 * data_size);
        if (out->event != TRC_TRACE_WRAP_BUFFER)
            return true;
    }
    return false;
}

/* ---- rings --------------------------------------------------------------------------------- */

static void what_is_written_is_read(void **state)
{
    struct seen s;
    uint32_t sent = 0, got = 0;

    (void)state;
    start(1);
    while (next(0, &s))
        ;
    for (unsigned round = 0; round < 5000; round++) {
        for (unsigned i = 0; i < 1 + round % 7; i++, sent++) {
            const uint32_t words[] = {sent, 1, 2, 3, 4, 5};
            trace_record(TRC_SCHED_WAKE, words, 1 + sent % 6);
        }
        for (; next(0, &s); got++) {
            assert_int_equal(s.event, TRC_SCHED_WAKE);
            assert_int_equal(s.word[0], got);
            assert_int_equal(s.n, 1 + got % 6);
        }
    }
    assert_int_equal(sent, got);
    assert_false(next(1, &s));
}

static void a_full_ring_counts_what_is_lost(void **state)
{
    struct seen s;
    unsigned got = 0, lost = 0;

    (void)state;
    start(1);
    while (next(0, &s))
        ;
    for (unsigned i = 0; i < 1000; i++)
        trace(TRC_SCHED_WAKE, i, i);
    for (; next(0, &s); got++)
        assert_int_equal(s.word[0], got);
    trace(TRC_SCHED_BLOCK, 1, 2);
    assert_true(next(0, &s));
    assert_int_equal(s.event, TRC_LOST_RECORDS);
    lost = s.word[0];
    assert_int_equal(got + lost, 1000);
    assert_true(next(0, &s));
    assert_int_equal(s.event, TRC_SCHED_BLOCK);
}

static void a_hostile_reader_corrupts_nothing(void **state)
{
    static const uint32_t lies[] = {0, 1, 3, 4084, 4087, 4088, 8175, 8176, 8177, 0x80000000, ~0u};
    mfn_t beyond;

    (void)state;
    start(1);
    beyond = next_frame;
    memset(mfn_to_va(beyond), 0x5a, PAGE_SIZE);
    for (unsigned i = 0; i < 20000; i++) {
        rings[0].shared->cons = lies[i * 7 % ARRAY_SIZE(lies)];
        rings[0].shared->prod = lies[i * 5 % ARRAY_SIZE(lies)];
        trace(TRC_SCHED_SWITCH, 1, 2, 3, i);
        assert_true(rings[0].prod < 2 * data_size);
    }
    for (unsigned i = 0; i < PAGE_SIZE; i++)
        assert_int_equal(((uint8_t *)mfn_to_va(beyond))[i], 0x5a);
    assert_int_equal(rings[1].shared->prod, 0);
}

static void masks_choose(void **state)
{
    struct mask second = {0};
    struct seen s;

    (void)state;
    start(1);
    while (next(0, &s))
        ;
    trace_set_mask(TRC_SCHED_MIN);
    trace(TRC_SCHED_WAKE, 1, 2);
    trace(TRC_SCHED_RUNSTATE_CHANGE, 1);
    trace(0x00081001, 1); /* of the same subclass, but HVM's */
    assert_true(next(0, &s));
    assert_int_equal(s.event, TRC_SCHED_RUNSTATE_CHANGE);
    assert_false(next(0, &s));
    trace_set_mask(TRC_ALL);
    mask_set(&second, 1);
    trace_set_pcpus(&second);
    trace(TRC_SCHED_WAKE, 1, 2);
    assert_false(next(0, &s));
    here = &pcpu[1];
    trace(TRC_SCHED_WAKE, 1, 2);
    assert_true(next(1, &s));
}

/* ---- set-up -------------------------------------------------------------------------------- */

static void the_table_names_all_frames(void **state)
{
    (void)state;
    boot(FRAMES - FIRST);
    assert_int_equal(trace_info().bytes, 0);
    assert_false(trace_owns(0));
    assert_int_equal(trace_start(), -XEN_EINVAL);
    assert_int_equal(trace_set_size(3), 0);

    struct trace_info info = trace_info();
    const struct t_info *t = mfn_to_va(info.table);
    assert_int_equal(info.bytes, PAGE_SIZE);
    assert_int_equal(t->tbuf_size, 3);
    for (unsigned i = 0; i < NR; i++) {
        const uint32_t *mfn = (const uint32_t *)t + t->mfn_offset[i];
        for (unsigned k = 0; k < 3; k++) {
            assert_ptr_equal(mfn_to_va(mfn[k]), (char *)rings[i].shared + k * PAGE_SIZE);
            assert_true(trace_owns(mfn[k]));
        }
    }
    assert_true(trace_owns(info.table));
    assert_false(trace_owns(info.table + 1));
    assert_false(trace_owns(FIRST - 1));
}

static void sizes_are_set_once(void **state)
{
    (void)state;
    boot(FRAMES - FIRST);
    assert_int_equal(trace_set_size(0), -XEN_EINVAL);
    assert_int_equal(trace_set_size(257), -XEN_EINVAL);
    assert_int_equal(trace_set_size(UINT32_MAX), -XEN_EINVAL);
    assert_int_equal(trace_set_size(2), 0);
    assert_int_equal(trace_set_size(2), -XEN_EINVAL);
    assert_int_equal(data_size, 2 * PAGE_SIZE - 8);
}

static void no_memory_leaves_nothing_behind(void **state)
{
    (void)state;
    for (unsigned frames = 0; frames < 5; frames++) {
        boot(frames);
        assert_int_equal(trace_set_size(2), -XEN_ENOMEM);
        assert_int_equal(taken, 0);
        assert_int_equal(trace_start(), -XEN_EINVAL);
    }
    boot(5);
    assert_int_equal(trace_set_size(2), 0);
}

static void recording_begins_with_who_is_there(void **state)
{
    struct sched_pcpu home = {.id = 1};
    struct sched_unit unit = {.home = &home};
    struct domain d = {.id = 3, .max_vcpus = 2};
    struct vcpu v = {.domain = &d, .id = 1, .unit = &unit};
    struct vcpu *list[] = {NULL, &v};
    struct seen s;

    (void)state;
    boot(FRAMES - FIRST);
    d.vcpus = list;
    v.runstate.state = RUNSTATE_running;
    list_add_tail(&domains, &d.link);
    assert_int_equal(trace_set_size(1), 0);
    assert_int_equal(trace_start(), 0);
    assert_int_equal(trace_start(), 0); /* again: nothing more */
    assert_true(next(0, &s));
    assert_int_equal(s.event, MOIRAI_TRACE_HOST);
    assert_int_equal(s.word[0], tsc_khz);
    assert_int_equal(s.word[1], NR);
    assert_true(next(0, &s));
    assert_int_equal(s.event, MOIRAI_TRACE_VCPU);
    assert_memory_equal(s.word, ((uint32_t[]){3, 1, RUNSTATE_running, 1}), 16);
    assert_false(next(0, &s));

    const struct sched_event idle = {.kind = SCHED_EV_SWITCH, .pcpu = 1};
    here = &pcpu[1];
    trace_sched(&idle, NULL);
    assert_true(next(1, &s));
    assert_int_equal(s.event, TRC_SCHED_SWITCH);
    assert_memory_equal(s.word, ((uint32_t[]){3, 1, DOMID_IDLE, 1}), 16);
    trace_stop();
    trace_sched(&idle, NULL);
    assert_false(next(1, &s));
}

static void runstates_are_in_the_event(void **state)
{
    struct domain d = {.id = 3};
    struct vcpu v = {.domain = &d, .id = 1, .runstate = {.state = RUNSTATE_runnable}};
    struct seen s;

    (void)state;
    start(1);
    while (next(0, &s))
        ;
    trace_runstate(&v, RUNSTATE_blocked);
    assert_true(next(0, &s));
    assert_int_equal(s.event, 0x00021121);
    assert_int_equal(s.word[0], 0x00030001);
}

/* ---- wakes --------------------------------------------------------------------------------- */

static void tell(struct wake_stats *w, enum sched_event_kind kind, sched_time at_ns)
{
    count_sched(&(struct sched_event){.kind = kind, .now = at_ns}, w);
}

static void latencies_are_counted_until_it_runs(void **state)
{
    struct wake_stats w = {0};

    (void)state;
    tell(&w, SCHED_EV_SWITCH, 50); /* it was preempted: no wake */
    tell(&w, SCHED_EV_WAKE, 1000);
    tell(&w, SCHED_EV_SWITCH, 1000 + 1024);
    tell(&w, SCHED_EV_SWITCH, 9000);
    tell(&w, SCHED_EV_WAKE, 10000);
    tell(&w, SCHED_EV_SWITCH, 10000 + 1025);
    assert_int_equal(w.wakes, 2);
    assert_int_equal(w.latency_sum, 2049);
    assert_int_equal(w.latency_max, 1025);
    assert_int_equal(w.latency[10], 1);
    assert_int_equal(w.latency[11], 1);
}

static void who_sleeps_again_before_it_runs_does_not_count(void **state)
{
    struct wake_stats w = {0};

    (void)state;
    tell(&w, SCHED_EV_WAKE, 1000);
    tell(&w, SCHED_EV_BLOCK, 2000);
    tell(&w, SCHED_EV_SWITCH, 9000);
    assert_int_equal(w.wakes, 0);
    tell(&w, SCHED_EV_WAKE, 10000);
    tell(&w, SCHED_EV_SWITCH, 10000);
    assert_int_equal(w.latency[0], 1);
    tell(&w, SCHED_EV_WAKE, 20000);
    tell(&w, SCHED_EV_SWITCH, 20000 + (1LL << 40));
    assert_int_equal(w.latency[MOIRAI_BUCKETS - 1], 1);
}

static int make_arena(void **state)
{
    (void)state;
    arena = aligned_alloc(PAGE_SIZE, FRAMES * PAGE_SIZE);
    return arena ? 0 : -1;
}

static int drop_arena(void **state)
{
    (void)state;
    free(arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(a_full_ring_counts_what_is_lost),
        cmocka_unit_test(a_hostile_reader_corrupts_nothing),
        cmocka_unit_test(masks_choose),
        cmocka_unit_test(the_table_names_all_frames),
        cmocka_unit_test(sizes_are_set_once),
        cmocka_unit_test(no_memory_leaves_nothing_behind),
        cmocka_unit_test(recording_begins_with_who_is_there),
        cmocka_unit_test(runstates_are_in_the_event),
        cmocka_unit_test(latencies_are_counted_until_it_runs),
        cmocka_unit_test(who_sleeps_again_before_it_runs_does_not_count),
    };

    return cmocka_run_group_tests(tests, make_arena, drop_arena);
}
