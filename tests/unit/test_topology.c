/* Hosts from hwloc. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <hwloc.h>

#include "../../tools/sim/topology.h"
#include "said.h"

static struct arena memory;
static struct host host;
static struct problem why;

static bool load(const char *text)
{
    return topology_load(&memory, text, said_folder, &host, &why);
}

static int forget(void **state)
{
    (void)state;
    arena_free(&memory);
    return 0;
}

static void reads_packages_cores_threads(void **state)
{
    (void)state;
    assert_true(load("pack:2 core:8 pu:2"));
    assert_int_equal(host.nr_pcpus, 32);
    for (unsigned i = 0; i < 32; i++) {
        assert_int_equal(host.pcpus[i].core, i / 2);
        assert_int_equal(host.pcpus[i].socket, i / 16);
        assert_int_equal(host.pcpus[i].node, 0);
    }
    assert_int_equal(host_last_node(&host), 0);
}

static void reads_nodes(void **state)
{
    (void)state;
    assert_true(load("pack:2 [numa] core:2 pu:1"));
    assert_int_equal(host.nr_pcpus, 4);
    assert_int_equal(host.pcpus[1].node, 0);
    assert_int_equal(host.pcpus[2].node, 1);
    assert_int_equal(host_last_node(&host), 1);
}

static void nodes_have_memory_and_distances(void **state)
{
    (void)state;
    assert_true(load("pack:2 [numa(memory=3GB)] core:2 pu:1"));
    assert_int_equal(host.nr_nodes, 2);
    assert_int_equal(host.memory[1], 3000000000);
    assert_int_equal(host.distance[0], 10); /* not known: usual ones */
    assert_int_equal(host.distance[1], 20);
    file_with("far.xml",
              "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
              "<topology version=\"2.0\">\n"
              "<object type=\"Machine\" cpuset=\"0x3\" complete_cpuset=\"0x3\" nodeset=\"0x3\" "
              "complete_nodeset=\"0x3\" allowed_cpuset=\"0x3\" allowed_nodeset=\"0x3\">\n"
              "<object type=\"NUMANode\" os_index=\"0\" cpuset=\"0x3\" complete_cpuset=\"0x3\" "
              "nodeset=\"0x1\" complete_nodeset=\"0x1\" local_memory=\"4096\"/>\n"
              "<object type=\"NUMANode\" os_index=\"1\" cpuset=\"0x3\" complete_cpuset=\"0x3\" "
              "nodeset=\"0x2\" complete_nodeset=\"0x2\" local_memory=\"8192\"/>\n"
              "<object type=\"PU\" os_index=\"0\" cpuset=\"0x1\" complete_cpuset=\"0x1\" "
              "nodeset=\"0x3\" complete_nodeset=\"0x3\"/>\n"
              "<object type=\"PU\" os_index=\"1\" cpuset=\"0x2\" complete_cpuset=\"0x2\" "
              "nodeset=\"0x3\" complete_nodeset=\"0x3\"/>\n"
              "</object>\n"
              "<distances2 type=\"NUMANode\" nbobjs=\"2\" kind=\"5\" name=\"NUMALatency\" "
              "indexing=\"os\"><indexes length=\"4\">0 1 </indexes>"
              "<u64values length=\"12\">10 31 17 10 </u64values></distances2>\n"
              "</topology>\n");
    assert_true(load("far.xml"));
    assert_int_equal(host.memory[1], 8192);
    assert_int_equal(host.distance[1], 31);
    assert_int_equal(host.distance[2], 17);
}

static void pcpus_without_cores_are_their_own(void **state)
{
    (void)state;
    assert_true(load("pu:4"));
    assert_int_equal(host.nr_pcpus, 4);
    assert_int_equal(host.pcpus[3].core, 3);
    assert_int_equal(host.pcpus[3].socket, 0);
}

static void reads_this_machine(void **state)
{
    (void)state;
    assert_true(load("this"));
    assert_true(host.nr_pcpus >= 1);
}

static void reads_an_xml_file(void **state)
{
    hwloc_topology_t t;
    char path[128];

    (void)state;
    snprintf(path, sizeof path, "%s/box.xml", said_folder);
    hwloc_topology_init(&t);
    hwloc_topology_set_synthetic(t, "pack:1 core:3 pu:2");
    hwloc_topology_load(t);
    assert_int_equal(hwloc_topology_export_xml(t, path, 0), 0);
    hwloc_topology_destroy(t);
    assert_true(load("box.xml"));
    assert_int_equal(host.nr_pcpus, 6);
    assert_int_equal(host.pcpus[5].core, 2);
    assert_true(load(path));
}

static void refuses(void **state)
{
    (void)state;
    assert_false(load("pack:2 cores"));
    assert_non_null(strstr(why.text, "pack:2 core:8 pu:2"));
    assert_false(load("nothing.xml"));
    assert_non_null(strstr(why.text, "nothing.xml"));
    file_with("bad.xml", "<no topology");
    said_begin(); /* hwloc has its say, too */
    assert_false(load("bad.xml"));
    said_end();
    assert_false(load("pack:64 core:65 pu:1"));
    assert_non_null(strstr(why.text, "1 to 4096"));
}

static void the_largest_host_is_fine(void **state)
{
    (void)state;
    assert_true(load("pack:64 core:64 pu:1"));
    assert_int_equal(host.nr_pcpus, 4096);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(reads_packages_cores_threads, forget),
        cmocka_unit_test_teardown(reads_nodes, forget),
        cmocka_unit_test_teardown(nodes_have_memory_and_distances, forget),
        cmocka_unit_test_teardown(pcpus_without_cores_are_their_own, forget),
        cmocka_unit_test_teardown(reads_this_machine, forget),
        cmocka_unit_test_teardown(reads_an_xml_file, forget),
        cmocka_unit_test_teardown(refuses, forget),
        cmocka_unit_test_teardown(the_largest_host_is_fine, forget),
    };

    return cmocka_run_group_tests(tests, files_begin, files_end);
}
