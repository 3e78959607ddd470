// SPDX-License-Identifier: BSD-3-Clause
//
// Harts of a bare RISC-V machine that count together, without an operating system: prints "ok" on the
// board's UART if no increment was lost, and leaves gem5's loop.

#include "../../examples/linux/work_begins.h"

#ifndef HARTS
#define HARTS 4
#define INCREMENTS 200
#endif
#ifndef RIGHT
#define RIGHT "ok\n"
#endif

static long added, exchanged, done;
static volatile char *const uart = (char *)0x10000000;

__asm__(".section .text.unlikely\n"
        ".globl _start\n"
        "_start:\n"
        "    csrr a0, mhartid\n"
        "    la sp, stacks\n"
        "    slli t0, a0, 12\n"
        "    add sp, sp, t0\n"
        "    li t0, 4096\n"
        "    add sp, sp, t0\n"
        "    call count\n"
        ".section .bss\n"
        ".balign 4096\n"
        "stacks: .skip 4096 * 4\n");

__attribute__((noreturn)) void
count(long hart)
{
    for (long i = 0; i < INCREMENTS; ++i) {
#ifdef WORK_BEGINS
        if (hart == HARTS - 1 && i == WORK_BEGINS) { // the one that is ahead of the others
            work_begins();
        }
#endif
#ifdef DOTS
        if (hart == 0 && i % DOTS == 0) {
            *uart = '.';
        }
#endif
        __atomic_fetch_add(&added, 1, __ATOMIC_RELAXED);
        __atomic_fetch_add(&exchanged, 1, __ATOMIC_RELAXED);
        long seen = __atomic_load_n(&exchanged, __ATOMIC_RELAXED);
        while (!__atomic_compare_exchange_n(&exchanged, &seen, seen + 1, 0, __ATOMIC_SEQ_CST,
                                            __ATOMIC_RELAXED)) {
        }
    }
    __atomic_fetch_add(&done, 1, __ATOMIC_SEQ_CST);
    if (hart == 0) {
        while (__atomic_load_n(&done, __ATOMIC_SEQ_CST) != HARTS) {
        }
        const int right = added == HARTS * INCREMENTS && exchanged == 2 * HARTS * INCREMENTS;
        for (const char *text = right ? RIGHT : "lost\n"; *text != 0; ++text) {
            *uart = *text;
        }
        register long delay __asm__("a0") = 0;
        __asm__ volatile(".word 0x4200007b" : : "r"(delay)); // gem5's m5_exit
    }
    for (;;) {
    }
}
