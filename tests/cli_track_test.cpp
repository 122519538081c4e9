// samc track: a white square that moves by four pixels a frame (tests/data/clips), followed by the model that comes
// with samc; what is written, and its one line for everything that can be wrong.

#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <random>

#include "media/image.h"
#include "media/npz.h"
#include "media/palette_png.h"
#include "media/rle.h"
#include "media/video_reader.h"
#include "tests/support/command_line.h"

namespace samc::test {
namespace {

namespace fs = std::filesystem;

const std::string kClips = kData + "clips/";
constexpr int kFrames = 12, kWidth = 64, kHeight = 48, kSquare = 64;  // its pixels

class Track : public CommandLine {
 protected:
  static void SetUpTestSuite() {
    CommandLine::SetUpTestSuite();
    folder_ = new TestFolder;
    const ProcessResult result = run_process({SAMC_BINARY, "compile", "mini", "-o", mini()});
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }
  static void TearDownTestSuite() {
    delete folder_;
    folder_ = nullptr;
    CommandLine::TearDownTestSuite();
  }
  void SetUp() override {
    if (!open_video(kClips + "h264.mp4").is_ok()) GTEST_SKIP() << "no FFmpeg";
  }

  static std::string mini() { return folder_->path("mini.samc"); }
  ProcessResult track(std::vector<std::string> arguments, ProcessOptions options = {}) const {
    arguments.insert(arguments.begin(), {"track", "--model", mini(), "--threads", "1"});
    return samc(std::move(arguments), std::move(options));
  }
  std::string prompts(const std::string& json) const {
    put_bytes(path("p.json"), json);
    return path("p.json");
  }

  // The frames of h264.mp4 as images, by names whose order by bytes is another.
  std::string image_folder() const {
    fs::create_directory(path("images"));
    const auto source = open_video(kClips + "h264.mp4").value();
    for (int i = 0; i < kFrames; ++i)
      EXPECT_TRUE(write_png(path(fmt::format("images/f{}.png", i)), source->next().value()->image).is_ok());
    return path("images");
  }
  // The same as a stream.
  static std::string stream() {
    std::string text = fmt::format("samc-frames {} {} rgb24 10\n", kWidth, kHeight);
    const auto source = open_video(kClips + "h264.mp4").value();
    for (int i = 0; i < kFrames; ++i) {
      const Image image = source->next().value()->image;
      text.append(image.rgb.begin(), image.rgb.end());
    }
    return text;
  }

  struct Line {
    int64_t frame = 0;
    std::map<int64_t, std::vector<uint8_t>> masks;  // by object
  };
  static std::vector<Line> lines_of(const std::string& text) {
    std::vector<Line> lines;
    for (size_t at = 0; at < text.size();) {
      const size_t end = text.find('\n', at);
      EXPECT_NE(end, std::string::npos) << "a torn line";
      const nlohmann::json json = nlohmann::json::parse(text.substr(at, end - at));
      Line line;
      line.frame = json["frame"];
      for (const auto& object : json["objects"]) {
        const std::string counts = object["segmentation"]["counts"];
        line.masks[object["object"]] = decode_rle(decompress_rle(counts, kHeight, kWidth).value());
      }
      lines.push_back(std::move(line));
      at = end + 1;
    }
    return lines;
  }
  static std::vector<int64_t> frames_of(const std::vector<Line>& lines) {
    std::vector<int64_t> frames;
    for (const Line& line : lines) frames.push_back(line.frame);
    return frames;
  }

  // The square of this frame, but for a pixel along its edge.
  static void expect_square(const std::vector<uint8_t>& mask, int64_t frame) {
    int inside = 0, outside = 0;
    for (int y = 0; y < kHeight; ++y)
      for (int x = 0; x < kWidth; ++x) {
        if (mask[static_cast<size_t>(y * kWidth + x)] == 0) continue;
        const bool is_near = x >= 4 * frame - 1 && x < 4 * frame + 9 && y >= 19 && y < 29;
        ++(is_near ? inside : outside);
      }
    EXPECT_EQ(outside, 0) << "frame " << frame;
    EXPECT_GE(inside, kSquare / 2) << "frame " << frame;
  }
  static size_t video_frames(const std::string& file) {
    const auto source = open_video(file);
    EXPECT_TRUE(source.is_ok()) << source.status().to_string();
    size_t frames = 0;
    while (source.is_ok() && source.value()->skip().value()) ++frames;
    return frames;
  }
  // One line of error, in words before it what was done.
  static void expect_kept(const ProcessResult& result, int exit_code, const std::vector<std::string>& parts) {
    expect_error(result, exit_code, parts);
    EXPECT_NE(result.out.find("tracked"), std::string::npos) << result.out;
  }

