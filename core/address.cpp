#include "core/address.h"

#include <idn2.h>

#include <algorithm>

#include "core/ascii.h"
#include "core/network.h"
#include "core/utf8.h"

namespace postrider {
namespace {

constexpr std::size_t kMaxLocal = 64;    // RFC 5321 4.5.3.1.1
constexpr std::size_t kMaxDomain = 255;  // RFC 5321 4.5.3.1.2
constexpr std::size_t kMaxLabel = 63;    // RFC 1035 2.3.4

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_high(char c) {
  return static_cast<unsigned char>(c) >= 0x80;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return ascii_lower(x) == ascii_lower(y); });
}

// RFC 5322 3.2.3 atext, with RFC 6531 3.3 for UTF-8. Dots are allowed anywhere: mail carriers have handed out
// addresses such as `a..b.@example.jp`, and it is the receiving host that decides.
bool is_unquoted_local(std::string_view local) {
  if (local.empty()) return false;
  return std::all_of(local.begin(), local.end(), [](char c) {
    return is_letter(c) || is_digit(c) || is_high(c) ||
           std::string_view("!#$%&'*+-/=?^_`{|}~.").find(c) != std::string_view::npos;
  });
}

// An RFC 5321 4.1.2 Dot-string: where the quotes of "local" say nothing.
bool is_dot_string(std::string_view local) {
  return is_unquoted_local(local) && local.front() != '.' && local.back() != '.' &&
         local.find("..") == std::string_view::npos;
}

// Length of the quoted string that `text` begins with (RFC 5321 4.1.2), 0 if there is none that ends.
std::size_t quoted_length(std::string_view text) {
  if (text.empty() || text.front() != '"') return 0;
  for (std::size_t i = 1; i < text.size(); ++i) {
    const auto octet = static_cast<unsigned char>(text[i]);
    if (octet < 0x20 || octet == 0x7f) return 0;
    if (text[i] == '"') return i + 1;
    if (text[i] == '\\' && ++i < text.size()) {
      const auto escaped = static_cast<unsigned char>(text[i]);
      if (escaped < 0x20 || escaped > 0x7e) return 0;
    }
  }
  return 0;
}

std::string_view without_needless_quotes(std::string_view local) {
  if (local.size() < 3 || local.front() != '"') return local;
  const std::string_view inside = local.substr(1, local.size() - 2);
  return is_dot_string(inside) ? inside : local;
}

// RFC 5321 4.1.3: [192.0.2.1], [IPv6:2001:db8::1]. General tags have never been registered and are refused.
bool is_address_literal(std::string_view domain) {
  if (domain.size() < 3 || domain.front() != '[' || domain.back() != ']') return false;
  std::string_view inside = domain.substr(1, domain.size() - 2);
  constexpr std::string_view kIpv6 = "IPv6:";
  const bool tagged = equal_ignoring_case(inside.substr(0, kIpv6.size()), kIpv6);
  if (tagged) inside.remove_prefix(kIpv6.size());
  return parse_ip_address(inside) && tagged == (inside.find(':') != std::string_view::npos);
}

// Letters, digits, hyphens, and the underscore that real hosts have; U-labels as UTF-8.
bool is_label(std::string_view label) {
  if (label.empty() || label.front() == '-' || label.back() == '-') return false;
  const bool unicode = std::any_of(label.begin(), label.end(), is_high);
  if (!unicode && label.size() > kMaxLabel) return false;
  return std::all_of(label.begin(), label.end(),
                     [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '_' || is_high(c); });
}

