// An SMTP reply (RFC 5321 4.2) with its enhanced code (RFC 2034, 3463), as a value: handlers return it, one place in
// the session writes it. Also what the client side reads.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace postrider {

enum class Then : unsigned char { proceed, close };  // what the session does after writing it

struct Reply {
  int code = 0;
  std::string enhanced;            // "2.1.0", or empty where RFC 2034 forbids it (greeting, EHLO, 3xx)
  std::vector<std::string> lines;  // text of each line, without code and without CRLF; at least one
  Then then = Then::proceed;

  Reply() = default;
  Reply(int c, std::string_view e, std::string_view text, Then t = Then::proceed) : code(c), enhanced(e), then(t) {
    lines.emplace_back(text);
  }

  bool positive() const { return code >= 200 && code < 400; }
  bool transient() const { return code >= 400 && code < 500; }
  bool permanent() const { return code >= 500 && code < 600; }
  void append_wire(std::string& out) const;  // every line with code, '-' or ' ', enhanced code and CRLF
  std::string wire() const;
  std::string text() const;  // lines joined by a blank, for records
};

}  // namespace postrider
