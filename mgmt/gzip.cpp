#include "mgmt/gzip.h"

#include <zlib.h>

#include <array>
#include <new>

namespace postrider::mgmt {

namespace {

constexpr int kGzipOnly = 16 + MAX_WBITS;  // neither zlib's own format nor raw deflate
constexpr int kDefaultMemory = 8;

Bytef* octets_of(const char* text) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(text));  // zlib reads only
}

}  // namespace

std::string gzip(std::string_view octets) {
  z_stream stream{};
  // JSON shrinks to a tenth at the lowest level already; more costs time that other requests wait for.
  if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kGzipOnly, kDefaultMemory, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::bad_alloc();
  const std::unique_ptr<z_stream, int (*)(z_stream*)> ends(&stream, deflateEnd);
  std::string out(deflateBound(&stream, static_cast<uLong>(octets.size())), '\0');
  stream.next_in = octets_of(octets.data());
  stream.avail_in = static_cast<uInt>(octets.size());
  stream.next_out = octets_of(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) throw std::bad_alloc();
  out.resize(stream.total_out);
  return out;
}

struct Gunzip::State {
  z_stream stream{};
  std::array<char, kPiece> piece{};
};

Gunzip::Gunzip() : state_(std::make_unique<State>()) {
  if (inflateInit2(&state_->stream, kGzipOnly) != Z_OK) throw std::bad_alloc();
}

Gunzip::~Gunzip() {
  inflateEnd(&state_->stream);
}

bool Gunzip::take(std::string_view octets, const Sink& sink) {
  z_stream& stream = state_->stream;
  stream.next_in = octets_of(octets.data());
  stream.avail_in = static_cast<uInt>(octets.size());
  bool more_inside = true;  // zlib may hold output back when the piece was full
  while (stream.avail_in > 0 || more_inside) {
    if (ended_) {
      if (stream.avail_in == 0) return true;
      inflateReset(&stream);
      ended_ = false;
    }
    stream.next_out = octets_of(state_->piece.data());
    stream.avail_out = static_cast<uInt>(kPiece);
    const int status = inflate(&stream, Z_NO_FLUSH);
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) return false;
    ended_ = status == Z_STREAM_END;
    const std::size_t made = kPiece - stream.avail_out;
    if (made > 0 && !sink({state_->piece.data(), made})) return false;
    more_inside = stream.avail_out == 0;
    if (status == Z_BUF_ERROR && made == 0) return stream.avail_in == 0;
  }
  return true;
}

}  // namespace postrider::mgmt
