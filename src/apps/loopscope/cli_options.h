#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/values.h"

// Options of CLI11 whose text goes through the same parsers as in the configuration file.
// CLI11's way to refuse a value is its exception, caught in parse_command_line().

namespace loopscope {

/// `store` takes the text of a value, as a Result<void>(const std::string&).
template <typename Store>
CLI::Option* add_option(CLI::App& app, const std::string& flag, const std::string& type,
                        const std::string& help, Store store, bool repeatable = false) {
  CLI::callback_t callback = [flag, store, repeatable](const CLI::results_t& texts) {
    if (texts.size() > 1 && !repeatable) throw CLI::ValidationError(flag, "given more than once");
    for (const std::string& text : texts) {
      if (Result<void> ok = store(text); !ok) throw CLI::ValidationError(flag, ok.error().message);
    }
    return true;
  };
  return app.add_option(flag, std::move(callback), help)
      ->type_name(type)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

/// A store for add_option: parses the text and keeps the value.
template <typename Kept, typename Parse, typename... Bounds>
auto keep(Kept& out, Parse parse, Bounds... bounds) {
  return [&out, parse, bounds...](const std::string& text) -> Result<void> {
    auto value = parse(text, bounds...);
    if (!value) return value.error();
    out = *std::move(value);
    return {};
  };
}

/// The same for options that can be repeated.
template <typename Value, typename Parse>
auto collect(std::vector<Value>& out, Parse parse) {
  return [&out, parse](const std::string& text) -> Result<void> {
    auto value = parse(text);
    if (!value) return value.error();
    out.push_back(*std::move(value));
    return {};
  };
}

/// A flag without a value.
inline void add_switch(CLI::App& app, const std::string& flag, const std::string& help, bool& out) {
  app.add_flag(flag, out, help)->disable_flag_override();
}

}  // namespace loopscope
