#include "mgmt/dialects/mailgun_query.h"

#include <algorithm>
#include <array>
#include <boost/beast/core/string.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <limits>

#include "core/ascii.h"
#include "mgmt/base64.h"
#include "mgmt/dialects/vendor.h"
#include "mgmt/json_fields.h"
#include "mgmt/mail_date.h"
#include "mgmt/secret.h"

namespace postrider::mgmt {

namespace {

namespace json = boost::json;

using Match = MailgunExpression::Match;
using Fields = std::vector<std::pair<std::string, std::string>>;

constexpr std::size_t kMaxTerms = 50;
constexpr std::size_t kMaxLimit = 300;
constexpr std::size_t kMaxLink = 8000;
constexpr std::int64_t kMaxNumber = std::numeric_limits<std::int64_t>::max();

struct FilterRow {
  std::string_view parameter;
  MailgunField field;
  Match match;
};
constexpr std::array<FilterRow, 8> kFilters{{{"event", MailgunField::event, Match::whole},
                                             {"recipient", MailgunField::recipient, Match::whole},
                                             {"from", MailgunField::from, Match::part},
                                             {"to", MailgunField::to, Match::part},
                                             {"subject", MailgunField::subject, Match::part},
                                             {"message-id", MailgunField::message_id, Match::whole},
                                             {"tags", MailgunField::tags, Match::whole},
                                             {"severity", MailgunField::severity, Match::whole}}};

// One word or quoted phrase off the front of `rest`, without its quotes; `quoted` says which. Nothing: a quote has no end.
std::optional<std::string_view> take_word(std::string_view& rest, bool& quoted) {
  quoted = rest.front() == '"';
  const auto end = quoted ? rest.find('"', 1) : std::min(rest.find(' '), rest.size());
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view word = quoted ? rest.substr(1, end - 1) : rest.substr(0, end);
  rest.remove_prefix(quoted ? end + 1 : end);
  return word;
}

Fault bad(std::string_view parameter, const std::string& what) {
  return invalid("parameter '" + std::string(parameter) + "' " + what);
}

result<bool> yes_or_no(std::string_view parameter, std::string_view value) {
  if (boost::beast::iequals(value, "yes") || boost::beast::iequals(value, "true")) return true;
  if (boost::beast::iequals(value, "no") || boost::beast::iequals(value, "false")) return false;
  return bad(parameter, "must be yes or no");
}

// What the parameters of the range said, before the defaults.
struct Range {
  std::optional<Time> begin, end;
  std::optional<bool> ascending;
};

std::optional<Fault> take_time(std::optional<Time>& time, std::string_view name, std::string_view value) {
  time = parse_mail_date(value);
  if (time) return std::nullopt;
  return bad(name, "must be a date such as Fri, 3 May 2013 09:00:00 -0000, or seconds since 1970");
}

std::optional<Fault> take_limit(MailgunQuery& query, std::string_view value) {
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), query.limit);
  if (error == std::errc() && end == value.data() + value.size() && query.limit >= 1 && query.limit <= kMaxLimit)
    return std::nullopt;
  return bad("limit", "must be a number from 1 to " + std::to_string(kMaxLimit));
}

// A plus that was sent as it stands came as a blank; no address and no id has one.
std::string without_blanks(std::string value) {
  std::replace(value.begin(), value.end(), ' ', '+');
  return value;
}

std::optional<Fault> take_filter(MailgunQuery& query, const std::string& name, std::string value) {
  const auto* const row =
      std::find_if(kFilters.begin(), kFilters.end(), [&](const FilterRow& r) { return r.parameter == name; });
  if (row == kFilters.end()) return bad(name, "is none that events can be filtered by here");
  if (row->field == MailgunField::recipient && value.find(" OR ") == std::string::npos)
    value = without_blanks(std::move(value));
  if (row->field == MailgunField::message_id) std::erase_if(value, [](char c) { return c == '<' || c == '>'; });
  auto expression = MailgunExpression::parse(value, row->match);
  if (!expression) return bad(name, expression.error().text);
  query.filters.emplace_back(row->field, std::move(*expression));
  return std::nullopt;
}

std::optional<Fault> take(MailgunQuery& query, Range& range, const std::string& name, const std::string& value) {
  if (name == "begin") return take_time(range.begin, name, value);
  if (name == "end") return take_time(range.end, name, value);
  if (name == "limit") return take_limit(query, value);
  if (name != "ascending" && name != "pretty") return take_filter(query, name, value);
  const auto flag = yes_or_no(name, value);
  if (!flag) return flag.error();
  if (name == "ascending") range.ascending = *flag;  // pretty: the answer is the same, JSON
  return std::nullopt;
}

// The rules of Mailgun's documentation: the relation of begin and end is the direction, and `ascending` must agree with it.
std::optional<Fault> settle(MailgunQuery& query, const Range& range, Time now) {
  query.begin = range.begin.value_or(now);
  query.end = range.end;
  query.ascending = range.ascending.value_or(range.end && *range.end >= query.begin);
  const bool agree = !range.end || *range.end == query.begin || query.ascending == (*range.end > query.begin);
  if (!agree) return bad("ascending", "does not agree with begin and end");
  return std::nullopt;
}

}  // namespace

