#include "core/config_value.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/address.h"
#include "core/ascii.h"
#include "core/config_match.h"
#include "core/nearest.h"
#include "core/network.h"
#include "core/utf8.h"

namespace postrider {
namespace {

struct SizeUnit {
  std::string_view name;
  std::uint64_t octets;
};
// Falling binary units first: format_size() takes the first that divides.
constexpr std::array<SizeUnit, 9> kSizeUnits = {{{"TiB", 1ull << 40},
                                                 {"GiB", 1ull << 30},
                                                 {"MiB", 1ull << 20},
                                                 {"KiB", 1ull << 10},
                                                 {"B", 1},
                                                 {"TB", 1'000'000'000'000},
                                                 {"GB", 1'000'000'000},
                                                 {"MB", 1'000'000},
                                                 {"kB", 1'000}}};

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string quoted(std::string_view text) {
  return toml_string(text.substr(0, 200));
}

Fault wrong(std::string_view value, std::string why) {
  return invalid(" = " + quoted(value) + ' ' + std::move(why));
}

result<OptionValue> within_bounds(const Option& option, std::string_view text, OptionValue value) {
  if (value.number < option.min || value.number > option.max)
    return wrong(text, "is out of bounds: " + bounds_text(option));
  return value;
}

result<OptionValue> number_value(const Option& option, std::string_view text) {
  const auto number = whole_number(text);
  if (!number) return wrong(text, "is not a whole number");
  OptionValue value;
  value.number = *number;
  if (value.number < option.min || value.number > option.max)
    return invalid(" = " + std::to_string(*number) + " is out of bounds: " + bounds_text(option));
  return value;
}

result<OptionValue> size_value(const Option& option, std::string_view text) {
  const auto size = parse_size(text);
  if (!size) return wrong(text, "is not a size with its unit, such as \"25MiB\"");
  OptionValue value;
  value.number = static_cast<std::int64_t>(std::min<std::uint64_t>(*size, INT64_MAX));
  return within_bounds(option, text, value);
}

result<OptionValue> duration_value(const Option& option, std::string_view text) {
  const auto duration = parse_duration(text);
  if (!duration) return wrong(text, "is not a duration with its unit, such as \"10m\" or \"1h30m\"");
  OptionValue value;
  value.number = duration->count();
  return within_bounds(option, text, value);
}

result<OptionValue> rate_value(std::string_view text) {
  const auto rate = parse_rate(text);
  if (!rate) return wrong(text, "is not a rate such as \"14/s\", \"500/m\", \"10000/h\" or \"50000/d\"");
  OptionValue value;
  value.text = text;
  value.number = rate->count;
  value.per = rate->per;
  return value;
}

result<OptionValue> choice_value(const Option& option, std::string_view text) {
  const auto words = split(option.choices, '|');
  const auto found = std::find(words.begin(), words.end(), text);
  if (found == words.end()) {
    const std::string_view near = nearest(text, words);
    return wrong(text, "is not one of " + bounds_text(option) +
                           (near.empty() ? "" : "; did you mean \"" + std::string(near) + "\"?"));
  }
  OptionValue value;
  value.text = text;
  value.number = found - words.begin();
  return value;
}

// Where requests go to: a scheme, a host, perhaps a path that they are put under.
std::optional<std::string> check_url(std::string& text) {
  const auto blank_or_more = [](unsigned char c) { return c <= ' ' || c >= 0x7f || c == '?' || c == '#' || c == '@'; };
  const std::size_t scheme = text.starts_with("https://") ? 8 : text.starts_with("http://") ? 7 : 0;
  while (text.size() > scheme && text.back() == '/') text.pop_back();
  const std::string_view rest = std::string_view(text).substr(scheme);
  if (scheme == 0 || rest.empty() || rest.front() == '/' || std::any_of(rest.begin(), rest.end(), blank_or_more))
    return "is not an address such as \"https://api.example.com\"";
  return std::nullopt;
}

// As browsers write it (RFC 6454 6.2): a scheme, a host in lower case, a port unless it is the scheme's.
std::optional<std::string> check_origin(std::string& text) {
  if (text == "*") return "is every page of the world: name the origins that may use the API";
  if (check_url(text) || text.find('/', text.find("//") + 2) != std::string::npos ||
      text.find(',') != std::string::npos)
    return "is not an origin such as \"https://app.example.com\"";
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const std::string_view usual = text.starts_with("https://") ? ":443" : ":80";
  if (text.ends_with(usual)) text.resize(text.size() - usual.size());
  return std::nullopt;
}

// The clause that says what is wrong with one text of the kind, or nothing. Writes the normalised form back.
std::optional<std::string> check_text(OptionKind kind, std::string& text) {
  if (!is_utf8(text)) return "is not valid UTF-8";
  if (std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }))
    return "holds a control character";
  switch (kind) {
    case OptionKind::hostname:
    case OptionKind::hostnames: {
      if (parse_ip_address(text)) return std::nullopt;
      const auto ascii = domain_to_ascii(text);
      if (ascii.has_error()) return "is not a host name";
      text = ascii.value();
      return std::nullopt;
    }
    case OptionKind::networks: {
      const auto network = parse_network(text);
      if (network.has_error()) return network.error().text;
      text = network.value().str();
      return std::nullopt;
    }
    case OptionKind::listen: {
      const auto listen = parse_listen_address(text);
      if (listen.has_error()) return listen.error().text;
      return std::nullopt;
    }
    case OptionKind::address: {
      const auto address = parse_address(text);
      if (address.has_error()) return "is not a mail address: " + address.error().text;
      if (address.value().domain.empty()) return "is not a whole mail address: it has no domain";
      return std::nullopt;
    }
    case OptionKind::path:
      if (text.empty()) return "is empty";
      return std::nullopt;
    case OptionKind::url:
      return check_url(text);
    case OptionKind::origins:
      return check_origin(text);
    case OptionKind::recipients:
      return check_recipient_pattern(text);
    case OptionKind::texts:
      if (text.empty()) return "is empty";
      return std::nullopt;
    case OptionKind::text:
    case OptionKind::secret:
    case OptionKind::boolean:
    case OptionKind::count:
    case OptionKind::size:
    case OptionKind::duration:
    case OptionKind::rate:
    case OptionKind::choice:
    case OptionKind::choices:
    case OptionKind::aliases:
    case OptionKind::sender_rules:
    case OptionKind::match:
      return std::nullopt;
  }
  return std::nullopt;
}

result<OptionValue> text_value(const Option& option, std::string_view text) {
  OptionValue value;
  value.text = text;
  if (const auto fault = check_text(option.kind, value.text)) return wrong(text, *fault);
  value.list = {value.text};  // `host` is a list of one
  return value;
}

result<OptionValue> match_value(const Option& option, std::vector<std::pair<std::string, std::string>> pairs) {
  const std::vector<std::string_view> keys = split(option.choices, '|');
  for (auto& [key, value] : pairs) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
      const std::string near(nearest(key, keys));
      return invalid('.' + toml_key(key) + " is not a known key" +
                     (near.empty() ? ": there are " + enumerated(keys) : "; did you mean " + near + "?"));
    }
    const std::string given = value;
    std::optional<std::string> fault = check_text(OptionKind::text, value);
    if (!fault) fault = check_match(key, value);
    if (fault) return invalid('.' + key + " = " + quoted(given) + ' ' + *fault);
  }
  OptionValue value;
  value.pairs = std::move(pairs);
  return value;
}

std::optional<std::string> check_pattern(OptionKind kind, std::string_view pattern) {
  if (pattern.empty()) return "is empty";
  std::string copy(pattern);
  if (kind == OptionKind::sender_rules) return check_text(OptionKind::text, copy);  // any text is a pattern
  const auto address = parse_address(pattern);
  if (address.has_error()) return "is neither a local name nor a mail address: " + address.error().text;
  return std::nullopt;
}

std::string literal_number(const Option& option, std::int64_t number) {
  switch (option.kind) {
    case OptionKind::size:
      return format_size(static_cast<std::uint64_t>(number));
    case OptionKind::duration:
      return format_duration(Duration(number));
    default:
      return std::to_string(number);
  }
}

std::string list_literal(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items) out += (out.empty() ? "" : ", ") + toml_string(item);
  return '[' + out + ']';
}

// The fields of a table, with their values as TOML and JSON both write them.
std::vector<std::pair<std::string, std::string>> fields_of(const Option& option, const OptionValue& value) {
  std::vector<std::pair<std::string, std::string>> fields;
  if (option.kind == OptionKind::match) {
    for (const auto& [key, values] : match_lists(value.pairs)) fields.emplace_back(key, list_literal(values));
  } else {
    for (const auto& [name, target] : value.pairs) fields.emplace_back(name, toml_string(target));
  }
  return fields;
}

}  // namespace

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  if (trimmed(text).empty()) return parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.push_back(trimmed(text.substr(0, end)));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string enumerated(const std::vector<std::string_view>& words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 < words.size() ? ", " : " or ";
    out += words[i];
  }
  return out;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  if (text == "0") return 0;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  for (const SizeUnit& known : kSizeUnits) {
    if (known.name != unit) continue;
    if (number > UINT64_MAX / known.octets) return std::nullopt;
    return number * known.octets;
  }
  return std::nullopt;
}

