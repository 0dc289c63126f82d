/*
 * The hypervisor's command line: Xen's options by Xen's names. Those that ask
 * for what Moirai does not have, or always does, are known by name only.
 */
#include "boot.h"

#include "../sched/sched.h"
#include "domain.h"

struct options options = {
    .sched = "credit2",
    .loglvl = LOG_INFO,
    .guest_loglvl = LOG_WARN,
    .console_com1 = true,
    .rebalance = 25600, /* 100 MiB */
};

struct option {
    const char *name;
    bool (*parse)(const char *value, void *target);
    void *target;
    const char *right; /* what a value has to look like */
};

/* ---- values ------------------------------------------------------------------------------- */

static bool is_any_of(const char *value, const char *const *words)
{
    for (; *words; words++)
        if (!strcmp(value, *words))
            return true;
    return false;
}

/* "name" alone is true, "no-name" comes here as "no". */
static bool parse_bool(const char *value, void *target)
{
    static const char *const yes[] = {"", "1", "yes", "on", "true", "enable", NULL};
    static const char *const no[] = {"0", "no", "off", "false", "disable", NULL};
    bool on = is_any_of(value, yes);

    if (!on && !is_any_of(value, no))
        return false;
    *(bool *)target = on;
    return true;
}

/* Decimal; returns what follows it, NULL if there is no digit or far too many. */
static const char *parse_digits(const char *s, uint64_t *value)
{
    const char *start = s;

    for (*value = 0; *s >= '0' && *s <= '9'; s++)
        *value = *value * 10 + (uint64_t)(*s - '0');
    return s > start && s - start <= 12 ? s : NULL;
}

static bool parse_count(const char *value, void *target, unsigned max)
{
    uint64_t n;
    const char *rest = parse_digits(value, &n);

    if (!rest || *rest || !n || n > max)
        return false;
    *(unsigned *)target = (unsigned)n;
    return true;
}

static bool parse_pcpus(const char *value, void *target)
{
    return parse_count(value, target, MAX_PCPUS);
}

static bool parse_vcpus(const char *value, void *target)
{
    return parse_count(value, target, MAX_VCPUS);
}

/* Frames a second; 0 or "no": none. */
static bool parse_rebalance(const char *value, void *target)
{
    uint64_t n = 0;
    const char *rest = strcmp(value, "no") ? parse_digits(value, &n) : "";

    if (!rest || *rest || n > REBALANCE_RATE_MAX)
        return false;
    *(uint64_t *)target = n;
    return true;
}

/* As in Xen, KiB without a suffix. Ends at a comma or the end. */
static const char *parse_size(const char *s, uint64_t *bytes)
{
    static const char suffixes[] = "bkmgt";
    unsigned shift = 10;
    const char *suffix;

    s = parse_digits(s, bytes);
    if (!s)
        return NULL;
    if (*s && *s != ',') {
        suffix = strchr(suffixes, *s | 0x20);
        if (!suffix || !*suffix)
            return NULL;
        shift = 10 * (unsigned)(suffix - suffixes);
        s++;
    }
    if (*bytes >> (63 - shift) || (*s && *s != ','))
        return NULL;
    *bytes <<= shift;
    return s;
}

static bool starts_with(const char **s, const char *prefix)
{
    size_t n = strlen(prefix);

    if (strncmp(*s, prefix, n))
        return false;
    *s += n;
    return true;
}

/* SIZE, min:SIZE and max:SIZE in any order, separated by commas. The target is ignored: it is more
 * than one. */
static bool parse_dom0_mem(const char *value, void *target)
{
    uint64_t amount = 0, min = 0, max = 0;
    const char *s = value;

    (void)target;
    for (;;) {
        uint64_t *to = starts_with(&s, "min:") ? &min : starts_with(&s, "max:") ? &max : &amount;

        s = parse_size(s, to);
        if (!s || !*to)
            return false;
        if (!*s)
            break;
        s++;
    }
    if (max && max < min)
        return false;
    if (amount && amount < min)
        amount = min;
    if (max && amount > max)
        amount = max;
    options.dom0_mem = amount;
    options.dom0_mem_max = max;
    return true;
}

static bool parse_sched(const char *value, void *target)
{
    if (!sched_policy_by_name(value))
        return false;
    strcopy(target, value, sizeof options.sched);
    return true;
}

/* "level" or "level/level": the second one is Xen's limit for messages that come too often. */
static bool parse_level(const char *value, void *target)
{
    static const struct {
        const char *name;
        int level;
    } levels[] = {{"none", LOG_ERR - 1}, {"error", LOG_ERR},   {"warning", LOG_WARN},
                  {"info", LOG_INFO},    {"debug", LOG_DEBUG}, {"all", LOG_DEBUG}};

    for (unsigned i = 0; i < ARRAY_SIZE(levels); i++) {
        size_t n = strlen(levels[i].name);

        if (!strncmp(value, levels[i].name, n) && (!value[n] || value[n] == '/')) {
            *(int *)target = levels[i].level;
            return true;
        }
    }
    return false;
}