// ---- expressions ----

result<MailgunExpression> MailgunExpression::parse(std::string_view text, Match match) {
  MailgunExpression expression;
  expression.match_ = match;
  expression.any_of_.emplace_back();
  std::size_t terms = 0;
  bool negated = false, quoted = false;
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    if (text.empty()) break;
    if (text.front() == '-') {
      negated = true;
      text.remove_prefix(1);
      continue;
    }
    const auto word = take_word(text, quoted);
    if (!word) return invalid("has a quote without an end");
    if (!quoted && *word == "OR") {
      if (expression.any_of_.back().empty()) return invalid("has an OR with nothing before it");
      expression.any_of_.emplace_back();
    } else if (!quoted && *word == "NOT") {
      negated = true;
    } else if (quoted || *word != "AND") {
      if (!quoted && word->find_first_of("()<>") != std::string_view::npos)
        return invalid("may have words, \"phrases\", AND, OR, NOT and -, but no parentheses and comparisons");
      if (++terms > kMaxTerms) return invalid("may have at most " + std::to_string(kMaxTerms) + " words");
      expression.any_of_.back().push_back({lowered(*word), std::exchange(negated, false)});
    }
  }
  if (expression.any_of_.back().empty() || negated) return invalid("must not be empty, and not end in an operator");
  return expression;
}

bool MailgunExpression::fits(const std::vector<std::string>& values) const {
  return std::any_of(any_of_.begin(), any_of_.end(), [&](const std::vector<Term>& all_of) {
    return std::all_of(all_of.begin(), all_of.end(), [&](const Term& term) { return fits(term, values); });
  });
}

bool MailgunExpression::fits(const Term& term, const std::vector<std::string>& values) const {
  const bool found = std::any_of(values.begin(), values.end(), [&](const std::string& value) {
    const std::string text = lowered(value);
    return match_ == Match::whole ? text == term.text : text.find(term.text) != std::string::npos;
  });
  return found != term.negated;
}

// ---- places ----

MailgunPlace MailgunPlace::next() const {
  return recipient == std::numeric_limits<std::uint32_t>::max() ? MailgunPlace{seq + 1, 0}
                                                                : MailgunPlace{seq, recipient + 1};
}

MailgunPlace MailgunPlace::previous() const {
  if (recipient > 0) return {seq, recipient - 1};
  return seq == 0 ? *this : MailgunPlace{seq - 1, std::numeric_limits<std::uint32_t>::max()};
}

// ---- query and links ----

result<MailgunQuery> read_mailgun_query(Fields fields, Time now) {
  MailgunQuery query;
  Range range;
  for (const auto& [name, value] : fields)
    if (auto fault = take(query, range, name, value)) return std::move(*fault);
  if (auto fault = settle(query, range, now)) return std::move(*fault);
  query.fields = std::move(fields);
  return query;
}

std::string mailgun_link(const MailgunQuery& query, bool backwards, std::optional<MailgunPlace> place) {
  json::array fields;
  for (const auto& [name, value] : query.fields) fields.push_back(json::array{name, value});
  json::object link{{"q", std::move(fields)}, {"now", to_ms(query.begin)}, {"back", backwards}};
  if (place) {
    link["seq"] = static_cast<std::int64_t>(place->seq);
    link["recipient"] = place->recipient;
  }
  return base64url(json::serialize(link));
}

result<MailgunQuery> read_mailgun_link(std::string_view link) {
  const Fault bad_link = invalid("this page is none that an earlier answer linked to");
  std::string text(link);
  std::replace(text.begin(), text.end(), '-', '+');
  std::replace(text.begin(), text.end(), '_', '/');
  text.append((4 - text.size() % 4) % 4, '=');
  const auto octets = link.size() <= kMaxLink ? base64_decode(text) : std::nullopt;
  Faults faults;
  const auto document = octets ? parse_document(*octets, faults) : std::nullopt;
  if (!document) return bad_link;
  JsonFields members(*document, "", faults);
  Fields fields;
  for (const Placed& placed : members.array("q", 20)) {
    const auto* pair = placed.value->if_array();
    if (pair == nullptr || pair->size() != 2 || !(*pair)[0].is_string() || !(*pair)[1].is_string()) return bad_link;
    fields.emplace_back(std::string((*pair)[0].get_string()), std::string((*pair)[1].get_string()));
  }
  const auto now = members.number("now", 0, 253'402'300'799'999);
  const auto backwards = members.flag("back");
  const auto seq = members.number("seq", 0, kMaxNumber);
  const auto recipient = members.number("recipient", 0, std::numeric_limits<std::uint32_t>::max());
  if (!faults.empty() || !now || !backwards || seq.has_value() != recipient.has_value()) return bad_link;
  auto query = read_mailgun_query(std::move(fields), from_ms(*now));
  if (!query) return bad_link;
  query->backwards = *backwards;
  if (seq) query->place = MailgunPlace{static_cast<std::uint64_t>(*seq), static_cast<std::uint32_t>(*recipient)};
  return query;
}

}  // namespace postrider::mgmt
