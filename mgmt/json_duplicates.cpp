#include "mgmt/json_duplicates.h"

#include <boost/json/basic_parser_impl.hpp>
#include <unordered_set>
#include <vector>

#include "mgmt/json_fields.h"

namespace postrider::mgmt {

namespace {

namespace json = boost::json;
using boost::system::error_code;

// What Boost.JSON's parser tells of a document, piece by piece; only names and nesting matter here.
class Watcher {
 public:
  static constexpr std::size_t max_object_size = std::size_t(-1), max_array_size = std::size_t(-1),
                               max_key_size = std::size_t(-1), max_string_size = std::size_t(-1);

  std::optional<std::string> duplicate;

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) { return enter(true); }
  bool on_object_end(std::size_t, error_code&) { return leave(); }
  bool on_array_begin(error_code&) { return enter(false); }
  bool on_array_end(std::size_t, error_code&) { return leave(); }
  bool on_key_part(json::string_view part, std::size_t, error_code&) {
    name_.append(part.data(), part.size());
    return true;
  }
  bool on_key(json::string_view part, std::size_t, error_code& error) {
    name_.append(part.data(), part.size());
    Level& level = levels_.back();
    level.name = std::exchange(name_, {});
    if (level.names.insert(level.name).second) return true;
    duplicate = pointer();
    error = json::error::syntax;  // enough is known
    return false;
  }
  bool on_string_part(json::string_view, std::size_t, error_code&) { return true; }
  bool on_string(json::string_view, std::size_t, error_code&) { return value(); }
  bool on_number_part(json::string_view, error_code&) { return true; }
  bool on_int64(std::int64_t, json::string_view, error_code&) { return value(); }
  bool on_uint64(std::uint64_t, json::string_view, error_code&) { return value(); }
  bool on_double(double, json::string_view, error_code&) { return value(); }
  bool on_bool(bool, error_code&) { return value(); }
  bool on_null(error_code&) { return value(); }
  bool on_comment_part(json::string_view, error_code&) { return true; }
  bool on_comment(json::string_view, error_code&) { return true; }

 private:
  struct Level {
    bool object = false;
    std::string name;       // of the member under way
    std::size_t index = 0;  // of the element under way
    std::unordered_set<std::string> names;
  };

  bool enter(bool object) {
    levels_.emplace_back();
    levels_.back().object = object;
    return true;
  }
  bool leave() {
    levels_.pop_back();
    return value();
  }
  bool value() {
    if (!levels_.empty() && !levels_.back().object) ++levels_.back().index;
    return true;
  }
  std::string pointer() const {
    std::string out;
    for (const Level& level : levels_) out = level.object ? member_of(out, level.name) : element_of(out, level.index);
    return out;
  }

  std::string name_;  // as far as it has come
  std::vector<Level> levels_;
};

}  // namespace

std::optional<std::string> find_duplicate(std::string_view text, std::size_t max_depth) {
  json::parse_options options;
  options.max_depth = max_depth;
  json::basic_parser<Watcher> parser(options);
  error_code error;
  parser.write_some(false, text.data(), text.size(), error);
  return parser.handler().duplicate;
}

}  // namespace postrider::mgmt
