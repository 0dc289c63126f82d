/* vm_assist: of the behaviours that a guest may ask for, the one that PVH guests have. */
#include "hypercall.h"

int64_t hc_vm_assist(struct vcpu *v, struct hc_args *args)
{
    uint32_t cmd = (uint32_t)args->a[0], type = (uint32_t)args->a[1];

    if (type != VMASST_TYPE_runstate_update_flag)
        return -XEN_EINVAL;
    if (cmd != VMASST_CMD_enable && cmd != VMASST_CMD_disable)
        return -XEN_ENOSYS;
    v->domain->runstate_flag = cmd == VMASST_CMD_enable;
    return 0;
}
