// How a Reason is written inside records and events; the grammar is in record_codec.cpp and event_codec.cpp.
#pragma once

#include "core/outcome.h"
#include "storage/wire.h"

namespace postrider::storage {

// How many enumerators there are: their numbers are on disk, so new ones go to the end.
inline constexpr unsigned kCauses = static_cast<unsigned>(Cause::operator_) + 1;
inline constexpr unsigned kStages = static_cast<unsigned>(Stage::local) + 1;
inline constexpr unsigned kOutcomes = static_cast<unsigned>(OutcomeKind::uncertain) + 1;

inline void put_reason(wire::Put& out, const Reason& reason) {
  if (reason == Reason{}) return out.u8(0);
  out.u8(1);
  out.u8(static_cast<std::uint8_t>(reason.cause));
  out.u8(static_cast<std::uint8_t>(reason.stage));
  out.varint(static_cast<std::uint32_t>(reason.code));
  out.string(reason.enhanced);
  out.string(reason.text);
}

inline Reason take_reason_fields(wire::Take& in) {
  Reason reason;
  reason.cause = in.enumerator<Cause>(kCauses);
  reason.stage = in.enumerator<Stage>(kStages);
  reason.code = static_cast<int>(static_cast<std::uint32_t>(in.varint()));
  reason.enhanced = in.string();
  reason.text = in.string();
  return reason;
}

inline Reason take_reason(wire::Take& in) {
  const std::uint8_t form = in.u8();
  if (form == 1) return take_reason_fields(in);
  if (form != 0) in.fail();
  return {};
}

}  // namespace postrider::storage
