#include "mgmt/message_access.h"

#include "net/await.h"

namespace postrider::mgmt {

boost::asio::awaitable<result<MessageRecord>> find_message(Mailbox& home, storage::Store& store, const std::string& id,
                                                           const Principal& principal) {
  const Fault absent{FaultKind::not_found, "there is no message '" + id + "'"};
  const auto parsed = MessageId::parse(id);
  if (!parsed) co_return absent;
  auto start = [&](Done<MessageRecord> done) { store.find(*parsed, std::move(done)); };
  auto found = co_await net::await_done<MessageRecord>(home, start);
  if (found && !may_see(principal, *found)) co_return absent;
  if (!found && found.error().kind == FaultKind::not_found) co_return absent;
  co_return found;
}

bool may_see(const Principal& principal, const MessageRecord& message) {
  return principal.everyone || principal.tenant == message.envelope.tenant;
}

std::optional<std::string> confined_to(const Principal& principal) {
  if (principal.everyone) return std::nullopt;
  return principal.tenant;
}

}  // namespace postrider::mgmt
