#include "app/jobs.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/files.h"
#include "base/test_folder.h"
#include "media/npz.h"

namespace samc {
namespace {

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
  const std::vector<Job> jobs = make_jobs({"a.jpg", "b.jpg"}, arguments).value();
  ASSERT_EQ(jobs.size(), 2u);
  ASSERT_EQ(jobs[1].prompts.size(), 2u);
  EXPECT_EQ((*jobs[1].prompts[1].box)[0], 5);
  arguments.points = {"1,2"};
  EXPECT_EQ(make_jobs({"a.jpg"}, arguments).status().code(), StatusCode::kUsage);
  arguments.boxes = {"1,2,3,4"};
  EXPECT_EQ(make_jobs({"a.jpg"}, arguments).value()[0].prompts[0].points.size(), 1u);
  EXPECT_EQ(make_jobs({"a.jpg"}, {}).status().code(), StatusCode::kUsage);
}

TEST(Jobs, a_folder_gives_its_pictures_in_order) {
  const TestFolder folder;
  for (const char* name : {"b.JPG", "a.png", "c.jpeg", "notes.txt"})
    ASSERT_TRUE(write_file(folder.path(name), std::string("x")).is_ok());
  PromptArguments arguments;
  arguments.points = {"1,2"};
  const std::vector<Job> jobs = make_jobs({folder.path("")}, arguments).value();
  ASSERT_EQ(jobs.size(), 3u);
  EXPECT_EQ(jobs[0].stem, "a");
  EXPECT_EQ(jobs[1].stem, "b");
  EXPECT_EQ(jobs[2].stem, "c");
  const TestFolder empty;
  EXPECT_FALSE(make_jobs({empty.path("")}, arguments).is_ok());
}

TEST(Jobs, outputs_never_replace_each_other) {
  PromptArguments arguments;
  arguments.points = {"1,2"};
  const std::vector<Job> jobs = make_jobs({"a.jpg", "a.png"}, arguments).value();
  EXPECT_NE(jobs[0].stem, jobs[1].stem);
  EXPECT_EQ(make_jobs({"x/a.jpg", "y/a.jpg", "z/a.jpg"}, arguments).status().code(), StatusCode::kUsage);
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
  const std::vector<Job> all = make_jobs({}, arguments).value();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].image, folder.path("one.jpg"));
  EXPECT_EQ(all[0].prompts[0].mask_input, folder.path("m.npy"));
  EXPECT_FALSE(all[0].multimask);
  EXPECT_TRUE(all[1].multimask);
  const std::vector<Job> one = make_jobs({folder.path("two.jpg")}, arguments).value();
  ASSERT_EQ(one.size(), 1u);
  EXPECT_TRUE(one[0].prompts[0].box.has_value());
  EXPECT_FALSE(make_jobs({folder.path("three.jpg")}, arguments).is_ok());
  arguments.points = {"1,2"};
  EXPECT_EQ(make_jobs({}, arguments).status().code(), StatusCode::kUsage);
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

}  // namespace
}  // namespace samc
