/* Where start.S hands over. */
#include "guest.h"

#define LEAF_IDS 0x40000004u /* of the hypervisor's: vCPU and domain */

_Noreturn void guest_main(void);

domid_t own_domid(void)
{
    uint32_t out[4];

    cpuid(LEAF_IDS, 0, out);
    return (domid_t)out[2];
}

uint64_t start_number(uint64_t otherwise)
{
    const char *c = (const char *)(uintptr_t)start_info()->cmdline_paddr;
    uint64_t n = 0;

    if (!c || *c < '0' || *c > '9')
        return otherwise;
    for (; *c >= '0' && *c <= '9'; c++)
        n = n * 10 + (uint64_t)(*c - '0');
    return n;
}

void guest_main(void)
{
    traps_init();
    traps_cpu_init();
    if (start_info()->magic != XEN_HVM_START_MAGIC_VALUE)
        error("start_info at 0x%lx has the wrong magic 0x%x", start_info_address,
              start_info()->magic);
    if (is_dom0()) {
        print("test %s starts", test.name);
        test.run();
    } else {
        test.child(start_argument);
    }
    finish();
}
