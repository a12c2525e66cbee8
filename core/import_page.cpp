#include "core/import_page.h"

#include <algorithm>

#include "core/alias_table.h"
#include "core/config_options.h"
#include "core/config_value.h"

namespace postrider {
namespace {

constexpr std::size_t kCommentColumn = 44, kWidth = 116;

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v';
}

// A comment can hold no control character: TOML forbids them, and a file may be full of them.
std::string in_comment(std::string_view text) {
  std::string out(text);
  std::replace_if(
      out.begin(), out.end(), [](unsigned char c) { return c < 0x20 || c >= 0x7f; }, '?');
  return out;
}

// As comment lines of at most kWidth columns, further ones indented.
std::string wrapped(const std::string& text) {
  std::string out = "#", line = "#";
  for (const std::string& word : split_words(text, " ")) {
    if (line.size() > 1 && line.size() + 1 + word.size() > kWidth) {
      out += "\n#  ";
      line = "#  ";
    }
    out += ' ' + word;
    line += ' ' + word;
  }
  return out + '\n';
}

}  // namespace

// ---- texts --------------------------------------------------------------------------------------------------------------

std::string_view trim_blanks(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string lower_ascii(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

std::vector<std::string> split_words(std::string_view text, std::string_view separators) {
  std::vector<std::string> words;
  for (std::size_t at = 0; (at = text.find_first_not_of(separators, at)) != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(separators, at), text.size());
    words.emplace_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

std::string upstream_name_of(std::string_view host) {
  std::string name = lower_ascii(host.substr(0, 64));
  for (char& c : name)
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))) c = '-';
  name.erase(0, std::min(name.find_first_not_of('-'), name.size()));
  return name.empty() ? "primary" : name;
}

// ---- one section --------------------------------------------------------------------------------------------------------

// What is said again replaces what was said.
void ImportBlock::put(std::string_view key, std::string text, std::string_view why) {
  drop(key);
  lines_.push_back({std::string(key), std::move(text), std::string(why), false});
}

void ImportBlock::drop(std::string_view key) {
  std::erase_if(lines_, [&](const Line& line) { return line.key == key; });
}

bool ImportBlock::left_out(std::string_view key, const std::string& clause, std::string_view why) {
  page_.note(why.empty() ? section_ : why, "left out, as " + section_ + '.' + std::string(key) + clause + '.');
  return false;
}

bool ImportBlock::set(std::string_view key, std::string_view value, std::string_view why) {
  const Option& option = *find_option(section_, key);
  const result<OptionValue> checked = value_from_text(option, value);
  if (checked.has_error()) return left_out(key, checked.error().text, why);
  put(key, to_toml(option, *checked), why);
  return true;
}

bool ImportBlock::set(std::string_view key, std::vector<std::string> items, std::string_view why) {
  const Option& option = *find_option(section_, key);
  std::vector<std::string> good;
  for (std::string& item : items) {
    if (const auto checked = value_from_list(option, {item}); checked.has_error())
      left_out(key, checked.error().text, why);
    else
      good.push_back(std::move(item));
  }
  if (good.empty()) return false;
  put(key, to_toml(option, value_from_list(option, std::move(good)).value()), why);
  return true;
}

// Without one entry others may lead nowhere: as often as there is one to leave out.
void ImportBlock::leave_out_dead_ends(std::string_view key, std::vector<std::pair<std::string, std::string>>& pairs,
                                      std::string_view why) {
  for (;;) {
    const std::vector<AliasTable::Trouble> troubles = AliasTable(pairs, {}).troubles();
    if (troubles.empty()) return;
    for (const AliasTable::Trouble& trouble : troubles) {
      left_out(key, trouble.text, why);
      std::erase_if(pairs, [&](const auto& pair) { return pair.first == trouble.name; });
    }
  }
}

bool ImportBlock::set(std::string_view key, std::vector<std::pair<std::string, std::string>> pairs,
                      std::string_view why) {
  const Option& option = *find_option(section_, key);
  std::vector<std::pair<std::string, std::string>> good;
  for (auto& pair : pairs) {
    const bool twice =
        std::any_of(good.begin(), good.end(), [&](const auto& other) { return other.first == pair.first; });
    if (const auto checked = value_from_pairs(option, {pair}); checked.has_error())
      left_out(key, checked.error().text, why);
    else if (!twice)
      good.push_back(std::move(pair));
  }
  if (option.kind == OptionKind::aliases) leave_out_dead_ends(key, good, why);
  if (good.empty()) return false;
  put(key, to_toml(option, value_from_pairs(option, std::move(good)).value()), why);
  return true;
}

void ImportBlock::suggest(std::string_view key, std::string_view value, std::string_view why) {
  const Option& option = *find_option(section_, key);
  const result<OptionValue> checked = value_from_text(option, value);
  if (checked.has_value()) lines_.push_back({std::string(key), to_toml(option, *checked), std::string(why), true});
}

bool ImportBlock::set_login(std::string_view user, std::string_view why, const std::optional<std::string>& secret,
                            std::string_view file_name, std::string_view what) {
  if (user.empty() || !set("username", user, why)) return false;
  if (!secret || !page_.options().with_secrets) {
    const std::string path = page_.options().secrets_dir + '/' + std::string(file_name);
    put("password", "{ file = " + toml_string(path) + " }", "to be made: " + std::string(what));
    if (!commented_) page_.need_secret({path, std::string(what)});
    return true;
  }
  if (value_from_text(*find_option(section_, "password"), *secret).has_value()) {
    put("password", toml_string(*secret), what);
    return true;
  }
  drop("username");
  page_.note(what, "no login is written: the password is empty, holds a control character or is not UTF-8.");
  return false;
}

std::string ImportBlock::render() const {
  const std::string mark = commented_ ? "# " : "";
  std::string out = mark + (find_section(section_)->repeated ? "[[" + section_ + "]]\n" : '[' + section_ + "]\n");
  for (const Line& line : lines_) {
    std::string text = (line.commented ? "# " : mark) + line.key + " = " + line.text;
    if (!line.why.empty())
      text += std::string(text.size() < kCommentColumn ? kCommentColumn - text.size() : 1, ' ') + "# " +
              in_comment(line.why);
    out += text + '\n';
  }
  return out;
}

// ---- the page -----------------------------------------------------------------------------------------------------------

ImportBlock& ImportPage::section(std::string_view name) {
  for (ImportBlock& block : blocks_)
    if (block.section() == name) return block;
  return blocks_.emplace_back(*this, name, false);
}

ImportBlock& ImportPage::add(std::string_view name, Active active) {
  return blocks_.emplace_back(*this, name, active == Active::no);
}

void ImportPage::note(std::string_view what, std::string_view text) {
  notes_.push_back(in_comment(what) + ": " + in_comment(text));
}

ImportResult ImportPage::finish() const {
  ImportResult result;
  result.toml =
      wrapped("Made from " + program_ + "'s " + in_comment(file_) +
              " by `postrider import`. Read it before use: behind each line stands what it was "
              "there; what has no equivalent is at the end. Then `postrider config check --config THIS-FILE`.");
  for (const Section& known : config_sections())
    for (const ImportBlock& block : blocks_)
      if (block.section() == known.name && !block.empty()) result.toml += '\n' + block.render();
  if (!notes_.empty()) result.toml += "\n# ---- Without an equivalent, or worth a look ----\n#\n";
  for (const std::string& note : notes_) result.toml += wrapped("- " + note);
  result.secrets = secrets_;
  result.notes = notes_;
  return result;
}

}  // namespace postrider
