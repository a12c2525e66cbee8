#include "cmd/sendmail_addresses.h"

#include <string>

#include "cmd/output.h"

namespace postrider::cmd {

namespace {

constexpr std::size_t kMaxQuotedPlace = 60;  // octets of a text that a fault shows

// Walks over one list. Each element is gathered twice: `text_` is what stands between two separators without comments and blanks,
// `angle_` what stands in angle brackets, if any do.
class Reader {
 public:
  Reader(std::string_view text, std::vector<Address>& out) : text_(text), out_(out) {}

  result<Nothing> read() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      const bool known = c == '('   ? skip_comment()
                         : c == '"' ? take_quoted()
                         : c == '[' ? take_literal()
                                    : take_special(c);
      if (!known) return wrong(fault_);
    }
    if (in_angle_) return wrong("an angle bracket does not end");
    if (!end_element()) return wrong(fault_);
    return Nothing();
  }

 private:
  bool skip_comment() {  // nested (RFC 5322 3.2.2)
    int depth = 0;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\\') {
        ++at_;
      } else if (text_[at_] == '(') {
        ++depth;
      } else if (text_[at_] == ')' && --depth == 0) {
        ++at_;
        gap_ = true;
        return true;
      }
    }
    return fail("a comment does not end");
  }

  bool take_quoted() {
    const std::size_t from = at_++;
    while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
    if (at_ >= text_.size()) return fail("a quoted string does not end");
    ++at_;
    return take_word(text_.substr(from, at_ - from));
  }

  bool take_literal() {
    const std::size_t end = text_.find(']', at_);
    if (end == std::string_view::npos) return fail("an address literal does not end");
    const std::string_view word = text_.substr(at_, end + 1 - at_);
    at_ = end + 1;
    return take_word(word);
  }

  bool take_special(char c) {
    ++at_;
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
      gap_ = true;
      return true;
    }
    if (in_angle_) return take_in_angle(c);
    switch (c) {
      case '<':
        if (has_angle_) return fail("there are two angle brackets");
        in_angle_ = has_angle_ = true;
        gap_ = false;
        return true;
      case ',':
        return end_element();
      case ';':
        in_group_ = false;
        return end_element();
      case ':':
        if (in_group_ || has_angle_) return fail("a colon stands where none may");
        in_group_ = true;
        clear();
        return true;
      default:
        return take_word(text_.substr(at_ - 1, 1));
    }
  }

  bool take_in_angle(char c) {
    if (c == '>') {
      in_angle_ = gap_ = false;
      return true;
    }
    if (c == ':') {  // "<@relay.example,@other.example:user@example.com>" (RFC 5322 4.4): the route is dropped
      if (angle_.empty() || angle_.front() != '@') return fail("a colon stands where none may");
      angle_.clear();
      return true;
    }
    return take_word(text_.substr(at_ - 1, 1));
  }

  // Blanks inside an address are allowed round dots and the @ only (4.4). Two words beside each other are a name; without an address
  // in angle brackets behind it, nobody knows who is meant.
  bool take_word(std::string_view word) {
    std::string& element = in_angle_ ? angle_ : plain_;
    const bool joins = element.empty() || joint(element.back()) || joint(word.front());
    if (gap_ && !joins) (in_angle_ ? split_angle_ : split_plain_) = true;
    gap_ = false;
    element += word;
    return true;
  }

  bool end_element() {
    const bool named = !plain_.empty();
    if (has_angle_) {
      if (split_angle_) return fail("blanks stand within an address");
      if (!add(angle_)) return false;
    } else if (named) {
      if (split_plain_) return fail("a name stands without an address");
      if (!add(plain_)) return false;
    }
    clear();
    return true;
  }

  bool add(const std::string& text) {
    auto address = parse_address(text);
    if (!address) return fail(address.error().text);
    if (address->is_null()) return fail("the address is empty");
    out_.push_back(std::move(*address));
    return true;
  }

  void clear() {
    plain_.clear();
    angle_.clear();
    has_angle_ = split_plain_ = split_angle_ = gap_ = false;
  }

  static bool joint(char c) { return c == '.' || c == '@' || c == ','; }

  bool fail(std::string why) {
    fault_ = std::move(why);
    return false;
  }

  Fault wrong(const std::string& why) const {
    std::string_view shown = text_;
    if (shown.size() > kMaxQuotedPlace) {
      const std::size_t from = at_ > kMaxQuotedPlace ? at_ - kMaxQuotedPlace : 0;
      shown = text_.substr(from, kMaxQuotedPlace);
    }
    return invalid("not a list of addresses: \"" + printable(shown) + "\": " + why);
  }

  const std::string_view text_;
  std::vector<Address>& out_;
  std::size_t at_ = 0;
  std::string plain_, angle_;  // of the element under way
  bool in_angle_ = false, has_angle_ = false, in_group_ = false;
  bool gap_ = false;                                // blanks or a comment were just skipped
  bool split_plain_ = false, split_angle_ = false;  // there was a gap where an address has none
  std::string fault_;
};

}  // namespace

result<Nothing> parse_address_list(std::string_view text, std::vector<Address>& out) {
  return Reader(text, out).read();
}

}  // namespace postrider::cmd
