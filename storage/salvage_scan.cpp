#include "storage/salvage_scan.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "storage/partial_directory.h"
#include "storage/record_codec.h"
#include "storage/wire.h"

namespace postrider::storage {

namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kWindow = 1024 * kPage;
constexpr std::uint64_t kLongestRun = 4096;        // pages; the longest value is a record with very many recipients
constexpr std::uint64_t kRunOfUnknownLength = 12;  // pages: of a whole chunk
constexpr std::uint64_t kPagesPerReport = 256;

// LMDB 0.9's page: number:u64 pad:u16 flags:u16, then lower:u16 upper:u16 (leaf, branch) or pages:u32 (overflow).
constexpr std::size_t kPageHeader = 16, kFlagsAt = 10, kLowerAt = 12, kUpperAt = 14, kPagesAt = 12;
constexpr std::uint16_t kLeaf = 0x02, kOverflow = 0x04, kKindMask = 0x2f;
// Its node: size_low:u16 size_high:u16 flags:u16 key_size:u16 key value; a big value is elsewhere, in an overflow run.
constexpr std::size_t kNodeHeader = 8, kNodeFlagsAt = 4, kKeySizeAt = 6;
constexpr std::uint16_t kBigValue = 0x01;

// Our values begin with a checksum and their magic (storage/record_frame.h).
constexpr std::size_t kChecksum = 8;
constexpr std::string_view kMagicStart = "PR";

std::uint16_t u16(std::string_view bytes, std::size_t at) {
  return wire::load_le<std::uint16_t>(bytes.data() + at);
}
std::uint64_t number_of(std::string_view page) {
  return wire::load_le<std::uint64_t>(page.data());
}
std::uint64_t pages_of(std::size_t value_size) {
  return (kPageHeader + value_size + kPage - 1) / kPage;
}

}  // namespace

// ---- the file -----------------------------------------------------------------------------------------------------

DamagedFile::DamagedFile(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (fd_ < 0 && (errno == ENOENT || errno == ENOTDIR))
    throw SpoolError("there is no " + path, SpoolError::Kind::absent);
  if (fd_ < 0) throw_system_error("read " + path, errno);
  struct stat info {};
  if (::fstat(fd_, &info) == 0) size_ = static_cast<std::uint64_t>(info.st_size);
}

DamagedFile::~DamagedFile() {
  if (fd_ >= 0) ::close(fd_);
}

std::string_view DamagedFile::at(std::uint64_t offset, std::size_t size) {
  if (offset >= size_) return {};
  size = static_cast<std::size_t>(std::min<std::uint64_t>(size, size_ - offset));
  if (offset < window_at_ || offset + size > window_at_ + window_.size()) load(offset, std::max(size, kWindow));
  return std::string_view(window_).substr(offset - window_at_, size);
}

void DamagedFile::load(std::uint64_t offset, std::size_t size) {
  window_at_ = offset / kPage * kPage;
  const std::uint64_t end = std::min<std::uint64_t>(size_, offset + size);
  window_.assign(end - window_at_, '\0');
  for (std::size_t done = 0; done < window_.size();) {
    const ssize_t n = ::pread(fd_, window_.data() + done, window_.size() - done, static_cast<off_t>(window_at_ + done));
    if (n > 0) {
      done += static_cast<std::size_t>(n);
    } else if (n == 0) {
      return;  // it became shorter meanwhile
    } else if (errno != EINTR) {
      // One page after the other, so that only what the disk refuses is missing.
      const std::size_t least = std::min(kPage - done % kPage, window_.size() - done);
      if (::pread(fd_, window_.data() + done, least, static_cast<off_t>(window_at_ + done)) < 0) ++unreadable_;
      done += least;
    }
  }
}

// ---- the scan -----------------------------------------------------------------------------------------------------

void SalvageScan::run(const OnProgress& on_progress) {
  pages_ = (file_.size() + kPage - 1) / kPage;
  std::uint64_t reported = 0;
  for (std::uint64_t number = 0; number < pages_; number += scan_page(number)) {
    if (!on_progress || number < reported) continue;
    on_progress("scanning", number * kPage, file_.size());
    reported = number + kPagesPerReport;
  }
}

