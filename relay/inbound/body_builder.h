// The body of one message while it arrives, cut into chunks of storage::kChunkPayload. Full chunks stay in memory while the shared
// budget lasts; when it is short they are staged in the spool under the message's id and none is kept. The chunk being filled
// is not counted: a connection may always hold that one, so that no set of messages can wait for each other. One per intake.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/budget.h"
#include "core/message.h"
#include "core/result.h"
#include "net/loop.h"
#include "storage/store.h"

namespace postrider::relay {

class BodyBuilder {
 public:
  // `expected`: octets that will come, if known; a hint for the first allocation.
  BodyBuilder(net::Loop& loop, storage::Store& store, Budget& memory, std::size_t memory_chunks, MessageId id,
              std::uint64_t expected);
  ~BodyBuilder();  // unstages, unless taken
  BodyBuilder(const BodyBuilder&) = delete;
  BodyBuilder& operator=(const BodyBuilder&) = delete;

  // Takes octets until one more would need a chunk to be staged; returns how many. Less than given: call make_room().
  std::size_t append(std::string_view octets);
  // Stages what must not stay in memory. The fault (full, unavailable) is final.
  boost::asio::awaitable<result<Nothing>> make_room();

  // The end: what is in memory, and how many chunks are staged before it. Nothing can be appended after.
  Body take();
  void forget();  // after a fault: frees memory and staged chunks; append() then swallows

  std::uint32_t staged() const { return staged_; }
  std::uint64_t size() const { return size_; }

 private:
  struct Chunk {  // gives its share of the budget back when the last reader drops it
    std::string octets;
    Reservation share;
  };
  bool seal();  // the current chunk is full; false: memory is short
  bool short_of_memory() const;

  net::Loop& loop_;
  storage::Store& store_;
  Budget& memory_;
  const std::size_t memory_chunks_;
  const MessageId id_;
  std::shared_ptr<Chunk> current_;
  std::vector<std::shared_ptr<const std::string>> kept_;
  std::uint32_t staged_ = 0;
  std::uint64_t size_ = 0;
  std::uint64_t expected_;
  bool staging_ = false;  // this message goes to the spool chunk by chunk from now on
  bool over_ = false;     // taken or forgotten
};

}  // namespace postrider::relay
