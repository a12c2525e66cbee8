// Postfix's own file formats, as far as an import needs them: main.cf with its continuation lines and $expansion, the services of
// master.cf, and the source text of lookup tables. Pure; anything odd is kept as text, nothing throws.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postrider {

// One logical line: a line that begins with a blank goes on the one before; comments and empty lines do not end it (postconf(5)).
struct PostfixLine {
  int number = 0;  // of its first line
  std::string text;
};
std::vector<PostfixLine> postfix_lines(std::string_view text);

class PostfixParameters {
 public:
  explicit PostfixParameters(std::string_view main_cf);

  bool has(std::string_view name) const;
  // Expanded and trimmed; empty when it is not there. $name, ${name}, $(name), ${name?text}, ${name:text}, with or without
  // braces around the texts; what is deeper than kMaxDepth, longer than kMaxLength or takes more than kMaxSteps is cut.
  std::string get(std::string_view name) const;
  std::string expanded(std::string_view text) const;  // the same for a text that stands elsewhere
  bool yes(std::string_view name, bool otherwise) const;
  std::string where(std::string_view name) const;  // "relayhost, line 12"
  std::vector<std::string> names() const;
  // Said more than once (the last one holds): their names.
  const std::vector<std::string>& overridden() const { return overridden_; }

  static constexpr int kMaxDepth = 20;
  static constexpr int kMaxSteps = 1000;
  static constexpr std::size_t kMaxLength = 64 << 10;

 private:
  // How far one expansion may go: parameters may name each other, and themselves.
  struct Walk {
    int depth = 0, steps = 0;
    bool exhausted() const { return depth > kMaxDepth || steps > kMaxSteps; }
    struct Step {
      explicit Step(Walk& walk) : walk_(walk) { ++walk_.depth, ++walk_.steps; }
      ~Step() { --walk_.depth; }
      Walk& walk_;
    };
  };
  struct Value {
    std::string text;
    int line = 0;
  };
  std::string expand(std::string_view text, Walk& walk) const;
  std::string expand_braced(std::string_view inside, Walk& walk) const;
  std::string value_of(std::string_view name, Walk& walk) const;

  std::map<std::string, Value, std::less<>> values_;
  std::vector<std::string> overridden_;
};

// "5d", "4000s", "2w"; a bare number counts in `unit`. Milliseconds.
std::optional<std::int64_t> postfix_time(std::string_view text, char unit);

struct PostfixService {
  int line = 0;
  std::string name;                              // "smtp", "submission", "127.0.0.1:2525"
  std::map<std::string, std::string> overrides;  // -o name=value
};
// The inet services that smtpd or postscreen answer.
std::vector<PostfixService> postfix_smtp_services(std::string_view master_cf);
std::optional<std::uint16_t> postfix_port(std::string_view text);  // a number, or smtp, submission, submissions, smtps

// "[host]:port", "host:port", "[host]", "host".
struct PostfixDestination {
  std::string host;
  std::string port;            // as written; empty: none
  bool mail_exchanger = true;  // without brackets the MX of `host` is meant
};
PostfixDestination postfix_destination(std::string_view text);

// "key value" lines of a table's source, in order; `colon`: an aliases file, "key: value".
struct PostfixEntry {
  int line = 0;
  std::string key, value;
};
enum class PostfixTable : unsigned char { blank, colon };
std::vector<PostfixEntry> postfix_table(std::string_view text, PostfixTable kind);

}  // namespace postrider
