#include "target/loaded_image.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <functional>
#include <string>

#include "support/child_process.h"
#include "support/overlay_process.h"
#include "support/own_capabilities.h"
#include "support/temporary_directory.h"

extern "C" {
[[gnu::noinline, gnu::used]] int loopscope_loaded_image_marker(int x) { return x + 1; }
}

namespace loopscope {
namespace {

namespace fs = std::filesystem;

/// Becomes the program at `path`, a copy of sleep.
ChildProcess start(const fs::path& path) {
  return ChildProcess([&path](const ChildProcess::Channel&) {
    ::execl(path.c_str(), path.c_str(), "1000", nullptr);
  });
}

bool runs(int pid, const fs::path& path) {
  std::error_code error;
  return fs::read_symlink("/proc/" + std::to_string(pid) + "/exe", error) == path;
}

TEST(LoadedImage, IsFoundWhereTheLoaderPutIt) {
  const auto map = read_memory_map(::getpid());
  ASSERT_TRUE(map);
  const auto image = load_main_image(::getpid(), *map);
  ASSERT_TRUE(image) << image.error().message;
  const auto symbol = image->elf->find_symbol("loopscope_loaded_image_marker");
  ASSERT_TRUE(symbol);
  const auto address = reinterpret_cast<std::uint64_t>(&loopscope_loaded_image_marker);
  EXPECT_EQ(image->to_runtime(symbol->address), address);
  EXPECT_EQ(image->to_vaddr(address), symbol->address);
  EXPECT_TRUE(image->contains(address));
}

TEST(LoadedImage, EverySharedLibraryHasOne) {
  const auto map = read_memory_map(::getpid());
  ASSERT_TRUE(map);
  int loaded = 0;
  for (const Mapping* mapping : executable_files(*map)) {
    const auto image = load_image(::getpid(), *map, *mapping);
    ASSERT_TRUE(image) << image.error().message;
    EXPECT_TRUE(image->contains(mapping->start));
    ++loaded;
    if (mapping->path.find("libc.so") == std::string::npos) continue;
    const auto symbol = image->elf->find_exported("getppid");
    ASSERT_TRUE(symbol);
    const auto code = image->elf->read_at_vaddr(symbol->address, 4);
    ASSERT_TRUE(code);
    EXPECT_EQ(std::memcmp(code->data(), reinterpret_cast<const void*>(&::getppid), 4), 0);
  }
  EXPECT_GE(loaded, 3);
}

TEST(LoadedImage, OfADeletedProgramIsStillRead) {
  const TemporaryDirectory directory;
  const fs::path program = directory / "program";
  fs::copy_file("/bin/sleep", program);
  const ChildProcess child = start(program);
  ASSERT_TRUE(eventually([&] { return runs(child.pid(), program); }));
  // A successor of the same name must not be taken for it.
  fs::remove(program);
  fs::copy_file("/bin/true", program);
  // Shortly after exec its mappings are not all there.
  std::string build_id;
  ASSERT_TRUE(eventually([&] {
    const auto map = read_memory_map(child.pid());
    const auto image = map ? load_main_image(child.pid(), *map) : Result<LoadedImage>(map.error());
    if (image) build_id = image->elf->build_id();
    return image.ok();
  }));
  const auto original =
      ElfImage::open(UniqueFd(::open("/bin/sleep", O_RDONLY | O_CLOEXEC)), "/bin/sleep");
  ASSERT_TRUE(original);
  EXPECT_EQ(build_id, original->build_id());
}

/// What open_image() takes for the file behind a mapping, by its build id; else the error.
std::string found_for(int pid, const Mapping& mapping) {
  const auto map = read_memory_map(pid);
  if (!map) return map.error().message;
  const auto image = open_image(pid, *map, mapping);
  return image ? image->build_id() : image.error().message;
}

std::string build_id_of(const fs::path& path) {
  const auto elf = ElfImage::open(UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), path);
  return elf ? elf->build_id() : "none";
}

TEST(LoadedImage, OfALibraryOnAnOverlayIsNotTheProgram) {
  OverlayProcess process;
  if (!process.is_running()) GTEST_SKIP() << "must be allowed to mount an overlay";
  EXPECT_EQ(found_for(process.pid(), process.mapping_of("/app/program")),
            build_id_of(process.root() / "app/program"));
  const Mapping library = process.mapping_of("libc.so");
  EXPECT_EQ(found_for(process.pid(), library), build_id_of(process.root().string() + library.path));
}

// A container may not use map_files.
void expect_in_a_container(const std::function<bool()>& body) {
  EXPECT_TRUE(true_in_child([&] {
    return without_capabilities({CAP_SYS_ADMIN, CAP_CHECKPOINT_RESTORE}) && body();
  }));
}

TEST(LoadedImage, OfALibraryOnAnOverlayIsFoundFromAContainer) {
  OverlayProcess process;
  if (!process.is_running()) GTEST_SKIP() << "must be allowed to mount an overlay";
  for (const char* part : {"libc.so", "/app/program"}) {
    const Mapping mapping = process.mapping_of(part);
    const std::string right = build_id_of(process.root().string() + mapping.path);
    expect_in_a_container([&] { return found_for(process.pid(), mapping) == right; });
  }
}

TEST(LoadedImage, IsNotTheSuccessorOfAFileOnAnOverlay) {
  OverlayProcess process;
  if (!process.is_running()) GTEST_SKIP() << "must be allowed to mount an overlay";
  // Written over, it moves to the upper layer and keeps its inode; mapped is the lower one.
  const Mapping library = process.mapping_of("libc.so");
  const fs::path place = process.root().string() + library.path;
  fs::copy_file("/bin/true", place, fs::copy_options::overwrite_existing);
  const std::string found = found_for(process.pid(), library);
  EXPECT_NE(found.find("another file"), std::string::npos) << found;
  expect_in_a_container(
      [&] { return found_for(process.pid(), library).find("another file") != std::string::npos; });
}

TEST(LoadedImage, OfADeletedLibraryIsItsEqualOrNone) {
  OverlayProcess process;
  if (!process.is_running()) GTEST_SKIP() << "must be allowed to mount an overlay";
  const fs::path place = process.root().string() + process.mapping_of("libc.so").path;
  const std::string right = build_id_of(place);
  const fs::path copy = place.string() + ".new";
  // Installed again, it is the same library under another inode.
  fs::copy_file(place, copy);
  fs::rename(copy, place);
  const Mapping library = process.mapping_of("libc.so");
  ASSERT_TRUE(library.deleted);
  expect_in_a_container([&] { return found_for(process.pid(), library) == right; });
  fs::copy_file("/bin/true", copy);
  fs::rename(copy, place);
  expect_in_a_container([&] {
    return found_for(process.pid(), library).find("deleted or replaced") != std::string::npos;
  });
}

TEST(LoadedImage, IsOpenedByAMappingThatHasAFile) {
  const auto map = read_memory_map(::getpid());
  ASSERT_TRUE(map);
  EXPECT_FALSE(open_image(::getpid(), *map, Mapping()).ok());
}

}  // namespace
}  // namespace loopscope
