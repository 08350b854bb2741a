#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <string_view>
#include <thread>

#include "base/result.h"

// A thread is where an exception of the standard library (no memory, no thread left) would end
// the whole program. These end what the thread was doing at that moment instead.

namespace loopscope {

/// Told of every task that ended in an exception, in the thread it happened in. Must not throw.
using FailureObserver = void (*)(std::string_view task, std::string_view reason);

/// Process-wide; null (as at the start): nobody is told. Failures are counted in any case.
void set_failure_observer(FailureObserver observer);
/// How many tasks of this process have ended in an exception.
std::uint64_t guarded_failures();

namespace guarded_detail {
void failed(std::string_view task, std::string_view reason) noexcept;
}  // namespace guarded_detail

/// Carries out `work`; false: it ended in an exception, which has been counted and told.
template <typename Work>
bool run_guarded(std::string_view task, Work&& work) noexcept {
  try {
    work();
    return true;
  } catch (const std::exception& error) {
    guarded_detail::failed(task, error.what());
  } catch (...) {
    guarded_detail::failed(task, "unknown exception");
  }
  return false;
}

/// Starts a thread that is called `name` (at most 15 characters) where threads are listed, has
/// all signals blocked, since handlers of the program around it must not run in it, and carries
/// out `body` guarded. Error: the system has no thread left.
Result<std::thread> start_thread(const char* name, std::function<void()> body);

}  // namespace loopscope
