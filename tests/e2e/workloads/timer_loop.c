/* A libuv program that serves nobody: a timer, and no socket. */
#include <stdio.h>
#include <uv.h>

static void tick(uv_timer_t* timer) { (void)timer; }

int main(void) {
  uv_timer_t timer;
  if (uv_timer_init(uv_default_loop(), &timer) != 0) return 1;
  if (uv_timer_start(&timer, tick, 50, 50) != 0) return 1;
  puts("ready");
  fflush(stdout);
  return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
