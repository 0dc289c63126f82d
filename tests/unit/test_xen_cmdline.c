/* The hypervisor's command line: what is taken, and what is said about the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#undef __STRICT_ANSI__ /* Xen's headers use anonymous unions */
#define __XEN_TOOLS__
#include "../../xen/cmdline.c"

static char said[2000];

void printk(enum log_level level, const char *format, ...)
{
    size_t n = strlen(said);
    va_list args;

    assert_int_equal(level, LOG_WARN);
    va_start(args, format);
    vsnprintf(said + n, sizeof said - n, format, args);
    va_end(args);
    strncat(said, "\n", sizeof said - strlen(said) - 1);
}

void strcopy(char *to, const char *from, size_t size)
{
    snprintf(to, size, "%s", from);
}

static struct options defaults;

static int setup(void **state)
{
    (void)state;
    defaults = options;
    return 0;
}

static void parse(const char *text)
{
    options = defaults;
    said[0] = '\0';
    cmdline_parse(text);
}

static void test_all(void **state)
{
    (void)state;
    parse(
        "build/moirai.elf  sched=bvt dom0_mem=512M dom0_max_vcpus=2 dom0_vcpus_pin maxcpus=4 "
        "noreboot loglvl=all guest_loglvl=error/all console=vga,com1 com1=115200,8n1 sync_console");
    assert_string_equal(said, "");
    assert_string_equal(options.sched, "bvt");
    assert_int_equal(options.dom0_mem, MIB(512));
    assert_int_equal(options.dom0_mem_max, 0);
    assert_int_equal(options.dom0_max_vcpus, 2);
    assert_int_equal(options.maxcpus, 4);
    assert_true(options.dom0_vcpus_pin && options.noreboot && options.sync_console);
    assert_int_equal(options.loglvl, LOG_DEBUG);
    assert_int_equal(options.guest_loglvl, LOG_ERR);
    assert_true(options.console_com1);
    assert_memory_equal(options.cmdline, "sched=bvt dom0_mem", 18);
}

static void test_forms(void **state)
{
    (void)state;
    parse("dom0_mem=1G,max:2g,min:256m");
    assert_int_equal(options.dom0_mem, GIB(1));
    assert_int_equal(options.dom0_mem_max, GIB(2));
    parse("dom0_mem=max:524288");
    assert_int_equal(options.dom0_mem, 0);
    assert_int_equal(options.dom0_mem_max, MIB(512));
    parse("dom0_mem=128M,min:256M");
    assert_int_equal(options.dom0_mem, MIB(256));
    parse("noreboot=no dom0_vcpus_pin=on no-sync_console loglvl=none console=none");
    assert_false(options.noreboot || options.sync_console || options.console_com1);
    assert_true(options.dom0_vcpus_pin);
    assert_int_equal(options.loglvl, -1);
    assert_string_equal(said, "");
    parse("");
    parse(NULL);
    parse("moirai.elf");
    assert_string_equal(options.cmdline, "");
    assert_string_equal(said, "");
}

static void test_psr(void **state)
{
    (void)state;
    parse("psr=model");
    assert_int_equal(options.psr_source, PSR_MODEL_INTEL);
    assert_true(options.psr.cmt && options.psr.cat && options.psr.mba && !options.psr.cdp);
    assert_int_equal(options.psr.max_class | options.psr.max_rmid, 0);
    parse("psr=model:amd,cdp,cmt:0,cos_max:3,rmid_max:70");
    assert_int_equal(options.psr_source, PSR_MODEL_AMD);
    assert_true(!options.psr.cmt && options.psr.cat && options.psr.mba && options.psr.cdp);
    assert_int_equal(options.psr.max_class, 3);
    assert_int_equal(options.psr.max_rmid, 70);
    parse("psr=cat:1,mba:yes,cdp:off");
    assert_int_equal(options.psr_source, PSR_MACHINE);
    assert_true(!options.psr.cmt && options.psr.cat && options.psr.mba && !options.psr.cdp);
    assert_string_equal(said, "");
    parse("psr=model,cos_max:x"); /* all or nothing */
    assert_int_equal(options.psr_source, PSR_MACHINE);
    assert_false(options.psr.cmt);
}

static void test_pmu(void **state)
{
    static const struct {
        const char *option;
        enum pmu_source source;
    } forms[] = {{"", PMU_OFF},
                 {"pmu", PMU_MACHINE},
                 {"pmu=yes", PMU_MACHINE},
                 {"pmu pmu=off", PMU_OFF},
                 {"pmu=model", PMU_MODEL_INTEL},
                 {"pmu=model:intel", PMU_MODEL_INTEL},
                 {"pmu=model:amd", PMU_MODEL_AMD}};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(forms); i++) {
        parse(forms[i].option);
        assert_int_equal(options.pmu_source, forms[i].source);
        assert_string_equal(said, "");
    }
}

static void test_rebalance(void **state)
{
    (void)state;
    parse("rebalance=0");
    assert_int_equal(options.rebalance, 0);
    parse("rebalance=1000");
    assert_int_equal(options.rebalance, 1000);
    parse("rebalance=no");
    assert_int_equal(options.rebalance, 0);
    assert_string_equal(said, "");
    parse("rebalance=100000001");
    assert_int_equal(options.rebalance, defaults.rebalance);
    assert_non_null(strstr(said, "rebalance=100000001 is ignored"));
}

static void test_silent(void **state)
{
    (void)state;
    parse("placeholder dom0=pvh vga=current,keep iommu=no ucode=scan smt=0 watchdog no-real-mode "
          "edd=off");
    assert_string_equal(said, "");
}

static void test_unknown(void **state)
{
    (void)state;
    parse("shced=bvt vg=1 xsmx");
    assert_string_equal(said, "unknown option is ignored: shced\nunknown option is ignored: vg\n"
                              "unknown option is ignored: xsmx\n");
}

static void test_bad_values(void **state)
{
    static const char *const bad[] = {
        "sched=fifo",
        "sched",
        "dom0_mem=x",
        "dom0_mem=",
        "dom0_mem=512Q",
        "dom0_mem=1G1",
        "dom0_mem=-5M",
        "dom0_mem=1M,,",
        "dom0_mem=1G,",
        "dom0_mem=max:",
        "dom0_mem=0",
        "dom0_mem=min:2G,max:1G",
        "maxcpus=0",
        "maxcpus=65",
        "maxcpus=4x",
        "dom0_max_vcpus=129",
        "noreboot=maybe",
        "loglvl=loud",
        "loglvl=allx",
        "console=com3",
        "com1=9600",
        "com1=1152000",
        "dom0_mem=99999999999999999G",
        "dom0_mem=999999999999T",
        "psr=model:intel64",
        "psr=cat,cmt:maybe",
        "psr=cos_max",
        "psr=rmid_max:0",
        "psr=all",
        "pmu=model:",
        "pmu=amd",
    };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        parse(bad[i]);
        assert_non_null(strstr(said, " is ignored: it takes "));
        assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
        strcpy(options.cmdline, defaults.cmdline);
        assert_memory_equal(&options, &defaults, offsetof(struct options, cmdline));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all),        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_psr), cmocka_unit_test(test_rebalance),     cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_pmu), cmocka_unit_test(test_silent),     cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_bad_values),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
