#include "export/basic_credentials.h"

#include <gtest/gtest.h>

namespace loopscope {
namespace {

std::string credentials_of(const std::string& authorization) {
  const auto credentials = parse_basic_credentials(authorization);
  return credentials ? credentials->user + " / " + credentials->password : "nothing";
}

TEST(BasicCredentialsTest, ReadsUserAndPassword) {
  EXPECT_EQ(credentials_of("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), "Aladdin / open sesame");
  EXPECT_EQ(credentials_of("bAsIc   dGVzdDoxMjPCow=="), "test / 123£");
  EXPECT_EQ(credentials_of("Basic YTpi"), "a / b");
  EXPECT_EQ(credentials_of("Basic YTpi \t "), "a / b");
  EXPECT_EQ(credentials_of("Basic YTpiYw=="), "a / bc");
  EXPECT_EQ(credentials_of("Basic YTpiY2Q="), "a / bcd");
  EXPECT_EQ(credentials_of("Basic YTpiOmM6"), "a / b:c:");
  EXPECT_EQ(credentials_of("Basic Og=="), " / ");
}

TEST(BasicCredentialsTest, RefusesWhatIsMalformed) {
  for (const std::string authorization : {"",
                                          " ",
                                          "Basic",
                                          "Basic ",
                                          "Basic  ",
                                          "BasicYTpi",
                                          "Bearer YTpi",
                                          "Basi YTpi",
                                          "Basic YWJj",  // no colon
                                          "Basic YTp",
                                          "Basic YTpiYw=",
                                          "Basic YTpiYw",  // not padded
                                          "Basic YTpi=",
                                          "Basic YTpi====",
                                          "Basic ====",
                                          "Basic =TpiYw==",
                                          "Basic YT=i",
                                          "Basic YTpi\n",
                                          "Basic YT pi",
                                          "Basic YTp!",
                                          "Basic YTp_",
                                          "Basic a:bc",
                                          "Basic YTpiAGM=",  // a:b\0c
                                          "Basic AGE6Yg==",  // \0a:b
                                          "Basic YTpi, Basic YTpi"}) {
    EXPECT_EQ(credentials_of(authorization), "nothing") << authorization;
  }
  EXPECT_EQ(credentials_of(std::string("Basic YTp\0", 10)), "nothing");
  EXPECT_EQ(credentials_of(std::string("Basic\0YTpi", 10)), "nothing");
}

TEST(BasicCredentialsTest, RefusesWhatIsHuge) {
  std::string longest = "Basic YTpi";
  while (longest.size() + 4 <= 1024) longest += "YmJi";
  EXPECT_EQ(credentials_of(longest), "a / b" + std::string((longest.size() - 10) / 4 * 3, 'b'));
  EXPECT_EQ(credentials_of(longest + "YmJi"), "nothing");
  EXPECT_EQ(credentials_of("Basic " + std::string(1000000, 'A')), "nothing");
}

}  // namespace
}  // namespace loopscope
