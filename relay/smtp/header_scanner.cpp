#include "relay/smtp/header_scanner.h"

#include <algorithm>

#include "relay/smtp/ascii.h"

namespace postrider::smtp {
namespace {

constexpr std::size_t kMaxFieldName = 998;  // a line's limit (RFC 5322 2.1.1): a longer "name" is text
// Room taken at once; more as it comes.
constexpr std::size_t kUsualSection = 1024;
constexpr std::size_t kUsualFields = 16;

struct KnownField {
  std::string_view name;
  FieldKind kind;
};
constexpr KnownField kKnown[] = {
    {"Received", FieldKind::received},     {"Date", FieldKind::date},
    {"Message-ID", FieldKind::message_id}, {"From", FieldKind::from},
    {"Subject", FieldKind::subject},       {"X-Idempotency-Key", FieldKind::idempotency_key},
    {"Bcc", FieldKind::dropped},           {"Resent-Bcc", FieldKind::dropped},
    {"Return-Path", FieldKind::dropped},   {"Content-Length", FieldKind::dropped},
};

// The field name at the front of a line, or empty when the line can start no field (RFC 5322 2.2; blanks
// before the colon are obsolete syntax, 4.5, and still seen).
std::string_view field_name(std::string_view line) {
  line = line.substr(0, kMaxFieldName + 1);
  std::size_t end = 0;
  while (end < line.size() && line[end] > ' ' && line[end] < 0x7f && line[end] != ':') ++end;
  std::size_t colon = end;
  while (colon < line.size() && is_blank(line[colon])) ++colon;
  return colon < line.size() && line[colon] == ':' ? line.substr(0, end) : std::string_view();
}

bool is_mailbox_line(std::string_view line) {
  while (!line.empty() && line.front() == '>') line.remove_prefix(1);
  return line.substr(0, 5) == "From ";
}

}  // namespace

FieldKind classify_field(std::string_view name) {
  for (const KnownField& known : kKnown) {
    if (iequals(known.name, name)) return known.kind;
  }
  return istarts_with(name, "X-Postrider-") ? FieldKind::steering : FieldKind::other;
}

std::string_view HeaderField::value() const {
  const std::size_t colon = raw.find(':');
  if (colon == std::string_view::npos) return {};
  std::string_view text = raw.substr(colon + 1);
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

HeaderScanner::Step HeaderScanner::feed(std::string_view octets) {
  std::size_t consumed = 0;
  if (text_.empty()) {
    text_.reserve(std::min(kUsualSection, max_size_));
    starts_.reserve(kUsualFields);
  }
  while (consumed < octets.size()) {
    const std::string_view rest = octets.substr(consumed);
    const std::size_t end = rest.find('\n');
    const std::string_view piece = rest.substr(0, end == std::string_view::npos ? end : end + 1);
    if (text_.size() + piece.size() > max_size_) {
      if (!partial_line_is_text(piece)) return {Status::too_big, consumed};
      close(line_, line_, false);
      return {Status::complete, consumed};
    }
    text_.append(piece);
    consumed += piece.size();
    if (end != std::string_view::npos ? take_line() : partial_line_is_text({})) {
      if (!closed_) close(line_, line_, false);
      return {Status::complete, consumed};
    }
  }
  return {Status::need_more, consumed};
}

// text_ ends with a whole line that starts at line_. True when it ends the header section.
bool HeaderScanner::take_line() {
  const std::string_view line = std::string_view(text_).substr(line_);
  if (line == "\r\n" || line == "\n") {
    close(line_, text_.size(), true);
    return true;
  }
  const bool folded = is_blank(line.front()) && !starts_.empty();
  const bool mailbox = line_ == 0 && is_mailbox_line(line);
  if (!folded) {
    if (!mailbox && field_name(line).empty()) return true;
    starts_.push_back(line_);
  }
  line_ = text_.size();
  return false;
}

// Whether an unfinished line can already be told to start no field, so that a huge first line of text is not
// kept.
bool HeaderScanner::partial_line_is_text(std::string_view more) const {
  const std::string_view line = std::string_view(text_).substr(line_);
  if (line.size() + more.size() <= kMaxFieldName) return false;
  std::string head(line.substr(0, kMaxFieldName + 1));
  head += more.substr(0, kMaxFieldName + 1 - head.size());
  const bool folded = is_blank(head.front()) && !starts_.empty();
  const bool mailbox = line_ == 0 && is_mailbox_line(head);
  return !folded && !mailbox && field_name(head).empty();
}

HeaderScanner::Step HeaderScanner::finish() {
  if (!closed_) {
    const std::string_view line = std::string_view(text_).substr(line_);
    const bool field = !line.empty() && ((is_blank(line.front()) && !starts_.empty()) || !field_name(line).empty());
    if (field && !is_blank(line.front())) starts_.push_back(line_);
    const std::size_t end = field ? text_.size() : line_;
    close(end, end, false);
  }
  return {Status::complete, 0};
}

void HeaderScanner::close(std::size_t end, std::size_t body, bool separator) {
  closed_ = true;
  end_ = end;
  body_ = body;
  separator_ = separator;
  fields_.reserve(starts_.size());
  const std::string_view text = text_;
  for (std::size_t i = 0; i < starts_.size(); ++i) {
    const std::size_t stop = i + 1 < starts_.size() ? starts_[i + 1] : end_;
    HeaderField field;
    field.raw = text.substr(starts_[i], stop - starts_[i]);
    if (starts_[i] == 0 && is_mailbox_line(field.raw)) {
      field.kind = FieldKind::mailbox_line;
    } else {
      field.name = field_name(field.raw);
      field.kind = classify_field(field.name);
    }
    fields_.push_back(field);
  }
}

}  // namespace postrider::smtp
