// What GET /v3/{domain}/events asks for: a range of time and its direction, filters with Mailgun's expressions, and the place that the
// links of an earlier page name. docs/dialects/mailgun.md. Pure.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"
#include "core/time.h"

namespace postrider::mgmt {

// "foo bar", "foo AND bar", "foo OR bar", "\"foo bar\"", "foo -bar", "NOT foo". Letter case means nothing.
class MailgunExpression {
 public:
  enum class Match : std::uint8_t { whole, part };  // of a value

  static result<MailgunExpression> parse(std::string_view text, Match match);
  bool fits(const std::vector<std::string>& values) const;

 private:
  struct Term {
    std::string text;  // lower case
    bool negated = false;
  };
  bool fits(const Term& term, const std::vector<std::string>& values) const;

  std::vector<std::vector<Term>> any_of_;  // each: all of
  Match match_ = Match::whole;
};

// One recipient's share of one event; the order of the feed.
struct MailgunPlace {
  std::uint64_t seq = 0;
  std::uint32_t recipient = 0;  // index in the message
  // NOLINTNEXTLINE(modernize-use-nullptr): the zero is in the generated comparison
  auto operator<=>(const MailgunPlace&) const = default;

  MailgunPlace next() const;
  MailgunPlace previous() const;
};

enum class MailgunField : std::uint8_t { event, recipient, from, to, subject, message_id, tags, severity };

struct MailgunQuery {
  std::vector<std::pair<std::string, std::string>> fields;  // as given, for the links
  bool ascending = false;
  Time begin{};             // where the walk starts
  std::optional<Time> end;  // where it ends; none: it does not
  std::size_t limit = 100;
  std::vector<std::pair<MailgunField, MailgunExpression>> filters;

  bool backwards = false;             // against its direction: what a page's `previous` and `last` ask for
  std::optional<MailgunPlace> place;  // where to go on, exclusive; none: from the start, or the end when backwards

  // Towards newer events.
  bool upwards() const { return ascending != backwards; }
  std::optional<Time> oldest() const { return ascending ? std::optional<Time>(begin) : end; }
  std::optional<Time> newest() const { return ascending ? end : std::optional<Time>(begin); }
};

// `fields`: the query, decoded as a form is. The fault names the parameter.
result<MailgunQuery> read_mailgun_query(std::vector<std::pair<std::string, std::string>> fields, Time now);

// The last segment of a link, and back. A link says everything itself.
std::string mailgun_link(const MailgunQuery& query, bool backwards, std::optional<MailgunPlace> place);
result<MailgunQuery> read_mailgun_link(std::string_view link);

}  // namespace postrider::mgmt
