#include "target/uv_layout.h"

#include <gtest/gtest.h>
#include <uv.h>

#include <cstddef>

namespace loopscope::uv_layout {
namespace {

TEST(UvLayout, AgreesWithTheInstalledHeader) {
  EXPECT_EQ(kLoopHandleQueue, offsetof(uv_loop_t, handle_queue));
  EXPECT_EQ(kLoopInternalFields, offsetof(uv_loop_t, internal_fields));
  EXPECT_EQ(kLoopBackendFd, offsetof(uv_loop_t, backend_fd));
  EXPECT_EQ(kLoopPendingQueue, offsetof(uv_loop_t, pending_queue));
  EXPECT_EQ(kLoopWatcherQueue, offsetof(uv_loop_t, watcher_queue));
  EXPECT_EQ(kLoopPrepareHandles, offsetof(uv_loop_t, prepare_handles));
  EXPECT_EQ(kLoopCheckHandles, offsetof(uv_loop_t, check_handles));
  EXPECT_EQ(kLoopIdleHandles, offsetof(uv_loop_t, idle_handles));
  EXPECT_EQ(kLoopTimerHeap, offsetof(uv_loop_t, timer_heap));
  EXPECT_EQ(kLoopTime, offsetof(uv_loop_t, time));
  EXPECT_EQ(kHandleType, offsetof(uv_handle_t, type));
  EXPECT_EQ(kHandleQueue, offsetof(uv_handle_t, handle_queue));
  EXPECT_EQ(kTimerHeapNode, offsetof(uv_timer_t, heap_node));
  EXPECT_EQ(kTimerTimeout, offsetof(uv_timer_t, timeout));
  EXPECT_EQ(kLoopActiveHandles, offsetof(uv_loop_t, active_handles));
  EXPECT_EQ(kLoopActiveRequests, offsetof(uv_loop_t, active_reqs));
  EXPECT_EQ(kLoopClosingHandles, offsetof(uv_loop_t, closing_handles));
  EXPECT_EQ(kHandleFlags, offsetof(uv_handle_t, flags));
  EXPECT_EQ(kHandleTypeCheck, UV_CHECK);
  EXPECT_EQ(kHandleTypeTimer, UV_TIMER);
}

}  // namespace
}  // namespace loopscope::uv_layout
