#include "app/jobs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "app/image_list.h"
#include "app/output_names.h"
#include "base/files.h"
#include "base/test_folder.h"
#include "media/npz.h"

namespace samc {
namespace {

Result<std::vector<Job>> jobs_for(const std::vector<std::string>& images, const PromptArguments& arguments) {
  std::vector<std::string> warnings;
  Result<std::vector<Job>> jobs = make_jobs(images, arguments, warnings);
  EXPECT_TRUE(warnings.empty());
  return jobs;
}

TEST(Jobs, points_and_boxes_are_read_strictly) {
  EXPECT_EQ(parse_point("500,375").value().y, 375);
  EXPECT_TRUE(parse_point("500,375").value().positive);
  EXPECT_FALSE(parse_point("0.5,1e2,0").value().positive);
  for (const char* text : {"", "1", "1,", "1,2,", "1,2,3", "1,2,-1", "1,2,1,1", "a,b", "1;2", " 1,2", "nan,1", "inf,1"})
    EXPECT_EQ(parse_point(text).status().code(), StatusCode::kUsage) << text;
  EXPECT_EQ(parse_box("1,2,3,4").value()[3], 4);
  for (const char* text : {"1,2,3", "1,2,3,4,5", "1 2 3 4"}) EXPECT_FALSE(parse_box(text).is_ok()) << text;
}

TEST(Jobs, several_boxes_are_several_prompts) {
  PromptArguments arguments;
  arguments.boxes = {"1,2,3,4", "5,6,7,8"};
  const std::vector<Job> jobs = jobs_for({"a.jpg", "b.jpg"}, arguments).value();
  ASSERT_EQ(jobs.size(), 2u);
  ASSERT_EQ(jobs[1].prompts.size(), 2u);
  EXPECT_EQ((*jobs[1].prompts[1].box)[0], 5);
  arguments.points = {"1,2"};
  EXPECT_EQ(jobs_for({"a.jpg"}, arguments).status().code(), StatusCode::kUsage);
  arguments.boxes = {"1,2,3,4"};
  EXPECT_EQ(jobs_for({"a.jpg"}, arguments).value()[0].prompts[0].points.size(), 1u);
  EXPECT_EQ(jobs_for({"a.jpg"}, {}).status().code(), StatusCode::kUsage);
}

TEST(Jobs, a_folder_gives_its_pictures_in_order) {
  const TestFolder folder;
  for (const char* name : {"b.JPG", "a.png", "c.jpeg", "notes.txt"})
    ASSERT_TRUE(write_file(folder.path(name), std::string("x")).is_ok());
  PromptArguments arguments;
  arguments.points = {"1,2"};
  const std::vector<Job> jobs = jobs_for({folder.path("")}, arguments).value();
  ASSERT_EQ(jobs.size(), 3u);
  EXPECT_EQ(jobs[0].stem, "a");
  EXPECT_EQ(jobs[1].stem, "b");
  EXPECT_EQ(jobs[2].stem, "c");
}

TEST(Jobs, a_folder_without_images_does_not_stop_the_others) {
  const TestFolder empty;
  PromptArguments arguments;
  arguments.points = {"1,2"};
  const std::vector<Job> jobs = jobs_for({empty.path(""), empty.path("absent/a.jpg")}, arguments).value();
  ASSERT_EQ(jobs.size(), 2u);
  EXPECT_NE(jobs[0].fault.message().find("no .jpg, .jpeg or .png in the folder"), std::string::npos);
  EXPECT_TRUE(jobs[1].fault.is_ok());
  EXPECT_EQ(jobs[1].stem, "a");
}

TEST(Jobs, what_a_folder_hides_or_samc_does_not_read_is_left_out) {
  const TestFolder folder;
  for (const char* name : {"a.jpg", "._a.jpg", ".b.png", "c.JFIF", "d.webp", "e.HEIC", "f.txt"})
    ASSERT_TRUE(write_file(folder.path(name), std::string("x")).is_ok());
  std::filesystem::create_directory(folder.path("g.jpg"));
  std::filesystem::create_symlink("nowhere", folder.path("h.png"));
  std::vector<std::string> warnings;
  const std::vector<ListedImage> images = list_images({folder.path("")}, warnings);
  ASSERT_EQ(images.size(), 3u);
  EXPECT_EQ(images[0].path, folder.path("a.jpg"));
  EXPECT_EQ(images[1].path, folder.path("c.JFIF"));
  EXPECT_EQ(images[2].path, folder.path("h.png"));  // that it leads nowhere is said when it is read
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("2 images of formats that samc does not read: d.webp, e.HEIC; convert"), std::string::npos)
      << warnings[0];
  for (int i = 0; i < 7; ++i) ASSERT_TRUE(write_file(folder.path(fmt::format("t{}.tif", i)), std::string()).is_ok());
  warnings.clear();
  list_images({folder.path("")}, warnings);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("9 images of formats"), std::string::npos) << warnings[0];
  EXPECT_NE(warnings[0].find("t2.tif and 4 more"), std::string::npos) << warnings[0];

