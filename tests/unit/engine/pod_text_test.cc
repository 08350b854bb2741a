#include "engine/pod_text.h"

#include <gtest/gtest.h>

namespace loopscope {
namespace {

TEST(PodText, SaysWhatIsKnown) {
  EXPECT_EQ(pod_text({{"container", "server"}, {"namespace", "shop"}, {"pod", "cart-7d9f"}}),
            " pod shop/cart-7d9f (server)");
  EXPECT_EQ(pod_text({{"pod", "cart-7d9f"}}), " pod cart-7d9f");
  EXPECT_EQ(pod_text({{"namespace", "shop"}, {"pod", "cart-7d9f"}}), " pod shop/cart-7d9f");
}

TEST(PodText, IsEmptyOutsideOfPods) {
  EXPECT_EQ(pod_text({}), "");
  EXPECT_EQ(pod_text({{"container_id", "0123456789ab"}, {"namespace", "shop"}}), "");
}

}  // namespace
}  // namespace loopscope
