// Images as users have them: turned, cut off, by several names, in several folders, among bad ones.

#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "media/npz.h"
#include "tests/support/command_line.h"

namespace samc::test {
namespace {

namespace fs = std::filesystem;

const std::string kSmall = kFormats + "rgb8.png";  // 61 x 47

class Images : public CommandLine {
 protected:
  nlohmann::json json_of(const std::string& name) const { return nlohmann::json::parse(bytes_of(path(name))); }
  // Of the images in a JSON output, without their folders.
  std::vector<std::string> images_in(const std::string& name) const {
    std::vector<std::string> images;
    const nlohmann::json json = json_of(name);
    for (const auto& entry : json["pictures"])
      images.push_back(fs::path(entry["image"].get<std::string>()).filename().string());
    return images;
  }
  // Every regular file under a folder, without the folder's path.
  std::vector<std::string> files_under(const std::string& name) const {
    std::vector<std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(path(name)))
      if (entry.is_regular_file()) files.push_back(fs::relative(entry.path(), path(name)).string());
    std::sort(files.begin(), files.end());
    return files;
  }
  static size_t count(const std::string& text, const std::string& part) {
    size_t found = 0;
    for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
    return found;
  }
};

using Names = std::vector<std::string>;

// However many are done at the same time, and with a bad one among them.
TEST_F(Images, jobs_change_nothing_but_time) {
  fs::create_directory(path("in"));
  for (const char* name : {"a.png", "b.png", "d.png", "e.png"}) fs::copy(kSmall, path("in") + "/" + name);
  put_bytes(path("in/c.png"), "no image");
  const auto done = [&](const std::string& jobs) {
    const std::string out = path("out" + jobs);
    const ProcessResult result =
        samc({"segment",     path("in"), "--model",    module(), "--threads", "3",          "--jobs",
              jobs,          "--point",  "20,20",      "--box",  "5,5,40,40", "-o",         out,
              "--masks-dir", out,        "--save-npz", out,      "--json",    out + ".json"});
    EXPECT_EQ(result.exit_code, 1);
    std::map<std::string, std::string> files;
    for (const std::string& name : files_under("out" + jobs)) files[name] = bytes_of(out + "/" + name);
    files["json"] = bytes_of(out + ".json");
    files["stderr"] = result.err;
    std::string said = result.out;
    for (size_t at = said.find(out); at != std::string::npos; at = said.find(out)) said.erase(at, out.size());
    files["stdout"] = said;
    return files;
  };
  const std::map<std::string, std::string> one = done("1");
  EXPECT_EQ(one.size(), 4 * (1 + 3 + 1) + 3u);
  EXPECT_NE(one.at("stderr").find("in/c.png"), std::string::npos);
  EXPECT_EQ(done("3"), one);
  EXPECT_EQ(done("7"), one);
}

TEST_F(Images, an_orientation_counts_unless_it_is_to_be_ignored) {
  const std::vector<std::string> prompt{"--normalized", "--point", "0.3,0.3"};
  const auto result_of = [&](const std::string& image, const std::vector<std::string>& more) {
    std::vector<std::string> arguments{kFormats + "by_hand/" + image, "--json", path("o.json")};
    arguments.insert(arguments.end(), prompt.begin(), prompt.end());
    arguments.insert(arguments.end(), more.begin(), more.end());
    expect_done(segment(arguments));
    nlohmann::json picture = json_of("o.json")["pictures"][0];
    picture.erase("image");
    return picture;
  };
  const nlohmann::json upright = result_of("long.jpg", {});
  EXPECT_EQ(upright["orientation"], 6);
  EXPECT_EQ(upright["width"], 5);
  EXPECT_EQ(upright, result_of("xmp_attribute.jpg", {}));
  const nlohmann::json stored = result_of("long.jpg", {"--ignore-orientation"});
  EXPECT_EQ(stored["orientation"], 1);
  EXPECT_EQ(stored["width"], 9);

  for (const bool ignore : {false, true}) {
    std::vector<std::string> arguments{"encode",     kFormats + "by_hand/long.jpg", "--model", module(), "-o",
                                       path("e.npz")};
    if (ignore) arguments.emplace_back("--ignore-orientation");
    expect_done(samc(arguments));
    const Npz embedding = Npz::read(path("e.npz")).value();
    EXPECT_EQ(embedding.get("original_size").value()->as<int64_t>()[1], ignore ? 9 : 5);
  }
}

TEST_F(Images, a_jpeg_without_its_end_marker_gives_the_masks_of_the_whole) {
  const std::string whole = bytes_of(kTruck);
  put_bytes(path("cut.jpg"), whole.substr(0, whole.size() - 2));
  put_bytes(path("less.jpg"), whole.substr(0, whole.size() - 3));
  expect_done(segment({kTruck, "--point", "500,375", "--save-npz", path("whole.npz")}));
  expect_done(segment({path("cut.jpg"), "--point", "500,375", "--save-npz", path("cut.npz")}));
  EXPECT_EQ(bytes_of(path("cut.npz")), bytes_of(path("whole.npz")));
  expect_error(segment({path("less.jpg"), "--point", "500,375", "--save-npz", path("less.npz")}), 1,
               {"less.jpg", "truncated"});
}

TEST_F(Images, one_without_prompts_or_with_bad_ones_leaves_the_others) {
  fs::create_directory(path("in"));
  for (const char* name : {"a.png", "b.png", "c.png", "d.png"}) fs::copy(kSmall, path("in") + "/" + name);
  put_bytes(path("p.json"), R"({"pictures": [
      {"image": "in/a.png", "prompts": [{"points": [[30, 20]]}]},
      {"image": "in/b.png", "prompts": [{"points": [[30, 20]]}, {"points": [[30, 20]], "labels": [2]}]},
      {"image": "in/d.png", "prompts": [{"points": [[30, 20]]}, {"points": [[300, 20]]}]}]})");
  const ProcessResult result =
      segment({path("in"), "--prompts", path("p.json"), "-o", path("out"), "--json", path("o.json")});
  EXPECT_EQ(result.exit_code, 1);
  for (const char* part : {"p.json: pictures[1]: prompts[1]: labels[0]: neither 0 nor 1", "p.json has no prompts for",
                           "in/c.png", "in/d.png: prompt 1: point 300,20 lies outside", "3 of 4 images failed"})
    EXPECT_NE(result.err.find(part), std::string::npos) << part << ": " << result.err;
  EXPECT_EQ(count(result.err, "\n"), 4u) << result.err;
  EXPECT_EQ(images_in("o.json"), Names{"a.png"});
  EXPECT_EQ(files_under("out"), Names{"a.png"});
}

