#pragma once
// Between two threads of a pipeline: one waits while it is full, the other while it is empty.

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "base/status.h"

namespace samc {

template <class T>
class BoundedQueue {
 public:
  explicit BoundedQueue(size_t capacity) : capacity_(capacity) {}

  // Waits for room. false: the queue is closed, and the item is gone.
  bool push(T item) {
    std::unique_lock lock(mutex_);
    has_room_.wait(lock, [&] { return closed_ || items_.size() < capacity_; });
    return add(std::move(item));
  }
  // Makes room by dropping the oldest: of what is live only the latest counts.
  bool push_latest(T item) {
    const std::lock_guard lock(mutex_);
    if (items_.size() == capacity_) items_.pop_front();
    return add(std::move(item));
  }

  enum class Pop { kItem, kEnd, kTimeout };
  // kEnd: closed, and nothing is left.
  Pop pop(std::optional<T>& item, std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    if (!has_items_.wait_for(lock, patience, [&] { return closed_ || !items_.empty(); })) return Pop::kTimeout;
    return take(item);
  }
  Pop pop(std::optional<T>& item) {
    std::unique_lock lock(mutex_);
    has_items_.wait(lock, [&] { return closed_ || !items_.empty(); });
    return take(item);
  }

  // No more comes; what is in the queue can still be taken. The first reason counts.
  void close(Status reason = {}) {
    const std::lock_guard lock(mutex_);
    if (!closed_) reason_ = std::move(reason);
    closed_ = true;
    has_room_.notify_all();
    has_items_.notify_all();
  }
  Status reason() const {
    const std::lock_guard lock(mutex_);
    return reason_;
  }

 private:
  bool add(T&& item) {
    if (closed_) return false;
    items_.push_back(std::move(item));
    has_items_.notify_one();
    return true;
  }
  Pop take(std::optional<T>& item) {
    if (items_.empty()) return Pop::kEnd;
    item.emplace(std::move(items_.front()));
    items_.pop_front();
    has_room_.notify_one();
    return Pop::kItem;
  }

  const size_t capacity_;
  mutable std::mutex mutex_;
  std::condition_variable has_room_, has_items_;
  std::deque<T> items_;
  bool closed_ = false;
  Status reason_;
};

}  // namespace samc
