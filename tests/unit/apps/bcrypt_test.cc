#include "apps/loopscope/bcrypt.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace loopscope {
namespace {

bool is_password(const std::string& password, const std::string& hash) {
  const auto parsed = BcryptHash::parse(hash);
  EXPECT_TRUE(parsed.ok()) << hash;
  return parsed.ok() && bcrypt_matches(password, *parsed);
}

TEST(BcryptTest, TellsRightFromWrong) {
  const std::string hash = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
  EXPECT_TRUE(is_password("U*U", hash));
  for (const char* wrong : {"", "U*", "U*U*", "u*u"}) EXPECT_FALSE(is_password(wrong, hash));
}

TEST(BcryptTest, EveryPrefixMeansTheSame) {
  for (const std::string prefix : {"$2a$", "$2b$", "$2y$"}) {
    const std::string salt = prefix + "04$abcdefghijklmnopqrstuu";
    EXPECT_TRUE(is_password("pässwörd", salt + "yx2n0Zzopyr9QuYTMCfOJJOj526QVoC"));
    EXPECT_TRUE(is_password("secret", salt + "2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"));
    EXPECT_FALSE(is_password("secret", salt + "yx2n0Zzopyr9QuYTMCfOJJOj526QVoC"));
  }
}

TEST(BcryptTest, EmptyAndLongestPasswords) {
  const std::string salt = "$2y$04$abcdefghijklmnopqrstuu";
  EXPECT_TRUE(is_password("", salt + "byCG3zY1GIXMyxfivm.ClDiInHzxjiq"));
  const std::string longest(BcryptHash::kMaxPasswordBytes, 'x');
  EXPECT_TRUE(is_password(longest, salt + "bzadhGtS2zEF.gu0yd0opP6cVzb.e0i"));
  EXPECT_FALSE(is_password(longest.substr(1), salt + "bzadhGtS2zEF.gu0yd0opP6cVzb.e0i"));
}

TEST(BcryptTest, ASaltMayEndInAnySpellingOfItsLastBits) {
  EXPECT_TRUE(
      is_password("secret", "$2y$04$abcdefghijklmnopqrstuv2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"));
}

TEST(BcryptTest, AHashOfNothingMatchesNothingAndIsComputed) {
  for (const char* password : {"", ".", "secret"}) {
    EXPECT_FALSE(bcrypt_matches(password, BcryptHash::of_nothing(4)));
  }
}

TEST(BcryptTest, WorksInSeveralThreads) {
  std::vector<int> right(4);
  std::vector<std::thread> threads;
  threads.reserve(right.size());
  for (int& count : right) {
    threads.emplace_back([&count] {
      for (int i = 0; i < 10; ++i) {
        count += bcrypt_matches("secret", *BcryptHash::parse("$2y$04$abcdefghijklmnopqrstuu"
                                                             "2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"))
                     ? 1
                     : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, std::vector<int>(4, 10));
}

}  // namespace
}  // namespace loopscope