TEST_F(Images, names_that_are_no_utf8_are_done_like_all_others) {
  fs::create_directory(path("in"));
  for (const char* name : {"a.png", "\xff.png", "\xfe.png"}) fs::copy(kSmall, path("in") + "/" + name);
  put_bytes(path("p.json"),
            "{\"pictures\": [{\"image\": \"in/\xff.png\", \"prompts\": [{\"points\": [[30, 20]]}]},"
            "{\"image\": \"in/\\udcfe.png\", \"prompts\": [{\"points\": [[30, 20]]}]},"
            "{\"image\": \"in/a.png\", \"prompts\": [{\"points\": [[30, 20]]}]}]}");
  expect_done(segment({path("in"), "--prompts", path("p.json"), "-o", path("out"), "--json", path("o.json")}));
  EXPECT_EQ(files_under("out"), (Names{"a.png", "\xfe.png", "\xff.png"}));
  EXPECT_EQ(json_of("o.json")["pictures"].size(), 3u);
  expect_done(segment({path("in"), "--point", "30,20", "-o", path("out2"), "--masks-dir", path("masks")}));
  EXPECT_EQ(files_under("out2"), files_under("out"));
  EXPECT_EQ(files_under("masks").size(), 9u);
}

TEST_F(Images, those_of_one_name_keep_their_folders) {
  Names images;
  for (const char* clip : {"clip1", "clip2", "clip3"}) {
    fs::create_directory(path(clip));
    fs::copy(kSmall, path(clip) + "/0001.png");
    images.push_back(path(clip) + "/0001.png");
  }
  Names arguments = images;
  arguments.insert(arguments.end(), {"--single", "--point", "30,20", "-o", path("out"), "--masks-dir", path("masks"),
                                     "--save-npz", path("arrays"), "--json", path("o.json")});
  expect_done(segment(arguments));
  EXPECT_EQ(files_under("out"), (Names{"clip1/0001.png", "clip2/0001.png", "clip3/0001.png"}));
  EXPECT_EQ(files_under("arrays"), (Names{"clip1/0001.npz", "clip2/0001.npz", "clip3/0001.npz"}));
  EXPECT_EQ(files_under("masks"),
            (Names{"clip1/0001_prompt0_mask0.png", "clip2/0001_prompt0_mask0.png", "clip3/0001_prompt0_mask0.png"}));
  EXPECT_EQ(json_of("o.json")["pictures"].size(), 3u);
  // Folders do the same, and without a clash the names stay as they are.
  expect_done(segment({path("clip1"), path("clip2"), "--point", "30,20", "-o", path("out2")}));
  EXPECT_EQ(files_under("out2"), (Names{"clip1/0001.png", "clip2/0001.png"}));
  fs::rename(path("clip2/0001.png"), path("clip2/0002.png"));
  expect_done(segment({path("clip1"), path("clip2"), "--point", "30,20", "-o", path("out3")}));
  EXPECT_EQ(files_under("out3"), (Names{"0001.png", "0002.png"}));
}

