/* A libuv program that becomes itself again and again in the middle of a stall, somewhere
 * around the time at which its stack is taken: self_exec TURNS. Every image idles a little,
 * so that it is found, then blocks; the last one says so and waits for the end of its input. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

static char** arguments;
static int turns;

static long ms_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void block_and_exec(uv_timer_t* timer) {
  char left[16];
  (void)timer;
  const long end = ms_now() + 50 + turns % 16;
  while (ms_now() < end) {
  }
  snprintf(left, sizeof left, "%d", turns - 1);
  execl("/proc/self/exe", arguments[0], left, (char*)NULL);
  abort();
}

static void on_input(uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) {
  (void)buffer;
  if (size < 0) uv_stop(stream->loop);
}

static void allocate(uv_handle_t* handle, size_t size, uv_buf_t* buffer) {
  static char bytes[64];
  (void)handle;
  (void)size;
  *buffer = uv_buf_init(bytes, sizeof bytes);
}

int main(int count, char** values) {
  if (count != 2) return 2;
  arguments = values;
  turns = atoi(values[1]);
  uv_timer_t timer;
  uv_pipe_t input;
  uv_timer_init(uv_default_loop(), &timer);
  if (turns > 0) uv_timer_start(&timer, block_and_exec, 1200, 0);
  uv_pipe_init(uv_default_loop(), &input, 0);
  uv_pipe_open(&input, 0);
  uv_read_start((uv_stream_t*)&input, allocate, on_input);
  printf(turns > 0 ? "ready %d\n" : "last %d\n", turns);
  fflush(stdout);
  return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
