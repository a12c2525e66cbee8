#include "relay/inbound/connection_counts.h"

#include <functional>
#include <string_view>

#include "core/id.h"

namespace postrider::relay {
namespace {

std::optional<ConnectionCounts::Ticket> take(ConnectionCounts::Counter& counter, std::uint32_t limit) {
  ConnectionCounts::Ticket ticket(counter);
  std::uint32_t before = counter.fetch_add(1, std::memory_order_relaxed);
  if (limit != 0 && before >= limit) return std::nullopt;
  return std::optional<ConnectionCounts::Ticket>(std::move(ticket));
}

}  // namespace

ConnectionCounts::ConnectionCounts()
    : key_(random_seed()), by_address_(std::make_unique<std::array<Counter, kCounters>>()) {}

std::optional<ConnectionCounts::Ticket> ConnectionCounts::enter(std::uint32_t limit) {
  return take(total_, limit);
}

std::optional<ConnectionCounts::Ticket> ConnectionCounts::enter(const IpAddress& address, std::uint32_t limit) {
  if (limit == 0) return Ticket();
  // Of an IPv6 client the network counts: it has 2^64 addresses to itself.
  std::string_view octets(reinterpret_cast<const char*>(address.octets.data()), address.v6 ? 8 : 4);
  std::uint64_t hash = (std::hash<std::string_view>{}(octets) ^ key_) * 0x9e3779b97f4a7c15ull;
  return take((*by_address_)[hash >> 48], limit);
}

}  // namespace postrider::relay
