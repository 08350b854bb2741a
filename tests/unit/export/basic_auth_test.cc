#include "export/basic_auth.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include "support/fake_clock.h"

namespace loopscope {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Verdict = Admission::Verdict;

constexpr char kAlice[] = "Basic YWxpY2U6cmlnaHQ=";       // alice:right
constexpr char kAliceWrong[] = "Basic YWxpY2U6d3Jvbmc=";  // alice:wrong
constexpr char kBob[] = "Basic Ym9iOnJpZ2h0";             // bob:right
constexpr char kBobWrong[] = "Basic Ym9iOndyb25n";        // bob:wrong
constexpr char kNobody[] = "Basic bm9ib2R5OnJpZ2h0";      // nobody:right

BcryptHash hash_of_cost(int cost, const std::string& salt = "abcdefghijklmnopqrstuu") {
  const std::string digits = (cost < 10 ? "0" : "") + std::to_string(cost);
  return *BcryptHash::parse("$2y$" + digits + "$" + salt + "2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW");
}

class BasicAuthTest : public testing::Test {
 protected:
  /// Every user's password is "right"; the work of a comparison is 2^cost.
  BasicAuth make(const UserHashes& users) {
    return {clock_,
            [this](const std::string& password, const BcryptHash& hash) {
              compared_.push_back(password);
              work_ += 1L << static_cast<unsigned>(hash.cost());
              return password == right_ && hash != BcryptHash::of_nothing(hash.cost());
            },
            users};
  }
  BasicAuth one_user() { return make({{"alice", hash_of_cost(10)}}); }

  /// The work of one request.
  long work_of(BasicAuth& auth, const char* authorization) {
    work_ = 0;
    (void)auth.admit(authorization);
    clock_.advance(seconds(1000));
    return work_;
  }

