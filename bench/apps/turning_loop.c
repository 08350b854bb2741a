/* A libuv loop that turns over: every PERIOD_MS it burns BURN_US of CPU. PERIOD_MS 0: idle.
 *
 *   turning_loop PERIOD_MS BURN_US */
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

static uint64_t burn_ns;

static void on_timer(uv_timer_t* timer) {
  (void)timer;
  const uint64_t end = uv_hrtime() + burn_ns;
  while (uv_hrtime() < end) {
  }
}

int main(int argc, char** argv) {
  uv_timer_t timer;
  uv_tcp_t server;
  struct sockaddr_in address;
  if (argc != 3) return 2;
  const uint64_t period_ms = strtoull(argv[1], NULL, 10);
  burn_ns = strtoull(argv[2], NULL, 10) * 1000;
  uv_loop_t* loop = uv_default_loop();
  if (uv_tcp_init(loop, &server) != 0) return 1;
  uv_ip4_addr("127.0.0.1", 0, &address);
  if (uv_tcp_bind(&server, (const struct sockaddr*)&address, 0) != 0) return 1;
  if (uv_listen((uv_stream_t*)&server, 16, NULL) != 0) return 1;
  uv_timer_init(loop, &timer);
  if (period_ms > 0) uv_timer_start(&timer, on_timer, period_ms, period_ms);
  puts("ready");
  fflush(stdout);
  return uv_run(loop, UV_RUN_DEFAULT);
}
