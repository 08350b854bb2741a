#include "culprit/native/eh_frame.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <gelf.h>
#include <gtest/gtest.h>
#include <libelf.h>

#include <memory>
#include <string>

#include "target/elf_image.h"
#include "target/memory_map.h"

namespace loopscope {
namespace {

Result<ElfImage> open_image(const std::string& path) {
  return ElfImage::open(UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), path);
}

/// Path of a library this very process has loaded; empty: it has not.
std::string own_library(const std::string& name) {
  const auto map = read_memory_map(::getpid());
  if (!map) return {};
  for (const Mapping& mapping : map->mappings()) {
    if (mapping.path.find("/" + name) != std::string::npos) return mapping.path;
  }
  return {};
}

/// elfutils' answers, for comparison: it reads the same tables by its own code.
class Libdw {
 public:
  explicit Libdw(const std::string& path) : file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    ::elf_version(EV_CURRENT);
    elf_ = ::elf_begin(file_.get(), ELF_C_READ, nullptr);
    cfi_ = elf_ != nullptr ? ::dwarf_getcfi_elf(elf_) : nullptr;
  }
  Libdw(const Libdw&) = delete;
  Libdw& operator=(const Libdw&) = delete;
  ~Libdw() {
    ::dwarf_cfi_end(cfi_);
    ::elf_end(elf_);
  }

  using Frame = std::unique_ptr<Dwarf_Frame, void (*)(void*)>;
  Frame frame_at(std::uint64_t pc) const {
    Dwarf_Frame* frame = nullptr;
    if (::dwarf_cfi_addrframe(cfi_, pc, &frame) != 0) frame = nullptr;
    return {frame, &std::free};
  }
  bool ok() const { return cfi_ != nullptr; }

 private:
  UniqueFd file_;
  Elf* elf_ = nullptr;
  Dwarf_CFI* cfi_ = nullptr;
};

/// "rsp+16", "" for an expression.
std::string cfa_of(const CfiRow& row) {
  if (row.cfa_is_expression) return {};
  return std::to_string(row.cfa_register) + "+" + std::to_string(row.cfa_offset);
}

std::string cfa_of(Dwarf_Frame* frame) {
  Dwarf_Op* ops = nullptr;
  std::size_t count = 0;
  if (::dwarf_frame_cfa(frame, &ops, &count) != 0) return "?";
  if (count == 1 && ops[0].atom == DW_OP_bregx) {
    return std::to_string(ops[0].number) + "+" +
           std::to_string(static_cast<std::int64_t>(ops[0].number2));
  }
  if (count != 1 || ops[0].atom < DW_OP_breg0 || ops[0].atom > DW_OP_breg31) return {};
  return std::to_string(ops[0].atom - DW_OP_breg0) + "+" +
         std::to_string(static_cast<std::int64_t>(ops[0].number));
}

/// Offset from the CFA at which a register is saved; absent: elsewhere or nowhere.
std::optional<std::int64_t> saved_at(const CfiRow& row, std::size_t number) {
  const CfiRule& rule = row.rules[number];
  if (rule.kind != CfiRule::Kind::kOffset) return std::nullopt;
  return rule.value;
}

std::optional<std::int64_t> saved_at(Dwarf_Frame* frame, int number) {
  Dwarf_Op memory[3];
  Dwarf_Op* ops = nullptr;
  std::size_t count = 0;
  if (::dwarf_frame_register(frame, number, memory, &ops, &count) != 0) return std::nullopt;
  if (count == 1 && ops[0].atom == DW_OP_call_frame_cfa) return 0;
  if (count != 2 || ops[0].atom != DW_OP_call_frame_cfa || ops[1].atom != DW_OP_plus_uconst) {
    return std::nullopt;
  }
  return static_cast<std::int64_t>(ops[1].number);
}

void compare(const std::string& path, std::size_t at_least) {
  const auto image = open_image(path);
  ASSERT_TRUE(image);
  const Libdw libdw(path);
  ASSERT_TRUE(libdw.ok());
  const EhFrame tables(*image);
  std::size_t compared = 0;
  for (const ElfSymbol& function : image->functions_in(0, ~std::uint64_t{0}, 2000)) {
    for (const std::uint64_t pc :
         {function.address, function.address + function.size / 2,
          function.address + std::max<std::uint64_t>(function.size, 1) - 1}) {
      const auto row = tables.row_at(*image, pc);
      const auto frame = libdw.frame_at(pc);
      ASSERT_EQ(row.has_value(), frame != nullptr) << function.name << " at " << std::hex << pc;
      if (!row) continue;
      ++compared;
      EXPECT_EQ(cfa_of(*row), cfa_of(frame.get())) << function.name << " at " << std::hex << pc;
      for (const std::size_t number :
           {kDwarfRbx, kDwarfRbp, kDwarfR12, kDwarfR12 + 3, kDwarfReturnAddress}) {
        EXPECT_EQ(saved_at(*row, number), saved_at(frame.get(), static_cast<int>(number)))
            << function.name << " at " << std::hex << pc << ", register " << number;
      }
    }
  }
  EXPECT_GE(compared, at_least);
}

TEST(EhFrame, AgreesWithElfutilsOnTheCLibrary) { compare(own_library("libc.so"), 1000); }

TEST(EhFrame, AgreesWithElfutilsOnTheCppLibrary) { compare(own_library("libstdc++.so"), 1000); }

TEST(EhFrame, AgreesWithElfutilsOnThisProgram) { compare("/proc/self/exe", 1000); }

TEST(EhFrame, KnowsNothingOutsideTheTables) {
  const auto image = open_image(own_library("libc.so"));
  ASSERT_TRUE(image);
  const EhFrame tables(*image);
  EXPECT_FALSE(tables.row_at(*image, 0));
  EXPECT_FALSE(tables.row_at(*image, 8));
  EXPECT_FALSE(tables.row_at(*image, ~std::uint64_t{0}));
}

}  // namespace
}  // namespace loopscope
