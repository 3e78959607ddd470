// SPDX-License-Identifier: BSD-3-Clause
//
// The first process of a Linux that is to migrate: it adds 1 to every word of a disk, past all
// caches, and finds each as it left it. At first each word is its number. How often it goes through
// all of the disk is said on the kernel's command line.

#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include "../../examples/linux/work_begins.h"

#define BLOCK_WORDS 512

static uint64_t block[BLOCK_WORDS] __attribute__((aligned(4096)));

int
main(int argc, char **argv)
{
    const uint64_t rounds = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    mount("none", "/dev", "devtmpfs", 0, NULL);
    const int disk = open("/dev/vda", O_RDWR | O_DIRECT);
    const off_t bytes = disk < 0 ? 0 : lseek(disk, 0, SEEK_END);
    uint64_t right = 0;
    for (uint64_t round = 0; round < rounds; ++round) {
        for (off_t at = 0; at < bytes; at += sizeof(block)) {
            if (pread(disk, block, sizeof(block), at) != sizeof(block)) {
                continue;
            }
            for (uint64_t word = 0; word < BLOCK_WORDS; ++word) {
                right += block[word] == at / sizeof(*block) + word + round;
                ++block[word];
            }
            if (pwrite(disk, block, sizeof(block), at) != sizeof(block)) {
                right = 0;
            }
            if (round == 0 && at == 0) {
                work_begins();
            }
        }
    }
    printf("%llu of %llu words of the disk\n", (unsigned long long)right,
           (unsigned long long)(rounds * bytes / sizeof(*block)));
    fflush(stdout);
    for (;;) {
        pause();
    }
}
