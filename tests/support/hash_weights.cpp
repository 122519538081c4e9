#include "tests/support/hash_weights.h"

#include <cctype>
#include <cmath>

#include "base/files.h"
#include "checkpoint/test_support.h"

namespace samc::test {
namespace {

struct Law {
  float centre = 0;
  float amplitude = 0;
};

uint64_t fnv1a64(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const char letter : text) hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3u;
  return hash;
}

uint64_t splitmix64(uint64_t state) {
  uint64_t z = state + 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

bool is_embedding(std::string_view name, std::string_view last) {
  for (const std::string_view whole :
       {"no_mem_embed", "no_mem_pos_enc", "maskmem_tpos_enc", "no_obj_ptr", "no_obj_embed_spatial"})
    if (last == whole) return true;
  for (const std::string_view part :
       {"point_embeddings", "not_a_point_embed", "no_mask_embed", "iou_token", "mask_tokens", "obj_score_token"})
    if (name.find(part) != std::string_view::npos) return true;
  return last.find("pos_embed") != std::string_view::npos;
}

Law law_of(std::string_view name, const Shape& shape) {
  const size_t dot = name.rfind('.');
  const std::string_view last = dot == std::string_view::npos ? name : name.substr(dot + 1);
  if (last == "gamma" || (shape.size() == 1 && last == "weight")) return {1.0f, 0.1f};
  if (last == "positional_encoding_gaussian_matrix") return {0.0f, 1.0f};
  if (name.ends_with("pred_obj_score_head.layers.2.bias")) return {2.0f, 0.1f};
  if (shape.size() <= 1) return {0.0f, 0.1f};
  if (is_embedding(name, last)) return {0.0f, 0.5f};
  const int64_t fan_in = element_count(std::span(shape).subspan(1));
  return {0.0f, static_cast<float>(std::sqrt(3.0 / static_cast<double>(fan_in)))};
}

constexpr const char* kListHint = "a list has the form {\"name\": [1, 2, 3], ...}";

class ListParser {
 public:
  explicit ListParser(std::string_view text) : text_(text) {}

  Result<std::vector<NamedShape>> run() {
    std::vector<NamedShape> list;
    SAMC_TRY(expect('{'));
    while (!accept('}')) {
      if (!list.empty()) SAMC_TRY(expect(','));
      NamedShape item;
      SAMC_TRY(expect('"'));
      while (position_ < text_.size() && text_[position_] != '"') item.name.push_back(text_[position_++]);
      SAMC_TRY(expect('"'));
      SAMC_TRY(expect(':'));
      SAMC_TRY(expect('['));
      while (!accept(']')) {
        if (!item.shape.empty()) SAMC_TRY(expect(','));
        skip_space();
        int64_t extent = 0;
        const size_t start = position_;
        while (position_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[position_])) &&
               position_ - start < 9)
          extent = extent * 10 + (text_[position_++] - '0');
        if (position_ == start) return wrong();
        item.shape.push_back(extent);
      }
      list.push_back(std::move(item));
    }
    return list;
  }

 private:
  void skip_space() {
    while (position_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[position_]))) ++position_;
  }
  bool accept(char letter) {
    skip_space();
    if (position_ >= text_.size() || text_[position_] != letter) return false;
    ++position_;
    return true;
  }
  Status expect(char letter) { return accept(letter) ? Status::ok() : wrong(); }
  Status wrong() const {
    return invalid_input(fmt::format("the list of shapes is wrong at byte {}", position_), kListHint);
  }

  std::string_view text_;
  size_t position_ = 0;
};

}  // namespace

Tensor hash_weights(std::string_view name, const Shape& shape) {
  const Law law = law_of(name, shape);
  const uint64_t seed = fnv1a64(name);
  Tensor tensor(shape);
  uint64_t index = 0;
  for (float& value : tensor.f32()) {
    const float uniform = static_cast<float>(splitmix64(seed + index) >> 40) / 0x1p23f - 1.0f;
    ++index;
    value = law.amplitude * uniform + law.centre;
  }
  return tensor;
}

Result<std::vector<NamedShape>> parse_shape_list(std::string_view json) { return ListParser(json).run(); }

Result<std::vector<NamedShape>> load_shape_list(const std::string& model) {
  const std::string path = fmt::format("{}/tests/data/state_dicts/{}.json", SAMC_SOURCE_DIR, model);
  SAMC_ASSIGN(const std::string text, read_text_file(path, size_t{1} << 24));
  Result<std::vector<NamedShape>> list = parse_shape_list(text);
  if (!list.is_ok()) return list.status().at(path);
  return list;
}

Status write_hash_checkpoint(const std::string& path, const std::vector<NamedShape>& shapes) {
  std::vector<TensorSource> sources;
  for (const NamedShape& item : shapes)
    sources.push_back({item.name, DType::kF32, item.shape, [&item] { return hash_weights(item.name, item.shape); }});
  return write_test_checkpoint(path, sources);
}

}  // namespace samc::test
