#pragma once
// Which functions a module needs to have, with which inputs and outputs, for a predictor to run it. The names and
// shapes are the contract with model/.

#include <string>

#include "base/status.h"
#include "package/plan.h"
#include "runtime/image_model.h"
#include "runtime/module.h"

namespace samc {

struct ImageContract : ImageModelShapes {
  Shape dense_embed;
};

// Errors: the module lacks the functions of an image model, or has others of these names.
Result<ImageContract> read_image_contract(const Module& module);

// Looks values of a module's functions up. The first error is kept.
class ShapeReader {
 public:
  explicit ShapeReader(const Module& module) : module_(module) {}

  // The f32 value's shape. Empty, and status() an error, when there is no such value or its shape is free.
  Shape shape(const char* function_name, const char* value_name, Place place, size_t rank);
  void expect(const char* function_name, const char* value_name, Place place, const Shape& expected);
  // The free sizes that a predictor gives, by name.
  void expect_sizes(const char* function_name, const std::vector<std::string_view>& names);
  const Status& status() const { return status_; }

 private:
  const Value* find(const char* function_name, const char* value_name, Place place) const;

  const Module& module_;
  Status status_;
};

}  // namespace samc
