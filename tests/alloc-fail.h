/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Allocations that fail on demand, for a test linked with $(ALLOC_FAIL_FLAGS). The linker directs
 * the calls of the test and of the libraries under test to these functions.
 */
#ifndef PVSCSI_TESTS_ALLOC_FAIL_H
#define PVSCSI_TESTS_ALLOC_FAIL_H

#include <stdlib.h>
#include <string.h>

static long fail_at; /* the nth allocation from now on fails; 0: none fails */

static int fails(void)
{
    return fail_at > 0 && --fail_at == 0;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);
void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}
void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}
void *__wrap_realloc(void *p, size_t size)
{
    return fails() ? NULL : __real_realloc(p, size);
}
char *__wrap_strdup(const char *s)
{
    return fails() ? NULL : __real_strdup(s);
}
char *__wrap_strndup(const char *s, size_t n)
{
    return fails() ? NULL : __real_strndup(s, n);
}

#endif
