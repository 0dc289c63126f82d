/* Room that the largest policy needs behind each object, in bytes. */
#ifndef SCHED_REGISTRY_H
#define SCHED_REGISTRY_H

#include <stddef.h>

size_t registry_pool_data(void);
size_t registry_pcpu_data(void);
size_t registry_domain_data(void);
size_t registry_unit_data(void);

#endif
