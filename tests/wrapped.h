/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names of functions of the C library that tests replace by the linker's --wrap. Where off_t has 64 bits and a
 * pointer has 32, open() is a call of open64(), and likewise others. --wrap is given both names (*.mk), and these
 * labels say which of them the test's function has. This file replaces nothing itself.
 */
#ifndef PVSCSI_TESTS_WRAPPED_H
#define PVSCSI_TESTS_WRAPPED_H

/* After the declaration of a __wrap_ or __real_ function; name64: a string, the function's name with 64-bit offsets. */
#ifdef __LP64__
#define WRAP(name64)
#define REAL(name64)
#else
#define WRAP(name64) __asm__("__wrap_" name64)
#define REAL(name64) __asm__("__real_" name64)
#endif

#endif
