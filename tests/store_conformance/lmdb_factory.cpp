#include <algorithm>
#include <deque>
#include <filesystem>

#include "storage/lmdb_store.h"
#include "tests/store_conformance/factories.h"
#include "tests/temp_directory.h"

namespace postrider::storage::conformance {

namespace {

class LmdbHost final : public StoreHost {
 public:
  explicit LmdbHost(const StoreLimits& limits) {
    options_.max_size = std::max(limits.max_bytes, kLeastSpoolSize);
    if (limits.high_water_bytes > 0) {
      options_.high_water_percent = static_cast<std::uint32_t>(limits.high_water_bytes * 100 / options_.max_size);
    }
    options_.settle_delay = Duration(0);
    options_.reserve_bytes = 0;  // disk space has its own tests, in tests/unit/storage
    options_.data_dir = directories_.emplace_back().path();
    store_ = open_lmdb_store(options_, log_);
  }
  Store& store() override { return *store_; }

  // A crash leaves the data file as it is at that instant: a copy of it, in another directory, is what the next process
  // finds. (Real kills are in tests/unit/storage/lmdb_crash_test.cpp.)
  void reopen(Ending ending, Time now) override {
    options_.now = [now] { return now; };
    if (ending == Ending::clean) {
      store_->close();
      store_.reset();
    } else {
      const std::string from = options_.data_dir + "/spool/data.mdb";
      options_.data_dir = directories_.emplace_back().path();
      std::filesystem::create_directories(options_.data_dir + "/spool");
      std::filesystem::copy_file(from, options_.data_dir + "/spool/data.mdb");
      store_.reset();
    }
    store_ = open_lmdb_store(options_, log_);
  }

 private:
  NullLog log_;
  SpoolOptions options_;
  std::deque<TempDirectory> directories_;
  std::unique_ptr<Store> store_;
};

const bool kRegistered = register_factory({"lmdb", [](const StoreLimits& limits) -> std::unique_ptr<StoreHost> {
                                             return std::make_unique<LmdbHost>(limits);
                                           }});

}  // namespace
}  // namespace postrider::storage::conformance
