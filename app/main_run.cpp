// samc-run: segments images and videos with models that are compiled already. No compiler in it: for machines that only
// run.

#include "app/commands.h"
#include "app/model_opener.h"
#include "app/program.h"

int main(int count, char** arguments) {
  static const samc::ModelOpener opener;
  return samc::run_program(
      {"samc-run",
       "samc-run segments images and tracks objects with compiled SAM 2 models: modules of samc compile and bmodels of "
       "samc deploy-all.",
       "",
       [](CLI::App& app) { return samc::add_run_commands(app, opener); },
       {}},
      count, arguments);
}
