/* What a scenario file may say, for --help-scenario. */
#include "report.h"

#include "metric.h"

static const char text[] =
    "A scenario is a text file: one statement a line, in any order, # begins a comment.\n"
    "Times have a unit: ns, us, ms, s, min or h, as in 10ms. Plain numbers are refused: xl reads\n"
    "the same number as us for RTDS and as ms for credit, xm read it as ns.\n"
    "\n"
    "  title TEXT\n"
    "  host pack:2 core:8 pu:2 | FILE.xml | this     a description, lstopo's XML, this host\n"
    "  duration TIME                                 10s if not given\n"
    "  seed NUMBER                                   1 if not given\n"
    "  costs [switch=TIME] [migration=TIME] [ipi=TIME]\n"
    "  pool NAME [policy=POLICY] [cpus=SET] [parameter=value ...]\n"
    "      Pool-0 is always there, with credit2 and the pCPUs that no other pool has.\n"
    "  domain NAME | FILE.cfg [later] [privileged] [copies=N] [key=value ...]\n"
    "      FILE.cfg is an xl domain config. Keys: vcpus, pool, cpus, cpus_soft, cpu_weight or\n"
    "      weight, cap, workload, and the parameters of the pool's policy (--list-policies).\n"
    "      later: created by an event. privileged: the control domain.\n"
    "  at TIME EVENT                 refused at TIME EVENT: the policy must say no\n"
    "  expect METRIC [of DOMAIN[.VCPU]] [=|<=|>=] VALUE [+- TOLERANCE] [from TIME to TIME]\n"
    "\n"
    "Events\n"
    "  set DOMAIN[.VCPU] parameter=value ...         pool POOL parameter=value ...\n"
    "  create | destroy | pause | unpause DOMAIN     move DOMAIN POOL\n"
    "  pin DOMAIN[.VCPU] SET|- [soft SET]            switch POOL POLICY\n"
    "  vcpu DOMAIN.VCPU online|offline               cpu PCPU online|offline\n"
    "  table POOL frame=TIME DOMAIN[.VCPU]=TIME ...  (arinc653; alone on a line: at 0s)\n"
    "\n"
    "Workloads: workload=\"NAME key=value ...\"; a DIST is TIME, uniform:TIME:TIME or exp:TIME\n"
    "  hog                                           always runs; the default\n"
    "  periodic period=TIME busy=TIME [jitter=TIME] [phase=TIME]   due at the next release\n"
    "  interactive sleep=DIST burst=DIST\n"
    "  server clients=N think=DIST service=DIST      closed loop; requests queue\n"
    "  forkjoin burst=DIST [gap=DIST]                all vCPUs, then a barrier\n"
    "  spinlock compute=DIST hold=DIST               all vCPUs, one lock\n"
    "  trace file=FILE                               lines \"sleep run\"; plain numbers are ns\n"
    "  yielder burst=DIST                            yields after each burst\n"
    "  idle                                          never runs\n"
    "\n"
    "SET is a set of pCPUs as xl takes it: 1,3-5, all,^0, node:1\n"
    "\n"
    "Metrics, and for whom (%: of a pCPU, utilisation: of the host; from ... to: in a window)\n";

static const char cache_text[] =
    "\n"
    "A scenario with a `cache` statement is another one: a MODEL of a last-level cache whose ways\n"
    "are partitioned, and of memory (tools/sim/cache.h); solved for the steady state, no policy.\n"
    "\n"
    "  cache SIZE ways=N [min=BITS] [sparse=1] [classes=N]       27.5M; masks: bits needed, holes\n"
    "  memory RATE latency=TIME [queue=TIME]    119GB/s, 90ns; what half of the rate adds to it\n"
    "  clock FREQUENCY                          of the cores: 2.1GHz\n"
    "  throttle linear|nonlinear|limit [max=N] [link=RATE]   Intel's kinds; AMD's; link: what a\n"
    "                                           core can get of the cache\n"
    "  domain NAME cpi=N mpki=CURVE [mlp=N] [key=value ...]\n"
    "      cpi: cycles per instruction with no miss. mpki: misses per 1000 instructions, 20 or by\n"
    "      cache 2.5M:30,5M:12; or ws=SIZE apki=N, a working set used evenly. mlp: misses that\n"
    "      share a wait. outstanding=N: lines in flight at most. apki=N: accesses. written=0..1:\n"
    "      lines written for each read. demand=RATE: bandwidth asked for, at most.\n"
    "      cores=N instructions=N\n"
    "  [xl] psr-cat-set [-l3] DOMAIN CBM        [xl] psr-mba-set DOMAIN VALUE      as xl has them\n"
    "  expect METRIC of DOMAIN|memory =|<=|>= VALUE [+- TOLERANCE]   occupancy (MiB), mpki,\n"
    "      bandwidth (GB/s), ipc, slowdown (beside alone), seconds; latency (ns) of memory\n";

static const char *const unit_word[] = {
    [UNIT_PERCENT] = "%", [UNIT_NS] = "time", [UNIT_COUNT] = "count"};

/* For whom it is measured. */
static const char *scope_of(enum metric m)
{
    return m < METRIC_NR_VCPU     ? "vCPU, domain, host"
           : m < METRIC_NR_DOMAIN ? "domain, host"
                                  : "host";
}

void report_language(FILE *out)
{
    fputs(text, out);
    for (unsigned m = 0; m < METRIC_NR; m++)
        fprintf(out, "  %-20s %-6s %s%s\n", metric_info[m].name, unit_word[metric_info[m].unit],
                scope_of((enum metric)m), metric_has_window((enum metric)m) ? ", from ... to" : "");
    fputs(cache_text, out);
}