TEST_F(Images, links_to_one_file_have_prompts_of_their_own) {
  fs::copy(kSmall, path("a.png"));
  fs::create_symlink("a.png", path("link.png"));
  put_bytes(path("p.json"), R"({"pictures": [
      {"image": "a.png", "prompts": [{"points": [[5, 5]]}]},
      {"image": "link.png", "prompts": [{"points": [[50, 40]]}]}]})");
  expect_done(segment({"--prompts", path("p.json"), "--json", path("alone.json")}));
  expect_done(segment({path("a.png"), path("link.png"), "--prompts", path("p.json"), "--json", path("named.json")}));
  const auto alone = json_of("alone.json")["pictures"], named = json_of("named.json")["pictures"];
  ASSERT_EQ(named.size(), 2u);
  EXPECT_EQ(alone, named);
  EXPECT_NE(named[0]["prompts"], named[1]["prompts"]);
}

TEST_F(Images, hidden_files_are_passed_over_and_unread_formats_named) {
  fs::create_directory(path("in"));
  fs::copy(kSmall, path("in/a.png"));
  put_bytes(path("in/._a.png"), "macOS leaves these");
  expect_done(segment({path("in"), "--point", "30,20", "-o", path("out")}));
  put_bytes(path("in/b.webp"), "x");
  put_bytes(path("in/c.heic"), "x");
  const ProcessResult result = segment({path("in"), "--point", "30,20", "-o", path("out")});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_TRUE(result.err.starts_with("samc: warning: ")) << result.err;
  EXPECT_EQ(count(result.err, "\n"), 1u) << result.err;
  EXPECT_NE(result.err.find("2 images of formats that samc does not read: b.webp, c.heic"), std::string::npos)
      << result.err;
  EXPECT_EQ(files_under("out"), Names{"a.png"});
}

TEST_F(Images, an_error_of_a_prompt_names_the_file) {
  fs::copy(kSmall, path("small.image.png"));
  expect_error(segment({path("small.image.png"), "--point", "300,20", "-o", path("o.png")}), 1,
               {path("small.image.png") + ": point 300,20 lies outside"});
  expect_error(segment({path("small.image.png"), "--box", "1,1,5,5", "--box", "9,9,2,2", "-o", path("o.png")}), 1,
               {path("small.image.png") + ": prompt 1: box 9,9,2,2"});
  expect_error(segment({path("small.image.png"), "--mask-input", path("absent.npy"), "-o", path("o.png")}), 1,
               {path("small.image.png") + ": ", "absent.npy"});
}

TEST_F(Images, coordinates_of_0_to_1_are_told_so) {
  expect_error(segment({kSmall, "--normalized", "--point", "5,7", "-o", path("o.png")}), 1,
               {"point 5,7 lies outside the image, which runs from 0 to 1"});
}

// A second box behind one --box is taken for an image: the error says that there is none, not what else follows.
TEST_F(Images, one_that_is_not_there_is_named_before_all_else) {
  fs::copy(kSmall, path("a.png"));
  put_bytes(path("o.png"), "an older one");
  const ProcessResult result = segment({path("a.png"), "--box", "1,1,50,40", "6,6,9,9", "-o", path("o.png")});
  EXPECT_NE(result.exit_code, 0) << result.err;
  EXPECT_TRUE(result.err.starts_with("samc: error: cannot open 6,6,9,9: No such file or directory")) << result.err;
}

