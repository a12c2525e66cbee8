#include "mgmt/request_body.h"

#include <new>

namespace postrider::mgmt {

namespace {

std::uint64_t cost_of(std::uint64_t size) {
  return size > RequestBody::kFree ? size - RequestBody::kFree : 0;
}

}  // namespace

RequestBody::RequestBody(BodyRoom& room, std::uint64_t limit, Coding coding) : room_(room), limit_(limit) {
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
  file_.reset();
  paid_disk_.release();
  if (!paid_) return;
  paid_.release();
  room_.freed();
}

bool RequestBody::keep(std::string_view octets) {
  const std::uint64_t grown = size() + octets.size();
  if (grown > limit_) return fail(Trouble::too_long);
  if (file_) return keep_in_file(octets);
  if (!room_.pay(paid_, cost_of(grown))) return begin_file() && keep_in_file(octets);
  try {
    octets_.append(octets);
  } catch (const std::bad_alloc&) {
    return begin_file() && keep_in_file(octets);
  }
  return true;
}

bool RequestBody::begin_file() {
  auto made = room_.make_file();
  if (!made) return fail(Trouble::no_room);
  file_.emplace(std::move(*made));
  std::string so_far = std::move(octets_);
  octets_.clear();
  const bool kept = keep_in_file(so_far);
  paid_.release();
  room_.freed();
  return kept;
}

bool RequestBody::keep_in_file(std::string_view octets) {
  const bool paid = room_.pay_disk(paid_disk_, file_->size() + octets.size());
  return (paid && file_->append(octets)) || fail(Trouble::no_room);
}

boost::asio::awaitable<bool> RequestBody::fetch() {
  if (!file_) co_return true;
  auto room = co_await room_.wait_for(cost_of(file_->size()));
  if (!room) co_return fail(Trouble::no_room);
  paid_ = std::move(*room);
  auto octets = file_->read();
  if (!octets) co_return fail(Trouble::no_room);
  octets_ = std::move(*octets);
  file_.reset();
  paid_disk_.release();
  co_return true;
}

bool RequestBody::fail(Trouble trouble) {
  trouble_ = trouble;
  return false;
}

}  // namespace postrider::mgmt
