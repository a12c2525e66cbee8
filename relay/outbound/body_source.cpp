#include "relay/outbound/body_source.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "net/await.h"

namespace postrider::relay {

namespace {

using Chunk = std::shared_ptr<const std::string>;

class SpoolOrMemory final : public BodySource {
 public:
  SpoolOrMemory(storage::Store& store, net::Loop& loop, const MessageRecord& record, Body memory,
                std::uint32_t first_in_memory)
      : store_(store),
        loop_(loop),
        id_(record.id),
        chunks_(record.body_chunks),
        memory_(std::move(memory)),
        first_in_memory_(std::min(first_in_memory, record.body_chunks)) {}

  boost::asio::awaitable<result<Chunk>> next() override {
    if (index_ >= chunks_) co_return Chunk();
    if (index_ >= first_in_memory_) {
      const std::size_t place = index_ - first_in_memory_;
      if (place >= memory_.chunks.size()) co_return Fault{FaultKind::damaged, "the body in memory is incomplete"};
      ++index_;
      co_return memory_.chunks[place];
    }
    if (taken_ == window_.size()) {
      result<std::vector<Chunk>> read = co_await read_window();
      if (!read) co_return read.error();
      window_ = std::move(*read);
      taken_ = 0;
      if (window_.empty()) co_return Fault{FaultKind::damaged, "the spool has fewer body chunks than its record says"};
    }
    ++index_;
    co_return std::move(window_[taken_++]);
  }

 private:
  boost::asio::awaitable<result<std::vector<Chunk>>> read_window() {
    const storage::BodyQuery query{id_, index_, std::min(kBodyWindow, first_in_memory_ - index_)};
    auto start = [this, query](Done<std::vector<Chunk>> done) { store_.read_body(query, std::move(done)); };
    return net::await_done<std::vector<Chunk>>(loop_, start);
  }

  storage::Store& store_;
  net::Loop& loop_;
  const MessageId id_;
  const std::uint32_t chunks_;
  const Body memory_;
  const std::uint32_t first_in_memory_;
  std::uint32_t index_ = 0;  // of the next chunk
  std::vector<Chunk> window_;
  std::size_t taken_ = 0;  // of the window
};

}  // namespace

std::unique_ptr<BodySource> make_body_source(storage::Store& store, net::Loop& loop, const MessageRecord& record,
                                             Body memory, std::uint32_t first_in_memory) {
  return std::make_unique<SpoolOrMemory>(store, loop, record, std::move(memory), first_in_memory);
}

}  // namespace postrider::relay
