// Videos in and out. tests/data/clips/make_clips.sh says what the clips show.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <random>

#include "base/files.h"
#include "base/test_folder.h"
#include "media/container_end.h"
#include "media/video_reader.h"
#include "media/video_writer.h"

namespace samc {
namespace {

const std::string kClips = SAMC_SOURCE_DIR "/tests/data/clips/";
constexpr int kWidth = 64, kHeight = 48, kFrames = 12;
using Colour = std::array<int, 3>;
constexpr Colour kRed{200, 30, 30}, kGreen{30, 160, 60}, kBlue{40, 60, 190}, kGrey{128, 128, 128},
    kWhite{255, 255, 255};

std::vector<std::byte> bytes_of(const std::string& path) {
  const std::string text = read_text_file(path, size_t{1} << 24).value();
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

std::unique_ptr<FrameSource> open(const std::string& name, const VideoReaderOptions& options = {}) {
  Result<std::unique_ptr<FrameSource>> source = open_video(kClips + name, options);
  EXPECT_TRUE(source.is_ok()) << source.status().to_string();
  return source.is_ok() ? std::move(source).value() : nullptr;
}

std::string error_of(const std::string& path) {
  const Result<std::unique_ptr<FrameSource>> source = open_video(path);
  return source.is_ok() ? "" : source.status().to_string();
}

// All frames, and the error that ended them.
struct Watched {
  std::vector<Frame> frames;
  Status end;
};
Watched watch(FrameSource& source) {
  Watched watched;
  for (;;) {
    Result<std::optional<Frame>> frame = source.next();
    if (!frame.is_ok()) watched.end = frame.status();
    if (!frame.is_ok() || !frame.value()) return watched;
    EXPECT_EQ(frame.value()->index, static_cast<int64_t>(watched.frames.size()));
    EXPECT_EQ(frame.value()->image.width, source.info().width);
    EXPECT_EQ(frame.value()->image.height, source.info().height);
    watched.frames.push_back(std::move(*frame.value()));
  }
}

void expect_colour(const Image& image, int x, int y, const Colour& expected, int tolerance) {
  for (size_t c = 0; c < 3; ++c)
    EXPECT_NEAR(image.row(y)[static_cast<size_t>(x) * 3 + c], expected[c], tolerance)
        << "channel " << c << " at " << x << ", " << y;
}

// The quarters, away from their edges, and where the white square is.
void expect_frame(const Image& image, int number, int tolerance) {
  const int left = image.width / 8, right = image.width * 7 / 8, top = image.height / 8, bottom = image.height * 7 / 8;
  expect_colour(image, left, top, kRed, tolerance);
  expect_colour(image, right, top, kGreen, tolerance);
  expect_colour(image, left, bottom, kBlue, tolerance);
  expect_colour(image, right, bottom, kGrey, tolerance);
  expect_colour(image, 4 * number + 4, image.height / 2, kWhite, 4 * tolerance);
}

class Videos : public testing::Test {
 protected:
  void SetUp() override {
    const Status status = open_video(kClips + "h264.mp4").status();
    if (status.code() == StatusCode::kUnsupported) GTEST_SKIP() << status.to_string();
  }
};

TEST(VideoMissing, IsOneLineThatSaysWhatToDo) {
  const Status status = open_video(kClips + "h264.mp4").status();
  if (status.is_ok()) GTEST_SKIP() << "FFmpeg's libraries are there";
  EXPECT_EQ(status.code(), StatusCode::kUnsupported);
  EXPECT_NE(status.to_string().find("a folder of images"), std::string::npos) << status.to_string();
}

TEST_F(Videos, ColoursAreThoseThatWereEncoded) {
  // Matrix and range of each are other ones; a mistake of matrix or range shifts these colours by 10 to 30.
  for (const char* name :
       {"h264.mp4", "full_range.mp4", "untagged.mp4", "ten_bits.mkv", "mpeg4.mov", "irregular.mp4"}) {
    SCOPED_TRACE(name);
    const auto source = open(name);
    ASSERT_NE(source, nullptr);
    EXPECT_EQ(source->info().width, kWidth);
    EXPECT_EQ(source->info().height, kHeight);
    const Watched watched = watch(*source);
    EXPECT_TRUE(watched.end.is_ok()) << watched.end.to_string();
    ASSERT_EQ(watched.frames.size(), static_cast<size_t>(kFrames));
    for (int i = 0; i < kFrames; ++i) expect_frame(watched.frames[static_cast<size_t>(i)].image, i, 5);
  }
}

TEST_F(Videos, GifsAndOddSizes) {
  const Watched gif = watch(*open("frames.gif"));
  ASSERT_EQ(gif.frames.size(), static_cast<size_t>(kFrames));
  for (int i = 0; i < kFrames; ++i) expect_frame(gif.frames[static_cast<size_t>(i)].image, i, 12);  // of 256 colours

  const auto odd = open("odd.webm");
  ASSERT_NE(odd, nullptr);
  EXPECT_EQ(odd->info().width, 63);
  EXPECT_EQ(odd->info().height, 47);
  const Watched watched = watch(*odd);
  ASSERT_EQ(watched.frames.size(), static_cast<size_t>(kFrames));
  for (int i = 0; i < kFrames; ++i) expect_frame(watched.frames[static_cast<size_t>(i)].image, i, 6);
}

// Grey 128 of 255 is 93 nits in PQ, which is 0.365 of the light: 163 in sRGB.
TEST_F(Videos, HdrIsToneMapped) {
  const Watched watched = watch(*open("pq.mkv"));
  ASSERT_EQ(watched.frames.size(), static_cast<size_t>(kFrames));
  expect_colour(watched.frames[0].image, 56, 42, {163, 163, 163}, 4);
  expect_colour(watched.frames[5].image, 24, 24, kWhite, 6);
}

TEST_F(Videos, RotationIsHonoured) {
  VideoReaderOptions options;
  options.ignore_rotation = true;
  const Image stored = watch(*open("turned_left.mp4", options)).frames.at(0).image;
  ASSERT_EQ(stored.width, kWidth);
  expect_frame(stored, 0, 5);
  for (const bool is_left : {true, false}) {
    const auto turned = open(is_left ? "turned_left.mp4" : "turned_right.mp4");
    ASSERT_NE(turned, nullptr);
    EXPECT_EQ(turned->info().width, kHeight);
    EXPECT_EQ(turned->info().height, kWidth);
    const Image image = watch(*turned).frames.at(0).image;
    for (int y = 0; y < kHeight; ++y)
      for (int x = 0; x < kWidth; ++x) {
        const uint8_t* pixel = is_left ? image.row(kWidth - 1 - x) + y * 3 : image.row(x) + (kHeight - 1 - y) * 3;
        for (int c = 0; c < 3; ++c) ASSERT_EQ(pixel[c], stored.row(y)[x * 3 + c]) << x << ", " << y;
      }
  }
}

TEST_F(Videos, TimeStampsAreKept) {
  const Watched even = watch(*open("h264.mp4"));
  for (const Frame& frame : even.frames) EXPECT_NEAR(frame.seconds, 0.1 * static_cast<double>(frame.index), 1e-3);
  const Watched irregular = watch(*open("irregular.mp4"));
  constexpr std::array<double, kFrames> kSeconds{0, 0.1, 0.2, 0.4, 0.5, 0.7, 0.9, 1.1, 1.4, 1.6, 1.9, 2.2};
  ASSERT_EQ(irregular.frames.size(), kSeconds.size());
  for (size_t i = 0; i < kSeconds.size(); ++i) EXPECT_NEAR(irregular.frames[i].seconds, kSeconds[i], 1e-3);
}

TEST_F(Videos, LengthIsKnownWhereTheFileHasIt) {
  EXPECT_EQ(open("h264.mp4")->info().frames, kFrames);
  EXPECT_NEAR(open("h264.mp4")->info().rate, 10, 1e-6);
  const auto source = open("no_duration.mkv");
  EXPECT_FALSE(source->info().frames.has_value());
  EXPECT_EQ(watch(*source).frames.size(), static_cast<size_t>(kFrames));
}

// The same pixels whatever way one comes to a frame: forwards, backwards, by leaps.
TEST_F(Videos, SeekingGivesTheSameFrames) {
  for (const char* name : {"h264.mp4", "ten_bits.mkv", "odd.webm", "frames.gif", "mpeg4.mov", "irregular.mp4",
                           "no_duration.mkv", "turned_left.mp4"}) {
    SCOPED_TRACE(name);
    const auto source = open(name);
    ASSERT_TRUE(source->can_seek());
    const Watched watched = watch(*source);
    ASSERT_EQ(watched.frames.size(), static_cast<size_t>(kFrames));
    std::vector<int64_t> order;
    for (int64_t i = kFrames - 1; i >= 0; --i) order.push_back(i);
    std::mt19937 random(7);
    for (int i = 0; i < 40; ++i) order.push_back(static_cast<int64_t>(random() % kFrames));
    for (const int64_t index : order) {
      ASSERT_TRUE(source->seek(index).is_ok());
      const Frame frame = source->next().value().value();
      ASSERT_EQ(frame.index, index);
      ASSERT_EQ(frame.image.rgb, watched.frames[static_cast<size_t>(index)].image.rgb) << index;
      ASSERT_DOUBLE_EQ(frame.seconds, watched.frames[static_cast<size_t>(index)].seconds);
    }
    // And on to the end.
    ASSERT_TRUE(source->seek(kFrames - 2).is_ok());
    EXPECT_TRUE(source->skip().value());
    EXPECT_TRUE(source->skip().value());
    EXPECT_FALSE(source->skip().value());
  }
}

TEST_F(Videos, RangesAreThoseOfTheSource) {
  const auto source = open("h264.mp4");
  int64_t position = 0;
  std::vector<int64_t> seen;
  while (const std::optional<Frame> frame = next_in_range(*source, {2, 9, 3}, position).value()) {
    expect_frame(frame->image, static_cast<int>(frame->index), 5);
    seen.push_back(frame->index);
  }
  EXPECT_EQ(seen, (std::vector<int64_t>{2, 5, 8}));
}

TEST_F(Videos, ATruncatedFileGivesItsFramesThenSaysSo) {
  TestFolder folder;
  for (const char* name : {"h264.mp4", "ten_bits.mkv", "frames.gif"}) {
    const std::string whole = read_text_file(kClips + name, size_t{1} << 24).value();
    size_t most = 0;
    for (const size_t tenths : {6, 8, 9}) {
      SCOPED_TRACE(fmt::format("{} tenths of {}", tenths, name));
      const std::string path = folder.path(name);
      ASSERT_TRUE(write_file(path, whole.substr(0, whole.size() * tenths / 10)).is_ok());
      Result<std::unique_ptr<FrameSource>> source = open_video(path);
      if (!source.is_ok()) {
        EXPECT_NE(source.status().to_string().find("cut short"), std::string::npos) << source.status().to_string();
        continue;
      }
      const Watched watched = watch(*source.value());
      EXPECT_NE(watched.end.to_string().find("cut short"), std::string::npos) << watched.end.to_string();
      EXPECT_NE(watched.end.to_string().find(path), std::string::npos);
      EXPECT_LT(watched.frames.size(), static_cast<size_t>(kFrames));
      for (const Frame& frame : watched.frames) expect_frame(frame.image, static_cast<int>(frame.index), 12);
      most = std::max(most, watched.frames.size());
      // Asked again it says the same.
      EXPECT_EQ(source.value()->next().status().to_string(), watched.end.to_string());
      // The frames before can be gone through again.
      if (watched.frames.empty()) continue;
      ASSERT_TRUE(source.value()->seek(0).is_ok());
      EXPECT_EQ(source.value()->next().value()->image.rgb, watched.frames[0].image.rgb);
    }
    EXPECT_GE(most, 4u) << name;
  }
}

TEST_F(Videos, OtherErrorsAreOneLine) {
  TestFolder folder;
  const auto source = open("two_sizes.mkv");
  const Watched watched = watch(*source);
  EXPECT_EQ(watched.frames.size(), static_cast<size_t>(kFrames));
  EXPECT_NE(watched.end.to_string().find("frame 12 has 32 x 24 pixels, and those before 64 x 48"), std::string::npos)
      << watched.end.to_string();
  ASSERT_TRUE(source->seek(3).is_ok());
  EXPECT_EQ(source->next().value()->image.rgb, watched.frames[3].image.rgb);

  EXPECT_NE(error_of(kClips + "no_video.mp4").find("it has no video stream"), std::string::npos);
  EXPECT_NE(error_of(kClips + "none.mp4").find("No such file"), std::string::npos);
  EXPECT_NE(error_of(kClips + "README.md").find("not a video that samc reads"), std::string::npos);
  ASSERT_TRUE(write_file(folder.path("empty.mp4"), "").is_ok());
  EXPECT_NE(error_of(folder.path("empty.mp4")).find("empty.mp4: not a video"), std::string::npos);
  // A playlist names other files, which must not be opened.
  ASSERT_TRUE(write_file(folder.path("list.mp4"), "ffconcat version 1.0\nfile " + kClips + "h264.mp4\n").is_ok());
  EXPECT_NE(error_of(folder.path("list.mp4")).find("not a video that samc reads"), std::string::npos);
  // What stands before a colon in a name is no protocol.
  ASSERT_TRUE(write_file(folder.path("data:x.mp4"), read_text_file(kClips + "h264.mp4", 1 << 20).value()).is_ok());
  EXPECT_EQ(error_of(folder.path("data:x.mp4")), "");
  EXPECT_NE(open_camera("/dev/no_such_camera").status().to_string().find("/dev/no_such_camera"), std::string::npos);
}

TEST_F(Videos, BytesInMemoryAreTheSame) {
  const std::vector<std::byte> bytes = bytes_of(kClips + "h264.mp4");
  const auto source = open_video(bytes).value();
  const Watched watched = watch(*source), other = watch(*open("h264.mp4"));
  ASSERT_EQ(watched.frames.size(), other.frames.size());
  EXPECT_EQ(watched.frames[7].image.rgb, other.frames[7].image.rgb);
}

TEST_F(Videos, DamageIsNeverMoreThanAnError) {
  std::mt19937 random(11);
  for (const char* name : {"h264.mp4", "odd.webm", "frames.gif", "mpeg4.mov", "pq.mkv"}) {
    const std::vector<std::byte> whole = bytes_of(kClips + name);
    for (int round = 0; round < 60; ++round) {
      std::vector<std::byte> bytes = whole;
      for (int change = 0; change < 1 + round % 8; ++change)
        bytes[random() % bytes.size()] = static_cast<std::byte>(random());
      Result<std::unique_ptr<FrameSource>> source = open_video(bytes);
      if (!source.is_ok()) {
        EXPECT_NE(source.status().to_string(), "");
        continue;
      }
      const Watched watched = watch(*source.value());
      if (!watched.frames.empty() && source.value()->can_seek()) {
        const Status status = source.value()->seek(static_cast<int64_t>(watched.frames.size()) / 2);
        if (status.is_ok()) static_cast<void>(source.value()->next());
      }
    }
  }
}

TEST(ContainerEnd, TellsCutFilesFromWholeOnes) {
  for (const char* name : {"h264.mp4", "ten_bits.mkv", "odd.webm", "frames.gif", "mpeg4.mov"}) {
    const std::vector<std::byte> whole = bytes_of(kClips + name);
    EXPECT_FALSE(find_container_end(whole).is_cut) << name;
    EXPECT_FALSE(find_container_end(kClips + name).is_cut) << name;
    for (size_t size = 64; size + 2 < whole.size(); size += 97)
      EXPECT_TRUE(find_container_end(std::span(whole).first(size)).is_cut) << name << ", " << size;
  }
  // A recording, which does not know its length; a gif without its end mark; no video at all.
  EXPECT_FALSE(find_container_end(kClips + "no_duration.mkv").is_cut);
  const std::vector<std::byte> gif = bytes_of(kClips + "frames.gif");
  EXPECT_FALSE(find_container_end(std::span(gif).first(gif.size() - 1)).is_cut);
  EXPECT_FALSE(find_container_end(kClips + "README.md").is_cut);
  EXPECT_FALSE(find_container_end(std::span<const std::byte>{}).is_cut);
}

Image gradient(int width, int height, int frame) {
  Image image(width, height);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      uint8_t* pixel = image.row(y) + static_cast<size_t>(x) * 3;
      pixel[0] = static_cast<uint8_t>(40 + 160 * x / width);
      pixel[1] = static_cast<uint8_t>(200 - 120 * y / height);
      pixel[2] = static_cast<uint8_t>(60 + 10 * frame);
    }
  return image;
}

double mean_difference(const Image& image, const Image& expected) {
  double sum = 0;
  for (int y = 0; y < expected.height; ++y)
    for (int i = 0; i < 3 * expected.width; ++i) sum += std::abs(image.row(y)[i] - expected.row(y)[i]);
  return sum / static_cast<double>(expected.rgb.size());
}

TEST_F(Videos, WhatIsWrittenCanBeRead) {
  TestFolder folder;
  for (const auto& [width, height] : {std::pair{80, 60}, std::pair{81, 61}, std::pair{2, 2}, std::pair{1, 1}}) {
    SCOPED_TRACE(fmt::format("{} x {}", width, height));
    const std::string path = folder.path("out.mp4");
    {
      const auto writer = VideoWriter::create(path, {width, height, 10, 12}).value();
      for (int i = 0; i < kFrames; ++i) ASSERT_TRUE(writer->write(gradient(width, height, i), 0.05 * i * i).is_ok());
      EXPECT_FALSE(is_folder(path));
      ASSERT_TRUE(writer->finish().is_ok());
      EXPECT_EQ(writer->frames(), kFrames);
    }
    EXPECT_EQ(folder.count(), 1u);
    const auto source = open_video(path).value();
    EXPECT_EQ(source->info().width, width + width % 2);
    EXPECT_EQ(source->info().height, height + height % 2);
    EXPECT_EQ(source->info().frames, kFrames);
    const Watched watched = watch(*source);
    EXPECT_TRUE(watched.end.is_ok());
    ASSERT_EQ(watched.frames.size(), static_cast<size_t>(kFrames));
    for (int i = 0; i < kFrames; ++i) {
      const Frame& frame = watched.frames[static_cast<size_t>(i)];
      EXPECT_NEAR(frame.seconds, 0.05 * i * i, 1e-4);
      // Of 2 x 2 pixels all have one colour.
      const double most = width > 2 ? 3 : 30;
      EXPECT_LT(mean_difference(frame.image, gradient(width, height, i)), most);
    }
    // The index comes before the frames.
    const std::string bytes = read_text_file(path, 1 << 22).value();
    ASSERT_NE(bytes.find("moov"), std::string::npos);
    EXPECT_LT(bytes.find("moov"), bytes.find("mdat"));
    EXPECT_FALSE(find_container_end(path).is_cut);
  }
}

// A limit of the file's size stands in for the disk: both are met when room is set aside.
TEST_F(Videos, AFullDiskCostsOnlyTheFramesThatFindNoRoom) {
  TestFolder folder;
  const std::string path = folder.path("out.mp4");
  constexpr int kSide = 128, kMost = 400;
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto signal_before = ::signal(SIGXFSZ, SIG_IGN);
  struct rlimit limit = before;
  limit.rlim_cur = 200'000;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  const auto writer = VideoWriter::create(path, {kSide, kSide, 10, 18}).value();
  std::mt19937 random(1);
  Image noise(kSide, kSide);
  Status status;
  int sent = 0;
  while (status.is_ok() && sent < kMost) {
    for (uint8_t& value : noise.rgb) value = static_cast<uint8_t>(random());
    status = writer->write(noise, 0.1 * sent++);
  }
  EXPECT_NE(status.to_string().find("the disk is full"), std::string::npos) << status.to_string();
  EXPECT_NE(status.to_string().find(path), std::string::npos);
  EXPECT_EQ(writer->finish().to_string(), status.to_string());
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, signal_before);

