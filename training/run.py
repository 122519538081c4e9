"""What both trainings share: weights, optimiser and averaged weights with their save and restore, the rate, the log.

RUN/state.pt holds all that is needed to go on; of several processes (processes.py) the others keep their optimisers in
RUN/state.1.pt and so on. They are written every SAVED_EVERY seconds, and before the training ends because there is a
file RUN/stop. RUN/best.pt holds the averaged weights with the best held-out score so far, RUN/log.jsonl one JSON object
a line.
"""

import json
import math
import time

import torch

from training.muon import Muon

AVERAGED_EVERY = 5  # steps from one update of the averaged weights to the next, since it reads and writes all of them
SAVED_EVERY = 200  # seconds


def add_arguments(parser):
    """The arguments of both trainings."""
    parser.add_argument("--budget-minutes", type=float, required=True)
    parser.add_argument("--wall", action="store_true", help="the budget is wall time on a CPU too")
    parser.add_argument("--hold", type=float, default=0.5, help="share of the budget with the full learning rate")
    parser.add_argument("--young-minutes", type=float, default=0, help="fade from balanced cross entropy to focal")
    parser.add_argument("--steps", type=int, default=math.inf, help="stop after this step")
    parser.add_argument("--image-size", type=int, help="train at another size than the YAML's; the weights fit both")
    parser.add_argument("--shard-size", type=int, default=256, help="the size of the composed pictures")
    parser.add_argument("--threads", type=int, default=1, help="threads of each process")
    parser.add_argument("--workers", type=int, default=0, help="data loading processes of each process")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--muon", action="store_true", help="Muon for the matrices instead of AdamW")
    parser.add_argument("--compile", action="store_true", help="torch.compile encoder, decoder and losses")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--score-minutes", type=float, default=8, help="from one held-out score to the next")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")


def load_state(path, device):
    return torch.load(path, map_location=device, weights_only=True)


def make_optimiser(arguments, groups, weight_decay):
    """groups: {"params": ...} and what else is said of them, as "share", their share of the learning rate.

    Weight decay is for what has two dimensions or more. Muon's are the matrices that map features to features;
    embeddings, of few rows, are none of these.
    """

    def split(is_first, first, second):
        for group in groups:
            parts = [p for p in group["params"] if is_first(p)], [p for p in group["params"] if not is_first(p)]
            yield from (group | {"params": part} | own for part, own in zip(parts, (first, second)) if part)

    if arguments.muon:
        matrices, others = {"weight_decay": weight_decay, "muon": True}, {"weight_decay": 0.0}
        return Muon([*split(lambda p: p.ndim == 2 and min(p.shape) > 8, matrices, others)], lr=arguments.rate)
    decayed, plain = {"weight_decay": weight_decay}, {"weight_decay": 0.0}
    groups_of_both = [*split(lambda p: p.ndim > 1, decayed, plain)]
    return torch.optim.AdamW(groups_of_both, lr=arguments.rate, betas=(0.9, 0.98), fused=True)


class Run:
    """modules: by name, {"model": ...} and what else learns; average_decay: of the averaged weights, once settled."""

    def __init__(self, arguments, modules, optimiser, average_decay, rank=0):
        self.arguments, self.folder, self.device = arguments, arguments.run, arguments.device
        self.modules, self.model, self.optimiser = modules, modules["model"], optimiser
        self.average_decay, self.rank = average_decay, rank
        self.parameters = [p for group in optimiser.param_groups for p in group["params"]]
        self.step, self.seconds, self.best = 0, 0.0, 0.0
        self.clock = time.process_time if self.device == "cpu" and not arguments.wall else time.time
        self.continued = (self.folder / "state.pt").exists()
        if self.continued:
            state = load_state(self.folder / "state.pt", self.device)
            for name, module in modules.items():
                module.load_state_dict(state[name])
            optimiser.load_state_dict(self.own_optimiser(state))
            self.average = state["average"]
            self.step, self.seconds, self.best = state["step"], state["seconds"], state["best"]
        else:
            self.average = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        self.saved, self.scored = time.time(), self.seconds

    def own_optimiser(self, state):
        """The first process's where this one has none of the same step, as after a change of --processes."""
        path = self.folder / f"state.{self.rank}.pt"
        own = load_state(path, self.device) if self.rank and path.exists() else state
        return (own if own["step"] == state["step"] else state)["optimiser"]

    def spent(self):
        """The share of the budget that is over."""
        return self.seconds / (self.arguments.budget_minutes * 60)

    def is_stopped(self):
        return (self.folder / "stop").exists() or self.spent() >= 1

    def youth(self):
        minutes = self.arguments.young_minutes
        return max(0, 1 - self.seconds / (minutes * 60)) if minutes else 0

    def seed_step(self):
        """What is drawn at random depends on the step alone, so that a continued training draws the same."""
        torch.manual_seed(self.arguments.seed + 1000 * self.rank + 1000003 * self.step)

    def set_rate(self):
        """Warm up by steps, hold, and fall along a cosine over the last part of the budget."""
        warm = min(1, (self.step + 1) / self.arguments.warmup)
        falling = max(0, self.spent() - self.arguments.hold) / max(1e-9, 1 - self.arguments.hold)
        rate = self.arguments.rate * warm * max(0.002, 0.5 * (1 + math.cos(math.pi * falling)))
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group.get("share", 1.0)
        return rate

    def learn(self, loss):
        """One step of the optimiser; returns the gradients' norm. A step with a broken gradient is left out."""
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        if torch.isfinite(norm):
            self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        return float(norm)

    def update_average(self):
        if self.rank or self.step % AVERAGED_EVERY:
            return
        decay = min(self.average_decay, (1 + self.step) / (20 + self.step)) ** AVERAGED_EVERY
        values = self.model.state_dict()
        names = [name for name in self.average if self.average[name].is_floating_point()]
        torch._foreach_lerp_([self.average[n] for n in names], [values[n] for n in names], 1 - decay)

    def save(self):
        name = "state.pt" if self.rank == 0 else f"state.{self.rank}.pt"
        state = {"optimiser": self.optimiser.state_dict(), "step": self.step}
        if self.rank == 0:
            state |= {name: module.state_dict() for name, module in self.modules.items()}
            state |= {"average": self.average, "muon": self.arguments.muon}
            state |= {"seconds": self.seconds, "best": self.best}
        self.write(state, name)
        self.saved = time.time()

    def write(self, value, name):
        partial = self.folder / f"{name}.partial"
        torch.save(value, partial)
        partial.rename(self.folder / name)

    def must_save(self):
        return time.time() - self.saved > SAVED_EVERY

    def wants_score(self):
        return self.spent() >= 1 or self.seconds - self.scored > self.arguments.score_minutes * 60

    def take_score(self, scores, total):
        """Notes held-out scores and keeps the averaged weights if their total is the best so far."""
        self.scored = self.seconds
        self.report(scores)
        if total > self.best:
            self.best = total
            self.write({"model": self.average}, "best.pt")

    def report(self, figures):
        """A line of the log: step, minutes and what is given."""
        if self.rank:
            return
        line = json.dumps({"step": self.step, "minutes": round(self.seconds / 60, 2)} | figures)
        print(line, flush=True)
        with open(self.folder / "log.jsonl", "a") as log:
            print(line, file=log)
