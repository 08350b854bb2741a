#include "culprit/native/cfi_entry.h"

#include <dwarf.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <vector>

#include "culprit/native/byte_cursor.h"
#include "support/bytes.h"

namespace loopscope {
namespace {

const std::vector<std::byte> kCie =
    bytes({0,    0,  0, 0,    1, 'z', 'P', 'L', 'R',  'S',  0,         1,
           0x78, 16, 7, 0x1b, 1, 2,   3,   4,   0x1b, 0x1b, DW_CFA_nop});

TEST(CfiEntry, ReadsACie) {
  const auto cie = parse_cie(kCie);
  ASSERT_TRUE(cie);
  EXPECT_EQ(cie->code_alignment, 1u);
  EXPECT_EQ(cie->data_alignment, -8);
  EXPECT_EQ(cie->return_register, kDwarfReturnAddress);
  EXPECT_EQ(cie->address_encoding, DW_EH_PE_pcrel | DW_EH_PE_sdata4);
  EXPECT_TRUE(cie->is_signal_frame);
  EXPECT_EQ(cie->instructions.size(), 1u);
}

TEST(CfiEntry, ReadsAnFdeRelativeToItsPlace) {
  const auto cie = parse_cie(kCie);
  ASSERT_TRUE(cie);
  // 0x100 before the field, which stands 4 bytes into the entry; 0x20 bytes of code.
  const auto fde = parse_fde(
      *cie, bytes({9, 9, 9, 9, 0, 0xff, 0xff, 0xff, 0x20, 0, 0, 0, 1, 0xee, DW_CFA_nop}), 0x5000);
  ASSERT_TRUE(fde);
  EXPECT_EQ(fde->begin, 0x5004u - 0x100);
  EXPECT_EQ(fde->size, 0x20u);
  EXPECT_EQ(fde->instructions.size(), 1u);
}

TEST(CfiEntry, RefusesWhatIsCutOffOrUnknown) {
  const auto cie = parse_cie(kCie);
  ASSERT_TRUE(cie);
  for (std::size_t size = 0; size + 1 < kCie.size(); ++size) {
    EXPECT_FALSE(parse_cie(std::span(kCie).first(size))) << size;
  }
  EXPECT_FALSE(parse_fde(*cie, bytes({9, 9, 9, 9, 0, 0xff}), 0x5000));
  EXPECT_FALSE(parse_fde(*cie, {}, 0x5000));
  EXPECT_FALSE(parse_cie(bytes({0, 0, 0, 0, 9, 0, 1, 0x78, 16})));            // version
  EXPECT_FALSE(parse_cie(bytes({0, 0, 0, 0, 1, 'e', 'h', 0, 1, 0x78, 16})));  // of GCC 2
  EXPECT_FALSE(parse_cie({}));
}

TEST(CfiEntry, ReadsPointersOfEveryUsualEncoding) {
  const auto take = [](int encoding, const std::vector<std::byte>& from) {
    ByteCursor cursor(from);
    return take_encoded(cursor, static_cast<std::uint8_t>(encoding), 0x1000, 0x2000);
  };
  EXPECT_EQ(take(DW_EH_PE_udata2, bytes({0xff, 0xff})), 0xffffu);
  EXPECT_EQ(take(DW_EH_PE_sdata2, bytes({0xff, 0xff})), ~std::uint64_t{0});
  EXPECT_EQ(take(DW_EH_PE_pcrel | DW_EH_PE_sdata4, bytes({4, 0, 0, 0})), 0x1004u);
  EXPECT_EQ(take(DW_EH_PE_datarel | DW_EH_PE_udata4, bytes({4, 0, 0, 0})), 0x2004u);
  EXPECT_EQ(take(DW_EH_PE_absptr, bytes({1, 0, 0, 0, 0, 0, 0, 0})), 1u);
  EXPECT_EQ(take(DW_EH_PE_uleb128, bytes({0x80, 1})), 128u);
  EXPECT_EQ(take(DW_EH_PE_sleb128, bytes({0x7f})), ~std::uint64_t{0});
  EXPECT_FALSE(take(0x07, bytes({1, 2, 3, 4, 5, 6, 7, 8})));
  EXPECT_FALSE(take(DW_EH_PE_absptr, bytes({1, 2, 3})));
}

}  // namespace
}  // namespace loopscope
