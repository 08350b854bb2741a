#include "backlog/attribution.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace loopscope {
namespace {

using Access = ProcessSockets::Access;

DiagSocket listener(std::uint32_t inode, std::uint32_t uid, std::uint16_t port) {
  DiagSocket socket;
  socket.inode = inode;
  socket.uid = uid;
  socket.local.port = port;
  return socket;
}

WatchedProcess readable(int pid, InodeSet inodes) {
  return {pid, {1000, 1}, {Access::kReadable, std::move(inodes), ""}, std::nullopt};
}

WatchedProcess unreadable(int pid, std::uint32_t uid, int parent = 1,
                          std::optional<int> port = std::nullopt) {
  return {pid, {uid, parent}, {Access::kDenied, {}, "denied"}, port};
}

std::vector<std::pair<std::uint32_t, int>> owners(const Attribution& attribution) {
  std::vector<std::pair<std::uint32_t, int>> pairs;
  for (const ListenerOwner& owner : attribution.owners) pairs.emplace_back(owner.inode, owner.pid);
  std::sort(pairs.begin(), pairs.end());
  return pairs;
}

using Pairs = std::vector<std::pair<std::uint32_t, int>>;

const std::vector<DiagSocket> kListeners = {listener(1, 1000, 80), listener(2, 1000, 81),
                                            listener(3, 33, 82), listener(4, 0, 83)};

TEST(Attribution, ReadableProcessesOwnWhatTheyHold) {
  const std::vector<WatchedProcess> processes = {readable(10, {1, 2}), readable(11, {2})};
  const Attribution result = attribute_listeners(kListeners, processes, {});
  EXPECT_EQ(owners(result), (Pairs{{1, 10}, {2, 10}, {2, 11}}));
  EXPECT_TRUE(result.notes.empty());
}

TEST(Attribution, AnUnreadableProcessGetsItsUidsSockets) {
  const std::vector<WatchedProcess> processes = {unreadable(10, 33)};
  const Attribution result = attribute_listeners(kListeners, processes, {});
  EXPECT_EQ(owners(result), (Pairs{{3, 10}}));
  ASSERT_EQ(result.notes.size(), 1U);
  EXPECT_FALSE(result.notes[0].failure);
  EXPECT_NE(result.notes[0].text.find("uid 33"), std::string::npos);
}

TEST(Attribution, SocketsOfReadableProcessesAreNeverGuessed) {
  const std::vector<WatchedProcess> processes = {unreadable(10, 1000), readable(11, {1})};
  EXPECT_EQ(owners(attribute_listeners(kListeners, processes, {})), (Pairs{{1, 11}, {2, 10}}));
  EXPECT_EQ(owners(attribute_listeners(kListeners, processes, {2})), (Pairs{{1, 11}}));
}

TEST(Attribution, ThePortDecidesWhereItIsKnown) {
  const std::vector<WatchedProcess> processes = {unreadable(10, 1000, 1, 81),
                                                 unreadable(11, 1000, 1, 80)};
  EXPECT_EQ(owners(attribute_listeners(kListeners, processes, {})), (Pairs{{1, 11}, {2, 10}}));
}

TEST(Attribution, ThePortCountsForAProcessThatChangedItsUid) {
  const std::vector<WatchedProcess> processes = {unreadable(10, 1000, 1, 83)};
  EXPECT_EQ(owners(attribute_listeners(kListeners, processes, {})), (Pairs{{4, 10}}));
}

TEST(Attribution, StrangersOfOneUidAreNotGuessed) {
  const std::vector<WatchedProcess> processes = {unreadable(10, 1000), unreadable(11, 1000)};
  const Attribution result = attribute_listeners(kListeners, processes, {});
  EXPECT_TRUE(result.owners.empty());
  ASSERT_EQ(result.notes.size(), 2U);
  EXPECT_TRUE(result.notes[0].failure);
  EXPECT_NE(result.notes[0].text.find("--port"), std::string::npos);
}

TEST(Attribution, AClusterIsCreditedToItsRoot) {
  const std::vector<WatchedProcess> processes = {unreadable(10, 1000), unreadable(11, 1000, 10),
                                                 unreadable(12, 1000, 11)};
  const Attribution result = attribute_listeners(kListeners, processes, {});
  EXPECT_EQ(owners(result), (Pairs{{1, 10}, {2, 10}}));
  for (const BacklogNote& note : result.notes) EXPECT_FALSE(note.failure) << note.text;
}

WatchedProcess child_of(int parent, int pid, InodeSet inodes) {
  WatchedProcess process = readable(pid, std::move(inodes));
  process.owner.parent = parent;
  return process;
}

Pairs credited(const Attribution& attribution) {
  Pairs pairs;
  for (const ListenerOwner& owner : attribution.owners) {
    if (owner.is_credited) pairs.emplace_back(owner.inode, owner.pid);
  }
  std::sort(pairs.begin(), pairs.end());
  return pairs;
}

TEST(Attribution, ASharedSocketIsCreditedToOneWorker) {
  // A cluster's parent keeps the socket of its workers open; it has one of its own, too.
  const std::vector<WatchedProcess> processes = {readable(10, {1, 2}), child_of(10, 12, {1}),
                                                 child_of(10, 11, {1})};
  const Attribution result = attribute_listeners(kListeners, processes, {});
  EXPECT_EQ(owners(result), (Pairs{{1, 10}, {1, 11}, {1, 12}, {2, 10}}));
  EXPECT_EQ(credited(result), (Pairs{{1, 11}, {2, 10}}));
}

TEST(Attribution, ASharedSocketOfStrangersIsCreditedToTheFirst) {
  const std::vector<WatchedProcess> processes = {readable(30, {1}), readable(20, {1})};
  EXPECT_EQ(credited(attribute_listeners(kListeners, processes, {})), (Pairs{{1, 20}}));
}

TEST(Attribution, UnreadableProcessesOfOnePortShareItsSocket) {
  const std::vector<WatchedProcess> processes = {unreadable(10, 1000, 1, 81),
                                                 unreadable(11, 1000, 10, 81)};
  EXPECT_EQ(credited(attribute_listeners(kListeners, processes, {})), (Pairs{{2, 11}}));
}

TEST(Attribution, ParentsInARingDoNotHang) {
  const std::vector<WatchedProcess> processes = {unreadable(10, 1000, 11), unreadable(11, 1000, 10),
                                                 unreadable(12, 1000, 12)};
  EXPECT_TRUE(attribute_listeners(kListeners, processes, {}).owners.empty());
}

}  // namespace
}  // namespace loopscope
