#include "mgmt/request_body.h"

#include <new>

namespace postrider::mgmt {

RequestBody::RequestBody(Budget& memory, std::uint64_t limit, Coding coding) : memory_(memory), limit_(limit) {
  if (coding == Coding::gzip) gunzip_.emplace();
}

bool RequestBody::take(std::string_view octets) {
  if (trouble_ != Trouble::none) return false;
  arrived_ += octets.size();
  if (arrived_ > limit_) return fail(Trouble::too_long);  // also of what unpacks to nothing
  if (!gunzip_) return keep(octets);
  const bool taken = gunzip_->take(octets, [this](std::string_view piece) { return keep(piece); });
  return taken || trouble_ != Trouble::none ? taken : fail(Trouble::not_gzip);
}

bool RequestBody::finish() {
  if (trouble_ != Trouble::none) return false;
  return !gunzip_ || gunzip_->complete() || fail(Trouble::not_gzip);
}

void RequestBody::drop() {
  std::string().swap(octets_);
  paid_.release();
}

bool RequestBody::keep(std::string_view octets) {
  const std::uint64_t size = octets_.size() + octets.size();
  if (size > limit_) return fail(Trouble::too_long);
  if (!pay(size)) return fail(Trouble::no_room);
  try {
    octets_.append(octets);
  } catch (const std::bad_alloc&) {
    return fail(Trouble::no_room);
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

bool RequestBody::fail(Trouble trouble) {
  trouble_ = trouble;
  return false;
}

}  // namespace postrider::mgmt
