/* Traces: reading them, what they tell, and what is made of them. */
#define _POSIX_C_SOURCE 200809L
#include "said.h"

#include <xen/xen.h>
#include <xen/trace.h>
#include <xen/vcpu.h>

#include "../../tools/cli/trace_out.h"
#include "../../tools/sim/result.h"

#define KHZ  1000000u /* a cycle is a ns */
#define IDLE DOMID_IDLE

static char path[256];
static FILE *file;
static struct trace_file trace;
static struct story story;

static void begin(void)
{
    snprintf(path, sizeof path, "%s/trace", said_folder);
    file = fopen(path, "wb");
    assert_non_null(file);
}

static void put(uint32_t event, int64_t tsc, unsigned n, const uint32_t *word)
{
    uint32_t head[] = {event | n << TRACE_EXTRA_SHIFT, (uint32_t)tsc, (uint32_t)(tsc >> 32)};

    if (tsc >= 0)
        head[0] |= (uint32_t)TRC_HD_CYCLE_FLAG;
    fwrite(head, sizeof head[0], tsc >= 0 ? 3 : 1, file);
    if (n)
        fwrite(word, sizeof *word, n, file);
}

#define WORDS(...)                                                                                 \
    (sizeof((uint32_t[]){__VA_ARGS__}) / 4), (uint32_t[])                                          \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define NOTE(event, ...)    put(event, -1, WORDS(__VA_ARGS__))
#define AT(tsc, event, ...) put(event, tsc, WORDS(__VA_ARGS__))
#define ON(pcpu)            NOTE(TRC_TRACE_CPU_CHANGE, pcpu, 0)

static bool end(void)
{
    fclose(file);
    trace_free(&trace);
    said_begin();
    bool ok = trace_read(path, 0, &trace);
    said_end();
    return ok;
}

static void name_domain(uint32_t id, const char *name)
{
    uint32_t word[7] = {id};

    memcpy(&word[1], name, strlen(name));
    put(MOIRAI_TRACE_NAME, -1, 7, word);
}

/*
 * Two hogs on pCPU 1 take turns of 10 ms; `web`, of two vCPUs, sleeps and works on pCPU 0, where
 * there is nobody else. All of it in 100 ms, from TSC 1e9 on.
 */
#define START 1000000000LL
#define MS    1000000LL

static void write_sample(void)
{
    begin();
    ON(0);
    name_domain(1, "heavy");
    name_domain(2, "light");
    name_domain(3, "web");
    NOTE(MOIRAI_TRACE_POOL, 0, 5, 3, 0);
    NOTE(MOIRAI_TRACE_VALUE, MOIRAI_SCOPE_POOL, 0, 0, 0, 10 * MS, 0);
    NOTE(MOIRAI_TRACE_VALUE, MOIRAI_SCOPE_DOMAIN, 1, 0, 0, 512, 0);
    NOTE(MOIRAI_TRACE_PLACE, 1, 0, 0, 2, 0);
    NOTE(MOIRAI_TRACE_PLACE, 2, 0, 0, 2, 0);
    NOTE(MOIRAI_TRACE_PLACE, 3, 0, 0, 1, 0);
    NOTE(MOIRAI_TRACE_PLACE, 3, 1, 0, 1, 0);
    ON(0);
    AT(START, MOIRAI_TRACE_HOST, KHZ, 2);
    AT(START, MOIRAI_TRACE_VCPU, 1, 0, RUNSTATE_running, 1);
    AT(START, MOIRAI_TRACE_VCPU, 2, 0, RUNSTATE_runnable, 1);
    AT(START, MOIRAI_TRACE_VCPU, 3, 0, RUNSTATE_blocked, 0);
    AT(START, MOIRAI_TRACE_VCPU, 3, 1, RUNSTATE_offline, 0);
    for (int i = 0; i < 4; i++) {
        AT(START + (20 * i + 5) * MS, TRC_SCHED_WAKE, 3, 0);
        AT(START + (20 * i + 5) * MS + 100, TRC_SCHED_SWITCH, IDLE, 0, 3, 0);
        AT(START + (20 * i + 7) * MS, TRC_SCHED_BLOCK, 3, 0);
        AT(START + (20 * i + 7) * MS + 50, TRC_SCHED_SWITCH, 3, 0, IDLE, 0);
    }
    ON(1);
    for (int i = 1; i < 10; i++) {
        uint32_t from = i % 2 ? 1 : 2;
        AT(START + 10 * i * MS, TRC_SCHED_SWITCH, from, 0, 3 - from, 0);
    }
    AT(START + 100 * MS, TRC_SCHED_SWITCH, 2, 0, 1, 0);
    assert_true(end());
}