// Orientation 2, mirrored: the size tells nothing.
TEST_F(Images, an_embedding_is_of_one_image) {
  const std::string turned = kFormats + "by_hand/xmp_last_counts.jpg";
  const std::vector<std::string> use{turned,    "--embedding", path("e.npz"), "--normalized",
                                     "--point", "0.3,0.3",     "--json",      path("o.json")};
  const auto encode = [&](const std::string& image, const std::vector<std::string>& more) {
    std::vector<std::string> call{"encode", image, "--model", module(), "-o", path("e.npz")};
    call.insert(call.end(), more.begin(), more.end());
    expect_done(samc(call));
  };
  encode(turned, {});
  expect_done(segment(use));
  encode(turned, {"--ignore-orientation"});
  expect_error(segment(use), 1, {"e.npz is of another image than " + turned, "--ignore-orientation"});
  std::vector<std::string> stored = use;
  stored.push_back("--ignore-orientation");
  expect_done(segment(stored));
  std::vector<std::string> alone = use;
  alone.erase(alone.begin());
  expect_done(segment(alone));  // no image to compare with
}

// Whatever is named, nobody may ever write to it.
TEST_F(Images, a_named_pipe_is_an_error_and_no_wait) {
  fs::create_directory(path("in"));
  fs::copy(kSmall, path("in/a.png"));
  for (const char* name : {"pipe.png", "in/b.png", "p.json", "m.npy", "e.npz", "m.pt", "m.yaml", "m.onnx", "m.mlir"})
    ASSERT_EQ(::mkfifo(path(name).c_str(), 0600), 0) << name;
  const auto run = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"/usr/bin/timeout", "20", SAMC_BINARY});
    ProcessOptions options;
    options.environment = {{"XDG_CACHE_HOME", path("cache")}};
    return run_process(arguments, options);
  };
  const auto expect_refused = [&](const std::vector<std::string>& arguments, const std::string& name) {
    expect_error(run(arguments), 1, {name, "is not a regular file; it is a pipe", "to a file"});
  };
  const std::vector<std::string> end{"--model", module(), "--point", "30,20", "--json", path("o.json")};
  const auto segment_with = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "segment");
    arguments.insert(arguments.end(), end.begin(), end.end());
    return arguments;
  };
  expect_refused(segment_with({path("pipe.png")}), "pipe.png");
  expect_refused(segment_with({kSmall, "--mask-input", path("m.npy")}), "m.npy");
  expect_refused(segment_with({"--embedding", path("e.npz")}), "e.npz");
  expect_refused({"segment", kSmall, "--model", module(), "--prompts", path("p.json"), "--json", path("o.json")},
                 "p.json");
  expect_refused({"segment", kSmall, "--model", path("m.pt"), "--point", "30,20", "--json", path("o.json")}, "m.pt");
  expect_refused({"encode", path("pipe.png"), "--model", module(), "-o", path("o.npz")}, "pipe.png");
  expect_refused({"compile", kPico, "--config", path("m.yaml"), "-o", path("o.samc")}, "m.yaml");
  for (const char* name : {"m.pt", "m.onnx", "m.mlir"}) expect_refused({"inspect", path(name)}, name);

  const ProcessResult folder = run(segment_with({path("in")}));
  EXPECT_EQ(folder.exit_code, 1) << folder.err;
  EXPECT_NE(folder.err.find("in/b.png is not a regular file"), std::string::npos) << folder.err;
  EXPECT_EQ(images_in("o.json"), Names{"a.png"});
}

TEST_F(Images, a_key_that_stands_twice_is_an_error) {
  put_bytes(path("p.json"),
            R"({"pictures": [{"image": "a.png", "prompts": [{"box": [1, 1, 5, 5], "box": [2, 2, 9, 9]}]}]})");
  expect_error(segment({"--prompts", path("p.json"), "--json", path("o.json")}), 1,
               {"p.json: pictures[0]: prompts[0]: the key \"box\" stands twice"});
}

}  // namespace
}  // namespace samc::test