  const TestFolder others;
  ASSERT_TRUE(write_file(others.path("a.webp"), std::string()).is_ok());
  const std::vector<ListedImage> none = list_images({others.path("")}, warnings);
  ASSERT_EQ(none.size(), 1u);
  EXPECT_NE(none[0].fault.message().find("1 image of a format that samc does not read: a.webp"), std::string::npos)
      << none[0].fault.message();
}

TEST(OutputNames, never_replace_each_other) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(output_names({"a.jpg", "b.jpg", "x/c.png"}), (Names{"a", "b", "c"}));
  EXPECT_EQ(output_names({"a.jpg", "a.png"}), (Names{"a", "a.png"}));
  EXPECT_EQ(output_names({"a.jpg", "a.jpg", "./a.jpg", "a.png"}), (Names{"a", "a.jpg", "a.jpg.2", "a.png"}));
  EXPECT_EQ(output_names({"a.jpg", "a.png", "a.png.jpg"}), (Names{"a", "a.png", "a.png.jpg"}));
  EXPECT_EQ(output_names({"clip1/0.jpg", "clip2/0.jpg", "clip3/0.jpg"}), (Names{"clip1/0", "clip2/0", "clip3/0"}));
  EXPECT_EQ(output_names({"/x/clip1/0.jpg", "/x/0.jpg", "/x/1.jpg", "/x/clip1/0.png"}),
            (Names{"clip1/0", "0", "1", "clip1/0.png"}));
  EXPECT_EQ(output_names({"/x/a/../b/0.jpg", "/x/c/d/0.jpg"}), (Names{"b/0", "c/d/0"}));
  EXPECT_EQ(output_names({"/x/clip/0.jpg", "/x/clip1/0.jpg"}), (Names{"clip/0", "clip1/0"}));
  EXPECT_EQ(output_names({"../a/0.jpg", "../b/0.jpg"}), (Names{"a/0", "b/0"}));
}

TEST(Jobs, entries_of_one_file_are_kept_apart) {
  const TestFolder folder;
  ASSERT_TRUE(write_file(folder.path("a.jpg"), std::string("x")).is_ok());
  std::filesystem::create_symlink("a.jpg", folder.path("link.jpg"));
  std::filesystem::create_symlink("a.jpg", folder.path("other.jpg"));
  PromptArguments arguments;
  arguments.file = folder.path("p.json");
  ASSERT_TRUE(write_file(arguments.file, std::string(R"({"pictures": [
    {"image": "a.jpg", "prompts": [{"points": [[1, 1]]}]},
    {"image": "link.jpg", "prompts": [{"points": [[2, 2]]}]},
    {"image": "a.jpg", "prompts": [{"points": [[3, 3]]}]}]})"))
                  .is_ok());
  const auto first_points = [&](const std::vector<std::string>& images) {
    std::vector<double> xs;
    const std::vector<Job> jobs = jobs_for(images, arguments).value();
    for (const Job& job : jobs) {
      EXPECT_TRUE(job.fault.is_ok()) << job.fault.to_string();
      xs.push_back(job.prompts[0].points[0].x);
    }
    return xs;
  };
  using Xs = std::vector<double>;
  EXPECT_EQ(first_points({}), (Xs{1, 2, 3}));
  EXPECT_EQ(first_points({folder.path("a.jpg"), folder.path("link.jpg")}), (Xs{1, 3, 2}));
  EXPECT_EQ(first_points({folder.path("link.jpg")}), (Xs{2}));
  EXPECT_EQ(first_points({folder.path("./a.jpg"), folder.path("a.jpg")}), (Xs{1, 3}));  // named twice, done once
  // By a name that no entry has, also a hard link: all that are of the file.
  std::filesystem::create_hard_link(folder.path("a.jpg"), folder.path("hard.jpg"));
  EXPECT_EQ(first_points({folder.path("hard.jpg")}), (Xs{1, 2, 3}));
  EXPECT_EQ(first_points({folder.path("other.jpg")}), (Xs{1, 2, 3}));  // by no name in the file: all of its file
}

