// SPDX-License-Identifier: BSD-3-Clause
//
// One thread counts, the other one looks twice each time: first where it has to find out, by loads
// that miss, and then where it knows at once. An out-of-order CPU loads in the other order, and has to
// notice if the count has grown in between.
//
//     loads TIMES

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define WORDS (1 << 14)

static long zeros[WORDS];
static volatile long count __attribute__((aligned(64), section(".data")));
static volatile int stop __attribute__((aligned(64)));

static void *
grow(void *unused)
{
    while (!stop) {
        for (int i = 0; i < 200; ++i) {
            __asm__ volatile("nop");
        }
        ++count;
    }
    return unused;
}

int
main(int argc, char **argv)
{
    const long times = argc > 1 ? atol(argv[1]) : 1000;
    for (long i = 0; i < WORDS; i += 512) {
        zeros[i] = 0; // a page of its own, not the kernel's one page of zeros
    }
    pthread_t thread;
    if (pthread_create(&thread, NULL, grow, NULL) != 0) {
        return 3;
    }
    uint64_t random = 88172645463325252;
    long wrong = 0;
    for (long i = 0; i < times; ++i) {
        random ^= random << 13; // xorshift64
        random ^= random >> 7;
        random ^= random << 17;
        long first, second, zero;
        __asm__ volatile("ld %2, 0(%3)\n add %2, %2, %4\n ld %2, 0(%2)\n add %2, %2, %5\n"
                         "ld %2, 0(%2)\n add %2, %2, %6\n ld %0, 0(%2)\n ld %1, 0(%6)\n"
                         : "=&r"(first), "=&r"(second), "=&r"(zero)
                         : "r"(&zeros[random % WORDS]), "r"(&zeros[(random >> 20) % WORDS]),
                           "r"(&zeros[(random >> 40) % WORDS]), "r"(&count));
        wrong += second < first;
    }
    stop = 1;
    pthread_join(thread, NULL);
    printf("%ld of %ld were wrong\n", wrong, times);
    return wrong != 0;
}
