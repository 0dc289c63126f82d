/* moirai place: from configs and a machine to a table and a plot. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../tools/cli/plan.h"
#include "said.h"

static struct plan plan;

static int setup(void **state)
{
    (void)state;
    memset(&plan, 0, sizeof plan);
    assert_true(plan_machine(&plan, "pack:2 [numa(memory=4294967296)] core:2 pu:1"));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    plan_free(&plan);
    return 0;
}

static bool config(const char *text)
{
    bool ok;

    said_begin();
    ok = plan_config(&plan, file_with("a.cfg", text));
    said_end();
    return ok;
}

static const char *printed(void)
{
    static char text[4096];
    FILE *out = fmemopen(text, sizeof text, "w");

    plan_print(&plan, out);
    fclose(out);
    return text;
}

static void test_machine(void **state)
{
    (void)state;
    assert_int_equal(plan.before.nr, 2);
    assert_int_equal(plan.before.node[1].pcpus, 2);
    assert_int_equal(plan.before.node[1].free, 1048576);
    said_begin();
    assert_false(plan_machine(&plan, "nothing.xml"));
    said_end();
    assert_non_null(strstr(said, "nothing.xml"));
}

static void test_live_machine(void **state)
{
    static struct hardware hw = {.nr_pcpus = 3, .nr_nodes = 2};

    (void)state;
    hw.pcpu[2].node = 1;
    hw.node[1].total = 1 << 20;
    hw.node[1].free = 1 << 19;
    hw.node[1].vcpus = 7;
    hw.distance[0][1] = 300;
    plan_hardware(&plan, &hw);
    assert_int_equal(plan.before.node[0].pcpus, 2);
    assert_int_equal(plan.before.node[1].pcpus, 1);
    assert_int_equal(plan.before.node[1].free, 128);
    assert_int_equal(plan.before.node[1].vcpus, 7);
    assert_int_equal(plan.before.distance[0][1], 255);
}

static void test_configs(void **state)
{
    (void)state;
    assert_true(config("name='web'\nmemory=1024\nvcpus=2\n"));
    assert_true(config("name='pinned'\nmemory=512\nmaxvcpus=2\ncpus='node:1'\n"));
    assert_true(config("memory='256'\ncpus=['0','1']\n"));
    assert_int_equal(plan.domains[0].wish.frames, 262144);
    assert_int_equal(plan.domains[0].wish.vcpus, 2);
    assert_int_equal(plan.domains[0].wish.allowed, 3);
    assert_int_equal(plan.domains[1].wish.allowed, 2);
    assert_int_equal(plan.domains[1].wish.vcpus, 2);
    assert_int_equal(plan.domains[2].wish.allowed, 1);
    assert_string_equal(plan.domains[2].name, "a.cfg");
    assert_int_equal(plan.domains[2].wish.vcpus, 1);
}

static void test_refuses(void **state)
{
    (void)state;
    assert_false(config("memory='much'\n"));
    assert_non_null(strstr(said, "memory"));
    assert_false(config("vcpus=0\n"));
    assert_non_null(strstr(said, "use 1 to 128"));
    assert_false(config("memory=[1]\n"));
    assert_non_null(strstr(said, "a list is no number"));
    assert_false(config("cpus='9'\n"));
    assert_non_null(strstr(said, "cpus"));
    said_begin();
    assert_false(plan_config(&plan, "/nowhere/none.cfg"));
    said_end();
    assert_int_equal(plan.nr_domains, 0);
}

static void test_table(void **state)
{
    const char *text;

    (void)state;
    config("name='one'\nmemory=1024\nvcpus=2\n");
    config("name='two'\nmemory=1024\nvcpus=2\n");
    config("name='wide'\nmemory=4096\nvcpus=4\n");
    assert_true(plan_place(&plan));
    config("name='late'\nmemory=4096\n");
    assert_false(plan_place(&plan));
    text = printed();
    assert_non_null(strstr(text, "0       node 0: 1024 MiB, 2 vCPUs"));
    assert_non_null(strstr(text, "1       node 1: 1024 MiB, 2 vCPUs"));
    assert_non_null(strstr(text, "0-1     node 0: 2048 MiB, 2 vCPUs; node 1: 2048 MiB, 2 vCPUs"));
    assert_non_null(strstr(text, "fits nowhere"));
    assert_non_null(strstr(text, "1          2     4       4096       1024  20 10"));
}

static void test_plot(void **state)
{
    char path[256], text[2048] = "";
    FILE *f;

    (void)state;
    config("name='it\\'s'\nmemory=1024\nvcpus=2\n");
    config("name='two'\nmemory=2048\nvcpus=1\n");
    assert_true(plan_place(&plan));
    snprintf(path, sizeof path, "%s/plot", said_folder);
    assert_true(plan_plot(&plan, path));
    snprintf(path, sizeof path, "%s/plot/placement.csv", said_folder);
    f = fopen(path, "r");
    assert_non_null(f);
    assert_true(fread(text, 1, sizeof text - 1, f) > 0);
    fclose(f);
    assert_non_null(strstr(text, "0,1,0.0000,1.0000,0.0000,1.0000\n"));
    assert_non_null(strstr(text, "1,2,0.0000,2.0000,0.0000,0.5000\n"));
    snprintf(path, sizeof path, "%s/plot/placement.svg", said_folder);
    f = fopen(path, "r");
    assert_non_null(f);
    fclose(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_machine, setup, teardown),
        cmocka_unit_test_setup_teardown(test_live_machine, setup, teardown),
        cmocka_unit_test_setup_teardown(test_configs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refuses, setup, teardown),
        cmocka_unit_test_setup_teardown(test_table, setup, teardown),
        cmocka_unit_test_setup_teardown(test_plot, setup, teardown),
    };

    return cmocka_run_group_tests(tests, files_begin, files_end);
}
