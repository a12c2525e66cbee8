// The body of one request as it arrives: unpacked, bounded, and paid for by the octet out of the server's room for bodies. A client
// that only announces a large body costs nothing; what finds no memory goes to a file, and what finds neither is told so at once; what
// grows too large when it is unpacked is never unpacked whole. Lives as long as its request, mgmt thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/optional/optional.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "mgmt/body_room.h"
#include "mgmt/gzip.h"

namespace postrider::mgmt {

enum class Coding : std::uint8_t { identity, gzip };

class RequestBody {
 public:
  static constexpr std::uint64_t kFree = 64 * 1024;  // of each body: small requests are answered whatever happens
  enum class Trouble : std::uint8_t { none, too_long, no_room, not_gzip };

  // `limit`: of what arrives, and of what that is unpacked.
  RequestBody(BodyRoom& room, std::uint64_t limit, Coding coding = Coding::identity);
  RequestBody(const RequestBody&) = delete;
  RequestBody& operator=(const RequestBody&) = delete;
  ~RequestBody() { drop(); }

  bool take(std::string_view octets);  // false: see trouble()
  bool finish();                       // false: its end is missing
  Trouble trouble() const { return trouble_; }
  std::uint64_t arrived() const { return arrived_; }  // octets on the wire
  // Once it is whole: waits until it can be held in memory. False: see trouble().
  boost::asio::awaitable<bool> fetch();
  // The octets, after fetch(); they stay paid for until drop(), or this goes.
  std::string release() { return std::move(octets_); }
  void drop();

 private:
  bool keep(std::string_view octets);
  bool keep_in_file(std::string_view octets);
  bool begin_file();
  std::uint64_t size() const { return file_ ? file_->size() : octets_.size(); }
  bool fail(Trouble trouble);

  BodyRoom& room_;
  Reservation paid_, paid_disk_;
  std::uint64_t limit_, arrived_ = 0;
  std::optional<Gunzip> gunzip_;
  std::string octets_;
  std::optional<BodyFile> file_;  // instead of octets_
  Trouble trouble_ = Trouble::none;
};

// The body type for Beast's parser: what it finds goes to the RequestBody that the message's body() names.
struct BodyArrival {
  struct value_type {
    RequestBody* target = nullptr;  // none yet where a message ends with its head
  };

  class reader {
   public:
    template <bool kRequest, class Fields>
    reader(boost::beast::http::header<kRequest, Fields>&, value_type& body) : body_(body) {}

    void init(const boost::optional<std::uint64_t>&, boost::system::error_code& error) { error = {}; }
    template <class Buffers>
    std::size_t put(const Buffers& buffers, boost::system::error_code& error) {
      error = {};
      std::size_t taken = 0;
      for (const auto buffer : boost::beast::buffers_range_ref(buffers)) {
        if (!body_.target->take({static_cast<const char*>(buffer.data()), buffer.size()})) {
          error = boost::beast::http::error::body_limit;
          break;
        }
        taken += buffer.size();
      }
      return taken;
    }
    void finish(boost::system::error_code& error) {
      error = {};
      if (body_.target != nullptr && !body_.target->finish()) error = boost::beast::http::error::partial_message;
    }

   private:
    value_type& body_;
  };
};

}  // namespace postrider::mgmt