/* ---- reading ------------------------------------------------------------------------------- */

static void records_are_in_order_of_time(void **state)
{
    (void)state;
    write_sample();
    assert_int_equal(trace.nr_pcpus, 2);
    assert_int_equal(trace.khz, KHZ);
    assert_int_equal(trace.end, 100 * MS);
    for (unsigned i = 1; i < trace.nr_events; i++)
        assert_true(trace.events[i - 1].time <= trace.events[i].time);
    assert_int_equal(trace.events[0].event, MOIRAI_TRACE_HOST);
    char name[32];
    assert_string_equal(trace_domain_name(&trace, 3, name, sizeof name), "web");
    assert_string_equal(trace_domain_name(&trace, 9, name, sizeof name), "d9");
}

static void older_records_are_dropped(void **state)
{
    (void)state;
    begin();
    AT(100, MOIRAI_TRACE_HOST, KHZ / 2, 9);
    AT(500, TRC_SCHED_WAKE, 1, 0);
    AT(1000, MOIRAI_TRACE_HOST, KHZ, 1);
    AT(3000, TRC_SCHED_WAKE, 1, 0);
    NOTE(TRC_TRACE_WRAP_BUFFER, 0, 0);
    assert_true(end());
    assert_int_equal(trace.nr_events, 2);
    assert_int_equal(trace.events[1].time, 2000);
    assert_int_equal(trace.nr_pcpus, 1);
}

static void lost_records_are_said(void **state)
{
    (void)state;
    begin();
    AT(1000, MOIRAI_TRACE_HOST, KHZ, 1);
    AT(2000, TRC_LOST_RECORDS, 17, IDLE, 0, 0);
    assert_true(end());
    assert_said("17 records were lost");
}

static void wrong_files_are_refused(void **state)
{
    (void)state;
    begin();
    assert_false(end());
    assert_said("has no records");
    begin();
    AT(1000, TRC_SCHED_WAKE, 1, 0);
    assert_false(end());
    assert_said("does not say how fast the clock is");
    begin();
    put(TRC_SCHED_WAKE, 1000, 0, NULL);
    fwrite("\x02\x80\x02\xb0", 4, 1, file);
    assert_false(end());
    assert_said("ends in the middle of a record");
    begin();
    ON(5000);
    assert_false(end());
    assert_said("is no trace");
    said_begin();
    assert_false(trace_read("/none", 0, &trace));
    said_end();
    assert_said("/none: No such file");
}

/* ---- the story ----------------------------------------------------------------------------- */

static void tell(void)
{
    story_free(&story);
    assert_true(story_tell(&trace, &story));
}

static const struct story_vcpu *vcpu(unsigned domain, unsigned id)
{
    for (unsigned i = 0; i < story.nr_vcpus; i++)
        if (story.vcpus[i].domain == domain && story.vcpus[i].vcpu == id)
            return &story.vcpus[i];
    fail_msg("no vCPU %u.%u", domain, id);
    return NULL;
}

static void hogs_have_one_step(void **state)
{
    (void)state;
    write_sample();
    tell();
    assert_int_equal(story.nr_vcpus, 4);
    assert_int_equal(vcpu(1, 0)->nr_steps, 1);
    assert_int_equal(vcpu(1, 0)->ran, 50 * MS);
    assert_int_equal(vcpu(2, 0)->ran, 50 * MS);
    assert_false(vcpu(1, 0)->asleep);
    assert_int_equal(vcpu(3, 1)->nr_steps, 0);
}

