#include "relay/outbound/noticeboard.h"

#include <utility>
#include <vector>

namespace postrider::relay {

void Noticeboard::join(std::uint32_t shard, Mailbox& where, std::function<void(Time)> call) {
  auto listener = std::make_shared<Listener>();
  listener->where = &where;
  listener->call = std::move(call);
  listeners_[shard].store(std::move(listener));
}

void Noticeboard::leave(std::uint32_t shard) {
  if (const auto listener = listeners_[shard].exchange(nullptr)) listener->call = nullptr;
}

void Noticeboard::tell(std::uint32_t shard, Time look_at) {
  auto listener = listeners_[shard].load();
  if (!listener) return;
  const std::int64_t wanted = to_ms(look_at);
  std::int64_t current = listener->look_at_ms.load();
  do {
    if (current <= wanted) return;  // a call that is already on its way says enough
  } while (!listener->look_at_ms.compare_exchange_weak(current, wanted));
  if (current != Listener::kNothing) return;

  std::vector<Task> one;
  one.emplace_back([l = listener] {
    const std::int64_t at = l->look_at_ms.exchange(Listener::kNothing);
    if (l->call) l->call(from_ms(at));
  });
  listener->where->post(std::move(one));
}

void Noticeboard::tell_all(Time look_at) {
  for (std::uint32_t shard = 0; shard < kMaxShards; ++shard) tell(shard, look_at);
}

}  // namespace postrider::relay
