/* Wakes up every PERIOD_US and does nothing else: what wake-ups alone cost a neighbour. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char** argv) {
  struct timespec at;
  if (argc != 2) return 2;
  const long period_ns = atol(argv[1]) * 1000;
  puts("ready");
  fflush(stdout);
  clock_gettime(CLOCK_MONOTONIC, &at);
  for (;;) {
    at.tv_nsec += period_ns;
    at.tv_sec += at.tv_nsec / 1000000000;
    at.tv_nsec %= 1000000000;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
  }
}