bool is_domain_name(std::string_view domain) {
  for (;;) {
    const std::size_t dot = domain.find('.');
    if (!is_label(domain.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    domain.remove_prefix(dot + 1);
  }
}

// `*` stands for any run of characters, also none. Linear but for backtracking to the last star.
bool glob(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && ascii_lower(pattern[p]) == ascii_lower(text[t])) {
      ++p, ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace

result<Address> parse_address(std::string_view text) {
  if (text.empty()) return Address{};
  if (!is_utf8(text)) return invalid("the address is not valid UTF-8");
  std::size_t at = quoted_length(text);
  if (text.front() == '"') {
    if (at == 0) return invalid("the quoted local part does not end or holds a control character");
    if (at < text.size() && text[at] != '@') return invalid("an @ must follow the quoted local part");
  } else {
    at = std::min(text.find('@'), text.size());
    if (at == 0) return invalid("the local part is empty");
    if (!is_unquoted_local(text.substr(0, at))) return invalid("the local part holds a character that needs quotes");
  }
  const std::string_view local = without_needless_quotes(text.substr(0, at));
  if (local.size() > kMaxLocal) return invalid("the local part is longer than 64 octets");
  if (at == text.size()) return Address{std::string(local), {}};

  const std::string_view domain = text.substr(at + 1);
  if (domain.empty()) return invalid("the domain is empty");
  if (domain.size() > kMaxDomain) return invalid("the domain is longer than 255 octets");
  if (domain.front() == '[') {
    if (!is_address_literal(domain)) return invalid("the address literal is not [IPv4] or [IPv6:...]");
  } else if (!is_domain_name(domain)) {
    return invalid("the domain is not a valid name");
  }
  return Address{std::string(local), std::string(domain)};
}

bool Address::needs_smtputf8() const {
  return std::any_of(local.begin(), local.end(), is_high);
}

std::string Address::str() const {
  if (domain.empty()) return local;
  std::string text;
  text.reserve(local.size() + 1 + domain.size());
  text += local;
  text += '@';
  text += domain;
  return text;
}

bool Address::operator==(const Address& other) const {
  return local == other.local && equal_ignoring_case(domain, other.domain);
}

result<std::string> domain_to_ascii(std::string_view domain) {
  if (domain.empty()) return invalid("the domain is empty");
  if (domain.size() > kMaxDomain) return invalid("the domain is longer than 255 octets");
  if (domain.front() == '[') {
    if (!is_address_literal(domain)) return invalid("the address literal is not [IPv4] or [IPv6:...]");
    return lowered(domain);
  }
  if (!is_utf8(domain) || !is_domain_name(domain)) return invalid("the domain is not a valid name");
  if (std::none_of(domain.begin(), domain.end(), is_high)) return lowered(domain);

  std::uint8_t* ascii = nullptr;
  const std::string terminated(domain);
  const int rc = idn2_lookup_u8(reinterpret_cast<const std::uint8_t*>(terminated.c_str()), &ascii,
                                IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  if (rc != IDN2_OK) return invalid(std::string("the domain cannot be written in ASCII: ") + idn2_strerror(rc));
  std::string out = lowered(reinterpret_cast<const char*>(ascii));
  idn2_free(ascii);
  return out;
}

std::string address_search_key(const Address& address) {
  std::string key = address.str();
  std::transform(key.begin(), key.end(), key.begin(), ascii_lower);
  return key;
}

namespace {

// Label by label, because a pattern is no name; what has no such form stays as it is.
std::string with_ascii_labels(std::string_view pattern) {
  std::string out;
  for (std::size_t at = 0; at <= pattern.size();) {
    const std::size_t end = std::min(pattern.find('.', at), pattern.size());
    const std::string_view label = pattern.substr(at, end - at);
    const bool plain = std::none_of(label.begin(), label.end(), is_high);
    const auto ascii = plain ? result<std::string>(std::string(label)) : domain_to_ascii(label);
    if (at > 0) out += '.';
    out += ascii ? *ascii : std::string(label);
    at = end + 1;
  }
  return out;
}

bool domain_matches(std::string_view pattern, std::string_view domain) {
  if (glob(pattern, domain)) return true;
  const bool plain =
      std::none_of(pattern.begin(), pattern.end(), is_high) && std::none_of(domain.begin(), domain.end(), is_high);
  return !plain && glob(with_ascii_labels(pattern), with_ascii_labels(domain));
}

}  // namespace

bool address_matches(std::string_view pattern, const Address& address) {
  if (address.is_null()) return false;
  const std::size_t at = pattern.rfind('@');
  if (at == std::string_view::npos) return domain_matches(pattern, address.domain);
  const bool local = !address.domain.empty() && (at == 0 || glob(pattern.substr(0, at), address.local));
  return local && domain_matches(pattern.substr(at + 1), address.domain);
}

}  // namespace postrider
