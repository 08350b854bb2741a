#include "culprit/script_files.h"

#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "culprit/same_lines.h"
#include "target/process_file.h"

namespace loopscope {
namespace {

bool is_same_place(const V8ScriptText& a, const V8ScriptText& b) {
  return a.id == b.id && a.characters.address == b.characters.address &&
         a.characters.length == b.characters.length &&
         a.characters.one_byte == b.characters.one_byte;
}

/// At most `limit` bytes from the beginning; absent: not readable.
std::optional<std::string> read_beginning(int fd, std::size_t limit) {
  constexpr std::size_t kPiece = 65536;
  std::string bytes;
  while (bytes.size() < limit) {
    const std::size_t before = bytes.size();
    bytes.resize(std::min(limit, before + kPiece));
    const ssize_t got =
        ::pread(fd, bytes.data() + before, bytes.size() - before, static_cast<off_t>(before));
    if (got < 0 && errno != EINTR) return std::nullopt;
    bytes.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0) break;
  }
  return bytes;
}

}  // namespace

ScriptFiles::Verdict ScriptFiles::compare(const std::string& file,
                                          const std::function<std::optional<V8ScriptText>()>& find,
                                          const MemoryReader& memory) {
  if (!file.starts_with('/')) return Verdict::kUnknown;
  const auto text = find();
  if (!text) return Verdict::kUnknown;
  if (verdicts_.size() >= kMaxScripts) verdicts_.clear();
  const auto [entry, is_new] = verdicts_.try_emplace(Key{file, text->id, text->characters.length});
  if (is_new) entry->second = compare_anew(file, find, memory);
  return entry->second;
}

ScriptFiles::Verdict ScriptFiles::compare_anew(
    const std::string& file, const std::function<std::optional<V8ScriptText>()>& find,
    const MemoryReader& memory) const {
  constexpr std::size_t kMaxBytes = kMaxUnits * 3;  // as UTF-8
  constexpr int kTries = 3;
  const auto opened = open_process_file(pid_, file);
  if (!opened) return Verdict::kUnknown;
  const auto bytes = read_beginning(opened->get(), kMaxBytes);
  if (!bytes) return Verdict::kUnknown;
  std::u16string on_disk = utf16_of(*bytes);
  const bool is_long = on_disk.size() > kMaxUnits;
  if (is_long) on_disk.resize(kMaxUnits);
  // The collector may move the text while it is read.
  for (int i = 0; i < kTries; ++i) {
    const auto before = find();
    if (!before) return Verdict::kUnknown;
    const auto units = read_units(memory, before->characters, kMaxUnits);
    const auto after = find();
    if (!units || !after || !is_same_place(*before, *after)) continue;
    const bool is_cut = is_long && before->characters.length > kMaxUnits;
    return has_same_lines(*units, on_disk, is_cut) ? Verdict::kSame : Verdict::kOther;
  }
  return Verdict::kUnknown;
}

}  // namespace loopscope
