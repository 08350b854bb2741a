/* A thread that shows whoever reads it from outside a crafted stack and heap, and takes it
 * all back afterwards: attack() overwrites the frames of its callers (and the words of the
 * isolate that point to them), spins, and restores every byte before it returns.
 *
 * The crafted heap is a random graph of objects whose types are right often enough to be
 * followed: functions that are their own SharedFunctionInfo, cyclic strings, lengths of a
 * gigabyte, tables that point into nothing. x86-64 only; compiled with _GNU_SOURCE. */
#ifndef HOSTILE_H
#define HOSTILE_H

#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

enum {
  kHeapBytes = 1 << 20,
  kObjectBytes = 256,
  kObjects = kHeapBytes / kObjectBytes,
  kMaps = 64, /* the first objects are the maps of the others */
  kMaxStackBytes = 1 << 20,
  kSparingBytes = 1024,
  kIsolateBytes = 1 << 17,
};

static const char* const kModes[] = {"random", "graph",    "frames",    "isolate",
                                     "unmap",  "weird_sp", "crafted_sp"};
enum { kModeCount = sizeof kModes / sizeof kModes[0] };

static uint64_t random_state = 88172645463325252u;
static uint64_t next_random(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state;
}

static double ticks_per_ms;
static uint64_t ns_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
static void calibrate(void) {
  const uint64_t begin = ns_now(), ticks = __rdtsc();
  while (ns_now() - begin < 5000000) {
  }
  ticks_per_ms = (double)(__rdtsc() - ticks) * 1e6 / (double)(ns_now() - begin);
}

/* spin(sp, fp, -, -, end, r13): loops with these registers until the time-stamp counter has
 * reached `end`. Nothing touches the stack meanwhile, so sp may be anything. */
