// Finds the values of a spool in the raw pages of its file, without the database's tree: for salvage. Reads the file through a
// window; a page that the disk does not give is skipped and counted. One thread, changes nothing.
//
// It knows this much of LMDB's pages (4096 octets, little-endian): a header with the page's own number and kind; leaf pages with
// a list of nodes, each with key, size and value; runs of overflow pages, each with one header and one value. What these do not
// lead to, because they are damaged or a page was rearranged, is found by its magic, and its end by its checksum. A value counts
// when its checksum fits, and then nothing inside it is looked at: what a stranger wrote into a mail is no value of ours.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/lmdb_store.h"
#include "storage/record_frame.h"

namespace postrider::storage {

// The file, readable where the disk is.
class DamagedFile {
 public:
  explicit DamagedFile(const std::string& path);  // throws SpoolError
  DamagedFile(const DamagedFile&) = delete;
  DamagedFile& operator=(const DamagedFile&) = delete;
  ~DamagedFile();

  std::uint64_t size() const { return size_; }
  // Good until the next call; shorter only at the file's end. Zeros stand for what could not be read.
  std::string_view at(std::uint64_t offset, std::size_t size);
  std::uint64_t unreadable_pages() const { return unreadable_; }

 private:
  void load(std::uint64_t offset, std::size_t size);

  int fd_;
  std::uint64_t size_ = 0;
  std::uint64_t window_at_ = 0;
  std::string window_;
  std::uint64_t unreadable_ = 0;
};

struct FoundValue {
  Frame frame;
  std::uint64_t offset = 0;
  std::uint32_t size = 0;
};

class SalvageScan {
 public:
  // The value's octets are good for the length of the call.
  using OnValue = std::function<void(const FoundValue&, std::string_view value)>;
  SalvageScan(DamagedFile& file, OnValue on_value) : file_(file), on_value_(std::move(on_value)) {}
  void run(const OnProgress& on_progress);

  std::uint64_t pages() const { return pages_; }
  std::uint64_t broken() const { return broken_; }  // places where a value begins that is not whole any more
  // The file is of another version of Postrider: one of its values says so.
  std::optional<std::uint8_t> other_format() const { return other_format_; }

 private:
  std::uint64_t scan_page(std::uint64_t number);  // how many pages are done with
  std::uint64_t scan_run(std::uint64_t number, std::uint64_t pages_said);
  void scan_leaf(std::uint64_t number, std::string_view page);
  void scan_loose(std::uint64_t number, std::string_view page, std::size_t from);
  std::uint64_t end_run(std::uint64_t offset, std::size_t size);
  void report(std::uint64_t offset, std::string_view value);

  DamagedFile& file_;
  OnValue on_value_;
  std::uint64_t pages_ = 0, broken_ = 0;
  std::optional<std::uint8_t> other_format_;
  struct Seen {  // what was looked at in this page
    std::size_t start, size;
  };
  std::string page_;  // a copy: the window may move while a run is tried
  std::vector<Seen> seen_;
};

}  // namespace postrider::storage
