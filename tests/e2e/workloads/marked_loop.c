/* Waits in epoll, exports a function of libuv's name as Bun does for add-ons, and has a
 * section named SECTION, by which runtimes are told. Build with -rdynamic. */
#include <stdio.h>
#include <sys/epoll.h>

__asm__(".pushsection \"" SECTION "\",\"a\"\n.quad 1\n.popsection");

int uv_run(void *loop, int mode) { return loop == NULL ? mode : 0; }

int main(void) {
  const int epoll_fd = epoll_create1(0);
  struct epoll_event event;
  puts("ready");
  fflush(stdout);
  epoll_wait(epoll_fd, &event, 1, -1);
  return 0;
}
