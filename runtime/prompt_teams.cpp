#include "runtime/prompt_teams.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "package/model_names.h"
#include "runtime/bound_function.h"

namespace samc {
namespace {

// What one team takes, about: its arena for a prompt of a point.
Result<int64_t> bytes_of_team(const Module& module) {
  const char* function = module.plan().find(kDecoderPrompt) != nullptr ? kDecoderPrompt : kMaskDecoder;
  SAMC_ASSIGN(const std::shared_ptr<const BoundFunction> bound, module.bind(function, {{kPoints, 2}}));
  return std::max<int64_t>(1, bound->arena.bytes);
}

}  // namespace

PromptTeams::PromptTeams(std::vector<Team> teams)
    : teams_(std::move(teams)), pool_(std::make_unique<ThreadPool>(static_cast<int>(teams_.size()))) {}

Result<PromptTeams> PromptTeams::create(const std::shared_ptr<const Module>& module, int threads, int64_t most_bytes) {
  SAMC_ASSIGN(const int64_t bytes, bytes_of_team(*module));
  const auto count = static_cast<int>(std::clamp<int64_t>(most_bytes / bytes, 1, threads));
  std::vector<Team> teams;
  for (int team = 0; team < count; ++team) {
    // Threads that are left over join the first teams.
    SAMC_ASSIGN(Executor executor, Executor::create(module, threads / count + (team < threads % count ? 1 : 0)));
    teams.push_back({std::move(executor), {}, {}, {}});
  }
  return PromptTeams(std::move(teams));
}

Status PromptTeams::run(size_t prompts, const std::function<Status(size_t prompt, Team& team)>& decode_one) {
  std::vector<Status> statuses(prompts);
  pool_->run(static_cast<int64_t>(prompts), [&](int64_t piece, int worker) {
    const auto prompt = static_cast<size_t>(piece);
    statuses[prompt] = decode_one(prompt, teams_[static_cast<size_t>(worker)]);
  });
  for (size_t prompt = 0; prompt < prompts; ++prompt)
    if (!statuses[prompt].is_ok()) return statuses[prompt].at(fmt::format("prompt {}", prompt));
  return Status::ok();
}

Status PromptTeams::decode(const PromptDecoder& decoder, const DecoderMaps& maps, std::span<const PromptInputs> prompts,
                           const DecodedPrompt& done) {
  return run(prompts.size(), [&](size_t prompt, Team& team) {
    const PromptInputs& given = prompts[prompt];
    SAMC_TRY(decoder.decode(team.executor, maps, given, team.work, team.outputs));
    done(prompt, team.outputs);
    return Status::ok();
  });
}

Status PromptTeams::decode(std::span<const PromptOfPicture> prompts) {
  return run(prompts.size(), [&](size_t prompt, Team& team) -> Status {
    const PromptOfPicture& given = prompts[prompt];
    if (!team.decoder.has_value()) {
      SAMC_ASSIGN(PromptDecoder made, PromptDecoder::create(team.executor.module()));
      team.decoder.emplace(std::move(made));
    }
    SAMC_TRY(team.decoder->set_picture(team.executor, given.maps));
    return team.decoder->decode(team.executor, given.maps, *given.points, given.mask, *given.outputs);
  });
}

size_t PromptTeams::bytes() const {
  size_t total = 0;
  for (const Team& team : teams_)
    total += team.executor.arena_bytes() + team.executor.scratch_bytes() + team.work.bytes() +
             (team.decoder.has_value() ? team.decoder->bytes() : 0);
  return total;
}

}  // namespace samc