typedef void (*Spin)(uint64_t sp, uint64_t fp, uint64_t, uint64_t, uint64_t end, uint64_t r13);
void hostile_spin(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
extern char hostile_spin_end[];
__asm__(
    ".text\n.globl hostile_spin\n.globl hostile_spin_end\n.type hostile_spin, @function\n"
    "hostile_spin:\n"
    "  mov %rsp, %r10\n  mov %rbp, %r11\n  mov %r13, %rcx\n"
    "  mov %rdi, %rsp\n  mov %rsi, %rbp\n  mov %r9, %r13\n"
    "1: rdtsc\n  shl $32, %rdx\n  or %rdx, %rax\n  cmp %r8, %rax\n  jb 1b\n"
    "  mov %r10, %rsp\n  mov %r11, %rbp\n  mov %rcx, %r13\n  ret\n"
    "hostile_spin_end:\n.size hostile_spin, . - hostile_spin\n");

static char* heap;      /* crafted objects */
static char* code;      /* the spin once more, in anonymous executable memory */
static char* forbidden; /* two pages, neither readable */
static uint64_t code_words[256];
static size_t code_word_count;

static uint64_t object(size_t i) { return (uint64_t)(heap + i * kObjectBytes) | 1; }
static uint64_t any_object(void) { return object(kMaps + next_random() % (kObjects - kMaps)); }

static uint64_t any_word(void) {
  switch (next_random() % 8) {
    case 0:
      return next_random();
    case 1: /* a small integer */
      return (next_random() % 200) << 32;
    case 2: /* a huge or negative one */
      return (next_random() & 1 ? 0x7fffffffu : 0x80000001u) * 0x100000000u;
    case 3: /* a pointer off its object's start */
      return any_object() + next_random() % 64;
    case 4:
      return (uint64_t)forbidden + (next_random() & 0xfff);
    default:
      return any_object();
  }
}

/* Instance types that a reader may look for: the image's own, and all of strings. */
static uint16_t any_type(void) {
  static const char* const kTypes[] = {
      "v8dbg_FirstJSFunctionType",
      "v8dbg_type_JSFunction__JS_FUNCTION_TYPE",
      "v8dbg_type_SharedFunctionInfo__SHARED_FUNCTION_INFO_TYPE",
      "v8dbg_type_Script__SCRIPT_TYPE",
      "v8dbg_type_ScopeInfo__SCOPE_INFO_TYPE",
      "v8dbg_type_BytecodeArray__BYTECODE_ARRAY_TYPE",
      "v8dbg_type_Code__CODE_TYPE",
      "v8dbg_type_FixedArray__FIXED_ARRAY_TYPE",
      "v8dbg_type_ConsString__CONS_STRING_TYPE",
      "v8dbg_type_UncompiledData__UNCOMPILED_DATA_TYPE",
  };
  const size_t known = sizeof kTypes / sizeof kTypes[0];
  const uint64_t choice = next_random() % (known + 6);
  if (choice >= known) return (uint16_t)(next_random() % 128); /* strings */
  const int* type = dlsym(RTLD_DEFAULT, kTypes[choice]);
  return (uint16_t)(type ? *type : (int)next_random());
}

static void craft_heap(void) {
  for (size_t i = 0; i < kObjects; i++) {
    uint64_t* words = (uint64_t*)(heap + i * kObjectBytes);
    for (size_t w = 1; w < kObjectBytes / 8; w++) words[w] = any_word();
    words[0] = object(next_random() % kMaps);
    if (i < kMaps) {
      ((uint16_t*)words)[6] = any_type();
    } else {
      switch (next_random() % 4) {
        case 0: /* everything it has is itself */
          for (size_t w = 1; w < kObjectBytes / 8; w++) words[w] = object(i);
          break;
        case 1: /* a length of a gigabyte where strings have theirs */
          ((uint32_t*)words)[3] = 0x40000000;
          break;
        case 2: /* external: its characters stand in no memory */
          ((uint32_t*)words)[3] = 0x00ffffff;
          words[3] = (uint64_t)forbidden;
          break;
        default:
          break;
      }
    }
  }
}

/* Addresses of executable memory that the callers' frames return to. */
static void learn_code(const uint64_t* low, const uint64_t* high) {
  static uint64_t ranges[512][2];
  size_t count = 0;
  char line[512], permissions[8];
  FILE* maps = fopen("/proc/self/maps", "r");
  while (maps && count < 512 && fgets(line, sizeof line, maps)) {
    if (sscanf(line, "%lx-%lx %7s", &ranges[count][0], &ranges[count][1], permissions) == 3 &&
        permissions[2] == 'x') {
      count++;
    }
  }
  if (maps) fclose(maps);
  code_word_count = 0;
  code_words[code_word_count++] = (uint64_t)code + 20;
  for (const uint64_t* word = low; word < high && code_word_count < 256; word++) {
    for (size_t i = 0; i < count; i++) {
      if (*word > ranges[i][0] && *word < ranges[i][1]) {
        code_words[code_word_count++] = *word;
        break;
      }
    }
  }
}

static void prepare_attacks(void) {
  calibrate();
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
  heap = mmap(NULL, kHeapBytes, PROT_READ | PROT_WRITE, flags, -1, 0);
  code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, flags, -1, 0);
  forbidden = mmap(NULL, 8192, PROT_NONE, flags, -1, 0);
  if (heap == MAP_FAILED || code == MAP_FAILED || forbidden == MAP_FAILED) abort();
  memcpy(code, (const void*)hostile_spin, (size_t)(hostile_spin_end - (char*)hostile_spin));
}

/* Frames that follow each other, with what V8's have below them. */
static void craft_frames(uint64_t* words, size_t count) {
  for (size_t i = 0; i < count; i++) words[i] = any_word();
  const size_t step = 8 + next_random() % 12;
  for (size_t at = 8; at + step + 1 < count; at += step) {
    uint64_t next = (uint64_t)&words[at + step];
    if (next_random() % 64 == 0) next = (uint64_t)&words[8 + next_random() % (count - 8)];
    if (next_random() % 256 == 0) next = (uint64_t)&words[at]; /* its own caller */
    words[at] = next;
    words[at + 1] = code_words[next_random() % code_word_count];
    words[at - 1] = next_random() % 3 ? any_object() : (next_random() % 40) << 1;
    words[at - 2] = any_object();
    words[at - 4] = any_object();
    words[at - 5] = (next_random() % 400) << 32;
  }
}

