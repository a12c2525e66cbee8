// What the dialects of the services that Postrider takes over from have in common: reading people and texts that must be there, and
// sending a letter alone. mgmt thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/id.h"
#include "mgmt/dialects/dialect.h"
#include "mgmt/json_fields.h"
#include "mgmt/letter.h"
#include "mgmt/problem.h"

namespace postrider::mgmt {

inline constexpr std::size_t kMaxText = 50u << 20;  // octets; bounded by the request that holds it anyway

enum class Empty : std::uint8_t { allowed, refused };
// A fault when it is absent or null, too.
std::string required_text(JsonFields& fields, std::string_view name, std::size_t max_octets,
                          Empty empty = Empty::allowed);
// "user@example.com", "Name <user@example.com>" or {"email", "name"}; a fault when there is none, or several.
Party required_party(JsonFields& fields, std::string_view name, Faults& faults);
Party party_or_fault(const Placed& placed, Faults& faults);
// None, one or several: an array of them, or a text with commas between.
std::vector<Party> parties(JsonFields& fields, std::string_view name, Faults& faults);

// The message, durable, or why there is none. `faults`: of reading the request; any of them refuses it.
boost::asio::awaitable<std::variant<MessageId, Refusal>> send_letter(const DialectParts& parts, const Request& request,
                                                                     Letter letter, Faults faults);

}  // namespace postrider::mgmt