std::string format_size(std::uint64_t octets) {
  if (octets == 0) return "0";
  for (const SizeUnit& unit : kSizeUnits)
    if (octets % unit.octets == 0) return std::to_string(octets / unit.octets) + std::string(unit.name);
  return std::to_string(octets) + "B";
}

std::optional<Rate> parse_rate(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto count = whole_number(text.substr(0, slash));
  if (!count || *count < 1 || *count > 1'000'000'000) return std::nullopt;
  const std::string_view unit = text.substr(slash + 1);
  Rate rate{static_cast<std::uint32_t>(*count), {}};
  if (unit == "s")
    rate.per = std::chrono::seconds(1);
  else if (unit == "m")
    rate.per = std::chrono::minutes(1);
  else if (unit == "h")
    rate.per = std::chrono::hours(1);
  else if (unit == "d")
    rate.per = std::chrono::hours(24);
  else
    return std::nullopt;
  return rate;
}

bool is_list(OptionKind kind) {
  return kind == OptionKind::hostnames || kind == OptionKind::networks || kind == OptionKind::choices ||
         kind == OptionKind::texts || kind == OptionKind::recipients || kind == OptionKind::origins;
}

bool is_table(OptionKind kind) {
  return kind == OptionKind::aliases || kind == OptionKind::sender_rules || kind == OptionKind::match;
}

bool is_number(OptionKind kind) {
  return kind == OptionKind::count;
}

result<OptionValue> value_from_text(const Option& option, std::string_view text) {
  switch (option.kind) {
    case OptionKind::boolean: {
      OptionValue value;
      value.number = text == "true";
      if (text != "true" && text != "false") return wrong(text, "is neither true nor false");
      return value;
    }
    case OptionKind::count:
      return number_value(option, text);
    case OptionKind::size:
      return size_value(option, text);
    case OptionKind::duration:
      return duration_value(option, text);
    case OptionKind::rate:
      return rate_value(text);
    case OptionKind::choice:
      return choice_value(option, text);
    case OptionKind::secret: {
      OptionValue value;
      value.text = text;
      if (text.empty()) return invalid(" is empty");
      // Said without the value: it is a secret.
      if (auto copy = value.text; check_text(option.kind, copy))
        return invalid(" holds a control character or is not UTF-8");
      return value;
    }
    case OptionKind::text:
    case OptionKind::hostname:
    case OptionKind::path:
    case OptionKind::address:
    case OptionKind::listen:
    case OptionKind::url:
      return text_value(option, text);
    case OptionKind::hostnames:
    case OptionKind::networks:
    case OptionKind::choices:
    case OptionKind::texts:
    case OptionKind::origins:
    case OptionKind::recipients: {
      std::vector<std::string> items;
      for (const std::string_view part : split(text, ',')) items.emplace_back(part);
      return value_from_list(option, std::move(items));
    }
    case OptionKind::aliases:
    case OptionKind::sender_rules:
    case OptionKind::match: {
      const bool match = option.kind == OptionKind::match;
      std::vector<std::pair<std::string, std::string>> pairs;
      for (const std::string_view part : split(text, ',')) {
        const std::size_t equals = match ? part.find('=') : part.rfind('=');
        if (equals == std::string_view::npos)
          return wrong(part, match ? "is not written as key=value" : "is not written as name=address");
        pairs.emplace_back(trimmed(part.substr(0, equals)), trimmed(part.substr(equals + 1)));
      }
      return value_from_pairs(option, std::move(pairs));
    }
  }
  return invalid(" is of a kind that is not known");
}

result<OptionValue> value_from_list(const Option& option, std::vector<std::string> items) {
  OptionValue value;
  for (std::string& item : items) {
    if (option.kind == OptionKind::choices) {
      const auto choice = choice_value(option, item);
      if (choice.has_error()) return choice.error();
    } else {
      const std::string given = item;
      if (const auto fault = check_text(option.kind, item)) return wrong(given, *fault);
    }
    value.list.push_back(std::move(item));
  }
  return value;
}

result<OptionValue> value_from_pairs(const Option& option, std::vector<std::pair<std::string, std::string>> pairs) {
  if (option.kind == OptionKind::match) return match_value(option, std::move(pairs));
  for (auto& [pattern, target] : pairs) {
    if (const auto fault = check_pattern(option.kind, pattern)) return wrong(pattern, *fault);
    const bool bare = option.kind == OptionKind::aliases && target.find('@') == std::string::npos;
    const std::string given = target;
    // A bare name may be another alias: check_config() looks at the whole table.
    if (const auto fault = bare ? check_pattern(option.kind, target) : check_text(OptionKind::address, target))
      return wrong(given, *fault);
  }
  OptionValue value;
  value.pairs = std::move(pairs);
  return value;
}

std::string bounds_text(const Option& option) {
  switch (option.kind) {
    case OptionKind::count:
    case OptionKind::size:
    case OptionKind::duration:
      return literal_number(option, option.min) + " to " + literal_number(option, option.max);
    case OptionKind::choice:
    case OptionKind::choices:
      return enumerated(split(option.choices, '|'));
    default:
      return {};
  }
}

std::string type_text(const Option& option) {
  std::string bounds = bounds_text(option);
  switch (option.kind) {
    case OptionKind::text:
      return "text";
    case OptionKind::hostname:
      return "host name or address";
    case OptionKind::path:
      return "path";
    case OptionKind::address:
      return "mail address";
    case OptionKind::listen:
      return "address:port";
    case OptionKind::url:
      return "http or https address";
    case OptionKind::boolean:
      return "true or false";
    case OptionKind::count:
      return "number, " + bounds;
    case OptionKind::size:
      return "size, " + bounds;
    case OptionKind::duration:
      return "duration, " + bounds;
    case OptionKind::rate:
      return "rate, such as 14/s";
    case OptionKind::choice:
      return bounds;
    case OptionKind::choices:
      return "list of " + bounds;
    case OptionKind::hostnames:
      return "list of host names or addresses";
    case OptionKind::networks:
      return "list of networks";
    case OptionKind::texts:
      return "list of texts";
    case OptionKind::origins:
      return "list of origins";
    case OptionKind::recipients:
      return "list of user@domain, @domain or *@domain";
    case OptionKind::aliases:
      return "table of addresses";
    case OptionKind::sender_rules:
      return "table of patterns and addresses";
    case OptionKind::match:
      return "table of lists";
    case OptionKind::secret:
      return "secret";
  }
  return {};
}

std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (octet < 0x20 || octet == 0x7f) {
      constexpr char kHex[] = "0123456789abcdef";
      out += "\\u00";
      out += kHex[octet >> 4];
      out += kHex[octet & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string toml_key(std::string_view key) {
  const bool bare = !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
  return bare ? std::string(key) : toml_string(key);
}

std::string to_toml(const Option& option, const OptionValue& value) {
  if (option.kind == OptionKind::secret) return "\"********\"";
  if (option.kind == OptionKind::boolean) return value.number ? "true" : "false";
  if (option.kind == OptionKind::count) return std::to_string(value.number);
  if (option.kind == OptionKind::size || option.kind == OptionKind::duration)
    return toml_string(literal_number(option, value.number));
  if (is_list(option.kind)) return list_literal(value.list);
  if (!is_table(option.kind)) return toml_string(value.text);
  std::string out;
  for (const auto& [name, literal] : fields_of(option, value))
    out += (out.empty() ? "" : ", ") + toml_key(name) + " = " + literal;
  return "{ " + out + (out.empty() ? "}" : " }");
}

std::string to_json(const Option& option, const OptionValue& value) {
  if (!is_table(option.kind)) return to_toml(option, value);  // strings, numbers, booleans and lists look the same
  std::string out;
  for (const auto& [name, literal] : fields_of(option, value))
    out += (out.empty() ? "" : ",") + toml_string(name) + ':' + literal;
  return '{' + out + '}';
}

}  // namespace postrider
