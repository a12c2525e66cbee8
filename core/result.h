// result<T>: a value, or a Fault that says in one sentence what was wrong with an input. Broken environments throw
// instead (docs/decisions/0002-errors.md).
#pragma once

#include <boost/system/result.hpp>
#include <stdexcept>
#include <string>
#include <utility>

namespace postrider {

enum class FaultKind : std::uint8_t {
  invalid,      // the input is wrong and will stay wrong
  not_found,    // no such message, user, upstream
  conflict,     // the state does not allow it (409)
  full,         // spool over its high-water mark, disk full (452 / 503)
  unavailable,  // store or thread is stopping, or refuses writes after a failed sync (451 / 503)
  damaged,      // a record could not be read; it is in quarantine
};

struct Fault {
  FaultKind kind = FaultKind::invalid;
  std::string text;
};

[[noreturn]] inline void throw_exception_from_error(const Fault& fault, const boost::source_location&) {
  throw std::logic_error("result<T>::value() on a fault: " + fault.text);
}

template <typename T>
using result = boost::system::result<T, Fault>;

inline Fault invalid(std::string text) {
  return {FaultKind::invalid, std::move(text)};
}

}  // namespace postrider
