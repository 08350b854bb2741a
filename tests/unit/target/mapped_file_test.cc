#include "target/mapped_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>

#include "support/child_process.h"
#include "support/overlay_process.h"
#include "support/temporary_directory.h"

namespace loopscope {
namespace {

namespace fs = std::filesystem;

/// A mapping of a file, as a maps line would describe it.
Mapping mapping_of(const fs::path& path) {
  struct stat status {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0);
  Mapping mapping;
  mapping.start = 0x1000;
  mapping.end = 0x2000;
  mapping.inode = status.st_ino;
  mapping.dev_major = major(status.st_dev);
  mapping.dev_minor = minor(status.st_dev);
  mapping.path = path;
  return mapping;
}

bool is_found(MappedFileWay way, const Mapping& mapping) {
  return find_mapped_file(way, ::getpid(), mapping).has_value();
}

bool is_same_file(const FileCandidate& candidate, const fs::path& path) {
  struct stat one {};
  struct stat other {};
  return ::fstat(candidate.file.get(), &one) == 0 && ::stat(path.c_str(), &other) == 0 &&
         one.st_ino == other.st_ino && one.st_dev == other.st_dev;
}

constexpr auto kByPath = {MappedFileWay::kProcessRoot, MappedFileWay::kOwnRoot,
                          MappedFileWay::kNamespaceRoot};

TEST(MappedFile, IsFoundByItsPath) {
  const TemporaryDirectory directory;
  const fs::path file = directory / "file";
  fs::copy_file("/bin/true", file);
  for (const MappedFileWay way : kByPath) {
    const auto found = find_mapped_file(way, ::getpid(), mapping_of(file));
    ASSERT_TRUE(found);
    EXPECT_TRUE(found->is_likely);
    EXPECT_TRUE(is_same_file(*found, file));
  }
}

TEST(MappedFile, IsUnlikelyWhereInodeOrDeviceAreOthers) {
  const TemporaryDirectory directory;
  const fs::path file = directory / "file";
  fs::copy_file("/bin/true", file);
  Mapping other_inode = mapping_of(file);
  ++other_inode.inode;
  Mapping other_device = mapping_of(file);
  ++other_device.dev_minor;
  Mapping deleted = mapping_of(file);
  deleted.deleted = true;
  for (const Mapping& mapping : {other_inode, deleted}) {
    const auto found = find_mapped_file(MappedFileWay::kProcessRoot, ::getpid(), mapping);
    EXPECT_TRUE(found && !found->is_likely);
  }
  // A file of that inode number on another device; file systems that show others are asked no
  // such question.
  const auto found = find_mapped_file(MappedFileWay::kProcessRoot, ::getpid(), other_device);
  ASSERT_TRUE(found);
  struct statfs filesystem {};
  ASSERT_EQ(::statfs(file.c_str(), &filesystem), 0);
  const bool shows_others =
      filesystem.f_type == OVERLAYFS_SUPER_MAGIC || filesystem.f_type == BTRFS_SUPER_MAGIC;
  EXPECT_EQ(found->is_likely, shows_others);
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
    for (const MappedFileWay way : kByPath) EXPECT_FALSE(is_found(way, mapping_of(path))) << path;
  }
}

TEST(MappedFile, IsARegularFile) {
  const TemporaryDirectory directory;
  const fs::path fifo = directory / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  for (const MappedFileWay way : kMappedFileWays) {
    EXPECT_FALSE(is_found(way, mapping_of(fifo)));
    EXPECT_FALSE(is_found(way, mapping_of("/dev/null")));
    EXPECT_FALSE(is_found(way, mapping_of("/tmp")));
    EXPECT_FALSE(is_found(way, Mapping()));
  }
}

TEST(MappedFile, IsTheExecutableOnlyUnderThatPath) {
  const fs::path own = fs::read_symlink("/proc/self/exe");
  EXPECT_TRUE(is_found(MappedFileWay::kExecutable, mapping_of(own)));
  // Another file, whatever its numbers say.
  Mapping library = mapping_of(own);
  library.path = "/usr/lib/libuv.so.1.0.0";
  EXPECT_FALSE(is_found(MappedFileWay::kExecutable, library));
  EXPECT_EQ(errno, ENOENT);
  // One that is gone, while the program is not.
  Mapping deleted = mapping_of(own);
  deleted.deleted = true;
  EXPECT_FALSE(is_found(MappedFileWay::kExecutable, deleted));
}

TEST(MappedFile, OfAProgramInMemoryIsTheExecutable) {
  const UniqueFd file(::memfd_create("program", MFD_CLOEXEC));
  const UniqueFd source(::open("/bin/sleep", O_RDONLY | O_CLOEXEC));
  struct stat status {};
  ASSERT_EQ(::fstat(source.get(), &status), 0);
  ASSERT_EQ(::sendfile(file.get(), source.get(), nullptr, status.st_size), status.st_size);
  const ChildProcess child([&](const ChildProcess::Channel&) {
    char name[] = "program";
    char argument[] = "1000";
    char* const arguments[] = {name, argument, nullptr};
    char* const environment[] = {nullptr};
    ::fexecve(file.get(), arguments, environment);
  });
  Mapping code;
  ASSERT_TRUE(eventually([&] {
    const auto map = read_memory_map(child.pid());
    if (!map) return false;
    for (const Mapping& mapping : map->mappings()) {
      if (mapping.executable && mapping.path == "/memfd:program") code = mapping;
    }
    return code.is_file();
  }));
  EXPECT_TRUE(code.deleted);
  EXPECT_TRUE(find_mapped_file(MappedFileWay::kExecutable, child.pid(), code));
}

TEST(MappedFile, SaysThatDescriptorsAreShort) {
  const TemporaryDirectory directory;
  const fs::path file = directory / "file";
  fs::copy_file("/bin/true", file);
  EXPECT_TRUE(true_in_child([&] {
    const Mapping mapping = mapping_of(file);
    while (::open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0) {
    }
    return !is_found(MappedFileWay::kProcessRoot, mapping) && errno == EMFILE;
  }));
}

TEST(MappedFile, IsFoundOnAnOverlay) {
  OverlayProcess process;
  if (!process.is_running()) GTEST_SKIP() << "must be allowed to mount an overlay";
  const Mapping program = process.mapping_of("/app/program");
  EXPECT_TRUE(find_mapped_file(MappedFileWay::kExecutable, process.pid(), program));
  const auto found = find_mapped_file(MappedFileWay::kProcessRoot, process.pid(), program);
  ASSERT_TRUE(found);
  // Nothing but the overlay has it.
  EXPECT_FALSE(find_mapped_file(MappedFileWay::kOwnRoot, process.pid(), program));
  const Mapping library = process.mapping_of("libc.so");
  EXPECT_FALSE(find_mapped_file(MappedFileWay::kExecutable, process.pid(), library));
  EXPECT_TRUE(find_mapped_file(MappedFileWay::kProcessRoot, process.pid(), library));
}

TEST(MappedFile, IsFoundAboveAChroot) {
  OverlayProcess process(OverlayProcess::Root::kChroot);
  if (!process.is_running()) GTEST_SKIP() << "must be allowed to mount an overlay";
  const Mapping program = process.mapping_of("/app/program");
  EXPECT_FALSE(find_mapped_file(MappedFileWay::kProcessRoot, process.pid(), program));
  EXPECT_TRUE(find_mapped_file(MappedFileWay::kNamespaceRoot, process.pid(), program));
}

}  // namespace
}  // namespace loopscope