static void sleepers_have_their_sleeps(void **state)
{
    const struct story_vcpu *v;

    (void)state;
    write_sample();
    tell();
    v = vcpu(3, 0);
    assert_int_equal(v->nr_steps, 4);
    assert_int_equal(v->steps[0].sleep, 5 * MS);
    assert_int_equal(v->steps[0].run, 2 * MS - 100);
    assert_int_equal(v->steps[1].sleep, 18 * MS);
    assert_true(v->asleep);
    assert_int_equal(v->ran, 4 * (2 * MS - 100));
}

static void spans_cover_who_is_awake(void **state)
{
    int64_t ran = 0, waited = 0;

    (void)state;
    write_sample();
    tell();
    for (unsigned i = 0; i < story.nr_spans; i++) {
        const struct story_span *s = &story.spans[i];

        assert_true(s->from < s->to);
        if (s->pcpu >= 0)
            ran += s->to - s->from;
        else
            waited += s->to - s->from;
    }
    assert_int_equal(ran, 100 * MS + 4 * (2 * MS - 100));
    assert_int_equal(waited, 100 * MS + 4 * 100);
}

static void a_vcpu_runs_on_one_pcpu_at_a_time(void **state)
{
    (void)state;
    begin();
    ON(0);
    AT(0, MOIRAI_TRACE_HOST, KHZ, 2);
    AT(0, MOIRAI_TRACE_VCPU, 1, 0, RUNSTATE_running, 0);
    ON(1);
    AT(1000, TRC_SCHED_SWITCH, IDLE, 1, 1, 0); /* taken away; pCPU 0 says so later */
    ON(0);
    AT(1200, TRC_SCHED_SWITCH, 1, 0, IDLE, 0);
    AT(3000, TRC_SCHED_SLEEP, 1, 0);
    assert_true(end());
    tell();
    assert_int_equal(story.nr_spans, 2);
    assert_int_equal(story.spans[0].pcpu, 0);
    assert_int_equal(story.spans[0].to, 1000);
    assert_int_equal(story.spans[1].pcpu, 1);
    assert_int_equal(story.spans[1].to, 3000);
    assert_int_equal(vcpu(1, 0)->ran, 3000);
}

static void records_that_are_too_short_are_harmless(void **state)
{
    (void)state;
    begin();
    AT(0, MOIRAI_TRACE_HOST, KHZ, 1);
    AT(1, TRC_SCHED_SWITCH, 1);
    AT(2, TRC_SCHED_WAKE, 1);
    AT(3, MOIRAI_TRACE_VCPU, 1, 0);
    AT(4, TRC_SCHED_BLOCK, 1, 0);
    put(TRC_SCHED_BLOCK, 5, 0, NULL);
    assert_true(end());
    tell();
    assert_int_equal(story.nr_spans, 0);
}

/* ---- what is made of it -------------------------------------------------------------------- */

static char written[65536];

static const char *read_back(const char *name)
{
    char full[512];
    FILE *f;

    snprintf(full, sizeof full, "%s/%s", said_folder, name);
    f = fopen(full, "r");
    assert_non_null(f);
    written[fread(written, 1, sizeof written - 1, f)] = '\0';
    fclose(f);
    return written;
}

static void assert_has(const char *part)
{
    if (!strstr(written, part))
        fail_msg("'%s' is not in:\n%s", part, written);
}

static void replay_is_a_scenario(void **state)
{
    char dir[256];

    (void)state;
    write_sample();
    tell();
    snprintf(dir, sizeof dir, "%s/replay", said_folder);
    assert_true(trace_replay(dir, &trace, &story));
    read_back("replay/replay.scn");
    assert_has("host pack:1 core:2 pu:1\nduration 100000us\n");
    assert_has("\npool Pool-0 policy=credit cpus=0-1 tslice=10ms\n");
    assert_has("\ndomain heavy cpus=1 weight=512 workload=hog\n");
    assert_has("\ndomain light cpus=1 workload=hog\n");
    assert_has("\ndomain web.0 cpus=0 workload=\"trace file=d3v0.trace\"\n");
    assert_has("\ndomain web.1 cpus=0 workload=idle\n");
    assert_has("\nexpect share of web.0 = 8.00 +- 1\n");
    read_back("replay/d3v0.trace");
    assert_has("\n5000000 1999900\n18000000 1999900\n");
    assert_has("\n3600000000000 1\n");
}