TEST(Jobs, one_bad_entry_or_image_leaves_the_others) {
  const TestFolder folder;
  PromptArguments arguments;
  arguments.file = folder.path("p.json");
  ASSERT_TRUE(write_file(arguments.file, std::string(R"({"pictures": [
    {"image": "a.jpg", "prompts": [{"points": [[1, 1]]}]},
    {"image": "b.jpg", "prompts": [{"point": [[2, 2]]}]},
    {"prompts": [{"points": [[2, 2]]}]}]})"))
                  .is_ok());
  const std::vector<Job> all = jobs_for({}, arguments).value();
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(std::count_if(all.begin(), all.end(), [](const Job& job) { return job.fault.is_ok(); }), 1);
  const std::vector<Job> named =
      jobs_for({folder.path("c.jpg"), folder.path("a.jpg"), folder.path("b.jpg")}, arguments).value();
  ASSERT_EQ(named.size(), 4u);
  const auto job_of = [&](const std::string& image) -> const Job& {
    return *std::find_if(named.begin(), named.end(), [&](const Job& job) { return job.image == folder.path(image); });
  };
  EXPECT_TRUE(job_of("a.jpg").fault.is_ok());
  EXPECT_NE(job_of("b.jpg").fault.message().find("p.json: pictures[1]: prompts[0]: unknown key"), std::string::npos);
  EXPECT_NE(job_of("c.jpg").fault.message().find("has no prompts for"), std::string::npos);
  EXPECT_NE(named[0].fault.message().find("pictures[2]: no \"image\""), std::string::npos);
  // An entry that no image asks for is nobody's fault.
  EXPECT_EQ(jobs_for({folder.path("a.jpg")}, arguments).value().size(), 2u);
}

TEST(Jobs, a_prompts_file_is_relative_to_itself) {
  const TestFolder folder;
  const std::string path = folder.path("p.json");
  ASSERT_TRUE(write_file(path, std::string(R"({"pictures": [
    {"image": "one.jpg", "multimask": false, "prompts": [{"points": [[1, 2]], "mask_input": "m.npy"}]},
    {"image": "two.jpg", "prompts": [{"box": [1, 2, 3, 4]}]}]})"))
                  .is_ok());
  PromptArguments arguments;
  arguments.file = path;
  const std::vector<Job> all = jobs_for({}, arguments).value();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].image, folder.path("one.jpg"));
  EXPECT_EQ(all[0].prompts[0].mask_input, folder.path("m.npy"));
  EXPECT_FALSE(all[0].multimask);
  EXPECT_TRUE(all[1].multimask);
  const std::vector<Job> one = jobs_for({folder.path("two.jpg")}, arguments).value();
  ASSERT_EQ(one.size(), 1u);
  EXPECT_TRUE(one[0].prompts[0].box.has_value());
  EXPECT_FALSE(jobs_for({folder.path("three.jpg")}, arguments).value()[0].fault.is_ok());
  arguments.points = {"1,2"};
  EXPECT_EQ(jobs_for({}, arguments).status().code(), StatusCode::kUsage);
}