  FakeClock clock_;
  std::string right_ = "right";
  std::vector<std::string> compared_;
  long work_ = 0;
};

TEST_F(BasicAuthTest, ClosedAdmitsNobody) {
  BasicAuth auth = one_user();
  EXPECT_EQ(auth.admit(kAlice).verdict, Verdict::kAdmitted);
  auth.close();
  EXPECT_EQ(auth.admit(kAlice).verdict, Verdict::kClosed);
  EXPECT_EQ(auth.admit("").verdict, Verdict::kClosed);
  auth.set_users({{"alice", hash_of_cost(10)}});
  EXPECT_EQ(auth.admit("").verdict, Verdict::kUnauthorized);
  EXPECT_EQ(auth.admit(kAlice).verdict, Verdict::kAdmitted);
}

TEST_F(BasicAuthTest, WithoutUsersEverybodyIsAdmitted) {
  BasicAuth auth = make({});
  for (const char* authorization : {"", "nonsense", kAliceWrong}) {
    EXPECT_EQ(auth.admit(authorization), Admission{}) << authorization;
  }
  EXPECT_TRUE(compared_.empty());
}

TEST_F(BasicAuthTest, RightWrongUnknownAndMissing) {
  BasicAuth auth = one_user();
  EXPECT_EQ(auth.admit(kAlice).verdict, Verdict::kAdmitted);
  EXPECT_EQ(auth.admit(kAliceWrong).verdict, Verdict::kUnauthorized);
  EXPECT_EQ(auth.admit(kNobody).verdict, Verdict::kUnauthorized);
  EXPECT_EQ(auth.admit("").verdict, Verdict::kUnauthorized);
  EXPECT_EQ(auth.admit("Basic !").verdict, Verdict::kUnauthorized);
}

TEST_F(BasicAuthTest, NobodyIsAdmittedAsAnUnknownUserWhateverTheComparisonSays) {
  BasicAuth auth(clock_, [](const std::string&, const BcryptHash&) { return true; },
                 {{"alice", hash_of_cost(4)}});
  EXPECT_EQ(auth.admit(kNobody).verdict, Verdict::kUnauthorized);
  EXPECT_EQ(auth.admit(kNobody).verdict, Verdict::kUnauthorized);
  EXPECT_EQ(auth.admit(kAlice).verdict, Verdict::kAdmitted);
}

TEST_F(BasicAuthTest, MissingAndMalformedCostNothing) {
  BasicAuth auth = one_user();
  const std::string huge = "Basic " + std::string(100000, 'A');
  for (int i = 0; i < 100; ++i) {
    for (const char* authorization : {"", "Basic", "Basic YWJj", "Bearer x", huge.c_str()}) {
      EXPECT_EQ(auth.admit(authorization).verdict, Verdict::kUnauthorized);
    }
  }
  EXPECT_TRUE(compared_.empty());
  EXPECT_EQ(auth.admit(kAlice).verdict, Verdict::kAdmitted);
}

TEST_F(BasicAuthTest, ARightPasswordIsComparedOnce) {
  BasicAuth auth = one_user();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(auth.admit(kAlice).verdict, Verdict::kAdmitted);
  EXPECT_EQ(compared_.size(), 1U);
}

TEST_F(BasicAuthTest, AnEmptyPasswordIsNotOneThatWasNeverProven) {
  BasicAuth auth = one_user();
  EXPECT_EQ(auth.admit("Basic YWxpY2U6").verdict, Verdict::kUnauthorized);  // alice:
  EXPECT_EQ(compared_, std::vector<std::string>{""});
}

TEST_F(BasicAuthTest, TenThousandWrongTriesAreBoundedAndARememberedUserGetsThrough) {
  BasicAuth auth = one_user();
  ASSERT_EQ(auth.admit(kAlice).verdict, Verdict::kAdmitted);
  compared_.clear();
  int unauthorized = 0;
  int later = 0;
  for (int i = 0; i < 10000; ++i) {  // in ten seconds
    clock_.advance(milliseconds(1));
    const Admission admission = auth.admit(i % 2 == 0 ? kAliceWrong : kNobody);
    if (admission.verdict == Verdict::kUnauthorized) ++unauthorized;
    if (admission == Admission{Verdict::kTryLater, seconds(1)}) ++later;
    if (i % 100 == 0) {
      EXPECT_EQ(auth.admit(kAlice).verdict, Verdict::kAdmitted) << i;
    }
  }
  EXPECT_EQ(unauthorized + later, 10000);
  EXPECT_EQ(compared_.size(), static_cast<std::size_t>(unauthorized));
  // The bucket was full but for one, and gained two a second.
  EXPECT_GE(unauthorized, 7 + 19);
  EXPECT_LE(unauthorized, 8 + 20);
}

TEST_F(BasicAuthTest, GuessesComeBackAtTheirRate) {
  BasicAuth auth = one_user();
  for (std::uint64_t i = 0; i < BasicAuth::kBurst; ++i) {
    EXPECT_EQ(auth.admit(kAliceWrong).verdict, Verdict::kUnauthorized);
  }
  EXPECT_EQ(auth.admit(kAlice).verdict, Verdict::kTryLater);
  clock_.advance(BasicAuth::kIntervalAtCost10 - Nanos(1));
  EXPECT_EQ(auth.admit(kAlice).verdict, Verdict::kTryLater);
  clock_.advance(Nanos(1));
  EXPECT_EQ(auth.admit(kAlice).verdict, Verdict::kAdmitted);
}

TEST_F(BasicAuthTest, CostlierHashesMakeGuessesRarer) {
  const std::vector<std::pair<int, seconds>> waits = {
      {4, seconds(1)}, {10, seconds(1)}, {12, seconds(2)}, {14, seconds(8)}};
  for (const auto& [cost, wait] : waits) {
    BasicAuth auth = make({{"alice", hash_of_cost(cost)}});
    for (std::uint64_t i = 0; i < BasicAuth::kBurst; ++i) (void)auth.admit(kAliceWrong);
    EXPECT_EQ(auth.admit(kAlice), (Admission{Verdict::kTryLater, wait})) << cost;
    clock_.advance(wait);
    EXPECT_EQ(auth.admit(kAlice).verdict, Verdict::kAdmitted) << cost;
  }
}

TEST_F(BasicAuthTest, AGuessIsTheSameWorkForEveryName) {
  BasicAuth auth = make({{"alice", hash_of_cost(12)}, {"bob", hash_of_cost(5)}});
  const long whole = 1L << 12;
  EXPECT_EQ(work_of(auth, kNobody), whole);
  EXPECT_EQ(work_of(auth, kAliceWrong), whole);
  EXPECT_EQ(work_of(auth, kBobWrong), whole);
  // Also once their passwords are remembered.
  EXPECT_EQ(work_of(auth, kAlice), whole);
  EXPECT_EQ(work_of(auth, kBob), whole);
  EXPECT_EQ(work_of(auth, kBob), 0);
  EXPECT_EQ(work_of(auth, kAliceWrong), whole);
  EXPECT_EQ(work_of(auth, kBobWrong), whole);
}

TEST_F(BasicAuthTest, NewUsersTakeOverAndNothingIsRemembered) {
  BasicAuth auth = one_user();
  ASSERT_EQ(auth.admit(kAlice).verdict, Verdict::kAdmitted);
  auth.set_users({{"alice", hash_of_cost(10)}, {"bob", hash_of_cost(10)}});
  EXPECT_EQ(auth.admit(kBob).verdict, Verdict::kAdmitted);
  EXPECT_EQ(auth.admit(kAlice).verdict, Verdict::kAdmitted);
  EXPECT_EQ(compared_.size(), 3U);
  right_ = "changed";
  auth.set_users({{"alice", hash_of_cost(10, "zyxwvutsrqponmlkjihgfe")}});
  EXPECT_EQ(auth.admit(kAlice).verdict, Verdict::kUnauthorized);
  EXPECT_EQ(auth.admit(kBob).verdict, Verdict::kUnauthorized);
  auth.set_users({});
  EXPECT_EQ(auth.admit("").verdict, Verdict::kAdmitted);
}

TEST_F(BasicAuthTest, BytesThatBcryptDoesNotSeeDoNotCount) {
  BasicAuth auth = one_user();
  right_ = std::string(72, 'x');
  std::string sent = "Basic YWxpY2U6";  // alice:, then 75 and 72 times x, 71 times
  for (int i = 0; i < 24; ++i) sent += "eHh4";
  EXPECT_EQ(auth.admit(sent + "eHh4").verdict, Verdict::kAdmitted);
  EXPECT_EQ(auth.admit(sent).verdict, Verdict::kAdmitted);
  EXPECT_EQ(compared_, std::vector<std::string>{right_});
  EXPECT_EQ(auth.admit(sent.substr(0, sent.size() - 4) + "eHg=").verdict, Verdict::kUnauthorized);
}

TEST(BasicAuthThreadsTest, OneComparisonAtATimeAndOthersAreSentAway) {
  const FakeClock clock;
  std::promise<void> begun;
  std::promise<void> go_on;
  std::atomic<int> running{0};
  BasicAuth auth(clock,
                 [&](const std::string& password, const BcryptHash&) {
                   EXPECT_EQ(++running, 1);
                   if (password == "wrong") {
                     begun.set_value();
                     go_on.get_future().wait();
                   }
                   --running;
                   return password == "right";
                 },
                 {{"alice", hash_of_cost(10)}, {"bob", hash_of_cost(10)}});
  ASSERT_EQ(auth.admit(kAlice).verdict, Verdict::kAdmitted);

  auto guess = std::async(std::launch::async, [&] { return auth.admit(kAliceWrong).verdict; });
  ASSERT_EQ(begun.get_future().wait_for(seconds(30)), std::future_status::ready);
  EXPECT_EQ(auth.admit(kBob), (Admission{Verdict::kTryLater, seconds(1)}));
  EXPECT_EQ(auth.admit(kAlice).verdict, Verdict::kAdmitted) << "remembered: waits for nobody";
  EXPECT_EQ(auth.admit("").verdict, Verdict::kUnauthorized);
  auth.set_users({{"bob", hash_of_cost(10)}});  // a reload waits for nobody either
  EXPECT_EQ(auth.admit(kAlice).verdict, Verdict::kTryLater);
  go_on.set_value();
  EXPECT_EQ(guess.get(), Verdict::kUnauthorized);
  EXPECT_EQ(auth.admit(kBob).verdict, Verdict::kAdmitted);
}

TEST(BasicAuthThreadsTest, ManyThreadsAndReloads) {
  const FakeClock clock;
  const UserHashes users = {{"alice", hash_of_cost(10)}};
  BasicAuth auth(
      clock, [](const std::string& password, const BcryptHash&) { return password == "right"; },
      users);
  std::atomic<int> wrongly{0};
  std::vector<std::future<void>> askers;
  for (int i = 0; i < 4; ++i) {
    askers.push_back(std::async(std::launch::async, [&] {
      for (int n = 0; n < 500; ++n) {
        if (auth.admit(kAlice).verdict == Verdict::kUnauthorized) ++wrongly;
        if (auth.admit(kAliceWrong).verdict == Verdict::kAdmitted) ++wrongly;
      }
    }));
  }
  for (int n = 0; n < 200; ++n) auth.set_users(users);
  for (auto& asker : askers) asker.get();
  EXPECT_EQ(wrongly, 0);
}

}  // namespace
}  // namespace loopscope
