#pragma once
// Many prompts of one image, or of one image each: teams of threads, each with an executor of its own, decode different
// prompts at the same time. A decoder is a hundred short operations, so threads that share each of them wait for each
// other most of the time. A team takes several prompts of an image together where the decoder is small: a third of
// its time it reads weights for a few tokens. Results are the same bits, as for any number of threads.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/status.h"
#include "base/thread_pool.h"
#include "runtime/executor.h"
#include "runtime/image_model.h"
#include "runtime/prompt_decoder.h"

namespace samc {

// A prompt and the picture that it is for: what memory attention makes of a frame is another one for each object.
struct PromptOfPicture {
  DecoderMaps maps;
  const DecoderPoints* points;
  TensorView mask;  // as PromptDecoder::decode() takes it
  DecoderOutputs* outputs;
};

class PromptTeams {
 public:
  // At most `threads` threads in all. most_bytes bounds what the teams' arenas take together; at least one team is
  // made.
  static Result<PromptTeams> create(const std::shared_ptr<const Module>& module, int threads, int64_t most_bytes);

  size_t count() const { return teams_.size(); }
  // As ImageModel::decode_all(). decoder has been set to the image, by another executor.
  Status decode(const PromptDecoder& decoder, const DecoderMaps& maps, std::span<const PromptInputs> prompts,
                const DecodedPrompt& done);
  Status decode(std::span<const PromptOfPicture> prompts);
  size_t bytes() const;

 private:
  struct Team {
    Executor executor;
    std::optional<PromptDecoder> decoder;  // of prompts with pictures of their own
    PromptWork work;
    std::vector<DecoderOutputs> outputs;
  };
  PromptTeams(std::vector<Team> teams, size_t most_together);
  // Calls decode(piece, team) for all pieces.
  Status run(size_t pieces, const std::function<Status(size_t piece, Team& team)>& decode);

  std::vector<Team> teams_;
  size_t most_together_;
  std::unique_ptr<ThreadPool> pool_;  // one thread for each team; the executors have the others
};

}  // namespace samc
