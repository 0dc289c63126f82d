/*
 * Registers of performance counters.
 *
 *   PERFEVTSELn  Intel (SDM vol. 3B, 20.2.1.1 and 20.3.9), AMD PerfEvtSeln (APM vol. 2, 13.2.1):
 *     63..42 0 | 41 HostOnly | 40 GuestOnly | 39..36 0 | 35..32 event | 31..24 counter mask | 23
 * INV | 22 EN | 21 ANY | 20 INT | 19 PC | 18 E | 17 OS | 16 USR | 15..8 unit mask | 7..0 event
 *     Above bit 31 AMD's. 21 and 19 are Intel's.
 *   FIXED_CTR_CTRL  four bits for each: OS, USR, ANY, PMI (20.2.2)
 *   GLOBAL_CTRL     63..32 fixed counters | 31..0 general ones (20.2.2); AMD: general ones
 */
#ifndef PSR_PMU_MSR_H
#define PSR_PMU_MSR_H

#define MSR_PMC                0xc1
#define MSR_PERFEVTSEL         0x186
#define MSR_FIXED_CTR          0x309
#define MSR_FIXED_CTR_CTRL     0x38d
#define MSR_PERF_GLOBAL_STATUS 0x38e
#define MSR_PERF_GLOBAL_CTRL   0x38f
#define MSR_PERF_GLOBAL_OVF    0x390
#define MSR_AMD_SELECT         0xc0010000 /* four of them, */
#define MSR_AMD_COUNTER        0xc0010004 /* and their counters */
#define MSR_AMD_EXTENDED       0xc0010200 /* the same and more: select, counter, select, ... */
#define MSR_AMD_GLOBAL_STATUS  0xc0000300 /* with PerfMonV2 */
#define MSR_AMD_GLOBAL_CTRL    0xc0000301
#define MSR_AMD_GLOBAL_CLEAR   0xc0000302

#define SELECT_EVENT      0xffULL
#define SELECT_UMASK      0xff00ULL
#define SELECT_USR        (1ULL << 16)
#define SELECT_OS         (1ULL << 17)
#define SELECT_EDGE       (1ULL << 18)
#define SELECT_PC         (1ULL << 19)
#define SELECT_INT        (1ULL << 20)
#define SELECT_ANY        (1ULL << 21)
#define SELECT_EN         (1ULL << 22)
#define SELECT_INV        (1ULL << 23)
#define SELECT_CMASK      0xff000000ULL
#define SELECT_EVENT_HIGH (0xfULL << 32)
#define SELECT_GUEST      (1ULL << 40)
#define SELECT_HOST       (1ULL << 41)

#define FIXED_OS  1
#define FIXED_USR 2

#define GLOBAL_FIXED 32 /* the bit of the first fixed counter */

#endif
