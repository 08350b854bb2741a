#pragma once

#include <cstdint>

/// Where libuv keeps what we read, in bytes. libuv 1.x keeps its ABI, so these hold
/// for every 1.x on 64-bit Linux; tests/unit/target/uv_layout_test.cc compares them
/// with the installed uv.h. The internal fields are libuv's private struct
/// (uv__loop_internal_fields_t, src/uv-common.h); `loop_count` exists since 1.45.
namespace loopscope::uv_layout {

inline constexpr std::uint64_t kLoopActiveHandles = 8;
inline constexpr std::uint64_t kLoopHandleQueue = 16;
inline constexpr std::uint64_t kLoopActiveRequests = 32;
inline constexpr std::uint64_t kLoopInternalFields = 40;
inline constexpr std::uint64_t kLoopBackendFd = 64;
inline constexpr std::uint64_t kLoopPendingQueue = 72;
inline constexpr std::uint64_t kLoopWatcherQueue = 88;
inline constexpr std::uint64_t kLoopClosingHandles = 360;
inline constexpr std::uint64_t kLoopPrepareHandles = 384;
inline constexpr std::uint64_t kLoopCheckHandles = 400;
inline constexpr std::uint64_t kLoopIdleHandles = 416;
inline constexpr std::uint64_t kLoopTimerHeap = 520;
inline constexpr std::uint64_t kLoopTime = 544;

inline constexpr std::uint64_t kHandleType = 16;
inline constexpr std::uint64_t kHandleQueue = 32;
inline constexpr std::uint64_t kHandleFlags = 88;

inline constexpr std::uint64_t kTimerHeapNode = 104;
inline constexpr std::uint64_t kTimerTimeout = 128;

inline constexpr std::uint64_t kInternalLoopCount = 8;
inline constexpr unsigned kVersionWithLoopCount = (1u << 16) | (45u << 8);

inline constexpr int kHandleTypeCheck = 2;
inline constexpr int kHandleTypeTimer = 13;

// Of uv_handle_t::flags (src/uv-common.h, unchanged since 1.24).
inline constexpr std::uint32_t kHandleClosing = 1;
inline constexpr std::uint32_t kHandleActive = 4;

}  // namespace loopscope::uv_layout
