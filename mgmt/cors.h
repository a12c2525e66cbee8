// Which web pages may use the API from a browser (the CORS protocol of the Fetch standard, 3.2): those of the origins that
// [mgmt] cors_origins lists, none by default. Cookies play no part: a page shows its key as everybody does. One, on the mgmt thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mgmt/http.h"

namespace postrider::mgmt {

class Cors {
 public:
  explicit Cors(std::vector<std::string> origins = {}) : origins_(std::move(origins)) {}
  void use(std::vector<std::string> origins) { origins_ = std::move(origins); }

  // The answer to OPTIONS for a path that has the methods of `allow` ("GET, HEAD"): also to a browser that asks beforehand.
  Response options(const Request& request, const std::string& allow) const;
  // What lets a listed page read an answer, whatever it is.
  void add_to(const Request& request, Response& response) const;

 private:
  bool lists(std::string_view origin) const;

  std::vector<std::string> origins_;  // "https://app.example.com", lower case
};

}  // namespace postrider::mgmt
