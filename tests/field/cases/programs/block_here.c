/* The same on libuv, in C. */
#include <stdio.h>
#include <uv.h>

volatile unsigned sink;

__attribute__((noinline)) void block_here(uint64_t milliseconds) {
  uint64_t end = uv_hrtime() + milliseconds * 1000000;
  while (uv_hrtime() < end) {
    for (int i = 0; i < 100000; i++) sink = sink * 31 + i;
  }
}

static void due(uv_timer_t* timer) {
  (void)timer;
  block_here(400);
}

int main(void) {
  uv_timer_t timer;
  uv_timer_init(uv_default_loop(), &timer);
  uv_timer_start(&timer, due, 1200, 1200);
  puts("ready");
  fflush(stdout);
  return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