std::uint64_t SalvageScan::scan_page(std::uint64_t number) {
  page_ = file_.at(number * kPage, kPage);
  page_.resize(kPage, '\0');  // a file that was cut off inside a page
  const std::string_view page = page_;
  seen_.clear();
  const bool own = number_of(page) == number;
  const auto kind = static_cast<std::uint16_t>(u16(page, kFlagsAt) & kKindMask);
  if (peek_frame(page.substr(kPageHeader))) {
    const std::uint64_t said = own && kind == kOverflow ? wire::load_le<std::uint32_t>(page.data() + kPagesAt) : 0;
    if (const std::uint64_t run = scan_run(number, said <= kLongestRun ? said : 0)) return run;
  }
  if (own && kind == kLeaf) scan_leaf(number, page);
  scan_loose(number, page, 0);
  return 1;
}

// A value that begins right after a page's header, in a run of so many pages or, with 0, of a length that is not known.
std::uint64_t SalvageScan::scan_run(std::uint64_t number, std::uint64_t pages_said) {
  const std::uint64_t offset = number * kPage + kPageHeader;
  const std::uint64_t pages = std::max(pages_said, kRunOfUnknownLength);  // what it says may be damaged too
  const std::string_view run = file_.at(offset, pages * kPage - kPageHeader);
  // The rest of the last page of a run is mostly zeros and our values seldom end in them: two sizes are worth trying first.
  const std::size_t trimmed = run.find_last_not_of('\0') + 1;
  for (const std::size_t size : {kChunkRecordHeader + kChunkPayload, trimmed}) {
    if (size > run.size() || !is_whole_frame(run.substr(0, size))) continue;
    report(offset, run.substr(0, size));
    return end_run(offset, size);
  }
  const auto size = find_frame_size(run);
  if (!size) {
    ++broken_;
    seen_.push_back({kPageHeader, kChecksum + kMagicStart.size()});  // no more of it than that it begins here
    return 0;
  }
  report(offset, run.substr(0, *size));
  return end_run(offset, *size);
}

// Behind the value, on the last page of its run, may be what was left there when the page was another one's. How many pages the run has.
std::uint64_t SalvageScan::end_run(std::uint64_t offset, std::size_t size) {
  const std::uint64_t end = offset + size, last = (end - 1) / kPage;
  page_ = file_.at(last * kPage, kPage);
  scan_loose(last, page_, static_cast<std::size_t>(end - last * kPage));
  return pages_of(size);
}

void SalvageScan::scan_leaf(std::uint64_t number, std::string_view page) {
  const std::size_t lower = u16(page, kLowerAt), upper = u16(page, kUpperAt);
  if (lower < kPageHeader || lower > upper || upper > kPage) return;
  for (std::size_t at = kPageHeader; at + 2 <= lower; at += 2) {
    const std::size_t node = u16(page, at);
    if (node < upper || node + kNodeHeader > kPage || (u16(page, node + kNodeFlagsAt) & kBigValue)) continue;
    const std::size_t value_at = node + kNodeHeader + u16(page, node + kKeySizeAt);
    const std::size_t size = u16(page, node) | std::size_t{u16(page, node + 2)} << 16;
    if (value_at > kPage || size > kPage - value_at) continue;
    const std::string_view value = page.substr(value_at, size);
    if (const auto format = storage::other_format(value)) other_format_ = format;
    if (!peek_frame(value) || !is_whole_frame(value)) continue;  // of a table without frames; or the size may be wrong
    seen_.push_back({value_at, size});
    report(number * kPage + value_at, value);
  }
}

// From an offset on.
void SalvageScan::scan_loose(std::uint64_t number, std::string_view page, std::size_t from) {
  for (std::size_t hit = page.find(kMagicStart, from); hit != std::string_view::npos;
       hit = page.find(kMagicStart, hit + 1)) {
    const auto seen = std::find_if(seen_.begin(), seen_.end(), [hit](const Seen& value) {
      return hit >= value.start && hit < value.start + value.size;
    });
    if (seen != seen_.end()) {
      hit = seen->start + seen->size - 1;  // nothing inside it counts
      continue;
    }
    if (hit < from + kChecksum) continue;
    const std::size_t start = hit - kChecksum;
    if (!peek_frame(page.substr(start))) continue;
    if (const auto size = find_frame_size(page.substr(start))) {
      report(number * kPage + start, page.substr(start, *size));
      hit = start + *size - 1;  // as above
    } else {
      ++broken_;
    }
  }
}

void SalvageScan::report(std::uint64_t offset, std::string_view value) {
  if (const auto frame = peek_frame(value))
    on_value_({*frame, offset, static_cast<std::uint32_t>(value.size())}, value);
}

}  // namespace postrider::storage
