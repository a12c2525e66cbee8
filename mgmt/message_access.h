// One message for whom may see it: what belongs to another tenant is answered as if it were not there. mgmt thread.
#pragma once

#include <optional>
#include <string>

#include "mgmt/http.h"
#include "storage/store.h"

namespace postrider::mgmt {

// Faults: not_found, and what Store::find has.
boost::asio::awaitable<result<MessageRecord>> find_message(Mailbox& home, storage::Store& store, const std::string& id,
                                                           const Principal& principal);
bool may_see(const Principal& principal, const MessageRecord& message);
// Whose messages these are when they are not everybody's; nothing for who sees and steers all.
std::optional<std::string> confined_to(const Principal& principal);

}  // namespace postrider::mgmt
