/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What fuzz_parse.c and its part about mock-xen share. */
#ifndef PVSCSI_TESTS_PARSE_MOCK_H
#define PVSCSI_TESTS_PARSE_MOCK_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define MUST(cond) \
    do { \
        if (!(cond)) { \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
            abort(); \
        } \
    } while (0)

void fuzz_mock(const uint8_t *data, size_t size);

#endif
