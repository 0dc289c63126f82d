/* domctl: what a domain may have of caches and bandwidth, and whether its share is counted. */
#include "psr.h"

int domctl_psr_cmt_op(struct vcpu *v, struct domain *d, struct xen_domctl *c)
{
    struct xen_domctl_psr_cmt_op *op = &c->u.psr_cmt_op;
    struct psr *psr = psr_monitoring();
    int err;

    (void)v;
    if (!psr)
        return -XEN_ENODEV;
    if (d->dying)
        return -XEN_ESRCH;
    switch (op->cmd) {
    case XEN_DOMCTL_PSR_CMT_OP_ATTACH:
        err = psr_attach(psr, &d->psr);
        break;
    case XEN_DOMCTL_PSR_CMT_OP_DETACH:
        err = psr_detach(psr, &d->psr);
        break;
    case XEN_DOMCTL_PSR_CMT_OP_QUERY_RMID:
        op->data = d->psr.rmid;
        return 0;
    default:
        return -XEN_ENOSYS;
    }
    if (!err)
        psr_refresh();
    return err;
}

int domctl_psr_alloc(struct vcpu *v, struct domain *d, struct xen_domctl *c)
{
    static const struct {
        bool get;
        enum psr_kind kind;
    } asked[] = {
        [XEN_DOMCTL_PSR_SET_L3_CBM] = {false, PSR_L3_MASK},
        [XEN_DOMCTL_PSR_GET_L3_CBM] = {true, PSR_L3_MASK},
        [XEN_DOMCTL_PSR_SET_L3_CODE] = {false, PSR_L3_CODE},
        [XEN_DOMCTL_PSR_GET_L3_CODE] = {true, PSR_L3_CODE},
        [XEN_DOMCTL_PSR_SET_L3_DATA] = {false, PSR_L3_DATA},
        [XEN_DOMCTL_PSR_GET_L3_DATA] = {true, PSR_L3_DATA},
        [XEN_DOMCTL_PSR_SET_L2_CBM] = {false, PSR_L2_MASK},
        [XEN_DOMCTL_PSR_GET_L2_CBM] = {true, PSR_L2_MASK},
        [XEN_DOMCTL_PSR_SET_MBA_THRTL] = {false, PSR_BANDWIDTH},
        [XEN_DOMCTL_PSR_GET_MBA_THRTL] = {true, PSR_BANDWIDTH},
    };
    struct xen_domctl_psr_alloc *op = &c->u.psr_alloc;
    struct psr *psr = psr_allocation();

    (void)v;
    if (!psr)
        return -XEN_ENODEV;
    if (op->cmd >= ARRAY_SIZE(asked))
        return -XEN_EOPNOTSUPP;
    if (d->dying)
        return -XEN_ESRCH;
    if (asked[op->cmd].get)
        return psr_get(psr, &d->psr, op->target, asked[op->cmd].kind, &op->data);
    int err = psr_set(psr, &d->psr, op->target, asked[op->cmd].kind, op->data);
    if (!err)
        psr_refresh();
    return err;
}
