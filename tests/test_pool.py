"""Holding models in memory: on a machine of a given size, and with real checkpoints."""

import gc
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support.tiny_checkpoints import CHECKPOINTS, save

from vlm_demo.backend import Backend
from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.engines import FreeMemory, NumberFormat, OnProgress, Progress, Usage
from vlm_demo.errors import BusyModelError, EngineError, LoadError, OutOfMemoryError
from vlm_demo.pool import ModelPool
from vlm_demo.pool import memory as memory_module
from vlm_demo.values import Request, Sampling, Task

GB = 1_000_000_000


def spec(name: str, gigabytes: float = 10, **fields: Any) -> ModelSpec:
    """A model whose weights take so much as it is; a fifth more is wanted to answer."""
    fields = {"family": "llava15", "checkpoint": name, **fields}
    return ModelSpec(name=name, parameters=round(gigabytes * GB / 2), **fields)


class Machine:
    """A machine with so much memory, and the engines that run on it."""

    def __init__(self, gigabytes: float) -> None:
        self.total = round(gigabytes * GB)
        self.opened: list[str] = []
        self.closed: list[str] = []
        self.running: list[MachineEngine] = []
        self.progress = [Progress("loading", 0, 2, "shards")]
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.error: BaseException | None = None
        self.menu: list[ModelSpec] = []

    def open(self, spec: ModelSpec, on_progress: OnProgress) -> "MachineEngine":
        for progress in self.progress:
            on_progress(progress)
        assert self.may_go_on.wait(20)
        on_progress(Progress("loading", 1, 2, "shards"))
        if self.error:
            raise self.error
        self.opened.append(spec.name)
        bits = spec.number_format.bits
        size = round((spec.parameters or 0) * bits / 8) if spec.engine == "local" else 0
        engine = MachineEngine(self, spec.name, size)
        self.running.append(engine)
        return engine

    def free(self, _: object = None) -> FreeMemory:
        return FreeMemory(self.total - sum(engine.size for engine in self.running))

    def pool(self, *menu: ModelSpec, **options: Any) -> ModelPool:
        return ModelPool(self.open, menu=lambda: menu, **options)


class MachineEngine:
    control_tokens: frozenset[str] = frozenset()

    def __init__(self, machine: Machine, name: str, size: int) -> None:
        self.machine, self.name, self.size = machine, name, size

    def usage(self) -> Usage:
        return Usage(weight_bytes=self.size)

    def close(self) -> None:
        self.machine.running.remove(self)
        self.machine.closed.append(self.name)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine of 30 GB: two models of 10 GB and a third one's weights."""
    machine = Machine(30)
    monkeypatch.setattr(memory_module, "free_memory", machine.free)
    return machine


A, B, C = (spec(name) for name in "abc")


def loaded(pool: ModelPool) -> str:
    return "".join(name for name in "abcdef" if pool.is_loaded(name))


def use(pool: ModelPool, *specs: ModelSpec) -> None:
    for one in specs:
        with pool.using(one):
            pass


# Making room


def test_as_many_models_stay_as_fit(machine: Machine) -> None:
    pool = machine.pool()
    small = [spec(name, 3) for name in "abcdef"]
    use(pool, *small)
    assert loaded(pool) == "abcdef"
    assert machine.closed == []


def test_the_least_recently_used_idle_model_makes_room(machine: Machine) -> None:
    pool = machine.pool()
    use(pool, A, B, A, C)
    assert machine.closed == ["b"]
    assert loaded(pool) == "ac"


def test_no_more_go_than_must(machine: Machine) -> None:
    pool = machine.pool()
    small, smaller = spec("d", 4), spec("e", 6)
    use(pool, A, small, smaller)
    use(pool, B)  # 10 GB are free, and it wants 12: the ten of A will do
    assert machine.closed == ["a"]


def test_a_model_that_is_answering_is_not_unloaded(machine: Machine) -> None:
    pool = machine.pool(A, B, C)
    with pool.using(A), pool.using(B):
        with pytest.raises(OutOfMemoryError, match="wait until a has finished"):
            use(pool, C)
        assert loaded(pool) == "ab"
    use(pool, C)
    assert loaded(pool) == "bc"


def test_nothing_is_unloaded_in_vain(machine: Machine) -> None:
    pool = machine.pool()
    use(pool, A, B)
    with pytest.raises(OutOfMemoryError):
        use(pool, spec("huge", 40))
    assert loaded(pool) == "ab"
    assert machine.closed == []


