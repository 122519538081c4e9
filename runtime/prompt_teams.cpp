#include "runtime/prompt_teams.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
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

constexpr int64_t kMostTogether = 8;
// What the arenas of prompts that are decoded together take: beyond that they read from memory what one prompt has in
// the cache.
constexpr int64_t kTogetherBytes = int64_t{16} << 20;

// Numbers of prompts in groups of at most `most` that have as many points and no mask; others are alone.
std::vector<std::vector<size_t>> groups_of(std::span<const PromptInputs> prompts, size_t most) {
  std::vector<std::vector<size_t>> groups;
  std::map<int64_t, size_t> open;  // by points: the group that takes more
  for (size_t prompt = 0; prompt < prompts.size(); ++prompt) {
    const PromptInputs& given = prompts[prompt];
    if (given.mask.data != nullptr) {
      groups.push_back({prompt});
      continue;
    }
    const auto [found, is_new] = open.try_emplace(given.points.count(), groups.size());
    if (!is_new && groups[found->second].size() == most) found->second = groups.size();
    if (found->second == groups.size()) groups.emplace_back();
    groups[found->second].push_back(prompt);
  }
  return groups;
}

}  // namespace

PromptTeams::PromptTeams(std::vector<Team> teams, size_t most_together)
    : teams_(std::move(teams)),
      most_together_(most_together),
      pool_(std::make_unique<ThreadPool>(static_cast<int>(teams_.size()))) {}

Result<PromptTeams> PromptTeams::create(const std::shared_ptr<const Module>& module, int threads, int64_t most_bytes) {
  SAMC_ASSIGN(const int64_t bytes, bytes_of_team(*module));
  const auto count = static_cast<int>(std::clamp<int64_t>(most_bytes / bytes, 1, threads));
  std::vector<Team> teams;
  for (int team = 0; team < count; ++team) {
    // Threads that are left over join the first teams.
    SAMC_ASSIGN(Executor executor, Executor::create(module, threads / count + (team < threads % count ? 1 : 0)));
    teams.push_back({std::move(executor), {}, {}, {}});
  }
  const int64_t together = std::min(kTogetherBytes, most_bytes / count) / bytes;
  return PromptTeams(std::move(teams), static_cast<size_t>(std::clamp<int64_t>(together, 1, kMostTogether)));
}

Status PromptTeams::run(size_t pieces, const std::function<Status(size_t piece, Team& team)>& decode) {
  std::vector<Status> statuses(pieces);
  pool_->run(static_cast<int64_t>(pieces), [&](int64_t index, int worker) {
    const auto piece = static_cast<size_t>(index);
    statuses[piece] = decode(piece, teams_[static_cast<size_t>(worker)]);
  });
  for (Status& status : statuses)
    if (!status.is_ok()) return std::move(status);
  return Status::ok();
}

Status PromptTeams::decode(const PromptDecoder& decoder, const DecoderMaps& maps, std::span<const PromptInputs> prompts,
                           const DecodedPrompt& done) {
  // Every team has work.
  const size_t most = std::clamp<size_t>(prompts.size() / teams_.size(), 1, most_together_);
  const std::vector<std::vector<size_t>> groups = groups_of(prompts, most);
  return run(groups.size(), [&](size_t piece, Team& team) -> Status {
    const std::vector<size_t>& group = groups[piece];
    if (team.outputs.size() < group.size()) team.outputs.resize(group.size());
    std::vector<const PromptInputs*> inputs;
    inputs.reserve(group.size());
    for (const size_t prompt : group) inputs.push_back(&prompts[prompt]);
    const Status status = group.size() == 1
                              ? decoder.decode(team.executor, maps, *inputs[0], team.work, team.outputs[0])
                              : decoder.decode_together(team.executor, maps, inputs, team.outputs);
    if (!status.is_ok()) return status.at(fmt::format("prompt {}", group[0]));
    for (size_t i = 0; i < group.size(); ++i) done(group[i], team.outputs[i]);
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
    return team.decoder->decode(team.executor, given.maps, *given.points, given.mask, *given.outputs)
        .at(fmt::format("prompt {}", prompt));
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
