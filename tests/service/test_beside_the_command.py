"""`counterfoil connect` while the service holds the redirect port: it leads to the service's page, and to no stranger's."""

import asyncio
import json

from tests.cli.office import Office
from tests.service.conftest import serving


def on_port(office, port):
    """The office's redirect is the service's port."""
    office.write(port=port)


async def connect(office, *words):
    """`connect` as a process; → how it ended."""
    return await asyncio.to_thread(office.process, "connect", "--no-browser", *words)


async def test_it_leads_to_the_page_of_our_service(office):
    """With the entity that was asked for; nothing is asked twice, and the command needs a person."""
    async with serving(office) as (_books, door):
        on_port(office, door.port)
        ended = await connect(office, "--json", "--entity", "acme-uk")
        told = await connect(office)
    assert (ended.code, json.loads(ended.out)) == (1, {"open": f"http://localhost:{door.port}/connect?entity=acme-uk"})
    assert (told.code, f"http://localhost:{door.port}/connect" in told.out) == (1, True)


async def test_another_installations_service_is_a_taken_port(office, tmp_path, sandbox):
    """Consenting there would connect somebody else's books."""
    other = Office(tmp_path / "other", sandbox)
    other.folder.mkdir()
    other.write()
    other.key()
    async with serving(other) as (_books, door):
        on_port(office, door.port)
        ended = await connect(office, "--json")
    assert (ended.code, json.loads(ended.out)["error"]["code"]) == (2, "port-taken")


async def test_a_stranger_on_the_port_is_a_taken_port(office):
    """Whatever it answers: nothing, noise, an endless answer, or JSON of its own."""
    for said in (b"", b"noise\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n{}", b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100_000):

        async def answer(reader, writer, said=said):
            await reader.read(1)
            writer.write(said)
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        on_port(office, server.sockets[0].getsockname()[1])
        ended = await connect(office, "--json")
        server.close()
        assert (ended.code, json.loads(ended.out)["error"]["code"]) == (2, "port-taken")
