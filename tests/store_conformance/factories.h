// Which stores the conformance suite runs on, and how a test ends one and opens what it left. Every *_test.cpp here runs
// once on each registered factory.
//
// To register a store, add a file NAME_factory.cpp to this folder with a StoreHost of it and, at namespace scope:
//   const bool kRegistered = register_factory({"lmdb", [](const StoreLimits& limits) -> std::unique_ptr<StoreHost> { ... }});
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "storage/store.h"

namespace postrider::storage::conformance {

struct StoreLimits {
  std::uint64_t max_bytes = 256ull << 20;
  std::uint64_t high_water_bytes = 0;  // 0: the store's default
};

// How a store ends. After either everything answered is there, claims are of a dead epoch, staged chunks are orphans.
enum class Ending {
  clean,  // close()
  crash,  // as kill -9: nothing more is committed, nothing more is answered
};

// One store and the place it keeps its data, which goes with the host.
class StoreHost {
 public:
  virtual ~StoreHost() = default;
  virtual Store& store() = 0;
  // Ends the store and opens what it left; recovery takes place at `now`. store() is another object afterwards.
  virtual void reopen(Ending ending, Time now) = 0;
};

struct Factory {
  std::string name;
  std::function<std::unique_ptr<StoreHost>(const StoreLimits&)> make;
};

inline void PrintTo(const Factory& factory, std::ostream* out) {
  *out << factory.name;
}

std::vector<Factory>& factories();
bool register_factory(Factory factory);

}  // namespace postrider::storage::conformance
