// The management API with the dialect of one mail vendor, and short looks at what became of a call.
#pragma once

#include <gtest/gtest.h>

#include "tests/unit/mgmt/dialect_server.h"

namespace postrider::mgmt::test {

class VendorServer : public DialectServer {
 public:
  explicit VendorServer(Add add) : DialectServer({add}) {}

  using DialectServer::post;
  Answer post(const std::string& path, const std::string& content_type, const std::string& body,
              const std::string& more_headers = {}) {
    return api.call_raw(
        "POST", path,
        std::string("Authorization: Bearer ") + kToken + "\r\nContent-Type: " + content_type + "\r\n" + more_headers,
        body);
  }
  boost::json::object only_message() {
    const boost::json::array all = messages();
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? boost::json::object() : all.front().as_object();
  }
  std::string octets_of(const boost::json::value& message) { return sent_octets(text_at(message.as_object(), "id")); }
};

// The texts of an array, with commas.
inline std::string texts_of(const boost::json::value& array) {
  std::string out;
  for (const boost::json::value& text : array.as_array()) {
    if (!out.empty()) out += ",";
    out += std::string(text.as_string());
  }
  return out;
}

// The addresses of a message's recipients, with commas.
inline std::string recipients_of(const boost::json::value& message) {
  std::string out;
  for (const boost::json::value& recipient : message.at("recipients").as_array()) {
    if (!out.empty()) out += ",";
    out += text_at(recipient.as_object(), "address");
  }
  return out;
}

inline bool has(const std::string& text, const std::string& what) {
  return text.find(what) != std::string::npos;
}

}  // namespace postrider::mgmt::test