def test_what_is_waited_for_is_not_unloaded_before_it_answers(machine: Machine) -> None:
    """Three models are asked at once where two fit: each is held from the asking on."""
    pool = machine.pool()
    ends: list[object] = []

    def ask(one: ModelSpec) -> None:
        try:
            with pool.using(one) as engine:
                ends.append(engine in machine.running)
        except OutOfMemoryError as error:
            ends.append(error)

    threads = [threading.Thread(target=ask, args=(one,)) for one in (A, B, C) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(ends) == len(threads)
    assert all(end is True or isinstance(end, OutOfMemoryError) for end in ends)
    assert True in ends
    assert len(machine.running) <= 2


def test_weights_of_two_models_never_come_in_at_once(machine: Machine) -> None:
    """Each would see the memory that the other is about to take."""
    pool = machine.pool()
    machine.may_go_on.clear()
    big = [spec("a", 20), spec("b", 20)]
    readers = [pool.load(one) for one in big]
    first = [next(readers[0])]
    machine.may_go_on.set()
    for reader in readers:
        for _ in reader:
            pass
    assert first
    assert machine.free().ram >= 0
    assert len(machine.running) == 1  # the second made the first go, once it was idle


def test_remote_models_take_no_room_and_make_none(machine: Machine) -> None:
    far = [spec(name, 1000, engine="remote") for name in "cde"]
    pool = machine.pool(max_loaded=1)
    use(pool, far[0], A, *far)
    assert loaded(pool) == "acde"
    use(pool, B)
    assert loaded(pool) == "bcde"
    assert pool.format_options(far[0]) == []


def test_an_upper_bound_holds_where_memory_would_not(machine: Machine) -> None:
    pool = machine.pool(max_loaded=2)
    use(pool, *(spec(name, 1) for name in "abc"))
    assert loaded(pool) == "bc"


# Refusals and remedies


def test_the_refusal_names_bytes_and_only_what_fits(machine: Machine) -> None:
    large, medium = spec("large", 40), spec("medium", 20)
    pool = machine.pool(spec("also-large", 40), medium, spec("small", 2), large)
    with pytest.raises(OutOfMemoryError) as refusal:
        use(pool, large)
    said = str(refusal.value)
    assert "large needs about 48 GB" in said
    assert "30 GB are available" in said
    assert "load it in 8-bit (about 24 GB)" in said
    assert "choose medium" in said
    assert "also-large" not in said
    assert "4-bit" not in said


def test_the_remedy_is_proposed_by_what_the_model_can_do(machine: Machine) -> None:
    same = spec("same-family", 3)
    cannot_locate = spec("talks-only", 20, family="smolvlm")
    pool = machine.pool(cannot_locate, same)
    with pytest.raises(OutOfMemoryError, match="choose same-family"):
        use(pool, spec("large", 500))


def test_a_refusal_comes_before_anything_is_fetched(machine: Machine) -> None:
    pool = machine.pool()
    machine.progress = [Progress("fetching", 0, 80 * GB, "bytes")]
    with pytest.raises(OutOfMemoryError):
        use(pool, spec("large", 40))
    unknown = ModelSpec(name="unknown", family="llava15", checkpoint="nobody/unknown")
    with pytest.raises(OutOfMemoryError, match="needs about 96 GB"):
        use(pool, unknown)
    assert machine.opened == []


def test_nothing_fits(machine: Machine) -> None:
    with pytest.raises(OutOfMemoryError, match="close other programs"):
        use(machine.pool(), spec("large", 5_000))


# Failing and stopping


def test_a_failed_load_leaves_nothing(machine: Machine) -> None:
    pool = machine.pool()
    machine.error = LoadError("damaged")
    with pytest.raises(LoadError, match="damaged"):
        use(pool, A)
    assert not pool.is_loaded("a")
    assert pool.usage("a") is None
    machine.error = None
    use(pool, A)
    assert loaded(pool) == "a"


def test_a_program_that_calls_for_the_exit_ends_only_its_load(machine: Machine) -> None:
    pool = machine.pool()
    machine.error = SystemExit(3)
    with pytest.raises(LoadError, match=r"a could not be loaded: SystemExit\(3\)"):
        use(pool, A)
    machine.error = None
    use(pool, A)


def test_a_load_is_stopped_at_its_next_step(machine: Machine) -> None:
    pool = machine.pool()
    machine.may_go_on.clear()
    reader = pool.load(A)
    next(reader)
    pool.stop_loading("a")
    machine.may_go_on.set()
    with pytest.raises(LoadError, match=r"loading of a was stopped.*Load it again"):
        list(reader)
    assert machine.running == []
    use(pool, A)
    assert loaded(pool) == "a"
    pool.stop_loading("a")  # too late: nothing happens
    use(pool, A)
    assert machine.closed == []


def test_a_load_is_stopped_while_it_waits_for_its_turn(machine: Machine) -> None:
    pool = machine.pool()
    machine.may_go_on.clear()
    first, ends = pool.load(A), []
    next(first)

    def wait() -> None:
        try:
            list(pool.load(B))
        except LoadError as error:
            ends.append(str(error))

    thread = threading.Thread(target=wait)
    thread.start()
    while "b" not in pool._models:
        time.sleep(0.005)
    pool.stop_loading("b")
    machine.may_go_on.set()
    list(first)
    thread.join(10)
    assert ends == ["The loading of b was stopped. Load it again."]
    assert [engine.name for engine in machine.running] == ["a"]


def test_closing_the_pool_stops_what_is_on_its_way(machine: Machine) -> None:
    pool = machine.pool()
    use(pool, A)
    machine.may_go_on.clear()
    reader = pool.load(B)
    next(reader)
    pool.close()
    machine.may_go_on.set()
    with pytest.raises(LoadError, match="stopped"):
        list(reader)
    assert machine.running == []


def test_whoever_waits_gets_an_error_when_the_pool_closes(machine: Machine) -> None:
    pool = machine.pool()
    machine.may_go_on.clear()
    next(pool.load(A))
    ends: list[str] = []

    def ask() -> None:
        try:
            use(pool, A)
        except EngineError as error:
            ends.append(str(error))

    threads = [threading.Thread(target=ask) for _ in range(5)]
    for thread in threads:
        thread.start()
    while pool._models["a"].users < len(threads):
        time.sleep(0.005)
    pool.close()
    machine.may_go_on.set()
    for thread in threads:
        thread.join(10)
    assert ends == ["The loading of a was stopped. Load it again."] * len(threads)


def test_who_comes_later_sees_at_once_how_far_it_is(machine: Machine) -> None:
    pool = machine.pool()
    machine.may_go_on.clear()
    first = pool.load(A)
    assert next(first) == next(pool.load(A)) == Progress("loading", 0, 2, "shards")
    machine.may_go_on.set()
    assert list(first) == [Progress("loading", 1, 2, "shards")]


# Number formats


def test_a_model_is_loaded_again_in_another_format(machine: Machine) -> None:
    pool = machine.pool()
    use(pool, A)
    list(pool.load(A, NumberFormat.FOUR_BIT))
    assert machine.closed == ["a"]
    assert [engine.size for engine in machine.running] == [round(10 * GB / 2 * 4.5 / 8)]
    list(pool.load(A, NumberFormat.FOUR_BIT))
    list(pool.load(A))
    use(pool, A)
    assert machine.opened == ["a", "a"]
    pool.unload("a")
    use(pool, A)  # the choice is remembered
    assert pool.number_format(A) is NumberFormat.FOUR_BIT
    assert machine.running[0].size < 3 * GB


def test_a_busy_model_is_not_replaced(machine: Machine) -> None:
    pool = machine.pool()
    with pool.using(A), pytest.raises(BusyModelError, match="a is answering"):
        list(pool.load(A, NumberFormat.EIGHT_BIT))
    assert pool.number_format(A) is NumberFormat.AUTO
    assert machine.closed == []


def test_a_format_that_failed_is_not_remembered(machine: Machine) -> None:
    pool = machine.pool()
    machine.error = LoadError("no kernel")
    with pytest.raises(LoadError):
        list(pool.load(A, NumberFormat.EIGHT_BIT))
    machine.error = None
    use(pool, A)
    assert machine.running[0].size == 10 * GB


def test_formats_are_offered_with_what_they_take(machine: Machine) -> None:
    offers = {
        offer.number_format: offer
        for offer in machine.pool(device="cpu").format_options(spec("x", 40))
    }
    assert next(iter(offers)) is NumberFormat.AUTO
    assert NumberFormat.FLOAT16 not in offers  # of no use on a CPU
    assert offers[NumberFormat.BFLOAT16].memory == 48 * GB
    assert not offers[NumberFormat.BFLOAT16].fits
    assert offers[NumberFormat.EIGHT_BIT].memory == 24 * GB
    assert offers[NumberFormat.EIGHT_BIT].fits
    assert offers[NumberFormat.FOUR_BIT].memory == 13.5 * GB


def test_a_loaded_model_counts_its_own_place_as_free(machine: Machine) -> None:
    pool = machine.pool(device="cpu")
    big = spec("a", 20)
    use(pool, big)
    with pool.using(big):
        offers = {offer.number_format: offer.fits for offer in pool.format_options(big)}
    assert offers[NumberFormat.BFLOAT16]


def test_an_entry_in_another_format_says_nothing_of_the_old_one() -> None:
    entry = spec("x", number_format=NumberFormat.FOUR_BIT, compute_format=NumberFormat.BFLOAT16)
    for one in NumberFormat:
        assert entry.in_format(one).number_format is one
    assert entry.in_format(NumberFormat.FOUR_BIT) is entry
    assert entry.in_format(NumberFormat.EIGHT_BIT).compute_format is NumberFormat.AUTO


# With real checkpoints


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {
        name: save(CHECKPOINTS[name], tmp_path_factory.mktemp(name))
        for name in ("llava", "kosmos2")
    }


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """References to every model that is loaded, which do not keep it."""
    from vlm_demo.engines.local.checkpoints import loading

    references: list[Any] = []
    load = loading.AutoModelForImageTextToText.from_pretrained

    def remembered(*arguments: Any, **options: Any) -> Any:
        model, report = load(*arguments, **options)
        references.append(weakref.ref(model))
        return model, report

    monkeypatch.setattr(loading.AutoModelForImageTextToText, "from_pretrained", remembered)
    return references


@pytest.fixture
def backend(folders: dict[str, Path]) -> Iterator[Backend]:
    backend = Backend(
        (
            ModelSpec(name="llava", family="llava15", checkpoint=str(folders["llava"])),
            ModelSpec(name="kosmos", family="kosmos2", checkpoint=str(folders["kosmos2"])),
        ),
        device="cpu",
    )
    yield backend
    backend.close()


def asked(picture: Image.Image) -> Request:
    return Request(Task.CHAT, "what?", (picture,), sampling=Sampling(max_new_tokens=4))


def test_an_unloaded_model_is_gone(
    backend: Backend, models: list[Any], picture: Image.Image
) -> None:
    for name in ("llava", "kosmos"):
        list(backend.answer(name, asked(picture)))
    assert [reference() is None for reference in models] == [False, False]
    gc.disable()  # the pool itself sees to it
    try:
        backend.unload("llava")
        assert [reference() is None for reference in models] == [True, False]
        backend.unload("kosmos")
        assert models[1]() is None
    finally:
        gc.enable()


def test_a_model_that_fails_late_is_gone(
    backend: Backend, models: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from vlm_demo.engines.local import engine as engine_module

    def fail(*_: object, **__: object) -> None:
        raise LoadError("no tokenizer")

    monkeypatch.setattr(engine_module.LocalEngine, "__init__", fail)
    with pytest.raises(LoadError, match="no tokenizer") as caught:
        list(backend.load("llava"))
    assert caught.value.__traceback__
    assert len(models) == 1
    assert models[0]() is None  # although the error is still at hand


@pytest.mark.parametrize("done", [0.0, 0.5])
def test_a_stopped_load_leaves_no_model(backend: Backend, models: list[Any], done: float) -> None:
    with pytest.raises(LoadError, match="stopped"):
        for progress in backend.load("llava"):
            if progress.done >= done * (progress.total or 1):
                backend.stop_loading("llava")
        raise LoadError("stopped too late")  # it is so small that it may be in by then
    assert all(reference() is None for reference in models) or backend.is_loaded("llava")


@pytest.mark.filterwarnings("ignore:MatMul8bitLt:UserWarning")
@pytest.mark.parametrize(
    "wanted", [NumberFormat.BFLOAT16, NumberFormat.EIGHT_BIT, NumberFormat.FOUR_BIT]
)
def test_a_model_answers_in_another_format(
    wanted: NumberFormat, backend: Backend, picture: Image.Image
) -> None:
    list(backend.load("llava"))
    (whole,) = [usage.weight_bytes for usage in [backend.usage("llava")] if usage]
    offers = {offer.number_format: offer for offer in backend.format_options("llava")}
    list(backend.load("llava", wanted))
    usage = backend.usage("llava")
    assert usage
    assert usage.number_format == wanted
    assert usage.weight_bytes < whole
    estimate = (offers[wanted].memory or 0) / 1.2
    assert usage.weight_bytes == pytest.approx(estimate, rel=0.1)
    assert list(backend.answer("llava", asked(picture)))


def test_fitting_is_measured_from_the_files(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The menu does not say how large these are."""
    monkeypatch.setattr(memory_module, "free_memory", lambda _: FreeMemory(600_000))
    with pytest.raises(
        OutOfMemoryError, match=r"llava needs about .* MB of memory, and 600 kB are available"
    ):
        list(backend.load("llava"))


def test_leaving_readers_leave_no_threads(backend: Backend) -> None:
    before = {thread.name for thread in threading.enumerate()}
    with ExitStack() as stack:
        for _ in range(20):
            reader = backend.load("kosmos")
            stack.callback(reader.close)
            next(reader, None)
    list(backend.load("kosmos"))
    backend.unload("kosmos")
    after = {thread.name for thread in threading.enumerate()}
    assert not [name for name in after - before if "kosmos" in name]
