/* Looks like Node from outside: exports uv_run and V8's debugging symbols (from a header that
 * the test writes) and says a version; in it is nothing but libuv and hostile memory.
 *
 * Attacks itself for ever, each mode in turn: fake_node MS. Ends at the end of its input. */
#include <uv.h>

#include "hostile.h"
#include "v8_symbols.h"

/* The build's mark by which a version is found. */
__attribute__((used)) static const char version_mark[] = "node.js/v" FAKE_VERSION;

/* The thread-local pointer to the isolate, as V8 names it. */
__thread void* fake_isolate __asm__("_ZN2v88internal18g_current_isolate_E");

static unsigned milliseconds;

static void on_timer(uv_timer_t* timer) {
  static unsigned turn;
  volatile char room[4096]; /* between libuv's frames and what a sparing attack reaches */
  room[0] = 0;
  (void)timer;
  fake_isolate = turn % 3 ? (void*)heap : (void*)(uintptr_t)next_random();
  attack(kModes[turn++ % kModeCount], milliseconds, NULL);
  if (turn % kModeCount == 0) {
    printf("round %u\n", turn / kModeCount);
    fflush(stdout);
  }
}

static void on_input(uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) {
  (void)buffer;
  if (size < 0) uv_stop(stream->loop);
}

static void on_check(uv_check_t* check) { (void)check; }

static void allocate(uv_handle_t* handle, size_t size, uv_buf_t* buffer) {
  static char bytes[64];
  (void)handle;
  (void)size;
  *buffer = uv_buf_init(bytes, sizeof bytes);
}

int main(int count, char** arguments) {
  if (count != 2) return 2;
  milliseconds = (unsigned)atoi(arguments[1]);
  prepare_attacks();
  uv_timer_t timer;
  uv_pipe_t input;
  uv_timer_init(uv_default_loop(), &timer);
  uv_timer_start(&timer, on_timer, 1500, 20);
  uv_pipe_init(uv_default_loop(), &input, 0);
  uv_pipe_open(&input, 0);
  uv_read_start((uv_stream_t*)&input, allocate, on_input);
  /* Every loop of Node has one (Environment::CheckImmediate). */
  uv_check_t check;
  uv_check_init(uv_default_loop(), &check);
  uv_check_start(&check, on_check);
  uv_unref((uv_handle_t*)&check);
  puts("ready");
  fflush(stdout);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  return version_mark[0] == 'n' ? 0 : 1;
}
