#include "mgmt/json_duplicates.h"

#include <boost/json/basic_parser_impl.hpp>
#include <unordered_set>
#include <vector>

#include "mgmt/json_fields.h"

namespace postrider::mgmt {

namespace {

namespace json = boost::json;
using boost::system::error_code;

// What Boost.JSON's parser tells of a document, piece by piece; only names, nesting and counts matter here.
class Watcher {
 public:
  static constexpr std::size_t max_object_size = std::size_t(-1), max_array_size = std::size_t(-1),
                               max_key_size = std::size_t(-1), max_string_size = std::size_t(-1);

  std::optional<FieldFault> fault;

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) { return enter(true); }
  bool on_object_end(std::size_t, error_code& error) { return leave(error); }
  bool on_array_begin(error_code&) { return enter(false); }
  bool on_array_end(std::size_t, error_code& error) { return leave(error); }
  bool on_key_part(json::string_view part, std::size_t, error_code&) {
    name_.append(part.data(), part.size());
    return true;
  }
  bool on_key(json::string_view part, std::size_t, error_code& error) {
    name_.append(part.data(), part.size());
    Level& level = levels_.back();
    level.name = std::exchange(name_, {});
    if (!level.names.insert(level.name).second) return stop(pointer(), "is given twice", error);
    if (level.names.size() <= kMaxMembers) return true;
    levels_.pop_back();
    return stop(pointer(), "may have at most " + std::to_string(kMaxMembers) + " members", error);
  }
  bool on_string_part(json::string_view, std::size_t, error_code&) { return true; }
  bool on_string(json::string_view, std::size_t, error_code& error) { return value(error); }
  bool on_number_part(json::string_view, error_code&) { return true; }
  bool on_int64(std::int64_t, json::string_view, error_code& error) { return value(error); }
  bool on_uint64(std::uint64_t, json::string_view, error_code& error) { return value(error); }
  bool on_double(double, json::string_view, error_code& error) { return value(error); }
  bool on_bool(bool, error_code& error) { return value(error); }
  bool on_null(error_code& error) { return value(error); }
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
  bool leave(error_code& error) {
    levels_.pop_back();
    return value(error);
  }
  bool value(error_code& error) {
    if (!levels_.empty() && !levels_.back().object) ++levels_.back().index;
    if (++values_ <= kMaxValues) return true;
    return stop("", "may have at most " + std::to_string(kMaxValues) + " values", error);
  }
  bool stop(std::string at, std::string detail, error_code& error) {
    fault = FieldFault{std::move(at), std::move(detail)};
    error = json::error::syntax;  // enough is known
    return false;
  }
  std::string pointer() const {
    std::string out;
    for (const Level& level : levels_) out = level.object ? member_of(out, level.name) : element_of(out, level.index);
    return out;
  }

  std::size_t values_ = 0;
  std::string name_;  // as far as it has come
  std::vector<Level> levels_;
};

}  // namespace

std::optional<FieldFault> find_json_fault(std::string_view text, std::size_t max_depth) {
  json::parse_options options;
  options.max_depth = max_depth;
  json::basic_parser<Watcher> parser(options);
  error_code error;
  parser.write_some(false, text.data(), text.size(), error);
  return parser.handler().fault;
}

}  // namespace postrider::mgmt