TEST(Jobs, mask_inputs_of_other_shapes_are_refused) {
  const TestFolder folder;
  const std::string path = folder.path("m.npy");
  const auto status_of = [&](Shape shape, DType dtype = DType::kF32, size_t prompts = 1) {
    Tensor tensor(dtype, std::move(shape));
    std::memset(tensor.data(), 0, static_cast<size_t>(tensor.bytes()));
    EXPECT_TRUE(write_npy(path, tensor.view()).is_ok());
    return read_mask_input(path, 8, prompts - 1, prompts).status();
  };
  for (const Shape& shape : {Shape{8, 8}, Shape{1, 8, 8}, Shape{1, 1, 8, 8}}) EXPECT_TRUE(status_of(shape).is_ok());
  EXPECT_TRUE(status_of({8, 8}, DType::kF16).is_ok());
  EXPECT_TRUE(status_of({8, 8}, DType::kF64).is_ok());
  EXPECT_TRUE(status_of({3, 8, 8}, DType::kF32, 3).is_ok());
  EXPECT_TRUE(status_of({3, 1, 8, 8}, DType::kF32, 3).is_ok());
  for (const Shape& shape : {Shape{8}, Shape{8, 9}, Shape{3, 8, 8}, Shape{1, 3, 8, 8}, Shape{1, 1, 1, 8, 8}, Shape{}})
    EXPECT_NE(status_of(shape).message().find("where the model takes (1, 8, 8)"), std::string::npos);
  EXPECT_FALSE(status_of({8, 8}, DType::kU8).is_ok());
  Tensor infinite = Tensor::zeros({8, 8});
  infinite.f32()[5] = std::numeric_limits<float>::infinity();
  ASSERT_TRUE(write_npy(path, infinite.view()).is_ok());
  EXPECT_FALSE(read_mask_input(path, 8, 0, 1).is_ok());
}

// As --save-npz writes them: one mask of one prompt, one of each prompt; never three of a prompt.
TEST(Jobs, mask_inputs_are_taken_from_what_was_saved) {
  const TestFolder folder;
  const std::string path = folder.path("saved.npz");
  const auto put = [&](Shape shape, const char* name = "low_res_logits") {
    Tensor logits(std::move(shape));
    for (size_t i = 0; i < logits.f32().size(); ++i) logits.f32()[i] = static_cast<float>(i);
    const std::vector<std::pair<std::string, TensorView>> arrays{{"iou_predictions", logits.view()},
                                                                 {name, logits.view()}};
    EXPECT_TRUE(write_npz(path, arrays).is_ok());
  };
  put({1, 1, 8, 8});
  const Tensor one = read_mask_input(path, 8, 0, 1).value();
  EXPECT_EQ(one.shape(), (Shape{1, 8, 8}));
  EXPECT_EQ(one.f32()[63], 63.0f);
  EXPECT_EQ(read_mask_input(path, 8, 1, 2).value().f32()[0], 0.0f);  // the one mask for each
  put({2, 1, 8, 8});
  EXPECT_EQ(read_mask_input(path, 8, 1, 2).value().f32()[0], 64.0f);

  const auto error_of = [&](size_t prompts) { return read_mask_input(path, 8, 0, prompts).status().to_string(); };
  EXPECT_EQ(error_of(1), path +
                             ": low_res_logits holds 2 x 1 masks (prompts x masks), and a prompt takes one; make it "
                             "with --single, or choose one in Python: numpy.save('mask.npy', "
                             "numpy.load('saved.npz')['low_res_logits'][PROMPT, MASK])");
  put({1, 3, 8, 8});
  EXPECT_NE(error_of(1).find("holds 1 x 3 masks"), std::string::npos);
  put({1, 1, 8, 4});
  EXPECT_NE(error_of(1).find("where the model takes (1, 8, 8)"), std::string::npos);
  put({1, 1, 8, 8}, "masks");
  EXPECT_NE(error_of(1).find("low_res_logits"), std::string::npos);
}

}  // namespace
}  // namespace samc
