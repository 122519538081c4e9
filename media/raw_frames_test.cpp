#include "media/raw_frames.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "media/planar_yuv.h"

namespace samc {
namespace {

std::unique_ptr<FrameSource> open(const std::string& text) {
  Result<std::unique_ptr<FrameSource>> source = open_raw_frames(std::as_bytes(std::span(text)), "standard input");
  EXPECT_TRUE(source.is_ok()) << source.status().to_string();
  return source.is_ok() ? std::move(source).value() : nullptr;
}

std::string error_of(const std::string& text) {
  Result<std::unique_ptr<FrameSource>> source = open_raw_frames(std::as_bytes(std::span(text)), "standard input");
  if (!source.is_ok()) return source.status().to_string();
  for (;;) {
    const Result<std::optional<Frame>> frame = source.value()->next();
    if (!frame.is_ok()) return frame.status().to_string();
    if (!frame.value()) return "";
  }
}

TEST(RawFrames, RgbFramesAreTheirBytes) {
  std::string text = "samc-frames 3 2 rgb24 12.5\n";
  for (int i = 0; i < 36; ++i) text += static_cast<char>(i * 7);
  const auto source = open(text);
  EXPECT_EQ(source->info().width, 3);
  EXPECT_EQ(source->info().height, 2);
  EXPECT_DOUBLE_EQ(source->info().rate, 12.5);
  for (int64_t frame = 0; frame < 2; ++frame) {
    const Frame read = source->next().value().value();
    EXPECT_EQ(read.index, frame);
    EXPECT_DOUBLE_EQ(read.seconds, 0.08 * static_cast<double>(frame));
    for (size_t i = 0; i < 18; ++i)
      EXPECT_EQ(read.image.rgb[i], static_cast<uint8_t>((i + 18 * static_cast<size_t>(frame)) * 7));
  }
  EXPECT_FALSE(source->next().value().has_value());
  EXPECT_FALSE(source->skip().value());
}

TEST(RawFrames, RatesThatNoVideoHas) {
  for (const char* rate : {"1e-300", "1e300", "0.0000001", "-1", "nan"})
    EXPECT_NE(error_of(fmt::format("samc-frames 1 1 rgb24 {}\nabc", rate)).find("frames a second"), std::string::npos)
        << rate;
  EXPECT_DOUBLE_EQ(open("samc-frames 1 1 rgb24 0.000001\nabc")->info().rate, 1e-6);
}

TEST(RawFrames, Y4mOfEveryKind) {
  struct Case {
    const char* colours;
    size_t bytes;  // of a frame of 5 x 3
  };
  for (const Case& kind : {Case{"", 15 + 12}, Case{" C420jpeg", 27}, Case{" C420mpeg2", 27}, Case{" C420paldv", 27},
                           Case{" C411", 15 + 12}, Case{" C422", 15 + 18}, Case{" C444", 45}, Case{" C444alpha", 60},
                           Case{" Cmono", 15}, Case{" C420p10", 54}, Case{" Cmono12", 30}, Case{" C444p16", 90}}) {
    SCOPED_TRACE(kind.colours);
    std::string text = fmt::format("YUV4MPEG2 W5 H3 F30000:1001 Ip A1:1{} XYSCSS=X\n", kind.colours);
    const std::string planes(kind.bytes, '\x55');
    text += "FRAME\n" + planes + "FRAME Ip\n" + planes;
    const auto source = open(text);
    EXPECT_NEAR(source->info().rate, 29.97, 0.001);
    EXPECT_TRUE(source->skip().value());
    const Frame frame = source->next().value().value();
    EXPECT_EQ(frame.image.width, 5);
    EXPECT_EQ(frame.image.height, 3);
    EXPECT_FALSE(source->next().value().has_value());
  }
}

// By BT.601's formula: the colours of limited range with a black of 16 and a white of 235.
TEST(RawFrames, ColoursOfPlanes) {
  const auto rgb_of = [](const std::string& header, std::array<uint8_t, 3> yuv) {
    std::string text = "YUV4MPEG2 W2 H2 " + header + "\nFRAME\n";
    for (int i = 0; i < 4; ++i) text += static_cast<char>(yuv[0]);
    text += static_cast<char>(yuv[1]);
    text += static_cast<char>(yuv[2]);
    const Image image = open(text)->next().value()->image;
    return std::array<int, 3>{image.rgb[0], image.rgb[1], image.rgb[2]};
  };
  using Rgb = std::array<int, 3>;
  EXPECT_EQ(rgb_of("", {16, 128, 128}), (Rgb{0, 0, 0}));
  EXPECT_EQ(rgb_of("", {235, 128, 128}), (Rgb{255, 255, 255}));
  EXPECT_EQ(rgb_of("", {81, 90, 240}), (Rgb{254, 0, 0}));  // red, as its rounded bytes give it
  EXPECT_EQ(rgb_of("", {145, 54, 34}), (Rgb{0, 255, 1}));
  EXPECT_EQ(rgb_of("", {41, 240, 110}), (Rgb{0, 0, 255}));
  EXPECT_EQ(rgb_of("XCOLORRANGE=FULL", {128, 128, 128}), (Rgb{128, 128, 128}));
  EXPECT_EQ(rgb_of("XCOLORRANGE=FULL", {76, 85, 255}), (Rgb{254, 0, 0}));
}

TEST(RawFrames, ColourIsInterpolated) {
  // Two columns of colour for four of brightness: at an edge the two in the middle are between.
  PlanarFormat format;
  format.width = 4;
  format.height = 1;
  format.across = 2;
  format.is_full_range = true;
  const std::array<uint8_t, 8> frame{100, 100, 100, 100, 128, 128, 128, 228};
  const Image image = planar_to_rgb(format, frame);
  // Red is 100 + 1.402 (Cr - 128), with Cr of 128, 153, 203, 228.
  EXPECT_EQ(image.rgb[0], 100);
  EXPECT_EQ(image.rgb[3], 135);
  EXPECT_EQ(image.rgb[6], 205);
  EXPECT_EQ(image.rgb[9], 240);
  format.is_left_sited = true;  // 128, 178, 228, 228
  const Image left = planar_to_rgb(format, frame);
  EXPECT_EQ(left.rgb[0], 100);
  EXPECT_EQ(left.rgb[3], 170);
  EXPECT_EQ(left.rgb[6], 240);
  EXPECT_EQ(left.rgb[9], 240);
}

TEST(RawFrames, ErrorsAreOneLine) {
  const auto expect = [](const std::string& text, const std::string& part) {
    EXPECT_NE(error_of(text).find(part), std::string::npos) << error_of(text);
    EXPECT_TRUE(error_of(text).starts_with("standard input: ")) << error_of(text);
  };
  expect("", "it is empty");
  expect("hello", "it ends inside of the line hello");
  expect("hello\n", "it does not begin with a header of frames");
  expect("\n", "no header");
  expect(std::string(10'000, 'x'), "no header in its first 4096 bytes");
  expect("samc-frames 3 2\n", "WIDTH HEIGHT rgb24");
  expect("samc-frames 3 2 bgr24\n", "WIDTH HEIGHT rgb24");
  expect("samc-frames 0 2 rgb24\n", "\"0\" is no width or height");
  expect("samc-frames 3 -2 rgb24\n", "no width or height");
  expect("samc-frames 3 2 rgb24 fast\n", "no number of frames a second");
  expect("samc-frames 60000 60000 rgb24\n", "more than the limit");
  expect("samc-frames 3 2 rgb24\n" + std::string(20, 'x'), "it ends inside of frame 1, behind 2 of 18 bytes");
  expect("YUV4MPEG2 W5\n", "without width or height");
  expect("YUV4MPEG2 W5 H3 C999\n", "its colours, 999, are none");
  expect("YUV4MPEG2 W5 H3 C420p33\n", "its colours, 420p33, are none");
  expect("YUV4MPEG2 W5 H3 Fx\n", "no number of frames");
  expect("YUV4MPEG2 W5 H3\nFRAME\n" + std::string(26, 'x'), "it ends inside of frame 0, behind 26 of 27 bytes");
  expect("YUV4MPEG2 W5 H3\nFRAMES\n", "no line FRAME where frame 0 begins");
  expect("YUV4MPEG2 W5 H3\nFRA", "it ends inside of the line FRA");
  EXPECT_EQ(error_of("YUV4MPEG2 W5 H3 F0:0\nFRAME\n" + std::string(27, 'x')), "");
}

TEST(RawFrames, APipeIsReadAsItComes) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    const std::string header = "samc-frames 2 1 rgb24\n";
    for (const char c : header) EXPECT_EQ(::write(ends[1], &c, 1), 1);
    const std::array<uint8_t, 6> frame{1, 2, 3, 4, 5, 6};
    EXPECT_EQ(::write(ends[1], frame.data(), 4), 4);
    EXPECT_EQ(::write(ends[1], frame.data() + 4, 2), 2);
  });
  const auto source = open_raw_frames(ends[0], "a pipe", &stop).value();
  EXPECT_EQ(source->next().value()->image.rgb, (std::vector<uint8_t>{1, 2, 3, 4, 5, 6}));
  writer.join();
  // Nothing more comes, and nobody closes it: only stop ends the wait.
  std::thread stopper([&] { stop = true; });
  EXPECT_EQ(source->next().status().code(), StatusCode::kInterrupted);
  stopper.join();
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace samc