/* A list of devices; the serial port is the only one that Moirai has. */
static bool parse_console(const char *value, void *target)
{
    static const char *const others[] = {"vga", "none", "com2", "pv", "xhci", "dbgp", NULL};
    bool com1 = false;
    char word[8];

    while (*value) {
        const char *comma = strchr(value, ',');
        size_t n = comma ? (size_t)(comma - value) : strlen(value);

        strcopy(word, value, MIN(n + 1, sizeof word));
        if (!strcmp(word, "com1"))
            com1 = true;
        else if (!is_any_of(word, others))
            return false;
        value += n + (comma ? 1 : 0);
    }
    *(bool *)target = com1;
    return true;
}

/* The port is set up before the command line is read, and at one speed. */
static bool parse_com1(const char *value, void *target)
{
    (void)target;
    return !strcmp(value, "auto") ||
           (starts_with(&value, "115200") && (!*value || strchr(",/", *value)));
}

/* ---- psr: Xen's list of NAME[:VALUE], and the model ----------------------------------------- */

/* 0 is no number here: it stands for all that there are. */
static bool psr_number(const char *value, unsigned *n)
{
    return parse_count(value, n, UINT16_MAX);
}

/* Everything but CDP, which takes half of the classes. */
static bool psr_model(const char *value)
{
    if (*value && strcmp(value, "intel") && strcmp(value, "amd"))
        return false;
    options.psr_source = strcmp(value, "amd") ? PSR_MODEL_INTEL : PSR_MODEL_AMD;
    options.psr.cmt = options.psr.cat = options.psr.mba = true;
    return true;
}

static bool psr_word(const char *name, const char *value)
{
    struct psr_options *o = &options.psr;

    if (!strcmp(name, "model"))
        return psr_model(value);
    if (!strcmp(name, "cmt"))
        return parse_bool(value, &o->cmt);
    if (!strcmp(name, "cat"))
        return parse_bool(value, &o->cat);
    if (!strcmp(name, "cdp"))
        return parse_bool(value, &o->cdp);
    if (!strcmp(name, "mba"))
        return parse_bool(value, &o->mba);
    if (!strcmp(name, "rmid_max"))
        return psr_number(value, &o->max_rmid);
    return !strcmp(name, "cos_max") && psr_number(value, &o->max_class);
}

static bool psr_list(const char *value)
{
    char word[32];

    while (*value) {
        const char *comma = strchr(value, ',');
        size_t n = comma ? (size_t)(comma - value) : strlen(value);
        char *colon;

        strcopy(word, value, MIN(n + 1, sizeof word));
        colon = strchr(word, ':');
        if (colon)
            *colon = '\0';
        if (!psr_word(word, colon ? colon + 1 : ""))
            return false;
        value += n + (comma ? 1 : 0);
    }
    return true;
}

/* All of the list or nothing of it. */
static bool parse_psr(const char *value, void *target)
{
    struct psr_options before = options.psr;
    enum psr_source source = options.psr_source;

    (void)target;
    if (psr_list(value))
        return true;
    options.psr = before;
    options.psr_source = source;
    return false;
}

/* A bool, or a model. */
static bool parse_pmu(const char *value, void *target)
{
    enum pmu_source *source = target;
    bool on;

    if (!strcmp(value, "model") || !strcmp(value, "model:intel"))
        *source = PMU_MODEL_INTEL;
    else if (!strcmp(value, "model:amd"))
        *source = PMU_MODEL_AMD;
    else if (parse_bool(value, &on))
        *source = on ? PMU_MACHINE : PMU_OFF;
    else
        return false;
    return true;
}

/* ---- the options -------------------------------------------------------------------------- */

static const struct option known[] = {
    {"sched", parse_sched, options.sched,
     "credit, credit2, rtds, arinc653, null, rrobin, bvt, fbvt, sedf or atropos"},
    {"dom0_mem", parse_dom0_mem, NULL, "SIZE, min:SIZE, max:SIZE, as in dom0_mem=512M,max:1G"},
    {"dom0_max_vcpus", parse_vcpus, &options.dom0_max_vcpus, "a number from 1 to 128"},
    {"dom0_vcpus_pin", parse_bool, &options.dom0_vcpus_pin, "yes or no"},
    {"maxcpus", parse_pcpus, &options.maxcpus, "a number from 1 to 64"},
    {"rebalance", parse_rebalance, &options.rebalance, "pages that move to other nodes in a second"},
    {"noreboot", parse_bool, &options.noreboot, "yes or no"},
    {"loglvl", parse_level, &options.loglvl, "none, error, warning, info, debug or all"},
    {"guest_loglvl", parse_level, &options.guest_loglvl,
     "none, error, warning, info, debug or all"},
    {"console", parse_console, &options.console_com1, "com1, vga or none, or a list of them"},
    {"com1", parse_com1, NULL, "115200,8n1, the only setting there is"},
    {"psr", parse_psr, NULL, "a list of cmt, cat, cdp, mba, rmid_max:N, cos_max:N and model[:amd]"},
    {"pmu", parse_pmu, &options.pmu_source, "yes, no, model or model:amd"},
    {"sync_console", parse_bool, &options.sync_console, "yes or no"},
};

