#include "mgmt/request_body.h"

#include <new>

namespace postrider::mgmt {

bool RequestBody::take(std::string_view octets) {
  if (trouble_ != Trouble::none) return false;
  const std::uint64_t size = octets_.size() + octets.size();
  if (size > limit_) {
    trouble_ = Trouble::too_long;
    return false;
  }
  if (!pay(size)) {
    trouble_ = Trouble::no_room;
    return false;
  }
  try {
    octets_.append(octets);
  } catch (const std::bad_alloc&) {
    trouble_ = Trouble::no_room;
    return false;
  }
  return true;
}

bool RequestBody::pay(std::uint64_t size) {
  const std::uint64_t owed = size > kFree ? size - kFree : 0;
  if (owed <= paid_.amount()) return true;
  if (paid_) return paid_.grow(owed - paid_.amount());
  auto reserved = memory_.reserve(owed);
  if (!reserved) return false;
  paid_ = std::move(*reserved);
  return true;
}

}  // namespace postrider::mgmt
