/* A pool whose threads hand polling to each other, as Go, tokio and Boost.Asio do: one waits
 * in epoll, the others sleep in a futex. Every TICK milliseconds an event wakes the poller;
 * after TURNS of them in a row it lets another thread poll and sleeps. No thread of it is an
 * event loop and none is ever blocked. usage: handing_pool TICK TURNS */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { kThreads = 3 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t handed_over = PTHREAD_COND_INITIALIZER;
static int poller = 0;
static int epoll_fd, timer_fd;
static int turns_in_a_row;

static void *work(void *argument) {
  const int self = (int)(intptr_t)argument;
  for (;;) {
    pthread_mutex_lock(&mutex);
    while (poller != self) pthread_cond_wait(&handed_over, &mutex);
    pthread_mutex_unlock(&mutex);
    for (int turn = 0; turn < turns_in_a_row; ++turn) {
      struct epoll_event event;
      uint64_t expirations;
      if (epoll_wait(epoll_fd, &event, 1, -1) == 1 &&
          read(timer_fd, &expirations, sizeof expirations) < 0) {
        perror("read");
      }
    }
    pthread_mutex_lock(&mutex);
    poller = (self + 1) % kThreads;
    pthread_cond_broadcast(&handed_over);
    pthread_mutex_unlock(&mutex);
  }
  return NULL;
}

int main(int count, char **arguments) {
  if (count != 3) return 2;
  const long tick_ms = atol(arguments[1]);
  turns_in_a_row = atoi(arguments[2]);

  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 8)) return 1;

  epoll_fd = epoll_create1(0);
  timer_fd = timerfd_create(CLOCK_MONOTONIC, 0);
  const struct timespec tick = {tick_ms / 1000, tick_ms % 1000 * 1000000};
  const struct itimerspec times = {tick, tick};
  timerfd_settime(timer_fd, 0, &times, NULL);
  struct epoll_event event = {.events = EPOLLIN};
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, timer_fd, &event);

  pthread_t threads[kThreads];
  for (intptr_t i = 0; i < kThreads; ++i) pthread_create(&threads[i], NULL, work, (void *)i);
  puts("ready");
  fflush(stdout);
  pthread_join(threads[0], NULL);
  return 0;
}
