"""The planner: what trains together, what an interrupted plan becomes, and how long it takes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mlplab.declarations.resolving.size import Size
from mlplab.records.stacks import PlannedStack
from mlplab.runner.environment import Placement
from mlplab.runner.planning import halves, make_plan, side_by_side
from mlplab.runner.rates import Rates
from mlplab.runner.stack_room import room_on_cpu, room_on_gpu, stack_room


@dataclass(frozen=True)
class Wished:
    """A run as the planner sees it."""

    key: str
    seed: int = 0
    layers: tuple[int, ...] = (64, 32, 10)
    steps: int = 100

    @property
    def size(self) -> Size:
        return Size(self.layers, 64, self.steps)

    @property
    def kind(self) -> tuple:
        return self.layers


ROOM = {"cpu": room_on_cpu(), "cuda": room_on_gpu(None)}


def plan(missing, recorded=(), cores=2, device="cpu"):
    return make_plan(missing, recorded, Placement(device, "float32", cores), ROOM[device])


def stack(*keys, device="cpu"):
    return PlannedStack(keys, 1, "float32", device)


runs = st.lists(
    st.builds(
        Wished,
        key=st.integers(0, 10**6).map(str),
        seed=st.integers(0, 4),
        layers=st.sampled_from(
            [(64, 32, 10), (64, 16, 16, 10), (784, 2048, 10), (784, 8192, 4096, 10)]
        ),
        steps=st.sampled_from([1, 100, 2000]),
    ),
    max_size=60,
    unique_by=lambda run: run.key,
)


@given(missing=runs, cores=st.integers(1, 8), device=st.sampled_from(["cpu", "cuda"]))
def test_every_run_is_in_one_stack_with_others_of_its_kind(missing, cores, device):
    made = plan(missing, cores=cores, device=device)
    by_key = {run.key: run for run in missing}
    assert Counter(key for s in made.stacks for key in s.keys) == Counter(by_key.keys())
    for s in made.stacks:
        kinds = {by_key[key].kind for key in s.keys}
        assert len(kinds) == 1
        assert 1 <= len(s.keys) <= ROOM[device].holds(by_key[s.keys[0]].size)
        assert 1 <= s.threads <= cores


@given(missing=runs)
def test_a_plan_does_not_depend_on_chance_and_starts_with_the_most_work(missing):
    made = plan(missing)
    assert made == plan(missing)
    by_key = {run.key: run for run in missing}
    work = [sum(by_key[key].size.training_flops for key in s.keys) for s in made.stacks]
    assert work == sorted(work, reverse=True)


def test_networks_of_a_seed_come_together_since_they_share_batches():
    missing = [Wished(f"{name}{seed}", seed) for name in "abcdefgh" for seed in range(4)]
    by_key = {run.key: run for run in missing}
    for s in plan(missing, cores=4).stacks:
        assert len({by_key[key].seed for key in s.keys}) == 1


def test_no_core_is_left_idle_while_one_stack_holds_all_networks():
    assert [len(s.keys) for s in plan([Wished(k) for k in "abcd"]).stacks] == [2, 2]


def test_stacks_shrink_as_networks_grow_but_hold_one_at_least():
    sizes = [
        room_on_cpu().holds(Size((784, width, width, 10), 256, 1))
        for width in (8, 64, 256, 1024, 4096)
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == 1
    assert room_on_gpu(None).holds(Size((784, 128, 256, 10), 256, 1)) > 100


def test_stacks_shrink_with_the_memory_that_a_gpu_has_but_hold_one_at_least():
    size = Size((784, 128, 256, 10), 256, 1)
    total = [64 * 2**30, 2**30, 2**28, 2**10]
    sizes = [room_on_gpu(gpu_bytes).holds(size) for gpu_bytes in total]
    assert sizes[0] == room_on_gpu(None).holds(size)
    assert sizes == sorted(sizes, reverse=True)
    # A third: the stack, a smaller one that follows it, and the data.
    assert sizes[1] * size.memory_bytes() <= total[1] / 3 < (sizes[1] + 1) * size.memory_bytes()
    assert sizes[-1] == 1
    many = [Wished(str(k), layers=size.layers) for k in range(200)]
    room = room_on_gpu(30 * many[0].size.memory_bytes())
    made = make_plan(many, [], Placement("cuda", "float32", 2), room)
    assert {len(s.keys) for s in made.stacks} <= {10}


def test_a_plan_does_not_depend_on_what_others_do_on_the_gpu(monkeypatch):
    whole = SimpleNamespace(total_memory=24 * 2**30)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: whole)
    for free in (0, 20 * 2**30):
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda free=free: (free, 24 * 2**30))
        room = stack_room(Placement("cuda", "float32", 1))
        assert room == room_on_gpu(24 * 2**30)
    assert room.memory_bytes == 8 * 2**30


def test_a_huge_network_has_all_cores_to_itself():
    (only,) = plan([Wished("a", layers=(784, 8192, 8192, 10))], cores=8).stacks
    assert only.threads == 8


def test_an_unfinished_stack_is_taken_up_just_as_it_was_recorded():
    missing = [Wished(k) for k in "abcde"]
    recorded = [stack("d", "a"), stack("b")]
    made = plan(missing, recorded)
    assert list(made.stacks[:2]) == recorded
    assert made.resumed == 2
    assert {key for s in made.stacks[2:] for key in s.keys} == {"c", "e"}


@pytest.mark.parametrize(
    ("recorded", "given_up"),
    [
        (stack("a", "gone"), True),
        (stack("a", "b", device="cuda"), True),
        (stack("of another study"), False),
    ],
)
def test_a_recorded_stack_that_no_longer_fits_is_planned_anew(recorded, given_up):
    made = plan([Wished("a"), Wished("b")], [recorded])
    assert recorded not in made.stacks
    assert made.given_up == ((recorded,) if given_up else ())
    assert {key for s in made.stacks for key in s.keys} == {"a", "b"}


def test_halves_keep_the_order_and_lose_nobody():
    first, second = halves(stack(*"abcde"))
    assert first.keys + second.keys == tuple("abcde")
    assert len(first.keys) == 2


@pytest.mark.parametrize(
    ("stacks", "cores", "ends"),
    [
        ([], 2, []),
        ([(3.0, 1), (2.0, 1), (2.0, 1)], 2, [3.0, 2.0, 4.0]),
        ([(3.0, 1), (2.0, 1), (2.0, 1)], 1, [3.0, 5.0, 7.0]),
        ([(5.0, 2), (1.0, 1), (1.0, 1)], 2, [5.0, 6.0, 6.0]),  # the large one takes both cores
        ([(1.0, 4)], 2, [1.0]),
    ],
)
def test_stacks_side_by_side_end_when_their_cores_are_done(stacks, cores, ends):
    assert side_by_side(stacks, cores) == ends


def test_the_stack_that_would_end_last_is_halved_so_that_no_core_waits_for_it():
    # Of three units of work each; the last of them would keep one core while the other is idle.
    missing = [Wished(f"{of} {k}", layers=(784, 128, of)) for of in (10, 11, 12) for k in range(4)]
    by_key = {run.key: run for run in missing}
    stacks = plan(missing).stacks
    assert [len(s.keys) for s in stacks] == [4, 4, 2, 2]
    work = [(sum(by_key[k].size.training_flops for k in s.keys), s.threads) for s in stacks]
    whole = sum(flops for flops, _ in work)
    assert max(side_by_side(work, 2)) < 0.51 * whole


def test_of_two_measurements_the_better_counts():
    busy, quiet = Rates(1e9, 2e-4), Rates(4e9, 1e-4)
    assert busy.or_better(quiet) == quiet.or_better(busy) == quiet


def test_rates_add_the_calls_of_every_layer_to_the_products():
    rates = Rates(flops_a_second=1e9, seconds_a_layer=1e-4)
    # 100 steps × 3 layers × 0.1 ms, and 2 GFLOP at 1 GFLOP/s
    assert rates.seconds(steps=100, layers=3, flops=2 * 10**9) == pytest.approx(0.03 + 2.0)
    assert rates.seconds(steps=0, layers=3, flops=10**9, threads=2) == pytest.approx(1 / 1.6)
