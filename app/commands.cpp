#include "app/commands.h"

#include <iterator>
#include <utility>

#include "app/model_source.h"

namespace samc {

std::vector<NamedCommand> add_commands(CLI::App& app) {
  static const ModelCompiler compiler;
  std::vector<NamedCommand> commands{{"inspect", add_inspect(app)}, {"compile", add_compile(app)}};
  std::vector<NamedCommand> run = add_run_commands(app, compiler);
  std::move(run.begin(), run.end(), std::back_inserter(commands));
  commands.push_back({"export", add_export(app)});
  commands.push_back({"transform", add_transform(app)});
  commands.push_back({"calibrate", add_calibrate(app)});
  commands.push_back({"deploy", add_deploy(app)});
  commands.push_back({"deploy-all", add_deploy_all(app)});
  return commands;
}

}  // namespace samc