 private:
  static inline TestFolder* folder_ = nullptr;
};

const std::vector<int64_t> kAll{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};

TEST_F(Track, every_output_of_a_video) {
  const ProcessResult result =
      track({kClips + "h264.mp4", "--point", "4,24", "-o", path("o.mp4"), "-o", path("masks"), "--per-object",
             path("objects"), "--rle", path("o.jsonl"), "--save-npz", path("o.npz")});
  expect_done(result);
  EXPECT_NE(result.out.find("12 frames tracked"), std::string::npos) << result.out;
  const std::vector<Line> lines = lines_of(bytes_of(path("o.jsonl")));
  ASSERT_EQ(frames_of(lines), kAll);
  const Npz npz = Npz::read(path("o.npz")).value();
  EXPECT_EQ(npz.arrays().size(), 36u);
  for (int i = 0; i < kFrames; ++i) {
    const std::vector<uint8_t>& mask = lines[static_cast<size_t>(i)].masks.at(1);
    expect_square(mask, i);
    EXPECT_EQ(read_palette_png(path(fmt::format("masks/{:05}.png", i))).value().indices, mask);
    const Image object = read_image(path(fmt::format("objects/001/{:05}.png", i))).value();
    for (size_t k = 0; k < mask.size(); ++k) ASSERT_EQ(object.rgb[3 * k], mask[k] * 255);
    EXPECT_EQ(npz.get(fmt::format("frame{}.obj1.low_res", i)).value()->shape().size(), 2u);
    EXPECT_GT(npz.get(fmt::format("frame{}.obj1.object_score", i)).value()->f32()[0], 0);
    EXPECT_EQ(npz.get(fmt::format("frame{}.obj1.obj_ptr", i)).value()->shape()[0], 1);
  }
  // The square is coloured in the video, and the quarters are not.
  const auto source = open_video(path("o.mp4")).value(), original = open_video(kClips + "h264.mp4").value();
  for (int i = 0; i < kFrames; ++i) {
    const Image drawn = source->next().value()->image, plain = original->next().value()->image;
    const size_t square = static_cast<size_t>((24 * kWidth + 4 * i + 4) * 3), corner = (5 * kWidth + 60) * 3;
    EXPECT_GT(std::abs(drawn.rgb[square] - plain.rgb[square]), 40) << i;
    EXPECT_LT(std::abs(drawn.rgb[corner] - plain.rgb[corner]), 12) << i;
  }
  EXPECT_EQ(count_torn_files(), 0u);
}

// Whether all frames are at hand or come one by one, and wherever from: the same masks, byte for byte.
TEST_F(Track, a_folder_a_stream_and_a_file_give_the_same) {
  const std::vector<std::string> prompt{"--object", "4", "--point", "4,24", "--object", "9", "--box", "32,24,64,48"};
  const auto masks_of = [&](std::vector<std::string> call, const ProcessOptions& options = {}) {
    call.insert(call.end(), prompt.begin(), prompt.end());
    call.insert(call.end(), {"--rle", "-"});
    const ProcessResult result = track(call, options);
    expect_done(result);
    return result.out;
  };
  const std::string file = masks_of({kClips + "h264.mp4"});
  const std::vector<Line> lines = lines_of(file);
  ASSERT_EQ(frames_of(lines), kAll);
  for (const Line& line : lines) {
    ASSERT_EQ(line.masks.size(), 2u);
    expect_square(line.masks.at(4), line.frame);
  }
  EXPECT_EQ(masks_of({kClips + "h264.mp4", "--both"}), file);
  EXPECT_EQ(masks_of({image_folder(), "--fps", "10"}), file);
  EXPECT_EQ(masks_of({image_folder(), "--fps", "10", "--both"}), file);
  ProcessOptions options;
  options.input = stream();
  // A stream does not know that it is short, which changes pointers' distances, and so a pixel at most.
  const std::vector<Line> streamed = lines_of(masks_of({"-"}, options));
  ASSERT_EQ(frames_of(streamed), kAll);
  for (size_t i = 0; i < lines.size(); ++i) expect_square(streamed[i].masks.at(4), static_cast<int64_t>(i));
}

TEST_F(Track, from_any_frame_in_both_directions) {
  const std::string middle = prompts(R"([{"frame": 6, "object": 1, "points": [[28, 24, 1]]}])");
  const auto lines = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {kClips + "h264.mp4", "--rle", path("o.jsonl"), "-o", path("o.mp4")});
    expect_done(track(more));
    std::vector<Line> found = lines_of(bytes_of(path("o.jsonl")));
    for (const Line& line : found) expect_square(line.masks.at(1), line.frame);
    return frames_of(found);
  };
  EXPECT_EQ(lines({"--prompts", middle}), (std::vector<int64_t>{6, 7, 8, 9, 10, 11}));
  EXPECT_EQ(video_frames(path("o.mp4")), 12u) << "the frames before are there, with nothing drawn";
  EXPECT_EQ(lines({"--prompts", middle, "--both"}), (std::vector<int64_t>{6, 7, 8, 9, 10, 11, 5, 4, 3, 2, 1, 0}));
  EXPECT_EQ(video_frames(path("o.mp4")), 12u);
  EXPECT_EQ(lines({"--prompts", middle, "--reverse"}), (std::vector<int64_t>{6, 5, 4, 3, 2, 1, 0}));
  EXPECT_EQ(lines({"--prompts", middle, "--from", "2", "--to", "10", "--every", "4"}), (std::vector<int64_t>{6, 10}));
  EXPECT_EQ(video_frames(path("o.mp4")), 3u);
  EXPECT_EQ(lines({"--point", "12,24", "--from", "2", "--to", "4"}), (std::vector<int64_t>{2, 3, 4}));
  EXPECT_EQ(lines({"--point", "4,24", "--reverse"}), (std::vector<int64_t>{0}));
  const std::string two = prompts(R"([{"frame": 8, "object": 1, "points": [[36, 24]]},
                                      {"frame": 2, "object": 1, "points": [[12, 24]], "labels": [1]}])");
  EXPECT_EQ(lines({"--prompts", two}), (std::vector<int64_t>{2, 3, 4, 5, 6, 7, 8, 9, 10, 11}));
  EXPECT_EQ(lines({"--prompts", two, "--reverse"}), (std::vector<int64_t>{8, 7, 6, 5, 4, 3, 2, 1, 0}));
}

