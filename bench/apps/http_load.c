/* A keep-alive HTTP load on loopback that costs little beside the server it drives.
 *
 *   http_load PORT CONNECTIONS COUNTER_FILE
 *
 * Keeps one GET / in flight on each connection until it is ended by a signal. The number
 * of answers so far is the first 8 bytes of COUNTER_FILE, which is mapped by whoever
 * wants to read it. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { kMaxConnections = 1024, kBufferSize = 16384 };

struct connection {
  int fd;
  size_t used;
  char buffer[kBufferSize];
};

static const char kRequest[] = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n";

static void fail(const char* what) {
  perror(what);
  exit(1);
}

static volatile uint64_t* map_counter(const char* path) {
  const int fd = open(path, O_RDWR | O_CREAT, 0600);
  if (fd < 0 || ftruncate(fd, sizeof(uint64_t)) != 0) fail(path);
  void* memory = mmap(NULL, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) fail("mmap");
  close(fd);
  return memory;
}

static int open_connection(uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || connect(fd, (struct sockaddr*)&address, sizeof address) != 0) fail("connect");
  if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) fail("TCP_NODELAY");
  return fd;
}

static void send_request(int fd) {
  /* One small request on an idle connection always fits the socket's buffer. */
  if (write(fd, kRequest, sizeof kRequest - 1) != (ssize_t)(sizeof kRequest - 1)) fail("write");
}

/* Length of the complete answer at the start of the buffer; 0 while it is incomplete. */
static size_t answer_length(struct connection* c) {
  c->buffer[c->used] = '\0';
  const char* end = strstr(c->buffer, "\r\n\r\n");
  if (end == NULL) return 0;
  const char* field = strcasestr(c->buffer, "\r\ncontent-length:");
  if (field == NULL || field > end) {
    fputs("http_load: an answer without Content-Length\n", stderr);
    exit(1);
  }
  const size_t length = (size_t)(end + 4 - c->buffer) + strtoul(field + 17, NULL, 10);
  return length <= c->used ? length : 0;
}

static int on_readable(struct connection* c) {
  const ssize_t got = read(c->fd, c->buffer + c->used, kBufferSize - 1 - c->used);
  if (got < 0 && errno == EINTR) return 0;
  if (got <= 0) fail("read");
  c->used += (size_t)got;
  if (answer_length(c) == 0) return 0;
  c->used = 0;
  send_request(c->fd);
  return 1;
}

int main(int argc, char** argv) {
  static struct connection connections[kMaxConnections];
  if (argc != 4) {
    fputs("usage: http_load PORT CONNECTIONS COUNTER_FILE\n", stderr);
    return 2;
  }
  const uint16_t port = (uint16_t)atoi(argv[1]);
  const int count = atoi(argv[2]);
  if (count < 1 || count > kMaxConnections) return 2;
  volatile uint64_t* answers = map_counter(argv[3]);
  const int poll = epoll_create1(0);
  if (poll < 0) fail("epoll_create1");
  for (int i = 0; i < count; i++) {
    connections[i].fd = open_connection(port);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &connections[i]};
    if (epoll_ctl(poll, EPOLL_CTL_ADD, connections[i].fd, &event) != 0) fail("epoll_ctl");
    send_request(connections[i].fd);
  }
  for (;;) {
    struct epoll_event events[64];
    const int ready = epoll_wait(poll, events, 64, -1);
    if (ready < 0 && errno != EINTR) fail("epoll_wait");
    for (int i = 0; i < ready; i++) {
      if (on_readable(events[i].data.ptr)) *answers = *answers + 1;
    }
  }
}
