/* The machine as XML for hwloc: hwloc reads what it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include <hwloc.h>
#include <hwloc/distances.h>

#include "../../tools/cli/hardware.h"

static struct hardware hw;
static struct arena memory;
static hwloc_topology_t topology;

static int setup(void **state)
{
    (void)state;
    memset(&hw, 0, sizeof hw);
    topology = NULL;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    if (topology)
        hwloc_topology_destroy(topology);
    arena_free(&memory);
    return 0;
}

static void pcpu(unsigned socket, unsigned core, unsigned node)
{
    hw.pcpu[hw.nr_pcpus].socket = socket;
    hw.pcpu[hw.nr_pcpus].core = core;
    hw.pcpu[hw.nr_pcpus++].node = node;
}

/* Distances 10 + 10 * (i + 2 j). */
static void nodes(unsigned nr)
{
    hw.nr_nodes = nr;
    for (unsigned i = 0; i < nr; i++) {
        hw.node[i].total = (i + 1) * 0x40000000ULL;
        for (unsigned j = 0; j < nr; j++)
            hw.distance[i][j] = i == j ? 10 : 10 + 10 * (i + 2 * j);
    }
}

static void load(void)
{
    const char *xml = hardware_xml(&memory, &hw);

    assert_non_null(xml);
    assert_int_equal(hwloc_topology_init(&topology), 0);
    assert_int_equal(hwloc_topology_set_xmlbuffer(topology, xml, (int)strlen(xml) + 1), 0);
    assert_int_equal(hwloc_topology_load(topology), 0);
    hwloc_topology_check(topology);
    assert_int_equal(hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU), hw.nr_pcpus);
    assert_int_equal(hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_NUMANODE), hw.nr_nodes);
}

static unsigned count(hwloc_obj_type_t type)
{
    return (unsigned)hwloc_get_nbobjs_by_type(topology, type);
}

static unsigned long pcpus_of_node(unsigned node)
{
    return hwloc_bitmap_to_ulong(hwloc_get_numanode_obj_by_os_index(topology, node)->cpuset);
}

static void check_distances(void)
{
    struct hwloc_distances_s *d;
    unsigned nr = 1;

    assert_int_equal(hwloc_distances_get_by_type(topology, HWLOC_OBJ_NUMANODE, &nr, &d, 0, 0), 0);
    assert_int_equal(nr, 1);
    assert_int_equal(d->nbobjs, hw.nr_nodes);
    for (unsigned i = 0; i < hw.nr_nodes; i++)
        for (unsigned j = 0; j < hw.nr_nodes; j++)
            assert_int_equal(d->values[i * hw.nr_nodes + j], hw.distance[i][j]);
    hwloc_distances_release(topology, d);
}

static void test_one_pcpu(void **state)
{
    (void)state;
    pcpu(0, 0, 0);
    nodes(1);
    load();
    assert_int_equal(pcpus_of_node(0), 1);
    assert_int_equal(count(HWLOC_OBJ_PACKAGE), 1);
}

/* As QEMU has it without -smp sockets=: a socket, and a node for each of its cores. */
static void test_nodes_in_a_socket(void **state)
{
    (void)state;
    pcpu(0, 0, 0);
    pcpu(0, 1, 1);
    nodes(2);
    load();
    assert_int_equal(pcpus_of_node(0), 1);
    assert_int_equal(pcpus_of_node(1), 2);
    assert_int_equal(hwloc_get_numanode_obj_by_os_index(topology, 1)->attr->numanode.local_memory,
                     0x80000000);
    check_distances();
}

static void test_a_socket_a_node(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 16; i++)
        pcpu(i / 8, i % 8 / 2, i / 8);
    nodes(2);
    load();
    assert_int_equal(count(HWLOC_OBJ_PACKAGE), 2);
    assert_int_equal(count(HWLOC_OBJ_CORE), 8);
    assert_int_equal(count(HWLOC_OBJ_GROUP), 0);
    assert_int_equal(pcpus_of_node(1), 0xff00);
    assert_int_equal(hwloc_get_obj_by_type(topology, HWLOC_OBJ_CORE, 5)->os_index, 1);
    assert_int_equal(hwloc_get_obj_by_type(topology, HWLOC_OBJ_PACKAGE, 1)->os_index, 1);
    check_distances();
}

static void test_four_nodes_in_each_of_two_sockets(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 64; i++)
        pcpu(i / 32, i % 32, i / 8);
    nodes(8);
    load();
    assert_int_equal(count(HWLOC_OBJ_PACKAGE), 2);
    assert_true(pcpus_of_node(7) == 0xff00000000000000UL);
    check_distances();
}

static void test_a_node_of_two_sockets(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 8; i++)
        pcpu(i / 2, i % 2, i / 4);
    nodes(2);
    load();
    assert_int_equal(count(HWLOC_OBJ_PACKAGE), 4);
    assert_int_equal(pcpus_of_node(0), 0x0f);
    assert_int_equal(pcpus_of_node(1), 0xf0);
}

/* The machine's: memory that no processor is near to, and a node that cuts a core in two. */
static void test_odd_nodes(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        pcpu(0, i / 2, i == 3);
    nodes(3);
    load();
    assert_int_equal(count(HWLOC_OBJ_CORE), 2);
    check_distances();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_pcpu, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nodes_in_a_socket, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_socket_a_node, setup, teardown),
        cmocka_unit_test_setup_teardown(test_four_nodes_in_each_of_two_sockets, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_node_of_two_sockets, setup, teardown),
        cmocka_unit_test_setup_teardown(test_odd_nodes, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
