#include "target/loaded_image.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>

#include "support/child_process.h"
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

/// A mapping of a file, as a maps line would describe it.
Mapping mapping_of(const fs::path& path) {
  struct stat status {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0);
  Mapping mapping;
  mapping.start = 0x1000;
  mapping.end = 0x2000;
  mapping.inode = status.st_ino;
  mapping.path = path;
  return mapping;
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

TEST(MappedFile, IsOpenedByItsPath) {
  const TemporaryDirectory directory;
  const fs::path file = directory / "file";
  fs::copy_file("/bin/true", file);
  EXPECT_TRUE(open_mapped_file(::getpid(), mapping_of(file)).ok());
}

TEST(MappedFile, IsNotAnotherOneOfItsName) {
  const TemporaryDirectory directory;
  const fs::path file = directory / "file";
  fs::copy_file("/bin/true", file);
  Mapping mapping = mapping_of(file);
  ++mapping.inode;
  const auto other = open_mapped_file(::getpid(), mapping);
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().message.find(file.string()), std::string::npos);

  mapping = mapping_of(file);
  mapping.deleted = true;
  const auto deleted = open_mapped_file(::getpid(), mapping);
  ASSERT_FALSE(deleted);
  EXPECT_NE(deleted.error().message.find("deleted"), std::string::npos);
}

TEST(MappedFile, IsNotReachedThroughLinks) {
  const TemporaryDirectory directory;
  const fs::path file = directory / "file";
  fs::copy_file("/bin/true", file);
  fs::create_symlink(file, directory / "link");
  fs::create_directory(directory / "sub");
  fs::create_directory_symlink(directory / "sub", directory / "sublink");
  fs::copy_file("/bin/true", directory / "sub" / "file");
  for (const fs::path& path :
       {directory / "link", directory / "sublink" / "file", directory / "sub" / ".." / "file"}) {
    EXPECT_FALSE(open_mapped_file(::getpid(), mapping_of(path)).ok()) << path;
  }
}

TEST(MappedFile, IsARegularFile) {
  const TemporaryDirectory directory;
  const fs::path fifo = directory / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_FALSE(open_mapped_file(::getpid(), mapping_of(fifo)).ok());
  EXPECT_FALSE(open_mapped_file(::getpid(), mapping_of("/dev/null")).ok());
  EXPECT_FALSE(open_mapped_file(::getpid(), mapping_of("/tmp")).ok());
  EXPECT_FALSE(open_mapped_file(::getpid(), Mapping()).ok());
}

}  // namespace
}  // namespace loopscope