/* Options of Xen's that change nothing here, and GRUB's "placeholder"; each ends with a blank. */
static const char without_effect[] =
    "acpi allow_unsafe altp2m apic apic_verbosity apicv asid async-show-all ats badpage "
    "bootscrub bootscrub_chunk clocksource cmci-threshold com2 conring_size "
    "console_timestamps console_to_ring conswitch core_parking cpufreq cpuid cpuidle "
    "crashkernel dbgp debug_stack_lines dma_bits dom0 dom0-cpuid dom0-iommu dom0_nodes "
    "e820-mtrr-clip e820-verbose edd edid efi ept extra_guest_irqs gdb gnttab "
    "gnttab_max_frames gnttab_max_maptrack_frames hap hap_1gb hap_2mb hardware_dom hpet "
    "hvm_debug hvm_fep hvm_port80 invpcid ioapic_ack iommu iommu_dev_iotlb_timeout ivrs_hpet "
    "ivrs_ioapic lapic ler livepatch low_crashinfo low_mem_virq_limit max_cstate "
    "max_gsi_irqs mce mce_fb mce_verbosity memop-max-order mmcfg mmio-relax msi mwait-idle "
    "nmi noapic nofxsr noirqbalance nolapic nomce nosmp numa pci pci-phantom pcid pku "
    "placeholder ple_gap ple_window pmtimer pv pv-l1tf pv-linear-pt real-mode reboot "
    "rmrr ro-hpet sched-gran sched_credit2_max_cpus_runqueue sched_credit2_migrate_resist "
    "sched_credit_tslice_ms sched_ratelimit_us sched_smt_power_savings scrub-domheap "
    "serial_tx_buffer shstk skip_realmode smap smep smt spec-ctrl tbuf_size tevt_mask "
    "tickle_one_idle_cpu timer_slop tsc tsx ucode unrestricted_guest vcpu_migration_delay "
    "vga vpid vpmu watchdog watchdog_timeout x2apic x2apic_phys xpti xsave xsm ";

static bool is_without_effect(const char *name)
{
    size_t n = strlen(name);

    for (const char *s = without_effect; *s; s = strchr(s, ' ') + 1)
        if (!strncmp(s, name, n) && s[n] == ' ')
            return true;
    return false;
}

static const struct option *find_option(const char *name)
{
    for (unsigned i = 0; i < ARRAY_SIZE(known); i++)
        if (!strcmp(name, known[i].name))
            return &known[i];
    return NULL;
}

/* One word, cut at its '='. */
static void take_option(const char *name, const char *value)
{
    const struct option *o = find_option(name);

    if (!o && !strncmp(name, "no-", 3)) {
        o = find_option(name + 3);
        if (o && o->parse != parse_bool)
            o = NULL;
        name += 3;
        value = "no";
    }
    if (o) {
        if (!o->parse(value, o->target))
            printk(LOG_WARN, "option %s=%s is ignored: it takes %s", name, value, o->right);
    } else if (!is_without_effect(name)) {
        printk(LOG_WARN, "unknown option is ignored: %s", name);
    }
}

/* QEMU, unlike GRUB 2, puts the file's name first. */
static const char *skip_file_name(const char *text)
{
    for (const char *s = text; *s && *s != ' ' && *s != '='; s++)
        if (*s == '/' || *s == '.')
            return strchr(text, ' ') ? strchr(text, ' ') : text + strlen(text);
    return text;
}

void cmdline_parse(const char *text)
{
    char word[128];

    text = skip_file_name(text ? text : "");
    while (*text == ' ')
        text++;
    strcopy(options.cmdline, text, sizeof options.cmdline);
    while (*text) {
        size_t n = 0;

        while (text[n] && text[n] != ' ')
            n++;
        if (n) {
            strcopy(word, text, MIN(n + 1, sizeof word));
            char *equals = strchr(word, '=');
            if (equals)
                *equals = '\0';
            take_option(word, equals ? equals + 1 : "");
        }
        text += n + (text[n] == ' ');
    }
}
