// What may be on the suppression list, and what it says of a recipient: pure, shared by the stores.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "core/outcome.h"
#include "core/result.h"
#include "storage/store.h"

namespace postrider::storage {

// Asks the list for the entry of a mailbox_key; an empty function stands for an empty list, which costs nothing.
using FindSuppression = std::function<std::optional<Suppression>(const std::string& key)>;

inline constexpr std::uint64_t kSuppressionRoom =
    1024;  // octets asked for a new entry: its texts, and a share of its page

// The entry as it is kept, under its address: that is a mailbox_key, its texts are printable and bounded. Faults: invalid.
result<Suppression> check_suppression(Suppression entry);
// The key under which an entry is looked for; an address that can have none is not_found.
result<std::string> suppression_key(const std::string& address);
Fault no_suppression(const std::string& address);
// Where a page of the list begins: behind this key.
std::string behind(const std::string& after);

// Stands for an entry whose value cannot be read: its key says whom it keeps mail from, and that goes on.
Suppression unreadable_suppression(std::string key);

// Why a recipient gets no mail.
Reason suppressed_because(const Suppression& entry);

}  // namespace postrider::storage
