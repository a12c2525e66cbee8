#include "relay/inbound/body_builder.h"

#include <algorithm>

#include "net/await.h"

namespace postrider::relay {
namespace {

using storage::kChunkPayload;

// First 8 KB (most messages), then 16 KB, then a whole chunk: a message of unknown size is copied twice at most.
constexpr std::size_t kFirstCapacity = 8 * 1024, kSecondCapacity = 16 * 1024;
constexpr std::size_t kRoomForTrace = 1024;  // what the header editor adds to the size the client announced

std::size_t next_capacity(std::size_t needed) {
  if (needed <= kFirstCapacity) return kFirstCapacity;
  return needed <= kSecondCapacity ? kSecondCapacity : kChunkPayload;
}

}  // namespace

BodyBuilder::BodyBuilder(net::Loop& loop, storage::Store& store, Budget& memory, std::size_t memory_chunks,
                         MessageId id, std::uint64_t expected)
    : loop_(loop), store_(store), memory_(memory), memory_chunks_(memory_chunks), id_(id), expected_(expected) {}

BodyBuilder::~BodyBuilder() {
  forget();
}

std::size_t BodyBuilder::append(std::string_view octets) {
  if (over_) return octets.size();
  std::size_t taken = 0;
  while (taken < octets.size()) {
    if (current_ && current_->octets.size() == kChunkPayload && !seal()) break;
    if (!current_) {
      current_ = std::make_shared<Chunk>();
      std::uint64_t hint = expected_ > size_ ? expected_ - size_ + kRoomForTrace : 0;
      current_->octets.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(hint, kChunkPayload)));
    }
    std::string& chunk = current_->octets;
    std::size_t n = std::min(octets.size() - taken, kChunkPayload - chunk.size());
    if (chunk.size() + n > chunk.capacity()) chunk.reserve(next_capacity(chunk.size() + n));
    chunk.append(octets.substr(taken, n));
    taken += n;
    size_ += n;
  }
  return taken;
}

boost::asio::awaitable<result<Nothing>> BodyBuilder::make_room() {
  std::vector<std::shared_ptr<const std::string>> full = std::exchange(kept_, {});
  if (current_) full.emplace_back(current_, &current_->octets);
  current_.reset();
  for (auto& octets : full) {
    storage::StagedChunk chunk{id_, staged_, std::move(octets)};
    auto start = [this, &chunk](Done<Nothing> done) { store_.stage(std::move(chunk), std::move(done)); };
    ++staged_;  // before the answer: whatever it is, there may be something to unstage
    result<Nothing> done = co_await net::await_done<Nothing>(loop_, start);
    if (!done) co_return done.error();
  }
  co_return Nothing{};
}

Body BodyBuilder::take() {
  over_ = true;
  if (current_ && !current_->octets.empty()) {
    if (auto share = memory_.reserve(current_->octets.size())) current_->share = std::move(*share);
    kept_.emplace_back(current_, &current_->octets);
  }
  current_.reset();
  Body body;
  body.chunks = std::exchange(kept_, {});
  for (const auto& chunk : body.chunks) body.size += chunk->size();
  return body;
}

void BodyBuilder::forget() {
  if (std::exchange(over_, true)) return;
  kept_.clear();
  current_.reset();
  if (staged_ > 0) store_.unstage(id_);
}

bool BodyBuilder::seal() {
  staging_ = staging_ || (kept_.size() >= memory_chunks_ && short_of_memory());
  if (!staging_) {
    if (auto share = memory_.reserve(current_->octets.size())) {
      current_->share = std::move(*share);
      kept_.emplace_back(current_, &current_->octets);
      current_.reset();
      return true;
    }
    staging_ = true;
  }
  return false;
}

// Half used already: long messages go to the spool now, so that the many short ones keep their fast way.
bool BodyBuilder::short_of_memory() const {
  return memory_.used() > memory_.limit() / 2;
}

}  // namespace postrider::relay
