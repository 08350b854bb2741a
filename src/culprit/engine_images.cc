#include "culprit/engine_images.h"

#include <algorithm>
#include <array>

#include "target/base_name.h"

namespace loopscope {
namespace {

struct Mark {
  std::string_view symbol;
  std::string_view engine;
};

/// What an engine exports for add-ons, embedders or debuggers.
constexpr std::array kMarks{
    Mark{"v8dbg_TaggedSize", "V8"},
    Mark{"napi_create_function", "other JavaScript"},
    Mark{"Py_BytesMain", "Python"},
    Mark{"PyEval_EvalCode", "Python"},
    Mark{"ruby_run_node", "Ruby"},
    Mark{"JNI_CreateJavaVM", "Java"},
    Mark{"JSEvaluateScript", "JavaScriptCore"},
};
constexpr std::size_t kV8Mark = 0;

EngineImages::Facts look_into(const ElfImage& elf, const std::string& path) {
  EngineImages::Facts facts;
  facts.engine = engine_name(path);
  for (std::size_t i = 0; i < kMarks.size(); ++i) {
    if (i != kV8Mark && !facts.engine.empty()) break;
    if (!elf.find_exported(kMarks[i].symbol)) continue;
    if (i == kV8Mark) facts.has_v8_symbols = true;
    if (facts.engine.empty()) facts.engine = kMarks[i].engine;
  }
  if (!facts.engine.empty()) facts.needed = elf.needed();
  return facts;
}

}  // namespace

void EngineImages::update(int pid, const MemoryMap& map) {
  for (const Mapping* mapping : executable_files(map)) {
    if (images_.size() >= kMaxImages) return;
    if (images_.contains(mapping->path)) continue;
    Facts& facts = images_[mapping->path];
    if (role_of_image(mapping->path) == NativeRole::kLibrary) continue;
    facts.engine = engine_name(mapping->path);
    const auto elf = open_image(pid, map, *mapping);
    if (elf) facts = look_into(*elf, mapping->path);
  }
}

std::string_view EngineImages::engine() const {
  for (const auto& [path, facts] : images_) {
    if (!facts.engine.empty()) return facts.engine;
  }
  return {};
}

std::optional<LoadedImage> EngineImages::load_v8_image(int pid, const MemoryMap& map) const {
  for (const Mapping* mapping : executable_files(map)) {
    const auto known = images_.find(mapping->path);
    if (known == images_.end() || !known->second.has_v8_symbols) continue;
    if (auto image = load_image(pid, map, *mapping)) return std::move(*image);
  }
  return std::nullopt;
}

bool EngineImages::is_engine(const std::string& path) const {
  const auto known = images_.find(path);
  return known != images_.end() && !known->second.engine.empty();
}

bool EngineImages::is_engines_library(const std::string& path) const {
  const std::string base = base_name(path);
  return std::any_of(images_.begin(), images_.end(), [&](const auto& image) {
    const auto& needed = image.second.needed;
    return std::any_of(needed.begin(), needed.end(),
                       [&](const std::string& name) { return is_needed_name(base, name); });
  });
}

}  // namespace loopscope
