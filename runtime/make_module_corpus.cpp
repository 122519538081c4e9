// Writes the seeds of module_fuzz: make_module_corpus tests/corpus/module_fuzz. To be run when the format changes.

#include <cstdio>

#include "package/writer.h"
#include "runtime/testing_models.h"

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: make_module_corpus FOLDER\n"), 2;
  const std::string folder = argv[1];
  const samc::PlanModule all = samc::every_kernel();
  for (size_t index = 0; index < all.functions.size(); ++index) {
    // Small seeds, each with the weights of its own function only, so that changes hit something.
    samc::PlanModule one;
    one.info = all.info;
    if (index % 2 == 0) one.info.video.emplace();
    one.functions = {all.functions[index]};
    for (samc::Value& value : one.functions[0].values) {
      if (value.place != samc::Place::kWeight) continue;
      one.weights.push_back(all.weights[static_cast<size_t>(value.weight)]);
      value.weight = static_cast<int32_t>(one.weights.size()) - 1;
    }
    const std::string name =
        folder + "/" + std::to_string(index) + "_" + one.functions[0].operations[0].kernel + ".samc";
    if (const samc::Status status = samc::write_module(one, name); !status.is_ok())
      return std::fprintf(stderr, "%s\n", status.to_string().c_str()), 1;
  }
  for (const auto& [name, model] :
       {std::pair{"tiny_model", samc::tiny_model()}, std::pair{"tiny_model_in_parts", samc::tiny_model_in_parts()}})
    if (const samc::Status status = samc::write_module(model, folder + "/" + name + ".samc"); !status.is_ok())
      return std::fprintf(stderr, "%s\n", status.to_string().c_str()), 1;
  return 0;
}
