"""Every file that ListFormats promises, checked by every judge of its format."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from audiowriter.v1 import audio_writer_pb2 as pb
from audiowriter.v1.audio_writer_pb2_grpc import AudioWriterServiceStub
from audiowriter_server.rpc.format_info import list_formats

from lab.reference_decoders import matrix
from lab.reference_decoders.cases import orders
from lab.reference_decoders.judges import JUDGES
from lab.reference_decoders.product import Order, Product, make
from lab.reference_decoders.signals import tones

WORKERS = 2
SECONDS = 0.4
FEWEST_FRAMES, MOST_FRAMES = 8192, 40_000
"""Long enough for programs that reject files of a few frames, short enough for eight channels at 768 kHz."""
ODD_FRAMES = 7
"""Not a multiple of any codec's frame size."""

Verdicts = dict[str, list[str]]
"""Faults by the name of the judge."""


@pytest.fixture(scope="module")
def verdicts(
    request: pytest.FixtureRequest, server: AudioWriterServiceStub, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[Order], Verdicts]]:
    """Encode and check all selected orders on WORKERS threads: the judges' own processes take most of the time."""
    items = (item for item in request.session.items if isinstance(item, pytest.Function) and hasattr(item, "callspec"))
    selected = [item.callspec.params["order"] for item in items if item.path == Path(__file__)]
    with ThreadPoolExecutor(WORKERS) as pool:
        futures: dict[str, Future[Verdicts]] = {}
        for order in selected:
            assert isinstance(order, Order)
            futures[str(order)] = pool.submit(judge, server, order, tmp_path_factory.mktemp(str(order), numbered=False))
        yield lambda order: futures[str(order)].result()
        pool.shutdown(cancel_futures=True)


def judge(server: AudioWriterServiceStub, order: Order, folder: Path) -> Verdicts:
    frames = min(max(int(order.rate * SECONDS), FEWEST_FRAMES), MOST_FRAMES) + ODD_FRAMES
    product = make(server, order, tones(order.rate, order.channels, frames, order.bits), folder)
    found = {"finished": list(totals(product))}
    found |= {judge.__name__.rstrip("_"): list(judge(product)) for judge in JUDGES[order.info.name]}
    for path in (product.live, product.file):
        path.unlink()
    return found


def totals(product: Product) -> Iterator[str]:
    """Yield the faults in the totals that the server reports."""
    totals, frames = product.totals, len(product.signal)
    if (totals.input_samples, totals.output_samples) != (frames, frames):
        yield f"{totals.input_samples} input and {totals.output_samples} output samples, expected {frames}"
    if totals.clipped_samples:
        yield f"{totals.clipped_samples} samples clipped"
    if abs(totals.peak - abs(product.signal).max()) > 1e-6:
        yield f"peak {totals.peak}, expected {abs(product.signal).max()}"


def test_every_listed_format_has_judges(server: AudioWriterServiceStub) -> None:
    listed = server.ListFormats(pb.ListFormatsRequest())
    assert listed == list_formats()
    assert {info.name for info in listed.formats} == set(JUDGES)


@pytest.mark.parametrize("order", orders(), ids=str)
def test_judges_find_no_fault(
    order: Order, verdicts: Callable[[Order], Verdicts], record_property: matrix.Record
) -> None:
    found = verdicts(order)
    for name, faults in found.items():
        matrix.record(record_property, order.info.name, name, content=not faults)
    assert not {name: faults for name, faults in found.items() if faults}
