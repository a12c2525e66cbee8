// Answers of the name servers, good and bad, kept until their time is over. Bounded. Owned by the Resolver, which guards it by
// its mutex; time is the caller's.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "net/srv_record.h"

namespace postrider::net {

using Addresses = std::vector<boost::asio::ip::address>;

// What a name has: addresses, or the servers of a service; never none of both.
struct NameData {
  Addresses addresses;
  SrvRecords services;
};

class NameCache {
 public:
  explicit NameCache(std::size_t max_entries) : max_entries_(max_entries) {}

  std::optional<result<NameData>> find(const std::string& name, Duration now) const;
  void put(const std::string& name, const result<NameData>& answer, Duration expires, Duration now);
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    result<NameData> answer;
    Duration expires;
  };
  void make_room(Duration now);

  std::size_t max_entries_;
  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace postrider::net