  EXPECT_EQ(folder.count(), 1u);
  EXPECT_FALSE(find_container_end(path).is_cut);
  const Watched watched = watch(*open_video(path).value());
  EXPECT_TRUE(watched.end.is_ok()) << watched.end.to_string();
  EXPECT_GT(watched.frames.size(), 3u);
  EXPECT_EQ(static_cast<int64_t>(watched.frames.size()), writer->frames());
}

TEST_F(Videos, WritingLeavesNothingBehind) {
  TestFolder folder;
  const std::string path = folder.path("out.mp4");
  {
    const auto writer = VideoWriter::create(path, {16, 16, 0, 20}).value();
    EXPECT_FALSE(writer->finish().is_ok()) << "no frame";
  }
  { ASSERT_TRUE(VideoWriter::create(path, {16, 16, 0, 20}).value()->write(Image(16, 16), 0).is_ok()); }
  EXPECT_EQ(folder.count(), 0u);
  EXPECT_FALSE(VideoWriter::create(folder.path("no/such/out.mp4"), {16, 16, 0, 20}).is_ok());
  const Status large = VideoWriter::create(path, {20'000, 16, 0, 20}).status();
  EXPECT_NE(large.to_string().find("16384"), std::string::npos);
  // Times that do not go forward are put behind one another.
  const auto writer = VideoWriter::create(path, {16, 16, 0, 20}).value();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(writer->write(Image(16, 16), 1).is_ok());
  ASSERT_TRUE(writer->finish().is_ok());
  EXPECT_EQ(watch(*open_video(path).value()).frames.size(), 5u);
}

}  // namespace
}  // namespace samc
