#include "mgmt/user_rules.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>

namespace postrider::mgmt {

namespace {

constexpr std::size_t kMaxPattern = 320;  // 64 + '@' + 255 octets (RFC 5321 4.5.3.1)
constexpr std::array<std::string_view, 3> kRoles{"sender", "operator", "admin"};

// A name travels in AUTH exchanges, logs and URLs: no blanks, no control characters, no slash. The colon ends the name in Basic (RFC
// 7617 2) and stands in the actors of keys and trusted clients.
bool is_name_octet(unsigned char c) {
  return c > 0x20 && c != 0x7f && c != '/' && c != '\\' && c != '"' && c != ':';
}

// The operator's own actor, and what a URL's path drops (RFC 3986 5.2.4).
constexpr std::array<std::string_view, 3> kReservedNames{"operator", ".", ".."};

}  // namespace

bool is_credential_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxCredentialName && std::all_of(name.begin(), name.end(), is_name_octet) &&
         std::find(kReservedNames.begin(), kReservedNames.end(), name) == kReservedNames.end();
}

bool is_sender_pattern(std::string_view pattern) {
  return !pattern.empty() && pattern.size() <= kMaxPattern && pattern.back() != '@' && pattern.back() != '.' &&
         std::all_of(pattern.begin(), pattern.end(), [](unsigned char c) { return c > 0x20 && c != 0x7f; });
}

std::vector<std::string> read_patterns(JsonFields& fields, std::string_view name, Faults& faults) {
  std::vector<std::string> patterns;
  for (const Placed& element : fields.array(name, kMaxPatterns))
    patterns.push_back(text_of(element, kMaxPattern, faults).value_or(""));
  return patterns;
}

bool has_guard(JsonFields& fields) {
  return fields.has("allow_recipients") || fields.has("redirect_to") || fields.has("capture");
}

RecipientGuard read_guard(JsonFields& fields, Faults& faults) {
  RecipientGuard guard;
  guard.allow_recipients = read_patterns(fields, "allow_recipients", faults);
  guard.redirect_to = fields.text("redirect_to").value_or("");
  if (fields.flag("capture").value_or(false)) guard.capture = kCapture;
  return guard;
}

void check_guard(const RecipientGuard& guard, Faults& faults) {
  const std::string list = "/allow_recipients", target = "/redirect_to";
  if (guard.allow_recipients.size() > kMaxPatterns)
    add_fault(faults, list, "allow_recipients has at most " + std::to_string(kMaxPatterns) + " entries");
  for (std::size_t i = 0; i < std::min(guard.allow_recipients.size(), kMaxPatterns); ++i) {
    const std::string& pattern = guard.allow_recipients[i];
    if (!is_sender_pattern(pattern) || pattern.rfind('@') >= pattern.size() - 1)  // npos, too
      add_fault(faults, element_of(list, i), "'" + pattern + "' is no recipient: give an address or *@domain");
  }
  if (guard.redirect_to.empty()) return;
  if (!guard.capture.empty()) return add_fault(faults, target, "give redirect_to or capture, not both");
  const auto address = parse_address(guard.redirect_to);
  if (!address || address->domain.empty())
    add_fault(faults, target, "redirect_to '" + guard.redirect_to + "' is no address");
}

void check_user(const storage::UserRecord& user, Faults& faults) {
  if (!is_credential_name(user.name))
    add_fault(
        faults, "/name",
        "a user name has 1 to 128 octets without blanks, quotes, slashes and colons, and is not operator, . or ..");
  if (std::find(kRoles.begin(), kRoles.end(), user.role) == kRoles.end())
    add_fault(faults, "/role", "there is no role '" + user.role + "'; roles are sender, operator, admin");
  for (std::size_t i = 0; i < user.senders.size(); ++i)
    if (!is_sender_pattern(user.senders[i]))
      add_fault(faults, element_of("/senders", i),
                "'" + user.senders[i] + "' is no sender: give an address, *@domain or a domain");
  check_guard(user.guard, faults);
}

result<void> check_user(const storage::UserRecord& user) {
  Faults faults;
  check_user(user, faults);
  if (!faults.empty()) return invalid(faults.front().detail);
  return {};
}

void add_other_faults(Faults found, Faults& faults) {
  const auto read = static_cast<std::ptrdiff_t>(faults.size());
  for (FieldFault& fault : found) {
    const bool is_told = std::any_of(faults.begin(), faults.begin() + read,
                                     [&](const FieldFault& one) { return lies_within(one.pointer, fault.pointer); });
    if (!is_told) add_fault(faults, std::move(fault.pointer), std::move(fault.detail));
  }
}

boost::json::object to_json(const storage::UserRecord& user) {
  return {
      {"name", user.name},
      {"role", user.role},
      {"senders", boost::json::array(user.senders.begin(), user.senders.end())},
      {"scram", !user.scram.empty()},
      {"allow_recipients", boost::json::array(user.guard.allow_recipients.begin(), user.guard.allow_recipients.end())},
      {"redirect_to",
       user.guard.redirect_to.empty() ? boost::json::value(nullptr) : boost::json::value(user.guard.redirect_to)},
      {"capture", !user.guard.capture.empty()},
      {"created_at", format_rfc3339(user.created_at)},
      {"changed_at", format_rfc3339(user.changed_at)}};
}

boost::json::object users_json(const std::vector<storage::UserRecord>& users) {
  boost::json::array all;
  for (const storage::UserRecord& user : users) all.emplace_back(to_json(user));
  return {{"users", std::move(all)}, {"next", nullptr}};
}

}  // namespace postrider::mgmt
