// A notice as GMime 3 reads it: what the tests of notices hold against the RFCs is another program's reading of our octets.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace postrider::relay {

using ReadFields = std::multimap<std::string, std::string>;  // unfolded; values in UTF-8

struct ReadPart {
  std::string type;  // "text/plain"
  std::string description, charset, encoding;
  std::string content;  // decoded; of a message part: nothing, see `message`
  ReadFields message;   // header of a message/rfc822 or message/global part
};

struct ReadNotice {
  ReadFields header;
  std::string type, report_type, boundary, encoding;
  std::vector<ReadPart> parts;
  std::vector<ReadFields> report;  // of message/delivery-status: per message, then per recipient
  std::string field(const std::string& name) const { return one(header, name); }
  static std::string one(const ReadFields& fields, const std::string& name);  // "(none)", "(n of them)"
};

ReadNotice read_notice(const std::string& octets);

}  // namespace postrider::relay
