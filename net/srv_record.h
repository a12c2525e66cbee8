// SRV records (RFC 2782): the servers that a domain names for a service, and in which order they are to be asked. Pure values.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace postrider::net {

struct SrvRecord {
  std::string target;  // host name
  std::uint16_t port = 0;
  std::uint16_t priority = 0;  // lower first
  std::uint16_t weight = 0;    // share among those of equal priority
  bool operator==(const SrvRecord&) const = default;
};
using SrvRecords = std::vector<SrvRecord>;

// A number from 0 to `most`, both included.
using Dice = std::function<std::uint32_t(std::uint32_t most)>;

// By priority; within one, drawn by weight.
SrvRecords in_order(SrvRecords records, const Dice& dice);

}  // namespace postrider::net
