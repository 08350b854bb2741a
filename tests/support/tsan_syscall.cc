#include <dlfcn.h>
#include <sys/syscall.h>

#include <cstdarg>

// libuv (1.x) closes descriptors by syscall(SYS_close, ...), which ThreadSanitizer does not
// see: the next file of the same number, opened by another thread, then looks like a race
// with the old one. Linked before libc, this syscall() tells it.

extern "C" void __sanitizer_syscall_pre_impl_close(long descriptor);

extern "C" long syscall(long number, ...) {
  using Syscall = long (*)(long, ...);
  static const auto next = reinterpret_cast<Syscall>(::dlsym(RTLD_NEXT, "syscall"));
  long arguments[6];
  std::va_list list;
  va_start(list, number);
  for (long& argument : arguments) argument = va_arg(list, long);
  va_end(list);
  if (number == SYS_close) __sanitizer_syscall_pre_impl_close(arguments[0]);
  return next(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
              arguments[5]);
}
