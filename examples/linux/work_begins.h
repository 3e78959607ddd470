// SPDX-License-Identifier: BSD-3-Clause
//
// gem5's m5_work_begin on RISC-V, Arm and x86.

#ifndef HOMESHIFT_WORK_BEGINS_H
#define HOMESHIFT_WORK_BEGINS_H

static inline void
work_begins(void)
{
#ifdef __aarch64__
    register long id __asm__("x0") = 0;
    register long thread __asm__("x1") = 0;
    __asm__ volatile(".inst 0xff5a0110" : "+r"(id), "+r"(thread));
#elif defined(__x86_64__)
    long id = 0;
    long thread = 0;
    __asm__ volatile(".byte 0x0f, 0x04\n\t.short 0x5a" : "+D"(id), "+S"(thread) : : "rax");
#else
    register long id __asm__("a0") = 0;
    register long thread __asm__("a1") = 0;
    __asm__ volatile(".word 0xb400007b" : "+r"(id), "+r"(thread));
#endif
}

#endif
