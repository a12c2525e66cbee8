#include "storage/memory_store.h"
#include "tests/store_conformance/factories.h"

namespace postrider::storage::conformance {

std::vector<Factory>& factories() {
  static std::vector<Factory> all;
  return all;
}

bool register_factory(Factory factory) {
  factories().push_back(std::move(factory));
  return true;
}

namespace {

class MemoryHost final : public StoreHost {
 public:
  explicit MemoryHost(const StoreLimits& limits) {
    MemoryStoreOptions options;
    options.max_bytes = limits.max_bytes;
    options.high_water_bytes = limits.high_water_bytes;
    store_ = make_memory_store(options);
  }
  Store& store() override { return *store_; }
  void reopen(Ending ending, Time now) override {
    if (ending == Ending::clean) store_->close();
    store_ = store_->reopen(now);
  }

 private:
  std::unique_ptr<MemoryStore> store_;
};

const bool kRegistered = register_factory({"memory", [](const StoreLimits& limits) -> std::unique_ptr<StoreHost> {
                                             return std::make_unique<MemoryHost>(limits);
                                           }});

}  // namespace
}  // namespace postrider::storage::conformance
