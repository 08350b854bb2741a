/* Threads with a loop of their own that end in the middle of a stall, somewhere around the
 * time at which their stack is taken; each goes with its stack's mapping. dying_threads COUNT
 * keeps eight at a time, says "done" after COUNT and waits for the end of its input. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <uv.h>

enum { kAtATime = 8, kStackBytes = 1 << 20 };

static long ms_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void block_and_end(uv_timer_t* timer) {
  const long end = ms_now() + 50 + (long)(size_t)timer->data % 16;
  while (ms_now() < end) {
  }
  pthread_exit(NULL); /* out of uv_run: the loop is never closed, only forgotten */
}

static void* run_loop(void* number) {
  uv_loop_t* loop = malloc(sizeof *loop);
  uv_timer_t* timer = malloc(sizeof *timer);
  if (!loop || !timer) abort();
  uv_loop_init(loop);
  uv_timer_init(loop, timer);
  timer->data = number;
  /* Long enough that the loop is found; staggered, so that few block at a time. */
  uv_timer_start(timer, block_and_end, 2500 + (size_t)number % kAtATime * 120, 0);
  uv_run(loop, UV_RUN_DEFAULT);
  return NULL;
}

static int wanted, started;
static pthread_t threads[kAtATime];

static void start_threads(uv_timer_t* timer) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  for (int i = 0; i < kAtATime; i++) {
    if (started > 0) pthread_join(threads[i], NULL);
  }
  if (started >= wanted) {
    uv_timer_stop(timer);
    puts("done");
    fflush(stdout);
    return;
  }
  for (int i = 0; i < kAtATime; i++) {
    pthread_create(&threads[i], &attributes, run_loop, (void*)(size_t)started++);
  }
  pthread_attr_destroy(&attributes);
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

int main(int count, char** arguments) {
  if (count != 2) return 2;
  wanted = atoi(arguments[1]);
  uv_timer_t timer;
  uv_pipe_t input;
  uv_timer_init(uv_default_loop(), &timer);
  uv_timer_start(&timer, start_threads, 100, 4000);
  uv_pipe_init(uv_default_loop(), &input, 0);
  uv_pipe_open(&input, 0);
  uv_read_start((uv_stream_t*)&input, allocate, on_input);
  puts("ready");
  fflush(stdout);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  return 0;
}