TEST_F(Track, masks_as_prompts) {
  // Two objects in a palette PNG, as DAVIS's annotations have them.
  std::vector<uint8_t> indices(kWidth * kHeight);
  for (int y = 20; y < 28; ++y)
    for (int x = 0; x < 8; ++x) indices[static_cast<size_t>(y * kWidth + x)] = 2;
  for (int y = 30; y < 48; ++y)
    for (int x = 40; x < 64; ++x) indices[static_cast<size_t>(y * kWidth + x)] = 5;
  ASSERT_TRUE(write_palette_png(path("m.png"), kWidth, kHeight, indices).is_ok());
  const std::string file = prompts(R"([{"frame": 0, "object": 2, "mask": "m.png"}])");
  expect_done(track({kClips + "h264.mp4", "--prompts", file, "--rle", path("o.jsonl"), "-q"}));
  const std::vector<Line> lines = lines_of(bytes_of(path("o.jsonl")));
  ASSERT_EQ(frames_of(lines), kAll);
  for (const Line& line : lines) expect_square(line.masks.at(2), line.frame);
  expect_error(track({kClips + "h264.mp4", "--object", "3", "--mask", path("m.png"), "--rle", path("e.jsonl")}), 1,
               {"object 3: ", "m.png has no pixel of object 3, but of 2, 5"});
  ASSERT_TRUE(write_png(path("small.png"), Image(5, 4)).is_ok());
  expect_error(track({kClips + "h264.mp4", "--mask", path("small.png"), "--rle", path("e.jsonl")}), 1,
               {"small.png has 5 x 4 pixels, and the frames 64 x 48"});
}

