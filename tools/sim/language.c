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
}
