#include "app/commands.h"

namespace samc {
namespace {

void add_memory_limit(CLI::App& app, std::string& limit) {
  app.add_option("--memory-limit", limit,
                 "Memory that images, values and results may take, such as 500M or 2G; without it nine tenths of the "
                 "machine's or the container's")
      ->envname("SAMC_MEMORY_LIMIT")
      ->type_name("SIZE");
}

}  // namespace

std::vector<std::pair<const char*, Command>> add_commands(CLI::App& app, std::string& memory_limit) {
  std::vector<std::pair<const char*, Command>> commands{
      {"inspect", add_inspect(app)},     {"compile", add_compile(app)}, {"segment", add_segment(app)},
      {"encode", add_encode(app)},       {"bench", add_bench(app)},     {"export", add_export(app)},
      {"transform", add_transform(app)}, {"deploy", add_deploy(app)},   {"deploy-all", add_deploy_all(app)}};
  for (CLI::App* command : app.get_subcommands([](CLI::App*) { return true; }))
    add_memory_limit(*command, memory_limit);
  return commands;
}

}  // namespace samc
