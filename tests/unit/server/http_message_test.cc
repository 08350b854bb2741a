#include "apps/server/http_message.h"

#include <gtest/gtest.h>

namespace loopscope::server {
namespace {

TEST(ParseTargetTest, TakesPathAndQueryApart) {
  HttpRequest request;
  ASSERT_TRUE(parse_target("/a%20b/c?ms=5&name=x%26y+z&empty=&flag&=v", request));
  EXPECT_EQ(request.path, "/a b/c");
  EXPECT_EQ(request.param("ms"), "5");
  EXPECT_EQ(request.param("name"), "x&y z");
  EXPECT_EQ(request.param("empty", "other"), "");
  EXPECT_EQ(request.param("flag", "other"), "");
  EXPECT_EQ(request.param("missing", "other"), "other");
}

TEST(ParseTargetTest, ForgetsTheRequestBefore) {
  HttpRequest request;
  ASSERT_TRUE(parse_target("/a?x=1", request));
  ASSERT_TRUE(parse_target("/b", request));
  EXPECT_TRUE(request.query.empty());
}

TEST(ParseTargetTest, RefusesMalformedOnes) {
  HttpRequest request;
  for (const char* target : {"", "nonsense", "/%", "/%4", "/%zz", "/?a=%f", "/?%=1"}) {
    EXPECT_FALSE(parse_target(target, request)) << target;
  }
}

TEST(SerializeTest, WritesHeadAndBody) {
  HttpResponse response;
  response.body = "hi";
  response.headers.emplace_back("Location", "/jobs/1");
  response.status = 202;
  EXPECT_EQ(serialize(response, false, true, false),
            "HTTP/1.1 202 Accepted\r\nContent-Type: text/plain; charset=utf-8\r\n"
            "Content-Length: 2\r\nConnection: keep-alive\r\nLocation: /jobs/1\r\n\r\nhi");
  EXPECT_TRUE(serialize(response, true, false, true).ends_with("\r\n\r\n"));
  EXPECT_TRUE(serialize(response, true, false, true).starts_with("HTTP/1.0 202"));
}

TEST(ErrorResponseTest, IsValidJsonWhateverTheMessage) {
  EXPECT_EQ(error_response(400, "a \"b\"\n").body, "{\"error\":\"a \\\"b\\\"\\n\"}\n");
  EXPECT_EQ(error_response(400, "\xff").body, "{\"error\":\"\xef\xbf\xbd\"}\n");
}

}  // namespace
}  // namespace loopscope::server
