// Finds the header section of a message (RFC 5322 2.2) while its octets arrive, and its fields with their raw
// octets. It keeps the section, judges no content, changes nothing: the editor in relay/inbound does. One per
// message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace postrider::smtp {

enum class FieldKind : std::uint8_t {
  other,
  received,
  date,
  message_id,
  from,
  subject,
  idempotency_key,
  dropped,       // Bcc, Resent-Bcc, Return-Path, Content-Length: never sent on (promise 8)
  steering,      // X-Postrider-*: never sent on either, whoever wrote it
  mailbox_line,  // "From name date" as mailboxes have it, first line only; not a field, has no name
};
FieldKind classify_field(std::string_view name);  // any letter case

struct HeaderField {
  std::string_view name;  // as written, without colon and blanks before it
  std::string_view raw;   // the whole field: name, colon, folded lines, final CRLF (but for a message cut off in it)
  FieldKind kind = FieldKind::other;

  std::string_view value() const;  // after the colon, without surrounding white space; folding still in it
};

class HeaderScanner {
 public:
  explicit HeaderScanner(std::size_t max_size) : max_size_(max_size) {}

  enum class Status : std::uint8_t { need_more, complete, too_big };
  struct Step {
    Status status = Status::need_more;
    std::size_t consumed = 0;  // the rest of the input is body
  };
  // Octets with CRLF lines. Consumes everything until the section is complete. A line that can be no field
  // ends the section like an empty one does, but belongs to the body (then separator() is false, and
  // body_prefix() holds what was read of it).
  Step feed(std::string_view octets);
  Step finish();  // the message ended: what there is, is the header

  // In order; valid while the scanner lives and is not moved.
  std::span<const HeaderField> fields() const { return fields_; }
  std::string_view section() const { return std::string_view(text_).substr(0, end_); }  // without the empty line
  bool separator() const { return separator_; }                                         // an empty line followed
  std::string_view body_prefix() const { return std::string_view(text_).substr(body_); }

 private:
  bool take_line();
  bool partial_line_is_text(std::string_view more) const;
  void close(std::size_t end, std::size_t body, bool separator);

  std::size_t max_size_;
  std::string text_;
  std::size_t line_ = 0;  // start of the line under way
  std::size_t end_ = 0;   // of the section
  std::size_t body_ = 0;  // start of what belongs to the body
  bool separator_ = false;
  bool closed_ = false;
  std::vector<std::size_t> starts_;  // of the fields
  std::vector<HeaderField> fields_;
};

}  // namespace postrider::smtp
