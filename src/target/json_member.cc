#include "target/json_member.h"

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>

namespace loopscope {
namespace {

/// What the parser meets, one piece after the other; false ends it.
class MemberReader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit MemberReader(const std::set<std::string, std::less<>>& names) : names_(names) {}

  std::map<std::string, std::string> take() { return std::move(found_); }

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t value) override { return keep(std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return keep(std::to_string(value)); }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t& value) override { return keep(value); }
  bool binary(binary_t&) override { return true; }
  bool key(string_t& name) override {
    if (depth_ == 1) member_ = name;
    return true;
  }
  bool start_object(std::size_t) override {
    ++depth_;
    return true;
  }
  bool end_object() override {
    --depth_;
    return true;
  }
  bool start_array(std::size_t) override {
    ++depth_;
    return depth_ > 1;  // else the outermost is no object
  }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) override {
    return false;
  }

 private:
  bool keep(const std::string& value) {
    if (depth_ == 1 && names_.contains(member_)) found_.emplace(member_, value);
    return found_.size() < names_.size();
  }

  const std::set<std::string, std::less<>>& names_;
  std::size_t depth_ = 0;
  std::string member_;
  std::map<std::string, std::string> found_;
};

}  // namespace

std::map<std::string, std::string> json_members(std::string_view json,
                                                const std::set<std::string, std::less<>>& names) {
  MemberReader reader(names);
  nlohmann::json::sax_parse(json.begin(), json.end(), &reader);
  return reader.take();
}

}  // namespace loopscope