TEST_F(Track, what_ends_early_is_kept) {
  const std::vector<std::string> outputs{"--point", "4,24", "-o", path("o.mp4"), "--rle", path("o.jsonl")};
  const auto call = [&](const std::string& video, std::vector<std::string> more = {}) {
    more.insert(more.begin(), video);
    more.insert(more.end(), outputs.begin(), outputs.end());
    return more;
  };
  expect_kept(track(call(kClips + "two_sizes.mkv")), 1, {"frame 12 has 32 x 24 pixels, and those before 64 x 48"});
  EXPECT_EQ(lines_of(bytes_of(path("o.jsonl"))).size(), 12u);
  EXPECT_EQ(video_frames(path("o.mp4")), 12u);

  const std::string whole = bytes_of(kClips + "h264.mp4");
  put_bytes(path("cut.mp4"), whole.substr(0, whole.size() * 9 / 10));
  for (const bool both : {false, true}) {
    expect_kept(track(call(path("cut.mp4"), both ? std::vector<std::string>{"--both"} : std::vector<std::string>{})), 1,
                {"cut.mp4: the mp4 is cut short"});
    const size_t frames = lines_of(bytes_of(path("o.jsonl"))).size();
    EXPECT_GE(frames, 4u);
    EXPECT_LT(frames, 12u);
    EXPECT_EQ(video_frames(path("o.mp4")), frames);
  }

  const std::string images = image_folder();
  ASSERT_TRUE(write_png(images + "/f5.png", Image(5, 4)).is_ok());
  expect_kept(track(call(images)), 1, {"f5.png has 5 x 4 pixels, and those before 64 x 48"});
  EXPECT_EQ(lines_of(bytes_of(path("o.jsonl"))).size(), 5u);
  put_bytes(images + "/f5.png", "no image");
  expect_kept(track(call(images, {"--both"})), 1, {"f5.png"});
  EXPECT_EQ(lines_of(bytes_of(path("o.jsonl"))).size(), 5u);
  EXPECT_EQ(video_frames(path("o.mp4")), 5u);

  ProcessOptions closed;
  closed.input = stream().substr(0, 50'000);
  expect_kept(track(call("-"), closed), 1, {"standard input: it ends inside of frame 5, behind 3"});
  EXPECT_EQ(video_frames(path("o.mp4")), 5u);
  EXPECT_EQ(count_torn_files(), 0u);
}

TEST_F(Track, a_full_disk_keeps_what_was_written) {
  ProcessOptions options;
  options.largest_file = 200'000;
  std::string noise = "samc-frames 128 128 rgb24\n";
  std::minstd_rand random(3);
  for (int i = 0; i < 128 * 128 * 3 * 30; ++i) noise += static_cast<char>(random() >> 16);
  options.input = noise;
  const ProcessResult video = track({"-", "--point", "4,24", "-o", path("o.mp4")}, options);
  expect_kept(video, 1, {"o.mp4: File too large", "the disk is full"});
  EXPECT_GE(video_frames(path("o.mp4")), 1u);
  options.input.reset();
  options.largest_file = 1000;
  expect_kept(track({kClips + "h264.mp4", "--point", "4,24", "--rle", path("o.jsonl")}, options), 1,
              {"o.jsonl: File too large", "the disk is full"});
  const size_t lines = lines_of(bytes_of(path("o.jsonl"))).size();
  EXPECT_GE(lines, 1u);
  EXPECT_LT(lines, 12u);
  EXPECT_EQ(count_torn_files(), 0u);
}

TEST_F(Track, ctrl_c_finishes_the_files) {
  ProcessOptions options;
  options.interrupt_on_output = true;
  options.input = stream();
  options.holds_input = true;  // more could come at any time
  const ProcessResult result =
      track({"-", "--point", "4,24", "--rle", "-", "-o", path("o.mp4"), "-o", path("masks")}, options);
  EXPECT_EQ(result.exit_code, 130);
  EXPECT_NE(result.err.find("samc: error: interrupted behind"), std::string::npos) << result.err;
  const size_t lines = lines_of(result.out).size();
  EXPECT_GE(lines, 1u);
  EXPECT_EQ(video_frames(path("o.mp4")), lines);
  EXPECT_TRUE(fs::exists(path("masks/00000.png")));
  EXPECT_EQ(count_torn_files(), 0u);
}

TEST_F(Track, mistakes_are_one_line) {
  const std::string clip = kClips + "h264.mp4", out = path("o.jsonl");
  const auto expect = [&](int code, std::vector<std::string> call, const std::vector<std::string>& parts) {
    expect_error(track(std::move(call)), code, parts);
    EXPECT_FALSE(fs::exists(out));
  };
  const auto with_prompts = [&](const std::string& json) {
    return std::vector<std::string>{clip, "--prompts", prompts(json), "--rle", out};
  };
  expect(2, {"--point", "1,1", "--rle", out}, {"no video"});
  expect(2, {clip, "--point", "1,1"}, {"nothing to write"});
  expect(2, {clip, "--rle", out}, {"no prompts"});
  expect(2, {clip, "--point", "1;1", "--rle", out}, {"1;1"});
  expect(2, {clip, "--object", "x", "--point", "1,1", "--rle", out}, {"--object x"});
  expect(2, {clip, "--box", "1,1,5,5", "--box", "2,2,5,5", "--rle", out}, {"object 1 has two boxes"});
  expect(2, {clip, "--mask", "a.png", "--mask", "b.png", "--rle", out}, {"object 1 has two masks"});
  expect(2, {clip, "--point", "1,1", "--object", "2", "--rle", out}, {"--object 2 has no prompt"});
  expect(2, {clip, "--point", "1,1", "--fps", "nan", "--rle", out}, {"--fps"});
  expect(2, {clip, "--point", "1,1", "-o", path("o.avi")}, {"samc writes mp4"});
  expect(2, {clip, "--point", "1,1", "-o", path("o.png")}, {"more than one image"});
  expect(2, {clip, "--point", "1,1", "-o", path("m"), "--save-npz", path("m/00001.png")}, {"may be an image of -o"});
  expect(2, {clip, "--point", "1,1", "-o", path("m/001"), "--per-object", path("m")}, {"is a folder of --per-object"});
  expect(2, {clip, "--point", "1,1", "-o", path("a"), "-o", path("b")}, {"one .mp4 and one folder"});
  expect(2, {clip, "--point", "1,1", "--rle", out, "--both", "--reverse"}, {"--both"});
  expect(2, {clip, "--point", "1,1", "--rle", out, "--from", "5", "--to", "4"}, {"--to 4 is before --from 5"});
  expect(2, {"-", "--point", "1,1", "--rle", out, "--both"}, {"--both needs all frames"});
  expect(2, {clip, "--camera", "/dev/video0", "--point", "1,1", "--rle", out}, {"--camera beside a video"});
  expect(2, {clip, "--point", "1,1", "--prompts", prompts("[]"), "--rle", out}, {"--prompts beside other prompts"});
  expect(1, {clip, "--point", "65,1", "--rle", out}, {"object 1: point 65,1 lies outside the image of 64 x 48"});
  expect(1, {clip, "--point", "1,1", "--rle", out, "--from", "100"},
         {"no frame 100, where --from begins: ", "ends behind 12 frames"});
  expect(1, {path("none.mp4"), "--point", "1,1", "--rle", out}, {"none.mp4", "No such file"});
  expect(1, {clip, "--mask", kTruck, "--rle", out}, {"truck.jpg is a JPEG, whose compression changes", "as a PNG"});
  for (const char* option : {"--rle", "-o", "--prompts", "--point", "--mask", "--save-npz", "--per-object"})
    expect(2, {clip, "--point", "1,1", option, ""}, {option, "its value is empty"});
  expect(2, {"", "--point", "1,1", "--rle", out}, {"its value is empty"});
  expect(1, {kClips + "no_video.mp4", "--point", "1,1", "--rle", out}, {"it has no video stream"});
  expect(1, {kClips + "README.md", "--point", "1,1", "--rle", out}, {"not a video that samc reads"});
  fs::create_directory(path("empty"));
  expect(1, {path("empty"), "--point", "1,1", "--rle", out}, {"empty"});
  expect(1, {"--camera", path("none"), "--point", "1,1", "--rle", out}, {"none"});
  expect(1, with_prompts(R"([{"frame": 12, "object": 1, "points": [[1, 1]]}])"),
         {"p.json: [0]: no frame 12", "ends behind 12 frames"});
  expect(1, with_prompts(R"([{"frame": 0, "object": 1, "points": [[1, 1, 7]]}])"), {"p.json: [0]: points[0]"});
  expect(1, with_prompts(R"([{"frame": 0, "object": 1, "mask": "none.png"}])"), {"p.json: [0]: ", "none.png"});
  std::vector<std::string> every = with_prompts(R"([{"frame": 3, "object": 1, "points": [[1, 1]]}])");
  every.insert(every.end(), {"--every", "2"});
  expect(1, every, {"p.json: [0]: frame 3 is none of those"});
  expect(1, {clip, "--object", "300", "--point", "1,1", "-o", path("masks")}, {"object 300 does not fit"});
  // A model without the parts that track: what is not there is said before the work.
  ProcessOptions empty;
  empty.input = "";
  expect_error(track({"-", "--point", "1,1", "--rle", out}, empty), 1, {"standard input: it is empty"});
}

#ifdef SAMC_FAKE_CAMERA
// Frames come faster than they are tracked, so some are left out.
TEST_F(Track, a_camera_until_it_is_unplugged) {
  const ProcessResult result =
      track({"--camera", "/dev/fake_camera", "--point", "24,24", "--rle", "-"},
            {.environment = {{"LD_PRELOAD", SAMC_FAKE_CAMERA}, {"FAKE_CAMERA", "/dev/fake_camera"}}});
  if (result.err.find("libavdevice") != std::string::npos) GTEST_SKIP() << result.err;
  expect_error(result, 1, {"/dev/fake_camera: reading the video fails: No such device"});
  const std::vector<Line> lines = lines_of(result.out);
  ASSERT_GE(lines.size(), 1u);
  int64_t before = -1;
  for (const Line& line : lines) {
    EXPECT_GT(line.frame, before);
    EXPECT_LT(line.frame, 12);
    before = line.frame;
    const std::vector<uint8_t>& mask = line.masks.at(1);
    EXPECT_NEAR(static_cast<double>(std::count(mask.begin(), mask.end(), 1)), kSquare, 20) << line.frame;
  }
}

// A build with FFmpeg's headers, on a machine without its libraries.
TEST_F(Track, without_ffmpegs_libraries) {
  fs::create_directory(path("stub"));
  const ProcessOptions stubs{.environment = {{"LD_LIBRARY_PATH", path("stub")}}};
  for (const char* file : {"libavutil.so.56", "libavutil.so.57", "libavutil.so.58", "libavutil.so.59"})
    put_bytes(path(fmt::format("stub/{}", file)), "");
  expect_error(track({kClips + "h264.mp4", "--point", "1,1", "--rle", "-"}, stubs), 1,
               {"h264.mp4: videos need FFmpeg's libraries, and libavutil.so.", "is missing; install ffmpeg",
                "or give a folder of images"});
  expect_done(track({image_folder(), "--point", "8,24", "--rle", "-"}, stubs));
}
#endif

TEST_F(Track, nothing_that_is_read_is_written_over) {
  fs::copy(kClips + "h264.mp4", path("clip.mp4"));
  const std::string images = image_folder();
  expect_error(track({path("clip.mp4"), "--point", "1,1", "-o", path("clip.mp4")}), 2, {"-o ", "which is read"});
  expect_error(track({images, "--point", "1,1", "-o", images}), 2, {"-o ", "which is read"});
  fs::create_directory(path("objects"));
  fs::copy(images, path("objects/001"));
  expect_error(track({path("objects/001"), "--point", "1,1", "--per-object", path("objects")}), 2,
               {"--per-object ", "which is read"});
  expect_error(track({path("clip.mp4"), "--point", "1,1", "--rle", mini()}), 2, {"--rle ", "which is read"});
  const std::string file = prompts(R"([{"frame": 0, "object": 1, "points": [[1, 1]]}])");
  expect_error(track({path("clip.mp4"), "--prompts", file, "--rle", file}), 2, {"--rle ", "which is read"});
  expect_error(track({path("clip.mp4"), "--point", "1,1", "-o", path("none/o.mp4")}), 1, {"none/o.mp4"});
  EXPECT_EQ(bytes_of(path("clip.mp4")), bytes_of(kClips + "h264.mp4"));
}

}  // namespace
}  // namespace samc::test
