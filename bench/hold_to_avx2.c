// Holds a program to AVX2, whatever the processor has: LD_PRELOAD=libhold_to_avx2.so python peer.py ...
//
// Libraries that choose their kernels by CPUID, and have no switch for it (ONNX Runtime), are shown a processor without
// AVX-512, AVX-VNNI and AMX. Linux lets a process have its CPUID instructions trapped (arch_prctl(2), ARCH_SET_CPUID);
// the handler answers with what the processor says, less these bits. Threads inherit the trap. x86-64 only; where the
// kernel or the machine cannot do this, the program ends with a message instead of measuring something else.

#define _GNU_SOURCE
#include <cpuid.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum { kSetCpuid = 0x1012, kCpuidLength = 2 };

static unsigned bits(const int* numbers) {
  unsigned result = 0;
  for (; *numbers >= 0; ++numbers) result |= 1u << *numbers;
  return result;
}

// What is taken away of leaf 7, by the numbers of its bits: AVX-512 of every kind, AMX, AVX-VNNI and its relatives.
static const int kLeaf7Ebx[] = {16, 17, 21, 26, 27, 28, 30, 31, -1};
static const int kLeaf7Ecx[] = {1, 6, 11, 12, 14, -1};
static const int kLeaf7Edx[] = {2, 3, 8, 22, 23, 24, 25, -1};
static const int kLeaf7Part1Eax[] = {4, 5, 21, 23, -1};
static const int kLeaf7Part1Edx[] = {4, 5, 8, 10, 19, -1};

static void answer_cpuid(int number, siginfo_t* info, void* context) {
  (void)number;
  (void)info;
  greg_t* registers = ((ucontext_t*)context)->uc_mcontext.gregs;
  const unsigned char* at = (const unsigned char*)registers[REG_RIP];
  if (at[0] != 0x0f || at[1] != 0xa2) {  // no CPUID: a fault of the program's own
    signal(SIGSEGV, SIG_DFL);
    return;
  }
  const unsigned leaf = (unsigned)registers[REG_RAX], part = (unsigned)registers[REG_RCX];
  unsigned eax, ebx, ecx, edx;
  syscall(SYS_arch_prctl, kSetCpuid, 1);
  __cpuid_count(leaf, part, eax, ebx, ecx, edx);
  syscall(SYS_arch_prctl, kSetCpuid, 0);
  if (leaf == 7 && part == 0) {
    ebx &= ~bits(kLeaf7Ebx);
    ecx &= ~bits(kLeaf7Ecx);
    edx &= ~bits(kLeaf7Edx);
  } else if (leaf == 7 && part == 1) {
    eax &= ~bits(kLeaf7Part1Eax);
    edx &= ~bits(kLeaf7Part1Edx);
  }
  registers[REG_RAX] = eax;
  registers[REG_RBX] = ebx;
  registers[REG_RCX] = ecx;
  registers[REG_RDX] = edx;
  registers[REG_RIP] += kCpuidLength;
}

__attribute__((constructor)) static void hold(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = answer_cpuid;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  if (sigaction(SIGSEGV, &action, NULL) != 0 || syscall(SYS_arch_prctl, kSetCpuid, 0) != 0) {
    fputs("hold_to_avx2: this machine cannot trap CPUID\n", stderr);
    exit(3);
  }
}
