/*
 * The registers (Intel SDM vol. 3B, 17.18 and 17.19; AMD64 Technology Platform
 * Quality of Service Extensions, 56375).
 *
 *   PQR_ASSOC   63........32 | 31..10 0 | 9........0    one for each logical processor
 *               class        |          | RMID
 *   QM_EVTSEL   63..42 0 | 41......32 | 31..8 0 | 7..0
 *                        | RMID       |         | event
 *   QM_CTR      63 error | 62 unavailable | 61..0 count, in units of the upscaling factor
 *   L3_MASK_n, L2_MASK_n  a bit for each part of the cache that class n may fill.
 *               With CDP class n has two: 2n for data, 2n+1 for code.
 *   MBA_THRTL_n 15..0: by how much class n is slowed down (Intel)
 *   BW_CONTROL_n  BW_LEN: unlimited | BW_LEN-1..0: limit in 1/8 GB/s (AMD)
 */
#ifndef PSR_MSR_H
#define PSR_MSR_H

#define MSR_L3_QOS_CFG 0xc81 /* bit 0: CDP */
#define MSR_QM_EVTSEL  0xc8d
#define MSR_QM_CTR     0xc8e
#define MSR_PQR_ASSOC  0xc8f
#define MSR_L3_MASK    0xc90
#define MSR_L2_MASK    0xd10
#define MSR_MBA_THRTL  0xd50
#define MSR_BW_CONTROL 0xc0000200

#define QM_CTR_ERROR       (1ULL << 63)
#define QM_CTR_UNAVAILABLE (1ULL << 62)
#define QM_RMID_SHIFT      32
#define QM_EVENT_MASK      0xff
#define PQR_CLASS_SHIFT    32

/* Events of QM_EVTSEL; CPUID leaf 0xf has a bit for each, from bit 0. */
enum psr_event { PSR_OCCUPANCY = 1, PSR_TOTAL_BYTES, PSR_LOCAL_BYTES };

#endif
