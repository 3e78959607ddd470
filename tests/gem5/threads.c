// SPDX-License-Identifier: BSD-3-Clause
//
// Threads that count together: ends with status 0 if no increment was lost.
//
//     threads [THREADS [INCREMENTS]]

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef WORK_BEGINS
#include "../../examples/linux/work_begins.h"
#endif

#define MOST 64

static long added;       // by an atomic addition
static long exchanged;   // by load-linked and store-conditional, where the ISA has them
static long locked;      // under a lock
static long own[MOST];   // of each thread: neighbours in a line
static long increments = 1000;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *
count(void *mine)
{
    for (long i = 0; i < increments; ++i) {
#ifdef WORK_BEGINS
        if (mine == own && i == WORK_BEGINS) {
            work_begins();
        }
#endif
        __atomic_fetch_add(&added, 1, __ATOMIC_RELAXED);
        long seen = __atomic_load_n(&exchanged, __ATOMIC_RELAXED);
        while (!__atomic_compare_exchange_n(&exchanged, &seen, seen + 1, 0, __ATOMIC_SEQ_CST,
                                            __ATOMIC_RELAXED)) {
        }
        pthread_mutex_lock(&lock);
        ++locked;
        pthread_mutex_unlock(&lock);
        ++*(volatile long *)mine;
    }
    return NULL;
}

int
main(int argc, char **argv)
{
    const int threads = argc > 1 ? atoi(argv[1]) : 1;
    increments = argc > 2 ? atol(argv[2]) : increments;
    if (threads < 1 || threads > MOST) {
        return 2;
    }
    pthread_t others[MOST];
    for (int i = 1; i < threads; ++i) {
        if (pthread_create(&others[i], NULL, count, &own[i]) != 0) {
            return 3;
        }
    }
    count(&own[0]);
    for (int i = 1; i < threads; ++i) {
        pthread_join(others[i], NULL);
    }
    long sum = 0;
    for (int i = 0; i < threads; ++i) {
        sum += own[i];
    }
    const long all = threads * increments;
    printf("%ld %ld %ld %ld of %ld\n", added, exchanged, locked, sum, all);
    fflush(stdout);
    while (getpid() == 1) { // Linux stops if its first process ends
        pause();
    }
    return added == all && exchanged == all && locked == all && sum == all ? 0 : 1;
}
