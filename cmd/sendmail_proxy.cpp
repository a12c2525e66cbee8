#include "cmd/sendmail_proxy.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <memory>
#include <string_view>

#include "cmd/exit_codes.h"
#include "relay/inbound/maildrop_directory.h"

namespace postrider::cmd {

namespace {

using relay::FileDescriptor;

constexpr int kConnectMs = 10'000;
constexpr int kQuietMs = 600'000;  // the daemon ends an idle session long before (RFC 5321 4.5.3.2.7: 5 minutes)

bool wait_connected(int socket) {
  pollfd wanted{socket, POLLOUT, 0};
  if (::poll(&wanted, 1, kConnectMs) != 1) return false;
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

// Non-blocking from the start, so that the wait has an end.
FileDescriptor connect_to(const ClientPlaces& places) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(places.host.c_str(), std::to_string(places.port).c_str(), &hints, &found) != 0)
    return FileDescriptor();
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> all(found, ::freeaddrinfo);
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    FileDescriptor socket(
        ::socket(each->ai_family, each->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, each->ai_protocol));
    if (!socket) continue;
    const bool now = ::connect(socket.get(), each->ai_addr, each->ai_addrlen) == 0;
    if (now || (errno == EINPROGRESS && wait_connected(socket.get()))) return socket;
  }
  return FileDescriptor();
}

// One direction: what was read from one side and not yet written to the other. Our own ends, stdin and stdout, are blocking and
// belong to others too; they are read when something is there and written at most PIPE_BUF at a time, which poll() has promised room for.
struct Flow {
  int from, to;
  std::array<char, 16 << 10> buffer{};
  std::size_t begin = 0, end = 0;
  bool ended = false;   // nothing more comes
  bool broken = false;  // nothing more can be written

  bool empty() const { return begin == end; }
  bool wants_read() const { return empty() && !ended && !broken; }
  bool wants_write() const { return !empty() && !broken; }

  void read_some() {
    const ssize_t got = ::read(from, buffer.data(), buffer.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
    begin = 0;
    end = got > 0 ? static_cast<std::size_t>(got) : 0;
    if (got <= 0) ended = true;
  }
  void write_some() {
    const ssize_t done = ::write(to, buffer.data() + begin, std::min<std::size_t>(end - begin, PIPE_BUF));
    if (done < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (done < 0) {
      broken = true;
    } else {
      begin += static_cast<std::size_t>(done);
    }
  }
};

short events_of(bool wanted, short event) {
  return wanted ? event : static_cast<short>(0);
}

int carry(int socket, int in, int out) {
  Flow up{in, socket}, down{socket, out};
  bool told_end = false;
  while (!(down.ended && down.empty()) && !down.broken) {
    if (up.ended && up.empty() && !told_end) {  // half closed: the answers to what was said still come
      ::shutdown(socket, SHUT_WR);
      told_end = true;
    }
    pollfd wanted[] = {
        {up.wants_read() ? in : -1, POLLIN, 0},
        {socket, static_cast<short>(events_of(down.wants_read(), POLLIN) | events_of(up.wants_write(), POLLOUT)), 0},
        {down.wants_write() ? out : -1, POLLOUT, 0}};
    const int ready = ::poll(wanted, 3, kQuietMs);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return EX_TEMPFAIL;
    if (wanted[0].revents != 0) up.read_some();
    if ((wanted[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && down.wants_read()) down.read_some();
    if ((wanted[1].revents & (POLLOUT | POLLHUP | POLLERR)) != 0 && up.wants_write()) up.write_some();
    if (wanted[2].revents != 0) down.write_some();
  }
  return EX_OK;
}

}  // namespace

int run_smtp_proxy(const ClientPlaces& places, int in, int out) {
  const FileDescriptor socket = connect_to(places);
  if (socket) return carry(socket.get(), in, out);
  constexpr std::string_view kDown = "421 4.3.2 The mail relay cannot be reached; try again later\r\n";
  return ::write(out, kDown.data(), kDown.size()) < 0 ? EX_IOERR : EX_TEMPFAIL;
}

}  // namespace postrider::cmd
