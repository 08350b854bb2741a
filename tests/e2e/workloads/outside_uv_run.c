/* A program that leaves uv_run() between turns and works outside, as editors do: COUNT times
 * BLOCK milliseconds in redraw(), every second. Prints each with its true length. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <uv.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int due;
static void tick(uv_timer_t *timer) {
  (void)timer;
  due = 1;
}

__attribute__((noinline)) double redraw(double seconds) {
  const double end = now() + seconds;
  double x = 1;
  while (now() < end) {
    for (int i = 0; i < 10000; i++) x = x * 1.0000001 + i;
  }
  return x;
}

int main(int count, char **arguments) {
  if (count != 3) return 2;
  uv_loop_t *loop = uv_default_loop();
  uv_timer_t timer;
  uv_timer_init(loop, &timer);
  uv_timer_start(&timer, tick, 4000, 1000);
  puts("ready");
  fflush(stdout);
  double x = 0;
  for (int left = atoi(arguments[1]); left > 0;) {
    uv_run(loop, UV_RUN_ONCE);
    if (!due) continue;
    due = 0;
    left--;
    const double begin = now();
    x += redraw(atof(arguments[2]) / 1000);
    printf("block %.4f\n", now() - begin);
    fflush(stdout);
  }
  puts("done");
  fflush(stdout);
  uv_run(loop, UV_RUN_DEFAULT);
  return x > 0 ? 0 : 1;
}
