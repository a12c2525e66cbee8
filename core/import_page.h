// The postrider.toml that an import writes: entries with the place they come from, and notes at the end. Every value goes through
// the table of options, so that what does not fit becomes a note and never a fault of the result. Internal to the imports.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/import.h"

namespace postrider {

class ImportPage;

// One [section] or [[section]].
class ImportBlock {
 public:
  ImportBlock(ImportPage& page, std::string_view section, bool commented)
      : page_(page), section_(section), commented_(commented) {}

  // `why`: what it was there, "myhostname". False: it is no value for this option, and a note says so.
  bool set(std::string_view key, std::string_view value, std::string_view why);  // as environment variables write it
  bool set(std::string_view key, std::vector<std::string> items, std::string_view why);
  bool set(std::string_view key, std::vector<std::pair<std::string, std::string>> pairs, std::string_view why);
  // A line that is not in force: what could stand here.
  void suggest(std::string_view key, std::string_view value, std::string_view why);
  // A login, both halves or none: one without the other would be a fault. The password is written if the options allow it, else
  // as { file = "..." } that has to be made; `secret` none: it cannot be known here.
  bool set_login(std::string_view user, std::string_view why, const std::optional<std::string>& secret,
                 std::string_view file_name, std::string_view what);
  void drop(std::string_view key);
  void comment_out() { commented_ = true; }  // it lacks what it cannot be without

  bool empty() const { return lines_.empty(); }
  std::string_view section() const { return section_; }
  std::string render() const;

 private:
  struct Line {
    std::string key, text, why;
    bool commented = false;
  };
  void put(std::string_view key, std::string text, std::string_view why);
  bool left_out(std::string_view key, const std::string& clause, std::string_view why);
  void leave_out_dead_ends(std::string_view key, std::vector<std::pair<std::string, std::string>>& pairs,
                           std::string_view why);

  ImportPage& page_;
  std::string section_;
  bool commented_;
  std::vector<Line> lines_;
};

class ImportPage {
 public:
  // `program`: "Postfix"; `file`: what it was read from.
  ImportPage(std::string program, std::string file, ImportOptions options)
      : program_(std::move(program)), file_(std::move(file)), options_(std::move(options)) {}

  ImportBlock& section(std::string_view name);  // made when first asked for
  enum class Active : unsigned char { yes, no };
  ImportBlock& add(std::string_view name, Active active = Active::yes);  // one more [[name]]; inactive: commented out
  // What has no equivalent or needs a look: `what` names it there, the text is a sentence.
  void note(std::string_view what, std::string_view text);

  const ImportOptions& options() const { return options_; }
  void need_secret(SecretToMake secret) { secrets_.push_back(std::move(secret)); }
  ImportResult finish() const;

 private:
  std::string program_, file_;
  ImportOptions options_;
  std::deque<ImportBlock> blocks_;  // references stay valid
  std::vector<std::string> notes_;
  std::vector<SecretToMake> secrets_;
};

// What all the imports need of texts.
std::string_view trim_blanks(std::string_view text);
std::string lower_ascii(std::string_view text);
std::vector<std::string> split_words(std::string_view text, std::string_view separators);  // without empty ones
// A line is cut at '\n', a '\r' before it is dropped. Takes the first line off `text`.
std::string_view take_line(std::string_view& text);
// "smtp.example.net" to "smtp-example-net": a name for an upstream.
std::string upstream_name_of(std::string_view host);

}  // namespace postrider
