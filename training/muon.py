"""Muon for weight matrices, AdamW for everything else, as one optimiser.

Muon (Keller Jordan et al., https://kellerjordan.github.io/posts/muon/, 2024) takes the momentum of a matrix's gradient
to the nearest matrix whose singular values are all about one, so that directions that the gradients hardly show learn
as fast as the loud ones. The update is scaled to what AdamW's has on average (Liu et al., "Muon is Scalable for LLM
Training", 2025), so that both share one rate and one weight decay.
"""

import torch

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # the coefficients of Muon's authors: steep at zero, within 0.7 to 1.2 after
NEWTON_SCHULZ_STEPS = 5
UPDATE_SCALE = 0.2  # the usual root mean square of AdamW's update over its rate


def orthogonalise(matrices):
    """matrices (count, rows, columns), rows <= columns -> the same with singular values of about one."""
    a, b, c = NEWTON_SCHULZ
    x = matrices.bfloat16()
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(NEWTON_SCHULZ_STEPS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.float()


class Muon(torch.optim.Optimizer):
    """Groups with "muon": True hold matrices of two dimensions; the others are AdamW's."""

    def __init__(self, groups, lr, momentum=0.95, betas=(0.9, 0.98), eps=1e-8, weight_decay=0.05):
        super().__init__(groups, dict(lr=lr, momentum=momentum, betas=betas, eps=eps, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            parameters = [p for p in group["params"] if p.grad is not None]
            if group["weight_decay"]:
                torch._foreach_mul_(parameters, 1 - group["lr"] * group["weight_decay"])
            (self.step_matrices if group.get("muon") else self.step_others)(group, parameters)

    def step_matrices(self, group, parameters):
        by_shape = {}
        for p in parameters:
            by_shape.setdefault((min(p.shape), max(p.shape)), []).append(p)
        for (rows, columns), alike in by_shape.items():
            updates = []
            for p in alike:
                momentum = self.state[p].setdefault("momentum", torch.zeros_like(p))
                momentum.lerp_(p.grad, 1 - group["momentum"])
                update = p.grad.lerp(momentum, group["momentum"])  # Nesterov's
                updates.append(update.T if p.shape[0] > p.shape[1] else update)
            scale = UPDATE_SCALE * columns**0.5
            for p, update in zip(alike, orthogonalise(torch.stack(updates))):
                p.add_(update.T if p.shape[0] > p.shape[1] else update, alpha=-group["lr"] * scale)

    def step_others(self, group, parameters):
        first, second = group["betas"]
        for p in parameters:
            state = self.state[p]
            if not state:
                state |= {"step": 0, "mean": torch.zeros_like(p), "square": torch.zeros_like(p)}
            state["step"] += 1
            state["mean"].lerp_(p.grad, 1 - first)
            state["square"].mul_(second).addcmul_(p.grad, p.grad, value=1 - second)
            root = (state["square"] / (1 - second ** state["step"])).sqrt_().add_(group["eps"])
            p.addcdiv_(state["mean"], root, value=-group["lr"] / (1 - first ** state["step"]))
