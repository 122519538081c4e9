#include "app/commands.h"

namespace samc {

std::vector<NamedCommand> add_run_commands(CLI::App& app, const ModelOpener& opener) {
  return {{"segment", add_segment(app, opener)},
          {"track", add_track(app, opener)},
          {"everything", add_everything(app, opener)},
          {"encode", add_encode(app, opener)},
          {"bench", add_bench(app, opener)},
          {"eval", add_eval(app, opener)},
          {"doctor", add_doctor(app)}};
}

}  // namespace samc
