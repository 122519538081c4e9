// The threads of `samc track`, without a model: queues, frames read ahead in both directions, lines. TSan runs these.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <random>
#include <thread>

#include "app/bounded_queue.h"
#include "app/json_lines.h"
#include "app/testing_frames.h"
#include "app/track_frames.h"
#include "base/files.h"
#include "base/test_folder.h"

namespace samc {
namespace {

const auto kNoWord = [](int64_t) { return Status::ok(); };

TEST(BoundedQueue, GivesEverythingInOrderAndThenTheReason) {
  BoundedQueue<int> queue(3);
  std::thread producer([&] {
    for (int i = 0; i < 1000; ++i) EXPECT_TRUE(queue.push(i));
    queue.close(invalid_input("the end"));
    EXPECT_FALSE(queue.push(1));
  });
  for (int i = 0; i < 1000; ++i) {
    std::optional<int> item;
    ASSERT_EQ(queue.pop(item), BoundedQueue<int>::Pop::kItem);
    EXPECT_EQ(*item, i);
  }
  std::optional<int> item;
  EXPECT_EQ(queue.pop(item), BoundedQueue<int>::Pop::kEnd);
  producer.join();
  EXPECT_EQ(queue.reason().message(), "the end");
}

TEST(BoundedQueue, WaitsForRoomOrDropsTheOldest) {
  BoundedQueue<int> queue(2);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(queue.push_latest(i));
  std::optional<int> item;
  EXPECT_EQ(queue.pop(item), BoundedQueue<int>::Pop::kItem);
  EXPECT_EQ(*item, 3);
  EXPECT_TRUE(queue.push(5));
  std::thread blocked([&] { EXPECT_FALSE(queue.push(6)); });  // full until it is closed
  queue.close();
  blocked.join();
  EXPECT_EQ(queue.pop(item), BoundedQueue<int>::Pop::kItem);
  EXPECT_EQ(*item, 4);
  EXPECT_EQ(queue.pop(item), BoundedQueue<int>::Pop::kItem);
  BoundedQueue<int> empty(1);
  EXPECT_EQ(empty.pop(item, std::chrono::milliseconds(1)), BoundedQueue<int>::Pop::kTimeout);
}

TEST(TrackFrames, EachRangeIsCounted) {
  NumberedFrames source(20);
  Status end;
  EXPECT_EQ(count_frames(source, {}, 1000, end, kNoWord).value(), 20);
  EXPECT_EQ(count_frames(source, {3, 12, 4}, 1000, end, kNoWord).value(), 3);
  EXPECT_EQ(count_frames(source, {3, std::nullopt, 4}, 2, end, kNoWord).value(), 2);
  EXPECT_EQ(count_frames(source, {30, std::nullopt, 1}, 1000, end, kNoWord).value(), 0);
  EXPECT_TRUE(end.is_ok());
  NumberedFrames broken(20, 11);
  EXPECT_EQ(count_frames(broken, {}, 1000, end, kNoWord).value(), 11);
  EXPECT_EQ(end.message(), "frame 11 is broken");
}

TEST(TrackFrames, AreTheRightOnesInEveryOrder) {
  for (const FrameRange& range : {FrameRange{}, FrameRange{5, std::nullopt, 3}}) {
    NumberedFrames source(200);
    Status end;
    const int64_t count = count_frames(source, range, 1000, end, kNoWord).value();
    TrackFrames frames(source, range, count);
    EXPECT_EQ(frames.count(), count);
    std::vector<int64_t> order;
    for (int64_t k = 0; k < count; ++k) order.push_back(k);
    for (int64_t k = count - 1; k >= 0; --k) order.push_back(k);
    std::mt19937 random(5);
    for (int i = 0; i < 100; ++i) order.push_back(static_cast<int64_t>(random()) % count);
    for (const int64_t k : order) {
      const int64_t number = range.from + k * range.every;
      ASSERT_EQ(frames.frame(k).value().pixels[0], number);
      ASSERT_EQ(frames.get(k).value()->index, number);
    }
  }
}

// Going through the frames reads each once, forwards, and in few pieces backwards.
TEST(TrackFrames, ReadsEachFrameOnce) {
  NumberedFrames source(150);
  {
    TrackFrames frames(source, {}, 150);
    for (int64_t k = 0; k < 150; ++k) ASSERT_TRUE(frames.frame(k).is_ok());
  }
  EXPECT_EQ(source.reads, 150);
  EXPECT_LE(source.seeks, 1);
  source.reads = source.seeks = 0;
  {
    TrackFrames frames(source, {}, 150);
    for (int64_t k = 149; k >= 0; --k) ASSERT_TRUE(frames.frame(k).is_ok());
  }
  EXPECT_LE(source.reads, 160);
  EXPECT_LE(source.seeks, 8);
}

TEST(TrackFrames, ABrokenFrameIsAnErrorWhereItStands) {
  NumberedFrames source(20, 11);
  TrackFrames frames(source, {}, 20);
  for (int64_t k = 0; k < 11; ++k) ASSERT_TRUE(frames.frame(k).is_ok()) << k;
  EXPECT_EQ(frames.frame(11).status().message(), "frame 11 is broken");
  EXPECT_EQ(frames.frame(12).status().message(), "frame 11 is broken");
}

TEST(LineWriter, LinesAreThereAtOnceAndNeverTorn) {
  TestFolder folder;
  const std::string path = folder.path("out.jsonl");
  ASSERT_TRUE(write_file(path, "before\n").is_ok());
  LineWriter lines(path);
  EXPECT_EQ(read_text_file(path, 1 << 20).value(), "before\n") << "nothing is changed before the first line";
  ASSERT_TRUE(lines.write("one").is_ok());
  EXPECT_EQ(read_text_file(path, 1 << 20).value(), "one\n");

  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto signal_before = ::signal(SIGXFSZ, SIG_IGN);
  struct rlimit limit = before;
  limit.rlim_cur = 1000;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  Status status;
  std::string expected = "one\n";
  while (status.is_ok()) {
    status = lines.write(std::string(99, 'x'));
    if (status.is_ok()) expected.append(99, 'x').append("\n");
  }
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, signal_before);
  EXPECT_NE(status.to_string().find("the disk is full"), std::string::npos) << status.to_string();
  EXPECT_EQ(read_text_file(path, 1 << 20).value(), expected);
  EXPECT_EQ(expected.size(), 904u);
}

}  // namespace
}  // namespace samc
