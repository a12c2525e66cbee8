// Puts a recipient's own values where placeholders stand in a text: SendGrid's `substitutions`, Mailgun's %recipient.name%. What
// is put in is not looked at again. Pure, any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postrider::mgmt {

class Replacements {
 public:
  static constexpr std::size_t kMaxCount = 200;  // of one message: a text is searched for all of them at once

  // Placeholder and value; a placeholder is not empty. Where several fit, the longest is meant.
  explicit Replacements(std::vector<std::pair<std::string, std::string>> pairs);

  // The text with its values; nothing when that has more than `max_octets`, or takes more than `steps`, of which what was taken goes.
  std::optional<std::string> in(std::string_view text, std::uint64_t max_octets, std::uint64_t& steps) const;

 private:
  const std::pair<std::string, std::string>* longest_at(std::string_view text, std::uint64_t& steps) const;

  std::vector<std::pair<std::string, std::string>> pairs_;  // by first octet, long ones first
  std::array<std::uint32_t, 257> starts_{};                 // of the pairs of each first octet
};

}  // namespace postrider::mgmt
