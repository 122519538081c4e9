"""Several processes that train one model on one machine.

On a CPU that other work shares, several processes of one thread each (--processes 2) are much faster than one of
several threads: each makes its own steps, and their weights are averaged every EXCHANGED_EVERY steps. Exchanging
gradients in every step would make each process wait for the slower one in every step; that costs a third of the time.
"""

import torch
import torch.distributed as dist

EXCHANGED_EVERY = 10  # steps from one exchange between processes to the next


def run_processes(train, arguments):
    """Calls train(rank, arguments) in as many processes as asked for."""
    arguments.run.mkdir(parents=True, exist_ok=True)
    for left_over in ("rendezvous", "stop"):
        (arguments.run / left_over).unlink(missing_ok=True)
    if arguments.processes > 1:
        torch.multiprocessing.spawn(start, (train, arguments), arguments.processes)
    else:
        start(0, train, arguments)


def start(rank, train, arguments):
    if arguments.processes > 1:
        rendezvous = f"file://{(arguments.run / 'rendezvous').resolve()}"
        dist.init_process_group("gloo", init_method=rendezvous, rank=rank, world_size=arguments.processes)
    torch.set_num_threads(arguments.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(arguments.seed)  # all processes must start from the same weights
    train(rank, arguments)
    if dist.is_initialized():
        dist.destroy_process_group()


def average_weights(run):
    """The mean of all processes' weights. Between two of these each process makes steps of its own."""
    if not dist.is_initialized():
        return
    parameters = [p.data for p in run.parameters]
    flat = torch.cat([p.flatten() for p in parameters])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    for parameter, piece in zip(parameters, flat.split([p.numel() for p in parameters])):
        parameter.copy_(piece.view_as(parameter))


def agreed(*values):
    """The first process's numbers, so that all schedule, save and stop alike."""
    if not dist.is_initialized():
        return values
    tensor = torch.tensor(values, dtype=torch.float64)
    dist.broadcast(tensor, 0)
    return tensor.tolist()


def end_step(run, seconds):
    """Counts a step that took so long; returns whether the weights were exchanged, and saves when it is time to."""
    run.step += 1
    run.seconds += seconds
    exchanged = run.step % EXCHANGED_EVERY == 0
    if exchanged:
        average_weights(run)
    run.update_average()
    if exchanged:
        run.seconds, save = agreed(run.seconds, float(run.must_save()))
        if save:
            run.save()
    return exchanged


def is_finished(run, arguments):
    """Whether the training is over; processes that exchange weights all stop after the same step."""
    if run.step >= arguments.steps:
        return True
    if arguments.processes > 1 and run.step % EXCHANGED_EVERY:
        return False
    (stopped,) = agreed(float(run.is_stopped()))
    return bool(stopped)