static volatile int unmapping;
static void* unmap_and_map(void* copy) {
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  const struct timespec pause = {0, 100000};
  for (unsigned turn = 0; unmapping; turn++) {
    char* half = heap + (turn & 1 ? kHeapBytes / 2 : 0);
    /* A mapping of its own at once: nobody else can get the addresses. */
    mmap(half, kHeapBytes / 2, turn & 2 ? PROT_NONE : PROT_READ, flags, -1, 0);
    nanosleep(&pause, NULL);
    mmap(heap, kHeapBytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    memcpy(heap, copy, kHeapBytes);
    nanosleep(&pause, NULL);
  }
  return NULL;
}

static uint64_t weird_sp(uint64_t attack) {
  const uint64_t kSps[] = {0,
                           8,
                           ~(uint64_t)7,
                           (uint64_t)1 << 47,
                           ((uint64_t)1 << 47) - 8,
                           (uint64_t)forbidden + 64,
                           (uint64_t)heap + kHeapBytes - 8,
                           (uint64_t)heap + 3,
                           (uint64_t)code,
                           0xffffffffff600000u};
  return kSps[attack % (sizeof kSps / sizeof kSps[0])];
}

/* Shows crafted memory for `milliseconds`. `isolate` may be null. Returns 0 if mode is unknown. */
static __attribute__((noinline)) int attack(const char* mode_name, unsigned milliseconds,
                                            uint64_t* isolate) {
  static uint64_t attacks;
  static uint64_t saved[kMaxStackBytes / 8];
  static uint64_t* isolate_words[64];
  static uint64_t isolate_saved[64];
  static char copy[kHeapBytes];
  int mode = 0;
  while (mode < kModeCount && strcmp(kModes[mode], mode_name) != 0) mode++;
  if (mode == kModeCount) return 0;
  attacks++;

  pthread_attr_t attributes;
  void* stack_base = NULL;
  size_t stack_size = 0;
  pthread_getattr_np(pthread_self(), &attributes);
  pthread_attr_getstack(&attributes, &stack_base, &stack_size);
  pthread_attr_destroy(&attributes);
  /* What stands above this function's own frame belongs to its callers, who sleep. */
  uint64_t* const low = (uint64_t*)__builtin_frame_address(0) + 2;
  uint64_t* high = (uint64_t*)((char*)stack_base + stack_size);
  /* Every other pair spares libuv's frames, or no look would take this for a stall. */
  const int most = attacks & 2 ? kSparingBytes : kMaxStackBytes;
  if ((char*)high - (char*)low > most) high = low + most / 8;
  const size_t count = (size_t)(high - low);

  learn_code(low, high);
  craft_heap();
  memcpy(copy, heap, kHeapBytes);
  memcpy(saved, low, count * 8);
  size_t in_isolate = 0;
  if (isolate && mode >= 3) {
    for (uint64_t* word = isolate; word < isolate + kIsolateBytes / 8 && in_isolate < 64; word++) {
      if (*word > (uint64_t)low && *word < (uint64_t)high) {
        isolate_words[in_isolate] = word;
        isolate_saved[in_isolate++] = *word;
      }
    }
  }

  const uint64_t end = __rdtsc() + (uint64_t)(ticks_per_ms * milliseconds);
  uint64_t sp = (uint64_t)__builtin_frame_address(0) - 1024;
  uint64_t fp = (uint64_t)(low + 8);
  pthread_t unmapper;
  if (mode == 0) {
    for (size_t i = 0; i < count; i++) low[i] = next_random();
  } else if (mode == 1) {
    for (size_t i = 0; i < count; i++) low[i] = any_word();
  } else {
    craft_frames(low, count);
  }
  for (size_t i = 0; i < in_isolate; i++) {
    *isolate_words[i] = (uint64_t)(low + 8 + next_random() % (count / 2));
  }
  if (mode == 4) {
    unmapping = 1;
    if (pthread_create(&unmapper, NULL, unmap_and_map, copy) != 0) abort();
  }
  if (mode == 5) sp = weird_sp(attacks);
  if (mode == 6) {
    craft_frames((uint64_t*)heap, kHeapBytes / 8);
    sp = (uint64_t)heap;
    fp = sp + 64;
  }
  const Spin spin = attacks & 1 ? (Spin)(uintptr_t)code : hostile_spin;
  spin(sp, fp, 0, 0, end, next_random() & 1 ? (uint64_t)heap : any_word());
  if (mode == 4) {
    unmapping = 0;
    pthread_join(unmapper, NULL);
  }

  for (size_t i = 0; i < in_isolate; i++) *isolate_words[i] = isolate_saved[i];
  memcpy(low, saved, count * 8);
  return 1;
}

#endif