/* The simulator agrees with what was recorded. */
static void replay_runs(void **state)
{
    char dir[256], file_name[512];
    const struct run_options o = {.ideal = true};

    (void)state;
    write_sample();
    tell();
    snprintf(dir, sizeof dir, "%s/run", said_folder);
    assert_true(trace_replay(dir, &trace, &story));
    snprintf(file_name, sizeof file_name, "%s/replay.scn", dir);
    struct scenario *s = scenario_load(file_name, &(struct load_options){0});
    assert_non_null(s);
    struct result *r = simulate(s, &o);
    assert_non_null(r);
    for (unsigned i = 0; i < r->nr_vcpus; i++) {
        if (!strcmp(s->domains[r->vcpus[i].domain].name, "web.0"))
            assert_int_equal(r->vcpus[i].service / 1000, 4 * (2 * MS - 100) / 1000);
        if (!strcmp(s->domains[r->vcpus[i].domain].name, "heavy"))
            assert_in_range(r->vcpus[i].service, 60 * MS, 73 * MS);
    }
    result_free(r);
    scenario_free(s);
}

static void perfetto_has_both_views(void **state)
{
    char name[256];
    FILE *f;

    (void)state;
    write_sample();
    tell();
    snprintf(name, sizeof name, "%s/perfetto", said_folder);
    f = fopen(name, "w");
    assert_non_null(f);
    trace_perfetto(f, &trace, &story);
    fclose(f);
    read_back("perfetto");
    assert_has("{\"name\": \"process_name\",\"ph\": \"M\",\"pid\": 5,\"tid\": 0,\"args\": "
               "{\"name\": \"web\"}}");
    assert_has("{\"name\": \"web.0\",\"ph\": \"X\",\"ts\": 5000.100,\"dur\": 1999.900,\"pid\": 1,"
               "\"tid\": 1}");
    assert_has("{\"name\": \"running on 0\",\"ph\": \"X\",\"ts\": 5000.100,\"dur\": 1999.900,"
               "\"pid\": 5,\"tid\": 1}");
    assert_has("{\"name\": \"waiting\",\"ph\": \"X\",\"ts\": 5000.000,\"dur\": 0.100,\"pid\": 5,"
               "\"tid\": 1}");
}

static void events_are_shown_in_lines(void **state)
{
    char name[256];
    FILE *f;

    (void)state;
    begin();
    AT(0, MOIRAI_TRACE_HOST, KHZ, 1);
    AT(1500, TRC_SCHED_RUNSTATE_CHANGE | 1u << 8, 3u << 16 | 1);
    AT(2500, MOIRAI_TRACE_PARK, 3, 1, 0);
    AT(3500, 0x00801002, 7);
    assert_true(end());
    snprintf(name, sizeof name, "%s/shown", said_folder);
    f = fopen(name, "w");
    assert_non_null(f);
    trace_print(f, &trace);
    fclose(f);
    read_back("shown");
    assert_has("0.001500 ms  pCPU 0   runstate         d3v1 runnable -> running\n");
    assert_has("park             3 1 0\n");
    assert_has("0x00801002       0x00000007\n");
}

static int finish(void **state)
{
    trace_free(&trace);
    story_free(&story);
    return files_end(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_in_order_of_time),
        cmocka_unit_test(older_records_are_dropped),
        cmocka_unit_test(lost_records_are_said),
        cmocka_unit_test(wrong_files_are_refused),
        cmocka_unit_test(hogs_have_one_step),
        cmocka_unit_test(sleepers_have_their_sleeps),
        cmocka_unit_test(spans_cover_who_is_awake),
        cmocka_unit_test(a_vcpu_runs_on_one_pcpu_at_a_time),
        cmocka_unit_test(records_that_are_too_short_are_harmless),
        cmocka_unit_test(replay_is_a_scenario),
        cmocka_unit_test(replay_runs),
        cmocka_unit_test(perfetto_has_both_views),
        cmocka_unit_test(events_are_shown_in_lines),
    };

    return cmocka_run_group_tests(tests, files_begin, finish);
}
